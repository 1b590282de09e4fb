"""Calibration: from pixels to centimetres, for poses and zones together.

A wrong scale is the commonest silent failure of behavioural pipelines: speeds, distances and
contact rules are all off and nothing crashes. So the scale comes from one named source, cannot be
applied twice, and an animal of impossible length is reported with its length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from murid.data.body_scale import nose_and_tail_base
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.poses import individual_names, keypoint_names, validate_poses
from murid.data.units import LengthUnit
from murid.data.warning import warn_user
from murid.data.zones import Zone, Zones

#: Nose to tail base of a rodent, cm: from a young mouse to a large rat.
BODY_CM = (2.0, 30.0)

Point = tuple[float, float]


def calibrate(
    poses: xr.Dataset,
    px_per_cm: float | None = None,
    *,
    keypoints: tuple[str, str] | None = None,
    points: tuple[Point, Point] | None = None,
    arena: Zone | ArrayLike | None = None,
    known_cm: float | Sequence[float] | None = None,
    body: tuple[str, str] | None = None,
) -> xr.Dataset:
    """Return poses in cm.

    Give exactly one source of the scale.

    Parameters
    ----------
    poses : Dataset
        Poses in px; poses in mm are converted when no source is given.
    px_per_cm : float
        Pixels per centimetre.
    keypoints : (str, str)
        Two keypoints whose distance is known (arena corners tracked along); the median over
        frames counts. Needs `known_cm`.
    points : ((x, y), (x, y))
        Two places in the picture, px. Needs `known_cm`.
    arena : Zone or array of shape (n, 2)
        Outline of the arena in px. Its area against the true one gives the scale, which forgives
        a slanted camera more than one edge does. Needs `known_cm`.
    known_cm : float or (float, float)
        True distance for `keypoints` and `points`. For `arena`: width and depth of a
        rectangle, one number for a square's side or, when `arena` is a circle, its diameter.
    body : (str, str), optional
        Nose and tail base, to check the result; found by name when left out.

    Raises
    ------
    DataError
        When poses are in cm already, when not exactly one source is given, or when it is not valid.

    Warns
    -----
    MuridWarning
        When nose to tail base comes out shorter than 2 cm or longer than 30 cm.

    Examples
    --------
    >>> import numpy as np
    >>> from murid.data.poses import make_poses
    >>> poses = make_poses(np.full((2, 2, 1, 1), 300.0), keypoints=["centre"], fps=30, unit="px")
    >>> in_cm = calibrate(poses, points=((0, 0), (400, 0)), known_cm=40.0)
    >>> in_cm.attrs["unit"], in_cm.attrs["px_per_cm"], float(in_cm["position"][0, 0, 0, 0])
    ('cm', 10.0, 30.0)
    """
    validate_poses(poses)
    sources = dict(px_per_cm=px_per_cm, keypoints=keypoints, points=points, arena=arena)
    _check_source(poses, [name for name, value in sources.items() if value is not None])
    if poses.attrs["unit"] == "mm":
        # Millimetres say nothing of the picture: zones drawn in px need its scale, which is kept where it is known.
        return _checked_body(_in_cm(poses, LengthUnit("cm").to("mm"), None), body)
    if keypoints is not None:
        px_per_cm = _scale_from_points(*_median_places(poses, keypoints), known_cm)
    elif points is not None:
        px_per_cm = _scale_from_points(*points, known_cm)
    elif arena is not None:
        px_per_cm = scale_from_arena(arena, known_cm)
    scale = _checked_scale(px_per_cm)
    return _checked_body(_in_cm(poses, scale, scale), body)


def _check_source(poses: xr.Dataset, given: list[str]) -> None:
    """Poses in px need exactly one source of the scale, poses in mm none, and poses in cm are done."""
    faults = Faults("calibrate")
    unit = poses.attrs["unit"]
    if unit == "cm" or (unit == "px" and "px_per_cm" in poses.attrs):
        faults.add(
            "poses are calibrated already",
            expected="poses in px",
            got=f"unit {unit}",
            todo="calibrate the poses as read from the file, once",
        )
    elif unit == "mm" and given:
        faults.add("poses are in mm: no scale is needed", got=", ".join(given), todo="call calibrate(poses)")
    elif unit == "px" and len(given) != 1:
        faults.add(
            "source of the scale", expected="one of px_per_cm, keypoints, points, arena", got=", ".join(given) or "none"
        )
    faults.raise_if_any()


def calibrate_zones(zones: Zones, px_per_cm: float) -> Zones:
    """Return zones in cm, with the depth of the entry rule scaled along.

    Parameters
    ----------
    zones : Zones
        Zones in px.
    px_per_cm : float
        The scale of the poses: ``calibrated.attrs["px_per_cm"]``.

    Examples
    --------
    >>> zones = calibrate_zones(Zones([Zone("hole", centre=(100, 60), radius=40)]), px_per_cm=20.0)
    >>> zones["hole"].centre, zones["hole"].radius, zones["hole"].unit
    ((5.0, 3.0), 2.0, 'cm')
    """
    scale = _checked_scale(px_per_cm)
    faults = Faults("calibrate_zones")
    for zone in zones.values():
        if zone.unit != "px":
            faults.add("zone is calibrated already", where=zone.name, expected="px", got=zone.unit)
    faults.raise_if_any()
    out = [zone.scaled(1 / scale, "cm") for zone in zones.values()]
    return Zones(out, zones.rule.replace(hysteresis=zones.rule.hysteresis / scale))


def scale_from_arena(arena: Zone | ArrayLike, known_cm: float | Sequence[float] | None) -> float:
    """Return px per cm as the square root of drawn area over true area.

    Parameters
    ----------
    arena : Zone or array of shape (n, 2)
        Outline in px.
    known_cm : float or (float, float)
        Side of a square, diameter of a circle (when `arena` is one), or width and depth, in cm.

    Examples
    --------
    >>> scale_from_arena([[0, 0], [800, 0], [800, 800], [0, 800]], known_cm=40.0)
    20.0
    """
    zone = arena if isinstance(arena, Zone) else Zone("arena", polygon=np.asarray(arena, np.float64))
    size = np.atleast_1d(np.asarray(np.nan if known_cm is None else known_cm, np.float64))
    if zone.unit != "px":
        fail("calibrate", "the arena is not in px", got=zone.unit)
    if size.size > 2 or not (np.isfinite(size) & (size > 0)).all() or (zone.polygon is None and size.size != 1):
        fail(
            "calibrate",
            "known_cm is not valid",
            got=str(known_cm),
            expected="width and depth, the side of a square, or the diameter of a circle, in cm",
        )
    true = np.pi * (size[0] / 2) ** 2 if zone.polygon is None else float(size[0] * size[-1])
    return float(np.sqrt(zone.area / true))


def _scale_from_points(a: ArrayLike, b: ArrayLike, known_cm: float | Sequence[float] | None) -> float:
    if not isinstance(known_cm, (int, float)) or not known_cm > 0:
        fail(
            "calibrate",
            "known_cm is not valid",
            expected="the distance of the two points in cm, > 0",
            got=str(known_cm),
        )
    distance = float(np.linalg.norm(np.subtract(a, b)))
    if not distance > 0:
        fail(
            "calibrate",
            "the two points are the same or unknown",
            got=f"{np.asarray(a).tolist()} and {np.asarray(b).tolist()}",
        )
    return distance / float(known_cm)


def _median_places(poses: xr.Dataset, keypoints: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Two points as far apart as the two keypoints are in the median frame."""
    names = keypoint_names(poses)
    faults = Faults("calibrate")
    for name in keypoints:
        if name not in names:
            faults.add(f"no keypoint '{name}'", todo=did_you_mean(name, names))
    faults.raise_if_any()
    a, b = (poses["position"].sel(keypoint=k).values for k in keypoints)
    distance = np.linalg.norm(a - b, axis=1)
    distance = distance[np.isfinite(distance)]
    if distance.size == 0:
        fail("calibrate", "the two keypoints are never seen together", got=" and ".join(keypoints))
    return np.zeros(2), np.array([float(np.median(distance)), 0.0])


