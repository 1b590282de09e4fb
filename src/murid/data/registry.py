"""Which analyses there are, by name: a list that costs no import, so that commands can be shown at once."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from murid.data.declarations import read_declarations

#: Entry points of other packages.
GROUP = "murid.analyses"

#: Name → (module that declares it, family, what it does). Modules are named, not imported: they lie on floors above,
#: and the list of commands must cost no import. Paradigms and neural analyses are found in their folders.
BUILT_IN: dict[str, tuple[str, str, str]] = {
    "check": ("murid.prepare.quality_analysis", "", "Judge every recording: gaps, swaps, clocks, scale."),
    **{d.name: (d.module, d.family, d.what) for d in read_declarations()},
    "budget": (
        "murid.ethogram.budget",
        "",
        "Time spent in every behaviour, zeros included, and whether groups differ.",
    ),
    "agreement": ("murid.evaluate.agreement_analysis", "", "How far raters of the same recordings agree."),
}


@cache
def foreign() -> dict[str, EntryPoint]:
    """Analyses of installed packages, by name."""
    return {e.name: e for e in entry_points(group=GROUP) if e.name not in BUILT_IN}


def analysis_names() -> tuple[str, ...]:
    """Names of all analyses, murid's own first, then those of installed packages.

    Examples
    --------
    >>> "open_field" in analysis_names()
    True
    """
    return (*BUILT_IN, *foreign())
