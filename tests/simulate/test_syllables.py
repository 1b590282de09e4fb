"""Syllables: durations, grammar and separability are as declared."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.stretches import runs_of_true
from murid.simulate.syllables import make_syllables


def durations(states):
    value = states.values[:, 0]
    edges = np.flatnonzero(np.diff(value)) + 1
    return np.diff(edges) / 1.0


@pytest.mark.parametrize("fps", [30, 120])
def test_median_duration(fps):
    _, states = simulate.syllable_poses(300, fps, seed=1, median_s=0.3)
    assert np.median(durations(states)) / fps == pytest.approx(0.3, abs=0.5 / 30 + 0.01)
    assert len(np.unique(states.values)) == 30


def test_syllables_never_follow_themselves_and_grammar_is_a_distribution():
    _, grammar = make_syllables(simulate.SyllableParams(n_states=12), np.random.default_rng(0))
    np.testing.assert_allclose(grammar.sum(axis=1), 1)
    assert (np.diag(grammar) == 0).all()


def test_animals_share_syllables_not_sequences():
    (a, sa), (b, _), (_, sc) = (simulate.syllable_poses(20, animal=i) for i in (0, 0, 1))
    np.testing.assert_array_equal(a["position"].values, b["position"].values)
    assert not np.array_equal(sa.values, sc.values)
    assert sa.attrs["behaviours"] == sc.attrs["behaviours"]


def test_posture_tells_the_syllable():
    from sklearn.ensemble import RandomForestClassifier

    data = []
    for animal in range(3):
        poses, states = simulate.syllable_poses(120, animal=animal, n_states=10, median_s=0.5)
        position = poses["position"].values[..., 0] / 10
        axis = position[:, :, 4] - position[:, :, 10]
        angle = np.arctan2(axis[:, 1], axis[:, 0])
        rotate = np.moveaxis(np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]), 2, 0)
        ego = (rotate @ (position - position[:, :, [5]]))[:, :, :11].reshape(len(position), -1)
        data.append((ego, states.values[:, 0]))
    forest = RandomForestClassifier(40, random_state=0, min_samples_leaf=3)
    forest.fit(np.concatenate([data[0][0], data[1][0]]), np.concatenate([data[0][1], data[1][1]]))
    assert (forest.predict(data[2][0]) == data[2][1]).mean() > 0.75


def test_animal_stays_in_the_picture():
    poses, states = simulate.syllable_poses(200, seed=3)
    values = poses["position"].values
    assert np.isfinite(values).all()
    assert values.min() > 0
    assert values.max() < 560
    assert all(stop > start for start, stop in runs_of_true(states.values[:, 0] == 3))
