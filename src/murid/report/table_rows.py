"""What the tables of runs count, as fields with names and types.

Comparisons between groups are `murid.stats.comparison_statements`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from murid.data.tables import TableRows
from murid.plot.units import DIRECTIONS


@dataclass(frozen=True)
class TunedUnits:
    """What a table ``tuning`` counts.

    Attributes
    ----------
    units, tested, tuned : int
        Units of all recordings; those with a tested pair; those called tuned.
    pairs_tested, pairs : int
        Pairs of unit and behaviour.
    by_behaviour : sequence of (behaviour, tuned units)
        Most first.
    """

    units: int
    tested: int
    tuned: int
    pairs_tested: int
    pairs: int
    by_behaviour: Sequence[tuple[str, int]]


def tuned_units(tuning: TableRows) -> TunedUnits:
    """Count the units of a table ``tuning``; control channels are no units."""
    units = tuning.having(~tuning.control.astype(bool))
    tested, called = units.having(units.p.notna()), units.having(units.direction.isin(DIRECTIONS))
    counts = called.behaviour.astype(str).value_counts()
    return TunedUnits(
        units=_distinct(units),
        tested=_distinct(tested),
        tuned=_distinct(called),
        pairs_tested=len(tested),
        pairs=len(units),
        by_behaviour=[(str(b), int(n)) for b, n in zip(counts.index, counts.to_numpy(), strict=True)],
    )


def _distinct(tuning: TableRows) -> int:
    return len(set(zip(tuning.recording, tuning.unit, strict=True)))
