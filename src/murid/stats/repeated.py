"""Repeated measures without a model: whole animals change groups.

Animals measured on different days are compared after the days' own effects are taken out, so that a group
that lacks the last day does not differ because of the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.pvalues import rank_p
from murid.stats import linear
from murid.stats.permutation import PermutationTest, f_test, flip_residuals, two_groups

Floats = NDArray[np.float64]
#: Day effects are estimated day by day when each day has at least this many rows on average, else as one line.
ROWS_PER_DAY = 3


def permuted(
    rows: pd.DataFrame, groups: Sequence[str], covariates: Sequence[str], *, n_permutations: int, seed: int
) -> pd.DataFrame:
    """Test group and group × time by permuting whole animals between groups.

    Parameters
    ----------
    rows : DataFrame
        ``unit, group, time, value`` and covariates, one row a unit and time. Numeric time: the change of a unit is
        its slope; text: its profile around its own mean, of the units that have every time that all groups have.
    groups : sequence of str
        Groups in order.
    covariates : sequence of str
        Adjusted for in the test of the group. A unit's change does not depend on what is constant within the unit.
    n_permutations, seed : int
        Random permutations where not all arrangements are used, and their seed.

    Returns
    -------
    DataFrame
        ``term`` (``"group"``, ``"group:time"``), ``statistic, p, n_animals``.
    """
    numeric = pd.api.types.is_numeric_dtype(rows["time"])
    adjusted = rows.assign(value=rows["value"] - day_effects(rows))
    units = adjusted.groupby("unit", sort=True).agg({"group": "first", "value": "mean"})
    for name in covariates:
        own = rows.groupby("unit", sort=True)[name]
        units[name] = own.mean() if pd.api.types.is_numeric_dtype(rows[name]) else own.first()
    options: dict[str, Any] = {"n_permutations": n_permutations, "seed": seed}
    level = _row("group", _between(units, groups, covariates, options), len(units))
    if not numeric:
        return pd.DataFrame([level, _profiles(adjusted, groups, n_permutations, seed)])
    slopes = units.assign(value=_slopes(adjusted)).dropna(subset=["value"])
    enough = slopes.groupby("group").size().reindex(list(groups)).fillna(0).min() >= 2
    change = _between(slopes, groups, (), options) if enough else None
    return pd.DataFrame([level, _row("group:time", change, len(slopes))])


def day_effects(rows: pd.DataFrame) -> Floats:
    """Return the effect of each row's time in the additive model ``value ~ unit + time``, centred, one a row.

    A line instead of levels where most times occur once or twice.
    """
    unit = pd.get_dummies(rows["unit"]).to_numpy(np.float64)
    n_times = rows["time"].nunique()
    if pd.api.types.is_numeric_dtype(rows["time"]) and len(rows) < ROWS_PER_DAY * n_times:
        t = rows["time"].to_numpy(np.float64)
        time = ((t - t.mean()) / (t.std() or 1.0))[:, None]
    else:
        time = pd.get_dummies(rows["time"], drop_first=True).to_numpy(np.float64)
    y = rows["value"].to_numpy(np.float64)
    both = np.column_stack([unit, time])
    effect = time @ np.linalg.lstsq(both, y - y.mean(), rcond=None)[0][unit.shape[1] :]
    return np.asarray(effect - effect.mean(), np.float64)


def _slopes(rows: pd.DataFrame) -> pd.Series:
    """Change per unit of time of each animal; NaN where it was measured at one time only."""
    t = rows["time"].astype(np.float64)
    centred = t - t.groupby(rows["unit"]).transform("mean")
    weight = (centred**2).groupby(rows["unit"]).sum()
    return (centred * rows["value"]).groupby(rows["unit"]).sum() / weight.where(weight > 0)


def _between(
    units: pd.DataFrame, groups: Sequence[str], covariates: Sequence[str], options: dict[str, Any]
) -> PermutationTest:
    """Test one number a unit between groups, as `compare` does."""
    ordered = units.assign(_rank=units["group"].map({g: k for k, g in enumerate(groups)})).sort_values("_rank")
    y = ordered["value"].to_numpy(np.float64)
    if covariates:
        design = linear.design_of(ordered, groups, covariates)
        return flip_residuals(y, design.tested, design.nuisance, **options)
    codes = ordered["_rank"].to_numpy(np.int64)
    if len(groups) == 2:
        return two_groups(y[codes == 0], y[codes == 1], **options)
    return f_test(y, codes, **options)


def _row(term: str, test: PermutationTest | None, n: int) -> dict[str, Any]:
    statistic, p = (float("nan"), float("nan")) if test is None else (test.statistic, test.p)
    return {"term": term, "statistic": statistic, "p": p, "n_animals": n}


def _profiles(rows: pd.DataFrame, groups: Sequence[str], n_permutations: int, seed: int) -> dict[str, Any]:
    """Between- over within-group sum of squares of the units' profiles around their own means."""
    wide = rows.pivot_table(index="unit", columns="time", values="value", aggfunc="mean")
    group = rows.groupby("unit")["group"].first().reindex(wide.index)
    everywhere = wide.notna().groupby(group).sum().min() >= 2
    wide = wide.loc[:, everywhere].dropna()
    codes = np.asarray(group.reindex(wide.index).map({g: k for k, g in enumerate(groups)}), np.int64)
    if wide.shape[1] < 2 or len(np.unique(codes)) < len(groups) or len(wide) <= len(groups):
        return _row("group:time", None, len(wide))
    x = wide.sub(wide.mean(axis=1), axis=0).to_numpy(np.float64)
    observed = float(pseudo_f(x, codes[None])[0])
    orders = np.argsort(np.random.default_rng(seed).random((n_permutations, codes.size)), axis=1)
    k = np.count_nonzero(pseudo_f(x, codes[orders]) >= observed * (1 - 1e-9))
    return {
        "term": "group:time",
        "statistic": observed,
        "p": float(rank_p(k, n_permutations)),
        "n_animals": len(wide),
    }


def pseudo_f(x: Floats, codes: NDArray[np.int64]) -> Floats:
    """Between- over within-group sum of squares of (unit, column) data, per arrangement of group codes."""
    x = x - x.mean(axis=0)
    k, n = int(codes.max()) + 1, len(x)
    total = float((x**2).sum())
    between = np.zeros(len(codes))
    for g in range(k):
        member = (codes == g).astype(np.float64)
        between += ((member @ x) ** 2).sum(axis=1) / np.maximum(member.sum(axis=1), 1)
    return np.asarray((between / (k - 1)) / (np.maximum(total - between, 1e-12 * max(total, 1e-300)) / (n - k)))
