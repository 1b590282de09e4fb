"""Bouts and events: tables of intervals and of points in time.

Bouts: ``start_s, stop_s, label, individual`` and optional ``source, score, rater, stream``;
intervals are half-open, ``[start_s, stop_s)``. Events: ``time_s, label`` and optional
``value, individual``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from murid.data.errors import Faults

#: The individual of a label that belongs to all animals together, not to one of them.
EVERYONE = "all"

BOUT_COLUMNS = ("start_s", "stop_s", "label", "individual")
EVENT_COLUMNS = ("time_s", "label")
_TEXTS = {"individual": EVERYONE, "rater": "", "stream": "", "source": "human"}


def as_text(column: pd.Series, default: str = "") -> pd.Series:
    """Return a column as text; empty cells become `default`.

    One empty cell makes pandas read animals 1 and 2 as 1.0 and 2.0; they are "1" and "2" again.
    """

    def text(cell: object) -> str:
        if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
            return default
        if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
            return str(int(cell))
        return str(cell).strip() or default

    return pd.Series([text(cell) for cell in column], index=column.index, dtype="str")


def make_bouts(table: pd.DataFrame | None = None, *, name: str = "bouts", **columns: Any) -> pd.DataFrame:
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
        Missing columns, missing times or labels, bouts that stop before they start.

    Examples
    --------
    >>> make_bouts(start_s=[1.0], stop_s=[2.5], label=["rear"])[["start_s", "stop_s", "label", "individual"]]
       start_s  stop_s label individual
    0      1.0     2.5  rear        all
    """
    bouts = pd.DataFrame(columns) if table is None else table.assign(**columns).reset_index(drop=True)
    faults = Faults(name)
    for column in ("start_s", "stop_s", "label"):
        if column not in bouts:
            faults.add(f"column '{column}' is missing", got=", ".join(map(str, bouts.columns)))
    faults.raise_if_any()
    for column, default in _TEXTS.items():
        bouts[column] = as_text(bouts[column], default) if column in bouts else default
    if "score" not in bouts:
        bouts["score"] = np.nan
    for column in ("start_s", "stop_s", "score"):
        bouts[column] = pd.to_numeric(bouts[column], errors="coerce").astype(np.float64)
    bouts["label"] = as_text(bouts["label"])
    _check_labels(bouts["label"], faults)
    _check_intervals(bouts, faults)
    faults.raise_if_any()
    front = ["start_s", "stop_s", "label", *_TEXTS, "score"]
    bouts = bouts[front + [c for c in bouts.columns if c not in front]]
    return bouts.sort_values(["start_s", "stop_s"], kind="stable").reset_index(drop=True)


def _check_labels(labels: pd.Series, faults: Faults) -> None:
    """Add a fault for each row without a label."""
    for row in np.flatnonzero(labels == "")[:20]:
        faults.add("label is missing", where=f"row {row}", todo="name the behaviour or drop the row")


def _check_intervals(bouts: pd.DataFrame, faults: Faults) -> None:
    """Add a fault for each row whose times are missing, or that stops before it starts."""
    start, stop = bouts["start_s"].to_numpy(np.float64), bouts["stop_s"].to_numpy(np.float64)
    labels = bouts["label"].tolist()
    for row in np.flatnonzero(np.isnan(start) | np.isnan(stop))[:20]:
        faults.add(
            "start or stop is missing",
            where=f"row {row}",
            got=f"start {start[row]}, stop {stop[row]}",
            todo="complete the bout or drop the row",
        )
    for row in np.flatnonzero(stop < start)[:20]:
        faults.add(
            "bout stops before it starts",
            where=f"row {row} ({labels[row]})",
            got=f"{start[row]:.3f}-{stop[row]:.3f} s",
        )


def make_events(table: pd.DataFrame | None = None, *, name: str = "events", **columns: Any) -> pd.DataFrame:
    """Build and check an event table (``time_s, label[, value, individual]``), sorted by time.

    Labels and individuals are text: animals 1 and 2 are "1" and "2". Without individual an event
    belongs to all.

    Examples
    --------
    >>> make_events(time_s=[3.0, 1.0], label=["shock", "tone"])["label"].tolist()
    ['tone', 'shock']
    """
    events = pd.DataFrame(columns) if table is None else table.assign(**columns).reset_index(drop=True)
    faults = Faults(name)
    for column in EVENT_COLUMNS:
        if column not in events:
            faults.add(f"column '{column}' is missing", got=", ".join(map(str, events.columns)))
    faults.raise_if_any()
    if "value" not in events:
        events["value"] = np.nan
    events["individual"] = as_text(events["individual"], EVERYONE) if "individual" in events else EVERYONE
    events["time_s"] = pd.to_numeric(events["time_s"], errors="coerce").astype(np.float64)
    events["label"] = as_text(events["label"])
    _check_labels(events["label"], faults)
    for row in events.index[events["time_s"].isna()][:20]:
        faults.add("time is missing or no number", where=f"row {row}")
    faults.raise_if_any()
    return events.sort_values("time_s", kind="stable").reset_index(drop=True)
