"""Values go from one clock to another: the sample that holds a moment, a straight line, an integral.

Every function works on times in seconds, never on the ratio of sample counts, and takes Unix times as well
as times from zero. `murid.data.clock` says what a clock is; `murid.data.meet` which nouns meet on one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import GAP_FACTOR, Floats, local_step, nearest_sample, sample_edges, sample_stops

Index = NDArray[np.int64]


def _hair(time_s: Floats) -> float:
    """Differences of time (s) that are rounding of the stamps: a millionth of a step, or what doubles can hold."""
    if time_s.size < 2:
        return 0.0
    return max(1e-6 * float(np.median(np.diff(time_s[:22]))), 4 * float(np.spacing(np.abs(time_s).max())))


def neighbours(time_s: ArrayLike, query_s: ArrayLike) -> tuple[Index, Index, Floats]:
    """Return the samples before and after each query, and how far it lies between them.

    Parameters
    ----------
    time_s : array of shape (time,)
        Increasing clock, seconds.
    query_s : array of any shape
        Seconds.

    Returns
    -------
    before, after : int arrays
        Neighbouring samples.
    share : array
        0 at `before`, 1 at `after`; queries beyond the ends lie on the first or last sample.

    Examples
    --------
    >>> [v.tolist() for v in neighbours([0.0, 1.0, 3.0], [0.5, 1.0, 9.0])]
    [[0, 0, 1], [1, 1, 2], [0.5, 1.0, 1.0]]
    """
    t, query = np.asarray(time_s, np.float64), np.asarray(query_s, np.float64)
    if t.size < 2:
        return np.zeros(query.shape, np.int64), np.zeros(query.shape, np.int64), np.zeros(query.shape)
    after = np.clip(np.searchsorted(t, query), 1, t.size - 1)
    before = after - 1
    hair = _hair(t)
    share = np.clip((query - t[before]) / (t[after] - t[before]), 0.0, 1.0)
    # A sample's own time is that sample, whatever the stamps were rounded to.
    share = np.where(query <= t[before] + hair, 0.0, np.where(query >= t[after] - hair, 1.0, share))
    return before, after, share


def straight_line(values: ArrayLike, time_s: ArrayLike, query_s: ArrayLike, *, longest_s: ArrayLike = np.inf) -> Floats:
    """Return values at other times, along a straight line between the two samples around each.

    Parameters
    ----------
    values : array of shape (time, ...)
        Beyond the ends the first and last sample count.
    time_s : array of shape (time,)
        Their clock, seconds.
    query_s : array of any shape
        Seconds.
    longest_s : float or array like `query_s`
        Between samples further apart the result is missing.

    Returns
    -------
    array of shape (query, ...)
        NaN where a sample that is needed is missing; a query at a sample's own time needs no neighbour.
    """
    values = np.asarray(values, np.float64)
    before, after, share = neighbours(time_s, query_s)
    t = np.asarray(time_s, np.float64)
    wide = (t[after] - t[before] > np.asarray(longest_s)) & (share > 0) & (share < 1)
    weight = np.where(wide, np.nan, share).reshape(*share.shape, *[1] * (values.ndim - 1))
    # A sample that does not count must not make the sum NaN.
    low, high = np.where(weight == 1, 0.0, values[before]), np.where(weight == 0, 0.0, values[after])
    return np.asarray((1 - weight) * low + weight * high)


def exposure(time_s: ArrayLike) -> tuple[Floats, Floats]:
    """Return start and stop (s) of the interval that each sample of a signal stands for: centred on its time.

    Samples touch their neighbours (midpoint), except across a gap of dropped samples: no sample
    reaches further than 3/4 of a local step from its own time, so no sample covers a gap.
    """
    t = np.asarray(time_s, np.float64)
    edges = sample_edges(t)
    # 1.5 steps is the usual sign of a dropped sample (data.clock.find_dropped).
    reach = 0.5 * GAP_FACTOR * step_at(t)
    return np.maximum(edges[:-1], t - reach), np.minimum(edges[1:], t + reach)


def step_at(time_s: ArrayLike) -> Floats:
    """Return the usual step (s) around each sample: a clock need not keep one rate. 1 s for a single sample."""
    t = np.asarray(time_s, np.float64)
    if t.size < 2:
        return np.ones(t.size)
    local = local_step(t)
    return np.maximum(np.append(local, local[-1]), np.append(local[0], local))


def uncovered(time_s: ArrayLike, query_s: ArrayLike) -> NDArray[np.bool_]:
    """Whether each query lies in a gap of a signal's clock or beyond its ends: further than 3/4 of a step from any."""
    t, query = np.asarray(time_s, np.float64), np.asarray(query_s, np.float64)
    near = nearest_sample(t, query)
    far: NDArray[np.bool_] = np.abs(t[near] - query) > 0.5 * GAP_FACTOR * step_at(t)[near] + _hair(t)
    return far


