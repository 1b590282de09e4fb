"""Differences and effect sizes, with intervals that hold in small groups.

==============================  ==================================================================
`welch_interval`                mean difference of two groups: Welch's t
`paired_interval`               mean of paired differences: t
`hedges_interval`               Hedges g: non-central t (Hedges & Olkin 1985)
`paired_effect_interval`        g_av: non-central t, rescaled (Algina & Keselman 2003)
==============================  ==================================================================

Bootstrap intervals are not used: with 4 to 12 animals a group the BCa interval of a mean difference
covers 84 to 93 % where 95 % is claimed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Interval = tuple[float, float]

#: Groups smaller than this get a note: p values and intervals rest on very few animals.
SMALL_GROUP = 8
NO_INTERVAL: Interval = (float("nan"), float("nan"))
#: Spread below this share of the values' size is rounding, not spread.
NO_SPREAD = 1e-12
#: A difference of means below this share of the values' size is rounding.
ROUNDING = 8 * float(np.finfo(np.float64).eps)


class Estimate(NamedTuple):
    """An estimate with its interval."""

    value: float
    interval: Interval


def hedges_j(df: int) -> float:
    """Return Hedges' small-sample correction J = 1 − 3 / (4 df − 1); NaN for df < 2, where g is not defined.

    Parameters
    ----------
    df : int
        n1 + n2 − 2, or n − 1 when paired.
    """
    return 1.0 - 3.0 / (4.0 * df - 1.0) if df >= 2 else float("nan")


def hedges_g(a: ArrayLike, b: ArrayLike, axis: int = -1) -> Floats:
    """Return Hedges g of b minus a: mean difference over pooled SD, times J.

    NaN where neither group has any spread.

    Parameters
    ----------
    a, b : array
        Values of the two groups along `axis`.
    axis : int
        Axis of the units.

    Returns
    -------
    float array
        `a` and `b` without `axis`.

    References
    ----------
    Hedges LV (1981) J Educ Stat 6:107.

    Examples
    --------
    >>> round(float(hedges_g([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])), 2)
    0.8
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    n_a, n_b = first.shape[axis], second.shape[axis]
    spread = pooled_sd(first, second, axis)
    scale = np.maximum(np.abs(first).max(axis=axis), np.abs(second).max(axis=axis))
    spread = np.where(spread > NO_SPREAD * scale, spread, np.nan)
    return hedges_j(n_a + n_b - 2) * (second.mean(axis=axis) - first.mean(axis=axis)) / spread


def mean_difference(a: ArrayLike, b: ArrayLike) -> float:
    """Return mean(b) − mean(a); 0 where it is the rounding of equal means, which has no direction.

    Parameters
    ----------
    a, b : array (n_a,), (n_b,)
        One value a unit.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    difference = float(second.mean() - first.mean())
    size = max(float(np.abs(first).max()), float(np.abs(second).max()))
    return difference if abs(difference) > ROUNDING * size else 0.0


def pooled_sd(a: Floats, b: Floats, axis: int = -1) -> Floats:
    """Return the SD within two groups, variances weighted by their degrees of freedom."""
    n_a, n_b = a.shape[axis], b.shape[axis]
    variance = (n_a - 1) * a.var(axis=axis, ddof=1) + (n_b - 1) * b.var(axis=axis, ddof=1)
    return np.asarray(np.sqrt(variance / (n_a + n_b - 2)), np.float64)


def paired_effects(a: ArrayLike, b: ArrayLike, axis: int = -1) -> tuple[Floats, Floats]:
    """Return ``g_av`` (mean difference over the mean SD, times J) and ``d_z`` (over the SD of differences).

    They answer different questions: g_av compares with unpaired g, d_z goes with the paired test. g_av needs
    three pairs (J is 0 for two) and is NaN below.

    Parameters
    ----------
    a, b : array
        Values before and after, units in the same order along `axis`.
    axis : int
        Axis of the units.

    Examples
    --------
    >>> g_av, d_z = paired_effects([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 6.0])
    >>> round(float(g_av), 2), round(float(d_z), 2)
    (0.6, 2.5)
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    d = second - first
    scale = np.maximum(np.abs(first).max(axis=axis), np.abs(second).max(axis=axis))
    spread = np.sqrt((first.var(axis=axis, ddof=1) + second.var(axis=axis, ddof=1)) / 2)
    spread = np.where(spread > NO_SPREAD * scale, spread, np.nan)
    of_differences = d.std(axis=axis, ddof=1)
    of_differences = np.where(of_differences > NO_SPREAD * scale, of_differences, np.nan)
    return hedges_j(d.shape[axis] - 1) * d.mean(axis=axis) / spread, d.mean(axis=axis) / of_differences


