"""Features: from poses to a table of named, unit-bearing numbers, frame by frame.

`compute` gives the whole table, `iter_blocks` the same in bounded memory, `compute_rows` only the
wanted frames; `FeatureTable` gives X, y and groups of many recordings for scikit-learn. `speed`,
`velocity`, `heading`, `distance` and `body_length` are labelled arrays of single quantities. Roles
(`guess_roles`) make the names independent of how a lab calls its keypoints.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from murid.data.roles import guess_roles, roles_table

_LAZY = {
    "compute": "table",
    "compute_rows": "table",
    "iter_blocks": "table",
    "feature_names": "table",
    "FeatureParams": "params",
    "FeatureTable": "feature_table",
    "body_length": "motion",
    "distance": "motion",
    "heading": "motion",
    "speed": "motion",
    "velocity": "motion",
    "zone_masks": "zone_mask",
    "wavelets": "wavelets",
    "windows": "windows",
}

if TYPE_CHECKING:
    from murid.features.feature_table import FeatureTable
    from murid.features.motion import body_length, distance, heading, speed, velocity
    from murid.features.params import FeatureParams
    from murid.features.table import compute, compute_rows, feature_names, iter_blocks
    from murid.features.zone_mask import zone_masks


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        module = importlib.import_module(f"murid.features.{_LAZY[name]}")
        value = module if name in ("wavelets", "windows") else getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'murid.features' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])


__all__ = [
    "FeatureParams",
    "FeatureTable",
    "body_length",
    "compute",
    "compute_rows",
    "distance",
    "feature_names",
    "guess_roles",
    "heading",
    "iter_blocks",
    "roles_table",
    "speed",
    "velocity",
    "zone_masks",
]
