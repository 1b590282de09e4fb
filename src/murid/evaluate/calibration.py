"""Calibration: does a probability of 0.8 come true eight times in ten?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.data.errors import fail
from murid.data.states import UNLABELLED


def _known(truth: ArrayLike, probability: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    codes, p = np.asarray(truth).ravel(), np.asarray(probability, np.float64).ravel()
    keep = (codes != UNLABELLED) & np.isfinite(p)
    yes, p = codes[keep] == 1, p[keep]
    if p.size and (p.min() < -1e-6 or p.max() > 1 + 1e-6):
        fail(
            "calibration",
            "probabilities out of range",
            expected="0..1",
            got=f"{p.min():.3g}..{p.max():.3g}",
            todo="scores are no probabilities: calibrate them first",
        )
    return yes, np.clip(p, 0.0, 1.0)


def reliability(truth: ArrayLike, probability: ArrayLike, n_bins: int = 10) -> pd.DataFrame:
    """Return the reliability curve of one behaviour in equally wide bins.

    Parameters
    ----------
    truth : int array
        1, 0, −1 (ignored).
    probability : array of the same shape
        0 … 1, NaN ignored.
    n_bins : int
        Bins between 0 and 1.

    Returns
    -------
    DataFrame
        ``low, high, probability`` (mean), ``observed`` (share that came true), ``n``; empty bins NaN.
    """
    yes, p = _known(truth, probability)
    index = np.minimum((p * n_bins).astype(np.int64), n_bins - 1)
    n = np.bincount(index, minlength=n_bins)
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    safe = np.where(n, n, np.nan)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "probability": np.bincount(index, p, n_bins) / safe,
            "observed": np.bincount(index, yes, n_bins) / safe,
            "n": n,
        }
    )


def ece(truth: ArrayLike, probability: ArrayLike, n_bins: int = 10) -> float:
    """Return the expected calibration error: mean |probability − observed| over bins, weighted by samples."""
    curve = reliability(truth, probability, n_bins)
    n = curve["n"].to_numpy()
    if n.sum() == 0:
        return float("nan")
    gap = (curve["probability"] - curve["observed"]).abs().fillna(0.0).to_numpy()
    return float((gap * n).sum() / n.sum())


def brier(truth: ArrayLike, probability: ArrayLike) -> float:
    """Return the Brier score, the mean squared difference of probability and outcome."""
    yes, p = _known(truth, probability)
    return float(np.mean((p - yes) ** 2)) if p.size else float("nan")
