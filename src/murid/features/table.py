"""The feature table: families × windows for one subject, whole, in blocks, or for chosen frames.

A table is planned once for a recording (`TablePlan`: roles, unit of length, windows, names) and then
filled block by block. Blocks overlap in what they read, not in what they give, and tiles of the
window statistics lie at fixed frames: any way of cutting gives the same numbers.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.bouts import EVERYONE
from murid.data.clock import frame_times
from murid.data.errors import fail
from murid.data.poses import make_poses
from murid.data.zones import Zones
from murid.features.params import FeatureParams
from murid.features.table_plan import TablePlan, prepare


def compute(
    poses: xr.Dataset,
    subject: str,
    params: FeatureParams | None = None,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    *,
    workers: int | None = None,
    **changes: Any,
) -> xr.DataArray:
    """Compute the whole feature table of one subject of one recording.

    Parameters
    ----------
    poses : Dataset
        Poses of one recording; lengths in cm when calibrated, else in body lengths.
    subject : str
        An individual's name, or ``"all"``: the animals together, in no order (labels of a dyad).
    params : FeatureParams, optional
    roles : dict of role to keypoint, optional
        Guessed from the names when not given (see `guess_roles`).
    zones : Zones, optional
        For the family ``"zone"``, in the unit of the poses.
    workers : int, optional
        Threads; all cores by default. Never changes the result.
    **changes
        Single parameters of `FeatureParams`, over `params`.

    Returns
    -------
    DataArray (time, feature)
        float32, NaN where undefined, with coordinates ``unit``, ``family`` and ``meaning`` along
        feature and the scale in the attributes.

    Raises
    ------
    DataError
        Unknown subject, roles that do not fit, no frame rate, or no body length to scale by.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.cumsum(np.ones((60, 2, 3, 1)), axis=0) * 0.1 + np.array([4.0, 0.0, -4.0])[None, None, :, None]
    >>> poses = make_poses(xy, keypoints=["nose", "centre", "tail_base"], individuals=["m"], fps=30, unit="cm")
    >>> params = FeatureParams(families=("kinematics",), windows_s=(), lags_s=())
    >>> table = compute(poses, "m", params)
    >>> table.dims, round(float(table.sel(feature="speed_centre")[30]), 2), str(table["unit"].values[0])
    (('time', 'feature'), 4.24, 'cm/s')
    """
    table = prepare(poses, subject, FeatureParams.of(params, changes), roles, zones)
    rows = np.arange(poses.sizes["time"], dtype=np.int64)
    return _as_array(table, rows, _filled(table, rows, workers))


def compute_rows(
    poses: xr.Dataset,
    subject: str,
    rows: ArrayLike,
    params: FeatureParams | None = None,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    *,
    workers: int | None = None,
    **changes: Any,
) -> xr.DataArray:
    """Compute the table for chosen frames only (a training subsample), never holding the rest.

    Parameters
    ----------
    rows : array of int or bool
        Row numbers in any order (may repeat), or a mask over time.
    **changes
        Single parameters of `FeatureParams`, over `params`.

    Returns
    -------
    DataArray (time, feature)
        In the order of `rows`; each row equals the same row of `compute`.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.cumsum(np.ones((60, 2, 3, 1)), axis=0) * 0.1 + np.array([4.0, 0.0, -4.0])[None, None, :, None]
    >>> poses = make_poses(xy, keypoints=["nose", "centre", "tail_base"], individuals=["m"], fps=30, unit="cm")
    >>> params = FeatureParams(families=("kinematics",), windows_s=(), lags_s=())
    >>> compute_rows(poses, "m", [5, 3], params)["time"].values.round(3).tolist()
    [0.167, 0.1]
    """
    table = prepare(poses, subject, FeatureParams.of(params, changes), roles, zones)
    wanted = _check_rows(rows, poses.sizes["time"])
    unique, back = np.unique(wanted, return_inverse=True)
    values = _filled(table, unique, workers)
    if unique.size != wanted.size or (unique != wanted).any():
        values = values[back]
    return _as_array(table, wanted, values)


def iter_blocks(
    poses: xr.Dataset,
    subject: str,
    params: FeatureParams | None = None,
    *,
    block_s: float = 120.0,
    rows: ArrayLike | None = None,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    workers: int | None = None,
    **changes: Any,
) -> Iterator[xr.DataArray]:
    """Yield the table in blocks of time, in order, in bounded memory.

    Parameters
    ----------
    block_s : float
        About how long a block is; rounded up to whole tiles of 1,024 frames.
    rows : array of int or bool, optional
        Only these frames (as in `compute_rows`, but given back in ascending order, once each).
    **changes
        Single parameters of `FeatureParams`, over `params`.

    Yields
    ------
    DataArray (time, feature)
        Joined along time they equal `compute`.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.cumsum(np.ones((60, 2, 3, 1)), axis=0) * 0.1 + np.array([4.0, 0.0, -4.0])[None, None, :, None]
    >>> poses = make_poses(xy, keypoints=["nose", "centre", "tail_base"], individuals=["m"], fps=30, unit="cm")
    >>> params = FeatureParams(families=("kinematics",), windows_s=(), lags_s=())
    >>> [block.sizes["time"] for block in iter_blocks(poses, "m", params, block_s=10.0)]
    [60]
    """
    table = prepare(poses, subject, FeatureParams.of(params, changes), roles, zones)
    n = poses.sizes["time"]
    wanted = np.arange(n, dtype=np.int64) if rows is None else np.unique(_check_rows(rows, n))
    if not block_s > 0:
        fail("iter_blocks", "block_s is not valid", expected="> 0 s", got=str(block_s))
    yield from (_as_array(table, r, v) for r, v in _blocks(table, wanted, block_s, workers))


def feature_names(
    keypoints: Sequence[str],
    params: FeatureParams | None = None,
    *,
    n_individuals: int = 1,
    together: bool = False,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    fps: float = 30.0,
    unit: str = "cm",
    **changes: Any,
) -> xr.DataArray:
    """List the features a skeleton gives, without data.

    Parameters
    ----------
    keypoints : sequence of str
    n_individuals : int
        Animals in the recording.
    together : bool
        Names for subject ``"all"``.
    fps, unit
        Names do not depend on either; units do on `unit` (``"px"`` gives body lengths, ``"bl"``).
    **changes
        Single parameters of `FeatureParams`, over `params`.

    Returns
    -------
    DataArray (feature)
        Empty strings named by ``feature``, with coordinates ``unit``, ``family``, ``meaning``.

    Examples
    --------
    >>> params = FeatureParams(families=("kinematics",), windows_s=(), lags_s=(), path_windows_s=())
    >>> names = feature_names(["nose", "tail_base"], params)
    >>> [str(n) for n in names["feature"].values[:3]]
    ['speed_centre', 'speed_nose', 'speed_tail_base']
    """
    individuals = [f"individual_{i}" for i in range(n_individuals)]
    rng = np.random.default_rng(0)
    position = rng.uniform(size=(2, 2, len(keypoints), n_individuals))
    poses = make_poses(position, keypoints=keypoints, individuals=individuals, time_s=frame_times(2, fps), unit=unit)
    table = prepare(poses, EVERYONE if together else individuals[0], FeatureParams.of(params, changes), roles, zones)
    names, units, families, meanings, _, _ = table.layout
    return xr.DataArray(
        np.zeros(len(names), np.float32),
        dims="feature",
        coords={
            "feature": names,
            "unit": ("feature", units),
            "family": ("feature", families),
            "meaning": ("feature", meanings),
        },
    )


def _check_rows(rows: ArrayLike, n: int) -> NDArray[np.int64]:
    wanted = np.asarray(rows)
    if wanted.dtype == bool:
        if wanted.shape != (n,):
            fail("rows", "the mask has the wrong length", expected=str(n), got=str(wanted.shape))
        wanted = np.flatnonzero(wanted)
    wanted = wanted.astype(np.int64)
    if wanted.ndim != 1 or wanted.size == 0:
        fail("rows", "no frames asked for", expected="at least one row number", got=str(wanted.shape))
    if wanted.min() < 0 or wanted.max() >= n:
        fail("rows", "frames do not exist", expected=f"0..{n - 1}", got=f"{wanted.min()}..{wanted.max()}")
    return wanted


def _filled(table: TablePlan, rows: NDArray[np.int64], workers: int | None) -> NDArray[np.float32]:
    from murid.features.window_kernel import TILE

    out = np.empty((rows.size, len(table.layout[0])), np.float32)
    chunks = _chunks(rows, 4 * TILE)
    at = np.cumsum([0, *(c.size for c in chunks)])
    jobs = [(chunk, out[a:b]) for chunk, a, b in zip(chunks, at, at[1:], strict=False)]
    n = _workers(workers)
    if n == 1 or len(jobs) == 1:
        for chunk, part in jobs:
            table.fill(chunk, part)
        return out
    with ThreadPoolExecutor(n) as pool:
        for done in [pool.submit(table.fill, chunk, part) for chunk, part in jobs]:
            done.result()
    return out


def _blocks(
    table: TablePlan, rows: NDArray[np.int64], block_s: float, workers: int | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield (rows, values) in order, computing at most `workers` blocks ahead."""
    width = len(table.layout[0])

    def work(chunk: NDArray[np.int64]) -> NDArray[np.float32]:
        out = np.empty((chunk.size, width), np.float32)
        table.fill(chunk, out)
        return out

    chunks = _chunks(rows, max(1, int(block_s * table.fps)))
    n = _workers(workers)
    if n == 1:
        for chunk in chunks:
            yield chunk, work(chunk)
        return
    with ThreadPoolExecutor(n) as pool:
        ahead: deque = deque()
        for chunk in chunks:
            ahead.append((chunk, pool.submit(work, chunk)))
            if len(ahead) > n:
                done, future = ahead.popleft()
                yield done, future.result()
        while ahead:
            done, future = ahead.popleft()
            yield done, future.result()


