"""Delimited text into numbers and named columns; a bad cell is named by line and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, overload

import numpy as np
import pandas as pd

from murid.data.clock import rate_of
from murid.data.errors import Faults, did_you_mean, fail
from murid.io.files import guess_delimiter, header_at, plain_name, read_text, without_surplus
from murid.io.thousands import (
    DECIMAL_COMMA,
    THOUSANDS,
    ambiguous_marks,
    decimal_marks,
    is_thousands,
    may_be_thousands,
    tell_doubtful,
    thousands_marks,
)

#: Cells that mean "no value" where a number belongs.
MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaT", "null", "NULL", "None", "-nan(ind)")
#: Cells that mean "no value" where text belongs; a behaviour may be called ``None``, no animal is.
NO_TEXT = ("", "nan", "NaN", "NA", "#N/A", "<NA>", "NULL")
NO_NAME = (*NO_TEXT, "None", "null", "N/A", "n/a")
_CLOCK = re.compile(r"(?:(\d+) days? )?\+?(\d+):(\d\d):(\d\d(?:[.,]\d+)?)")
#: Names that programs give to the numbers of the rows.
_ROW_NUMBER_NAMES = frozenset({"", "unnamed 0", "unnamed 0 1", "unnamed 1", "index", "level 0", "x", "x 1", "rownames"})
#: Characters of a row in which every cell is empty.
_NOTHING = ' \t,;"'
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
) -> tuple[np.ndarray, dict[int, list[str]], np.ndarray]:
    """Parse the body of a delimited table into float64; rows in which every cell is empty are passed over.

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
    lines : int array (row,)
        1-based line number of each row in the file.

    Raises
    ------
    DataError
        Rows of another length, text where a number belongs; by line and column.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    names = [str(i) for i in range(len(columns))]
    types = {n: pa.string() if int(n) in text_columns else pa.float64() for n in names}
    rows = {first_line + i: line for i, line in enumerate(text.split("\n")) if line.strip(_NOTHING)}
    if not rows:
        faults = Faults(subject)
        faults.add("no rows below the header", where=f"line {first_line}", todo="the file is cut off or empty")
        faults.raise_if_any()
    lines = np.array(list(rows), dtype=int)
    data = "\n".join([*rows.values(), ""]).encode()
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
        if delimiter != "," and may_be_thousands(values):
            cells = [next(csv.reader([line], delimiter=delimiter)) for line in rows.values()]
            _tell_doubtful(
                {name: [r[i] for r in cells] for i, name in enumerate(columns) if i not in text_columns}, subject
            )
        return values, {i: table.column(i).to_pylist() for i in text_columns}, lines
    return *_parse_slowly(rows, columns, subject, delimiter, text_columns), lines


def _parse_slowly(
    lines: Mapping[int, str], columns: Sequence[str], subject: str, delimiter: str, text_columns: Sequence[int]
) -> tuple[np.ndarray, dict[int, list[str]]]:
    """Parse cell by cell, and name every cell that is not a number; lines by their number in the file."""
    ragged, wrong, rows = [], [], []
    texts: dict[int, list[str]] = {i: [] for i in text_columns}
    parsed = {number: next(csv.reader([line], delimiter=delimiter)) for number, line in lines.items()}
    marks = _marks_of_columns([row for row in parsed.values() if len(row) == len(columns)], text_columns, delimiter)
    last = max(lines)
    for number, cells in parsed.items():
        if len(cells) != len(columns):
            ragged.append((number, len(cells)))
            continue
        row = np.full(len(columns), np.nan)
        for i, cell in enumerate(cells):
            if i in text_columns:
                texts[i].append(cell)
                continue
            value = _number(cell, delimiter)
            if value is None or is_thousands(cell, marks[i]):
                wrong.append((number, i, cell))
            else:
                row[i] = value
        rows.append(row)
    faults = Faults(subject)
    for number, width in ragged[:_SHOWN]:
        cut = number == last and width < len(columns)
        faults.add(
            "row has another number of columns than the header",
            where=f"line {number}",
            expected=f"{len(columns)} columns",
            got=str(width),
            todo="the file is cut off here; copy or export it again" if cut else "repair or drop the row",
        )
    for number, i, cell in wrong[:_SHOWN]:
        _add_no_number(faults, f"line {number}, column {i + 1} ({columns[i]})", cell)
    hidden = len(ragged) + len(wrong) - len(faults.items)
    if hidden > 0:
        faults.add(f"and {hidden} more faults of these kinds")
    faults.raise_if_any()
    return np.array(rows), texts


