"""Joint distribution tests of the Gibbs samplers (Geweke 2004, J. Am. Stat. Assoc. 99:799).

Parameters and data drawn forwards from the model, and by a chain that draws the data anew after each sweep of the
sampler, have one distribution if every step of the sampler is right: densities, priors, counts and their wiring.
"""

from __future__ import annotations

import numpy as np
import pytest

from murid.learn.parallel import workers
from murid.learn.segment import _mniw as mniw
from murid.learn.segment._pose_labels import update_pose
from murid.learn.segment._pose_state import START_VARIANCE, PoseState, factors, turn
from murid.learn.segment._sticky import draw_transitions, transition_counts
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.arhmm_fit import Sampler
from murid.learn.segment.chains import Chain, Segment
from murid.learn.sequences import Sequences

pytestmark = pytest.mark.slow

STATES, ROWS, BATCHES = 3, 30, 50


def distances(forward, chain):
    """Difference of the means in standard errors; that of the chain by means of batches."""
    batches = chain[: len(chain) // BATCHES * BATCHES].reshape(BATCHES, -1, chain.shape[1]).mean(axis=1)
    error = np.hypot(batches.std(axis=0, ddof=1) / BATCHES**0.5, forward.std(axis=0) / len(forward) ** 0.5)
    return (chain.mean(axis=0) - forward.mean(axis=0)) / error


def rows_of(coef, cov, z, dof, rng):
    """Rows (T, 1) of an AR-HMM with one lag, from 0."""
    x, root = np.zeros((len(z), 1)), np.sqrt(cov[:, 0, 0])
    for t in range(1, len(z)):
        tail = np.sqrt(rng.chisquare(dof) / dof) if dof else 1.0
        x[t] = coef[z[t], 0, 0] * x[t - 1] + coef[z[t], 0, 1] + root[z[t]] * rng.standard_normal() / tail
    return x


def facts_of(beta, steps, coef, cov, z):
    a, stay = coef[:, 0, 0], steps.diagonal().mean()
    of_states = (z[1:] == z[:-1]).mean(), (z == 0).mean(), len(np.unique(z))
    return [beta[0], (beta**2).sum(), stay, steps[0, 1], a.mean(), (a**2).mean(), np.log(cov).mean(), *of_states]


@pytest.mark.parametrize("dof", [0.0, 5.0])
def test_sweeps_of_the_arhmm_leave_the_joint_distribution_as_it_is(dof):
    alpha, gamma, kappa = 4.0, 6.0, 8.0
    prior = mniw.ar_prior(1, 1, np.eye(1) * 4.0, extra_dof=8.0, spread=0.05)
    every = mniw.Mniw(
        *(np.tile(v, (STATES, 1, 1)) for v in (prior.mean, prior.precision, prior.scale)),
        np.full(STATES, float(prior.dof)),
    )
    rng = np.random.default_rng(1)

    def drawn():
        beta = rng.dirichlet(np.full(STATES, gamma / STATES))
        steps = np.stack([rng.dirichlet(alpha * beta + kappa * row) for row in np.eye(STATES)])
        coef, cov = mniw.draw(every, rng)
        ways, z = steps.cumsum(axis=1), np.zeros(ROWS, np.int16)
        z[0] = rng.integers(STATES)
        for t, u in enumerate(rng.random(ROWS - 1), 1):
            z[t] = min(np.searchsorted(ways[z[t - 1]], u), STATES - 1)
        return beta, steps, coef, cov, z

    forward = np.array([facts_of(*drawn()) for _ in range(8000)])
    params = ArHmmParams(
        n_states=STATES, lags=1, kappa=kappa, alpha=alpha, gamma=gamma, student_dof=dof, single=False, prune=False
    )
    beta, steps, coef, cov, z = drawn()
    chain = []
    with workers(1) as pmap:
        x = rows_of(coef, cov, z, dof, rng)
        sampler = Sampler(Sequences(x, np.array([0, ROWS]), False), params, np.zeros(1, int), 0, pmap)
        sampler.prior, sampler.beta, sampler.states = prior, beta, z
        steps = steps[None]
        for _ in range(4000):
            # Weights of Student residuals belong to the rows: drawn with the states, given the new rows.
            sampler.resample_states(coef, cov, steps) if dof else sampler.refresh()
            coef, cov = sampler.sweep(prune=False, keep=True)
            steps = sampler.draws.pop()[2]
            sampler.sums.clear()
            chain.append(facts_of(sampler.beta, steps[0], coef, cov, sampler.states))
            sampler.frames = rows_of(coef, cov, sampler.states, dof, rng)
    assert np.abs(distances(forward, np.array(chain))).max() < 3.5


def test_updates_of_shape_heading_centroid_and_noise_leave_the_joint_distribution_as_it_is():
    rng = np.random.default_rng(0)
    n, points, step, dof = 12, 4, 0.5, 5.0
    coef = np.stack(
        [np.hstack([0.5 * np.eye(2) + 0.1 * rng.normal(size=(2, 2)), 0.2 * np.eye(2), [[0.3], [-0.2]]])] * 2
    )
    coef[1, :, :2] *= 0.5
    cov = np.stack([0.3 * np.eye(2), 0.6 * np.eye(2)])
    z = rng.integers(2, size=n).astype(np.int16)
    shape, rest, scale = rng.normal(size=(points, 2, 2)), 2 * rng.normal(size=(points, 2)), np.full((n, points), 0.8)

    def drawn():
        x = np.zeros((n, 2))
        x[:2] = rng.normal(size=(2, 2)) * np.sqrt(START_VARIANCE)
        for t in range(2, n):
            past = np.concatenate([x[t - 1], x[t - 2], [1.0]])
            x[t] = coef[z[t]] @ past + np.sqrt(cov[z[t]].diagonal()) * rng.normal(size=2)
        walk = np.cumsum(np.vstack([np.zeros(2), step * rng.normal(size=(n - 1, 2))]), axis=0)
        return x, rng.uniform(-np.pi, np.pi, n), walk, dof * scale / rng.chisquare(dof, (n, points))

    def seen(x, heading, centroid, noise):
        body = np.einsum("ksd,td->tks", shape, x) + rest
        return centroid[:, None] + turn(body, heading) + np.sqrt(noise)[..., None] * rng.normal(size=body.shape)

    def facts(x, heading, centroid, noise):
        of_shape = x[2:].mean(), (x[2:, 0] ** 2).mean(), (x[5:, 0] * x[4:-1, 0]).mean()
        moved, loud = (np.diff(centroid, axis=0) ** 2).mean(), np.log(noise)
        return [*of_shape, moved, loud.mean(), (loud**2).mean(), np.cos(np.diff(heading)).mean()]

    forward = np.array([facts(*drawn()) for _ in range(8000)])
    start = [v.astype(np.float32) for v in drawn()]
    state = PoseState(
        np.zeros((n, points, 2), np.float32),
        np.ones((n, points), bool),
        *start,
        scale.astype(np.float32),
        shape,
        rest,
        step**2,
        dof,
    )
    told, chain = factors(coef, cov, 2), []
    for _ in range(8000):
        # The place of the whole path has a flat prior: the data move with it.
        state.centroid -= state.centroid[0]
        hidden = state.x, state.heading, state.centroid, state.noise
        state.y = seen(*(v.astype(float) for v in hidden)).astype(np.float32)
        parts = [Segment(0, 6, 0), Segment(6, n, 0)]
        update_pose(state, parts, [Chain(0, n, 0)], z, *told, lambda f, p: [f(a) for a in p], lambda *_: rng)
        chain.append(facts(state.x, state.heading, state.centroid, state.noise))
    assert np.abs(distances(forward, np.array(chain))).max() < 3.5


def test_transitions_of_groups_leave_the_joint_distribution_as_it_is():
    alpha, gamma, kappa, rows = 4.0, 6.0, np.array([1.0, 15.0]), 20
    rng = np.random.default_rng(2)

    def walked(steps):
        ways, z = steps.cumsum(axis=2), np.zeros((2, rows), np.int16)
        z[:, 0] = rng.integers(STATES, size=2)
        for t, u in enumerate(rng.random((rows - 1, 2)), 1):
            z[:, t] = [min(np.searchsorted(ways[g, z[g, t - 1]], u[g]), STATES - 1) for g in range(2)]
        return z

    def facts(beta, steps, z):
        stays = [(z[g, 1:] == z[g, :-1]).mean() for g in range(2)]
        return [
            beta[0],
            (beta**2).sum(),
            steps[0].diagonal().mean(),
            steps[1].diagonal().mean(),
            steps[0, 0, 1],
            *stays,
        ]

    forward, chain = [], []
    for _ in range(8000):
        beta = rng.dirichlet(np.full(STATES, gamma / STATES))
        steps = np.stack([[rng.dirichlet(alpha * beta + k * row) for row in np.eye(STATES)] for k in kappa])
        z = walked(steps)
        forward.append(facts(beta, steps, z))
    for _ in range(12_000):
        flow = transition_counts(z.ravel(), [Chain(0, rows, 0), Chain(rows, 2 * rows, 1)], np.arange(2), 2, STATES)
        beta, steps = draw_transitions(flow, beta, alpha=alpha, kappa=kappa, share=gamma / STATES, rng=rng)
        z = walked(steps)
        chain.append(facts(beta, steps, z))
    assert np.abs(distances(np.array(forward), np.array(chain))).max() < 3.5
