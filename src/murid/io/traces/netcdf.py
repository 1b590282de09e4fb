"""Signals in netCDF: a variable with the axes ``time`` and ``unit``."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.traces import make_traces
from murid.io.files import Head, check_file
from murid.io.registry import trace_reader

_UNIT = ("unit", "unit_id", "units", "neuron", "roi")


def _is_netcdf(head: Head) -> bool:
    if head.start.startswith(b"CDF"):
        return True
    return "time" in head.hdf5 and bool(set(head.hdf5) & set(_UNIT)) and "position" not in head.hdf5


@trace_reader("traces_netcdf", (".nc",), sniff=_is_netcdf, about="signals in netCDF: (time, unit), time in seconds")
def read_traces_netcdf(
    path: Path,
    *,
    values: str | None = None,
    time: str | None = None,
    rate_hz: float | None = None,
    kind: str | None = None,
) -> xr.DataArray:
    """Read signals from a netCDF file.

    Parameters
    ----------
    path : path
        netCDF 3 or 4.
    values : str, optional
        Variable, when the file holds several with a time and a unit axis.
    time : str, optional
        Name of the time axis when it is not ``time`` (``frame``: give `rate_hz`).
    rate_hz : float, optional
        Rate in Hz, when the axis counts frames.
    kind : str, optional
        What the numbers are; the file's attribute ``kind``, else ``"dff"``.
    """
    with check_file(path).open("rb") as handle:
        engine = "scipy" if handle.read(3) == b"CDF" else "h5netcdf"
    try:
        with xr.open_dataset(path, engine=engine) as opened:
            data = opened.load()
    except Exception as exc:  # every engine raises its own class for damage
        fail(str(path), "cannot be opened as netCDF", got=f"{type(exc).__name__}: {exc}", expected="a complete file")
    axis = time or "time"
    faults = Faults(str(path))
    fitting = [str(n) for n, v in data.data_vars.items() if axis in v.dims and set(v.dims) & set(_UNIT) and v.ndim == 2]
    if values is not None and values not in data:
        faults.add(f"no variable '{values}'", todo=did_you_mean(values, map(str, data.data_vars)))
    elif values is None and len(fitting) != 1:
        faults.add(
            f"which variable holds the signals on axis '{axis}'?",
            got=", ".join(fitting or map(str, data.data_vars)),
            expected=f"one with the axes {axis} and unit",
            todo="name it: values='...'; time='...' for another axis",
        )
    faults.raise_if_any()
    chosen = data[values or fitting[0]]
    unit = next((d for d in chosen.dims if d in _UNIT), None)
    if axis not in chosen.dims or unit is None or chosen.ndim != 2:
        fail(str(path), f"variable '{chosen.name}' has the wrong axes", expected=f"{axis}, unit", got=str(chosen.dims))
    chosen = chosen.transpose(axis, unit)
    names = [str(u) for u in chosen[unit].values]
    return make_traces(
        chosen.values,
        time_s=None if rate_hz else chosen[axis].values,
        rate_hz=rate_hz,
        units=names,
        kind=kind or str(chosen.attrs.get("kind", "dff")),
        source_file=str(path),
    )
