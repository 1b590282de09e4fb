"""Pulse trains on two clocks matched to each other, or refused.

Irregular trains are matched by the pattern of their intervals; regular ones (camera frames, a 1-Hz
clock) have no pattern, so that only their counts and gaps say which pulse is which. In both cases
every alignment that fits is weighed against the next best: where the trains cannot tell, it is an
error. A small residual proves nothing: a regular train one pulse late fits as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import ClockMap, Floats, check_time, fit_clock, line_through, nearest_sample
from murid.data.errors import Faults, fail

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

#: Clocks of cameras and recorders differ by less than this (quartz: some ten parts per million).
MAX_PPM = 1000.0
#: Share of pulses lost within the trains up to which their first and last ones are trusted.
_TRUSTED_LOSS = 0.01
#: Residuals below this are rounding of the stamps, no jitter that could tell shifts apart.
_ROUNDING_S = 1e-5
_ANCHORS = 12
_WINDOW = 10


@dataclass(frozen=True)
class _Alignment:
    """One way to match the trains: pairs of indices, the fit's residual, the shift it implies."""

    pairs: Pairs
    sd_s: float
    middle_s: float

    @property
    def count(self) -> int:
        return int(self.pairs[0].size)


def match_pulses(
    from_s: ArrayLike,
    to_s: ArrayLike,
    *,
    tolerance_s: float = 0.02,
    start_s: tuple[float, float] | None = None,
    piecewise: bool = False,
) -> ClockMap:
    """Match two pulse trains of which some pulses may be missing or doubled, then fit the clock.

    Parameters
    ----------
    from_s, to_s : array of shape (n,) and (m,)
        Pulse times on both clocks, seconds.
    tolerance_s : float
        How far apart matched pulses may lie after the fit. 20 ms: one frame at 50 fps. At most a
        quarter of the usual interval is used.
    start_s : (float, float), optional
        One moment on both clocks, e.g. the pulse that is surely the same one. Needed where the trains
        are regular and their counts differ.
    piecewise : bool
        Interpolate between the pulses instead of using the line (for clocks that wander).

    Returns
    -------
    ClockMap
        From the first clock to the second.

    Raises
    ------
    DataError
        When fewer than half of the shorter train can be matched, or when several alignments fit
        about as well.

    Notes
    -----
    Regular trains of which no more than one pulse in a hundred is lost, and which span the same number
    of intervals, match first to first and last to last.

    Examples
    --------
    >>> import numpy as np
    >>> camera = np.array([0.0, 2.0, 7.0, 8.5, 14.0, 15.0, 21.0])
    >>> clock = match_pulses(camera, 100 + np.delete(camera, 3))
    >>> round(float(clock(8.5)), 6)
    108.5
    """
    x, y = np.asarray(from_s, np.float64).ravel(), np.asarray(to_s, np.float64).ravel()
    faults = Faults("clock pulses")
    for name, t in (("first clock", x), ("second clock", y)):
        check_time(t, faults, name)
    faults.raise_if_any()
    if min(x.size, y.size) < 2:
        fail("clock pulses", "too few pulses", expected="at least 2 on each clock", got=f"{x.size}, {y.size}")
    u, v = _without_doubles(x), _without_doubles(y)
    tolerance = min(tolerance_s, 0.25 * float(np.median(np.diff(u))), 0.25 * float(np.median(np.diff(v))))
    chosen = _aligned(u, v, tolerance, start_s)
    if chosen.count < max(2, min(u.size, v.size) / 2):
        fail(
            "clock pulses",
            "the two pulse trains do not match",
            expected=f"at least half of {min(x.size, y.size)} pulses within {tolerance:.3g} s",
            got=f"{chosen.count}",
            todo="check that both files hold the same pulses, and the edge (rising or falling)",
        )
    i, j = chosen.pairs
    return fit_clock(u[i], v[j], piecewise=piecewise)


def _aligned(u: Floats, v: Floats, tolerance: float, start_s: tuple[float, float] | None) -> _Alignment:
    """Match by a given start, by count and gaps where both trains are regular, else by their intervals."""
    if start_s is not None:
        return _from_start(u, v, start_s, tolerance)
    if _is_regular(u) and _is_regular(v) and _same_period(u, v):
        return _match_regular(u, v)
    return _match_irregular(u, v, tolerance)


def _without_doubles(t: Floats) -> Floats:
    """Drop a pulse that follows another at once: a contact that bounced, an edge counted twice."""
    step = np.diff(t)
    return t[np.append(True, step > min(0.05, 0.25 * float(np.median(step))))]


