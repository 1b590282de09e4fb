"""From probabilities to one state a sample: thresholds, arg-max, mutual exclusion, "none".

"None" is a state (none of these behaviours happens) and differs from −1 (not scored).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.meet import by_behaviour
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel, make_states

Thresholds = float | Mapping[str, float]


def threshold(probability: xr.DataArray, thresholds: Thresholds = 0.5) -> xr.DataArray:
    """Return multi-label states: present where the probability reaches the threshold, −1 where it is NaN.

    Parameters
    ----------
    probability : DataArray (time, individual, behaviour)
        Probabilities or scores.
    thresholds : float or mapping behaviour → float
        Best chosen per behaviour on training animals.
    """
    names = _names(probability)
    values = probability.values
    out = (values >= _per_behaviour(thresholds, names)).astype(np.int8)
    out[np.isnan(values)] = UNLABELLED
    return _states(out, probability, names)


def argmax(probability: xr.DataArray, thresholds: Thresholds = 0.5, *, none: str | None = "none") -> xr.DataArray:
    """Return exclusive states: the behaviour with the largest probability *relative to its threshold*.

    Dividing by the threshold lets a rare behaviour with a low threshold win against a common one that is
    barely above its own.

    Parameters
    ----------
    probability : DataArray (time, individual, behaviour)
        NaN everywhere in a sample gives −1.
    thresholds : float or mapping behaviour → float
        Positive. Not applied to a behaviour called `none`.
    none : str or None
        Where no behaviour reaches its threshold: this class, appended when the probabilities do not have it.
        None = always the arg-max, without "none".
    """
    names = _names(probability)
    limits = np.array(
        [
            1.0 if n == none and isinstance(thresholds, Mapping) and n not in thresholds else _one(thresholds, n)
            for n in names
        ]
    )
    if (limits <= 0).any():
        fail("argmax", "thresholds must be positive", got=str(dict(zip(names, limits.tolist(), strict=True))))
    values = probability.values
    unknown = np.isnan(values).all(axis=2)
    ratio = np.where(np.isnan(values), -np.inf, values / limits)
    own_none = names.index(none) if none in names else None
    if own_none is not None:
        ratio[..., own_none] = -np.inf
    best = ratio.argmax(axis=2)
    if none is None:
        return _states(np.where(unknown, UNLABELLED, best), probability, names)
    all_names = names if own_none is not None else [*names, none]
    weak = ratio.max(axis=2) < 1.0
    best = np.where(weak, all_names.index(none), best)
    return _states(np.where(unknown, UNLABELLED, best), probability, all_names)


def exclude(
    states: xr.DataArray,
    groups: Sequence[Sequence[str]] | None = None,
    *,
    probability: xr.DataArray | None = None,
    priority: Sequence[str] | None = None,
) -> xr.DataArray:
    """Leave at most one behaviour of each group present at a time, in multi-label states.

    Parameters
    ----------
    states : DataArray (time, individual, behaviour)
        Multi-label.
    groups : sequence of sequences of str, optional
        Behaviours that exclude each other; all by default.
    probability : DataArray (time, individual, behaviour), optional
        Matched by name; the most probable one stays.
    priority : sequence of str, optional
        Without probabilities the first of this list stays; the order of the behaviours by default.
    """
    if not is_multilabel(states):
        return states
    names = behaviour_names(states)
    groups = [names] if groups is None else [list(g) for g in groups]
    faults = Faults("exclude")
    for name in [n for g in groups for n in g] + list(priority or []):
        if name not in names:
            faults.add(f"no behaviour '{name}'", todo=did_you_mean(name, names))
    faults.raise_if_any()
    order = list(dict.fromkeys([*(priority or []), *names]))
    rank = -np.array([order.index(n) for n in names], np.float64)
    weight = np.broadcast_to(rank, states.shape)
    if probability is not None:
        weight = np.nan_to_num(by_behaviour(probability, states), nan=-1.0)
    out = states.values.copy()
    for group in groups:
        index = [names.index(n) for n in group]
        part = out[..., index]
        present = part == 1
        winner = np.where(present, weight[..., index], -np.inf).argmax(axis=-1)
        crowded = present.sum(axis=-1) > 1
        keep = np.arange(len(index)) == winner[..., None]
        out[..., index] = np.where(crowded[..., None] & present & ~keep, 0, part)
    return states.copy(data=out)


def to_exclusive(states: xr.DataArray, *, none: str | None = None) -> xr.DataArray:
    """Return multi-label states as exclusive ones.

    Parameters
    ----------
    states : DataArray (time, individual, behaviour)
        At most one behaviour present at a time: use `exclude` first.
    none : str, optional
        Class of the scored samples in which nothing is present; without it they become −1.

    Raises
    ------
    DataError
        Two behaviours share a sample.
    """
    if not is_multilabel(states):
        return states
    names = behaviour_names(states)
    present = states.values == 1
    if present.sum(axis=2).max(initial=0) > 1:
        t, p = np.argwhere(present.sum(axis=2) > 1)[0]
        both = [n for n, v in zip(names, present[t, p], strict=True) if v]
        fail(
            "states",
            "behaviours overlap",
            where=f"{float(states.time[t]):.3f} s",
            got=" and ".join(both),
            todo="use exclude() first",
        )
    out = np.where(present.any(axis=2), present.argmax(axis=2), UNLABELLED)
    if none is not None:
        names = names if none in names else [*names, none]
        scored = (states.values != UNLABELLED).any(axis=2)
        out = np.where((out == UNLABELLED) & scored, names.index(none), out)
    return _states(out, states, names)


def _names(probability: xr.DataArray) -> list[str]:
    if probability.dims != ("time", "individual", "behaviour"):
        fail("probability", "axes", expected="(time, individual, behaviour)", got=str(probability.dims))
    return behaviour_names(probability)


def _one(thresholds: Thresholds, name: str) -> float:
    if not isinstance(thresholds, Mapping):
        return float(thresholds)
    if name not in thresholds:
        fail("thresholds", f"none for '{name}'", got=", ".join(thresholds))
    return float(thresholds[name])


def _per_behaviour(thresholds: Thresholds, names: list[str]) -> np.ndarray:
    return np.array([_one(thresholds, n) for n in names])


def _states(values: np.ndarray, like: xr.DataArray, names: list[str]) -> xr.DataArray:
    people = [str(i) for i in like["individual"].values]
    return make_states(values, like["time"].values, names, people, source=like.attrs.get("source", ""))
