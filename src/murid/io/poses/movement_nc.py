"""netCDF files written by the ``movement`` package, with its present and its older dimension names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from murid.data.errors import Faults, did_you_mean, fail
from murid.io.files import Head, check_file
from murid.io.movement import from_movement
from murid.io.registry import pose_reader


def _is_movement(head: Head) -> bool:
    return {"position", "space", "time"} <= set(head.hdf5)


@pose_reader(
    "movement",
    (".nc", ".h5"),
    sniff=_is_movement,
    fps="stated",
    about="netCDF of the movement package (keypoint or keypoints, individual or individuals)",
)
def read_movement(
    path: Path, *, fps: float | None = None, individuals: Sequence[str] | None = None, unit: str | None = None
) -> xr.Dataset:
    """Read a movement netCDF file.

    Parameters
    ----------
    path : path
        netCDF-4 file.
    fps : float, optional
        Frames/s. Overrides the file, with a warning when they differ: converters are known to
        write a default rate.
    individuals : sequence of str, optional
        Animals to keep.
    unit : str, optional
        Unit of the coordinates; that of the file, else pixels.
    """
    try:
        with xr.open_dataset(check_file(path), engine="h5netcdf") as opened:
            data = opened.load()
    except Exception as exc:  # h5netcdf raises a different class for every kind of damage
        fail(str(path), "cannot be opened as netCDF", got=f"{type(exc).__name__}: {exc}", expected="a complete file")
    poses = from_movement(data, fps=fps, unit=unit, name=str(path))
    poses.attrs["source_file"] = str(path)
    if individuals is not None:
        known = [str(i) for i in poses["individual"].values]
        faults = Faults(str(path))
        for name in individuals:
            if name not in known:
                faults.add(f"no individual '{name}'", todo=did_you_mean(str(name), known))
        faults.raise_if_any()
        poses = poses.sel(individual=list(individuals))
    return poses
