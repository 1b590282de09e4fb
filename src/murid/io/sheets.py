"""Sheets that say which animal and group each recording is of, as people type them.

CSV (any delimiter, any encoding a spreadsheet writes) or Excel. Columns are found under their usual
names, cells lose outer spaces and the usual words for "no value", and names that a reader would take
for one (``ctrl`` and ``Ctrl``, a Cyrillic ``а1``) are warned of.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from murid.data.errors import Faults, fail
from murid.data.names import matching_key, near_twins, without_missing
from murid.data.tables import unescape_formula
from murid.data.warning import warn_user
from murid.io.files import check_file, guess_delimiter, read_text

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
        (the first sheet of the workbook that has a column for recordings or animals).

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
        table = _workbook(path) if path.suffix.lower() in (".xlsx", ".xlsm", ".xls") else _text(path)
    table = _clean(table, name)
    if table.empty:
        fail(name, "no rows below the header", todo="the sheet is empty; one row a recording is expected")
    table = table.rename(columns=_meanings(table.columns.tolist(), name))
    if "id" not in table and "animal" not in table:
        fail(
            name,
            "does not say which recording or animal a row is of",
            expected="a column id (or video, file) or animal (or mouse, subject)",
            got=", ".join(table.columns),
        )
    _warn_of_twins(table, name)
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
    kept = [i for i, h in enumerate(header) if h]
    faults = Faults(name)
    names = [header[i].casefold() for i in kept]
    for repeated in sorted({n for n in names if names.count(n) > 1}):
        faults.add(f"column '{repeated}' appears more than once", todo="rename or delete one of them")
    faults.raise_if_any()
    return pd.DataFrame([[row[i] for i in kept] for row in rows], columns=names, dtype=object)


def _meanings(columns: Sequence[str], name: str) -> dict[str, str]:
    """Column → what it means, for those under another name than murid's own."""
    spelt = {" ".join(c.replace("_", " ").replace("-", " ").replace(".", " ").split()): c for c in columns}
    out: dict[str, str] = {}
    for meaning, words in COLUMNS.items():
        fitting = [spelt[w] for w in words if w in spelt]
        if fitting and meaning not in columns:
            out[fitting[0]] = meaning
        if meaning == "group" and len(fitting) > 1 and "group" not in columns:
            warn_user(
                f"{name}: '{fitting[0]}' is taken as the group; {', '.join(map(repr, fitting[1:]))} is kept as a note "
                "(call a column 'group' to choose it)"
            )
    return out


def _warn_of_twins(table: pd.DataFrame, name: str) -> None:
    for column in ("animal", "group"):
        for alike in near_twins(v for v in table.get(column, ()) if v):
            warn_user(
                f"{name}: {', '.join(map(repr, alike))} in column '{column}' look alike and count as "
                f"{len(alike)}; write them in one way if they are the same"
            )


def _text(path: Path) -> pd.DataFrame:
    """Rows of a CSV as text; rows that are too short are filled, only empty cells may be too many."""
    text = read_text(path)
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        fail(f"sheet {path}", "no rows", expected="a header and one row a recording")
    rows = list(csv.reader(text.split("\n"), delimiter=guess_delimiter(lines[:1])))
    rows = [row for row in rows if any(c.strip() for c in row)]
    width = len(rows[0])
    faults = Faults(f"sheet {path}")
    for number, row in enumerate(rows[1:], 2):
        if any(c.strip() for c in row[width:]):
            faults.add(
                "row has more cells than the header",
                where=f"line {number}",
                expected=f"{width} columns",
                got=str(len(row)),
                todo="quote cells that hold the delimiter, or add the column's name",
            )
    faults.raise_if_any()
    body = [(row + [""] * width)[:width] for row in rows[1:]]
    return pd.DataFrame(body, columns=pd.Index(rows[0], dtype=object), dtype=object)


def _workbook(path: Path) -> pd.DataFrame:
    """Return the first sheet of a workbook that names recordings or animals."""
    try:
        sheets = pd.read_excel(path, sheet_name=None, dtype=str, keep_default_na=False)
    except (ValueError, OSError, KeyError, ImportError) as exc:
        fail(f"sheet {path}", "cannot be read", expected="an Excel table", got=str(exc).splitlines()[0])
    words = {matching_key(w) for meaning in ("id", "animal") for w in COLUMNS[meaning]}
    for table in sheets.values():
        if any(matching_key(str(c)).replace("_", " ") in words for c in table.columns) and len(table):
            return table
    return next(iter(sheets.values()))
