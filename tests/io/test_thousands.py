"""``1,234`` and ``1.234`` where a table does not show which mark is the decimal one."""

import warnings

import numpy as np
import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.data.warning import MuridWarning
from murid.io.animal_sheets import read_sheet
from murid.io.delimited_text import parse_numbers, read_table


def both_readers(tmp_path, text):
    """Column a as the two readers of tables give it."""
    (tmp_path / "a.csv").write_text(text)
    delimiter = next(d for d in ";\t," if d in text)
    body = text.split("\n", 1)[1]
    yield lambda: read_table(tmp_path / "a.csv").numbers("a")
    yield lambda: parse_numbers(body, ["a", "b"], subject="a.csv", first_line=2, delimiter=delimiter)[0][:, 0]


@pytest.mark.parametrize("text", ["a;b\n1,234;850\n2,310;900\n", "a\tb\n1.234\t850\n2.310\t900\n"])
def test_read_as_decimals_and_said(tmp_path, text):
    for read in both_readers(tmp_path, text):
        with pytest.warns(MuridWarning, match=r"column 'a': 2 numbers such as 1.234 are read as decimals \(1.234\)"):
            assert read().tolist() == [1.234, 2.31]


@pytest.mark.parametrize(
    "text",
    [
        "a;b\n1,234;850\n2,310;0,5\n",  # b shows the decimal mark
        "a;b\n1,234;850\n2,31;900\n",  # two places are no thousand
        "a;b\n1,234;850\n0,310;900\n",  # nor is 0,310
        "a;b\n1,234;850\n7;900\n",  # a single one is no pattern
        "a;b\n1,234;850\n2,310;900\n2500;1\n",  # whole thousands are written without a mark
        "a,b\n1.234,850\n2.310,900\n",  # commas part the cells
    ],
)
def test_nothing_is_said_where_it_is_plain(tmp_path, text):
    for read in both_readers(tmp_path, text):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isfinite(read()).all()


#: Tables of several hands, in which both marks are surely decimal ones somewhere: cells of column a, and the right
#: values, or the cell that could be either.
MIXED = [
    (["0.5", "0,5", "1.234"], "1.234"),
    (["0.5", "0,5", "1,234"], "1,234"),
    (["0.5", "0,5", "12.25"], [0.5, 0.5, 12.25]),
    (["1.234", "0.5", "7"], [1.234, 0.5, 7]),  # the column itself shows its mark
    (["1,234", "0,5", "7"], [1.234, 0.5, 7]),
    (["1,234", "0.5", "7"], "1,234"),
    (["1.234", "7", "8"], "1.234"),  # it does not, and the table has both
]


@pytest.mark.parametrize(("cells", "right"), MIXED)
def test_both_marks_in_one_table(tmp_path, cells, right):
    text = "a;b\n" + "".join(f"{cell};{other}\n" for cell, other in zip(cells, ("0,25", "0.25", ""), strict=True))
    for read in both_readers(tmp_path, text):
        if isinstance(right, str):
            with pytest.raises(DataError, match=rf"column.*a thousands separator or a decimal mark.*'{right}'"):
                read()
        else:
            assert read().tolist() == right


def test_marks_that_cannot_both_be_decimal_ones(tmp_path):
    """No cell shows which: but 1.234 and 2,310 in one table are not both read as decimals."""
    for read in both_readers(tmp_path, "a;b\n1.234;850\n2,310;900\n"):
        with pytest.raises(DataError, match=r"'1.234'.*\n?.*'2,310'"):
            read()


@pytest.mark.parametrize(
    ("weight", "right"),
    [
        (("24,5", "23.5", "7"), ["24.5", "23.5", "7"]),
        (("1.234", "23.5", ""), ["1.234", "23.5", ""]),
        (("1,234", "23.5", ""), "1,234"),
        (("1.234", "23,5", "0.5"), "1.234"),
        (("1.1 a", "2,5", ""), ["1.1 a", "2,5", ""]),  # no numbers: left alone
    ],
)
def test_both_marks_in_a_sheet_of_animals(weight, right):
    sheet = pd.DataFrame({"animal": ["a", "b", "c"], "weight": weight})
    if isinstance(right, str):
        with pytest.raises(DataError, match=rf"column 'weight': a thousands separator or a decimal mark.*'{right}'"):
            read_sheet(sheet)
    else:
        assert read_sheet(sheet)["weight"].tolist() == right


def test_a_sheet_of_animals_that_shows_no_mark_is_warned_of():
    with pytest.warns(MuridWarning, match="column 'dose': 2 numbers such as 1,234 are read as decimals"):
        sheet = read_sheet(pd.DataFrame({"animal": ["a", "b"], "dose": ["1,234", "2,310"]}))
    assert sheet["dose"].tolist() == ["1.234", "2.310"]
