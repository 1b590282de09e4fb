"""Which analyses there are, by name: a list that costs no import, so that commands can be shown at once."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

#: Entry points of other packages.
GROUP = "murid.analyses"

#: Name → (module that declares it, family, what it does). Modules are named, not imported: they lie on floors above,
#: and the list of commands must cost no import.
BUILT_IN: dict[str, tuple[str, str, str]] = {
    "check": ("murid.prepare.quality_analysis", "", "Judge every recording: gaps, swaps, clocks, scale."),
    "open_field": (
        "murid.assays.open_field",
        "assay",
        "Measure locomotion, centre, wall and corners of an open field.",
    ),
    "tuning": ("murid.neural.tuning_analysis", "neural", "Test every unit for tuning to every behaviour."),
    "perievent": (
        "murid.neural.perievent_analysis",
        "neural",
        "Measure how every unit responds around bouts of every behaviour.",
    ),
    "decoding": ("murid.neural.decoding_analysis", "neural", "Decode every behaviour from neural activity."),
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
