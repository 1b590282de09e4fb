"""MARS's features (Segalin et al. 2021): position, posture, motion, and the pair, for top-view skeletons.

Written on MARS's seven points (nose, ears, neck, hips or sides, tail base), as far as they are tracked. The
original's camera coordinates and absolute directions are left out: they are of the arena, not of behaviour.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from murid.data.clock import samples_in
from murid.features.body import F32, Body, Column, angle, as_f32, cross, dot, norm, unit_vector
from murid.features.sets.scene import Scene, assemble

#: 3, 13 and 21 frames at 30 Hz.
WINDOWS_S = (0.1, 0.43, 0.7)
#: Lags 2, 5, 10 frames at 30 Hz.
LAGS_S = (2 / 30, 5 / 30, 10 / 30)
#: Four frames at 30 Hz: the mean speed of which the forward speed is made.
FORWARD_S = 4 / 30
#: Kernel (1, 2, 1)/4 at 30 Hz: its variance is half a frame squared.
_KERNEL_VARIANCE_S2 = 0.5 / 30**2
#: Ellipse that holds 75 % of a normal cloud.
_ELLIPSE = float(np.sqrt(-2 * np.log(0.25)))


def mars_points(body: Body) -> tuple[str, ...]:
    """MARS's points that the skeleton has; its trunk when fewer than four."""
    sides = [("hip", "side")[not body.has(f"hip_{s}")] + f"_{s}" for s in ("left", "right")]
    wanted = ("nose", "ear_left", "ear_right", "neck", *sides, "tail_base")
    have = tuple(p for p in wanted if p in body.tracked)
    return have if len(have) >= 4 else body.trunk


def mars_columns(where: Scene, *, complete: bool = False) -> list[Column]:
    """Per-frame columns of the scene's subject, smoothed; windows are put on by the caller.

    Parameters
    ----------
    where : Scene
    complete : bool
        Also distances to the box's edges in x and in y, forward speed by the cosine, relative angle and the gap between
        the ellipses.
    """
    box = _box(where)

    def own(body: Body) -> list[Column]:
        return _own(body, where, box) + (_own_more(body, where, box) if complete else [])

    def pair(me: Body, other: Body) -> list[Column]:
        return _pair(me, other) + (_pair_more(me, other) if complete else [])

    columns = assemble(where, own, pair)
    return [c._replace(values=where.by_part(_smooth, c.values)) for c in columns]


def _smooth(x: F32, fps: float) -> F32:
    """(1, 2, 1)/4, as often as it takes at this rate; a missing neighbour counts as the frame itself."""
    for _ in range(max(1, round(_KERNEL_VARIANCE_S2 * fps**2 / 0.5))):
        left, right = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
        left, right = np.where(np.isnan(left), x, left), np.where(np.isnan(right), x, right)
        x = (left + 2 * x + right) / 4
    return x.astype(np.float32)


def _box(where: Scene) -> tuple[NDArray, NDArray]:
    """Low and high corner: 1st to 99th percentile of all tracks."""
    xy = np.concatenate([b.point("centre") for b in where.bodies.values()], axis=1)
    if not np.isfinite(xy).any():
        return np.full(2, np.nan), np.full(2, np.nan)
    low, high = np.nanpercentile(xy, [1, 99], axis=1)
    return low, high


def _mean(body: Body, points: Sequence[str]) -> F32:
    return np.mean([body.point(p) for p in points], axis=0, dtype=np.float32)


def _part(body: Body, part: str) -> F32:
    """Centroid of head (first three points), hips (last three), or all."""
    points = mars_points(body)
    return _mean(body, {"head": points[:3], "hips": points[-3:], "body": points[-4:], "all": points}[part])


def _lagged(x: F32, fps: float, lag_s: float) -> F32:
    """Speed of ``x (2, frame)`` against where it was `lag_s` before."""
    frames = max(1, samples_in(lag_s, fps))
    before = np.concatenate([np.repeat(x[:, :1], frames, axis=1), x[:, :-frames]], axis=1)[:, : x.shape[1]]
    return norm(x - before) * np.float32(fps / frames)


