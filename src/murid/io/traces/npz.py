"""Signals in NumPy .npz files: arrays ``values`` and ``time_s``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from murid.data.errors import Faults, fail
from murid.data.warning import warn_user
from murid.io.files import Head, check_file
from murid.io.registry import trace_reader
from murid.io.traces._arrays import from_arrays


def is_npz(head: Head) -> bool:
    """A zip file called .npz."""
    return head.start.startswith(b"PK") and head.suffix == ".npz"


def load_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file; pickled objects are refused, damage is one error."""
    faults = Faults(str(path))
    out = {}
    try:
        with check_file(path).open("rb") as handle, np.load(handle, allow_pickle=False) as data:
            for name in data.files:
                try:
                    out[name] = data[name]
                except ValueError:
                    faults.add(f"array '{name}' holds pickled objects and is not read", todo="save numbers or text")
    except Exception as exc:  # zipfile, zlib and numpy raise different classes for damage
        fail(str(path), "cannot be opened as npz", got=f"{type(exc).__name__}: {exc}", expected="a complete npz file")
    if not out:
        faults.raise_if_any()
        fail(str(path), "holds no arrays")
    return out


def pynapple_type(arrays: Mapping[str, np.ndarray]) -> str:
    """Class of the pynapple object that was saved in an npz file; empty for other files."""
    name = arrays.get("type")
    return str(name.ravel()[0]) if name is not None and name.dtype.kind == "U" and name.size == 1 else ""


@trace_reader("traces_npz", (".npz",), sniff=is_npz, about="signals in npz: values (time, unit), time_s, unit")
def read_traces_npz(
    path: Path,
    *,
    values: str | None = None,
    time: str | None = None,
    rate_hz: float | None = None,
    time_s: Any = None,
    units: Sequence[str] | None = None,
    kind: str = "dff",
) -> xr.DataArray:
    """Read signals from an npz file.

    Parameters
    ----------
    path : path
        npz file, also one that pynapple saved a ``Tsd`` or ``TsdFrame`` in.
    values, time : str, optional
        Names of the arrays when they are not the usual ones.
    rate_hz, time_s : float or array, optional
        The clock, when the file has none: Hz, or the time of each sample in seconds.
    units : sequence of str, optional
        Names of the units.
    kind : str
        What the numbers are.
    """
    arrays = load_npz(path)
    if pynapple_type(arrays) in ("Tsd", "TsdFrame"):
        values, time = values or "d", time or "t"
        if units is None and "columns" in arrays:
            units = [str(name) for name in arrays["columns"]]
        elif units is None and pynapple_type(arrays) == "TsdFrame":
            warn_user(f"{path}: names of columns are stored as pickled objects and are not read; give units=[...]")
    return from_arrays(
        arrays, path=path, values=values, time=time, rate_hz=rate_hz, time_s=time_s, units=units, kind=kind
    )
