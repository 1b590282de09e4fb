"""Smoothing with a window: running median and Savitzky–Golay, never across a gap.

Windows are given in seconds and become the nearest odd number of samples. A segment is a stretch
of frames without a missing value or a dropped frame; each is smoothed on its own.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from murid.data.clock import find_dropped, rate_of


def window_samples(window_s: float, fps: float) -> int:
    """Return the odd number of samples (≥ 1) nearest to `window_s`, the larger where two are."""
    return 2 * int(max(0.0, (window_s * fps - 1) / 2) + 0.5 + 1e-6) + 1


def seen_segments(seen: NDArray[np.bool_], time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return ``(n, 2)`` first and one-past-last index of stretches without gap or dropped frame."""
    link = np.asarray(seen, bool)
    edge = np.diff(np.concatenate([[0], link.astype(np.int8), [0]]))
    start, stop = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    cut = find_dropped(time_s).index + 1  # first frame after each drop
    cut = cut[link[cut] & link[cut - 1]] if cut.size else cut
    return np.column_stack([np.sort(np.concatenate([start, cut])), np.sort(np.concatenate([stop, cut]))])


def median_smooth(values: NDArray[np.floating], time_s: NDArray[np.float64], window_s: float) -> NDArray[np.float64]:
    """Running median of ``values (time, columns)``; removes spikes, keeps edges.

    Near the end of a segment the window shrinks on both sides, so that the ends do not lag.
    """
    return _apply(values, time_s, window_samples(window_s, rate_of(time_s)), _median, ())


def savgol_smooth(
    values: NDArray[np.floating], time_s: NDArray[np.float64], window_s: float, order: int = 2
) -> NDArray[np.float64]:
    """Savitzky–Golay filter of ``values (time, columns)`` (Savitzky and Golay 1964).

    Each value becomes that of a polynomial of `order` fitted to the window around it; at the ends
    of a segment that of the polynomial of the first or last window. Segments shorter than the
    window use the largest odd window that fits; those of at most ``order + 1`` frames stay as is.
    """
    window = window_samples(window_s, rate_of(time_s))
    # One projection matrix for each odd window; row j gives the fitted value at place j.
    hats = np.zeros((window // 2 + 1, window, window))
    for half in range(window // 2 + 1):
        size = 2 * half + 1
        if size <= order + 1:
            hats[half, :size, :size] = np.eye(size)
        else:
            basis = np.linspace(-1, 1, size)[:, None] ** np.arange(order + 1)
            hats[half, :size, :size] = basis @ np.linalg.pinv(basis)
    return _apply(values, time_s, window, _savgol, (hats,))


def _apply(values, time_s, window, kernel, extra):
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    seen = np.asarray(np.isfinite(flat).all(axis=1))
    out = flat.copy()
    if window > 1:
        parts = seen_segments(seen, time_s)
        for c in range(flat.shape[1]):
            column = np.ascontiguousarray(flat[:, c])
            smoothed = column.copy()
            kernel(column, parts, window // 2, smoothed, *extra)
            out[:, c] = smoothed
    return out.reshape(np.shape(values))


@njit(cache=True, nogil=True)
def _median(x, parts, half, out):
    buffer = np.empty(2 * half + 1)
    for p in range(parts.shape[0]):
        start, stop = parts[p, 0], parts[p, 1]
        for t in range(start, stop):
            h = min(half, t - start, stop - 1 - t)
            for j in range(2 * h + 1):  # insertion sort: windows are short
                value = x[t - h + j]
                i = j
                while i > 0 and buffer[i - 1] > value:
                    buffer[i] = buffer[i - 1]
                    i -= 1
                buffer[i] = value
            out[t] = buffer[h]


@njit(cache=True, nogil=True)
def _savgol(x, parts, half, out, hats):
    for p in range(parts.shape[0]):
        start, stop = parts[p, 0], parts[p, 1]
        h = min(half, (stop - start - 1) // 2)
        size = 2 * h + 1
        hat = hats[h]
        for t in range(start, stop):
            first = min(max(t - h, start), stop - size)
            total = 0.0
            for j in range(size):
                total += hat[t - first, j] * x[first + j]
            out[t] = total
