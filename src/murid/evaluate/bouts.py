"""Bout by bout: matched intervals, errors of onset and offset, boundaries.

Frame scores hide what bouts show: fragments, merges and late onsets change counts and latencies but hardly
the frame F1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from murid.data.clock import sample_stops, segments
from murid.data.states import UNLABELLED
from murid.data.stretches import runs_of_true

Spans = NDArray[np.float64]


#: IoU below the bar that still reaches it: Unix times are rounded to half a microsecond, and bouts of whole frames
#: often share exactly half of their union.
IOU_SLACK = 1e-5


def spans_of(mask: ArrayLike, time_s: ArrayLike) -> Spans:
    """Return the runs of True as ``(n, 2)`` start and stop in seconds; dropped frames end a run."""
    mask, time_s = np.asarray(mask, bool), np.asarray(time_s, np.float64)
    stops = sample_stops(time_s)
    pairs = [(time_s[a + i], stops[a + j - 1]) for a, b in segments(time_s) for i, j in runs_of_true(mask[a:b])]
    return np.array(pairs, np.float64).reshape(-1, 2)


def overlaps(a: Spans, b: Spans) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return index into `a`, index into `b` and shared seconds of every overlapping pair.

    Both sorted, disjoint within themselves.
    """
    low = np.searchsorted(b[:, 1], a[:, 0], side="right")
    high = np.searchsorted(b[:, 0], a[:, 1], side="left")
    n = np.maximum(high - low, 0)
    i = np.repeat(np.arange(len(a)), n)
    j = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(low, n)
    shared = np.minimum(a[i, 1], b[j, 1]) - np.maximum(a[i, 0], b[j, 0])
    keep = shared > 0
    return i[keep], j[keep], shared[keep]


