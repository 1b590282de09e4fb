"""Cases of the parameters of `murid.simulate`."""

from __future__ import annotations

from functools import cache

from murid import simulate
from murid.simulate.corruption import Corruption
from murid.simulate.syllables import SyllableParams
from tests.parameter_cases import Acts


@cache
def pair():
    return simulate.recording("open_field", duration_s=30, fps=20, n_animals=2, seed=4)


def spoilt(p: Corruption):
    made = simulate.corrupt(pair(), p, seed=1)
    return [made.need("poses"), made.meta["planted"]]


def syllables(p: SyllableParams):
    return list(simulate.syllable_poses(20.0, 30.0, seed=1, **dict(p)))


CASES = {
    Corruption: Acts(
        spoilt,
        {
            "jitter_px": 1.0,
            "occlusions_per_min": 10.0,
            "occlusion_s": 1.0,
            "occluded": "nan",
            "guess_px": 40.0,
            "jumps_per_min": 9.0,
            "jump_px": 10.0,
            "hidden_by_others_cm": 4.0,
            "swaps_per_min": 20.0,
            "swap_s": 0.3,
            "dropped": 0.1,
            "scale": 1.1,
            "offset_px": (3.0, 0.0),
        },
        base={"occlusions_per_min": 5.0, "jumps_per_min": 5.0},
        given={"swap_s": {"swaps_per_min": 20.0}},
    ),
    SyllableParams: Acts(
        syllables,
        {
            "n_states": 9,
            "median_s": 0.6,
            "sigma": 0.1,
            "separation": 0.3,
            "noise": 0.5,
            "settle_s": 0.2,
            "sparsity": 2,
            "px_per_cm": 5.0,
            "size_cm": 20.0,
        },
    ),
}
