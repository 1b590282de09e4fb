"""Zone features: how deep in each zone, how far from its middle, whether the animal heads for it.

Continuous where `zone_masks` is yes or no. The depth in a zone of kind ``"arena"`` is the distance
to the wall.
"""

from __future__ import annotations

import numpy as np

from murid.data.zones import Zone, Zones
from murid.features.body import F32, Body, Column, angle, dot, norm, unit_vector


def zone_columns(body: Body, zones: Zones, length: float, mirror: bool = False) -> list[Column]:
    """One animal relative to every zone.

    Parameters
    ----------
    body : Body
        In the table's unit of length.
    zones : Zones
        In the unit of the poses; divided by `length`.
    mirror : bool
        Whether the body was flipped top to bottom: the zones are, too.

    Returns
    -------
    list of Column
        Per zone: depth of centre and nose (L, positive inside), inside (1/0), distance to the
        middle, velocity towards it, and the angle under which the head faces it.
    """
    out = []
    points = [point for point in ("centre", "nose") if body.has(point)]
    if len(points) == 2 and body.sources.get("nose") == body.sources.get("centre"):
        points = points[:1]
    for name, where in zones.items():
        scaled = _scaled(where, length, mirror)
        for point in points:
            depth = _depth(scaled, body.point(point))
            what = "distance to the border of a zone (arena: the wall), positive inside"
            out.append(Column(f"depth_{name}_{point}", "L", what, depth))
            if point == "centre":
                inside = np.where(np.isnan(depth), np.float32(np.nan), depth >= 0).astype(np.float32)
                out.append(Column(f"in_{name}", "1", "the body centre is in a zone", inside))
        gap = _middle(scaled)[:, None] - body.point("centre")
        out.append(Column(f"distance_{name}", "L", "body centre to the middle of a zone", norm(gap)))
        speed = dot(body.velocity, unit_vector(gap))
        out.append(Column(f"approach_{name}", "L/s", "velocity towards the middle of a zone", speed))
        if body.has_axis:
            facing = np.abs(angle(body.head_axis, _middle(scaled)[:, None] - body.point("nose")))
            out.append(Column(f"facing_{name}", "rad", "angle between the head and the middle of a zone", facing))
    return out


def depth(where: Zone, xy: F32, length: float) -> F32:
    """Distance to a zone's border, positive inside: `xy` in units of `length`, the zone in those of the poses."""
    return _depth(_scaled(where, length, False), xy)


def _scaled(where: Zone, length: float, mirror: bool) -> Zone:
    return where.scaled(1.0 / length, where.unit, flip=mirror)


def _depth(where: Zone, xy: F32) -> F32:
    from murid.features.zone_mask import depth_in

    return depth_in(where, xy[0], xy[1]).astype(np.float32)


def _middle(where: Zone) -> F32:
    """Centre of a circle, or centroid of a polygon's area."""
    if where.polygon is None:
        return np.asarray(where.circle[:2], np.float32)
    x, y = (where.polygon - where.polygon[0]).T
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    weight = x * y2 - x2 * y
    area = weight.sum() / 2
    if abs(area) < 1e-12:
        return where.polygon.mean(0).astype(np.float32)
    centroid = np.array([((x + x2) * weight).sum(), ((y + y2) * weight).sum()]) / (6 * area)
    return (centroid + where.polygon[0]).astype(np.float32)