# ---- regular trains ------------------------------------------------------------------------------


def _places(t: Floats) -> NDArray[np.int64]:
    """Number of each pulse of a regular train, counting those that were lost."""
    step = np.diff(t)
    return np.append(0, np.cumsum(np.round(step / np.median(step)).astype(np.int64)))


def _is_regular(t: Floats) -> bool:
    """True when nearly all intervals are one period, and the others whole multiples of it."""
    ratio = np.diff(t) / np.median(np.diff(t))
    whole = np.abs(ratio - np.round(ratio)) < 0.2
    return bool(t.size > 2 and whole.mean() > 0.95 and (np.round(ratio) == 1).mean() > 0.6)


def _same_period(u: Floats, v: Floats) -> bool:
    """True when both clocks see one period."""
    a, b = ((t[-1] - t[0]) / _places(t)[-1] for t in (u, v))
    return bool(abs(a / b - 1) < 0.01)


def _match_regular(u: Floats, v: Floats) -> _Alignment:
    """Match two regular trains by count and gaps; where these leave a choice, by their common jitter."""
    a, b = _places(u), _places(v)
    slots = int(max(a[-1], b[-1])) + 1
    lost = (a[-1] + 1 - a.size + b[-1] + 1 - b.size) / (a[-1] + b[-1] + 2)
    if a[-1] == b[-1] and lost <= _TRUSTED_LOSS:
        return _shifted(u, v, a, b, 0)
    # Pulses left without a partner at each shift; alignments that leave about as few are rivals.
    shifts = np.arange(-(slots - 1), slots)
    one, two = np.zeros(slots), np.zeros(slots)
    one[a], two[b] = 1, 1
    n = 2 ** int(np.ceil(np.log2(2 * slots)))
    both = np.fft.irfft(np.fft.rfft(two, n) * np.conj(np.fft.rfft(one, n)), n)
    shared = np.round(both[shifts % n]).astype(int)
    enough = shared >= 0.5 * min(a.size, b.size)
    if not enough.any():
        _ambiguous(u, v, "no shift lets half of the pulses meet")
    rivals = shifts[enough & (shared >= shared.max() - 4 - 0.1 * min(a.size, b.size))]
    if rivals.size == 1:
        return _shifted(u, v, a, b, int(rivals[0]))
    fits = sorted((_shifted(u, v, a, b, int(s)) for s in rivals[:2000]), key=lambda f: f.sd_s)
    # Pulses that jitter do so on both clocks: only the right shift explains it.
    explained = fits[1].sd_s > max(2 * fits[0].sd_s, _ROUNDING_S)
    if rivals.size > 2000 or fits[0].count < 20 or not explained:
        _ambiguous(u, v, f"{rivals.size} shifts fit about as well")
    return fits[0]


def _shifted(u: Floats, v: Floats, a: NDArray[np.int64], b: NDArray[np.int64], shift: int) -> _Alignment:
    """Alignment of regular trains in which place k of the first is place ``k + shift`` of the second."""
    _, i, j = np.intersect1d(a + shift, b, assume_unique=True, return_indices=True)
    return _fitted(u, v, (i.astype(np.int64), j.astype(np.int64)))


# ---- irregular trains ----------------------------------------------------------------------------


def _match_irregular(u: Floats, v: Floats, tolerance: float) -> _Alignment:
    """Match by the pattern of intervals around some pulses of the shorter train."""
    swapped = u.size > v.size
    x, y = (v, u) if swapped else (u, v)
    fits: list[_Alignment] = []
    starts = {(0, 0), (x.size - 1, y.size - 1)}
    for anchor in np.unique(np.linspace(0, x.size - 1, _ANCHORS).round().astype(int)):
        starts |= {(int(anchor), int(j)) for j in _likely(x, y, int(anchor), tolerance)}
    for i, j in sorted(starts):
        fit = _grow(x, y, i, j, tolerance)
        if not any(abs(fit.middle_s - other.middle_s) < tolerance and fit.count <= other.count for other in fits):
            fits.append(fit)
    fits.sort(key=lambda f: -f.count)
    best = fits[0]
    second = max((f.count for f in fits[1:] if abs(f.middle_s - best.middle_s) >= tolerance), default=0)
    complete = best.count == x.size == y.size and second < best.count
    if best.count >= max(2, x.size / 2) and second > 0.6 * best.count and not complete:
        _ambiguous(u, v, f"alignments of {best.count} and of {second} pulses fit")
    return _Alignment((best.pairs[1], best.pairs[0]), best.sd_s, best.middle_s) if swapped else best


