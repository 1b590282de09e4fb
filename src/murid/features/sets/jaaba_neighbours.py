"""JAABA's features of neighbours beyond centre distances: ellipses, motion directions, the neighbour's own view.

The body ellipse is that of the trunk keypoints with half axes of two standard deviations, as JAABA's (a uniformly
filled ellipse has half axes of two standard deviations).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from murid.features.body import F32, Body, Column, angle, as_f32, norm

#: Distances, in own body lengths, within which other animals are counted.
NEAR_BODY_LENGTHS = (1.0, 2.0)
#: Half widths in degrees of the fields in front of the nose to which the nose-ellipse distance is restricted.
FIELDS_DEG = (20, 30)
_STEPS = 8
#: Points by which an ellipse's border is described, where only a part of it counts.
_BORDER = 72


def neighbour_columns(me: Body, other: Body) -> list[Column]:
    """One animal towards one neighbour.

    Returns
    -------
    list of Column
        Distances in L (0 inside the ellipse), angles in rad.
    """
    moving = (norm(me.velocity) > 0) & (norm(other.velocity) > 0)
    course = np.where(moving, np.abs(angle(me.velocity, other.velocity)), np.float32(np.nan))
    out = [Column("course_difference", "rad", "angle between the directions of motion", as_f32(course), True)]
    if other.has_axis:
        seen_from = angle(other.axis, me.point("centre") - other.point("centre"))
        out.append(Column("angle_on_closest", "rad", "own centre in the other's frame, 0 ahead of it", seen_from))
    if other.has("nose"):
        out.append(Column("ellipse_nose", "L", "own ellipse to the other's nose", to_ellipse(other.point("nose"), me)))
    if me.has("nose"):
        out.append(Column("nose_ellipse", "L", "own nose to the other's ellipse", to_ellipse(me.point("nose"), other)))
    return out


def animals_near(me: Body, others: Sequence[Body]) -> list[Column]:
    """Count the others whose centre is within some own body lengths; NaN where no other or oneself is not seen.

    The body length is the median long axis of the own ellipse.
    """
    own = float(np.nanmedian(4 * _axes(me)[0])) if np.isfinite(_axes(me)[0]).any() else np.nan
    away = np.stack([norm(other.point("centre") - me.point("centre")) for other in others])
    unseen = np.isnan(away).all(axis=0) | np.isnan(own)
    return [
        Column(
            f"animals_within_{k:g}",
            "1",
            f"others within {k:g} body lengths",
            np.where(unseen, np.float32(np.nan), (away <= k * own).sum(axis=0)).astype(np.float32),
        )
        for k in NEAR_BODY_LENGTHS
    ]


def field_columns(me: Body, others: Sequence[Body]) -> list[Column]:
    """Distance from the own nose to the nearest ellipse among what lies in a field of the head, whoever's it is.

    Returns
    -------
    list of Column
        ``nose_ellipse_within_20``, ``_within_30`` and ``_outside_30``, in L: the nearest point of any other animal's
        ellipse whose direction from the nose is at most (more than) so many degrees off the head axis; 0 where the
        nose is inside an ellipse, NaN where no ellipse has a point in the field. Ellipses are taken as `_BORDER`
        points. Empty without a nose and a body axis.
    """
    if not (me.has("nose") and me.has_axis):
        return []
    nose, head = me.point("nose"), me.head_axis
    shape = (len(others), nose.shape[1])
    fields = [(f"within_{f}", f, True) for f in FIELDS_DEG] + [(f"outside_{FIELDS_DEG[-1]}", FIELDS_DEG[-1], False)]
    nearest = {name: np.full(shape, np.nan, np.float32) for name, *_ in fields}
    for k, other in enumerate(others):
        inside = to_ellipse(nose, other) == 0
        for turn in np.linspace(0, 2 * np.pi, _BORDER, endpoint=False):
            away = _on_ellipse(other, turn) - nose
            reach, off = norm(away), np.abs(angle(head, away))
            for name, limit, within in fields:
                seen = (off <= np.deg2rad(limit)) if within else (off > np.deg2rad(limit))
                np.fmin(nearest[name][k], _where(seen, reach), out=nearest[name][k])
        for values in nearest.values():
            values[k] = np.where(inside, np.float32(0), values[k])
    side = {True: "at most", False: "more than"}
    return [
        Column(
            f"nose_ellipse_{name}",
            "L",
            f"own nose to the nearest point of an ellipse {side[within]} {limit} degrees off the head",
            np.fmin.reduce(nearest[name]),
        )
        for name, limit, within in fields
    ]


def to_ellipse(point: F32, body: Body) -> F32:
    """Distance of points ``(2, frame)`` to a body's ellipse, ``(frame,)``; 0 inside, NaN under three trunk points."""
    long_sd, short_sd, tilt = _axes(body)
    mean_x, mean_y = body.covariance[:2]
    x, y = point[0] - mean_x, point[1] - mean_y
    along = np.abs(np.cos(tilt) * x + np.sin(tilt) * y).astype(np.float64)
    across = np.abs(np.cos(tilt) * y - np.sin(tilt) * x).astype(np.float64)
    # Points on one line make an ellipse without width, on which the steps below do not settle.
    a, b = 2 * long_sd, np.maximum(2 * short_sd, 0.02 * long_sd)
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (along / a) ** 2 + (across / b) ** 2 <= 1
        # The nearest point (a cos, b sin) is approached through the centre of curvature at the last one.
        cos = sin = np.full(along.shape, np.sqrt(0.5))
        for _ in range(_STEPS):
            bend_x, bend_y = (a * a - b * b) * cos**3 / a, (b * b - a * a) * sin**3 / b
            radius = np.hypot(a * cos - bend_x, b * sin - bend_y)
            out_x, out_y = along - bend_x, across - bend_y
            far = np.hypot(out_x, out_y)
            cos = np.clip((out_x * radius / far + bend_x) / a, 0, 1)
            sin = np.clip((out_y * radius / far + bend_y) / b, 0, 1)
            size = np.hypot(cos, sin)
            cos, sin = cos / size, sin / size
        reach = np.hypot(along - a * cos, across - b * sin)
    return as_f32(np.where(inside, 0.0, reach))


def _on_ellipse(body: Body, turn: float) -> F32:
    """Point of a body's ellipse at a parameter from its long axis, ``(2, frame)``; NaN under three trunk points."""
    long_sd, short_sd, tilt = _axes(body)
    mean_x, mean_y = body.covariance[:2]
    along, across = 2 * long_sd * np.float32(np.cos(turn)), 2 * short_sd * np.float32(np.sin(turn))
    cos, sin = np.cos(tilt), np.sin(tilt)
    return np.stack([mean_x + cos * along - sin * across, mean_y + sin * along + cos * across])


def _axes(body: Body) -> tuple[F32, F32, F32]:
    """Standard deviation along and across the ellipse, and the direction of its long axis; NaN under three points."""
    _, _, var_x, var_y, cov, count = body.covariance
    half, root = (var_x + var_y) / 2, np.hypot((var_x - var_y) / 2, cov)
    known = np.where(count >= 3, np.float32(1), np.float32(np.nan))
    long, short = np.sqrt(half + root) * known, np.sqrt(np.maximum(half - root, 0)) * known
    return long, short, np.arctan2(2 * cov, var_x - var_y) / 2


def _where(inside: np.ndarray, values: F32) -> F32:
    return np.where(inside, values, np.float32(np.nan))
