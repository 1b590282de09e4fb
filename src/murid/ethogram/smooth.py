"""Smoothing of states and probabilities, in seconds.

Every function returns a new array of the form it was given. Unlabelled samples (−1, NaN) stay so, and
nothing is smoothed across them or across dropped frames: "no prediction" is no evidence of absence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr

from murid.data.clock import even_parts, rate_of, samples_in, segments, spans
from murid.data.errors import fail
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel, make_states
from murid.ethogram import kernels
from murid.ethogram.bouts import runs_within

PerBehaviour = float | Mapping[str, float]


def majority(states: xr.DataArray, half_s: float) -> xr.DataArray:
    """Give each sample the most frequent state within ±`half_s` seconds.

    Ties keep the present state. DLCAnalyzer votes over ±10 frames at 25 fps: ``half_s=0.4``.
    """
    n_labels = 2 if is_multilabel(states) else len(behaviour_names(states))
    return _map_states(
        states,
        lambda x, _, track: kernels.majority_1d(x, n_samples(half_s, track.rate), n_labels),
        even_parts_of(states),
    )


def close_gaps(states: xr.DataArray, shorter_s: PerBehaviour) -> xr.DataArray:
    """Fill interruptions shorter than `shorter_s` seconds between two bouts of one behaviour.

    Multi-label: the gap becomes present. Exclusive: whatever interrupts takes the label around it.
    `shorter_s` may be a mapping behaviour → seconds for multi-label states.
    """
    target = 1 if is_multilabel(states) else -1
    return _map_states(
        states, lambda x, b, track: kernels.close_gaps_1d(x, track.ticks, track.shortest(_pick(shorter_s, b)), target)
    )


def min_bout(
    states: xr.DataArray,
    shortest_s: PerBehaviour,
    how: Literal["delete", "absorb"] = "delete",
    *,
    none: str | None = None,
) -> xr.DataArray:
    """Remove bouts shorter than `shortest_s` seconds.

    Parameters
    ----------
    states : DataArray (time, individual[, behaviour])
        States.
    shortest_s : float or mapping behaviour → float
        Shortest bout that stays, seconds.
    how : {"delete", "absorb"}
        "delete": a short bout becomes absent (multi-label), or `none` (exclusive); after `close_gaps`
        this is what SimBA does. "absorb": the shortest run, *absences included*, goes to its longer
        neighbour, again and again until all are long enough: JAABA's rule, and the one for exclusive
        states without a background class.
    none : str, optional
        Behaviour that takes the deleted bouts of exclusive states; without it they become −1.
    """
    if how == "absorb":
        return _map_states(
            states, lambda x, b, track: kernels.absorb_short_1d(x, track.ticks, track.shortest(_pick(shortest_s, b)))
        )
    if how != "delete":
        fail("min_bout", "how is not valid", expected="delete or absorb", got=repr(how))
    names = behaviour_names(states)
    if none is not None and none not in names:
        fail("min_bout", f"no behaviour '{none}'", expected=", ".join(names))
    keep = names.index(none) if none is not None and not is_multilabel(states) else None

    seconds = [_pick(shortest_s, name) for name in names]

    def delete(x: np.ndarray, behaviour: str | None, track: _Stretch) -> np.ndarray:
        shortest = np.array([track.shortest(s) for s in seconds])
        values, lengths, counts = kernels.run_lengths(x, track.ticks)
        if behaviour is not None:
            short, gone = (values == 1) & (lengths < shortest[names.index(behaviour)]), 0
        else:
            short, gone = lengths < shortest[values], UNLABELLED if keep is None else keep
        return np.repeat(np.where(short, gone, values), counts)

    return _map_states(states, delete)


def gaps_then_bouts(states: xr.DataArray, shortest_s: PerBehaviour) -> xr.DataArray:
    """SimBA's minimum bout: close gaps shorter than `shortest_s`, then delete bouts shorter than it."""
    return min_bout(close_gaps(states, shortest_s), shortest_s)


