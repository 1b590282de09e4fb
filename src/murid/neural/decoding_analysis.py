"""Decoding as an analysis: how well each behaviour can be read from the neurons of each recording."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.analysis import Tables, analysis
from murid.data.errors import DataError
from murid.data.meet import states_on
from murid.data.params import param
from murid.data.pvalues import fdr_within
from murid.data.recording import Recording
from murid.data.reserved_names import behaviour_column
from murid.data.states import UNLABELLED, behaviour_names, make_states, to_multilabel
from murid.data.tables import Table, flag_column, number_column, text_column
from murid.data.traces import Spikes, control_channels
from murid.neural.decoding import DecodingParams, decode_states
from murid.neural.subject import moved_controls, signal_of


class BehaviourDecodingParams(DecodingParams):
    """How each behaviour is decoded, on which clock, against how many shifts."""

    n_null: int = param(40, ge=0, why="shifts decoded too, for p; 40 reach .024, 200 or more for a publication")
    bin_s: float = param(0.2, gt=0, unit="s", why="clock that is decoded on, and bin for spike times")
    alpha: float = param(0.05, gt=0, lt=1, why="q at or below which a behaviour is counted as decoded")


DECODED = Table(
    "decoded",
    {
        "behaviour": text_column(),
        "balanced_accuracy": number_column(
            low=0, high=1, why="mean recall of present and absent, held out; 0.5 by chance"
        ),
        "recall_present": number_column(low=0, high=1),
        "recall_absent": number_column(low=0, high=1),
        "p": number_column(low=0, high=1, why="shifts of behaviour against activity"),
        "q_all": number_column(
            low=0,
            high=1,
            why="Benjamini–Hochberg over all recordings and behaviours; control channels apart",
            optional=True,
        ),
        "null": text_column(),
        "n_independent": number_column("independent shifts", low=0),
        "control": flag_column(
            why="decoded from isosbestic channels alone: what they show is no activity", optional=True
        ),
        "reason": text_column(why="why there is no p; empty where there is one"),
    },
    "One row a recording and behaviour; a second one from its isosbestic channels, where there are some.",
)
ANIMALS = Table(
    "animals",
    {"individual": text_column()},
    "One row a recording: balanced accuracy of each behaviour.",
    measures=number_column(),
)


def correct_decoded(frames: Mapping[str, pd.DataFrame], params: BehaviourDecodingParams) -> Tables:
    """Correct over all recordings and behaviours."""
    table = frames["decoded"].copy()
    control = table["control"].to_numpy(bool)
    table["q_all"] = fdr_within(table["p"], control)
    units, moved = table[~control], table[control & (table["q_all"] <= params.alpha).to_numpy()]
    tested, n = int(units["p"].notna().sum()), int((units["q_all"] <= params.alpha).sum())
    decoded = f"{n} of {tested} tested behaviours are decoded better than by chance"
    sentences = [f"{decoded} (q <= {params.alpha:g} over all)."]
    sentences += [moved_controls(moved.assign(unit="all of a recording"))] if len(moved) else []
    return Tables({"decoded": table}, summary={"tested": tested, "decoded": n}, sentences=sentences)


@analysis(
    "decoding",
    family="neural",
    params=BehaviourDecodingParams,
    any_of=("traces", "spikes"),
    states="needed",
    tables=(DECODED, ANIMALS),
    together=correct_decoded,
    compare="animals",
    shown=("decoded",),
)
def analyse_decoding(recording: Recording, params: BehaviourDecodingParams, *, states: xr.DataArray) -> Tables:
    """Decode the presence of every behaviour from neural activity, on held-out time, against shifts.

    Isosbestic channels show movement and bleaching, not activity: they are no part of it and are decoded apart.
    """
    signal = signal_of(recording, states)
    time = np.asarray(states["time"].values, np.float64)
    if np.median(np.diff(time)) < params.bin_s:
        states = states_on(states, np.arange(time[0] + params.bin_s / 2, time[-1], params.bin_s))
    dense = to_multilabel(states)
    units, controls = _parted(signal)
    parts = [(part, flag) for part, flag in ((units, False), (controls, True)) if part is not None]
    rows = [
        {**_decoded(part, dense, k, params), "control": flag}
        for part, flag in parts
        for k in range(len(behaviour_names(dense)))
    ]
    table = pd.DataFrame(rows)[[c for c in DECODED.columns if c != "q_all"]]
    own = table[~table["control"]]
    scores = {behaviour_column(str(b)): [v] for b, v in zip(own["behaviour"], own["balanced_accuracy"], strict=True)}
    animals = pd.DataFrame({"individual": [str(states["individual"].values[0])], **scores})
    reasons = own.loc[own["reason"] != ""]
    notes = [f"{b}: {why}" for b, why in zip(reasons["behaviour"], reasons["reason"], strict=True)]
    if isinstance(controls, xr.DataArray):
        listed = ", ".join(map(str, controls["unit"].values))
        notes.append(f"isosbestic channels are no part of the activity that is decoded, and stand apart: {listed}")
    return Tables({"decoded": table, "animals": animals}, warnings=notes)


def _parted(signal: xr.DataArray | Spikes) -> tuple[xr.DataArray | Spikes | None, xr.DataArray | None]:
    """Return the units and the isosbestic channels of a signal; None where there are none."""
    if isinstance(signal, Spikes):
        return signal, None
    units = [str(u) for u in signal["unit"].values]
    controls = control_channels(units)
    if not controls:
        return signal, None
    rest = [u for u in units if u not in controls]
    return signal.sel(unit=rest) if rest else None, signal.sel(unit=controls)


def _decoded(
    signal: xr.DataArray | Spikes, dense: xr.DataArray, k: int, params: BehaviourDecodingParams
) -> dict[str, object]:
    """Row of one behaviour of multi-label states."""
    codes = dense.values[:, 0, k].astype(np.int64)
    row: dict[str, object] = {"behaviour": behaviour_names(dense)[k], "null": "", "n_independent": np.nan, "p": np.nan}
    row |= {"balanced_accuracy": np.nan, "recall_present": np.nan, "recall_absent": np.nan, "reason": ""}
    if np.unique(codes[codes != UNLABELLED]).size < 2:
        return {**row, "reason": "behaviour never occurs, or never stops"}
    try:
        decoded = decode_states(signal, make_states(codes, dense["time"].values, ["absent", "present"]), params)
    except DataError as exc:
        return {**row, "reason": exc.faults[0].what}
    row |= {"balanced_accuracy": decoded.balanced_accuracy, "p": decoded.p, "null": decoded.test.null}
    row |= {"recall_absent": decoded.recall[0], "recall_present": decoded.recall[1]}
    return {**row, "n_independent": decoded.test.n_independent, "reason": decoded.test.reason}
