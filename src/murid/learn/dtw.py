"""Dynamic time warping: how two recordings run in step, one sometimes faster, sometimes slower (Sakoe & Chiba 1978)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from murid.data.errors import Faults


class Warp(NamedTuple):
    """Alignment of two sequences.

    Attributes
    ----------
    cost : float
        Mean distance along the path.
    path : int array (step, 2)
        Row of the first and of the second sequence, from start to end; both never go back.
    """

    cost: float
    path: np.ndarray


def warp(one: np.ndarray, two: np.ndarray, *, band: float = 0.1, cosine: bool = True) -> Warp:
    """Align two sequences of features.

    Parameters
    ----------
    one, two : arrays (row, feature)
        Without NaN.
    band : float
        Rows may be shifted against each other by this share of the longer sequence; 1 = without limit. Memory is rows
        times twice the band.
    cosine : bool
        Compare directions (1 − cosine), as for Selfee's features; else Euclidean.
    """
    a, b = (np.atleast_2d(np.asarray(x, np.float64)) for x in (one, two))
    faults = Faults("dtw")
    if min(len(a), len(b)) < 2 or a.shape[1] != b.shape[1]:
        faults.add(
            "sequences do not fit", expected="two or more rows of the same features", got=f"{a.shape}, {b.shape}"
        )
    elif not (np.isfinite(a).all() and np.isfinite(b).all()):
        faults.add("values are missing", todo="leave these rows out, or fill them")
    if not 0 < band <= 1:
        faults.add("band", expected="0 to 1", got=str(band))
    faults.raise_if_any()
    if cosine:
        a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (a, b))
    reach = max(2, int(np.ceil(band * max(len(a), len(b)))))
    total, path = _align(a, b, reach, cosine)
    return Warp(float(total / len(path)), path)


@njit(cache=True, nogil=True)
def _align(a, b, reach, cosine):
    n, m = len(a), len(b)
    slope = (m - 1) / (n - 1)
    width = 2 * reach + 1
    came = np.zeros((n, width), np.uint8)
    before = np.full(width, np.inf)
    row_cost = np.full(width, np.inf)
    low_before = 0
    for i in range(n):
        low = round(i * slope) - reach
        row_cost[:] = np.inf
        for w in range(width):
            j = low + w
            if j < 0 or j >= m:
                continue
            distance = 0.0
            for f in range(a.shape[1]):
                distance += a[i, f] * b[j, f] if cosine else (a[i, f] - b[j, f]) ** 2
            distance = 1.0 - distance if cosine else distance**0.5
            if i == 0 and j == 0:
                row_cost[w] = distance
                continue
            best, way = np.inf, 0
            up, across = j - low_before, j - 1 - low_before
            if i > 0 and 0 <= across < width and before[across] < best:
                best, way = before[across], 1
            if i > 0 and 0 <= up < width and before[up] < best:
                best, way = before[up], 2
            if w > 0 and row_cost[w - 1] < best:
                best, way = row_cost[w - 1], 3
            row_cost[w] = best + distance
            came[i, w] = way
        before, row_cost = row_cost, before
        low_before = low
    total = before[m - 1 - low_before]
    path = np.zeros((n + m, 2), np.int64)
    i, j, k = n - 1, m - 1, 0
    while True:
        path[k, 0], path[k, 1] = i, j
        k += 1
        if i == 0 and j == 0:
            break
        way = came[i, j - (round(i * slope) - reach)]
        if way != 3:
            i -= 1
        if way != 2:
            j -= 1
    return total, path[:k][::-1]