def hysteresis(probability: xr.DataArray, high: PerBehaviour = 0.6, low: PerBehaviour = 0.4) -> xr.DataArray:
    """Return multi-label states: a bout begins and ends at `low`, and exists when it reaches `high`.

    Parameters
    ----------
    probability : DataArray (time, individual, behaviour)
        Scores; NaN gives −1.
    high, low : float or mapping behaviour → float
        Thresholds, ``high >= low``. A single threshold is ``high == low``.
    """

    def one(x: np.ndarray, behaviour: str, _rate: float) -> np.ndarray:
        top, bottom = _pick(high, behaviour), _pick(low, behaviour)
        if top < bottom:
            fail("hysteresis", "high is below low", where=behaviour, expected=f">= {bottom}", got=str(top))
        return kernels.hysteresis_1d(x, top, bottom)

    return _map_probability(probability, one, UNLABELLED, as_states=True)


def moving_mean(probability: xr.DataArray, half_s: PerBehaviour) -> xr.DataArray:
    """Mean probability within ±`half_s` seconds, per behaviour when a mapping is given."""
    return _map_probability(
        probability, lambda x, b, rate: kernels.mean_1d(x, n_samples(_pick(half_s, b), rate)), np.nan
    )


def median(probability: xr.DataArray, half_s: PerBehaviour) -> xr.DataArray:
    """Median probability within ±`half_s` seconds; on multi-label states it is `majority`."""
    if probability.dtype.kind in "iub":
        if not is_multilabel(probability):
            fail("median", "exclusive states have no order", todo="use majority()")
        return majority(probability, _pick(half_s, None))
    from scipy.ndimage import median_filter

    def one(x: np.ndarray, behaviour: str, rate: float) -> np.ndarray:
        return median_filter(x, size=2 * n_samples(_pick(half_s, behaviour), rate) + 1, mode="nearest")

    return _map_probability(probability, one, np.nan)


def smooth_forward_backward(
    probability: xr.DataArray, *, sd_s: float = np.sqrt(16 * 0.8) / 30, shift_s: float = 4 / 30
) -> xr.DataArray:
    """Smooth probabilities as MARS does before its threshold, at any frame rate.

    MARS passes the kernel (.5, .25, .5) 16 times over 30-Hz probabilities and averages three copies
    shifted by −4, 0 and +4 frames. Here the kernel is normalised (so that probabilities stay
    probabilities) and the number of passes follows from the width that those 16 passes have.

    Parameters
    ----------
    probability : DataArray (time, individual, behaviour)
        Probabilities.
    sd_s : float
        Standard deviation of the whole kernel, seconds; 0.119 s is MARS's at 30 Hz.
    shift_s : float
        Shift of the outer copies, seconds.
    """

    def one(x: np.ndarray, _behaviour: str, rate: float) -> np.ndarray:
        passes = max(0, round((sd_s * rate) ** 2 / 0.8))
        shift = max(0, samples_in(shift_s, rate))
        y = kernels.binomial_passes_1d(x, passes)
        padded = np.pad(y, shift, mode="edge")
        return (padded[: y.size] + y + padded[2 * shift :]) / 3.0

    return _map_probability(probability, one, np.nan)


def n_samples(seconds: float, rate_hz: float) -> int:
    """Return a time span as a whole number of samples at a rate (nearest)."""
    if not (np.isfinite(seconds) and seconds >= 0):
        fail("smoothing", "time span is not valid", expected=">= 0 s", got=str(seconds))
    return int(np.floor(seconds * rate_hz + 0.5)) if np.isfinite(rate_hz) else 0


class _Stretch(NamedTuple):
    """What a kernel needs to know of time on a stretch of samples without a break.

    `ticks` is how long each sample lasts, in whole units of ``1 / ticks_hz`` s: one tick a sample where the
    recording has one rate, milliseconds where it has several. `rate` is the stretch's own rate in Hz.
    """

    rate: float
    ticks: np.ndarray
    ticks_hz: float

    def shortest(self, seconds: float) -> int:
        """Return the fewest ticks that are not below `seconds`."""
        return int(np.ceil(seconds * self.ticks_hz - 1e-6)) if np.isfinite(self.ticks_hz) else 0


