"""K-means: seeded, restarted, weighted, the same on any number of threads.

Greedy k-means++ seeding (Arthur & Vassilvitskii 2007) and Lloyd's iteration. The sums are
taken over chunks of fixed size and added in order in float64, so that the number of threads
cannot change a label (scikit-learn adds its thread sums in the order in which they finish).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail
from murid.learn.fitted_part import Fitted
from murid.learn.parallel import Map, chunks, workers
from murid.learn.segment._nearest import add_by_label, nearest_centroids, pick_nearest
from murid.learn.sequences import Arrays, Sequences, as_sequences

CHUNK = 8192
SEED_FRAMES = 10_000


@dataclass(frozen=True)
class KMeansModel(Fitted):
    """Fitted k-means.

    Parameters
    ----------
    centroids : (n_clusters, n_features) array
        Cluster centres, most used first.
    mass : (n_clusters,) array
        Summed weight (number of frames) of each cluster in the fit.
    inertia : float
        Weighted sum of squared distances to the nearest centroid, in squared feature units.
    """

    centroids: np.ndarray
    mass: np.ndarray
    inertia: float

    def predict(self, x: Arrays | Sequences, lengths=None, *, n_workers: int = 1):
        """Nearest centroid of each frame; −1 where a frame has a missing value.

        Returns
        -------
        (n_frames,) int array, or a list of them when a list was given
        """
        labels, _ = self.nearest(x, lengths, n_workers=n_workers)
        return labels

    def nearest(self, x: Arrays | Sequences, lengths=None, *, n_workers: int = 1):
        """Nearest centroid and Euclidean distance to it (NaN where missing), per frame."""
        seqs = as_sequences(x, lengths, dtype=self.centroids.dtype, n_features=self.centroids.shape[1])
        seen = seqs.observed
        labels = np.full(len(seen), -1, np.int32)
        distance = np.full(len(seen), np.nan, self.centroids.dtype)
        frames = seqs.frames if seen.all() else seqs.frames[seen]
        with workers(n_workers) as pmap:
            labels[seen], d2 = _assign(frames, self.centroids, pmap)
        distance[seen] = np.sqrt(d2)
        return seqs.answer(labels), seqs.answer(distance)


def fit_kmeans(
    x: Arrays | Sequences,
    n_clusters: int,
    lengths=None,
    *,
    weights: np.ndarray | None = None,
    seed: int | np.random.SeedSequence = 0,
    replicates: int = 10,
    max_iterations: int = 300,
    tolerance: float = 1e-4,
    screen_frames: int = 50_000,
    n_workers: int = 1,
) -> KMeansModel:
    """Fit k-means; frames with missing values are left out.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array
        Features, scaled by the caller; NaN where missing.
    n_clusters : int
    weights : (n_frames,) array, optional
        Weight of each frame; default 1.
    seed : int or SeedSequence
        Same seed, same clusters, on any number of workers.
    replicates : int
        Restarts; the one with the least inertia wins.
    max_iterations : int
        Lloyd iterations of one restart.
    tolerance : float
        Stop when the squared shift of the centroids is below this share of the mean variance.
    screen_frames : int
        With more frames than this, restarts compete on a random subset of this size and only the winner is refined
        on all frames: the choice of basin needs far fewer frames.
    n_workers : int
        Threads.

    Raises
    ------
    DataError
        When fewer distinct complete frames than clusters are left.
    """
    frames, w = _complete(as_sequences(x, lengths), weights, n_clusters)
    spread = tolerance * float(frames.var(axis=0).mean())
    streams = (seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)).spawn(replicates + 1)
    screen, screen_w = frames, w
    if screen_frames < len(frames):
        size = max(screen_frames, n_clusters)
        pick = np.sort(np.random.default_rng(streams[-1]).choice(len(frames), size, replace=False))
        screen, screen_w = np.ascontiguousarray(frames[pick]), w[pick]
    with workers(n_workers) as pmap:

        def attempt(stream: np.random.SeedSequence) -> KMeansModel:
            start = _plus_plus(screen, screen_w, n_clusters, np.random.default_rng(stream))
            return lloyd(screen, screen_w, start, max_iterations, spread, pmap)

        best = min(map(attempt, streams[: max(replicates, 1)]), key=lambda candidate: candidate.inertia)
        if screen is not frames:
            best = lloyd(frames, w, best.centroids, max_iterations, spread, pmap)
    order = np.argsort(-best.mass, kind="stable")
    return KMeansModel(best.centroids[order], best.mass[order], best.inertia)


def _complete(seqs: Sequences, weights: np.ndarray | None, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames without a missing value, and their weights."""
    seen = seqs.observed
    frames = seqs.frames if seen.all() else seqs.frames[seen]
    if len(frames) < least:
        fail(
            "k-means",
            "too few complete frames",
            expected=f"at least {least}",
            got=f"{len(frames)}",
            todo="use fewer clusters or fill the gaps first",
        )
    return frames, np.ones(len(frames), frames.dtype) if weights is None else np.asarray(weights, frames.dtype)[seen]


