"""Ward's hierarchical clustering of any number of frames, with a tree and a prediction.

Ward's tree of N frames needs the N² distances (54,000 frames: 12 GB). Here frames are first
gathered into at most 5,000 weighted prototypes (a few k-means iterations); Ward's criterion
takes weights exactly (Ward 1963; Lance & Williams 1967), the tree is built from centroids by
nearest-neighbour chains in O(N) memory (Murtagh 1983), and a new frame gets the label of its
nearest prototype. With no more frames than prototypes the tree is the exact one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from murid.data.errors import fail
from murid.learn.fitted_part import Fitted
from murid.learn.parallel import workers
from murid.learn.segment.kmeans import KMeansModel, lloyd
from murid.learn.sequences import Arrays, Sequences, as_sequences


@dataclass(frozen=True)
class Ward(Fitted):
    """Fitted Ward clustering.

    Parameters
    ----------
    prototypes : (P, D) array
        Weighted stand-ins of the frames.
    mass : (P,) array
        Frames behind each prototype.
    tree : (P − 1, 4) array
        Linkage as in `scipy.cluster.hierarchy`: two nodes, height, number of prototypes; the
        height is Ward's distance between the groups of *frames*, in feature units.
    labels : (P,) int array
        Cluster of each prototype, most used cluster first.
    """

    prototypes: np.ndarray
    mass: np.ndarray
    tree: np.ndarray
    labels: np.ndarray

    @property
    def n_clusters(self) -> int:
        """Number of clusters of the present cut."""
        return int(self.labels.max()) + 1

    def cut(self, *, n_clusters: int | None = None, height: float | None = None) -> Ward:
        """Return the same tree cut elsewhere: into `n_clusters`, or at `height` (feature units)."""
        return replace(self, labels=_cut(self.tree, self.mass, n_clusters, height))

    def predict(self, x: Arrays | Sequences, lengths=None, *, n_workers: int = 1):
        """Cluster of the nearest prototype of each frame; −1 where a frame has a missing value."""
        seqs = as_sequences(x, lengths, n_features=self.prototypes.shape[1])
        nearest = KMeansModel(self.prototypes, self.mass, 0.0).predict(
            Sequences(seqs.frames, seqs.offsets, False), n_workers=n_workers
        )
        return seqs.answer(np.where(nearest >= 0, self.labels[nearest], -1).astype(np.int32))

    def top(self) -> np.ndarray:
        """Return the tree above the cut, a linkage (n_clusters − 1, 4) whose leaves are the clusters in their order.

        The height of a join is Ward's distance, as in `tree`; what lies below the cut is left out.
        """
        n = len(self.mass)
        cluster: list[int] = self.labels.tolist()
        size = [1] * self.n_clusters
        rows = []
        for a, b, height, _ in self.tree:
            one, two = cluster[int(a)], cluster[int(b)]
            if one == two:
                cluster.append(one)
                continue
            size.append(size[one] + size[two])
            rows.append((*sorted((one, two)), height, size[-1]))
            cluster.append(len(size) - 1)
        assert len(cluster) == 2 * n - 1
        return np.array(rows, np.float64).reshape(-1, 4)


def fit_ward(
    x: Arrays | Sequences,
    lengths=None,
    *,
    n_clusters: int | None = None,
    height: float | None = None,
    weights: np.ndarray | None = None,
    n_prototypes: int = 5000,
    seed: int = 0,
    n_workers: int = 1,
) -> Ward:
    """Fit Ward's tree and cut it.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array
        Features, scaled by the caller; frames with NaN are left out.
    n_clusters, height : int or float
        Give exactly one: number of clusters, or the height above which nothing is merged.
    weights : (n_frames,) array, optional
        Weight of each frame; default 1.
    n_prototypes : int
        Most prototypes; memory and time of the tree grow with its square at worst.
    seed : int
        Same seed, same tree, on any number of workers.

    Raises
    ------
    DataError
        With fewer than two complete frames, or without exactly one way to cut.
    """
    if (n_clusters is None) == (height is None):
        fail("Ward", "no single way to cut the tree", expected="n_clusters or height", got="both or neither")
    seqs = as_sequences(x, lengths)
    seen = seqs.observed
    frames = seqs.frames[seen]
    w = np.ones(len(frames)) if weights is None else np.asarray(weights, float)[seen]
    if len(frames) < 2:
        fail("Ward", "too few complete frames", expected="at least 2", got=str(len(frames)))
    prototypes, mass = frames, w
    if len(frames) > n_prototypes:
        prototypes, mass = _prototypes(frames, w, n_prototypes, seed, n_workers)
    tree = weighted_ward(prototypes, mass)
    return Ward(prototypes, mass, tree, _cut(tree, mass, n_clusters, height))


def weighted_ward(centroids: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Ward's linkage (n − 1, 4) of weighted points, in scipy's format.

    Parameters
    ----------
    centroids : (n, D) array
    mass : (n,) array
        Positive weights; with weights 1 this is ``scipy.cluster.hierarchy.ward``.
    """
    n = len(centroids)
    pairs, heights = _chain(np.array(centroids, np.float64), np.array(mass, np.float64))
    order = np.argsort(heights, kind="stable")
    root, size = np.arange(n), np.ones(n, int)
    name = np.arange(n)
    tree = np.empty((n - 1, 4))
    for step, at in enumerate(order):
        a, b = (_root(root, int(i)) for i in pairs[at])
        low, high = sorted((name[a], name[b]))
        root[b] = a
        size[a] += size[b]
        name[a] = n + step
        tree[step] = low, high, heights[at], size[a]
    return tree


