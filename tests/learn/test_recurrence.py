"""Recurrent AR-HMM: the frame before says which state comes next."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import logsumexp
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError
from murid.learn.segment import _emission as emission
from murid.learn.segment import _recurrence
from murid.learn.segment.arhmm import ArHmm
from murid.learn.segment.arhmm_fit import fit_arhmm

SPEED = 0.12


def shuttle(n_frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One number that runs up until it is high and down until it is low: only its place says when the state turns."""
    rng = np.random.default_rng(seed)
    x, z = np.zeros((n_frames, 1)), np.zeros(n_frames, int)
    for t in range(1, n_frames):
        turn = 1 / (1 + np.exp(-12 * (abs(x[t - 1, 0]) - 1.2)))
        outwards = (x[t - 1, 0] > 0) == (z[t - 1] == 0)
        z[t] = 1 - z[t - 1] if outwards and rng.random() < turn else z[t - 1]
        x[t] = x[t - 1] + (SPEED if z[t] == 0 else -SPEED) + 0.04 * rng.normal()
    return x, z


def test_likelihood_equals_the_sum_over_all_paths() -> None:
    rng = np.random.default_rng(0)
    k, d, n = 3, 2, 7
    coef, cov = rng.normal(size=(k, d, d + 1)) * 0.4, np.stack([np.eye(d) * s for s in (0.5, 1.0, 2.0)])
    steps, recurrence = rng.dirichlet(np.ones(k), size=k), rng.normal(size=(k, d))
    model = ArHmm(coef, cov, steps[None], np.full(k, 1 / k), np.zeros(0), 1, 0.0, 5, False, 0.0, recurrence=recurrence)
    x = rng.normal(size=(n, d))
    g, valid = emission.lagged(x, 0, n, 0, 1)
    ll = emission.loglik(g, valid, emission.whitener(coef, cov))
    paths = []
    for z in product(range(k), repeat=n):
        value = -np.log(k) + ll[0, z[0]]
        for t in range(1, n):
            chance = np.log(steps[z[t - 1]]) + recurrence @ x[t - 1]
            value += (chance - logsumexp(chance))[z[t]] + ll[t, z[t]]
        paths.append((value, z))
    assert model.loglik([x])[0] == pytest.approx(logsumexp([v for v, _ in paths]), abs=1e-9)
    assert tuple(model.predict([x])[0]) == max(paths)[1]


def test_slope_of_the_m_step(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    k, d, n = 3, 2, 40
    x, gamma = rng.normal(size=(n, d)), rng.dirichlet(np.ones(k), size=n)
    flow = np.stack([rng.random((k, k)) * 5 for _ in range(2)])
    caught = {}

    def catch(loss, first, **options):
        caught["error"] = check_grad(lambda v: loss(v)[0], lambda v: loss(v)[1], first)
        caught["size"] = np.linalg.norm(loss(first)[1])
        return type("Found", (), {"x": first})

    monkeypatch.setattr(_recurrence, "minimize", catch)
    start = rng.normal(size=(k, d)), rng.dirichlet(np.ones(k), size=(2, k))
    _recurrence.fit_recurrence(x, gamma, flow, np.eye(k) * 3, [(0, 20, 0), (20, 40, 1)], start)
    assert caught["error"] < 1e-5 * caught["size"]


def test_place_tells_when_a_state_ends() -> None:
    """Held-out frames are better predicted, and states end where they end in truth."""
    x, z = zip(*(shuttle(1500, seed) for seed in range(3)), strict=True)
    settings = {"n_states": 2, "lags": 1, "kappa": 10.0, "sweeps": 0, "draws": 0, "em_iterations": 10}
    labels = np.concatenate(z[:2])
    plain, recurrent = (
        fit_arhmm(list(x[:2]), **settings, labels=labels, recurrent=recurrent) for recurrent in (False, True)
    )
    assert plain.recurrence is None
    assert recurrent.score([x[2]]) > plain.score([x[2]]) + 0.02
    up = int(np.argmax(recurrent.coef[:, 0, 1]))
    assert recurrent.recurrence[up, 0] - recurrent.recurrence[1 - up, 0] < -2, "upwards begins where x is low"
    assert np.all(np.diff(recurrent.trace[-5:]) > -1e-4), "EM never makes it worse"
    assert adjusted_rand_score(z[2], recurrent.predict([x[2]])[0]) > 0.9


def test_nothing_is_learnt_where_nothing_is_driven() -> None:
    rng = np.random.default_rng(3)
    z = np.repeat(rng.integers(0, 2, 60), 30)
    x = np.zeros((len(z), 1))
    for t in range(1, len(z)):
        x[t] = 0.5 * x[t - 1] + (1.0 if z[t] else -1.0) * 0.3 + 0.2 * rng.normal()
    settings = {"n_states": 2, "lags": 1, "kappa": 10.0, "sweeps": 0, "draws": 0, "labels": z}
    plain, recurrent = (fit_arhmm([x], **settings, recurrent=r) for r in (False, True))
    assert abs(recurrent.score([x]) - plain.score([x])) < 0.01


def test_sampling_is_refused() -> None:
    with pytest.raises(DataError, match="expected sweeps=0"):
        fit_arhmm([np.random.default_rng(0).normal(size=(300, 2))], recurrent=True, sweeps=5)
