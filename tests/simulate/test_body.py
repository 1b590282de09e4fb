"""Bodies: stiff where bones are, left on the left, inside the walls."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate

KINDS = [*simulate.ARENAS]


def points(recording):
    """Keypoint → (time, 2, individual) in cm."""
    position = recording.poses["position"].values.astype(float)
    return {k: position[:, :, i] for i, k in enumerate(simulate.KEYPOINTS)}


def apart(a, b):
    return np.hypot(a[:, 0] - b[:, 0], a[:, 1] - b[:, 1])


@pytest.fixture(scope="module", params=KINDS)
def recording(request):
    return simulate.recording(request.param, duration_s=90, unit="cm", seed=5)


def test_bones_keep_their_length(recording):
    at = points(recording)
    for a, b, low, high in (
        ("ear_left", "ear_right", 1.3, 1.7),
        ("side_left", "side_right", 2.1, 3.1),
        ("hip_left", "hip_right", 1.9, 2.8),
        ("head", "nose", 0.5, 1.35),
        ("centre", "tail_base", 2.5, 4.9),
        ("tail_base", "tail_mid", 3.0, 4.2),
    ):
        inside = (apart(at[a], at[b]) > low) & (apart(at[a], at[b]) < high)
        # Walls may squeeze a body for a moment.
        assert inside.mean() > 0.95, (a, b, np.percentile(apart(at[a], at[b]), [1, 50, 99]))


def test_left_is_left(recording):
    at = points(recording)
    for front, back, left, right in (
        ("nose", "head", "ear_left", "ear_right"),
        ("neck", "tail_base", "side_left", "side_right"),
        ("centre", "tail_base", "hip_left", "hip_right"),
    ):
        axis, across = at[front] - at[back], at[left] - at[right]
        # y runs down: left of an animal that heads right (+x) is up (-y), so the product is negative.
        turn = axis[:, 0] * across[:, 1] - axis[:, 1] * across[:, 0]
        assert (turn < 0).mean() > 0.995


def test_animals_stay_inside(recording):
    arena = simulate.arena(recording.meta["arena"])
    at = points(recording)
    for keypoint, xy in at.items():
        # Heads and tails may hang over a ledge, never through a wall.
        head = keypoint in ("nose", "head", "ear_left", "ear_right", "tail_mid", "tail_tip")
        field = arena.space if head else arena.floor
        assert field.many(xy[:, 0], xy[:, 1])[0].min() > -0.05, keypoint


def test_heads_leave_the_maze_only_in_head_dips():
    recording = simulate.recording("plus_maze", duration_s=300, unit="cm", seed=1, appeal={"open": 2.0})
    states = simulate.true_states(recording)
    dips = states.values[:, 0] == states.attrs["behaviours"].index("head_dip")
    nose = points(recording)["nose"]
    outside = -simulate.arena("plus_maze").floor.many(nose[:, 0], nose[:, 1])[0][:, 0]
    middle = np.convolve(dips, np.ones(15), "same") == 15
    assert middle.sum() > 50
    assert (outside[middle] > 0.5).mean() > 0.95
    far = np.convolve(dips, np.ones(15), "same") == 0
    assert outside[far].max() < 0.2


def test_two_animals_do_not_share_a_body():
    recording = simulate.recording(duration_s=300, n_animals=2, unit="cm", seed=3)
    centre = points(recording)["centre"]
    gap = np.hypot(*(centre[:, :, 0] - centre[:, :, 1]).T)
    states = simulate.true_states(recording)
    tight = [i for i, b in enumerate(states.attrs["behaviours"]) if b in ("mount", "attack", "approach", "flee")]
    assert tight
    apart = ~np.isin(states.values, tight).any(axis=1)
    assert np.percentile(gap[apart], 1) > 2.0
