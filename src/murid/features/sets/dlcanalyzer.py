"""DLCAnalyzer's features (Sturman et al. 2020) by roles, and its stack of neighbouring frames.

Per frame: ten lengths, six angles, four areas, and where the animal is relative to the arena; version 2 adds
accelerations, version 3 replaces flags by distances to the border, ``"fst"`` is for the forced swim test. Features
whose roles are not tracked are left out (`missing_features` lists them).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import samples_in, unbroken
from murid.data.resample import straight_line
from murid.features.body import Body, Column, angle, norm
from murid.features.sets.scene import Scene, assemble, named_table
from murid.features.shape import polygon_area
from murid.features.zone import depth

Version = Literal["v1", "v2", "v3", "fst"]
#: ±15 frames at 25 frames/s.
STACK_S, STACK_STEP_S = 0.6, 0.04

_LENGTHS = (
    ("nose", "head"),
    ("head", "neck"),
    ("neck", "centre"),
    ("centre", "side_right"),
    ("centre", "side_left"),
    ("centre", "tail_base"),
    ("tail_base", "hip_right"),
    ("tail_base", "hip_left"),
    ("tail_base", "tail_mid"),
    ("tail_mid", "tail_tip"),
)
#: Angles between two vectors (from, to), (from, to).
_ANGLES = (
    (("tail_base", "tail_mid"), ("tail_mid", "tail_tip")),
    (("hip_right", "tail_base"), ("tail_base", "hip_left")),
    (("tail_base", "centre"), ("centre", "neck")),
    (("side_right", "centre"), ("centre", "side_left")),
    (("centre", "neck"), ("neck", "head")),
    (("tail_base", "centre"), ("neck", "head")),
)
_AREAS = (
    ("tail_base", "hip_right", "hip_left"),
    ("hip_right", "hip_left", "side_left", "side_right"),
    ("side_right", "ear_right", "ear_left", "side_left"),
    ("ear_right", "nose", "ear_left"),
)
_INSIDE = ("nose", "head")
_BORDER = ("nose", "neck", "centre", "tail_base")
_ACCELERATED = (
    "nose",
    "head",
    "neck",
    "ear_right",
    "ear_left",
    "centre",
    "side_right",
    "side_left",
    "hip_right",
    "hip_left",
    "tail_base",
)


def dlcanalyzer_columns(
    where: Scene, version: Version = "v3", *, pairs: bool = False, zones: bool = False, per_file: bool = False
) -> list[Column]:
    """Per-frame columns of the scene's subject.

    Parameters
    ----------
    where : Scene
    version : {"v1", "v2", "v3", "fst"}
    pairs : bool
        Also what is between two animals. The original knows one. Adds the distances from nose, centre and tail base
        to those of the other, and how fast the centres come closer: without them no network can learn what two animals
        do together.
    zones : bool
        Also the distances of nose, neck, centre and tail base to the border of every drawn zone that is no arena (arms
        of a maze, the two sides of a box): L, positive inside.
    per_file : bool
        Standardise every column but the flags by mean and sd over the recording, as the original.
    """
    more = _zone_borders if zones else (lambda _body, _where: [])
    columns = assemble(where, lambda body: _own(body, where, version) + more(body, where), _pair if pairs else None)
    return [_standardised(c) for c in columns] if per_file else columns


def _zone_borders(body: Body, where: Scene) -> list[Column]:
    drawn = [(name, zone) for name, zone in (where.zones or {}).items() if zone.kind != "arena"]
    what = "distance to the border of a zone, positive inside"
    return [
        Column(f"border_{name}_{p}", "L", what, depth(zone, body.point(p), where.length))
        for name, zone in drawn
        for p in _BORDER
        if body.has(p)
    ]


def _standardised(column: Column) -> Column:
    """Mean 0 and sd 1 (n - 1) over the recording; flags and what does not vary stay as they are, the latter at 0."""
    if column.unit == "1":
        return column
    x = column.values.astype(np.float64)
    known = x[np.isfinite(x)]
    spread = float(known.std(ddof=1)) if known.size > 1 else 0.0
    level = float(known.mean()) if known.size else 0.0
    return column._replace(unit="1", values=((x - level) / (spread if spread > 0 else 1.0)).astype(np.float32))


def _pair(me: Body, other: Body) -> list[Column]:
    points = [p for p in ("nose", "centre", "rear") if me.has(p) and other.has(p)]
    points = [p for i, p in enumerate(points) if me.sources.get(p, p) not in [me.sources.get(q, q) for q in points[:i]]]
    out = [
        Column(f"between_{a}_{b}", "L", "own point to the partner's point", norm(other.point(b) - me.point(a)), a == b)
        for a in points
        for b in points
    ]
    closing = -me.clock.rate(norm(other.point("centre") - me.point("centre")))
    return [*out, Column("closing_speed", "L/s", "how fast the centres come closer", closing, True, "max")]


def missing_features(where: Scene, version: Version = "v3") -> list[str]:
    """Names of the original's features that this recording cannot give."""
    have = {c.name for c in _own(next(iter(where.bodies.values())), where, version)}
    wanted = [f"length_{a}_{b}" for a, b in _LENGTHS] + [_angle_name(*v) for v in _ANGLES]
    wanted += ["area_" + "_".join(corners) for corners in _AREAS]
    wanted += [f"acceleration_{p}" for p in _ACCELERATED] if version != "v1" else []
    wanted += {
        "v1": [f"inside_{p}" for p in _INSIDE],
        "v2": [f"inside_{p}" for p in _INSIDE],
        "v3": [f"border_{p}" for p in _BORDER],
        "fst": [],
    }[version]
    return [name for name in wanted if name not in have]


