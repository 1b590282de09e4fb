"""Clocks: frame times, dropped frames, and a second clock mapped onto the first.

Every array in murid carries its own time in seconds. A recording has one time base; other
clocks are mapped onto it by matched pulses (`fit_pulses`) or by given time stamps
(`ClockMap` with knots). Never by the ratio of sample counts.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from murid.data.errors import Faults, fail

Floats = NDArray[np.float64]


def frame_times(n_frames: int, fps: float, start_s: float = 0.0) -> Floats:
    """Return the time of each frame in seconds, shape ``(n_frames,)``."""
    if not (np.isfinite(fps) and fps > 0):
        fail("frame_times", "fps is not valid", expected="a number > 0 (frames/s)", got=str(fps))
    return start_s + np.arange(n_frames, dtype=np.float64) / fps


def rate_of(time_s: ArrayLike) -> float:
    """Return the sampling rate in Hz from the median step of `time_s` (NaN for < 2 samples)."""
    time_s = np.asarray(time_s, dtype=np.float64)
    if time_s.size < 2:
        return float("nan")
    step = float(np.median(np.diff(time_s)))
    return 1.0 / step if step > 0 else float("nan")


def check_time(time_s: ArrayLike, faults: Faults, where: str = "time") -> None:
    """Add a fault for NaN and for every kind of time that does not strictly increase."""
    time_s = np.asarray(time_s, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(time_s))
    if bad.size:
        faults.add("time is not finite", where=f"{where}, sample {bad[0]}", got=f"{bad.size} samples")
        return
    back = np.flatnonzero(np.diff(time_s) <= 0)
    if back.size:
        i = int(back[0])
        faults.add(
            "time does not increase",
            where=f"{where}, sample {i + 1}",
            expected=f"> {time_s[i]:.6g} s",
            got=f"{time_s[i + 1]:.6g} s ({back.size} such steps)",
            todo="sort by time and drop repeated rows, or check the clock's wrap-around",
        )


@dataclass(frozen=True)
class Dropped:
    """Gaps of a clock: sample index before each gap and how many samples are missing there."""

    index: NDArray[np.int64]
    missing: NDArray[np.int64]

    @property
    def total(self) -> int:
        """How many samples are missing in all."""
        return int(self.missing.sum())


def find_dropped(time_s: ArrayLike, factor: float = 1.5) -> Dropped:
    """Find gaps longer than `factor` × the median step (1.5 by convention)."""
    step = np.diff(np.asarray(time_s, dtype=np.float64))
    if step.size == 0:
        return Dropped(np.empty(0, np.int64), np.empty(0, np.int64))
    median = float(np.median(step))
    index = np.flatnonzero(step > factor * median)
    missing = np.round(step[index] / median).astype(np.int64) - 1
    return Dropped(index.astype(np.int64), np.maximum(missing, 1))


@dataclass(frozen=True)
class ClockMap:
    """A map from one clock to another, both in seconds.

    Straight line through `knots_from_s` → `knots_to_s` when `offset_s` and `slope` are given by
    a fit; piecewise linear between the knots otherwise, extended by the end slopes.

    Attributes
    ----------
    slope, offset_s : float
        ``to = offset_s + slope * from`` of the straight-line fit.
    ppm : float
        Drift of the clock, ``(slope - 1) * 1e6``.
    residual_sd_s, residual_max_s : float
        Residuals of the matched pulses about the line.
    """

    knots_from_s: Floats
    knots_to_s: Floats
    slope: float
    offset_s: float
    residual_sd_s: float
    residual_max_s: float
    piecewise: bool = False

    @property
    def ppm(self) -> float:
        """Drift between the clocks in parts per million."""
        return (self.slope - 1.0) * 1e6

    def __call__(self, time_s: ArrayLike) -> Floats:
        """Map times in seconds of the first clock to the second."""
        t = np.asarray(time_s, dtype=np.float64)
        if not self.piecewise:
            return self.offset_s + self.slope * t
        x, y = self.knots_from_s, self.knots_to_s
        out = np.interp(t, x, y)
        left, right = t < x[0], t > x[-1]
        out[left] = y[0] + (t[left] - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
        out[right] = y[-1] + (t[right] - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
        return out


def fit_clock(from_s: ArrayLike, to_s: ArrayLike, *, piecewise: bool = False) -> ClockMap:
    """Fit a clock map through already matched pulse times (least squares).

    Parameters
    ----------
    from_s, to_s : array of shape (n_pulses,)
        The same pulses on both clocks, in seconds, n ≥ 2.
    piecewise : bool
        Interpolate between the pulses instead of using the line (for clocks that wander).

    Raises
    ------
    DataError
        When the counts differ, fewer than two pulses are given, or time does not increase.
    """
    x, y = np.asarray(from_s, np.float64), np.asarray(to_s, np.float64)
    faults = Faults("clock pulses")
    if x.shape != y.shape or x.ndim != 1:
        faults.add(
            "the two clocks have different numbers of pulses",
            expected=f"{x.size}",
            got=f"{y.size}",
            todo="use match_pulses(), which finds the pulses that both clocks share",
        )
    elif x.size < 2:
        faults.add("too few pulses", expected="at least 2", got=str(x.size))
    for name, t in (("first clock", x), ("second clock", y)):
        check_time(t, faults, name)
    faults.raise_if_any()
    slope, offset = np.polyfit(x, y, 1)
    residual = y - (offset + slope * x)
    return ClockMap(x, y, float(slope), float(offset), float(residual.std()), float(np.abs(residual).max()), piecewise)


def match_pulses(from_s: ArrayLike, to_s: ArrayLike, *, tolerance_s: float = 0.02, piecewise: bool = False) -> ClockMap:
    """Match two pulse trains of which some pulses may be missing, then fit the clock.

    The pattern of intervals fixes the offset: every pair of pulses proposes one, the offset that
    lets most pulses meet within `tolerance_s` wins, and the fit is refined on the pulses that meet.

    Parameters
    ----------
    from_s, to_s : array
        Pulse times on both clocks, seconds. Regular pulse trains cannot be matched when pulses
        are missing at the start: use irregular pulses or give matched times to `fit_clock`.
    tolerance_s : float
        How far apart matched pulses may lie after the fit. 20 ms: one frame at 50 fps.

    Raises
    ------
    DataError
        When fewer than half of the shorter train can be matched.
    """
    x, y = np.asarray(from_s, np.float64), np.asarray(to_s, np.float64)
    if min(x.size, y.size) < 2:
        fail("clock pulses", "too few pulses", expected="at least 2 on each clock", got=f"{x.size}, {y.size}")
    candidates = (y[None, : min(50, y.size)] - x[: min(50, x.size), None]).ravel()
    best_offset, best_score = 0.0, (-1, 0.0)
    for offset in candidates:
        head = x[: min(200, x.size)] + offset
        distance = np.abs(y[_nearest_index(y, head)] - head)
        meet = distance < 5 * tolerance_s
        score = (int(meet.sum()), -float(distance[meet].mean()) if meet.any() else 0.0)
        if score > best_score:
            best_score, best_offset = score, float(offset)
    slope, offset = 1.0, best_offset
    keep = np.empty(0, np.int64)
    for _ in range(5):
        mapped = offset + slope * x
        j = _nearest_index(y, mapped)
        width = max(tolerance_s, 5 * tolerance_s if keep.size == 0 else tolerance_s)
        keep = np.flatnonzero(np.abs(y[j] - mapped) < width)
        keep = keep[np.unique(j[keep], return_index=True)[1]]
        if keep.size < 2:
            break
        slope, offset = np.polyfit(x[keep], y[j[keep]], 1)
    if keep.size < max(2, min(x.size, y.size) // 2):
        fail(
            "clock pulses",
            "the two pulse trains do not match",
            expected=f"at least half of {min(x.size, y.size)} pulses within {tolerance_s} s",
            got=f"{keep.size}",
            todo="check that both files hold the same pulses, and the edge (rising or falling)",
        )
    j = _nearest_index(y, offset + slope * x)
    return fit_clock(x[keep], y[j[keep]], piecewise=piecewise)


def _nearest_index(sorted_s: Floats, query_s: Floats) -> NDArray[np.int64]:
    """Index into `sorted_s` of the value nearest to each query."""
    right = np.clip(np.searchsorted(sorted_s, query_s), 1, sorted_s.size - 1)
    left = right - 1
    use_left = np.abs(query_s - sorted_s[left]) <= np.abs(sorted_s[right] - query_s)
    return np.where(use_left, left, right)


def nearest_sample(time_s: ArrayLike, query_s: ArrayLike) -> NDArray[np.int64]:
    """Return for each query the index of the nearest sample of an increasing clock."""
    return _nearest_index(np.asarray(time_s, np.float64), np.asarray(query_s, np.float64))


def sample_edges(time_s: ArrayLike) -> Floats:
    """Return the n+1 edges of n samples: midpoints, and half a median step at both ends.

    Sample i covers the half-open interval ``[edges[i], edges[i + 1])``. Across a gap of dropped
    samples the covered interval ends half a median step after the last sample.
    """
    t = np.asarray(time_s, np.float64)
    half = 0.5 / rate_of(t) if t.size > 1 else 0.5
    return np.concatenate([[t[0] - half], 0.5 * (t[1:] + t[:-1]), [t[-1] + half]])


def segments(time_s: ArrayLike, factor: float = 1.5) -> list[tuple[int, int]]:
    """Return the sample ranges ``(start, stop)`` without dropped samples, stop exclusive.

    Bouts, windows and sequence models never reach across the border of two segments.
    """
    time_s = np.asarray(time_s, np.float64)
    cuts = find_dropped(time_s, factor).index + 1
    edges = [0, *cuts.tolist(), time_s.size]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]


def sample_stops(time_s: ArrayLike, factor: float = 1.5) -> Floats:
    """Return the end of each sample in seconds: the next sample's time, or one median step at a gap.

    Sample i stands for ``[time_s[i], sample_stops[i])``, so that the durations of the samples of a
    stretch add up to its length, and dropped frames add nothing.
    """
    t = np.asarray(time_s, np.float64)
    stops = np.empty_like(t)
    if t.size == 0:
        return stops
    step = 1.0 / rate_of(t) if t.size > 1 else 1.0
    stops[:-1], stops[-1] = t[1:], t[-1] + step
    gaps = find_dropped(t, factor).index
    stops[gaps] = t[gaps] + step
    return stops
