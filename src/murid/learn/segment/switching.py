"""Latents and states behind noisy sightings of the latents, given a fitted AR-HMM: blocked Gibbs.

The AR-HMM says how latents move in each state; each row also has a sighting of its latents (say, decoded from
neurons). Paths are drawn given states as one banded Gaussian, states given paths by forward filtering and backward
sampling; what is averaged are the exact conditional means, not the draws.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from murid.data.errors import fail
from murid.learn.segment import _emission as emission
from murid.learn.segment._banded_chain import sample_path
from murid.learn.segment._markov_chain import backward, floor_rows, forward, sample_backward
from murid.learn.segment._pose_state import START_VARIANCE, factors
from murid.learn.segment.arhmm import ArHmm


class Smoothed(NamedTuple):
    """Posterior mean of the latents (T, D) and probability of each state (T, K)."""

    latents: np.ndarray
    probability: np.ndarray


def smooth_switching(
    model: ArHmm,
    precision: np.ndarray,
    pull: np.ndarray,
    *,
    evidence: np.ndarray | None = None,
    start: np.ndarray | None = None,
    sweeps: int = 60,
    burn_in: int = 20,
    seed: int = 0,
) -> Smoothed:
    """Combine an AR-HMM with sightings of its latents; one unbroken sequence.

    Parameters
    ----------
    model : ArHmm
        Of the latents, at the rate of the rows.
    precision, pull : arrays (T, D, D) and (T, D)
        Of the sightings: a sighting ``y = x + N(0, R)`` has precision R⁻¹ and pull R⁻¹ y; zero where there is none.
    evidence : array (T, K), optional
        Further log-likelihood of each state in each row.
    start : int array (T,), optional
        First guess of the states; by default the most likely ones given the sightings without dynamics.
    sweeps, burn_in, seed : int
        Sweeps in all, and how many of the first are not averaged.
    """
    n, d, lags, k = len(pull), pull.shape[1], model.lags, model.n_states
    _check(model, precision, pull)
    rng = np.random.default_rng(seed)
    extra = np.zeros((n, k)) if evidence is None else np.asarray(evidence, np.float64)
    quadratic, linear = factors(model.coef.astype(np.float64), model.cov.astype(np.float64), lags)
    white = emission.whitener(model.coef, model.cov, model.student_dof)
    steps = floor_rows(model.transitions.mean(axis=0))
    back, first = np.ascontiguousarray(steps.T), np.full(k, 1 / k)
    width = (lags + 1) * d
    band, potential = np.empty((n * d + width, width)), np.empty(n * d + width)
    edges = np.array([0, n, 0, n])
    x = np.zeros((n, d))
    flat, pull = np.ascontiguousarray(precision.reshape(n, d * d), np.float64), np.ascontiguousarray(pull, np.float64)
    states = np.zeros(n, np.int32) if start is None else np.asarray(start, np.int32).copy()
    if start is None:
        _draw_states(extra, first, steps, back, rng, states)

    def path(noise: np.ndarray) -> np.ndarray:
        sample_path(band, potential, x, states, edges, quadratic, linear, 1 / START_VARIANCE, flat, pull, noise)
        return potential[: n * d].reshape(n, d).copy()

    mean, probability = np.zeros((n, d)), np.zeros((n, k))
    for sweep in range(sweeps):
        if sweep >= burn_in:
            mean += path(np.zeros(n * d))
        x = path(rng.standard_normal(n * d))
        g, valid = emission.lagged(x, 0, n, 0, lags)
        smooth = _draw_states(emission.loglik(g, valid, white) + extra, first, steps, back, rng, states)
        if sweep >= burn_in:
            probability += smooth
    kept = max(sweeps - burn_in, 1)
    return Smoothed(mean / kept, probability / kept)


def _check(model: ArHmm, precision: np.ndarray, pull: np.ndarray) -> None:
    n, d = pull.shape
    if n <= model.lags + 1 or precision.shape != (n, d, d) or d != model.cov.shape[1]:
        fail(
            "switching smoother",
            "sightings do not fit the model",
            got=f"{pull.shape}, {precision.shape}",
            expected=f"more than {model.lags + 1} rows of {model.cov.shape[1]} latents",
        )


def _draw_states(loglik, first, steps, back, rng: np.random.Generator, states: np.ndarray) -> np.ndarray:
    """Draw all states (written into `states`) and return their smoothed probabilities (T, K)."""
    alpha = np.ascontiguousarray(loglik, np.float64).copy()
    forward(alpha, first, steps, alpha)
    sample_backward(alpha, back, rng.random(len(alpha)), -1, states)
    backward(alpha, back, np.zeros_like(steps))
    return alpha
