"""murid: what did the animal do, does it differ between groups, which neurons care?

Everything heavy is imported where it is used; ``import murid`` stays under half a second.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import TYPE_CHECKING, Any

# Threads that wait for each other (LightGBM, forests) spin for a moment, then sleep. With other work on the machine
# endless spinning costs two to twenty times the work; on an idle one this is as fast. OpenMP reads it when a library is
# first loaded; what the user has set stays.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

#: Public name → module that defines it. Looked up on first use.
_LAZY = {
    "Recording": "murid.data.recording",
    "Study": "murid.data.study",
    "Labels": "murid.data.labels",
    "Video": "murid.data.video",
    "Zone": "murid.data.zones",
    "Zones": "murid.data.zones",
    "EntryRule": "murid.data.zones",
    "Spikes": "murid.data.traces",
    "make_poses": "murid.data.poses",
    "make_states": "murid.data.states",
    "make_bouts": "murid.data.bouts",
    "make_events": "murid.data.bouts",
    "make_traces": "murid.data.traces",
    "MuridError": "murid.data.errors",
    "DataError": "murid.data.errors",
    "MuridWarning": "murid.data.warning",
    "read_poses": "murid.io",
    "read_labels": "murid.io",
    "read_events": "murid.io",
    "read_zones": "murid.io",
    "read_traces": "murid.io",
    "read_spikes": "murid.io",
    "FeatureParams": "murid.features.params",
    "FeatureTable": "murid.features.feature_table",
    "method": "murid.methods",
    "load_method": "murid.methods",
    "methods_table": "murid.methods",
    "open_study": "murid.run",
    "run_analysis": "murid.run",
    "to_movement": "murid.io.movement",
    "from_movement": "murid.io.movement",
}
_PACKAGES = (
    "data",
    "io",
    "prepare",
    "features",
    "simulate",
    "learn",
    "ethogram",
    "evaluate",
    "methods",
    "assays",
    "neural",
    "stats",
    "plot",
    "report",
    "compare",
    "run",
)

if TYPE_CHECKING:
    __version__: str

    from murid.data.bouts import make_bouts, make_events
    from murid.data.errors import DataError, MuridError
    from murid.data.labels import Labels
    from murid.data.poses import make_poses
    from murid.data.recording import Recording
    from murid.data.states import make_states
    from murid.data.study import Study
    from murid.data.traces import Spikes, make_traces
    from murid.data.video import Video
    from murid.data.warning import MuridWarning
    from murid.data.zones import EntryRule, Zone, Zones
    from murid.features.feature_table import FeatureTable
    from murid.features.params import FeatureParams
    from murid.io import read_events, read_labels, read_poses, read_traces, read_zones
    from murid.io.movement import from_movement, to_movement
    from murid.methods import load_method, method, methods_table
    from murid.run.analysis import run_analysis
    from murid.run.session import open_study


@cache
def _version() -> str:
    """Version of the installed package, which the build takes from the tag; ``0+unknown`` of a bare source tree."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("murid")
    except PackageNotFoundError:
        return "0+unknown"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _PACKAGES:
        return importlib.import_module(f"murid.{name}")
    raise AttributeError(f"module 'murid' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*_LAZY, *_PACKAGES, "__version__"])


__all__ = [*_LAZY, "__version__"]
