from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

from murid.prepare.smooth import median_smooth, savgol_smooth, seen_segments, window_samples


@pytest.fixture
def walk():
    return np.cumsum(np.random.default_rng(0).normal(size=(400, 2)), axis=0)


TIME = np.arange(400) / 50


def test_window_is_odd_and_nearest():
    assert [window_samples(w, 30) for w in (0.01, 0.1, 0.17, 0.2, 0.5)] == [1, 3, 5, 7, 15]


@pytest.mark.parametrize(("window", "order"), [(5, 2), (11, 3), (7, 0), (9, 1)])
def test_savgol_is_that_of_scipy(walk, window, order):
    got = savgol_smooth(walk, TIME, window / 50, order)
    np.testing.assert_allclose(got, savgol_filter(walk, window, order, axis=0, mode="interp"), atol=1e-9)


def test_median_is_that_of_scipy_inside(walk):
    got = median_smooth(walk, TIME, 5 / 50)
    want = median_filter(walk, size=(5, 1))
    np.testing.assert_array_equal(got[2:-2], want[2:-2])
    np.testing.assert_array_equal(got[[0, -1]], walk[[0, -1]])


@pytest.mark.parametrize("smooth", [median_smooth, savgol_smooth])
def test_nothing_bleeds_over_a_gap(walk, smooth):
    walk[100:120] = np.nan
    got = smooth(walk, TIME, 0.2)
    other = walk.copy()
    other[120:] += 1000.0
    np.testing.assert_array_equal(smooth(other, TIME, 0.2)[:100], got[:100])
    np.testing.assert_allclose(got[:100], smooth(walk[:100], TIME[:100], 0.2))
    np.testing.assert_array_equal(np.isnan(got), np.isnan(walk))


def test_a_segment_shorter_than_the_window():
    x = np.full(20, np.nan)
    x[3:5] = [1.0, 5.0]
    x[8:12] = [1.0, 2.0, 3.0, 4.0]
    got = savgol_smooth(x, np.arange(20) / 10, 1.1, order=1)
    np.testing.assert_allclose(got[3:5], [1, 5])
    np.testing.assert_allclose(got[8:12], [1, 2, 3, 4], atol=1e-12)


def test_dropped_frames_end_a_segment():
    time = np.concatenate([np.arange(10), np.arange(30, 40)]) / 10
    seen = np.ones(20, bool)
    seen[15] = False
    assert seen_segments(seen, time).tolist() == [[0, 10], [10, 15], [16, 20]]
