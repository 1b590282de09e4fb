"""JAABA's directions of one animal: how sideways it moves, and where wall and corner lie from it.

Only angles to the body are used: the direction in the picture belongs to the camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from murid.data.zones import Zone
from murid.features.body import F32, Body, Column, angle, as_f32, cross, dot, norm
from murid.features.sets.scene import Scene

#: A vertex at which the border turns by less is part of a curve, not a corner, deg.
CORNER_DEG = 30.0
#: Most vertices of an angular arena, and the share of all turning that lies in them; a border with more of them, or
#: that turns elsewhere too, may be a curve.
_MOST_CORNERS, _LEAST_SHARE = 6, 0.8
#: A corner of such a border turns by this at least, deg: a circle drawn by seven points or more turns less at each.
_SHARP_DEG = 75.0


def direction_columns(body: Body, where: Scene) -> list[Column]:
    """One animal's directions; those of wall and corner where an arena is drawn.

    Returns
    -------
    list of Column
        ``phi_sideways`` (rad, 0 .. pi/2): angle between the line of motion of the centre and the body axis, the same
        forwards and backwards; NaN at rest. ``wall_angle`` and ``corner_angle`` (rad, -pi .. pi, signed): nearest point
        of the wall, and nearest corner, as seen along the body axis, 0 ahead. ``corner_distance`` (L): centre to the
        nearest corner. An arena without corners (a circle) has no corner columns.
    """
    out = []
    if body.has_axis:
        along, across = np.abs(dot(body.axis, body.velocity)), np.abs(cross(body.axis, body.velocity))
        sideways = np.where(body.speed > 0, np.arctan2(across, along), np.float32(np.nan))
        out.append(Column("phi_sideways", "rad", "line of motion against the body axis", as_f32(sideways)))
    for arena in (where.zones.of_kind("arena")[:1]) if where.zones else ():
        zone = arena.scaled(1.0 / where.length, arena.unit)
        centre = body.point("centre")
        if body.has_axis:
            wall = angle(body.axis, nearest_on_border(zone, centre) - centre)
            out.append(Column("wall_angle", "rad", "nearest point of the wall, 0 ahead, signed", as_f32(wall)))
        corners = corners_of(zone)
        if len(corners):
            away = corners[:, :, None] - centre[None]
            reach = np.hypot(away[:, 0], away[:, 1])
            nearest = np.where(np.isnan(reach), np.inf, reach).argmin(axis=0)
            gap = as_f32(np.take_along_axis(away, nearest[None, None], axis=0)[0])
            out.append(Column("corner_distance", "L", "centre to the nearest corner", norm(gap)))
            if body.has_axis:
                seen = angle(body.axis, gap)
                out.append(Column("corner_angle", "rad", "nearest corner, 0 ahead, signed", as_f32(seen)))
    return out


def nearest_on_border(zone: Zone, xy: F32) -> F32:
    """Nearest point of a zone's border to each point ``(2, frame)``; NaN where the point is missing.

    From the middle of a circle every direction is alike: NaN.
    """
    if zone.polygon is None:
        middle, radius = np.asarray(zone.circle[:2], np.float32)[:, None], np.float32(zone.circle[2])
        away = xy - middle
        size = norm(away)
        return as_f32(middle + away / np.where(size > 0, size, np.float32(np.nan)) * radius)
    start = np.asarray(zone.polygon, np.float64)
    side = np.roll(start, -1, axis=0) - start
    best, out = np.full(xy.shape[1], np.inf), np.full(xy.shape, np.nan)
    for point, along in zip(start, side, strict=True):
        long = float(along @ along)
        away = xy - point[:, None]
        share = np.clip(along @ away / long, 0, 1) if long > 0 else np.zeros(xy.shape[1])
        foot = point[:, None] + along[:, None] * share
        far = np.hypot(*(xy - foot))
        nearer = far < best
        best, out = np.where(nearer, far, best), np.where(nearer, foot, out)
    return as_f32(out)


def corners_of(zone: Zone) -> NDArray[np.float64]:
    """Corners of a zone, ``(corner, 2)``; a circle has none, also one that was drawn as a polygon.

    Vertices at which the border turns by `CORNER_DEG` or more, when there are at most six of them and they hold 80 %
    of all turning (box, triangle, hexagon); of other borders the sharp vertices alone, of 75 degrees or more: those of
    a maze with arms are corners, those of a circle drawn by seven points or more are not.
    """
    if zone.polygon is None:
        return np.empty((0, 2))
    points = np.asarray(zone.polygon, np.float64)
    points = points[np.any(points != np.roll(points, 1, axis=0), axis=1)]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turn = np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(axis=1))
    turn = np.abs(np.degrees(turn))
    corner = turn >= CORNER_DEG - 1e-6
    if corner.sum() > _MOST_CORNERS or turn[corner].sum() < _LEAST_SHARE * turn.sum():
        corner = turn >= _SHARP_DEG - 1e-6
    return points[corner]


__all__ = ["CORNER_DEG", "corners_of", "direction_columns", "nearest_on_border"]
