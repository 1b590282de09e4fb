from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.data.states import make_states
from murid.ethogram import kernels, smooth

FPS = 10.0


def exclusive(values, n=3, time=None):
    time = frame_times(len(values), FPS) if time is None else time
    return make_states(np.asarray(values), time, [f"b{i}" for i in range(n)], ["a"])


def multi(values, time=None):
    time = frame_times(len(values), FPS) if time is None else time
    return make_states(np.asarray(values, np.int8)[:, None, None], time, ["x"], ["a"])


def probability(values, fps=FPS):
    values = np.asarray(values, np.float32)
    return xr.DataArray(
        values[:, None, None],
        dims=("time", "individual", "behaviour"),
        coords={"time": frame_times(len(values), fps), "individual": ["a"], "behaviour": ["x"]},
    )


def text(array):
    return "".join("." if v < 0 else str(v) for v in array.values.ravel())


def digits(word):
    return [-1 if c == "." else int(c) for c in word]


labels = st.lists(st.integers(-1, 2), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(labels, st.integers(0, 4))
def test_majority_agrees_with_counting(values, half):
    states = exclusive(values)
    got = smooth.majority(states, half / FPS).values[:, 0]
    values = np.array(values)
    for i, v in enumerate(values):
        if v == -1:
            assert got[i] == -1
            continue
        left = max([j for j in range(i) if values[j] == -1], default=-1)
        right = min([j for j in range(i, len(values)) if values[j] == -1], default=len(values))
        window = values[max(left + 1, i - half) : min(right, i + half + 1)]
        counts = np.bincount(window, minlength=3)
        best = v if counts[v] == counts.max() else int(counts.argmax())
        assert got[i] == best


@settings(max_examples=40, deadline=None)
@given(labels, st.floats(0, 1.0))
def test_no_smoother_invents_or_removes_labels(values, seconds):
    states, binary = exclusive(values), multi([min(v, 1) for v in values])
    missing = np.array(values) == -1
    for function in (
        smooth.majority,
        smooth.close_gaps,
        lambda s, t: smooth.min_bout(s, t, "absorb"),
    ):
        for array in (states, binary):
            np.testing.assert_array_equal(function(array, seconds).values.ravel() == -1, missing)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(1, 6))
def test_absorbing_leaves_no_short_run(values, shortest):
    got = smooth.min_bout(exclusive(values), shortest / FPS, "absorb").values[:, 0]
    edges = np.flatnonzero(np.diff(got)) + 1
    lengths = np.diff(np.r_[0, edges, got.size])
    assert lengths.size == 1 or lengths.min() >= shortest
    assert set(got) <= set(values)


def naive_flip(values, shortest):
    """Flip the shortest run, leftmost first, until none is short: JAABA's words, literally."""
    values = list(values)
    while True:
        edges = [0, *[i for i in range(1, len(values)) if values[i] != values[i - 1]], len(values)]
        lengths = [b - a for a, b in itertools.pairwise(edges)]
        if len(lengths) < 2 or min(lengths) >= shortest:
            return values
        k = lengths.index(min(lengths))
        values[edges[k] : edges[k + 1]] = [1 - values[edges[k]]] * lengths[k]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=50), st.integers(1, 6))
def test_absorbing_two_labels_is_flipping_the_shortest(values, shortest):
    got = smooth.min_bout(multi(values), shortest / FPS, "absorb").values.ravel()
    assert got.tolist() == naive_flip(values, shortest)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("0011011000", "0011111000"),
        ("1100011", "1100011"),  # three frames are not shorter than 0.3 s
        ("110", "110"),  # no bout behind the gap
        ("11.0.11", "11.0.11"),  # unlabelled is no gap
        ("10101", "11111"),
    ],
)
def test_close_gaps_multilabel(before, after):
    assert text(smooth.close_gaps(multi(digits(before)), 0.3)) == after


def test_close_gaps_exclusive_takes_the_label_around():
    assert text(smooth.close_gaps(exclusive(digits("0020011100")), 0.2)) == "0000011100"
    assert text(smooth.close_gaps(exclusive(digits("010102")), 0.2)) == "000002"


def test_nothing_reaches_across_dropped_frames():
    time = np.r_[np.arange(3), np.arange(20, 23)] / FPS
    states = multi([1, 1, 0, 0, 1, 1], time)
    assert text(smooth.close_gaps(states, 1.0)) == "110011"
    assert text(smooth.majority(multi([1, 1, 1, 0, 0, 0], time), 0.3)) == "111000"


def test_minimum_bout_of_simba_closes_then_deletes():
    assert text(smooth.gaps_then_bouts(multi(digits("1101100010000")), 0.3)) == "1111100000000"


def test_deleting_exclusive_bouts_leaves_unlabelled_or_none():
    states = exclusive(digits("000100222"))
    assert text(smooth.min_bout(states, 0.2)) == "000.00222"
    assert text(smooth.min_bout(states, 0.2, none="b0")) == "000000222"
    with pytest.raises(DataError, match="no behaviour"):
        smooth.min_bout(states, 0.2, none="zzz")


