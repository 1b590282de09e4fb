"""Behaviour and neural activity on one clock.

States go onto the neural clock as the share of each neural sample's exposure, or its majority;
labels are never interpolated. Traces go onto the behaviour clock by mean in bin, nearest sample
or straight line. Everything works on times in seconds, never on the ratio of sample counts.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import nearest_sample, rate_of, sample_edges, sample_stops
from murid.data.errors import fail
from murid.data.labels import Labels
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel, make_states, to_multilabel
from murid.data.traces import Spikes

Floats = NDArray[np.float64]
TraceRule = Literal["mean", "nearest", "linear"]


def as_traces(signal: object, bin_s: float, subject: str) -> xr.DataArray:
    """Return a signal as traces (time, unit): spikes are binned at `bin_s`, anything else is an error of `subject`."""
    if isinstance(signal, Spikes):
        return signal.binned(bin_s)
    if isinstance(signal, xr.DataArray) and signal.dims == ("time", "unit"):
        return signal
    got = str(signal.dims) if isinstance(signal, xr.DataArray) else type(signal).__name__
    fail(
        subject,
        "the neural signal has the wrong form",
        expected="Spikes, or traces (time, unit)",
        got=got,
        todo="build it: murid.make_traces(values, rate_hz=...) or murid.Spikes({unit: times})",
    )


def as_states(states: object, subject: str) -> xr.DataArray:
    """Return behaviour as States: labels are sampled at their own rate (10 Hz where they have none)."""
    if isinstance(states, Labels):
        start = float(states.scored["start_s"].min()) if len(states.scored) else 0.0
        rate = states.fps if np.isfinite(states.fps) else 10.0
        return states.to_states(np.arange(start, states.stop_s, 1.0 / rate))
    if isinstance(states, xr.DataArray) and states.dims[:2] == ("time", "individual"):
        return states
    got = str(states.dims) if isinstance(states, xr.DataArray) else type(states).__name__
    fail(
        subject,
        "behaviour has the wrong form",
        expected="States (time, individual[, behaviour]) or Labels",
        got=got,
        todo="a bout table becomes Labels with murid.Labels.from_bouts(bouts), codes become States with make_states",
    )


def exposure(time_s: ArrayLike) -> tuple[Floats, Floats]:
    """Return start and stop (s) of the interval that each sample stands for.

    Samples touch their neighbours (midpoint), except across a gap of dropped samples: no sample
    reaches further than 3/4 of a median step from its own time, so no sample covers a gap.
    """
    t = np.asarray(time_s, np.float64)
    edges = sample_edges(t)
    half = 0.5 / rate_of(t) if t.size > 1 else 0.5
    # 1.5 median steps is the usual sign of a dropped sample (data.clock.find_dropped).
    return np.maximum(edges[:-1], t - 1.5 * half), np.minimum(edges[1:], t + 1.5 * half)


def overlap_sums(
    values: ArrayLike,
    from_s: ArrayLike,
    start_s: ArrayLike,
    stop_s: ArrayLike,
    spans: tuple[Floats, Floats] | None = None,
) -> Floats:
    """Integrate step-wise signals over intervals.

    Parameters
    ----------
    values : array of shape (time, column)
        Value of each sample, held over its exposure.
    from_s : array of shape (time,)
        Clock of `values`, s.
    start_s, stop_s : array of shape (interval,)
        Intervals, s.
    spans : (start, stop), optional
        What each sample of `values` stands for, s; its `exposure` by default.

    Returns
    -------
    array of shape (interval, column)
        Integral of value × seconds over each interval.
    """
    values, begin, end = (np.asarray(v, np.float64) for v in (values, start_s, stop_s))
    start, stop = exposure(from_s) if spans is None else spans
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


def state_fractions(states: xr.DataArray, time_s: ArrayLike) -> tuple[xr.DataArray, xr.DataArray]:
    """Return which share of each sample's exposure is spent in each behaviour.

    Parameters
    ----------
    states : DataArray
        Exclusive or multi-label states on their own clock.
    time_s : array of shape (time,)
        The clock to go to, s.

    Returns
    -------
    fraction : DataArray (time, individual, behaviour)
        Share of the *labelled* exposure spent in the behaviour, 0..1; NaN where nothing is labelled.
    labelled : DataArray (time, individual, behaviour)
        Share of the whole exposure that is labelled, 0..1: the valid mask is ``labelled >= 0.5``.

    Examples
    --------
    >>> import murid
    >>> from murid.neural import state_fractions
    >>> states = murid.make_states([0, 0, 1, 1], [0.0, 0.25, 0.5, 0.75], ["rest", "rear"])
    >>> fraction, labelled = state_fractions(states, [0.25, 0.75])
    >>> fraction.values[:, 0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    dense = to_multilabel(states)
    n_time, n_ind, n_beh = dense.shape
    target = np.asarray(time_s, np.float64)
    start, stop = exposure(target)
    flat = dense.values.reshape(n_time, n_ind * n_beh)
    from_s = np.asarray(dense["time"].values, np.float64)
    # A sample of behaviour stands for [t, next t), as in bouts and labels; only signals are centred on their time.
    spans = (from_s, sample_stops(from_s))
    seconds_in = overlap_sums(flat == 1, from_s, start, stop, spans)
    seconds_labelled = overlap_sums(flat != UNLABELLED, from_s, start, stop, spans)
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = np.where(seconds_labelled > 1e-9, seconds_in / seconds_labelled, np.nan)
    shape = (target.size, n_ind, n_beh)
    coords = {"time": target, "individual": dense["individual"], "behaviour": dense["behaviour"]}
    share = seconds_labelled / (stop - start)[:, None]
    arrays = [
        xr.DataArray(np.clip(v, 0.0, 1.0).reshape(shape), dims=dense.dims, coords=coords, name=name)
        for v, name in ((fraction, "fraction"), (share, "labelled"))
    ]
    return arrays[0], arrays[1]


def states_on(states: xr.DataArray, time_s: ArrayLike, *, min_labelled: float = 0.5) -> xr.DataArray:
    """Put states on another clock by majority of exposure; the form (exclusive or not) is kept.

    Parameters
    ----------
    states : DataArray
        States on the behaviour clock.
    time_s : array of shape (time,)
        The neural clock, s, already on the recording's time base.
    min_labelled : float
        A sample of which less than this share is labelled becomes −1 (unlabelled). 0.5: labelled
        for the better part.

    Notes
    -----
    Exclusive: the behaviour with the largest share. Multi-label: present when it fills at least half of the
    labelled exposure. At a tie the state at the sample's own time decides. A neural sample that covers no
    behaviour sample, because the clock is faster, takes the state it lies in.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import states_on
    >>> states = murid.make_states([0] * 15 + [1] * 15, np.arange(30) / 30, ["rest", "rear"])
    >>> states_on(states, [0.2, 0.4, 0.6, 0.8]).values[:, 0].tolist()
    [0, 0, 1, 1]
    """
    target = np.asarray(time_s, np.float64)
    names, individuals = behaviour_names(states), states["individual"].values
    if np.array_equal(target, states["time"].values):
        return states
    fraction, labelled = state_fractions(states, target)
    known = labelled.values >= min_labelled
    # Two clocks of one rate meet half and half at every change: the state at the sample's own time decides.
    share = np.nan_to_num(fraction.values) + 1e-6 * _at(states, target)
    if is_multilabel(states):
        values = np.where(known, share >= 0.5, UNLABELLED)
    else:
        best = share.argmax(axis=-1)
        values = np.where(known.all(axis=-1), best, UNLABELLED)
    return make_states(values, target, names, [str(i) for i in individuals], source=states.attrs.get("source", ""))


def _at(states: xr.DataArray, time_s: Floats) -> Floats:
    """1 where a behaviour is present at the time itself, −1 where it is absent, 0 unlabelled or not covered."""
    dense = to_multilabel(states)
    own = np.asarray(dense["time"].values, np.float64)
    stops = sample_stops(own)
    hair = 1e-6 * float(np.median(stops - own)) if own.size > 1 else 0.0
    index = np.clip(np.searchsorted(own, time_s + hair, side="right") - 1, 0, own.size - 1)
    covered = (time_s + hair >= own[index]) & (time_s < stops[index])
    values = dense.values[index].astype(np.float64)
    values = np.where(values == UNLABELLED, 0.0, 2.0 * values - 1.0)
    return np.asarray(np.where(covered[:, None, None], values, 0.0), np.float64)


def traces_on(
    traces: xr.DataArray, time_s: ArrayLike, *, how: TraceRule = "mean", max_gap_s: float | None = None
) -> tuple[xr.DataArray, NDArray[np.bool_]]:
    """Put traces on another clock.

    Parameters
    ----------
    traces : DataArray (time, unit)
        Signal on its own clock; NaN = missing.
    time_s : array of shape (time,)
        The clock to go to, s.
    how : {"mean", "nearest", "linear"}
        Exposure-weighted mean in each target sample (default: no aliasing when the target clock
        is slower), the nearest sample, or a straight line between neighbours.
    max_gap_s : float, optional
        Beyond this distance from a source sample the result is missing. 1.5 source steps by default.

    Returns
    -------
    moved : DataArray (time, unit)
    valid : bool array of shape (time,)
        Where at least one unit has a value.

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import traces_on
    >>> moved, valid = traces_on(murid.make_traces(np.arange(10), rate_hz=10), [0.2, 0.5, 7.0], how="nearest")
    >>> moved.values[:, 0].tolist(), valid.tolist()
    ([2.0, 5.0, nan], [True, True, False])
    """
    if how not in ("mean", "nearest", "linear"):
        fail("traces_on", "unknown rule", expected="mean, nearest or linear", got=repr(how))
    target = np.asarray(time_s, np.float64)
    source = traces["time"].values.astype(np.float64)
    values = np.asarray(traces.values, np.float64)
    gap = 1.5 / rate_of(source) if max_gap_s is None else max_gap_s
    near = nearest_sample(source, target)
    far = np.abs(source[near] - target) > gap
    if how == "mean":
        moved = _mean_in_bin(values, source, target)
    elif how == "nearest":
        moved = values[near]
    else:
        moved = _straight_line(values, source, target, gap)
    moved[far] = np.nan
    out = xr.DataArray(
        moved.astype(np.float32),
        dims=("time", "unit"),
        coords={"time": target, "unit": traces["unit"].values},
        attrs={**traces.attrs, "resampled": how},
        name=traces.name,
    )
    return out, np.asarray(np.isfinite(moved).any(axis=1))


def _mean_in_bin(values: Floats, source: Floats, target: Floats) -> Floats:
    """Exposure-weighted mean of `values` (time, unit) in each target sample; NaN samples do not count."""
    start, stop = exposure(target)
    finite = np.isfinite(values)
    seconds = overlap_sums(finite, source, start, stop)
    total = overlap_sums(np.where(finite, values, 0.0), source, start, stop)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(seconds > 1e-9, total / seconds, np.nan)


def _straight_line(values: Floats, source: Floats, target: Floats, gap: float) -> Floats:
    """Interpolate along time; missing when either neighbour is missing or the gap is too long."""
    right = np.clip(np.searchsorted(source, target), 1, source.size - 1)
    left = right - 1
    width = source[right] - source[left]
    weight = np.clip((target - source[left]) / width, 0.0, 1.0)[:, None]
    line = np.where(
        weight == 0,
        values[left],
        np.where(weight == 1, values[right], (1 - weight) * values[left] + weight * values[right]),
    )
    hole = (width > 2 * gap) & (weight[:, 0] > 0) & (weight[:, 0] < 1)
    line[hole] = np.nan
    return line
