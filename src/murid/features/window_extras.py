"""Compiled loops for the optional window statistics: percentiles and band power.

Percentiles come from one sorted window that loses its oldest frame and gains a new one. Band power
comes from running sums of the signal rotated at each frequency, so that a longer window costs no
more, with the Hann window applied in the frequency domain.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def sliding_percentiles(v, width, n, percentiles, inverse, stats, at):
    """Percentiles (linear interpolation between ranks) of ``v[i : i + width]`` for ``i < n``.

    `inverse` is NaN where too few frames are known. Writes rows ``at …`` of `stats` and returns the
    next free row.
    """
    ordered = np.empty(width + 1, np.float32)
    k = 0
    for i in range(width - 1):
        k = _insert(ordered, k, v[i])
    for i in range(n):
        k = _insert(ordered, k, v[i + width - 1])
        for p in range(percentiles.size):
            if inverse[i] == inverse[i]:
                place = percentiles[p] / 100.0 * (k - 1)
                j = min(int(place), k - 1)
                low = ordered[j]
                stats[at + p, i] = low + (place - j) * (ordered[min(j + 1, k - 1)] - low)
            else:
                stats[at + p, i] = np.nan
        k = _remove(ordered, k, v[i])
    return at + percentiles.size


@njit(cache=True, nogil=True)
def _insert(ordered, k, x):
    if x != x:
        return k
    j = k
    while j > 0 and ordered[j - 1] > x:
        ordered[j] = ordered[j - 1]
        j -= 1
    ordered[j] = x
    return k + 1


@njit(cache=True, nogil=True)
def _remove(ordered, k, x):
    if x != x:
        return k
    low, high = 0, k
    while low < high:
        mid = (low + high) // 2
        if ordered[mid] < x:
            low = mid + 1
        else:
            high = mid
    for j in range(low, k - 1):
        ordered[j] = ordered[j + 1]
    return k - 1


@njit(cache=True, nogil=True, error_model="numpy")
def band_power(v, width, n, waves, band_of, n_bands, inverse, stats, at):
    """Variance that falls in each band (Hann window, mean removed) of ``v[i : i + width]``.

    ``X_k(i) = sum_j v(i+j) e^(-2 pi i k j / w)`` is, up to a phase, a difference of running sums of
    the signal rotated at frequency k; the Hann window mixes neighbouring bins: 1/2, -1/4, -1/4.
    Missing frames count as the window's mean, and the power is that of the known share.
    """
    size = n + width - 1
    x, seen = np.empty(size), np.empty(size)
    level = 0.0
    for i in range(size):
        if v[i] == v[i]:
            level = np.float64(v[i])
            break
    for i in range(size):
        seen[i] = 1.0 if v[i] == v[i] else 0.0
        x[i] = np.float64(v[i]) - level if v[i] == v[i] else 0.0
    flat = np.ones(width, np.complex128)
    mean = _windowed(x, flat, width, n).real / np.maximum(_windowed(seen, flat, width, n).real, 1.0)
    bins = np.empty((band_of.size, n), np.complex128)
    for k in range(band_of.size):
        turned = _windowed(x, waves[k], width, n) - mean * _windowed(seen, waves[k], width, n)
        for i in range(n):
            # Undo the rotation of the window's start, so that neighbouring bins can be mixed.
            bins[k, i] = turned[i] * np.conj(waves[k, i % width])
    stats[at : at + n_bands, :n] = 0.0
    for k in range(1, band_of.size - 1):
        if band_of[k] < 0:
            continue
        for i in range(n):
            z = 0.5 * bins[k, i] - 0.25 * (bins[k - 1, i] + bins[k + 1, i])
            power = 2.0 * (z.real * z.real + z.imag * z.imag) * inverse[i] * inverse[i] / 0.375
            stats[at + band_of[k], i] += power
    for b in range(n_bands):
        for i in range(n):
            if inverse[i] != inverse[i]:
                stats[at + b, i] = np.nan
    return at + n_bands


@njit(cache=True, nogil=True, error_model="numpy")
def _windowed(x, wave, width, n):
    """Sum of ``x`` turned by `wave` over windows that start at ``0 … n - 1``."""
    run = np.empty(x.size + 1, np.complex128)
    total = 0.0 + 0.0j
    run[0] = total
    for i in range(x.size):
        total += x[i] * wave[i % width]
        run[i + 1] = total
    return run[width : width + n] - run[:n]
