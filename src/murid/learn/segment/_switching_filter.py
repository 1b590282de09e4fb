"""States of switching linear dynamics behind noisy sightings, with the latent path integrated out.

Sampling states and path in turn hardly moves: a path drawn under one labelling fits that labelling best. Here the
path is never drawn. Each state keeps a Gaussian over the latent; before each row these are mixed by the
probability of the transitions (interacting multiple models, Blom & Bar-Shalom 1988), and the states are smoothed
backwards as in Kim (1994). One Gaussian a state is an approximation: the exact posterior has one for each history.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from murid.learn.segment._markov_chain import FAR

#: Histories with less than this share of a mixture are left out of it.
LEAST_SHARE = 1e-6
#: A latent whose variance has grown to this is not known any more (a whitened posture has variance 1). Dynamics drawn
#: from few rows may be unstable: while nothing is seen the variance would grow until its rounding hides sightings.
LARGEST_VARIANCE = 1e6


def sightings(precision: np.ndarray, pull: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sightings of a vector as independent sightings along its own axes.

    Parameters
    ----------
    precision, pull : (T, D, D) and (T, D)
        A sighting ``y = x + N(0, R)`` has precision R⁻¹ and pull R⁻¹ y; zero where there is none.

    Returns
    -------
    axes : (T, D, D)
        ``axes[t, i]`` is the direction of sighting i.
    noise : (T, D)
        Its variance; inf where nothing is seen in this direction.
    value : (T, D)
    """
    strength, axes = np.linalg.eigh(np.asarray(precision, np.float64))
    known = strength > 1e-9 * np.maximum(strength[:, -1:], 1e-12)
    safe = np.where(known, strength, 1.0)
    value = np.einsum("tdi,td->ti", axes, pull) / safe
    return np.ascontiguousarray(axes.transpose(0, 2, 1)), np.where(known, 1 / safe, np.inf), value


@njit(cache=True, nogil=True)
def _mix(mean, spread, weight, mixed_mean, mixed_spread):
    """Mean and covariance of a mixture of Gaussians (K, S), (K, S, S) with weights (K,)."""
    n_states, size = mean.shape
    mixed_mean[:] = 0.0
    mixed_spread[:] = 0.0
    for i in range(n_states):
        if weight[i] > LEAST_SHARE:
            for a in range(size):
                mixed_mean[a] += weight[i] * mean[i, a]
    for i in range(n_states):
        w = weight[i]
        if w > LEAST_SHARE:
            for a in range(size):
                away = mean[i, a] - mixed_mean[a]
                for b in range(size):
                    mixed_spread[a, b] += w * (spread[i, a, b] + away * (mean[i, b] - mixed_mean[b]))


@njit(cache=True, nogil=True)
def _predict(mean, spread, coef, cov, next_mean, next_spread, work):
    """Moments after one row of ``x_t = coef · [x_{t-1}, …, x_{t-L}, 1] + N(0, cov)``."""
    d, size = cov.shape[0], mean.shape[0]
    for a in range(d):
        next_mean[a] = coef[a, size]
        work[a, :] = 0.0
        for c in range(size):
            next_mean[a] += coef[a, c] * mean[c]
            for b in range(size):
                work[a, b] += coef[a, c] * spread[c, b]
    for a in range(d):
        for b in range(a, d):
            total = cov[a, b]
            for c in range(size):
                total += work[a, c] * coef[b, c]
            next_spread[a, b] = next_spread[b, a] = total
    for a in range(d, size):
        next_mean[a] = mean[a - d]
        for b in range(d):
            next_spread[a, b] = next_spread[b, a] = work[b, a - d]
        for b in range(d, size):
            next_spread[a, b] = spread[a - d, b - d]
    for a in range(d):
        if not next_spread[a, a] < LARGEST_VARIANCE:
            next_mean[:] = 0.0
            next_spread[:] = LARGEST_VARIANCE * np.eye(size)
            return


@njit(cache=True, nogil=True)
def _see(mean, spread, axes, noise, value, along):
    """Take in the sightings of one row, one direction after the other; return their log-likelihood in nats."""
    d, size = axes.shape[0], mean.shape[0]
    total = 0.0
    for i in range(d):
        if noise[i] == np.inf:
            continue
        variance, miss = noise[i], value[i]
        for a in range(size):
            along[a] = 0.0
            for b in range(d):
                along[a] += spread[a, b] * axes[i, b]
        for a in range(d):
            variance += axes[i, a] * along[a]
            miss -= axes[i, a] * mean[a]
        total -= 0.5 * (math.log(2 * math.pi * variance) + miss * miss / variance)
        for a in range(size):
            gain = along[a] / variance
            mean[a] += gain * miss
            for b in range(size):
                spread[a, b] -= gain * along[b]
    return total


@njit(cache=True, nogil=True)
def mixed_filter(axes, noise, value, coef, cov, transitions, before, mean, spread, alpha):
    """Filter a stretch of rows: state probabilities given the sightings so far, the latent integrated out.

    Parameters
    ----------
    axes, noise, value : (T, D, D), (T, D), (T, D) float64
        From `sightings`.
    coef, cov : (K, D, D·L + 1) and (K, D, D) float64
        Dynamics of the states.
    transitions : (K, K) float64
        Floored by `floor_rows`.
    before : (K,) float64
        Probabilities of the row before; all zero at the start of a chain. Written: those of the last row.
    mean, spread : (K, D·L) and (K, D·L, D·L) float64
        Latent of each state in the row before (at the start of a chain: its prior). Written: that of the last row.
    alpha : (T, K) array
        Written; `backward` smooths it, `sample_backward` draws from it.

    Returns
    -------
    float
        Log-likelihood of the sightings in nats.
    """
    n, k, d, size = axes.shape[0], coef.shape[0], coef.shape[1], coef.shape[2] - 1
    old_mean, old_spread = np.empty((k, size)), np.empty((k, size, size))
    mixed_mean, mixed_spread = np.empty(size), np.empty((size, size))
    weight, level, ahead = np.empty(k), np.empty(k), np.empty(k)
    work, along = np.empty((d, size)), np.empty(size)
    total = 0.0
    for t in range(n):
        if before.sum() == 0.0:
            ahead[:] = 1.0 / k
        else:
            old_mean[:] = mean
            old_spread[:] = spread
            ahead[:] = 0.0
            for i in range(k):
                for j in range(k):
                    ahead[j] += before[i] * transitions[i, j]
            for j in range(k):
                for i in range(k):
                    weight[i] = before[i] * transitions[i, j] / ahead[j]
                _mix(old_mean, old_spread, weight, mixed_mean, mixed_spread)
                _predict(mixed_mean, mixed_spread, coef[j], cov[j], mean[j], spread[j], work)
        top = -np.inf
        for j in range(k):
            level[j] = _see(mean[j], spread[j], axes[t], noise[t], value[t], along)
            top = max(top, level[j])
        mass = 0.0
        for j in range(k):
            below = level[j] - top
            before[j] = ahead[j] * math.exp(below) if below > FAR else 0.0
            mass += before[j]
        total += math.log(mass) + top
        for j in range(k):
            before[j] /= mass
            alpha[t, j] = before[j]
    return total
