from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import xarray as xr

from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.data.states import make_states
from murid.ethogram import hmm


def enumerate_paths(likelihood, move, start):
    n, k = likelihood.shape
    paths = np.array(list(product(range(k), repeat=n)))
    weight = start[paths[:, 0]] * likelihood[0, paths[:, 0]]
    for t in range(1, n):
        weight = weight * move[paths[:, t - 1], paths[:, t]] * likelihood[t, paths[:, t]]
    posterior = np.array([[weight[paths[:, t] == s].sum() for s in range(k)] for t in range(n)])
    return posterior / weight.sum(), paths[weight.argmax()]


@pytest.mark.parametrize("seed", range(5))
def test_posterior_and_viterbi_agree_with_summing_over_all_paths(seed):
    rng = np.random.default_rng(seed)
    likelihood, move = rng.random((6, 3)), rng.dirichlet(np.ones(3), 3)
    start = rng.dirichlet(np.ones(3))
    posterior, path = enumerate_paths(likelihood, move, start)
    np.testing.assert_allclose(
        hmm.forward_backward(likelihood, move[None], np.zeros(6, int), start), posterior, rtol=1e-10
    )
    np.testing.assert_array_equal(hmm.viterbi_path(likelihood, move[None], np.zeros(6, int), start), path)


def simulated(seed, fps, seconds=400.0, leave=(0.5, 1.0)):
    rng = np.random.default_rng(seed)
    n = int(seconds * fps)
    z = np.empty(n, np.int64)
    z[0] = 0
    for t in range(1, n):
        z[t] = 1 - z[t - 1] if rng.random() < 1 - np.exp(-leave[z[t - 1]] / fps) else z[t - 1]
    return make_states(z, frame_times(n, fps), ["rest", "walk"], ["a"])


def noisy(states, seed, noise=1.0):
    rng = np.random.default_rng(seed)
    z = states.values[:, 0]
    x = (2 * z - 1) + rng.normal(0, noise * 2, z.size)
    prior = z.mean()
    up = prior * np.exp(2 * x / (2 * noise) ** 2)
    p = up / (up + 1 - prior)
    return xr.DataArray(
        np.stack([1 - p, p], axis=1)[:, None].astype(np.float32),
        dims=("time", "individual", "behaviour"),
        coords={"time": states.time.values, "individual": ["a"], "behaviour": ["rest", "walk"]},
    )


def test_rates_are_recovered_in_seconds_and_serve_at_another_frame_rate():
    slow = hmm.fit_chain([simulated(s, 25.0) for s in range(5)])
    np.testing.assert_allclose(-np.diag(slow.rates), [0.5, 1.0], rtol=0.15)
    np.testing.assert_allclose(slow.prior, [2 / 3, 1 / 3], rtol=0.15)
    np.testing.assert_allclose(slow.step(1 / 25).sum(axis=1), 1.0)
    np.testing.assert_allclose(np.linalg.matrix_power(slow.step(0.01), 4), slow.step(0.04), rtol=1e-9)


def test_smoothing_helps_and_both_ways_beat_the_frames():
    chain = hmm.fit_chain([simulated(s, 30.0) for s in range(3)])
    truth = simulated(9, 30.0)
    p = noisy(truth, 1)
    raw = (p.values.argmax(2) == truth.values).mean()
    for how in ("posterior", "viterbi"):
        states, posterior = hmm.smooth_by_chain(p, chain, how=how)
        assert (states.values == truth.values).mean() > raw + 0.1
        np.testing.assert_allclose(posterior.values.sum(2), 1.0, rtol=1e-5)


def test_missing_frames_break_the_sequence_and_stay_missing():
    chain = hmm.fit_chain([simulated(0, 30.0)])
    p = noisy(simulated(1, 30.0, 20.0), 2)
    p.values[100:110] = np.nan
    states, posterior = hmm.smooth_by_chain(p, chain)
    assert (states.values[100:110] == -1).all()
    assert np.isnan(posterior.values[100:110]).all()
    alone, _ = hmm.smooth_by_chain(p.isel(time=slice(110, None)), chain)
    np.testing.assert_array_equal(states.values[110:], alone.values)


def test_unlabelled_time_and_unseen_behaviours_do_no_harm():
    z = np.repeat([0, -1, 1, 0], 50)
    chain = hmm.fit_chain([make_states(z, frame_times(200, 10.0), ["a", "b", "c"], ["m"])])
    assert chain.rates[0, 1] == pytest.approx(0.5 / 11)  # never a → b across the hole; only the pseudo-change
    assert (chain.step(0.1) > 0).all()
    assert chain.prior.sum() == pytest.approx(1.0)


def test_behaviours_must_agree():
    chain = hmm.fit_chain([simulated(0, 30.0, 10.0)])
    p = noisy(simulated(1, 30.0, 10.0), 2).assign_coords(behaviour=["rest", "run"])
    with pytest.raises(DataError, match="behaviours differ"):
        hmm.smooth_by_chain(p, chain)
    with pytest.raises(DataError, match="no labelled states"):
        hmm.fit_chain([])


def test_the_chain_moves_by_time_where_the_film_changes_its_rate():
    """Rates are per second: each half is smoothed with its own step."""
    chain = hmm.BehaviourChain(("a", "b"), np.array([[-0.5, 0.5], [1.0, -1.0]]), np.array([0.6, 0.4]))
    film = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])
    p = np.random.default_rng(0).dirichlet([2, 2], 1200)[:, None]
    coords = {"individual": ["m"], "behaviour": ["a", "b"]}

    def posterior(values, time):
        array = xr.DataArray(values, dims=("time", "individual", "behaviour"), coords={"time": time, **coords})
        return hmm.smooth_by_chain(array, chain)[1].values

    whole = posterior(p, film)
    # Far from the border the other half does not matter.
    np.testing.assert_allclose(whole[:500], posterior(p[:600], film[:600])[:500], atol=1e-4)
    np.testing.assert_allclose(whole[700:], posterior(p[600:], film[600:])[100:], atol=1e-4)
