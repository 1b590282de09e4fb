"""Principal components of aligned posture that last: those that change anew in every row are jitter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from murid.learn.embed.pca import PCA, fit_gap_components, fit_pca
from murid.prepare.shape import align_to, fit_template


def components_of(
    tables: Sequence[np.ndarray], variance: float, n_components: int, persistence: float
) -> dict[str, PCA]:
    """Components that complete frames with gaps (``fill``), and those of complete frames that are not jitter (``pca``).

    Parameters
    ----------
    tables : list of (T_i, D) arrays
        Aligned points, NaN where missing.
    variance : float
        Share of the variance that ``pca`` explains.
    n_components : int
        Most components of ``pca``.
    persistence : float
        See `without_jitter`.
    """
    fill = fit_gap_components(tables)
    complete = [fill.complete(t) for t in tables]
    pca = fit_pca(complete, variance, whiten=True, missing=False, max_components=n_components)
    return {"fill": fill, "pca": without_jitter(pca, complete, persistence)}


def without_jitter(pca: PCA, tables: Sequence[np.ndarray], least: float) -> PCA:
    """Leave out components of which less than `least` of the variance lasts from one row to the next."""
    if least == 0:
        return pca
    plain = replace(pca, whitener=None)
    raw = [plain.transform(t) for t in tables]
    steps = np.concatenate([np.diff(r, axis=0) for r in raw])
    stacked = np.concatenate(raw)
    lost = np.nanmean(steps**2, axis=0) / 2 / np.nanvar(stacked, axis=0)
    kept = np.flatnonzero(1 - lost >= least)
    if len(kept) < min(2, len(lost)):
        kept = np.sort(np.argsort(lost)[: min(2, len(lost))])
    known = stacked[~np.isnan(stacked).any(axis=1)][:, kept]
    cov = np.atleast_2d(np.cov(known.T, bias=True))
    return replace(pca, components=pca.components[kept], variance=pca.variance[kept], whitener=np.linalg.cholesky(cov))


def jitter_share(features: Sequence[np.ndarray]) -> float:
    """Share of the row-to-row steps of features that is white noise of single rows.

    White noise turns each step round in the next one: two steps in a row have a covariance of minus its variance.
    Movement that goes on for some rows gives a positive covariance.

    Parameters
    ----------
    features : list of (T_i, D) arrays
        NaN where missing.

    Returns
    -------
    float
        0 (or less: movement alone) … 1; weighted by the size of the steps of each feature; NaN without three rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> way = np.cumsum(rng.normal(size=(5000, 2)), axis=0)
    >>> jitter_share([way]) < 0.1, round(jitter_share([way + 2 * rng.normal(size=way.shape)]), 1)
    (True, 0.9)
    """
    turned = total = 0.0
    for table in features:
        step = np.diff(np.asarray(table, np.float64), axis=0)
        turned += float(np.nansum(step[1:] * step[:-1]))
        total += float(np.nansum(np.where(np.isnan(step[:-1]), np.nan, step[1:]) ** 2))
    return -2 * turned / total if total > 0 else float("nan")


def quick_scores(
    parts: Sequence[np.ndarray], variance: float, n_components: int, persistence: float
) -> list[np.ndarray]:
    """Whitened components of keypoints aligned by their own mean shape that are not jitter, float32 ``(row, D)`` each.

    Parameters
    ----------
    parts : list of (T_i, K, 2) arrays
    variance, n_components, persistence
        See `components_of`.
    """
    template = fit_template(parts)
    tables = [align_to(part, template).points.reshape(len(part), -1) for part in parts]
    components = components_of(tables, variance, n_components, persistence)
    return [np.asarray(components["pca"].transform(components["fill"].complete(t)), np.float32) for t in tables]
