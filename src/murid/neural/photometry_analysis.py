"""Photometry as an analysis: every channel corrected and z-scored, its transients, responses and means by state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.analysis import Tables, analysis
from murid.data.clock import even_parts, spans
from murid.data.errors import DataError, did_you_mean, fail
from murid.data.names import counted
from murid.data.params import param
from murid.data.pvalues import fdr
from murid.data.recording import Recording
from murid.data.states import behaviour_names
from murid.data.tables import Table, count_column, number_column, text_column
from murid.data.traces import control_of, make_traces
from murid.ethogram.bouts import bouts_of
from murid.neural.perievent import bout_events
from murid.neural.perievent_analysis import RESPONSES, ResponseParams, response_to
from murid.neural.photometry import above_local_median, bleaching, dff, difference, low_pass, transients, zscore
from murid.neural.state_means import by_state
from murid.neural.subject import require_one_animal

#: Ways to correct a channel, as the table names them.
DFF, DIFFERENCE, NONE = "dF/F", "difference", "none"


class PhotometryParams(ResponseParams):
    """How channels are corrected, what a transient is, and which window responses are measured in."""

    control: str = param("auto", why="isosbestic channel of all others; auto: by their names; none: there is none")
    correct: Literal["auto", "dff", "difference", "none"] = param(
        "auto",
        why="dff for raw fluorescence; difference to the fit for traces that were detrended before; auto tells them "
        "apart: raw fluorescence is above 0 throughout",
    )
    lowpass_hz: float | None = param(3.0, unit="Hz", gt=0, why="faster changes are noise, not sensor; none: as it is")
    z_baseline_s: tuple[float, float] | None = param(None, unit="s", why="stretch that z refers to; all by default")
    threshold: float = param(4.0, gt=0, why="robust SDs above the local median from which a peak is a transient")
    window_s: float = param(15.0, unit="s", gt=0, why="local median: of so much time around a sample")
    min_interval_s: float = param(0.5, unit="s", ge=0, why="of two peaks nearer than this the higher one counts")
    table_hz: float = param(10.0, unit="Hz", gt=0, why="rate of the table of traces: means of bins")


CHANNELS = Table(
    "channels",
    {
        "unit": text_column("channel"),
        "control": text_column("isosbestic channel", why="empty where there is none"),
        "correction": text_column(choices=(DFF, DIFFERENCE, NONE)),
        "slope": number_column(why="of the signal on its isosbestic channel, robust"),
        "correlation": number_column(low=-1 - 1e-9, high=1 + 1e-9, why="of signal and isosbestic channel"),
        "bleached": number_column(low=-np.inf, high=1, why="share of the baseline that is lost from start to end"),
        "noise": number_column(low=0, why="robust SD of the corrected trace around its local median"),
        "minutes": number_column(unit="min", low=0, why="with a signal"),
        "transients": count_column(),
        "transients_per_min": number_column("transients per minute", unit="1/min", low=0),
        "size": number_column(low=0, why="mean transient above the local median, dF/F or in the unit of the trace"),
        "size_z": number_column("size", unit="z", low=0, why="mean transient in SDs of the baseline"),
        "width_s": number_column("width", unit="s", low=0, why="median, at half prominence"),
        "reason": text_column(why="why the channel could not be corrected; empty where it could"),
    },
    "One row a recording and channel.",
)
TRACES = Table(
    "traces",
    {
        "unit": text_column("channel"),
        "time_s": number_column("time", unit="s"),
        "corrected": number_column(why="dF/F as a fraction, or the difference in the unit of the trace"),
        "z": number_column(unit="z", why="of the stated baseline"),
    },
    "One row a recording, channel and bin of time: corrected traces.",
)
TRANSIENTS = Table(
    "transients",
    {
        "unit": text_column("channel"),
        "time_s": number_column("time of the peak", unit="s"),
        "size": number_column(low=0, why="above the local median"),
        "width_s": number_column("width at half prominence", unit="s", low=0),
    },
    "One row a transient.",
)
STATES = Table(
    "states",
    {
        "unit": text_column("channel"),
        "behaviour": text_column(),
        "mean": number_column(unit="z"),
        "sd": number_column(unit="z", low=0),
        "seconds": number_column(unit="s", low=0, why="with a signal"),
        "share": number_column(low=0, high=1 + 1e-9, why="of the labelled time with a signal"),
    },
    "One row a recording, channel and behaviour.",
)
ANIMALS = Table(
    "animals",
    {"individual": text_column()},
    "One row a recording: transients, and mean response to every event or behaviour, channel by channel.",
    measures=number_column(),
)


def count_photometry(frames: Mapping[str, pd.DataFrame], params: PhotometryParams) -> Tables:
    """Correct the tests of responses over all recordings, and count."""
    channels = frames["channels"]
    rate = channels["transients_per_min"].dropna()
    sentences = (
        [f"{counted(len(rate), 'channel')} with {rate.mean():.2g} transients a minute on average."] if len(rate) else []
    )
    if "responses" not in frames:
        return Tables({}, summary={"channels": len(channels)}, sentences=sentences)
    table = frames["responses"].copy()
    table["q_all"] = fdr(table["p"])
    tested, n = int(table["p"].notna().sum()), int((table["q"] <= params.alpha).sum())
    sentences.append(f"{n} of {tested} tested responses differ from 0 (q <= {params.alpha:g} within recording).")
    summary = {"channels": len(channels), "tested": tested, "respond": n}
    return Tables({"responses": table}, summary=summary, sentences=sentences)


@analysis(
    "photometry",
    family="neural",
    params=PhotometryParams,
    needs=("traces",),
    uses=("events",),
    states="optional",
    tables=(CHANNELS, RESPONSES, STATES, TRANSIENTS, TRACES, ANIMALS),
    together=count_photometry,
    compare="animals",
    shown=("channels", "responses"),
    cites=("Keevers L. J. & Jean-Richard-dit-Bressel P. (2025) Neurophotonics 12:025003",),
)
def analyse_photometry(recording: Recording, params: PhotometryParams, *, states: xr.DataArray | None) -> Tables:
    """Correct fibre photometry by its isosbestic channel, and measure transients and responses.

    Events of the recording and onsets of bouts are what responses are measured to.
    """
    if states is not None:
        require_one_animal(recording, states)
    corrected, channels, warned = correct_channels(recording.need("traces"), params)
    z = zscore(corrected, baseline_s=params.z_baseline_s)
    peaks = transients(
        corrected, threshold=params.threshold, window_s=params.window_s, min_interval_s=params.min_interval_s
    )
    channels = _with_transients(channels, corrected, z, peaks, params.window_s)
    frames = {"channels": channels, "transients": peaks, "traces": _binned(corrected, z, params.table_hz)}
    responses = _responses(recording, states, z, params)
    if responses is not None:
        frames["responses"] = responses
    if states is not None:
        frames["states"] = by_state(z, states)[list(STATES.columns)]
    name = "all" if states is None else str(states["individual"].values[0])
    wide, units = _wide(channels, responses)
    frames["animals"] = pd.DataFrame({"individual": [name], **{k: [v] for k, v in wide.items()}})
    conventions = {"z_baseline": str(z.attrs["z_baseline"]), "lowpass_hz": params.lowpass_hz}
    return Tables(frames, warnings=warned, conventions=conventions, units=units)


def correct_channels(traces: xr.DataArray, params: PhotometryParams) -> tuple[xr.DataArray, pd.DataFrame, list[str]]:
    """Return the corrected signal channels, a row about each, and what could not be done.

    Raises
    ------
    DataError
        When no channel can be corrected; the message has the reason of each.
    """
    smooth = traces if params.lowpass_hz is None else low_pass(traces, params.lowpass_hz)
    rows, parts, warned = [], [], []
    for unit, control in _pairs(traces, params).items():
        row: dict[str, object] = {"unit": unit, "control": control or "", "slope": np.nan, "correlation": np.nan}
        signal = smooth.sel(unit=[unit])
        isosbestic = None if control is None else smooth.sel(unit=[control])
        way = _way(signal, isosbestic, params)
        try:
            fixed = _corrected(signal, isosbestic, way)
        except DataError as exc:
            rows.append({**row, "correction": NONE, "bleached": np.nan, "reason": exc.faults[0].what})
            continue
        if control is None:
            warned.append(f"channel '{unit}' has no isosbestic channel: movement is not corrected")
        if way == DIFFERENCE and params.correct == "auto":
            warned.append(f"channel '{unit}' is not raw fluorescence (values below 0): no dF/F, but the difference")
        row |= {k: fixed.attrs[k][0] for k in ("slope", "correlation") if k in fixed.attrs}
        rows.append({**row, "correction": way, "bleached": _bleached(signal, way), "reason": ""})
        parts.append(fixed.values[:, 0])
    kept = [str(row["unit"]) for row in rows if not row["reason"]]
    if not kept:
        fail("photometry", "no channel can be corrected", got="; ".join(f"{r['unit']}: {r['reason']}" for r in rows))
    warned += [f"channel '{row['unit']}' is left out: {row['reason']}" for row in rows if row["reason"]]
    corrected = make_traces(np.stack(parts, axis=1), time_s=traces["time"].values, units=kept, kind="photometry")
    return corrected, pd.DataFrame(rows), warned


def _pairs(traces: xr.DataArray, params: PhotometryParams) -> dict[str, str | None]:
    """Signal channel → its isosbestic channel."""
    units = [str(u) for u in traces["unit"].values]
    if params.control == "none":
        return dict.fromkeys(units, None)
    if params.control == "auto":
        return control_of(units)
    if params.control not in units:
        fail("photometry", f"no channel '{params.control}'", todo=did_you_mean(params.control, units))
    return {unit: params.control for unit in units if unit != params.control}


def _way(signal: xr.DataArray, isosbestic: xr.DataArray | None, params: PhotometryParams) -> str:
    """How a channel is corrected."""
    if params.correct != "auto":
        return {"dff": DFF, "difference": DIFFERENCE, "none": NONE}[params.correct]
    raw = bool((signal.values[np.isfinite(signal.values)] > 0).all())
    return DFF if raw else DIFFERENCE if isosbestic is not None else NONE


def _corrected(signal: xr.DataArray, isosbestic: xr.DataArray | None, way: str) -> xr.DataArray:
    """Correct one channel."""
    if way == NONE or (way == DIFFERENCE and isosbestic is None):
        return signal
    if isosbestic is None:
        fit = bleaching(signal.values[:, 0], signal["time"].values)[:, None]
        return signal.copy(data=((signal.values - fit) / fit).astype(np.float32))
    return dff(signal, isosbestic) if way == DFF else difference(signal, isosbestic)


def _bleached(signal: xr.DataArray, way: str) -> float:
    """Share of the baseline that is lost from the first to the last tenth; NaN where there is no raw fluorescence."""
    tenth = max(1, signal.sizes["time"] // 10)
    if way != DFF:
        return float("nan")
    first, last = np.nanmedian(signal.values[:tenth]), np.nanmedian(signal.values[-tenth:])
    return float(1 - last / first)


def _with_transients(
    channels: pd.DataFrame, corrected: xr.DataArray, z: xr.DataArray, peaks: pd.DataFrame, window_s: float
) -> pd.DataFrame:
    """Add what is known of the transients of each channel."""
    span, rows = spans(corrected["time"].values), {}
    stretches = even_parts(corrected["time"].values)
    for u, unit in enumerate(map(str, corrected["unit"].values)):
        x, own = corrected.values[:, u].astype(float), peaks[peaks["unit"] == unit]
        known = np.isfinite(x)
        minutes = float(span[known].sum()) / 60
        per_sd = float(np.nanstd(z.values[:, u]) / np.nanstd(x)) if np.nanstd(x) > 0 else np.nan
        rows[unit] = {
            "noise": 1.4826 * float(np.nanmedian(np.abs(above_local_median(x, stretches, window_s)))),
            "minutes": minutes,
            "transients": len(own),
            "transients_per_min": len(own) / minutes if minutes else np.nan,
            "size": own["size"].mean(),
            "size_z": own["size"].mean() * per_sd,
            "width_s": own["width_s"].median(),
        }
    measured = pd.DataFrame.from_dict(rows, orient="index").reindex(channels["unit"]).reset_index(drop=True)
    joined = pd.concat([channels, measured], axis=1)[list(CHANNELS.columns)]
    return joined.astype({"transients": "Int64"})


def _binned(corrected: xr.DataArray, z: xr.DataArray, rate_hz: float) -> pd.DataFrame:
    """Means of bins of both kinds of trace, long; bins without a sample (pauses) are left out."""
    time = corrected["time"].values
    bins = np.floor((time - time[0]) * rate_hz + 1e-6).astype(np.int64)
    parts = []
    for u, unit in enumerate(map(str, corrected["unit"].values)):
        frame = pd.DataFrame({"time_s": time, "corrected": corrected.values[:, u], "z": z.values[:, u]}, dtype=float)
        parts.append(frame.groupby(bins).mean().reset_index(drop=True).assign(unit=unit))
    return pd.concat(parts, ignore_index=True)[list(TRACES.columns)]


def _moments(recording: Recording, states: xr.DataArray | None, params: PhotometryParams) -> dict[str, np.ndarray]:
    """Events and edges of bouts that responses are measured to, s; an event and a behaviour may share a name."""
    moments: dict[str, np.ndarray] = {}
    if recording.has("events"):
        events = recording.need("events")
        for label, own in events.groupby("label", sort=False):
            moments[str(label)] = np.sort(own["time_s"].to_numpy(np.float64))
    if states is not None:
        bouts = bouts_of(states)
        for behaviour in behaviour_names(states):
            name = behaviour
            while name in moments:
                name += " (bouts)"
            moments[name] = (
                bout_events(
                    bouts, behaviour, edge=params.edge, min_duration_s=params.min_duration_s, min_gap_s=params.min_gap_s
                )
                if (bouts["label"] == behaviour).any()
                else np.empty(0)
            )
    return moments


def _responses(
    recording: Recording, states: xr.DataArray | None, z: xr.DataArray, params: PhotometryParams
) -> pd.DataFrame | None:
    """Responses of all channels to all moments; None where there are no moments of any kind."""
    tables = []
    for name, moments in _moments(recording, states, params).items():
        few = moments.size < params.min_events
        reason = f"too few moments ({moments.size} < {params.min_events})" if few else ""
        # Isosbestic channels have been taken out, unless it was said that there is none.
        tables.append(response_to(z, moments, params, reason)[0].assign(behaviour=name, control=False))
    if not tables:
        return None
    table = pd.concat(tables, ignore_index=True)
    table["q"] = fdr(table["p"])
    return table[[c for c in RESPONSES.columns if c != "q_all"]]


def _wide(channels: pd.DataFrame, responses: pd.DataFrame | None) -> tuple[dict[str, float], dict[str, str]]:
    """Measures of a recording by name, and their units; the channel stands in the name where there are several."""
    several = len(channels) > 1
    measures: dict[str, float] = {}
    units: dict[str, str] = {}
    for row in channels.to_dict("records"):
        end = f":{row['unit']}" if several else ""
        for column in ("transients_per_min", "size", "size_z"):
            name = f"transient_{column}" if column != "transients_per_min" else column
            measures[name + end] = row[column]
            known = {"transients_per_min": "1/min", "size_z": "z"}
            units[name + end] = known.get(column) or _unit_of(row["correction"])
    for row in [] if responses is None else responses.to_dict("records"):
        name = f"response:{row['behaviour']}" + (f":{row['unit']}" if several else "")
        measures[name], units[name] = row["response"], "z"
    return measures, units


def _unit_of(correction: str) -> str:
    return "dF/F" if correction == DFF else "unit of the trace"
