"""Consensus, matching, modes and persistent components on planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError
from murid.learn.embed.pca import fit_pca
from murid.learn.embed.persistent import Persistent, fit_persistent
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.consensus import consensus_labels, fit_consensus, fit_from_levels
from murid.learn.segment.modes import fit_modes
from murid.learn.segment.state_matching import match_states
from murid.learn.segment.stickiness import choose_kappa, recounted


def planted(n: int, seed: int, k: int = 6, d: int = 3, noise: float = 0.15):
    """Levels that are approached by half a step a row; bouts of about 12 rows."""
    rng, points = np.random.default_rng(seed), 2 * np.random.default_rng(99).normal(size=(k, d))
    z = np.repeat(rng.integers(k, size=n), rng.integers(8, 16, n))[:n]
    x = np.zeros((n, d))
    for t in range(1, n):
        x[t] = 0.5 * x[t - 1] + 0.5 * points[z[t]] + noise * rng.normal(size=d)
    return x.astype(np.float32), z


PARAMS = ArHmmParams(n_states=30, lags=1, kappa=1000.0, em_iterations=10, sweeps=4, draws=2)


def test_consensus_finds_planted_states_and_seeds_agree():
    x, z = planted(4000, 1)
    model, found = fit_consensus([x], PARAMS, n_starts=3, seed=0)
    again, _ = fit_consensus([x], PARAMS, n_starts=3, seed=7, n_workers=2)
    labels, other = model.predict(x), again.predict(x)
    assert model.n_states == 6
    assert adjusted_rand_score(z, labels) > 0.9
    assert adjusted_rand_score(labels, other) > 0.95
    assert found.between_starts > 0.85
    assert found.with_model > 0.85
    assert found.reliability.shape == (6,)
    assert found.reliability.min() > 0.6


def test_votes_follow_the_majority_and_keep_unknown_frames():
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.integers(5, size=100), 10)
    runs = []
    for _ in range(5):
        run = rng.permutation(5)[truth]
        wrong = rng.random(1000) < 0.15
        run[wrong] = rng.integers(5, size=wrong.sum())
        run[:20] = -1
        runs.append(run)
    agreed = consensus_labels(runs)
    assert (agreed[:20] == -1).all()
    single = np.mean([adjusted_rand_score(truth[20:], r[20:]) for r in runs])
    assert adjusted_rand_score(truth[20:], agreed[20:]) > max(0.95, single + 0.1)


def test_stickiness_gives_bouts_of_the_wanted_duration():
    x, _ = planted(3000, 2)
    quick = PARAMS.replace(em_iterations=5)
    kappa, table = choose_kappa([x], 30.0, quick, target_s=0.4, shares=(0.01, 1.0, 100.0))
    assert [r["kappa"] for r in table] == [30.0, 3000.0, 300_000.0]
    chosen = next(r for r in table if r["kappa"] == kappa)
    assert abs(np.log(chosen["median_s"] / 0.4)) <= min(abs(np.log(r["median_s"] / 0.4)) for r in table) + 0.05


def test_stickiness_that_predicts_unseen_rows_is_kept_whatever_the_duration():
    # A huge kappa on few, noisy rows unites what differs: its bouts are longer, its likelihood falls.
    x, _ = planted(6000, 2, noise=0.8)
    quick = PARAMS.replace(em_iterations=10)
    kappa, table = choose_kappa([x], 30.0, quick, shares=(0.1, 300.0))
    assert table[0]["heldout"] > table[1]["heldout"]
    assert table[0]["median_s"] < table[1]["median_s"]
    assert kappa == table[0]["kappa"] == 600.0
    forced, _ = choose_kappa([x], 30.0, quick, shares=(0.1, 300.0), target_s=10.0)
    assert forced == table[1]["kappa"]


def test_recounted_transitions_are_those_of_the_labels():
    x, _ = planted(2000, 3)
    model = fit_from_levels([x], PARAMS.replace(kappa=1e6, sweeps=0, draws=0))
    free = recounted(model, [np.array([0, 0, 1, -1, 1, 1, 0], np.int32)])
    assert np.allclose(free.transitions.sum(axis=2), 1)
    # From state 0: once to itself and once to 1; the step over the gap does not count.
    assert free.transitions[0, 0, 0] == pytest.approx(1.1 / (2 + 0.1 * model.n_states))
    assert free.transitions[0, 1, 1] == pytest.approx(1.1 / (2 + 0.1 * model.n_states))


def test_states_of_a_second_fit_are_recognised():
    (x, _), (y, _) = planted(3000, 1), planted(3000, 5)
    quick = PARAMS.replace(sweeps=0, draws=0)
    old, new = fit_from_levels([x], quick, seed=0), fit_from_levels([y], quick, seed=3)
    found = match_states(new, old, [y])
    named = found.old[found.old >= 0]
    assert len(set(named)) == len(named) >= 6
    assert (found.old[new.predict(y)] == old.predict(y)).mean() > 0.9
    strange = fit_from_levels([y + 20], quick, seed=0)
    assert (match_states(new, strange, [y]).old == -1).all()


def test_modes_are_found_and_their_number():
    rng = np.random.default_rng(0)
    mode = np.repeat(rng.integers(3, size=40), 60)
    usage = np.kron(np.eye(3), np.full(4, 0.23)) + 0.01
    bouts = np.array([rng.choice(12, p=usage[m] / usage[m].sum()) for m in mode])
    length = rng.integers(4, 12, len(bouts))
    codes, truth = np.repeat(bouts, length), np.repeat(mode, length)
    codes[500:520] = -1
    found = fit_modes([codes], 12, 30.0)
    assert len(found.usage) == 3
    labels = found.predict(codes)
    assert (labels[500:520] == -1).all()
    assert adjusted_rand_score(truth[codes >= 0], labels[codes >= 0]) > 0.9
    with pytest.raises(DataError, match="too few bouts"):
        fit_modes([np.full(10, -1)], 3, 30.0)


def test_persistent_components_beat_variance_and_survive_gaps():
    rng = np.random.default_rng(0)
    slow = np.cumsum(rng.normal(size=(5000, 2)), axis=0)
    slow = (slow - slow.mean(axis=0)) / slow.std(axis=0)
    mix = rng.normal(size=(2, 8))
    x = 0.6 * slow @ mix + np.array([3, 3, 1, 1, 1, 1, 0.5, 0.5]) * rng.normal(size=(5000, 8))
    found = fit_persistent([x])
    assert found.weights.shape == (2, 8)
    assert found.persistence[0] > 0.5

    def explained(scores: np.ndarray) -> float:
        left = scores @ np.linalg.lstsq(scores, slow, rcond=None)[0] - slow
        return float((1 - (left**2).sum(axis=0) / (slow**2).sum(axis=0)).min())

    assert explained(found.transform(x)) > 0.5 > explained(fit_pca(x, 2).transform(x)) + 0.2
    gappy = x.copy()
    gappy[rng.random(x.shape) < 0.1] = np.nan
    gappy[10] = np.nan
    scores = found.transform(gappy)
    assert np.isnan(scores[10]).all()
    assert not np.isnan(np.delete(scores, 10, axis=0)).any()
    assert Persistent.from_arrays(found.arrays()).transform(x) == pytest.approx(found.transform(x))
    with pytest.raises(DataError, match="nothing was seen"):
        fit_persistent([np.full((50, 3), np.nan)])
