"""The arena of a recording: drawn, from tracked corners, or a guess from where the body centre has been.

Also the way to centimetres: poses, zones and arena leave here in one unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.errors import fail
from murid.data.meet import keypoints_and_roles, zones_in
from murid.data.poses import keypoint_names, make_poses
from murid.data.units import LengthUnit
from murid.data.zones import Zone, Zones
from murid.features.named_points import points_of
from murid.features.zone_mask import depth_in
from murid.prepare import ArenaEstimate, calibrate, estimate_arena

Shape = Literal["auto", "box", "circle"]

#: Corners in the order of an outline, and the names that trackers give them.
_CORNERS = {
    "tl": r"(t|top|u|upper)(l|left)",
    "tr": r"(t|top|u|upper)(r|right)",
    "br": r"(b|bottom|l|lower)(r|right)",
    "bl": r"(b|bottom|l|lower)(l|left)",
}
#: Share of the arena's side by which a tracked corner may move (median deviation) and still be one.
_STILL = 0.03
#: How far outside the border the body centre counts as outside: rearing at the wall leans over it.
OUTSIDE_CM = 3.0


@dataclass(frozen=True)
class AssayArena:
    """One arena.

    Attributes
    ----------
    zone : Zone
    source : str
        ``"drawn"``, ``"tracked corners"``, ``"around the zones"`` or ``"estimated"``.
    note : str
        What a reader must know about it, or "".
    verdict : str
        ``"ok"``; ``"look"`` for a guess, ``"bad"`` for one that too little of the tracks supports.
    """

    zone: Zone
    source: str
    note: str = ""
    verdict: str = "ok"


def arenas_of(
    poses: xr.Dataset,
    zones: Zones | None,
    roles: Mapping[str, str] | None,
    shape: Shape = "auto",
    shared: ArenaEstimate | None = None,
) -> list[AssayArena]:
    """Return the arenas: drawn ones, else from tracked corners, else estimated.

    Parameters
    ----------
    poses : Dataset
    zones : Zones, optional
        Those of kind ``arena`` or of that name are used.
    roles : dict of role to keypoint, optional
    shape : {"auto", "box", "circle"}
        Of an estimate.
    shared : ArenaEstimate, optional
        Estimate over all recordings of one camera (`shared_arena`), used instead of this recording's own.
    """
    known = known_arenas(poses, zones)
    if known:
        return known
    guess = shared if shared is not None else estimate_arena(centre_only(poses, roles), shape)
    where = "in all recordings of the camera" if shared is not None else "in this recording"
    text = (
        f"no arena was drawn: it is a guess from the reach of the body centre {where} ({guess.shape}, "
        f"{guess.visited:.0%} visited, misfit {guess.misfit:.1%} of its radius"
        f"{'' if guess.reliable else ', NOT RELIABLE'}); draw it for a publication: murid zones"
    )
    return [AssayArena(guess.zone, "estimated", text, "look" if guess.reliable else "bad")]


def drawn_arenas(zones: Zones | None) -> list[Zone]:
    """Return the arenas among drawn zones: by their kind, else the one of that name."""
    if zones is None:
        return []
    return list(zones.of_kind("arena")) or ([zones["arena"]] if "arena" in zones else [])


def known_arenas(poses: xr.Dataset, zones: Zones | None) -> list[AssayArena]:
    """Return the arenas that need no guess: drawn ones, else that of tracked corners; [] when there are none."""
    drawn = drawn_arenas(zones)
    if drawn:
        return [AssayArena(zone, "drawn") for zone in drawn]
    tracked = tracked_corners(poses)
    if tracked is not None:
        zone, corners = tracked
        return [AssayArena(zone, "tracked corners", f"no arena was drawn: its corners are {', '.join(corners)}")]
    return []


def tracked_corners(poses: xr.Dataset) -> tuple[Zone, list[str]] | None:
    """Return the arena whose four corners were tracked along (``tl, tr, br, bl``), and the names of the keypoints."""
    names = keypoint_names(poses)
    bare = {name: re.sub(r"(arena|corner|box|wall)|[^a-z]", "", name.lower()) for name in names}
    chosen = []
    for pattern in _CORNERS.values():
        match = [name for name in names if re.fullmatch(pattern, bare[name])]
        if len(match) != 1:
            return None
        chosen.append(match[0])
    places = [poses["position"].sel(keypoint=name).values[:, :2, 0].astype(np.float64) for name in chosen]
    places = [p[np.isfinite(p).all(axis=1)] for p in places]
    if not all(len(p) for p in places):
        return None
    corners = np.stack([np.median(p, axis=0) for p in places])
    moved = max(float(np.median(np.abs(p - c))) for p, c in zip(places, corners, strict=True))
    zone = Zone("arena", polygon=corners, unit=str(poses.attrs["unit"]), kind="arena")
    return (zone, chosen) if moved <= _STILL * np.sqrt(zone.area) else None


def centre_only(poses: xr.Dataset, roles: Mapping[str, str] | None) -> xr.Dataset:
    """Poses of the body centre alone: nose and ears reach over the wall, tracked corners are no animal."""
    centre = points_of(poses, "centre", roles)
    if not np.isfinite(centre.values).any():
        keypoint = keypoints_and_roles(poses, roles, needed=False).get("centre", "")
        fail(
            "arena",
            "the body centre was never tracked",
            where=f"keypoint '{keypoint}'" if keypoint else "",
            todo='name another keypoint of the trunk in study.toml: [roles] centre = "KEYPOINT", or track it again',
        )
    return make_poses(
        centre.values[:, :, None],
        keypoints=["centre"],
        individuals=[str(i) for i in centre["individual"].values],
        time_s=centre["time"].values,
        unit=str(poses.attrs["unit"]),
    )


def convert_to_cm(
    poses: xr.Dataset,
    zones: Zones | None,
    arenas: Sequence[AssayArena],
    px_per_cm: float | None,
    sizes: Sequence[float] | None,
    *,
    subject: str = "arena",
) -> tuple[xr.Dataset, Zones | None, list[AssayArena], float | None]:
    """Return poses, drawn zones and arenas in cm, and the scale of the poses (px/cm; None where not known).

    Raises
    ------
    DataError
        No scale; a scale asked for beside another one that the poses carry; zones whose unit cannot be converted.
    """
    own = LengthUnit.of(poses.attrs)
    unit, scale = own.name, own.px_per_cm
    if px_per_cm is not None and scale is not None and not np.isclose(scale, px_per_cm, rtol=0.01):
        fail(subject, "the poses know another scale", expected=f"px_per_cm={px_per_cm:g}", got=f"{scale:.4g} px/cm")
    if unit == "px" and scale is None and px_per_cm is None and sizes is None:
        fail(
            subject,
            "the scale is not known",
            expected="px_per_cm, or arena_cm, the true size of the arena",
            got="poses in px",
            todo="-p arena_cm=42 (Python: arena_cm=(42.0,))",
        )
    if unit == "px":
        bare = poses.copy(deep=False)
        bare.attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"}
        given = scale if scale is not None else px_per_cm
        if given is not None:
            poses = calibrate(bare, given)
        else:
            size = list(sizes or ())
            poses = calibrate(bare, arena=extent(arenas[0].zone), known_cm=size[0] if len(size) == 1 else size)
        scale = LengthUnit.of(poses.attrs).px_per_cm
    elif unit == "mm":
        poses = calibrate(poses)
    # Poses that never were in px: the scale that is asked for is that of the zones.
    cm = LengthUnit("cm", scale if scale is not None else px_per_cm)
    outlines = [replace(a, zone=zones_in(Zones([a.zone]), cm)[a.zone.name]) for a in arenas]
    return poses, None if zones is None else zones_in(zones, cm), outlines, scale


def extent(zone: Zone) -> Zone:
    """Return what the size of an arena in cm is the size of: a circle or a four-sided outline itself, else the
    smallest rectangle round it, as for the arms of a maze from tip to tip.
    """
    if zone.polygon is None or len(true_corners(zone)) == 4:
        return zone
    import shapely

    box = np.asarray(shapely.Polygon(zone.polygon).minimum_rotated_rectangle.exterior.coords)[:-1]
    return Zone(zone.name, polygon=box, unit=zone.unit, kind=zone.kind)


def wall_distance(arena: Zone, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance (time,) of points (time, 2) to the border of the arena, negative outside."""
    return np.asarray(depth_in(arena, xy[:, 0], xy[:, 1]), np.float64)


