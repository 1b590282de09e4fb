"""Sheets that say which animal and group each recording is of, as people type them.

CSV (any delimiter, any encoding a spreadsheet writes) or Excel. Columns are found under their usual
names, cells lose outer spaces and the usual words for "no value", and names that a reader would take
for one (``ctrl`` and ``Ctrl``, a Cyrillic ``а1``) are warned of.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from murid.data.errors import Faults, fail
from murid.data.names import doubtful_names, without_missing
from murid.data.tables import unescape_formula
from murid.data.warning import warn_user
from murid.io.delimited_text import is_row_number
from murid.io.files import check_file, guess_delimiter, header_at, plain_name, read_text
from murid.io.thousands import ambiguous_marks, decimal_marks, is_thousands, tell_doubtful, thousands_marks
from murid.io.workbook import is_workbook, sheets_of

#: ``02-Jan``, ``2026-01-02``: what spreadsheets make of names such as ``2-1``; a film may be called by its day.
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DATE = re.compile(r"\d{1,2}[-. ](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez)[a-z]*\.?", re.I)
#: ``9.81E+14``: what they make of long numbers, such as those of transponders.
_SHORTENED = re.compile(r"\d[.,]?\d*E\+\d+", re.I)

#: What a column means → names it goes by, best first.
COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "recording", "recording id", "file", "file name", "filename", "video", "video file", "film", "movie"),
    "animal": (
        *("animal", "animal id", "animal name", "mouse", "mouse id", "rat", "rat id", "subject", "subject id"),
        *("animal nr", "animal no", "mouse nr", "mouse no", "tag", "ear tag"),
    ),
    "group": ("group", "treatment", "condition", "treatment group", "experimental group", "drug", "genotype", "arm"),
    "day": ("day", "date", "experimental day"),
    "session": ("session", "session id", "trial", "run"),
}


def read_sheet(sheet: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Read the sheet of a study.

    Parameters
    ----------
    sheet : path or DataFrame
        CSV or TSV (UTF-8 with or without BOM, UTF-16, Windows-1252; comma, semicolon or tab) or Excel
        (the first sheet of the workbook that has a column for recordings or animals). Titles and empty rows
        above the header are passed over; every cell of a merged block has the value of the block.

    Returns
    -------
    DataFrame
        Text. Columns ``id, animal, group, day, session`` as far as they are there under one of the
        names in `COLUMNS`; all others under their own names in lower case. A sheet without a column
        for recordings is about animals, and has no ``id``.

    Warns
    -----
    MuridWarning
        For names in the columns animal and group that look alike, and when several columns could be
        the group.

    Raises
    ------
    DataError
        No such file, no rows, columns that repeat, or neither recordings nor animals named.

    Examples
    --------
    >>> import pandas as pd
    >>> read_sheet(pd.DataFrame({"Mouse": ["m1 ", "m2"], "Treatment": ["saline", "NA"]})).to_dict("list")
    {'animal': ['m1', 'm2'], 'group': ['saline', '']}
    """
    if isinstance(sheet, pd.DataFrame):
        name, table = "sheet", sheet
    else:
        path = check_file(sheet)
        name = f"sheet {path}"
        table = _table(_workbook(path) if is_workbook(path) else _text(path), name)
    table = _clean(table, name)
    if table.empty:
        fail(name, "no rows below the header", todo="the sheet is empty; one row a recording is expected")
    table = table.rename(columns=_meanings(table, name))
    if "id" not in table and "animal" not in table:
        fail(
            name,
            "does not say which recording or animal a row is of",
            expected="a column id (or video, file) or animal (or mouse, subject)",
            got=", ".join(table.columns),
            todo="name the columns, and check that commas, semicolons or tabs stand between the cells",
        )
    for column in table:
        if column in COLUMNS:
            table[column] = _whole(table[column])
    table = _with_points(table, name)
    _check_identities(table, name)
    for text in doubtful_names({column: table.get(column, ()) for column in ("animal", "group")}):
        warn_user(f"{name}: {text}; write them in one way if they are the same")
    return table


