"""Delimited text into numbers and named columns; a bad cell is named by line and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload

import numpy as np
import pandas as pd

from murid.data.clock import rate_of
from murid.data.errors import Faults, did_you_mean, fail
from murid.io.files import guess_delimiter, read_text

#: Cells that mean "no value".
MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None", "-nan(ind)")
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")
_SHOWN = 8
#: Units a time column may be in, in seconds.
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}
#: A step longer than this (s) between frames is a unit nobody gave rather than a frame rate.
_LONGEST_STEP_S = 5.0


def parse_numbers(
    text: str,
    columns: Sequence[str],
    *,
    subject: str,
    first_line: int,
    delimiter: str = ",",
    text_columns: Sequence[int] = (),
) -> tuple[np.ndarray, dict[int, list[str]]]:
    """Parse the body of a delimited table into float64.

    Parameters
    ----------
    text : str
        Body without header lines.
    columns : sequence of str
        A name for every column, used in errors.
    subject : str
        File, for errors.
    first_line : int
        1-based line number of the first body line in the file.
    delimiter : str
        One of comma, semicolon, tab. With the last two, decimal commas are understood.
    text_columns : sequence of int
        Columns returned as text (NaN in the numbers).

    Returns
    -------
    values : float64 array (row, column)
        Missing cells are NaN.
    texts : dict of int to list of str
        Content of the text columns.

    Raises
    ------
    DataError
        Rows of another length, text where a number belongs; by line and column.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    names = [str(i) for i in range(len(columns))]
    types = {n: pa.string() if int(n) in text_columns else pa.float64() for n in names}
    if not text.strip():
        faults = Faults(subject)
        faults.add("no rows below the header", where=f"line {first_line}", todo="the file is cut off or empty")
        faults.raise_if_any()
    data = text.encode()
    for decimal in (".", ",") if delimiter != "," else (".",):
        try:
            table = pacsv.read_csv(
                io.BytesIO(data),
                read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
                parse_options=pacsv.ParseOptions(delimiter=delimiter),
                convert_options=pacsv.ConvertOptions(
                    column_types=types, null_values=list(MISSING), strings_can_be_null=False, decimal_point=decimal
                ),
            )
        except pa.ArrowInvalid:
            continue
        values = np.full((table.num_rows, len(names)), np.nan)
        for i, column in enumerate(table.columns):
            if i not in text_columns:
                values[:, i] = column.to_numpy(zero_copy_only=False)
        return values, {i: table.column(i).to_pylist() for i in text_columns}
    return _parse_slowly(text, columns, subject, first_line, delimiter, text_columns)


def _parse_slowly(
    text: str, columns: Sequence[str], subject: str, first_line: int, delimiter: str, text_columns: Sequence[int]
) -> tuple[np.ndarray, dict[int, list[str]]]:
    """Parse cell by cell, and name every cell that is not a number."""
    ragged, wrong, rows = [], [], []
    texts: dict[int, list[str]] = {i: [] for i in text_columns}
    lines = text.split("\n")
    last = max((i for i, line in enumerate(lines) if line.strip()), default=0)
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        cells = next(csv.reader([line], delimiter=delimiter))
        if len(cells) != len(columns):
            ragged.append((number, len(cells)))
            continue
        row = np.full(len(columns), np.nan)
        for i, cell in enumerate(cells):
            if i in text_columns:
                texts[i].append(cell)
                continue
            value = _number(cell, delimiter)
            if value is None:
                wrong.append((number, i, cell))
            else:
                row[i] = value
        rows.append(row)
    faults = Faults(subject)
    for number, width in ragged[:_SHOWN]:
        cut = number == last and width < len(columns)
        faults.add(
            "row has another number of columns than the header",
            where=f"line {first_line + number}",
            expected=f"{len(columns)} columns",
            got=str(width),
            todo="the file is cut off here; copy or export it again" if cut else "repair or drop the row",
        )
    for number, i, cell in wrong[:_SHOWN]:
        faults.add(
            "text in a number cell",
            where=f"line {first_line + number}, column {i + 1} ({columns[i]})",
            expected="a number or an empty cell",
            got=repr(cell),
            todo="correct or empty the cell",
        )
    hidden = len(ragged) + len(wrong) - len(faults.items)
    if hidden > 0:
        faults.add(f"and {hidden} more faults of these kinds")
    faults.raise_if_any()
    return np.array(rows), texts


