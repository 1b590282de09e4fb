"""Warm fits: the same method again in seconds, after some more labels.

Features do not change when labels do. `Warm` keeps, of the frames that learning looks at, the columns that the last
full fit gained most by, and fits with fewer, larger trees and two folds. The states are close to those of a full fit;
for results, fit in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.labels import LabelChoice
from murid.data.recording import Recording
from murid.evaluate import folds, frames
from murid.learn.classify.novelty import Novelty
from murid.methods.supervised import stages
from murid.methods.supervised.base import Supervised
from murid.methods.supervised.boosting import Boosting
from murid.methods.supervised.model import Model
from murid.methods.supervised.recipe import Copied, Floats, Recipe, TrainingSet
from murid.methods.supervised.training_rows import Sample, learnable

#: Rounds of a warm fit, at four times the usual rate; folds; columns kept.
N_TREES, RATE, FOLDS, N_FEATURES = 30, 0.25, 2, 120
Tables = dict[tuple[str, str], xr.DataArray]


def learning_tables(method: Supervised, recording: Recording) -> Tables:
    """Return the features of one recording's frames that learning looks at, by (recording, subject)."""
    rows = method.rows_of(recording)
    blind = recording.replace(labels=None)
    return {(recording.id, subject): method.table(blind, subject, rows) for subject in method.subjects_of(recording)}


def telling_columns(method: Supervised, n: int = N_FEATURES) -> list[str]:
    """Names of the `n` features the model gains most by, and of those that its novelty is measured in."""
    model = method.model
    best = set(np.argsort(-method.gains(), kind="stable")[:n].tolist())
    if model.novelty is not None:
        best |= set(model.novelty.columns.tolist())
    return [model.feature_names[c] for c in sorted(best)]


