"""The compiled loops behind `windows`: many channels, many window lengths, one pass.

A channel is cut into tiles of `TILE` frames at fixed positions of the recording, so that results do
not depend on how the recording was cut into blocks, bit for bit. Within a tile

* mean, sd and change come from running sums in float64 about the tile's own level: no drift;
* min and max come from doubling: the minimum over 2w frames is the smaller of two minima over w,
  so that all window lengths share log2(longest) vector passes;
* percentiles of short windows come from a sorting network that runs over all frames at once, those
  of long ones from a sorted window that loses its oldest frame and gains a new one;
* band power comes from running sums of the signal rotated at each frequency, so that a longer
  window costs no more, with the Hann window applied in the frequency domain.

Missing frames (NaN) and frames beyond the recording count as absent. All of it is one file, because a
compiled function is only compiled anew when its own file changes. Loops are written over plain
slices without branches, so that the compiler turns them into vector instructions; a reciprocal
count that is NaN makes a statistic NaN.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Frames in a tile: its buffers fit the L2 cache.
TILE = 1024
#: Rows of the buffers are this much longer than a tile, so that they do not share cache sets.
_PITCH = TILE + 16
#: Channels that are written to the table together: fewer, fuller cache lines.
_GROUP = 4
#: Windows up to this many frames are sorted by a network, all frames of a tile at once.
_NETWORK = 32

# Order of the statistics in `flags`.
MEAN, SD, MIN, MAX, CHANGE = range(5)


@njit(cache=True, nogil=True, error_model="numpy")
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
    stats = np.empty((_GROUP, n_stats, _PITCH), np.float32)
    v, work = np.empty(size, np.float32), np.empty((3, size), np.float32)
    sums = np.zeros((3, size + 1), np.float64)
    inverse = np.empty((n_windows, _PITCH), np.float64)
    needed = np.empty((n_windows, _PITCH), np.float64)
    thirds = np.empty((2, _PITCH), np.float64)
    scratch = np.empty((_NETWORK + 2 if percentiles.size else 0, _PITCH), np.float32)
    row = 0
    while row < rows.size:
        start = rows[row] // TILE * TILE
        n = min(start + TILE, n_total) - start
        end = row
        while end < rows.size and rows[end] < start + n:
            end += 1
        for w in range(n_windows):
            _needed(start - before[w], before[w] + after[w] + 1, n_total, min_share, n, needed[w])
        for first in range(0, base.shape[0], _GROUP):
            last = min(first + _GROUP, base.shape[0])
            for c in range(first, last):
                buffer = stats[c - first]
                level = _load(base[c], start - reach_b - base_start, v, sums)
                at = 0
                for w in range(n_windows):
                    lo, width = reach_b - before[w], before[w] + after[w] + 1
                    _reciprocal(sums[2], lo, width, n, needed[w], inverse[w])
                    at = _sums(sums, lo, width, n, level, flags, inverse[w], thirds, buffer, at)
                if flags[MIN]:
                    at = _extremes(v, work, np.float32(1), before, after, reach_b, n, inverse, buffer, at)
                if flags[MAX]:
                    at = _extremes(v, work, np.float32(-1), before, after, reach_b, n, inverse, buffer, at)
                if percentiles.size:
                    for w in range(n_windows):
                        lo, width = reach_b - before[w], before[w] + after[w] + 1
                        at = _percentiles(v[lo:], width, n, percentiles, inverse[w], scratch, buffer, at)
                if n_bands:
                    w = n_windows - 1
                    at = _band_power(v, before[w] + after[w] + 1, n, waves, band_of, n_bands, inverse[w], buffer, at)
            _scatter(base, first, last, base_start, rows[row:end], start, lags, stats, n_stats, out[row:end], columns)
        row = end


@njit(cache=True, nogil=True, error_model="numpy")
def _load(x, first, v, sums):
    """Copy a tile with its surroundings into `v`, build sum, sum of squares and count; return the level."""
    size = v.size
    low, high = min(max(-first, 0), size), max(min(x.size - first, size), 0)
    v[:low] = np.nan
    v[high:] = np.nan
    if high > low:
        v[low:high] = x[first + low : first + high]
    level = 0.0
    for i in range(size):
        if v[i] == v[i]:
            level = np.float64(v[i])
            break
    a, b, k = 0.0, 0.0, 0.0
    s1, s2, count = sums[0], sums[1], sums[2]
    for i in range(size):
        seen = v[i] == v[i]
        d = np.float64(v[i]) - level if seen else 0.0
        a += d
        b += d * d
        k += 1.0 if seen else 0.0
        s1[i + 1] = a
        s2[i + 1] = b
        count[i + 1] = k
    return level


@njit(cache=True, nogil=True, error_model="numpy")
def _needed(first, width, n_total, min_share, n, out):
    """How many frames must be known in the windows that start at frames ``first, first + 1, …``."""
    for i in range(n):
        inside = min(first + i + width, n_total) - max(first + i, 0)
        out[i] = max(1.0, np.ceil(inside * min_share - 1e-9))


@njit(cache=True, nogil=True, error_model="numpy")
def _reciprocal(count, lo, width, n, needed, out):
    """One over the number of known frames; NaN where too few are."""
    a, b = count[lo : lo + n], count[lo + width : lo + width + n]
    for i in range(n):
        k = b[i] - a[i]
        out[i] = 1.0 / k if k >= needed[i] else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _sums(sums, lo, width, n, level, flags, inverse, thirds, stats, at):
    """Mean, sd and change of one window length."""
    s1, s2 = sums[0], sums[1]
    a1, b1 = s1[lo : lo + n], s1[lo + width : lo + width + n]
    a2, b2 = s2[lo : lo + n], s2[lo + width : lo + width + n]
    if flags[MEAN]:
        mean = stats[at]
        for i in range(n):
            mean[i] = level + (b1[i] - a1[i]) * inverse[i]
        at += 1
    if flags[SD]:
        sd = stats[at]
        for i in range(n):
            total = b1[i] - a1[i]
            var = b2[i] - a2[i] - total * total * inverse[i]
            # Smaller than the rounding of the running sums: a constant signal.
            sd[i] = np.sqrt(np.float32(0.0 if var <= 1e-13 * b2[i] else var * inverse[i]))
        at += 1
    if flags[CHANGE]:
        third = max(1, width // 3)
        change, late = stats[at], lo + width - third
        c1, d1 = s1[lo + third : lo + third + n], s1[late : late + n]
        count = sums[2]
        _share(count[lo : lo + n], count[lo + third : lo + third + n], thirds[0])
        _share(count[late : late + n], count[lo + width : lo + width + n], thirds[1])
        head, tail = thirds[0], thirds[1]
        for i in range(n):
            change[i] = (b1[i] - d1[i]) * tail[i] - (c1[i] - a1[i]) * head[i] + (inverse[i] - inverse[i])
        at += 1
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _share(low, high, out):
    for i in range(low.size):
        k = high[i] - low[i]
        out[i] = 1.0 / k if k > 0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _extremes(v, work, sign, before, after, reach_b, n, inverse, stats, at):
    """Minimum (sign 1) or maximum (sign -1) of every window length, by doubling."""
    inf = np.float32(np.inf)
    source, target = work[0], work[1]
    for i in range(v.size):
        x = v[i] * sign
        source[i] = x if x == x else inf
    span, size = 1, v.size
    for w in range(before.size):
        width = before[w] + after[w] + 1
        while 2 * span <= width:
            size -= span
            a, b = source[:size], source[span : span + size]
            for i in range(size):
                target[i] = a[i] if a[i] < b[i] else b[i]
            source, target = target, source
            span *= 2
        lo = reach_b - before[w]
        a, b = source[lo : lo + n], source[lo + width - span : lo + width - span + n]
        out, known = stats[at], inverse[w]
        for i in range(n):
            best = a[i] if a[i] < b[i] else b[i]
            out[i] = sign * best if known[i] == known[i] else np.float32(np.nan)
        at += 1
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _scatter(base, first, last, base_start, rows, start, lags, stats, n_stats, out, columns):
    """Write value, statistics and lags of a group of channels into the wanted rows."""
    n_base = base.shape[1]
    for r in range(rows.size):
        t = rows[r]
        i = t - start
        for c in range(first, last):
            line = out[r, columns[c] : columns[c] + 1 + n_stats + lags.size]
            buffer = stats[c - first]
            line[0] = base[c, t - base_start]
            for s in range(n_stats):
                line[1 + s] = buffer[s, i]
            for j in range(lags.size):
                u = t + lags[j] - base_start
                line[1 + n_stats + j] = base[c, u] if 0 <= u < n_base else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _percentiles(v, width, n, percentiles, inverse, scratch, stats, at):
    """Percentiles (linear interpolation between ranks) of ``v[i : i + width]`` for ``i < n``.

    `inverse` is one over the number of known frames, NaN where too few are. Writes rows ``at …`` of
    `stats` and returns the next free row. `scratch` has ``_NETWORK + 2`` rows.
    """
    if width <= _NETWORK:
        order = _sort_network(v, width, n, scratch)
        for p in range(percentiles.size):
            share, out = percentiles[p] / 100.0, stats[at + p]
            for i in range(n):
                if inverse[i] == inverse[i]:
                    place = share * (np.round(1.0 / inverse[i]) - 1.0)
                    j = int(place)
                    low = scratch[order[j], i]
                    out[i] = low + (place - j) * (scratch[order[j + 1], i] - low) if place > j else low
                else:
                    out[i] = np.nan
    else:
        _sliding(v, width, n, percentiles, inverse, stats, at)
    return at + percentiles.size


@njit(cache=True, nogil=True, error_model="numpy")
def _sort_network(v, width, n, rows):
    """Sort every window at once: Batcher's odd-even merge over rows, missing frames last.

    Returns which row holds each rank. Exchanges go to spare rows, never in place: only then does
    the compiler make vector instructions of them.
    """
    inf = np.float32(np.inf)
    for j in range(width):
        row, x = rows[j], v[j : j + n]
        for i in range(n):
            row[i] = x[i] if x[i] == x[i] else inf
    order = np.arange(width + 2)
    p = 1
    while p < width:
        k = p
        while k >= 1:
            for j in range(k % p, width - k, 2 * k):
                for i in range(min(k, width - j - k)):
                    a, b = i + j, i + j + k
                    if a // (2 * p) == b // (2 * p):
                        x, y, low, high = order[a], order[b], order[width], order[width + 1]
                        _exchange(rows[x], rows[y], rows[low], rows[high], n)
                        order[a], order[b], order[width], order[width + 1] = low, high, x, y
            k //= 2
        p *= 2
    return order


@njit(cache=True, nogil=True, error_model="numpy")
def _exchange(x, y, low, high, n):
    for i in range(n):
        low[i] = x[i] if x[i] < y[i] else y[i]
    for i in range(n):
        high[i] = y[i] if x[i] < y[i] else x[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _sliding(v, width, n, percentiles, inverse, stats, at):
    """One sorted window that loses its oldest frame and gains a new one."""
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
def _band_power(v, width, n, waves, band_of, n_bands, inverse, stats, at):
    """Variance that falls in each band (Hann window, mean removed) of ``v[i : i + width]``.

    ``X_k(i) = sum_j v(i+j) e^(-2 pi i k j / w)`` is, up to a phase, a difference of running sums of
    the signal rotated at frequency k; the Hann window mixes neighbouring bins: 1/2, -1/4, -1/4.
    Gaps are bridged by a straight line (a frame lost here and there must not look like a fast rhythm); missing
    frames at the ends of what is known count as the window's mean.
    """
    x, seen = _bridged(v[: n + width - 1])
    flat = np.ones(width, np.complex128)
    share = 1.0 / np.maximum(_windowed(seen, flat, width, n).real, 1.0)
    mean = _windowed(x, flat, width, n).real * share
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
            power = 2.0 * (z.real * z.real + z.imag * z.imag) * share[i] * share[i] / 0.375
            stats[at + band_of[k], i] += power
    for b in range(n_bands):
        for i in range(n):
            if inverse[i] != inverse[i]:
                stats[at + b, i] = np.nan
    return at + n_bands


@njit(cache=True, nogil=True, error_model="numpy")
def _bridged(v):
    """Signal about its first known value with gaps bridged by straight lines, and where it is known or bridged."""
    x, seen = np.zeros(v.size), np.zeros(v.size)
    level, last = 0.0, -1
    for i in range(v.size):
        if v[i] != v[i]:
            continue
        if last < 0:
            level = np.float64(v[i])
        x[i], seen[i] = np.float64(v[i]) - level, 1.0
        if last >= 0:
            for j in range(last + 1, i):
                x[j] = x[last] + (x[i] - x[last]) * (j - last) / (i - last)
                seen[j] = 1.0
        last = i
    return x, seen


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
