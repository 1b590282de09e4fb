"""SimBA's features (Nilsson et al. 2020), for any keypoints and any number of animals.

`layout="full"` is its 2 × 8-point set (hull, named distances, movements, back angle, turning, confidence);
features whose roles are missing are left out. `layout="user"` is its set for user-defined body parts
(movement of every point, all distances between animals). Zones, where drawn, add SimBA's optional region features
(how deep inside, how far, heading there). The corrected form takes movements as speeds
(L/s over a fixed time) and windows in seconds; the faithful one counts frames as the original does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from murid.data.bouts import EVERYONE
from murid.features.body import F32, Body, Column, angle, norm
from murid.features.geometry import hull_perimeters
from murid.features.sets.scene import Order, Scene, assemble, named_table, windowed_table
from murid.features.social import between
from murid.features.zone import zone_columns

#: Windows of the documented intent, seconds: fps / (2, 5, 6, 7.5, 15).
WINDOWS_S = (1 / 2, 1 / 5, 1 / 6, 1 / 7.5, 1 / 15)
#: What the original's source does instead: trailing windows of so many frames.
WINDOWS_FRAMES = (2, 5, 6, 7, 15)

_DISTANCES = (
    ("nose", "tail_base"),
    ("side_left", "side_right"),
    ("ear_left", "ear_right"),
    ("nose", "centre"),
    ("nose", "side_left"),
    ("nose", "side_right"),
    ("centre", "side_left"),
    ("centre", "side_right"),
)
_MOVING = ("centre", "nose", "tail_base", "tail_tip", "ear_left", "ear_right", "side_left", "side_right")
_TARGETS = ("side_left", "side_right", "tail_base")
#: Channels that also enter as windows.
_WINDOWED = (
    "hull_perimeter",
    "width",
    "pair_sum",
    "pair_mean",
    "pair_min",
    "pair_max",
    "angle_back",
    "tail_against_body",
    "turning",
    "move_sum",
    "move_mean",
    "move_centre",
    "move_tail_base",
    "move_tail_tip",
    "move_nose",
    "centre_distance",
)
#: Totals over the animals that the original adds.
_TOTALS = ("hull_perimeter", "pair_sum", "move_centre", "move_sum", "angle_back")


def layout_of(where: Scene) -> str:
    """``"full"`` when the skeleton has nose, tail base and one more trunk point, else ``"user"``."""
    body = next(iter(where.bodies.values()))
    return "full" if {"nose", "tail_base"} <= set(body.tracked) and len(body.trunk) >= 3 else "user"


def simba_columns(
    where: Scene,
    rows: NDArray | None = None,
    *,
    layout: str = "auto",
    windows_s: Sequence[float] = WINDOWS_S,
    align: str = "centred",
) -> xr.DataArray:
    """Corrected features ``(time, feature)``: the same at any frame rate, order and length of recording.

    Parameters
    ----------
    where : Scene
        With zones, region features of each animal are added.
    rows : int array, optional
        Frames to return; all by default.
    layout : {"auto", "full", "user"}
    windows_s : sequence of float
        Windows of the rolling mean and median, s; at frame rates where one is no odd number of frames, between the
        two odd ones around it.
    align : {"centred", "trailing"}
    """
    columns = _columns(where, layout_of(where) if layout == "auto" else layout, "free", per_frame=False)
    if where.zones:
        columns += assemble(where, partial(zone_columns, zones=where.zones, length=where.length))
    wide = [c for c in columns if _windowed(c.name)]
    narrow = [c for c in columns if not _windowed(c.name)]
    table = windowed_table(where, wide, windows_s, ("mean",), rows, exact=True, percentiles=(50.0,), align=align)
    rest = np.stack([c.values if rows is None else c.values[rows] for c in narrow], axis=1)
    names = [*map(str, table["feature"].values), *(c.name for c in narrow)]
    units = [*map(str, table["unit"].values), *(c.unit.replace("L", where.length_name) for c in narrow)]
    return named_table(where, names, units, np.concatenate([table.values, rest], axis=1), rows)


def simba_faithful(where: Scene, rows: NDArray | None = None, *, layout: str = "auto") -> xr.DataArray:
    """The original's features: animals in their given order, windows in frames, ranks over the whole video.

    `where` must come with ``step_frames=(1, 0)``. Window statistics are trailing (mean, median, sum, as many
    frames as there are at the start); deviations are video mean − value; ranks are rank/n over the video.
    """
    layout = layout_of(where) if layout == "auto" else layout
    columns = _columns(where, layout, "given", per_frame=True)
    columns += _totals(columns)
    columns = _summed_confidence(columns)
    data: dict[str, np.ndarray] = {c.name: np.nan_to_num(c.values) for c in columns}
    stats = ("mean", "sum") if layout == "user" else ("mean", "median", "sum")
    for column in [c for c in columns if _windowed(c.name)]:
        series = pd.Series(data[column.name].astype(np.float64))
        for n in WINDOWS_FRAMES:
            rolled = series.rolling(n, min_periods=1)
            if column.name.startswith("turning"):
                # Tortuosity as in the source: angles (deg) of n successive triples from the row on, over 2 pi.
                angles = np.asarray(data[column.name], np.float64)
                data[f"{column.name}_sum_{n}"] = _leading_sum(angles, n) / (2 * np.pi)
                continue
            for stat in ("sum",) if column.name.startswith("angle") else stats:
                data[f"{column.name}_{stat}_{n}"] = getattr(rolled, stat)().to_numpy()
    if layout == "full":
        _against_video(data)
    names = list(data)
    values = np.stack([data[n].astype(np.float32) for n in names], axis=1)
    return named_table(where, names, ["1"] * len(names), values if rows is None else values[rows], rows)


def _windowed(name: str) -> bool:
    return name.removeprefix("partner_").startswith(_WINDOWED)


def _columns(where: Scene, layout: str, order: Order, per_frame: bool) -> list[Column]:
    def own(body: Body) -> list[Column]:
        return _full(body, per_frame) if layout == "full" else _user(body, per_frame)

    def pair(me: Body, other: Body) -> list[Column]:
        if layout == "full":
            return _pair(me, other)
        # Numbered animals: every distance once. Otherwise unordered pairs for all, ordered ones for an individual.
        if order == "given":
            return [c._replace(symmetric=True) for c in between(me, other)]
        return between(me, other, ordered=where.subject != EVERYONE)

    return assemble(where, own, pair, order=order, how=("min", "max", "mean"))


def _move(body: Body, role: str, per_frame: bool) -> F32:
    """Displacement since the previous frame, or speed."""
    change = norm(body.clock.step(body.point(role)))
    return change if per_frame else change * body.clock.per_s


def _full(body: Body, per_frame: bool) -> list[Column]:
    unit = "L" if per_frame else "L/s"
    out = []
    if len(body.trunk) >= 3:
        hull = hull_perimeters(np.stack([body.point(r) for r in body.trunk]))
        change = body.clock.step(hull) if per_frame else body.clock.rate(hull)
        out += [
            Column("hull_perimeter", "L", "border of the hull", hull),
            Column("hull_change", unit, "its change", change),
        ]
    for a, b in _DISTANCES:
        if body.has(a, b) and body.sources.get(a) != body.sources.get(b, ""):
            name = "width" if (a, b) == ("side_left", "side_right") else f"{a}_{b}"
            out.append(Column(name, "L", "distance", norm(body.point(a) - body.point(b))))
    pairs = np.stack([norm(body.point(a) - body.point(b)) for a, b in combinations(body.tracked, 2)])
    seen = ~np.isnan(pairs)
    count = np.where(seen.any(0), seen.sum(0), np.nan)
    mean = (np.where(seen, pairs, 0).sum(0) / count).astype(np.float32)
    out += [
        Column("pair_max", "L", "largest distance inside the animal", np.fmax.reduce(pairs)),
        Column("pair_min", "L", "smallest distance inside the animal", np.fmin.reduce(pairs)),
        Column("pair_mean", "L", "mean distance inside the animal", mean),
    ]
    if per_frame:
        out.append(Column("pair_sum", "L", "sum of distances", (mean * count).astype(np.float32)))
    moves = {role: _move(body, role, per_frame) for role in _MOVING if role in body.tracked or role == "centre"}
    out += [Column(f"move_{role}", unit, "movement", values) for role, values in moves.items()]
    out.append(Column("move_sum", unit, "all movements", np.sum(list(moves.values()), axis=0, dtype=np.float32)))
    if {"tail_tip", "tail_base", "nose"} <= set(moves):
        against = moves["tail_tip"] - (moves["tail_base"] + moves["centre"] + moves["nose"])
        out.append(Column("tail_against_body", unit, "tail tip minus tail base, centre and nose", against))
    if body.has("nose", "centre", "tail_base"):
        out.append(Column("angle_back", "deg", "nose-centre-tail base, 0-360", _back_angle(body)))
    return [*out, _turning(body, per_frame), *_confidence(body, per_frame)]


def _user(body: Body, per_frame: bool) -> list[Column]:
    unit = "L" if per_frame else "L/s"
    moves = np.stack([_move(body, role, per_frame) for role in body.tracked])
    out = [Column(f"move_{role}", unit, "movement", v) for role, v in zip(body.tracked, moves, strict=True)]
    total = moves.sum(0)
    out += [
        Column("move_sum", unit, "sum of movements", total),
        Column("move_min", unit, "smallest", moves.min(0)),
        Column("move_max", unit, "largest", moves.max(0)),
        Column("move_mean", unit, "mean", total / np.float32(len(moves))),
    ]
    return out + _confidence(body, per_frame)


def _pair(me: Body, other: Body) -> list[Column]:
    gap = norm(other.point("centre") - me.point("centre"))
    out = [Column("centre_distance", "L", "centre to centre", gap, True)]
    if me.has("nose"):
        nose = me.point("nose")
        out.append(Column("nose_nose", "L", "nose to nose", norm(other.point("nose") - nose), True))
        out += [
            Column(f"nose_to_{target}", "L", "nose to a point of the other", norm(other.point(target) - nose))
            for target in _TARGETS
            if other.has(target)
        ]
    return out


def _back_angle(body: Body) -> F32:
    """Angle at the centre from nose to tail base, 0..360 deg."""
    a, b = body.point("nose") - body.point("centre"), body.point("tail_base") - body.point("centre")
    return np.degrees(np.arctan2(b[1], b[0]) - np.arctan2(a[1], a[0])).astype(np.float32) % np.float32(360)


def _turning(body: Body, per_frame: bool) -> Column:
    """Turning of the centre's path, unsigned: between two steps (rad), or per second."""
    step = body.clock.step(body.point("centre"))
    if not per_frame:
        turned = np.abs(angle(*body.clock.ends(body.velocity))) * body.clock.per_s_of_rates
        turned[body.speed == 0] = 0
        return Column("turning", "rad/s", "turning of the path, unsigned", turned)
    # The angle at the middle of the triple that starts at the row: 180 deg on a straight path, 0..360.
    middle = step[:, 1:]
    turned = np.zeros(body.clock.n, np.float32)
    back, ahead = 0 - middle[:, :-1], middle[:, 1:]  # 0 - 0 is 0, and -0 would be a direction
    there, arrived = np.arctan2(ahead[1], ahead[0]), np.arctan2(back[1], back[0])
    turned[: max(body.clock.n - 2, 0)] = np.degrees(there - arrived)[: max(body.clock.n - 2, 0)] % np.float32(360)
    return Column("turning", "deg", "angle of the path at the triple that starts here, 180 straight", turned)


