"""Tables as R saves them: text in quotes, names of the rows, NA, TRUE and FALSE, and dots in names of columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import openpyxl

from tests.io.variants import dialect, variant
from tests.io.variants.kinds import KINDS, Cell, Kind

FLAT = [name for name in KINDS if name != "dlc"]


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def cell(value: Cell, *, comma: bool = False, quotes: bool = True, missing: str = "NA") -> str:
    if value is None:
        return missing
    if isinstance(value, str):
        return quoted(value) if quotes or re.search(r'[",;\t\n]', value) else value
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)
    return text.replace(".", ",") if comma else text


def table(
    kind: Kind,
    *,
    delimiter: str = ",",
    row_names: bool = True,
    named: bool = True,
    header: Sequence[str] = (),
    quotes: bool = True,
    **cells,
) -> str:
    """Text of write.table: `named` writes an empty name above the names of the rows, as write.csv does."""
    names = [cell(n, quotes=quotes) for n in header or kind.header[0]]
    lines = [delimiter.join(([quoted("")] if row_names and named else []) + names)]
    for i, row in enumerate(kind.rows, 1):
        own = [quoted(str(i))] if row_names else []
        lines.append(delimiter.join(own + [cell(v, quotes=quotes, **cells) for v in row]))
    return "\n".join(lines) + "\n"


def saved(folder: Path, text: str, encoding: str = "utf-8", name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def checked_names(kind: Kind) -> list[str]:
    """Names as data.frame makes them (check.names = TRUE)."""
    return [re.sub(r"[^\w.]", ".", name) for name in kind.header[0]]


@dialect("r", FLAT)
def write_csv(kind: Kind, folder: Path) -> Path:
    return saved(folder, table(kind))


@dialect("r", FLAT)
def write_csv_without_row_names(kind: Kind, folder: Path) -> Path:
    return saved(folder, table(kind, row_names=False))


@dialect("r", FLAT)
def write_csv2(kind: Kind, folder: Path) -> Path:
    return saved(folder, table(kind, delimiter=";", comma=True))


@dialect("r", FLAT)
def write_csv2_in_latin_1(kind: Kind, folder: Path) -> Path:
    return saved(folder, table(kind, delimiter=";", comma=True, row_names=False), "latin-1")


@dialect("r", FLAT)
def write_table_with_tabs(kind: Kind, folder: Path) -> Path:
    return saved(folder, table(kind, delimiter="\t", row_names=False), name="a.tsv")


@dialect(
    "r",
    FLAT,
    refused={
        # The last cell of every row is empty, as if a delimiter stood there for nothing.
        "boris_tabular": r"row has another number of columns than the header; expected 19 columns, got 20; -> repair",
        "traces": r"row has another number of columns than the header; expected 3 columns, got 4; -> repair",
    },
)
def write_table_with_row_names(kind: Kind, folder: Path) -> Path:
    """The header has one name less than the rows have cells."""
    return saved(folder, table(kind, delimiter="\t", named=False), name="a.tsv")


@dialect("r", FLAT, refused="->")
def write_table(kind: Kind, folder: Path) -> Path:
    """Spaces between the cells, R's default."""
    return saved(folder, table(kind, delimiter=" ", named=False), name="a.txt")


@dialect("r", FLAT)
def readr(kind: Kind, folder: Path) -> Path:
    return saved(folder, table(kind, row_names=False, quotes=False))


@dialect("r", FLAT)
def readr_write_excel_csv2(kind: Kind, folder: Path) -> Path:
    return saved(folder, table(kind, row_names=False, quotes=False, delimiter=";", comma=True), "utf-8-sig")


@dialect("r", FLAT)
def fwrite(kind: Kind, folder: Path) -> Path:
    return saved(folder, table(kind, row_names=False, quotes=False, missing=""))


