"""Names of users that are words of murid's tables: the one rule, and tables that refuse what they could not show."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.reserved_names import (
    ADDED_KEYS,
    BEHAVIOUR_WORDS,
    KEYS,
    as_given,
    behaviour_column,
    behaviour_of,
    group_column,
    set_apart,
)
from murid.data.tables import Table, TableError, TableRows, number_column, text_column

KINDS = ("behaviour", "group")
NAMES = st.builds(
    lambda word, marks: word + "".join(f" ({m})" for m in marks),
    st.sampled_from([*BEHAVIOUR_WORDS, "Group", "ANIMAL", "rear", "", " "]) | st.text("ag ()", max_size=4),
    st.lists(st.sampled_from(KINDS), max_size=3),
)


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES, st.sampled_from(KINDS))
def test_a_name_set_apart_is_no_word_comes_back_and_stays_different_from_others(one, other, kind):
    shown = set_apart(one, BEHAVIOUR_WORDS, kind)
    assert shown.casefold() not in BEHAVIOUR_WORDS
    assert as_given(shown, BEHAVIOUR_WORDS, kind) == one
    assert (shown == set_apart(other, BEHAVIOUR_WORDS, kind)) == (one == other)


def test_names_that_are_no_words_stay_as_they_are():
    for name in ("rear", "group_huddle", "days", "macros", "left (behaviour)"):
        assert behaviour_column(name) == behaviour_of(name) == name
    assert [group_column(k, "drug") for k in ("n", "median_s")] == ["n_drug", "median_s_drug"]


@pytest.mark.parametrize("name", [n for n in (*dir(TableRows), "frame", "_table")])
def test_a_table_refuses_a_column_that_its_rows_would_hide(name):
    with pytest.raises(TableError, match=rf"table 'made': column '{name}' cannot be read.*give it another name"):
        Table("made", {"fine": number_column(), name: number_column()})


@pytest.mark.parametrize("name", ["groups", "where", "measure", "count", "index"])
def test_a_column_of_any_other_name_is_read(name):
    rows = Table("made", {name: text_column()}).rows(pd.DataFrame({name: ["a", "b"]}))
    assert getattr(rows, name).tolist() == ["a", "b"]


@pytest.mark.parametrize("name", ADDED_KEYS)
def test_a_measure_that_is_called_like_a_key_is_refused_and_not_lost(name):
    made = Table("animals", {"individual": text_column()}, measures=number_column())
    with pytest.raises(TableError, match=rf"column '{name}' says whose row it is.*'{name} \(measure\)'"):
        made.check(pd.DataFrame({"individual": ["m"], name: [1.5]}))
    keys = dict.fromkeys(KEYS, "1")
    assert list(made.check(pd.DataFrame({**keys, f"{name} (measure)": [1.5]}, index=[0]))) == [
        *(k for k in KEYS if k != "individual"),
        "individual",
        f"{name} (measure)",
    ]


def test_the_page_of_labels_and_sheets_lists_every_word():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "formats.md").read_text()
    section = page.split("## Names that are words")[1].split("\n## ")[0]
    (row,) = [line for line in section.splitlines() if line.startswith("| behaviour, motif |")]
    assert row.split("|")[3].strip() == ", ".join(f"`{word}`" for word in BEHAVIOUR_WORDS)
