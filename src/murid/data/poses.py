"""Poses: where each keypoint of each individual was, frame by frame.

A plain `xarray.Dataset` with the names of the `movement` package, so that objects cross over:

* ``position (time, space, keypoint, individual)`` float32, missing = NaN
* ``confidence (time, keypoint, individual)`` float32 in 0..1, NaN where unknown
* coordinates ``time`` (s), ``space`` (x, y[, z]), ``keypoint``, ``individual``, ``frame (time)``
* attributes ``unit`` (``"px"`` or ``"cm"``), ``fps``, ``source_software``, ``source_file``;
  ``px_per_cm`` once calibrated
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.clock import check_time, frame_times, rate_of, spans
from murid.data.errors import Faults
from murid.data.stretches import runs_of_true

POSE_DIMS = ("time", "space", "keypoint", "individual")
UNITS = ("px", "cm", "mm")


def make_poses(
    position: ArrayLike,
    confidence: ArrayLike | None = None,
    *,
    keypoints: Sequence[str],
    individuals: Sequence[str] = ("individual_0",),
    fps: float | None = None,
    time_s: ArrayLike | None = None,
    frames: ArrayLike | None = None,
    unit: str = "px",
    **attrs: Any,
) -> xr.Dataset:
    """Build and check a Poses dataset.

    Parameters
    ----------
    position : array of shape (time, space, keypoint, individual)
        Coordinates in `unit`; NaN where the keypoint was not seen.
    confidence : array of shape (time, keypoint, individual), optional
        Tracker confidence, 0..1. NaN when the tracker gives none.
    keypoints, individuals : sequence of str
        Names along the last two axes.
    fps, time_s : float or array of shape (time,)
        Give one: a frame rate (frames/s) or the time of each frame in seconds.
    frames : array of int, optional
        Frame number in the video of each row; 0..n-1 by default.
    unit : {"px", "cm", "mm"}
        Unit of `position`.
    **attrs
        Stored as attributes (``source_software``, ``source_file``, …).

    Raises
    ------
    DataError
        Listing every fault: shapes, names, time, unit, confidence, frame numbers.

    Examples
    --------
    >>> import numpy as np
    >>> poses = make_poses(np.zeros((60, 2, 1, 1)), keypoints=["nose"], fps=30)
    >>> dict(poses.sizes)["time"], poses.attrs["unit"]
    (60, 'px')
    """
    # A copy: the dataset never shares memory with the caller.
    position = np.array(position, dtype=np.float32)
    faults = Faults(f"poses {attrs.get('source_file', '')}".strip())
    if position.ndim != 4:
        faults.add(
            "position has the wrong number of axes",
            expected="(time, space, keypoint, individual)",
            got=str(position.shape),
        )
        faults.raise_if_any()
    n, _, n_kp, n_ind = position.shape
    if confidence is None:
        confidence = np.full((n, n_kp, n_ind), np.nan, np.float32)
    confidence = np.array(confidence, dtype=np.float32)
    if confidence.shape != (n, n_kp, n_ind):
        faults.add("confidence does not fit position", expected=str((n, n_kp, n_ind)), got=str(confidence.shape))
    _check_names({"keypoint": keypoints, "individual": individuals}, (n_kp, n_ind), faults)
    if (fps is None) == (time_s is None):
        got, todo = "both" if fps else "neither", "pass fps=<frames per second of the video>"
        faults.add("time base", expected="either fps or time_s", got=got, todo=todo)
    faults.raise_if_any()
    time = frame_times(n, fps) if fps is not None else np.array(time_s, np.float64)
    if time.shape != (n,):
        faults.add("time_s has the wrong length", expected=str(n), got=str(time.shape))
        faults.raise_if_any()
    poses = xr.Dataset(
        {
            "position": (POSE_DIMS, position),
            "confidence": (("time", "keypoint", "individual"), confidence),
        },
        coords={
            "time": time,
            "space": ["x", "y", "z"][: position.shape[1]],
            "keypoint": np.asarray([str(k) for k in keypoints], dtype=object),
            "individual": np.asarray([str(i) for i in individuals], dtype=object),
            "frame": ("time", np.arange(n) if frames is None else np.array(frames, np.int64)),
        },
        attrs={"unit": unit, "fps": float(fps or rate_of(time)), "ds_type": "poses", "time_unit": "seconds", **attrs},
    )
    return validate_poses(poses)


def _check_names(names: dict[str, Sequence[str]], sizes: tuple[int, ...], faults: Faults) -> None:
    """Each axis has as many names as places, and no name twice."""
    for (axis, given), size in zip(names.items(), sizes, strict=True):
        if len(given) != size:
            faults.add(f"number of {axis} names", expected=str(size), got=str(len(given)))
        if len(set(map(str, given))) != len(given):
            faults.add(f"{axis} names repeat", got=str(list(given)))


def validate_poses(poses: xr.Dataset, name: str = "") -> xr.Dataset:
    """Return `poses` unchanged, or raise one `DataError` with every fault."""
    faults = Faults(f"poses {name or poses.attrs.get('source_file', '')}".strip())
    for variable, dims in (("position", POSE_DIMS), ("confidence", ("time", "keypoint", "individual"))):
        if variable not in poses:
            faults.add(f"variable '{variable}' is missing", got=str(list(poses.data_vars)))
        elif poses[variable].dims != dims:
            faults.add(f"'{variable}' has the wrong axes", expected=str(dims), got=str(poses[variable].dims))
    faults.raise_if_any()
    if poses.sizes["time"] == 0:
        faults.add("no frames", expected="at least one row", todo="the file is empty or truncated")
    check_time(poses["time"].values, faults)
    if poses.sizes["space"] not in (2, 3):
        faults.add("space", expected="x, y or x, y, z", got=str(poses.sizes["space"]))
    if poses.attrs.get("unit") not in UNITS:
        faults.add("unit", expected=" or ".join(UNITS), got=str(poses.attrs.get("unit")))
    if "frame" in poses.coords and (np.diff(poses["frame"].values) <= 0).any():
        row = int(np.flatnonzero(np.diff(poses["frame"].values) <= 0)[0]) + 1
        faults.add(
            "frame numbers do not increase",
            where=f"row {row}",
            got=f"{poses['frame'].values[row]} after {poses['frame'].values[row - 1]}",
            todo="sort the rows and drop repeated ones",
        )
    _check_confidence(poses["confidence"].values, faults)
    values = poses["position"].values
    if values.size and np.isinf(values).any():
        faults.add("positions are infinite", got=f"{int(np.isinf(values).sum())} values")
    if values.size and np.isnan(values).all():
        faults.add(
            "every position is missing",
            expected="some tracked keypoints",
            todo="check the file, or the confidence threshold it was exported with",
        )
    faults.raise_if_any()
    return poses


def _check_confidence(confidence: np.ndarray, faults: Faults) -> None:
    """Confidence is a share; percent would pass every threshold below 1."""
    known = confidence[np.isfinite(confidence)]
    if not known.size or (known.min() >= -1e-3 and known.max() <= 1 + 1e-3):
        return
    percent = known.min() >= 0 and 1.5 < known.max() <= 100
    faults.add(
        "confidence lies outside 0..1",
        expected="0..1, NaN where unknown",
        got=f"{known.min():.4g}..{known.max():.4g}",
        todo="it seems to be in percent: divide it by 100" if percent else "clip it to 0..1, or leave it out",
    )


def fps_of(data: xr.Dataset | xr.DataArray) -> float:
    """Return the sampling rate in Hz of anything with a ``time`` coordinate."""
    return rate_of(data["time"].values)


def keypoint_names(poses: xr.Dataset) -> list[str]:
    """Keypoint names in order."""
    return [str(k) for k in poses["keypoint"].values]


def individual_names(poses: xr.Dataset) -> list[str]:
    """Individual names in order."""
    return [str(i) for i in poses["individual"].values]


def never_seen(poses: xr.Dataset) -> dict[str, list[str]]:
    """Return the keypoints of each individual that have no sighting in the whole recording.

    Returns
    -------
    dict of str to list of str
        Individual → keypoints; individuals of which every keypoint was seen are absent.

    Examples
    --------
    >>> import numpy as np
    >>> xy = np.array([[[[1.0], [np.nan]], [[1.0], [np.nan]]]])
    >>> never_seen(make_poses(xy, keypoints=["nose", "tail_tip"], individuals=["m"], fps=30))
    {'m': ['tail_tip']}
    """
    seen = np.isfinite(poses["position"].values).all(axis=1).any(axis=0)  # (keypoint, individual)
    keypoints, out = keypoint_names(poses), {}
    for i, individual in enumerate(individual_names(poses)):
        hidden = [keypoint for k, keypoint in enumerate(keypoints) if not seen[k, i]]
        if hidden:
            out[individual] = hidden
    return out


def absent(poses: xr.Dataset, longer_than_s: float) -> np.ndarray:
    """Say when an animal is out of view: ``(time, individual)`` True where none of its keypoints is seen for long.

    Parameters
    ----------
    poses : Dataset
        Raw or cleaned.
    longer_than_s : float
        Shorter stretches are lost by the tracker, not by the camera, and stay False.
    """
    seen = np.isfinite(poses["position"].values).all(axis=1).any(axis=1)
    span = spans(poses["time"].values)
    out = np.zeros(seen.shape, bool)
    for i in range(seen.shape[1]):
        for start, stop in runs_of_true(~seen[:, i]):
            out[start:stop, i] = span[start:stop].sum() > longer_than_s
    return out
