"""Do groups differ? One number per animal, a permutation test, an effect size, a sentence for the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.errors import Faults, fail
from murid.data.params import Params, param
from murid.data.pvalues import fdr, holm
from murid.data.skewness import SKEWED, skewness_z
from murid.stats import linear
from murid.stats.effects import (
    NO_INTERVAL,
    SMALL_GROUP,
    Estimate,
    Interval,
    hedges_g,
    hedges_interval,
    mean_difference,
    paired_effect_interval,
    paired_effects,
    paired_interval,
    welch_interval,
)
from murid.stats.permutation import PermutationTest, f_test, flip_residuals, sign_flip, two_groups, within_units
from murid.stats.statements import GroupPair, Statement, one_cell, pair_of, sizes_text
from murid.stats.units import UnitTable, by_unit, covariates_apart, nested_litters
from murid.stats.wording import ALPHA

Floats = NDArray[np.float64]
NAN = float("nan")

#: No interval of an effect size below this many units: nothing can be seen of the distribution it assumes.
MIN_FOR_EFFECT = 5


class CompareParams(Params):
    """How groups are compared.

    Examples
    --------
    >>> CompareParams(level=0.9).n_permutations
    9999
    """

    n_permutations: int = param(9999, ge=999, why="random permutations when not all are used; p never below 1e-4")
    exact_up_to: int = param(50_000, ge=1, why="use all arrangements up to this many: 9 against 9 units")
    level: float = param(0.95, gt=0.5, lt=1, why="confidence level")
    alpha: float = param(ALPHA, gt=0, lt=1, why="p or q up to which sentences say that groups differ")
    ranks: bool = param(False, why="more than two groups: Kruskal-Wallis H on ranks instead of Welch's F")


@dataclass(frozen=True)
class Comparison:
    """One measure compared between groups.

    Attributes
    ----------
    value, groups, paired : measure, group names in order (the first is the reference), design
    unit : str
        What the unit of analysis is called.
    summary : DataFrame
        Per group ``n, mean, sd, sem, median``.
    difference, difference_ci : float, (low, high)
        Second minus first group (adjusted for covariates if there are any); NaN for more than two groups.
    effect, effect_ci, effect_name : float, (low, high), str
        Hedges g, or g_av for paired data (``d_z`` apart), adjusted as the difference is; NaN for more than two
        groups. Intervals from 5 units a group on.
    test : PermutationTest
    pairwise : DataFrame
        For more than two groups: every pair with ``difference, effect, p, p_holm``, adjusted as the test is.
    left_out : dict of group to int
        Groups of one unit, which can not be compared.
    notes : tuple of str
        Averaged recordings, units left out, small groups, skewed values; that no p can reach `alpha`.
    data : DataFrame
        The table that was tested: one row per unit.
    level, alpha : float
        Confidence level of the intervals; p or q up to which sentences say that groups differ.

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.stats import compare
    >>> rows = pd.DataFrame({"animal": range(8), "group": list("ccccdddd"), "cm": [1.0, 2, 3, 4, 11, 12, 13, 14]})
    >>> result = compare(rows, "cm", "group")
    >>> result.summary["mean"].tolist(), result.difference, round(result.p, 3)
    ([2.5, 12.5], 10.0, 0.029)
    """

    value: str
    groups: tuple[str, ...]
    paired: bool
    unit: str
    summary: pd.DataFrame
    difference: float
    difference_ci: Interval
    effect: float
    effect_ci: Interval
    effect_name: str
    test: PermutationTest
    pairwise: pd.DataFrame
    notes: tuple[str, ...]
    data: pd.DataFrame
    level: float = 0.95
    alpha: float = ALPHA
    d_z: float = NAN
    covariates: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def p(self) -> float:
        """P value of the test."""
        return self.test.p

    def statement(self, unit: str = "", q: float = NAN) -> Statement:
        """Return the fields that sentences are made from.

        Parameters
        ----------
        unit : str
            Unit of the measure, ``"cm"`` or ``"%"``.
        q : float
            p corrected together with other measures.
        """
        n, mean, sd = (dict(zip(self.groups, self.summary[c].tolist(), strict=True)) for c in ("n", "mean", "sd"))
        how = "exact, all" if self.test.exact else "random,"
        return Statement(
            measure=self.value,
            unit=unit,
            groups=self.groups,
            n=n,
            mean=mean,
            sd=sd,
            noun=self.unit,
            paired=self.paired,
            difference=self.difference,
            interval=self.difference_ci,
            effect_name=self.effect_name,
            effect=self.effect,
            effect_interval=self.effect_ci,
            p=self.p,
            q=q,
            test=f"{self.test.name}; {how} {self.test.n_permutations:,} permutations",
            covariates=self.covariates,
            pairs=self._pairs(),
            left_out=self.left_out,
            notes=self.notes,
            level=self.level,
            alpha=self.alpha,
        )

    def _pairs(self) -> tuple[GroupPair, ...]:
        return tuple(pair_of(record) for record in self.pairwise.to_dict("records"))

    def sentence(self, unit: str = "") -> str:
        """Return the result as one sentence for a paper; `unit` is that of the measure."""
        return self.statement(unit).sentence()

    def row(self) -> dict[str, Any]:
        """Return one flat row for a table of many measures; `murid.stats.comparison_statements` reads it back."""
        out: dict[str, Any] = {"measure": self.value}
        summary = self.summary.to_dict("index")
        for g in self.groups:
            out |= {f"{column}_{g}": summary[g][column] for column in ("n", "mean", "sd")}
        return out | {
            "difference": self.difference,
            "difference_low": self.difference_ci[0],
            "difference_high": self.difference_ci[1],
            "effect_name": self.effect_name,
            "effect": self.effect,
            "effect_low": self.effect_ci[0],
            "effect_high": self.effect_ci[1],
            "test": self.test.name,
            "statistic": self.test.statistic,
            "p": self.test.p,
            "p_floor": self.test.p_floor,
            "groups": one_cell(self.groups),
            "paired": self.paired,
            "unit_of_analysis": self.unit,
            "covariates": one_cell(self.covariates),
            "left_out": sizes_text(self.left_out),
            "level": self.level,
            "notes": "; ".join(self.notes),
        }

    def __str__(self) -> str:
        return self.sentence()


@dataclass(frozen=True)
class _TwoGroups:
    """Difference, effect and test of two groups."""

    difference: Estimate
    effect: Estimate
    effect_name: str
    test: PermutationTest
    d_z: float = NAN


def compare(
    table: pd.DataFrame,
    value: str,
    group: str,
    *,
    unit: str | None = "animal",
    paired: bool = False,
    covariates: Sequence[str] = (),
    order: Sequence[str] | None = None,
    params: CompareParams | None = None,
    seed: int = 0,
    **changes: Any,
) -> Comparison:
    """Compare a measure between groups, with the animal as the unit.

    Parameters
    ----------
    table : DataFrame
        One row per recording (cell, bout …); repeated rows of a unit are averaged first, and the result notes it.
    value, group : str
        Columns of the measure and of the group (or of the condition, when `paired`).
    unit : str or None
        Column of the animal (pair, litter). None: every row is an independent unit.
    paired : bool
        Each unit is measured under every condition: signs of differences are flipped (two conditions), or
        conditions permuted within units (more).
    covariates : sequence of str
        Columns (numbers or text, e.g. ``"sex"``) that difference, effect, test and pairs are adjusted for
        (signs of residuals are flipped). Not with `paired`.
    order : sequence of str, optional
        Groups in order, reference first: the difference is second minus first.
    params : CompareParams, optional
        See there.
    seed : int
        Same seed, same answer.
    **changes
        Single parameters of `CompareParams`, over `params`.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        See `by_unit`; also covariates in a paired design, and covariates that cannot be separated from the group.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({
    ...     "animal": [f"m{i}" for i in range(12)],
    ...     "group": ["saline"] * 6 + ["drug"] * 6,
    ...     "open_arm_s": [20.0, 25, 31, 18, 27, 23, 41, 35, 38, 29, 44, 36],
    ... })
    >>> result = compare(rows, "open_arm_s", "group")
    >>> round(result.p, 4)
    0.0043
    >>> result.statement("s").difference_text()
    '13.2 s more in drug than in saline [6.77, 19.6]'
    """
    params = CompareParams.of(params, changes)
    if paired and covariates:
        fail(
            f"comparison of '{value}'",
            "covariates do not vary within units of a paired design",
            todo="leave covariates out, or use murid.stats.fit_mixed_model for a model with both",
        )
    table, covariates = covariates_apart(table, covariates)
    units = by_unit(table, value, group, unit=unit, paired=paired, covariates=covariates, order=order)
    faults = Faults(f"comparison of '{value}'")
    linear.check_identified(units.table, units.groups, covariates, faults)
    faults.raise_if_any()
    nothing = Estimate(NAN, NO_INTERVAL)
    if len(units.groups) == 2:
        two = _compare_two(units.table, units.groups, paired, covariates, params, seed)
        test, pairwise = two.test, pd.DataFrame()
    else:
        test = _test_many(units, paired, covariates, params, seed)
        two = _TwoGroups(nothing, nothing, "none", test)
        pairwise = _pairwise(units, paired, covariates, params, seed)
    litters = ["" if paired else nested_litters(table, group, unit)]
    return Comparison(
        value=value,
        groups=units.groups,
        paired=paired,
        unit=unit or "row",
        summary=_summary(units),
        difference=two.difference.value,
        difference_ci=two.difference.interval,
        effect=two.effect.value,
        effect_ci=two.effect.interval,
        effect_name=two.effect_name,
        test=test,
        pairwise=pairwise,
        notes=(*_notes(units, unit, test, params.alpha), *filter(None, litters)),
        data=units.table,
        level=params.level,
        alpha=params.alpha,
        d_z=two.d_z,
        covariates=tuple(covariates),
        left_out=units.small,
    )


def compare_many(table: pd.DataFrame, measures: Sequence[str], group: str, **options: Any) -> pd.DataFrame:
    """Compare several measures and correct over them.

    Parameters
    ----------
    table : DataFrame
        One row per recording.
    measures : sequence of str
        Columns to compare.
    group : str
        Column of the group.
    **options
        As for `compare`.

    Returns
    -------
    DataFrame
        One row a measure (see `Comparison.row`) with ``q``: Benjamini–Hochberg over all measures.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"animal": range(8), "group": ["ctrl"] * 4 + ["drug"] * 4,
    ...                      "cm": [1.0, 2, 3, 4, 11, 12, 13, 14], "s": [1.0, 2, 3, 4, 2, 1, 4, 3]})
    >>> compare_many(rows, ["cm", "s"], "group")[["measure", "p", "q"]].round(3).values.tolist()
    [['cm', 0.029, 0.057], ['s', 1.0, 1.0]]
    """
    return compare_tables(table, measures, group, **options)[0]


def compare_tables(
    table: pd.DataFrame, measures: Sequence[str], group: str, **options: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare several measures; return the table of `compare_many` and the table of pairs.

    Parameters
    ----------
    table, measures, group, **options
        As for `compare_many`.

    Returns
    -------
    comparison : DataFrame
        See `compare_many`.
    pairs : DataFrame
        For more than two groups one row a measure and pair: ``measure, first, second, difference, …, p, p_holm``
        (Holm over the pairs of a measure). Empty for two groups.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"animal": range(9), "group": list("aaabbbccc"), "cm": [1.0, 2, 3, 2, 3, 4, 8, 9, 10]})
    >>> comparison, pairs = compare_tables(rows, ["cm"], "group")
    >>> pairs[["first", "second", "difference"]].values.tolist()
    [['a', 'b', 1.0], ['a', 'c', 7.0], ['b', 'c', 6.0]]
    """
    results = [compare(table, measure, group, **options) for measure in measures]
    comparison = pd.DataFrame([result.row() for result in results])
    comparison.insert(list(comparison.columns).index("p") + 1, "q", fdr(comparison["p"]))
    pairs = [r.pairwise.assign(measure=r.value) for r in results if len(r.pairwise)]
    if not pairs:
        return comparison, pd.DataFrame()
    both = pd.concat(pairs, ignore_index=True)
    return comparison, both[["measure", *(c for c in both.columns if c != "measure")]]


