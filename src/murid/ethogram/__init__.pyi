from . import bouts, exclusive, hierarchy, hmm, kleinberg, smooth, transitions
from .bouts import bouts_of, scored_of, states_of, summarise_bins, summarise_states
from .transitions import entropy_rate, group_difference, transitions_of

__all__ = [
    "bouts",
    "bouts_of",
    "entropy_rate",
    "exclusive",
    "group_difference",
    "hierarchy",
    "hmm",
    "kleinberg",
    "scored_of",
    "smooth",
    "states_of",
    "summarise_bins",
    "summarise_states",
    "transitions",
    "transitions_of",
]
