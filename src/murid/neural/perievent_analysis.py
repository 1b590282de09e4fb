"""Responses around bouts as an analysis: which units change at onsets or ends of which behaviours, and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.analysis import Tables, analysis
from murid.data.errors import DataError
from murid.data.meet.signals import as_traces
from murid.data.params import Params, param
from murid.data.pvalues import fdr_within
from murid.data.recording import Recording
from murid.data.reserved_names import behaviour_column
from murid.data.states import behaviour_names
from murid.data.tables import Table, count_column, flag_column, number_column, text_column
from murid.data.traces import control_channels
from murid.ethogram.bouts import bouts_of
from murid.neural.confidence_bands import confidence_band
from murid.neural.event_shifts import shift_test
from murid.neural.perievent import PeriEvent, PeriEventParams, bout_events, compute_perievent
from murid.neural.subject import moved_controls, signal_of


class ResponseParams(Params):
    """Which moments, which window, which baseline."""

    edge: Literal["start", "stop"] = param("start", why="onsets of bouts, or their ends")
    min_gap_s: float = param(0.0, unit="s", ge=0, why="leave out bouts that follow another of their kind so soon")
    min_duration_s: float = param(0.0, unit="s", ge=0, why="leave out shorter bouts")
    min_events: int = param(5, ge=2, why="fewer moments are not tested")
    before_s: float = param(2.0, unit="s", gt=0, why="window before the moment")
    after_s: float = param(2.0, unit="s", gt=0, why="window after it; the response is the mean over this")
    bin_s: float = param(0.1, unit="s", gt=0, why="bin for spike times, and of the curves")
    baseline_s: tuple[float, float] = param((-2.0, -1.0), unit="s", why="baseline relative to the moment, half-open")
    overlap: Literal["drop", "keep"] = param("drop", why="leave out moments whose window overlaps the last kept one")
    null: Literal["auto", "circular", "linear"] = param("auto", why="shifts of the moments; linear where both drift")
    min_independent: float = param(20.0, ge=0, why="no verdict from fewer independent shifts")
    alpha: float = param(0.05, gt=0, lt=1, why="q at or below which a response is counted")


RESPONSES = Table(
    "responses",
    {
        "unit": text_column(),
        "behaviour": text_column(),
        "n_events": count_column("moments used"),
        "n_left_out": count_column("moments left out", why="overlapping windows, pauses, ends of the recording"),
        "response": number_column(unit="z", why="mean over the time after the moment, baseline mean 0 and sd 1"),
        "peak_lag_s": number_column("lag of the largest |z|", unit="s"),
        "p": number_column(low=0, high=1, why="shifts of the moments, corrected over the window"),
        "q": number_column(low=0, high=1, why="Benjamini–Hochberg within the recording; control channels apart"),
        "q_all": number_column(
            low=0, high=1, why="Benjamini–Hochberg over all recordings; control channels apart", optional=True
        ),
        "null": text_column(why="kind of shift: circular or linear"),
        "n_independent": number_column("independent shifts", low=0),
        "control": flag_column(why="isosbestic channel, by its name: what it shows is no activity", optional=True),
        "reason": text_column(why="why it could not be tested; empty where it could"),
    },
    "One row a recording, unit and behaviour.",
)
CURVES = Table(
    "curves",
    {
        "unit": text_column(),
        "behaviour": text_column(),
        "lag_s": number_column("lag", unit="s"),
        "mean": number_column(unit="z"),
        "low": number_column(
            "95 % from", unit="z", why="over stretches of moments; missing where they are few or dependent"
        ),
        "high": number_column("95 % to", unit="z"),
    },
    "One row a recording, unit, behaviour and lag.",
)
ANIMALS = Table(
    "animals",
    {"individual": text_column()},
    "One row a recording: mean response over its units (control channels are none), by behaviour.",
    measures=number_column(unit="z"),
)


def count_responses(frames: Mapping[str, pd.DataFrame], params: ResponseParams) -> Tables:
    """Correct over all recordings, and count what responds."""
    table = frames["responses"].copy()
    control = table["control"].to_numpy(bool)
    table["q_all"] = fdr_within(table["p"], control)
    units, moved = table[~control], table[control & (table["q"] <= params.alpha).to_numpy()]
    tested = int(units["p"].notna().sum())
    n = int((units["q"] <= params.alpha).sum())
    sentences = [
        f"{n} of {tested} tested pairs of unit and behaviour respond (q <= {params.alpha:g} within recording)."
    ]
    sentences += [moved_controls(moved)] if len(moved) else []
    return Tables({"responses": table}, summary={"tested": tested, "respond": n}, sentences=sentences)


@analysis(
    "perievent",
    family="neural",
    params=ResponseParams,
    any_of=("traces", "spikes"),
    states="needed",
    tables=(RESPONSES, CURVES, ANIMALS),
    together=count_responses,
    compare="animals",
    shown=("responses",),
)
def analyse_responses(recording: Recording, params: ResponseParams, *, states: xr.DataArray) -> Tables:
    """Measure how every unit responds around bouts of every behaviour, against shifts of the bouts in time."""
    signal = signal_of(recording, states)
    traces = as_traces(signal, params.bin_s, "perievent")
    bouts = bouts_of(states)
    rows: list[pd.DataFrame] = []
    curves: list[pd.DataFrame] = []
    for behaviour in behaviour_names(states):
        reason, moments = "", np.empty(0)
        if (bouts["label"] == behaviour).any():
            moments = bout_events(
                bouts, behaviour, edge=params.edge, min_duration_s=params.min_duration_s, min_gap_s=params.min_gap_s
            )
        if moments.size < params.min_events:
            reason = f"too few moments ({moments.size} < {params.min_events})"
        table, curve = response_to(traces, moments, params, reason)
        rows.append(table.assign(behaviour=behaviour))
        curves += [] if curve is None else [curve.assign(behaviour=behaviour)]
    responses = pd.concat(rows, ignore_index=True)
    responses["q"] = fdr_within(responses["p"], responses["control"])
    units = responses["response"].where(~responses["control"])
    means = units.groupby(responses["behaviour"], sort=False).mean()
    responded = {behaviour_column(str(b)): [v] for b, v in means.items()}
    animals = pd.DataFrame({"individual": [str(states["individual"].values[0])], **responded})
    order = [c for c in RESPONSES.columns if c != "q_all"]
    empty = pd.DataFrame(columns=list(CURVES.columns))
    return Tables(
        {
            "responses": responses[order],
            "curves": pd.concat(curves, ignore_index=True)[list(CURVES.columns)] if curves else empty,
            "animals": animals,
        },
        warnings=_not_tested(responses),
        conventions={"moments": f"{params.edge} of bouts", "baseline_s": list(params.baseline_s)},
    )


def response_to(
    traces: xr.DataArray, moments: np.ndarray, params: ResponseParams, reason: str
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Rows of all units for the moments of one behaviour, and their curves (None where there is no moment to use)."""
    units = [str(u) for u in traces["unit"].values]
    table = pd.DataFrame({"unit": units, "n_events": 0, "n_left_out": moments.size, "response": np.nan, "p": np.nan})
    table = table.assign(peak_lag_s=np.nan, null="", n_independent=np.nan, reason=reason)
    table["control"] = table["unit"].isin(control_channels(units))
    if reason:
        return table, None
    cut = PeriEventParams(
        before_s=params.before_s,
        after_s=params.after_s,
        bin_s=params.bin_s,
        baseline_s=params.baseline_s,
        scale="z",
        overlap=params.overlap,
    )
    try:
        response = compute_perievent(traces, moments, params=cut)
    except DataError as exc:
        return table.assign(reason=exc.faults[0].what), None
    after = response.trials.sel(lag=response.trials["lag"] >= 0)
    table["n_events"], table["n_left_out"] = response.n_events, moments.size - response.n_events
    table["response"] = after.mean("event").mean("lag").values
    kept = response.events.loc[response.events["kept"], "time_s"].to_numpy()
    try:
        test = shift_test(
            traces,
            kept,
            before_s=params.before_s,
            after_s=params.after_s,
            baseline_s=params.baseline_s,
            null=params.null,
            min_independent=params.min_independent,
        ).table
    except DataError as exc:
        return table.assign(reason=exc.faults[0].what), _curve(response)
    # A unit without a value at any lag keeps its first row, which says why.
    size = test["statistic"].abs().fillna(-1.0)
    best = test.loc[test.assign(size=size).groupby("unit", sort=False)["size"].idxmax()]
    best = best.set_index("unit").reindex(units)
    peak = best["lag_s"].where(best["statistic"].notna())
    table["p"], table["peak_lag_s"] = best["p_corrected"].to_numpy(), peak.to_numpy()
    for name in ("null", "n_independent", "reason"):
        table[name] = best[name].to_numpy()
    return table, _curve(response)


def _curve(response: PeriEvent) -> pd.DataFrame:
    """Mean and band of every unit, long."""
    band = confidence_band(response)
    wide = band.to_dataset("bound").to_dataframe().reset_index().rename(columns={"lag": "lag_s"})
    return wide.assign(unit=wide["unit"].astype(str))


def _not_tested(responses: pd.DataFrame) -> list[str]:
    """What could not be tested, by reason."""
    reasons = responses.loc[responses["p"].isna(), "reason"].str.replace(r"\(.*\)", "", regex=True).str.strip()
    return [f"not tested: {n} pairs: {reason}" for reason, n in reasons.value_counts().items()]
