"""Egocentric alignment: the animal at the origin, looking along +x.

What is left is posture, without place and heading. Coordinates keep their unit. In pictures y
points down, so that in px the animal's *right* side has positive y.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from murid.data.clock import rate_of, samples_in
from murid.data.errors import Faults, did_you_mean
from murid.data.poses import individual_names, keypoint_names, validate_poses


def align_egocentric(
    poses: xr.Dataset,
    origin: str | Sequence[str],
    axis: tuple[str | Sequence[str], str | Sequence[str]],
    *,
    relative_to: str | None = None,
    heading_window_s: float = 0.0,
) -> xr.Dataset:
    """Move and turn every frame so that the animal sits at 0 and faces +x.

    Parameters
    ----------
    poses : Dataset
        Poses, any unit; two-dimensional.
    origin : str or sequence of str
        Keypoint at the origin, or several whose mean is.
    axis : (rear, front)
        Heading points from rear to front; each a keypoint or several whose mean counts.
    relative_to : str, optional
        Individual in whose frame all are put: partner coordinates. Each in its own when None.
    heading_window_s : float
        Window of a running mean of the heading's unit vector, seconds; 0 = none. Never reaches
        over frames without heading.

    Returns
    -------
    Dataset
        ``position`` aligned, NaN where origin or heading are not defined; ``confidence``;
        ``heading (time, individual)`` in rad, from +x of the picture towards +y, −π..π;
        ``centre (time, space, individual)`` where the origin was. Attributes ``origin``,
        ``axis``, ``aligned_to``.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.array([[[[5.0], [5.0]], [[8.0], [2.0]]]])
    >>> poses = make_poses(xy, keypoints=["nose", "tail_base"], fps=30, unit="cm")
    >>> aligned = align_egocentric(poses, "tail_base", ("tail_base", "nose"))
    >>> aligned["position"].sel(keypoint="nose", individual="individual_0").values.round(3).tolist()
    [[6.0, 0.0]]
    """
    validate_poses(poses)
    rear, front = _named(axis[0]), _named(axis[1])
    where = _named(origin)
    _check(poses, where, rear, front, relative_to)
    xy = poses["position"].values.astype(np.float64)  # (time, space, keypoint, individual)
    names = keypoint_names(poses)
    centre = _mean_of(xy, names, where)  # (time, space, individual)
    along = _mean_of(xy, names, front) - _mean_of(xy, names, rear)
    length = np.linalg.norm(along, axis=1)
    unit = np.where((length > 0)[:, None], along / np.where(length > 0, length, 1.0)[:, None], np.nan)
    if heading_window_s > 0:
        unit = _smooth_direction(unit, poses["time"].values, heading_window_s)
    if relative_to is not None:
        one = individual_names(poses).index(relative_to)
        turn, base = unit[:, :, [one]], centre[:, :, [one]]
    else:
        turn, base = unit, centre
    cos, sin = turn[:, 0][:, None], turn[:, 1][:, None]  # (time, 1, individual)
    dx, dy = xy[:, 0] - base[:, 0][:, None], xy[:, 1] - base[:, 1][:, None]
    aligned = np.stack([cos * dx + sin * dy, cos * dy - sin * dx], axis=1).astype(np.float32)
    out = poses.drop_vars("position_raw", errors="ignore").assign(
        position=(poses["position"].dims, aligned),
        heading=(("time", "individual"), np.arctan2(unit[:, 1], unit[:, 0]), {"unit": "rad"}),
        centre=(("time", "space", "individual"), centre),
    )
    return out.assign_attrs(
        origin=", ".join(where), axis=f"{', '.join(rear)} -> {', '.join(front)}", aligned_to=relative_to or "itself"
    )


def _named(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _check(poses: xr.Dataset, origin: list[str], rear: list[str], front: list[str], relative_to: str | None) -> None:
    faults = Faults("egocentric")
    names, animals = keypoint_names(poses), individual_names(poses)
    for part, given in (("origin", origin), ("rear", rear), ("front", front)):
        if not given:
            faults.add(f"{part} is empty", expected="at least one keypoint")
        for name in given:
            if name not in names:
                faults.add(f"no keypoint '{name}'", where=part, todo=did_you_mean(name, names))
    if set(rear) == set(front):
        faults.add("rear and front are the same", got=", ".join(rear), todo="e.g. axis=('tail_base', 'nose')")
    if relative_to is not None and relative_to not in animals:
        faults.add(f"no individual '{relative_to}'", todo=did_you_mean(relative_to, animals))
    if poses.sizes["space"] != 2:
        faults.add(
            "poses are not two-dimensional",
            expected="x, y",
            got=str(list(poses["space"].values)),
            todo="poses.isel(space=[0, 1])",
        )
    if "heading" in poses:
        faults.add("poses are aligned already", todo="align the poses as they were before")
    faults.raise_if_any()


def _mean_of(xy: np.ndarray, names: list[str], keypoints: list[str]) -> np.ndarray:
    """Mean place of keypoints, NaN where one is missing; a partial mean would make the origin hop."""
    return xy[:, :, [names.index(k) for k in keypoints]].mean(axis=2)


def _smooth_direction(unit: np.ndarray, time_s: np.ndarray, window_s: float) -> np.ndarray:
    """Running mean of unit vectors ``(time, 2, individual)``, made unit again."""
    from murid.prepare.smooth import savgol_smooth

    if samples_in(window_s, rate_of(time_s)) < 2:
        return unit
    out = np.stack([savgol_smooth(unit[:, :, i], time_s, window_s, order=1) for i in range(unit.shape[2])], axis=2)
    length = np.linalg.norm(out, axis=1, keepdims=True)
    return np.where(length > 1e-6, out / np.maximum(length, 1e-6), np.nan)