@dialect("r", [n for n in FLAT if n not in ("traces", "onehot", "sheet")])
def read_and_saved_again(kind: Kind, folder: Path) -> Path:
    """``Start (s)`` has become ``Start..s.``, the names of the rows a column ``X``."""
    header = checked_names(kind)
    text = table(kind, header=header)
    lines = text.splitlines()
    again = [f'"",{quoted("X")},{",".join(quoted(n) for n in header)}']
    again += [f"{quoted(str(i))},{i},{line.split(',', 1)[1]}" for i, line in enumerate(lines[1:], 1)]
    return saved(folder, "\n".join(again) + "\n")


@variant("r", "traces", right=[["cell", "b"], [0.0, 0.04, 0.08], [[0.5, 1.25], [0.75, 1.5], [1.0, 2.5]]])
def signals_read_and_saved_again(folder: Path) -> Path:
    rows = '"1",1,0,0.5,1.25\n"2",2,0.04,0.75,1.5\n"3",3,0.08,1,2.5\n'
    return saved(folder, '"","X","time_s","cell","b"\n' + rows)


@variant("r", "sheet", right={"animal": ["m1", "m2"], "group": ["a", "b"], "weight..g.": ["23.5", "24.1"]})
def sheet_read_and_saved_again(folder: Path) -> Path:
    header = '"","X","Subject.ID","Treatment.group","Weight..g."\n'
    return saved(folder, header + '"1",1,"m1","a",23.5\n"2",2,"m2","b",24.1\n')


@dialect("r", ["wide", "bouts", "sheet", "boris_tabular"])
def openxlsx(kind: Kind, folder: Path) -> Path:
    book = openpyxl.Workbook()
    for row in [*kind.header, *([("NA" if v is None else v) for v in row] for row in kind.rows)]:
        book.active.append(list(row))
    book.save(folder / "a.xlsx")
    return folder / "a.xlsx"


@variant("r", "onehot")
def true_and_false(folder: Path) -> Path:
    kind = KINDS["onehot"]
    rows = [f"{i},{str(bool(a)).upper()},{str(bool(b)).upper()}" for i, a, b in kind.rows]
    return saved(folder, '"frame","rear","Fellpflege ä"\n' + "\n".join(rows) + "\n")


@variant("r", "onehot", refused="no time or frame column|not recognised")
def without_a_clock(folder: Path) -> Path:
    return saved(folder, '"","rear","groom"\n"1",TRUE,FALSE\n"2",FALSE,FALSE\n')


@variant("r", "bouts", refused="line 3: label is empty; got 'NA'")
def a_label_that_is_missing(folder: Path) -> Path:
    return saved(folder, '"","start_s","stop_s","label"\n"1",1,2,"rear"\n"2",3,4,NA\n')


@variant(
    "r",
    "bouts",
    right={"bouts": [[1.0, 2.0, "rear", "all", "A"], [3.0, 4.0, "rear", "m1", "A"]], "scored": [[0.0, 60.0, "A"]]},
)
def an_animal_that_is_missing(folder: Path) -> Path:
    return saved(folder, '"start_s","stop_s","label","individual","rater"\n1,2,"rear",NA,"A"\n3,4,"rear","m1","A"\n')


@variant("r", "bouts", refused=r"(?s)(Rds|R data file|gzip|binary).*")
def save_rds(folder: Path) -> Path:
    import gzip

    path = folder / "a.rds"
    path.write_bytes(gzip.compress(b"X\n\x00\x00\x00\x03\x00\x04\x02\x01\x00\x03\x05\x00"))
    return path


@variant("r", "dlc")
def deeplabcut_read_and_saved_again(folder: Path) -> Path:
    """read.csv takes the first level for the header, write.csv quotes all that became text."""
    kind = KINDS["dlc"]
    first = [kind.header[0][0], *(f"{n}.{i}" if i else n for i, n in enumerate(kind.header[0][1:]))]
    rows = [*kind.header[1:], *([cell(v, quotes=False, missing="") for v in row] for row in kind.rows)]
    body = [",".join(quoted(c) for c in [str(i), *row]) for i, row in enumerate(rows, 1)]
    return saved(folder, ",".join(quoted(n) for n in ["", *first]) + "\n" + "\n".join(body) + "\n")
