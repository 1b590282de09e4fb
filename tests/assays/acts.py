"""Cases of the parameters of `murid.assays`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from murid import simulate
from murid.assays import (
    measure_light_dark,
    measure_novel_object,
    measure_open_field,
    measure_plus_maze,
    measure_three_chamber,
    measure_y_maze,
    measure_zero_maze,
    measure_zone_occupancy,
)
from murid.assays.arena import shrunk
from murid.assays.elevated import ElevatedParams
from murid.assays.investigation import InvestigationParams
from murid.assays.light_dark import LightDarkParams
from murid.assays.novel_object import NovelObjectParams
from murid.assays.open_field import OpenFieldParams
from murid.assays.plus_maze import PlusMazeParams
from murid.assays.three_chamber import ThreeChamberParams
from murid.assays.y_maze import YMazeParams
from murid.assays.zero_maze import ZeroMazeParams
from murid.assays.zone_occupancy import ZoneOccupancyParams
from murid.assays.zone_params import ZoneTestParams
from murid.assays.zone_templates import TEMPLATES, TemplateParams, zones_of_template
from murid.data.recording import Recording
from murid.data.zones import Zone, Zones
from murid.prepare import CleanParams
from tests.parameter_cases import Acts
from tests.prepare.tracks import with_position


@cache
def walk() -> Recording:
    """40 s in px, without a scale or a drawn arena; not seen for the first 6 s."""
    made = simulate.corrupt(simulate.recording("open_field", duration_s=40, fps=15, seed=5), seed=1)
    poses = made.need("poses")
    position = poses["position"].values.copy()
    position[:90] = np.nan
    attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"}
    return made.replace(poses=with_position(poses, position).drop_attrs().assign_attrs(attrs), zones=None)


def measured(p: OpenFieldParams):
    found = measure_open_field(walk(), p)
    return found.measures, found.visits


def laid_out(p: TemplateParams):
    square = Zone("arena", [[0, 0], [60, 0], [60, 60], [0, 60]], unit="cm")
    rim = Zone("arena", centre=(30, 30), radius=30.0, unit="cm")
    # Of the two paradigms with chambers, shares fit one by their number.
    left_out = "light_dark" if len(p.shares) == 3 else ""
    arenas = {name: rim if name == "zero_maze" else square for name in TEMPLATES if name != left_out}
    return {name: zones_of_template(name, arena, p).to_json() for name, arena in arenas.items()}


@cache
def animal(kind: str) -> Recording:
    """40 s in an arena with its zones, in px."""
    made = simulate.recording(kind, duration_s=40, fps=15, seed=5)
    if kind == "light_dark":  # not seen in the dark side, and lost for a moment in the light one
        position = made.need("poses")["position"].values.copy()
        dark = made.need("zones")["dark"].polygon[:, 0].max()
        position[position[:, 0, 5, 0] < dark] = np.nan
        position[300:305] = np.nan
        made = made.replace(poses=with_position(made.need("poses"), position))
    return made


def in_zones(p: ZoneTestParams):
    """The engine, in px and without a scale, with the arena and centre of `walk` as they were drawn."""
    drawn = simulate.recording("open_field", duration_s=1, fps=15, seed=5).need("zones")
    inner = shrunk(drawn["arena"], 0.8, "inner", "")
    zones = Zones([drawn["arena"], replace(drawn["centre"], name="middle", kind=""), inner, *drawn.of_kind("corner")])
    found = measure_zone_occupancy(walk().replace(zones=zones), ZoneOccupancyParams(**dict(p)))
    return found.measures, found.visits


def as_objects(p: NovelObjectParams):
    made = animal("three_chambers")
    zones = [replace(z, kind="object" if z.kind == "cup" else z.kind) for z in made.need("zones").values()]
    found = measure_novel_object(made.replace(zones=Zones(zones)), p)
    return found.measures, found.warnings


def as_arms(p: YMazeParams):
    made = animal("three_chambers")
    zones = [replace(z, kind="arm" if z.kind.endswith("chamber") else z.kind) for z in made.need("zones").values()]
    found = measure_y_maze(made.replace(zones=Zones(zones)), p)
    return found.measures, found.warnings


#: Tried once, with the engine.
SHARED = dict.fromkeys(ZoneTestParams.model_fields, "belongs to the engine: tried with ZoneTestParams")
MAZE = {
    "dip_point": "centre",
    "dip_min_s": 2.0,
    "stretch_sd": 0.2,
    "stretch_below_cm_s": 30.0,
    "stretch_min_s": 2.0,
}
NEAR = {"reach_cm": 6.0, "cone_deg": 20.0, "investigation_min_s": 3.0}
COMMON = {
    "px_per_cm": 12.0,
    "arena_cm": (50.0,),
    "keypoints": ("nose",),
    "hysteresis_cm": 3.0,
    "fill_gap_s": 8.0,
    "min_visit_s": 2.0,
    "moving_cm_s": 1.0,
    "majority_s": 1.0,
    "bin_s": 10.0,
    "start_s": 10.0,
    "duration_s": 20.0,
    "cut_absent_s": 0.0,
    "clean": CleanParams(smoothing="none", jumps=False),
}

CASES = {
    ZoneTestParams: Acts(
        in_zones,
        COMMON,
        base={"arena_cm": (40.0,), "bin_s": 20.0},
        given={"px_per_cm": {"arena_cm": None, "px_per_cm": 10.0}},
    ),
    ZoneOccupancyParams: Acts(in_zones, {}, exempt=SHARED),
    ElevatedParams: Acts(
        lambda p: measure_zero_maze(animal("zero_maze"), ZeroMazeParams(**dict(p))).measures,
        MAZE,
        given={"stretch_min_s": {"stretch_sd": 0.2, "stretch_below_cm_s": 30.0}},
        exempt=SHARED,
    ),
    ZeroMazeParams: Acts(
        lambda p: measure_zero_maze(animal("zero_maze"), p).measures,
        {},
        exempt={**SHARED, **dict.fromkeys(MAZE, "belongs to both mazes: tried with ElevatedParams")},
    ),
    PlusMazeParams: Acts(
        lambda p: measure_plus_maze(animal("plus_maze"), p).measures,
        {"end_share": 0.9},
        exempt={**SHARED, **dict.fromkeys(MAZE, "belongs to both mazes: tried with ElevatedParams")},
    ),
    LightDarkParams: Acts(
        lambda p: measure_light_dark(animal("light_dark"), p).measures,
        {"dark_is_hidden": True, "hidden_min_s": 0.1},
        given={"hidden_min_s": {"dark_is_hidden": True}},
        exempt=SHARED,
    ),
    InvestigationParams: Acts(
        lambda p: measure_three_chamber(animal("three_chambers"), ThreeChamberParams(**dict(p))).measures,
        NEAR,
        exempt=SHARED,
    ),
    ThreeChamberParams: Acts(
        lambda p: measure_three_chamber(animal("three_chambers"), p).measures,
        {"target": "left"},
        exempt={**SHARED, **dict.fromkeys(NEAR, "belongs to all investigations: tried with InvestigationParams")},
    ),
    NovelObjectParams: Acts(
        as_objects,
        {"target": "left", "least_total_s": 0.0},
        given={"least_total_s": {"target": "left"}},
        exempt={**SHARED, **dict.fromkeys(NEAR, "belongs to all investigations: tried with InvestigationParams")},
    ),
    YMazeParams: Acts(as_arms, {"target": "chamber_left", "least_entries": 100}, exempt=SHARED),
    TemplateParams: Acts(
        laid_out,
        {
            "centre_share": 0.6,
            "wall_cm": 10.0,
            "arm_share": 0.1,
            "ring_share": 0.3,
            "open_along": "y",
            "shares": (1.0, 2.0, 1.0),
        },
    ),
    OpenFieldParams: Acts(
        measured,
        {
            **COMMON,
            "arena_shape": "circle",
            "centre_scale": 0.7,
            "periphery_scale": 0.6,
            "corner_scale": 0.3,
        },
        base={"arena_cm": (40.0,), "arena_shape": "box", "bin_s": 20.0},
        given={"px_per_cm": {"arena_cm": None, "px_per_cm": 10.0}},
    ),
}
