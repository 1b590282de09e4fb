"""Repeated measures: a linear mixed model with small-sample tests, and a permutation test beside it.

``value ~ group * time + (1 + time | animal)`` by restricted maximum likelihood. Animals may
differ in slope where time is numeric; with levels of time the degrees of freedom are Greenhouse–Geisser's.
Every result also carries a permutation test in which whole animals change groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.name_order import natural
from murid.data.names import counted
from murid.stats import linear
from murid.stats.reml import Reml, fit_reml
from murid.stats.repeated import permuted
from murid.stats.units import by_unit, covariates_apart, group_names, nested_litters, numbers_of

Floats = NDArray[np.float64]
#: Groups smaller than this get a note.
SMALL_GROUP = 8
#: A variance below this share of the residual variance is estimated as 0.
NO_VARIANCE = 1e-4
#: Times an animal must have on average before its slope can be separated from noise.
TIMES_FOR_SLOPES = 3


@dataclass(frozen=True)
class MixedResult:
    """A fitted mixed model and the permutation test beside it.

    Attributes
    ----------
    coefficients : DataFrame
        ``estimate, se, t, df, p, low, high`` per fixed effect. Groups are compared with the first one (`reference`);
        numeric time is centred, so that ``group[drug]`` is the difference at the mean time.
    terms : DataFrame
        ``F, df, df_residual, p`` of group (averaged over time), time (averaged over groups), group × time, and
        each covariate. They do not depend on where time is 0 nor on the order of groups.
    animal_variance, residual_variance : float
        Between animals (at the mean time) and within.
    slope_variance : float
        Of the animals' slopes; NaN when the model has none.
    converged, singular : bool
        False / True: do not use the model's p values. Singular: the variance between animals is estimated as 0.
    permutation : DataFrame
        ``term, statistic, p, n_animals``: group (on animal means, adjusted for days and covariates) and group × time.
    notes : tuple of str
        Rows left out, slopes that do not differ, small samples, what to report instead.
    formula : str
    reference : str
        First group, and for levels of time the first time: what coefficients are compared with.
    n_animals, n_rows : int

    Examples
    --------
    >>> import pandas as pd
    >>> from murid.stats import fit_mixed_model
    >>> rows = pd.DataFrame([{"animal": a, "group": "ab"[a > 3], "day": d, "cm": a % 3 + d * d + a * d % 5}
    ...                      for a in range(8) for d in range(2)])
    >>> fit_mixed_model(rows, "cm", "group", "day", n_permutations=99).formula
    'cm ~ group * day + (1 | animal)'
    """

    coefficients: pd.DataFrame
    terms: pd.DataFrame
    animal_variance: float
    residual_variance: float
    slope_variance: float
    converged: bool
    singular: bool
    permutation: pd.DataFrame
    notes: tuple[str, ...]
    formula: str
    reference: str
    n_animals: int
    n_rows: int

    @property
    def trustworthy(self) -> bool:
        """True when the model converged to a variance between animals above 0."""
        return self.converged and not self.singular


@dataclass(frozen=True)
class _Rows:
    """Checked rows: one a unit and time."""

    table: pd.DataFrame
    groups: tuple[str, ...]
    times: tuple[str, ...]
    covariates: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def numeric(self) -> bool:
        """True when time is a number."""
        return not self.times


@dataclass(frozen=True)
class _Model:
    """Columns of the fixed effects, and the contrasts that test each term.

    ``time`` is scaled to SD 1 around its mean; `scale` gives each coefficient back in the user's unit.
    """

    columns: Floats
    names: tuple[str, ...]
    scale: Floats
    contrasts: dict[str, Floats]
    time: Floats


def fit_mixed_model(
    table: pd.DataFrame,
    value: str,
    group: str,
    time: str,
    *,
    unit: str = "animal",
    covariates: Sequence[str] = (),
    order: Sequence[str] | None = None,
    n_permutations: int = 4999,
    seed: int = 0,
) -> MixedResult:
    """Fit ``value ~ group * time + covariates + (1 + time | unit)``.

    Parameters
    ----------
    table : DataFrame
        One row per animal and time point (day, session, tone). Rows without a group are left out.
    value, group, time : str
        Columns; `time` may be numbers (slope) or text (levels, in natural order: ``day 2`` before ``day 10``).
    unit : str
        Column of the animal; each animal belongs to one group.
    covariates : sequence of str
        Further fixed effects.
    order : sequence of str, optional
        Groups in order, reference first; by first appearance otherwise.
    n_permutations, seed : int
        Of the permutation of whole animals.

    Returns
    -------
    MixedResult

    Raises
    ------
    DataError
        Missing columns, an animal in two groups, fewer than two animals a group, one time point only, one row an
        animal, covariates that cannot be separated from the group.

    Notes
    -----
    Between-animal terms have ``animals − groups − covariates`` degrees of freedom, slopes ``animals − groups``
    (exact for complete designs). Levels of time: Greenhouse–Geisser.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> rows = pd.DataFrame([
    ...     {"animal": f"m{a}", "group": "drug" if a > 7 else "ctrl", "day": d,
    ...      "freezing": 10 + level + 2 * d * (a > 7) + rng.normal(0, 1)}
    ...     for a, level in enumerate(rng.normal(0, 2, 16)) for d in range(4)])
    >>> result = fit_mixed_model(rows, "freezing", "group", "day", n_permutations=999)
    >>> bool(result.terms.loc["group:day", "p"] < 0.001), result.trustworthy
    (True, True)
    """
    table, covariates = covariates_apart(table, covariates, ("unit", "group", "value", "time", "group:time", "_rank"))
    rows = _checked(table, (value, group, time, unit), covariates, order)
    model = _model(rows, {"group": group, "time": time})
    of_litters = nested_litters(table, group, unit)
    scale = float(rows.table["value"].std()) or 1.0
    y = ((rows.table["value"] - rows.table["value"].mean()) / scale).to_numpy(np.float64)
    fit, slopes, notes = _fitted(y, model, rows)
    variances = fit.random * scale**2
    singular = bool(variances[0, 0] < NO_VARIANCE * fit.residual * scale**2)
    if not fit.converged or singular:
        why = "it did not converge" if not fit.converged else "the variance between animals is estimated as 0"
        notes.append(f"do not use the model's p values: {why}; report the permutation test")
    if rows.table.groupby("group")["unit"].nunique().min() < SMALL_GROUP:
        notes.append(f"fewer than {SMALL_GROUP} animals in a group: report the permutation test beside the model")
    notes += [of_litters] if of_litters else []
    df = _degrees_of_freedom(rows, model)
    tests = permuted(rows.table, rows.groups, rows.covariates, n_permutations=n_permutations, seed=seed)
    shown = {"group": group, "group:time": f"{group}:{time}"}
    random = f"(1 + {time} | {unit})" if slopes else f"(1 | {unit})"
    return MixedResult(
        _coefficients(fit, model, df, scale, float(rows.table["value"].mean())),
        _terms(fit, model, df, {"group": group, "time": time, "group:time": f"{group}:{time}"}),
        float(variances[0, 0]),
        fit.residual * scale**2,
        float(variances[1, 1] / _time_scale(rows) ** 2) if slopes else float("nan"),
        fit.converged,
        singular,
        tests.assign(term=tests["term"].map(shown)),
        (*rows.notes, *notes),
        f"{value} ~ {group} * {time}{''.join(f' + {c}' for c in covariates)} + {random}",
        rows.groups[0] if rows.numeric else f"{rows.groups[0]}, {rows.times[0]}",
        int(rows.table["unit"].nunique()),
        len(rows.table),
    )


def _checked(
    table: pd.DataFrame, columns: tuple[str, str, str, str], covariates: Sequence[str], order: Sequence[str] | None
) -> _Rows:
    value, group, time, unit = columns
    faults = Faults(f"mixed model of '{value}'")
    for column in (*columns, *covariates):
        if column not in table:
            faults.add(f"no column '{column}'", todo=did_you_mean(column, map(str, table.columns)))
    faults.raise_if_any()
    units = by_unit(table, value, group, unit=unit, order=order)  # one group per animal, two animals per group
    names, ids = group_names(table[group]), group_names(table[unit])
    flat = pd.DataFrame({"value": numbers_of(table, value, faults), "group": names, "time": table[time], "unit": ids})
    for name in covariates:
        flat[name] = table[name]
    keep = flat.notna().all(axis=1) & flat["group"].isin(units.groups)
    flat = flat[keep]
    numeric = pd.api.types.is_numeric_dtype(flat["time"])
    flat["time"] = flat["time"].astype(np.float64) if numeric else flat["time"].map(str).str.strip()
    if flat["time"].nunique() < 2:
        faults.add("only one time point", expected="at least 2", todo="use murid.stats.compare")
    elif flat.groupby("unit")["time"].nunique().max() < 2:
        faults.add(
            "every animal was measured at one time only",
            expected="animals with two times or more",
            got="variance between animals cannot be separated from variance within",
            todo="use murid.stats.compare at each time",
        )
    per_unit = flat.groupby("unit").agg({"group": "first"} | {c: _typical(flat[c]) for c in covariates}).reset_index()
    linear.check_identified(per_unit, units.groups, covariates, faults)
    faults.raise_if_any()
    notes = [f"{counted(int((~keep).sum()), 'row')} without value, group, time or covariate left out"] * bool(
        (~keep).any()
    )
    once = flat.groupby(["unit", "time"], sort=False, as_index=False).agg(
        {"value": "mean", "group": "first"} | {c: _typical(flat[c]) for c in covariates}
    )
    if len(once) < len(flat):
        notes.append(f"{len(flat)} rows were averaged to {len(once)} (one a {unit} and {time})")
    times = () if numeric else tuple(sorted(once["time"].unique(), key=natural))
    missing = once["unit"].nunique() * once["time"].nunique() - len(once)
    if missing and len(once) >= 2 * once["time"].nunique():
        notes.append(f"{missing} of {missing + len(once)} pairs of {unit} and {time} are missing")
    return _Rows(
        once.sort_values(["unit", "time"]).reset_index(drop=True), units.groups, times, tuple(covariates), tuple(notes)
    )


def _typical(column: pd.Series) -> str:
    """How a covariate is brought to one value: mean of numbers, first of everything else."""
    return "mean" if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) else "first"


def _time_scale(rows: _Rows) -> float:
    """SD of numeric time."""
    return float(rows.table["time"].std()) if rows.numeric else 1.0


def _model(rows: _Rows, shown: dict[str, str]) -> _Model:
    """Build the columns with treatment coding and the contrasts that average over the other factor."""
    table = rows.table
    group = (table["group"].to_numpy()[:, None] == np.array(rows.groups[1:])).astype(np.float64)
    step = _time_scale(rows)
    if rows.numeric:
        time = ((table["time"] - table["time"].mean()) / step).to_numpy(np.float64)[:, None]
        time_names = [shown["time"]]
    else:
        time = (table["time"].to_numpy()[:, None] == np.array(rows.times[1:])).astype(np.float64)
        time_names = [f"{shown['time']}[{t}]" for t in rows.times[1:]]
    both = (group[:, :, None] * time[:, None]).reshape(len(table), -1)
    group_names_ = [f"{shown['group']}[{g}]" for g in rows.groups[1:]]
    names = ["Intercept", *group_names_, *time_names, *(f"{g}:{t}" for g in group_names_ for t in time_names)]
    blocks, extra, scale = [np.ones((len(table), 1)), group, time, both], {}, [1.0] * (1 + group.shape[1])
    scale += [1 / step] * (len(names) - len(scale))
    at = len(names)
    for name in rows.covariates:
        z, own_names, own_scale = _covariate(table[name], name)
        blocks.append(z)
        extra[name] = list(range(at, at + len(own_names)))
        names, scale, at = [*names, *own_names], [*scale, *own_scale], at + len(own_names)
    contrasts = _contrasts(len(rows.groups) - 1, time.shape[1], at, rows.numeric)
    contrasts |= {name: np.eye(at)[own] for name, own in extra.items() if own}
    return _Model(np.column_stack(blocks), tuple(names), np.array(scale), contrasts, time)


def _covariate(column: pd.Series, name: str) -> tuple[Floats, list[str], list[float]]:
    """Columns, their names and scales of one covariate: a standardised number, or dummies of levels."""
    if _typical(column) == "mean":
        spread = float(column.std()) or 1.0
        return ((column - column.mean()) / spread).to_numpy(np.float64)[:, None], [name], [1 / spread]
    dummies = pd.get_dummies(column.map(str), drop_first=True)
    return dummies.to_numpy(np.float64), [f"{name}[{c}]" for c in dummies.columns], [1.0] * dummies.shape[1]


def _contrasts(n_groups: int, n_times: int, n_columns: int, numeric: bool) -> dict[str, Floats]:
    """Contrasts of group (averaged over time), time (averaged over groups) and their interaction.

    `n_groups` and `n_times` count the columns of each factor, the reference left out.
    """
    first_time, first_both = 1 + n_groups, 1 + n_groups + n_times
    group = np.zeros((n_groups, n_columns))
    time = np.zeros((n_times, n_columns))
    both = np.zeros((n_groups * n_times, n_columns))
    for g in range(n_groups):
        group[g, 1 + g] = 1.0
        for t in range(n_times):
            at = first_both + g * n_times + t
            # Centred time is 0 on average; levels are averaged with equal weight.
            group[g, at] = 0.0 if numeric else 1 / (n_times + 1)
            time[t, at] = 1 / (n_groups + 1)
            both[g * n_times + t, at] = 1.0
    time[:, first_time : first_time + n_times] = np.eye(n_times)
    return {"group": group, "time": time, "group:time": both}


def _fitted(y: Floats, model: _Model, rows: _Rows) -> tuple[Reml, bool, list[str]]:
    """Fit with random slopes where animals have enough times, without where these do not differ."""
    units = pd.factorize(rows.table["unit"])[0].astype(np.int64)
    n_times = rows.table.groupby("unit")["time"].nunique()
    ones, notes = np.ones((len(y), 1)), []
    if rows.numeric and float(n_times.mean()) >= TIMES_FOR_SLOPES:
        fit = fit_reml(y, model.columns, np.column_stack([ones, model.time[:, 0]]), units)
        if fit is not None and fit.converged and fit.random[1, 1] >= NO_VARIANCE * fit.residual:
            return fit, True, []
        notes.append("animals' slopes are not estimated as different: random intercepts only")
    fit = fit_reml(y, model.columns, ones, units)
    if fit is None:
        fail(
            "mixed model",
            "the fit broke down (singular matrix)",
            todo="check for groups or times without data, or use murid.stats.compare on animal means",
        )
    return fit, False, notes


@dataclass(frozen=True)
class _Df:
    """Residual degrees of freedom, and the factor on both degrees of freedom of terms with time."""

    between: float
    within: float
    epsilon: float = 1.0


def _degrees_of_freedom(rows: _Rows, model: _Model) -> _Df:
    n, k = rows.table["unit"].nunique(), len(rows.groups)
    n_covariates = sum(len(model.contrasts[c]) for c in rows.covariates if c in model.contrasts)
    between = max(n - k - n_covariates, 1)
    if rows.numeric:
        return _Df(between, max(n - k, 1))
    steps = len(rows.times) - 1
    return _Df(between, max(steps * (n - k), 1), epsilon_of(rows.table, k))


def epsilon_of(rows: pd.DataFrame, n_groups: int) -> float:
    """Return Greenhouse and Geisser's ε of the units that have every time; its lower bound where they are too few.

    Parameters
    ----------
    rows : DataFrame
        ``unit, group, time, value``.
    n_groups : int
        Number of groups.

    References
    ----------
    Greenhouse SW, Geisser S (1959) Psychometrika 24:95.
    """
    wide = rows.pivot(index="unit", columns="time", values="value").dropna()
    steps = rows["time"].nunique() - 1
    group = rows.groupby("unit")["group"].first().reindex(wide.index)
    if steps == 1 or len(wide) - n_groups < 2:
        return 1 / steps
    residual = (wide - wide.groupby(group).transform("mean")).to_numpy(np.float64)
    centre = np.eye(steps + 1) - 1 / (steps + 1)
    covariance = centre @ (residual.T @ residual) @ centre
    total = float((covariance**2).sum())
    return float(np.trace(covariance) ** 2 / (steps * total)) if total > 0 else 1 / steps


def _coefficients(fit: Reml, model: _Model, df: _Df, scale: float, middle: float) -> pd.DataFrame:
    from scipy.stats import t

    estimate = fit.estimate * scale * model.scale
    estimate[0] += middle
    se = np.sqrt(np.diag(fit.covariance)) * scale * model.scale
    n_between = 1 + len(model.contrasts["group"])
    n_within = len(model.contrasts["time"]) + len(model.contrasts["group:time"])
    own_df = np.full(len(se), df.between)
    own_df[n_between : n_between + n_within] = df.within * df.epsilon
    width = t.ppf(0.975, own_df) * se
    return pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "t": estimate / se,
            "df": own_df,
            "p": 2 * t.sf(np.abs(estimate / se), own_df),
            "low": estimate - width,
            "high": estimate + width,
        },
        index=pd.Index(model.names, name="term"),
    )


def _terms(fit: Reml, model: _Model, df: _Df, shown: dict[str, str]) -> pd.DataFrame:
    """F test of every term by its contrast."""
    from scipy.stats import f

    rows = {}
    for term, contrast in model.contrasts.items():
        estimate = contrast @ fit.estimate
        size = float(estimate @ np.linalg.pinv(contrast @ fit.covariance @ contrast.T) @ estimate) / len(contrast)
        within = term in ("time", "group:time")
        factor = df.epsilon if within else 1.0
        own, residual = len(contrast) * factor, (df.within if within else df.between) * factor
        rows[shown.get(term, term)] = {
            "F": size,
            "df": own,
            "df_residual": residual,
            "p": float(f.sf(size, own, residual)),
        }
    return pd.DataFrame(rows).T
