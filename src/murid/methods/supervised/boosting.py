"""Gradient-boosted trees as a learner: columns chosen by a short first run on the rows that are learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from murid.learn.classify.boost import Boosters, BoostParams, TopFeatures, binned, fit_boosters
from murid.methods.base import Dump
from murid.methods.supervised.recipe import Floats, Learner, Learning, Learnt, TrainingSet


@dataclass(frozen=True)
class Prepared:
    """A feature matrix with what is made of it once for all folds.

    Attributes
    ----------
    features : float32 array (row, feature)
    whole : lightgbm.Dataset or None
        All columns binned, where none are chosen.
    top : TopFeatures or None
        Evenly spaced rows binned, for the choice of columns.
    """

    features: Floats
    whole: Any
    top: TopFeatures | None


@dataclass(frozen=True)
class Boosting(Learning):
    """One booster per behaviour on the columns that a short first run finds useful.

    Attributes
    ----------
    trees : BoostParams
    n_features : int or None
        Columns to keep; None = all.
    seed : int
    """

    trees: BoostParams
    n_features: int | None
    seed: int

    def prepare(self, features: Floats) -> Prepared:
        """Bin what every fold needs; no label is looked at."""
        if self.n_features is None or self.n_features >= features.shape[1]:
            return Prepared(features, binned(features), None)
        return Prepared(features, None, TopFeatures.of(features))

    def fit(self, prepared: Prepared, known: TrainingSet, *, fold: bool, text: str) -> Learnt:
        """Choose columns from the rows, then boost on them (see `Learning.fit`)."""
        del fold  # folds get the same trees
        targets, weights, rows = known.targets, known.weights, known.rows
        columns = self.chosen(prepared, known)
        data = prepared.whole if prepared.top is None else binned(np.ascontiguousarray(prepared.features[:, columns]))
        boosters = fit_boosters(
            data, targets, known.behaviours, weights=weights, rows=rows, params=self.trees, seed=self.seed, text=text
        )
        return Learnt(boosters, columns)

    def chosen(self, prepared: Prepared, known: TrainingSet) -> NDArray[np.intp]:
        """Columns that a short run on the rows finds useful; all where no number is asked for."""
        if prepared.top is None or self.n_features is None:
            return np.arange(prepared.features.shape[1])
        return prepared.top.choose(
            known.targets, self.n_features, weights=known.weights, rows=known.rows, seed=self.seed
        )

    def dump(self, learner: Learner) -> Dump:
        """Text models of LightGBM."""
        return Dump(texts=learner.to_texts()) if isinstance(learner, Boosters) else Dump()

    def restore(self, behaviours: Sequence[str], dump: Dump) -> Boosters:
        """Read back `dump`."""
        return Boosters.from_texts(behaviours, dump.texts)


__all__ = ["Boosting"]
