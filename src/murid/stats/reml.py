"""Restricted maximum likelihood of a model with random effects of one grouping factor, to its very maximum.

Fixed effects and residual variance are profiled out, and what is left (Bates et al. 2015) is a function of the root
of the random effects' covariance relative to the residual variance: one number for an intercept, three for intercept
and slope. Its slope is known in closed form, and optimisation goes on until nothing changes in the eighth digit.
An optimum in which intercept and slope go together entirely, or one of them does not vary, is found like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Roots of the covariance to start from, in residual SD.
STARTS = (1.0, 0.2, 3.0)
#: Largest slope of the criterion at an optimum.
FLAT = 1e-6


@dataclass(frozen=True)
class Reml:
    """A fitted model.

    Attributes
    ----------
    estimate : array (column,)
        Fixed effects.
    covariance : array (column, column)
        Of the estimates.
    random : array (effect, effect)
        Covariance of the random effects between units.
    residual : float
        Variance within units.
    converged : bool
        False where no optimum was found.
    """

    estimate: Floats
    covariance: Floats
    random: Floats
    residual: float
    converged: bool


@dataclass(frozen=True)
class _Products:
    """Sums of products of random effects, and of the columns with the outcome last: all that the likelihood needs."""

    own: Floats
    with_fixed: Floats
    fixed: Floats
    n: int

    @property
    def n_columns(self) -> int:
        return len(self.fixed) - 1


def fit_reml(y: Floats, columns: Floats, random: Floats, units: NDArray[np.int64]) -> Reml | None:
    """Fit ``y ~ columns + (random | unit)``; None where columns depend on each other or explain everything.

    Parameters
    ----------
    y : array (row,)
    columns : array (row, column)
        Fixed effects, of sizes near 1.
    random : array (row, effect)
        Effects that differ between units, such as ones and time.
    units : int array (row,)
        Code of each row's unit.

    References
    ----------
    Bates D, Mächler M, Bolker B, Walker S (2015) J Stat Softw 67:1.
    """
    from scipy.optimize import minimize

    if np.linalg.matrix_rank(columns) < columns.shape[1] or len(y) <= columns.shape[1]:
        return None
    products = _products(y, columns, random, units)
    size = random.shape[1]
    at = np.tril_indices(size)

    def criterion(theta: Floats) -> tuple[float, Floats]:
        root = np.zeros((size, size))
        root[at] = theta
        value, slope, _ = _profiled(products, root)
        return value, slope[at]

    if not np.isfinite(criterion(np.eye(size)[at])[0]):
        return None
    optima = [minimize(criterion, start * np.eye(size)[at], jac=True, method="BFGS", tol=1e-9) for start in STARTS]
    theta = _settled(criterion, min(optima, key=lambda r: float(r.fun)).x)
    root = np.zeros((size, size))
    root[at] = theta
    _, slope, (estimate, inverse, residual) = _profiled(products, root)
    return Reml(estimate, inverse * residual, root @ root.T * residual, residual, bool(np.abs(slope).max() < FLAT))


def _products(y: Floats, columns: Floats, random: Floats, units: NDArray[np.int64]) -> _Products:
    both = np.column_stack([columns, y])
    n_units, size = int(units.max()) + 1, random.shape[1]
    own, with_fixed = np.zeros((n_units, size, size)), np.zeros((n_units, size, both.shape[1]))
    np.add.at(own, units, random[:, :, None] * random[:, None])
    np.add.at(with_fixed, units, random[:, :, None] * both[:, None])
    return _Products(own, with_fixed, both.T @ both, len(y))


def _profiled(products: _Products, root: Floats) -> tuple[float, Floats, tuple[Floats, Floats, float]]:
    """Half the REML deviance, its slope in the root (effect, effect), and estimate, inverse and residual variance."""
    p, free = products.n_columns, products.n - products.n_columns
    middle = np.eye(len(root)) + root.T @ products.own @ root
    inner = np.linalg.inv(middle)
    # By Woodbury's identity: what is left of the sums of products when units' own effects are taken out.
    taken = root @ inner @ root.T
    left = products.fixed - np.einsum("uip,uij,ujq->pq", products.with_fixed, taken, products.with_fixed)
    sign, log_size = np.linalg.slogdet(left[:p, :p])
    estimate = np.linalg.solve(left[:p, :p], left[:p, p])
    rest = float(left[p, p] - left[:p, p] @ estimate)
    none = np.zeros_like(root)
    if sign <= 0 or rest <= 1e-14 * products.fixed[p, p]:
        return np.inf, none, (estimate, np.full((p, p), np.nan), 0.0)
    inverse = np.linalg.inv(left[:p, :p])
    value = 0.5 * (free * np.log(rest) + np.linalg.slogdet(middle)[1].sum() + log_size)
    outer = np.append(-estimate, 1.0)
    weight = free / rest * np.outer(outer, outer)
    weight[:p, :p] += inverse
    spread = products.with_fixed @ weight @ products.with_fixed.transpose(0, 2, 1)
    kept = np.eye(len(root)) - products.own @ taken
    slope = ((products.own - kept @ spread) @ root @ inner).sum(axis=0)
    return value, slope, (estimate, inverse, rest / free)


def _settled(criterion: Callable[[Floats], tuple[float, Floats]], theta: Floats) -> Floats:
    """Newton steps from slopes on both sides: the search before it stops where values can not be told apart."""
    for _ in range(5):
        step = 1e-5 * np.maximum(np.abs(theta), 1e-2)
        slope = criterion(theta)[1]
        curve = np.array([(criterion(theta + d)[1] - criterion(theta - d)[1]) / (2 * d.sum()) for d in np.diag(step)])
        moved = theta - np.linalg.lstsq((curve + curve.T) / 2, slope, rcond=1e-8)[0]
        if not np.abs(criterion(moved)[1]).max() < np.abs(slope).max():
            break
        theta = moved
    return theta
