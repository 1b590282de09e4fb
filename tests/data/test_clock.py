"""Clocks: known drift is recovered, dropped frames found, nonsense refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murid.data.clock import (
    find_dropped,
    fit_clock,
    frame_times,
    match_pulses,
    nearest_sample,
    rate_of,
    sample_edges,
)
from murid.data.errors import DataError


def test_rate_ignores_dropped_frames():
    time = np.delete(frame_times(1000, 25), [100, 101, 500])
    assert rate_of(time) == pytest.approx(25)
    dropped = find_dropped(time)
    assert dropped.index.tolist() == [99, 497]
    assert dropped.missing.tolist() == [2, 1]
    assert dropped.total == 3


def test_fit_clock_recovers_offset_and_ppm():
    camera = np.sort(np.random.default_rng(0).uniform(0, 600, 200))
    neural = 12.5 + camera * (1 + 80e-6)
    clock = fit_clock(camera, neural)
    assert clock.ppm == pytest.approx(80, abs=0.01)
    assert clock.offset_s == pytest.approx(12.5, abs=1e-6)
    assert clock.residual_max_s < 1e-9
    np.testing.assert_allclose(clock(camera), neural)


def test_match_pulses_survives_missing_pulses():
    rng = np.random.default_rng(1)
    camera = np.cumsum(rng.uniform(0.5, 4, 120))
    neural = 3.0 + camera * (1 - 50e-6) + rng.normal(0, 1e-3, 120)
    clock = match_pulses(np.delete(camera, [0, 1, 50]), np.delete(neural, [10, 80]))
    assert clock.offset_s == pytest.approx(3.0, abs=2e-3)
    assert clock.ppm == pytest.approx(-50, abs=15)
    assert clock.residual_sd_s < 2e-3


def test_unrelated_pulses_are_refused():
    rng = np.random.default_rng(2)
    with pytest.raises(DataError, match="do not match"):
        match_pulses(np.cumsum(rng.uniform(1, 5, 40)), np.cumsum(rng.uniform(1, 5, 40)), tolerance_s=0.001)


def test_piecewise_follows_a_wandering_clock():
    x = np.linspace(0, 100, 11)
    y = x + np.sin(x / 10)
    clock = fit_clock(x, y, piecewise=True)
    np.testing.assert_allclose(clock(x), y)
    assert clock([-1.0])[0] < y[0]
    assert clock([101.0])[0] > y[-1]


def test_faults_come_all_at_once():
    with pytest.raises(DataError) as error:
        fit_clock([0, 2, 1], [0, 1, np.nan])
    assert len(error.value.faults) == 2


@given(n=st.integers(2, 300), fps=st.floats(1, 500), seed=st.integers(0, 100))
def test_every_sample_is_nearest_to_itself(n, fps, seed):
    time = frame_times(n, fps)
    query = np.random.default_rng(seed).permutation(n)
    assert (nearest_sample(time, time[query]) == query).all()
    edges = sample_edges(time)
    assert len(edges) == n + 1
    assert ((edges[:-1] <= time) & (time < edges[1:])).all()


def test_fps_must_be_positive():
    with pytest.raises(DataError, match="fps"):
        frame_times(10, 0)


def test_segments_and_sample_stops_end_at_dropped_frames():
    from murid.data.clock import sample_stops, segments

    time = np.array([0.0, 0.1, 0.2, 0.7, 0.8])
    assert segments(time) == [(0, 3), (3, 5)]
    np.testing.assert_allclose(sample_stops(time), [0.1, 0.2, 0.3, 0.8, 0.9])
    assert segments([]) == []
    assert segments([3.0]) == [(0, 1)]
