"""Components that persist: directions of posture ordered by how little of them is gone a frame later.

Principal components are ordered by variance, and the jitter of a badly tracked keypoint has plenty. A
tracker's jitter is new in every frame while posture lasts, so the directions with the largest
autocorrelation (min/max autocorrelation factors; Switzer & Green 1984) are posture, however small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail
from murid.learn.embed.pca import PCA, fit_gap_components, fit_pca
from murid.learn.fitted_part import Fitted
from murid.learn.sequences import Arrays, as_sequences


@dataclass(frozen=True)
class Persistent(Fitted):
    """Fitted components.

    Parameters
    ----------
    pca_mean, pca_components, pca_variance, pca_noise, pca_total
        Principal components that a frame with gaps is completed by (see `PCA`).
    mean : (n_features,) array
    weights : (n_components, n_features) array
        Score = weights · (features − mean); unit variance in the fit.
    persistence : (n_components,) array
        Share of each component's variance that lasts from one frame to the next, 0 … 1.
    """

    pca_mean: np.ndarray
    pca_components: np.ndarray
    pca_variance: np.ndarray
    pca_noise: float
    pca_total: float
    mean: np.ndarray
    weights: np.ndarray
    persistence: np.ndarray

    @property
    def pca(self) -> PCA:
        """Principal components that complete frames with gaps."""
        return PCA(self.pca_mean, self.pca_components, self.pca_variance, self.pca_noise, self.pca_total)

    def transform(self, table: np.ndarray) -> np.ndarray:
        """Scores (T, n_components) of ``table (T, n_features)``; NaN only where nothing was seen."""
        return (self.pca.complete(table) - self.mean) @ self.weights.T


def fit_persistent(
    x: Arrays,
    *,
    max_components: int = 10,
    variance: float = 0.99,
    least: float = 0.2,
    min_components: int = 2,
    rank: int | None = None,
) -> Persistent:
    """Fit persistent components.

    Parameters
    ----------
    x : list of (T_i, D) arrays
        Features on an even clock; NaN where missing.
    max_components : int
        Most components kept.
    variance : float
        They are looked for among the principal components that explain this share of the variance, so
        that directions in which nothing happens are not blown up.
    least : float
        Components that lose more than 1 − `least` of their variance in one frame are jitter.
    min_components : int
        Kept even when they persist less.
    rank : int, optional
        Dimensions the features really have; alignment takes three (place and heading). In the others
        there is nothing but the trace of gaps, which lasts.
    """
    seqs = as_sequences(x, dtype=np.float64)
    if not (~np.isnan(seqs.frames)).any():
        fail("components", "nothing was seen", expected="frames with keypoints", got="only gaps")
    fill = fit_gap_components(seqs)
    filled = [fill.complete(part) for part in seqs]
    complete = np.concatenate(filled)
    pca = fit_pca(complete[~np.isnan(complete).any(axis=1)], variance, max_components=rank)
    scores = [pca.transform(part) for part in filled]
    steps = np.concatenate([np.diff(s, axis=0) for s in scores])
    steps = steps[~np.isnan(steps).any(axis=1)]
    known = np.concatenate(scores)
    known = known[~np.isnan(known).any(axis=1)]
    enough = 2 * known.shape[1] + 2
    if len(steps) < enough:
        fail("components", "too few frames in a row", expected=f"at least {enough}", got=str(len(steps)))
    directions, persistence = _most_persistent(known, steps)
    kept = int(np.clip((persistence >= least).sum(), min(min_components, len(persistence)), max_components))
    weights = directions[:kept] @ pca.components
    largest = np.argmax(np.abs(weights), axis=1)
    weights *= np.sign(weights[np.arange(kept), largest])[:, None]
    return Persistent(
        fill.mean,
        fill.components,
        fill.variance,
        fill.noise_variance,
        fill.total_variance,
        pca.mean,
        weights,
        persistence[:kept],
    )


def _most_persistent(scores: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whitened directions ``(direction, D)`` of scores, most persistent first, and their persistence."""
    cov = np.cov(scores.T, bias=True).reshape(scores.shape[1], -1)
    white = np.linalg.inv(np.linalg.cholesky(cov + 1e-12 * np.trace(cov) * np.eye(len(cov))))
    lost, turn = np.linalg.eigh(white @ (steps.T @ steps / len(steps) / 2) @ white.T)
    return turn.T @ white, 1 - lost
