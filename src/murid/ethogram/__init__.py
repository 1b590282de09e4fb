"""States ⇄ bouts: what is counted, smoothed and chained once each sample has a state.

Nothing here is learnt from poses. Unlabelled samples (−1) stay unlabelled through every function
and, like dropped frames, end a bout, a window and a sequence.
"""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "bouts_of": "murid.ethogram.bouts",
    "states_of": "murid.ethogram.bouts",
    "scored_of": "murid.ethogram.bouts",
    "summarise_states": "murid.ethogram.bouts",
    "summarise_bins": "murid.ethogram.bouts",
    "transitions_of": "murid.ethogram.transitions",
    "entropy_rate": "murid.ethogram.transitions",
    "group_difference": "murid.ethogram.transitions",
}
_MODULES = ("bouts", "smooth", "hmm", "kleinberg", "exclusive", "transitions", "hierarchy")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"murid.ethogram.{name}")
    raise AttributeError(f"module 'murid.ethogram' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY, *_MODULES])


__all__ = [*_LAZY, *_MODULES]
