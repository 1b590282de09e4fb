"""The compiled loops behind `windows`: many channels, many window lengths, one pass.

A channel is cut into tiles of `TILE` frames at fixed positions of the recording, so that results do
not depend on how the recording was cut into blocks, bit for bit. Within a tile

* mean, sd and change come from running sums in float64, re-based on the tile's own level: no drift;
* min and max come from doubling: the minimum over 2w frames is the smaller of two minima over w,
  so that all window lengths share log2(longest) vector passes;
* percentiles come from one sorted window; band power from running sums of the rotated signal, with
  the Hann window applied in the frequency domain.

Missing frames (NaN) and frames beyond the recording count as absent.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Frames in a tile: its buffers fit the L2 cache.
TILE = 1024

# Order of the statistics in `flags` and in the output.
MEAN, SD, MIN, MAX, CHANGE = range(5)


@njit(cache=True, nogil=True)
def window_table(
    base, base_start, n_total, rows, before, after, flags, percentiles, waves, band_of, lags, min_share, out, columns
):
    """Write value, window statistics and lags of every channel into rows of `out`.

    Parameters
    ----------
    base : float32 array of shape (channel, frame)
        Channels over frames ``base_start …`` of the recording; must reach `before`, `after` and
        `lags` beyond `rows`, or to the ends of the recording.
    base_start, n_total : int
        First frame of `base`, and length of the recording.
    rows : int64 array
        Wanted frames of the recording, ascending.
    before, after : int64 arrays of shape (window,)
        Reach of each window; windows must be ordered by length.
    flags : bool array of shape (5,)
        Which of mean, sd, min, max, change.
    percentiles : float64 array
    waves : complex128 array of shape (bin, longest window), band_of : int64 array of shape (bin,)
        Rotations ``exp(-2 pi i k t / w)`` of the longest window and the band each bin belongs to
        (-1 none: only needed by its neighbours' Hann window).
    lags : int64 array
        Frames.
    min_share : float
        Share of the frames of a window (as far as it lies in the recording) that must be known.
    out : float32 array of shape (row, column)
    columns : int64 array of shape (channel,)
        First column of each channel.
    """
    n_windows = before.size
    reach_b, reach_a = 0, 0
    for w in range(n_windows):
        reach_b, reach_a = max(reach_b, before[w]), max(reach_a, after[w])
    size = TILE + reach_b + reach_a
    n_bands = band_of.max() + 1 if band_of.size else 0
    n_stats = n_windows * (flags.sum() + percentiles.size) + n_bands
    stats = np.empty((n_stats, TILE), np.float32)
    v, work = np.empty(size, np.float32), np.empty(size, np.float32)
    s1, s2 = np.zeros(size + 1, np.float64), np.zeros(size + 1, np.float64)
    count = np.zeros(size + 1, np.int32)
    row = 0
    while row < rows.size:
        start = rows[row] // TILE * TILE
        stop = min(start + TILE, n_total)
        end = row
        while end < rows.size and rows[end] < stop:
            end += 1
        for c in range(base.shape[0]):
            gaps = _load(base[c], base_start, n_total, start - reach_b, v, s1, s2, count)
            at = 0
            if flags[MEAN] or flags[SD] or flags[CHANGE]:
                level = _level(v)
            else:
                level = 0.0
            for w in range(n_windows):
                lo = reach_b - before[w]
                at = _sums(
                    s1,
                    s2,
                    count,
                    gaps,
                    lo,
                    before[w] + after[w] + 1,
                    start - before[w],
                    n_total,
                    stop - start,
                    level,
                    flags,
                    min_share,
                    stats,
                    at,
                )
            if flags[MIN]:
                at = _extremes(
                    v,
                    work,
                    np.float32(1),
                    count,
                    before,
                    after,
                    reach_b,
                    start,
                    n_total,
                    stop - start,
                    min_share,
                    stats,
                    at,
                )
            if flags[MAX]:
                at = _extremes(
                    v,
                    work,
                    np.float32(-1),
                    count,
                    before,
                    after,
                    reach_b,
                    start,
                    n_total,
                    stop - start,
                    min_share,
                    stats,
                    at,
                )
            for w in range(n_windows):
                if percentiles.size:
                    at = _percentiles(
                        v,
                        reach_b - before[w],
                        before[w] + after[w] + 1,
                        start - before[w],
                        n_total,
                        stop - start,
                        percentiles,
                        min_share,
                        stats,
                        at,
                    )
            if n_bands:
                w = n_windows - 1
                at = _bands(
                    v,
                    reach_b - before[w],
                    before[w] + after[w] + 1,
                    start - before[w],
                    n_total,
                    stop - start,
                    waves,
                    band_of,
                    n_bands,
                    min_share,
                    stats,
                    at,
                )
            _scatter(base[c], base_start, n_total, rows, row, end, start, lags, stats, at, out, columns[c])
        row = end


@njit(cache=True, nogil=True)
def _load(x, base_start, n_total, first, v, s1, s2, count):
    """Copy a tile with its surroundings into `v` and build the running sums; say if any is missing."""
    gaps = False
    for i in range(v.size):
        t = first + i
        j = t - base_start
        if t < 0 or t >= n_total or j < 0 or j >= x.size:
            v[i] = np.nan
        else:
            v[i] = x[j]
        if v[i] != v[i]:
            gaps = True
    level = _level(v)
    a, b, k = 0.0, 0.0, 0
    if gaps:
        for i in range(v.size):
            if v[i] == v[i]:
                d = v[i] - level
                a += d
                b += d * d
                k += 1
            s1[i + 1], s2[i + 1], count[i + 1] = a, b, k
    else:
        for i in range(v.size):
            d = v[i] - level
            a += d
            b += d * d
            s1[i + 1], s2[i + 1] = a, b
            count[i + 1] = i + 1
    return gaps


@njit(cache=True, nogil=True, inline="always")
def _level(v):
    """First known value: sums are taken about it."""
    for i in range(v.size):
        if v[i] == v[i]:
            return np.float64(v[i])
    return 0.0


@njit(cache=True, nogil=True, inline="always")
def _needed(t, width, n_total, min_share):
    """How many frames of the window that starts at frame `t` must be known."""
    inside = min(t + width, n_total) - max(t, 0)
    return max(1.0, np.ceil(inside * min_share - 1e-9))


@njit(cache=True, nogil=True)
def _sums(s1, s2, count, gaps, lo, width, first, n_total, n, level, flags, min_share, stats, at):
    """Mean, sd and change of one window length."""
    third = max(1, width // 3)
    nan = np.float32(np.nan)
    mean_at = at
    sd_at = mean_at + (1 if flags[MEAN] else 0)
    change_at = sd_at + (1 if flags[SD] else 0)
    if not gaps and first >= 0 and first + n + width <= n_total + 1:
        inv = 1.0 / width
        inv_third = 1.0 / third
        if flags[MEAN]:
            for i in range(n):
                stats[mean_at, i] = level + (s1[lo + i + width] - s1[lo + i]) * inv
        if flags[SD]:
            for i in range(n):
                m = (s1[lo + i + width] - s1[lo + i]) * inv
                q = s2[lo + i + width] - s2[lo + i]
                var = q * inv - m * m
                stats[sd_at, i] = np.sqrt(var) if var > 1e-13 * s2[s2.size - 1] * inv else 0.0
        if flags[CHANGE]:
            for i in range(n):
                tail = s1[lo + i + width] - s1[lo + i + width - third]
                head = s1[lo + i + third] - s1[lo + i]
                stats[change_at, i] = (tail - head) * inv_third
    else:
        for i in range(n):
            k = count[lo + i + width] - count[lo + i]
            if k < _needed(first + i, width, n_total, min_share):
                if flags[MEAN]:
                    stats[mean_at, i] = nan
                if flags[SD]:
                    stats[sd_at, i] = nan
                if flags[CHANGE]:
                    stats[change_at, i] = nan
                continue
            m = (s1[lo + i + width] - s1[lo + i]) / k
            if flags[MEAN]:
                stats[mean_at, i] = level + m
            if flags[SD]:
                var = (s2[lo + i + width] - s2[lo + i]) / k - m * m
                stats[sd_at, i] = np.sqrt(var) if var > 1e-13 * s2[s2.size - 1] / k else 0.0
            if flags[CHANGE]:
                k1 = count[lo + i + third] - count[lo + i]
                k2 = count[lo + i + width] - count[lo + i + width - third]
                if k1 == 0 or k2 == 0:
                    stats[change_at, i] = nan
                else:
                    tail = (s1[lo + i + width] - s1[lo + i + width - third]) / k2
                    stats[change_at, i] = tail - (s1[lo + i + third] - s1[lo + i]) / k1
    return change_at + (1 if flags[CHANGE] else 0)


@njit(cache=True, nogil=True)
def _extremes(v, work, sign, count, before, after, reach_b, start, n_total, n, min_share, stats, at):
    """Minimum (sign 1) or maximum (sign -1) of every window length, by doubling."""
    inf = np.float32(np.inf)
    for i in range(v.size):
        x = v[i] * sign
        work[i] = x if x == x else inf
    span = 1
    for w in range(before.size):
        width = before[w] + after[w] + 1
        while 2 * span <= width:
            for i in range(v.size - span):
                work[i] = work[i] if work[i] < work[i + span] else work[i + span]
            span *= 2
        lo = reach_b - before[w]
        shift = width - span
        for i in range(n):
            a, b = work[lo + i], work[lo + i + shift]
            stats[at, i] = sign * (a if a < b else b)
        if start - before[w] < 0 or start + n + after[w] > n_total or count[v.size] < v.size:
            for i in range(n):
                k = count[lo + i + width] - count[lo + i]
                if k < _needed(start + i - before[w], width, n_total, min_share):
                    stats[at, i] = np.nan
        at += 1
    return at


@njit(cache=True, nogil=True)
def _percentiles(v, lo, width, first, n_total, n, percentiles, min_share, stats, at):
    """Percentiles (linear interpolation) from a window that is kept sorted."""
    ordered = np.empty(width + 1, np.float32)
    k = 0
    for i in range(width - 1):
        k = _insert(ordered, k, v[lo + i])
    for i in range(n):
        k = _insert(ordered, k, v[lo + i + width - 1])
        if k < _needed(first + i, width, n_total, min_share):
            for p in range(percentiles.size):
                stats[at + p, i] = np.nan
        else:
            for p in range(percentiles.size):
                place = percentiles[p] / 100.0 * (k - 1)
                j = min(int(place), k - 1)
                share = place - j
                low = ordered[j]
                stats[at + p, i] = low + share * (ordered[min(j + 1, k - 1)] - low)
        k = _remove(ordered, k, v[lo + i])
    return at + percentiles.size


@njit(cache=True, nogil=True, inline="always")
def _insert(ordered, k, x):
    if x != x:
        return k
    j = k
    while j > 0 and ordered[j - 1] > x:
        ordered[j] = ordered[j - 1]
        j -= 1
    ordered[j] = x
    return k + 1


@njit(cache=True, nogil=True, inline="always")
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


@njit(cache=True, nogil=True)
def _bands(v, lo, width, first, n_total, n, waves, band_of, n_bands, min_share, stats, at):
    """Variance that falls in each band (Hann-windowed, mean removed) over one window length.

    ``X_k(t) = sum_j x(t+j) e^(-2 pi i k j / w)`` is, up to a phase, a difference of running sums of
    the signal rotated at frequency k. The Hann window mixes neighbouring bins: 1/2, -1/4, -1/4.
    """
    n_bins = band_of.size
    size = n + width
    level = _level(v)
    re, im = np.empty((n_bins, n)), np.empty((n_bins, n))
    run_r, run_i = np.zeros(size + 1), np.zeros(size + 1)
    run_c, run_s = np.zeros(size + 1), np.zeros(size + 1)
    total, known = np.zeros(size + 1), np.zeros(size + 1)
    for i in range(size - 1):
        x = v[lo + i]
        seen = x == x
        total[i + 1] = total[i] + (x - level if seen else 0.0)
        known[i + 1] = known[i] + (1.0 if seen else 0.0)
    for k in range(n_bins):
        for i in range(size - 1):
            x = v[lo + i]
            z = waves[k, i % width]
            if x == x:
                run_r[i + 1] = run_r[i] + (x - level) * z.real
                run_i[i + 1] = run_i[i] + (x - level) * z.imag
                run_c[i + 1] = run_c[i] + z.real
                run_s[i + 1] = run_s[i] + z.imag
            else:
                run_r[i + 1], run_i[i + 1], run_c[i + 1], run_s[i + 1] = run_r[i], run_i[i], run_c[i], run_s[i]
        for i in range(n):
            m = (total[i + width] - total[i]) / max(known[i + width] - known[i], 1.0)
            a = run_r[i + width] - run_r[i] - m * (run_c[i + width] - run_c[i])
            b = run_i[i + width] - run_i[i] - m * (run_s[i + width] - run_s[i])
            # Undo the rotation of the window's start, so that neighbouring bins can be mixed.
            z = waves[k, i % width]
            re[k, i] = a * z.real + b * z.imag
            im[k, i] = b * z.real - a * z.imag
    for b in range(n_bands):
        for i in range(n):
            stats[at + b, i] = 0.0
    for k in range(1, n_bins - 1):
        if band_of[k] < 0:
            continue
        for i in range(n):
            x = 0.5 * re[k, i] - 0.25 * (re[k - 1, i] + re[k + 1, i])
            y = 0.5 * im[k, i] - 0.25 * (im[k - 1, i] + im[k + 1, i])
            seen = max(known[i + width] - known[i], 1.0)
            stats[at + band_of[k], i] += 2.0 * (x * x + y * y) / (0.375 * seen * seen)
    for i in range(n):
        if known[i + width] - known[i] < _needed(first + i, width, n_total, min_share):
            for b in range(n_bands):
                stats[at + b, i] = np.nan
    return at + n_bands


@njit(cache=True, nogil=True)
def _scatter(x, base_start, n_total, rows, row, end, start, lags, stats, n_stats, out, column):
    """Write value, statistics and lags of one channel into the wanted rows."""
    for r in range(row, end):
        t = rows[r]
        out[r, column] = x[t - base_start]
        i = t - start
        for s in range(n_stats):
            out[r, column + 1 + s] = stats[s, i]
        for j in range(lags.size):
            u = t + lags[j]
            inside = 0 <= u < n_total and 0 <= u - base_start < x.size
            out[r, column + 1 + n_stats + j] = x[u - base_start] if inside else np.nan
