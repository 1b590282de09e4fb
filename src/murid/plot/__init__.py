"""Figures anybody can call: plain values and axes in, axes out.

=====================  ============================================================
`trajectory`           the path of an animal, with arena and zones
`ethogram`             which behaviour happened when
`estimation`           every animal by group, and the difference with its interval
`tuning`               which units go with which behaviours
`perievent`            the mean around events, with its band
=====================  ============================================================

Each draws into ``ax`` (a new figure when it is None) and returns the axes; titles, limits and labels stay
yours to change. The report is made of the same drawings. A figure is public when its module names it in ``__all__``;
its page is a script of ``docs/gallery``.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from murid.plot.estimates import *  # noqa: F403
    from murid.plot.ethograms import *  # noqa: F403
    from murid.plot.places import *  # noqa: F403
    from murid.plot.units import *  # noqa: F403


def _named_in_modules() -> dict[str, str]:
    """Public figure → its module, read from the sources: importing them would load matplotlib."""
    named = re.compile(r"^__all__ = (\[.*?\])$", re.MULTILINE | re.DOTALL)
    homes: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        names = named.search(path.read_text(encoding="utf-8"))
        homes |= {name: f"murid.plot.{path.stem}" for name in (ast.literal_eval(names[1]) if names else [])}
    return homes


_PUBLIC = _named_in_modules()


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'murid.plot' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(_PUBLIC)


__all__ = sorted(_PUBLIC)
