"""From probabilities to states: smoothing, threshold and minimum bout, tuned out-of-fold.

Every supervised method ends here, so that methods are compared on their evidence and not on who
guessed the better threshold. The rule is tuned on out-of-fold probabilities only: recordings of
animals that the scoring model had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import xarray as xr

from murid.data.states import UNLABELLED, make_states
from murid.ethogram import smooth
from murid.evaluate import bouts as bout_errors
from murid.evaluate import frames

SMOOTH_S = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
MIN_BOUT_S = (0.0, 0.2, 0.4, 0.8, 1.5, 3.0)
THRESHOLDS = tuple(np.round(np.arange(0.04, 0.97, 0.04), 2))
IOU = 0.3


@dataclass(frozen=True)
class Decision:
    """How probabilities become states.

    Attributes
    ----------
    behaviours : tuple of str
        Order of the probability axis.
    smooth_s, threshold, min_bout_s : tuple of float
        Per behaviour: width of the moving mean (s), probability from which it counts, shortest bout (s).
    exclusive : bool
        At most one behaviour at a time: the one with the largest probability / threshold.
    exhaustive : bool
        Every frame shows one of the behaviours (only with `exclusive`); otherwise a frame may show none.
    """

    behaviours: tuple[str, ...]
    smooth_s: tuple[float, ...]
    threshold: tuple[float, ...]
    min_bout_s: tuple[float, ...]
    exclusive: bool = False
    exhaustive: bool = False

    def __call__(self, probability: xr.DataArray) -> xr.DataArray:
        """Return States: exclusive form when exhaustive, multi-label otherwise; NaN → −1."""
        widths = {b: s / 2 for b, s in zip(self.behaviours, self.smooth_s, strict=True)}
        smoothed = smooth.moving_mean(probability, widths) if any(self.smooth_s) else probability
        states = self.cut(smoothed)
        if self.exclusive and self.exhaustive:
            return smooth.min_bout(states, max(self.min_bout_s), "absorb")
        shortest = dict(zip(self.behaviours, self.min_bout_s, strict=True))
        return smooth.gaps_then_bouts(states, shortest) if any(self.min_bout_s) else states

    def cut(self, smoothed: xr.DataArray) -> xr.DataArray:
        """Apply thresholds (and exclusion) to smoothed probabilities."""
        values = smoothed.values
        relative = values / np.asarray(self.threshold, values.dtype)
        missing = ~np.isfinite(values).all(axis=2)
        people = [str(i) for i in smoothed["individual"].values]
        if not self.exclusive:
            present = (relative >= 1).astype(np.int8)
            present[missing] = UNLABELLED
            return make_states(present, smoothed["time"].values, self.behaviours, people)
        best = np.argmax(np.where(np.isfinite(relative), relative, -1), axis=2)
        if self.exhaustive:
            return make_states(np.where(missing, UNLABELLED, best), smoothed["time"].values, self.behaviours, people)
        present = (np.arange(values.shape[2]) == best[..., None]) & (relative >= 1)
        present = present.astype(np.int8)
        present[missing] = UNLABELLED
        return make_states(present, smoothed["time"].values, self.behaviours, people)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read back `to_dict`."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    @classmethod
    def plain(cls, behaviours: Sequence[str], *, exclusive: bool, exhaustive: bool) -> Self:
        """The untuned rule: no smoothing, threshold .5, no minimum bout."""
        n = len(behaviours)
        return cls(tuple(behaviours), (0.0,) * n, (0.5,) * n, (0.0,) * n, exclusive, exhaustive)


def tune(
    pairs: Sequence[tuple[xr.DataArray, np.ndarray]],
    behaviours: Sequence[str],
    *,
    exclusive: bool,
    exhaustive: bool,
    smooth_s: Sequence[float] = SMOOTH_S,
    min_bout_s: Sequence[float] = MIN_BOUT_S,
) -> Decision:
    """Choose smoothing, threshold and minimum bout of each behaviour on out-of-fold probabilities.

    Parameters
    ----------
    pairs : sequence of (probability, truth)
        Per recording: DataArray ``(time, individual, behaviour)`` and int8 array of the same shape
        (1, 0, −1 unlabelled).
    behaviours : sequence of str
    exclusive, exhaustive : bool
        See `Decision`.

    Notes
    -----
    First the width of the smoothing and a threshold per behaviour, by the mean of frame F1 and bout F1
    (IoU ≥ .3); then, for exclusive behaviours, the thresholds together by coordinate ascent on macro
    frame F1 after arg-max; last the minimum bout by the mean of both macro scores.
    """
    rule = Decision.plain(behaviours, exclusive=exclusive, exhaustive=exhaustive)
    widths, cuts = [], []
    smoothed = {s: [_smoothed(p, s) for p, _ in pairs] for s in smooth_s}
    truths = [t for _, t in pairs]
    for b in range(len(behaviours)):
        scored = []
        for s in smooth_s:
            columns = [q.values[..., b] for q in smoothed[s]]
            cut, frame_f1 = _best_threshold(columns, [t[..., b] for t in truths])
            bout_f1 = _binary_bout_f1(smoothed[s], columns, [t[..., b] for t in truths], cut)
            scored.append((0.5 * (frame_f1 + bout_f1), -s, cut))
        _, minus_s, cut = max(scored)
        widths.append(-minus_s)
        cuts.append(cut)
    rule = _with(rule, smooth_s=widths, threshold=cuts)
    stacked = [_per_behaviour(smoothed, widths, i) for i in range(len(pairs))]
    if exclusive:
        rule = _ascend(rule, stacked, truths)
    return _shortest_bouts(rule, stacked, truths, min_bout_s)


def _with(rule: Decision, **changes: Sequence[float]) -> Decision:
    return Decision(**{**asdict(rule), **{k: tuple(float(x) for x in v) for k, v in changes.items()}})


def _smoothed(probability: xr.DataArray, width_s: float) -> xr.DataArray:
    return smooth.moving_mean(probability, width_s / 2) if width_s else probability


def _per_behaviour(smoothed: dict[float, list[xr.DataArray]], widths: Sequence[float], i: int) -> xr.DataArray:
    """Recording i's probabilities, each behaviour with its own smoothing."""
    columns = [smoothed[w][i].values[..., b] for b, w in enumerate(widths)]
    return next(iter(smoothed.values()))[i].copy(data=np.stack(columns, axis=-1))


