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
#: Positions that hang together with no others count as stray when they are less than this share.
_STRAY = 0.02
#: Sides of a box may lean by so much, degrees: a camera that looks from the side sees a trapezium …
_LEAN = 15
#: … where that takes the misfit below this share of the straight box's; the tracks of an animal lean a little always.
_BETTER = 2 / 3
#: … and below this share of the radius, in an arena of which enough was visited: few tracks fit some trapezium always.
_FITS, _SEEN = 0.05, 0.6


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
        Box with sides along x and y, which lean by up to 15 degrees where that fits much better (a slanted
        camera); circle, or convex polygon. ``"auto"``: box or circle, whichever fits better. Arenas that are
        not convex (mazes) need drawn zones.
    quantile : float
        Reach in a direction = this quantile of the positions; 0.999 lets stray points go. Stretches far from all
        others (an animal on the wall, a hand) go as well when they are less than 2 % of the positions.
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
    xy = _without_islands(xy)
    direction = _towards(np.arange(_N_DIRECTIONS) * 360 / _N_DIRECTIONS)
    reach = np.array([np.quantile(xy @ d, quantile) for d in direction])
    fits: dict[Literal["box", "circle", "polygon"], tuple[Zone, float]] = {}
    if shape in ("auto", "box"):
        fits["box"] = _leaning(_box(reach, direction), xy, quantile, reach, direction)
    if shape in ("auto", "circle"):
        fits["circle"] = _circle(reach, direction)
    if shape == "polygon":
        fits["polygon"] = _polygon(reach, direction)
    shape, (zone, misfit) = min(fits.items(), key=lambda fit: fit[1][1])
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


def _leaning(
    straight: tuple[Zone, float], xy: np.ndarray, quantile: float, reach: np.ndarray, direction: np.ndarray
) -> tuple[Zone, float]:
    """Return the box whose sides lean as fits best, where that is much better than `straight`; else `straight`.

    Each side touches the tracks; one after the other turns by whole degrees, until none gains.
    """
    touching: dict[float, np.ndarray] = {}

    def side(angle: float) -> np.ndarray:
        if angle not in touching:
            towards = _towards(np.array([angle]))[0]
            touching[angle] = np.array([*towards, np.quantile(xy @ towards, quantile)])
        return touching[angle]

    def corners(angles: np.ndarray) -> np.ndarray:
        sides = np.array([side(float(a)) for a in angles])
        after = np.roll(sides, -1, axis=0)
        return np.linalg.solve(
            np.stack([sides[:, :2], after[:, :2]], axis=1), np.stack([sides[:, 2:], after[:, 2:]], axis=1)
        )[:, :, 0]

    def misfit_of(angles: np.ndarray) -> float:
        return _rms(reach - (corners(angles) @ direction.T).max(axis=0))

    upright = np.arange(4) * 90.0
    best, misfit, before = upright, misfit_of(upright), np.inf
    while misfit < before:
        before = misfit
        for i in range(4):
            for lean in range(-_LEAN, _LEAN + 1):
                other = best.copy()
                other[i] = upright[i] + lean
                if (misfit_here := misfit_of(other)) < misfit:
                    best, misfit = other, misfit_here
    fits = misfit <= min(_BETTER * straight[1], _FITS * float(np.sqrt(straight[0].area / np.pi)))
    return (Zone("box", polygon=corners(best)), misfit) if fits and _visited(xy, straight[0]) >= _SEEN else straight


def _towards(degrees: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 2)."""
    angle = np.radians(degrees)
    return np.column_stack([np.cos(angle), np.sin(angle)])


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


def _without_islands(xy: np.ndarray) -> np.ndarray:
    """Return the positions without those whose cells touch none of the others', when these are few."""
    from scipy.ndimage import label

    low, high = np.quantile(xy, [0.01, 0.99], axis=0)
    side = float((high - low).max()) / (2 * _N_CELLS)
    if not side > 0:
        return xy
    cell = np.clip(np.floor((xy - low) / side), -2 * _N_CELLS, 4 * _N_CELLS).astype(int) + 2 * _N_CELLS
    been = np.zeros((6 * _N_CELLS + 1,) * 2, bool)
    been[cell[:, 0], cell[:, 1]] = True
    part = label(been, np.ones((3, 3)))[0][cell[:, 0], cell[:, 1]]
    main = part == np.bincount(part).argmax()
    return xy[main] if main.mean() > 1 - _STRAY else xy


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
