"""Matching sightings to animals from one frame to the next: the kernels of identity repair.

The memory of an animal is where each of its keypoints was last seen. `scan` runs through the
frames that are beyond doubt and stops at the first that is not, for `identity` to decide.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def pair_costs(xy, memory, seen_s, now_s, memory_s, cap, cost, shared, age):
    """Mean distance of each sighting to each animal's memory.

    Parameters
    ----------
    xy : (individual, keypoint, space)
        Sightings of this frame, NaN where missing.
    memory, seen_s : (individual, keypoint, space) and (individual, keypoint)
        Last place of each animal's keypoints, and when.
    now_s, memory_s : float
        Time of this frame; how long memory lasts.
    cap : float
        Distances count as at most this, so that one stray keypoint does not decide.
    cost, shared, age : (individual, individual), filled
        Mean capped distance animal → sighting (NaN without a shared keypoint), number of shared
        keypoints, and mean age of the memory used (s).
    """
    n_ind, n_kp, n_space = xy.shape
    for i in range(n_ind):
        for j in range(n_ind):
            total, n, past_sum = 0.0, 0, 0.0
            for k in range(n_kp):
                past = now_s - seen_s[i, k]
                if not past <= memory_s or np.isnan(xy[j, k, 0]):
                    continue
                square = 0.0
                for s in range(n_space):
                    d = xy[j, k, s] - memory[i, k, s]
                    square += d * d
                total += min(np.sqrt(square), cap)
                n += 1
                past_sum += past
            cost[i, j] = total / n if n else np.nan
            shared[i, j] = n
            age[i, j] = past_sum / n if n else 0.0


@njit(cache=True, nogil=True)
def remember(xy, slot, now_s, memory, seen_s):
    """Store this frame's sightings; animal i is at ``slot[i]``."""
    n_ind, n_kp, n_space = xy.shape
    for i in range(n_ind):
        j = slot[i]
        for k in range(n_kp):
            if not np.isnan(xy[j, k, 0]):
                for s in range(n_space):
                    memory[i, k, s] = xy[j, k, s]
                seen_s[i, k] = now_s


@njit(cache=True, nogil=True)
def scan(xy, time_s, start, slot, memory, seen_s, memory_s, margin, margin_rate, cap, cost, shared, age):
    """Go on from frame `start` until an animal moved further than the margin; return that frame.

    Frames before it are remembered under the identities in `slot`; its own costs stay in `cost`,
    `shared` and `age`. Returns the number of frames when there is none.
    """
    for t in range(start, xy.shape[0]):
        pair_costs(xy[t], memory, seen_s, time_s[t], memory_s, cap, cost, shared, age)
        for i in range(slot.size):
            j = slot[i]
            if cost[i, j] > margin + margin_rate * age[i, j]:
                return t
        remember(xy[t], slot, time_s[t], memory, seen_s)
    return xy.shape[0]


@njit(cache=True, nogil=True)
def _distance(a, b):
    square = 0.0
    for s in range(a.size):
        square += (a[s] - b[s]) * (a[s] - b[s])
    return np.sqrt(square)


@njit(cache=True, nogil=True)
def _rest_distance(xy, i, k, point):
    """Distance of `point` to the middle of animal i's other keypoints; NaN without any."""
    n_space = xy.shape[2]
    middle = np.zeros(n_space)
    n = 0
    for other in range(xy.shape[1]):
        if other != k and not np.isnan(xy[i, other, 0]):
            for s in range(n_space):
                middle[s] += xy[i, other, s]
            n += 1
    return _distance(middle / n, point) if n else np.nan


@njit(cache=True, nogil=True)
def part_swaps(xy, time_s, memory_s, margin, margin_rate, cap, ratio, swapped, confidence):
    """Find keypoints exchanged between two animals while the rest of both stays.

    A keypoint is exchanged in a frame when, against where it was last, exchanging beats keeping by
    the margin, and when the exchange also brings it nearer to the rest of its animal.

    Parameters
    ----------
    xy : (time, individual, keypoint, space)
        Repaired in place.
    swapped, confidence : (time, keypoint), filled
        Which keypoints were exchanged (pair number + 1) and how sure.
    """
    n, n_ind, n_kp, n_space = xy.shape
    memory = np.full((n_ind, n_kp, n_space), np.nan)
    seen_s = np.full((n_ind, n_kp), -np.inf)
    moved = np.zeros(n_ind, np.bool_)
    held = np.empty(n_space)
    for t in range(n):
        for k in range(n_kp):
            for i in range(n_ind):  # NaN compares as False: not seen, or never before
                moved[i] = _distance(memory[i, k], xy[t, i, k]) > margin
            pair = 0
            for a in range(n_ind):
                for b in range(a + 1, n_ind):
                    pair += 1
                    if not (moved[a] or moved[b]):
                        continue
                    sure = _part_gain(
                        xy[t], memory, seen_s, time_s[t], memory_s, margin, margin_rate, cap, ratio, a, b, k
                    )
                    if sure > 0.0:
                        held[:] = xy[t, a, k]
                        xy[t, a, k] = xy[t, b, k]
                        xy[t, b, k] = held
                        swapped[t, k], confidence[t, k] = pair, sure
            for i in range(n_ind):
                if not np.isnan(xy[t, i, k, 0]):
                    memory[i, k] = xy[t, i, k]
                    seen_s[i, k] = time_s[t]


@njit(cache=True, nogil=True)
def _part_gain(xy, memory, seen_s, now_s, memory_s, margin, margin_rate, cap, ratio, a, b, k):
    """Confidence that keypoint k of a and b is exchanged; 0 when it is not."""
    if not (now_s - seen_s[a, k] <= memory_s and now_s - seen_s[b, k] <= memory_s):
        return 0.0
    allowed = margin + margin_rate * max(now_s - seen_s[a, k], now_s - seen_s[b, k])
    own, other, n = 0.0, 0.0, 0
    own_rest, other_rest = 0.0, 0.0
    for i, j in ((a, b), (b, a)):  # the sighting in slot i is that of i, or of j
        if np.isnan(xy[i, k, 0]):
            continue
        own += min(_distance(memory[i, k], xy[i, k]), cap)
        other += min(_distance(memory[j, k], xy[i, k]), cap)
        own_rest += _rest_distance(xy, i, k, xy[i, k])
        other_rest += _rest_distance(xy, j, k, xy[i, k])
        n += 1
    if n == 0 or (own - other) / n <= allowed:
        return 0.0
    sure = (own - other) / (own + other)
    # NaN: an animal without any other keypoint cannot vouch for its part.
    return sure if sure >= ratio and other_rest < own_rest else 0.0