def welch_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """Return Welch's t interval of mean(b) − mean(a).

    Parameters
    ----------
    a, b : array (n_a,), (n_b,)
        One value a unit, two units at least.
    level : float
        Confidence level.

    Notes
    -----
    Equals ``scipy.stats.ttest_ind(b, a, equal_var=False).confidence_interval(level)``.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    parts = np.array([first.var(ddof=1) / first.size, second.var(ddof=1) / second.size])
    difference, variance = float(second.mean() - first.mean()), float(parts.sum())
    if variance <= 0:
        return (difference, difference)
    df = variance**2 / float((parts**2 / (np.array([first.size, second.size]) - 1)).sum())
    return around(difference, float(np.sqrt(variance)), df, level)


def paired_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """Return the t interval of the mean of b − a.

    Parameters
    ----------
    a, b : array (n,)
        Values of the same units in the same order.
    level : float
        Confidence level.
    """
    d = np.asarray(b, np.float64) - np.asarray(a, np.float64)
    return around(float(d.mean()), float(d.std(ddof=1) / np.sqrt(d.size)), d.size - 1, level)


def around(estimate: float, se: float, df: float, level: float) -> Interval:
    """Return ``estimate ± t(df) se``."""
    from scipy.stats import t

    width = float(t.ppf((1 + level) / 2, df)) * se
    return (estimate - width, estimate + width)


def hedges_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """Return the interval of the standardised difference that Hedges g estimates, from the non-central t.

    Exact for normal data of equal spread at any number of units. It does not hold for skewed data: log-normal
    values (SD of the logarithm 1, true difference one SD) are covered 78 to 87 % of the time where 95 % is claimed.

    Parameters
    ----------
    a, b : array (n_a,), (n_b,)
        One value a unit.
    level : float
        Confidence level.

    References
    ----------
    Hedges LV, Olkin I (1985) Statistical Methods for Meta-Analysis, ch. 5. Steiger JH (2004) Psychol Methods 9:164.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    df, root = first.size + second.size - 2, np.sqrt(1 / first.size + 1 / second.size)
    g = float(hedges_g(first, second))
    if not np.isfinite(g):
        return NO_INTERVAL
    return scaled_noncentrality(g / hedges_j(df) / root, df, float(root), level)


def paired_effect_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Interval:
    """Return the interval of ``g_av``: that of the paired t's non-centrality, in units of the mean SD.

    Parameters
    ----------
    a, b : array (n,)
        Values of the same units in the same order.
    level : float
        Confidence level.

    References
    ----------
    Algina J, Keselman HJ (2003) Educ Psychol Meas 63:537.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    g_av, d_z = (float(v) for v in paired_effects(first, second))
    if not (np.isfinite(g_av) and np.isfinite(d_z)):
        return NO_INTERVAL
    d, root = second - first, float(np.sqrt(first.size))
    scale = float(d.std(ddof=1) / np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)) / root
    return scaled_noncentrality(d_z * root, d.size - 1, scale, level)


def scaled_noncentrality(t: float, df: float, scale: float, level: float) -> Interval:
    """Return the interval of the non-centrality of an observed t, times `scale` (> 0).

    Parameters
    ----------
    t : float
        Observed t.
    df : float
        Its degrees of freedom.
    scale : float
        From non-centrality to effect size.
    level : float
        Confidence level.
    """
    from scipy.special import nctdtrinc

    low, high = (float(nctdtrinc(df, p, t)) for p in ((1 + level) / 2, (1 - level) / 2))
    return (scale * low, scale * high)
