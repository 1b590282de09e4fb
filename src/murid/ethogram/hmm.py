"""Smooth class probabilities by a hidden Markov chain whose rates come from labels.

Rates, not per-frame probabilities, are stored: the maximum-likelihood generator of a fully observed
continuous-time chain, q_ij = (changes i → j) / (seconds in i). So what was learnt at 25 fps serves at 60.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numba import njit
from scipy.linalg import expm

from murid.data.clock import even_parts, rate_of, sample_stops, segments
from murid.data.errors import fail
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel, make_states
from murid.ethogram.bouts import runs_within


@dataclass(frozen=True)
class BehaviourChain:
    """Rates and prior of an exclusive set of behaviours.

    Attributes
    ----------
    behaviours : tuple of str
        Order of the axes.
    rates : array (behaviour, behaviour)
        Generator in 1/s, rows sum to 0.
    prior : array (behaviour,)
        Share of labelled time.
    """

    behaviours: tuple[str, ...]
    rates: np.ndarray
    prior: np.ndarray

    def step(self, step_s: float) -> np.ndarray:
        """Transition probabilities over `step_s` seconds, rows sum to 1."""
        matrix = np.clip(expm(self.rates * step_s), 0.0, None)
        return matrix / matrix.sum(axis=1, keepdims=True)


def fit_chain(states: Sequence[xr.DataArray], *, pseudo_s: float = 1.0) -> BehaviourChain:
    """Estimate rates and prior from labelled states.

    Parameters
    ----------
    states : sequence of DataArray (time, individual)
        Exclusive states of training recordings, same behaviours. −1 and dropped frames break sequences.
    pseudo_s : float
        Seconds of each behaviour added to every behaviour, with one change spread over the others: no change
        is impossible, and a behaviour that was never seen leaves again.
    """
    if not states:
        fail("hmm", "no labelled states given")
    names = behaviour_names(states[0])
    k = len(names)
    changes, seconds = np.zeros((k, k)), np.zeros(k)
    for one in states:
        if is_multilabel(one) or behaviour_names(one) != names:
            fail(
                "hmm",
                "states differ",
                expected=f"exclusive, {', '.join(names)}",
                got=f"{one.dims}, {', '.join(behaviour_names(one))}",
            )
        time = one["time"].values
        width = sample_stops(time) - time
        for column in one.values.T:
            known = column != UNLABELLED
            seconds += np.bincount(column[known], width[known], k)
            for a, b in runs_within(known, segments(time)):
                np.add.at(changes, (column[a : b - 1], column[a + 1 : b]), 1)
    np.fill_diagonal(changes, 0)
    if k > 1:
        changes += 1.0 / (k - 1)
        np.fill_diagonal(changes, 0)
    rates = changes / (seconds + pseudo_s)[:, None]
    np.fill_diagonal(rates, -rates.sum(axis=1))
    prior = (seconds + pseudo_s) / (seconds + pseudo_s).sum()
    return BehaviourChain(tuple(names), rates, prior)


def smooth_by_chain(
    probability: xr.DataArray,
    chain: BehaviourChain,
    *,
    how: Literal["posterior", "viterbi"] = "posterior",
    divide_by_prior: bool = True,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the smoothed states and posterior of per-frame class probabilities.

    Parameters
    ----------
    probability : DataArray (time, individual, behaviour)
        p(behaviour | frame) of an exclusive classifier; NaN samples and dropped frames break the sequence.
    chain : BehaviourChain
        From `fit_chain`, with the same behaviours.
    how : {"posterior", "viterbi"}
        Most probable state of each sample, or most probable sequence.
    divide_by_prior : bool
        A classifier's posterior already holds the class prior; the chain brings it in again. Dividing gives
        likelihoods. Leave True unless the classifier was trained on balanced classes.

    Returns
    -------
    states : DataArray (time, individual)
        −1 where the probability is NaN.
    posterior : DataArray (time, individual, behaviour)
        p(behaviour | all frames of the sequence).
    """
    names = behaviour_names(probability)
    if tuple(names) != chain.behaviours:
        fail("hmm", "behaviours differ from the chain's", expected=", ".join(chain.behaviours), got=", ".join(names))
    time = probability["time"].values
    moves, which = _moves(chain, time)
    scale = 1.0 / chain.prior if divide_by_prior else np.ones(len(names))
    posterior = np.full(probability.shape, np.nan, np.float32)
    states = np.full(probability.shape[:2], UNLABELLED, np.int16)
    for p in range(probability.sizes["individual"]):
        values = probability.values[:, p].astype(np.float64)
        for a, b in runs_within(np.isfinite(values).all(axis=1), segments(time)):
            likelihood = np.maximum(values[a:b] * scale, 1e-12)
            gamma = forward_backward(likelihood, moves, which[a:b], chain.prior)
            posterior[a:b, p] = gamma
            path = (
                gamma.argmax(axis=1) if how == "posterior" else viterbi_path(likelihood, moves, which[a:b], chain.prior)
            )
            states[a:b, p] = path
    people = [str(i) for i in probability["individual"].values]
    return make_states(states, time, names, people, source="hmm"), probability.copy(data=posterior)


