"""Logistic regression of few columns by Newton's method: a null decodes hundreds of times.

What it finds is that of `sklearn.linear_model.LogisticRegression` (ridge penalty, balanced classes): the minimum is
unique. With few columns the checks of its input and the many small steps of a quasi-Newton method are what costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Floats = NDArray[np.floating]
#: Coefficients up to which this is faster than a quasi-Newton method: a step costs their square for each sample.
MOST_COEFFICIENTS = 48
#: Largest slope at the minimum, a thousandth of what scikit-learn stops at.
TOLERANCE = 1e-7


@dataclass(frozen=True)
class Logistic:
    """Fitted model.

    Attributes
    ----------
    classes_ : int array (class,)
        Codes in rising order.
    weight : array (column + 1, class)
        Of each column; the last row is the offset.
    """

    classes_: NDArray[np.int64]
    weight: Floats

    def predict_proba(self, x: Floats) -> Floats:
        """Return the probability (row, class)."""
        return _softmax(x @ self.weight[:-1] + self.weight[-1])

    def predict(self, x: Floats) -> NDArray[np.int64]:
        """Return the code of the most probable class of each row."""
        return self.classes_[(x @ self.weight[:-1] + self.weight[-1]).argmax(axis=1)]


def fit_logistic(x: Floats, codes: NDArray[np.int64], c: float, start: Logistic | None = None) -> Logistic:
    """Fit by Newton's method with halved steps where a step overshoots.

    Parameters
    ----------
    x : array (row, column)
    codes : int array (row,)
        Class of each row; two or more classes, which count alike however many rows they have.
    c : float
        Inverse strength of the penalty, as in scikit-learn.
    start : Logistic, optional
        Model to begin with, such as that of the next penalty; one of other classes is of no use.
    """
    classes, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
    n, k = len(x), classes.size
    share = (n / (k * counts))[place] / n
    one = np.column_stack([np.asarray(x, np.float64), np.ones(n)])
    truth = (place[:, None] == np.arange(k)).astype(np.float64)
    # Two classes are one curve in scikit-learn, penalised once: here both halves of it are.
    ridge = np.full(one.shape[1], (2.0 if k == 2 else 1.0) / (c * n))
    ridge[-1] = 0.0
    begun = start is not None and np.array_equal(start.classes_, classes)
    weight = start.weight if start is not None and begun else np.zeros((one.shape[1], k))
    loss, odds = _loss(one, truth, share, ridge, weight)
    for _ in range(100):
        chance = _softmax(odds)
        slope = one.T @ (share[:, None] * (chance - truth)) + ridge[:, None] * weight
        if np.abs(slope).max() <= TOLERANCE:
            break
        step, size = _newton_step(one, share, chance, ridge, slope), 1.0
        while size > 1e-8:
            tried, new_odds = _loss(one, truth, share, ridge, weight - size * step)
            if tried <= loss:
                break
            size /= 2
        else:  # no smaller value can be told apart
            break
        weight, loss, odds = weight - size * step, tried, new_odds
    return Logistic(classes, weight)


def _newton_step(x: Floats, share: Floats, chance: Floats, ridge: Floats, slope: Floats) -> Floats:
    """Solve for the step (column, class); the offset of the last class is held, as only differences count."""
    columns, k = slope.shape
    curve = np.empty((k, columns, k, columns))
    for a in range(k):
        for b in range(a, k):
            if k == 2 and b:  # what one class gains the other loses
                curve[a, :, b] = curve[b, :, a] = curve[0, :, 0] * (1 if a else -1)
                continue
            spread = share * chance[:, a] * ((a == b) - chance[:, b])
            curve[a, :, b] = curve[b, :, a] = x.T @ (spread[:, None] * x)
    for a in range(k):
        curve[a, :, a] += np.diag(ridge)
    square = curve.reshape(k * columns, k * columns)[:-1, :-1]
    step = np.zeros(k * columns)
    step[:-1] = cho_solve(cho_factor(square + 1e-12 * np.eye(len(square))), slope.T.ravel()[:-1])
    return step.reshape(k, columns).T


def _loss(x: Floats, truth: Floats, share: Floats, ridge: Floats, weight: Floats) -> tuple[float, Floats]:
    """Penalised cross-entropy, and the log odds (row, class)."""
    odds = x @ weight
    top = odds.max(axis=1)
    log_sum = top + np.log(np.exp(odds - top[:, None]).sum(axis=1))
    fit = share @ (log_sum - (truth * odds).sum(axis=1))
    return float(fit + 0.5 * (ridge[:, None] * weight**2).sum()), odds


def _softmax(odds: Floats) -> Floats:
    raised = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
