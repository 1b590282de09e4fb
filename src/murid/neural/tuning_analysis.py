"""Tuning as an analysis: which units care about which behaviours, over all recordings."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from murid.data.analysis import Tables, analysis
from murid.data.pvalues import fdr_within
from murid.data.recording import Recording
from murid.data.tables import Table, count_column, flag_column, number_column, text_column
from murid.neural.subject import moved_controls, signal_of
from murid.neural.tuning import CALLED, TuningParams, compute_tuning

DIRECTIONS = (*CALLED, "none", "not tested")

#: Rounding: a correlation of 1 may come out a little above.
_EPS = 1e-9

TUNING = Table(
    "tuning",
    {
        "unit": text_column(),
        "behaviour": text_column(),
        "auroc": number_column(
            "AUROC", low=0, high=1, why="chance that the signal is higher in the behaviour than outside"
        ),
        "selectivity": number_column(low=-1, high=1, why="2 × AUROC − 1"),
        "p": number_column(low=0, high=1, why="against shifts of the behaviour in time"),
        "q": number_column(low=0, high=1, why="Benjamini–Hochberg within the recording; control channels apart"),
        "q_all": number_column(
            low=0, high=1, why="Benjamini–Hochberg over all recordings; control channels apart", optional=True
        ),
        "z": number_column(why="against the shifts"),
        "direction": text_column(choices=DIRECTIONS, why="by q within the recording"),
        "null": text_column(why="kind of shift: circular or linear"),
        "mean_in": number_column(why="of the signal in the behaviour; spikes/s for spikes"),
        "mean_out": number_column(why="of the signal outside; spikes/s for spikes"),
        "d_prime": number_column("d'", why="difference of these means in pooled SD"),
        "drift_unit": number_column(low=0, high=1 + _EPS, why="absolute correlation of the signal with time"),
        "drift_behaviour": number_column(low=0, high=1 + _EPS, why="absolute correlation of the behaviour with time"),
        "n_samples": count_column("samples", why="measured and labelled"),
        "n_in": count_column("samples in the behaviour"),
        "n_bouts": count_column("bouts"),
        "n_shifts": count_column("shifts", why="all that are admissible"),
        "n_independent": number_column("independent shifts", low=0, optional=True),
        "p_floor": number_column(low=0, high=1, why="the smallest p that the shifts can give"),
        "best_lag_s": number_column("best lag", unit="s", why="positive: the unit follows the behaviour"),
        "mi": number_column("mutual information", unit="bits", optional=True),
        "mi_corrected": number_column("mutual information without bias", unit="bits", optional=True),
        "control": flag_column(why="isosbestic channel, by its name: what it shows is no activity", optional=True),
        "reason": text_column(why="why it could not be tested; empty where it could"),
    },
    "One row a recording, unit and behaviour.",
)
TUNED = Table(
    "tuned",
    {
        "behaviour": text_column(),
        "tested": count_column("units tested"),
        "excited": count_column(),
        "suppressed": count_column(),
        "tuned": count_column("tuned without direction", why="by mutual information, which has no direction"),
    },
    "One row a behaviour: how many units.",
)


def count_tuned(frames: Mapping[str, pd.DataFrame], params: TuningParams) -> Tables:
    """Correct over all recordings, and count the units that are tuned; control channels are no units."""
    everything = frames["tuning"].copy()
    control = everything["control"].to_numpy(bool)
    everything["q_all"] = fdr_within(everything["p"], control)
    table = everything[~control]
    by_behaviour = {"tested": table["p"].notna()}
    by_behaviour |= {way: table["direction"] == way for way in CALLED}
    counts = pd.DataFrame({name: table[rows].groupby("behaviour").size() for name, rows in by_behaviour.items()})
    counts = (
        counts.reindex(everything["behaviour"].unique()).fillna(0).astype(int).rename_axis("behaviour").reset_index()
    )
    tuned = table[table["direction"].isin(CALLED)]
    units = int(table.groupby("recording")["unit"].nunique().sum())
    tested = int(table[table["p"].notna()].groupby("recording")["unit"].nunique().sum())
    n_tuned = int(tuned.groupby("recording")["unit"].nunique().sum())
    sentences = [
        f"{n_tuned} of {tested} tested units are tuned (q <= {params.alpha:g} within recording); {units} in all."
    ]
    moved = everything[control & everything["direction"].isin(CALLED).to_numpy()]
    if len(moved):
        sentences.append(moved_controls(moved))
    return Tables(
        {"tuning": everything, "tuned": counts},
        summary={
            "units": units,
            "tested_units": tested,
            "tuned_units": n_tuned,
            "alpha": params.alpha,
            "behaviours": counts.set_index("behaviour").to_dict("index"),
        },
        sentences=sentences,
    )


@analysis(
    "tuning",
    family="neural",
    params=TuningParams,
    any_of=("traces", "spikes"),
    states="needed",
    tables=(TUNING, TUNED),
    together=count_tuned,
    shown=("tuned",),
)
def analyse_tuning(recording: Recording, params: TuningParams, *, states: xr.DataArray) -> Tables:
    """Test every unit for tuning to every behaviour, against shifts of the behaviour in time."""
    signal = signal_of(recording, states)
    result = compute_tuning(signal, states, params=params)
    return Tables({"tuning": result.table.reset_index(drop=True)}, warnings=result.notes)
