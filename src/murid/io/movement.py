"""Exchange with the ``movement`` package: its datasets in, its datasets out. No import of it is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from murid.data.errors import Faults
from murid.data.poses import make_poses
from murid.io.files import resolve_fps

_PLURAL = {"keypoint": "keypoints", "individual": "individuals"}
_SINGULAR = {v: k for k, v in _PLURAL.items()}


def to_movement(poses: xr.Dataset, *, plural: bool = False) -> xr.Dataset:
    """Return poses as a dataset of the movement package.

    Parameters
    ----------
    poses : Dataset
        Poses.
    plural : bool
        Dimensions ``keypoints`` and ``individuals``, which movement expected until 0.16; since 0.17 they are
        ``keypoint`` and ``individual`` (the default), the names murid uses.

    Returns
    -------
    Dataset
        ``position (time, space, keypoint, individual)``, ``confidence``; names as plain strings and
        attributes that netCDF can hold. Time is in seconds, with the rate in ``fps``, so that frame
        numbers come back with `from_movement`.

    Examples
    --------
    >>> import numpy as np
    >>> from murid.data.poses import make_poses
    >>> to_movement(make_poses(np.zeros((9, 2, 1, 1)), keypoints=["nose"], fps=30))["position"].dims
    ('time', 'space', 'keypoint', 'individual')
    """
    out = poses[["position", "confidence"]].drop_vars([c for c in poses.coords if c not in poses.dims])
    for dim in ("keypoint", "individual", "space"):
        out = out.assign_coords({dim: [str(v) for v in poses[dim].values]})
    if plural:
        out = out.rename(_PLURAL)
    kept = {k: v for k, v in poses.attrs.items() if isinstance(v, (str, int, float, np.integer, np.floating))}
    out.attrs = {**kept, "ds_type": "poses", "time_unit": "seconds"}
    return out


def from_movement(
    data: xr.Dataset, *, fps: float | None = None, unit: str | None = None, name: str = "movement dataset"
) -> xr.Dataset:
    """Return Poses from a dataset of the movement package, present or older dimension names.

    Parameters
    ----------
    data : Dataset
        With ``position`` and, usually, ``confidence``.
    fps : float, optional
        Frames/s. Needed when the dataset counts frames (``time_unit`` "frames"). One that differs
        from the dataset's is used, with a warning, and time is counted anew from it.
    unit : str, optional
        Unit of the coordinates; the dataset's own, else ``"px"``.
    name : str
        What to call it in errors.

    Raises
    ------
    DataError
        When variables or axes are missing, or the frame rate is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from murid.data.poses import make_poses
    >>> poses = make_poses(np.zeros((9, 2, 1, 1)), keypoints=["nose"], fps=30)
    >>> from_movement(to_movement(poses))["position"].dims
    ('time', 'space', 'keypoint', 'individual')
    """
    data = data.rename({k: v for k, v in _SINGULAR.items() if k in data.dims})
    faults = Faults(name)
    wanted = ("time", "space", "keypoint", "individual")
    if "position" not in data:
        faults.add("variable 'position' is missing", got=", ".join(map(str, data.data_vars)))
    elif set(data["position"].dims) != set(wanted):
        faults.add(
            "position has the wrong axes", expected=", ".join(wanted), got=", ".join(map(str, data["position"].dims))
        )
    faults.raise_if_any()
    position = data["position"].transpose(*wanted)
    confidence = data["confidence"].transpose("time", "keypoint", "individual").values if "confidence" in data else None
    attrs = {k: _plain(v) for k, v in data.attrs.items() if k not in ("fps", "unit", "ds_type", "time_unit")}
    stated = data.attrs.get("fps")
    stated = float(np.ravel(stated)[0]) if stated is not None and stated != "None" else None
    time = np.asarray(position["time"].values, np.float64)
    clock: dict[str, Any]
    counts_frames = data.attrs.get("time_unit") == "frames"
    if counts_frames or fps is not None:
        rate = resolve_fps(name, fps, stated, "this movement")
        frames = np.round(time if counts_frames else (time * (stated or rate)))
        clock = {"time_s": frames / rate, "frames": frames}
    else:
        clock = {"time_s": time, "frames": _frames(time, stated)}
    out = make_poses(
        position.values,
        confidence,
        keypoints=[str(k) for k in position["keypoint"].values],
        individuals=[str(i) for i in position["individual"].values],
        unit=unit or str(data.attrs.get("unit", "px")),
        **clock,
        **attrs,
    )
    out.attrs["fps"] = float(fps or stated or out.attrs["fps"])
    return out


def _frames(time_s: np.ndarray, fps: float | None) -> np.ndarray | None:
    """Frame numbers of times on a frame grid; None where they lie on none."""
    if fps is None or not (np.isfinite(fps) and fps > 0):
        return None
    frames = time_s * fps
    on_grid = (np.abs(frames - np.round(frames)) < 0.1).all() and (np.diff(np.round(frames)) > 0).all()
    return np.round(frames) if on_grid else None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
