"""Names of any script are compared and stored without loss."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import murid
from murid.data.names import (
    check_distinct,
    file_name_of,
    matching_key,
    near_twins,
    refuse_bad_id,
    slug,
    split_words,
    text_of,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(lambda t: unicodedata.normalize("NFC", t))


@given(text)
def test_a_file_name_gives_its_text_back(name):
    file_name = file_name_of(name)
    assert text_of(file_name) == name
    assert not set(file_name) & set('/\\:*?"<>|\0\n')
    assert file_name not in (".", "..", "")
    assert not file_name.endswith((".", " "))


@given(text, text)
def test_two_texts_never_share_a_file_name(a, b):
    assert (file_name_of(a) == file_name_of(b)) == (a == b)


def test_accents_stored_in_two_ways_are_one_name():
    assert matching_key("Ju\u0308rgen") == matching_key("JÜRGEN") != matching_key("Jörgen")
    assert file_name_of("Ju\u0308rgen") == "Jürgen"


def test_reserved_and_long_names():
    assert file_name_of("con.txt") == "%63on.txt"
    assert text_of("%63on.txt") == "con.txt"
    with pytest.raises(murid.DataError, match="too long"):
        file_name_of("ж" * 200)


@pytest.mark.parametrize(
    ("name", "other"), [("con", "con_"), ("NUL.1", "NUL_.1"), ("com3", "com3_"), ("LPT¹", "LPT¹_")]
)
def test_names_that_windows_reserves_name_no_folder(name, other):
    assert slug(name) == slug(other) == other
    with pytest.raises(murid.DataError, match=f"use '{re.escape(other)}'"):
        refuse_bad_id(name, "study")
    refuse_bad_id(other, "study")
    refuse_bad_id("control", "study")


def test_a_name_that_leaves_no_room_for_endings_names_no_folder():
    refuse_bad_id("ж" * 100, "study")
    with pytest.raises(murid.DataError, match=r"at most 200 bytes.*give it a shorter name"):
        refuse_bad_id("ж" * 101, "study")


def test_words_keep_their_marks():
    assert split_words("हिन्दी_चूहा-1") == ["हिन्दी", "चूहा", "1"]
    assert slug("Мышь 1 (клетка)") == "Мышь_1_клетка"


def test_names_that_would_share_a_file_are_listed():
    with pytest.raises(murid.DataError, match="'Ann', 'ann'"):
        check_distinct(["Ann", "bob", "ann"], "labels", "raters")


def test_near_twins_see_spaces_case_dashes_and_other_keyboards():
    assert near_twins(["а1", "a1", "A 1", "b1"]) == [["а1", "a1", "A 1"]]
    assert near_twins(["ctrl", "ctrl-2", "ctrl_2", "drug"]) == [["ctrl-2", "ctrl_2"]]
    assert near_twins(["1-12", "11-2", "112"]) == []
    assert near_twins(["1-1", "1_1"]) == [["1-1", "1_1"]]
