"""Named per-frame quantities that rules are written on: every family, and a few made for rules.

Added to the families: ``speed_body``, ``speed_fastest``, ``acceleration_body``, ``turn_rate_head_abs``,
``body_length``, ``body_length_relative``, ``confidence_nose``, ``wall_distance_…`` and
``edge_distance_nose/head/centre``, ``in_closed_neck``,
``nose_closest``, ``rear_rear``, ``rear_nose``, ``nose_trail``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import xarray as xr

from murid.data.clock import samples_in
from murid.data.zones import Zone, Zones
from murid.features.body import F32, Body, Column, angle, norm
from murid.features.params import FeatureParams
from murid.features.sets.scene import Scene, make_scene, named_table, side_by_side
from murid.features.social import partner_distances, towards_partners
from murid.features.table import compute
from murid.features.zone import depth

#: Parts of a maze drawn up to this share of a body length apart (1 cm of a mouse) touch.
_GAP_BODIES = 0.12
#: How far back `nose_trail` looks: DeepOF's 10 frames at 30 Hz.
TRAIL_S = 0.33


def rule_features(
    poses: xr.Dataset,
    subject: str,
    roles: Mapping[str, str] | None = None,
    zones: Zones | None = None,
    *,
    step_s: float = 0.1,
    trail_s: float = TRAIL_S,
) -> xr.DataArray:
    """Return every named quantity of one animal, ``(time, feature)`` with units.

    Parameters
    ----------
    poses : Dataset
        Cleaned.
    subject : str
        An individual; towards several partners the nearest counts.
    zones : Zones, optional
        With a zone of kind ``"arena"`` there are wall distances.
    step_s : float
        Time over which speeds are taken. 0.1 s is above the jitter of trackers and below a head turn.
    trail_s : float
        How far back the partner's trail is followed.
    """
    params = FeatureParams(
        families=("kinematics", "shape", "missing", "social", "zone"),
        windowed=(),
        windows_s=(),
        lags_s=(),
        path_windows_s=(1.0,),
        step_s=step_s,
    )
    table = compute(poses, subject, params, roles, zones)
    where = make_scene(poses, subject, roles, zones, step_s=step_s)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = _own(where) + _towards(where, trail_s)
    extra = side_by_side(where, columns)
    names, units = ([*table[k].values, *extra[k].values] for k in ("feature", "unit"))
    return named_table(where, names, units, np.concatenate([table.values, extra.values], axis=1), None)


def _own(where: Scene) -> list[Column]:
    body = where.bodies[where.subject]
    rate = body.clock.rate
    speeds = np.stack([norm(rate(body.point(role))) for role in body.trunk])
    seen = ~np.isnan(speeds)
    count = np.where(seen.any(0), seen.sum(0), np.nan)
    mean = (np.where(seen, speeds, 0).sum(0) / count).astype(np.float32)
    out = [
        Column("speed_body", "L/s", "mean speed of the trunk keypoints", mean),
        Column("speed_fastest", "L/s", "speed of the fastest trunk keypoint", np.fmax.reduce(speeds)),
        Column("acceleration_body", "L/s^2", "mean change of the keypoints' speed, unsigned", _change(body, speeds)),
    ]
    if body.has_axis and body.has_head_axis:
        turn = np.abs(angle(*body.clock.ends(body.head_axis)) * body.clock.per_s)
        out.append(Column("turn_rate_head_abs", "rad/s", "turning of the head, unsigned", turn))
    if body.has("nose", "rear"):
        length = norm(body.point("nose") - body.point("rear"))
        usual = np.nanmedian(length) if np.isfinite(length).any() else np.float32(np.nan)
        out.append(Column("body_length", "L", "nose to tail base", length))
        out.append(Column("body_length_relative", "1", "body length over its median", length / usual))
    if "nose" in body.tracked:
        sure = body.confidence[body.tracked.index("nose")]
        out.append(Column("confidence_nose", "1", "tracker confidence of the nose", sure))
    return out + _walls(where, body)


def _change(body: Body, speeds: F32) -> F32:
    """Size of the mean change of the keypoints' speeds: DLCAnalyzer's sign of a floating animal."""
    change = np.stack([body.clock.rate_of_rate(speed) for speed in speeds])
    seen = ~np.isnan(change)
    count = np.where(seen.any(0), seen.sum(0), np.nan)
    return np.abs(np.where(seen, change, 0).sum(0) / count).astype(np.float32)


def _walls(where: Scene, body: Body) -> list[Column]:
    """Depth inside the arena's walls, and inside the edge of a maze (its arms together); outside negative."""
    zones = where.zones
    if not zones:
        return []
    arms = zones.of_kind("open") + zones.of_kind("closed")
    maze = [*arms, *zones.of_kind("centre")] if arms else []
    out = []
    for name, parts in (("wall_distance", zones.of_kind("arena")), ("edge_distance", maze)):
        for point in ("nose", "head", "centre"):
            if parts and body.has(point):
                values = _deepest(where, body, parts, point)
                out.append(Column(f"{name}_{point}", "L", "depth inside the arena or maze", values))
    if zones.of_kind("closed") and body.has("head"):
        inside = _deepest(where, body, zones.of_kind("closed"), "neck" if body.has("neck") else "head")
        value = np.where(np.isnan(inside), np.nan, inside >= 0).astype(np.float32)
        out.append(Column("in_closed_neck", "1", "the neck is in a closed arm", value))
    return out


