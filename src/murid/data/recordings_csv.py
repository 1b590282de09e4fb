"""``recordings.csv`` of a study: read as text, every fault of the file named with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pandas as pd

from murid.data.damage import damage_of
from murid.data.errors import Faults, fail
from murid.data.names import FOLDER_NAME, is_folder_name, matching_key, refuse_other_encoding, without_missing

#: Columns that every study has; further ones are the user's.
COLUMNS = ("id", "animal", "group", "day", "session", "nouns", "video", "source")
_EXPECTED = f"a table separated by commas, in UTF-8, whose first line is {','.join(COLUMNS)} and columns of your own"
_REMEDY = "put back a copy of it that is whole, or correct it in a text editor"


def read_recordings(path: str | Path) -> pd.DataFrame:
    """Read ``recordings.csv``: one row a recording, every column text; columns that are missing are empty.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    DataError
        With every fault: no UTF-8, empty, cells that have no column, a quotation mark that is not closed, a last line
        that is cut off, no column ``id``, ids that are none or stand twice. Ids that this process cannot name files by.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        _fail_damaged(path)
    if not text.strip() or "\0" in text:
        _fail_damaged(path)
    head, rows = _cells(text, path)
    filled = {line: cells for line, cells in rows.items() if any(cells)}
    table = pd.DataFrame(list(filled.values()), columns=pd.Index(head, dtype=object), dtype=object)
    table = table.loc[:, table.columns != ""]
    faults = Faults(str(path))
    for column in COLUMNS:
        if column not in table:
            if column == "id":
                faults.add("column 'id' is missing", expected=_EXPECTED, got=", ".join(table.columns), todo=_REMEDY)
            table[column] = ""
    faults.raise_if_any()
    for line, name in zip(filled, table["id"], strict=True):
        if not is_folder_name(name):
            faults.add(
                f"'{name}' is no id of a recording",
                where=f"line {line}",
                expected=FOLDER_NAME,
                todo="correct it; it must be the name of a folder in data/",
            )
    for repeated in table["id"][table["id"].map(matching_key).duplicated()].unique():
        faults.add(f"id '{repeated}' stands more than once")
    faults.raise_if_any()
    refuse_other_encoding(table["id"], str(path))
    return table


def _fail_damaged(path: Path) -> NoReturn:
    fail(
        "study",
        "recordings.csv cannot be read",
        where=str(path),
        expected=_EXPECTED,
        got=damage_of(path),
        todo=f"{_REMEDY}; what lies in data/ is untouched",
    )


def _cells(text: str, path: Path) -> tuple[list[str], dict[int, list[str]]]:
    """Return the names of the columns, and the cells of each line; refuse lines that do not fit the first one."""
    faults, lines = Faults(str(path)), csv.reader(io.StringIO(text, newline=""), strict=True)
    head: list[str] = []
    rows: dict[int, list[str]] = {}
    begun, width = 1, 0
    try:
        for cells in lines:
            if not head and any(cell.strip() for cell in cells):
                head = [cell.strip() for cell in cells]
            elif head and cells:
                if any(cell.strip() for cell in cells[len(head) :]):
                    faults.add(
                        "more cells than columns",
                        where=f"line {begun}",
                        expected=f"{len(head)} cells",
                        got=str(len(cells)),
                        todo="put text that holds a comma in quotation marks, or name the column in the first line",
                    )
                width = len(cells)
                rows[begun] = [without_missing(cell) for cell in [*cells, *[""] * len(head)][: len(head)]]
            begun = lines.line_num + 1
    except csv.Error:
        faults.add(
            "a quotation mark is not closed, or stands inside a cell",
            where=f"line {begun}",
            expected='cells such as "a, b" or a',
            todo=f"close it; where the file is cut off there: {_REMEDY}",
        )
    if 0 < width < len(head) and not text.endswith(("\n", "\r")) and not faults.items:
        faults.add(
            "the last line is cut off",
            where=f"line {max(rows)}",
            expected=f"{len(head)} cells",
            got=f"{width}, and no end of the line",
            todo=_REMEDY,
        )
    _check_head(head, rows, faults)
    faults.raise_if_any()
    return head, rows


def _check_head(head: list[str], rows: Mapping[int, list[str]], faults: Faults) -> None:
    """Refuse a name that stands twice, and cells in a column without a name; an empty one is left out."""
    for name in dict.fromkeys(head):
        places = [k for k, other in enumerate(head) if other == name]
        if name and len(places) > 1:
            faults.add(f"column '{name}' stands more than once", where="line 1", todo="keep one of them")
        held = [line for line, cells in rows.items() if any(cells[k] for k in places)]
        if not name and held:
            faults.add("cells in a column without a name", where=f"line {held[0]}", todo="name the column in line 1")


__all__ = ["COLUMNS", "read_recordings"]
