"""How faithful a low-dimensional view is: near neighbours, class neighbours, global distances.

The three measures that PyRAT reports for its t-SNE (after Kobak & Berens 2019), each from 0 to 1 (CPD
from −1), 1 = nothing lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from murid.data.errors import fail


def embedding_quality(
    features: ArrayLike,
    view: ArrayLike,
    codes: ArrayLike,
    *,
    n_neighbors: int = 10,
    n_samples: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Return ``knn``, ``knc`` and ``cpd`` of a view.

    Parameters
    ----------
    features : array (time, feature)
        What the view was made from, scaled.
    view : array (time, dimension)
        The view; samples with NaN on either side are left out.
    codes : int array (time,)
        Motif of each sample, −1 unknown, for ``knc``.
    n_neighbors : int
        Neighbours of ``knn``. ``knc`` takes half as many classes as there are.
    n_samples, seed
        Random pairs are taken among this many samples, and ``knn`` asks for their neighbours.
    """
    x, z, y = np.asarray(features, np.float64), np.asarray(view, np.float64), np.asarray(codes)
    if not len(x) == len(z) == len(y):
        fail("embedding", "numbers of samples differ", expected=str(len(x)), got=f"{len(z)}, {len(y)}")
    known = np.isfinite(x).all(1) & np.isfinite(z).all(1)
    x, z, y = x[known], z[known], y[known]
    return {
        "knn": knn_overlap(x, z, n_neighbors=n_neighbors, n_samples=n_samples, seed=seed),
        "knc": knc_overlap(x, z, y),
        "cpd": distance_correlation(x, z, n_samples=n_samples, seed=seed),
    }


def knn_overlap(
    features: np.ndarray, view: np.ndarray, *, n_neighbors: int = 10, n_samples: int = 1000, seed: int = 0
) -> float:
    """Share of the nearest neighbours in the features that are so in the view too."""
    from scipy.spatial import cKDTree

    if len(features) <= n_neighbors:
        fail("embedding", "too few samples", expected=f"> {n_neighbors}", got=str(len(features)))
    rows = _some(len(features), n_samples, seed)
    # One sample is asked for more than wanted: itself.
    near = [cKDTree(a).query(a[rows], n_neighbors + 1)[1][:, 1:] for a in (features, view)]
    shared = [np.intersect1d(a, b).size for a, b in zip(*near, strict=True)]
    return float(np.mean(shared) / n_neighbors)


def knc_overlap(features: np.ndarray, view: np.ndarray, codes: np.ndarray, n_neighbors: int | None = None) -> float:
    """Share of each class's nearest class centroids in the features that are so in the view too; NaN below 3 classes.

    `n_neighbors` is half the number of classes by default, as in PyRAT.
    """
    kinds = np.unique(codes[codes >= 0])
    k = n_neighbors or len(kinds) // 2
    if len(kinds) < 3 or k < 1:
        return float("nan")
    near = []
    for a in (features, view):
        centres = np.stack([a[codes == c].mean(0) for c in kinds])
        apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        near.append(np.argsort(apart, axis=1, kind="stable")[:, :k])
    return float(np.mean([np.intersect1d(a, b).size for a, b in zip(*near, strict=True)]) / k)


def distance_correlation(features: np.ndarray, view: np.ndarray, *, n_samples: int = 1000, seed: int = 0) -> float:
    """Spearman correlation of the pairwise distances in the features with those in the view."""
    from scipy.spatial.distance import pdist
    from scipy.stats import spearmanr

    rows = _some(len(features), n_samples, seed)
    return float(spearmanr(pdist(features[rows]), pdist(view[rows])).statistic)


def _some(n: int, most: int, seed: int) -> np.ndarray:
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
