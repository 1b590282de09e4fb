"""What one dot, row or count stands for: an animal, a pair seen together, or a recording that names no animal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from murid.data.bouts import EVERYONE
from murid.plot.number_text import count
from murid.report.context import Context


@dataclass(frozen=True)
class AnalysisUnit:
    """What is counted.

    Attributes
    ----------
    noun, plural : str
    meaning : str
        After "every dot is one …".
    """

    noun: str = "animal"
    plural: str = "animals"
    meaning: str = "animal"

    def count(self, n: int) -> str:
        """Return ``1 animal``, ``3 pairs of animals``."""
        return count(n, self.noun, self.plural)


RECORDING = AnalysisUnit("recording", "recordings", "recording, since no animal is named")
#: Where some recordings name their animal and others do not.
MIXED = AnalysisUnit("animal", "animals", "animal (a recording of its own where none is named)")
PAIR = AnalysisUnit("pair of animals", "pairs of animals", "pair of animals recorded together")
TOGETHER = AnalysisUnit("set of animals", "sets of animals", "set of animals recorded together")

#: Unit as tables of comparisons name it (``unit_of_analysis``) → in words.
_NAMED = {"animal": AnalysisUnit(), "pair": PAIR, "set": TOGETHER}


def named_unit(unit_of_analysis: str) -> AnalysisUnit:
    """Return the unit that a table of comparisons names."""
    return _NAMED.get(unit_of_analysis, AnalysisUnit(unit_of_analysis, f"{unit_of_analysis}s", unit_of_analysis))


def subject_of(context: Context, seen: Mapping[str, Iterable[str]]) -> AnalysisUnit:
    """Return what the values of some recordings belong to once those of one animal, or of one recording, are joined.

    Parameters
    ----------
    context : Context
    seen : mapping of recording to individuals
        Whose values are joined. ``"all"`` is everyone in view.
    """
    most = max((_together(context, i, set(map(str, names))) for i, names in seen.items()), default=1)
    if most > 1:
        return PAIR if most == 2 else TOGETHER
    named = [context.keys(i)["animal"] != "" for i in seen if i in context.animals.index]
    return AnalysisUnit() if all(named) else MIXED if any(named) else RECORDING


def _together(context: Context, recording_id: str, names: set[str]) -> int:
    """Number of animals whose values are joined in one recording."""
    own = names - {EVERYONE, "", "nan"}
    if own or recording_id not in context.glances:
        return max(1, len(own))
    return len(context.glances[recording_id].individuals)


def seen_in_rows(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the individuals of each recording of a table with ``recording`` and, where it has it, ``individual``."""
    names = table["individual"] if "individual" in table else pd.Series("", table.index)
    return {str(i): list(dict.fromkeys(own.astype(str))) for i, own in names.groupby(table["recording"], sort=False)}


def seen_in_states(states: Mapping[str, xr.DataArray]) -> dict[str, list[str]]:
    """Return the individuals of States, by recording."""
    return {recording_id: [str(i) for i in one["individual"].values] for recording_id, one in states.items()}
