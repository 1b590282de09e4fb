"""Keypoint SLDS: exact Gaussian steps, planted syllables under tracking noise, gaps, workers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError
from murid.learn.segment import _banded_chain as band_kernels
from murid.learn.segment._markov_chain import floor_rows
from murid.learn.segment._pose_start import _filled, as_poses, fit_shape
from murid.learn.segment._pose_state import factors, turn
from murid.learn.segment._switching_filter import mixed_filter, sightings
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


def filtered(precision, pull, coef, cov, transitions, cut=None):
    """Filter of rows whose latent has variance 10 before row 0; in one piece or cut in two."""
    n, k, size = len(pull), len(coef), coef.shape[2] - 1
    alpha, before, mean = np.empty((n, k), np.float32), np.zeros(k), np.zeros((k, size))
    spread = np.tile(10.0 * np.eye(size), (k, 1, 1))
    total = 0.0
    for part in np.split(np.arange(n), [] if cut is None else [cut]):
        seen = sightings(precision[part], pull[part])
        rows = slice(part[0], part[-1] + 1)
        total += mixed_filter(*seen, coef, cov, floor_rows(transitions), before, mean, spread, alpha[rows])
    return total, alpha


def dense_evidence(coef, cov, precision, pull):
    """Log-likelihood of sightings under one state's dynamics, written out as one Gaussian; two lags before row 0."""
    n, d = pull.shape
    map_, drive, noise = np.eye((n + 1) * d), np.zeros((n + 1) * d), np.zeros(((n + 1) * d,) * 2)
    noise[: 2 * d, : 2 * d] = 10 * np.eye(2 * d)
    for t in range(2, n + 1):
        rows = slice(t * d, (t + 1) * d)
        for lag in (1, 2):
            map_[rows, (t - lag) * d : (t - lag + 1) * d] -= coef[:, (lag - 1) * d : lag * d]
        drive[rows], noise[rows, rows] = coef[:, -1], cov
    back = np.linalg.inv(map_)
    mean, spread = back @ drive, back @ noise @ back.T
    seen = [t for t in range(n) if precision[t].any()]
    at = np.concatenate([np.arange((t + 1) * d, (t + 2) * d) for t in seen])
    values = np.concatenate([np.linalg.solve(precision[t], pull[t]) for t in seen])
    error = np.zeros((len(at),) * 2)
    for j, t in enumerate(seen):
        error[j * d : (j + 1) * d, j * d : (j + 1) * d] = np.linalg.inv(precision[t])
    return multivariate_normal(mean[at], spread[np.ix_(at, at)] + error).logpdf(values)


def test_filter_of_one_state_is_the_exact_evidence_also_in_pieces_and_over_hidden_rows(chain):
    coef, cov, _, precision, pull = chain
    precision = precision.copy()
    precision[5] = 0.0
    pull = pull * (precision != 0).any(axis=2)
    wanted = dense_evidence(coef[0], cov[0], precision, pull)
    for cut in (None, 4):
        assert filtered(precision, pull, coef[:1], cov[:1], np.ones((1, 1)), cut)[0] == pytest.approx(wanted, abs=1e-6)


def test_filter_of_states_that_never_change_weighs_them_by_their_evidence(chain):
    coef, cov, _, precision, pull = chain
    alone = np.array([dense_evidence(coef[k], cov[k], precision, pull) for k in range(3)])
    wanted = np.exp(alone - alone.max())
    _, alpha = filtered(precision, pull, coef, cov, np.eye(3))
    np.testing.assert_allclose(alpha[-1], wanted / wanted.sum(), atol=1e-4)
    np.testing.assert_allclose(filtered(precision, pull, coef, cov, np.eye(3), 6)[1], alpha, atol=1e-6)


def test_sightings_are_still_told_apart_after_hidden_rows_of_unstable_dynamics():
    """Dynamics drawn from few rows may grow 12-fold a row; 30 hidden rows once left variances of rounding alone."""
    coef = np.array([[[12.0, 3.0, 0.0], [-3.0, 12.0, 0.0]], [[0.9, 0.0, 0.0], [0.0, 0.9, 0.0]]])
    cov = np.tile(np.eye(2), (2, 1, 1))
    precision = np.tile(1e5 * np.eye(2), (60, 1, 1))
    precision[10:40] = 0.0
    pull = np.einsum("tij,j->ti", precision, [0.1, -0.1])
    total, alpha = filtered(precision, pull, coef, cov, np.full((2, 2), 0.5))
    assert np.isfinite(total)
    np.testing.assert_allclose(alpha.sum(axis=1), 1, atol=1e-6)
    assert (alpha[45:, 1] > 0.5).all()


def test_hidden_directions_of_a_sighting_have_infinite_noise():
    axes, noise, value = sightings(np.diag([4.0, 0.0])[None], np.array([[8.0, 0.0]]))
    assert np.isinf(noise[0, 0])
    assert noise[0, 1] == pytest.approx(0.25)
    assert abs(axes[0, 1] @ [1, 0]) == pytest.approx(1)
    assert abs(value[0, 1]) == pytest.approx(2)


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


def test_confidence_is_the_share_of_right_labels(fitted):
    _, model = fitted
    y, confidence, z, *_ = simulate(seed=0, noise=1.6)
    tracked = replace(model, noise_std=1.6).apply(y, confidence)
    main = np.array([np.bincount(z[tracked.labels == k], minlength=4).argmax() for k in range(model.dynamics.n_states)])
    right = main[tracked.labels] == z
    assert 0.6 < right.mean() < 0.95
    assert np.nanmean(tracked.confidence) == pytest.approx(right.mean(), abs=0.06)
    unsure = tracked.confidence < 0.8
    assert tracked.confidence[unsure].mean() == pytest.approx(right[unsure].mean(), abs=0.12)


def test_wrong_labels_of_the_start_are_left(fitted):
    (y, confidence, z, *_), _ = fitted
    rng = np.random.default_rng(3)
    bout = np.cumsum(np.diff(z, prepend=z[0]) != 0)
    other = rng.integers(4, size=bout[-1] + 1)[bout]
    start = np.where((rng.random(bout[-1] + 1) < 0.35)[bout], other, z)
    assert adjusted_rand_score(z, start) < 0.6
    dynamics = QUICK.dynamics.replace(n_states=6, em_iterations=0, merge=False, sweeps=0)
    model = fit_slds(y, FRONT, REAR, QUICK.replace(dynamics=dynamics), confidence=confidence, labels=start)
    assert adjusted_rand_score(z, model.apply(y, confidence).labels) > 0.9


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
