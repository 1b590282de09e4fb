"""JAABA's per-frame features and window features (Kabra et al. 2013), mouse configuration.

Per frame: shape of the body ellipse and its change, motion of centre, centre of rotation, nose and tail in the
body's frame, the closest animal, the arena. Windows: mean, min, max, sd, change, harmonic, difference to the
window, z-score, percentiles, histogram, at several radii and offsets in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.bouts import EVERYONE
from murid.features.body import F32, Body, Column, as_f32, norm
from murid.features.kinematics import kinematics_columns
from murid.features.sets.jaaba_directions import direction_columns
from murid.features.sets.jaaba_neighbours import animals_near, field_columns, neighbour_columns
from murid.features.sets.scene import Scene, assemble, named_table
from murid.features.shape import shape_columns
from murid.features.social import combine_animals, social_columns
from murid.features.windows import rolling
from murid.features.zone import zone_columns

Amount = Literal["less", "normal", "more"]
#: JAABA's mouse configuration reaches 10 frames at 30 Hz.
REACH_S = 10 / 30
_SHAPE = ("ellipse_major", "ellipse_minor", "elongation", "hull_area")
#: Points of the body axis tried as centre of rotation, as shares of the half axis (−1 rear, 1 front).
_ROTATION = np.linspace(-1, 1, 9)
_FIELD = float(np.deg2rad(120))
#: Per-frame features that take both signs; speeds, distances, sizes and unsigned angles do not.
_BOTH_SIGNS = re.compile(
    r"acceleration|forward_|sideways_|turn_rate|path_turn_rate|course_cos|stretch_rate|head_angle|.*_rate$"
    r"|closing_speed|approach_|nose_approach_speed|speed_difference|angle_on_closest|[xy]_(centre|nose|rear)"
    r"|wall_angle|corner_angle"
)


@dataclass(frozen=True)
class WindowSpec:
    """Which window features are made.

    Attributes
    ----------
    radii_s : tuple of float
        Half lengths of the windows.
    offsets : tuple of float
        Shifts of a window in radii.
    harmonics : int
        Half-cosines 1 … k that are correlated with the window.
    percentiles : tuple of float
    histogram : bool
        Share of the window in each quarter of the channel's training distribution; also its percentile rank.
    differences_shifted : bool
        Differences to the window and z-scores at every offset, as the original; else around the frame alone.
    """

    radii_s: tuple[float, ...]
    offsets: tuple[float, ...]
    harmonics: int
    percentiles: tuple[float, ...]
    histogram: bool
    differences_shifted: bool = False

    @classmethod
    def of(cls, amount: Amount, reach_s: float = REACH_S) -> WindowSpec:
        """JAABA's "less" (2 radii), "normal" (3) and "more" (5, half offsets), up to `reach_s`."""
        if amount == "less":
            return cls((reach_s / 2, reach_s), (0.0,), 1, (), False)
        if amount == "normal":
            return cls((reach_s / 3, 2 * reach_s / 3, reach_s), (-1.0, 0.0, 1.0), 1, (25.0, 75.0), False)
        radii = tuple(reach_s * k / 5 for k in range(1, 6))
        return cls(radii, (-1.0, -0.5, 0.0, 0.5, 1.0), 3, (10.0, 25.0, 50.0, 75.0, 90.0), True)


def per_frame(where: Scene, *, neighbours: bool = False, directions: bool = False) -> list[Column]:
    """Per-frame columns of the scene's subject.

    Parameters
    ----------
    where : Scene
    neighbours, directions : bool
        Also those of `jaaba_neighbours`, and of `jaaba_directions`.
    """

    def own(body: Body) -> list[Column]:
        return _own(body, where) + (direction_columns(body, where) if directions else [])

    def pair(me: Body, other: Body) -> list[Column]:
        return _pair(me, other) + (neighbour_columns(me, other) if neighbours else [])

    columns = assemble(where, own, pair)
    return columns + (_near(where) if neighbours and len(where.bodies) > 1 else [])


def _near(where: Scene) -> list[Column]:
    """Animals near the subject and in its field of view; of all animals, the smallest and the largest value."""

    def near(name: str) -> list[Column]:
        me, others = where.bodies[name], [b for other, b in where.bodies.items() if other != name]
        return animals_near(me, others) + field_columns(me, others)

    if where.subject != EVERYONE:
        return near(where.subject)
    return combine_animals([near(name) for name in where.bodies], ("min", "max"))


