"""Tables on screens of any width: numbers whole, no column without room, hidden ones named."""

import io
import re

import pandas as pd
import pytest
from rich.console import Console

from murid.cli.table import print_table


def printed(table, width):
    out = io.StringIO()
    print_table(Console(file=out, width=width, highlight=False), "Agreement", table)
    return out.getvalue()


WIDE = pd.DataFrame(
    {
        "rater": ["Furkan", "Jin"],
        "behaviour": ["Unsupported", "Supported"],
        "note": ["", ""],
        **{f"a long heading of number {k}": [0.123, 9876.5] for k in range(10)},
    }
)


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_numbers_and_words_are_never_broken_and_what_has_no_room_is_named(width):
    text = printed(WIDE, width)
    assert max(map(len, text.split("No room")[0].splitlines())) <= width
    for whole in ("Furkan", "Unsupported", "heading", "0.123", "9,876"):
        assert whole in text
    shown = len(re.findall(r"0\.123", text))
    hidden = re.search(r"No room for (\d+) more columns: (.*)", text)
    assert shown + (int(hidden[1]) if hidden else 0) == 10
    assert hidden is None or hidden[2].split(", ")[-1] == "a long heading of number 9"
    assert shown >= width // 12 - 3
    assert "note" not in text


def test_a_narrow_table_is_not_stretched_and_long_texts_are_folded():
    assert printed(pd.DataFrame({"id": ["m1"], "n": [1]}), 80).splitlines()[1].startswith("id ┃ n")
    text = printed(pd.DataFrame({"id": ["m1"], "reason": ["word " * 60]}), 80)
    assert text.count("word") == 60
    assert max(map(len, text.splitlines())) <= 80


def test_markup_in_names_is_printed_as_it_is():
    assert "[red]x" in printed(pd.DataFrame({"id": ["[red]x"]}), 80)
