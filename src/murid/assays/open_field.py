"""Open field: locomotion, centre and wall, with every convention stated.

The size of "the centre" is not standardised: its share of the arena is printed with the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from murid.assays.arena import AssayArena, corner_zones, drawn_arenas, known_arenas, shrunk, wall_distance
from murid.assays.assay_result import AssayResult, Measures, tables_of
from murid.assays.camera import arena_from, arenas_by_recording, positions_of
from murid.assays.locomotion import Bools
from murid.assays.stretch import COLUMNS
from murid.assays.zone_params import ZoneTestParams
from murid.assays.zone_test import TABLES, AssayScene, Extra, Layout, ZoneTest, measure_zones
from murid.data.analysis import Tables, analysis
from murid.data.errors import fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.zones import Zone
from murid.prepare import ArenaEstimate, clean

#: What an open field is about: these form the family of tests, everything else is descriptive.
PRIMARY = (
    "distance",
    "time_moving",
    "time_percent:centre",
    "entries:centre",
    "latency:centre",
    "wall_distance_median",
)


class OpenFieldParams(ZoneTestParams):
    """Parameters of the open-field test."""

    arena_shape: Literal["auto", "box", "circle"] = param(
        "auto", why="of an arena that is guessed: box with width and depth given, else what fits the tracks better"
    )
    centre_scale: float = param(
        0.5, gt=0, lt=1, why="centre = arena shrunk by this about its middle; 0.5 is 25 % of the area (Sturman 2020)"
    )
    periphery_scale: float = param(0.8, gt=0, lt=1, why="periphery = outside the arena shrunk by this (outer 36 %)")
    corner_scale: float = param(0.2, gt=0, lt=0.5, why="corner squares = this share of width and depth")


def measure_open_field(
    recording: Recording,
    params: OpenFieldParams | None = None,
    *,
    arena: ArenaEstimate | None = None,
    **changes: Any,
) -> AssayResult:
    """Analyse an open-field test.

    Parameters
    ----------
    recording : Recording
        With poses. Zones: those of kind ``arena`` are the arena (several: each animal its own), of kind ``centre``
        and ``corner`` these; every other zone is measured under its name. Without a drawn arena its tracked corners
        are used (keypoints ``tl, tr, br, bl``), else it is a guess from the body centre, and the result warns.
    params : OpenFieldParams
    arena : ArenaEstimate, optional
        Arena estimated over all recordings of the camera (`murid.assays.camera.shared_arena`), in the unit of the
        poses; used where none is drawn.
    **changes
        Single parameters of `OpenFieldParams`, over `params`.

    Returns
    -------
    AssayResult
        Per individual: distance, speed, moving; per zone (centre, inner field, corners, drawn zones): time, %,
        entries (cleaned and raw), latency (censored), distance; thigmotaxis and wall distance; the same per bin.

    Raises
    ------
    DataError
        Without a scale: give ``px_per_cm`` or ``arena_cm``, or calibrate the poses first.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("open_field", duration_s=60, seed=1)
    >>> result = murid.assays.measure_open_field(recording)
    >>> result.conventions["arena_area_cm2"]
    1600.0
    """
    return measure_zones(TEST, recording, OpenFieldParams.of(params, changes), arena=arena)


def _layout(arena: AssayArena, own: Sequence[Zone], p: OpenFieldParams) -> Layout:
    """Centre, inner field (outside of it is periphery), corners and further zones of one arena: drawn or derived."""
    centres = [z for z in own if z.kind == "centre"] or [z for z in own if z.name == "centre"]
    corners = [z for z in own if z.kind == "corner"]
    others = [z for z in own if z not in corners and z is not (centres[0] if centres else None)]
    taken = [z.name for z in [*others, *corners] if z.name in ("centre", "inner", "corners")]
    if taken:
        fail(
            "open field", f"zone '{taken[0]}' has a name of the paradigm", todo="give it another name, or kind 'centre'"
        )
    middle = centres[0] if centres else shrunk(arena.zone, p.centre_scale, "centre", "centre")
    derived = corners or corner_zones(arena.zone, p.corner_scale)
    zones = (
        Zone("centre", middle.polygon, middle.centre, middle.radius, "cm", "centre"),
        shrunk(arena.zone, p.periphery_scale, "inner", "inner"),
        *derived,
        *others,
    )
    return Layout(arena, zones, corners=tuple(z.name for z in derived), shown=("centre",))


def _walls(scene: AssayScene[OpenFieldParams]) -> Extra:
    """Thigmotaxis, corners (where the arena has any) and distance to the wall."""
    track, inner = scene.track, scene.masks["inner"][1]
    wall = wall_distance(scene.layout.arena.zone, track.xy_cm)
    corners = [scene.masks[z][1] for z in scene.layout.corners]
    in_corner = np.any([mask == 1 for mask in corners], axis=0) if corners else np.zeros(wall.size, bool)

    def add(out: Measures, where: Bools) -> None:
        known, outside = where & (inner >= 0), where & (inner == 0)
        total, walked = track.seconds(known), float(np.nansum(track.step_cm[known]))
        share = 100 * track.seconds(outside) / total if total else np.nan
        out.add("thigmotaxis_percent", share, "%", "time in the periphery / known time")
        share = 100 * float(np.nansum(track.step_cm[outside])) / walked if walked else np.nan
        out.add("thigmotaxis_distance_percent", share, "%", "distance in the periphery / distance")
        share = 100 * track.seconds(in_corner & where) / total if corners and total else np.nan
        out.add("corner_percent", share, "%", "time in any corner / known time; NaN where the arena has no corners")
        depth = wall[where & np.isfinite(wall)]
        for name, q in (("wall_distance_q25", 25), ("wall_distance_median", 50), ("wall_distance_q75", 75)):
            out.add(
                name,
                float(np.percentile(depth, q)) if depth.size else np.nan,
                "cm",
                f"{q}th percentile of the distance from body centre to wall; needs no zone",
            )

    return add


def _areas(layouts: Sequence[Layout]) -> dict[str, Any]:
    """Shares of the area of the first arena."""
    first = layouts[0]
    area = first.arena.zone.area
    corners = sum(first.zone(name).area for name in first.corners)
    return {
        "centre_area_percent": 100 * first.zone("centre").area / area,
        "periphery_area_percent": 100 * (1 - first.zone("inner").area / area),
        "corner_area_percent": 100 * corners / area if first.corners else None,
    }


TEST = ZoneTest(
    "open_field", OpenFieldParams, _layout, PRIMARY, extra=_walls, facts=_areas, kinds=("arena",), guesses=True
)


def bring_positions(recording: Recording, params: OpenFieldParams) -> dict[str, Any] | None:
    """Positions of the body centre for the guess of the arena; None where it is drawn or its corners are tracked."""
    if drawn_arenas(recording.zones):
        return None  # before any cleaning, which a study of drawn arenas would pay for twice
    poses = clean(recording.need("poses"), params.clean)
    if known_arenas(poses, recording.zones):
        return None
    xy = positions_of(poses, recording.roles or None)
    camera = str(recording.meta.get("camera", ""))
    return {"camera": camera, "unit": str(poses.attrs["unit"]), "xy": np.round(xy, 3).tolist()}


def join_arenas(brought: Mapping[str, Any], params: OpenFieldParams) -> dict[str, Any]:
    """One guessed arena a camera."""
    return dict(arenas_by_recording(brought, params.shape))


@analysis(
    "open_field",
    family="assay",
    params=OpenFieldParams,
    needs=("poses",),
    uses=("zones", "events"),
    columns=("camera", *COLUMNS),
    tables=TABLES,
    shared=bring_positions,
    join=join_arenas,
    compare="animals",
    primary=PRIMARY,
    cites=("Sturman et al. 2020",),
)
def analyse_open_field(recording: Recording, params: OpenFieldParams, *, shared: Any = None) -> Tables:
    """Measure locomotion, centre, wall and corners of an open field."""
    return tables_of(measure_open_field(recording, params, arena=arena_from(shared)))