def _best_threshold(columns: Sequence[np.ndarray], truths: Sequence[np.ndarray]) -> tuple[float, float]:
    """Threshold with the best pooled frame F1, and that F1, from one sort-free histogram."""
    p = np.concatenate([c.ravel() for c in columns])
    y = np.concatenate([t.ravel() for t in truths])
    keep = (y != UNLABELLED) & np.isfinite(p)
    edges = np.asarray([*THRESHOLDS, 1.0001])
    at = np.searchsorted(edges, p[keep], side="right")
    hits = np.bincount(at[y[keep] == 1], minlength=len(edges) + 1)
    every = np.bincount(at, minlength=len(edges) + 1)
    # Frames at or above threshold k lie in bins > k.
    tp = hits[::-1].cumsum()[::-1][1 : len(THRESHOLDS) + 1]
    said = every[::-1].cumsum()[::-1][1 : len(THRESHOLDS) + 1]
    f1 = 2 * tp / np.maximum(said + hits.sum(), 1)
    best = int(np.argmax(f1))
    return float(THRESHOLDS[best]), float(f1[best])


def _binary_bout_f1(
    clocks: Sequence[xr.DataArray], columns: Sequence[np.ndarray], truths: Sequence[np.ndarray], cut: float
) -> float:
    total = np.zeros(3)
    for clock, column, truth in zip(clocks, columns, truths, strict=True):
        for i in range(column.shape[1]):
            errors = bout_errors.compare(truth[:, i], (column[:, i] >= cut).astype(np.int8), clock["time"].values, IOU)
            total += errors.n_truth, errors.n_predicted, errors.n_matched
    return float(2 * total[2] / max(total[0] + total[1], 1))