def _compare_two(
    table: pd.DataFrame,
    groups: Sequence[str],
    paired: bool,
    covariates: Sequence[str],
    params: CompareParams,
    seed: int,
) -> _TwoGroups:
    """Difference, effect and test of two groups, adjusted if there are covariates."""
    if covariates:
        return _adjusted(table, groups, covariates, params, seed)
    a, b = _samples(table, groups, paired)
    counts: dict[str, Any] = dict(n_permutations=params.n_permutations, exact_up_to=params.exact_up_to, seed=seed)
    enough = min(a.size, b.size) >= MIN_FOR_EFFECT
    difference = mean_difference(a, b)
    if paired:
        g_av, d_z = (float(v) for v in paired_effects(a, b))
        interval = paired_effect_interval(a, b, params.level) if enough else NO_INTERVAL
        return _TwoGroups(
            Estimate(difference, paired_interval(a, b, params.level)),
            Estimate(g_av, interval),
            "Hedges g_av",
            sign_flip(b - a, **counts),
            d_z,
        )
    return _TwoGroups(
        Estimate(difference, welch_interval(a, b, params.level)),
        Estimate(float(hedges_g(a, b)), hedges_interval(a, b, params.level) if enough else NO_INTERVAL),
        "Hedges g",
        two_groups(a, b, **counts),
    )


