"""Smoothing of states and probabilities, in seconds.

Every function returns a new array of the form it was given. Unlabelled samples (−1, NaN) stay so, and
nothing is smoothed across them or across dropped frames: "no prediction" is no evidence of absence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import xarray as xr

from murid.data.clock import rate_of, segments
from murid.data.errors import fail
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel, make_states
from murid.ethogram import kernels
from murid.ethogram.bouts import runs_within

PerBehaviour = float | Mapping[str, float]


def majority(states: xr.DataArray, half_s: float) -> xr.DataArray:
    """Give each sample the most frequent state within ±`half_s` seconds.

    Ties keep the present state. DLCAnalyzer votes over ±10 frames at 25 fps: ``half_s=0.4``.
    """
    half = n_samples(half_s, states)
    n_labels = 2 if is_multilabel(states) else len(behaviour_names(states))
    return _map_states(states, lambda x, _: kernels.majority_1d(x, half, n_labels))


def close_gaps(states: xr.DataArray, shorter_s: PerBehaviour) -> xr.DataArray:
    """Fill interruptions shorter than `shorter_s` seconds between two bouts of one behaviour.

    Multi-label: the gap becomes present. Exclusive: whatever interrupts takes the label around it.
    `shorter_s` may be a mapping behaviour → seconds for multi-label states.
    """
    target = 1 if is_multilabel(states) else -1
    return _map_states(states, lambda x, b: kernels.close_gaps_1d(x, _shortest(shorter_s, b, states), target))


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
        return _map_states(states, lambda x, b: kernels.absorb_short_1d(x, _shortest(shortest_s, b, states)))
    if how != "delete":
        fail("min_bout", "how is not valid", expected="delete or absorb", got=repr(how))
    names = behaviour_names(states)
    if none is not None and none not in names:
        fail("min_bout", f"no behaviour '{none}'", expected=", ".join(names))
    keep = names.index(none) if none is not None and not is_multilabel(states) else None

    shortest = np.array([_shortest(shortest_s, name, states) for name in names])

    def delete(x: np.ndarray, behaviour: str | None) -> np.ndarray:
        values, lengths = kernels.run_lengths(x)
        if behaviour is not None:
            short, gone = (values == 1) & (lengths < shortest[names.index(behaviour)]), 0
        else:
            short, gone = lengths < shortest[values], UNLABELLED if keep is None else keep
        return np.repeat(np.where(short, gone, values), lengths)

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

    def one(x: np.ndarray, behaviour: str) -> np.ndarray:
        top, bottom = _pick(high, behaviour), _pick(low, behaviour)
        if top < bottom:
            fail("hysteresis", "high is below low", where=behaviour, expected=f">= {bottom}", got=str(top))
        return kernels.hysteresis_1d(x, top, bottom)

    return _map_probability(probability, one, UNLABELLED, as_states=True)


def moving_mean(probability: xr.DataArray, half_s: PerBehaviour) -> xr.DataArray:
    """Mean probability within ±`half_s` seconds, per behaviour when a mapping is given."""
    return _map_probability(
        probability, lambda x, b: kernels.mean_1d(x, n_samples(_pick(half_s, b), probability)), np.nan
    )


def median(probability: xr.DataArray, half_s: PerBehaviour) -> xr.DataArray:
    """Median probability within ±`half_s` seconds; on multi-label states it is `majority`."""
    if probability.dtype.kind in "iub":
        if not is_multilabel(probability):
            fail("median", "exclusive states have no order", todo="use majority()")
        return majority(probability, float(half_s))
    from scipy.ndimage import median_filter

    def one(x: np.ndarray, behaviour: str) -> np.ndarray:
        return median_filter(x, size=2 * n_samples(_pick(half_s, behaviour), probability) + 1, mode="nearest")

    return _map_probability(probability, one, np.nan)


def forward_backward(
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
    rate = rate_of(probability["time"].values)
    passes = max(0, round((sd_s * rate) ** 2 / 0.8))
    shift = max(0, round(shift_s * rate))

    def one(x: np.ndarray, behaviour: str) -> np.ndarray:
        y = kernels.binomial_passes_1d(x, passes)
        padded = np.pad(y, shift, mode="edge")
        return (padded[: y.size] + y + padded[2 * shift :]) / 3.0

    return _map_probability(probability, one, np.nan)


def n_samples(seconds: float, array: xr.DataArray) -> int:
    """Return a time span as a whole number of samples of `array`'s clock (nearest)."""
    if not (np.isfinite(seconds) and seconds >= 0):
        fail("smoothing", "time span is not valid", expected=">= 0 s", got=str(seconds))
    rate = rate_of(array["time"].values)
    return int(np.floor(seconds * rate + 0.5)) if np.isfinite(rate) else 0


def _shortest(shortest_s: PerBehaviour, behaviour: str | None, states: xr.DataArray) -> int:
    """Samples of the shortest run that counts as long enough: the first not below `shortest_s`."""
    seconds = _pick(shortest_s, behaviour)
    rate = rate_of(states["time"].values)
    return int(np.ceil(seconds * rate - 1e-6)) if np.isfinite(rate) else 0


def _pick(value: PerBehaviour, behaviour: str | None) -> float:
    if not isinstance(value, Mapping):
        return float(value)
    if behaviour is None:
        fail("smoothing", "one value per behaviour needs multi-label states", todo="use to_multilabel()")
    if behaviour not in value:
        fail("smoothing", f"no value for behaviour '{behaviour}'", got=", ".join(value))
    return float(value[behaviour])


def _map_states(states: xr.DataArray, kernel: Callable[[np.ndarray, str | None], np.ndarray]) -> xr.DataArray:
    """Apply `kernel` to each labelled stretch of each track."""
    multi = is_multilabel(states)
    names = behaviour_names(states)
    values = states.values.reshape(states.sizes["time"], -1)
    out = values.copy()
    stretches = segments(states["time"].values)
    for track in range(values.shape[1]):
        behaviour = names[track % len(names)] if multi else None
        column = np.ascontiguousarray(values[:, track])
        for a, b in runs_within(column != UNLABELLED, stretches):
            out[a:b, track] = kernel(column[a:b], behaviour)
    return states.copy(data=out.reshape(states.shape))


def _map_probability(
    probability: xr.DataArray,
    kernel: Callable[[np.ndarray, str], np.ndarray],
    missing: float,
    *,
    as_states: bool = False,
) -> xr.DataArray:
    """Apply `kernel` to each stretch of finite values of each track."""
    if probability.dims != ("time", "individual", "behaviour"):
        fail("probability", "axes", expected="(time, individual, behaviour)", got=str(probability.dims))
    names = behaviour_names(probability)
    values = probability.values.reshape(probability.sizes["time"], -1)
    out = np.full(values.shape, missing, np.int8 if as_states else values.dtype)
    stretches = segments(probability["time"].values)
    for track in range(values.shape[1]):
        column = values[:, track].astype(np.float64)
        for a, b in runs_within(np.isfinite(column), stretches):
            out[a:b, track] = kernel(column[a:b], names[track % len(names)])
    out = out.reshape(probability.shape)
    if as_states:
        people = [str(i) for i in probability["individual"].values]
        return make_states(out, probability["time"].values, names, people, source=probability.attrs.get("source", ""))
    return probability.copy(data=out)