def _moves(chain: BehaviourChain, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Transition matrices of the recording's rates ``(rate, from, to)``, and which one leads to each sample."""
    parts = even_parts(time)
    usual = rate_of(time)
    steps = [1.0 / rate if np.isfinite(rate) else 1.0 / usual if np.isfinite(usual) else 1.0 for *_, rate in parts]
    part = np.repeat(np.arange(len(parts)), [b - a for a, b, _ in parts])
    # The step into a sample lasts as long as the sample before it.
    return np.stack([chain.step(s) for s in steps]), np.concatenate([part[:1], part[:-1]])


@njit(cache=True, nogil=True)
def forward_backward(likelihood: np.ndarray, moves: np.ndarray, which: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the posterior ``(time, state)``; scaled at each step, so that nothing underflows.

    ``moves[which[t]]`` leads from sample t − 1 to t.
    """
    n, k = likelihood.shape
    forward = np.empty((n, k))
    now = start * likelihood[0]
    forward[0] = now / now.sum()
    for t in range(1, n):
        for j in range(k):
            total = 0.0
            for i in range(k):
                total += forward[t - 1, i] * moves[which[t], i, j]
            now[j] = total * likelihood[t, j]
        forward[t] = now / now.sum()
    backward = np.ones(k)
    back = np.empty(k)
    for t in range(n - 2, -1, -1):
        for i in range(k):
            total = 0.0
            for j in range(k):
                total += moves[which[t + 1], i, j] * likelihood[t + 1, j] * backward[j]
            back[i] = total
        backward[:] = back / back.sum()
        forward[t] *= backward
        forward[t] /= forward[t].sum()
    return forward


@njit(cache=True, nogil=True)
def viterbi_path(likelihood: np.ndarray, moves: np.ndarray, which: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the most probable state sequence ``(time,)``, in log space."""
    n, k = likelihood.shape
    log_moves = np.log(np.maximum(moves, 1e-300))
    score = np.log(np.maximum(start, 1e-300)) + np.log(np.maximum(likelihood[0], 1e-300))
    origin = np.zeros((n, k), np.int16)
    new = np.empty(k)
    for t in range(1, n):
        for j in range(k):
            best, where = -np.inf, 0
            for i in range(k):
                s = score[i] + log_moves[which[t], i, j]
                if s > best:
                    best, where = s, i
            origin[t, j] = where
            new[j] = best + np.log(max(likelihood[t, j], 1e-300))
        score[:] = new
    path = np.empty(n, np.int64)
    path[n - 1] = np.argmax(score)
    for t in range(n - 1, 0, -1):
        path[t - 1] = origin[t, path[t]]
    return path
