"""From probabilities to states: smoothing, threshold and minimum bout, tuned out-of-fold.

Every supervised method ends here, so that methods are compared on their evidence and not on who
guessed the better threshold. The rule is tuned on out-of-fold probabilities only: recordings of
animals that the scoring model had not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import xarray as xr
from numba import njit

from murid.data.states import UNLABELLED, make_states
from murid.ethogram import kernels, smooth
from murid.evaluate import bouts as bout_errors
from murid.evaluate import frames

SMOOTH_S = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
MIN_BOUT_S = (0.0, 0.2, 0.4, 0.8, 1.5, 3.0)
#: Finer where rare behaviours decide: their true probabilities are small.
THRESHOLDS = (0.01, 0.02, *np.round(np.arange(0.04, 0.97, 0.04), 2).tolist())
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
    low : float
        Hysteresis: a bout goes on down to this share of the threshold; of exhaustive behaviours the present one goes
        on while it has this share of the best one's probability / threshold. 1 = none.
    short : {"gaps", "absorb"}
        What `min_bout_s` does: close gaps, then delete bouts (SimBA), or flip the shortest runs, absences too (JAABA).
        Exhaustive behaviours are always absorbed.
    strict : bool
        A probability must lie above its threshold (SimBA, JAABA), not at it or above.
    """

    behaviours: tuple[str, ...]
    smooth_s: tuple[float, ...]
    threshold: tuple[float, ...]
    min_bout_s: tuple[float, ...]
    exclusive: bool = False
    exhaustive: bool = False
    low: float = 1.0
    short: Literal["gaps", "absorb"] = "gaps"
    strict: bool = False

    def __call__(self, probability: xr.DataArray) -> xr.DataArray:
        """Return States: exclusive form when exhaustive, multi-label otherwise; NaN → −1."""
        smoothed = self.smoothed(probability)
        return self.finish(self.cut(smoothed), smoothed, self.min_bout_s)

    def smoothed(self, probability: xr.DataArray) -> xr.DataArray:
        """Moving mean of each behaviour's probability."""
        widths = {b: s / 2 for b, s in zip(self.behaviours, self.smooth_s, strict=True)}
        return smooth.moving_mean(probability, widths) if any(self.smooth_s) else probability

    def cut(self, smoothed: xr.DataArray) -> xr.DataArray:
        """Apply thresholds, hysteresis and arg-max to smoothed probabilities; what may exclude is left to `finish`."""
        values = smoothed.values
        missing = ~np.isfinite(values).all(axis=2)
        people = [str(i) for i in smoothed["individual"].values]
        time = smoothed["time"].values
        if self.exclusive and self.exhaustive:
            relative = np.where(missing[..., None], np.nan, self.relative(values))
            best = np.stack([_held_argmax(relative[:, i], self.low) for i in range(len(people))], axis=1)
            return make_states(best, time, self.behaviours, people)
        if self.low < 1:
            # `hysteresis` takes what reaches a limit; a strict one begins just above it.
            limits = [float(np.nextafter(np.float32(t), np.float32(2))) if self.strict else t for t in self.threshold]
            high = dict(zip(self.behaviours, limits, strict=True))
            present = smooth.hysteresis(smoothed, high, {b: t * self.low for b, t in high.items()}).values
        else:
            present = self._reached(values).astype(np.int8)
        present[missing] = UNLABELLED
        if self.exclusive and self.low == 1:
            present = _strongest(present, self.relative(values))
        return make_states(present, time, self.behaviours, people)

    def finish(self, states: xr.DataArray, smoothed: xr.DataArray, min_bout_s: Sequence[float]) -> xr.DataArray:
        """Remove short bouts from what `cut` returned, and leave one behaviour at a time where they exclude."""
        if self.exclusive and self.exhaustive:
            return smooth.min_bout(states, max(min_bout_s), "absorb")
        shortest = dict(zip(self.behaviours, min_bout_s, strict=True))
        if any(min_bout_s):
            absorb = self.short == "absorb"
            states = smooth.min_bout(states, shortest, "absorb") if absorb else smooth.gaps_then_bouts(states, shortest)
        return states.copy(data=_strongest(states.values, self.relative(smoothed.values))) if self.exclusive else states

    def relative(self, probability: np.ndarray) -> np.ndarray:
        """Return probability / threshold, ``(..., behaviour)``."""
        return probability / np.asarray(self.threshold, np.float32)

    def _reached(self, probability: np.ndarray) -> np.ndarray:
        """Where each behaviour's probability counts, bool ``(..., behaviour)``."""
        limits = np.asarray(self.threshold, np.float32)
        return probability > limits if self.strict else probability / limits >= 1

    def certainty(self, probability: np.ndarray) -> np.ndarray:
        """How far each frame is from another decision, 0 (at the threshold) to 1, ``(...,)``.

        Parameters
        ----------
        probability : array (..., behaviour)

        Notes
        -----
        Probabilities are bent so that each behaviour's threshold comes to lie at .5: with odds o and o_t of the
        threshold, o / (o + o_t). Then |2p − 1| of the most doubtful behaviour. Where some behaviour must be present:
        the lead of the best probability / threshold over the second best, as a share of their sum.
        """
        p = np.clip(np.asarray(probability, np.float64), 1e-6, 1 - 1e-6)
        t = np.clip(np.asarray(self.threshold), 1e-3, 1 - 1e-3)
        if self.exclusive and self.exhaustive:
            best = np.sort(p / t, axis=-1)[..., ::-1]
            return (best[..., 0] - best[..., 1]) / (best[..., 0] + best[..., 1])
        bent = p * (1 - t) / (p * (1 - t) + t * (1 - p))
        return np.abs(2 * bent - 1).min(axis=-1)

    def strongest(self, probability: np.ndarray) -> np.ndarray:
        """Behaviour of each frame, −1 none: the largest probability over its threshold, ``(...,)``."""
        relative = self.relative(probability)
        best = relative.argmax(axis=-1)
        return (
            best if self.exclusive and self.exhaustive else np.where(self._reached(probability).any(axis=-1), best, -1)
        )

    def present(self, probability: np.ndarray) -> np.ndarray:
        """Thresholds and exclusion alone, without smoothing or bouts, int8 ``(..., behaviour)``."""
        if not self.exclusive:
            return self._reached(probability).astype(np.int8)
        return (self.strongest(probability)[..., None] == np.arange(len(self.behaviours))).astype(np.int8)

    def replace(
        self,
        *,
        smooth_s: float | Sequence[float] | None = None,
        threshold: float | Sequence[float] | None = None,
        min_bout_s: float | Sequence[float] | None = None,
    ) -> Self:
        """Return a rule with other values; a single number is meant for every behaviour, None keeps what is."""

        def each(value: float | Sequence[float] | None, now: tuple[float, ...]) -> tuple[float, ...]:
            return now if value is None else tuple(np.broadcast_to(np.asarray(value, float), len(now)).tolist())

        return replace(
            self,
            smooth_s=each(smooth_s, self.smooth_s),
            threshold=each(threshold, self.threshold),
            min_bout_s=each(min_bout_s, self.min_bout_s),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read back `to_dict`; rules of earlier versions have no hysteresis of their own."""
        return cls(
            tuple(values["behaviours"]),
            tuple(values["smooth_s"]),
            tuple(values["threshold"]),
            tuple(values["min_bout_s"]),
            bool(values.get("exclusive", False)),
            bool(values.get("exhaustive", False)),
            float(values.get("low", 1.0)),
            values.get("short", "gaps"),
            bool(values.get("strict", False)),
        )

    @classmethod
    def plain(
        cls,
        behaviours: Sequence[str],
        *,
        exclusive: bool,
        exhaustive: bool,
        low: float = 1.0,
        short: Literal["gaps", "absorb"] = "gaps",
        strict: bool = False,
    ) -> Self:
        """The untuned rule: no smoothing, threshold .5, no minimum bout."""
        n = len(behaviours)
        return cls(tuple(behaviours), (0.0,) * n, (0.5,) * n, (0.0,) * n, exclusive, exhaustive, low, short, strict)


def _strongest(present: np.ndarray, relative: np.ndarray) -> np.ndarray:
    """Of behaviours present at once only the one with the largest probability / threshold; −1 stays."""
    best = np.where((present == 1) & np.isfinite(relative), relative, -np.inf).argmax(axis=-1)
    others = np.arange(present.shape[-1]) != best[..., None]
    return np.where((present == 1) & others, 0, present).astype(np.int8)


@njit(cache=True, nogil=True)
def _held_argmax(relative: np.ndarray, low: float) -> np.ndarray:
    """Arg-max in which the present one stays while it has `low` of the best; −1 where something is NaN."""
    n, k = relative.shape
    out = np.empty(n, np.int64)
    now = -1
    for t in range(n):
        best, known = 0, True
        for b in range(k):
            if not np.isfinite(relative[t, b]):
                known = False
            elif relative[t, b] > relative[t, best]:
                best = b
        if not known:
            now = -1
        elif now < 0 or relative[t, best] * low > relative[t, now] or (low == 1.0 and best != now):
            now = best
        out[t] = now
    return out


def tune_decision(
    pairs: Sequence[tuple[xr.DataArray, np.ndarray]],
    rule: Decision,
    *,
    smooth_s: Sequence[float] = SMOOTH_S,
    min_bout_s: Sequence[float] = MIN_BOUT_S,
) -> Decision:
    """Choose smoothing, threshold and minimum bout of each behaviour on out-of-fold probabilities.

    Parameters
    ----------
    pairs : sequence of (probability, truth)
        Per recording: DataArray ``(time, individual, behaviour)`` and int8 array of the same shape
        (1, 0, −1 unlabelled).
    rule : Decision
        Untuned (`Decision.plain`): its behaviours, their exclusion, hysteresis and kind of minimum bout stay.
    smooth_s, min_bout_s : sequence of float
        Candidates, s.

    Notes
    -----
    First the width of the smoothing and a threshold per behaviour, by the mean of frame F1 and bout F1
    (IoU ≥ .3); then, for exclusive behaviours, the thresholds together by coordinate ascent on macro
    frame F1 after arg-max; last the minimum bout by the mean of both macro scores. Every step uses the rule as it
    will be applied, with its hysteresis.
    """
    widths, cuts = [], []
    smoothed = {s: [_smoothed(p, s) for p, _ in pairs] for s in smooth_s}
    truths = [t for _, t in pairs]
    for b in range(len(rule.behaviours)):
        scored = []
        for s in smooth_s:
            columns = [q.values[..., b] for q in smoothed[s]]
            cut, frame_f1 = _best_threshold(columns, [t[..., b] for t in truths], rule.low)
            bout_f1 = _binary_bout_f1(smoothed[s], columns, [t[..., b] for t in truths], cut, rule.low)
            scored.append((0.5 * (frame_f1 + bout_f1), -s, cut))
        _, minus_s, cut = max(scored)
        widths.append(-minus_s)
        cuts.append(cut)
    rule = rule.replace(smooth_s=widths, threshold=cuts)
    stacked = [_per_behaviour(smoothed, widths, i) for i in range(len(pairs))]
    if rule.exclusive and len(rule.behaviours) > 1:
        rule = _ascend(rule, stacked, truths)
    return _shortest_bouts(rule, stacked, truths, min_bout_s)


def _smoothed(probability: xr.DataArray, width_s: float) -> xr.DataArray:
    return smooth.moving_mean(probability, width_s / 2) if width_s else probability


def _per_behaviour(smoothed: dict[float, list[xr.DataArray]], widths: Sequence[float], i: int) -> xr.DataArray:
    """Recording i's probabilities, each behaviour with its own smoothing."""
    columns = [smoothed[w][i].values[..., b] for b, w in enumerate(widths)]
    return next(iter(smoothed.values()))[i].copy(data=np.stack(columns, axis=-1))


def _best_threshold(
    columns: Sequence[np.ndarray], truths: Sequence[np.ndarray], low: float = 1.0
) -> tuple[float, float]:
    """Threshold with the best pooled frame F1, and that F1."""
    p = np.concatenate([c.ravel() for c in columns])
    y = np.concatenate([t.ravel() for t in truths])
    keep = (y != UNLABELLED) & np.isfinite(p)
    shows = y[keep] == 1
    if low < 1:
        marks = [np.concatenate([_marked(c, t, low).ravel() for c in columns])[keep] for t in THRESHOLDS]
        hits, marked = np.array([(m & shows).sum() for m in marks]), np.array([m.sum() for m in marks])
    else:
        # Frames at or above threshold k lie in bins > k of one histogram, which needs no sorting.
        edges = np.asarray([*THRESHOLDS, 1.0001])
        at = np.searchsorted(edges, p[keep], side="right")
        of_true = np.bincount(at[shows], minlength=len(edges) + 1)
        of_all = np.bincount(at, minlength=len(edges) + 1)
        hits = of_true[::-1].cumsum()[::-1][1 : len(THRESHOLDS) + 1]
        marked = of_all[::-1].cumsum()[::-1][1 : len(THRESHOLDS) + 1]
    f1 = 2 * hits / np.maximum(marked + shows.sum(), 1)
    best = int(np.argmax(f1))
    return float(THRESHOLDS[best]), float(f1[best])


def _marked(column: np.ndarray, cut: float, low: float) -> np.ndarray:
    """Where one behaviour's probabilities ``(time, individual)`` count, with hysteresis; bool."""
    if low == 1:
        return column >= cut
    return np.stack([kernels.hysteresis_1d(x, cut, cut * low) == 1 for x in column.T], axis=1)


def _binary_bout_f1(
    clocks: Sequence[xr.DataArray],
    columns: Sequence[np.ndarray],
    truths: Sequence[np.ndarray],
    cut: float,
    low: float = 1.0,
) -> float:
    total = np.zeros(3)
    for clock, column, truth in zip(clocks, columns, truths, strict=True):
        marked = _marked(column, cut, low).astype(np.int8)
        for i in range(column.shape[1]):
            errors = bout_errors.compare_bouts(truth[:, i], marked[:, i], clock["time"].values, IOU)
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
        chosen = relative.argmax(axis=1)
        if not rule.exhaustive:
            chosen = np.where(relative.max(axis=1) >= 1, chosen, n)
        both = np.bincount(truth * (n + 1) + chosen, minlength=(n + 1) ** 2).reshape(n + 1, n + 1)
        hits, marked, shown = np.diag(both)[:n], both.sum(axis=0)[:n], both.sum(axis=1)[:n]
        cells = np.stack([hits, marked - hits, shown - hits, len(p) - marked - shown + hits], axis=1)
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
    return rule.replace(threshold=cuts.tolist())


def _shortest_bouts(
    rule: Decision, stacked: Sequence[xr.DataArray], truths: Sequence[np.ndarray], options: Sequence[float]
) -> Decision:
    """Minimum bout per behaviour (one for all when exhaustive) by macro frame F1 + macro bout F1."""
    cut = [rule.cut(q) for q in stacked]
    n = len(rule.behaviours)

    def scores(shortest: float) -> np.ndarray:
        cells, matched = np.zeros((n, 4)), np.zeros((n, 3))
        for states, probability, truth in zip(cut, stacked, truths, strict=True):
            kept = rule.finish(states, probability, [shortest] * n)
            values = kept.values
            if rule.exclusive and rule.exhaustive:
                values = (values[..., None] == np.arange(n)).astype(np.int8)
            cells += frames.counts(truth, values)
            for b in range(n):
                for i in range(values.shape[1]):
                    errors = bout_errors.compare_bouts(truth[:, i, b], values[:, i, b], states["time"].values, IOU)
                    matched[b] += errors.n_truth, errors.n_predicted, errors.n_matched
        bout_f1 = 2 * matched[:, 2] / np.maximum(matched[:, 0] + matched[:, 1], 1)
        return 0.5 * (np.nan_to_num(frames.f1_of(cells)) + bout_f1)

    table = np.stack([scores(s) for s in options])
    if rule.exclusive and rule.exhaustive:
        return rule.replace(min_bout_s=options[int(table.mean(axis=1).argmax())])
    return rule.replace(min_bout_s=[options[int(k)] for k in table.argmax(axis=0)])