def match(truth: Spans, predicted: Spans, iou: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Match bouts one to one: as many pairs with IoU ≥ `iou` as possible, then the largest total IoU.

    Returns
    -------
    index into truth, index into predicted, IoU
        One row per matched pair.
    """
    i, j, shared = overlaps(truth, predicted)
    length = np.diff(truth, axis=1)[:, 0], np.diff(predicted, axis=1)[:, 0]
    value = shared / (length[0][i] + length[1][j] - shared)
    keep = value >= iou - IOU_SLACK
    i, j, value = i[keep], j[keep], value[keep]
    n = len(truth) + len(predicted)
    graph = coo_matrix((np.ones(i.size), (i, len(truth) + j)), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    chosen: list[int] = []
    order = np.argsort(part[i], kind="stable")
    for edges in np.split(order, np.flatnonzero(np.diff(part[i][order])) + 1):
        chosen += _assign(i, j, value, edges)
    picked = np.sort(np.array(chosen, np.int64))
    return i[picked], j[picked], value[picked]


def _assign(i: np.ndarray, j: np.ndarray, value: np.ndarray, edges: np.ndarray) -> list[int]:
    """Best edges of one connected group; an extra pair always outweighs a better overlap."""
    if edges.size <= 1:
        return edges.tolist()
    rows, row = np.unique(i[edges], return_inverse=True)
    columns, column = np.unique(j[edges], return_inverse=True)
    weight = np.zeros((rows.size, columns.size))
    weight[row, column] = edges.size + value[edges]
    edge = np.full(weight.shape, -1)
    edge[row, column] = edges
    best = linear_sum_assignment(weight, maximize=True)
    return [int(e) for e in edge[best] if e >= 0]


@dataclass(frozen=True)
class BoutErrors:
    """Counts and timing errors of one behaviour.

    Attributes
    ----------
    n_truth, n_predicted, n_matched : int
        Bouts, and one-to-one matched pairs.
    onset_ms, offset_ms : array (n_matched,)
        Predicted minus true; positive = late.
    """

    n_truth: int
    n_predicted: int
    n_matched: int
    onset_ms: np.ndarray
    offset_ms: np.ndarray


def compare_bouts(truth: ArrayLike, predicted: ArrayLike, time_s: ArrayLike, iou: float = 0.3) -> BoutErrors:
    """Compare the bouts of one behaviour of one individual.

    Parameters
    ----------
    truth, predicted : int array (time,)
        1, 0, −1. Where the truth is unlabelled neither side has bouts.
    time_s : array (time,)
        Seconds.
    iou : float
        Intersection over union from which two bouts are the same.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    known = truth != UNLABELLED
    a, b = spans_of(truth == 1, time_s), spans_of((predicted == 1) & known, time_s)
    i, j, _ = match(a, b, iou)
    late = 1e3 * (b[j] - a[i])
    return BoutErrors(len(a), len(b), i.size, late[:, 0], late[:, 1])


def interval_cells(truth: ArrayLike, predicted: ArrayLike, n_classes: int, time_s: ArrayLike) -> np.ndarray:
    """Judge each run of `truth` by the class of the `predicted` run that overlaps it longest.

    With the true codes first this counts for the annotation F1 ("was each annotated interval given its
    class?"), with the predicted codes first for the prediction F1 ("was each predicted interval right?").

    Parameters
    ----------
    truth, predicted : int array (time,)
        Class codes 0 … n_classes − 1; −1 = unlabelled ends an interval.
    n_classes : int
        Number of classes; code 0 is usually "none".

    Returns
    -------
    int64 array (n_classes, 4)
        tp, fp, fn, tn over intervals.
    """
    a, a_code = _runs_of_codes(np.asarray(truth), time_s)
    b, b_code = _runs_of_codes(np.asarray(predicted), time_s)
    i, j, shared = overlaps(a, b)
    order = np.lexsort((j, -shared, i))
    first = order[np.unique(i[order], return_index=True)[1]]
    got = np.full(len(a), -1)
    got[i[first]] = b_code[j[first]]
    cells = np.zeros((n_classes, 4), np.int64)
    for k in range(n_classes):
        want, marked = a_code == k, got == k
        tp, fp, fn = (want & marked).sum(), (~want & marked).sum(), (want & ~marked).sum()
        cells[k] = tp, fp, fn, len(a) - tp - fp - fn
    return cells


def _runs_of_codes(codes: np.ndarray, time_s: ArrayLike) -> tuple[Spans, np.ndarray]:
    time_s = np.asarray(time_s, np.float64)
    stops = sample_stops(time_s)
    spans, values = [], []
    for a, b in segments(time_s):
        cuts = np.r_[a, a + 1 + np.flatnonzero(np.diff(codes[a:b])), b]
        for start, stop in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            if codes[start] != UNLABELLED:
                spans.append((time_s[start], stops[stop - 1]))
                values.append(codes[start])
    return np.array(spans, np.float64).reshape(-1, 2), np.array(values, np.int64)


def match_points(a_s: ArrayLike, b_s: ArrayLike, tolerance_s: float) -> int:
    """Return how many points of two sorted trains pair up one to one within `tolerance_s`."""
    a, b = np.sort(np.asarray(a_s, np.float64)), np.sort(np.asarray(b_s, np.float64))
    i = j = hits = 0
    while i < a.size and j < b.size:
        gap = b[j] - a[i]
        if abs(gap) <= tolerance_s + 1e-9:
            hits, i, j = hits + 1, i + 1, j + 1
        elif gap > 0:
            i += 1
        else:
            j += 1
    return hits


def boundary_cells(truth_s: ArrayLike, predicted_s: ArrayLike, tolerance_s: float = 0.1) -> np.ndarray:
    """Return tp, fp, fn, 0 of boundary times (seconds) matched within `tolerance_s`."""
    n_truth, n_predicted = np.size(truth_s), np.size(predicted_s)
    hits = match_points(truth_s, predicted_s, tolerance_s)
    return np.array([hits, n_predicted - hits, n_truth - hits, 0], np.int64)


def boundaries(codes: ArrayLike, time_s: ArrayLike) -> np.ndarray:
    """Return the times at which the code changes between two labelled, undropped neighbours, seconds."""
    codes, time_s = np.asarray(codes), np.asarray(time_s, np.float64)
    change = (codes[1:] != codes[:-1]) & (codes[1:] != UNLABELLED) & (codes[:-1] != UNLABELLED)
    for a, _ in segments(time_s)[1:]:
        change[a - 1] = False
    return time_s[1:][change]
