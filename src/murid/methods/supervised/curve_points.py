"""Points of a learning curve: how well animals are predict that no part of a fit has seen, with more and more labels.

Columns, trees, calibration and thresholds of a point are learnt from its own labels. A model of all animals decides
nothing but which behaviours are meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from murid.data.recording import Recording
from murid.evaluate import folds, frames
from murid.learn.classify.boost import TopFeatures
from murid.learn.classify.calibration import Calibration
from murid.methods.supervised import stages
from murid.methods.supervised.base import Supervised
from murid.methods.supervised.boosting import Boosting
from murid.methods.supervised.decision import Decision, tune_decision
from murid.methods.supervised.quick_refit import N_FEATURES, N_TREES, Tables, learning_tables, quick_recipe
from murid.methods.supervised.recipe import Floats, Learnt, Recipe, TrainingSet
from murid.methods.supervised.training_rows import Material, learnable


def learning_points(
    method: Supervised,
    recordings: Sequence[Recording],
    tables: Mapping[tuple[str, str], xr.DataArray] | None = None,
    *,
    shares: Sequence[float] = (0.1, 0.2, 0.4, 0.7, 1.0),
    n_folds: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Score quick fits on held-out animals with more and more of the labels of the others.

    Each point chooses its columns, learns, and finds its calibration and thresholds from its own labels alone, the
    latter on scores of one half of its bouts by a fit to the other half. Nothing is learnt from the held-out animals.

    Parameters
    ----------
    method : Supervised
        Fitted: its behaviours are scored, by quick fits of its kind (see `quick_recipe`).
    recordings : sequence of Recording
        Labelled, of two animals or more.
    tables : mapping, optional
        From ``learning_tables(every=True)`` of these recordings; computed when not given.
    shares : sequence of float
        Shares of the labelled bouts (and of the stretches between them), nested.
    n_folds, seed
        Folds by animal.

    Returns
    -------
    DataFrame
        ``fold, n_bouts, score`` (macro frame F1 of the held-out animals, unsmoothed). Amounts in which a behaviour has
        fewer than two bouts are left out.
    """
    known: Tables = dict(tables or {})
    for recording in recordings:
        if recording.id not in {name for name, _ in known}:
            known |= learning_tables(method, recording, every=True)
    labelling = method.labelling()
    labelling = replace(labelling, choice=replace(labelling.choice, behaviours=method.model.behaviours))
    recipe = quick_recipe(method, known, 0)
    labelled = stages.labelled(recipe, recordings, labelling)
    rows = _Rows.of(stages.gather(recipe, recipe.features, labelled, labelling))
    rule = method.model.decision
    plain = Decision.plain(
        rule.behaviours, exclusive=labelled.exclusive, exhaustive=labelled.exhaustive, strict=rule.strict
    )
    names = sorted(set(rows.animal))
    points = []
    for k, fold in enumerate(folds.grouped_items(names, None, min(n_folds, len(names)), seed=seed)):
        test = np.isin(rows.animal, [names[i] for i in fold.test])
        order = np.random.default_rng((seed, k)).permutation(np.unique(rows.segment[~test]))
        for share in shares:
            chosen = order[: max(2, round(share * order.size))]
            train = np.flatnonzero(np.isin(rows.segment, chosen))
            predict = _learn(quick_recipe(method, known, len(train)), rows, train, rows.halves(chosen), plain)
            if predict is not None:
                f1 = frames.f1_of(frames.counts(rows.targets[test], predict(rows.features[test])))
                points.append((k, int(rows.shows[chosen].sum()), float(frames.mean_known(f1))))
    return pd.DataFrame(points, columns=["fold", "n_bouts", "score"])


