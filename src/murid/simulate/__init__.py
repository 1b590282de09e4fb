"""Rodents with known truth: arenas, bodies, behaviours, corrupted tracks, videos and neurons."""

from murid.simulate.arenas import ARENAS, Arena, arena
from murid.simulate.behaviour import BEHAVIOURS, Behaviour, Posture, repertoire
from murid.simulate.body import KEYPOINTS
from murid.simulate.corruption import Corruption, corrupt, second_rater
from murid.simulate.difficulty import observed, tracker
from murid.simulate.neurons import sync_pulses, units
from murid.simulate.recordings import recording, true_states
from murid.simulate.studies import Effect, study
from murid.simulate.syllables import SyllableParams, syllable_poses
from murid.simulate.videos import depth_frames, frames, video

__all__ = [
    "ARENAS",
    "BEHAVIOURS",
    "KEYPOINTS",
    "Arena",
    "Behaviour",
    "Corruption",
    "Effect",
    "Posture",
    "SyllableParams",
    "arena",
    "corrupt",
    "depth_frames",
    "frames",
    "observed",
    "recording",
    "repertoire",
    "second_rater",
    "study",
    "syllable_poses",
    "sync_pulses",
    "tracker",
    "true_states",
    "units",
    "video",
]