def test_thresholds_per_behaviour():
    values = np.array([[1, 1], [0, 0], [1, 1]], np.int8)[:, None, :]
    states = make_states(values, frame_times(3, FPS), ["x", "y"], ["a"])
    got = smooth.close_gaps(states, {"x": 0.2, "y": 0.0})
    np.testing.assert_array_equal(got.values[1, 0], [1, 0])
    with pytest.raises(DataError, match="no value for behaviour 'y'"):
        smooth.close_gaps(states, {"x": 0.2})


def test_hysteresis_keeps_runs_that_reach_the_top():
    p = probability([0.5, 0.7, 0.5, 0.3, 0.5, 0.5, np.nan, 0.5, 0.9])
    assert text(smooth.hysteresis(p, 0.6, 0.4)) == "111000.11"
    with pytest.raises(DataError, match="below low"):
        smooth.hysteresis(p, 0.2, 0.4)


def test_moving_mean_and_median_ignore_what_is_missing():
    p = probability([0, 1, 0, np.nan, 1, 1, 0])
    mean = smooth.moving_mean(p, 0.1).values.ravel()
    np.testing.assert_allclose(mean, [0.5, 1 / 3, 0.5, np.nan, 1.0, 2 / 3, 0.5], rtol=1e-6)
    np.testing.assert_allclose(smooth.median(p, 0.1).values.ravel(), [0, 0, 0, np.nan, 1, 1, 0])
    with pytest.raises(DataError, match="no order"):
        smooth.median(exclusive([0, 1, 2]), 0.1)


def test_forward_backward_is_mars_at_30_hz():
    rng = np.random.default_rng(0)
    x = rng.random(200)
    kernel = np.array([0.5, 0.25, 0.5]) / 1.25
    y = x.copy()
    for _ in range(16):
        y = np.convolve(np.pad(y, 1, mode="edge"), kernel, "valid")
    padded = np.pad(y, 4, mode="edge")
    want = (padded[:200] + y + padded[8:]) / 3
    got = smooth.smooth_forward_backward(probability(x, 30.0)).values.ravel()
    np.testing.assert_allclose(got, want, atol=1e-6)


def test_forward_backward_has_the_same_width_at_any_rate():
    widths = []
    for fps in (30.0, 60.0, 120.0):
        t = frame_times(int(8 * fps) + 1, fps)
        y = smooth.smooth_forward_backward(probability(np.isclose(t, 4.0), fps)).values.ravel().astype(float)
        widths.append(np.sqrt(np.sum(y * (t - 4.0) ** 2) / y.sum()))
    np.testing.assert_allclose(widths, widths[0], rtol=0.02)


FILM = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])


@pytest.mark.parametrize("shortest", [0.4, 0.6])
def test_the_shortest_bout_is_a_time_where_the_film_changes_its_rate(shortest):
    """A bout of .5 s stays or goes alike at 30 and at 15 frames/s."""
    value = ((FILM >= 5) & (FILM < 5.5 - 1e-9)) | ((FILM >= 30) & (FILM < 30.5 - 1e-9))
    states = multi(value, FILM)
    kept = smooth.min_bout(states, shortest).values[:, 0, 0]
    np.testing.assert_array_equal(kept, value if shortest < 0.5 else 0 * kept)
    absent = multi(1 - value, FILM)
    closed = smooth.close_gaps(absent, shortest).values[:, 0, 0]
    np.testing.assert_array_equal(closed, 1 - value if shortest < 0.5 else 0 * closed + 1)
    absorbed = smooth.min_bout(states, shortest, "absorb").values[:, 0, 0]
    np.testing.assert_array_equal(absorbed, kept)


def test_windows_are_times_where_the_film_changes_its_rate():
    p = xr.DataArray(
        (np.abs(FILM - 10) < 0.05).astype(float)[:, None, None] + (np.abs(FILM - 40) < 0.05)[:, None, None],
        dims=("time", "individual", "behaviour"),
        coords={"time": FILM, "individual": ["a"], "behaviour": ["x"]},
    )
    mean = smooth.moving_mean(p, 1.0).values[:, 0, 0]
    for centre in (10, 40):
        reach = FILM[(mean > 0) & (np.abs(FILM - centre) < 5)]
        np.testing.assert_allclose(np.ptp(reach), 2.0, atol=0.15)


@pytest.mark.parametrize("start", [0.0, 1.7e9, 3.8e9])
@pytest.mark.parametrize("fps", [30, 50, 120])
def test_bouts_of_exactly_the_minimum_stay_at_any_start_of_the_clock(start, fps):
    """Unix and Harp seconds lost all bouts of exactly .5 s."""
    time = start + np.arange(4000) / fps
    value = np.zeros(4000, np.int8)
    for a in range(100, 3800, 200):
        value[a : a + fps // 2] = 1
    np.testing.assert_array_equal(smooth.min_bout(multi(value, time), 0.5).values[:, 0, 0], value)


def test_missing_values_end_a_run_and_no_loop_waits_for_them():
    missing, half = np.nan, np.array([np.nan, 0.5, 0.9, np.nan, 0.5, 0.5])
    assert kernels.hysteresis_1d(half, 0.8, 0.4).tolist() == [0, 1, 1, 0, 0, 0]
    lost = np.full(5, missing)
    assert kernels.hysteresis_1d(lost, 0.8, 0.4).tolist() == [0] * 5
    assert np.isnan(kernels.mean_1d(lost, 2)).all()
