from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from murid import ethogram
from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.data.states import make_states

NAMES = ("rest", "walk", "rear")


def exclusive(values, fps=10.0, names=NAMES, time=None):
    time = frame_times(len(values), fps) if time is None else time
    return make_states(np.asarray(values), time, names, ["a"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-1, 2), min_size=2, max_size=80), st.sampled_from([7.0, 25.0, 29.97, 60.0]))
def test_exclusive_states_survive_the_round_trip(values, fps):
    states = exclusive(values, fps)
    bouts = ethogram.bouts_of(states)
    back = ethogram.states_of(bouts, states.time.values, behaviours=NAMES, individuals=["a"], exclusive=True)
    np.testing.assert_array_equal(back.values, states.values)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(0, 1)), min_size=2, max_size=60))
def test_multilabel_states_survive_the_round_trip_with_what_was_scored(values):
    array = np.array(values, np.int8)[:, None, :]
    array[array[..., 0] == -1] = -1  # unlabelled for one behaviour = unlabelled for both
    states = make_states(array, frame_times(len(values), 25.0), ["groom", "sniff"], ["a"])
    back = ethogram.states_of(
        ethogram.bouts_of(states),
        states.time.values,
        behaviours=["groom", "sniff"],
        individuals=["a"],
        scored=ethogram.scored_of(states),
    )
    np.testing.assert_array_equal(back.values, states.values)


def test_bouts_are_half_open_and_end_at_unlabelled_and_dropped_frames():
    time = np.r_[np.arange(5), np.arange(10, 15)] / 10.0  # 0.5 s are missing
    bouts = ethogram.bouts_of(exclusive([1, 1, -1, 1, 1, 1, 1, 2, 2, 2], time=time))
    np.testing.assert_allclose(bouts["start_s"], [0.0, 0.3, 1.0, 1.2])
    np.testing.assert_allclose(bouts["stop_s"], [0.2, 0.5, 1.2, 1.5])
    assert list(bouts["label"]) == ["walk", "walk", "walk", "rear"]


def test_bouts_of_two_behaviours_touch_on_an_irregular_clock():
    time = np.array([0.0, 0.1, 0.23, 0.3, 0.4])
    bouts = ethogram.bouts_of(exclusive([0, 0, 1, 1, 1], time=time))
    assert bouts["stop_s"][0] == bouts["start_s"][1] == 0.23


def test_bout_score_is_the_mean_probability():
    states = exclusive([1, 1, 0, 0])
    p = states.expand_dims(behaviour=list(NAMES)).transpose("time", "individual", "behaviour").astype(float)
    p.values[:, 0, 1] = [0.8, 0.6, 0.1, 0.1]
    bouts = ethogram.bouts_of(states, behaviours=["walk"], probability=p)
    assert bouts["score"][0] == pytest.approx(0.7)


def test_overlapping_bouts_cannot_be_exclusive():
    bouts = pd.DataFrame({"start_s": [0, 0.5], "stop_s": [1, 2], "label": ["a", "b"]})
    with pytest.raises(DataError, match=r"overlap.*a and b"):
        ethogram.states_of(bouts, frame_times(20, 10), exclusive=True)


def test_summary_counts_scored_time_only_and_marks_censored_latency():
    #            0   1  2  3  4  5   6   7  8  9
    states = exclusive([-1, 0, 0, 1, 1, 0, -1, -1, 1, 0])
    table = ethogram.summarise_states(states).set_index("behaviour")
    walk, rear = table.loc["walk"], table.loc["rear"]
    assert walk["count"] == 2
    assert walk["scored_s"] == pytest.approx(0.7)
    assert walk["total_s"] == pytest.approx(0.3)
    assert walk["fraction"] == pytest.approx(3 / 7)
    assert walk["rate_per_min"] == pytest.approx(60 * 2 / 0.7)
    assert walk["mean_s"] == pytest.approx(0.15)
    assert walk["latency_s"] == pytest.approx(0.2)
    assert np.isnan(walk["interval_s"])  # the two bouts are parted by unlabelled frames
    assert rear["count"] == 0
    assert rear["latency_censored"]
    assert rear["latency_s"] == pytest.approx(0.9)
    assert np.isnan(rear["mean_s"])


def test_inter_bout_interval_is_measured_within_a_scored_stretch():
    table = ethogram.summarise_states(exclusive([1, 0, 0, 1, 0, 0, 0, 0, 1, 2])).set_index("behaviour")
    assert table.at["walk", "interval_s"] == pytest.approx(0.3)  # median of 0.2 and 0.4


