"""Compiled nearest-centroid kernels, shared by k-means and Ward."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath=True)
def nearest_centroids(x, centroids_t, labels, distance2):
    """Write for each row of `x` (n, D) the nearest column of `centroids_t` (D, K) and its squared distance."""
    n, d = x.shape
    k = centroids_t.shape[1]
    row = np.empty(k, x.dtype)
    for t in range(n):
        row[:] = 0
        for j in range(d):
            value = x[t, j]
            for c in range(k):
                step = value - centroids_t[j, c]
                row[c] += step * step
        best = 0
        least = row[0]
        for c in range(1, k):
            if row[c] < least:
                least = row[c]
                best = c
        labels[t] = best
        distance2[t] = least


@njit(cache=True, nogil=True, fastmath=True)
def pick_nearest(x, centroids, products, half_square, labels, distance2):
    """As `nearest_centroids`, from products ``x · centroidᵀ`` (n, K): squares decide, the distance itself is exact."""
    n, d = x.shape
    for t in range(n):
        best = 0
        most = products[t, 0] - half_square[0]
        for c in range(1, half_square.shape[0]):
            score = products[t, c] - half_square[c]
            if score > most:
                most = score
                best = c
        gap = x.dtype.type(0)
        for j in range(d):
            step = x[t, j] - centroids[best, j]
            gap += step * step
        labels[t] = best
        distance2[t] = gap


@njit(cache=True, nogil=True)
def add_by_label(x, weights, labels, sums, mass):
    """Add the weighted rows of `x` (n, D) to `sums` (K, D, float64) and their weights to `mass` (K,)."""
    n, d = x.shape
    for t in range(n):
        c = labels[t]
        w = weights[t]
        mass[c] += w
        for j in range(d):
            sums[c, j] += w * x[t, j]