def _adjusted(
    table: pd.DataFrame, groups: Sequence[str], covariates: Sequence[str], params: CompareParams, seed: int
) -> _TwoGroups:
    """Two groups with covariates; NaN throughout where the two cannot be separated from the covariates."""
    design = linear.design_of(table, groups, covariates)
    y = table["value"].to_numpy(np.float64)
    if linear.rank(design.full) == linear.rank(design.nuisance) or design.df < 1:
        nothing = Estimate(NAN, NO_INTERVAL)
        return _TwoGroups(nothing, nothing, "Hedges g", PermutationTest(NAN, NAN, 0, False, "not identified"))
    effect = linear.adjusted_effect(y, design, params.level)
    if min((table["group"] == g).sum() for g in groups) < MIN_FOR_EFFECT:
        effect = Estimate(effect.value, NO_INTERVAL)
    test = flip_residuals(y, design.tested, design.nuisance, n_permutations=params.n_permutations, seed=seed)
    return _TwoGroups(linear.adjusted_difference(y, design, params.level), effect, "Hedges g", test)


def _test_many(
    units: UnitTable, paired: bool, covariates: Sequence[str], params: CompareParams, seed: int
) -> PermutationTest:
    """Test over all groups at once."""
    table = units.table
    if paired:
        matrix = np.column_stack(_samples(table, units.groups, paired))
        return within_units(matrix, n_permutations=params.n_permutations, seed=seed)
    if covariates:
        design = linear.design_of(table, units.groups, covariates)
        return flip_residuals(
            table["value"], design.tested, design.nuisance, n_permutations=params.n_permutations, seed=seed
        )
    codes = table["group"].map({g: i for i, g in enumerate(units.groups)}).to_numpy()
    return f_test(table["value"], codes, ranks=params.ranks, n_permutations=params.n_permutations, seed=seed)


