"""Confidence intervals by resampling whole recordings (or animals), never frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from murid.data.errors import fail

#: With fewer animals (or recordings) the percentiles of a resample are those of the few values at hand: no interval.
MIN_GROUPS = 5


def cluster_weights(groups: Sequence[str], n_boot: int, seed: int) -> np.ndarray:
    """Return how often each recording is drawn in each resample, shape ``(n_boot, n_recordings)``.

    Whole groups (animals) are drawn with replacement, with all their recordings.
    """
    names, index = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(names.size, np.full(names.size, 1.0 / names.size), size=n_boot)
    return drawn[:, index]


def interval(
    parts: ArrayLike,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    groups: Sequence[str] | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    min_groups: int = MIN_GROUPS,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile bootstrap over recordings of a statistic of *summed* parts.

    Parameters
    ----------
    parts : array (recording, ...)
        What adds up over recordings, such as counts of true positives.
    statistic : callable
        Summed parts ``(n_boot, ...)`` → values ``(n_boot, ...)``; NaN values are left out.
    groups : sequence of str, optional
        Animal of each recording; recordings of one animal are drawn together.
    n_boot, level, seed
        Resamples, coverage, seed.
    min_groups : int
        Fewest groups that give an interval. Of two animals a resample holds the one, the other or both: its
        percentiles are their own values and the limit lies on the estimate.

    Returns
    -------
    low, high : arrays
        NaN when there are fewer than `min_groups` groups.
    """
    parts = np.asarray(parts, np.float64)
    names = [str(i) for i in range(len(parts))] if groups is None else list(groups)
    if len(names) != len(parts):
        fail("bootstrap", "one group per recording is needed", expected=str(len(parts)), got=str(len(names)))
    if len(set(names)) < max(2, min_groups):
        one = np.asarray(statistic(parts.sum(0, keepdims=True)))[0]
        return np.full(np.shape(one), np.nan), np.full(np.shape(one), np.nan)
    weights = cluster_weights(names, n_boot, seed).astype(np.float64)
    values = np.asarray(statistic(np.tensordot(weights, parts, axes=1)))
    tail = 50.0 * (1.0 - level)
    return _percentile(values, tail), _percentile(values, 100.0 - tail)


def jackknife_interval(
    parts: ArrayLike,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    level: float = 0.95,
    min_groups: int = MIN_GROUPS,
) -> tuple[float, float]:
    """Student's t interval of an agreement from leaving out one recording at a time.

    Made of ``log(1 − agreement)``, whose spread depends less on its level. The percentile bootstrap is too narrow
    with few recordings: κ of simulated recordings that differ in rater, 95 % interval, recordings 5/6/9/12/20:
    .83/.84/.89/.90/.91; this .94/.94/.94/.95/.95.

    Parameters
    ----------
    parts : array (recording, ...)
        What adds up over recordings, such as cross tables.
    statistic : callable
        Summed parts ``(n, ...)`` → one value below 1 each ``(n,)``.
    level : float
        Coverage.
    min_groups : int
        Fewest recordings that give an interval.

    Returns
    -------
    low, high : float
        NaN with fewer recordings, or where the agreement of all but one is complete or not defined.

    References
    ----------
    Miller RG (1974) The jackknife: a review. Biometrika 61:1.
    """
    from scipy.stats import t as student

    parts = np.asarray(parts, np.float64)
    n, total = len(parts), parts.sum(0)
    if n < max(2, min_groups):
        return float("nan"), float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.log1p(-np.asarray(statistic(total[None]), np.float64))[0]
        without = np.log1p(-np.asarray(statistic(total - parts), np.float64))
        error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    if not np.isfinite(error) or not np.isfinite(whole):
        return float("nan"), float("nan")
    half = float(student.isf((1 - level) / 2, n - 1)) * error
    return float(max(-np.expm1(whole + half), -1.0)), float(-np.expm1(whole - half))


def _percentile(values: np.ndarray, q: float) -> np.ndarray:
    """Percentile over the first axis without NaN; NaN where all are."""
    flat = values.reshape(len(values), -1)
    out = np.full(flat.shape[1], np.nan)
    for k in range(flat.shape[1]):
        known = flat[np.isfinite(flat[:, k]), k]
        if known.size:
            out[k] = np.percentile(known, q)
    return out.reshape(values.shape[1:])
