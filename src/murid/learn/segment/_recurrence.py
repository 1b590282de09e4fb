"""Transitions that depend on where the last frame was: the recurrent part of an AR-HMM (Linderman et al. 2017).

From state j and frame x the next state is k with probability ``T_jk exp(r_k · x) / Σ_l T_jl exp(r_l · x)``: `T` holds
at the mean frame (0 of whitened features), `r` says where a state begins. All of it can be written as an addition to
the likelihood of each frame in each state, so the kernels of chains with constant transitions serve unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from murid.learn.segment._markov_chain import floor_rows

#: Weight of the squared coefficients: as much as one transition knows of a coefficient, whitened features given.
RIDGE = 1.0
#: Steps of the optimiser in each round of EM; the next round goes on from there.
STEPS = 10


def drive(frames: np.ndarray, recurrence: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return what frames add to the log-likelihood (T, K) of their states by driving the transitions of one chain.

    Parameters
    ----------
    frames : (T, D) array
        NaN where missing; such a frame drives nothing.
    recurrence : (K, D) array
    steps : (K, K) array
        Transitions at the mean frame.
    """
    push, norm = _pushed(frames, recurrence, steps)
    out = -norm
    out[-1] = 0.0
    out[1:] += push[:-1]
    return out


def _pushed(frames: np.ndarray, recurrence: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Push of each frame towards each next state, and the log of the sum that it divides by in each present state."""
    push = np.nan_to_num(frames.astype(np.float64)) @ recurrence.T
    top = push.max(axis=1, keepdims=True)
    return push, np.log(np.exp(push - top) @ steps.T) + top


def fit_recurrence(
    frames: np.ndarray,
    gamma: np.ndarray,
    flow: np.ndarray,
    prior: np.ndarray,
    parts: Sequence[tuple[int, int, int]],
    start: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Improve the recurrent transitions given smoothed states: the M-step of EM, a few steps of L-BFGS.

    Parameters
    ----------
    frames : (n_frames, D) array
    gamma : (n_frames, K) array
        Smoothed state probabilities.
    flow : (G, K, K) array
        Expected transitions of each group.
    prior : (1 or G, K, K) array
        Transitions that count as seen at the mean frame: concentration and stickiness, of all groups or of each.
    parts : sequence of (start, stop, group)
        Stretches of frames that follow each other.
    start : tuple
        Recurrence (K, D) and transitions (G, K, K) so far.

    Returns
    -------
    recurrence : (K, D) array
    transitions : (G, K, K) array
    """
    (n_states, n_features), n_groups = start[0].shape, len(flow)
    prior = np.broadcast_to(prior, flow.shape)
    seen = flow + prior
    x, now = [], []
    entered = np.zeros((n_states, n_features))
    for group in range(n_groups):
        rows = np.concatenate([np.arange(a, b - 1) for a, b, g in parts if g == group] or [np.zeros(0, int)])
        x.append(np.nan_to_num(frames[rows].astype(np.float64)))
        now.append(gamma[rows].astype(np.float64))
        entered += gamma[rows + 1].astype(np.float64).T @ x[-1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        recurrence = flat[: n_states * n_features].reshape(n_states, n_features)
        logits = flat[n_states * n_features :].reshape(n_groups, n_states, n_states)
        total = (entered * recurrence).sum() - 0.5 * RIDGE * (recurrence**2).sum()
        slope_r, slope_t = entered - RIDGE * recurrence, np.empty_like(logits)
        for g in range(n_groups):
            rest = logsumexp(logits[g], axis=1)
            steps = np.exp(logits[g] - rest[:, None])
            push, norm = _pushed(x[g], recurrence, steps)
            share = now[g] / np.exp(norm - push.max(axis=1, keepdims=True))
            lifted = np.exp(push - push.max(axis=1, keepdims=True))
            total += (seen[g] * (logits[g] - rest[:, None])).sum() - (now[g] * norm).sum()
            expected = steps * (share.T @ lifted)
            slope_t[g] = seen[g] - prior[g].sum(axis=1)[:, None] * steps - expected
            # The log-transitions are normalised, so the flow out of each state is taken off again.
            slope_t[g] -= (flow[g].sum(axis=1) - now[g].sum(axis=0))[:, None] * steps
            slope_r -= ((share @ steps) * lifted).T @ x[g]
        return -total, -np.concatenate([slope_r.ravel(), slope_t.ravel()])

    first = np.concatenate([start[0].ravel(), np.log(start[1]).ravel()])
    best = minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    logits = best[n_states * n_features :].reshape(n_groups, n_states, n_states)
    return best[: n_states * n_features].reshape(n_states, n_features), floor_rows(
        np.exp(logits - logsumexp(logits, axis=2, keepdims=True))
    )
