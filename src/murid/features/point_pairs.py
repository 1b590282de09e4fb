"""Pairs of points: distances, turning and displacement, and running means in seconds.

What B-SOiD (Hsu & Yttri 2021) and PyRAT (De Almeida et al. 2022) describe posture by: no body
axis is needed, so any skeleton will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = NDArray[np.float32]


def pair_names(points: Sequence[str]) -> list[str]:
    """Names of the pairs in the order of `pair_distances`: ``nose-neck`` …"""
    return [f"{a}-{b}" for a, b in combinations(points, 2)]


def pair_distances(xy: NDArray) -> F32:
    """Distance between every two points, ``(time, pair)``, from ``xy (time, point, 2)``."""
    distance, _, _ = pair_motion(xy)
    return distance


def pair_motion(xy: NDArray) -> tuple[F32, F32, F32]:
    """Distances between points, and how points and the lines between them moved since the last frame.

    Parameters
    ----------
    xy : array of shape (time, point, 2)
        One unbroken stretch; NaN where missing.

    Returns
    -------
    distance : float32 array (time, pair)
        In the unit of `xy`; pairs as in `pair_names`.
    turn : float32 array (time, pair)
        Signed change of the direction of the line between the points, degrees; NaN in the first frame.
    shift : float32 array (time, point)
        Displacement of each point; NaN in the first frame.
    """
    xy = np.ascontiguousarray(xy, np.float64)
    n, p, _ = xy.shape
    pairs = p * (p - 1) // 2
    distance, turn = np.empty((n, pairs), np.float32), np.empty((n, pairs), np.float32)
    shift = np.empty((n, p), np.float32)
    _pair_motion(xy, distance, turn, shift)
    return distance, turn, shift


@njit(cache=True, nogil=True)
def _pair_motion(xy, distance, turn, shift):
    n, p, _ = xy.shape
    for t in range(n):
        for i in range(p):
            if t == 0:
                shift[t, i] = np.nan
            else:
                dx, dy = xy[t, i, 0] - xy[t - 1, i, 0], xy[t, i, 1] - xy[t - 1, i, 1]
                shift[t, i] = np.sqrt(dx * dx + dy * dy)
        k = 0
        for i in range(p):
            for j in range(i + 1, p):
                x, y = xy[t, j, 0] - xy[t, i, 0], xy[t, j, 1] - xy[t, i, 1]
                distance[t, k] = np.sqrt(x * x + y * y)
                if t == 0:
                    turn[t, k] = np.nan
                else:
                    u, v = xy[t - 1, j, 0] - xy[t - 1, i, 0], xy[t - 1, j, 1] - xy[t - 1, i, 1]
                    turn[t, k] = np.degrees(np.arctan2(u * y - v * x, u * x + v * y))
                k += 1


def running_mean(x: NDArray, width_frames: float, min_share: float = 0.5) -> F32:
    """Centred mean over `width_frames`, which need not be a whole number.

    The frames at both ends of the window count with the share that lies inside it, so that 100 ms are
    100 ms at 25 frames/s (2.5 frames) too. Missing frames do not count; windows are cut at the ends.

    Parameters
    ----------
    x : array of shape (time, column)
        One unbroken stretch; NaN where missing.
    width_frames : float
        Width of the window; up to 1 returns `x` itself.
    min_share : float
        Share of the window (of what lies inside the recording) that must be known, else NaN.
    """
    x = np.ascontiguousarray(x, np.float32)
    out = np.empty_like(x)
    _running_mean(x, max(0.5, width_frames / 2), min_share, out)
    return out


@njit(cache=True, nogil=True)
def _running_mean(x, half, min_share, out):
    n, f = x.shape
    total, known = np.zeros((n + 1, f)), np.zeros((n + 1, f))
    for t in range(n):
        for j in range(f):
            seen = not np.isnan(x[t, j])
            total[t + 1, j] = total[t, j] + (x[t, j] if seen else 0.0)
            known[t + 1, j] = known[t, j] + (1.0 if seen else 0.0)
    for t in range(n):
        low, high = max(0.0, t + 0.5 - half), min(float(n), t + 0.5 + half)
        a, b = min(int(low), n - 1), min(int(high), n - 1)
        u, v = low - a, high - b
        for j in range(f):
            weight = known[b, j] + v * (known[b + 1, j] - known[b, j])
            weight -= known[a, j] + u * (known[a + 1, j] - known[a, j])
            if weight < min_share * (high - low) or weight < 1e-9:
                out[t, j] = np.nan
            else:
                value = total[b, j] + v * (total[b + 1, j] - total[b, j])
                value -= total[a, j] + u * (total[a + 1, j] - total[a, j])
                out[t, j] = value / weight
