"""Adapters: files of other programs in, files for other programs out. One file per format."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_LAZY = {
    "read_poses": "murid.io.read",
    "read_labels": "murid.io.read",
    "read_events": "murid.io.read",
    "read_zones": "murid.io.read",
    "read_traces": "murid.io.read",
    "read_spikes": "murid.io.read",
    "zones_from_points": "murid.io.zones",
    "write_poses_dlc": "murid.io.write",
    "write_bouts_csv": "murid.io.write",
    "write_labels": "murid.io.write",
    "to_movement": "murid.io.movement",
    "from_movement": "murid.io.movement",
    "to_pynapple": "murid.io.pynapple",
    "from_pynapple": "murid.io.pynapple",
    "formats_table": "murid.io.registry",
    "pose_reader": "murid.io.registry",
    "label_reader": "murid.io.registry",
    "trace_reader": "murid.io.registry",
}

if TYPE_CHECKING:
    from murid.io.movement import from_movement, to_movement
    from murid.io.pynapple import from_pynapple, to_pynapple
    from murid.io.read import read_events, read_labels, read_poses, read_spikes, read_traces, read_zones
    from murid.io.registry import formats_table, label_reader, pose_reader, trace_reader
    from murid.io.write import write_bouts_csv, write_labels, write_poses_dlc
    from murid.io.zones import zones_from_points

__all__ = [
    "formats_table",
    "from_movement",
    "from_pynapple",
    "label_reader",
    "pose_reader",
    "read_events",
    "read_labels",
    "read_poses",
    "read_spikes",
    "read_traces",
    "read_zones",
    "to_movement",
    "to_pynapple",
    "trace_reader",
    "write_bouts_csv",
    "write_labels",
    "write_poses_dlc",
    "zones_from_points",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'murid.io' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
