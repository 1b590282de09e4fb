"""Warm fits: the same method again in seconds, after some more labels.

Features do not change when labels do. `Warm` keeps, of the frames that learning looks at, the columns that the last
full fit gained most by, and fits with fewer, larger trees and two folds. The states are close to those of a full fit;
for results, fit in full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.recording import Recording
from murid.evaluate import folds, frames
from murid.methods.supervised.base import Supervised
from murid.methods.supervised.training_rows import Sample, bout_weights

#: Rounds of a warm fit, at four times the usual rate; folds; columns kept.
N_TREES, RATE, FOLDS, N_FEATURES = 30, 0.25, 2, 120
Tables = dict[tuple[str, str], xr.DataArray]


def learning_tables(model: Supervised, recording: Recording) -> Tables:
    """Return the features of one recording's frames that learning looks at, by (recording, subject)."""
    rows = model.rows_of(recording)
    blind = recording.replace(labels=None)
    return {(recording.id, who): model.table(blind, who, rows) for who in model.subjects_of(recording)}


def telling_columns(model: Supervised, n: int = N_FEATURES) -> list[str]:
    """Names of the `n` features the model gains most by, and of those that its sense of novelty needs."""
    best = set(np.argsort(-model.gains(), kind="stable")[:n].tolist())
    if model.novelty is not None:
        best |= set(model.novelty.columns.tolist())
    return [model.features_used[c] for c in sorted(best)]


