"""Figures anybody can call: plain values and axes in, axes out.

=====================  ============================================================
`trajectory`           the path of an animal, with arena and zones
`ethogram`             which behaviour happened when
`estimation`           every animal by group, and the difference with its interval
`tuning`               which units go with which behaviours
`perievent`            the mean around events, with its band
=====================  ============================================================

Each draws into ``ax`` (a new figure when it is None) and returns the axes; titles, limits and labels stay
yours to change. The report is made of the same drawings.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "trajectory": "murid.plot.places",
    "ethogram": "murid.plot.ethograms",
    "estimation": "murid.plot.estimates",
    "tuning": "murid.plot.units",
    "perievent": "murid.plot.units",
}

if TYPE_CHECKING:
    from murid.plot.estimates import estimation
    from murid.plot.ethograms import ethogram
    from murid.plot.places import trajectory
    from murid.plot.units import perievent, tuning


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'murid.plot' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(_PUBLIC)


__all__ = ["estimation", "ethogram", "perievent", "trajectory", "tuning"]
