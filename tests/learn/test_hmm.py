"""Gaussian HMM against a plain log-space reference written here, and against planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError
from murid.learn.segment.hmm import HMM, HmmParams, fit_hmm


def simulate(n=3000, k=4, d=3, stay=0.95, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    steps = np.full((k, k), (1 - stay) / (k - 1)) + np.eye(k) * (stay - (1 - stay) / (k - 1))
    means = rng.normal(size=(k, d)) * 2.5
    roots = rng.normal(size=(k, d, d)) * 0.4 + np.eye(d) * spread
    z = np.zeros(n, int)
    for t in range(1, n):
        z[t] = rng.choice(k, p=steps[z[t - 1]])
    return means[z] + np.einsum("tij,tj->ti", roots[z], rng.normal(size=(n, d))), z


def reference_chain(x, model):
    """Forward–backward and Viterbi in log space, one sequence, NaN rows without likelihood."""
    k, n = len(model.means), len(x)
    ll = np.zeros((n, k))
    for i in range(k):
        seen = ~np.isnan(x).any(axis=1)
        ll[seen, i] = multivariate_normal.logpdf(x[seen], model.means[i], model.covariances[i])
    log_a, log_p = np.log(model.transitions), np.log(model.initial)
    f, b, v = np.zeros((n, k)), np.zeros((n, k)), np.zeros((n, k))
    back = np.zeros((n, k), int)
    f[0] = v[0] = log_p + ll[0]
    for t in range(1, n):
        f[t] = ll[t] + logsumexp(f[t - 1][:, None] + log_a, axis=0)
        step = v[t - 1][:, None] + log_a
        back[t], v[t] = step.argmax(axis=0), step.max(axis=0) + ll[t]
    for t in range(n - 2, -1, -1):
        b[t] = logsumexp(log_a + (ll[t + 1] + b[t + 1])[None], axis=1)
    total = logsumexp(f[-1])
    xi = sum(np.exp(f[t][:, None] + log_a + (ll[t + 1] + b[t + 1])[None] - total) for t in range(n - 1))
    path = [int(v[-1].argmax())]
    for t in range(n - 1, 0, -1):
        path.append(int(back[t][path[-1]]))
    return total, np.exp(f + b - total), np.array(path[::-1]), xi


@pytest.fixture(scope="module")
def fitted():
    x, z = simulate()
    return x, z, fit_hmm(x, HmmParams(n_states=4, prior_frames=0, tolerance=1e-9, iterations=200))


def test_recovers_planted_states_and_likelihood_never_falls(fitted):
    x, z, model = fitted
    assert adjusted_rand_score(z, model.predict(x)) > 0.95
    assert np.diff(model.trace).min() > -1e-9
    assert (np.diff(model.usage) <= 0).all()


def test_likelihood_posterior_and_path_equal_log_space_reference(fitted):
    x, _, model = fitted
    x = x[:400].copy()
    x[50:60] = np.nan
    x[200, 1] = np.nan
    total, gamma, path, _ = reference_chain(x, model)
    assert model.loglik(x)[0] == pytest.approx(total, rel=1e-10)
    assert np.allclose(model.posterior(x), gamma, atol=1e-9)
    assert np.array_equal(model.predict(x), path)


def test_em_step_equals_reference_step(fitted):
    """One EM iteration from given labels, then means, covariances and transitions by hand."""
    x, z, _ = fitted
    x, z = x[:500], z[:500]
    params = HmmParams(n_states=4, prior_frames=0, tolerance=0, iterations=2)
    one, two = fit_hmm(x, params.replace(iterations=1), labels=z), fit_hmm(x, params, labels=z)
    _, gamma, _, xi = reference_chain(x, one)
    means = gamma.T @ x / gamma.sum(axis=0)[:, None]
    steps = xi / xi.sum(axis=1, keepdims=True)
    match = [int(np.abs(means - m).sum(axis=1).argmin()) for m in two.means]
    assert np.allclose(two.means, means[match], atol=1e-7)
    assert np.allclose(two.transitions, steps[np.ix_(match, match)], atol=1e-6)
    for i, j in enumerate(match):
        centred = x - means[j]
        assert np.allclose(two.covariances[i], (gamma[:, j, None] * centred).T @ centred / gamma[:, j].sum(), atol=1e-6)


def test_sequences_never_bleed_into_each_other(fitted):
    x, _, model = fitted
    parts = [x[:300], x[300:700], x[700:1500]]
    apart = np.concatenate([model.predict(p) for p in parts])
    assert np.array_equal(np.concatenate(model.predict(parts)), apart)
    assert np.array_equal(model.predict(x[:1500], lengths=[300, 400, 800]), apart)
    assert np.allclose(model.loglik(parts), [model.loglik(p)[0] for p in parts])
    shuffled = fit_hmm(
        [parts[2], parts[0], parts[1]],
        HmmParams(n_states=4),
        labels=np.concatenate(model.predict([parts[2], parts[0], parts[1]])),
    )
    straight = fit_hmm(parts, HmmParams(n_states=4), labels=apart)
    assert shuffled.trace[-1] == pytest.approx(straight.trace[-1], abs=1e-9)


def test_same_seed_same_model_on_any_workers_and_single_precision_agrees():
    x, _ = simulate(n=6000, seed=3)
    parts = np.array_split(x, 5)
    params = HmmParams(n_states=5, iterations=20, restarts=2)
    one, two = fit_hmm(parts, params, seed=7), fit_hmm(parts, params, seed=7, n_workers=2)
    assert np.array_equal(one.transitions, two.transitions)
    assert np.array_equal(one.means, two.means)
    single = fit_hmm(parts, params.replace(single=True), seed=7)
    assert np.mean(np.concatenate(single.predict(parts)) == np.concatenate(one.predict(parts))) > 0.99


def test_gaps_short_long_and_total(fitted):
    x, z, model = fitted
    x = x.copy()
    x[500:505] = np.nan
    x[1000:1300] = np.nan
    labels, gamma = model.predict([x, np.full((20, 3), np.nan)]), model.posterior(x)
    assert (labels[0][500:505] >= 0).all()
    assert (labels[0][1000:1300] == -1).all()
    assert np.isnan(gamma[1000:1300]).all()
    assert (labels[1] == -1).all()
    refit = fit_hmm(x, HmmParams(n_states=4))
    seen = refit.predict(x) >= 0
    assert adjusted_rand_score(z[seen], refit.predict(x)[seen]) > 0.94
    with pytest.raises(DataError, match="too few complete frames"):
        fit_hmm(np.full((50, 3), np.nan), HmmParams(n_states=4))


def test_diagonal_covariance_and_saving():
    x, _ = simulate(seed=5)
    model = fit_hmm(x, HmmParams(n_states=4, covariance="diag", restarts=3))
    off = model.covariances * (1 - np.eye(3))
    assert np.abs(off).max() == 0
    assert np.array_equal(HMM.from_arrays(model.arrays()).predict(x), model.predict(x))
    assert model.score(x[:1000]) == pytest.approx(model.loglik(x[:1000])[0] / 1000)


def test_stickiness_lengthens_bouts():
    x, _ = simulate(stay=0.6, spread=2.5)

    def switches(p):
        return np.count_nonzero(np.diff(fit_hmm(x, p).predict(x)))

    assert switches(HmmParams(n_states=4, sticky_frames=1e5)) < 0.5 * switches(HmmParams(n_states=4))
