"""What Selfee's features are good for: few labels, strange behaviour, recordings in step.

All functions take plain tables ``(frame, feature)``, so that features of other networks serve as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.clock import rate_of, samples_in
from murid.data.errors import fail
from murid.data.meet import column_of
from murid.data.states import UNLABELLED
from murid.learn.dtw import Warp, warp

__all__ = ["Anomaly", "Warp", "anomaly", "warp", "few_labels", "windowed"]

Floats = NDArray[np.float32]
#: Rhythms looked at: grooming, sniffing and gait of rodents lie here.
RHYTHMS_HZ = (1.0, 2.0, 4.0)


def windowed(
    features: xr.DataArray, *, windows_s: Sequence[float] = (0.5, 2.0), individual: str | None = None
) -> Floats:
    """Features beside what surrounds them: moving mean and SD, and the rhythm of change.

    Parameters
    ----------
    features : DataArray (time, individual, feature)
        From `Selfee.features`.
    windows_s : sequence of float
        Widths of the moving windows, s.
    individual : str, optional
        Whose; may be left out where there is one.

    Returns
    -------
    float32 array (time, column)
        Features of length 1; their moving mean and SD for each window; Morlet amplitude at 1, 2 and 4 Hz of how fast
        the features change. NaN where the features are.
    """
    from murid.features.wavelets import morlet

    one = features[:, column_of(features, individual, "features")]
    x, rate = np.asarray(one.values, np.float64), rate_of(features["time"].values)
    seen = np.asarray(np.isfinite(x).all(axis=1))
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    parts = [x]
    for window in windows_s:
        parts += _moving(x, seen, max(1, samples_in(window / 2, rate)))
    change = np.full(len(x), np.nan)
    change[1:] = np.linalg.norm(np.diff(x, axis=0), axis=1) * rate
    hz = [f for f in RHYTHMS_HZ if f < rate / 2]
    parts.append(np.nan_to_num(morlet(change, rate, hz).reshape(len(x), -1)))
    table = np.concatenate(parts, axis=1).astype(np.float32)
    table[~seen] = np.nan
    return table


def few_labels(
    tables: Sequence[Floats],
    codes: Sequence[np.ndarray],
    *,
    reader: Literal["knn", "lightgbm"] = "lightgbm",
    n_neighbours: int = 15,
    seed: int = 0,
) -> Callable[[Floats], np.ndarray]:
    """Learn behaviours from a few labelled frames.

    Parameters
    ----------
    tables : sequence of arrays (frame, column)
        One for each recording: features, or `windowed` ones.
    codes : sequence of int arrays (frame,)
        Behaviour of each frame, −1 unlabelled.
    reader : {"knn", "lightgbm"}
        Nearest neighbours by cosine, or boosted trees; the trees make more of `windowed` tables.
    n_neighbours, seed : int

    Returns
    -------
    callable
        Takes a table to probabilities ``(frame, class)``; classes 0 … the largest code. NaN where the table is.
    """
    x, y = np.concatenate(tables), np.concatenate([np.asarray(c) for c in codes])
    if len(x) != len(y):
        fail("few labels", "labels and features differ in length", expected=str(len(x)), got=str(len(y)))
    known = (y != UNLABELLED) & np.isfinite(x).all(axis=1)
    classes = np.unique(y[known])
    if len(classes) < 2:
        fail("few labels", "nothing to tell apart", expected="frames of two behaviours", got=str(classes.tolist()))
    n_classes = int(classes[-1]) + 1
    counts = np.bincount(y[known])[classes]
    model = _reader(reader, counts, n_neighbours, seed).fit(x[known], y[known])

    def read(table: Floats) -> np.ndarray:
        out = np.full((len(table), n_classes), np.nan, np.float32)
        rows = np.flatnonzero(np.isfinite(table).all(axis=1))
        if len(rows):
            out[rows] = 0
            out[rows[:, None], classes[None]] = model.predict_proba(table[rows])
        return out

    return read


def _reader(kind: str, counts: np.ndarray, n_neighbours: int, seed: int) -> Any:
    """Unfitted classifier for classes with so many frames."""
    if kind == "knn":
        from sklearn.neighbors import KNeighborsClassifier

        n = max(1, min(n_neighbours, int(counts.min())))
        return KNeighborsClassifier(n, metric="cosine", weights="distance")
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=150,
        learning_rate=0.08,
        min_child_samples=max(2, min(20, int(counts.sum()) // (4 * len(counts)))),
        colsample_bytree=0.3,
        class_weight="balanced",
        random_state=seed,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


@dataclass(frozen=True)
class Anomaly:
    """How unlike a reference group each moment is.

    Attributes
    ----------
    score : array (frame,)
        Distance to the most similar reference moment, less the distance to the most similar moment of the recording
        itself at another time: what is rare everywhere does not count, what this animal does again and again but the
        reference never does, counts. NaN where the features are.
    threshold : float
        Largest score of a negative control; NaN without one.
    nearest : int array (frame, 2)
        Reference table and frame that is most similar, −1 where unknown.
    """

    score: np.ndarray
    threshold: float
    nearest: np.ndarray

    @property
    def strange(self) -> np.ndarray:
        """Frames (bool) above the threshold."""
        return np.nan_to_num(self.score, nan=-np.inf) > self.threshold


def anomaly(
    table: Floats,
    reference: Sequence[Floats],
    *,
    rate_hz: float,
    control: Sequence[Floats] = (),
    apart_s: float = 50 / 30,
) -> Anomaly:
    """Find what a reference group never does.

    Parameters
    ----------
    table : array (frame, column)
        Features of the recording.
    reference : sequence of arrays (frame, column)
        Recordings of the reference group.
    control : sequence of arrays (frame, column)
        Further recordings of the reference group, for the threshold.
    rate_hz : float
        Rows a second of all tables.
    apart_s : float
        Rows of one recording within this many seconds are the same moment; 50 frames of 30 a second, as published.
    """
    if not reference:
        fail("anomaly", "no reference", expected="recordings of the reference group")
    others = np.concatenate(reference)
    origin = np.concatenate([np.column_stack([np.full(len(r), i), np.arange(len(r))]) for i, r in enumerate(reference)])
    known = np.isfinite(others).all(axis=1)
    if not known.any():
        fail("anomaly", "the reference holds no features", expected="frames without NaN")
    apart = samples_in(apart_s, rate_hz)
    score, at = _strangeness(table, others[known], apart)
    nearest = np.where(at[:, None] >= 0, origin[known][np.maximum(at, 0)], -1)
    limits = [np.nanmax(_strangeness(c, others[known], apart)[0]) for c in control]
    return Anomaly(score, float(max(limits)) if limits else float("nan"), nearest)


def _strangeness(table: Floats, others: Floats, apart: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(np.isfinite(table).all(axis=1))
    score, at = np.full(len(table), np.nan), np.full(len(table), -1)
    own_way, other_way = _directions(table[rows]), _directions(others)
    for start in range(0, len(rows), 1024):
        part = slice(start, start + 1024)
        like = own_way[part] @ other_way.T
        best = like.argmax(axis=1)
        own = own_way[part] @ own_way.T
        own[np.abs(rows[part][:, None] - rows[None]) <= apart] = -np.inf
        itself = own.max(axis=1)
        # A recording too short to hold another moment has nothing to be compared with.
        itself = np.where(np.isfinite(itself), itself, 1.0)
        score[rows[part]] = itself - like[np.arange(len(best)), best]
        at[rows[part]] = best
    return score, at


def _directions(x: Floats) -> Floats:
    return (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _moving(x: np.ndarray, seen: np.ndarray, half: int) -> list[np.ndarray]:
    """Mean and SD over ± `half` rows of what is seen."""
    from scipy.ndimage import uniform_filter1d

    size = 2 * half + 1
    weight = np.maximum(uniform_filter1d(seen.astype(float), size, mode="constant"), 1e-9)[:, None]
    filled = np.where(seen[:, None], x, 0.0)
    mean = uniform_filter1d(filled, size, axis=0, mode="constant") / weight
    square = uniform_filter1d(filled**2, size, axis=0, mode="constant") / weight
    return [mean, np.sqrt(np.maximum(square - mean**2, 0))]
