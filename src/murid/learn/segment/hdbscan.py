"""HDBSCAN with a sweep over cluster sizes on one tree (as B-SOiD uses it).

Campello et al. 2013, through the `hdbscan` library. The single-linkage tree does not depend on
the smallest cluster size, so a sweep of 25 sizes builds it once and condenses it 25 times. The
size that gives the most clusters wins; points that belong to none are −1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail, require
from murid.learn.fitted_part import Fitted
from murid.learn.sequences import Arrays, Sequences, as_sequences


@dataclass(frozen=True)
class Hdbscan(Fitted):
    """Fitted density clusters; cluster 0 is the largest.

    Parameters
    ----------
    points : (n, D) array
        Complete frames of the fit.
    labels : (n,) int array
        Cluster of each point, −1 for noise.
    sizes, counts : (n_sizes,) int arrays
        Smallest cluster sizes tried and the number of clusters each gave.
    min_cluster_size : int
        The size chosen.
    """

    points: np.ndarray
    labels: np.ndarray
    sizes: np.ndarray
    counts: np.ndarray
    min_cluster_size: int

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.labels.max()) + 1

    def predict(self, x: Arrays | Sequences, lengths=None):
        """Label of the nearest point of the fit; −1 where that is noise or a frame has a missing value."""
        from scipy.spatial import cKDTree

        seqs = as_sequences(x, lengths, n_features=self.points.shape[1])
        labels = np.full(len(seqs.frames), -1, np.int32)
        seen = seqs.observed
        if seen.any():
            _, at = cKDTree(self.points).query(seqs.frames[seen])
            labels[seen] = self.labels[at]
        return seqs.answer(labels)


def fit_hdbscan(
    x: Arrays | Sequences,
    lengths=None,
    *,
    shares: tuple[float, float] = (0.005, 0.01),
    n_sizes: int = 25,
    min_samples: int = 1,
    n_workers: int = 1,
) -> Hdbscan:
    """Fit HDBSCAN for a range of smallest cluster sizes and keep the one with the most clusters.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array
        Points, usually an embedding of few dimensions; frames with NaN are left out.
    shares : (float, float)
        Range of the smallest cluster size as a share of all points; 0.5–1 % as in B-SOiD.
    n_sizes : int
        Number of sizes tried.
    min_samples : int
        Neighbours that make a point dense; 1 as in B-SOiD.
    n_workers : int
        Processes that search neighbours.

    Raises
    ------
    DataError
        When no size gives at least two clusters, or there are too few points.
    """
    library = require("hdbscan", "motifs")
    from hdbscan.hdbscan_ import _tree_to_labels

    seqs = as_sequences(x, lengths, dtype=np.float64)
    points = np.ascontiguousarray(seqs.frames[seqs.observed])
    sizes = np.unique(np.maximum(np.round(np.linspace(*shares, n_sizes) * len(points)), 2).astype(int))
    if len(points) < 10:
        fail("HDBSCAN", "too few complete frames", expected="at least 10", got=str(len(points)))
    model = library.HDBSCAN(int(sizes[0]), min_samples=min_samples, core_dist_n_jobs=n_workers).fit(points)
    tree = model.single_linkage_tree_.to_numpy()
    counts = np.array([_tree_to_labels(points, tree, int(size))[0].max() + 1 for size in sizes])
    if counts.max() < 2:
        fail(
            "HDBSCAN",
            "no two clusters at any size",
            got=f"sizes {sizes[0]} to {sizes[-1]} of {len(points)} points",
            todo="lower `shares` or embed with more neighbours",
        )
    best = int(sizes[np.argmax(counts)])
    labels = _tree_to_labels(points, tree, best)[0]
    order = np.argsort(-np.bincount(labels[labels >= 0], minlength=counts.max()), kind="stable")
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    return Hdbscan(points, np.where(labels >= 0, place[labels], -1).astype(np.int32), sizes, counts, best)


def soft_labels(clustering: Hdbscan, *, min_samples: int = 1, n_workers: int = 1) -> np.ndarray:
    """Give points outside all clusters the one of highest membership, as B-SOiD computes it.

    Parameters
    ----------
    clustering : Hdbscan
        Holds the points of its fit.
    min_samples, n_workers : int
        As in the fit.

    Returns
    -------
    (n,) int array
        Cluster of each complete point; −1 where a point has no membership at all. Points of a cluster stay in it.

    Notes
    -----
    Time grows with points times points of the clusters' cores: a minute for 20,000 points where the fit takes seconds.
    """
    library = require("hdbscan", "motifs")
    points = clustering.points
    model = library.HDBSCAN(
        clustering.min_cluster_size, min_samples=min_samples, core_dist_n_jobs=n_workers, prediction_data=True
    ).fit(points)
    membership = np.atleast_2d(library.all_points_membership_vectors(model))
    # Clusters are numbered by size here, not in the library: the points that both hold tell which is which.
    name = np.full(membership.shape[1], -1)
    for own in range(membership.shape[1]):
        inside = clustering.labels[model.labels_ == own]
        inside = inside[inside >= 0]
        name[own] = np.bincount(inside).argmax() if inside.size else -1
    best = np.where(membership.max(axis=1) > 0, name[membership.argmax(axis=1)], -1)
    return np.where(clustering.labels >= 0, clustering.labels, best).astype(np.int32)