def _likely(x: Floats, y: Floats, anchor: int, tolerance: float, keep: int = 5) -> NDArray[np.int64]:
    """Pulses of `y` that may be pulse `anchor` of `x`: those whose neighbourhoods agree best."""
    low, high = max(0, anchor - _WINDOW), min(x.size, anchor + _WINDOW + 1)
    relative = x[low:high] - x[anchor]
    query = y[:, None] + relative[None, :]
    distance = np.abs(y[nearest_sample(y, query.ravel())].reshape(query.shape) - query)
    meet = distance < tolerance + 1e-6 * MAX_PPM * np.abs(relative)
    score = meet.sum(axis=1) - np.where(meet, distance, 0).sum(axis=1) / (tolerance * 10 * relative.size + 1)
    return np.argsort(-score, kind="stable")[:keep]


def _grow(x: Floats, y: Floats, i: int, j: int, tolerance: float) -> _Alignment:
    """Follow the alignment that begins with pulse `i` = pulse `j`, wider and wider, drift and all."""
    slope, x0, y0, width = 1.0, x[i], y[j], _WINDOW
    while True:
        low, high = max(0, i - width), min(x.size, i + width + 1)
        # Before two windows are fitted the drift is unknown, and adds to the tolerance.
        slack = tolerance + (1e-6 * MAX_PPM * np.abs(x[low:high] - x0) if width == _WINDOW else 0.0)
        pairs = _meeting(x[low:high], y, slope, x0, y0, slack)
        pairs = (pairs[0] + low, pairs[1])
        if pairs[0].size >= 3:
            slope, (x0, y0) = line_through(x[pairs[0]], y[pairs[1]])
            slope = float(np.clip(slope, 1 - 1e-6 * MAX_PPM, 1 + 1e-6 * MAX_PPM))
        if high - low == x.size and width > 2 * _WINDOW:
            break
        width *= 2
    for _ in range(3):
        pairs = _meeting(x, y, slope, x0, y0, tolerance)
        if pairs[0].size < 3:
            break
        slope, (x0, y0) = line_through(x[pairs[0]], y[pairs[1]])
        if abs(slope - 1) > 1e-6 * MAX_PPM:
            return _Alignment((pairs[0][:0], pairs[1][:0]), np.inf, np.inf)
    middle = 0.5 * (x[0] + x[-1])
    fit = _fitted(x, y, pairs)
    return _Alignment(fit.pairs, fit.sd_s, float(y0 - middle + slope * (middle - x0)))


def _meeting(x: Floats, y: Floats, slope: float, x0: float, y0: float, slack: float | Floats) -> Pairs:
    """Pairs of pulses that meet under a line, each pulse at most once: the nearer one wins."""
    mapped = y0 + slope * (x - x0)
    j = nearest_sample(y, mapped)
    distance = np.abs(y[j] - mapped)
    i = np.flatnonzero(distance < slack)
    i = i[np.argsort(distance[i], kind="stable")]
    i = np.sort(i[np.unique(j[i], return_index=True)[1]])
    return i.astype(np.int64), j[i]


def _fitted(x: Floats, y: Floats, pairs: Pairs) -> _Alignment:
    a, b = x[pairs[0]], y[pairs[1]]
    if a.size < 2:
        return _Alignment(pairs, np.inf, np.inf)
    slope, (x0, y0) = line_through(a, b)
    sd = float(((b - y0) - slope * (a - x0)).std())
    return _Alignment(pairs, sd, float(y0 - x0))


def _from_start(u: Floats, v: Floats, start_s: tuple[float, float], tolerance: float) -> _Alignment:
    """Follow the alignment that a known moment on both clocks fixes."""
    x, y = u - start_s[0], v - start_s[1]
    i = int(np.argmin(np.abs(x)))
    j = int(nearest_sample(y, x[[i]])[0])
    return _grow(u, v, i, j, tolerance)


def _ambiguous(u: Floats, v: Floats, why: str) -> None:
    fail(
        "clock pulses",
        "the pulse trains do not tell which pulse is which",
        expected="irregular pulses, or regular ones with none missing at either end",
        got=f"{u.size} and {v.size} pulses; {why}",
        todo="give one moment on both clocks: start_s=(first clock, second clock); or send irregular pulses",
    )
