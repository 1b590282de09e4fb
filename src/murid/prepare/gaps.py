"""Gaps: stretches without a sighting, and filling the short ones.

The length of a gap is the time that was not seen: from one frame after the last sighting to the
next sighting. Longer gaps than asked for, and gaps at either end, stay NaN.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from murid.data.clock import spans
from murid.data.stretches import run_edges

Fill = Literal["none", "linear", "pchip"]


def gap_table(seen: NDArray[np.bool_], time_s: NDArray[np.float64]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return start index, stop index and length in seconds of each gap in ``seen (time,)``.

    Gaps at an end last from the edge of the recording.
    """
    start, stop = run_edges(~np.asarray(seen, bool))
    span = np.nan_to_num(spans(time_s))
    # From the end of the last sighting's own span; at the edges from the edge of the recording.
    first = np.maximum(start - 1, 0)
    before = np.where(start > 0, time_s[first] + span[first], time_s[0])
    after = np.where(stop < len(time_s), time_s[np.minimum(stop, len(time_s) - 1)], time_s[-1] + span[-1])
    return start, stop, after - before


def fill_gaps(
    values: NDArray[np.floating], time_s: NDArray[np.float64], max_gap_s: float, method: Fill = "pchip"
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Fill gaps of at most `max_gap_s`.

    Parameters
    ----------
    values : array of shape (time,) or (time, columns)
        Missing = NaN. Columns are filled together: a row with one NaN is a missing row.
    time_s : array of shape (time,)
        Clock in seconds; need not be even.
    max_gap_s : float
        Longest gap that is filled, seconds.
    method : {"pchip", "linear", "none"}
        Shape-preserving cubic (Fritsch and Carlson 1980: never overshoots), straight line, nothing.

    Returns
    -------
    values : array of float64, same shape
    filled : array of bool, shape (time,)
    """
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    seen = np.asarray(np.isfinite(flat).all(axis=1))
    out = np.where(seen[:, None], flat, np.nan)
    filled = np.zeros(len(flat), bool)
    index = np.flatnonzero(seen)
    if method != "none" and index.size >= 2 and max_gap_s > 0:
        time_s = np.ascontiguousarray(time_s, np.float64)
        # What is not seen begins one frame after the last sighting.
        longest_s = max_gap_s + 1.01 * spans(time_s)[index]
        _fill(out, time_s, index, longest_s, method == "pchip", filled)
    return out.reshape(np.shape(values)), filled


@njit(cache=True, nogil=True)
def _end_slope(h0, h1, m0, m1):
    """Slope at the end of the data: three-point formula, kept from overshooting."""
    d = ((2.0 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    if d * m0 <= 0.0:
        return 0.0
    if m0 * m1 <= 0.0 and abs(d) > 3.0 * abs(m0):
        return 3.0 * m0
    return d


@njit(cache=True, nogil=True)
def _inner_slope(h0, h1, m0, m1):
    """Weighted harmonic mean of the slopes on both sides; 0 at a turning point."""
    if m0 * m1 <= 0.0:
        return 0.0
    w0, w1 = 2.0 * h1 + h0, h1 + 2.0 * h0
    return (w0 + w1) / (w0 / m0 + w1 / m1)


@njit(cache=True, nogil=True)
def _pchip_slopes(x, t, p, a, b, q, c):
    """Slopes at `a` and `b`; `p` and `q` are the sightings before and after (-1 where none)."""
    h = t[b] - t[a]
    m = (x[b, c] - x[a, c]) / h
    if p >= 0:
        h0, m0 = t[a] - t[p], (x[a, c] - x[p, c]) / (t[a] - t[p])
    if q >= 0:
        h1, m1 = t[q] - t[b], (x[q, c] - x[b, c]) / (t[q] - t[b])
    if p >= 0:
        da = _inner_slope(h0, h, m0, m)
    elif q >= 0:
        da = _end_slope(h, h1, m, m1)
    else:
        da = m
    if q >= 0:
        db = _inner_slope(h, h1, m, m1)
    elif p >= 0:
        db = _end_slope(h, h0, m, m0)
    else:
        db = m
    return da, db


@njit(cache=True, nogil=True)
def _fill(x, t, index, longest_s, cubic, filled):
    for j in range(index.size - 1):
        a, b = index[j], index[j + 1]
        if b == a + 1 or t[b] - t[a] > longest_s[j]:
            continue
        filled[a + 1 : b] = True
        p = index[j - 1] if j > 0 else -1
        q = index[j + 2] if j + 2 < index.size else -1
        h = t[b] - t[a]
        for c in range(x.shape[1]):
            da = db = (x[b, c] - x[a, c]) / h
            if cubic:
                da, db = _pchip_slopes(x, t, p, a, b, q, c)
            for i in range(a + 1, b):
                u = (t[i] - t[a]) / h
                if cubic:
                    v = 1.0 - u
                    x[i, c] = (
                        (1.0 + 2.0 * u) * v * v * x[a, c]
                        + u * v * v * h * da
                        + u * u * (3.0 - 2.0 * u) * x[b, c]
                        - u * u * v * h * db
                    )
                else:
                    x[i, c] = x[a, c] + u * (x[b, c] - x[a, c])
