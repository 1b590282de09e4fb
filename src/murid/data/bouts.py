"""Bouts and events: tables of intervals and of points in time.

Bouts: ``start_s, stop_s, label, individual`` and optional ``source, score, rater, stream``;
intervals are half-open, ``[start_s, stop_s)``. Events: ``time_s, label`` and optional
``value, individual``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from murid.data.errors import Faults

#: The individual of a label that belongs to all animals together, not to one of them.
EVERYONE = "all"

BOUT_COLUMNS = ("start_s", "stop_s", "label", "individual")
EVENT_COLUMNS = ("time_s", "label")
_DEFAULTS = {"individual": EVERYONE, "rater": "", "stream": "", "source": "human", "score": np.nan}


def make_bouts(table: pd.DataFrame | None = None, *, name: str = "bouts", **columns) -> pd.DataFrame:
    """Build and check a bout table, sorted by start.

    Parameters
    ----------
    table : DataFrame, optional
        With at least ``start_s``, ``stop_s`` and ``label``; missing optional columns are filled
        (``individual="all"``, ``rater=""``, ``stream=""``, ``source="human"``, ``score=NaN``).
    name : str
        What to call the table in errors (a file name).
    **columns
        Columns given one by one instead of, or over, `table`.

    Raises
    ------
    DataError
        Missing columns, missing or negative times, bouts that stop before they start.
    """
    bouts = pd.DataFrame(columns) if table is None else table.assign(**columns)
    faults = Faults(name)
    for column in ("start_s", "stop_s", "label"):
        if column not in bouts:
            faults.add(f"column '{column}' is missing", got=", ".join(map(str, bouts.columns)))
    faults.raise_if_any()
    for column, value in _DEFAULTS.items():
        if column not in bouts:
            bouts[column] = value
    for column in ("start_s", "stop_s", "score"):
        bouts[column] = pd.to_numeric(bouts[column], errors="coerce").astype(np.float64)
    for column in ("label", "individual", "rater", "stream", "source"):
        bouts[column] = bouts[column].astype(str)
    _check_intervals(bouts, faults)
    faults.raise_if_any()
    order = [*_DEFAULTS]
    front = ["start_s", "stop_s", "label", *order]
    bouts = bouts[front + [c for c in bouts.columns if c not in front]]
    return bouts.sort_values(["start_s", "stop_s"], kind="stable").reset_index(drop=True)


def _check_intervals(bouts: pd.DataFrame, faults: Faults) -> None:
    """Add a fault for each row whose times are missing, or that stops before it starts."""
    missing = bouts.index[bouts["start_s"].isna() | bouts["stop_s"].isna()]
    for row in missing[:20]:
        faults.add(
            "start or stop is missing",
            where=f"row {row}",
            got=f"start {bouts.at[row, 'start_s']}, stop {bouts.at[row, 'stop_s']}",
            todo="complete the bout or drop the row",
        )
    backward = bouts.index[bouts["stop_s"] < bouts["start_s"]]
    for row in backward[:20]:
        faults.add(
            "bout stops before it starts",
            where=f"row {row} ({bouts.at[row, 'label']})",
            got=f"{bouts.at[row, 'start_s']:.3f}-{bouts.at[row, 'stop_s']:.3f} s",
        )


def make_events(table: pd.DataFrame | None = None, *, name: str = "events", **columns) -> pd.DataFrame:
    """Build and check an event table (``time_s, label[, value, individual]``), sorted by time."""
    events = pd.DataFrame(columns) if table is None else table.assign(**columns)
    faults = Faults(name)
    for column in EVENT_COLUMNS:
        if column not in events:
            faults.add(f"column '{column}' is missing", got=", ".join(map(str, events.columns)))
    faults.raise_if_any()
    for column, value in (("value", np.nan), ("individual", EVERYONE)):
        if column not in events:
            events[column] = value
    events["time_s"] = pd.to_numeric(events["time_s"], errors="coerce").astype(np.float64)
    events["label"] = events["label"].astype(str)
    for row in events.index[events["time_s"].isna()][:20]:
        faults.add("time is missing or no number", where=f"row {row}")
    faults.raise_if_any()
    return events.sort_values("time_s", kind="stable").reset_index(drop=True)
