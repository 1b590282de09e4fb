"""Excel workbooks as delimited text, so that every reader of tables reads them too."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from murid.data.errors import fail
from murid.data.warning import warn_user

SUFFIXES = (".xlsx", ".xlsm")
_MIDNIGHT = dt.time(0)


def is_workbook(path: Path) -> bool:
    """True for the name of an Excel workbook."""
    return path.suffix.lower() in SUFFIXES


def sheets_of(path: Path) -> dict[str, list[list[str]]]:
    """Return the sheets of a workbook that hold anything: name → rows of cells as text.

    Every cell of a merged block gets the value of the block, since that is what the eye reads. Numbers
    are written in full whatever their format, days as ``2026-05-01``, times as ``hh:mm:ss.ffffff``.

    Parameters
    ----------
    path : Path
        ``.xlsx`` or ``.xlsm``.

    Warns
    -----
    UserWarning
        For hidden rows and columns, which are read like all others, and hidden sheets, which are not.

    Raises
    ------
    DataError
        When the file is no workbook, or holds formulas that no program has calculated.
    """
    sheets, notes = _sheets(str(path), path.stat().st_mtime_ns, path.stat().st_size)
    for note in notes:
        warn_user(f"{path}: {note}")
    return {name: [list(row) for row in rows] for name, rows in sheets.items()}


def text_of_workbook(path: Path, *, quiet: bool = False) -> str:
    """Return the only sheet of a workbook that holds anything, as comma-separated text.

    Parameters
    ----------
    path : Path
        The workbook.
    quiet : bool
        Without the warnings of `sheets_of`: for a first look at a file that is read later.

    Raises
    ------
    DataError
        When no sheet holds anything, or several do.
    """
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore")
        sheets = sheets_of(path)
    if len(sheets) != 1:
        fail(
            str(path),
            f"the workbook has {len(sheets)} sheets with content",
            expected="one",
            got=", ".join(map(repr, sheets)) or "none",
            todo="save the one that is meant as CSV, or alone in a workbook",
        )
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(next(iter(sheets.values())))
    return out.getvalue()


@lru_cache(maxsize=4)  # a file is looked at before it is read
def _sheets(path: str, _changed_ns: int, _size: int) -> tuple[dict[str, tuple[tuple[str, ...], ...]], list[str]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, data_only=True)
        formulas = _formulas(path)
    except Exception as exc:  # openpyxl and zipfile raise a different class for every kind of damage
        fail(
            path,
            "cannot be opened as an Excel workbook",
            expected="a complete .xlsx file",
            got=f"{type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else ''}",
            todo="save it again in Excel, or as CSV",
        )
    out: dict[str, tuple[tuple[str, ...], ...]] = {}
    notes: list[str] = []
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            notes.append(f"the hidden sheet '{sheet.title}' is not read")
            continue
        rows = [[_text(v) for v in row] for row in sheet.iter_rows(values_only=True)]
        for block in sheet.merged_cells.ranges:
            value = rows[block.min_row - 1][block.min_col - 1]
            for row in rows[block.min_row - 1 : block.max_row]:
                row[block.min_col - 1 : block.max_col] = [value] * (block.max_col - block.min_col + 1)
        if not any(any(row) for row in rows):
            continue
        out[sheet.title] = tuple(tuple(row) for row in rows)
        if formulas and any(v is None for row in sheet.iter_rows(values_only=True) for v in row):
            _refuse_uncalculated(path, sheet.title)
        notes += _hidden(sheet)
    return out, notes


def _formulas(path: str) -> bool:
    """True when any sheet holds a formula."""
    with zipfile.ZipFile(path) as parts:
        return any(b"<f>" in parts.read(n) or b"<f " in parts.read(n) for n in parts.namelist() if "worksheets/" in n)


def _refuse_uncalculated(path: str, title: str) -> None:
    """Refuse formulas without a value: programs other than Excel may leave them to be calculated later."""
    import openpyxl

    values = openpyxl.load_workbook(path, data_only=True)[title]
    for row in openpyxl.load_workbook(path)[title].iter_rows():
        for cell in row:
            if cell.data_type == "f" and values[cell.coordinate].value is None:
                fail(
                    path,
                    "a formula has no value",
                    where=f"sheet '{title}', cell {cell.coordinate}",
                    got=str(cell.value),
                    todo="open the workbook in Excel and save it, or paste the values",
                )


def _hidden(sheet: Any) -> list[str]:
    columns = [name for name, size in sheet.column_dimensions.items() if size.hidden]
    rows = [str(number) for number, size in sheet.row_dimensions.items() if size.hidden]
    return [
        f"sheet '{sheet.title}' has hidden {what}, which are read too: {', '.join(names[:20])}"
        for what, names in (("columns", columns), ("rows", rows))
        if names
    ]


def _text(value: Any) -> str:
    """Text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == _MIDNIGHT else value.isoformat(sep=" ")
    if isinstance(value, dt.time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(value.total_seconds(), 60)
        return f"{int(minutes // 60):02d}:{int(minutes % 60):02d}:{seconds:09.6f}"
    # A line break inside a cell would end the row for readers that go line by line.
    return re.sub(r"\s*[\r\n]+\s*", " ", str(value))