def assign(arenas: Sequence[AssayArena], centres: xr.DataArray, notes: list[str]) -> list[tuple[AssayArena, list[str]]]:
    """Give each animal the arena in which its body centre (time, space, individual) is most often.

    Notes tell of animals that are mostly outside of it.
    """
    out: list[tuple[AssayArena, list[str]]] = [(arena, []) for arena in arenas]
    for individual in map(str, centres["individual"].values):
        xy = np.asarray(centres.sel(individual=individual).values, np.float64)
        xy = xy[np.isfinite(xy).all(axis=1)]
        depth = [wall_distance(a.zone, xy) for a in arenas]
        share = [float((d >= -OUTSIDE_CM).mean()) if d.size else 0.0 for d in depth]
        best = int(np.argmax([float((d >= 0).mean()) if d.size else 0.0 for d in depth]))
        out[best][1].append(individual)
        if len(xy) and share[best] < 0.95:
            notes.append(
                f"'{individual}' is more than {OUTSIDE_CM:g} cm outside the arena '{arenas[best].zone.name}' in "
                f"{1 - share[best]:.0%} of the frames: check the outline, the scale and the tracking"
            )
    return out


def shrunk(zone: Zone, scale: float, name: str, kind: str) -> Zone:
    """Return a zone shrunk about its middle by a linear `scale`."""
    if zone.polygon is None:
        x, y, radius = zone.circle
        return Zone(name, centre=(x, y), radius=radius * scale, unit=zone.unit, kind=kind)
    middle = middle_of(zone)
    return Zone(name, polygon=middle + scale * (zone.polygon - middle), unit=zone.unit, kind=kind)


