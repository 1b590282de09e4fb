"""Frame by frame: precision, recall, F1, PR-AUC, accuracy, confusion. Unlabelled truth never counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.data.errors import fail
from murid.data.states import UNLABELLED

#: Order of the last axis of a count array.
CELLS = ("tp", "fp", "fn", "tn")


def counts(truth: ArrayLike, predicted: ArrayLike, *, skip_silent: bool = False) -> np.ndarray:
    """Count true and false positives and negatives per behaviour.

    Parameters
    ----------
    truth, predicted : int array (..., behaviour)
        1 present, 0 absent, −1 unlabelled. Samples that the truth leaves unlabelled are ignored. A
        prediction of −1 counts as "absent", unless `skip_silent`: behaviour that is there is then missed. (A frame
        that would have been a false positive is no error: look at the coverage beside the score.)

    Returns
    -------
    int64 array (behaviour, 4)
        tp, fp, fn, tn.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape:
        fail("frame counts", "shapes differ", expected=str(truth.shape), got=str(predicted.shape))
    n = truth.shape[-1]
    truth, predicted = truth.reshape(-1, n), predicted.reshape(-1, n)
    known = truth != UNLABELLED
    if skip_silent:
        known &= predicted != UNLABELLED
    yes, marked = (truth == 1) & known, (predicted == 1) & known
    tp = (yes & marked).sum(0)
    fp, fn = marked.sum(0) - tp, yes.sum(0) - tp
    return np.stack([tp, fp, fn, known.sum(0) - tp - fp - fn], axis=-1).astype(np.int64)


def f1_of(cells: ArrayLike) -> np.ndarray:
    """F1 from counts ``(..., 4)``; NaN where the behaviour is neither in the truth nor predicted."""
    tp, fp, fn, _ = np.moveaxis(np.asarray(cells, np.float64), -1, 0)
    return ratio(2 * tp, 2 * tp + fp + fn)


def ratio(part: ArrayLike, whole: ArrayLike) -> np.ndarray:
    """Return ``part / whole``, NaN where `whole` is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole != 0)


def table(cells: np.ndarray, behaviours: Sequence[str]) -> pd.DataFrame:
    """Return precision, recall, F1, accuracy and support (true samples) per behaviour.

    Precision is NaN when the behaviour was never predicted and recall NaN when it never occurred:
    that is not 0. F1 is NaN only when neither happened.
    """
    tp, fp, fn, tn = np.asarray(cells, np.float64).T
    return pd.DataFrame(
        {
            "precision": ratio(tp, tp + fp),
            "recall": ratio(tp, tp + fn),
            "f1": f1_of(cells),
            "accuracy": ratio(tp + tn, tp + fp + fn + tn),
            "support": (tp + fn).astype(np.int64),
            "predicted": (tp + fp).astype(np.int64),
        },
        index=pd.Index(list(behaviours), name="behaviour"),
    )


def mean_known(values: ArrayLike, axis: int = -1) -> np.ndarray:
    """Mean over what is not NaN (macro average); NaN, without a warning, when nothing is known."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(axis), known.sum(axis))


def exclusive_codes(values: np.ndarray) -> np.ndarray:
    """Return (...,) codes: 0 none of the behaviours, 1 + index of the present one, −1 unlabelled."""
    known = (values != UNLABELLED).any(axis=-1)
    present = values == 1
    return np.where(known, np.where(present.any(-1), present.argmax(-1) + 1, 0), UNLABELLED)


def confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the confusion matrix of exclusive labels, rows truth, columns prediction, first class "none".

    Both ``(..., behaviour)`` of 1, 0, −1 with at most one 1 per sample.
    """
    a, b = exclusive_codes(truth).ravel(), np.maximum(exclusive_codes(predicted).ravel(), 0)
    size = truth.shape[-1] + 1
    keep = a != UNLABELLED
    return np.bincount(a[keep] * size + b[keep], minlength=size * size).reshape(size, size)


def exact(truth: np.ndarray, predicted: np.ndarray) -> tuple[int, int]:
    """Return how many samples have every behaviour right, and how many were scored.

    A behaviour that the truth leaves unlabelled cannot be wrong.
    """
    known = truth != UNLABELLED
    right = (((truth == 1) == (predicted == 1)) | ~known).all(axis=-1)
    scored = known.any(axis=-1)
    return int((right & scored).sum()), int(scored.sum())


def pr_auc(truth: ArrayLike, probability: ArrayLike) -> float:
    """Return the average precision of one behaviour (area under the precision-recall steps).

    Parameters
    ----------
    truth : int array (n,)
        1, 0, −1; unlabelled samples and NaN probabilities are ignored.
    probability : array (n,)
        Scores, higher = more likely.

    Returns
    -------
    float
        Chance level is the share of positives; NaN without positives.
    """
    truth, p = np.asarray(truth).ravel(), np.asarray(probability, np.float64).ravel()
    keep = (truth != UNLABELLED) & np.isfinite(p)
    yes, p = truth[keep] == 1, p[keep]
    if not yes.any():
        return float("nan")
    order = np.argsort(-p, kind="stable")
    yes, p = yes[order], p[order]
    last = np.r_[np.flatnonzero(np.diff(p)), p.size - 1]
    hits = np.cumsum(yes)[last]
    precision = hits / (last + 1)
    recall = hits / hits[-1]
    return float(np.sum(np.diff(np.r_[0.0, recall]) * precision))
