from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.prepare.jumps import count_jumps, jumps_of_track, mark_jumps

from .tracks import smooth_path

FPS = 30.0
TIME = np.arange(600) / FPS


def path(seed=0):
    return smooth_path(600, FPS, np.random.default_rng(seed))


def test_a_physical_track_has_no_jump():
    assert not jumps_of_track(path(), TIME, 200.0, 1.0).any()


def test_exactly_the_bad_frames_are_marked():
    x = path()
    bad = [0, 1, 50, 200, 201, 202, 599]  # also the very first and the very last
    x[bad] += 60.0
    assert np.flatnonzero(jumps_of_track(x, TIME, 200.0, 1.0)).tolist() == bad


def test_a_bad_first_frame_does_not_freeze_the_track():
    x = path()
    x[0] += 500.0
    marked = jumps_of_track(x, TIME, 200.0, 1.0)
    assert marked[0]
    assert not marked[1:].any()


def test_a_lasting_move_costs_only_the_time_the_way_takes():
    x = path()
    x[300:] += 100.0  # 141 cm at 200 cm/s: 0.7 s
    marked = jumps_of_track(x, TIME, 200.0, 1.0)
    assert 15 <= marked.sum() <= 22
    assert marked[300]


def test_the_gate_widens_over_a_gap():
    x = np.full((600, 2), np.nan)
    x[0], x[3], x[30] = 0.0, 50.0, [100.0, 0.0]  # 0.1 s is too short for 50 cm, 1 s is enough for 100 cm
    assert np.flatnonzero(jumps_of_track(x, TIME, 200.0, 1.0)).tolist() in ([0], [3])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.5))
def test_what_is_kept_is_reachable_and_as_much_as_can_be(seed, share):
    rng = np.random.default_rng(seed)
    n = 40
    x = np.cumsum(rng.normal(0, 1, (n, 2)), axis=0)
    bad = rng.random(n) < share
    x[bad] += rng.normal(0, 50, (bad.sum(), 2))
    time, limit, slack = np.arange(n) / 30, 60.0, 3.0
    kept = np.flatnonzero(~jumps_of_track(x, time, limit, slack))
    step = np.linalg.norm(np.diff(x[kept], axis=0), axis=1)
    assert (step <= limit * np.diff(time[kept]) + slack + 1e-9).all()
    # Brute force over frames: the longest chain there is. Runs are entered late but never left
    # early, which may cost a few frames.
    best = np.ones(n, int)
    for b in range(n):
        for a in range(b):
            if np.linalg.norm(x[b] - x[a]) <= limit * (time[b] - time[a]) + slack:
                best[b] = max(best[b], best[a] + 1)
    assert best.max() - 4 <= len(kept) <= best.max()


def test_shapes_and_counts():
    x = np.stack([path(i) for i in range(6)], axis=-1).reshape(600, 2, 3, 2)
    x[100, :, 1, 0] += 60.0
    marked = mark_jumps(x, TIME, 200.0, 1.0)
    assert np.argwhere(marked).tolist() == [[100, 1, 0]]
    assert count_jumps(x, TIME, 200.0, 1.0).tolist() == [[0, 0], [2, 0], [0, 0]]
