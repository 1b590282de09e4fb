"""Even time: own clock kept, other clocks interpolated, gaps stay gaps."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.clock import frame_times
from murid.prepare.even_time import even_time, smooth_known


def test_own_clock_is_kept_with_rows_for_dropped_frames():
    time = np.delete(frame_times(100, 29.97, 5.0), [10, 11, 50])
    even = even_time(time, 30.0)
    x = np.arange(97.0)
    out = even.resample(x, time)
    assert len(out) == 100
    assert np.flatnonzero(np.isnan(out)).tolist() == [10, 11, 50]
    np.testing.assert_array_equal(out[even.row], x)


@pytest.mark.parametrize("fps", [15.0, 24.0, 50.0, 120.0])
def test_other_rates_follow_a_slow_signal(fps):
    time = frame_times(int(20 * fps), fps)
    x = np.sin(2 * np.pi * 0.5 * time)
    even = even_time(time, 30.0)
    out = even.resample(x[:, None], time)[:, 0]
    np.testing.assert_allclose(out[5:-5], np.sin(np.pi * even.time_s)[5:-5], atol=0.02)
    assert np.abs(even.time_s[even.row] - time).max() <= 1 / 60 + 1e-9


def test_interpolation_never_reaches_over_gaps():
    time = frame_times(500, 50.0)
    x = np.ones(500)
    x[100:200] = np.nan
    out = even_time(time, 30.0)
    rows = out.resample(x, time)
    missing = np.isnan(rows)
    # A row is the mean of what its 1/30 s saw; the last frame before the gap was seen until 1.99 s.
    seen = np.minimum(out.time_s + 1 / 60, 1.99) - (out.time_s - 1 / 60)
    seen = np.maximum(np.maximum(seen, out.time_s + 1 / 60 - np.maximum(out.time_s - 1 / 60, 3.99)), 0)
    np.testing.assert_array_equal(missing, seen < 0.5 / 30 - 1e-9)


def test_smoothing_keeps_gaps_and_means():
    x = np.ones((50, 2))
    x[20:25] = np.nan
    out = smooth_known(x, 2.0)
    assert np.isnan(out[20:25]).all()
    np.testing.assert_allclose(np.delete(out, range(20, 25), axis=0), 1.0)


@pytest.mark.parametrize("fps", [60.0, 90.0, 120.0])
def test_thinning_keeps_jitter_white(fps):
    """A smoother that reaches over its neighbours gave the jitter of 60 Hz a lag-1 correlation of .27."""
    time = frame_times(int(300 * fps), fps)
    jitter = np.random.default_rng(0).normal(size=(len(time), 2))
    even = even_time(time, 30.0)
    out = even.resample(jitter, time)
    k = round(fps / 30)
    np.testing.assert_allclose(out, jitter.reshape(-1, k, 2).mean(axis=1), atol=1e-9)
    np.testing.assert_allclose(even.time_s, time.reshape(-1, k).mean(axis=1), atol=1e-9)
    np.testing.assert_array_equal(even.row, np.arange(len(time)) // k)


def test_thinning_at_ratios_that_are_not_whole_shares_border_frames_alone():
    time = frame_times(15000, 50.0)
    out = even_time(time, 30.0).resample(np.random.default_rng(1).normal(size=(15000, 1)), time)[:, 0]
    corr = [np.corrcoef(out[:-k], out[k:])[0, 1] for k in (1, 2, 3)]
    assert corr[0] < 0.2
    assert np.abs(corr[1:]).max() < 0.03


def test_thinning_cuts_at_dropped_frames():
    time = frame_times(600, 60.0)
    keep = (time < 3) | (time >= 5)
    out = even_time(time[keep], 30.0)
    rows = out.resample(np.ones(keep.sum()), time[keep])
    np.testing.assert_array_equal(np.isnan(rows), (out.time_s > 3) & (out.time_s < 5))
    np.testing.assert_array_equal(rows[out.row], 1.0)
