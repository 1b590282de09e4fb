"""Signals in MATLAB files: up to version 7 through scipy, version 7.3 (HDF5) through h5py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from murid.data.errors import fail
from murid.io.files import Head, check_file, open_hdf5
from murid.io.registry import trace_reader
from murid.io.traces._arrays import from_arrays


def _is_mat(head: Head) -> bool:
    return head.start.startswith(b"MATLAB ")


@trace_reader("traces_mat", (".mat",), sniff=_is_mat, about="signals in MATLAB files, v5-v7 and v7.3")
def read_traces_mat(
    path: Path,
    *,
    values: str | None = None,
    time: str | None = None,
    rate_hz: float | None = None,
    time_s: Any = None,
    units: Sequence[str] | None = None,
    kind: str = "dff",
) -> xr.DataArray:
    """Read signals from a MATLAB file.

    Parameters
    ----------
    path : path
        ``.mat`` file. The axes of v7.3 arrays, which HDF5 stores transposed, are put back.
    values, time : str, optional
        Names of the variables; with a slash inside a struct (``neuron/C``).
    rate_hz, time_s : float or array, optional
        The clock, when it is not in the file: Hz, or the time of each sample in seconds.
    units : sequence of str, optional
        Names of the units.
    kind : str
        What the numbers are.
    """
    return from_arrays(
        load_mat(path), path=path, values=values, time=time, rate_hz=rate_hz, time_s=time_s, units=units, kind=kind
    )


def load_mat(path: Path) -> dict[str, np.ndarray]:
    """Return the numeric arrays of a MATLAB file by name, structs flattened with slashes."""
    with check_file(path).open("rb") as handle:
        start = handle.read(128)
    # The text header of a v7.3 file precedes the HDF5 signature by 512 bytes.
    return _load_73(path) if b"MATLAB 7.3" in start else _load_5(path)


def _load_73(path: Path) -> dict[str, np.ndarray]:
    import h5py

    out: dict[str, np.ndarray] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub" and not name.startswith("#"):
            out[name] = np.asarray(item[()]).T

    with open_hdf5(path) as handle:
        handle.visititems(visit)
    return out


def _word(cell: Any) -> str:
    """Text of a cell of a cell array; empty when it holds none."""
    cell = np.ravel(cell)
    return str(cell[0]).strip() if cell.size == 1 and cell.dtype.kind == "U" else ""


def _load_5(path: Path) -> dict[str, np.ndarray]:
    import scipy.io

    try:
        raw = scipy.io.loadmat(str(path), squeeze_me=False)
    except Exception as exc:  # scipy raises a different class for every kind of damage
        fail(
            str(path),
            "cannot be read as a MATLAB file",
            got=f"{type(exc).__name__}: {exc}",
            expected="a complete .mat file",
        )
    out: dict[str, np.ndarray] = {}

    def flatten(name: str, value: Any) -> None:
        if not isinstance(value, np.ndarray):
            return
        if value.dtype.names and value.size == 1:
            for field in value.dtype.names:
                flatten(f"{name}/{field}", value[field].ravel()[0])
        elif value.dtype.kind in "fiubU":
            out[name] = value
        elif value.dtype.kind == "O":
            words = [_word(cell) for cell in value.ravel()]
            if words and all(words):
                out[name] = np.array(words)  # a cell array of names

    for name, value in raw.items():
        if not name.startswith("__"):
            flatten(name, value)
    return out