def _pairwise(
    units: UnitTable, paired: bool, covariates: Sequence[str], params: CompareParams, seed: int
) -> pd.DataFrame:
    """Every pair of groups as if it were the only one, adjusted alike; Holm over the pairs."""
    rows = []
    for pair in combinations(units.groups, 2):
        own = units.table[units.table["group"].isin(pair)]
        two = _compare_two(own, pair, paired, covariates, params, seed)
        rows.append(
            {
                "first": pair[0],
                "second": pair[1],
                "difference": two.difference.value,
                "difference_low": two.difference.interval[0],
                "difference_high": two.difference.interval[1],
                "effect": two.effect.value,
                "effect_low": two.effect.interval[0],
                "effect_high": two.effect.interval[1],
                "p": two.test.p,
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p"]))


def _samples(table: pd.DataFrame, groups: Sequence[str], paired: bool) -> list[Floats]:
    """Values of each group; in the same order of units when paired."""
    if paired:
        wide = table.pivot(index="unit", columns="group", values="value")
        return [wide[g].to_numpy(np.float64) for g in groups]
    return [table.loc[table["group"] == g, "value"].to_numpy(np.float64) for g in groups]


def _summary(units: UnitTable) -> pd.DataFrame:
    samples = _samples(units.table, units.groups, paired=False)
    rows = [(x.size, x.mean(), x.std(ddof=1), x.std(ddof=1) / np.sqrt(x.size), np.median(x)) for x in samples]
    index = pd.Index(units.groups, name="group")
    return pd.DataFrame(rows, index=index, columns=["n", "mean", "sd", "sem", "median"])


def _notes(units: UnitTable, unit: str | None, test: PermutationTest, alpha: float) -> list[str]:
    """What a reader has to know: rows averaged or left out, and where p or intervals do not hold."""
    samples = dict(zip(units.groups, _samples(units.table, units.groups, paired=False), strict=True))
    notes = units.notes(unit)
    small = [g for g, x in samples.items() if x.size < SMALL_GROUP]
    if small:
        notes.append(f"fewer than {SMALL_GROUP} units in {', '.join(small)}: p values and intervals rest on few units")
    tiny = [g for g, x in samples.items() if x.size < MIN_FOR_EFFECT]
    if tiny:
        notes.append(f"fewer than {MIN_FOR_EFFECT} units in {', '.join(tiny)}: no interval of the effect size")
    if test.p_floor > alpha:
        notes.append(f"no p below {test.p_floor:.2g} is possible with so few units")
    if skewness_z(list(samples.values())) > SKEWED:
        notes.append("values are skewed: intervals may cover less often than they claim; compare their logarithms")
    return notes
