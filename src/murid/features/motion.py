"""Five quantities of poses as labelled arrays: speed, velocity, heading, distance, body length.

Each keeps the axes ``individual`` and, where it makes sense, ``keypoint``, carries its unit in
``attrs["unit"]``, and is missing (NaN) where a point is. Rates are differences over a fixed time
(`step_s`) divided by the time that truly passed, and never reach over a pause of the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import even_parts, rate_of
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.meet import keypoints_and_roles
from murid.data.poses import individual_names, keypoint_names, validate_poses
from murid.data.roles import stand_ins
from murid.features.body import Clock

#: Time over which rates are taken, as in `FeatureParams.step_s`.
STEP_S = 1 / 15


def velocity(poses: xr.Dataset, *, step_s: float = STEP_S) -> xr.DataArray:
    """Velocity of every keypoint.

    Parameters
    ----------
    poses : Dataset
        Best cleaned (`murid.prepare.clean`), 2-D or 3-D.
    step_s : float
        Time over which the difference is taken, centred, s. 1/15 s: above the jitter of trackers, below a
        step. At least one frame on either side; one-sided at the ends.

    Returns
    -------
    DataArray (time, space, keypoint, individual)
        In the unit of the poses per second.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.arange(5.0)[:, None, None, None] * np.array([1.0, 0.0])[None, :, None, None]
    >>> poses = make_poses(xy, keypoints=["nose"], fps=10, unit="cm")
    >>> v = velocity(poses)
    >>> v.sel(space="x").values.ravel().tolist(), v.attrs["unit"]
    ([10.0, 10.0, 10.0, 10.0, 10.0], 'cm/s')
    """
    validate_poses(poses)
    if not step_s > 0:
        fail("velocity", "step_s is not valid", expected="> 0 s", got=str(step_s))
    position = poses["position"]
    out = np.full(position.shape, np.nan, np.float32)
    time = np.asarray(poses["time"].values, np.float64)
    for start, stop, rate in even_parts(time):
        rate = rate if np.isfinite(rate) else rate_of(time)
        half = max(1, int(step_s * rate / 2 + 0.5)) if np.isfinite(rate) else 1
        clock = Clock(time[start:stop], half, half)
        # Time last, as `Clock` wants it; differences in float64: positions in px may be large.
        part = np.moveaxis(position.values[start:stop].astype(np.float64), 0, -1)
        before, after = clock.ends(part)
        out[start:stop] = np.moveaxis((after - before) * clock.per_s, -1, 0)
    return _array(out, position, "velocity", f"{_unit(poses)}/s", {"step_s": step_s})


def speed(poses: xr.Dataset, *, step_s: float = STEP_S) -> xr.DataArray:
    """Speed of every keypoint: the length of its `velocity`.

    Parameters
    ----------
    poses : Dataset
    step_s : float
        See `velocity`.

    Returns
    -------
    DataArray (time, keypoint, individual)
        In the unit of the poses per second.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.arange(5.0)[:, None, None, None] * np.array([3.0, 4.0])[None, :, None, None]
    >>> speed(make_poses(xy, keypoints=["nose"], fps=10, unit="cm")).values.ravel().tolist()
    [50.0, 50.0, 50.0, 50.0, 50.0]
    """
    v = velocity(poses, step_s=step_s)
    out = np.sqrt((v.values**2).sum(axis=1))
    return _array(out, v.isel(space=0, drop=True), "speed", v.attrs["unit"], {"step_s": step_s})


def heading(poses: xr.Dataset, *, roles: Mapping[str, str] | None = None) -> xr.DataArray:
    """Direction of the trunk, from rear to front.

    Parameters
    ----------
    poses : Dataset
    roles : mapping of role to keypoint, optional
        Front and rear are made from roles (neck or ears or head, and tail base or hips); those that are not
        given are guessed from the names.

    Returns
    -------
    DataArray (time, individual)
        rad, −π..π, from +x towards +y; in pictures, where y points down, clockwise.

    Raises
    ------
    DataError
        The keypoints give no front and rear.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.array([[[[1.0], [0.0]], [[1.0], [0.0]]]])
    >>> poses = make_poses(xy, keypoints=["neck", "tail_base"], fps=10, unit="cm")
    >>> bool(np.isclose(heading(poses).item(), np.pi / 4))
    True
    """
    front, rear = (_point(poses, name, roles) for name in ("front", "rear"))
    away = front - rear
    away = np.where((away == 0).all(axis=1, keepdims=True), np.nan, away)
    angle = np.arctan2(away[:, 1], away[:, 0])
    return _array(angle, poses["position"].isel(space=0, keypoint=0, drop=True), "heading", "rad", {})


def distance(
    poses: xr.Dataset,
    to: str | Sequence[float],
    *,
    individual: str | None = None,
    roles: Mapping[str, str] | None = None,
) -> xr.DataArray:
    """Distance of every keypoint to a point of an animal, or to a place.

    Parameters
    ----------
    poses : Dataset
    to : str or (x, y)
        A keypoint or role (made from others where not tracked: ``"centre"``, ``"head"`` …), or a place in the
        unit of the poses.
    individual : str, optional
        Whose point is meant; each individual's own by default.
    roles : mapping of role to keypoint, optional

    Returns
    -------
    DataArray (time, keypoint, individual)
        In the unit of the poses.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.array([[[[0.0, 3.0]], [[0.0, 4.0]]]])
    >>> poses = make_poses(xy, keypoints=["nose"], individuals=["a", "b"], fps=10, unit="cm")
    >>> distance(poses, "nose", individual="a").values.tolist()
    [[[0.0, 5.0]]]
    >>> distance(poses, (3, 0)).values.tolist()
    [[[3.0, 4.0]]]
    """
    validate_poses(poses)
    xy = poses["position"].values[:, :2].astype(np.float64)
    if isinstance(to, str):
        target = _point(poses, to, roles)[:, :, None]  # (time, 2, 1, individual)
        if individual is not None:
            names = individual_names(poses)
            if individual not in names:
                fail("distance", f"no individual '{individual}'", todo=did_you_mean(individual, names))
            target = target[..., [names.index(individual)]]
    else:
        place = np.asarray(to, np.float64)
        if place.shape != (2,):
            fail("distance", "the place is not valid", expected="(x, y)", got=str(to))
        target = place[None, :, None, None]
    away = xy - target
    out = np.sqrt((away**2).sum(axis=1))
    return _array(out, poses["position"].isel(space=0, drop=True), "distance", _unit(poses), {"to": str(to)})


def body_length(poses: xr.Dataset, *, roles: Mapping[str, str] | None = None) -> xr.DataArray:
    """Length of the animal in every frame: nose to rear.

    The typical length of a recording, one number, is `murid.prepare.typical_body_length`.

    Parameters
    ----------
    poses : Dataset
    roles : mapping of role to keypoint, optional

    Returns
    -------
    DataArray (time, individual)
        In the unit of the poses.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.array([[[[8.0], [0.0]], [[0.0], [0.0]]]])
    >>> body_length(make_poses(xy, keypoints=["nose", "tail_base"], fps=10, unit="cm")).values.tolist()
    [[8.0]]
    """
    away = _point(poses, "nose", roles) - _point(poses, "rear", roles)
    length = np.sqrt((away**2).sum(axis=1))
    return _array(length, poses["position"].isel(space=0, keypoint=0, drop=True), "body_length", _unit(poses), {})


def _point(poses: xr.Dataset, name: str, roles: Mapping[str, str] | None) -> NDArray[np.float64]:
    """Position ``(time, 2, individual)`` of a keypoint, or of a role, made from others where not tracked."""
    names = keypoint_names(poses)
    xy = poses["position"].values[:, :2].astype(np.float64)
    if name in names:
        one: NDArray[np.float64] = xy[:, :, names.index(name)]
        return one
    known = keypoints_and_roles(poses, roles)
    made = stand_ins(known)
    if name not in known and name not in made:
        faults = Faults("poses")
        faults.add(
            f"no keypoint or role '{name}', and none from which it could be made",
            got=", ".join(names),
            todo=did_you_mean(name, [*names, *made]),
        )
        faults.raise_if_any()
    sources = (name,) if name in known else made[name]
    mean: NDArray[np.float64] = xy[:, :, [names.index(known[role]) for role in sources]].mean(axis=2)
    return mean


def _unit(poses: xr.Dataset) -> str:
    return str(poses.attrs["unit"])


def _array(values: NDArray, like: xr.DataArray, name: str, unit: str, attrs: Mapping[str, object]) -> xr.DataArray:
    """Values with the axes and coordinates of `like`."""
    coords = {dim: like[dim].values for dim in like.dims}
    out = xr.DataArray(values.astype(np.float32), dims=like.dims, coords=coords, name=name)
    return out.assign_attrs(unit=unit, **attrs)


__all__ = ["STEP_S", "body_length", "distance", "heading", "speed", "velocity"]
