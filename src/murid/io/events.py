"""Event tables: one row per point in time (shocks, tones, lever presses, TTL pulses)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from murid.data.bouts import make_events
from murid.data.errors import Faults, fail
from murid.io.delimited_text import read_table, rename_roles
from murid.io.files import Head
from murid.io.registry import reader

_ROLES = {
    "time": ("time", "onset", "timestamp", "start", "sec"),
    "label": ("label", "event", "name", "code", "type", "stimulus", "behavior", "behaviour"),
    "value": ("value", "amplitude", "state", "intensity"),
}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}


def _is_events(head: Head) -> bool:
    return head.has_columns("time_s", "label") and not head.has_columns("keypoint")


@reader(
    "events",
    "events_csv",
    (".csv", ".tsv", ".csv.gz"),
    fallback=True,
    sniff=_is_events,
    about="events: time_s, label[, value, individual]; other column names are asked for",
)
def read_events_csv(
    path: Path,
    *,
    time: str | None = None,
    label: str | None = None,
    value: str | None = None,
    individual: str | None = None,
    unit: str = "s",
) -> pd.DataFrame:
    """Read an event table.

    Parameters
    ----------
    path : path
        CSV or TSV.
    time, label, value, individual : str, optional
        Columns, when they are not called ``time_s``, ``label``, ``value``, ``individual``.
    unit : {"s", "ms", "us", "min"}
        Unit of the time column; the result is in seconds.

    Raises
    ------
    DataError
        When a column is missing. The error proposes the columns that look right; they are never
        taken without being named.
    """
    if unit not in _SECONDS:
        fail(str(path), "unknown unit of time", expected=", ".join(_SECONDS), got=repr(unit))
    table = read_table(path)
    asked = {"time": time or "time_s", "label": label or "label"}
    faults = Faults(str(path))
    when, what = (table.column(name, required=False) for name in asked.values())
    if when is None or what is None:
        guess = rename_roles(_ROLES, table.columns)
        call = ", ".join(f"{role}={column!r}" for role, column in guess.items())
        advice = f"name the columns, perhaps: {call}" if call else "name the columns"
        missing = [n for n, c in zip(asked.values(), (when, what), strict=True) if c is None]
        names = " and ".join(f"'{n}'" for n in missing)
        verb = "columns {} are" if len(missing) > 1 else "column {} is"
        fail(str(path), f"{verb.format(names)} missing", got=", ".join(table.columns), todo=advice)
    time_s = table.seconds(when, faults) if unit == "s" else table.numbers(when, faults) * _SECONDS[unit]
    out = pd.DataFrame({"time_s": time_s, "label": table.labels(what, faults)})
    amount = table.column(value) if value else table.column("value", required=False)
    owner = table.column(individual) if individual else table.column("individual", required=False)
    if amount:
        out["value"] = table.numbers(amount, faults)
    if owner:
        out["individual"] = table.names(owner, "all")
    for row in out.index[out["time_s"].isna()]:
        faults.add("time is missing", where=f"line {table.lines[row]}")
    faults.raise_if_any()
    return make_events(out, name=str(path))