def _clean(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Text without outer spaces and words for missing; empty rows and nameless empty columns go."""
    header = [without_missing(str(c)) for c in table.columns]
    header = ["" if h.lower().startswith("unnamed") else h for h in header]
    cells = [
        ["" if pd.isna(v) else without_missing(unescape_formula(str(v))) for v in row]
        for row in table.itertuples(index=False)
    ]
    rows = [row for row in cells if any(row)]
    kept = [i for i, h in enumerate(header) if h and not is_row_number(h, (row[i] for row in rows))]
    faults = Faults(name)
    names = [header[i].casefold() for i in kept]
    for repeated in sorted({n for n in names if names.count(n) > 1}):
        faults.add(f"column '{repeated}' appears more than once", todo="rename or delete one of them")
    faults.raise_if_any()
    return pd.DataFrame([[row[i] for i in kept] for row in rows], columns=names, dtype=object)


def _meanings(table: pd.DataFrame, name: str) -> dict[str, str]:
    """Column → what it means, for those under another name than murid's own.

    Of several that could be the group, one that is the same everywhere tells no groups apart and comes last.
    """
    columns = table.columns.tolist()
    spelt = {plain_name(c): c for c in columns}
    out: dict[str, str] = {}
    for meaning, words in COLUMNS.items():
        fitting = [spelt[w] for w in words if w in spelt]
        if meaning == "group":
            fitting = sorted(fitting, key=lambda column: table[column].nunique() < 2)
        if fitting and meaning not in columns:
            out[fitting[0]] = meaning
        if meaning == "group" and len(fitting) > 1 and "group" not in columns:
            warn_user(
                f"{name}: '{fitting[0]}' is taken as the group; {', '.join(map(repr, fitting[1:]))} is kept as a note "
                "(call a column 'group' to choose it)"
            )
    return out


def _text(path: Path) -> dict[int, list[str]]:
    """Rows of a CSV by their line in the file."""
    lines = read_text(path).split("\n")
    parser = csv.reader(lines, delimiter=guess_delimiter(lines[header_at(lines) :][:1]))
    return dict((parser.line_num, row) for row in parser)


def _workbook(path: Path) -> dict[int, list[str]]:
    """Rows of the first sheet of a workbook that names recordings or animals."""
    sheets = [dict(enumerate(rows, 1)) for rows in sheets_of(path).values()]
    naming = [rows for rows in sheets if any(map(_names_recordings, rows.values()))]
    return (naming or sheets or [{}])[0]


def _names_recordings(row: Sequence[str]) -> bool:
    """True for a header: a row with several cells, one of which is called as recordings or animals are."""
    words = {plain_name(c) for c in row if c.strip()}
    return len(words) > 1 and bool(words & {w for meaning in ("id", "animal") for w in COLUMNS[meaning]})


def _table(rows: dict[int, list[str]], name: str) -> pd.DataFrame:
    """The rows below the header, which is the first row that names recordings or animals (titles stand above).

    Rows that are too short are filled; only empty cells may be too many.
    """
    filled = {number: row for number, row in rows.items() if any(c.strip() for c in row)}
    if not filled:
        fail(name, "no rows", expected="a header and one row a recording")
    several = [n for n, row in filled.items() if sum(bool(c.strip()) for c in row) > 1]
    top = next((n for n, row in filled.items() if _names_recordings(row)), min(several or filled))
    header = filled[top]
    body = {number: row for number, row in filled.items() if number > top}
    width = len(header)
    # R's write.table puts the numbers of the rows before a header that does not name them.
    if body and [row[0].strip() for row in body.values()] == [str(i) for i in range(1, len(body) + 1)]:
        wide = all(len(row) == width + 1 for row in body.values())
        body = {number: row[1:] if wide else row for number, row in body.items()}
    faults = Faults(name)
    for number, row in body.items():
        if any(c.strip() for c in row[width:]):
            faults.add(
                "row has more cells than the header",
                where=f"line {number}",
                expected=f"{width} columns",
                got=str(len(row)),
                todo="quote cells that hold the delimiter, or add the column's name",
            )
        if [c.strip() for c in row[:width]] == [c.strip() for c in header]:
            faults.add("the header stands a second time", where=f"line {number}", todo="delete the row")
    faults.raise_if_any()
    cells = [(row + [""] * width)[:width] for row in body.values()]
    return pd.DataFrame(cells, columns=pd.Index(header, dtype=object), dtype=object)


def _check_identities(table: pd.DataFrame, name: str) -> None:
    """Refuse names of recordings and animals that a spreadsheet has turned into dates or shortened numbers."""
    faults = Faults(name)
    for column in ("id", "animal"):
        for cell in dict.fromkeys(table.get(column, ())):
            date = _DATE.fullmatch(cell) or (column == "animal" and _DAY.fullmatch(cell))
            if date or _SHORTENED.fullmatch(cell):
                what = "a date" if date else "a shortened number"
                faults.add(
                    f"a name in column '{column}' has become {what}",
                    got=repr(cell),
                    todo="format the column as text and type the name again",
                )
    faults.raise_if_any()


def _with_points(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Decimal points in the columns of numbers; a number that may be a thousand is an error, as in other tables."""
    numbers = {str(c): table[c] for c in table if c not in COLUMNS and _are_numbers(table[c])}
    every = [cell for cells in numbers.values() for cell in cells]
    sure, ambiguous = decimal_marks(every), ambiguous_marks(every)
    faults = Faults(name)
    for column, cells in numbers.items():
        marks = thousands_marks(cells, sure, ambiguous)
        for cell in [c for c in dict.fromkeys(cells) if is_thousands(c, marks)][:8]:
            faults.add(
                "a thousands separator or a decimal mark?",
                where=f"column '{column}'",
                got=repr(cell),
                todo="save the numbers without thousands separators",
            )
        if not any(sure):
            tell_doubtful(name, column, [cell for cell in cells if "," in cell])
    faults.raise_if_any()
    return table.assign(**{column: cells.str.replace(",", ".") for column, cells in numbers.items()})


def _are_numbers(cells: pd.Series) -> bool:
    """True for a column of numbers, with decimal points or commas, and empty cells."""
    filled = cells[cells != ""]
    return not filled.empty and bool(filled.str.fullmatch(r"-?\d*[.,]?\d+").all())


def _whole(cells: pd.Series) -> pd.Series:
    """Names that are whole numbers without ``.0``, which pandas and R write once a cell of the column is empty."""
    filled = cells[cells != ""]
    if filled.empty or not filled.str.fullmatch(r"\d+\.0").all():
        return cells
    return cells.str.removesuffix(".0")
