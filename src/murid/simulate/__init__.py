"""Rodents with known truth: arenas, bodies, behaviours, corrupted tracks, videos and neurons."""

from murid.simulate.arenas import ARENAS, Arena, arena
from murid.simulate.behaviour import BEHAVIOURS, Behaviour, Posture, repertoire
from murid.simulate.body import KEYPOINTS
from murid.simulate.recordings import recording, true_states

__all__ = [
    "ARENAS",
    "Arena",
    "BEHAVIOURS",
    "Behaviour",
    "KEYPOINTS",
    "Posture",
    "arena",
    "recording",
    "repertoire",
    "true_states",
]
