"""Compiled loops over one stretch of labels or probabilities.

Windows are counted in samples, durations in ticks: how long each sample lasts, in whole units of time.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def majority_1d(labels: np.ndarray, half: int, n_labels: int) -> np.ndarray:
    """Most frequent label within ±`half` samples; the present label wins ties, then the lower one."""
    n = labels.size
    out = np.empty_like(labels)
    counts = np.zeros(n_labels, np.int64)
    for i in range(min(half, n)):
        counts[labels[i]] += 1
    for i in range(n):
        if i + half < n:
            counts[labels[i + half]] += 1
        if i - half - 1 >= 0:
            counts[labels[i - half - 1]] -= 1
        best = labels[i]
        for k in range(n_labels):
            if counts[k] > counts[best]:
                best = k
        out[i] = best
    return out


@njit(cache=True, nogil=True)
def run_lengths(labels: np.ndarray, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label, length in ticks and number of samples of each run; `ticks` is how long each sample lasts."""
    n = labels.size
    values = np.empty(n, np.int64)
    lengths = np.empty(n, np.int64)
    counts = np.empty(n, np.int64)
    m = 0
    for i in range(n):
        if m > 0 and labels[i] == values[m - 1]:
            lengths[m - 1] += ticks[i]
            counts[m - 1] += 1
        else:
            values[m] = labels[i]
            lengths[m] = ticks[i]
            counts[m] = 1
            m += 1
    return values[:m], lengths[:m], counts[:m]


@njit(cache=True, nogil=True)
def absorb_short_1d(labels: np.ndarray, ticks: np.ndarray, shortest: int) -> np.ndarray:
    """Give the shortest run to its longer neighbour until every run lasts `shortest` ticks.

    Shortest first, leftmost first. A run that lies between two runs of one label joins both, which for
    two labels is "flip the shortest bout". Runs only grow, so one sweep per length is enough.
    """
    values, lengths, counts = run_lengths(labels, ticks)
    m = values.size
    before = np.arange(m) - 1
    after = np.arange(m) + 1
    after[m - 1] = -1
    first = 0
    for length in range(1, shortest):
        r = first
        while r != -1:
            left, right = before[r], after[r]
            if lengths[r] != length or (left == -1 and right == -1):
                r = right
                continue
            to_left = right == -1 or (left != -1 and lengths[left] >= lengths[right])
            values[r] = values[left] if to_left else values[right]
            for side in (left, right):
                if side == -1 or values[side] != values[r]:
                    continue
                lengths[r] += lengths[side]
                counts[r] += counts[side]
                if side == left:
                    before[r] = before[side]
                else:
                    after[r] = after[side]
            if before[r] == -1:
                first = r
            else:
                after[before[r]] = r
            if after[r] != -1:
                before[after[r]] = r
            r = after[r]
    out = np.empty_like(labels)
    i, r = 0, first
    while r != -1:
        for _ in range(counts[r]):
            out[i] = values[r]
            i += 1
        r = after[r]
    return out


@njit(cache=True, nogil=True)
def close_gaps_1d(labels: np.ndarray, ticks: np.ndarray, shortest: int, target: int) -> np.ndarray:
    """Fill runs shorter than `shortest` ticks that lie between two runs of one label.

    `target` ≥ 0 closes only the gaps of that label (1 in a multi-label column); −1 those of any label.
    Gaps are judged on the labels as they came, left to right, so a closed gap never closes another.
    """
    values, lengths, counts = run_lengths(labels, ticks)
    out = labels.copy()
    start = counts[0] if counts.size else 0
    for r in range(1, values.size - 1):
        same = values[r - 1] == values[r + 1]
        wanted = target < 0 or values[r - 1] == target
        filled_before = start > 0 and out[start - 1] != labels[start - 1]
        if lengths[r] < shortest and same and wanted and not filled_before:
            for i in range(start, start + counts[r]):
                out[i] = values[r - 1]
        start += counts[r]
    return out


@njit(cache=True, nogil=True)
def hysteresis_1d(p: np.ndarray, high: float, low: float) -> np.ndarray:
    """1 on every run of ``p >= low`` that reaches `high` somewhere, else 0; what is missing ends a run."""
    n = p.size
    out = np.zeros(n, np.int8)
    i = 0
    while i < n:
        if not p[i] >= low:  # also where p is NaN
            i += 1
            continue
        j = i
        reached = False
        while j < n and p[j] >= low:
            reached = reached or p[j] >= high
            j += 1
        if reached:
            out[i:j] = 1
        i = j
    return out


@njit(cache=True, nogil=True)
def mean_1d(x: np.ndarray, half: int) -> np.ndarray:
    """Mean over ±`half` samples, over the part of the window inside the stretch at its ends."""
    n = x.size
    total = np.zeros(n + 1)
    for i in range(n):
        total[i + 1] = total[i] + x[i]
    out = np.empty(n)
    for i in range(n):
        a, b = max(0, i - half), min(n, i + half + 1)
        out[i] = (total[b] - total[a]) / (b - a)
    return out


@njit(cache=True, nogil=True)
def binomial_passes_1d(x: np.ndarray, passes: int) -> np.ndarray:
    """Apply the kernel (2, 1, 2)/5 `passes` times; the end samples are repeated."""
    a = x.astype(np.float64)
    b = np.empty_like(a)
    n = a.size
    for _ in range(passes):
        for i in range(n):
            left = a[i - 1] if i > 0 else a[0]
            right = a[i + 1] if i < n - 1 else a[n - 1]
            b[i] = 0.4 * left + 0.2 * a[i] + 0.4 * right
        a, b = b, a
    return a
