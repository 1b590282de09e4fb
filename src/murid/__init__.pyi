from . import (
    assays,
    compare,
    data,
    ethogram,
    evaluate,
    features,
    io,
    learn,
    methods,
    neural,
    plot,
    prepare,
    report,
    run,
    simulate,
    stats,
)
from .data.bouts import make_bouts, make_events
from .data.errors import DataError, MuridError
from .data.labels import Labels
from .data.poses import make_poses
from .data.recording import Recording
from .data.states import make_states
from .data.study import Study
from .data.traces import Spikes, make_traces
from .data.video import Video
from .data.warning import MuridWarning
from .data.zones import EntryRule, Zone, Zones
from .features.feature_table import FeatureTable
from .features.params import FeatureParams
from .io import read_events, read_labels, read_poses, read_spikes, read_traces, read_zones
from .io.movement import from_movement, to_movement
from .methods import load_method, method, methods_table
from .run import open_study, run_analysis

__version__: str

__all__ = [
    "DataError",
    "EntryRule",
    "FeatureParams",
    "FeatureTable",
    "Labels",
    "MuridError",
    "MuridWarning",
    "Recording",
    "Spikes",
    "Study",
    "Video",
    "Zone",
    "Zones",
    "__version__",
    "assays",
    "compare",
    "data",
    "ethogram",
    "evaluate",
    "features",
    "from_movement",
    "io",
    "learn",
    "load_method",
    "make_bouts",
    "make_events",
    "make_poses",
    "make_states",
    "make_traces",
    "method",
    "methods",
    "methods_table",
    "neural",
    "open_study",
    "plot",
    "prepare",
    "read_events",
    "read_labels",
    "read_poses",
    "read_spikes",
    "read_traces",
    "read_zones",
    "report",
    "run",
    "run_analysis",
    "simulate",
    "stats",
    "to_movement",
]
