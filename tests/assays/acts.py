"""Cases of the parameters of `murid.assays`."""

from __future__ import annotations

from functools import cache

import numpy as np

from murid import simulate
from murid.assays import measure_open_field
from murid.assays.open_field import OpenFieldParams
from murid.data.recording import Recording
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


CASES = {
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
    )
}