def _chunks(rows: NDArray[np.int64], frames: int) -> list[NDArray[np.int64]]:
    """Cut ascending rows into groups that share whole tiles."""
    from murid.features.window_kernel import TILE

    size = -(-frames // TILE) * TILE
    cuts = np.flatnonzero(np.diff(rows // size)) + 1
    return np.split(rows, cuts)


def _workers(workers: int | None) -> int:
    if workers is not None:
        return max(1, int(workers))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def _as_array(table: TablePlan, rows: NDArray[np.int64], values: NDArray[np.float32]) -> xr.DataArray:
    names, units, families, meanings, _, _ = table.layout
    poses = table.poses
    coords = {
        "time": poses["time"].values[rows],
        "feature": np.asarray(names, dtype=object),
        "unit": ("feature", np.asarray(units, dtype=object)),
        "family": ("feature", np.asarray(families, dtype=object)),
        "meaning": ("feature", np.asarray(meanings, dtype=object)),
    }
    if "frame" in poses.coords:
        coords["frame"] = ("time", poses["frame"].values[rows])
    attrs = {
        "subject": table.subject,
        "fps": table.fps,
        "length_unit": table.length_name,
        "length_in_pose_units": table.length,
        "roles": dict(table.roles),
    }
    return xr.DataArray(values, dims=("time", "feature"), coords=coords, attrs=attrs, name="features")