def _own(body: Body, where: Scene) -> list[Column]:
    rate = body.clock.rate
    # Absolute values are a transform of the windows: as columns they would be there twice.
    out = [c for c in kinematics_columns(body) if not c.name.startswith("speed_paw") and not c.name.endswith("_abs")]
    for column in shape_columns(body):
        if column.name in _SHAPE:
            out.append(column)
            out.append(Column(f"{column.name}_rate", f"{column.unit}/s", "its change", rate(column.values)))
        elif column.name in ("body_width", "head_angle"):
            out.append(column)
    if body.has_axis:
        out.append(Column("speed_rotation_centre", "L/s", "speed of the centre of rotation", _rotation_speed(body)))
    if where.zones and where.zones.of_kind("arena"):
        from murid.data.zones import Zones

        out += [
            c
            for c in zone_columns(body, Zones(where.zones.of_kind("arena")[:1]), where.length)
            if not c.name.startswith("in_")
        ]
    return out


def _rotation_speed(body: Body) -> F32:
    """Speed of the point on the body axis that moves least."""
    half = (body.point("front") - body.point("rear")) / 2
    middle = (body.point("front") + body.point("rear")) / 2
    speeds = [norm(body.clock.rate(as_f32(middle + np.float32(k) * half))) for k in _ROTATION]
    return np.fmin.reduce(speeds)


def _pair(me: Body, other: Body) -> list[Column]:
    out = social_columns(me, other, _FIELD)
    if me.has_axis and other.has("front", "rear"):
        # Angle under which the other's body is seen.
        nose = me.point("nose") if me.has("nose") else me.point("front")
        u, v = other.point("front") - nose, other.point("rear") - nose
        seen = np.abs(np.arctan2(u[0] * v[1] - u[1] * v[0], u[0] * v[0] + u[1] * v[1]))
        out.append(Column("subtended", "rad", "angle that the other fills", seen, False))
        out.append(Column("subtended_rate", "rad/s", "its change", me.clock.rate(seen), False))
    return out


