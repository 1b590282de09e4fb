"""Tables as Excel saves them: CSV in its encodings and countries, and workbooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl

from tests.io.variants import dialect
from tests.io.variants.kinds import KINDS, Cell, Kind

#: Kinds whose readers ask for nothing above the header but the header.
WITHOUT_LEVELS = [name for name in KINDS if name != "dlc"]


def shown(cell: Cell, comma: bool = False) -> str:
    """A cell as Excel shows it: whole numbers without a point."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() else repr(cell)
        return text.replace(".", ",") if comma else text
    return str(cell)


def lines(kind: Kind, delimiter: str = ",", end: str = "\r\n", comma: bool = False, rows: Iterable = ()) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerows(kind.header)
    writer.writerows([[shown(c, comma) for c in row] for row in rows or kind.rows])
    return out.getvalue()


def saved(folder: Path, content: bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@dialect("excel")
def csv_utf8(kind: Kind, folder: Path) -> Path:
    return saved(folder, lines(kind).encode("utf-8-sig"))


@dialect("excel")
def csv_windows_1252(kind: Kind, folder: Path) -> Path:
    return saved(folder, lines(kind).encode("cp1252"))


@dialect("excel")
def csv_macintosh(kind: Kind, folder: Path) -> Path:
    return saved(folder, lines(kind, end="\r").encode("mac_roman"))


@dialect("excel")
def unicode_text(kind: Kind, folder: Path) -> Path:
    return saved(folder, lines(kind, "\t").encode("utf-16"), "a.txt")


@dialect("excel")
def csv_german(kind: Kind, folder: Path) -> Path:
    return saved(folder, lines(kind, ";", comma=True).encode("cp1252"))


@dialect("excel")
def csv_german_utf8(kind: Kind, folder: Path) -> Path:
    return saved(folder, lines(kind, ";", comma=True).encode("utf-8-sig"))


@dialect("excel")
def text_with_tabs_and_decimal_commas(kind: Kind, folder: Path) -> Path:
    return saved(folder, lines(kind, "\t", comma=True).encode("cp1252"), "a.txt")


@dialect("excel")
def trailing_cells_and_rows(kind: Kind, folder: Path) -> Path:
    """Cells to the right and below that once held something."""
    text = lines(kind).replace("\r\n", ",,,\r\n")
    return saved(folder, (text + "," * (len(kind.header[0]) + 2) + "\r\n").encode("utf-8-sig"))


@dialect("excel")
def empty_rows_on_top(kind: Kind, folder: Path) -> Path:
    empty = "," * (len(kind.header[0]) - 1) + "\r\n"
    return saved(folder, (empty * 2 + lines(kind)).encode("utf-8-sig"))


@dialect("excel")
def a_title_on_top(kind: Kind, folder: Path) -> Path:
    rest = "," * (len(kind.header[0]) - 1) + "\r\n"
    return saved(folder, ("Experiment 3 (May)" + rest + rest + lines(kind)).encode("utf-8-sig"))


@dialect("excel")
def a_line_that_names_the_delimiter(kind: Kind, folder: Path) -> Path:
    return saved(folder, ("sep=;\r\n" + lines(kind, ";")).encode("utf-8-sig"))


@dialect("excel")
def empty_rows_between(kind: Kind, folder: Path) -> Path:
    *head, last = lines(kind).splitlines(keepends=True)
    return saved(folder, "".join([*head, "," * (len(kind.header[0]) - 1) + "\r\n", last]).encode("utf-8-sig"))


def thousands(cell: Cell, comma: bool) -> str:
    """A number as Excel shows it with thousands separators and two decimals."""
    if not isinstance(cell, float):
        return shown(cell)
    text = f"{cell:,.2f}"
    return text.translate(str.maketrans(",.", ".,")) if comma else text


_NUMBERS = ["wide", "events"]  # with numbers above 1000


@dialect("excel", _NUMBERS, refused=r"line \d.*'1,(011|200)\.\d\d'.*(correct or empty|thousands separators)")
def csv_with_thousands_separators(kind: Kind, folder: Path) -> Path:
    out = io.StringIO()
    csv.writer(out).writerows([*kind.header, *([thousands(c, False) for c in row] for row in kind.rows)])
    return saved(folder, out.getvalue().encode())


@dialect("excel", _NUMBERS, refused=r"line \d.*'1\.(011|200),\d\d'.*(correct or empty|thousands separators)")
def german_csv_with_thousands_separators(kind: Kind, folder: Path) -> Path:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([*kind.header, *([thousands(c, True) for c in row] for row in kind.rows)])
    return saved(folder, out.getvalue().encode("cp1252"))


@dialect("excel", ["wide", "events", "dlc"], refused=r"thousands separator or a decimal mark.*'1\.234'")
def german_csv_with_a_whole_thousand(kind: Kind, folder: Path) -> Path:
    """``1.234`` stands for 1234 beside decimal commas."""
    column = next(i for i, cell in enumerate(kind.rows[0]) if isinstance(cell, float) and not cell.is_integer())
    rows = [[*kind.rows[0][:column], "1.234", *kind.rows[0][column + 1 :]], *kind.rows[1:]]
    return saved(folder, lines(kind, ";", comma=True, rows=rows).encode("cp1252"))


# ---- workbooks -------------------------------------------------------------------------------------


def sheet_of(kind: Kind, rows: Sequence[Sequence[Cell]] = ()) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in [*kind.header, *(rows or kind.rows)]:
        book.active.append(list(row))
    return book


def saved_book(folder: Path, book: openpyxl.Workbook) -> Path:
    path = folder / "a.xlsx"
    book.save(path)
    return path


@dialect("excel")
def workbook(kind: Kind, folder: Path) -> Path:
    return saved_book(folder, sheet_of(kind))


@dialect("excel")
def workbook_with_empty_sheets(kind: Kind, folder: Path) -> Path:
    book = sheet_of(kind)
    book.create_sheet("Tabelle2")
    return saved_book(folder, book)


@dialect("excel", WITHOUT_LEVELS)
def workbook_of_text(kind: Kind, folder: Path) -> Path:
    """Numbers that Excel keeps as text, with the green corner."""
    return saved_book(folder, sheet_of(kind, [[None if c is None else shown(c) for c in row] for row in kind.rows]))


@dialect("excel")
def workbook_with_a_title(kind: Kind, folder: Path) -> Path:
    book = sheet_of(kind)
    book.active.insert_rows(1, 2)
    book.active["A1"] = "Experiment 3 (May)"
    return saved_book(folder, book)


_DATA = [name for name in WITHOUT_LEVELS if name != "sheet"]


@dialect("excel", _DATA, refused="2 sheets with content.*'Sheet', 'Notes'.*as CSV")
def workbook_with_notes_on_a_second_sheet(kind: Kind, folder: Path) -> Path:
    book = sheet_of(kind)
    book.create_sheet("Notes")["A1"] = "bought in May"
    return saved_book(folder, book)


@dialect("excel", ["sheet"])
def workbook_with_notes_on_the_first_sheet(kind: Kind, folder: Path) -> Path:
    book = sheet_of(kind)
    book.create_sheet("Notes", 0)["A1"] = "bought in May"
    return saved_book(folder, book)


@dialect("excel", WITHOUT_LEVELS, warned="hidden rows, which are read too: 3")
def workbook_with_a_hidden_row(kind: Kind, folder: Path) -> Path:
    book = sheet_of(kind)
    book.active.row_dimensions[3].hidden = True
    return saved_book(folder, book)


@dialect("excel", WITHOUT_LEVELS, warned="the hidden sheet 'Old' is not read")
def workbook_with_a_hidden_sheet(kind: Kind, folder: Path) -> Path:
    book = sheet_of(kind)
    old = book.create_sheet("Old")
    old["A1"] = "rubbish"
    old.sheet_state = "hidden"
    return saved_book(folder, book)


@dialect(
    "excel",
    ["wide", "events", "traces", "sheet"],
    refused="'Sheet', cell [A-Z]2: a formula has no value.*=1.2.*paste the values",
)
def workbook_with_a_formula_never_calculated(kind: Kind, folder: Path) -> Path:
    book = sheet_of(kind)
    column = next(i for i, cell in enumerate(kind.rows[0], 1) if isinstance(cell, float) and cell)
    book.active.cell(2, column).value = "=1+2"
    return saved_book(folder, book)


@dialect("excel", ["wide", "events", "spikes", "bouts"], refused=r"line 2.*'#DIV/0!'.*correct or empty")
def workbook_with_an_error_in_a_cell(kind: Kind, folder: Path) -> Path:
    book = sheet_of(kind)
    column = next(i for i, cell in enumerate(kind.rows[0], 1) if isinstance(cell, float))
    book.active.cell(2, column).value = "#DIV/0!"
    return saved_book(folder, book)
