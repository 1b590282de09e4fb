"""Poses made fit for analysis: cleaning, identity repair, calibration, alignment, quality.

=====================  ==============================================================
`clean`                mask doubtful and impossible points, fill short gaps, smooth
`repair_identity`      undo swaps between look-alike animals
`calibrate`            px → cm (`calibrate_zones` takes the zones along)
`align_egocentric`           the animal at the origin, facing +x
`estimate_arena`       arena outline from the tracks
`transfer_function`    what cleaning leaves of a rhythm
`assess_quality`              what is wrong with a recording, and what to do
=====================  ==============================================================

The functions load their compiled kernels when they are first called.
"""

from murid.data.body_scale import typical_body_length
from murid.prepare.arena import ArenaEstimate, estimate_arena
from murid.prepare.calibration import calibrate, calibrate_zones, scale_from_arena
from murid.prepare.cleaning import STATUS, CleanParams, clean
from murid.prepare.egocentric import align_egocentric
from murid.prepare.identity import IdentityParams, repair_identity
from murid.prepare.quality import QualityParams, assess_quality, keypoint_quality
from murid.prepare.transfer import transfer_function

__all__ = [
    "STATUS",
    "ArenaEstimate",
    "CleanParams",
    "IdentityParams",
    "QualityParams",
    "typical_body_length",
    "calibrate",
    "calibrate_zones",
    "clean",
    "align_egocentric",
    "estimate_arena",
    "keypoint_quality",
    "assess_quality",
    "repair_identity",
    "scale_from_arena",
    "transfer_function",
]
