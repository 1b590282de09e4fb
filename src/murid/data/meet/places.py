"""Poses meet zones: one unit for both, and an arena for each animal."""

from __future__ import annotations

import numpy as np
import xarray as xr

from murid.data.errors import Faults, fail
from murid.data.poses import individual_names
from murid.data.units import LengthUnit
from murid.data.zones import Zone, Zones

#: Share of an animal's frames that must lie in its arena. Animals rear over the wall; half a recording outside is
#: another arena.
IN_ARENA = 0.5


def poses_and_zones(poses: xr.Dataset, zones: Zones) -> Zones:
    """Return the zones in the unit of the poses, the depth of their rule converted along.

    Parameters
    ----------
    poses : Dataset
        In px, cm or mm; ``px_per_cm`` among the attributes turns px into cm.
    zones : Zones
        In px, cm or mm.

    Raises
    ------
    DataError
        Units that the recording's scale cannot bring together, zone by zone; zones in several units whose
        rule has a depth.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> from murid.data.zones import EntryRule
    >>> poses = make_poses(np.ones((2, 2, 1, 1)), keypoints=["nose"], fps=30, unit="cm", px_per_cm=20.0)
    >>> drawn = Zones([Zone("hole", centre=(100, 60), radius=40, unit="px")], EntryRule(hysteresis=10))
    >>> aligned = poses_and_zones(poses, drawn)
    >>> aligned["hole"].radius, aligned["hole"].unit, aligned.rule.hysteresis
    (2.0, 'cm', 0.5)
    """
    return zones_in(zones, LengthUnit.of(poses.attrs))


def zones_in(zones: Zones, unit: LengthUnit) -> Zones:
    """Return zones in a unit of length, the depth of their rule converted along; errors as `poses_and_zones`.

    Examples
    --------
    >>> zones = Zones([Zone("hole", centre=(100, 60), radius=40, unit="px")])
    >>> zones_in(zones, LengthUnit("cm", px_per_cm=20.0))["hole"].circle
    (5.0, 3.0, 2.0)
    """
    faults = Faults("zones")
    factors = {}
    for name, zone in zones.items():
        own = LengthUnit.of({"unit": zone.unit, "px_per_cm": unit.px_per_cm})
        if own.can_be(unit.name):
            factors[name] = own.to(unit.name)
        else:
            faults.add(
                "its unit does not fit the poses, and the scale of the camera is not known",
                where=f"zone '{name}'",
                expected=unit.name,
                got=zone.unit,
                todo="calibrate the poses, so that they know px_per_cm, or draw the zone in their unit",
            )
    units = {zone.unit for zone in zones.values()}
    if len(units) > 1 and zones.rule.hysteresis > 0:
        faults.add(
            "the depth of the entry rule has no unit: zones in several units",
            got=", ".join(sorted(units)),
            todo="give all zones in one unit",
        )
    faults.raise_if_any()
    if units <= {unit.name}:
        return zones
    depth = zones.rule.hysteresis
    rule = zones.rule.replace(hysteresis=depth * next(iter(factors.values()))) if depth else zones.rule
    return Zones([zone.scaled(factors[name], unit.name) for name, zone in zones.items()], rule)


def arena_of_each(poses: xr.Dataset, zones: Zones) -> dict[str, Zone]:
    """Return the arena of each individual, in the unit of the poses: the one in which most of its points lie.

    Parameters
    ----------
    poses : Dataset
    zones : Zones
        With one zone of kind ``"arena"`` or more.

    Returns
    -------
    dict of str to Zone
        Individual → arena; individuals without a sighting are absent.

    Raises
    ------
    DataError
        No zone of kind ``"arena"``, or an individual that was in none of them for half of its frames.

    Examples
    --------
    >>> from murid.data.poses import make_poses
    >>> xy = np.array([[[[5.0, 25.0]], [[5.0, 5.0]]]] * 3)
    >>> poses = make_poses(xy, keypoints=["centre"], individuals=["a", "b"], fps=30, unit="cm")
    >>> box = np.array([[0, 0], [10, 0], [10, 10], [0, 10.0]])
    >>> two = Zones([Zone(n, box + [x, 0], unit="cm", kind="arena") for n, x in (("left", 0), ("right", 20))])
    >>> {animal: zone.name for animal, zone in arena_of_each(poses, two).items()}
    {'a': 'left', 'b': 'right'}
    """
    arenas = poses_and_zones(poses, zones).of_kind("arena")
    if not arenas:
        fail("zones", "no arena", expected="a zone of kind 'arena'", got=", ".join(zones) or "none", todo="draw it")
    faults, out = Faults("arena"), {}
    for i, animal in enumerate(individual_names(poses)):
        with np.errstate(invalid="ignore"):
            seen = np.isfinite(poses["position"].values[:, :2, :, i])
            n = seen.all(axis=1).sum(axis=1)
            place = np.where(seen, poses["position"].values[:, :2, :, i], 0).sum(axis=2) / np.maximum(n, 1)[:, None]
        place = place[n > 0]
        if not len(place):
            continue
        share = [float(inside(zone, place).mean()) for zone in arenas]
        best = int(np.argmax(share))
        if share[best] < IN_ARENA:
            faults.add(
                "was outside every arena for most of the time",
                where=f"individual '{animal}'",
                expected=f"inside for at least {IN_ARENA:.0%} of its frames",
                got=", ".join(f"{zone.name} {s:.0%}" for zone, s in zip(arenas, share, strict=True)),
                todo="check the arena's place and unit, and the scale of the poses",
            )
        out[animal] = arenas[best]
    faults.raise_if_any()
    return out


def inside(zone: Zone, place: np.ndarray) -> np.ndarray:
    """Whether points ``(n, 2)`` in the zone's unit lie inside it (even-odd rule), shape (n,)."""
    if zone.polygon is None:
        x, y, radius = zone.circle
        return np.hypot(place[:, 0] - x, place[:, 1] - y) <= radius
    out = np.zeros(len(place), bool)
    px, py = place[:, 0], place[:, 1]
    for (ax, ay), (bx, by) in zip(zone.polygon, np.roll(zone.polygon, -1, axis=0), strict=True):
        if ay != by:
            out ^= ((ay > py) != (by > py)) & (px < (bx - ax) * (py - ay) / (by - ay) + ax)
    return out