def _root(root: np.ndarray, i: int) -> int:
    while root[i] != i:
        root[i] = root[root[i]]
        i = int(root[i])
    return i


@njit(cache=True, nogil=True)
def _closest(centroids, mass, alive, current, before):
    """Nearest living neighbour of `current` in Ward's squared distance; `before` wins ties."""
    best, least = -1, np.inf
    for other in range(centroids.shape[0]):
        if alive[other] and other != current:
            gap = 0.0
            for j in range(centroids.shape[1]):
                step = centroids[current, j] - centroids[other, j]
                gap += step * step
            gap *= 2.0 * mass[current] * mass[other] / (mass[current] + mass[other])
            if gap < least or (gap == least and other == before):
                best, least = other, gap
    return best, least


@njit(cache=True, nogil=True)
def _chain(centroids, mass):
    """Nearest-neighbour chain; consumes its inputs. Returns merged slots (n − 1, 2) and heights (n − 1,)."""
    n = centroids.shape[0]
    alive = np.ones(n, np.bool_)
    pairs = np.empty((n - 1, 2), np.int64)
    heights = np.empty(n - 1)
    path = np.empty(n, np.int64)
    depth = 0
    start = 0
    for step in range(n - 1):
        if depth == 0:
            while not alive[start]:
                start += 1
            path[0] = start
            depth = 1
        while True:
            current = path[depth - 1]
            before = path[depth - 2] if depth > 1 else -1
            other, gap = _closest(centroids, mass, alive, current, before)
            if other == before:
                break
            path[depth] = other
            depth += 1
        depth -= 2
        pairs[step, 0], pairs[step, 1], heights[step] = current, other, np.sqrt(gap)
        whole = mass[current] + mass[other]
        for j in range(centroids.shape[1]):
            centroids[current, j] = (mass[current] * centroids[current, j] + mass[other] * centroids[other, j]) / whole
        mass[current] = whole
        alive[other] = False
    return pairs, heights


def _cut(tree: np.ndarray, mass: np.ndarray, n_clusters: int | None, height: float | None) -> np.ndarray:
    from scipy.cluster.hierarchy import fcluster

    if n_clusters is not None and n_clusters > len(mass):
        fail("Ward", "too many clusters", expected=f"at most {len(mass)}", got=str(n_clusters))
    clusters = fcluster(tree, n_clusters, "maxclust") if n_clusters is not None else fcluster(tree, height, "distance")
    used = np.bincount(clusters, mass)
    place = np.empty(len(used), np.int32)
    place[np.argsort(-used, kind="stable")] = np.arange(len(used))
    return place[clusters]


def _prototypes(frames, weights, n: int, seed: int, n_workers: int) -> tuple[np.ndarray, np.ndarray]:
    """Random frames moved by five k-means iterations on a subset, weighted by all frames nearest to them."""
    rng = np.random.default_rng(seed)
    some = rng.choice(len(frames), min(len(frames), 4 * n), replace=False)
    with workers(n_workers) as pmap:
        rough = lloyd(frames[some], weights[some].astype(frames.dtype), frames[some[:n]].copy(), 5, 0.0, pmap)
        full = lloyd(frames, weights.astype(frames.dtype), rough.centroids, 1, 0.0, pmap)
    filled = full.mass > 0
    return full.centroids[filled], full.mass[filled]
