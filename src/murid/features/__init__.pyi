from . import wavelets, windows
from .feature_table import FeatureTable
from .motion import body_length, distance, heading, speed, velocity
from .params import FeatureParams
from .table import compute, compute_rows, feature_names, iter_blocks
from .zone_mask import zone_masks

__all__ = [
    "FeatureParams",
    "FeatureTable",
    "body_length",
    "compute",
    "compute_rows",
    "distance",
    "feature_names",
    "heading",
    "iter_blocks",
    "speed",
    "velocity",
    "wavelets",
    "windows",
    "zone_masks",
]
