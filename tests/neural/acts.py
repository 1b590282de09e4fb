"""Cases of the parameters of `murid.neural`: two units in some 30 rears, on a signal that drifts."""

from __future__ import annotations

from functools import cache
from unittest.mock import patch

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import fail
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.traces import Spikes, make_traces
from murid.learn.nets.params import TrainParams
from murid.neural import compute_perievent, compute_tuning, decode, decoding_analysis
from murid.neural.decoding import DecodingParams
from murid.neural.decoding_analysis import BehaviourDecodingParams
from murid.neural.perievent import PeriEventParams
from murid.neural.perievent_analysis import ResponseParams, analyse_responses, count_responses
from murid.neural.photometry_analysis import PhotometryParams, analyse_photometry, count_photometry
from murid.neural.tuning import TuningParams
from murid.neural.tuning_analysis import analyse_tuning, count_tuned
from tests.parameter_cases import Acts


@cache
def session(drift: float = 0.0):
    """300 s: rears of 0.3 to 3 s, more of them towards the end; unit 0 follows by 0.2 s, unit 1 does not."""
    rng = np.random.default_rng(0)
    starts = np.cumsum(rng.uniform(2, 10, 90))
    starts = starts[starts < 295] if not drift else starts[(starts > 150) & (starts < 295)]
    stops = starts + rng.uniform(0.3, 3, starts.size)
    time = np.arange(3000) / 10
    values = rng.standard_normal((3000, 2)) + drift * time[:, None] / 300
    for a, b in zip(starts, stops, strict=True):
        values[(time >= a + 0.2) & (time < b + 0.2), 0] += 1.0
    bouts = pd.DataFrame({"start_s": starts, "stop_s": stops, "label": "rear"})
    labels = Labels.from_bouts(
        bouts, scored=pd.DataFrame({"start_s": [0.33], "stop_s": [299.0], "rater": "", "stream": ""})
    )
    return Recording("r", traces=make_traces(values, time_s=time), labels=labels), labels.to_states(
        np.arange(6000) / 20
    )


@cache
def spikes() -> Spikes:
    rng = np.random.default_rng(1)
    return Spikes({"a": np.sort(rng.uniform(0, 300, 3000)), "b": np.sort(rng.uniform(0, 300, 900))}, 0.0, 300.0)


def tuned(p: TuningParams):
    results = [compute_tuning(signal, states, params=p) for signal, states in _signals()]
    counted = count_tuned(
        {"tuning": analyse_tuning(session()[0], p, states=session()[1]).frames["tuning"].assign(recording="r")}, p
    )
    return [(one.table, one.lag_curves) for one in results], dict(counted.frames), list(counted.sentences)


def _signals():
    (recording, states), (drifting, late) = session(), session(3.0)
    return [(recording.need("traces"), states), (drifting.need("traces"), late), (spikes(), states)]


def around(p: PeriEventParams):
    recording, _ = session()
    moments = recording.need("labels").bouts["start_s"].to_numpy()
    found = [compute_perievent(signal, moments, params=p) for signal in (recording.need("traces"), spikes())]
    return [(one.trials, one.events, one.baseline_mean, one.baseline_sd) for one in found]


def responses(p: ResponseParams):
    found = analyse_responses(session()[0], p, states=session()[1])
    whole = count_responses({"responses": found.frames["responses"].assign(recording="r")}, p)
    return dict(found.frames), list(whole.sentences)


@cache
def fibre() -> Recording:
    """The session as raw fluorescence: both channels bleach and move, transients follow rears by half a second."""
    rng, time = np.random.default_rng(3), np.arange(6000) / 20
    labels = session()[0].need("labels")
    moving = np.convolve(rng.standard_normal(time.size), np.ones(40) / 40, "same")
    control = 2 + 0.6 * np.exp(-time / 60) + 0.1 * moving
    starts = labels.bouts["start_s"].to_numpy()
    sizes = rng.uniform(0.02, 0.2, starts.size)
    calcium = sum(h * np.exp(-(((time - a - 0.5) / 0.3) ** 2)) for a, h in zip(starts, sizes, strict=True))
    signal = 1.5 * control * (1 + calcium)
    values = np.stack([signal, control], 1) + 0.02 * rng.standard_normal((time.size, 2))
    return Recording(
        "f",
        traces=make_traces(values, time_s=time, units=["G_465", "G_405"], kind="photometry"),
        labels=labels,
        events=pd.DataFrame({"time_s": starts[::3] + 1.0, "label": "tone"}),
    )


def photometry(p: PhotometryParams):
    found = analyse_photometry(fibre(), p, states=session()[1])
    whole = count_photometry({k: table.assign(recording="f") for k, table in found.frames.items()}, p)
    return dict(found.frames), dict(whole.frames), dict(whole.summary)


