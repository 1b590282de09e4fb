"""Cases of the parameters of `murid.data`."""

from __future__ import annotations

import numpy as np

from murid.data.poses import make_poses
from murid.data.zones import EntryRule, Zone, Zones
from murid.features import zone_masks
from tests.parameter_cases import Acts

BOX = Zone("box", [[0, 0], [10, 0], [10, 10], [0, 10]], unit="cm")


def inside(rule: EntryRule):
    """Three points that cross the border at different moments, with a short visit, a short absence and a graze."""
    x = np.full((200, 3), 20.0)
    x[20:80], x[120:122], x[150:152] = 5.0, 5.0, 9.8
    x[40:43] = 20.0
    x[160:180, :2], x[185:195, 0] = 5.0, 5.0
    position = np.stack([x, np.full_like(x, 5.0)], axis=1)[..., None]
    poses = make_poses(position, keypoints=["nose", "centre", "tail_base"], fps=20.0, unit="cm")
    return zone_masks(poses, Zones([BOX], rule))


ALL = ("nose", "centre", "tail_base")
CASES = {
    EntryRule: Acts(
        inside,
        {
            "keypoints": ("nose",),
            "mode": "any",
            "fraction": 0.3,
            "hysteresis": 1.0,
            "fill_gap_s": 0.0,
            "min_visit_s": 0.0,
        },
        given={
            "mode": {"keypoints": ALL},
            "fraction": {"keypoints": ALL, "mode": "fraction"},
            "hysteresis": {"min_visit_s": 0.0},
        },
    )
}
