"""Open field: locomotion, centre and wall, with every convention stated.

The size of "the centre" is not standardised: its share of the arena is printed with the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from murid.assays.base import ANIMALS, MEASURES, VISITS, AssayResult, Measures, result, tables_of
from murid.assays.locomotion import Track, add_locomotion, track_of
from murid.assays.occupancy import ENTRY, add_occupancy, time_bins, visit_table
from murid.data.analysis import Tables, analysis
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.zones import EntryRule, Zone, Zones
from murid.features.points import points_of
from murid.features.zone_mask import zone_masks
from murid.prepare import CleanParams, calibrate, calibrate_zones, clean, estimate_arena


class OpenFieldParams(Params):
    """Parameters of the open-field test."""

    px_per_cm: float | None = param(
        None, unit="px/cm", gt=0, why="scale of the camera; or give arena_cm. Not needed when the poses carry their own"
    )
    arena_cm: tuple[float, ...] | None = param(
        None, unit="cm", why="true size of the arena: (side,), (width, depth), or (diameter,) of a round one"
    )
    centre_scale: float = param(
        0.5, gt=0, lt=1, why="centre = arena shrunk by this about its middle; 0.5 is 25 % of the area (Sturman 2020)"
    )
    periphery_scale: float = param(0.8, gt=0, lt=1, why="periphery = outside the arena shrunk by this (outer 36 %)")
    corner_scale: float = param(0.2, gt=0, lt=0.5, why="corner squares = this share of width and depth")
    keypoints: tuple[str, ...] = param(("centre",), why="keypoints or roles that decide about a zone")
    hysteresis_cm: float = param(0.5, unit="cm", ge=0, why="depth beyond a border needed to enter: jitter of the point")
    fill_gap_s: float = param(0.2, unit="s", ge=0, why="shorter absences are closed")
    min_visit_s: float = param(0.3, unit="s", ge=0, why="shorter visits are dropped")
    moving_cm_s: float = param(5.0, unit="cm/s", ge=0, why="speed from which the animal moves (Sturman 2020)")
    majority_s: float = param(0.2, unit="s", ge=0, why="moving is voted over ± this (Sturman 2020: 5 frames at 25 fps)")
    bin_s: float = param(300.0, unit="s", ge=0, why="time bins, 5 min as IMPC; 0 = none")
    start_s: float = param(0.0, unit="s", ge=0, why="analysis starts here, e.g. after the hand has left")
    duration_s: float | None = param(None, unit="s", gt=0, why="and lasts this long; to the end by default")
    clean: CleanParams = param(
        CleanParams(smoothing="savgol", window_s=0.3), why="of the poses, before anything is measured"
    )


def open_field(recording: Recording, params: OpenFieldParams | None = None) -> AssayResult:
    """Analyse an open-field test.

    Parameters
    ----------
    recording : Recording
        With poses; zones of kind ``arena`` (and ``centre``, ``corner``) are used where drawn, otherwise
        the arena is estimated from the tracks, which the result says.
    params : OpenFieldParams

    Returns
    -------
    AssayResult
        Per individual: distance, speed, moving; per zone (centre, periphery, corners): time, %, entries
        (cleaned and raw), latency (censored), distance; thigmotaxis and wall distance; the same per bin.

    Raises
    ------
    DataError
        Without a scale: give ``px_per_cm`` or ``arena_cm``, or calibrate the poses first.
    """
    p = params or OpenFieldParams()
    notes: list[str] = []
    poses = clean(recording.need("poses"), p.clean)
    drawn = recording.zones
    arena = _arena(poses, drawn, notes)
    poses, drawn, arena = _in_cm(poses, drawn, arena, p)
    poses = _cut(poses, p)
    zones = _zones(arena, drawn, p)
    tidy = zone_masks(poses, zones, roles=recording.roles or None)
    bare = Zones(zones.values(), EntryRule(keypoints=p.keypoints, hysteresis=0, fill_gap_s=0, min_visit_s=0))
    raw = zone_masks(poses, bare, roles=recording.roles or None)
    centre = points_of(poses, "centre", recording.roles or None)
    measures, visits = [], []
    time = poses["time"].values
    for individual in map(str, poses["individual"].values):
        track = track_of(centre.sel(individual=individual), p.moving_cm_s, p.majority_s)
        masks = {
            z: (tidy.sel(individual=individual, zone=z).values, raw.sel(individual=individual, zone=z).values)
            for z in zones
        }
        wall = _wall_distance(arena, track.xy_cm)
        spans = [(None, np.ones(len(time), bool)), *(((a, b), m) for a, b, m in time_bins(time, p.bin_s))]
        for bin_s, where in spans:
            out = Measures(individual, bin_s)
            add_locomotion(out, track, where)
            for zone, (mask, bare_mask) in masks.items():
                add_occupancy(out, zone, mask, bare_mask, track, where)
            _add_walls(out, masks, wall, track, where)
            measures.append(out)
        visits += [visit_table(z, masks[z][0], time, individual) for z in zones]
    return result("open_field", recording, measures, _joined(visits), _conventions(p, zones, arena, poses), notes)


@analysis(
    "open_field",
    family="assay",
    params=OpenFieldParams,
    needs=("poses",),
    uses=("zones", "events"),
    tables=(MEASURES, ANIMALS, VISITS),
    compare="animals",
    primary=(
        "distance",
        "mean_speed",
        "time_moving",
        "time_percent:centre",
        "entries:centre",
        "latency:centre",
        "thigmotaxis_time",
    ),
    cites=("Sturman et al. 2020",),
)
def analyse_open_field(recording: Recording, params: OpenFieldParams) -> Tables:
    """Measure locomotion, centre, wall and corners of an open field."""
    return tables_of(open_field(recording, params))


def _arena(poses: xr.Dataset, zones: Zones | None, notes: list[str]) -> Zone:
    """The drawn arena, or its estimate from the tracks with a word of warning."""
    if zones is not None and zones.of_kind("arena"):
        return zones.of_kind("arena")[0]
    if zones is not None and "arena" in zones:
        return zones["arena"]
    guess = estimate_arena(poses)
    notes.append(
        f"no arena was drawn: it is estimated from the tracks ({guess.shape}, {guess.visited:.0%} visited, misfit "
        f"{guess.misfit:.1%} of its radius{'' if guess.reliable else ', NOT RELIABLE'}); draw it for a publication"
    )
    return guess.zone


def _in_cm(
    poses: xr.Dataset, zones: Zones | None, arena: Zone, p: OpenFieldParams
) -> tuple[xr.Dataset, Zones | None, Zone]:
    """Poses, drawn zones and arena in cm."""
    if poses.attrs["unit"] == "cm":
        return poses, zones, arena
    known = poses.attrs.get("px_per_cm")
    if known is not None:  # The recording knows its scale though it is stored in px.
        bare = poses.copy(deep=False)
        bare.attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"}
        poses = calibrate(bare, float(known))
    elif p.arena_cm is not None:
        poses = calibrate(poses, arena=arena, known_cm=p.arena_cm if len(p.arena_cm) > 1 else p.arena_cm[0])
    else:
        poses = calibrate(poses, p.px_per_cm)
    scale = poses.attrs["px_per_cm"]
    if zones is not None and any(z.unit == "px" for z in zones.values()):
        zones = calibrate_zones(zones, scale)
    arena = calibrate_zones(Zones([arena]), scale)[arena.name] if arena.unit == "px" else arena
    return poses, zones, arena


def _cut(poses: xr.Dataset, p: OpenFieldParams) -> xr.Dataset:
    time = poses["time"].values
    stop = time[-1] + 1 if p.duration_s is None else time[0] + p.start_s + p.duration_s
    return poses.isel(time=(time >= time[0] + p.start_s) & (time < stop))


def shrunk(zone: Zone, scale: float, name: str, kind: str) -> Zone:
    """A zone shrunk about its middle by a linear `scale`."""
    if zone.polygon is None:
        return Zone(name, centre=zone.centre, radius=zone.radius * scale, unit=zone.unit, kind=kind)
    middle = _middle(zone)
    return Zone(name, polygon=middle + scale * (zone.polygon - middle), unit=zone.unit, kind=kind)


def _middle(zone: Zone) -> np.ndarray:
    """Centroid of a zone."""
    if zone.polygon is None:
        return np.asarray(zone.centre, np.float64)
    x, y = zone.polygon.T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    return np.array([((x + np.roll(x, -1)) * cross).sum(), ((y + np.roll(y, -1)) * cross).sum()]) / (3 * cross.sum())


def _zones(arena: Zone, drawn: Zones | None, p: OpenFieldParams) -> Zones:
    """Centre, inner field (outside of it is periphery) and corners: drawn ones first, derived otherwise."""
    rule = EntryRule(
        keypoints=p.keypoints, hysteresis=p.hysteresis_cm, fill_gap_s=p.fill_gap_s, min_visit_s=p.min_visit_s
    )
    centres = drawn.of_kind("centre") if drawn is not None else []
    corners = drawn.of_kind("corner") if drawn is not None else []
    centre = centres[0] if centres else shrunk(arena, p.centre_scale, "centre", "centre")
    zones = [Zone("centre", centre.polygon, centre.centre, centre.radius, "cm", "centre")]
    zones.append(shrunk(arena, p.periphery_scale, "inner", "inner"))
    if corners:
        zones += corners
    elif arena.polygon is not None and len(arena.polygon) == 4:
        zones += [_corner(arena.polygon, i, p.corner_scale) for i in range(4)]
    return Zones(zones, rule)


def _corner(polygon: np.ndarray, i: int, scale: float) -> Zone:
    """The quadrilateral at corner i, `scale` of the two sides that meet there."""
    here, before, after = polygon[i], polygon[i - 1], polygon[(i + 1) % 4]
    a, b = scale * (before - here), scale * (after - here)
    return Zone(f"corner_{i + 1}", polygon=np.stack([here, here + a, here + a + b, here + b]), unit="cm", kind="corner")


def _wall_distance(arena: Zone, xy: np.ndarray) -> np.ndarray:
    """Distance of the body centre to the wall in cm, negative outside."""
    if arena.polygon is None:
        return arena.radius - np.hypot(*(xy - np.asarray(arena.centre)).T)
    from murid.features.geometry import signed_depth

    return signed_depth(np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1]), arena.polygon)


def _add_walls(out: Measures, masks: dict[str, Any], wall: np.ndarray, track: Track, where: np.ndarray) -> None:
    inner = masks["inner"][0]
    known, outside = where & (inner >= 0), where & (inner == 0)
    walked = float(np.nansum(track.step_cm[known]))
    out.add(
        "thigmotaxis_time",
        outside.sum() / known.sum() if known.any() else np.nan,
        "",
        "time in the periphery / known time",
    )
    out.add(
        "thigmotaxis_distance",
        float(np.nansum(track.step_cm[outside])) / walked if walked else np.nan,
        "",
        "distance in the periphery / distance",
    )
    corner = np.zeros(len(inner), bool)
    for zone, (mask, _) in masks.items():
        corner |= zone.startswith("corner") & (mask == 1)
    out.add(
        "corner_percent",
        100 * (corner & where).sum() / known.sum() if known.any() else np.nan,
        "%",
        "time in any corner / known time",
    )
    depth = wall[where & np.isfinite(wall)]
    for name, q in (("wall_distance_q25", 25), ("wall_distance_median", 50), ("wall_distance_q75", 75)):
        out.add(
            name,
            float(np.percentile(depth, q)) if depth.size else np.nan,
            "cm",
            f"{q}th percentile of the distance from body centre to wall; needs no zone",
        )


def _joined(tables: list[Any]) -> Any:
    import pandas as pd

    return pd.concat(tables, ignore_index=True).sort_values(["start_s"], kind="stable", ignore_index=True)


def _conventions(p: OpenFieldParams, zones: Zones, arena: Zone, poses: xr.Dataset) -> dict[str, Any]:
    return {
        "arena_area_cm2": arena.area,
        "centre_area_percent": 100 * zones["centre"].area / arena.area,
        "periphery_area_percent": 100 * (1 - zones["inner"].area / arena.area),
        "corner_area_percent": 100 * sum(z.area for z in zones.of_kind("corner")) / arena.area,
        "entry": ENTRY,
        "entry_rule": zones.rule.model_dump(mode="json"),
        "px_per_cm": poses.attrs.get("px_per_cm"),
        "smoothing": p.clean.model_dump(mode="json"),
        "moving": f"> {p.moving_cm_s} cm/s, majority over ±{p.majority_s} s",
        "denominator": "frames in which the rule's keypoints are known",
        "latency": "never entered = censored at the analysed duration",
    }
