"""UMAP (McInnes et al. 2018) through `umap-learn`: seeded, and with a placement that needs no pickle."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail, require
from murid.learn.embed._neighbours import perplexity_weights
from murid.learn.fitted_part import Fitted
from murid.learn.sequences import Arrays, Sequences, as_sequences


@dataclass(frozen=True)
class Umap(Fitted):
    """Fitted UMAP embedding.

    Parameters
    ----------
    points : (n, D) array
        Frames of the fit.
    embedding : (n, d) array
        Their places.
    n_neighbors : int
        Neighbours of the fit.
    """

    points: np.ndarray
    embedding: np.ndarray
    n_neighbors: int

    def transform(self, x: Arrays | Sequences, lengths=None):
        """Places (n_frames, d) of frames among their neighbours in the fit; NaN where a value is missing.

        A frame is put at the mean of its nearest neighbours, weighted as UMAP weights them (the
        place from which UMAP's own transform starts its refinement); a frame of the fit comes
        back at its own place.
        """
        from scipy.spatial import cKDTree

        seqs = as_sequences(x, lengths, n_features=self.points.shape[1])
        seen = seqs.observed
        out = np.full((len(seen), self.embedding.shape[1]), np.nan)
        if seen.any():
            k = min(self.n_neighbors, len(self.points))
            distance, at = cKDTree(self.points).query(seqs.frames[seen], k)
            distance, at = distance.reshape(-1, k), at.reshape(-1, k)
            # UMAP's bandwidth rule: the weights' sum is log2(k), so their effective number is about that.
            weight = perplexity_weights(distance, max(np.log2(k), 1.5)) if k > 2 else np.ones_like(distance) / k
            places = np.einsum("nk,nkd->nd", weight, self.embedding[at])
            known = distance[:, 0] == 0
            places[known] = self.embedding[at[known, 0]]
            out[seen] = places
        return seqs.answer(out)


def fit_umap(
    x: Arrays | Sequences,
    n_components: int = 2,
    lengths=None,
    *,
    n_neighbors: int = 60,
    min_dist: float = 0.0,
    metric: str = "euclidean",
    max_points: int | None = None,
    seed: int = 0,
) -> Umap:
    """Fit UMAP to the complete frames; the same seed gives the same embedding.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array
        Features, scaled by the caller.
    n_components : int
        Dimensions of the embedding.
    n_neighbors, min_dist : int and float
        60 and 0 as in B-SOiD; 200 and 0.1 for VAME's views.
    max_points : int, optional
        Fit on a random subset of at most this many frames.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # umap says that tensorflow is missing
        library = require("umap", "motifs")
    seqs = as_sequences(x, lengths)
    points = seqs.frames[seqs.observed]
    if max_points is not None and len(points) > max_points:
        points = points[np.sort(np.random.default_rng(seed).choice(len(points), max_points, replace=False))]
    if len(points) <= n_neighbors:
        fail("UMAP", "too few complete frames", expected=f"more than {n_neighbors} (n_neighbors)", got=str(len(points)))
    model = library.UMAP(
        precomputed_knn=_exact_neighbours(points, n_neighbors) if metric == "euclidean" else (None, None, None),
        n_neighbors=n_neighbors,
        n_components=n_components,
        min_dist=min_dist,
        metric=metric,
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        embedding = model.fit_transform(points)
    return Umap(points.copy(), np.asarray(embedding, np.float32), n_neighbors)


def _exact_neighbours(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, None]:
    """Nearest neighbours, itself first, by matrix products: exact, and spares compiling the approximate search.

    5,000 points of 121 features and 60 neighbours: 26 CPU-s for the whole embedding instead of 79.
    """
    from murid.learn.embed.tsne import nearest_points

    at, square = nearest_points(
        points.astype(np.float64), points.astype(np.float64), k - 1, divergence=False, skip_self=True
    )
    own = np.arange(len(points))[:, None]
    distance = np.sqrt(np.maximum(square, 0)).astype(np.float32)
    return np.hstack([own, at]), np.hstack([np.zeros((len(points), 1), np.float32), distance]), None
