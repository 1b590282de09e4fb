"""Do groups differ? One number per animal, a permutation test, an effect size, a sentence for the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.errors import fail
from murid.data.params import Params, param
from murid.data.pvalues import fdr, holm
from murid.stats.effects import bca, hedges_g, paired_effects
from murid.stats.permutation import PermutationTest, f_test, freedman_lane, sign_flip, two_groups, within_units
from murid.stats.units import UnitTable, by_unit

Floats = NDArray[np.float64]

#: Groups smaller than this get a warning: intervals and p values of so few animals are fragile.
SMALL_GROUP = 8


class CompareParams(Params):
    """How groups are compared."""

    n_permutations: int = param(9999, ge=999, why="random permutations when not all are used; p never below 1e-4")
    exact_up_to: int = param(50_000, ge=1, why="use all arrangements up to this many: 9 against 9 units")
    n_boot: int = param(4999, ge=999, why="bootstrap resamples of the BCa intervals")
    level: float = param(0.95, gt=0.5, lt=1, why="confidence level")
    ranks: bool = param(False, why="more than two groups: Kruskal-Wallis H on ranks instead of F")


@dataclass(frozen=True)
class Comparison:
    """One measure compared between groups.

    Attributes
    ----------
    value, groups, paired : measure, group names in order, design
    summary : DataFrame
        Per group ``n, n_rows, mean, sd, sem, median``.
    difference, difference_ci : float, (low, high)
        Second minus first group (adjusted for covariates if there are any); NaN for more than two groups.
    effect, effect_ci, effect_name : float, (low, high), str
        Hedges g, or g_av for paired data (``d_z`` apart); NaN for more than two groups.
    test : PermutationTest
    pairwise : DataFrame
        For more than two groups: every pair with ``difference, effect, p, p_holm``.
    notes : tuple of str
        Averaged recordings, small groups, rows left out.
    data : DataFrame
        The table that was tested: one row per unit.
    """

    value: str
    groups: tuple[str, ...]
    paired: bool
    unit: str
    summary: pd.DataFrame
    difference: float
    difference_ci: tuple[float, float]
    effect: float
    effect_ci: tuple[float, float]
    effect_name: str
    test: PermutationTest
    pairwise: pd.DataFrame
    notes: tuple[str, ...]
    data: pd.DataFrame
    level: float = 0.95
    d_z: float = float("nan")
    covariates: tuple[str, ...] = field(default=())

    @property
    def p(self) -> float:
        """P value of the test."""
        return self.test.p

    def sentence(self) -> str:
        """Return the result as one sentence for a paper."""
        s = self.summary
        parts = [
            f"{g} {_num(s.at[g, 'mean'])} ± {_num(s.at[g, 'sd'])} (n = {s.at[g, 'n']} {self.unit}s)" for g in s.index
        ]
        text = f"{self.value}: {', '.join(parts)}, mean ± sd; "
        if len(self.groups) == 2:
            adjusted = f", adjusted for {', '.join(self.covariates)}" if self.covariates else ""
            text += (
                f"difference {_num(self.difference)} [{_num(self.difference_ci[0])}, "
                f"{_num(self.difference_ci[1])}]{adjusted}, {self.effect_name} = {self.effect:.2f} "
                f"[{self.effect_ci[0]:.2f}, {self.effect_ci[1]:.2f}] ({100 * self.level:g} % intervals), "
            )
        how = "exact, all" if self.test.exact else "random,"
        text += f"p = {_p(self.test.p)} ({self.test.name}; {how} {self.test.n_permutations:,} permutations)."
        return " ".join([text, *(note[0].upper() + note[1:] + "." for note in self.notes)])

    def row(self) -> dict[str, Any]:
        """Return one flat row for a table of many measures."""
        out: dict[str, Any] = {"measure": self.value}
        for g in self.groups:
            out |= {
                f"n_{g}": self.summary.at[g, "n"],
                f"mean_{g}": self.summary.at[g, "mean"],
                f"sd_{g}": self.summary.at[g, "sd"],
            }
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
            "notes": "; ".join(self.notes),
        }

    def __str__(self) -> str:
        return self.sentence()


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
) -> Comparison:
    """Compare a measure between groups, with the animal as the unit.

    Parameters
    ----------
    table : DataFrame
        One row per recording (cell, bout …); repeated rows of a unit are averaged first, and the result says so.
    value, group : str
        Columns of the measure and of the group (or of the condition, when `paired`).
    unit : str or None
        Column of the animal (pair, litter). None: every row is an independent unit.
    paired : bool
        Each unit is measured under every condition: signs of differences are flipped (two conditions), or
        conditions permuted within units (more).
    covariates : sequence of str
        Columns (numbers or text, e.g. ``"sex"``) to adjust for by Freedman–Lane permutation. Not with `paired`.
    order : sequence of str, optional
        Groups in order, reference first: the difference is second minus first.
    params : CompareParams, optional
    seed : int
        Same seed, same answer.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        See `units.by_unit`; also when covariates are asked for in a paired design.
    """
    params = params or CompareParams()
    if paired and covariates:
        fail(
            f"comparison of '{value}'",
            "covariates do not vary within units of a paired design",
            todo="leave covariates out, or use murid.stats.mixed for a model with both",
        )
    units = by_unit(table, value, group, unit=unit, paired=paired, covariates=covariates, order=order)
    samples = [units.table.loc[units.table["group"] == g, "value"].to_numpy() for g in units.groups]
    if paired:
        wide = units.table.pivot(index="unit", columns="group", values="value")[list(units.groups)]
        samples = [wide[g].to_numpy() for g in units.groups]
    nan = (float("nan"), float("nan"))
    found: dict[str, Any] = {
        "difference": float("nan"),
        "difference_ci": nan,
        "effect": float("nan"),
        "effect_ci": nan,
        "effect_name": "none",
        "d_z": float("nan"),
    }
    pairwise = pd.DataFrame()
    if len(units.groups) == 2:
        found |= _two(samples, paired, params, seed)
        test = _test_two(samples, paired, params, seed)
    else:
        test = _test_many(units, samples, paired, params, seed)
        pairwise = _pairwise(units.groups, samples, paired, params, seed)
    if covariates:
        design, nuisance = _design(units, covariates)
        test = freedman_lane(units.table["value"], design, nuisance, n_permutations=params.n_permutations, seed=seed)
        if len(units.groups) == 2:
            found |= _adjusted(units, design, nuisance, params, seed)
    return Comparison(
        value=value,
        groups=units.groups,
        paired=paired,
        unit=unit or "row",
        summary=_summary(units, samples),
        test=test,
        pairwise=pairwise,
        notes=tuple(_notes(units, samples, unit)),
        data=units.table,
        level=params.level,
        covariates=tuple(covariates),
        **found,
    )


def compare_many(table: pd.DataFrame, measures: Sequence[str], group: str, **kwargs: Any) -> pd.DataFrame:
    """Compare several measures and correct over them.

    Parameters
    ----------
    table : DataFrame
    measures : sequence of str
        Columns to compare.
    group : str
        Column of the group.
    **kwargs
        As for `compare`.

    Returns
    -------
    DataFrame
        One row a measure (see `Comparison.row`) with ``q``: Benjamini–Hochberg over all measures.
    """
    out = pd.DataFrame([compare(table, measure, group, **kwargs).row() for measure in measures])
    out.insert(list(out.columns).index("p") + 1, "q", fdr(out["p"]))
    return out


def _mean_difference(a: Floats, b: Floats, axis: int = -1) -> Floats:
    return b.mean(axis=axis) - a.mean(axis=axis)


def _two(samples: list[Floats], paired: bool, params: CompareParams, seed: int) -> dict[str, Any]:
    """Difference and effect of two groups with their intervals."""
    a, b = samples
    options: dict[str, Any] = dict(level=params.level, n_boot=params.n_boot, seed=seed, paired=paired)

    def effect(x: Floats, y: Floats, axis: int = -1) -> Floats:
        return paired_effects(x, y, axis)[0] if paired else hedges_g(x, y, axis)

    return {
        "difference": float(_mean_difference(a, b)),
        "difference_ci": bca((a, b), _mean_difference, **options),
        "effect": float(effect(a, b)),
        "effect_ci": bca((a, b), effect, **options),
        "effect_name": "Hedges g_av" if paired else "Hedges g",
        "d_z": float(paired_effects(a, b)[1]) if paired else float("nan"),
    }


def _test_two(samples: list[Floats], paired: bool, params: CompareParams, seed: int) -> PermutationTest:
    options: dict[str, Any] = dict(n_permutations=params.n_permutations, exact_up_to=params.exact_up_to, seed=seed)
    if paired:
        return sign_flip(samples[1] - samples[0], **options)
    return two_groups(*samples, **options)


def _test_many(
    units: UnitTable, samples: list[Floats], paired: bool, params: CompareParams, seed: int
) -> PermutationTest:
    if paired:
        return within_units(np.column_stack(samples), n_permutations=params.n_permutations, seed=seed)
    codes = units.table["group"].map({g: i for i, g in enumerate(units.groups)}).to_numpy()
    return f_test(units.table["value"], codes, ranks=params.ranks, n_permutations=params.n_permutations, seed=seed)


def _pairwise(
    groups: tuple[str, ...], samples: list[Floats], paired: bool, params: CompareParams, seed: int
) -> pd.DataFrame:
    """Every pair of groups, Holm-corrected."""
    rows = []
    for i, j in combinations(range(len(groups)), 2):
        pair = [samples[i], samples[j]]
        found = _two(pair, paired, params, seed)
        rows.append(
            {
                "first": groups[i],
                "second": groups[j],
                "difference": found["difference"],
                "difference_low": found["difference_ci"][0],
                "difference_high": found["difference_ci"][1],
                "effect": found["effect"],
                "effect_low": found["effect_ci"][0],
                "effect_high": found["effect_ci"][1],
                "p": _test_two(pair, paired, params, seed).p,
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p"]))


def _design(units: UnitTable, covariates: Sequence[str]) -> tuple[Floats, Floats]:
    """Group dummies (first group is the reference), and intercept with covariates (text as dummies)."""
    group = pd.Categorical(units.table["group"], categories=units.groups)
    design = pd.get_dummies(group, drop_first=True).to_numpy(float)
    z = pd.get_dummies(units.table[list(covariates)], drop_first=True).to_numpy(float)
    z = (z - z.mean(axis=0)) / np.where(z.std(axis=0) > 0, z.std(axis=0), 1.0)
    return design, np.column_stack([np.ones(len(z)), z])


def _adjusted(units: UnitTable, design: Floats, nuisance: Floats, params: CompareParams, seed: int) -> dict[str, Any]:
    """Covariate-adjusted difference with a percentile interval that resamples units within their groups."""
    y = units.table["value"].to_numpy(float)
    full = np.column_stack([nuisance, design])
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(design[:, 0] == k) for k in (0, 1)]
    draws = np.empty(params.n_boot)
    for k in range(params.n_boot):
        index = np.concatenate([rng.choice(m, m.size) for m in members])
        draws[k] = np.linalg.lstsq(full[index], y[index], rcond=None)[0][-1]
    tail = (1 - params.level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return {
        "difference": float(np.linalg.lstsq(full, y, rcond=None)[0][-1]),
        "difference_ci": (float(low), float(high)),
    }


def _summary(units: UnitTable, samples: list[Floats]) -> pd.DataFrame:
    rows = [
        {
            "n": x.size,
            "mean": x.mean(),
            "sd": x.std(ddof=1),
            "sem": x.std(ddof=1) / np.sqrt(x.size),
            "median": np.median(x),
        }
        for x in samples
    ]
    return pd.DataFrame(rows, index=pd.Index(units.groups, name="group"))


def _notes(units: UnitTable, samples: list[Floats], unit: str | None) -> list[str]:
    notes = []
    if units.averaged:
        notes.append(f"{units.n_rows} rows were averaged to {len(units.table)} ({unit} is the unit of analysis)")
    if units.n_missing:
        notes.append(f"{units.n_missing} rows without value, group or covariate were left out")
    small = [g for g, x in zip(units.groups, samples, strict=True) if x.size < SMALL_GROUP]
    if small:
        notes.append(f"fewer than {SMALL_GROUP} units in {', '.join(small)}: intervals and p values are fragile")
    return notes


def _num(x: float) -> str:
    return f"{x:.3g}"


def _p(p: float) -> str:
    return f"{p:.2g}" if p < 0.1 else f"{p:.2f}"
