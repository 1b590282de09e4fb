"""Gaussian chains by Cholesky factors of banded precision matrices, compiled.

Given states, a latent autoregressive path is one Gaussian vector whose precision matrix has a
band of (lags + 1)·D. Factoring it costs a tenth of a Kalman filter in the stacked state, which
inverts and symmetrises dense matrices of that width at each frame.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath=True)
def _add_factor(band, potential, base, quadratic, linear):
    """Add one frame's dynamics over ``[x_{t-lags}, …, x_t]``, whose first row is `base`."""
    width = band.shape[1]
    for p in range(width):
        potential[base + p] += linear[p]
        row, target = quadratic[p], band[base + p]
        for q in range(width - p):
            target[q] += row[p + q]


@njit(cache=True, nogil=True)
def _add_cut_factor(band, potential, x, oldest, start, stop, quadratic, linear):
    """Add one factor that reaches over a border: the frames outside are given."""
    d = x.shape[1]
    width = linear.shape[0]
    for p in range(width):
        frame = oldest + p // d
        if start <= frame < stop:
            at = (oldest - start) * d + p
            potential[at] += linear[p]
            for q in range(width):
                other = oldest + q // d
                if not start <= other < stop:
                    potential[at] -= quadratic[p, q] * x[other, q % d]
                elif q >= p:
                    band[at, q - p] += quadratic[p, q]


@njit(cache=True, nogil=True, fastmath=True)
def _take_panel(band, potential, at, d, panel):
    """Factor the `d` columns from `at` and copy them into `panel` (d, W), row 0 being row `at`."""
    width = panel.shape[1]
    for c in range(d):
        column = panel[c]
        for r in range(c, width):
            column[r] = band[at + c, r - c]
        for before in range(c):
            scale = panel[before, c]
            for r in range(c, width):
                column[r] -= scale * panel[before, r]
        root = math.sqrt(column[c])
        for r in range(c, width):
            column[r] /= root
            band[at + c, r - c] = column[r]
        value = potential[at + c] / root
        potential[at + c] = value
        for r in range(c + 1, width):
            potential[at + r] -= column[r] * value


@njit(cache=True, nogil=True, fastmath=True)
def _eliminate(band, potential, at, d, panel):
    """Factor `d` columns from `at` and take them out of the rest of the band, five at once."""
    width = band.shape[1]
    _take_panel(band, potential, at, d, panel)
    for c in range(0, d, 5):
        p0, p1, p2, p3, p4 = panel[c], panel[c + 1], panel[c + 2], panel[c + 3], panel[c + 4]
        for q in range(d, width):
            s0, s1, s2, s3, s4 = p0[q], p1[q], p2[q], p3[q], p4[q]
            target = band[at + q]
            for r in range(width - q):
                target[r] -= s0 * p0[q + r] + s1 * p1[q + r] + s2 * p2[q + r] + s3 * p3[q + r] + s4 * p4[q + r]


@njit(cache=True, nogil=True, fastmath=True)
def _solve_back(band, potential, noise):
    n = noise.shape[0]
    potential[n:] = 0.0
    for j in range(n - 1, -1, -1):
        value = potential[j] + noise[j]
        for r in range(1, band.shape[1]):
            value -= band[j, r] * potential[j + r]
        potential[j] = value / band[j, 0]


@njit(cache=True, nogil=True)
def sample_path(band, potential, x, states, edges, quadratic, linear, start_precision, precision, pull, noise):
    """Sample the latent path of one segment given its states, its observations and the frames beside it.

    Each frame's terms are added and the oldest frame that is complete is eliminated at once,
    while its part of the band is in the processor cache.

    Parameters
    ----------
    band : (≥ n·D + W, W) float64
        Work space, n = stop − start and W = (lags + 1)·D; ``band[j, r]`` is element (j + r, j) of
        the precision, then of its Cholesky factor.
    potential : (n·D + W,) float64
        Written: the first n·D entries are the path.
    x : (n_frames, D) array
        Current path; frames outside the segment are conditioned on.
    states : (n_frames,) int array
    edges : (4,) int array
        Start and stop of the segment, start and stop of its chain.
    quadratic, linear : (K, W, W) and (K, W) float64
        Precision and potential of each state's dynamics over ``[x_{t-lags}, …, x_t]`` (oldest first).
    start_precision : float
        Precision of the first `lags` frames of a chain around zero.
    precision, pull : (n, D·D) and (n, D) float64
        Precision and potential of the observations.
    noise : (n·D,) array
        Standard normal numbers for a sample, zeros for the mean.
    """
    start, stop, chain_start, chain_stop = edges[0], edges[1], edges[2], edges[3]
    d = x.shape[1]
    width = band.shape[1]
    lags = width // d - 1
    panel = np.zeros((5 * ((d + 4) // 5), width))
    potential[:] = 0.0
    done = start
    for t in range(start, stop + lags):
        offset = (t - start) * d
        band[offset : offset + d] = 0.0
        if t < stop:
            for i in range(d):
                potential[offset + i] += pull[t - start, i]
                for j in range(i, d):
                    band[offset + i, j - i] = precision[t - start, i * d + j]
                if t < chain_start + lags:
                    band[offset + i, 0] += start_precision
        if chain_start + lags <= t < chain_stop:
            if t - lags >= start and t < stop:
                _add_factor(band, potential, offset - lags * d, quadratic[states[t]], linear[states[t]])
            else:
                _add_cut_factor(band, potential, x, t - lags, start, stop, quadratic[states[t]], linear[states[t]])
        if t - lags >= start:
            _eliminate(band, potential, (done - start) * d, d, panel)
            done += 1
    _solve_back(band, potential, noise)


@njit(cache=True, nogil=True)
def solve_walk(weight, pull, step_precision, noise):
    """Random walk seen through weighted observations: mean, or a sample when `noise` is not zero.

    Parameters
    ----------
    weight : (T,) float64
        Precision of the observation of each frame, 0 where there is none.
    pull : (T, S) float64
        Precision times observed value; overwritten with the answer.
    step_precision : float
        Precision of one step of the walk.
    noise : (T, S) array
    """
    n, s = pull.shape
    diagonal = np.empty(n)
    below = np.zeros(n)
    for t in range(n):
        neighbours = (1 if t > 0 else 0) + (1 if t < n - 1 else 0)
        value = weight[t] + neighbours * step_precision + 1e-9 * step_precision
        if t > 0:
            below[t] = -step_precision / diagonal[t - 1]
            value -= below[t] * below[t]
        diagonal[t] = math.sqrt(value)
        for i in range(s):
            if t > 0:
                pull[t, i] -= below[t] * pull[t - 1, i]
            pull[t, i] /= diagonal[t]
    for t in range(n - 1, -1, -1):
        for i in range(s):
            value = pull[t, i] + noise[t, i]
            if t < n - 1:
                value -= below[t + 1] * pull[t + 1, i]
            pull[t, i] = value / diagonal[t]
