"""AR-HMM: planted dynamics, exact densities, sampling against exact posteriors, gaps, workers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import digamma, logsumexp
from scipy.stats import multivariate_normal, multivariate_t
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError, ParameterError
from murid.learn.parallel import workers
from murid.learn.segment import _emission as emission
from murid.learn.segment import _mniw as mniw
from murid.learn.segment import consensus
from murid.learn.segment._sticky import draw_tables, draw_transitions, expected_transitions, transition_counts
from murid.learn.segment.arhmm import ArHmm, ArHmmParams
from murid.learn.segment.arhmm_fit import Sampler, fit_arhmm
from murid.learn.segment.chains import Chain
from murid.learn.sequences import as_sequences


def plant(n=8000, k=5, d=4, stay=0.97, seed=0, noise=0.1, dof=0):
    """Damped rotations in random planes, one per state."""
    rng = np.random.default_rng(seed)
    rules = []
    for _ in range(k):
        basis, turn = np.linalg.qr(rng.normal(size=(d, d)))[0], np.eye(d)
        for j, angle in enumerate(rng.uniform(0.05, 0.6, size=d // 2)):
            c, s = np.cos(angle), np.sin(angle)
            turn[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[c, -s], [s, c]]
        rules.append(0.98 * basis @ turn @ basis.T)
    push = rng.normal(size=(k, d)) * 0.1
    z, x = np.zeros(n, int), np.zeros((n, d))
    for t in range(1, n):
        z[t] = z[t - 1] if rng.random() < stay else rng.integers(k)
        tail = np.sqrt(dof / rng.chisquare(dof)) if dof else 1.0
        x[t] = rules[z[t]] @ x[t - 1] + push[z[t]] + noise * tail * rng.normal(size=d)
    return x, z


QUICK = ArHmmParams(n_states=12, lags=1, kappa=100, sweeps=20, draws=5)


@pytest.mark.parametrize("sweeps", [0, 20])
@pytest.mark.parametrize("seed", [0, 2])
def test_em_and_gibbs_recover_planted_dynamics_from_too_many_states(sweeps, seed):
    x, z = plant(seed=seed)
    model = fit_arhmm(x, QUICK.replace(sweeps=sweeps), seed=seed)
    assert adjusted_rand_score(z, model.predict(x)) > 0.95
    assert model.usage[:5].sum() > 0.97
    assert model.trace[-1] > model.trace[0]


def test_density_equals_scipy_for_gaussian_and_student():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    x[7, 1] = np.nan
    coef, roots = rng.normal(size=(4, 3, 7)), rng.normal(size=(4, 3, 3))
    cov = roots @ roots.transpose(0, 2, 1) + np.eye(3)
    g, valid = emission.lagged(x, 5, 40, 5, 2)
    assert np.flatnonzero(~valid).tolist() == [0, 1, 2, 3, 4]
    for dof in (0.0, 4.0):
        ll = emission.loglik(g, valid, emission.whitener(coef, cov, dof))
        assert (ll[:5] == 0).all()
        for t in range(10, 35):
            for k in range(4):
                past = np.concatenate([x[t + 4], x[t + 3], [1]])
                law = (
                    multivariate_t(coef[k] @ past, cov[k], dof) if dof else multivariate_normal(coef[k] @ past, cov[k])
                )
                assert ll[t, k] == pytest.approx(law.logpdf(x[t + 5]))


def test_likelihood_posterior_and_best_path_are_those_of_all_paths():
    rng = np.random.default_rng(0)
    k, n, lags = 3, 7, 2
    coef, roots = 0.4 * rng.normal(size=(k, 2, 5)), rng.normal(size=(k, 2, 2))
    cov, steps = roots @ roots.transpose(0, 2, 1) + 0.3 * np.eye(2), rng.dirichlet(np.ones(k), k)
    x = rng.normal(size=(n, 2))
    model = ArHmm(coef, cov, steps[None], np.ones(k) / k, np.zeros(1), lags, 0.0, 30, False, 0.0)
    density = np.zeros((n, k))
    for t in range(lags, n):
        past = np.concatenate([x[t - 1], x[t - 2], [1.0]])
        density[t] = [multivariate_normal(c @ past, v).logpdf(x[t]) for c, v in zip(coef, cov, strict=True)]
    paths = np.array(list(product(range(k), repeat=n)))
    joint = np.log(steps[paths[:, :-1], paths[:, 1:]]).sum(axis=1) + density[np.arange(n), paths].sum(axis=1)
    joint -= np.log(k)
    evidence = logsumexp(joint)
    share = np.exp(joint - evidence)
    assert model.loglik(x)[0] == pytest.approx(evidence)
    expected = np.stack([((paths == z) * share[:, None]).sum(axis=0) for z in range(k)], axis=1)
    np.testing.assert_allclose(model.posterior(x), expected, atol=1e-6)
    assert np.array_equal(model.predict(x), paths[joint.argmax()])


def test_lags_reach_over_a_segment_border_but_not_over_a_chain_start():
    x = np.arange(20.0)[:, None]
    whole, _ = emission.lagged(x, 0, 20, 0, 3)
    part, valid = emission.lagged(x, 8, 14, 0, 3)
    assert np.array_equal(part, whole[8:14])
    assert valid.all()
    assert emission.lagged(x, 8, 14, 7, 3)[1].tolist() == [False, False, True, True, True, True]


def test_moments_by_sorting_equal_masked_sums():
    rng = np.random.default_rng(0)
    g, z, w = rng.normal(size=(500, 6)), rng.integers(7, size=500).astype(np.int16), rng.random(500)
    naive = np.stack([(g * w[:, None] * (z == k)[:, None]).T @ g for k in range(8)])
    assert np.allclose(emission.moments_by_state(g, z, 8, w), naive)
    assert np.allclose(emission.moments_by_weight(g, np.eye(8)[z] * w[:, None]), naive)


def test_posterior_draws_have_the_posterior_mean_and_evidence_is_a_student_density():
    rng = np.random.default_rng(1)
    prior = mniw.ar_prior(2, 1, np.array([[0.5, 0.1], [0.1, 0.3]]), extra_dof=6)
    g = rng.normal(size=(30, 5))
    post = mniw.posterior(prior, np.repeat((g.T @ g)[None], 20_000, axis=0), np.full(20_000, 30.0))
    coef, cov = mniw.draw(post, rng)
    mean, spread = mniw.expected(mniw.Mniw(*(part[:1] for part in post[:4])))
    assert np.allclose(coef.mean(axis=0), mean[0], atol=0.01)
    assert np.allclose(cov.mean(axis=0), spread[0], rtol=0.02, atol=0.005)
    # p(x₁, x₂) = p(x₁) p(x₂ | x₁), each a Student-t.
    total, now = 0.0, prior
    for row in g[:2]:
        x, past = row[:2], row[2:]
        slack = 1 + past @ np.linalg.solve(now.precision, past)
        dof = float(now.dof) - 1
        total += multivariate_t(now.mean @ past, now.scale * slack / dof, dof).logpdf(x)
        now = mniw.Mniw(*(p[0] for p in mniw.posterior(now, np.outer(row, row)[None], np.ones(1))[:4]))
    assert mniw.log_evidence(prior, (g[:2].T @ g[:2])[None], np.array([2.0]))[0] == pytest.approx(total, abs=1e-5)


def test_tables_and_transitions_have_their_expected_values():
    rng = np.random.default_rng(0)
    counts, weight = np.full((4000, 1), 50), np.full((4000, 1), 3.0)
    assert draw_tables(counts, weight, rng).mean() == pytest.approx(3 * (digamma(53) - digamma(3)), rel=0.02)
    flow = np.array([[[50.0, 3, 0], [2, 80, 1], [0, 1, 40]]])
    rows = [draw_transitions(flow, np.ones(3) / 3, alpha=2, kappa=20, share=1, rng=rng)[1] for _ in range(3000)]
    stay = np.mean(rows, axis=0)[0].diagonal()
    assert np.allclose(stay, [(50 + 20.7) / 75, (80 + 20.7) / 105, (40 + 20.7) / 63], atol=0.01)
    z = np.array([0, 0, 1, 1, 0, 2, 2])
    two = transition_counts(z, [Chain(0, 4, 0), Chain(4, 7, 1)], np.array([1, 0]), 2, 3)
    assert two[1].tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert two[0].tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]


def test_sampling_segments_between_borders_gives_the_exact_posterior():
    """Blocked Gibbs over three segments of one chain against forward–backward over the whole chain."""
    x, z = plant(n=300, k=3, noise=1.5, stay=0.9, seed=4)
    params = ArHmmParams(n_states=3, lags=1, kappa=5, segment_frames=100, merge=False, single=False)
    model = fit_arhmm(x, params.replace(sweeps=0), labels=z)
    draws = np.zeros((300, 3))
    with workers(1) as pmap:
        sampler = Sampler(as_sequences(x), params, np.zeros(1, int), 0, pmap)
        sampler.start(z)
        assert len(sampler.segments) == 3
        for sweep in range(1500):
            sampler.round = sweep
            sampler.resample_states(model.coef, model.cov, model.transitions)
            draws[np.arange(300), sampler.states] += 1 / 1500
    assert np.abs(draws - model.posterior(x)).max() < 0.08
    assert np.abs(draws - model.posterior(x)).mean() < 0.01


def test_same_seed_same_labels_on_one_and_two_workers():
    x, _ = plant(n=6000)
    parts = [x[:2500], x[2500:]]
    params = QUICK.replace(segment_frames=700)
    one, two = fit_arhmm(parts, params, seed=3), fit_arhmm(parts, params, seed=3, n_workers=2)
    for name, value in one.arrays().items():
        assert np.array_equal(value, getattr(two, name)), name
    first, second = one.apply(parts), two.apply(parts, n_workers=2)
    assert all(np.array_equal(a, b) for a, b in zip(first.labels, second.labels, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first.confidence, second.confidence, strict=True))
    other = fit_arhmm(parts, params, seed=4)
    agreement = adjusted_rand_score(np.concatenate(first.labels), np.concatenate(other.predict(parts)))
    assert agreement > 0.95


def test_gaps_are_bridged_when_short_and_unlabelled_when_long():
    x, z = plant(n=8000)
    holes = x.copy()
    holes[1000:1006] = np.nan
    holes[3000:3300] = np.nan
    holes[np.random.default_rng(0).random(8000) < 0.02, 0] = np.nan
    model = fit_arhmm(holes, QUICK)
    labels, sure = model.apply([holes, np.full((40, 4), np.nan), holes[:1]])
    seen = labels[0] >= 0
    assert seen[1000:1006].all()
    assert not seen[3000:3300].any()
    assert np.isnan(sure[0][3000:3300]).all()
    assert adjusted_rand_score(z[seen], labels[0][seen]) > 0.9
    assert (labels[1] == -1).all()
    assert labels[2].tolist() == [-1]
    assert np.isfinite(model.loglik([holes, np.full((40, 4), np.nan)])).all()
    with pytest.raises(DataError, match="too few observed frames"):
        fit_arhmm(np.full((500, 3), np.nan), QUICK)


def test_confidence_is_a_probability_and_low_where_states_are_ambiguous():
    x, z = plant(n=6000, noise=0.6, seed=1)
    model = fit_arhmm(x, QUICK)
    labels, sure = model.apply(x)
    posterior = model.posterior(x)
    assert np.allclose(posterior.sum(axis=1), 1, atol=1e-4)
    assert np.allclose(sure, posterior[np.arange(6000), labels], atol=1e-6)
    names = {k: np.bincount(z[labels == k]).argmax() for k in np.unique(labels)}
    right = np.array([names[k] for k in labels]) == z
    assert sure[right].mean() > sure[~right].mean() + 0.1


def test_groups_have_their_own_transitions():
    lively, _ = plant(n=5000, stay=0.9, seed=0)
    calm, _ = plant(n=5000, stay=0.99, seed=0)
    model = fit_arhmm([lively, calm], QUICK.replace(kappa=5), groups=[0, 1])
    stay = [np.average(np.diag(matrix), weights=model.usage) for matrix in model.transitions]
    assert stay[0] < 0.95 < 0.975 < stay[1]
    assert np.isfinite(model.loglik([calm], groups=[-1])).all()
    with pytest.raises(DataError, match="wrong group numbers"):
        model.predict([calm], groups=[2])


def test_each_group_may_have_a_stickiness_of_its_own():
    counts, beta = np.array([[[5.0, 1], [2, 3]]] * 2), np.array([0.4, 0.6])
    both = expected_transitions(counts, beta, alpha=2.0, kappa=np.array([0.0, 30.0]))
    for group, kappa in enumerate((0.0, 30.0)):
        assert np.array_equal(both[group], expected_transitions(counts[:1], beta, alpha=2.0, kappa=kappa)[0])
    # By hand: 5 seen, 2 * .4 of the prior and 30 for staying.
    assert both[1, 0, 0] == pytest.approx(35.8 / 38)
    x, _ = plant(n=3000, stay=0.9, seed=0)
    params = QUICK.replace(kappa=5.0, group_kappa=(0.0, 20_000.0))
    model = fit_arhmm([x, x], params, groups=[0, 1])
    stay = [np.average(np.diag(matrix), weights=model.usage) for matrix in model.transitions]
    assert stay[0] < 0.93 < 0.98 < stay[1]
    with pytest.raises(DataError, match="not one stickiness a group"):
        fit_arhmm([x, x], params, groups=[0, 0])


def test_student_residuals_fit_heavy_tails():
    x, z = plant(n=9000, dof=3)
    params = QUICK.replace(n_states=6)
    heavy, plain = fit_arhmm(x[:6000], params.replace(student_dof=3)), fit_arhmm(x[:6000], params)
    assert heavy.score(x[6000:]) > plain.score(x[6000:]) + 0.1
    assert adjusted_rand_score(z[6000:], heavy.predict(x[6000:])) > 0.9
    # The scale matrix is the one that made the noise, not one inflated by its tails.
    scale = np.exp(np.linalg.slogdet(heavy.cov[:5])[1] / 4)
    assert np.allclose(scale, 0.01, rtol=0.15)


def test_stickiness_lengthens_bouts_and_merging_can_be_left_out():
    x, _ = plant(n=5000, noise=0.5)
    quick = QUICK.replace(sweeps=5, draws=2)

    def switches(**change):
        return np.count_nonzero(np.diff(fit_arhmm(x, quick.replace(**change)).predict(x)))

    assert switches(kappa=1e6) < switches(kappa=1)
    assert fit_arhmm(x, quick.replace(merge=False, prune=False)).n_states > fit_arhmm(x, quick).n_states


def test_held_out_score_prefers_the_true_number_of_lags_and_saving_keeps_everything():
    x, _ = plant(n=6000)
    model = fit_arhmm(x[:4000], QUICK)
    constant = fit_arhmm(x[:4000], QUICK.replace(n_states=1))
    assert model.score(x[4000:]) > constant.score(x[4000:]) + 0.1
    again = ArHmm.from_arrays(model.arrays())
    assert np.array_equal(again.apply(x).confidence, model.apply(x).confidence)
    with pytest.raises(ParameterError, match="n_state"):
        ArHmmParams(n_state=3)


def test_a_floor_under_the_residuals_of_every_state():
    """A track that a tracker smoothed: still to the last digit in two rows of three."""
    rng = np.random.default_rng(0)
    goal, x = np.array([1.0, 0.5]), np.zeros((3000, 2))
    for t in range(1, len(x)):
        moved = 0.3 * (goal * (-1) ** (t // 50) - x[t - 1]) + 0.1 * rng.normal(size=2)
        x[t] = x[t - 1] + (moved if rng.random() < 1 / 3 else 0)
    params = ArHmmParams(n_states=6, lags=1, kappa=300, sweeps=0, draws=0)
    bare, floored = (fit_arhmm(x, params.replace(noise_floor=floor)) for floor in (0.0, 0.1))
    one = fit_arhmm(x, params.replace(n_states=1, em_iterations=1, merge=False)).cov[0]
    heavy = fit_arhmm(x, params.replace(noise_floor=0.1, student_dof=4))  # its `cov` is the scale
    least = [min(np.linalg.eigvals(np.linalg.solve(one, c)).real.min() for c in m.cov) for m in (bare, floored, heavy)]
    assert least[0] < 1e-3 < 0.09 < min(least[1:])
    n_bouts = [np.count_nonzero(np.diff(m.predict(x))) for m in (bare, floored)]
    assert n_bouts[1] < 0.85 * n_bouts[0]


@pytest.mark.parametrize("dof", [0.0, 4.0])
def test_the_variance_of_heavy_tails_is_twice_their_scale(dof):
    x = np.arange(-300, 300, 0.05)
    white = emission.whitener(np.zeros((1, 1, 1)), np.full((1, 1, 1), 4.0), dof)
    density = np.exp(emission.loglik(np.column_stack([x, np.ones_like(x)]), np.ones(len(x), bool), white)[:, 0]) * 0.05
    assert density.sum() == pytest.approx(1, abs=1e-6)
    assert (x**2 * density).sum() == pytest.approx(8.0 if dof else 4.0, rel=1e-3)


def test_the_concentration_is_spread_over_the_states_of_the_start(monkeypatch):
    fitted = []
    monkeypatch.setattr(consensus, "fit_arhmm", lambda seqs, params, **_: fitted.append(params))
    consensus.refine([np.zeros((200, 2))], np.arange(200) % 20, ArHmmParams())
    with workers(1) as pmap:
        sampler = Sampler(as_sequences([np.zeros((200, 2))]), fitted[0], np.zeros(1, int), 0, pmap)
    assert (fitted[0].n_states, sampler.share) == (20, 50)
