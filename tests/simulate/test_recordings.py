"""Recordings: same seed same animal, truth on every frame, animals inside."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.errors import DataError


@pytest.mark.parametrize("n_animals", [1, 2])
def test_same_seed_same_recording(n_animals):
    a, b = (simulate.recording(duration_s=20, n_animals=n_animals, seed=4) for _ in range(2))
    np.testing.assert_array_equal(a.poses.position.values, b.poses.position.values)
    assert a.labels.bouts.equals(b.labels.bouts)
    c = simulate.recording(duration_s=20, n_animals=n_animals, seed=5)
    assert not np.array_equal(a.poses.position.values, c.poses.position.values)


def test_a_seed_sequence_can_be_used_twice():
    seed = np.random.SeedSequence(9).spawn(2)[1]
    a, b = (simulate.recording(duration_s=5, seed=seed) for _ in range(2))
    np.testing.assert_array_equal(a.poses.position.values, b.poses.position.values)


def test_frame_rate_changes_the_camera_not_the_animal():
    slow, fast = (simulate.recording(duration_s=30, fps=fps, seed=2) for fps in (25, 50))
    np.testing.assert_allclose(slow.poses.position.values, fast.poses.position.values[::2], atol=1e-3)
    assert slow.labels.bouts.equals(fast.labels.bouts)
    near = simulate.recording(duration_s=30, fps=25, seed=2, px_per_cm=2 * slow.poses.attrs["px_per_cm"])
    assert near.labels.bouts.equals(slow.labels.bouts)
    moved = [np.diff(r.poses.position.values / r.poses.attrs["px_per_cm"], axis=0) for r in (slow, near)]
    np.testing.assert_allclose(*moved, atol=1e-3)


def test_a_longer_recording_begins_like_a_shorter_one():
    short, long = (simulate.recording(duration_s=d, seed=2) for d in (20, 30))
    n = 570  # the last second may differ: smoothing looks ahead
    np.testing.assert_allclose(short.poses.position.values[:n], long.poses.position.values[:n], atol=1e-3)


def test_every_frame_has_a_true_state():
    recording = simulate.recording(duration_s=30, n_animals=2, seed=1).validate()
    states = simulate.true_states(recording)
    assert states.shape == (900, 2)
    assert (states.values >= 0).all()


def test_faults_come_all_at_once():
    with pytest.raises(DataError) as error:
        simulate.recording(duration_s=-1, fps=0, unit="inch")
    assert len(error.value.faults) == 3
    with pytest.raises(DataError, match="needs a partner"):
        simulate.recording(behaviours=["mount"])
    with pytest.raises(DataError, match="plus_maze"):
        simulate.recording("plusmaze")
