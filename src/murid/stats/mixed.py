"""Repeated measures: a linear mixed model that admits when it did not work, and a test that always does.

``value ~ group * time + (1 | animal)`` by restricted maximum likelihood (statsmodels). With few animals
its z tests are too optimistic (no Satterthwaite correction) and it often fails to converge, so every
result also carries a permutation test in which whole animals change groups.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.pvalues import rank_p
from murid.stats.units import by_unit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MixedResult:
    """A fitted mixed model and its fallback.

    Attributes
    ----------
    coefficients : DataFrame
        ``estimate, se, z, p, low, high`` per fixed effect (Wald, large-sample).
    terms : DataFrame
        ``chi2, df, p`` of each term (group, time, group:time), Wald.
    animal_variance, residual_variance : float
    converged, singular : bool
        False / True: do not use the model's p values. Singular: the variance between animals is estimated as 0.
    permutation : DataFrame
        ``term, statistic, p``: group (on animal means) and group:time, whole animals permuted between groups.
    notes : tuple of str
        What the optimiser complained about, small samples, what to report instead.
    formula : str
    n_animals, n_rows : int
    """

    coefficients: pd.DataFrame
    terms: pd.DataFrame
    animal_variance: float
    residual_variance: float
    converged: bool
    singular: bool
    permutation: pd.DataFrame
    notes: tuple[str, ...]
    formula: str
    n_animals: int
    n_rows: int

    @property
    def trustworthy(self) -> bool:
        """True when the model converged to a variance between animals above 0."""
        return self.converged and not self.singular


def mixed(
    table: pd.DataFrame,
    value: str,
    group: str,
    time: str,
    *,
    unit: str = "animal",
    covariates: Sequence[str] = (),
    n_permutations: int = 4999,
    seed: int = 0,
) -> MixedResult:
    """Fit ``value ~ group * time + covariates + (1 | unit)``.

    Parameters
    ----------
    table : DataFrame
        One row per animal and time point (day, session, tone).
    value, group, time : str
        Columns; `time` may be numbers (slope) or text (levels).
    unit : str
        Column of the animal; each animal belongs to one group.
    covariates : sequence of str
        Further fixed effects.
    n_permutations, seed : int
        Of the permutation of whole animals.

    Raises
    ------
    DataError
        Missing columns, an animal in two groups, fewer than two animals a group, one time point only.
    """
    import statsmodels.formula.api as smf

    rows = _checked(table, value, group, time, unit, covariates)
    # Plain column names, so that spaces and operators in the user's names can not break the formula.
    extra = [f"covariate_{k}" for k in range(len(covariates))]
    formula = " + ".join(["value ~ group * time", *extra])
    model = smf.mixedlm(formula, rows, groups=rows["unit"])
    fit, complaints = _fit(model)
    variance = float(np.asarray(fit.cov_re)[0, 0])
    singular = variance < 1e-4 * fit.scale
    converged = bool(fit.converged) and bool(np.isfinite(fit.bse_fe).all())
    notes = [*complaints]
    if not converged or singular:
        notes.append(
            "do not use the model's p values: "
            + ("it did not converge" if not converged else "the variance between animals is estimated as 0")
            + "; report the permutation test"
        )
    per_group = rows.groupby("group")["unit"].nunique()
    if per_group.min() < 8:
        notes.append("fewer than 8 animals in a group: Wald p values are too small, report the permutation test")
    names = {"group": group, "time": time, **dict(zip(extra, covariates, strict=True))}
    return MixedResult(
        _coefficients(fit, names),
        _terms(fit, names),
        variance,
        float(fit.scale),
        converged,
        singular,
        _permuted(rows, n_permutations, seed, names),
        tuple(notes),
        f"{value} ~ {group} * {time}{''.join(f' + {c}' for c in covariates)} + (1 | {unit})",
        int(rows["unit"].nunique()),
        len(rows),
    )


def _checked(
    table: pd.DataFrame, value: str, group: str, time: str, unit: str, covariates: Sequence[str]
) -> pd.DataFrame:
    faults = Faults(f"mixed model of '{value}'")
    for column in (value, group, time, unit, *covariates):
        if column not in table:
            faults.add(f"no column '{column}'", todo=did_you_mean(column, map(str, table.columns)))
    faults.raise_if_any()
    by_unit(table, value, group, unit=unit)  # one group per animal, two animals per group, numbers are numbers
    rows = pd.DataFrame(
        {
            "value": pd.to_numeric(table[value], errors="coerce"),
            "group": table[group].astype(str),
            "time": table[time],
            "unit": table[unit].astype(str),
        }
    )
    for k, name in enumerate(covariates):
        rows[f"covariate_{k}"] = table[name]
    rows = rows[table[[value, group, time, unit, *covariates]].notna().all(axis=1)].reset_index(drop=True)
    if rows["time"].nunique() < 2:
        faults.add("only one time point", expected="at least 2", todo="use murid.stats.compare")
    faults.raise_if_any()
    if not pd.api.types.is_numeric_dtype(rows["time"]):
        rows["time"] = rows["time"].astype(str)
    return rows


def _fit(model):
    """Fit by two optimisers in turn; return the fit and the warnings of the one that is returned."""
    fit, complaints = None, []
    for optimiser in ("lbfgs", "powell"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                fit = model.fit(reml=True, method=optimiser)
            except np.linalg.LinAlgError:
                continue
        complaints = sorted({str(w.message).split("\n")[0] for w in caught})
        if fit.converged and np.isfinite(fit.bse_fe).all():
            break
    if fit is None:
        fail(
            "mixed model",
            "the fit broke down (singular matrix)",
            todo="check for groups or times without data, or use murid.stats.compare on animal means",
        )
    return fit, complaints


def _coefficients(fit, names: dict[str, str]) -> pd.DataFrame:
    from scipy.stats import norm

    estimate, se = fit.fe_params, fit.bse_fe
    z = estimate / se
    table = pd.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "z": z,
            "p": 2 * norm.sf(np.abs(z)),
            "low": estimate - 1.959964 * se,
            "high": estimate + 1.959964 * se,
        }
    )
    table.index = [_rename(i, names) for i in table.index]
    return table


def _rename(term: str, names: dict[str, str]) -> str:
    """Put the user's column names back into a formula term such as ``group[T.drug]:time``."""
    parts = []
    for part in term.split(":"):
        head, _, level = part.partition("[T.")
        parts.append(f"{names.get(head, head)}[{level}" if level else names.get(head, head))
    return ":".join(parts)


