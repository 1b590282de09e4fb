"""Clocks: frame times, dropped frames, and a second clock mapped onto the first.

Every array in murid carries its own time in seconds. A recording has one time base; other
clocks are mapped onto it by matched pulses (`murid.data.pulses`) or by given time stamps
(`ClockMap` with knots). Never by the ratio of sample counts. Durations are sums of each sample's own
`spans`, never a count times a median step.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import median_filter

from murid.data.errors import Faults, fail

Floats = NDArray[np.float64]


def frame_times(n_frames: int, fps: float, start_s: float = 0.0) -> Floats:
    """Return the time of each frame in seconds, shape ``(n_frames,)``."""
    if not (np.isfinite(fps) and fps > 0):
        fail("frame_times", "fps is not valid", expected="a number > 0 (frames/s)", got=str(fps))
    return start_s + np.arange(n_frames, dtype=np.float64) / fps


#: Steps longer than this many local steps are pauses or dropped samples: by convention one and a half.
GAP_FACTOR = 1.5
#: Steps over which the local rate is taken: long enough to see past a pause, short enough that a film
#: which changes its rate is seen to change within a second.
_LOCAL_STEPS = 21


def local_step(time_s: ArrayLike, factor: float = GAP_FACTOR) -> Floats:
    """Return the usual step around each step, shape ``(n - 1,)``, seconds: a running median.

    A clock may change its rate (a film of 30 and later 15 frames/s); a pause is a step that is long
    against its neighbours, not against the whole recording.
    """
    step = np.diff(np.asarray(time_s, dtype=np.float64))
    if step.size == 0:
        return step
    median = float(np.median(step))
    if step.size <= _LOCAL_STEPS or step.max() <= factor * median:
        return np.full(step.size, median)
    local: Floats = median_filter(step, size=_LOCAL_STEPS, mode="reflect")
    return local


def samples_in(seconds: float, rate_hz: float) -> int:
    """Return the whole number of samples nearest to a duration; halves go up.

    Python rounds halves to the even number: 0.1 s at 25 Hz would be two samples, 0.3 s eight, and a rate that is off in
    its last digit would give another number.

    Examples
    --------
    >>> samples_in(0.1, 25), samples_in(0.1, 25 - 1e-9), samples_in(0.3, 25), samples_in(0.1, 30)
    (3, 3, 8, 3)
    """
    return int(np.floor(seconds * rate_hz + 0.5 + 1e-6))


def rate_of(time_s: ArrayLike) -> float:
    """Return the sampling rate in Hz: samples per second, pauses left out; NaN for < 2 samples.

    Stamps are rounded (to ms in Matroska files, to 0.2 µs in Unix seconds), so that single steps are
    0.033 or 0.034 s at 30 frames/s; the rate comes from all of them together. Where the stamps cannot
    tell the measured rate from a usual one (whole or tenth of a Hz, NTSC), it is the usual one.
    For durations use `spans`: a clock need not have one rate.
    """
    time = np.asarray(time_s, dtype=np.float64)
    if time.size < 2:
        return float("nan")
    step = np.diff(time)
    steady = step[(step > 0) & (step <= GAP_FACTOR * local_step(time))]
    if steady.size == 0:
        return float("nan")
    total = float(steady.sum())
    rate = steady.size / total
    # Rounding moves both ends of the stretch by up to the spread of the steps.
    unsure = float(steady.max() - steady.min()) + 4 * float(np.spacing(np.abs(time).max()))
    for usual in (round(rate), round(rate * 1.001) / 1.001, round(rate, 1), 1 / max(round(1 / rate, 3), 1e-3)):
        if usual > 0 and abs(steady.size / usual - total) <= unsure:
            return float(usual)
    return float(rate)


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


def find_dropped(time_s: ArrayLike, factor: float = GAP_FACTOR) -> Dropped:
    """Find gaps longer than `factor` × the local step (1.5 by convention)."""
    step, local = np.diff(np.asarray(time_s, dtype=np.float64)), local_step(time_s, factor)
    index = np.flatnonzero(step > factor * local)
    missing = np.round(step[index] / local[index]).astype(np.int64) - 1
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
    #: A point of the line near the pulses: Unix times would lose digits in ``offset_s + slope * t``.
    pivot_s: tuple[float, float] | None = None

    @property
    def ppm(self) -> float:
        """Drift between the clocks in parts per million."""
        return (self.slope - 1.0) * 1e6

    def __call__(self, time_s: ArrayLike) -> Floats:
        """Map times in seconds of the first clock to the second; the shape is kept."""
        t = np.asarray(time_s, dtype=np.float64)
        if not self.piecewise:
            x0, y0 = self.pivot_s or (0.0, self.offset_s)
            return np.asarray(y0 + self.slope * (t - x0))
        x, y = self.knots_from_s, self.knots_to_s
        left = y[0] + (t - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
        right = y[-1] + (t - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
        return np.where(t < x[0], left, np.where(t > x[-1], right, np.interp(t, x, y)))


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

    Examples
    --------
    >>> clock = fit_clock([0.0, 10.0, 20.0], [5.0, 15.001, 25.002])
    >>> round(clock.ppm), float(clock(10.0).round(3))
    (100, 15.001)
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
    slope, (x0, y0) = line_through(x, y)
    residual = (y - y0) - slope * (x - x0)
    return ClockMap(
        x,
        y,
        slope,
        y0 - slope * x0,
        float(residual.std()),
        float(np.abs(residual).max()),
        piecewise,
        (x0, y0),
    )


def frame_clock(time_s: ArrayLike, frame: ArrayLike, fps: float) -> ClockMap:
    """Return the map from the time of samples to frame number / `fps`, as programs that count frames take it.

    Parameters
    ----------
    time_s : array of shape (time,)
        Clock in seconds, at least two samples.
    frame : array of shape (time,)
        Number of each sample's frame in the film, increasing.
    fps : float
        Frames/s that the program takes the film to have.

    Returns
    -------
    ClockMap
        Piecewise. A sample that is followed by a pause ends one frame after it began, however long the pause is.

    Examples
    --------
    >>> clock = frame_clock([0.0, 0.1, 0.2, 9.0, 9.1], [0, 1, 2, 3, 4], fps=10)
    >>> (clock([0.2, 0.3, 9.0, 9.1, 9.2]) * 10).round(6).tolist()
    [2.0, 3.0, 3.0, 4.0, 5.0]
    """
    t, number = np.asarray(time_s, np.float64), np.asarray(frame, np.int64)
    between, stops = np.diff(number), sample_stops(t)
    step = max(1, int(np.median(between)))
    ends = number + np.append(np.minimum(between, step), step)
    paused = np.append(stops[:-1] < t[1:], True)  # where samples touch, the next one says where this one ends
    x, y = np.concatenate([t, stops[paused]]), np.concatenate([number, ends[paused]]) / fps
    order = np.argsort(x, kind="stable")
    off = t - number / fps
    return ClockMap(x[order], y[order], 1.0, 0.0, float(off.std()), float(np.abs(off).max()), piecewise=True)


def line_through(x: Floats, y: Floats) -> tuple[float, tuple[float, float]]:
    """Least-squares line as its slope and the point of means: exact for times of any size."""
    # Times first go relative to the first one, which is exact; sums of Unix times are not.
    x0, y0 = x[0] + float((x - x[0]).mean()), y[0] + float((y - y[0]).mean())
    dx, dy = x - x0, y - y0
    return float(dx @ dy / (dx @ dx)), (float(x0), float(y0))


def nearest_sample(time_s: ArrayLike, query_s: ArrayLike) -> NDArray[np.int64]:
    """Return for each query the index of the nearest sample of an increasing clock; the earlier of two as near."""
    t, query = np.asarray(time_s, np.float64), np.asarray(query_s, np.float64)
    if t.size < 2:
        return np.zeros(query.shape, np.int64)
    right = np.clip(np.searchsorted(t, query), 1, t.size - 1)
    left = right - 1
    use_left = np.abs(query - t[left]) <= np.abs(t[right] - query)
    return np.where(use_left, left, right).astype(np.int64)


def spans(time_s: ArrayLike, factor: float = GAP_FACTOR) -> Floats:
    """Return the span of each sample in seconds: until the next one, or one local step at a pause.

    Durations are sums of spans, never a number of samples times a median step: a film that runs at 30
    and later at 15 frames/s gives the true time, and what lies in a pause adds nothing.

    Parameters
    ----------
    time_s : array of shape (time,)
        Clock in seconds.
    factor : float
        A step longer than this many local steps is a pause (1.5 by convention).

    Returns
    -------
    array of shape (time,)
        Seconds; the last sample lasts one local step. NaN for a single sample, which has no span.

    Examples
    --------
    >>> spans([0.0, 0.1, 0.2, 5.0, 5.1]).round(3).tolist()
    [0.1, 0.1, 0.1, 0.1, 0.1]
    """
    t = np.asarray(time_s, np.float64)
    if t.size < 2:
        return np.full(t.size, np.nan)
    step, local = np.diff(t), local_step(t, factor)
    # Spans of rounded or jittered stamps keep their own length; only pauses are cut.
    return np.append(np.where(step > factor * local, local, step), local[-1])


def sample_edges(time_s: ArrayLike) -> Floats:
    """Return the n+1 edges of n samples: midpoints, and half a local step at both ends.

    Sample i covers the half-open interval ``[edges[i], edges[i + 1])``. Across a gap of dropped
    samples the edge lies in the middle of the gap; `spans` says how long each sample lasts.
    """
    t = np.asarray(time_s, np.float64)
    local = local_step(t) if t.size > 1 else np.ones(1)
    return np.concatenate([[t[0] - 0.5 * local[0]], 0.5 * (t[1:] + t[:-1]), [t[-1] + 0.5 * local[-1]]])


def first_sample(time_s: ArrayLike, query_s: ArrayLike) -> NDArray[np.int64]:
    """Return for each query the first sample of the interval that begins then (n when past the end).

    An edge belongs to the nearest sample: half a sample's own span decides, and float noise (that of
    Unix times too) does not. Within a pause the first sample after it is meant, so an interval that
    lies in a pause covers no sample.
    """
    t, query = np.asarray(time_s, np.float64), np.asarray(query_s, np.float64)
    if t.size == 0:
        return np.zeros(query.shape, np.int64)
    span = spans(t) if t.size > 1 else np.ones(1)
    hair = np.maximum(1e-6 * span, 8 * np.spacing(np.abs(t).max()))
    return np.searchsorted(t + 0.5 * span - hair, query, side="left").astype(np.int64)


def nearest_frame(time_s: ArrayLike, fps: float) -> NDArray[np.int64]:
    """Return the number of the frame nearest to each time, from 0, of a film of one rate; halves go up.

    As `first_sample` decides it, so that a bout written in frames covers the frames that it covers in seconds.

    Examples
    --------
    >>> nearest_frame([0.02, 0.06, 0.0599], fps=25).tolist()
    [1, 2, 1]
    """
    return np.floor(np.asarray(time_s, np.float64) * fps + 0.5 + 1e-6).astype(np.int64)


def segments(time_s: ArrayLike, factor: float = GAP_FACTOR) -> list[tuple[int, int]]:
    """Return the sample ranges ``(start, stop)`` without dropped samples, stop exclusive.

    Bouts, windows and sequence models never reach across the border of two segments.
    """
    time_s = np.asarray(time_s, np.float64)
    cuts = find_dropped(time_s, factor).index + 1
    edges = [0, *cuts.tolist(), time_s.size]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]


def _running_median(step: Floats) -> Floats:
    if step.size <= _LOCAL_STEPS:
        return np.full(step.size, np.median(step))
    local: Floats = median_filter(step, size=_LOCAL_STEPS, mode="nearest")
    return local


def unbroken(time_s: ArrayLike, longest_gap_s: float = 0.2) -> list[tuple[int, int]]:
    """Return the stretches without a pause: ``(start, stop)``, stop exclusive.

    A pause is a step longer than `longest_gap_s` and longer than one and a half local steps. What happens in
    shorter gaps is filled by cleaning; an animal may be carried about in a longer one.

    Examples
    --------
    >>> unbroken([0.0, 0.1, 0.2, 60.0, 60.1])
    [(0, 3), (3, 5)]
    """
    t = np.asarray(time_s, np.float64)
    step = np.diff(t)
    if step.size == 0:
        return [(0, t.size)] if t.size else []
    pauses = np.flatnonzero((step > longest_gap_s) & (step > GAP_FACTOR * _running_median(step))) + 1
    return list(itertools.pairwise([0, *pauses.tolist(), t.size]))


def even_parts(
    time_s: ArrayLike, longest_gap_s: float = 0.2, rate_change: float = 1.25
) -> list[tuple[int, int, float]]:
    """Return the stretches of one sampling rate without a pause: ``(start, stop, rate in Hz)``, stop exclusive.

    What is counted in samples (windows, lags) is counted inside such a part, at its own rate. Dropped
    samples of up to `longest_gap_s` stay inside: the time that cleaning fills, too.

    Parameters
    ----------
    time_s : array of shape (time,)
        Clock in seconds.
    longest_gap_s : float
        A longer step is a pause, where it is also longer than one and a half local steps.
    rate_change : float
        A rate that differs by this factor for 21 samples is another rate.

    Examples
    --------
    >>> import numpy as np
    >>> film = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])
    >>> even_parts(film)
    [(0, 600, 30.0), (600, 1200, 15.0)]
    """
    t = np.asarray(time_s, np.float64)
    if t.size < 2:
        return [(0, t.size, float("nan"))] if t.size else []
    step = np.diff(t)
    if step.max() <= min(rate_change * step.min(), longest_gap_s):
        return [(0, t.size, rate_of(t))]
    local = _running_median(step)
    out = []
    for start, stop in unbroken(t, longest_gap_s):
        cuts = [start, *(start + c for c in _rate_changes(local[start : stop - 1], rate_change)), stop]
        out += [(a, b, rate_of(t[a:b])) for a, b in itertools.pairwise(cuts)]
    return out


def _rate_changes(local: Floats, factor: float) -> list[int]:
    """Steps from which on the local step differs by `factor` from the one before, for `_LOCAL_STEPS` or longer."""
    cuts, start = [], 0
    while start < local.size:
        usual = np.median(local[start : start + _LOCAL_STEPS])
        other = np.maximum(local[start:] / usual, usual / local[start:]) > factor
        kept = np.convolve(other, np.ones(_LOCAL_STEPS), "valid") >= _LOCAL_STEPS - 0.5
        if not kept.any():
            break
        start += max(int(np.argmax(kept)), 1)
        cuts.append(start)
    return cuts


def sample_stops(time_s: ArrayLike, factor: float = GAP_FACTOR) -> Floats:
    """Return the end of each sample in seconds: ``time_s + spans(time_s)``, to the bit where samples touch.

    Sample i stands for ``[time_s[i], sample_stops[i])``, so that the durations of the samples of a
    stretch add up to its length, and dropped frames add nothing. A single sample lasts one second.
    """
    t = np.asarray(time_s, np.float64)
    if t.size < 2:
        return t + 1.0
    stops = t + spans(t, factor)
    joined = np.ones(t.size, bool)
    joined[find_dropped(t, factor).index], joined[-1] = False, False
    return np.where(joined, np.append(t[1:], np.nan), stops)
