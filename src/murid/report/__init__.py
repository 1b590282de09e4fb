"""The report: one self-contained HTML file from a study and its runs.

>>> import murid
>>> murid.report.build(study, [run.folder for run in runs], "report.html")  # doctest: +SKIP

===================  ==========================================================================
`assemble`           `build`: sections in order, one file out
`context`            what a section is given: study, runs, colours, one look at every recording
`parts`              what a section is made of: words, pictures, tables
`render`             parts to HTML; matplotlib to SVG, tables to HTML with their CSV beside them
`sections`           one file a section
`figures`            plotting functions: arrays and tables in, matplotlib ``Figure`` out
===================  ==========================================================================

Adding a section: write ``sections/<name>.py`` with ``make(context) -> Section | None`` (None when there is
nothing to show), and name it in `sections.ORDER`.
"""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {"build": "murid.report.assemble"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'murid.report' has no attribute '{name}'")


__all__ = ["build"]
