"""Cases of the parameters of `murid.assays`."""

from __future__ import annotations

from functools import cache

import numpy as np

from murid import simulate
from murid.assays import measure_open_field
from murid.assays.open_field import OpenFieldParams
from murid.assays.zone_templates import TEMPLATES, TemplateParams, zones_of_template
from murid.data.recording import Recording
from murid.data.zones import Zone
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


CASES = {
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
            "px_per_cm": 12.0,
            "arena_cm": (50.0,),
            "arena_shape": "circle",
            "centre_scale": 0.7,
            "periphery_scale": 0.6,
            "corner_scale": 0.3,
            "keypoints": ("nose",),
            "hysteresis_cm": 3.0,
            "fill_gap_s": 2.0,
            "min_visit_s": 2.0,
            "moving_cm_s": 1.0,
            "majority_s": 1.0,
            "bin_s": 10.0,
            "start_s": 10.0,
            "duration_s": 20.0,
            "cut_absent_s": 0.0,
            "clean": CleanParams(smoothing="none", jumps=False),
        },
        base={"arena_cm": (40.0,), "arena_shape": "box", "bin_s": 20.0},
        given={"px_per_cm": {"arena_cm": None, "px_per_cm": 10.0}},
    ),
}
