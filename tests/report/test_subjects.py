"""A dot is what its caption says: an animal, a pair seen together, or a recording without a named animal."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import murid
from murid.report.subjects import seen_in_rows, seen_in_states, subject_of


def context(animals: dict[str, str], in_view: dict[str, list[str]]) -> SimpleNamespace:
    """As much of a Context as is asked: the animal of each recording, and who is in view of it."""
    return SimpleNamespace(
        glances={i: SimpleNamespace(individuals=names) for i, names in in_view.items()},
        keys=lambda i: {"animal": animals[i]},
        animals=pd.Series({i: a or i for i, a in animals.items()}),
    )


@pytest.mark.parametrize(
    ("animals", "in_view", "seen", "two"),
    [
        (["a", "b"], ["m"], ["m"], "2 animals"),
        (["", ""], ["m"], ["m"], "2 recordings"),
        (["a", ""], ["m"], ["m"], "2 animals"),
        (["a", "b"], ["m", "n"], ["m", "n"], "2 pairs of animals"),
        (["a", "b"], ["m", "n"], ["all"], "2 pairs of animals"),
        (["a", "b"], ["m", "n"], ["m"], "2 animals"),  # the table has the resident alone
        (["a", "b"], ["m", "n", "o"], ["all"], "2 sets of animals"),
        (["a", "b"], ["m"], ["all"], "2 animals"),
    ],
)
def test_what_a_dot_is(animals, in_view, seen, two):
    ids = ["r1", "r2"]
    made = context(dict(zip(ids, animals, strict=True)), dict.fromkeys(ids, in_view))
    assert subject_of(made, dict.fromkeys(ids, seen)).count(2) == two


def test_who_is_seen_is_read_from_rows_and_states():
    rows = pd.DataFrame({"recording": ["r1", "r1", "r2"], "individual": ["m", "n", "m"]})
    assert seen_in_rows(rows) == {"r1": ["m", "n"], "r2": ["m"]}
    assert seen_in_rows(rows[["recording"]]) == {"r1": [""], "r2": [""]}
    states = murid.make_states(np.zeros((5, 2), int), np.arange(5.0), ["rest"], individuals=["m", "n"])
    assert seen_in_states({"r1": states}) == {"r1": ["m", "n"]}