def _tell_doubtful(numbers: Mapping[str, list[str]], subject: str) -> None:
    """Warn of columns that may be thousands, unless some cell shows which mark is the decimal one."""
    if not any(decimal_marks(cell.strip() for cells in numbers.values() for cell in cells)):
        for name, cells in numbers.items():
            tell_doubtful(subject, name, cells)


def _marks_of_columns(rows: Sequence[Sequence[str]], text_columns: Sequence[int], delimiter: str) -> dict[int, str]:
    """Column of numbers → the marks that may part its thousands; none where a comma divides the cells."""
    numbers = {i: [row[i].strip() for row in rows] for i in range(len(rows[0]) if rows else 0) if i not in text_columns}
    every = [cell for cells in numbers.values() for cell in cells]
    table, ambiguous = decimal_marks(every), ambiguous_marks(every)
    return {i: "" if delimiter == "," else thousands_marks(c, table, ambiguous) for i, c in numbers.items()}


def _add_no_number(faults: Faults, where: str, cell: str) -> None:
    """Say that a cell is no number, or not known to be which."""
    grouped = THOUSANDS.fullmatch(cell.strip())
    faults.add(
        "a thousands separator or a decimal mark?" if grouped else "text in a number cell",
        where=where,
        expected="a number or an empty cell",
        got=repr(cell),
        todo="save the numbers without thousands separators" if grouped else "correct or empty the cell",
    )


def _number(cell: str, delimiter: str) -> float | None:
    cell = cell.strip()
    if cell in MISSING:
        return float("nan")
    if delimiter != "," and DECIMAL_COMMA.fullmatch(cell):
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
        """Return the name of the first column that equals one of `names`, as `plain_name` compares them."""
        for name in names:
            alike = [c for c in self.columns if plain_name(c) == plain_name(name)]
            if len(alike) > 1:  # R's names of the rows, X, beside a column x
                alike = [c for c in alike if c == name] or [c for c in alike if c not in self.row_numbers()]
            if len(alike) > 1:
                fail(
                    self.subject,
                    f"several columns could be '{name}'",
                    got=", ".join(alike),
                    todo="rename or delete all but one",
                )
            if alike:
                return alike[0]
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
        return self._parsed(column, lambda cell: _number(cell, self.delimiter), faults)

    def seconds(self, column: str, faults: Faults | None = None) -> np.ndarray:
        """Return a column of times as float64 seconds: numbers, or ``hh:mm:ss.sss`` (also ``0 days 00:00:01.5``)."""
        return self._parsed(column, lambda cell: _time(cell, self.delimiter), faults)

    def _parsed(self, column: str, parse: Callable[[str], float | None], faults: Faults | None) -> np.ndarray:
        own = faults if faults is not None else Faults(self.subject)
        out = np.full(len(self.cells), np.nan)
        wrong = 0
        marks = self._thousands_marks(column)
        for i, cell in enumerate(self.cells[column]):
            value = parse(cell)
            if value is None or is_thousands(cell, marks):
                wrong += 1
                if wrong <= _SHOWN:
                    _add_no_number(own, f"line {self.lines[i]}, column '{column}'", cell)
            else:
                out[i] = value
        if wrong > _SHOWN:
            own.add(f"and {wrong - _SHOWN} more such cells in column '{column}'")
        if faults is None:
            own.raise_if_any()
        if self.delimiter != "," and not any(self._decimal_marks):
            tell_doubtful(self.subject, column, self.cells[column])
        return out

    def _thousands_marks(self, column: str) -> str:
        """The marks that may part thousands in a column; none where a comma divides the cells."""
        return (
            "" if self.delimiter == "," else thousands_marks(self.cells[column], self._decimal_marks, self._ambiguous)
        )

    @cached_property
    def _decimal_marks(self) -> tuple[bool, bool]:
        return decimal_marks(cell for column in self.cells for cell in self.cells[column])

    @cached_property
    def _ambiguous(self) -> str:
        return ambiguous_marks(cell for column in self.cells for cell in self.cells[column])

    def texts(self, column: str | None, default: str = "", missing: Sequence[str] = NO_TEXT) -> pd.Series:
        """Return a column as text; `default` for the words in `missing`, and everywhere without such a column."""
        if column is None:
            return pd.Series([default] * len(self.cells), index=self.cells.index, dtype=object)
        return self.cells[column].where(~self.cells[column].isin(missing), default)

    def labels(self, column: str, faults: Faults) -> pd.Series:
        """Return a column of texts of which none may be missing."""
        out = self.texts(column)
        empty = np.flatnonzero((out == "").to_numpy())
        for row in empty[:_SHOWN]:
            faults.add(
                f"{column} is empty",
                where=f"line {self.lines[row]}",
                got=repr(self.cells[column][row]),
                todo="fill the cell or delete the row",
            )
        if len(empty) > _SHOWN:
            faults.add(f"and {len(empty) - _SHOWN} more rows without {column}")
        return out

    def names(self, column: str | None, default: str = "") -> pd.Series:
        """Return a column of names (animals, raters), `default` where there is none."""
        return self.texts(column, default, NO_NAME)

    def row_numbers(self) -> list[str]:
        """Return the columns that only number the rows, as pandas (index) and R (``X``) write them."""
        return [c for c in self.columns if is_row_number(c, self.cells[c])]

    def rows(self, mask: Iterable[bool]) -> TextTable:
        """Return the rows where `mask` is true."""
        keep = np.asarray(list(mask), bool)
        return TextTable(self.cells[keep].reset_index(drop=True), self.lines[keep], self.subject, self.delimiter)


