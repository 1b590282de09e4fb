"""Arena from tracks: where the walls must be, judging by where the animal has been.

A stopgap for recordings without drawn zones. An animal that avoided half of the arena shrinks it,
so the estimate comes with how much of it was visited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from murid.data.body_scale import trunk_keypoints
from murid.data.errors import fail
from murid.data.meet import inside
from murid.data.poses import keypoint_names, validate_poses
from murid.data.zones import Zone

Shape = Literal["auto", "box", "circle", "polygon"]

#: Directions in which the reach of the track is measured.
_N_DIRECTIONS = 72
#: Cells along the longer side in which visits are counted.
_N_CELLS = 12


@dataclass(frozen=True)
class ArenaEstimate:
    """Estimated arena.

    Attributes
    ----------
    zone : Zone
        Outline, kind ``"arena"``, unit of the poses.
    shape : str
        ``"box"``, ``"circle"`` or ``"polygon"``.
    visited : float
        Share of the arena (cells of 1/12 of its longer side) where the animal has been.
    misfit : float
        RMS distance between outline and reach of the track, as a share of the arena's radius.
    reliable : bool
        ``visited >= 0.6`` and ``misfit <= 0.1``.

    Examples
    --------
    >>> outline = Zone("arena", centre=(20, 20), radius=20.0, unit="cm", kind="arena")
    >>> ArenaEstimate(outline, "circle", visited=0.5, misfit=0.02).reliable
    False
    """

    zone: Zone
    shape: str
    visited: float
    misfit: float

    @property
    def reliable(self) -> bool:
        """True when enough was visited and the shape fits."""
        return self.visited >= 0.6 and self.misfit <= 0.1


def estimate_arena(
    poses: xr.Dataset, shape: Shape = "auto", *, quantile: float = 0.999, keypoints: list[str] | None = None
) -> ArenaEstimate:
    """Estimate the arena from all trunk keypoints of all individuals.

    Parameters
    ----------
    poses : Dataset
        Cleaned poses, px or cm.
    shape : {"auto", "box", "circle", "polygon"}
        Box with sides along x and y, circle, or convex polygon. ``"auto"``: box or circle,
        whichever fits better. Arenas that are not convex (mazes) need drawn zones.
    quantile : float
        Reach in a direction = this quantile of the positions; 0.999 lets stray points go.
    keypoints : list of str, optional
        Keypoints to use; the trunk without the tail when None.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.random.default_rng(0).uniform(0, 40, (3000, 2, 1, 1))
    >>> arena = estimate_arena(make_poses(xy, keypoints=["centre"], fps=30, unit="cm"))
    >>> arena.shape, arena.reliable
    ('box', True)
    """
    validate_poses(poses)
    names = keypoint_names(poses)
    use = trunk_keypoints(names) if keypoints is None else [names.index(k) for k in keypoints]
    xy = poses["position"].values[:, :2][:, :, use].astype(np.float64)
    xy = np.moveaxis(xy, 1, -1).reshape(-1, 2)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if len(xy) < 100:
        fail("estimate_arena", "too few positions", expected="at least 100", got=str(len(xy)))
    angle = np.arange(_N_DIRECTIONS) * 2 * np.pi / _N_DIRECTIONS
    direction = np.column_stack([np.cos(angle), np.sin(angle)])
    reach = np.array([np.quantile(xy @ d, quantile) for d in direction])
    if shape == "auto":
        box, circle = _box(reach, direction), _circle(reach, direction)
        zone, misfit = min((box, circle), key=lambda fit: fit[1])
        shape = "box" if zone is box[0] else "circle"
    else:
        zone, misfit = {"box": _box, "circle": _circle, "polygon": _polygon}[shape](reach, direction)
    radius = float(np.sqrt(zone.area / np.pi))
    zone = Zone("arena", zone.polygon, zone.centre, zone.radius, unit=str(poses.attrs["unit"]), kind="arena")
    return ArenaEstimate(zone, shape, _visited(xy, zone), misfit / radius)


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _box(reach: np.ndarray, direction: np.ndarray) -> tuple[Zone, float]:
    quarter = len(reach) // 4
    right, down, left, up = reach[0], reach[quarter], -reach[2 * quarter], -reach[3 * quarter]
    corners = np.array([[left, up], [right, up], [right, down], [left, down]])
    return Zone("box", polygon=corners), _rms(reach - (corners @ direction.T).max(axis=0))


def _circle(reach: np.ndarray, direction: np.ndarray) -> tuple[Zone, float]:
    # The reach of a circle is centre·direction + radius: linear in all three.
    design = np.column_stack([direction, np.ones(len(reach))])
    (x, y, radius), *_ = np.linalg.lstsq(design, reach, rcond=None)
    return Zone("circle", centre=(float(x), float(y)), radius=float(radius)), _rms(reach - design @ [x, y, radius])


def _polygon(reach: np.ndarray, direction: np.ndarray) -> tuple[Zone, float]:
    """Cut the plane with every supporting line."""
    from scipy.spatial import HalfspaceIntersection

    inside = np.linalg.lstsq(np.column_stack([direction, np.ones(len(reach))]), reach, rcond=None)[0][:2]
    corners = HalfspaceIntersection(np.column_stack([direction, -reach]), inside).intersections
    turn = np.argsort(np.arctan2(*(corners - inside).T[::-1]))
    corners = corners[turn]
    return Zone("polygon", polygon=corners), _rms(reach - (corners @ direction.T).max(axis=0))


def _visited(xy: np.ndarray, zone: Zone) -> float:
    """Share of cells with their middle inside the zone that hold a position."""
    low, high = zone.bounds
    side = float((high - low).max()) / _N_CELLS
    n = np.maximum(1, np.ceil((high - low) / side - 1e-9).astype(int))
    cell = np.floor((xy - low) / side).astype(int)
    cell = cell[((cell >= 0) & (cell < n)).all(axis=1)]
    been = np.zeros(n, bool)
    been[cell[:, 0], cell[:, 1]] = True
    middle = low + (np.stack(np.meshgrid(*map(np.arange, n), indexing="ij"), axis=-1) + 0.5) * side
    within = inside(zone, middle.reshape(-1, 2)).reshape(middle.shape[:-1])
    return float(been[within].mean()) if within.any() else float("nan")
