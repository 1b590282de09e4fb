"""DeepLabCut HDF5: a pandas table with column levels scorer, [individuals,] bodyparts, coords."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import fail
from murid.data.pandas_release import SINCE_3_1
from murid.io.files import Head, check_file, choose, open_hdf5
from murid.io.poses._columns import Key, frames_of_images, poses_from_columns
from murid.io.registry import pose_reader


def _is_dlc_h5(head: Head) -> bool:
    return "frame" in head.hdf5.values()


@pose_reader(
    "dlc_h5", (".h5",), sniff=_is_dlc_h5, fps="required", about="DeepLabCut HDF5 (pandas table), one or several animals"
)
def read_dlc_h5(
    path: Path,
    *,
    fps: float | None = None,
    individuals: Sequence[str] | None = None,
    unit: str = "px",
    key: str | None = None,
) -> xr.Dataset:
    """Read a DeepLabCut HDF5 file.

    Parameters
    ----------
    path : path
        HDF5 file.
    fps : float
        Frames/s of the video: the file has none.
    individuals : sequence of str, optional
        As in the CSV reader.
    unit : str
        Unit of the coordinates.
    key : str, optional
        Table to read when the file holds several (``df_with_missing``, ``tracks`` …).
    """
    with open_hdf5(path) as handle:
        tables = [name for name, item in handle.items() if "pandas_type" in item.attrs]
    frame = _read_frame(path, choose(path, "table", tables, key, "key"))
    levels = [str(n or "").lower() for n in frame.columns.names]
    if frame.columns.nlevels not in (3, 4) or levels[-1] not in ("coords", "coord", ""):
        fail(
            str(path),
            "is not a DeepLabCut table",
            expected="column levels scorer, [individuals,] bodyparts, coords",
            got=", ".join(levels),
        )
    keys = [Key(str(c[1]) if len(c) == 4 else "", str(c[-2]), str(c[-1]).lower()) for c in frame.columns]
    if pd.api.types.is_numeric_dtype(frame.index):
        frames = frame.index.to_numpy(np.float64)
    else:  # labelled frames: (folder, film, image) or the image's path
        frames = frames_of_images([str(row[-1] if isinstance(row, tuple) else row) for row in frame.index])
    return poses_from_columns(
        frame.to_numpy(np.float64),
        keys,
        path=path,
        software="DeepLabCut",
        fps=fps,
        frames=frames,
        individuals=individuals,
        unit=unit,
        scorer=str(frame.columns[0][0]),
    )


def _read_frame(path: Path, key: str) -> pd.DataFrame:
    try:
        return pd.DataFrame(_stored(check_file(path), key)).astype(np.float64)
    except Exception as exc:  # pytables raises a different class for every kind of damage
        fail(
            str(path),
            f"table '{key}' cannot be read",
            got=f"{type(exc).__name__}: {str(exc).splitlines()[0]}",
            expected="numbers written by pandas",
            todo="export the file again, or use the CSV",
        )


def _stored(path: Path, key: str) -> Any:
    """Return the table as pandas stored it.

    Pandas 3.1 no longer writes down its version, and earlier ones take a table without it for their format before
    0.10.1, and fail; such a table is given a version, in a copy in memory.
    """
    with open_hdf5(path) as handle:
        stated = "pandas_version" in handle[key].attrs
    if stated or SINCE_3_1:
        return pd.read_hdf(path, key)
    memory: dict[str, Any] = {
        "driver": "H5FD_CORE",
        "driver_core_image": path.read_bytes(),
        "driver_core_backing_store": 0,
    }
    store: Any = pd.HDFStore("in_memory.h5", mode="a", **memory)
    with store:
        store.get_node(key)._v_attrs.pandas_version = "0.15.2"  # noqa: SLF001 (PyTables has no other name for them)
        return store.get(key)
