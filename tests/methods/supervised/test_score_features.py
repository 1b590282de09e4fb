"""Scores of other behaviours as features: what they are, what they add, and that no animal's own labels are in them."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from murid.data.errors import DataError
from murid.data.stretches import even_spans
from murid.learn.classify.stumps import bins_of
from murid.methods.supervised import stages
from murid.methods.supervised.jaaba import Stumping
from murid.methods.supervised.score_features import ScoreStacking, score_columns
from tests.methods.supervised.test_stages import noise

STACKING = ScoreStacking(n_rounds=12, n_draw=400, n_bins=20, seed=0, radii_s=(0.25, 0.5))


@pytest.mark.parametrize("rate", [8, 40])
def test_a_ramp_has_known_columns_at_every_rate(rate):
    t = np.arange(0, 10, 1 / rate)
    p = 1 / (1 + np.exp(-(t - 5)))
    got = score_columns(p[:, None], t, (0.5, 1.0))[2 * rate : -2 * rate]
    inside = t[2 * rate : -2 * rate] - 5
    np.testing.assert_allclose(got[:, :3], np.repeat(inside[:, None], 3, 1), atol=1e-4)
    # Means over [t, t + 1] and [t - 1, t], both ends counted, lie a second apart.
    np.testing.assert_allclose(got[:, 3], 1.0, atol=1e-4)


def following():
    """`b` is shown where `a` is, half a second later; one feature tells of `a` now, none of what was."""
    material = noise(behaviours=("a", "b"), n_features=6)
    targets = material.targets
    late = np.concatenate([np.r_[np.zeros(4, np.int8), s.targets[:-4, 0]] for s in material.samples])
    targets[:, 1] = late
    rng = np.random.default_rng(1)
    material.features[:, 0] = targets[:, 0] + rng.normal(size=len(targets)) * 0.3
    samples, start = [], 0
    for s in material.samples:
        samples.append(s.__class__(s.recording, s.subject, s.rows, s.time_s, targets[start : start + 400], s.weights))
        start += 400
    return material.__class__(samples, ("a", "b"), material.feature_names, material.features, material.held_out)


def test_what_follows_another_behaviour_is_found_by_its_score():
    material = following()
    learning = Stumping(STACKING.n_rounds, STACKING.n_draw, STACKING.n_bins, 0)
    held = stages.out_of_fold(
        type("R", (), {"learning": learning})(), material, learning.prepare(material.features), exclusive=False
    )
    second, scores = STACKING.fit(material, held.scores, held.columns, np.arange(6))
    y = material.targets
    before, after = (roc_auc_score(y[:, 1], x[:, 1]) for x in (held.scores, scores))
    assert before < 0.7 < 0.78 < after
    assert roc_auc_score(y[:, 0], scores[:, 0]) > 0.95
    # Stored and read back it says the same; the own score is never looked at.
    again = STACKING.restore(second.dump())
    part = slice(0, 400)
    said = second.mix(held.scores[part], material.features[part], material.samples[0].time_s)
    np.testing.assert_array_equal(
        again.mix(held.scores[part], material.features[part], material.samples[0].time_s), said
    )
    beyond = second.stumps.feature - len(second.columns)
    for b in range(2):
        assert not (beyond[b][second.stumps.alpha[b] != 0] // 4 == b).any()


def test_inner_scores_come_from_neither_fold():
    """Labels of one fold turned round change no score that another fold's second run learns from, but their own."""
    material = following()
    bins = Stumping(12, 400, 20, 0).prepare(material.features)
    before = STACKING._inner(material, bins)
    held = material.held_out
    turned = following()
    start = 0
    for s in turned.samples:
        rows = held[0][start : start + 400]
        s.targets[rows] = 1 - s.targets[rows]
        start += 400
    after = STACKING._inner(turned, bins)
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1][held[2]], before[1][held[2]], equal_nan=True)
    assert np.isnan(before[0][held[0]]).all()


def test_two_folds_are_too_few():
    material = following()
    few = material.__class__(
        material.samples, ("a", "b"), material.feature_names, material.features, material.held_out[:2]
    )
    with pytest.raises(DataError, match="three folds"):
        STACKING.fit(few, np.zeros((2400, 2), np.float32), [], np.arange(6))


@pytest.fixture(scope="module")
def second():
    material = following()
    held = stages.out_of_fold(
        type("R", (), {"learning": Stumping(12, 400, 20, 0)})(),
        material,
        bins_of(material.features, 20, seed=0),
        exclusive=False,
    )
    return STACKING.fit(material, held.scores, held.columns, np.arange(6))[0]


@pytest.mark.parametrize("times", [2, 4])
def test_faster_films_are_read_at_the_rate_of_the_training(second, times):
    """Means of scores over ± .25 s are of five rows at 8 Hz: of all frames they would be steadier than in training."""
    rng = np.random.default_rng(1)
    slow = np.arange(80) / 8
    scores, features = rng.uniform(0.05, 0.95, (80, 2)).astype(np.float32), rng.normal(size=(80, 6)).astype(np.float32)
    said = second.mix(scores, features, slow)
    fast = np.arange(80 * times - times + 1) / (8 * times)
    often = (
        rng.uniform(0.05, 0.95, (len(fast), 2)).astype(np.float32),
        rng.normal(size=(len(fast), 6)).astype(np.float32),
    )
    for every, part in zip(often, (scores, features), strict=True):
        every[::times] = part
    np.testing.assert_allclose(second.mix(*often, fast)[::times], said, atol=1e-6)


def test_a_frame_with_no_feature_has_no_probability(second):
    features = np.random.default_rng(2).normal(size=(40, 6)).astype(np.float32)
    features[10:20] = np.nan
    said = second.mix(np.full((40, 2), 0.6, np.float32), features, np.arange(40) / 8)
    np.testing.assert_array_equal(np.isnan(said).all(axis=1), np.isnan(features).all(axis=1))


def test_each_recording_has_a_rate_of_its_own():
    """Recordings of 25 and 120 frames/s: no frame of the slower one is a stretch by itself."""
    time = np.concatenate([np.arange(50) / 25, np.arange(240) / 120])
    number = np.repeat([0, 1], [50, 240])
    assert even_spans(time, number) == [(0, 50), (50, 290)]
