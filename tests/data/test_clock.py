"""Clocks: known drift is recovered, dropped frames found, nonsense refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import murid
from murid.data.clock import (
    even_parts,
    find_dropped,
    first_sample,
    fit_clock,
    frame_times,
    nearest_sample,
    rate_of,
    sample_edges,
    sample_stops,
    segments,
    spans,
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
    time = np.array([0.0, 0.1, 0.2, 0.7, 0.8])
    assert segments(time) == [(0, 3), (3, 5)]
    np.testing.assert_allclose(sample_stops(time), [0.1, 0.2, 0.3, 0.8, 0.9])
    assert segments([]) == []
    assert segments([3.0]) == [(0, 1)]


def test_a_film_that_changes_its_rate_keeps_its_true_time():
    time = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])
    assert segments(time) == [(0, 1200)]
    assert spans(time).sum() == pytest.approx(60)
    assert spans(time)[600:].sum() == pytest.approx(40)


def test_a_pause_adds_nothing_to_spans_but_a_slower_rate_does():
    time = np.concatenate([np.arange(300) / 30, 70 + np.arange(300) / 30])
    assert spans(time).sum() == pytest.approx(20)
    assert segments(time) == [(0, 300), (300, 600)]
    assert np.isnan(spans([3.0])).all()


@pytest.mark.parametrize("start", [0.0, 7.3, 1e5, 1.7e9, 3.8e9])
@pytest.mark.parametrize("fps", [15, 25, 30, 50, 60, 100, 120, 29.97])
def test_rate_is_exact_whenever_the_clock_starts(start, fps):
    rate = 30000 / 1001 if fps == 29.97 else fps
    assert rate_of(start + np.arange(4000) / rate) == pytest.approx(rate, rel=1e-9)


def test_stamps_rounded_to_ms_give_the_true_rate():
    # Matroska: 0, 33, 67, 100 ms; the median step of 0.033 s would be 30.303 Hz.
    for fps in (24, 25, 30, 50, 60):
        assert rate_of(np.round(np.arange(601) / fps, 3)) == fps
    assert rate_of(np.arange(4000) / 29.9) == pytest.approx(29.9)
    assert rate_of(np.arange(40000) / 30.0123) == pytest.approx(30.0123)


def test_an_edge_belongs_to_the_nearest_sample_also_in_unix_seconds():
    for start in (0.0, 1.7e9):
        time = start + np.arange(1000) / 30
        assert first_sample(time, time[[0, 10, 500]]).tolist() == [0, 10, 500]
        assert first_sample(time, time[[10]] + 0.4 / 30).tolist() == [10]
        assert first_sample(time, time[[10]] + 0.6 / 30).tolist() == [11]
    paused = np.array([0.0, 0.1, 0.2, 5.0, 5.1])
    assert first_sample(paused, [1.0, 4.0, 5.0]).tolist() == [3, 3, 3]


@pytest.mark.parametrize("start", [0.0, 1e6, 1.7e9, 3.8e9])
def test_fit_clock_is_exact_in_unix_seconds(start):
    camera = start + np.cumsum(np.random.default_rng(0).uniform(2, 8, 300))
    neural = (camera - start) * (1 + 40e-6) + 3
    there, back = fit_clock(camera, neural), fit_clock(neural, camera)
    assert there.ppm == pytest.approx(40, abs=0.01)
    np.testing.assert_allclose(there(camera), neural, atol=2e-6)
    np.testing.assert_allclose(back(neural) - start, camera - start, atol=2e-6)


def test_a_clock_maps_a_single_number():
    assert fit_clock([0.0, 1, 2], [10.0, 11, 12.1], piecewise=True)(0.5) == pytest.approx(10.5)
    assert fit_clock([0.0, 1, 2], [10.0, 11, 12])(-1.0) == pytest.approx(9)


def test_parts_of_one_rate_without_pauses():
    """20 s at 30 and 40 s at 15 frames/s are two parts; dropped frames and jitter are none."""
    film = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])
    assert even_parts(film) == [(0, 600, 30.0), (600, 1200, 15.0)]
    paused = np.concatenate([np.arange(0, 10, 0.1), np.arange(70, 80, 0.1)])
    assert [p[:2] for p in even_parts(paused)] == [(0, 100), (100, 200)]
    dropped = np.delete(np.arange(3000) / 30, [5, 6, 100, 500, 501])
    assert [p[:2] for p in even_parts(dropped)] == [(0, 2995)]
    jitter = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.05, 3000))
    assert [p[:2] for p in even_parts(jitter)] == [(0, 3000)]
    assert even_parts(np.arange(100) / 4.0) == [(0, 100, 4.0)]
    assert even_parts([]) == []


def test_durations_become_samples_in_one_place():
    own = re.compile(r"(?<![\w.])round\([\w.]*_s (\*|/) (rate|fps|step)")
    for path in (Path(murid.__file__).parent).rglob("*.py"):
        if "simulate" not in path.parts:
            found = own.search(path.read_text(encoding="utf-8"))
            assert not found, f"{path}: {found}: use samples_in, which rounds halves up"
