"""The stages of a supervised fit: gather, out_of_fold, fit_calibration, decide; each returns what it made.

Everything that is learnt from labels (which columns to look at, too) is learnt inside the folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.errors import fail
from murid.data.labels import LabelChoice
from murid.data.recording import Recording
from murid.data.warning import warn_user
from murid.features.naming import base_of
from murid.learn.classify.boost import check_two_classes
from murid.learn.classify.calibration import Calibration
from murid.learn.classify.novelty import Novelty, fit_novelty
from murid.methods.supervised.decision import Decision, tune_decision
from murid.methods.supervised.model import Model, Unlearnt
from murid.methods.supervised.recipe import Features, Floats, Learner, Learnt, Recipe, Stacked, TrainingSet
from murid.methods.supervised.training_rows import LabelledFrames, Material, held_out_rows, labelled_frames, learnable
from murid.methods.training_summary import TrainingSummary

#: A behaviour counts as learnt when the lower 95 % limit of its out-of-fold AUC, by bouts, lies above chance.
_Z = 1.645


@dataclass(frozen=True)
class Labelling:
    """Which labels are learnt from, and how rows are drawn from them.

    Attributes
    ----------
    choice : LabelChoice
    group_by : {"animal", "recording"}
        Unit that is never split between folds.
    folds : int
    bout_weight : float
        Exponent of `bout_weights`.
    seed : int
    name : str
        Of the method, for messages.
    """

    choice: LabelChoice
    group_by: str
    folds: int
    bout_weight: float
    seed: int
    name: str


class OutOfFold(NamedTuple):
    """Raw scores of every row from models that never saw its animal, NaN where no fold could; columns of each fold."""

    scores: Floats
    columns: list[NDArray[np.intp]]


class FitResult(NamedTuple):
    """What `fit` returns: the model, and out-of-fold probabilities by recording and subject."""

    model: Model
    out_of_fold: dict[str, xr.DataArray]


def fit(
    recipe: Recipe, recordings: Sequence[Recording], labelling: Labelling, novelty: Novelty | None = None
) -> FitResult:
    """Run all stages.

    Parameters
    ----------
    recipe : Recipe
    recordings : sequence of Recording
    labelling : Labelling
    novelty : Novelty, optional
        Of the same columns, where it need not be fitted again.

    Raises
    ------
    DataError
        Labels that cannot be learnt from: no frames, one class only, none better than chance.
    """
    frames = labelled(recipe, recordings, labelling)
    check_two_classes(np.concatenate([s.targets for s in frames.samples]), frames.behaviours)
    # Before the costly part: a mixture of scales is an error.
    training = TrainingSummary.of(frames.recordings)
    features = recipe.features.fit(frames.samples)
    material = gather(recipe, features, frames, labelling)
    prepared = recipe.learning.prepare(material.features)
    held = out_of_fold(recipe, material, prepared, exclusive=frames.exclusive)
    unlearnt = not_learnt(material, held.scores)
    learnt = [b for b, name in enumerate(material.behaviours) if name not in {u.behaviour for u in unlearnt}]
    _report(unlearnt, learnt, labelling.name)
    part, scores = material.only(learnt), held.scores[:, learnt]
    last = _final(recipe, part, prepared, exclusive=frames.exclusive and len(learnt) > 1)
    stacked: Stacked | None = None
    if recipe.stacking is not None:
        stacked, scores = recipe.stacking.fit(part, scores, held.columns, last.columns)
    names = [material.feature_names[c] for c in last.columns]
    calibration = fit_calibration(recipe, part, scores)
    probabilities = _by_sample(part, calibration(scores))
    known = [(p, s.targets[:, None, :]) for s, p in probabilities]
    refiner = recipe.refiner.fit(frames).only(learnt).heard(known)
    decision = decide(
        recipe,
        [(refiner(p), truth) for p, truth in known],
        part.behaviours,
        exclusive=frames.exclusive and len(learnt) > 1,
        exhaustive=frames.exhaustive and not unlearnt,
    )
    model = Model(
        behaviours=part.behaviours,
        asked=material.behaviours,
        unlearnt=tuple(unlearnt),
        per_individual=frames.per_individual,
        feature_names=tuple(names),
        features=features,
        learner=last.learner,
        calibration=calibration,
        refiner=refiner,
        decision=decision,
        stacked=stacked,
        training=training,
        novelty=novelty or _novelty(part, last, names, labelling.seed),
    )
    return FitResult(model, {f"{s.recording.id}/{s.subject}": p for s, p in probabilities})


def _novelty(material: Material, learnt: Learnt, names: Sequence[str], seed: int) -> Novelty:
    """How far training frames lie from each other, in the features that the learner uses most."""
    features = np.ascontiguousarray(material.features[:, learnt.columns])
    return fit_novelty(features, material.animals, columns=most_used(learnt.learner, names), seed=seed)


def labelled(recipe: Recipe, recordings: Sequence[Recording], labelling: Labelling) -> LabelledFrames:
    """Collect the labelled frames, at the recipe's rate and with its weights; the order of recordings has no effect."""
    frames = labelled_frames(
        sorted(recordings, key=lambda r: r.id),
        labelling.choice,
        sample_hz=recipe.sample_hz,
        exponent=labelling.bout_weight if recipe.weighted else 0.0,
        name=labelling.name,
    )
    if recipe.exclusive is not None:
        frames = replace(frames, exclusive=recipe.exclusive, exhaustive=frames.exhaustive and recipe.exclusive)
    return frames