@cache
def wandering(drift: float) -> xr.DataArray:
    """A value on a clock of 2 Hz, of which unit 0 of the session knows a little."""
    time, rng = np.arange(600) / 2, np.random.default_rng(2)
    known = session(drift)[0].need("traces").values[::5, :1]
    values = known + rng.normal(0, 2, (600, 1)).cumsum(axis=0) / 10 + drift * time[:, None] / 300
    return xr.DataArray(values, dims=("time", "component"), coords={"time": time})


def decoded(p: DecodingParams):
    made = []
    for drift in (0.0, 3.0):
        found = decode(session(drift)[0].need("traces"), wandering(drift), p)
        made.append((found.prediction, found.fold, found.test))
    return made, decode(spikes(), wandering(0.0), p).prediction


def handed_on(p: BehaviourDecodingParams):
    """Everything goes to `decode_states` as it is (see DecodingParams), on a clock of `bin_s`."""
    given = {}

    def note(_signal, states, params):
        given.update(dict(params), train=params.train.model_dump(), clock=states["time"].values)
        fail("noted", "nothing is decoded")

    with patch.object(decoding_analysis, "decode_states", note):
        decoding_analysis.analyse_decoding(session()[0], p, states=session()[1])
    counted = decoding_analysis.correct_decoded({"decoded": pd.DataFrame({"p": [0.001], "control": [False]})}, p)
    return given, counted.summary


SHORT = TrainParams(epochs=1, batch=2000, device="cpu")
DECODING = {
    "decoder": "conv",
    "lags_s": 0.5,
    "folds": 4,
    "gap_s": 5.0,
    "hidden": 4,
    "train": SHORT.replace(lr=0.1),
    "n_null": 19,
    "null": "linear",
    "drift_limit": 0.9,
    "min_independent": 1e6,
    "min_shift_s": 5.0,
    "bin_s": 0.5,
    "seed": 1,
}
DECODING_BASE = {
    "folds": 3,
    "gap_s": 1.0,
    "lags_s": 0.1,
    "n_null": 9,
    "min_independent": 1.0,
    "hidden": 8,
    "train": SHORT,
}
DECODING_GIVEN = {"hidden": {"decoder": "conv", "n_null": 0}, "train": {"decoder": "conv", "n_null": 0}}

#: What responses to moments share.
RESPONSES = {
    "edge": "stop",
    "min_gap_s": 5.0,
    "min_duration_s": 1.0,
    "min_events": 60,
    "before_s": 3.0,
    "after_s": 1.0,
    "bin_s": 0.2,
    "baseline_s": (-2.0, -1.5),
    "overlap": "keep",
    "null": "linear",
    "min_independent": 1e6,
    "alpha": 1e-6,
}

CASES = {
    TuningParams: Acts(
        tuned,
        {
            "statistic": "mi",
            "null": "circular",
            "min_shift_s": 10.0,
            "max_min_shift": 0.05,
            "linear_reach": 0.1,
            "drift_limit": 0.9,
            "drift_blocks": 6,
            "min_bouts": 60,
            "min_labelled": 1.0,
            "max_lag_s": 0.5,
            "curve_s": 1.0,
            "mi_bins": 8,
            "bin_s": 0.2,
            "min_independent": 1e6,
            "alpha": 1e-6,
        },
        given={"mi_bins": {"statistic": "mi"}, "max_min_shift": {"min_shift_s": 100.0}},
    ),
    PeriEventParams: Acts(
        around,
        {
            "before_s": 3.0,
            "after_s": 1.0,
            "bin_s": 0.2,
            "baseline_s": (-2.0, -1.5),
            "scale": "z",
            "overlap": "keep",
        },
        given={"baseline_s": {"scale": "subtract", "baseline_s": (-2.0, -1.0)}, "scale": {"baseline_s": (-2.0, -1.0)}},
    ),
    ResponseParams: Acts(responses, RESPONSES),
    PhotometryParams: Acts(
        photometry,
        {
            **RESPONSES,
            "control": "none",
            "correct": "difference",
            "lowpass_hz": None,
            "z_baseline_s": (0.0, 100.0),
            "threshold": 8.0,
            "window_s": 3.0,
            "min_interval_s": 5.0,
            "table_hz": 5.0,
        },
    ),
    DecodingParams: Acts(decoded, DECODING, base=DECODING_BASE, given=DECODING_GIVEN),
    BehaviourDecodingParams: Acts(handed_on, {**DECODING, "alpha": 1e-6}, base=DECODING_BASE),
}