def _angle_name(u: tuple[str, str], v: tuple[str, str]) -> str:
    return f"angle_{u[0]}_{u[1]}_{v[0]}_{v[1]}"


def _own(body: Body, where: Scene, version: Version) -> list[Column]:
    def there(*points: str) -> bool:
        """Every point can be had, and no two are made from the same keypoints."""
        return body.has(*points) and len({body.sources.get(p, (p,)) for p in points}) == len(points)

    out = []
    for a, b in _LENGTHS:
        if there(a, b):
            out.append(Column(f"length_{a}_{b}", "L", "length", norm(body.point(a) - body.point(b))))
    for u, v in _ANGLES:
        if there(*dict.fromkeys([*u, *v])):
            turned = angle(body.point(u[1]) - body.point(u[0]), body.point(v[1]) - body.point(v[0]))
            out.append(Column(_angle_name(u, v), "rad", "angle between two vectors, unsigned", np.abs(turned)))
    for corners in _AREAS:
        if there(*corners):
            area = polygon_area(np.stack([body.point(c) for c in corners]))
            out.append(Column("area_" + "_".join(corners), "L^2", "area", area))
    out += _arena(body, where, version)
    if version != "v1":
        for p in _ACCELERATED:
            if p in body.tracked:
                change = body.clock.rate_of_rate(norm(body.clock.rate(body.point(p))))
                change = np.abs(change) if version == "fst" else change
                out.append(Column(f"acceleration_{p}", "L/s^2", "change of speed", change))
    return out


def _arena(body: Body, where: Scene, version: Version) -> list[Column]:
    arena = where.zones.of_kind("arena")[:1] if where.zones else []
    out = []
    for zone in arena if version != "fst" else ():
        for p in _BORDER if version == "v3" else _INSIDE:
            if body.has(p):
                deep = depth(zone, body.point(p), where.length)
                if version != "v3":
                    inside = np.where(np.isnan(deep), np.nan, deep >= 0).astype(np.float32)
                    out.append(Column(f"inside_{p}", "1", "inside the arena", inside))
                else:
                    out.append(Column(f"border_{p}", "L", "distance to the arena's border", deep))
    return out


def _ends(where: Scene, rows: NDArray | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Time of the first and the last frame of the stretch without a pause that each row lies in, s."""
    first, last = np.empty(where.time_s.size), np.empty(where.time_s.size)
    for start, stop in unbroken(where.time_s):
        first[start:stop], last[start:stop] = where.time_s[start], where.time_s[stop - 1]
    return (first, last) if rows is None else (first[rows], last[rows])


def stacked(
    where: Scene,
    columns: list[Column],
    rows: NDArray | None = None,
    *,
    reach_s: float = STACK_S,
    step_s: float = STACK_STEP_S,
    edges: bool = True,
) -> xr.DataArray:
    """Lay the columns side by side at every time offset within ± `reach_s`, at any frame rate.

    Values between frames are interpolated; before the start and after the end of a stretch without a pause its first
    and last frame count, or without `edges` frames nearer to them than `reach_s` are missing altogether.
    """
    time = where.time_s if rows is None else where.time_s[rows]
    first, last = _ends(where, rows)
    k = samples_in(reach_s, 1 / step_s)
    offsets = np.arange(-k, k + 1) * step_s
    out = np.empty((time.size, offsets.size * len(columns)), np.float32)
    values = np.stack([c.values for c in columns], axis=1)
    for o, offset in enumerate(offsets):
        out[:, o * len(columns) : (o + 1) * len(columns)] = straight_line(
            values, where.time_s, np.clip(time + offset, first, last)
        )
    if not edges:
        reach = k * step_s - 1e-6
        out[(time - first < reach) | (last - time < reach)] = np.nan
    names = [f"{c.name}_at_{offset:+.2f}s" for offset in offsets for c in columns]
    units = [c.unit.replace("L", where.length_name) for _ in offsets for c in columns]
    return named_table(where, names, units, out, rows)