def _own(body: Body, where: Scene, box: tuple[NDArray, NDArray]) -> list[Column]:
    points, rate = mars_points(body), body.clock.rate
    centre = _part(body, "all")
    out = [
        Column(f"dist_{a}_{b}", "L", "inside the animal", norm(body.point(a) - body.point(b)))
        for a, b in combinations(points, 2)
    ]
    _, _, var_x, var_y, cov, count = body.covariance
    half, root = (var_x + var_y) / 2, np.sqrt(((var_x - var_y) / 2) ** 2 + cov * cov)
    enough = np.where(count >= 3, np.float32(1), np.float32(np.nan))
    major = as_f32(_ELLIPSE * np.sqrt(half + root) * enough)
    minor = as_f32(_ELLIPSE * np.sqrt(np.maximum(half - root, 0)) * enough)
    out += [
        Column("ellipse_major", "L", "half axis", major),
        Column("ellipse_minor", "L", "half axis", minor),
        Column("ellipse_ratio", "1", "major over minor", as_f32(major / np.where(minor > 0, minor, np.nan))),
        Column("ellipse_area", "L^2", "area", as_f32(np.float32(np.pi) * major * minor)),
    ]
    if body.has_axis:
        if body.has_head_axis:
            out.append(Column("head_body_angle", "rad", "head against body", np.abs(angle(body.axis, body.head_axis))))
        for side in ("left", "right"):
            if body.has("neck", side, "rear"):
                flank = body.point(side) - body.point("neck")
                out.append(
                    Column(
                        f"flank_angle_{side}",
                        "rad",
                        "hip as seen from the neck",
                        np.abs(angle(body.point("rear") - body.point("neck"), flank)),
                    )
                )
    gaps = _edges(centre, box)
    out.append(Column("edge", "L", "distance to the nearest edge", np.fmin(gaps[0], gaps[1])))
    velocity = rate(as_f32((_part(body, "head") + _part(body, "hips")) / 2))
    speed, centre_velocity = norm(velocity), rate(centre)
    out += [
        Column("speed", "L/s", "head and hips", speed),
        Column("speed_centroid", "L/s", "centroid", norm(centre_velocity)),
        Column("acceleration", "L/s^2", "of the speed", body.clock.rate_of_rate(speed)),
        Column(
            "acceleration_centroid", "L/s^2", "of the centroid's speed", body.clock.rate_of_rate(norm(centre_velocity))
        ),
    ]
    if body.has_axis:
        out.append(Column("speed_forward", "L/s", "along the body", dot(velocity, body.axis)))
    for lag_s in LAGS_S:
        lagged = partial(where.by_part, partial(_lagged, lag_s=lag_s))
        out.append(Column(f"speed_centroid_lag_{lag_s:.2f}s", "L/s", "over a lag", lagged(centre)))
        out += [Column(f"speed_{p}_lag_{lag_s:.2f}s", "L/s", "over a lag", lagged(body.point(p))) for p in points]
    return out


def _edges(xy: F32, box: tuple[NDArray, NDArray]) -> list[F32]:
    """Distance to the nearer edge of the box in x and in y."""
    low, high = box
    return [np.minimum(xy[k] - low[k], high[k] - xy[k]).astype(np.float32) for k in (0, 1)]


def _own_more(body: Body, where: Scene, box: tuple[NDArray, NDArray]) -> list[Column]:
    """Distances to the edges in x and y (L), and the mean speed of 4/30 s times the cosine of motion and body (L/s)."""
    x, y = _edges(_part(body, "all"), box)
    out = [
        Column("edge_x", "L", "distance to the nearer edge in x", x),
        Column("edge_y", "L", "distance to the nearer edge in y", y),
    ]
    if body.has_axis:
        velocity = body.clock.rate(as_f32((_part(body, "head") + _part(body, "hips")) / 2))
        mean = where.by_part(_trailing_mean, norm(velocity))
        # A body at rest moves nowhere: its speed is 0 whatever the direction.
        cosine = np.where(norm(velocity) > 0, dot(unit_vector(velocity), body.axis), np.float32(0))
        cosine = np.where(np.isfinite(norm(velocity)), cosine, np.float32(np.nan))
        out.append(Column("speed_forward_cosine", "L/s", "mean speed times cosine to the body", as_f32(mean * cosine)))
    return out


def _trailing_mean(x: F32, fps: float) -> F32:
    """Mean over `FORWARD_S`: of a frame and those before it, of those that are known."""
    n = max(1, samples_in(FORWARD_S, fps))
    known = np.isfinite(x)
    total, count = (np.concatenate([[0.0], np.cumsum(v, dtype=np.float64)]) for v in (np.where(known, x, 0), known))
    stop = np.arange(1, x.size + 1)
    start = np.maximum(stop - n, 0)
    seen = count[stop] - count[start]
    return as_f32((total[stop] - total[start]) / np.where(seen > 0, seen, np.nan))