def even_parts_of(states: xr.DataArray) -> list[tuple[int, int]]:
    """Stretches of one rate without a pause: windows do not reach from one into another."""
    return [part[:2] for part in even_parts(states["time"].values)]


def _clock_of(time: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Ticks of every sample, ticks per second, and the local rate at every sample."""
    parts = even_parts(time)
    rates = np.array([rate for _, _, rate in parts])
    usual = rate_of(time)
    rates = np.where(np.isfinite(rates), rates, usual)
    local = np.repeat(rates, [b - a for a, b, _ in parts])
    if not len(rates) or not np.isfinite(usual) or rates.max() <= 1.01 * rates.min():
        return np.ones(time.size, np.int64), usual, local
    return np.maximum(np.round(1000 * spans(time)), 1).astype(np.int64), 1000.0, local


def _pick(value: PerBehaviour, behaviour: str | None) -> float:
    if not isinstance(value, Mapping):
        return float(value)
    if behaviour is None:
        fail("smoothing", "one value per behaviour needs multi-label states", todo="use to_multilabel()")
    if behaviour not in value:
        fail("smoothing", f"no value for behaviour '{behaviour}'", got=", ".join(value))
    return float(value[behaviour])


def _map_states(
    states: xr.DataArray,
    kernel: Callable[[np.ndarray, str | None, _Stretch], np.ndarray],
    parts: Sequence[tuple[int, int]] | None = None,
) -> xr.DataArray:
    """Apply `kernel` to each labelled stretch of each track, cut at dropped samples and at `parts`."""
    multi = is_multilabel(states)
    names = behaviour_names(states)
    time = states["time"].values
    values = states.values.reshape(states.sizes["time"], -1)
    out = values.copy()
    ticks, ticks_hz, local = _clock_of(time)
    stretches = _joint(segments(time), parts)
    for track in range(values.shape[1]):
        behaviour = names[track % len(names)] if multi else None
        column = np.ascontiguousarray(values[:, track])
        for a, b in runs_within(column != UNLABELLED, stretches):
            out[a:b, track] = kernel(column[a:b], behaviour, _Stretch(local[a], ticks[a:b], ticks_hz))
    return states.copy(data=out.reshape(states.shape))


def _joint(stretches: Sequence[tuple[int, int]], parts: Sequence[tuple[int, int]] | None) -> list[tuple[int, int]]:
    """Cut stretches at the borders of `parts`."""
    if parts is None or len(parts) < 2:
        return list(stretches)
    cuts = {a for a, _ in (*stretches, *parts)} | {b for _, b in stretches}
    edges = sorted(cuts)
    return [(a, b) for a, b in pairwise(edges) if any(low <= a and b <= high for low, high in stretches)]


def _map_probability(
    probability: xr.DataArray,
    kernel: Callable[[np.ndarray, str, float], np.ndarray],
    missing: float,
    *,
    as_states: bool = False,
) -> xr.DataArray:
    """Apply `kernel` to each stretch of finite values of each track, with its rate."""
    if probability.dims != ("time", "individual", "behaviour"):
        fail("probability", "axes", expected="(time, individual, behaviour)", got=str(probability.dims))
    names = behaviour_names(probability)
    time = probability["time"].values
    values = probability.values.reshape(probability.sizes["time"], -1)
    out = np.full(values.shape, missing, np.int8 if as_states else values.dtype)
    local = _clock_of(time)[2]
    stretches = _joint(segments(time), even_parts_of(probability))
    for track in range(values.shape[1]):
        column = values[:, track].astype(np.float64)
        for a, b in runs_within(np.isfinite(column), stretches):
            out[a:b, track] = kernel(column[a:b], names[track % len(names)], float(local[a]))
    out = out.reshape(probability.shape)
    if as_states:
        people = [str(i) for i in probability["individual"].values]
        return make_states(out, time, names, people, source=probability.attrs.get("source", ""))
    return probability.copy(data=out)
