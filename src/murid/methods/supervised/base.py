"""What the supervised methods share: their parameters, and the way from a recipe to a fitted model and its output.

A supervised method writes `recipe`: its features and its learner, and where it differs its smoothing, calibration and
decision. Everything a reviewer asks about is done once in `stages`: folds by animal, unlabelled ≠ negative, columns
chosen inside the folds, calibrated out-of-fold probabilities, and a decision rule tuned on them.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
import xarray as xr

from murid.data.errors import NotFittedError
from murid.data.labels import LabelChoice, Labels
from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.methods.base import Dump, Method
from murid.methods.supervised import stages
from murid.methods.supervised.ignored_options import warn_of_ignored
from murid.methods.supervised.model import Model
from murid.methods.supervised.recipe import Floats, Recipe
from murid.methods.supervised.training_rows import chosen_labels, sampled_rows
from murid.methods.training_summary import TrainingSummary


class SupervisedParams(Params):
    """Parameters every supervised method has."""

    behaviours: tuple[str, ...] | None = param(None, why="behaviours to learn; all that are labelled by default")
    others: Literal["auto", "ignore", "negative"] = param(
        "auto",
        why="frames that carry only other labels: left out (ignore), examples of absence (negative), "
        "or auto: placeholders such as 'base' are left out, other behaviours are negative",
    )
    rater: str | None = param(None, why="which rater to learn from when there are several")
    stream: str | None = param(None, why="which stream (channel) of the labels; by default the one with the behaviours")
    group_by: Literal["animal", "recording"] = param("animal", why="unit that is never split between folds")
    folds: int = param(5, ge=2, why="grouped folds for out-of-fold probabilities")
    sample_hz: float = param(8.0, unit="Hz", gt=0, why="frames learnt from per second; neighbours are near copies")
    bout_weight: float = param(
        0.5, ge=0, le=1, why="weight of a frame = bout length ** -this: 1 = every bout counts alike, 0 = every frame"
    )
    absent_s: float = param(
        10.0,
        unit="s",
        gt=0,
        why="frames in which an animal is not seen at all for longer than this stay unlabelled; shorter losses of the "
        "track are bridged",
    )
    tune: bool = param(True, why="tune smoothing, threshold and minimum bout out-of-fold; else .5 and none")
    seed: int = param(0, why="same seed, same model")


class Supervised(Method):
    """Base of methods that learn from labels."""

    params: Any

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._model: Model | None = None
        #: Out-of-fold probabilities by "recording/subject" after `fit`, for scores of animals not seen.
        self.out_of_fold: dict[str, xr.DataArray] = {}

    # ---- what a method writes -------------------------------------------------------------------
    @abc.abstractmethod
    def recipe(self) -> Recipe:
        """Return what the method is with its present parameters."""

    def recipe_for(self, recordings: Sequence[Recording]) -> Recipe:
        """Return the recipe for a training set; the same for all by default."""
        del recordings
        return self.recipe()

    def ignored(self, recordings: Sequence[Recording]) -> dict[str, Mapping[str, Any]]:
        """Return options that do nothing beside the others: when → option → what holds instead, or `NO_PART`."""
        del recordings
        return {}

    # ---- fit and apply --------------------------------------------------------------------------
    @property
    def model(self) -> Model:
        """What was learnt.

        Raises
        ------
        NotFittedError
            Before `fit` or `load`.
        """
        if self._model is None:
            raise NotFittedError(f"method '{self.name}' is not fitted -> call fit(recordings) or load a fitted model")
        return self._model

    def labelling(self) -> stages.Labelling:
        """Return which labels are learnt from, by the present parameters."""
        p = self.params
        return stages.Labelling(self.label_choice(), p.group_by, p.folds, p.bout_weight, p.seed, self.name)

    def label_choice(self) -> LabelChoice:
        """Return which labels are meant: behaviours, others, rater, stream."""
        p = self.params
        return LabelChoice(p.behaviours, p.others, p.rater, p.stream)

    def _fit(self, recordings: Sequence[Recording]) -> None:
        warn_of_ignored(self.name, self.params, self.ignored(recordings))
        self._model, self.out_of_fold = stages.fit(self.recipe_for(recordings), recordings, self.labelling())

    def _made_for(self, recordings: Sequence[Recording]) -> TrainingSummary | None:  # noqa: ARG002
        return None  # the model holds it, and is stricter: its features go by the unit and the keypoints

    def _apply(self, recording: Recording) -> xr.Dataset:
        return self.model.apply(recording, self.recipe(), self.name, self.params.absent_s)

    def with_model(self, model: Model) -> Self:
        """Return a fitted copy of the method with another model."""
        other = type(self)(**self.get_params(deep=False))
        other.take_model(model)
        return other

    def take_model(self, model: Model) -> None:
        """Make `model` what this method has learnt."""
        self._model, self.fitted = model, True

    # ---- for labelling and explanations ---------------------------------------------------------
    def subjects_of(self, recording: Recording) -> list[str]:
        """Whom the method describes in a recording: each individual, or ``["all"]`` together."""
        return self.model.subjects_of(recording)

    def labels_of(self, recording: Recording) -> Labels:
        """Return the labels the method learns from: of the chosen rater and stream, animals named as in the poses."""
        return chosen_labels(recording, self.label_choice())

    def rows_of(self, recording: Recording) -> np.ndarray:
        """Frames that learning looks at: ``sample_hz`` a second of every stretch without a pause."""
        return sampled_rows(recording.need("poses")["time"].values, self.recipe().sample_hz)

    def table(
        self, recording: Recording, subject: str, rows: np.ndarray | None = None, *, every: bool = False
    ) -> xr.DataArray:
        """Return the features the model uses, ``(time, feature)`` with units and meanings, for some frames.

        The recording is fitted to the model first, as in `apply`. With `every` all features that it chose from.
        """
        suited = self.model.fitted_to(recording, self.name)
        if every:
            return self.model.features.table(suited, subject, rows).astype(np.float32)
        return self.model.table(suited, subject, rows, self.name)

    def probability(self, features: Floats) -> Floats:
        """Return calibrated probabilities ``(frame, behaviour)`` of ``features (frame, feature)`` from `table`."""
        return self.model.probability(features)

    def gains(self) -> np.ndarray:
        """How much the learner gains by each feature, every behaviour counting alike; zeros where it has no measure."""
        return stages.gains(self.model.learner, len(self.model.feature_names))

    # ---- storage --------------------------------------------------------------------------------
    def _dump(self) -> Dump:
        return self.model.dump(self.recipe())

    def _restore(self, dump: Dump) -> None:
        self._model = Model.restore(self.recipe(), dump)


__all__ = ["Supervised", "SupervisedParams"]