def _checked_scale(px_per_cm: float | None) -> float:
    if px_per_cm is None or not np.isfinite(px_per_cm) or px_per_cm <= 0:
        fail("calibrate", "px_per_cm is not valid", expected="a number > 0", got=str(px_per_cm))
    return float(px_per_cm)


def _in_cm(poses: xr.Dataset, scale: float, px_per_cm: float | None) -> xr.Dataset:
    moved = {
        name: (poses[name].dims, (poses[name].values / scale).astype(np.float32))
        for name in ("position", "position_raw")
        if name in poses
    }
    known = {} if px_per_cm is None else {"px_per_cm": px_per_cm}
    return poses.assign(moved).assign_attrs(unit="cm", **known)


def _checked_body(poses: xr.Dataset, body: tuple[str, str] | None) -> xr.Dataset:
    """Warn when an animal has an impossible length."""
    pair = body or nose_and_tail_base(keypoint_names(poses))
    if pair is None:
        return poses
    low, high = BODY_CM
    front, rear = (poses["position"].sel(keypoint=k).values for k in pair)
    sure = (poses["confidence"].sel(keypoint=list(pair)).values >= 0.5) | np.isnan(
        poses["confidence"].sel(keypoint=list(pair)).values
    )
    length = np.where(sure.all(axis=1), np.linalg.norm(front - rear, axis=1), np.nan)  # (time, individual)
    lengths = []
    for i, name in enumerate(individual_names(poses)):
        seen = length[np.isfinite(length[:, i]), i]
        if seen.size and not low <= np.median(seen) <= high:
            lengths.append(f"'{name}' measures {np.median(seen):.1f} cm")
    if lengths:
        warn_user(
            f"calibrate: {', '.join(lengths)} from {pair[0]} to {pair[1]}, a rodent {low:.0f} to {high:.0f} cm; "
            f"check the scale ({LengthUnit.of(poses.attrs).px_per_cm or np.nan:.4g} px/cm)"
        )
    return poses
