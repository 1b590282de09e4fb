"""Which analyses there are, by name: a list that costs no import, so that commands can be shown at once."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from murid.data.declarations import read_declarations

#: Entry points of other packages.
GROUP = "murid.analyses"


class Entry(NamedTuple):
    """What the list of commands knows of an analysis before it is imported.

    Attributes
    ----------
    module : str
        Where it is declared: named, not imported, since modules lie on floors above and cost time.
    what : str
        What it does, for the list of commands.
    family : str
        Command that it belongs to, or "".
    compares, states : bool
        Whether its command takes the options of a comparison between groups, and of where states come from.
    """

    module: str
    what: str
    family: str = ""
    compares: bool = False
    states: bool = False


#: Analyses of murid itself, by name. Paradigms and neural analyses are found in their folders.
BUILT_IN: dict[str, Entry] = {
    "check": Entry("murid.prepare.quality_analysis", "Judge every recording: gaps, swaps, clocks, scale."),
    **{
        d.name: Entry(d.module, d.what, d.family, d.options.get("compare", False), d.options.get("states", False))
        for d in read_declarations()
    },
    "budget": Entry(
        "murid.ethogram.budget",
        "Time spent in every behaviour, zeros included, and whether groups differ.",
        compares=True,
        states=True,
    ),
    "motif_statistics": Entry(
        "murid.methods.motifs.statistics_analysis",
        "Usage, movement and transitions of the motifs of a model, and whether groups differ.",
        compares=True,
        states=True,
    ),
    "preview": Entry(
        "murid.methods.self_supervised.preview_analysis",
        "Draw the pseudo-labels of dbm's rule table on the timeline, before any training.",
    ),
    "agreement": Entry(
        "murid.evaluate.agreement_analysis", "How far raters of the same recordings agree.", states=True
    ),
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


def command_word(name: str) -> str:
    """Return the word of the command line for a name: ``motif_statistics`` is called ``motif-statistics``."""
    return name.replace("_", "-")
