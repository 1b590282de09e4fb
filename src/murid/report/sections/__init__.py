"""One file a section, each with ``make(context) -> Section | None``."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from murid.report.context import Context
from murid.report.section_parts import Section

#: Sections in the order of the page.
ORDER = (
    "overview",
    "quality",
    "places",
    "ethograms",
    "assay",
    "evaluation",
    "motifs",
    "neural",
    "analyses",
    "methods",
    "provenance",
)


def maker(name: str) -> Callable[[Context], Section | None]:
    """Return the function that makes a section."""
    return importlib.import_module(f"murid.report.sections.{name}").make


__all__ = ["ORDER", "maker"]