def gather(recipe: Recipe, features: Features, frames: LabelledFrames, labelling: Labelling) -> Material:
    """Compute the features of all labelled frames, and which of them each fold holds out.

    Raises
    ------
    DataError
        Recordings that give different features.
    """
    samples = list(frames.samples)
    if recipe.mirror:
        samples += [replace(s, mirrored=True) for s in samples]
    names: tuple[str, ...] = ()
    tables = []
    for sample in samples:
        side = features.mirrored() if sample.mirrored else features
        table = side.table(sample.recording, sample.subject, sample.rows)
        names = _same_features(names, [str(f) for f in table["feature"].values], sample.recording.id, labelling.name)
        tables.append(np.asarray(table.values, np.float32))
        sample.recording.forget()
    held_out = held_out_rows(
        samples, by=labelling.group_by, n_folds=labelling.folds, seed=labelling.seed, name=labelling.name
    )
    return Material(samples, frames.behaviours, names, np.concatenate(tables), held_out)


def _same_features(known: tuple[str, ...], names: list[str], where: str, name: str) -> tuple[str, ...]:
    if known and tuple(names) != known:
        odd = sorted(set(names) ^ set(known))
        fail(
            f"method '{name}'",
            "recordings have different features",
            where=where,
            expected=f"{len(known)} features",
            got=f"{len(names)}; differing: {', '.join(odd[:5])}",
            todo="all recordings need the same keypoint roles and number of animals",
        )
    return tuple(names)


def out_of_fold(recipe: Recipe, material: Material, prepared: object, *, exclusive: bool) -> OutOfFold:
    """Score every row by a model that never saw its animal.

    A behaviour that the other folds do not show, or always show, is left out of that fold's model: its scores stay NaN.
    """
    targets = material.targets
    scores = np.full(targets.shape, np.nan, np.float32)
    columns = []
    for number, held in enumerate(material.held_out, 1):
        rows = np.flatnonzero(~held)
        usable = np.flatnonzero(learnable(targets[rows]))
        behaviours = [material.behaviours[b] for b in usable]
        known = TrainingSet(targets[:, usable], material.weights, rows, behaviours, exclusive and len(usable) > 1)
        learnt = recipe.learning.fit(prepared, known, fold=True, text=f"fold {number}")
        scores[np.ix_(held, usable)] = learnt.predict(material.features[held])
        columns.append(learnt.columns)
    return OutOfFold(scores, columns)


def _final(recipe: Recipe, material: Material, prepared: object, *, exclusive: bool) -> Learnt:
    rows = np.arange(len(material.targets))
    known = TrainingSet(material.targets, material.weights, rows, material.behaviours, exclusive)
    return recipe.learning.fit(prepared, known, fold=False, text="final model")


