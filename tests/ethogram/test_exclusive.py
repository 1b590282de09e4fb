from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.data.states import behaviour_names, make_states
from murid.ethogram import exclusive


def probability(rows, names=("walk", "rear")):
    rows = np.asarray(rows, np.float32)
    return xr.DataArray(
        rows[:, None],
        dims=("time", "individual", "behaviour"),
        coords={"time": frame_times(len(rows), 10), "individual": ["a"], "behaviour": list(names)},
    )


def multi(rows, names=("walk", "rear")):
    rows = np.asarray(rows, np.int8)
    return make_states(rows[:, None], frame_times(len(rows), 10), list(names), ["a"])


def test_threshold_keeps_unknown_unknown():
    got = exclusive.threshold(probability([[0.6, 0.1], [np.nan, 0.3]]), {"walk": 0.5, "rear": 0.2})
    np.testing.assert_array_equal(got.values[:, 0], [[1, 0], [-1, 1]])


def test_argmax_weighs_by_threshold_and_falls_back_to_none():
    p = probability([[0.6, 0.4], [0.4, 0.15], [np.nan, np.nan], [0.9, np.nan]])
    got = exclusive.argmax(p, {"walk": 0.5, "rear": 0.2})
    assert behaviour_names(got) == ["walk", "rear", "none"]
    np.testing.assert_array_equal(got.values[:, 0], [1, 2, -1, 0])
    plain = exclusive.argmax(p, none=None)
    np.testing.assert_array_equal(plain.values[:, 0], [0, 0, -1, 0])


def test_a_none_class_of_the_classifier_is_used_not_doubled():
    p = probability([[0.3, 0.2, 0.5], [0.6, 0.1, 0.3]], ("walk", "rear", "none"))
    got = exclusive.argmax(p)
    assert behaviour_names(got) == ["walk", "rear", "none"]
    np.testing.assert_array_equal(got.values[:, 0], [2, 0])
    assert exclusive.argmax(p, {"walk": 0.2, "rear": 0.2}).values[0, 0] == 0


def test_bad_thresholds_are_named():
    with pytest.raises(DataError, match="none for 'rear'"):
        exclusive.argmax(probability([[0.5, 0.5]]), {"walk": 0.5})
    with pytest.raises(DataError, match="positive"):
        exclusive.argmax(probability([[0.5, 0.5]]), 0.0)


def test_exclusion_by_probability_by_priority_and_within_groups():
    states = multi([[1, 1, 1], [1, 0, 1], [-1, 1, 1]], ("walk", "rear", "sniff"))
    p = probability([[0.5, 0.9, 0.8], [0.4, 0.1, 0.3], [0.1, 0.2, 0.9]], ("walk", "rear", "sniff"))
    got = exclusive.exclude(states, [["walk", "rear"]], probability=p)
    np.testing.assert_array_equal(got.values[:, 0], [[0, 1, 1], [1, 0, 1], [-1, 1, 1]])
    got = exclusive.exclude(states, priority=["sniff"])
    np.testing.assert_array_equal(got.values[:, 0], [[0, 0, 1], [0, 0, 1], [-1, 0, 1]])
    with pytest.raises(DataError, match="did you mean 'walk'"):
        exclusive.exclude(states, [["wlak"]])


def test_to_exclusive_tells_none_from_unlabelled():
    states = multi([[1, 0], [0, 0], [-1, -1]])
    np.testing.assert_array_equal(exclusive.to_exclusive(states).values[:, 0], [0, -1, -1])
    np.testing.assert_array_equal(exclusive.to_exclusive(states, none="none").values[:, 0], [0, 2, -1])
    with pytest.raises(DataError, match="overlap"):
        exclusive.to_exclusive(multi([[1, 1]]))


def test_the_most_probable_stays_whatever_the_order_of_the_probabilities():
    time = np.arange(10) / 10
    both = make_states(np.ones((10, 1, 2), np.int8), time, ["a", "b"])
    coords = {"time": time, "individual": ["all"], "behaviour": ["b", "a"]}
    p = xr.DataArray(np.tile([0.2, 0.9], (10, 1))[:, None], dims=("time", "individual", "behaviour"), coords=coords)
    out = exclusive.exclude(both, probability=p)
    assert out.values[:, 0, 0].tolist() == [1] * 10
    assert out.values[:, 0, 1].tolist() == [0] * 10