def _deepest(where: Scene, body: Body, parts: list[Zone], point: str) -> F32:
    """Depth inside the union of `parts`, from its outer border: an inner border between two parts is no edge."""
    xy = body.point(point)
    if len(parts) == 1:
        return depth(parts[0], xy, where.length)
    rings = _union(parts, _GAP_BODIES * where.length * (8.5 if where.length_name == "cm" else 1.0))
    depths = []
    for outer, *holes in rings:
        inside = [depth(outer, xy, where.length), *(-depth(hole, xy, where.length) for hole in holes)]
        depths.append(np.minimum.reduce(inside))
    return np.fmax.reduce(depths)


def _union(parts: Sequence[Zone], gap: float) -> list[list[Zone]]:
    """Outer border and holes of each piece of the union; parts up to `gap` apart (unit of the zones) touch."""
    import shapely

    shapes = []
    for zone in parts:
        if zone.polygon is not None:
            shapes.append(shapely.Polygon(zone.polygon))
        else:
            x, y, radius = zone.circle
            shapes.append(shapely.Point(x, y).buffer(radius, quad_segs=64))
    half = gap / 2
    grown = shapely.unary_union([s.buffer(half, join_style="mitre") for s in shapes])
    # Grown and shrunk again, the parts keep their own borders, and what was drawn a little apart is joined.
    union = shapely.unary_union([grown.buffer(-half, join_style="mitre"), *shapes])
    pieces = union.geoms if isinstance(union, shapely.MultiPolygon) else [union]
    return [[Zone("edge", np.asarray(ring.coords)[:-1]) for ring in (p.exterior, *p.interiors)] for p in pieces]


def _towards(where: Scene, trail_s: float) -> list[Column]:
    me = where.bodies[where.subject]
    others = [b for name, b in where.bodies.items() if name != where.subject]
    if not others or not me.has("nose"):
        return []
    tables = []
    for other in others:
        nose = me.point("nose")
        middle = [r for r in other.trunk if r not in ("nose", "tail_base")] or list(other.trunk)
        gaps = np.stack([norm(other.point(role) - nose) for role in middle])
        table = [Column("nose_closest", "L", "nose to the partner's nearest body point", np.fmin.reduce(gaps))]
        if me.has("rear") and other.has("rear", "nose"):
            table += [
                Column("rear_rear", "L", "tail base to tail base", norm(other.point("rear") - me.point("rear"))),
                Column("rear_nose", "L", "partner's nose to tail base", norm(me.point("rear") - other.point("nose"))),
                Column(
                    "nose_trail",
                    "L",
                    "nose to where the partner's tail base was",
                    where.by_part(partial(_trail, trail_s=trail_s), nose, other.point("rear")),
                ),
            ]
        tables.append(table)
    return towards_partners(tables, partner_distances(me, others))[: len(tables[0])]


def _trail(nose: F32, rear: F32, fps: float, trail_s: float) -> F32:
    """Smallest distance from the nose to the partner's tail base up to `trail_s` earlier, ``(2, frame)`` each."""
    best = norm(rear - nose)
    for k in range(1, min(max(1, samples_in(trail_s, fps)), rear.shape[1] - 1) + 1):
        best[k:] = np.fmin(best[k:], norm(rear[:, :-k] - nose[:, k:]))
    return best
