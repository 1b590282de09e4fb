"""Sheets as people type them and spreadsheets save them."""

import warnings

import pandas as pd
import pytest

import murid
from murid.io.animal_sheets import read_sheet

TEXT = "Video,Mouse,Treatment,Sex,Litter\nm1.mp4,a1,saline,f,L1\nm2.mp4,a2,Psilocybin,m,L2\n"
RIGHT = {
    "id": ["m1.mp4", "m2.mp4"],
    "animal": ["a1", "a2"],
    "group": ["saline", "Psilocybin"],
    "sex": ["f", "m"],
    "litter": ["L1", "L2"],
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_of_spreadsheets(tmp_path, encoding, delimiter):
    path = tmp_path / "sheet.csv"
    path.write_bytes(TEXT.replace(",", delimiter).replace("saline", "Kochsalzlösung").encode(encoding))
    assert read_sheet(path).to_dict("list") == {**RIGHT, "group": ["Kochsalzlösung", "Psilocybin"]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_trailing_cells_and_empty_rows_of_excel(tmp_path, end):
    path = tmp_path / "sheet.csv"
    path.write_text(TEXT.replace("\n", ",,,\n").replace("\n", end) + f",,,,,,,{end}" * 3, newline="")
    assert read_sheet(path).to_dict("list") == RIGHT


def test_the_sheet_of_a_workbook_that_names_recordings(tmp_path):
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"Notes": ["bought in May"]}).to_excel(book, sheet_name="Info", index=False)
        pd.DataFrame({"Subject ID": ["01", "02"], "Genotype": ["wt", "ko"]}).to_excel(book, sheet_name="B", index=False)
    assert read_sheet(path).to_dict("list") == {"animal": ["01", "02"], "group": ["wt", "ko"]}


def test_cells_are_stripped_and_words_for_missing_are_known():
    table = pd.DataFrame({"id": ["r1", "r2 ", "r3"], "animal": ["a1", "a1 ", " a2"], "group": ["ctrl", "ctrl ", "NA"]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sheet = read_sheet(table)
    assert sheet.to_dict("list") == {
        "id": ["r1", "r2", "r3"],
        "animal": ["a1", "a1", "a2"],
        "group": ["ctrl", "ctrl", ""],
    }


@pytest.mark.parametrize("word", ["NA", "n/a", "nan", "null", "missing", "-", "?"])
def test_words_for_no_value(word):
    assert read_sheet(pd.DataFrame({"id": ["r1", "r2"], "group": ["a", word]}))["group"].tolist() == ["a", ""]


@pytest.mark.parametrize("twins", [("ctrl", "Ctrl"), ("mouse 1", "mouse_1"), ("a1", "а1")])
def test_near_twins_are_warned_of(twins):
    with pytest.warns(UserWarning, match="look alike and count as 2"):
        read_sheet(pd.DataFrame({"id": ["r1", "r2"], "group": twins}))


def test_several_columns_that_could_be_the_group():
    with pytest.warns(UserWarning, match="'treatment' is taken as the group; 'genotype' is kept"):
        sheet = read_sheet(pd.DataFrame({"id": ["r1"], "Genotype": ["wt"], "Treatment": ["x"]}))
    assert sheet.to_dict("list") == {"id": ["r1"], "genotype": ["wt"], "group": ["x"]}
    # A column that is the same everywhere tells no groups apart.
    both = pd.DataFrame({"id": ["r1", "r2"], "Treatment": "none", "Condition": ["stress", "control"]})
    with pytest.warns(UserWarning, match="'condition' is taken as the group; 'treatment' is kept"):
        assert read_sheet(both)["group"].tolist() == ["stress", "control"]


@pytest.mark.parametrize(("groups", "names"), [(("ctrl", "control"), "both"), (("vehicle", "naive", "Sham"), "all")])
def test_several_names_of_a_control_group_are_said(groups, names):
    table = pd.DataFrame({"id": [f"r{k}" for k in range(len(groups) + 1)], "group": [*groups, "drug"]})
    with pytest.warns(UserWarning, match=f"are {names} names of a control group and count as {len(groups)}; write"):
        assert read_sheet(table)["group"].tolist() == [*groups, "drug"]


def test_blanks_and_latin_1_make_no_second_group(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes("id;Gruppe;group\nr1;ä;Saline \nr2;ü; Saline\nr3;ß;Lösung\n".encode("latin-1"))
    assert read_sheet(path)["group"].tolist() == ["Saline", "Saline", "Lösung"]
    path.write_text("id,group\nr1,Saline \nr2,saline\n")
    with pytest.warns(UserWarning, match="'Saline', 'saline' in column 'group' look alike"):
        read_sheet(path)


def test_merged_cells_of_a_workbook_are_the_value_of_the_block(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [("id", "group"), ("r1", "drug"), ("r2", None), ("r3", "saline")]:
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    book.save(tmp_path / "s.xlsx")
    assert read_sheet(tmp_path / "s.xlsx")["group"].tolist() == ["drug", "drug", "saline"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Weight,Colour\n3,white\n", "does not say which recording or animal"),
        ("id,Group,group\nr1,a,b\n", "column 'group' appears more than once"),
        ("id,group\nr1,a,b\n", "line 2: row has more cells than the header"),
        ("id,group\n,\n", "no rows below the header"),
    ],
)
def test_faults_of_sheets(tmp_path, text, message):
    path = tmp_path / "sheet.csv"
    path.write_text(text)
    with pytest.raises(murid.DataError, match=message):
        read_sheet(path)