class Warm:
    """A fitted method and what is needed to fit it again quickly.

    Parameters
    ----------
    method : Supervised
        Fitted in full once.
    tables : mapping, optional
        From `learning_tables`, of every recording that may get labels; computed by `keep` where missing.
    """

    def __init__(self, method: Supervised, tables: Mapping[tuple[str, str], xr.DataArray] | None = None) -> None:
        self.method = method
        self.columns = telling_columns(method)
        self.tables: Tables = {}
        self._take(tables or {})

    def keep(self, recordings: Sequence[Recording]) -> None:
        """Compute the tables of recordings that are not kept yet."""
        known = {name for name, _ in self.tables}
        for recording in recordings:
            if recording.id not in known:
                self._take(learning_tables(self.method, recording))

    def _take(self, tables: Mapping[tuple[str, str], xr.DataArray]) -> None:
        self.tables |= {key: table.sel(feature=self.columns) for key, table in tables.items()}

    def recipe(self, n_frames: int) -> Recipe:
        """Return the method's recipe on the stored tables, with quicker trees for `n_frames` labelled frames.

        What takes minutes, or features that are not kept (a temporal network, mirror images), is left out.
        """
        recipe = self.method.recipe()
        learning = recipe.learning
        if isinstance(learning, Boosting):
            leaf = int(np.clip(n_frames // 300, 5, learning.trees.min_leaf))
            learning = replace(
                learning, trees=learning.trees.replace(n_trees=N_TREES, learning_rate=RATE, min_leaf=leaf)
            )
        # Few widths to choose from: those that the full fit found best.
        widths = tuple(sorted(set(self.method.model.decision.smooth_s)))
        return replace(
            recipe,
            features=Copied(self.tables),
            learning=learning,
            smooth_options=widths,
            stacking=None,
            mirror=False,
        )

    def labelling(self) -> stages.Labelling:
        """Return which labels are learnt from: of the behaviours of the full fit, in two folds."""
        whole = self.method.labelling()
        return replace(whole, choice=replace(whole.choice, behaviours=self.method.model.asked), folds=FOLDS)

    def novelty(self) -> Novelty | None:
        """Return the novelty of the full fit, on the kept columns."""
        model = self.method.model
        if model.novelty is None:
            return None
        names = [model.feature_names[c] for c in model.novelty.columns]
        return replace(model.novelty, columns=np.array([self.columns.index(f) for f in names], np.int32))

    def refit(self, recordings: Sequence[Recording]) -> Supervised:
        """Fit to the labels of `recordings` as they are now.

        Returns
        -------
        Supervised
            Fitted, calibrated and tuned out-of-fold like any other.
        """
        labelled = [r for r in recordings if r.has("labels")]
        self.keep(labelled)
        scored = [r.need("labels").scored for r in labelled]
        recipe = self.recipe(int(sum(float((s["stop_s"] - s["start_s"]).sum()) for s in scored) * self._sample_hz))
        model, held_out = stages.fit(recipe, labelled, self.labelling(), self.novelty())
        # Learnt from copies; recordings to come give their features as they gave them to the full fit.
        method = self.method.with_model(model.replace(features=self.method.model.features))
        method.out_of_fold = held_out
        method.training = {"recordings": [r.id for r in labelled], "animals": sorted({r.animal for r in labelled})}
        return method

    @property
    def _sample_hz(self) -> float:
        return float(self.method.params.sample_hz)


def learning_points(
    warm: Warm,
    recordings: Sequence[Recording],
    *,
    shares: Sequence[float] = (0.1, 0.2, 0.4, 0.7, 1.0),
    n_folds: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Score warm fits on held-out animals with more and more of the labels.

    Columns, calibration and thresholds are those of the present model, which has learnt from the held-out animals
    too: the shape of the curve counts, not its height.

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
    model = warm.method.model
    warm.keep(recordings)
    recipe = warm.recipe(0)
    labelled = stages.labelled(recipe, recordings, replace(warm.labelling(), choice=_of_learnt(warm)))
    material = stages.gather(recipe, recipe.features, labelled, warm.labelling())
    y, weights, animal = material.targets, material.weights, material.animals
    segment = _segments(material.samples)
    shows = np.bincount(segment, (y == 1).any(axis=1)) > 0
    names = sorted(set(animal))
    rows = []
    for k, fold in enumerate(folds.grouped_items(names, None, min(n_folds, len(names)), seed=seed)):
        test = np.isin(animal, [names[i] for i in fold.test])
        order = np.random.default_rng((seed, k)).permutation(np.unique(segment[~test]))
        for share in shares:
            chosen = order[: max(2, round(share * order.size))]
            train = np.flatnonzero(np.isin(segment, chosen) & ~test)
            if not learnable(y[train]).all():
                continue
            x = np.ascontiguousarray(material.features[train])
            predict = _predictor(warm, x, y[train], weights[train])
            f1 = frames.f1_of(frames.counts(y[test], decided(model, predict(material.features[test]))))
            rows.append((k, int(shows[chosen].sum()), float(frames.mean_known(f1))))
    return pd.DataFrame(rows, columns=["fold", "n_bouts", "score"])


def _of_learnt(warm: Warm) -> LabelChoice:
    return replace(warm.method.label_choice(), behaviours=warm.method.model.behaviours)


def _predictor(warm: Warm, x: Floats, y: np.ndarray, weights: Floats) -> Callable[[Floats], Floats]:
    recipe, model = warm.recipe(len(x)), warm.method.model
    known = TrainingSet(y, weights, np.arange(len(x)), model.behaviours, model.decision.exclusive)
    return recipe.learning.fit(recipe.learning.prepare(x), known, fold=True, text="learning curve").predict


def decided(model: Model, scores: Floats) -> np.ndarray:
    """Thresholds (and exclusion) of a model on raw scores; int8 (frame, behaviour)."""
    return model.decision.present(model.calibration(scores))


def _segments(samples: Sequence[Sample]) -> np.ndarray:
    """Number of the bout, or of the stretch between bouts, that each row belongs to."""
    parts, start = [], 0
    for sample in samples:
        gap = np.diff(sample.rows)
        new = (sample.targets[1:] != sample.targets[:-1]).any(axis=1) | (gap > 1.5 * gap.min(initial=10**9))
        parts.append(start + np.r_[0, np.cumsum(new)])
        start = int(parts[-1][-1]) + 1
    return np.concatenate(parts)


__all__ = ["Warm", "decided", "learning_points", "learning_tables", "telling_columns"]
