"""Behaviour and neural activity meet on one clock.

States go onto the neural clock as the share of each neural sample's exposure, or its majority;
labels are never interpolated. Traces go onto the behaviour clock by mean in bin, nearest sample
or straight line. Everything works on times in seconds, never on the ratio of sample counts.
"""

from __future__ import annotations

from typing import Literal, NoReturn

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import nearest_sample, sample_stops
from murid.data.errors import fail
from murid.data.labels import Labels
from murid.data.meet.names import column_of
from murid.data.resample import Floats, exposure, integrals, sample_at, step_at, straight_line
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel, make_states, to_multilabel
from murid.data.traces import Spikes

TraceRule = Literal["mean", "nearest", "linear"]
#: Bin for spike times, s, where the analysis has no own: a tenth of a second holds some spikes and follows behaviour.
BIN_S = 0.1


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


def lasting_to_end(signal: object, time_s: Floats, what: str) -> object:
    """Return spikes of unknown end as lasting to the end of a clock (s) beside them; any other signal as it is."""
    if isinstance(signal, Spikes) and not signal.end_known and time_s.size:
        return signal.lasting_to(float(sample_stops(time_s)[-1]), what)
    return signal


def as_states(states: object, subject: str) -> xr.DataArray:
    """Return behaviour as States: labels are sampled at their own rate (10 Hz where they have none)."""
    if isinstance(states, Labels):
        return states.to_states(states.clock())
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


def traces_and_states(
    signal: object,
    states: object,
    *,
    individual: str | None = None,
    bin_s: float = BIN_S,
    min_labelled: float = 0.5,
    cut: bool = False,
    subject: str = "traces and states",
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return a signal and what one animal did, sample by sample on the clock of the signal.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
        On the recording's time base, s; spikes are counted in bins of `bin_s`.
    states : DataArray (time, individual[, behaviour]) or Labels
        On any clock in the same seconds; labels are sampled at their own rate.
    individual : str, optional
        Whose states; may be left out where there is one animal.
    bin_s : float
        Seconds.
    min_labelled : float
        A sample of which less than this share is labelled is unlabelled. 0.5: labelled for the better part.
    cut : bool
        Leave out the signal before the first and after the last sample of the states.
    subject : str
        Who asks, for errors.

    Returns
    -------
    traces : DataArray (time, unit)
    states : DataArray (time, individual[, behaviour])
        Of one individual, on the same clock; −1 where nobody watched: before, after and in pauses of the labels.

    Raises
    ------
    DataError
        The wrong form, several animals and none named, clocks that do not overlap.

    Examples
    --------
    >>> from murid.data.traces import make_traces
    >>> states = make_states([0] * 15 + [1] * 15, 10 + np.arange(30) / 30, ["rest", "rear"])
    >>> traces, on_clock = traces_and_states(make_traces(np.arange(8), time_s=9.7 + np.arange(8) / 5), states)
    >>> on_clock.values[:, 0].tolist()
    [-1, -1, 0, 0, 1, 1, 1, -1]
    """
    behaviour = as_states(states, subject)
    behaviour = behaviour[:, [column_of(behaviour, individual, subject)]]
    traces = as_traces(lasting_to_end(signal, behaviour["time"].values, "behaviour"), bin_s, subject)
    time, own = traces["time"].values, behaviour["time"].values
    if not own.size or time[-1] < own[0] or time[0] >= sample_stops(own)[-1]:
        _apart(subject, "the signal", time, own)
    if cut:
        inside = (time >= own[0]) & (time <= own[-1])
        if inside.sum() < 2:
            _apart(subject, "the signal", time, own)
        traces, time = traces[inside], time[inside]
    return traces, states_on(behaviour, time, min_labelled=min_labelled)


def signal_on(
    signal: object, time_s: ArrayLike, *, bin_s: float = BIN_S, subject: str = "traces"
) -> tuple[xr.DataArray, NDArray[np.bool_]]:
    """Return a signal on the clock of what it is compared with, by mean in bin; see `traces_on`.

    Raises
    ------
    DataError
        The wrong form, or clocks that do not overlap.
    """
    target = np.asarray(time_s, np.float64)
    traces = as_traces(lasting_to_end(signal, target, "what they are compared with"), bin_s, subject)
    moved, valid = traces_on(traces, target)
    if not valid.any():
        _apart(subject, "the signal", traces["time"].values, target)
    return moved, valid


def _apart(subject: str, what: str, time_s: Floats, other_s: Floats) -> NoReturn:
    fail(
        subject,
        f"{what} and what it is compared with do not overlap in time",
        expected=f"{what} within {other_s[0]:.1f}-{other_s[-1]:.1f} s" if other_s.size else "samples",
        got=f"{time_s[0]:.1f}-{time_s[-1]:.1f} s",
        todo="map the neural clock onto the recording's time base (Recording.map_clock)",
    )


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
    seconds_in = integrals(flat == 1, spans, start, stop)
    seconds_labelled = integrals(flat != UNLABELLED, spans, start, stop)
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
    # Rounding of times makes neither side of a half: the first sample of labels that begin with the signal is one.
    known = labelled.values >= min_labelled - 1e-6
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
    index = sample_at(dense["time"].values, time_s)
    values = dense.values[index].astype(np.float64)
    values = np.where(values == UNLABELLED, 0.0, 2.0 * values - 1.0)
    return np.asarray(np.where((index >= 0)[:, None, None], values, 0.0), np.float64)


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
    near = nearest_sample(source, target)
    gap = 1.5 * step_at(source)[near] if max_gap_s is None else np.full(target.size, max_gap_s)
    far = np.abs(source[near] - target) > gap
    if how == "mean":
        moved = _mean_in_bin(values, source, target)
    elif how == "nearest":
        moved = values[near]
    else:
        moved = straight_line(values, source, target, longest_s=2 * gap)
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
    seconds = integrals(finite, exposure(source), start, stop)
    total = integrals(np.where(finite, values, 0.0), exposure(source), start, stop)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(seconds > 1e-9, total / seconds, np.nan)
