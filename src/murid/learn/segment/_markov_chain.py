"""Compiled Markov-chain kernels: filter, smoother, sampler, Viterbi.

All kernels work on one chain. Probabilities are scaled per frame, sums run in float64, and
states whose probability is below `NEGLIGIBLE` do no work, so that a peaked posterior costs
far less than K² a frame. Transition matrices must be floored (`floor_rows`): with no exact
zero the filter cannot run dry, however bad a frame fits.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

NEGLIGIBLE = 1e-10
FAR = -100.0  # exp(FAR) times the largest scale is below what the transition floor keeps.
FLOOR = 1e-30


def floor_rows(p: np.ndarray) -> np.ndarray:
    """Keep every probability above 1e-30 and let each row (last axis) sum to 1."""
    p = np.maximum(np.asarray(p, np.float64), FLOOR)
    return p / p.sum(axis=-1, keepdims=True)


@njit(cache=True, nogil=True)
def forward(loglik, first, transitions, alpha):
    """Filter one chain.

    Parameters
    ----------
    loglik : (T, K) array
        Log-likelihood of each frame in each state; zeros where a frame is missing.
    first : (K,) float64
        Distribution of the state of frame 0.
    transitions : (K, K) float64
        ``transitions[i, j] = p(j at t + 1 | i at t)``.
    alpha : (T, K) array
        Written: p(state | frames so far). May be `loglik` itself.

    Returns
    -------
    float
        Log-likelihood of the chain in nats.
    """
    n, k = loglik.shape
    ahead = first.copy()
    row = np.empty(k, np.float64)
    total = 0.0
    for t in range(n):
        top = loglik[t, 0]
        for j in range(1, k):
            if loglik[t, j] > top:
                top = loglik[t, j]
        mass = 0.0
        for j in range(k):
            below = loglik[t, j] - top
            row[j] = ahead[j] * math.exp(below) if below > FAR else 0.0
            mass += row[j]
        total += math.log(mass) + top
        ahead[:] = 0.0
        for i in range(k):
            p = row[i] / mass
            alpha[t, i] = p
            if p > NEGLIGIBLE:
                for j in range(k):
                    ahead[j] += p * transitions[i, j]
    return total


@njit(cache=True, nogil=True)
def backward(alpha, to_from, flow):
    """Turn filtered into smoothed probabilities, in place, and add up the expected transitions.

    Parameters
    ----------
    alpha : (T, K) array
        From `forward`; overwritten with p(state | all frames).
    to_from : (K, K) float64
        Transposed transition matrix (contiguous).
    flow : (K, K) float64
        Added to: ``flow[j, i]``; multiply by `to_from` to get expected transitions i → j.
    """
    n, k = alpha.shape
    later = alpha[n - 1].astype(np.float64)
    now = np.empty(k, np.float64)
    back = np.empty(k, np.float64)
    for t in range(n - 2, -1, -1):
        for i in range(k):
            now[i] = alpha[t, i]
        back[:] = 0.0
        for j in range(k):
            if later[j] > NEGLIGIBLE:
                ahead = 0.0
                for i in range(k):
                    ahead += now[i] * to_from[j, i]
                ratio = later[j] / max(ahead, 1e-300)
                for i in range(k):
                    back[i] += ratio * to_from[j, i]
                    flow[j, i] += ratio * now[i]
        mass = 0.0
        for i in range(k):
            later[i] = now[i] * back[i]
            mass += later[i]
        for i in range(k):
            later[i] /= mass
            alpha[t, i] = later[i]


@njit(cache=True, nogil=True)
def sample_backward(alpha, to_from, uniforms, next_state, states):
    """Sample a state path from filtered probabilities.

    Parameters
    ----------
    alpha : (T, K) array
        From `forward`.
    to_from : (K, K) float64
        Transposed transition matrix (contiguous).
    uniforms : (T,) array
        Random numbers in [0, 1).
    next_state : int
        State of the frame after the chain, or −1 when there is none.
    states : (T,) int array
        Written.
    """
    n, k = alpha.shape
    weight = np.empty(k, np.float64)
    state = next_state
    for t in range(n - 1, -1, -1):
        mass = 0.0
        for i in range(k):
            w = np.float64(alpha[t, i])
            if state >= 0:
                w *= to_from[state, i]
            weight[i] = w
            mass += w
        left = uniforms[t] * mass
        pick = -1
        for i in range(k):
            if weight[i] > 0.0:
                pick = i
                left -= weight[i]
                if left < 0.0:
                    break
        state = pick
        states[t] = pick


@njit(cache=True, nogil=True)
def _argmax(values):
    top = 0
    for i in range(1, values.shape[0]):
        if values[i] > values[top]:
            top = i
    return top


@njit(cache=True, nogil=True)
def _best_ways(score, log_transitions, way_out, best, source):
    """For each target state write the best score of a path into it and where that comes from."""
    k = score.shape[0]
    lead = _argmax(score)
    low = np.inf
    for j in range(k):
        via = score[lead] + log_transitions[lead, j]
        stay = score[j] + log_transitions[j, j]
        source[j] = j if stay >= via else lead
        best[j] = max(stay, via)
        low = min(low, best[j])
    for i in range(k):
        base = score[i]
        if i != lead and base + way_out[i] > low:
            for j in range(k):
                via = base + log_transitions[i, j]
                better = via > best[j]
                best[j] = via if better else best[j]
                source[j] = i if better else source[j]


@njit(cache=True, nogil=True)
def chain_viterbi(loglik, log_first, log_transitions, came_from, states):
    """Most probable state path of one chain.

    A state is left out of the search for predecessors when even its best way out cannot beat
    what every target already has; the answer is exact.

    Parameters
    ----------
    loglik : (T, K) array
        Log-likelihood of each frame in each state.
    log_first : (K,) float64
    log_transitions : (K, K) float64
    came_from : (T, K) unsigned int array
        Work space for back-pointers.
    states : (T,) int array
        Written.

    Returns
    -------
    float
        Log-probability of the path and the frames, in nats.
    """
    n, k = loglik.shape
    way_out = np.full(k, -np.inf)
    for i in range(k):
        for j in range(k):
            if j != i:
                way_out[i] = max(way_out[i], log_transitions[i, j])
    score = np.empty(k, np.float64)
    best = np.empty(k, np.float64)
    source = np.empty(k, np.int32)
    for j in range(k):
        score[j] = log_first[j] + loglik[0, j]
    for t in range(1, n):
        _best_ways(score, log_transitions, way_out, best, source)
        for j in range(k):
            score[j] = best[j] + loglik[t, j]
            came_from[t, j] = source[j]
    state = _argmax(score)
    top = score[state]
    for t in range(n - 1, -1, -1):
        states[t] = state
        if t > 0:
            state = came_from[t, state]
    return top
