"""Calibration: make a probability of .7 come true seven times in ten.

Fitted on out-of-fold scores only. Isotonic regression with enough positive frames, otherwise Platt's
logistic map; stored as a monotone curve of at most 101 knots, so that it travels as plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_KNOTS = 101
_EDGE = 1e-4
#: Below this many positive frames an isotonic curve is a staircase of noise.
_ENOUGH = 1000


@dataclass(frozen=True)
class Calibration:
    """Monotone curves, one per behaviour: ``(behaviour, knot)`` score → probability."""

    score: NDArray[np.float32]
    probability: NDArray[np.float32]

    def __call__(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map raw scores ``(frame, behaviour)`` to calibrated probabilities; NaN stays NaN."""
        columns = [np.interp(scores[:, b], self.score[b], self.probability[b]) for b in range(scores.shape[1])]
        return np.stack(columns, axis=1).astype(np.float32)

    @classmethod
    def fit(cls, scores: NDArray, targets: NDArray[np.int8], weights: NDArray | None = None) -> Self:
        """Fit on out-of-fold scores ``(frame, behaviour)`` and targets of 1, 0, −1 (ignored).

        Behaviours without both classes keep their raw scores.
        """
        knots = np.linspace(0, 1, _KNOTS)
        xs, ys = [], []
        for b in range(targets.shape[1]):
            use = (targets[:, b] >= 0) & np.isfinite(scores[:, b])
            x, y = scores[use, b].astype(np.float64), targets[use, b].astype(np.float64)
            w = None if weights is None else weights[use]
            if y.size == 0 or y.min() == y.max():
                curve = knots
            elif y.sum() >= _ENOUGH and (1 - y).sum() >= _ENOUGH:
                curve = _isotonic(x, y, w, knots)
            else:
                curve = _platt(x, y, w, knots)
            xs.append(knots)
            ys.append(np.clip(curve, _EDGE, 1 - _EDGE))
        return cls(np.array(xs, np.float32), np.array(ys, np.float32))

    @classmethod
    def identity(cls, n_behaviours: int) -> Self:
        """The map that changes nothing."""
        knots = np.tile(np.linspace(0, 1, _KNOTS, dtype=np.float32), (n_behaviours, 1))
        return cls(knots, knots.copy())


def _isotonic(x: np.ndarray, y: np.ndarray, w: np.ndarray | None, knots: np.ndarray) -> np.ndarray:
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(out_of_bounds="clip").fit(x, y, sample_weight=w).predict(knots)
    # A hair of slope keeps the order of frames inside a flat step, so that ranks survive.
    return curve + 1e-3 * (knots - 0.5)


def _platt(x: np.ndarray, y: np.ndarray, w: np.ndarray | None, knots: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    def logit(p: np.ndarray) -> np.ndarray:
        p = np.clip(p, 1e-4, 1 - 1e-4)
        return np.log(p / (1 - p))[:, None]

    model = LogisticRegression(C=1e3).fit(logit(x), y, sample_weight=w)
    if model.coef_[0, 0] <= 0:
        return np.full(knots.size, y.mean())
    return model.predict_proba(logit(knots))[:, 1]