def _leading_sum(x: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Sum of the `n` values from each one on; fewer at the end."""
    total = np.concatenate([[0.0], np.cumsum(x)])
    stop = np.minimum(np.arange(len(x)) + n, len(x))
    return total[stop] - total[:-1]


def _confidence(body: Body, per_frame: bool) -> list[Column]:
    known = np.nan_to_num(body.confidence)
    total = known.sum(0) if per_frame else known.mean(0)
    out = [Column("confidence", "1", "sum (faithful) or mean of tracker confidence", total.astype(np.float32))]
    for limit in (0.1, 0.5, 0.75):
        low = (known <= limit).sum(0).astype(np.float32)
        out.append(Column(f"low_{limit:g}", "1", "keypoints at or below a confidence", low))
    return out


def _totals(columns: Sequence[Column]) -> list[Column]:
    """Sums over the animals."""
    out = []
    for name in _TOTALS:
        parts = [c for c in columns if c.name.startswith(f"{name}_") and c.name.removeprefix(f"{name}_").isdigit()]
        if len(parts) > 1:
            total = np.sum([c.values for c in parts], axis=0, dtype=np.float32)
            out.append(Column(f"{name}_total", parts[0].unit, "over all animals", np.asarray(total)))
    return out


_SURE = re.compile(r"(?:partner_)?(confidence|low_[\d.]+)(?:_\d+)?")


def _summed_confidence(columns: Sequence[Column]) -> list[Column]:
    """Confidences and counts of doubtful keypoints summed over all animals, as the original has them."""
    sums: dict[str, list[F32]] = {}
    for c in columns:
        if (match := _SURE.fullmatch(c.name)) is not None:
            sums.setdefault(match[1], []).append(c.values)
    rest = [c for c in columns if not _SURE.fullmatch(c.name)]
    what = "over all keypoints of all animals"
    return rest + [Column(f"{k}_sum", "1", what, np.sum(v, axis=0, dtype=np.float32)) for k, v in sums.items()]


#: Deviations from the video's mean: of all animals together, of the first animal, of each pair, of each animal.
_STATIC = {
    "total": ("move_sum", "pair_sum", "angle_back"),
    "first": ("pair_min", "pair_max", "pair_mean"),
    "pair": ("centre_distance",),
    "each": ("move_centre", "hull_perimeter"),
}
#: The same of window statistics, at every window.
_ROLLED = {
    "total": (("move_sum", "mean"), ("pair_sum", "mean"), ("move_centre", "mean"), ("angle_back", "sum")),
    "first": (("pair_min", "mean"), ("pair_max", "mean"), ("pair_mean", "mean")),
    "pair": (("centre_distance", "mean"),),
}


def _columns_of(data: dict[str, np.ndarray], whose: str, base: str) -> list[str]:
    """Columns of a quantity: of all animals together, of the first one, or of every animal or pair that has one."""
    numbered = [n for n in data if re.fullmatch(rf"{base}(_\d+)+", n)]
    if whose == "total":
        return [n for n in (f"{base}_total", base) if n in data][:1]
    if whose == "first":
        return [n for n in (f"{base}_1", base) if n in data][:1]
    return numbered or [n for n in (base,) if n in data]


def _against_video(data: dict[str, np.ndarray]) -> None:
    """Add deviations from the video mean, and percentile ranks over the video, as the original's 2 x 8-point set.

    With two animals: 11 deviations of frames and 8 at each window, 7 ranks, and of the sum of confidences its deviation
    and the rank of this. What the original has twice is left out: ``percentile_rank`` columns of windows (copies of the
    deviations), a second rank of the distance, and the rank of the sum, which is made of the rank of its deviation.
    """
    for whose, bases in _STATIC.items():
        for name in [n for base in bases for n in _columns_of(data, whose, base)]:
            data[f"{name}_deviation"] = data[name].mean() - data[name]
    for whose, templates in _ROLLED.items():
        for base, stat in templates:
            for n, name in [(n, c) for c in _columns_of(data, whose, base) for n in WINDOWS_FRAMES]:
                data[f"{name}_{stat}_{n}_deviation"] = data[f"{name}_{stat}_{n}"].mean() - data[f"{name}_{stat}_{n}"]
    moves, gaps = _columns_of(data, "each", "move_centre"), _columns_of(data, "pair", "centre_distance")
    ranked = [*_columns_of(data, "total", "move_centre"), *moves, *gaps]
    ranked += [f"{n}_deviation" for n in (*moves, *gaps)]
    for name in dict.fromkeys(ranked):
        data[f"{name}_rank"] = _rank(data[name])
    data["confidence_sum_deviation"] = data["confidence_sum"].mean() - data["confidence_sum"]
    data["confidence_sum_deviation_rank"] = _rank(data["confidence_sum_deviation"])


def _rank(x: np.ndarray) -> np.ndarray:
    return pd.Series(x).rank(pct=True).to_numpy()


__all__ = ["WINDOWS_FRAMES", "WINDOWS_S", "layout_of", "simba_columns", "simba_faithful"]
