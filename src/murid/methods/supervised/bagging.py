"""Bagged dense networks as a learner, on the columns that a short run of trees chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from murid.learn.classify.bagged import BagParams, Bags, fit_bags
from murid.methods.base import Dump
from murid.methods.supervised.boosting import Boosting, Prepared
from murid.methods.supervised.recipe import Floats, Learner, Learning, Learnt, TrainingSet


@dataclass(frozen=True)
class Bagging(Learning):
    """Networks for each behaviour; a third of them in the folds, which is enough for thresholds.

    Attributes
    ----------
    params : BagParams
    columns : Boosting
        Chooses the columns; its trees are not grown.
    seed : int
    """

    params: BagParams
    columns: Boosting
    seed: int

    def prepare(self, features: Floats) -> Prepared:
        """Bin what the choice of columns needs; no label is looked at."""
        return self.columns.prepare(features)

    def fit(self, prepared: Prepared, known: TrainingSet, *, fold: bool, text: str) -> Learnt:
        """Choose columns from the rows, then train on them (see `Learning.fit`)."""
        rows = known.rows
        chosen = self.columns.chosen(prepared, known)
        n_bags = max(1, self.params.n_bags // 3) if fold else self.params.n_bags
        bags = fit_bags(
            np.ascontiguousarray(prepared.features[np.ix_(rows, chosen)]),
            known.targets[rows],
            known.behaviours,
            weights=known.weights[rows],
            params=self.params.replace(n_bags=n_bags),
            seed=self.seed,
            text=text,
        )
        return Learnt(bags, chosen)

    def dump(self, learner: Learner) -> Dump:
        """Layers as arrays."""
        return Dump(arrays=learner.to_arrays()) if isinstance(learner, Bags) else Dump()

    def restore(self, behaviours: Sequence[str], dump: Dump) -> Bags:
        """Read back `dump`."""
        del behaviours
        return Bags.from_arrays(dump.arrays)


__all__ = ["Bagging"]
