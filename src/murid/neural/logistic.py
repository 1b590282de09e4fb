"""Logistic regression of few columns by Newton's method: a null decodes hundreds of times.

What it finds is that of `sklearn.linear_model.LogisticRegression` (ridge penalty, balanced classes): the minimum is
unique. With few columns the checks of its input and the many small steps of a quasi-Newton method are what costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    one = np.empty((n, x.shape[1] + 1))
    one[:, :-1], one[:, -1] = x, 1.0
    ridge = np.full(one.shape[1], 1 / (c * n))
    ridge[-1] = 0.0
    begun = np.zeros((one.shape[1], k))
    if start is not None and np.array_equal(start.classes_, classes):
        begun = start.weight
    if k > 2:
        truth = (place[:, None] == np.arange(k)).astype(np.float64)
        return Logistic(classes, _minimum(_several(one, truth, share, ridge), begun))
    # Two classes are one curve, as in scikit-learn: what one gains the other loses.
    curve = _minimum(_two(one, place.astype(np.float64), share, ridge), begun[:, 1] - begun[:, 0])
    return Logistic(classes, np.column_stack([-curve / 2, curve / 2]))


#: Loss at a weight; and a function that returns slope and Newton step there.
Problem = Callable[[Floats], tuple[float, Callable[[], tuple[Floats, Floats]]]]


def _minimum(problem: Problem, weight: Floats) -> Floats:
    """Newton's method from `weight`; steps are halved where they overshoot."""
    loss, shape = problem(weight)
    for _ in range(100):
        slope, step = shape()
        if np.abs(slope).max() <= TOLERANCE:
            break
        for halving in range(30):
            tried = weight - 0.5**halving * step
            new_loss, new_shape = problem(tried)
            if new_loss <= loss:
                break
        else:  # no smaller value can be told apart
            break
        weight, loss, shape = tried, new_loss, new_shape
    return weight


def _two(x: Floats, truth: Floats, share: Floats, ridge: Floats) -> Problem:
    """Two classes; the weight (column,) is that of the second class against the first."""

    def problem(weight: Floats) -> tuple[float, Callable[[], tuple[Floats, Floats]]]:
        odds = x @ weight
        raised = np.exp(-np.abs(odds))
        loss = share @ (np.log1p(raised) + np.maximum(odds, 0) - truth * odds) + 0.5 * (ridge @ weight**2)

        def shape() -> tuple[Floats, Floats]:
            chance = np.where(odds >= 0, 1.0, raised) / (1 + raised)
            slope = (share * (chance - truth)) @ x + ridge * weight
            square = x.T @ ((share * chance * (1 - chance))[:, None] * x)
            return slope, _solved(square, ridge, slope)

        return float(loss), shape

    return problem


def _several(x: Floats, truth: Floats, share: Floats, ridge: Floats) -> Problem:
    """More classes; weight (column, class)."""
    columns, k = x.shape[1], truth.shape[1]

    def problem(weight: Floats) -> tuple[float, Callable[[], tuple[Floats, Floats]]]:
        odds = x @ weight
        top = odds.max(axis=1)
        log_sum = top + np.log(np.exp(odds - top[:, None]).sum(axis=1))
        loss = share @ (log_sum - (truth * odds).sum(axis=1)) + 0.5 * (ridge[:, None] * weight**2).sum()

        def shape() -> tuple[Floats, Floats]:
            chance = _softmax(odds)
            slope = x.T @ (share[:, None] * (chance - truth)) + ridge[:, None] * weight
            square = np.empty((k, columns, k, columns))
            for a in range(k):
                for b in range(a, k):
                    spread = share * chance[:, a] * ((a == b) - chance[:, b])
                    square[a, :, b] = square[b, :, a] = x.T @ (spread[:, None] * x)
            # The offset of the last class is held: only differences of offsets count.
            step = np.zeros(k * columns)
            free = slice(-1)
            both = square.reshape(k * columns, k * columns)
            step[free] = _solved(both[free, free], np.tile(ridge, k)[free], slope.T.ravel()[free])
            return slope, step.reshape(k, columns).T

        return float(loss), shape

    return problem


def _solved(square: Floats, ridge: Floats, slope: Floats) -> Floats:
    """Newton step of a penalised curvature."""
    square = square.copy()
    square[np.diag_indices(len(square))] += ridge + 1e-12
    return np.asarray(np.linalg.solve(square, slope))


def _softmax(odds: Floats) -> Floats:
    raised = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
