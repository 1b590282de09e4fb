"""Effect sizes and their bootstrap intervals."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]


def hedges_j(df: int) -> float:
    """Return Hedges' small-sample correction J = 1 − 3 / (4 df − 1); df = n1 + n2 − 2, or n − 1 when paired."""
    return 1.0 - 3.0 / (4.0 * df - 1.0)


def hedges_g(a: ArrayLike, b: ArrayLike, axis: int = -1) -> NDArray[np.float64]:
    """Return Hedges g of b minus a: mean difference over pooled sd, times J.

    Parameters
    ----------
    a, b : array
        Values of the two groups along `axis`.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    n_a, n_b = a.shape[axis], b.shape[axis]
    pooled = ((n_a - 1) * a.var(axis=axis, ddof=1) + (n_b - 1) * b.var(axis=axis, ddof=1)) / (n_a + n_b - 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return hedges_j(n_a + n_b - 2) * (b.mean(axis=axis) - a.mean(axis=axis)) / np.sqrt(pooled)


def paired_effects(a: ArrayLike, b: ArrayLike, axis: int = -1) -> tuple[Floats, Floats]:
    """Return ``g_av`` (mean difference over the mean sd, times J) and ``d_z`` (over the sd of differences).

    They answer different questions: g_av compares with unpaired g, d_z goes with the paired test.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    d = b - a
    n = d.shape[axis]
    spread = np.sqrt((a.var(axis=axis, ddof=1) + b.var(axis=axis, ddof=1)) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return hedges_j(n - 1) * d.mean(axis=axis) / spread, d.mean(axis=axis) / d.std(axis=axis, ddof=1)


def bca(
    samples: tuple[ArrayLike, ...],
    statistic: Callable[..., Floats],
    *,
    level: float = 0.95,
    n_boot: int = 4999,
    seed: int = 0,
    paired: bool = False,
) -> Interval:
    """Return a bias-corrected and accelerated bootstrap interval.

    Falls back to the percentile interval where BCa is not defined (all resamples on one side), and to NaN
    where there is no spread at all.

    Parameters
    ----------
    samples : tuple of array (n,)
        One per group; resampled alone, or together when `paired`.
    statistic : function (*samples, axis) -> array
        Vectorised statistic.
    """
    from scipy.stats import bootstrap

    data = tuple(np.asarray(s, np.float64) for s in samples)

    # Resamples of very few units can have no spread; their effect is not defined and they are left out.
    def finite(*resampled: Floats, axis: int = -1) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return statistic(*resampled, axis=axis)

    observed = finite(*data)
    if not np.isfinite(observed):
        return (float("nan"), float("nan"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy warns of each degenerate case that is handled here
        found = bootstrap(
            data,
            finite,
            n_resamples=n_boot,
            confidence_level=level,
            method="BCa",
            vectorized=True,
            paired=paired,
            rng=np.random.default_rng(seed),
        )
    low, high = found.confidence_interval
    if not (np.isfinite(low) and np.isfinite(high)):
        draws = np.asarray(found.bootstrap_distribution)
        draws = draws[np.isfinite(draws)]
        if draws.size < 100:
            return (float("nan"), float("nan"))
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