def _number(cell: str, delimiter: str) -> float | None:
    cell = cell.strip()
    if cell in MISSING:
        return float("nan")
    if delimiter != "," and _DECIMAL_COMMA.fullmatch(cell):
        cell = cell.replace(",", ".")
    try:
        return float(cell)
    except ValueError:
        return None


@dataclass(frozen=True)
class TextTable:
    """A delimited table as text.

    Attributes
    ----------
    cells : DataFrame
        Text cells, stripped; columns named as in the file.
    lines : int array
        1-based line number of each row in the file.
    subject : str
        File, for errors.
    delimiter : str
        What separates the cells.
    """

    cells: pd.DataFrame
    lines: np.ndarray
    subject: str
    delimiter: str = ","

    @property
    def columns(self) -> list[str]:
        """Column names as in the file."""
        return list(self.cells.columns)

    @overload
    def column(self, *names: str, required: Literal[True] = True) -> str: ...
    @overload
    def column(self, *names: str, required: Literal[False]) -> str | None: ...
    def column(self, *names: str, required: bool = True) -> str | None:
        """Return the name of the first column that equals one of `names`, ignoring case and spaces."""
        known = {_plain(c): c for c in self.columns}
        for name in names:
            if _plain(name) in known:
                return known[_plain(name)]
        if not required:
            return None
        fail(
            self.subject,
            f"column '{names[0]}' is missing",
            got=", ".join(self.columns),
            todo=did_you_mean(names[0], self.columns),
        )

    def numbers(self, column: str, faults: Faults | None = None) -> np.ndarray:
        """Return a column as float64, NaN for empty cells; text in a cell is a fault."""
        own = faults if faults is not None else Faults(self.subject)
        out = np.full(len(self.cells), np.nan)
        wrong = 0
        for i, cell in enumerate(self.cells[column]):
            value = _number(cell, self.delimiter)
            if value is None:
                wrong += 1
                if wrong <= _SHOWN:
                    own.add(
                        "text in a number cell",
                        where=f"line {self.lines[i]}, column '{column}'",
                        expected="a number or an empty cell",
                        got=repr(cell),
                        todo="correct or empty the cell",
                    )
            else:
                out[i] = value
        if wrong > _SHOWN:
            own.add(f"and {wrong - _SHOWN} more such cells in column '{column}'")
        if faults is None:
            own.raise_if_any()
        return out

    def texts(self, column: str | None, default: str = "") -> pd.Series:
        """Return a column as text, or `default` everywhere when there is no such column."""
        if column is None:
            return pd.Series([default] * len(self.cells), index=self.cells.index, dtype=object)
        return self.cells[column].where(self.cells[column] != "", default)

    def rows(self, mask: Iterable[bool]) -> TextTable:
        """Return the rows where `mask` is true."""
        keep = np.asarray(list(mask), bool)
        return TextTable(self.cells[keep].reset_index(drop=True), self.lines[keep], self.subject, self.delimiter)


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", " ", name.strip().lower())


