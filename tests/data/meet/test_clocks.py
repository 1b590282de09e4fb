"""Labels meet clocks, individuals meet by name: the same in any order and unit, or one error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.data.labels import LabelChoice, Labels
from murid.data.meet import by_individual, clock_to_clock, labels_on
from murid.data.states import make_states

FAST = settings(max_examples=30, deadline=None)


@st.composite
def marked(draw):
    """Return bouts of three animals on the samples of a clock that pauses, and what each sample is."""
    fps, start = draw(st.sampled_from([10, 25, 30, 29.97])), draw(st.sampled_from([0.0, 7.3, 1.7e9]))
    a, b, pause = draw(st.integers(5, 40)), draw(st.integers(5, 40)), draw(st.sampled_from([0.0, 0.4, 60.0]))
    time = start + np.arange(a + b) / fps
    time[a:] += pause
    n = a + b
    codes = np.array(draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=3 * n, max_size=3 * n)), np.int8)
    return time, codes.reshape(n, 3, 1)


@FAST
@given(case=marked(), order=st.permutations(["a", "b", "c"]))
def test_labels_come_back_on_any_clock_in_any_order(case, order):
    time, codes = case
    labels = Labels.from_states(make_states(codes, time, ["x"], ["a", "b", "c"]))
    if not len(labels.scored):
        return
    back = labels_on(labels, time, LabelChoice(behaviours=("x",)), individuals=order)
    np.testing.assert_array_equal(back.sel(individual=["a", "b", "c"]).values, codes)


def test_labels_of_another_clock_are_refused():
    table = pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["x"]})
    with pytest.raises(DataError, match="lie on another clock"):
        labels_on(Labels.from_bouts(table, duration_s=60), 1.7e9 + np.arange(100) / 10)


@FAST
@given(order=st.permutations(["m1", "m2", "m3"]))
def test_individuals_meet_by_name(order):
    states = make_states(np.array([[0, 1, 2]]), [0.0], ["a", "b", "c"], ["m1", "m2", "m3"])
    found = by_individual(states, order)
    assert found["individual"].values.tolist() == order
    assert [int(found.sel(individual=m).item()) for m in ("m1", "m2", "m3")] == [0, 1, 2]


def test_what_belongs_to_all_belongs_to_each_and_the_rest_is_missing():
    states = make_states(np.array([[0, 1]]), [0.0], ["a", "b"], ["all", "m1"])
    assert by_individual(states, ["m2", "m1"]).values.tolist() == [[0, 1]]
    assert by_individual(states.isel(individual=[1]), ["m1", "m9"]).values.tolist() == [[1, -1]]
    numbers = states.isel(individual=[1]).astype(float)
    found = by_individual(numbers, ["m1", "m9"]).values
    np.testing.assert_array_equal(found, [[1, np.nan]])
    with pytest.raises(DataError, match="no name in common"):
        by_individual(numbers, ["m7"])


def test_clocks_that_cannot_tell_are_refused():
    with pytest.raises(DataError, match="do not tell which pulse is which"):
        clock_to_clock(np.arange(100.0), np.arange(90.0))
