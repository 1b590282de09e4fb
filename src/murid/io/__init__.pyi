from .movement import from_movement, to_movement
from .pynapple import from_pynapple, to_pynapple
from .read import read_events, read_labels, read_poses, read_spikes, read_traces, read_zones
from .registry import formats_table, label_reader, pose_reader, trace_reader
from .write import write_bouts_csv, write_labels, write_poses_dlc
from .zones import zones_from_points

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
