"""Warm fits: the same method again in seconds, after some more labels.

Features do not change when labels do. `Warm` keeps, of the frames that learning looks at, the columns that the last
full fit gained most by, and fits with fewer, larger trees and two folds. The states are close to those of a full fit;
for results, fit in full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from murid.data.recording import Recording
from murid.learn.classify.novelty import Novelty
from murid.methods.supervised import stages
from murid.methods.supervised.base import Supervised
from murid.methods.supervised.boosting import Boosting
from murid.methods.supervised.recipe import Copied, Recipe

#: Rounds of a warm fit, at four times the usual rate; folds; columns kept.
N_TREES, RATE, FOLDS, N_FEATURES = 30, 0.25, 2, 120
Tables = dict[tuple[str, str], xr.DataArray]


def learning_tables(method: Supervised, recording: Recording, *, every: bool = False) -> Tables:
    """Return the features of one recording's frames that learning looks at, by (recording, subject).

    Parameters
    ----------
    method : Supervised
        Fitted.
    recording : Recording
    every : bool
        All features that the method may choose from, not only those that its model looks at.
    """
    rows = method.rows_of(recording)
    blind = recording.replace(labels=None)
    return {
        (recording.id, subject): method.table(blind, subject, rows, every=every)
        for subject in method.subjects_of(recording)
    }


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
        """Return the method's recipe on the tables that are kept (see `quick_recipe`)."""
        return quick_recipe(self.method, self.tables, n_frames)

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


def quick_recipe(method: Supervised, tables: Tables, n_frames: int) -> Recipe:
    """Return a method's recipe on stored tables, with quicker trees for `n_frames` labelled frames.

    What takes minutes, or features that are not stored (a temporal network, mirror images), is left out.
    """
    recipe = method.recipe()
    learning = recipe.learning
    if isinstance(learning, Boosting):
        leaf = int(np.clip(n_frames // 300, 5, learning.trees.min_leaf))
        learning = replace(learning, trees=learning.trees.replace(n_trees=N_TREES, learning_rate=RATE, min_leaf=leaf))
    # Few widths to choose from: those that the full fit found best.
    widths = tuple(sorted(set(method.model.decision.smooth_s)))
    return replace(
        recipe, features=Copied(tables), learning=learning, smooth_options=widths, stacking=None, mirror=False
    )


__all__ = ["N_FEATURES", "N_TREES", "Tables", "Warm", "learning_tables", "quick_recipe", "telling_columns"]
