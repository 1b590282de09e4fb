"""Rows of run tables with names and types.

Sections read numbers of rows through these functions, so that a missing column is NaN or empty instead of an
error. Comparisons between groups are `murid.stats.comparison_statements`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from murid.data.tables import TableRows
from murid.plot.units import DIRECTIONS

NAN = float("nan")

#: One row of a table: column → cell.
Cells = Mapping[str, object]


def cells(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield the rows of a table as column → cell."""
    columns = [str(c) for c in table.columns]
    for row in table.itertuples(index=False, name=None):
        yield dict(zip(columns, row, strict=True))


def as_float(row: Cells, name: str) -> float:
    """Return a number of a row, NaN where it is missing."""
    value = row.get(name)
    return float(value) if isinstance(value, (int, float, np.integer, np.floating)) else NAN


def row_text(row: Cells, name: str) -> str:
    """Return a text of a row, "" where it is missing."""
    value = row.get(name)
    return value if isinstance(value, str) else "" if value is None or value != value else str(value)


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
    units = tuning.where(~tuning.control.astype(bool))
    tested, called = units.where(units.p.notna()), units.where(units.direction.isin(DIRECTIONS))
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