def is_row_number(name: str, cells: Iterable[object]) -> bool:
    """True for a column that only counts the rows from 0 or 1 and is called as programs call it.

    Examples
    --------
    >>> is_row_number("Unnamed: 0", [0, 1, 2]), is_row_number("x", [0.5, 1, 2])
    (True, False)
    """
    if plain_name("" if name.startswith("(unnamed") else name) not in _ROW_NUMBER_NAMES:
        return False
    try:
        numbers = np.array([float(str(cell)) for cell in cells])
    except ValueError:
        return False
    return bool(len(numbers)) and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def _time(cell: str, delimiter: str) -> float | None:
    match = _CLOCK.fullmatch(cell.strip())
    if match is None:
        return _number(cell, delimiter)
    days, hours, minutes, seconds = match.groups()
    return (int(days or 0) * 24 + int(hours)) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def read_table(path: str | Path, *, header: Sequence[str] = (), may_be_empty: bool = False) -> TextTable:
    """Read a delimited table with one header line.

    Parameters
    ----------
    path : path
        CSV or TSV, gzip or not; delimiter comma, semicolon or tab.
    header : sequence of str
        When given, the header is the first line that holds all these names (ignoring case), so
        that preambles are passed over; otherwise the first line with more than one filled cell.
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
    if not wanted:
        at = header_at(lines)
        return at if lines[at].strip() else None
    for i, line in enumerate(lines[:200]):
        cells = next(csv.reader([line], delimiter=guess_delimiter([line])), [])
        if {plain_name(w) for w in wanted} <= {plain_name(c) for c in cells}:
            return i
    return None


def _body(
    lines: Sequence[str], names: Sequence[str], first_line: int, delimiter: str, faults: Faults
) -> tuple[list[list[str]], list[int]]:
    parser = csv.reader(lines, delimiter=delimiter)
    parsed = [(first_line + parser.line_num - 1, cells) for cells in parser if any(c.strip() for c in cells)]
    without = without_surplus([cells for _, cells in parsed], len(names))
    rows, numbers, bad = [], [], 0
    for (line, _), cells in zip(parsed, without, strict=True):
        if [c.strip() for c in cells] == names:
            faults.add("the header stands a second time", where=f"line {line}", todo="delete the row")
            continue
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
            if column not in out.values() and any(w in plain_name(column) for w in words):
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
