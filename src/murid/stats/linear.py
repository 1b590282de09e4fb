"""Differences adjusted for covariates: a linear model whose errors may differ in spread between units.

Standard errors are HC2 (MacKinnon & White 1985) and degrees of freedom Bell & McCaffrey's (2002). Without
covariates and with two groups the statistic is Welch's t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.errors import Faults
from murid.stats.effects import NO_INTERVAL, NO_SPREAD, Estimate, around, hedges_j

Floats = NDArray[np.float64]

#: Leverages closer to 1 than this: the unit decides its own fitted value and adds nothing to the estimate of spread.
FULL_LEVERAGE = 1e-9


@dataclass(frozen=True)
class Design:
    """Columns of a linear model, split into what is tested and what is adjusted for.

    Attributes
    ----------
    tested : float array (unit, p)
        Group dummies; the first group is the reference.
    nuisance : float array (unit, q)
        Intercept and covariates (standardised numbers; dummies of text).
    """

    tested: Floats
    nuisance: Floats

    @property
    def full(self) -> Floats:
        """All columns, the tested ones last."""
        return np.column_stack([self.nuisance, self.tested])

    @property
    def df(self) -> int:
        """Residual degrees of freedom."""
        return len(self.tested) - rank(self.full)


def rank(columns: Floats) -> int:
    """Return the rank of a matrix whose columns may differ in scale."""
    size = np.sqrt((columns**2).sum(axis=0))
    return int(np.linalg.matrix_rank(columns / np.where(size > 0, size, 1.0), tol=1e-8))


def design_of(table: pd.DataFrame, groups: Sequence[str], covariates: Sequence[str]) -> Design:
    """Return group dummies and covariates of a table of units.

    Parameters
    ----------
    table : DataFrame
        Columns ``group`` and the covariates.
    groups : sequence of str
        Groups in order, reference first.
    covariates : sequence of str
        Numbers are standardised, text becomes dummies.
    """
    group = pd.Categorical(table["group"], categories=list(groups))
    tested = pd.get_dummies(group, drop_first=True).to_numpy(np.float64)
    z = np.zeros((len(table), 0))
    if covariates:
        z = pd.get_dummies(table[list(covariates)], drop_first=True).to_numpy(np.float64)
    spread = z.std(axis=0)
    z = (z - z.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return Design(tested, np.column_stack([np.ones(len(z)), z[:, spread > 0]]))


def check_identified(table: pd.DataFrame, groups: Sequence[str], covariates: Sequence[str], faults: Faults) -> None:
    """Note as faults the covariates that cannot be separated from the group, and too many of them.

    Parameters
    ----------
    table, groups, covariates
        See `design_of`.
    faults : Faults
        Where to note them.
    """
    own = len(groups) - 1
    for name in covariates:
        alone = design_of(table, groups, [name])
        if rank(alone.full) - rank(alone.nuisance) == own:
            continue
        text = not pd.api.types.is_numeric_dtype(table[name])
        per_group = table.groupby("group")[name].nunique()
        nested = text and int((table.groupby(name)["group"].nunique() > 1).sum()) == 0 and int(per_group.min()) > 1
        faults.add(
            f"the effect of the group cannot be separated from that of '{name}'",
            expected=f"'{name}' that varies within groups",
            got=f"every '{name}' occurs in one group only" if nested else f"'{name}' that follows from the group",
            todo=f"make it the unit of analysis (unit='{name}'), or leave it out"
            if nested
            else "leave it out: this study can not separate the two",
        )
    if faults or not covariates:
        return
    both = design_of(table, groups, covariates)
    if rank(both.full) - rank(both.nuisance) < own:
        faults.add(
            f"the effect of the group cannot be separated from that of {' and '.join(covariates)} together",
            todo="leave one of them out",
        )
    elif both.df < 1:
        faults.add(
            "too many covariates for so few units",
            expected=f"more than {rank(both.full)} units",
            got=str(len(table)),
            todo="leave some out",
        )


def basis(columns: Floats) -> Floats:
    """Return an orthonormal basis of the column space."""
    u, s, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(u[:, s > s.max() * 1e-10], np.float64)


def contrast_weights(full: Floats, n_tested: int) -> tuple[Floats, Floats]:
    """Return the rows that give the tested coefficients ``(p, unit)``, and each unit's leverage ``(unit,)``."""
    size = np.sqrt((full**2).sum(axis=0))
    size = np.where(size > 0, size, 1.0)
    rows = np.linalg.pinv(full / size, rcond=1e-10) / size[:, None]
    leverage = (basis(full) ** 2).sum(axis=1)
    return rows[-n_tested:], leverage


