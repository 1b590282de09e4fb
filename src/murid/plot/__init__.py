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
import re
from pathlib import Path
from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from murid.plot.estimates import *  # noqa: F403
    from murid.plot.ethograms import *  # noqa: F403
    from murid.plot.places import *  # noqa: F403
    from murid.plot.units import *  # noqa: F403


def _named_in_modules() -> dict[str, list[str]]:
    """Module → its public figures, read from the sources: importing them would load matplotlib."""
    named = re.compile(r"^__all__ = (\[.*?\])$", re.MULTILINE | re.DOTALL)
    figures: dict[str, list[str]] = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        if names := named.search(path.read_text(encoding="utf-8")):
            figures[path.stem] = ast.literal_eval(names[1])
    return figures


# No stub as in the other packages: a figure is named once, in its own module, so that to add one takes two files.
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs=_named_in_modules())