def integrals(values: ArrayLike, spans: tuple[Floats, Floats], start_s: ArrayLike, stop_s: ArrayLike) -> Floats:
    """Integrate step-wise signals over intervals.

    Parameters
    ----------
    values : array of shape (time, column)
        Value of each sample, held over its span.
    spans : (start, stop), arrays of shape (time,)
        What each sample stands for, s: its `exposure`, or ``(time, sample_stops(time))``.
    start_s, stop_s : array of shape (interval,)
        Intervals, s.

    Returns
    -------
    array of shape (interval, column)
        Integral of value × seconds over each interval.

    Examples
    --------
    >>> integrals([[2.0], [4.0]], (np.array([0.0, 1.0]), np.array([1.0, 2.0])), [0.5], [1.5]).tolist()
    [[3.0]]
    """
    values, begin, end = (np.asarray(v, np.float64) for v in (values, start_s, stop_s))
    # From the first sample on: sums of Unix times would lose digits.
    zero = float(spans[0][0]) if len(values) else 0.0
    start, stop, begin, end = spans[0] - zero, spans[1] - zero, begin - zero, end - zero
    # The integral from the beginning is piecewise linear, so interpolating *it* is exact.
    knots = np.column_stack([start, stop]).ravel()
    steps = values * (stop - start)[:, None]
    total = np.zeros((2 * len(values), values.shape[1]))
    total[1::2] = np.cumsum(steps, axis=0)
    total[2::2] = total[1:-1:2]
    out = np.empty((begin.size, values.shape[1]))
    for column in range(values.shape[1]):
        out[:, column] = np.interp(end, knots, total[:, column]) - np.interp(begin, knots, total[:, column])
    return out


def sample_at(time_s: ArrayLike, query_s: ArrayLike) -> Index:
    """Return the sample whose own span holds each query, −1 before the start, in a pause and after the end.

    Examples
    --------
    >>> sample_at([0.0, 0.1, 0.2, 5.0, 5.1], [0.15, 0.2, 3.0, 5.05, 9.0]).tolist()
    [1, 2, -1, 3, -1]
    """
    t, query = np.asarray(time_s, np.float64), np.asarray(query_s, np.float64)
    if not t.size:
        return np.full(query.shape, -1, np.int64)
    late = query + _hair(t)
    index = np.clip(np.searchsorted(t, late, side="right") - 1, 0, t.size - 1)
    return np.where((late >= t[index]) & (query < sample_stops(t)[index] - _hair(t)), index, -1).astype(np.int64)


def samples_between(time_s: ArrayLike, start_s: float, stop_s: float) -> slice:
    """Return the samples of ``[start_s, stop_s)``, by the time of each sample.

    Examples
    --------
    >>> samples_between([0.0, 0.1, 0.2, 0.3], 0.1, 0.3)
    slice(1, 3, None)
    """
    t = np.asarray(time_s, np.float64)
    a, b = np.searchsorted(t, np.array([start_s, stop_s]) - _hair(t))
    return slice(int(a), int(b))


def samples_within(time_s: ArrayLike, first_s: ArrayLike, last_s: ArrayLike) -> tuple[Index, Index]:
    """Return the first sample of each interval ``[first_s, last_s]``, and the one after its last.

    Both ends belong to the interval: a sample whose stamp was rounded past an end counts.

    Examples
    --------
    >>> [v.tolist() for v in samples_within([0.0, 0.1, 0.2, 0.3], [0.0, 0.1], [0.1, 0.3])]
    [[0, 1], [2, 4]]
    """
    t = np.asarray(time_s, np.float64)
    first, last = np.asarray(first_s, np.float64) - _hair(t), np.asarray(last_s, np.float64) + _hair(t)
    return np.searchsorted(t, first), np.searchsorted(t, last, side="right")


def same_moments(one_s: ArrayLike, two_s: ArrayLike) -> tuple[Index, Index]:
    """Return the samples of two clocks that show the same moment, within a tenth of the shorter step.

    Examples
    --------
    >>> [v.tolist() for v in same_moments([0.0, 0.1, 0.2], [0.1, 0.15, 0.2])]
    [[1, 2], [0, 2]]
    """
    one, two = np.asarray(one_s, np.float64), np.asarray(two_s, np.float64)
    if not (one.size and two.size):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    near = nearest_sample(two, one)
    steps = [float(np.median(np.diff(t))) for t in (one, two) if t.size > 1]
    same = np.abs(two[near] - one) <= 0.1 * min(steps, default=0.0) + 4 * np.spacing(np.abs(one).max())
    return np.flatnonzero(same), near[same]


def since_and_until(events_s: ArrayLike, time_s: ArrayLike) -> tuple[Floats, Floats]:
    """Return the time (s) since the last event and until the next one; infinite where there is none.

    An event at the moment itself is both 0 s ago and 0 s ahead.

    Examples
    --------
    >>> [v.tolist() for v in since_and_until([1.0, 4.0], [0.0, 1.0, 3.0])]
    [[inf, 0.0, 2.0], [1.0, 0.0, 1.0]]
    """
    events, t = np.sort(np.asarray(events_s, np.float64)), np.asarray(time_s, np.float64)
    padded = np.concatenate([[-np.inf], events, [np.inf]])
    since = t - padded[np.searchsorted(events, t, side="right")]
    return since, padded[1:][np.searchsorted(events, t, side="left")] - t


def counts_between(events_s: ArrayLike, edges_s: ArrayLike) -> Index:
    """Return the number of events (spikes) in each half-open interval between neighbouring edges.

    Parameters
    ----------
    events_s : array of shape (event,)
        Sorted, seconds.
    edges_s : array of shape (..., edge)
        Seconds; counting below each edge gives half-open bins exactly, whatever the edges round to.
    """
    edges = np.asarray(edges_s, np.float64)
    edges = edges - np.maximum(1e-9, 2 * np.spacing(np.abs(edges)))
    below = np.searchsorted(np.asarray(events_s, np.float64), edges.ravel()).reshape(edges.shape)
    return np.diff(below, axis=-1).astype(np.int64)