def _pair_more(me: Body, other: Body) -> list[Column]:
    """Relative angle (rad), and the gap between the ellipses along the line of the centroids (L, and over own radius).

    The gap is the distance of the ellipses' middles less the radius of each in the direction of the other; below 0 they
    overlap on that line. `_ELLIPSE` standard deviations, as everywhere in this set.
    """
    out = []
    if me.has_axis:
        turned = np.abs(angle(me.axis, _part(other, "all") - _part(me, "all")))
        out.append(Column("relative_angle", "rad", "line to the other's centroid against the own body", turned))
    line = np.stack([other.covariance[k] - me.covariance[k] for k in (0, 1)])
    own, theirs = _radius(me, line), _radius(other, line)
    gap = norm(line) - own - theirs
    scaled = gap / np.where(own > 0, own, np.float32(np.nan))
    return [
        *out,
        Column("ellipse_gap", "L", "between the ellipses on the line of their middles", as_f32(gap), True),
        Column("ellipse_gap_scaled", "1", "the same over the own radius on that line", as_f32(scaled)),
    ]


def _radius(body: Body, line: F32) -> F32:
    """Distance from the middle of a body's ellipse to its border in a direction ``(2, frame)``.

    A border of covariance C at k standard deviations lies at k / sqrt(u' C^-1 u).
    """
    _, _, vx, vy, cov, count = body.covariance
    u = unit_vector(line)
    det = np.maximum(vx * vy - cov * cov, 0)
    spread = vy * u[0] * u[0] - 2 * cov * u[0] * u[1] + vx * u[1] * u[1]
    radius = _ELLIPSE * np.sqrt(det / np.where(spread > 0, spread, np.float32(np.nan)))
    return as_f32(np.where(count >= 3, radius, np.nan))


def _pair(me: Body, other: Body) -> list[Column]:
    rate = me.clock.rate
    gap = _part(other, "all") - _part(me, "all")
    distance, towards = norm(gap), unit_vector(gap)
    velocity = rate(_part(me, "all"))
    own, theirs = (np.stack([b.point(p) for p in mars_points(b)]) for b in (me, other))
    long = _long_axis(me)
    areas = as_f32(_area(me) / np.where(_area(other) > 0, _area(other), np.nan))
    out = [
        Column("distance", "L", "centroids", distance, True),
        Column("distance_scaled", "1", "over the long axis", as_f32(distance / np.where(long > 0, long, np.nan))),
        Column("distance_head", "L", "heads", norm(_part(other, "head") - _part(me, "head")), True),
        Column("distance_body", "L", "bodies", norm(_part(other, "body") - _part(me, "body")), True),
        Column("distance_head_body", "L", "head to body", norm(_part(other, "body") - _part(me, "head"))),
        Column("distance_change", "L/s", "of the centroids", rate(distance), True),
        Column("gap", "L", "nearest points", _nearest(own, theirs), True),
        Column("box_overlap", "1", "boxes: intersection over union", _iou(own, theirs), True, "max"),
        Column("area_ratio", "1", "of the ellipses", areas),
        Column("speed_radial", "L/s", "towards the other", dot(velocity, towards)),
        Column("speed_tangential", "L/s", "around the other", np.abs(cross(towards, velocity))),
    ]
    if me.has_axis:
        out.append(Column("facing", "rad", "other's centroid against own head", np.abs(angle(me.head_axis, gap))))
        if other.has_axis:
            out.append(Column("angle_between", "rad", "bodies", np.abs(angle(me.axis, other.axis)), True))
    for a, b in product(mars_points(me), mars_points(other)):
        out.append(Column(f"between_{a}_{b}", "L", "own to other's point", norm(other.point(b) - me.point(a)), a == b))
    return [c._replace(values=c.values.astype(np.float32)) for c in out]


def _long_axis(body: Body) -> F32:
    _, _, vx, vy, cov, _ = body.covariance
    return as_f32(_ELLIPSE * np.sqrt((vx + vy) / 2 + np.sqrt(((vx - vy) / 2) ** 2 + cov * cov)))


def _area(body: Body) -> F32:
    _, _, vx, vy, cov, count = body.covariance
    enough = np.where(count >= 3, np.float32(1), np.float32(np.nan))
    return np.sqrt(np.maximum(vx * vy - cov * cov, 0)) * enough


def _nearest(own: NDArray, theirs: NDArray) -> F32:
    best = np.full(own.shape[2], np.inf, np.float32)
    for a, b in product(own, theirs):
        np.fmin(best, norm(b - a), out=best)
    return np.where(np.isinf(best), np.float32(np.nan), best)


def _iou(own: NDArray, theirs: NDArray) -> F32:
    """Overlap of the upright boxes around the visible points ``(point, 2, frame)``."""
    low = [np.fmin.reduce(p) for p in (own, theirs)]
    high = [np.fmax.reduce(p) for p in (own, theirs)]
    sides = np.minimum(high[0], high[1]) - np.maximum(low[0], low[1])
    both = np.prod(np.maximum(sides, 0), axis=0)
    areas = [np.prod(h - lo, axis=0) for h, lo in zip(high, low, strict=True)]
    union = areas[0] + areas[1] - both
    return both / np.where(union > 0, union, np.float32(np.nan))
