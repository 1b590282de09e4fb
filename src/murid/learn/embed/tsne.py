"""t-SNE on spectrograms (Berman et al. 2014), through `openTSNE`, with placement of new frames.

Frames are distributions (normalised wavelet power), so their dissimilarity is the
Kullback–Leibler divergence in bits. It is computed exactly by matrix products, only the nearest
neighbours are kept, and new frames are optimised against the fixed map (Poličar et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from murid.data.errors import fail, require
from murid.learn.embed._neighbours import perplexity_weights
from murid.learn.embed.pca import fit_pca
from murid.learn.fitted_part import Fitted
from murid.learn.sequences import Arrays, Sequences, as_sequences

TINY = 1e-12
#: Frames whose hulls are looked at together.
HULLS = 4_000


class PlacedFrames(NamedTuple):
    """Frames on a map, as arrays or lists of arrays.

    Attributes
    ----------
    places : (n_frames, 2) array
        NaN where a value is missing.
    outside : (n_frames,) bool array
        Whether the place lies outside the convex hull of the frame's neighbours; False where a value is missing.
    mean : (n_frames, 2) array
        Weighted mean of the neighbours' places.
    """

    places: Any
    outside: Any
    mean: Any


@dataclass(frozen=True)
class Tsne(Fitted):
    """Fitted t-SNE map.

    Parameters
    ----------
    points : (n, D) array
        Frames of the fit, each summing to 1 when `divergence`.
    embedding : (n, 2) array
        Their places.
    perplexity : float
    n_neighbors : int
    divergence : bool
        Kullback–Leibler divergence (True) or squared Euclidean distance.
    seed : int
    error_bits : float, optional
        Training error: Kullback–Leibler divergence of the neighbourhoods in the map from those in the features
        (`training_error`); None in models of before it was kept.
    """

    points: np.ndarray
    embedding: np.ndarray
    perplexity: float
    n_neighbors: int
    divergence: bool
    seed: int
    error_bits: float | None = None

    def transform(self, x: Arrays | Sequences, lengths=None, *, iterations: int = 100, block: int = 20_000):
        """Places (n_frames, 2) of frames on the fixed map; NaN where a value is missing (see `place`)."""
        return self.place(x, lengths, iterations=iterations, block=block).places

    def place(self, x: Arrays | Sequences, lengths=None, *, iterations: int = 100, block: int = 20_000) -> PlacedFrames:
        """Place frames on the fixed map.

        Each frame starts at the weighted mean of its neighbours and is moved by t-SNE's gradient
        with the map held still. Frames do not influence each other. One that is unlike all its neighbours is pushed
        outside their convex hull; MotionMapper then falls back to the start.

        Parameters
        ----------
        x : list of (T_i, D) arrays or one (T, D) array
            Frames like those of the fit.
        iterations, block : int
            Steps of the gradient; frames that are moved at a time.
        """
        library = require("openTSNE", "motifs")
        seqs = as_sequences(x, lengths, dtype=np.float64, n_features=self.points.shape[1])
        seen = np.flatnonzero(seqs.observed)
        out = np.full((2, len(seqs.frames), 2), np.nan)
        outside = np.zeros(len(seqs.frames), bool)
        reference = library.TSNEEmbedding(
            self.embedding, library.affinity.PrecomputedAffinities(csr_matrix((len(self.points),) * 2), normalize=False)
        )
        for start in range(0, len(seen), block):
            rows = seen[start : start + block]
            at, distance = nearest_points(seqs.frames[rows], self.points, self.n_neighbors, divergence=self.divergence)
            weight = perplexity_weights(distance, self.perplexity)
            start_at = np.einsum("nk,nkd->nd", weight, self.embedding[at])
            moved = library.PartialTSNEEmbedding(
                start_at.copy(),
                reference,
                P=_sparse(at, weight, len(self.points)),
                learning_rate=0.1,
                n_jobs=1,
                negative_gradient_method="bh",
            ).optimize(iterations, exaggeration=1.5, momentum=0.0, max_grad_norm=0.25)
            out[0, rows], out[1, rows] = np.asarray(moved), start_at
            for some in range(0, len(rows), HULLS):
                part = slice(some, some + HULLS)
                outside[rows[part]] = outside_hull(out[0, rows[part]], self.embedding[at[part]])
        return PlacedFrames(seqs.answer(out[0]), seqs.answer(outside), seqs.answer(out[1]))


def outside_hull(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether each point lies outside the convex hull of its own set of points.

    Parameters
    ----------
    points : (n, 2) array
    others : (n, k, 2) array

    Returns
    -------
    (n,) bool array
        A point is outside where all others lie to one side of a line through it: their directions leave half a turn
        free.

    Examples
    --------
    >>> square = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]] * 2, float)
    >>> outside_hull(np.array([[0.5, 0.4], [1.5, 0.4]]), square)
    array([False,  True])
    """
    away = others - points[:, None]
    angle = np.sort(np.arctan2(away[..., 1], away[..., 0]), axis=1)
    free = np.concatenate([np.diff(angle, axis=1), angle[:, :1] + 2 * np.pi - angle[:, -1:]], axis=1)
    return free.max(axis=1) > np.pi