@dataclass(frozen=True)
class _Rows:
    """Labelled frames of all animals.

    Attributes
    ----------
    features, targets, weights, animal
        As in `Material`, one a row.
    segment : int array (row,)
        Number of the bout, or of the stretch between bouts, that a row belongs to.
    kind : int array (segment,)
        Which of the combinations of behaviours a segment shows.
    shows : bool array (segment,)
        Whether it shows any.
    top : TopFeatures
        Chooses columns by the labels of some rows.
    """

    features: Floats
    targets: NDArray[np.int8]
    weights: Floats
    animal: np.ndarray
    segment: NDArray[np.intp]
    kind: NDArray[np.intp]
    shows: NDArray[np.bool_]
    top: TopFeatures

    @classmethod
    def of(cls, material: Material) -> _Rows:
        """Take what is needed of `material`."""
        targets, segment = material.targets, _segments(material)
        first = np.unique(segment, return_index=True)[1]
        kind = np.unique(targets[first], axis=0, return_inverse=True)[1].reshape(-1)
        shows = (targets[first] == 1).any(axis=1)
        top = TopFeatures.of(material.features)
        return cls(material.features, targets, material.weights, material.animals, segment, kind, shows, top)

    def halves(self, chosen: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Rows of one half of some segments: every second one of each kind, ``(row,)``."""
        one = np.zeros(len(self.kind), bool)
        one[chosen[np.argsort(self.kind[chosen], kind="stable")][::2]] = True
        return one[self.segment]


def _segments(material: Material) -> NDArray[np.intp]:
    """Number of the bout, or of the stretch between bouts, that each row belongs to."""
    parts, start = [], 0
    for sample in material.samples:
        gap = np.diff(sample.rows)
        new = (sample.targets[1:] != sample.targets[:-1]).any(axis=1) | (gap > 1.5 * gap.min(initial=10**9))
        parts.append(start + np.r_[0, np.cumsum(new)])
        start = int(parts[-1][-1]) + 1
    return np.concatenate(parts)


def _learn(
    recipe: Recipe, rows: _Rows, train: NDArray[np.intp], one: NDArray[np.bool_], plain: Decision
) -> Callable[[Floats], NDArray[np.int8]] | None:
    """Return what tells behaviours from features, learnt from rows `train`; None where a half of them shows too few."""
    y, half = rows.targets[train], one[train]
    if not (learnable(y[half]) & learnable(y[~half])).all():
        return None
    learning, columns = recipe.learning, np.arange(rows.features.shape[1])
    if isinstance(learning, Boosting):
        n = min(N_FEATURES, learning.n_features or N_FEATURES)
        columns = rows.top.choose(
            rows.targets, n, weights=rows.weights, rows=train, n_trees=N_TREES // 2, seed=learning.seed
        )
        learning = replace(learning, n_features=None)
    features = np.ascontiguousarray(rows.features[np.ix_(train, columns)])
    prepared = learning.prepare(features)
    known = TrainingSet(y, rows.weights[train], np.arange(len(y)), plain.behaviours, plain.exclusive)

    def fit(part: NDArray[np.bool_]) -> Learnt:
        return learning.fit(prepared, replace(known, rows=np.flatnonzero(part)), fold=True, text="learning curve")

    scores = np.empty(y.shape, np.float32)
    for part in (half, ~half):
        scores[part] = fit(~part).predict(features[part])
    calibration = recipe.calibrate(scores, y)
    rule, last = _thresholds(recipe, calibration, scores, y, plain), fit(half | ~half)
    return lambda x: rule.present(calibration(last.predict(np.ascontiguousarray(x[:, columns]))))


def _thresholds(
    recipe: Recipe, calibration: Calibration, scores: Floats, y: NDArray[np.int8], plain: Decision
) -> Decision:
    """Thresholds of single frames; widths and shortest bouts have no part in a score without smoothing."""
    if not recipe.tune:
        return recipe.adjust(plain)
    coords = {
        "time": np.arange(len(y), dtype=float),  # No width and no duration is tuned: any clock will do.
        "individual": ["all"],
        "behaviour": np.asarray(plain.behaviours, dtype=object),
    }
    probability = xr.DataArray(calibration(scores)[:, None], dims=tuple(coords), coords=coords)
    return recipe.adjust(tune_decision([(probability, y[:, None])], plain, smooth_s=(0.0,), min_bout_s=(0.0,)))


__all__ = ["learning_points"]
