"""Social: what one animal does relative to another, for every directed pair.

`social_columns` and `between` describe one animal towards one partner. `towards_partners` turns several
partners into the nearest and the mean, so that a model fitted on pairs works on groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from murid.features.body import F32, Body, Column, angle, cross, dot, norm, unit_vector


def social_columns(me: Body, other: Body, field_of_view_rad: float) -> list[Column]:
    """One animal towards one partner.

    Returns
    -------
    list of Column
        Distances in L, velocities in L/s, angles in rad; symmetric ones are marked.
    """
    clock = me.clock
    gap = other.point("centre") - me.point("centre")
    distance = norm(gap)
    towards = unit_vector(gap)
    around, relative = cross(towards, me.velocity), norm(me.velocity - other.velocity)
    out = [
        Column("centre_distance", "L", "distance between the body centres", distance, True),
        Column("closing_speed", "L/s", "how fast the centres come closer", -clock.rate(distance), True, "max"),
        Column("approach_speed", "L/s", "own velocity towards the partner", dot(me.velocity, towards)),
        Column("tangential_speed", "L/s", "own velocity around the partner, unsigned", np.abs(around)),
        Column("partner_speed", "L/s", "speed of the partner's centre", other.speed),
        Column("speed_difference", "L/s", "own minus the partner's speed", me.speed - other.speed),
        Column("relative_speed", "L/s", "length of the difference of the velocities", relative, True),
        Column(
            "overlap", "1", "overlap of the two bodies' ellipses: 0 apart, 1 the same", _overlap(me, other), True, "max"
        ),
        Column(
            "closest_distance", "L", "smallest distance between two keypoints of the trunk", closest(me, other), True
        ),
    ]
    if me.has("nose"):
        out += _nose(me, other)
    if me.has_axis:
        out += _looking(me, other, field_of_view_rad)
        if other.has_axis:
            turned = np.abs(angle(me.axis, other.axis))
            out.append(Column("relative_heading", "rad", "angle between the body axes, 0 parallel", turned, True))
    return out


def _nose(me: Body, other: Body) -> list[Column]:
    nose = me.point("nose")
    out = [
        Column("nose_nose", "L", "nose to the partner's nose", norm(other.point("nose") - nose), True),
        Column("nose_body", "L", "nose to the partner's centre", norm(other.point("centre") - nose)),
    ]
    if other.has("rear"):
        out.append(Column("nose_anogenital", "L", "nose to the partner's tail base", norm(other.point("rear") - nose)))
    gap = unit_vector(other.point("centre") - nose)
    speed = dot(me.clock.rate(nose), gap)
    out.append(Column("nose_approach_speed", "L/s", "velocity of the nose towards the partner's centre", speed))
    return out


def _looking(me: Body, other: Body, field_of_view_rad: float) -> list[Column]:
    out = []
    nose, view = me.point("nose"), me.head_axis
    for target in ("centre", "nose", "rear"):
        if not other.has(target):
            continue
        facing = np.abs(angle(view, other.point(target) - nose))
        out.append(Column(f"facing_{target}", "rad", "angle between the head and a point of the partner", facing))
        if target == "centre":
            seen = np.where(np.isnan(facing), np.float32(np.nan), facing <= field_of_view_rad / 2)
            out.append(Column("in_view", "1", "the partner's centre is in the field of view", seen.astype(np.float32)))
    for target in ("centre", "nose", "rear"):
        if other.has(target):
            away = other.point(target) - me.point("centre")
            out.append(
                Column(f"partner_x_{target}", "L", "point of the partner ahead of the own centre", dot(away, me.axis))
            )
            out.append(
                Column(f"partner_y_{target}", "L", "point of the partner to the own side, signed", cross(me.axis, away))
            )
    return out


def between(me: Body, other: Body, ordered: bool = True) -> list[Column]:
    """Distances from every keypoint of one animal to every keypoint of the other.

    Parameters
    ----------
    ordered : bool
        Both ``a→b`` and ``b→a``; without it each unordered pair once (for subject ``"all"``).
    """
    out = []
    roles = [role for role in me.tracked if role in other.tracked]
    for a, b in product(roles, roles):
        if not ordered and roles.index(b) < roles.index(a):
            continue
        gap = norm(other.point(b) - me.point(a))
        out.append(Column(f"between_{a}_{b}", "L", "own keypoint to the partner's keypoint", gap, a == b))
    return out


def closest(me: Body, other: Body) -> F32:
    """Smallest distance between two trunk keypoints that are seen, ``(frame,)``; NaN where none is."""
    best = np.full(me.clock.n, np.inf, np.float32)
    for a in me.trunk:
        for b in other.trunk:
            away = other.point(b) - me.point(a)
            # fmin passes over missing keypoints: the closest of those that are seen.
            np.fmin(best, away[0] * away[0] + away[1] * away[1], out=best)
    return np.sqrt(np.where(np.isinf(best), np.float32(np.nan), best))


def _overlap(me: Body, other: Body) -> F32:
    """Bhattacharyya coefficient of the two clouds of trunk keypoints (rotation-invariant)."""
    x1, y1, a1, b1, c1, n1 = me.covariance
    x2, y2, a2, b2, c2, n2 = other.covariance
    a, b, c = (a1 + a2) / 2, (b1 + b2) / 2, (c1 + c2) / 2
    det = np.maximum(a * b - c * c, 0)
    det1, det2 = np.maximum(a1 * b1 - c1 * c1, 0), np.maximum(a2 * b2 - c2 * c2, 0)
    det = np.where((det > 0) & (n1 >= 3) & (n2 >= 3), det, np.float32(np.nan))
    dx, dy = x2 - x1, y2 - y1
    mahalanobis = (b * dx * dx - 2 * c * dx * dy + a * dy * dy) / det
    return np.sqrt(np.sqrt(det1 * det2) / det) * np.exp(-mahalanobis / 8)


def partner_distances(me: Body, others: Sequence[Body]) -> F32:
    """Distance to each partner ``(partner, frame)``, by which the nearest is chosen; NaN where it is not known.

    Centre to centre where all these distances are known. Where a centre is hidden, the partners are compared by
    the smallest distance between trunk keypoints that are seen: a hidden point does not send its animal away.
    """
    centres = np.stack([norm(other.point("centre") - me.point("centre")) for other in others])
    hidden = np.isnan(centres).any(axis=0)
    if len(others) == 1 or not hidden.any():
        return centres
    seen = np.stack([closest(me, other) for other in others])
    return np.where(hidden, seen, centres)


def towards_partners(tables: Sequence[list[Column]], distances: F32) -> list[Column]:
    """Join the columns towards each partner: the nearest partner's, and the mean when several.

    Parameters
    ----------
    tables : sequence of list of Column
        The same columns towards each partner.
    distances : array of shape (partner, frame)
        From `partner_distances`; the smallest says who is nearest. Where none is known, the nearest's columns
        are NaN: they do not depend on the order of the animals.
    """
    if len(tables) == 1:
        return list(tables[0])
    values = np.stack([[column.values for column in table] for table in tables])
    rank = np.where(np.isnan(distances), np.inf, distances).argmin(0)
    nearest = np.take_along_axis(values, rank[None, None], axis=0)[0]
    nearest[:, np.isnan(distances).all(axis=0)] = np.nan
    known = ~np.isnan(values)
    count = known.sum(0)
    mean = np.where(known, values, 0).sum(0) / np.where(count > 0, count, np.nan)
    out = [c._replace(values=nearest[i]) for i, c in enumerate(tables[0])]
    out += [
        c._replace(name=f"{c.name}_mean", what=f"{c.what}, mean over partners", values=mean[i].astype(np.float32))
        for i, c in enumerate(tables[0])
        if not c.name.startswith("between_")
    ]
    return out


def combine_animals(tables: Sequence[list[Column]], how: Sequence[str]) -> list[Column]:
    """Make columns of several animals or directed pairs independent of their order.

    Symmetric columns keep their name and hold the value of the pair that is closest together (the smallest distance,
    the largest overlap: `Column.closest`); others become
    ``<name>_min``, ``_max``, ``_mean`` and ``_absdiff`` (largest minus smallest) as asked for. A
    missing animal is passed over by min, max and mean, and makes absdiff NaN.
    """
    out = []
    for columns in zip(*tables, strict=True):
        first = columns[0]
        values = np.stack([column.values for column in columns])
        low, high = np.fmin.reduce(values), np.fmax.reduce(values)
        if first.symmetric:
            out.append(first._replace(values=low if first.closest == "min" else high))
            continue
        for kind in how:
            if kind == "min":
                joined, what = low, "smallest of the animals"
            elif kind == "max":
                joined, what = high, "largest of the animals"
            elif kind == "mean":
                known = ~np.isnan(values)
                count = np.where(known.any(0), known.sum(0), np.nan)
                joined, what = np.where(known, values, 0).sum(0) / count, "mean of the animals"
            else:
                joined, what = values.max(0) - values.min(0), "difference between the animals"
            out.append(Column(f"{first.name}_{kind}", first.unit, f"{first.what}; {what}", joined.astype(np.float32)))
    return out
