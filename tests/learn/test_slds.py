"""Keypoint SLDS: exact Gaussian steps, planted syllables under tracking noise, gaps, workers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError
from murid.learn.segment import _band as band_kernels
from murid.learn.segment._pose_start import _filled, as_poses, fit_shape
from murid.learn.segment._pose_state import factors, turn
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.slds import Slds, SldsParams, fit_slds


def random_dynamics(rng, k=3, d=2, lags=2):
    coef = rng.normal(size=(k, d, d * lags + 1)) * 0.3
    roots = rng.normal(size=(k, d, d)) * 0.3 + np.eye(d)
    return coef, roots @ roots.transpose(0, 2, 1)


def dense_posterior(coef, cov, states, lags, precision, pull, first=0.1):
    """Mean and covariance of the whole path, written out factor by factor."""
    n, d = len(states), cov.shape[1]
    total, potential = np.zeros((n * d, n * d)), np.zeros(n * d)
    for t in range(n):
        here = slice(t * d, (t + 1) * d)
        total[here, here] += precision[t] + (first * np.eye(d) if t < lags else 0)
        potential[here] += pull[t]
        if t >= lags:
            rows = np.zeros((d, n * d))
            rows[:, here] = np.eye(d)
            for lag in range(1, lags + 1):
                rows[:, (t - lag) * d : (t - lag + 1) * d] = -coef[states[t]][:, (lag - 1) * d : lag * d]
            weight = np.linalg.inv(cov[states[t]])
            total += rows.T @ weight @ rows
            potential += rows.T @ weight @ coef[states[t]][:, -1]
    covariance = np.linalg.inv(total)
    return covariance @ potential, covariance


@pytest.fixture(scope="module")
def chain():
    rng = np.random.default_rng(0)
    coef, cov = random_dynamics(rng)
    states = rng.integers(3, size=14)
    roots = rng.normal(size=(14, 2, 2))
    return coef, cov, states, roots @ roots.transpose(0, 2, 1), rng.normal(size=(14, 2))


def solve(chain, edges, x, noise):
    coef, cov, states, precision, pull = chain
    n = edges[1] - edges[0]
    band, potential = np.full((n * 2 + 6, 6), np.nan), np.empty(n * 2 + 6)
    part = slice(edges[0], edges[1])
    band_kernels.sample_path(
        band,
        potential,
        x,
        states,
        np.array(edges),
        *factors(coef, cov, 2),
        0.1,
        precision[part].reshape(n, 4),
        pull[part],
        noise,
    )
    return potential[: n * 2]


def test_path_mean_and_sample_covariance_equal_dense_algebra(chain):
    mean, covariance = dense_posterior(chain[0], chain[1], chain[2], 2, chain[3], chain[4])
    x = np.zeros((14, 2))
    assert np.allclose(solve(chain, (0, 14, 0, 14), x, np.zeros(28)), mean)
    root = np.stack([solve(chain, (0, 14, 0, 14), x, unit) for unit in np.eye(28)], axis=1) - mean[:, None]
    assert np.allclose(root @ root.T, covariance)


def test_path_of_an_inner_segment_is_conditioned_on_both_sides(chain):
    mean, covariance = dense_posterior(chain[0], chain[1], chain[2], 2, chain[3], chain[4])
    x = np.random.default_rng(1).normal(size=(14, 2))
    inner, outer = np.arange(8, 18), np.r_[0:8, 18:28]
    gain = covariance[np.ix_(inner, outer)] @ np.linalg.inv(covariance[np.ix_(outer, outer)])
    wanted = mean[inner] + gain @ (x.ravel()[outer] - mean[outer])
    assert np.allclose(solve(chain, (4, 9, 0, 14), x, np.zeros(10)), wanted)


def test_random_walk_equals_dense_algebra():
    rng = np.random.default_rng(2)
    weight, value = rng.random(9) * (rng.random(9) < 0.6), rng.normal(size=(9, 2))
    step = np.diff(np.eye(9), axis=0)
    total = np.diag(weight) + 4 * step.T @ step + 1e-9 * 4 * np.eye(9)
    pull = weight[:, None] * value
    wanted = np.linalg.solve(total, pull)
    mean = pull.copy()
    band_kernels.solve_walk(weight, mean, 4.0, np.zeros((9, 2)))
    assert np.allclose(mean, wanted)
    columns = []
    for unit in np.eye(9):
        sample = pull.copy()
        band_kernels.solve_walk(weight, sample, 4.0, np.tile(unit[:, None], 2))
        columns.append(sample[:, 0] - wanted[:, 0])
    root = np.stack(columns, axis=1)
    assert np.allclose(root @ root.T, np.linalg.inv(total))


def simulate(n=4000, n_states=4, seed=0, noise=0.25):
    """A body of 7 keypoints (cm) whose shape follows planted rotations; jitter, jumps and gaps on top."""
    rng = np.random.default_rng(seed)
    rest = np.array([[4, 0], [3, 1], [3, -1], [1, 1.2], [1, -1.2], [-1, 0], [-3, 0]], float)
    rest -= rest.mean(axis=0)
    modes = np.linalg.qr(rng.normal(size=(14, 4)))[0].T.reshape(4, 7, 2) * 1.5
    modes -= modes.mean(axis=1, keepdims=True)
    rules, z, x = [], np.zeros(n, int), np.zeros((n, 4))
    for k in range(n_states):
        basis, rule = np.linalg.qr(rng.normal(size=(4, 4)))[0], np.eye(4)
        for j, angle in enumerate((0.12 + 0.12 * k, -0.05 - 0.1 * k)):
            c, s = np.cos(angle), np.sin(angle)
            rule[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[c, -s], [s, c]]
        rules.append(0.99 * basis @ rule @ basis.T)
    for t in range(1, n):
        z[t] = z[t - 1] if rng.random() < 0.975 else rng.integers(n_states)
        x[t] = rules[z[t]] @ x[t - 1] + 0.12 * rng.normal(size=4)
    heading = np.cumsum(0.04 * rng.normal(size=n)) + 3
    centroid = np.cumsum(0.15 * rng.normal(size=(n, 2)), axis=0) + 20
    clean = turn(rest + np.einsum("td,dks->tks", x / x.std(axis=0), modes), heading) + centroid[:, None]
    y = clean + noise * rng.normal(size=clean.shape)
    confidence = np.ones((n, 7))
    jumps = rng.random((n, 7)) < 0.01
    y[jumps] += 6 * rng.normal(size=(jumps.sum(), 2))
    confidence[jumps] = 0.2
    y[rng.random((n, 7)) < 0.02] = np.nan
    return y, confidence, z, clean, heading, centroid


QUICK = SldsParams(
    dynamics=ArHmmParams(n_states=12, lags=1, kappa=300, sweeps=10, draws=0),
    kappa=300,
    sweeps=40,
    draws=5,
    variance=0.95,
    n_latent=4,
)
FRONT, REAR = [0, 1, 2], [5, 6]


@pytest.fixture(scope="module")
def fitted():
    truth = simulate()
    return truth, fit_slds(truth[0], FRONT, REAR, QUICK, confidence=truth[1])


def test_recovers_syllables_and_pose_under_noise(fitted):
    (y, confidence, z, clean, heading, centroid), model = fitted
    found = model.apply(y, confidence)
    assert adjusted_rand_score(z, found.labels) > 0.8
    turned = np.angle(np.exp(1j * (found.heading - heading)))
    turned -= np.median(turned)
    assert np.abs(turned).mean() < 0.15
    assert np.linalg.norm(found.centroid - centroid, axis=1).mean() < 0.4
    body = (found.latent @ model.shape.reshape(14, -1).T).reshape(-1, 7, 2) + model.rest
    rebuilt = turn(body, found.heading) + found.centroid[:, None]
    error = np.sqrt(np.mean((rebuilt - clean) ** 2))
    raw = np.sqrt(np.nanmean((y - clean) ** 2))
    assert error < 0.5 * raw


def test_apply_handles_lost_animals_missing_keypoints_and_new_recordings(fitted):
    (y, confidence, *_), model = fitted
    fresh, sure, planted, *_ = simulate(seed=0)
    fresh = fresh.copy()
    fresh[500:700] = np.nan
    fresh[900:905] = np.nan
    fresh[:, 4] = np.nan
    found = model.apply([fresh, np.full((50, 7, 2), np.nan)], [sure, np.zeros((50, 7))])
    assert (found.labels[0][502:698] == -1).all()
    assert np.isnan(found.heading[0][502:698]).all()
    assert (found.labels[0][900:905] >= 0).all()
    assert (found.labels[1] == -1).all()
    known = found.labels[0] >= 0
    assert adjusted_rand_score(planted[known], found.labels[0][known]) > 0.7
    assert np.array_equal(model.apply(y, confidence).labels, model.apply(y, confidence, n_workers=2).labels)


def test_first_guess_of_hidden_keypoints_comes_from_the_others():
    y, confidence, _, clean, *_ = simulate(n=1500)
    hidden = np.random.default_rng(5).random((100, 7)) < 0.2
    hidden = np.repeat(hidden, 15, axis=0)
    y[hidden] = np.nan
    seqs = as_poses(y, confidence)
    _, state = fit_shape(seqs, FRONT, REAR, QUICK)
    guess = turn(state.body(slice(None)), state.heading) + state.centroid[:, None]
    usable = hidden & (hidden.sum(axis=1) <= 3)[:, None]
    error, interpolated = (np.sqrt(np.mean((found - clean)[usable] ** 2)) for found in (guess, _filled(seqs)))
    assert error < 0.75 * interpolated


def test_same_seed_same_model_on_one_and_two_workers():
    y, confidence, *_ = simulate(n=1500)
    quick = QUICK.replace(sweeps=6, draws=2, dynamics=QUICK.dynamics.replace(segment_frames=400, sweeps=3))
    parts, sure = [y[:900], y[900:]], [confidence[:900], confidence[900:]]
    one = fit_slds(parts, FRONT, REAR, quick, confidence=sure, seed=2)
    two = fit_slds(parts, FRONT, REAR, quick, confidence=sure, seed=2, n_workers=2)
    for name, value in one.arrays().items():
        assert np.array_equal(value, two.arrays()[name]), name
    again = Slds.from_arrays(one.arrays()).apply(parts, sure)
    assert all(np.array_equal(a, b) for a, b in zip(again.confidence, one.apply(parts, sure).confidence, strict=True))


def test_faults_are_named_together():
    y, *_ = simulate(n=200)
    y[:, 3] = np.nan
    with pytest.raises(DataError, match="2 faults") as caught:
        fit_slds(y, [99], REAR)
    assert "keypoints [3]" in str(caught.value)
    with pytest.raises(DataError, match="wrong shape"):
        fit_slds([y, y[:, :5]], FRONT, REAR)
