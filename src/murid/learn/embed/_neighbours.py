"""Place new points among embedded ones by their neighbours."""

from __future__ import annotations

import numpy as np


def perplexity_weights(distance: np.ndarray, perplexity: float, steps: int = 60) -> np.ndarray:
    """Weights (n, k), rows summing to 1, whose entropy matches `perplexity`.

    Parameters
    ----------
    distance : (n, k) array
        Dissimilarities to k neighbours; the weight of one is ``exp(−b · distance)``.
    perplexity : float
        Effective number of neighbours; capped at 0.9 k.
    steps : int
        Bisection steps on log b.
    """
    above = distance - distance.min(axis=1, keepdims=True)
    target = np.log(min(perplexity, 0.9 * distance.shape[1]))
    scale = np.maximum(above.mean(axis=1, keepdims=True), 1e-12)
    low, high = np.full((len(distance), 1), -12.0), np.full((len(distance), 1), 12.0)
    for _ in range(steps):
        middle = (low + high) / 2
        weight = np.exp(-np.exp(middle) * above / scale)
        total = weight.sum(axis=1, keepdims=True)
        entropy = np.log(total) + np.exp(middle) / scale * (weight * above).sum(axis=1, keepdims=True) / total
        low, high = np.where(entropy > target, middle, low), np.where(entropy > target, high, middle)
    return weight / total
