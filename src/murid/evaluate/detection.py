"""Bouts as detections: average precision over how exactly a bout must be hit, and what the errors are.

As in temporal action detection (THUMOS, ActivityNet) and its error analysis (DETAD: Alwassel et al. 2018; for images
TIDE: Bolya et al. 2020). A predicted bout carries a score, the mean probability over it; it is right when it shares at
least `iou` of its union with a true bout that no better-scored bout has taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from murid.data.errors import fail
from murid.data.reserved_names import set_apart
from murid.evaluate import frames
from murid.evaluate.bouts import IOU_SLACK

#: Thresholds of the mean: from half of the union to nearly all of it, as in ActivityNet.
IOUS = tuple(np.round(np.arange(0.5, 0.96, 0.05), 2).tolist())
#: A prediction that touches a true bout with less than this share of the union is background.
TOUCHES = 0.1
KINDS = ("right", "boundary", "class", "boundary and class", "double", "background")


@dataclass(frozen=True)
class Detections:
    """Bouts of one recording and individual, all behaviours together.

    Attributes
    ----------
    spans : float array (bout, 2)
        Start and stop, s.
    behaviour : array of str (bout,)
    score : float array (bout,)
        Confidence of each, any scale; ones for true bouts.
    """

    spans: NDArray[np.float64]
    behaviour: NDArray[np.str_]
    score: NDArray[np.float64]

    @classmethod
    def of(cls, bouts: pd.DataFrame, score: ArrayLike | None = None) -> Detections:
        """Take the columns ``start_s, stop_s, label`` of a table of bouts; scores are 1 where none are given."""
        values = np.ones(len(bouts)) if score is None else np.asarray(score, np.float64)
        if len(values) != len(bouts):
            fail("detections", "one score per bout is needed", expected=str(len(bouts)), got=str(len(values)))
        spans = bouts[["start_s", "stop_s"]].to_numpy(np.float64).reshape(-1, 2)
        return cls(spans, bouts["label"].to_numpy(str), values)


def interval_iou(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return the intersection over union of all pairs of intervals ``(n, 2)`` and ``(m, 2)``, ``(n, m)``.

    Examples
    --------
    >>> interval_iou([[0, 2]], [[1, 3], [5, 6]]).round(2).tolist()
    [[0.33, 0.0]]
    """
    x, y = np.asarray(a, np.float64).reshape(-1, 1, 2), np.asarray(b, np.float64).reshape(1, -1, 2)
    shared = np.clip(np.minimum(x[..., 1], y[..., 1]) - np.maximum(x[..., 0], y[..., 0]), 0, None)
    union = (x[..., 1] - x[..., 0]) + (y[..., 1] - y[..., 0]) - shared
    return frames.ratio(shared, union)


def average_precision(pairs: Sequence[tuple[Detections, Detections]], *, ious: Sequence[float] = IOUS) -> pd.DataFrame:
    """Return the average precision of each behaviour at each IoU, and their means.

    Parameters
    ----------
    pairs : sequence of (truth, predicted)
        One per recording and individual; predictions of all are ranked together by score.
    ious : sequence of float
        Smallest shares of the union that count as a hit.

    Returns
    -------
    DataFrame
        One row per behaviour of the truth and a row ``mean`` (mAP); one column per IoU and ``mean`` over them. Area
        under the precision-recall steps; a behaviour that is never predicted has 0. A behaviour that is itself called
        ``mean`` is the row ``mean (behaviour)``.

    Examples
    --------
    >>> import pandas as pd
    >>> truth = Detections.of(pd.DataFrame({"start_s": [0.0, 5.0], "stop_s": [1.0, 7.0], "label": "rear"}))
    >>> found = Detections.of(pd.DataFrame({"start_s": [0.0, 9.0], "stop_s": [1.0, 9.5], "label": "rear"}), [0.9, 0.4])
    >>> float(average_precision([(truth, found)], ious=(0.5,)).at["rear", 0.5])
    0.5
    """
    behaviours = list(dict.fromkeys(b for truth, _ in pairs for b in truth.behaviour.tolist()))
    if not behaviours:
        fail("average precision", "the truth has no bout", expected="labelled bouts")
    rows = {set_apart(b, ("mean",), "behaviour"): {iou: _one(pairs, b, iou) for iou in ious} for b in behaviours}
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(columns=list(ious))
    table.loc["mean"] = table.mean(axis=0)
    return table.assign(mean=table.mean(axis=1)).rename_axis(index="behaviour")


