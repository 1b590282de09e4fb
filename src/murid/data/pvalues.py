"""p values: from a null distribution, and corrected for many tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rank_p(n_as_extreme: ArrayLike, n_null: ArrayLike) -> NDArray[np.float64]:
    """Return ``(1 + k) / (1 + B)``: the observed value counts as one draw of its own null.

    Never 0; the smallest possible p is ``1 / (B + 1)`` (Phipson & Smyth 2010). NaN where B is 0.

    Parameters
    ----------
    n_as_extreme : array of int
        How many null values are at least as extreme as the observed one.
    n_null : array of int
        How many null values there are.
    """
    k, b = np.asarray(n_as_extreme, np.float64), np.asarray(n_null, np.float64)
    return np.where(b > 0, (1.0 + k) / (1.0 + b), np.nan)


def two_sided(p_low: ArrayLike, p_high: ArrayLike) -> NDArray[np.float64]:
    """Return twice the smaller one-sided p, at most 1 (right for a skewed null, unlike ``|x|``)."""
    return np.minimum(1.0, 2.0 * np.minimum(np.asarray(p_low, np.float64), np.asarray(p_high, np.float64)))


def fdr(p: ArrayLike) -> NDArray[np.float64]:
    """Return Benjamini–Hochberg q values over all finite p, same shape; NaN (not tested) stays NaN."""
    from scipy.stats import false_discovery_control

    p = np.asarray(p, np.float64)
    q = np.full(p.shape, np.nan)
    tested = np.isfinite(p)
    if tested.any():
        q[tested] = false_discovery_control(np.clip(p[tested], 0.0, 1.0), method="bh")
    return q


def fdr_within(p: ArrayLike, family: ArrayLike) -> NDArray[np.float64]:
    """Return Benjamini–Hochberg q values of each family on its own, such as units and control channels.

    Parameters
    ----------
    p : array
        NaN where not tested.
    family : array of the shape of `p`
        To which family each belongs.
    """
    p, family = np.asarray(p, np.float64), np.asarray(family)
    q = np.full(p.shape, np.nan)
    for one in np.unique(family):
        q[family == one] = fdr(p[family == one])
    return q


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's step-down adjusted p over all finite p (family-wise error), same shape."""
    p = np.asarray(p, np.float64)
    out = np.full(p.shape, np.nan)
    flat = np.flatnonzero(np.isfinite(p))
    values = p.ravel()[flat]
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(values.size, 0, -1)
    out.ravel()[flat[order]] = np.minimum(1.0, np.maximum.accumulate(steps)) if values.size else steps
    return out
