"""Rows of run tables with names and types.

Sections and sentences read comparisons from these classes, never from columns by name: which column holds
what is written here once. Older runs lack some columns; what is missing is NaN or empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from murid.plot.units import DIRECTIONS

NAN = float("nan")
#: A difference is called found when its corrected p is at most this.
Q_LIMIT = 0.05

#: One row of a table: column → cell.
Cells = Mapping[str, object]


@dataclass(frozen=True)
class GroupStatistics:
    """One group in one measure."""

    name: str
    n: int
    mean: float
    sd: float


@dataclass(frozen=True)
class ComparedMeasure:
    """One row of the table ``comparison``: a measure tested between groups of animals.

    Attributes
    ----------
    measure : str
        ``measure`` or ``measure:zone``.
    groups : tuple of GroupStatistics
        In the order of the test; a difference is second minus first.
    difference, difference_low, difference_high, effect, effect_low, effect_high : float
        NaN for more than two groups, or where not defined.
    effect_name : str
        ``Hedges g`` …
    test : str
        Name of the test.
    p, q : float
        NaN where it could not be tested.
    notes : str
    """

    measure: str
    groups: tuple[GroupStatistics, ...]
    difference: float
    difference_low: float
    difference_high: float
    effect: float
    effect_low: float
    effect_high: float
    effect_name: str
    test: str
    p: float
    q: float
    notes: str

    @property
    def names(self) -> tuple[str, ...]:
        """Groups that were compared."""
        return tuple(g.name for g in self.groups)

    @property
    def differs(self) -> bool:
        """True when the groups differ after correction."""
        return self.q <= Q_LIMIT


@dataclass(frozen=True)
class GroupLatency:
    """One group in one latency: animals, those that did it, and the median by Kaplan–Meier, s."""

    name: str
    n: int
    events: int
    median_s: float


@dataclass(frozen=True)
class ComparedLatency:
    """One row of the table ``latencies``: a latency that some animals never reached, by the log-rank test.

    Attributes
    ----------
    measure : str
    groups : tuple of GroupLatency
    p, q : float
        `q` is NaN in runs that did not count it among the tested measures.
    """

    measure: str
    groups: tuple[GroupLatency, ...]
    p: float
    q: float

    @property
    def names(self) -> tuple[str, ...]:
        """Groups that were compared."""
        return tuple(g.name for g in self.groups)

    @property
    def differs(self) -> bool:
        """True when the groups differ: by q, by p where no q is known."""
        return (self.q if np.isfinite(self.q) else self.p) <= Q_LIMIT


#: A row of either table: one measure tested between groups.
Tested = ComparedMeasure | ComparedLatency


@dataclass(frozen=True)
class ComparedPair:
    """One row of the table ``pairwise``: two of three or more groups in one measure."""

    measure: str
    first: str
    second: str
    difference: float
    effect: float
    p_holm: float


def cells(table: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Yield the rows of a table as column → cell."""
    columns = [str(c) for c in table.columns]
    for row in table.itertuples(index=False, name=None):
        yield dict(zip(columns, row, strict=True))


def as_float(row: Cells, name: str) -> float:
    """Return a number of a row, NaN where it is missing."""
    value = row.get(name)
    return float(value) if isinstance(value, (int, float, np.integer, np.floating)) else NAN


def as_int(row: Cells, name: str) -> int:
    """Return a count of a row, 0 where it is missing."""
    value = as_float(row, name)
    return int(value) if np.isfinite(value) else 0


def as_text(row: Cells, name: str) -> str:
    """Return a text of a row, "" where it is missing."""
    value = row.get(name)
    return value if isinstance(value, str) else "" if value is None or value != value else str(value)


def _groups(table: pd.DataFrame) -> list[str]:
    return [str(c)[2:] for c in table.columns if str(c).startswith("n_")]


def compared_measures(table: pd.DataFrame) -> list[ComparedMeasure]:
    """Read the table ``comparison``; a group that has no animal in a measure is left out of that row."""
    names = [g for g in _groups(table) if f"mean_{g}" in table]
    return [
        ComparedMeasure(
            measure=as_text(row, "measure"),
            groups=tuple(
                GroupStatistics(g, as_int(row, f"n_{g}"), as_float(row, f"mean_{g}"), as_float(row, f"sd_{g}"))
                for g in names
                if as_int(row, f"n_{g}") > 0
            ),
            difference=as_float(row, "difference"),
            difference_low=as_float(row, "difference_low"),
            difference_high=as_float(row, "difference_high"),
            effect=as_float(row, "effect"),
            effect_low=as_float(row, "effect_low"),
            effect_high=as_float(row, "effect_high"),
            effect_name=as_text(row, "effect_name"),
            test=as_text(row, "test"),
            p=as_float(row, "p"),
            q=as_float(row, "q"),
            notes=as_text(row, "notes"),
        )
        for row in cells(table)
    ]


def compared_latencies(table: pd.DataFrame) -> list[ComparedLatency]:
    """Read the table ``latencies``."""
    names = [g for g in _groups(table) if f"median_s_{g}" in table]
    return [
        ComparedLatency(
            measure=as_text(row, "measure"),
            groups=tuple(
                GroupLatency(g, as_int(row, f"n_{g}"), as_int(row, f"events_{g}"), as_float(row, f"median_s_{g}"))
                for g in names
                if as_int(row, f"n_{g}") > 0
            ),
            p=as_float(row, "p"),
            q=as_float(row, "q"),
        )
        for row in cells(table)
    ]


def compared_pairs(table: pd.DataFrame) -> list[ComparedPair]:
    """Read the table ``pairwise``."""
    return [
        ComparedPair(
            as_text(row, "measure"),
            as_text(row, "first"),
            as_text(row, "second"),
            as_float(row, "difference"),
            as_float(row, "effect"),
            as_float(row, "p_holm"),
        )
        for row in cells(table)
    ]


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


def tuned_units(table: pd.DataFrame) -> TunedUnits:
    """Count the units of a table ``tuning``."""
    tested, called = table[table["p"].notna()], table[table["direction"].isin(DIRECTIONS)]
    counts = called["behaviour"].astype(str).value_counts()
    return TunedUnits(
        units=_units(table),
        tested=_units(tested),
        tuned=_units(called),
        pairs_tested=len(tested),
        pairs=len(table),
        by_behaviour=[(str(b), int(n)) for b, n in zip(counts.index, counts.to_numpy(), strict=True)],
    )


def _units(table: pd.DataFrame) -> int:
    return len(table[["recording", "unit"]].drop_duplicates())