def _one(pairs: Sequence[tuple[Detections, Detections]], behaviour: str, iou: float) -> float:
    hits, scores, n_true = [], [], 0
    for truth, predicted in pairs:
        of_truth, of_predicted = truth.behaviour == behaviour, predicted.behaviour == behaviour
        n_true += int(of_truth.sum())
        score = predicted.score[of_predicted]
        hits.append(_hits(truth.spans[of_truth], predicted.spans[of_predicted], score, iou) >= 0)
        scores.append(score)
    right, score = np.concatenate(hits), np.concatenate(scores)
    order = np.argsort(-score, kind="stable")
    right = right[order]
    precision = np.cumsum(right) / np.arange(1, right.size + 1)
    return float(precision[right].sum() / n_true)


def _hits(truth: np.ndarray, predicted: np.ndarray, score: np.ndarray, iou: float) -> NDArray[np.int64]:
    """True bout that each predicted one takes, best scores first; −1 none."""
    shared = interval_iou(predicted, truth)
    taken = np.full(len(predicted), -1)
    free = np.ones(len(truth), bool)
    for k in np.argsort(-score, kind="stable"):
        share = np.where(free, shared[k], -1.0)
        if share.size and share.max() >= iou - IOU_SLACK:
            taken[k] = int(share.argmax())
            free[taken[k]] = False
    return taken


def error_types(pairs: Sequence[tuple[Detections, Detections]], *, iou: float = 0.5) -> pd.DataFrame:
    """Count what predicted bouts are, and which true bouts nobody predicted.

    Parameters
    ----------
    pairs : sequence of (truth, predicted)
    iou : float
        Share of the union from which a bout counts as hit.

    Returns
    -------
    DataFrame
        One row per behaviour. Columns count predicted bouts: ``right``; ``boundary``: it touches a true bout of its
        behaviour, but shares less than `iou`; ``class``: it hits a bout of another behaviour; ``boundary and class``:
        it touches one; ``double``: a better-scored prediction has taken its bout; ``background``: nothing is there
        (less than a tenth of the union). ``missed`` counts true bouts that no prediction of any behaviour touches.
    """
    counts: dict[str, dict[str, int]] = {}
    for truth, predicted in pairs:
        shared = interval_iou(predicted.spans, truth.spans)
        same = predicted.behaviour[:, None] == truth.behaviour[None]
        taken = np.full(len(predicted.score), -1)
        for name in np.unique(predicted.behaviour):
            p, t = predicted.behaviour == name, truth.behaviour == name
            taken[p] = _hits(truth.spans[t], predicted.spans[p], predicted.score[p], iou)
        for k, name in enumerate(predicted.behaviour.tolist()):
            own = float(shared[k][same[k]].max(initial=0.0))
            other = float(shared[k][~same[k]].max(initial=0.0))
            kind = "right" if taken[k] >= 0 else _kind(own, other, iou)
            row = counts.setdefault(name, dict.fromkeys((*KINDS, "missed"), 0))
            row[kind] += 1
        for k, name in enumerate(truth.behaviour.tolist()):
            row = counts.setdefault(name, dict.fromkeys((*KINDS, "missed"), 0))
            row["missed"] += int(shared[:, k].max(initial=0.0) < TOUCHES)
    return pd.DataFrame.from_dict(counts, orient="index", columns=[*KINDS, "missed"]).rename_axis(index="behaviour")


def _kind(own: float, other: float, iou: float) -> str:
    if own >= iou - IOU_SLACK:
        return "double"
    if own >= TOUCHES and own >= other:
        return "boundary"
    if other >= iou - IOU_SLACK:
        return "class"
    return "boundary and class" if other >= TOUCHES else ("boundary" if own >= TOUCHES else "background")


__all__ = ["IOUS", "Detections", "average_precision", "error_types", "interval_iou"]
