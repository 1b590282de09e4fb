"""Spike times: CSV with ``unit, time_s``, or npz with the same arrays or one array per unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from murid.data.errors import Faults, did_you_mean
from murid.data.traces import Spikes
from murid.io.delimited_text import read_table
from murid.io.files import Head
from murid.io.registry import reader
from murid.io.traces.npz import is_npz, load_npz, pynapple_type


def _is_csv(head: Head) -> bool:
    return head.has_columns("unit", "time_s")


def _is_npz(head: Head) -> bool:
    return is_npz(head)


@reader(
    "spikes", "spikes_csv", (".csv", ".tsv", ".csv.gz"), fallback=True, sniff=_is_csv, about="spike times: unit, time_s"
)
def read_spikes_csv(path: Path, *, start_s: float = 0.0, stop_s: float | None = None) -> Spikes:
    """Read spike times from a table with one row per spike.

    Parameters
    ----------
    path : path
        CSV with ``unit`` and ``time_s`` (s).
    start_s, stop_s : float
        The recorded stretch in seconds; without an end it lasts to the last spike, with a warning (see `Spikes`).
    """
    table = read_table(path, header=("unit", "time_s"))
    faults = Faults(str(path))
    time = table.seconds(table.column("time_s"), faults)
    unit = table.texts(table.column("unit"))
    for i in np.flatnonzero(~np.isfinite(time) | (unit == "").to_numpy())[:8]:
        faults.add("unit or time is missing", where=f"line {table.lines[i]}")
    faults.raise_if_any()
    times = {str(u): t.to_numpy() for u, t in pd.Series(time).groupby(unit, sort=False)}
    return Spikes(times, start_s, float("nan") if stop_s is None else stop_s, {"source_file": str(path)})


@reader(
    "spikes",
    "spikes_npz",
    (".npz",),
    sniff=_is_npz,
    about="spike times in npz: arrays unit and time_s, or one sorted array of seconds per unit",
)
def read_spikes_npz(
    path: Path, *, start_s: float = 0.0, stop_s: float | None = None, units: Sequence[str] | None = None
) -> Spikes:
    """Read spike times (s) from an npz file.

    Parameters
    ----------
    path : path
        Arrays ``unit`` and ``time_s``, or one array of sorted times per unit; also a ``TsGroup`` that pynapple saved,
        which says itself what was recorded.
    start_s, stop_s : float
        The recorded stretch in seconds; without an end it lasts to the last spike, with a warning (see `Spikes`).
    units : sequence of str, optional
        Arrays that hold spike times, when the file holds others too.

    Raises
    ------
    DataError
        When an array does not look like spike times (not sorted, before `start_s`, as long as all
        others, called like a signal): a file of signals is no file of spikes.
    """
    arrays = load_npz(path)
    if pynapple_type(arrays) == "TsGroup":
        return _of_pynapple(arrays, path, units)
    faults = Faults(str(path))
    if {"unit", "time_s"} <= set(arrays):
        unit, time = np.ravel(arrays["unit"]), np.ravel(arrays["time_s"])
        if unit.shape != time.shape:
            faults.add("unit and time_s differ in length", expected=str(len(unit)), got=str(len(time)))
            faults.raise_if_any()
        arrays = {str(u): time[unit == u] for u in dict.fromkeys(unit.tolist())}
    elif units is not None:
        for name in units:
            if name not in arrays:
                faults.add(f"no array '{name}'", todo=did_you_mean(name, arrays))
        faults.raise_if_any()
        arrays = {str(u): arrays[u] for u in units}
    else:
        _check_spike_times(arrays, start_s, faults)
    for name, values in arrays.items():
        if values.ndim != 1 or values.dtype.kind not in "fiu":
            faults.add(
                f"array '{name}' does not hold spike times",
                expected="one axis of numbers (s)",
                got=f"{values.dtype} {values.shape}",
            )
    faults.raise_if_any()
    return Spikes(arrays, start_s, float("nan") if stop_s is None else stop_s, {"source_file": str(path)})


def _of_pynapple(arrays: Mapping[str, np.ndarray], path: Path, units: Sequence[str] | None) -> Spikes:
    """Spikes of a ``TsGroup``; units without a spike are among its keys."""
    known = {str(key): arrays["t"][arrays["index"] == key] for key in arrays["keys"].tolist()}
    wanted = list(known) if units is None else [str(u) for u in units]
    faults = Faults(str(path))
    for name in wanted:
        if name not in known:
            faults.add(f"no unit '{name}'", todo=did_you_mean(name, known))
    faults.raise_if_any()
    start, stop = float(arrays["start"].min()), float(arrays["end"].max())
    return Spikes({name: known[name] for name in wanted}, start, stop, {"source_file": str(path)})


#: Names of signals and clocks, which no unit is called.
_SIGNALS = frozenset(
    {"time", "time_s", "t", "times", "timestamps", "x", "y", "z", "speed", "position", "values", "dff"}
)


def _check_spike_times(arrays: Mapping[str, np.ndarray], start_s: float, faults: Faults) -> None:
    """Add a fault for each array of an npz file that is a signal or a list rather than spike times."""
    sizes = {values.size for values in arrays.values()}
    advice = "name the arrays of spike times: units=['...']"
    if len(arrays) > 1 and len(sizes) == 1 and sizes != {0}:
        faults.add("all arrays are of one length, as signals are", got=f"{sizes.pop()} values", todo=advice)
    for name, values in arrays.items():
        if values.ndim != 1 or values.dtype.kind not in "fiu":
            continue  # said below, with what was expected
        if name.lower() in _SIGNALS:
            faults.add(f"array '{name}' is a signal or a clock, no unit", todo=advice)
        elif values.dtype.kind in "iu" and values.size:
            faults.add(f"array '{name}' holds whole numbers, no times in seconds", todo=advice)
        elif (np.diff(values) < 0).any():
            faults.add(f"array '{name}' is not sorted, as spike times are", todo=advice)
        elif values.size and values[0] < start_s:
            faults.add(
                f"array '{name}' starts before the recording",
                expected=f">= {start_s:g} s",
                got=f"{values[0]:g} s",
                todo="give start_s=...",
            )
