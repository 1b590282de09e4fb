"""Even time: own clock kept, other clocks interpolated, gaps stay gaps."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.clock import frame_times
from murid.prepare.even import even_time, smooth_known


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
    gap = (out.time_s > 1.98 + 1e-9) & (out.time_s < 4.0 - 1e-9)
    np.testing.assert_array_equal(missing, gap)


def test_smoothing_keeps_gaps_and_means():
    x = np.ones((50, 2))
    x[20:25] = np.nan
    out = smooth_known(x, 2.0)
    assert np.isnan(out[20:25]).all()
    np.testing.assert_allclose(np.delete(out, range(20, 25), axis=0), 1.0)