def read_table(path: str | Path, *, header: Sequence[str] = (), may_be_empty: bool = False) -> TextTable:
    """Read a delimited table with one header line.

    Parameters
    ----------
    path : path
        CSV or TSV, gzip or not; delimiter comma, semicolon or tab.
    header : sequence of str
        When given, the header is the first line that holds all these names (ignoring case), so
        that preambles are passed over; otherwise the first line that is not empty.
    may_be_empty : bool
        A header without rows is a table of nothing (an animal that did nothing), no damage.

    Raises
    ------
    DataError
        No header, repeated column names, rows of another length.
    """
    lines = read_text(path).split("\n")
    faults = Faults(str(path))
    start = _header_line(lines, header)
    if start is None:
        fail(
            str(path),
            "no header line with the expected columns",
            expected=", ".join(header) or "column names",
            got=repr(next((line for line in lines if line.strip()), "")[:80]),
            todo="check the delimiter (comma, semicolon or tab) and the column names",
        )
    delimiter = guess_delimiter([lines[start]])
    names = [c.strip() for c in next(csv.reader([lines[start]], delimiter=delimiter))]
    filled = [n for n in names if n]
    for name in sorted({n for n in filled if filled.count(n) > 1}):
        faults.add(
            f"column '{name}' appears more than once", where=f"line {start + 1}", todo="rename or delete one of them"
        )
    faults.raise_if_any()
    names = [n or f"(unnamed {i + 1})" for i, n in enumerate(names)]
    rows, numbers = _body(lines[start + 1 :], names, start + 2, delimiter, faults)
    faults.raise_if_any()
    if not rows and not may_be_empty:
        faults.add("no rows below the header", where=f"line {start + 2}", todo="the file is cut off or empty")
        faults.raise_if_any()
    return TextTable(
        pd.DataFrame(rows, columns=names, dtype=object), np.array(numbers, dtype=int), str(path), delimiter
    )


def _header_line(lines: Sequence[str], wanted: Sequence[str]) -> int | None:
    for i, line in enumerate(lines[:200]):
        if not line.strip():
            continue
        cells = next(csv.reader([line], delimiter=guess_delimiter([line])))
        if {_plain(w) for w in wanted} <= {_plain(c) for c in cells}:
            return i
        if not wanted:
            return i
    return None


def _body(
    lines: Sequence[str], names: Sequence[str], first_line: int, delimiter: str, faults: Faults
) -> tuple[list[list[str]], list[int]]:
    rows, numbers, bad = [], [], 0
    parser = csv.reader(lines, delimiter=delimiter)
    for cells in parser:
        if not any(c.strip() for c in cells):
            continue
        line = first_line + parser.line_num - 1
        if len(cells) == len(names) + 1 and not cells[-1].strip():
            cells = cells[:-1]  # a trailing delimiter
        if len(cells) != len(names):
            bad += 1
            if bad <= _SHOWN:
                faults.add(
                    "row has another number of columns than the header",
                    where=f"line {line}",
                    expected=f"{len(names)} columns",
                    got=str(len(cells)),
                    todo="repair or drop the row; at the end of the file: it is cut off",
                )
            continue
        rows.append([c.strip() for c in cells])
        numbers.append(line)
    if bad > _SHOWN:
        faults.add(f"and {bad - _SHOWN} more such rows")
    return rows, numbers


def rename_roles(roles: Mapping[str, Sequence[str]], columns: Sequence[str]) -> dict[str, str]:
    """Guess which column plays which role by its name: role → column, for the text of an error."""
    out: dict[str, str] = {}
    for role, words in roles.items():
        for column in columns:
            if column not in out.values() and any(w in _plain(column) for w in words):
                out[role] = column
                break
    return out


def seconds_in(path: Path, time: np.ndarray, time_unit: str | None) -> np.ndarray:
    """Return a time column in seconds; steps too long for seconds are an error unless the unit is given."""
    if time_unit is not None:
        if time_unit not in TIME_UNITS:
            fail(str(path), "unknown unit of time", expected=", ".join(TIME_UNITS), got=repr(time_unit))
        return time * TIME_UNITS[time_unit]
    step = 1.0 / rate_of(time)
    if step > _LONGEST_STEP_S:
        fail(
            str(path),
            "the steps of the time column are too long for seconds",
            expected=f"at most {_LONGEST_STEP_S:g} s",
            got=f"{step:.4g}",
            todo="give its unit: time_unit='ms' (or 's' if they are seconds)",
        )
    return time
