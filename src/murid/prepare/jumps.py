"""Jumps: frames in which a keypoint is where the animal cannot have got to.

A point may move at most ``limit × elapsed time + slack``. Comparing each frame with the last
accepted one fails when the accepted one is itself the error: everything after it is thrown away
until the gate has widened. Here the longest chain of mutually reachable frames is found instead,
so that one bad frame costs one frame, also when it is the first.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


def mark_jumps(
    position: NDArray[np.floating], time_s: NDArray[np.float64], limit: float, slack: float
) -> NDArray[np.bool_]:
    """Mark frames off the longest reachable chain of each keypoint.

    Parameters
    ----------
    position : array of shape (time, space, keypoint, individual)
        Missing = NaN.
    time_s : array of shape (time,)
        Clock in seconds.
    limit : float
        Highest speed, unit of position per second.
    slack : float
        Distance always allowed, unit of position: tracking noise, which at high frame rates
        looks like speed.

    Returns
    -------
    array of bool, shape (time, keypoint, individual)
        True = seen, but not reachable.
    """
    n, _, n_kp, n_ind = position.shape
    out = np.zeros((n, n_kp, n_ind), dtype=np.bool_)
    time_s = np.ascontiguousarray(time_s, np.float64)
    for k in range(n_kp):
        for i in range(n_ind):
            out[:, k, i] = jumps_of_track(position[:, :, k, i], time_s, limit, slack)
    return out


def jumps_of_track(xy: NDArray[np.floating], time_s: NDArray[np.float64], limit: float, slack: float) -> np.ndarray:
    """Mark jumps of one keypoint, ``xy (time, space)`` → bool ``(time,)``."""
    seen = np.flatnonzero(np.isfinite(xy).all(axis=1))
    out = np.zeros(len(xy), dtype=np.bool_)
    if seen.size < 2:
        return out
    points = np.ascontiguousarray(xy[seen], np.float64)
    extent = float(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))
    horizon_s = max(0.0, (extent - slack) / limit)  # after this long, everywhere can be reached
    keep = _longest_chain(points, time_s[seen], limit, slack, horizon_s)
    out[seen[~keep]] = True
    return out


def count_jumps(
    position: NDArray[np.floating], time_s: NDArray[np.float64], limit: float, slack: float, max_gap_s: float = 0.2
) -> NDArray[np.int64]:
    """Count steps faster than the gate between sightings at most `max_gap_s` apart.

    Returns
    -------
    array of int, shape (keypoint, individual)
    """
    counts = np.zeros(position.shape[2:], np.int64)
    for k, i in np.ndindex(*counts.shape):
        xy = position[:, :, k, i]
        seen = np.flatnonzero(np.isfinite(xy).all(axis=1))
        step_s = np.diff(time_s[seen])
        moved = np.linalg.norm(np.diff(xy[seen].astype(np.float64), axis=0), axis=1)
        counts[k, i] = np.sum((moved > limit * step_s + slack) & (step_s <= max_gap_s))
    return counts


@njit(cache=True, nogil=True)
def _reachable(points, time_s, a, b, limit, slack):
    total = 0.0
    for s in range(points.shape[1]):
        d = points[b, s] - points[a, s]
        total += d * d
    reach = limit * (time_s[b] - time_s[a]) + slack
    return total <= reach * reach


@njit(cache=True, nogil=True)
def _longest_chain(points, time_s, limit, slack, horizon_s):
    """Keep-mask of the chain of runs with most frames.

    A run is a stretch without a jump. ``best[r]`` = most frames of a chain that ends with run r;
    a chain may enter r late (at the first of its frames that the previous run can reach).
    """
    n = points.shape[0]
    start = np.empty(n, np.int64)
    start[0] = 0
    n_runs = 1
    for t in range(1, n):
        if not _reachable(points, time_s, t - 1, t, limit, slack):
            start[n_runs] = t
            n_runs += 1
    keep = np.zeros(n, np.bool_)
    if n_runs == 1:
        keep[:] = True
        return keep
    best = np.empty(n_runs, np.int64)
    entry = np.empty(n_runs, np.int64)
    previous = np.full(n_runs, -1, np.int64)
    best_so_far = np.empty(n_runs, np.int64)
    for r in range(n_runs):
        stop = start[r + 1] if r + 1 < n_runs else n
        best[r], entry[r] = stop - start[r], start[r]
        for a in range(r - 1, -1, -1):
            last = start[a + 1] - 1
            if time_s[start[r]] - time_s[last] >= horizon_s:
                a = best_so_far[a]
                gain = best[a] + stop - start[r]
                if gain > best[r]:
                    best[r], entry[r], previous[r] = gain, start[r], a
                break
            t = start[r]
            while t < stop and not _reachable(points, time_s, last, t, limit, slack):
                t += 1
            if t < stop and best[a] + stop - t > best[r]:
                best[r], entry[r], previous[r] = best[a] + stop - t, t, a
        best_so_far[r] = r if r == 0 or best[r] > best[best_so_far[r - 1]] else best_so_far[r - 1]
    r = best_so_far[n_runs - 1]
    while r >= 0:
        stop = start[r + 1] if r + 1 < n_runs else n
        keep[entry[r] : stop] = True
        r = previous[r]
    return keep
