"""Pick values and time from the named arrays of a file (npz, MATLAB, HDF5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from murid.data.errors import Faults, did_you_mean
from murid.data.traces import make_traces

TIME = ("time_s", "time", "t", "timestamps")
VALUES = ("values", "traces", "dff", "F_dff", "data")
UNITS = ("unit", "units", "unit_names", "names")


def from_arrays(
    arrays: Mapping[str, np.ndarray],
    *,
    path: Path,
    values: str | None,
    time: str | None,
    rate_hz: float | None,
    time_s: Any,
    units: Sequence[str] | None,
    kind: str,
) -> xr.DataArray:
    """Build traces from named arrays; time runs along the axis that is as long as the clock.

    Raises
    ------
    DataError
        When an array is missing or several could be meant, and when the axis of time is unclear.
    """
    faults = Faults(str(path))
    numeric = [n for n, a in arrays.items() if a.dtype.kind in "fiub" and a.size > 1]
    value_name = _pick("values", values, VALUES, numeric, faults)
    clock: np.ndarray | None = None if time_s is None else np.ravel(np.asarray(time_s, np.float64))
    if clock is None and rate_hz is None:
        time_name = _pick("time", time, TIME, numeric, faults)
        clock = np.ravel(arrays[time_name]).astype(np.float64) if time_name else None
    faults.raise_if_any()
    data = np.squeeze(np.asarray(arrays[value_name], np.float64))
    names = units if units is not None else _unit_names(arrays)
    if data.ndim == 1:
        data = data[:, None]
    data = _time_first(data, None if clock is None else len(clock), names, faults)
    faults.raise_if_any()
    return make_traces(
        data,
        time_s=clock,
        rate_hz=None if clock is not None else rate_hz,
        units=names,
        kind=kind,
        source_file=str(path),
    )


def _pick(role: str, wanted: str | None, usual: Sequence[str], numeric: Sequence[str], faults: Faults) -> str:
    if wanted is not None:
        if wanted not in numeric:
            faults.add(f"no array of numbers '{wanted}'", todo=did_you_mean(wanted, numeric))
        return wanted
    candidates = [n for n in usual if n in numeric]
    if len(candidates) == 1:
        return candidates[0]
    if role == "values" and not candidates and len(numeric) == 1:
        return numeric[0]  # the only array there is
    extra = ", or rate_hz= or time_s=" if role == "time" else ""
    faults.add(
        f"which array is the {role}?",
        got=", ".join(candidates or numeric) or "no arrays",
        todo=f"name it: {role}='...'{extra}",
    )
    return ""


def _unit_names(arrays: Mapping[str, np.ndarray]) -> list[str] | None:
    for name in UNITS:
        if name in arrays and arrays[name].ndim <= 1:
            return [str(u) for u in np.ravel(arrays[name])]
    return None


def _time_first(data: np.ndarray, n: int | None, names: Sequence[str] | None, faults: Faults) -> np.ndarray:
    if data.ndim != 2:
        faults.add("values have the wrong number of axes", expected="(time, unit)", got=str(data.shape))
        return data
    n_units = None if names is None else len(names)
    first = (n is None or data.shape[0] == n) and (n_units is None or data.shape[1] == n_units)
    last = (n is None or data.shape[1] == n) and (n_units is None or data.shape[0] == n_units)
    if first and last and data.shape[1] > 1 and (n is not None or n_units is not None or data.shape[0] < data.shape[1]):
        faults.add("which axis is time?", got=str(data.shape), todo="save the array as (time, unit), or name the units")
    if not first and not last:
        faults.add(
            "no axis of values fits the clock",
            expected=f"{n} samples, {n_units or 'any number of'} units",
            got=str(data.shape),
        )
    return data if first else data.T