def _ascend(rule: Decision, stacked: Sequence[xr.DataArray], truths: Sequence[np.ndarray]) -> Decision:
    """Thresholds of exclusive behaviours together: coordinate ascent on macro frame F1."""
    p = np.concatenate([q.values.reshape(-1, q.shape[2]) for q in stacked])
    y = np.concatenate([t.reshape(-1, t.shape[2]) for t in truths])
    known = (y != UNLABELLED).all(axis=1) & np.isfinite(p).all(axis=1)
    p, y = p[known], y[known]
    if len(p) > 200_000:
        step = len(p) // 200_000 + 1
        p, y = p[::step], y[::step]

    n = p.shape[1]
    # One code per frame, n for none: a table of codes is counted ten times as fast as columns of 0 and 1.
    truth = np.where((y == 1).any(axis=1), (y == 1).argmax(axis=1), n)

    def macro(cuts: np.ndarray) -> float:
        relative = p / cuts
        said = relative.argmax(axis=1)
        if not rule.exhaustive:
            said = np.where(relative.max(axis=1) >= 1, said, n)
        both = np.bincount(truth * (n + 1) + said, minlength=(n + 1) ** 2).reshape(n + 1, n + 1)
        hits, found, shown = np.diag(both)[:n], both.sum(axis=0)[:n], both.sum(axis=1)[:n]
        cells = np.stack([hits, found - hits, shown - hits, len(p) - found - shown + hits], axis=1)
        return float(frames.mean_known(frames.f1_of(cells)))

    cuts = np.asarray(rule.threshold, np.float64)
    best = macro(cuts)
    for _ in range(3):
        before = best
        for b in range(len(cuts)):
            for candidate in THRESHOLDS:
                trial = cuts.copy()
                trial[b] = candidate
                score = macro(trial)
                if score > best + 1e-6:
                    best, cuts = score, trial
        if best - before < 1e-4:
            break
    return _with(rule, threshold=cuts)


def _shortest_bouts(
    rule: Decision, stacked: Sequence[xr.DataArray], truths: Sequence[np.ndarray], options: Sequence[float]
) -> Decision:
    """Minimum bout per behaviour (one for all when exhaustive) by macro frame F1 + macro bout F1."""
    cut = [rule.cut(q) for q in stacked]
    n = len(rule.behaviours)

    def scores(shortest: float) -> np.ndarray:
        cells, found = np.zeros((n, 4)), np.zeros((n, 3))
        for states, truth in zip(cut, truths, strict=True):
            if rule.exclusive and rule.exhaustive:
                kept = smooth.min_bout(states, shortest, "absorb")
                values = (kept.values[..., None] == np.arange(n)).astype(np.int8)
            else:
                values = smooth.gaps_then_bouts(states, shortest).values if shortest else states.values
            cells += frames.counts(truth, values)
            for b in range(n):
                for i in range(values.shape[1]):
                    errors = bout_errors.compare(truth[:, i, b], values[:, i, b], states["time"].values, IOU)
                    found[b] += errors.n_truth, errors.n_predicted, errors.n_matched
        bout_f1 = 2 * found[:, 2] / np.maximum(found[:, 0] + found[:, 1], 1)
        return 0.5 * (np.nan_to_num(frames.f1_of(cells)) + bout_f1)

    table = np.stack([scores(s) for s in options])
    if rule.exclusive and rule.exhaustive:
        return _with(rule, min_bout_s=[options[int(table.mean(axis=1).argmax())]] * n)
    return _with(rule, min_bout_s=[options[int(k)] for k in table.argmax(axis=0)])
