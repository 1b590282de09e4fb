"""Scores of the other behaviours as features of a second run of boosted stumps, never from a model that saw the animal.

JAABA lets a classifier use the scores of other classifiers (chase after approach). Here both are learnt from the same
labels, so scores of the rows that a second run learns from come from first runs that had not seen their animal, also
inside the folds: for the fold that holds out A, rows of B are scored by a model of neither A nor B.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from murid.data.errors import fail
from murid.data.resample import samples_within, straight_line
from murid.data.stretches import even_spans
from murid.learn.classify.calibration import Calibration
from murid.learn.classify.stumps import Bins, Stumps, bins_of, fit_stumps
from murid.methods.base import Dump
from murid.methods.supervised.recipe import Floats
from murid.methods.supervised.training_rows import Material, learnable, sampled_rows

#: Columns of a score beside its means over ± each radius: the score itself, and its change over the largest radius.
_BESIDE = 2


def score_columns(scores: Floats, time_s: NDArray[np.float64], radii_s: Sequence[float]) -> Floats:
    """Return what a second run sees of the scores of one stretch of time.

    Parameters
    ----------
    scores : array (frame, behaviour)
        Probabilities that stumps gave; NaN where none could.
    time_s : array (frame,)
        Without a pause.
    radii_s : sequence of float
        Half lengths of windows, s.

    Returns
    -------
    float32 array (frame, behaviour x (2 + radius))
        Per behaviour: the score (log-odds), its mean within ± each radius, and its mean over the largest radius ahead
        minus that over the largest radius before. Means of the frames whose score is known.
    """
    raw = logit(np.clip(np.asarray(scores, np.float64), 1e-6, 1 - 1e-6))
    known, far = np.isfinite(raw), max(radii_s)
    total, count = (
        np.concatenate([np.zeros((1, raw.shape[1])), np.cumsum(v, axis=0)]) for v in (np.where(known, raw, 0.0), known)
    )

    def mean(first_s: NDArray[np.float64], last_s: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b = samples_within(time_s, first_s, last_s)
        n = count[b] - count[a]
        return (total[b] - total[a]) / np.where(n > 0, n, np.nan)

    columns = [raw, *(mean(time_s - r, time_s + r) for r in radii_s)]
    columns.append(mean(time_s, time_s + far) - mean(time_s - far, time_s))
    return np.stack(columns, axis=2).reshape(len(raw), -1).astype(np.float32)


@dataclass(frozen=True)
class SecondRun:
    """Stumps on features and on scores of the other behaviours.

    Attributes
    ----------
    stumps : Stumps
        Their features count through `columns` and then through `score_columns`.
    columns : int array
        Columns of the feature table that some stump looks at.
    radii_s : tuple of float
    calibration : Calibration
        Of the first run alone.
    rate_hz : float
        Rows a second that it learnt from: means of scores are of as many of them wherever it is applied.
    """

    stumps: Stumps
    columns: NDArray[np.intp]
    radii_s: tuple[float, ...]
    calibration: Calibration
    rate_hz: float

    @property
    def first_calibration(self) -> Calibration:
        """Calibration of the first run alone, for frames out of their order."""
        return self.calibration

    def mix(self, scores: Floats, features: Floats, time_s: np.ndarray) -> Floats:
        """Return the second run's probabilities ``(frame, behaviour)`` of one subject's consecutive frames.

        Frames are read at the rate of the training; the log-odds between are straight lines. A frame with no feature
        has no probability.
        """
        rows = sampled_rows(time_s, self.rate_hz)
        every = np.ones(len(rows), bool)
        given = _by_span(scores[rows], time_s[rows], np.zeros(len(rows), int), every, self.radii_s)
        seen = np.asarray(np.isfinite(features).any(axis=1))
        given[~seen[rows]] = np.nan
        p = self.stumps.predict(np.concatenate([features[np.ix_(rows, self.columns)], given], axis=1))
        odds = straight_line(logit(np.clip(p, 1e-6, 1 - 1e-6).astype(np.float64)), time_s[rows], time_s)
        return np.where(seen[:, None], expit(odds), np.nan).astype(np.float32)

    def dump(self) -> Dump:
        """Arrays."""
        arrays = {f"second_{k}": v for k, v in self.stumps.to_arrays().items()}
        return Dump(
            arrays=arrays
            | {
                "second_columns": self.columns,
                "second_radii": np.asarray(self.radii_s),
                "second_rate_hz": np.array([self.rate_hz]),
                "first_score": self.calibration.score,
                "first_probability": self.calibration.probability,
            }
        )


def _by_span(
    scores: Floats, time_s: np.ndarray, numbers: np.ndarray, rows: np.ndarray, radii_s: Sequence[float]
) -> Floats:
    """`score_columns` on each stretch of one sample without a pause that lies in `rows`; NaN elsewhere."""
    out = np.full((len(scores), scores.shape[1] * (_BESIDE + len(radii_s))), np.nan, np.float32)
    for a, b in even_spans(time_s, numbers, rows):
        if rows[a]:
            out[a:b] = score_columns(scores[a:b], time_s[a:b], radii_s)
    return out


@dataclass(frozen=True)
class ScoreStacking:
    """How a second run of stumps is stacked on the first one.

    Attributes
    ----------
    n_rounds, n_draw, n_bins, seed : int
        See `Stumping`.
    radii_s : tuple of float
        Windows in which the scores are looked at.
    calibrate : callable
        How the first run's scores become probabilities; that of the recipe.
    """

    n_rounds: int
    n_draw: int
    n_bins: int
    seed: int
    radii_s: tuple[float, ...]
    calibrate: Callable[[Floats, NDArray[np.int8]], Calibration] = Calibration.fit

    def fit(
        self, material: Material, scores: Floats, columns: Sequence[NDArray[np.intp]], last: NDArray[np.intp]
    ) -> tuple[SecondRun, Floats]:
        """Fit second runs in the same folds and one on everything (see `Stacking.fit`).

        Raises
        ------
        DataError
            Fewer than two behaviours, or fewer than three folds: then no model of neither fold is left.
        """
        del columns, last  # stumps look at every column
        held, n = material.held_out, len(material.behaviours)
        if n < 2 or len(held) < 3:
            fail(
                "method 'jaaba': scores",
                "scores of other behaviours need two behaviours that are learnt, and three folds",
                got=f"{n} behaviours, {len(held)} folds",
                todo="scores=False, or folds=3 and labels of three animals or more",
            )
        bins = bins_of(material.features, self.n_bins, seed=self.seed)
        extra = n * (_BESIDE + len(self.radii_s))
        wide = Bins(
            np.concatenate([bins.codes, np.zeros((len(bins.codes), extra), np.uint8)], axis=1),
            np.concatenate([bins.thresholds, np.zeros((extra, self.n_bins), np.float32)]),
        )
        inner = self._inner(material, bins)
        out = np.full_like(scores, np.nan)
        for k, mask in enumerate(held):
            stumps = self._second(material, wide, inner[k], ~mask, f"second run, fold {k + 1}")
            out[mask] = self._predicted(stumps, material, scores, mask)
        stumps = self._second(material, wide, scores, np.ones(len(scores), bool), "second run")
        rows = material.scored
        calibration = self.calibrate(scores[rows], material.targets[rows])
        rate = 1.0 / float(np.median(np.concatenate([np.diff(s.time_s) for s in material.samples])))
        return self._compact(stumps, material.features.shape[1], calibration, rate), out

    def _boost(self, bins: Bins, material: Material, rows: np.ndarray, text: str, **options: NDArray) -> Stumps:
        return fit_stumps(
            bins,
            material.targets,
            material.behaviours,
            weights=material.weights,
            rows=np.flatnonzero(rows),
            n_rounds=self.n_rounds,
            n_draw=self.n_draw,
            seed=self.seed,
            text=text,
            **options,
        )

    def _inner(self, material: Material, bins: Bins) -> list[Floats]:
        """For each fold, first-run scores of the rows it learns from, by models of neither it nor the row's fold."""
        held, targets = material.held_out, material.targets
        scores_of = [np.full(targets.shape, np.nan, np.float32) for _ in held]
        for j, k in combinations(range(len(held)), 2):
            rows = ~(held[j] | held[k])
            usable = np.flatnonzero(learnable(targets[rows]))
            if len(usable):
                part, text = material.only(usable.tolist()), f"scores without folds {j + 1} and {k + 1}"
                stumps = self._boost(bins, part, rows, text)
                for outer, inside in ((k, held[j]), (j, held[k])):
                    scores_of[outer][np.ix_(inside, usable)] = stumps.predict(material.features[inside])
        return scores_of

    def _second(self, material: Material, wide: Bins, scores: Floats, rows: np.ndarray, text: str) -> Stumps:
        """Stumps on features and the scores of the *other* behaviours; the bins of scores are put into `wide`."""
        n_features, n = material.features.shape[1], len(material.behaviours)
        given = _by_span(scores, material.time_s, material.sample_of, rows, self.radii_s)
        made = bins_of(given[rows], self.n_bins, seed=self.seed)
        wide.codes[rows, n_features:] = made.codes
        wide.thresholds[n_features:] = made.thresholds
        own = np.arange(given.shape[1]) // (given.shape[1] // n) == np.arange(n)[:, None]
        allowed = np.concatenate([np.ones((n, n_features), bool), ~own], axis=1)
        usable = np.flatnonzero(learnable(material.targets[rows]))
        part = self._boost(wide, material.only(usable.tolist()), rows, text, allowed=allowed[usable])
        return _spread(part, usable, n)

    def _predicted(self, stumps: Stumps, material: Material, scores: Floats, rows: np.ndarray) -> Floats:
        given = _by_span(scores, material.time_s, material.sample_of, rows, self.radii_s)
        given[~np.isfinite(material.features).any(axis=1)] = np.nan
        compact = self._compact(stumps, material.features.shape[1], Calibration.identity(scores.shape[1]), 1.0)
        table = np.concatenate([material.features[np.ix_(rows, compact.columns)], given[rows]], axis=1)
        out = compact.stumps.predict(table)
        # A behaviour that this fold could not learn has no votes at all.
        out[:, ~(stumps.alpha != 0).any(axis=1)] = np.nan
        return out

    def _compact(self, stumps: Stumps, n_features: int, calibration: Calibration, rate_hz: float) -> SecondRun:
        """Count features through the used columns of the table, then through those of the scores."""
        scored = stumps.feature >= n_features
        used, place = np.unique(np.where(scored, -1, stumps.feature), return_inverse=True)
        beyond = int(scored.any())
        used = used[beyond:].astype(np.intp)
        number = np.where(scored, stumps.feature - n_features + len(used), place.reshape(scored.shape) - beyond)
        return SecondRun(
            replace(stumps, feature=number.astype(np.int32)),
            used,
            tuple(map(float, self.radii_s)),
            calibration,
            rate_hz,
        )

    def restore(self, dump: Dump) -> SecondRun | None:
        """Read back `SecondRun.dump`; None when the model was stored without."""
        if "second_columns" not in dump.arrays:
            return None
        own = {k.removeprefix("second_"): v for k, v in dump.arrays.items() if k.startswith("second_stump_")}
        calibration = Calibration(dump.arrays["first_score"], dump.arrays["first_probability"])
        radii = tuple(map(float, dump.arrays["second_radii"]))
        rate = float(dump.arrays["second_rate_hz"][0])
        return SecondRun(Stumps.from_arrays(own), dump.arrays["second_columns"], radii, calibration, rate)


def _spread(stumps: Stumps, usable: NDArray[np.intp], n: int) -> Stumps:
    """Stumps of some behaviours among all; the others have no votes."""

    def wide(values: NDArray) -> NDArray:
        out = np.zeros((n, values.shape[1]), values.dtype)
        out[usable] = values
        return out

    return Stumps(*(wide(v) for v in (stumps.feature, stumps.threshold, stumps.direction, stumps.alpha)))


__all__ = ["ScoreStacking", "SecondRun", "score_columns"]
