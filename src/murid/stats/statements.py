"""Sentences about group differences, made from declared fields in one place.

A sentence on a difference has to name the measure and its unit, the direction, the group that zero stands
for, who was left out, and how many animals there were. `Statement` declares these fields for one measure,
`LatencyStatement` for latencies that may be censored; every sentence of murid on groups is one of theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import pandas as pd

from murid.data.names import counted
from murid.data.reserved_names import group_column
from murid.stats.wording import ALPHA, joined, number_text, p_text, unit_text

Interval = tuple[float, float]
NAN = float("nan")


@dataclass(frozen=True)
class GroupPair:
    """One pair of groups of a comparison of more than two: second minus first, p after Holm.

    Examples
    --------
    >>> GroupPair("ctrl", "drug", 2.0, (1.0, 3.0), 1.1, (0.4, 1.8), 0.01, 0.03).p_holm
    0.03
    """

    first: str
    second: str
    difference: float
    interval: Interval
    effect: float
    effect_interval: Interval
    p: float
    p_holm: float


@dataclass(frozen=True)
class Statement:
    """What can be stated about one measure compared between groups.

    Attributes
    ----------
    measure, unit : str
        Readable name, and unit of the values (``"%"`` makes differences percentage points).
    groups : tuple of str
        Compared groups in order. The first one is the `reference`: the group that zero of a difference stands for.
    n, mean, sd : dict of group to number
        Units, their mean and SD.
    noun : str
        What the unit of analysis is called: ``"animal"``, ``"litter"``.
    paired : bool
        The same units under each condition.
    difference, interval : float, (low, high)
        Second minus first group; NaN for more than two groups.
    effect_name, effect, effect_interval : str, float, (low, high)
        Hedges g or g_av.
    p, q, test : float, float, str
        p of the test over all groups; q where several measures were corrected for (NaN: they were not).
    covariates : tuple of str
        What all of these numbers are adjusted for.
    pairs : tuple of GroupPair
        For more than two groups.
    left_out : dict of group to int
        Groups that were too small to be compared, and their number of units.
    notes : tuple of str
        Averaged rows, incomplete units, small groups.
    level : float
        Confidence level of the intervals.
    alpha : float
        q (p where nothing was corrected for) up to which a difference counts as shown.

    Examples
    --------
    >>> s = Statement("time in the centre", "%", ("ctrl", "drug"), {"ctrl": 8, "drug": 8},
    ...               {"ctrl": 20.1, "drug": 28.9}, {"ctrl": 4.0, "drug": 5.0}, difference=8.8,
    ...               interval=(3.9, 13.7), effect_name="Hedges g", effect=1.84, effect_interval=(0.6, 3.0), p=0.0021)
    >>> s.finding()
    'time in the centre: 8.8 percentage points more in drug than in ctrl [3.9, 13.7], p = 0.0021'
    """

    measure: str
    unit: str
    groups: tuple[str, ...]
    n: Mapping[str, int]
    mean: Mapping[str, float]
    sd: Mapping[str, float]
    noun: str = "animal"
    paired: bool = False
    difference: float = NAN
    interval: Interval = (NAN, NAN)
    effect_name: str = "none"
    effect: float = NAN
    effect_interval: Interval = (NAN, NAN)
    p: float = NAN
    q: float = NAN
    test: str = ""
    covariates: tuple[str, ...] = ()
    pairs: tuple[GroupPair, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    level: float = 0.95
    alpha: float = ALPHA

    @property
    def reference(self) -> str:
        """The group that zero of a difference stands for."""
        return self.groups[0]

    @property
    def tested(self) -> bool:
        """True when there is a p value."""
        return math.isfinite(self.p)

    @property
    def shown(self) -> bool:
        """True when a difference was shown: q (p where nothing was corrected for) is at most `alpha`."""
        return (self.q if math.isfinite(self.q) else self.p) <= self.alpha

    @property
    def direction(self) -> str:
        """``"more"``, ``"less"`` or ``"no difference"`` in the second group; ``""`` for more than two groups."""
        return _direction(self.difference)

    def groups_text(self) -> str:
        """Return mean, SD and number of units of every group."""
        unit = unit_text(self.unit, difference=False)
        parts = [
            f"{g} {number_text(self.mean[g])} ± {number_text(self.sd[g])}{unit} (n = {counted(self.n[g], self.noun)})"
            for g in self.groups
        ]
        return f"{', '.join(parts)}, mean ± SD"

    def difference_text(self) -> str:
        """Return ``8.8 percentage points more in drug than in ctrl [3.9, 13.7]``; ``""`` for more than two groups."""
        if len(self.groups) != 2 or math.isnan(self.difference):
            return ""
        return _difference_text(self.groups[0], self.groups[1], self.difference, self.interval, self.unit)

    def pairs_text(self) -> str:
        """Return every pair with its direction, difference and Holm-corrected p."""
        parts = []
        for pair in self.pairs:
            what = _difference_text(pair.first, pair.second, pair.difference, pair.interval, self.unit)
            parts.append(f"{what}, {p_text(pair.p_holm, alpha=self.alpha)}")
        return f"pairs (p after Holm): {'; '.join(parts)}" if parts else ""

    def p_and_q(self) -> str:
        """Return ``p = 0.01, q = 0.03``."""
        both = p_text(self.p, alpha=self.alpha)
        return f"{both}, {p_text(self.q, 'q', self.alpha)}" if math.isfinite(self.q) else both

    def finding(self) -> str:
        """Return the short sentence of a headline."""
        if not self.tested:
            return f"{self.measure}: {joined(self.groups)} could not be compared"
        adjusted = f", adjusted for {', '.join(self.covariates)}" if self.covariates else ""
        if len(self.groups) == 2:
            text = f"{self.difference_text()}{adjusted}, {self.p_and_q()}"
            none = f"no difference between {joined(self.groups)} was shown"
            return f"{self.measure}: {text}" if self.shown else f"{self.measure}: {none} ({text})"
        differ = "differs" if self.shown else "is not shown to differ"
        apart = [pair for pair in self.pairs if pair.p_holm <= self.alpha] if self.shown else []
        more = "".join(
            f"; {_difference_text(x.first, x.second, x.difference, x.interval, self.unit)}, "
            f"{p_text(x.p_holm, alpha=self.alpha)}"
            for x in apart
        )
        none = "; no pair is shown to differ after Holm" if self.shown and self.pairs and not apart else ""
        return f"{self.measure} {differ} between {joined(self.groups)}{adjusted} ({self.p_and_q()}){more}{none}"

    def left_out_text(self) -> str:
        """Return who was not compared, or ``""``."""
        if not self.left_out:
            return ""
        names = joined(f"{g} (n = {counted(n, self.noun)})" for g, n in self.left_out.items())
        return f"not compared, too small: {names}"

    def sentence(self) -> str:
        """Return the result as one sentence for a paper, and its notes behind it."""
        parts = [self.groups_text()]
        if self.difference_text():
            adjusted = f", adjusted for {', '.join(self.covariates)}" if self.covariates else ""
            parts.append(f"{self.difference_text()}{adjusted}")
            if self.effect_name != "none":
                parts.append(f"{self.effect_name} = {_with_interval(self.effect, self.effect_interval, 2)}{adjusted}")
            if math.isfinite(self.interval[0]):
                parts.append(f"intervals: {100 * self.level:g} %")
        elif self.covariates:
            parts.append(f"adjusted for {', '.join(self.covariates)}")
        parts += [text for text in (self.pairs_text(), f"{self.p_and_q()} ({self.test})") if text]
        text = f"{self.measure}: {'; '.join(parts)}."
        notes = [n for n in (self.left_out_text(), *self.notes) if n]
        return " ".join([text, *(f"{note[0].upper()}{note[1:]}." for note in notes)])

    def __str__(self) -> str:
        return self.sentence()


@dataclass(frozen=True)
class LatencyStatement:
    """What can be stated about latencies of groups, some of them censored (it never happened).

    Attributes
    ----------
    measure : str
        Readable name of the latency.
    groups : tuple of str
        Compared groups in order.
    n, events : dict of group to int
        Units, and those in which it happened.
    median_s : dict of group to float
        Median latency; NaN where fewer than half did it.
    horizon_s : float
        All groups were watched at least this long.
    p, q : float
        Log-rank p, and q where it was corrected together with other measures.
    pairs : tuple of (first, second, p after Holm)
        For more than two groups.
    n_missing, n_no_group : int
        Units without a latency and without a group, left out.
    noun : str
        What the unit of analysis is called.

    Examples
    --------
    >>> s = LatencyStatement("latency", ("ctrl", "drug"), {"ctrl": 8, "drug": 8}, {"ctrl": 8, "drug": 3},
    ...                      {"ctrl": 17.0, "drug": float("nan")}, 300.0, 0.0002)
    >>> s.finding()
    'latency differs: ctrl median 17 s (8 of 8 did), drug median not reached (3 of 8 did), log-rank p = 0.0002'
    """

    measure: str
    groups: tuple[str, ...]
    n: Mapping[str, int]
    events: Mapping[str, int]
    median_s: Mapping[str, float]
    horizon_s: float
    p: float
    q: float = NAN
    pairs: tuple[tuple[str, str, float], ...] = ()
    n_missing: int = 0
    n_no_group: int = 0
    noun: str = "animal"
    alpha: float = ALPHA

    @property
    def shown(self) -> bool:
        """True when a difference was shown: q (p where nothing was corrected for) is at most `alpha`."""
        return (self.q if math.isfinite(self.q) else self.p) <= self.alpha

    def finding(self) -> str:
        """Return the sentence of a headline: medians, how many did it, log-rank p."""
        parts = []
        for g in self.groups:
            median = self.median_s[g]
            text = f"median {number_text(median)} s" if math.isfinite(median) else "median not reached"
            parts.append(f"{g} {text} ({self.events[g]} of {self.n[g]} did)")
        differ = "differs" if self.shown else "is not shown to differ"
        q = f", {p_text(self.q, 'q', self.alpha)}" if math.isfinite(self.q) else ""
        apart = [pair for pair in self.pairs if pair[2] <= self.alpha] if self.shown else []
        more = "".join(f"; {a} and {b} {p_text(of_pair, alpha=self.alpha)}" for a, b, of_pair in apart)
        none = "; no pair is shown to differ after Holm" if self.shown and self.pairs and not apart else ""
        return (
            f"{self.measure} {differ}: {', '.join(parts)}, log-rank {p_text(self.p, alpha=self.alpha)}{q}{more}{none}"
        )

    def sentence(self) -> str:
        """Return the finding with all pairs and what was left out."""
        parts = [self.finding()]
        if self.pairs:
            pairs = [f"{a} and {b} {p_text(p, alpha=self.alpha)}" for a, b, p in self.pairs]
            parts.append(f"pairs (p after Holm): {', '.join(pairs)}")
        return f"{'; '.join([*parts, *self.left_out()])}."

    def left_out(self) -> list[str]:
        """Return who was not compared."""
        parts = []
        if self.n_missing:
            parts.append(f"{counted(self.n_missing, self.noun)} without latency left out")
        if self.n_no_group:
            parts.append(f"{counted(self.n_no_group, self.noun)} without a group left out")
        return parts

    def __str__(self) -> str:
        return self.sentence()


def _direction(difference: float) -> str:
    if math.isnan(difference):
        return ""
    return "no difference" if difference == 0 else "more" if difference > 0 else "less"


def _difference_text(first: str, second: str, difference: float, interval: Interval, unit: str) -> str:
    """Second group against the first, which zero stands for; the interval carries the sign of the direction."""
    if math.isnan(difference):
        return f"{second} and {first}: no difference could be computed"
    if difference == 0:
        return f"no difference between {second} and {first}{_interval_text(interval, 3)}"
    low, high = interval if difference > 0 else (-interval[1], -interval[0])
    size = f"{number_text(abs(difference))}{unit_text(unit, difference=True)}"
    return f"{size} {_direction(difference)} in {second} than in {first}{_interval_text((low, high), 3)}"


def _interval_text(interval: Interval, digits: int) -> str:
    if not (math.isfinite(interval[0]) and math.isfinite(interval[1])):
        return ""
    low, high = (number_text(x) if digits == 3 else f"{x:.2f}" for x in interval)
    return f" [{low}, {high}]"


def _with_interval(value: float, interval: Interval, digits: int) -> str:
    return "not defined" if math.isnan(value) else f"{value:.2f}{_interval_text(interval, digits)}"


def comparison_statements(
    comparison: pd.DataFrame,
    pairs: pd.DataFrame | None = None,
    *,
    units: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    alpha: float = ALPHA,
) -> list[Statement]:
    """Return the statements of a stored table of comparisons.

    Parameters
    ----------
    comparison : DataFrame
        As `compare_many` returns it, one row a measure.
    pairs : DataFrame, optional
        As `compare_tables` returns it; needed to name pairs of more than two groups.
    units, names : dict of measure to str, optional
        Unit and readable name of each measure.
    alpha : float
        q up to which a difference counts as shown.

    Returns
    -------
    list of Statement
        In the order of the rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.stats import compare_many
    >>> rows = pd.DataFrame({"animal": range(8), "group": ["ctrl"] * 4 + ["drug"] * 4,
    ...                      "time": [20.0, 21, 22, 23, 30, 31, 32, 33]})
    >>> comparison_statements(compare_many(rows, ["time"], "group"), units={"time": "%"})[0].difference_text()
    '10 percentage points more in drug than in ctrl [7.77, 12.2]'
    """
    units, names = units or {}, names or {}
    statements = [
        _of_row(row, pairs, units.get(str(row["measure"]), ""), names.get(str(row["measure"]), str(row["measure"])))
        for row in comparison.to_dict("records")
    ]
    return [replace(statement, alpha=alpha) for statement in statements]


def latency_statements(
    latencies: pd.DataFrame, *, names: Mapping[str, str] | None = None, alpha: float = ALPHA
) -> list[LatencyStatement]:
    """Return the statements of a stored table of latencies.

    Parameters
    ----------
    latencies : DataFrame
        One `Survival.row` a measure, with ``q`` where it was corrected together with other measures.
    names : dict of measure to str, optional
        Readable names.
    alpha : float
        q up to which a difference counts as shown.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.stats import compare_survival
    >>> rows = pd.DataFrame({"animal": range(8), "group": ["a"] * 4 + ["b"] * 4, "happened": [1] * 6 + [0] * 2,
    ...                      "s": [5.0, 8, 9, 11, 60, 80, 300, 300]})
    >>> table = pd.DataFrame([compare_survival(rows, "s", "happened", "group").row("latency")])
    >>> latency_statements(table)[0].median_s["b"]
    80.0
    """
    return [replace(_latency_of_row(row, names or {}), alpha=alpha) for row in latencies.to_dict("records")]


def _latency_of_row(row: Mapping[Any, Any], names: Mapping[str, str]) -> LatencyStatement:
    groups = _names_in(_cell(row["groups"]))
    written: dict[str, list[float]] = {}
    for part in filter(None, _names_in(_cell(row["pairs_p_holm"]))):
        text, _, p = part.rpartition(": ")
        written.setdefault(text, []).append(float(p))
    # By name; pairs of one text (a with "a and b", "a and a" with b) come in the order of the groups.
    pairs = [(a, b, written[text].pop(0)) for a, b in combinations(groups, 2) if written.get(text := f"{a} and {b}")]
    return LatencyStatement(
        measure=names.get(str(row["measure"]), str(row["measure"])),
        groups=groups,
        n={g: int(row[group_column("n", g)]) for g in groups},
        events={g: int(row[group_column("events", g)]) for g in groups},
        median_s={g: float(row[group_column("median_s", g)]) for g in groups},
        horizon_s=float(row["horizon_s"]),
        p=float(row["p"]),
        q=float(row.get("q", NAN)),
        pairs=tuple(pairs),
        n_missing=int(row["n_missing"]),
        n_no_group=int(row["n_no_group"]),
    )


def _of_row(row: Mapping[Any, Any], pairs: pd.DataFrame | None, unit: str, name: str) -> Statement:
    measure = str(row["measure"])
    groups = _names_in(str(row["groups"]))
    own: Sequence[Mapping[Any, Any]] = []
    if pairs is not None and len(pairs):
        own = pairs[pairs["measure"] == measure].to_dict("records")
    return Statement(
        measure=name,
        unit=unit,
        groups=groups,
        n={g: int(row[f"n_{g}"]) for g in groups},
        mean={g: float(row[f"mean_{g}"]) for g in groups},
        sd={g: float(row[f"sd_{g}"]) for g in groups},
        noun=str(row["unit_of_analysis"]),
        paired=bool(row["paired"]),
        difference=float(row["difference"]),
        interval=(float(row["difference_low"]), float(row["difference_high"])),
        effect_name=str(row["effect_name"]),
        effect=float(row["effect"]),
        effect_interval=(float(row["effect_low"]), float(row["effect_high"])),
        p=float(row["p"]),
        q=float(row.get("q", NAN)),
        test=str(row["test"]),
        covariates=tuple(c for c in _names_in(_cell(row["covariates"])) if c),
        pairs=tuple(pair_of(record) for record in own),
        left_out=_sizes(_cell(row["left_out"])),
        notes=tuple(n for n in _cell(row["notes"]).split("; ") if n),
        level=float(row["level"]),
    )


#: Between names that share a cell of a stored table.
SEPARATOR = " | "


def sizes_text(sizes: Mapping[str, int]) -> str:
    """Return groups and their sizes as one cell of a table."""
    return one_cell(f"{g}: {n}" for g, n in sizes.items())


def one_cell(names: Iterable[str]) -> str:
    r"""Return names as one cell of a table, apart by ``" | "``; a bar in a name is written ``\|``."""
    return SEPARATOR.join(name.replace("|", r"\|") for name in names)


def _names_in(cell: str) -> tuple[str, ...]:
    """Names of a cell that `one_cell` made."""
    return tuple(name.replace(r"\|", "|") for name in cell.split(SEPARATOR))


def _cell(value: object) -> str:
    """Return a text cell; an empty one reads back from CSV as NaN."""
    return value if isinstance(value, str) else ""


def _sizes(cell: str) -> dict[str, int]:
    parts = [part.rpartition(": ") for part in _names_in(cell) if ": " in part]
    return {g: int(n) for g, _, n in parts}


def pair_of(record: Mapping[Any, Any]) -> GroupPair:
    """Return a `GroupPair` from a row of the table of pairs."""
    return GroupPair(
        first=str(record["first"]),
        second=str(record["second"]),
        difference=float(record["difference"]),
        interval=(float(record["difference_low"]), float(record["difference_high"])),
        effect=float(record["effect"]),
        effect_interval=(float(record["effect_low"]), float(record["effect_high"])),
        p=float(record["p"]),
        p_holm=float(record["p_holm"]),
    )