def fit_tsne(
    x: Arrays | Sequences,
    lengths=None,
    *,
    perplexity: float = 32.0,
    n_neighbors: int = 200,
    divergence: bool = True,
    exaggeration: float = 4.0,
    early_iterations: int = 125,
    iterations: int = 875,
    seed: int = 0,
) -> Tsne:
    """Fit t-SNE to the complete frames; the same seed gives the same map.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array
        Non-negative spectra when `divergence` (each frame is scaled to sum to 1), else features.
    perplexity, n_neighbors : float and int
        32 and at most 200 as in MotionMapper.
    divergence : bool
        Kullback–Leibler divergence in bits instead of squared Euclidean distance.
    exaggeration, early_iterations, iterations
        4 for 125 iterations, 1000 in all, as in MotionMapper.

    Raises
    ------
    DataError
        For too few frames, or negative values where distributions are needed.
    """
    library = require("openTSNE", "motifs")
    seqs = as_sequences(x, lengths, dtype=np.float64)
    points = _distributions(seqs.frames[seqs.observed]) if divergence else seqs.frames[seqs.observed]
    if len(points) < 3 * perplexity:
        fail("t-SNE", "too few complete frames", expected=f"at least {3 * perplexity:.0f}", got=str(len(points)))
    k = min(n_neighbors, len(points) - 1)
    at, distance = nearest_points(points, points, k, divergence=divergence, skip_self=True)
    joint = _sparse(at, perplexity_weights(distance, perplexity), len(points))
    joint = joint + joint.T
    joint = csr_matrix(joint / joint.sum())
    affinities = library.affinity.PrecomputedAffinities(joint, normalize=False)
    start = fit_pca(np.sqrt(points) if divergence else points, 2).transform(np.sqrt(points) if divergence else points)
    start = start / np.std(start[:, 0]) * 1e-4
    method = "bh" if len(points) < 10_000 else "fft"
    embedding = library.TSNEEmbedding(
        start, affinities, negative_gradient_method=method, n_jobs=1, random_state=seed, learning_rate="auto"
    )
    embedding = embedding.optimize(early_iterations, exaggeration=exaggeration, momentum=0.5)
    embedding = embedding.optimize(iterations, momentum=0.8)
    places = np.asarray(embedding)
    return Tsne(points, places, perplexity, k, divergence, seed, training_error(joint, places))


def training_error(joint: csr_matrix, embedding: np.ndarray) -> float:
    """Kullback–Leibler divergence of a map's neighbourhoods from those in the features, bits: what t-SNE makes small.

    Parameters
    ----------
    joint : (n, n) sparse array
        Probability of each pair in the features, summing to 1.
    embedding : (n, 2) array
        Places; pairs in the map weigh 1 / (1 + distance²).

    Examples
    --------
    >>> square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    >>> weight = 1 / (1 + ((square[:, None] - square) ** 2).sum(2)) - np.eye(4)
    >>> abs(training_error(csr_matrix(weight / weight.sum()), square)) < 1e-12
    True
    """
    pairs = joint.tocoo()
    total = 0.0
    block = max(1, 4_000_000 // max(len(embedding), 1))
    square = (embedding**2).sum(axis=1)
    for start in range(0, len(embedding), block):
        part = slice(start, start + block)
        apart = square[part, None] + square - 2 * embedding[part] @ embedding.T
        total += float((1 / (1 + np.maximum(apart, 0))).sum())
    apart = ((embedding[pairs.row] - embedding[pairs.col]) ** 2).sum(axis=1)
    weight = -np.log2(1 + apart) - np.log2(total - len(embedding))
    known = pairs.data > 0
    return float((pairs.data[known] * (np.log2(pairs.data[known]) - weight[known])).sum())


def nearest_points(x: np.ndarray, points: np.ndarray, k: int, *, divergence: bool, skip_self: bool = False):
    """Indices and dissimilarities (n, k) of the nearest `points` of each row of `x`, nearest first.

    With `divergence` the dissimilarity is KL(x ‖ point) in bits; the products run in blocks, so
    memory stays at 64 MB.
    """
    x = _distributions(x) if divergence else x
    k = min(k, len(points) - skip_self)
    log_points = np.log2(np.maximum(points, TINY)).T if divergence else points.T
    square = (points**2).sum(axis=1)
    at, nearest = np.empty((len(x), k), np.int64), np.empty((len(x), k))
    block = max(1, 8_000_000 // len(points))
    for start in range(0, len(x), block):
        rows = slice(start, start + block)
        part = x[rows]
        if divergence:
            distance = (part * np.log2(np.maximum(part, TINY))).sum(axis=1)[:, None] - part @ log_points
        else:
            distance = (part**2).sum(axis=1)[:, None] + square - 2 * part @ log_points
        if skip_self:
            distance[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        value = np.take_along_axis(distance, near, axis=1)
        order = np.argsort(value, axis=1, kind="stable")
        at[rows] = np.take_along_axis(near, order, axis=1)
        nearest[rows] = np.maximum(np.take_along_axis(value, order, axis=1), 0)
    return at, nearest


def _distributions(x: np.ndarray) -> np.ndarray:
    if len(x) and x.min() < 0:
        fail(
            "t-SNE",
            "negative values",
            expected="spectra (non-negative)",
            todo="use divergence=False for other features",
        )
    return x / np.maximum(x.sum(axis=1, keepdims=True), TINY)


def _sparse(at: np.ndarray, weight: np.ndarray, n: int) -> csr_matrix:
    rows = np.arange(0, at.size + 1, at.shape[1])
    return csr_matrix((weight.ravel(), at.ravel(), rows), shape=(len(at), n))