def test_time_bins_share_out_the_time_and_count_a_bout_once():
    states = exclusive([0] * 8 + [1] * 4 + [0] * 8)
    walk = ethogram.summarise_bins(states, 1.0).query("behaviour == 'walk'")
    np.testing.assert_allclose(walk["total_s"], [0.2, 0.2])
    assert list(walk["count"]) == [1, 0]
    np.testing.assert_allclose(walk["mean_s"].iloc[0], 0.4)
    assert walk["total_s"].sum() == pytest.approx(
        ethogram.summarise_states(states).set_index("behaviour").at["walk", "total_s"]
    )


def test_an_unscored_bin_is_missing_not_zero():
    walk = ethogram.summarise_bins(exclusive([0, 1] * 5 + [-1] * 10), 1.0).query("behaviour == 'walk'")
    assert np.isnan(walk["fraction"].iloc[1])
    assert np.isnan(walk["latency_s"].iloc[1])


@pytest.mark.parametrize("bad", [0.0, [0.0], [1.0, 0.5]])
def test_bad_bins_are_refused(bad):
    with pytest.raises(DataError):
        ethogram.summarise_bins(exclusive([0, 1, 0]), bad)


TENTHS = np.arange(100) / 10


def _probability(values: dict[str, np.ndarray], people=("all",)) -> xr.DataArray:
    stacked = np.stack(list(values.values()), -1)[:, None].repeat(len(people), 1)
    coords = {"time": TENTHS, "individual": list(people), "behaviour": list(values)}
    return xr.DataArray(stacked, dims=("time", "individual", "behaviour"), coords=coords)


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_scores_of_bouts_are_matched_by_name(order):
    """With the probabilities in another order the score was .2 for .9."""
    p = {"a": np.full(100, 0.9), "b": np.full(100, 0.2)}
    states = make_states((np.arange(100) < 50)[:, None, None] * np.array([1, 0], np.int8), TENTHS, ["a", "b"])
    assert ethogram.bouts_of(states, probability=_probability({k: p[k] for k in order}))["score"].tolist() == [0.9]


def test_a_class_without_probability_has_no_score():
    """An appended "none" was an IndexError."""
    p = _probability({"a": np.where(np.arange(100) < 50, 0.9, 0.1), "b": np.where(np.arange(100) < 50, 0.2, 0.1)})
    table = ethogram.bouts_of(ethogram.exclusive.argmax(p), probability=p)
    assert table["label"].tolist() == ["a", "none"]
    np.testing.assert_allclose(table["score"], [0.9, np.nan])


def test_probabilities_on_another_clock_are_an_error():
    states = make_states(np.zeros(50, int), TENTHS[:50], ["a"])
    with pytest.raises(DataError, match="another clock"):
        ethogram.bouts_of(states, probability=_probability({"a": np.ones(100)}))


def test_bouts_of_two_raters_are_an_error():
    """Their union was taken: 20 s for 10 and 15 s."""
    table = pd.DataFrame({"start_s": [0, 5.0], "stop_s": [10, 20.0], "label": "groom", "rater": ["A", "B"]})
    with pytest.raises(DataError, match="several raters"):
        ethogram.states_of(table, np.arange(0, 60, 0.1))
    one = ethogram.states_of(table[table["rater"] == "A"], np.arange(0, 60, 0.1))
    assert (one.values == 1).sum() == 100


def test_bins_that_nobody_watched_hold_nan():
    v = np.zeros((600, 1, 1), np.int8)
    v[50:80], v[300:] = 1, -1
    table = ethogram.summarise_bins(make_states(v, np.arange(600) / 10, ["groom"]), 30.0)
    assert table["count"].tolist()[0] == 1
    empty = table.iloc[1]
    for column in ("count", "rate_per_min", "total_s", "fraction", "latency_s", "mean_s"):
        assert np.isnan(empty[column]), column
    assert not empty["latency_censored"]
    assert empty["scored_s"] == 0


def test_durations_are_sums_of_spans():
    """A film of 20 s at 30 and 40 s at 15 frames/s: time, and shortest bouts, are those of the film."""
    time = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])
    states = make_states((time >= 10)[:, None, None].astype(np.int8), time, ["zone"])
    assert ethogram.summarise_states(states)["total_s"].item() == pytest.approx(50)
    inside = make_states(((time >= 20)[:, None, None]).astype(np.int8), time, ["zone"])
    assert ethogram.summarise_states(inside)["total_s"].item() == pytest.approx(40)
