"""Time budget as an analysis: how long, how often and when first, behaviour by behaviour."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from murid.data.analysis import Tables, analysis
from murid.data.errors import fail
from murid.data.labels import Labels
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.reserved_names import KEYS, behaviour_column
from murid.data.states import behaviour_names
from murid.data.tables import Table, number_column, text_column
from murid.ethogram.bouts import SUMMARY, summarise_states

BUDGET = Table(
    "budget",
    {name: column for name, column in SUMMARY.columns.items() if name != "individual"},
    "One row a recording, individual and behaviour; a behaviour that an animal never showed has its row, with 0.",
)
ANIMALS = Table(
    "animals",
    {"individual": text_column()},
    "One row a recording and individual: percent of the scored time in each behaviour, zeros included.",
    measures=number_column(unit="%", low=0, high=100 + 1e-6),
)
#: What a behaviour that never happened has.
_NEVER = {"count": 0, "rate_per_min": 0.0, "total_s": 0.0, "fraction": 0.0, "latency_censored": True}


class BudgetParams(Params):
    """Which part of a recording counts."""

    start_s: float = param(
        0.0, unit="s", ge=0, why="bouts and time from here on, counted from the start of the recording"
    )
    stop_s: float | None = param(None, unit="s", gt=0, why="and up to here, counted likewise; to the end by default")


def complete(frames: Mapping[str, pd.DataFrame], _params: BudgetParams) -> Tables:
    """Give every animal a row for every behaviour that any animal showed, and one column a behaviour."""
    table = frames["budget"]
    keys = [k for k in KEYS if k in table]
    behaviours = [b for b in dict.fromkeys(table["behaviour"]) if b]
    if not behaviours:
        fail(
            "budget",
            "no recording shows any behaviour",
            got=f"{len(table[keys].drop_duplicates())} recordings without a bout",
            todo="check that the label files hold what was scored",
        )
    animals = table[[*keys, "scored_s"]].groupby(keys, sort=False, as_index=False).max()
    every = animals.merge(pd.DataFrame({"behaviour": behaviours}), how="cross")
    full = every.merge(table.drop(columns="scored_s"), how="left", on=[*keys, "behaviour"])
    absent = full["count"].isna() & (full["scored_s"] > 0)
    for name, value in _NEVER.items():
        full.loc[absent, name] = value
    full.loc[absent, "latency_s"] = full.loc[absent, "scored_s"]
    full["latency_censored"] = full["latency_censored"].astype(bool)
    full["count"] = full["count"].astype("Int64")
    columns = [behaviour_column(b) for b in behaviours]
    wide = full.assign(percent=100 * full["fraction"], column=full["behaviour"].map(behaviour_column))
    wide = wide.pivot(index=keys, columns="column", values="percent")[columns]
    wide = wide.rename_axis(columns=None).reset_index()
    return Tables({"budget": full, "animals": wide}, units=dict.fromkeys(columns, "%"))


@analysis(
    "budget",
    params=BudgetParams,
    states="needed",
    tables=(BUDGET, ANIMALS),
    together=complete,
    compare="animals",
    shown=("budget",),
)
def analyse_budget(recording: Recording, params: BudgetParams, *, states: xr.DataArray) -> Tables:
    """Time spent in every behaviour, zeros included, and whether groups differ."""
    if recording.has("labels") and not behaviour_names(states):
        table = _nothing_shown(recording.need("labels"), states, params)
    else:
        low, high = _window(states, params)
        table = summarise_states(states, start_s=low, stop_s=high)
    outside = table.loc[table["scored_s"] <= 0, "individual"].drop_duplicates().tolist()
    span = f"from {params.start_s:g} s to {'the end' if params.stop_s is None else f'{params.stop_s:g} s'}"
    return Tables({"budget": table}, warnings=[f"{name}: nothing is scored {span}" for name in outside])


def _window(states: xr.DataArray, params: BudgetParams) -> tuple[float, float]:
    """Times of the window on the clock of the states: a clock may begin at any time (Unix seconds)."""
    begin = float(states["time"].values[0]) if states.sizes["time"] else 0.0
    low = begin + params.start_s if params.start_s else -float("inf")
    return low, float("inf") if params.stop_s is None else begin + params.stop_s


def _nothing_shown(labels: Labels, states: xr.DataArray, params: BudgetParams) -> pd.DataFrame:
    """One row an individual, without a behaviour: it was scored for so long and showed none.

    Without it the animal would be in no row, and the means those of the animals that showed something.
    """
    low, high = _window(states, params)
    scored = labels.scored
    length = (scored["stop_s"].clip(upper=high) - scored["start_s"].clip(lower=low)).clip(lower=0)
    seconds = length.groupby([scored["rater"], scored["stream"]]).sum()
    people = [str(i) for i in states["individual"].values]
    rows = {"individual": people, "behaviour": "", **_NEVER, "scored_s": float(seconds.max()) if len(seconds) else 0.0}
    return pd.DataFrame(rows).reindex(columns=list(SUMMARY.columns))
