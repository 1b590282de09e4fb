"""States: what each individual does at each sample.

Two forms, both `xarray.DataArray`, both with −1 for "unlabelled" (never "background"):

* exclusive: int16 ``(time, individual)``, a value is an index into ``attrs["behaviours"]``
* multi-label: int8 ``(time, individual, behaviour)`` with 1 present, 0 absent, −1 unlabelled

Probabilities have the multi-label shape, float32, NaN = unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.bouts import EVERYONE
from murid.data.clock import check_time
from murid.data.errors import Faults, did_you_mean, fail

UNLABELLED = -1


def make_states(
    values: ArrayLike,
    time_s: ArrayLike,
    behaviours: Sequence[str],
    individuals: Sequence[str] = (EVERYONE,),
    *,
    source: str = "",
) -> xr.DataArray:
    """Build and check States.

    Parameters
    ----------
    values : array
        Exclusive: ``(time,)`` or ``(time, individual)`` of indices into `behaviours`, −1 or NaN =
        unlabelled. Multi-label: ``(time, individual, behaviour)`` of 1, 0, −1 or NaN.
    time_s : array of shape (time,)
        Seconds.
    behaviours : sequence of str
        Label names.
    individuals : sequence of str
        ``("all",)`` for labels that belong to the animals together.
    source : str
        Rater or model.

    Examples
    --------
    >>> states = make_states([0, 0, 1, -1], [0.0, 0.1, 0.2, 0.3], ["rest", "run"])
    >>> mask_of(states, "run").tolist()
    [0, 0, 1, -1]
    """
    values = _whole(np.asarray(values))
    if values.ndim == 1:
        values = values[:, None]
    exclusive = values.ndim == 2
    dims = ("time", "individual") if exclusive else ("time", "individual", "behaviour")
    coords = {
        "time": np.asarray(time_s, np.float64),
        "individual": np.asarray([str(i) for i in individuals], dtype=object),
    }
    if not exclusive:
        coords["behaviour"] = np.asarray([str(b) for b in behaviours], dtype=object)
    faults = Faults("states")
    for axis, dim in enumerate(dims):
        if values.shape[axis] != len(coords[dim]):
            faults.add(f"length of '{dim}'", expected=str(len(coords[dim])), got=str(values.shape[axis]))
    faults.raise_if_any()
    states = xr.DataArray(
        values.astype(np.int16 if exclusive else np.int8),
        dims=dims,
        coords=coords,
        attrs={"behaviours": [str(b) for b in behaviours], "source": source},
        name="states",
    )
    return validate_states(states)


def _whole(values: np.ndarray) -> np.ndarray:
    """Codes as whole numbers: NaN is unlabelled, anything else that is not whole is an error."""
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), UNLABELLED, values)
        odd = np.argwhere(values != np.round(values))
        if len(odd):
            fail(
                "states",
                "values are not whole",
                where=f"sample {odd[0][0]}",
                expected="codes, or 1, 0, -1 (NaN: unlabelled)",
                got=f"{values[tuple(odd[0])]:.6g} ({len(odd)} values)",
                todo="probabilities become states by a threshold: (p > 0.5)",
            )
    elif values.dtype.kind not in "iub":
        fail("states", "values are no numbers", expected="codes, or 1, 0, -1", got=str(values.dtype))
    return values


def validate_states(states: xr.DataArray) -> xr.DataArray:
    """Return `states` unchanged, or raise one `DataError` with every fault."""
    faults = Faults("states")
    if states.dims not in (("time", "individual"), ("time", "individual", "behaviour")):
        faults.add("axes", expected="(time, individual[, behaviour])", got=str(states.dims))
    names = behaviour_names(states)
    if len(set(names)) != len(names):
        faults.add("behaviour names repeat", got=str(names))
    faults.raise_if_any()
    check_time(states["time"].values, faults)
    top = 1 if is_multilabel(states) else len(names) - 1
    values = states.values
    if values.size and (values.min() < UNLABELLED or values.max() > top):
        faults.add("values out of range", expected=f"-1..{top}", got=f"{values.min()}..{values.max()}")
    faults.raise_if_any()
    return states


def is_multilabel(states: xr.DataArray) -> bool:
    """True when several behaviours may be present at once (has a ``behaviour`` axis)."""
    return "behaviour" in states.dims


def behaviour_names(states: xr.DataArray) -> list[str]:
    """Label names in order."""
    if is_multilabel(states):
        return [str(b) for b in states["behaviour"].values]
    names = states.attrs.get("behaviours", [])
    return [names] if isinstance(names, str) else [str(b) for b in names]


def to_multilabel(states: xr.DataArray) -> xr.DataArray:
    """Return int8 ``(time, individual, behaviour)``: 1 present, 0 absent, −1 unlabelled."""
    if is_multilabel(states):
        return states
    names = behaviour_names(states)
    values = states.values
    out = (values[..., None] == np.arange(len(names))).astype(np.int8)
    out[values == UNLABELLED] = UNLABELLED
    individuals = [str(i) for i in states["individual"].values]
    return make_states(out, states["time"].values, names, individuals, source=states.attrs.get("source", ""))


def never_labelled(states: xr.DataArray) -> list[str]:
    """Return the behaviours that are unlabelled throughout, though others are not: nothing is known of them.

    Examples
    --------
    >>> never_labelled(make_states([[[1, -1]], [[0, -1]]], [0.0, 0.1], ["rest", "run"]))
    ['run']
    """
    if not is_multilabel(states):
        return []
    known = (states.values != UNLABELLED).any(axis=(0, 1))
    return [name for name, there in zip(behaviour_names(states), known, strict=True) if not there and known.any()]


def mask_of(states: xr.DataArray, behaviour: str, individual: str | None = None) -> np.ndarray:
    """Return int8 ``(time,)`` for one behaviour of one individual: 1, 0, −1 unlabelled.

    `individual` may be left out when there is only one.
    """
    names = behaviour_names(states)
    individuals = [str(i) for i in states["individual"].values]
    faults = Faults("states")
    if behaviour not in names:
        faults.add(f"no behaviour '{behaviour}'", todo=did_you_mean(behaviour, names))
    person = individuals[0] if individual is None and len(individuals) == 1 else str(individual)
    if person not in individuals:
        faults.add(f"no individual '{individual}'", todo=did_you_mean(person, individuals))
    faults.raise_if_any()
    i = individuals.index(person)
    if is_multilabel(states):
        return states.values[:, i, names.index(behaviour)].astype(np.int8)
    column = states.values[:, i]
    return np.where(column == UNLABELLED, UNLABELLED, column == names.index(behaviour)).astype(np.int8)
