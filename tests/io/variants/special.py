"""Sheets as laboratories type them: what only sheets have."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl

from tests.io.variants import variant

GROUPS = {"animal": ["m1", "m2", "m3", "m4"], "group": ["saline", "saline", "drug", "drug"]}


def book(folder: Path, *rows: list, merged: str = "") -> Path:
    out = openpyxl.Workbook()
    for row in rows:
        out.active.append(row)
    if merged:
        out.active.merge_cells(merged)
    out.save(folder / "a.xlsx")
    return folder / "a.xlsx"


def text(folder: Path, content: str, encoding: str = "utf-8") -> Path:
    path = folder / "a.csv"
    path.write_bytes(content.encode(encoding))
    return path


@variant("excel", "sheet", right={"animal": ["m1", "m2"], "group": ["saline", "saline"]})
def a_group_merged_over_its_animals(folder: Path) -> Path:
    return book(folder, ["Mouse", "Group"], ["m1", "saline"], ["m2", None], merged="B2:B3")


@variant("excel", "sheet", right=GROUPS)
def a_title_merged_over_the_header(folder: Path) -> Path:
    rows = [["m1", "saline"], ["m2", "saline"], ["m3", "drug"], ["m4", "drug"]]
    return book(folder, ["Mice of May", None], ["Mouse", "Group"], *rows, merged="A1:B1")


@variant("excel", "sheet", refused="column 'mouse' appears more than once.*rename or delete")
def a_heading_merged_over_two_columns(folder: Path) -> Path:
    return book(folder, ["Mouse", None, "Group"], ["m1", "left", "saline"], merged="A1:B1")


@variant("excel", "sheet", right={"animal": ["m1"], "day": ["2026-05-01"], "session": ["10:30:00.000000"]})
def days_and_times(folder: Path) -> Path:
    return book(folder, ["Mouse", "Date", "Session"], ["m1", dt.datetime(2026, 5, 1), dt.time(10, 30)])


@variant("excel", "sheet", refused="'animal' has become a date; got '2026-01-02'.*as text and type")
def a_name_that_became_a_date(folder: Path) -> Path:
    return book(folder, ["Mouse", "Group"], [dt.datetime(2026, 1, 2), "saline"])


@variant("excel", "sheet", refused="'animal' has become a date; got '02-Jan'.*as text and type")
def a_name_that_became_a_date_in_a_csv(folder: Path) -> Path:
    return text(folder, "Mouse,Group\n02-Jan,saline\n")


@variant("excel", "sheet", refused=r"'animal' has become a shortened number; got '9\.81E\+14'.*as text and type")
def a_transponder_that_was_shortened(folder: Path) -> Path:
    return text(folder, "Mouse,Group\n9.81E+14,saline\n")


@variant("excel", "sheet", right={"animal": ["981000012345678"], "group": ["saline"]})
def a_transponder_in_full(folder: Path) -> Path:
    return book(folder, ["Mouse", "Group"], [981000012345678, "saline"])


@variant("excel", "sheet", right={"animal": ["01", "02"], "group": ["a", "b"]})
def leading_zeros_kept_as_text(folder: Path) -> Path:
    return book(folder, ["Mouse", "Group"], ["01", "a"], ["02", "b"])


@variant(
    "excel",
    "sheet",
    right={"animal": ["m1", "m2"], "group": ["a", "b"]},
    warned="hidden columns, which are read too: C",
)
def a_hidden_column_without_content(folder: Path) -> Path:
    path = book(folder, ["Mouse", "Group", None], ["m1", "a", None], ["m2", "b", None])
    again = openpyxl.load_workbook(path)
    again.active.column_dimensions["C"].hidden = True
    again.save(path)
    return path


NOTED = {"animal": ["m1", "m2"], "group": ["saline", "psilocybin"], "drug": ["none", "none"]}


@variant("excel", "sheet", right=NOTED, warned="'drug' is kept as a note")
def two_columns_that_could_be_the_group(folder: Path) -> Path:
    return text(folder, "Mouse,Treatment,Drug\nm1,saline,none\nm2,psilocybin,none\n")


CONTROLS = {"animal": ["m1", "m2", "m3"], "group": ["saline", "vehicle", "Psilocybin"]}


@variant(
    "excel", "sheet", right=CONTROLS, warned="'saline' and 'vehicle'.*both names of a control group and count as 2"
)
def two_control_groups(folder: Path) -> Path:
    """Both stay groups of their own, with a word: which is the control is said to the comparison."""
    return text(folder, "Mouse;Group\nm1;saline\nm2;vehicle\nm3;Psilocybin\n")


@variant("excel", "sheet", right={"animal": ["m1", "m2"], "group": ["Größe", "naïve"]})
def latin_1(folder: Path) -> Path:
    return text(folder, "Mouse;Group\r\nm1;Größe\r\nm2;naïve\r\n", "latin-1")


@variant("excel", "sheet", refused="line 3: row has more cells than the header.*quote cells")
def an_unquoted_comma(folder: Path) -> Path:
    return text(folder, "Mouse,Group,Dose\nm1,saline,0\nm2,drug,1,5\n")


@variant("excel", "sheet", refused="line 4: the header stands a second time.*delete the row")
def two_sheets_pasted_together(folder: Path) -> Path:
    return text(folder, "Mouse,Group\nm1,saline\n\nMouse,Group\nm2,drug\n")


@variant("excel", "sheet", refused="no rows below the header")
def only_a_header(folder: Path) -> Path:
    return book(folder, ["Mouse", "Group"])


@variant("excel", "sheet", refused="does not say which recording or animal.*column id")
def no_column_of_animals(folder: Path) -> Path:
    return text(folder, "Cage,Group\n1,a\n2,b\n")