class Warm:
    """A model and what is needed to fit it again quickly.

    Parameters
    ----------
    model : Supervised
        Fitted in full once.
    tables : mapping, optional
        From `learning_tables`, of every recording that may get labels; computed by `keep` where missing.
    """

    def __init__(self, model: Supervised, tables: Mapping[tuple[str, str], xr.DataArray] | None = None) -> None:
        self.model = model
        self.columns = telling_columns(model)
        self.tables: Tables = {}
        self._take(tables or {})

    def keep(self, recordings: Sequence[Recording]) -> None:
        """Compute the tables of recordings that are not kept yet."""
        known = {id for id, _ in self.tables}
        for recording in recordings:
            if recording.id not in known:
                self._take(learning_tables(self.model, recording))

    def _take(self, tables: Mapping[tuple[str, str], xr.DataArray]) -> None:
        self.tables |= {key: table.sel(feature=self.columns) for key, table in tables.items()}

    def unfitted(self, n_frames: int) -> Supervised:
        """Return the method with quicker parameters, and the kept tables in place of its features."""
        params: dict[str, Any] = dict(self.model.params)
        params |= {"behaviours": tuple(self.model.behaviours), "folds": FOLDS}
        if hasattr(self.model.params, "trees"):
            leaf = int(np.clip(n_frames // 300, 5, self.model.params.trees.min_leaf))
            params["trees"] = self.model.params.trees.replace(n_trees=N_TREES, learning_rate=RATE, min_leaf=leaf)
        # What takes minutes, or features that are not kept, has no place in a refit of seconds.
        params |= {name: False for name in ("net", "mirror") if name in params}
        fresh = type(self.model)(**params)
        fresh.kept_tables = self.tables
        if self.model.novelty is not None:
            old = [self.model.features_used[c] for c in self.model.novelty.columns]
            fresh.novelty = replace(
                self.model.novelty, columns=np.array([self.columns.index(f) for f in old], np.int32)
            )
        # Few widths to choose from: those that the full fit found best.
        fresh.smooth_options = tuple(sorted(set(self.model.decision.smooth_s)))
        return fresh

    def refit(self, recordings: Sequence[Recording]) -> Supervised:
        """Fit to the labels of `recordings` as they are now.

        Returns
        -------
        Supervised
            Fitted, calibrated and tuned out-of-fold like any other.
        """
        labelled = [r for r in recordings if r.has("labels")]
        self.keep(labelled)
        seconds = sum(float((s["stop_s"] - s["start_s"]).sum()) for s in (r.labels.scored for r in labelled))
        fitted = self.unfitted(int(seconds * self.model.params.sample_hz)).fit(labelled)
        fitted.kept_tables = None
        return fitted


def learning_points(
    warm: Warm,
    recordings: Sequence[Recording],
    *,
    shares: Sequence[float] = (0.1, 0.2, 0.4, 0.7, 1.0),
    n_folds: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Score warm fits on held-out animals with more and more of the labels.

    Parameters
    ----------
    warm : Warm
    recordings : sequence of Recording
        Labelled.
    shares : sequence of float
        Shares of the labelled bouts (and of the stretches between them), nested.
    n_folds, seed
        Folds by animal.

    Returns
    -------
    DataFrame
        ``fold, n_bouts, score`` (macro frame F1 of the held-out animals, with the calibration and the thresholds of
        the present model, unsmoothed). Amounts that lack a behaviour are left out.
    """
    model = warm.model
    warm.keep(recordings)
    method = warm.unfitted(0)
    samples = method._samples(method._scored(recordings))
    x = np.concatenate([np.asarray(_values(warm, s), np.float32) for s in samples])
    y = np.concatenate([s.targets for s in samples])
    weights = np.concatenate([bout_weights(s.targets, s.time_s, model.params.bout_weight) for s in samples])
    animal = np.concatenate([np.full(len(s.rows), s.recording.animal) for s in samples])
    segment = _segments(samples)
    shows = np.bincount(segment, (y == 1).any(axis=1)) > 0
    names = sorted(set(animal))
    rows = []
    for k, fold in enumerate(folds.grouped_items(names, None, min(n_folds, len(names)), seed=seed)):
        test = np.isin(animal, [names[i] for i in fold.test])
        order = np.random.default_rng((seed, k)).permutation(np.unique(segment[~test]))
        for share in shares:
            chosen = order[: max(2, round(share * order.size))]
            train = np.flatnonzero(np.isin(segment, chosen) & ~test)
            n_bouts = int(shows[chosen].sum())
            part = y[train]
            if not ((part == 1).any(axis=0) & (part == 0).any(axis=0)).all():
                continue
            learner = _learner(warm, x, y, weights, train)
            said = _decided(model, learner.predict(x[test]))
            f1 = frames.f1_of(frames.counts(y[test], said))
            rows.append((k, n_bouts, float(frames.mean_known(f1))))
    return pd.DataFrame(rows, columns=["fold", "n_bouts", "score"])


def _learner(warm: Warm, x: np.ndarray, y: np.ndarray, weights: np.ndarray, train: np.ndarray) -> Any:
    method = warm.unfitted(len(train))
    method.behaviours, method.features_used = list(warm.model.behaviours), list(warm.columns)
    data = method._prepare_learning(x[train])
    return method._learn(data, y[train], weights[train], np.arange(len(train)), "learning curve")


def _values(warm: Warm, sample: Sample) -> np.ndarray:
    kept = warm.tables[sample.recording.id, sample.subject]
    return kept.values[np.searchsorted(kept["time"].values, sample.time_s - 1e-9)]


def _decided(model: Supervised, scores: np.ndarray) -> np.ndarray:
    """Thresholds (and exclusion) of the present model on raw scores; int8 (frame, behaviour)."""
    relative = model.calibration(scores) / np.asarray(model.decision.threshold)
    if not model.decision.exclusive:
        return (relative >= 1).astype(np.int8)
    said = np.arange(relative.shape[1]) == relative.argmax(axis=1)[:, None]
    return (said if model.decision.exhaustive else said & (relative >= 1)).astype(np.int8)


def _segments(samples: Sequence[Sample]) -> np.ndarray:
    """Number of the bout, or of the stretch between bouts, that each row belongs to."""
    parts, start = [], 0
    for sample in samples:
        gap = np.diff(sample.rows)
        new = (sample.targets[1:] != sample.targets[:-1]).any(axis=1) | (gap > 1.5 * gap.min(initial=10**9))
        parts.append(start + np.r_[0, np.cumsum(new)])
        start = int(parts[-1][-1]) + 1
    return np.concatenate(parts)


__all__ = ["Warm", "learning_points", "learning_tables"]