def _assign(frames: np.ndarray, centroids: np.ndarray, pmap: Map) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centroid and squared distance, by one matrix product a chunk around the centroids' mean."""
    labels = np.empty(len(frames), np.int32)
    d2 = np.empty(len(frames), frames.dtype)
    middle = centroids.mean(axis=0)
    near = centroids - middle
    half_square = 0.5 * (near**2).sum(axis=1)

    def assign(part: slice) -> None:
        x = frames[part] - middle
        pick_nearest(x, near, x @ near.T, half_square, labels[part], d2[part])

    pmap(assign, chunks(len(frames), max(64, min(CHUNK, 2**22 // len(centroids)))))
    return labels, d2


def lloyd(frames, weights, centroids, max_iterations: int, spread: float, pmap: Map) -> KMeansModel:
    """Lloyd's iteration from given `centroids` (K, D) until they move by less than `spread` (squared units)."""
    k, d = centroids.shape

    def sums_of(part: slice):
        sums, mass = np.zeros((k, d)), np.zeros(k)
        add_by_label(frames[part], weights[part], labels[part], sums, mass)
        return sums, mass

    before = None
    for _ in range(max_iterations):
        labels, d2 = _assign(frames, centroids, pmap)
        sums, mass = (sum(parts) for parts in zip(*pmap(sums_of, chunks(len(frames), CHUNK)), strict=True))
        fresh = (sums / np.maximum(mass, 1e-300)[:, None]).astype(frames.dtype)
        empty = np.flatnonzero(mass == 0)
        if len(empty):  # An empty cluster moves to the frames that are worst off.
            fresh[empty] = frames[np.argsort(-d2, kind="stable")[: len(empty)]]
        shift = float(((fresh - centroids) ** 2).sum())
        centroids = fresh
        if not len(empty) and (shift <= spread or (before is not None and np.array_equal(before, labels))):
            break
        before = labels
    labels, d2 = _assign(frames, centroids, pmap)
    mass = np.bincount(labels, weights, k)
    return KMeansModel(centroids, mass, float(np.dot(d2.astype(float), weights)))


def _plus_plus(frames: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Greedy k-means++ on at most `SEED_FRAMES` (or 4 a cluster) random frames."""
    size = min(len(frames), max(SEED_FRAMES, 4 * k))
    pick = rng.choice(len(frames), size, replace=False) if size < len(frames) else np.arange(len(frames))
    x, w = frames[pick], weights[pick].astype(float)
    centroids = np.empty((k, x.shape[1]), x.dtype)
    centroids[0] = x[rng.choice(size, p=w / w.sum())]
    trials = 2 + int(np.log(k))
    _, closest = _distance2(x, centroids[:1])
    for c in range(1, k):
        chance = np.cumsum(w * closest)
        if chance[-1] <= 0:
            centroids[c:] = x[rng.integers(size, size=k - c)]
            break
        at = np.minimum(np.searchsorted(chance, rng.random(trials) * chance[-1]), size - 1)
        options = [np.minimum(closest, _distance2(x, x[i : i + 1])[1]) for i in at]
        best = int(np.argmin([np.dot(w, option) for option in options]))
        centroids[c], closest = x[at[best]], options[best]
    return centroids


def _distance2(x: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, d2 = np.empty(len(x), np.int32), np.empty(len(x), x.dtype)
    nearest_centroids(x, np.ascontiguousarray(centroids.T), labels, d2)
    return labels, d2