def middle_of(zone: Zone) -> NDArray[np.float64]:
    """Centroid of a zone."""
    if zone.polygon is None:
        return np.asarray(zone.circle[:2], np.float64)
    x, y = np.asarray(zone.polygon, np.float64).T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    return np.array([((x + np.roll(x, -1)) * cross).sum(), ((y + np.roll(y, -1)) * cross).sum()]) / (3 * cross.sum())


def true_corners(zone: Zone) -> NDArray[np.float64]:
    """Corners (n, 2) of an outline; points on a straight side are none, a circle has none."""
    if zone.polygon is None:
        return np.empty((0, 2))
    polygon = np.asarray(zone.polygon, np.float64)
    before, after = np.roll(polygon, 1, axis=0) - polygon, np.roll(polygon, -1, axis=0) - polygon
    length = np.hypot(*before.T) * np.hypot(*after.T)
    turn = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / np.maximum(length, 1e-12)
    return polygon[turn > np.sin(np.radians(10))]


def side_ratio(zone: Zone) -> float | None:
    """Longer by shorter pair of opposite sides of an outline with four corners; None for other shapes."""
    corners = true_corners(zone)
    if len(corners) != 4:
        return None
    length = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    pairs = length[:2] + length[2:]
    return float(pairs.max() / pairs.min())


def corner_zones(arena: Zone, scale: float) -> list[Zone]:
    """Quadrilaterals at the four corners of an arena, `scale` of the two sides that meet there; [] for other shapes."""
    corners = true_corners(arena)
    if len(corners) != 4:
        return []
    out = []
    for i in range(4):
        corner, before, after = corners[i], corners[i - 1], corners[(i + 1) % 4]
        a, b = scale * (before - corner), scale * (after - corner)
        polygon = np.stack([corner, corner + a, corner + a + b, corner + b])
        out.append(Zone(f"corner_{i + 1}", polygon=polygon, unit=arena.unit, kind="corner"))
    return out
