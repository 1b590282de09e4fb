"""Learning curves: what would more labels bring?

Scores on animals not seen, against the number of labelled bouts, follow a curve that rises and saturates. Fitted
to a few sizes it says what the next bouts are worth, and when to stop (Hestness et al. 2017: power law).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.data.errors import fail
from murid.evaluate import frames

#: Below this gain (upper limit) more labels of the same kind are not worth an afternoon.
WORTH = 0.01
_RATES = np.geomspace(0.1, 2.0, 61)


@dataclass(frozen=True)
class Curve:
    """``score(n) = top − gap · n ** −rate``.

    Attributes
    ----------
    top : float
        Where it saturates, 0..1.
    gap, rate : float
        How far below that one bout would start, and how fast it closes.
    """

    top: float
    gap: float
    rate: float

    def __call__(self, n: ArrayLike) -> np.ndarray:
        """Return the expected score with `n` labelled bouts."""
        return self.top - self.gap * np.maximum(np.asarray(n, np.float64), 1.0) ** -self.rate


def fit_curve(n_bouts: ArrayLike, score: ArrayLike) -> Curve:
    """Fit by least squares, ``0 ≤ top ≤ 1, gap ≥ 0, 0.1 ≤ rate ≤ 2``.

    Raises
    ------
    DataError
        With fewer than three different sizes.
    """
    n, y = np.asarray(n_bouts, np.float64), np.asarray(score, np.float64)
    known = np.isfinite(y) & (n > 0)
    n, y = n[known], y[known]
    if np.unique(n).size < 3:
        fail(
            "learning curve",
            "too few sizes",
            expected="scores of three amounts of labels or more",
            got=str(np.unique(n).size),
            todo="label more bouts, in two animals or more",
        )
    return min((_at_rate(n, y, rate) for rate in _RATES), key=lambda fit: fit[0])[1]


def _at_rate(n: np.ndarray, y: np.ndarray, rate: float) -> tuple[float, Curve]:
    """Best top and gap at one rate (linear least squares within the bounds), and its sum of squares."""
    x = n**-rate
    spread = x - x.mean()
    gap = max(0.0, -float((spread * y).sum() / (spread**2).sum()))
    top = float(y.mean() + gap * x.mean())
    if top > 1:
        top, gap = 1.0, max(0.0, float(((1 - y) * x).sum() / (x**2).sum()))
    return float(((top - gap * x - y) ** 2).sum()), Curve(max(top, 0.0), gap, rate)


@dataclass(frozen=True)
class Gain:
    """What more labels are expected to bring.

    Attributes
    ----------
    now, more : int
        Bouts labelled, and further ones asked about.
    score, gain, low, high : float
        Score now by the curve, its expected rise, and 95 % limits over folds.
    stop : bool
        The rise is below `WORTH` even at its upper limit.
    curve : DataFrame
        ``n_bouts, expected, low, high`` for a figure.
    """

    now: int
    more: int
    score: float
    gain: float
    low: float
    high: float
    stop: bool
    curve: pd.DataFrame

    def __str__(self) -> str:
        text = (
            f"{self.more} more bouts are expected to raise macro F1 by {self.gain:.3f} "
            f"(95 % {self.low:.3f} to {self.high:.3f}), from {self.score:.2f} with {self.now}"
        )
        if self.stop:
            return f"{text}: more labels of this kind will hardly help; other animals, or the weakest behaviour, may"
        return text


def expected_gain(points: pd.DataFrame, more: int | None = None, *, n_boot: int = 200, seed: int = 0) -> Gain:
    """Say what `more` bouts would bring.

    Parameters
    ----------
    points : DataFrame
        ``fold, n_bouts, score``: held-out scores at several amounts of labels.
    more : int, optional
        Further bouts; half as many again as there are by default.
    n_boot, seed
        Folds are resampled for the limits.
    """
    points = points.dropna(subset=["score"])
    curve = fit_curve(points["n_bouts"], points["score"])
    now = int(points["n_bouts"].max())
    more = max(10, now // 2) if more is None else int(more)
    at = np.unique(np.geomspace(max(1, points["n_bouts"].min()), now + more, 60).round()).astype(int)
    rng = np.random.default_rng(seed)
    parts = [part for _, part in points.groupby("fold")]
    gains, lines = [], []
    for _ in range(n_boot if len(parts) > 1 else 0):
        drawn = pd.concat([parts[k] for k in rng.integers(0, len(parts), len(parts))])
        if drawn["n_bouts"].nunique() >= 3:
            one = fit_curve(drawn["n_bouts"], drawn["score"])
            gains.append(float(one(now + more) - one(now)))
            lines.append(one(at))
    gain = float(curve(now + more) - curve(now))
    low, high = np.percentile(gains, [2.5, 97.5]) if gains else (np.nan, np.nan)
    band = np.percentile(lines, [2.5, 97.5], axis=0) if lines else np.full((2, at.size), np.nan)
    table = pd.DataFrame({"n_bouts": at, "expected": curve(at), "low": band[0], "high": band[1]})
    return Gain(now, more, float(curve(now)), gain, float(low), float(high), bool(high < WORTH), table)


def area(n_bouts: ArrayLike, score: ArrayLike) -> float:
    """Mean height of a learning curve over the labelled bouts (trapezoid), to compare ways of choosing them."""
    n, y = np.asarray(n_bouts, np.float64), np.asarray(score, np.float64)
    order = np.argsort(n)
    n, y = n[order], y[order]
    return float(frames.ratio(np.trapezoid(y, n), n[-1] - n[0]))