def edges_of(tables: Sequence[Mapping[str, F32]]) -> dict[str, F32]:
    """Percentiles 0, 2 … 100 of each channel over the training recordings, for histograms and ranks."""
    out = {}
    for name in tables[0]:
        values = np.concatenate([t[name][np.isfinite(t[name])] for t in tables])
        values = values[:: max(1, values.size // 5000)] if values.size else np.zeros(1, np.float32)
        out[name] = np.percentile(values, np.arange(0, 101, 2)).astype(np.float32)
    return out


def window_features(
    where: Scene,
    columns: Sequence[Column],
    spec: WindowSpec,
    rows: NDArray | None = None,
    edges: Mapping[str, F32] | None = None,
) -> xr.DataArray:
    """Return window features of every column, ``(time, feature)``.

    Parameters
    ----------
    where : Scene
    columns : sequence of Column
    spec : WindowSpec
    rows : int array, optional
        Frames to keep.
    edges : mapping of str to array, optional
        From `edges_of`; needed with ``spec.histogram``.
    """
    parts: list[F32] = []
    names: list[str] = []
    for column in columns:
        for label, x in _transforms(column, edges if spec.histogram else None):
            for name, values in channel_of(where, x, spec):
                names.append(f"{column.name}{label}|{name}")
                parts.append(values if rows is None else values[rows])
        if spec.histogram and edges is not None:
            for name, values in _histogram(where, column.values, edges[column.name], spec):
                names.append(f"{column.name}|{name}")
                parts.append(values if rows is None else values[rows])
    return named_table(where, names, ["1"] * len(names), np.stack(parts, axis=1).astype(np.float32), rows)


def _transforms(column: Column, edges: Mapping[str, F32] | None) -> list[tuple[str, F32]]:
    """The channel, its absolute value when signed, and its percentile rank in the training data."""
    out = [("", column.values)]
    if takes_both_signs(column.name):
        out.append(("_abs", np.abs(column.values)))
    if edges is not None:
        known = np.isfinite(column.values)
        rank = np.where(known, np.minimum(np.searchsorted(edges[column.name], column.values), 50) * 2.0, np.nan)
        out.append(("_rank", rank.astype(np.float32)))
    return out


def takes_both_signs(name: str) -> bool:
    """Whether a per-frame feature can be negative as well as positive, by its name without partner and joining."""
    bare = re.sub(r"_(min|max|mean)$", "", name.removeprefix("partner_"))
    return bool(_BOTH_SIGNS.match(bare)) and not bare.endswith(("_abs", "_absdiff"))


def channel(x: F32, fps: float, spec: WindowSpec) -> list[tuple[str, F32]]:
    """Window features of one channel ``(time,)``: name → values."""
    stats = ("mean", "sd", "min", "max", "change")
    # One radius in frames for every statistic of a window, its shifts and its harmonics.
    frames = {radius: max(1, int(radius * fps + 0.5 + 1e-6)) for radius in spec.radii_s}
    widths = {radius: (2 * k + 1) / fps for radius, k in frames.items()}
    table, suffixes = rolling(x, fps, sorted(set(widths.values())), stats, percentiles=spec.percentiles)
    at = {s: table[:, i] for i, s in enumerate(suffixes)}
    out = [("value", x)]
    for radius in spec.radii_s:
        w, r = f"{widths[radius]:g}s", f"r{radius:.3f}"
        mean, sd = at[f"mean_{w}"], at[f"sd_{w}"]
        made = {"mean": mean, "sd": sd, "min": at[f"min_{w}"], "max": at[f"max_{w}"], "change": at[f"change_{w}"]}
        made |= {f"p{p:g}": at[f"p{p:g}_{w}"] for p in spec.percentiles}
        made |= {f"harmonic{k}": harmonic(x, frames[radius], k) for k in range(1, spec.harmonics + 1)}
        for offset in spec.offsets:
            shift = round(offset * frames[radius])
            out += [(f"{name}|{r}|{offset:+g}", shifted(values, shift)) for name, values in made.items()]
        against = {
            "against_mean": x - mean,
            "against_min": x - made["min"],
            "against_max": made["max"] - x,
            "zscore": ((x - mean) / np.where(sd > 1e-6, sd, np.nan)).astype(np.float32),
        }
        out += [(f"{name}|{r}", values) for name, values in against.items()]
        for offset in spec.offsets if spec.differences_shifted else ():
            shift = round(offset * frames[radius])
            if shift:
                out += [(f"{name}|{r}|{offset:+g}", shifted(values, shift)) for name, values in against.items()]
    return out


def channel_of(where: Scene, x: F32, spec: WindowSpec) -> list[tuple[str, F32]]:
    """Window features of a channel of a recording: `channel` on every stretch without a pause, at its own rate."""
    if len(where.parts) < 2:
        return channel(x, where.fps, spec)
    made = [channel(x[a:b], rate, spec) for a, b, rate in where.parts]
    return [(columns[0][0], np.concatenate([values for _, values in columns])) for columns in zip(*made, strict=True)]


def shifted(x: F32, frames: int) -> F32:
    """Value `frames` later; NaN beyond the ends."""
    out = np.full_like(x, np.nan)
    n = x.size
    if abs(frames) < n:
        out[max(0, -frames) : n - max(0, frames)] = x[max(0, frames) : n - max(0, -frames)]
    return out


def harmonic(x: F32, radius: int, k: int) -> F32:
    """Mean product of the window ``±radius`` with ``cos(pi k (j + radius) / (2 radius))``; NaN near gaps and ends."""
    wave = np.cos(np.pi * k * np.arange(2 * radius + 1) / (2 * radius))
    known = np.isfinite(x)
    level = float(np.mean(x[known])) if known.any() else 0.0
    filled = np.where(known, x - level, 0.0).astype(np.float64)
    # The level drops out of a window's sum only where the wave sums to zero: put its share back.
    if x.size <= 2 * radius:
        return np.full(x.size, np.nan, np.float32)
    out = np.full(x.size, np.nan)
    inside = slice(radius, x.size - radius)
    out[inside] = (np.correlate(filled, wave, "valid") + level * wave.sum()) / wave.size
    holes = np.convolve(~known, np.ones(2 * radius + 1), "same")
    out[holes > radius] = np.nan
    return out.astype(np.float32)


def _histogram(where: Scene, x: F32, edges: F32, spec: WindowSpec) -> list[tuple[str, F32]]:
    """Share of each window's frames in each quarter of the training distribution."""
    out = []
    inner = [-np.inf, edges[12], edges[25], edges[38], np.inf]
    for q in range(4):
        inside = np.where(np.isfinite(x), (x >= inner[q]) & (x < inner[q + 1]), np.nan).astype(np.float32)
        table, suffixes = where.rolled(inside, [2 * r for r in spec.radii_s], ("mean",))
        out += [(f"quarter{q + 1}|{s}", table[:, i]) for i, s in enumerate(suffixes) if s]
    return out