def not_learnt(material: Material, scores: Floats) -> list[Unlearnt]:
    """Behaviours whose out-of-fold scores are no better than chance, or that no fold could hold out.

    A behaviour is learnt when ``AUC − 1.645 · sqrt((b + a + 1) / (12 b a))`` lies above .5, with b its bouts and a the
    stretches without it (standard error of the Mann-Whitney statistic under chance): neighbouring frames are near
    copies, so bouts and not frames are counted. Two bouts need an AUC of .98, three .89, ten .71, fifty .60.
    """
    out = []
    targets, sample_of, animals, scored = material.targets, material.sample_of, material.animals, material.scored
    for b, name in enumerate(material.behaviours):
        y = targets[:, b]
        shows = (y == 1) & scored
        n_bouts = int(_begins(shows, sample_of).sum())
        n_absent = int(_begins((y == 0) & scored, sample_of).sum())
        known = np.isfinite(scores[:, b]) & scored
        auc = _auc(y[known], scores[known, b])
        error = np.sqrt((n_bouts + n_absent + 1) / (12.0 * max(n_bouts * n_absent, 1)))
        if not auc - _Z * error > 0.5:
            out.append(Unlearnt(name, n_bouts, len(set(animals[shows])), float(auc)))
    return out


def _begins(mask: np.ndarray, sample_of: np.ndarray) -> np.ndarray:
    """Rows at which a stretch begins; a stretch ends with its sample."""
    before = np.r_[False, mask[:-1] & (sample_of[1:] == sample_of[:-1])]
    return mask & ~before


def _auc(y: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve, ties counting half; NaN without both classes."""
    from scipy.stats import rankdata

    positive, negative = int((y == 1).sum()), int((y == 0).sum())
    if not positive or not negative:
        return float("nan")
    rank = rankdata(score[y >= 0])
    return float((rank[y[y >= 0] == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _report(unlearnt: Sequence[Unlearnt], learnt: Sequence[int], name: str) -> None:
    if not learnt:
        fail(
            f"labels for '{name}'",
            "no behaviour could be learnt",
            expected="out-of-fold scores better than chance",
            got="; ".join(map(str, unlearnt)),
            todo="label more bouts, in two animals or more",
        )
    if unlearnt:
        warn_user(
            f"method '{name}': {'; '.join(map(str, unlearnt))}: left unlabelled. Label more bouts, in more animals"
        )


def fit_calibration(recipe: Recipe, material: Material, scores: Floats) -> Calibration:
    """Fit the map from scores to probabilities on out-of-fold scores of real frames.

    Frames are not weighted: a probability of .7 comes true in seven of ten frames, not of ten re-weighted ones.
    """
    rows = material.scored
    return recipe.calibrate(scores[rows], material.targets[rows])


def _by_sample(material: Material, probability: Floats) -> list[tuple]:
    """Out-of-fold probabilities of each sample as it was recorded, ``(time, "individual", behaviour)``."""
    out, start = [], 0
    behaviours = np.asarray(material.behaviours, dtype=object)
    for sample in material.samples:
        block = slice(start, start + len(sample.rows))
        start += len(sample.rows)
        if not sample.mirrored:
            coords = {"time": sample.time_s, "individual": [sample.subject], "behaviour": behaviours}
            out.append((sample, xr.DataArray(probability[block][:, None], dims=tuple(coords), coords=coords)))
    return out


def decide(
    recipe: Recipe,
    pairs: Sequence[tuple[xr.DataArray, np.ndarray]],
    behaviours: Sequence[str],
    *,
    exclusive: bool,
    exhaustive: bool,
) -> Decision:
    """Tune the decision rule on out-of-fold probabilities; then what the user asked for."""
    rule = Decision.plain(behaviours, exclusive=exclusive, exhaustive=exclusive and exhaustive, **recipe.form)
    return recipe.adjust(tune_decision(pairs, rule, smooth_s=recipe.smooth_options) if recipe.tune else rule)


def gains(learner: Learner, n_features: int) -> np.ndarray:
    """How much a learner gains by each feature, every behaviour counting alike; zeros where it has no such measure."""
    importance = getattr(learner, "importance", None)
    if importance is None:
        return np.zeros(n_features)
    gain = np.asarray(importance(), np.float64)
    return (gain / np.maximum(gain.sum(axis=0), 1e-12)).reshape(n_features, -1).sum(axis=1)


def most_used(learner: Learner, names: Sequence[str], n: int = 24) -> NDArray[np.intp]:
    """Columns of the `n` per-frame features that the learner uses most, one window statistic of each."""
    best: dict[str, int] = {}
    for column in np.argsort(-gains(learner, len(names)), kind="stable"):
        best.setdefault(base_of(names[column]), int(column))
    return np.array(list(best.values())[:n])


__all__ = [
    "FitResult",
    "Labelling",
    "OutOfFold",
    "fit_calibration",
    "decide",
    "fit",
    "gains",
    "gather",
    "labelled",
    "most_used",
    "not_learnt",
    "out_of_fold",
]