def _terms(fit, names: dict[str, str]) -> pd.DataFrame:
    """Wald chi-square of every term of the formula."""
    from scipy.stats import chi2

    params = np.asarray(fit.fe_params)
    covariance = np.asarray(fit.cov_params())[: params.size, : params.size]
    keys = [":".join(part.partition("[T.")[0] for part in name.split(":")) for name in fit.fe_params.index]
    rows = {}
    for term in dict.fromkeys(k for k in keys if k != "Intercept"):
        own = [i for i, k in enumerate(keys) if k == term]
        statistic = float(params[own] @ np.linalg.pinv(covariance[np.ix_(own, own)]) @ params[own])
        rows[_rename(term, names)] = {"chi2": statistic, "df": len(own), "p": float(chi2.sf(statistic, len(own)))}
    return pd.DataFrame(rows).T


def _permuted(rows: pd.DataFrame, n_permutations: int, seed: int, names: dict[str, str]) -> pd.DataFrame:
    """Permute whole animals between groups: one-way F of animal means, and of animals' changes over time.

    The change is a slope for numeric time, and the animal's profile around its own mean otherwise.
    """
    wide = rows.pivot_table(index="unit", columns="time", values="value", aggfunc="mean")
    group = rows.groupby("unit")["group"].first().reindex(wide.index)
    codes = pd.Categorical(group).codes.astype(np.int64)
    means = wide.mean(axis=1).to_numpy()[:, None]
    if pd.api.types.is_numeric_dtype(rows["time"]):
        t = wide.columns.to_numpy(np.float64)
        centred = np.where(wide.notna(), t, np.nan) - np.nanmean(np.where(wide.notna(), t, np.nan), axis=1)[:, None]
        denominator = np.nansum(centred**2, axis=1)
        change = (
            np.nansum(centred * wide.to_numpy(), axis=1)[:, None]
            / np.where(denominator > 0, denominator, np.nan)[:, None]
        )
    else:
        change = (wide.sub(wide.mean(axis=1), axis=0)).to_numpy()
    rng = np.random.default_rng(seed)
    orders = np.argsort(rng.random((n_permutations, codes.size)), axis=1)
    out = []
    for term, data in ((names["group"], means), (f"{names['group']}:{names['time']}", change)):
        complete = np.isfinite(data).all(axis=1)
        if np.unique(codes[complete]).size < 2:
            out.append({"term": term, "statistic": np.nan, "p": np.nan, "n_animals": int(complete.sum())})
            continue
        x, own = data[complete], codes[complete]
        observed = _pseudo_f(x, own[None])[0]
        shuffled = orders if complete.all() else np.argsort(rng.random((n_permutations, own.size)), axis=1)
        k = np.count_nonzero(_pseudo_f(x, own[shuffled]) >= observed * (1 - 1e-9))
        out.append(
            {
                "term": term,
                "statistic": float(observed),
                "p": float(rank_p(k, n_permutations)),
                "n_animals": int(complete.sum()),
            }
        )
    return pd.DataFrame(out)


def _pseudo_f(x: Floats, codes: NDArray[np.int64]) -> Floats:
    """Between- over within-group sum of squares of (unit, column) data, per arrangement of group codes."""
    x = x - x.mean(axis=0)
    k, n = int(codes.max()) + 1, len(x)
    total = float((x**2).sum())
    between = np.zeros(len(codes))
    for g in range(k):
        member = (codes == g).astype(np.float64)
        between += ((member @ x) ** 2).sum(axis=1) / np.maximum(member.sum(axis=1), 1)
    return (between / (k - 1)) / (np.maximum(total - between, 1e-12 * max(total, 1e-300)) / (n - k))
