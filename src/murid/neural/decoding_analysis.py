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
from murid.data.pvalues import fdr
from murid.data.recording import Recording
from murid.data.states import UNLABELLED, behaviour_names, make_states, to_multilabel
from murid.data.tables import Table, number_column, text_column
from murid.neural.decoding import DecodingParams, decode_states
from murid.neural.subject import signal_of


class BehaviourDecodingParams(DecodingParams):
    """How each behaviour is decoded, on which clock, against how many shifts."""

    n_null: int = param(40, ge=0, why="shifts decoded too, for p; 40 reach .024, 200 or more for a publication")
    bin_s: float = param(0.2, gt=0, unit="s", why="clock that is decoded on, and bin for spike times")


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
            low=0, high=1, why="Benjamini–Hochberg over all recordings and behaviours", optional=True
        ),
        "null": text_column(),
        "n_independent": number_column("independent shifts", low=0),
        "reason": text_column(why="why there is no p; empty where there is one"),
    },
    "One row a recording and behaviour.",
)
ANIMALS = Table(
    "animals",
    {"individual": text_column()},
    "One row a recording: balanced accuracy of each behaviour.",
    measures=number_column(),
)


def correct_decoded(frames: Mapping[str, pd.DataFrame], params: BehaviourDecodingParams) -> Tables:  # noqa: ARG001
    """Correct over all recordings and behaviours."""
    table = frames["decoded"].copy()
    table["q_all"] = fdr(table["p"])
    tested, n = int(table["p"].notna().sum()), int((table["q_all"] <= 0.05).sum())
    sentence = f"{n} of {tested} tested behaviours are decoded better than by chance (q <= 0.05 over all)."
    return Tables({"decoded": table}, summary={"tested": tested, "decoded": n}, sentences=[sentence])


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
    """Decode the presence of every behaviour from neural activity, on held-out time, against shifts."""
    signal = signal_of(recording, states)
    time = np.asarray(states["time"].values, np.float64)
    if np.median(np.diff(time)) < params.bin_s:
        states = states_on(states, np.arange(time[0] + params.bin_s / 2, time[-1], params.bin_s))
    dense = to_multilabel(states)
    rows = []
    for k, behaviour in enumerate(behaviour_names(dense)):
        codes = dense.values[:, 0, k].astype(np.int64)
        row: dict[str, object] = {"behaviour": behaviour, "null": "", "n_independent": np.nan, "p": np.nan}
        row |= {"balanced_accuracy": np.nan, "recall_present": np.nan, "recall_absent": np.nan, "reason": ""}
        if np.unique(codes[codes != UNLABELLED]).size < 2:
            row["reason"] = "behaviour never occurs, or never stops"
        else:
            try:
                decoded = decode_states(signal, make_states(codes, dense["time"].values, ["absent", "present"]), params)
            except DataError as exc:
                row["reason"] = exc.faults[0].what
            else:
                row |= {"balanced_accuracy": decoded.balanced_accuracy, "p": decoded.p, "null": decoded.test.null}
                row |= {"recall_absent": decoded.recall[0], "recall_present": decoded.recall[1]}
                row |= {"n_independent": decoded.test.n_independent, "reason": decoded.test.reason}
        rows.append(row)
    table = pd.DataFrame(rows)[[c for c in DECODED.columns if c != "q_all"]]
    scores = {str(b): [v] for b, v in zip(table["behaviour"], table["balanced_accuracy"], strict=True)}
    animals = pd.DataFrame({"individual": [str(states["individual"].values[0])], **scores})
    reasons = table.loc[table["reason"] != ""]
    notes = [f"{b}: {why}" for b, why in zip(reasons["behaviour"], reasons["reason"], strict=True)]
    return Tables({"decoded": table, "animals": animals}, warnings=notes)
