"""Signals as a table: a time column in seconds and one column per unit or channel."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from murid.data.errors import Faults, did_you_mean
from murid.data.traces import make_traces
from murid.data.warning import warn_user
from murid.io.delimited_text import is_row_number, parse_numbers, seconds_in
from murid.io.files import Head, guess_delimiter, header_at, plain_name, read_text
from murid.io.registry import trace_reader

TIME = ("time_s", "time", "t")
_TIME = {plain_name(name) for name in TIME}
_NOT_TRACES = ("label", "stop s", "keypoint", "unit", "behavior", "behaviour")


def _is_table(head: Head) -> bool:
    names = [plain_name(c) for c in head.columns]
    return (
        head.is_text
        and len(names) > 1
        and any(n in _TIME for n in names)
        and not set(names) & set(_NOT_TRACES)
        and not any(n.endswith(" x") for n in names)
    )


@trace_reader(
    "traces_csv",
    (".csv", ".tsv", ".txt", ".csv.gz"),
    fallback=True,
    sniff=_is_table,
    about="signals as a table: time_s, one column per unit",
)
def read_traces_csv(
    path: Path,
    *,
    time: str | None = None,
    units: Sequence[str] | None = None,
    rate_hz: float | None = None,
    time_unit: str | None = None,
    kind: str = "dff",
) -> xr.DataArray:
    """Read signals from a table.

    Parameters
    ----------
    path : path
        CSV or TSV, gzip or not.
    time : str, optional
        Time column, when it is not called ``time_s``, ``time`` or ``t``.
    units : sequence of str, optional
        Columns to read; by default all with a name but time (text in any of them is an error), without those
        that hold 0 and 1 only beside others that do not: behaviours, zones and epochs are no signals.
    rate_hz : float, optional
        Rate in Hz of a table without a time column.
    time_unit : {"s", "ms", "us", "min"}, optional
        Unit of the time column; seconds, unless its steps are too long for that.
    kind : str
        What the numbers are (``"dff"``, ``"photometry"``, ``"deconvolved"`` …).
    """
    columns, body, delimiter, first_line = _parts(read_text(path))
    faults = Faults(str(path))
    for name in sorted({c for c in columns if c and columns.count(c) > 1}):
        faults.add(f"column '{name}' appears more than once", where=f"line {first_line - 1}")
    clock = time or next((c for c in columns if plain_name(c) in _TIME), None)
    if time is not None and time not in columns:
        faults.add(f"no column '{time}'", todo=did_you_mean(time, columns))
    elif clock is None and rate_hz is None:
        faults.add(
            "no time column",
            expected=" or ".join(TIME),
            got=", ".join(columns),
            todo="name it: time='...', or pass rate_hz=...",
        )
    wanted = list(units) if units is not None else [c for c in columns if c and c != clock]
    for name in wanted:
        if name not in columns:
            faults.add(f"no column '{name}'", todo=did_you_mean(name, columns))
    faults.raise_if_any()
    used = {columns.index(c) for c in wanted} | ({columns.index(clock)} if clock else set())
    skipped = tuple(i for i in range(len(columns)) if i not in used)
    values, _, lines = parse_numbers(
        body, columns, subject=str(path), first_line=first_line, delimiter=delimiter, text_columns=skipped
    )
    if units is None:
        wanted = [c for c in wanted if not is_row_number(c, values[:, columns.index(c)])]
        wanted = _signals(wanted, values[:, [columns.index(c) for c in wanted]], path)
    at = [columns.index(c) for c in wanted]
    when = None if clock is None else seconds_in(path, values[:, columns.index(clock)], time_unit)
    if when is not None and not np.isfinite(when).all():
        row = int(np.flatnonzero(~np.isfinite(when))[0])
        faults.add("time is missing", where=f"line {lines[row]}, column '{clock}'")
        faults.raise_if_any()
    return make_traces(
        values[:, at],
        time_s=when,
        rate_hz=None if when is not None else rate_hz,
        units=wanted,
        kind=kind,
        source_file=str(path),
    )


def _parts(text: str) -> tuple[list[str], str, str, int]:
    """Columns, body, delimiter and the number of the first line of the body."""
    lines = text.split("\n")
    at = header_at(lines)
    delimiter = guess_delimiter([lines[at]])
    columns = [c.strip() for c in next(csv.reader([lines[at]], delimiter=delimiter), [])]
    return columns, "\n".join(lines[at + 1 :]), delimiter, at + 2


def _signals(names: list[str], values: np.ndarray, path: Path) -> list[str]:
    """Columns that are not marks of a behaviour, a zone or an epoch (0 and 1 only); all when every one is."""
    marks = [bool(np.isin(column[np.isfinite(column)], (0, 1)).all()) for column in values.T]
    if all(marks) or not any(marks):
        return names
    listed = [name for name, mark in zip(names, marks, strict=True) if mark]
    warn_user(
        f"traces: columns with 0 and 1 only are not read as signals: {', '.join(listed)}; to read them as behaviours "
        f"give the same file as labels too: --traces {path.name} --labels {path.name} (Python: murid.read_labels(path, "
        f"source='onehot', behaviours={listed})); to read them as signals name all columns: "
        "-o traces.units=NAME,NAME (Python: units=[...])"
    )
    return [name for name, mark in zip(names, marks, strict=True) if not mark]