def wald(values: Floats, full: Floats, n_tested: int) -> Floats:
    """Return the HC2 Wald statistic of the last `n_tested` columns; signed t when there is one of them.

    Parameters
    ----------
    values : float array (arrangement, unit)
        Outcomes; each row is one arrangement.
    full : float array (unit, column)
        The model; tested columns last.
    n_tested : int
        p.

    Returns
    -------
    float array (arrangement,)
        t for p = 1, else chi-square over p.
    """
    rows, leverage = contrast_weights(full, n_tested)
    q = basis(full)
    estimate = values @ rows.T
    residual = values - (values @ q) @ q.T
    share = np.where(leverage < 1 - FULL_LEVERAGE, 1 / np.maximum(1 - leverage, FULL_LEVERAGE), 0.0)
    pairs = (rows[:, None] * rows[None]).reshape(n_tested**2, -1) * share
    covariance = (residual**2 @ pairs.T).reshape(-1, n_tested, n_tested)
    # The tiny floor orders arrangements without any spread by their difference instead of dividing by 0.
    floor = 1e-20 * max(float((values[0] ** 2).mean()), 1e-300)
    covariance = covariance + floor * np.eye(n_tested)
    if n_tested == 1:
        return np.asarray(estimate[:, 0] / np.sqrt(covariance[:, 0, 0]), np.float64)
    solved = np.linalg.solve(covariance, estimate[..., None])[..., 0]
    return np.asarray((estimate * solved).sum(axis=1) / n_tested, np.float64)


def adjusted_difference(values: Floats, design: Design, level: float) -> Estimate:
    """Return the adjusted difference of two groups with its HC2 interval.

    Parameters
    ----------
    values : float array (unit,)
        Outcome.
    design : Design
        Of two groups.
    level : float
        Confidence level.

    References
    ----------
    Bell RM, McCaffrey DF (2002) Surv Methodol 28:169. Imbens GW, Kolesár M (2016) Rev Econ Stat 98:701.
    """
    full = design.full
    rows, leverage = contrast_weights(full, 1)
    row = rows[0]
    q = basis(full)
    projection = q @ q.T
    usable = leverage < 1 - FULL_LEVERAGE
    root = np.where(usable, 1 / np.sqrt(np.maximum(1 - leverage, FULL_LEVERAGE)), 0.0)
    residual = values - projection @ values
    variance = float(((row * root * residual) ** 2).sum())
    # Satterthwaite: the variance estimate is a quadratic form of the residuals.
    form = (np.eye(len(values)) - projection) * (row * root)
    gram = form.T @ form
    df = float(np.trace(gram) ** 2 / (gram**2).sum())
    estimate = float(row @ values)
    return Estimate(estimate, around(estimate, float(np.sqrt(variance)), df, level))


def adjusted_effect(values: Floats, design: Design, level: float) -> Estimate:
    """Return the adjusted difference over the SD within groups (times J), so that its sign is that of the difference.

    The SD is that of the values themselves, as for g without covariates: over what is left when covariates have
    explained their part, g would grow with every covariate.

    Parameters
    ----------
    values : float array (unit,)
        Outcome.
    design : Design
        Of two groups.
    level : float
        Confidence level.
    """
    full, member = design.full, design.tested[:, 0] > 0.5
    rows, _ = contrast_weights(full, 1)
    q = basis(full)
    df, estimate = design.df, float(rows[0] @ values)
    within = values - np.where(member, values[member].mean(), values[~member].mean())
    spread = float(np.sqrt((within**2).sum() / (len(values) - 2)))
    residual = values - q @ (q.T @ values)
    se = float(np.sqrt((residual**2).sum() / df * (rows[0] ** 2).sum()))
    if spread <= NO_SPREAD * float(np.abs(values).max()):
        return Estimate(float("nan"), NO_INTERVAL)
    # Two sources: the difference, and the SD it is divided by (variance g² / 2 df; Hedges & Olkin 1985).
    d = estimate / spread
    error = float(np.sqrt((se / spread) ** 2 + d**2 / (2 * (len(values) - 2))))
    return Estimate(hedges_j(len(values) - 2) * d, around(d, error, df, level))
