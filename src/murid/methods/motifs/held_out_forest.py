"""How well a forest tells motifs from features, on bins that it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: Bins of a block: neighbouring bins would tell each other's motif.
BLOCK = 100
#: Blocks are dealt to so many parts, of which one or all are held out.
PARTS = 5


def held_out_report(
    labels: np.ndarray, predicted_by: Callable[[np.ndarray, np.ndarray], np.ndarray], folds: int = 1
) -> dict[str, Any]:
    """Compare clusters with what a forest says that has not seen the block.

    Parameters
    ----------
    labels : (n,) int array
        Cluster of each bin, in order of time.
    predicted_by : callable
        ``predicted_by(train, test)``, masks of the bins → labels of those under test.
    folds : int
        1 holds out every fifth block of 100 bins, 10 all of them in ten turns, as published but for the blocks.

    Returns
    -------
    dict
        ``accuracy`` (share of the bins, mean over folds) and ``by_fold``; ``chance``: accuracy of the most used motif;
        ``motifs``: one row a motif with ``motif, bins, recall, precision`` (None where nothing was predicted). Nothing
        but NaN accuracy where fewer than 20 bins are held out or fewer than two motifs remain.

    Examples
    --------
    >>> labels = np.repeat(np.arange(40) % 2, 50)
    >>> held_out_report(labels, lambda train, test: labels[test])["accuracy"]
    1.0
    """
    block = np.arange(len(labels)) // BLOCK
    parts = folds if folds > 1 else PARTS
    truth, predictions, by_fold = [], [], []
    for fold in range(parts) if folds > 1 else (PARTS - 1,):
        test = block % parts == fold
        if test.sum() < 20 or np.unique(labels[~test]).size < 2:
            continue
        predicted = predicted_by(~test, test)
        by_fold.append(float((predicted == labels[test]).mean()))
        truth.append(labels[test])
        predictions.append(predicted)
    if not truth:
        return {"accuracy": float("nan"), "by_fold": [], "chance": float("nan"), "motifs": []}
    all_truth, all_said = np.concatenate(truth), np.concatenate(predictions)
    rows = []
    for motif in np.unique(labels):
        own, called = all_truth == motif, all_said == motif
        rows.append(
            {
                "motif": int(motif),
                "bins": int(own.sum()),
                "recall": float((own & called).sum() / own.sum()) if own.any() else None,
                "precision": float((own & called).sum() / called.sum()) if called.any() else None,
            }
        )
    return {
        "accuracy": float(np.mean(by_fold)),
        "by_fold": by_fold,
        "chance": float(np.bincount(all_truth).max() / len(all_truth)),
        "motifs": rows,
    }
