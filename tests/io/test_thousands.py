"""``1,234`` and ``1.234`` where a table does not show which mark is the decimal one."""

import warnings

import numpy as np
import pytest

from murid.data.warning import MuridWarning
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
