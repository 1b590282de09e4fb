"""What a supervised method is: features, a learner, a calibration and a decision.

Each part is a small object that is given what it needs and returns what it made. Parts that take something from the
training recordings return a fitted copy of themselves (`fit`), and are stored by `dump` and `restore`.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from murid.data.errors import fail
from murid.data.recording import Recording
from murid.data.resample import same_moments
from murid.learn.classify.calibration import Calibration
from murid.methods.base import Dump
from murid.methods.supervised.decision import SMOOTH_S, Decision
from murid.methods.supervised.training_rows import LabelledFrames, Material, Sample

Floats = NDArray[np.float32]


class Features(abc.ABC):
    """From a recording to a table of features."""

    @abc.abstractmethod
    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return ``(time, feature)`` of one subject for the given frames (all when None)."""

    def mirrored(self) -> Features:
        """Return the features of the mirror image, where left is right; for recipes with ``mirror``."""
        raise NotImplementedError(f"{type(self).__name__} has no mirror image")

    def fit(self, samples: Sequence[Sample]) -> Features:
        """Return features with what they take from the training recordings, labels aside; nothing by default."""
        del samples
        return self

    def dump(self) -> Dump:
        """Return what `fit` took."""
        return Dump()

    def restore(self, dump: Dump) -> Features:
        """Return features with what `dump` holds."""
        del dump
        return self


class Learner(Protocol):
    """Something that gives probabilities (frame, behaviour)."""

    def predict(self, features: Floats) -> Floats:
        """Return probabilities for ``(frame, feature)``."""


@dataclass(frozen=True)
class Learnt:
    """A fitted learner and the columns it looks at.

    Attributes
    ----------
    learner : Learner
        Of ``features[:, columns]``.
    columns : int array
        Chosen from the rows that were learnt from, and no others.
    """

    learner: Learner
    columns: NDArray[np.intp]

    def predict(self, features: Floats) -> Floats:
        """Return probabilities ``(frame, behaviour)`` for a table of all features."""
        whole = len(self.columns) == features.shape[1]
        return self.learner.predict(features if whole else np.ascontiguousarray(features[:, self.columns]))


@dataclass(frozen=True)
class TrainingSet:
    """What a learner is given to learn from.

    Attributes
    ----------
    targets : int8 array (row, behaviour)
        Of all rows.
    weights : float32 array (row,)
        Of all rows.
    rows : int array
        Those to learn from; no others may be looked at.
    behaviours : sequence of str
        Columns of `targets`, each present and absent in `rows`.
    exclusive : bool
        At most one behaviour at a time.
    """

    targets: np.ndarray
    weights: Floats
    rows: NDArray[np.intp]
    behaviours: Sequence[str]
    exclusive: bool


class Learning(abc.ABC):
    """How a method learns."""

    def prepare(self, features: Floats) -> Any:
        """Return what `fit` needs of the whole matrix, made once for all folds without any label; the matrix itself."""
        return features

    @abc.abstractmethod
    def fit(self, prepared: Any, known: TrainingSet, *, fold: bool, text: str) -> Learnt:
        """Learn from some rows.

        Parameters
        ----------
        prepared
            From `prepare`.
        known : TrainingSet
        fold : bool
            The learner only gives out-of-fold scores: it may be smaller.
        text : str
            Name of the progress bar; decides nothing.
        """

    @abc.abstractmethod
    def dump(self, learner: Learner) -> Dump:
        """Return a fitted learner in a form that outlives the code."""

    @abc.abstractmethod
    def restore(self, behaviours: Sequence[str], dump: Dump) -> Learner:
        """Read back `dump`."""


class Refiner:
    """Smooths probabilities in the method's own way before the decision is tuned and taken; here it does nothing."""

    def fit(self, frames: LabelledFrames) -> Refiner:
        """Return a refiner with what it takes from the labels (rates of beginning and ending)."""
        del frames
        return self

    def heard(self, pairs: Sequence[tuple[xr.DataArray, np.ndarray]]) -> Refiner:
        """Return a refiner with what it takes from out-of-fold probabilities and their truth (see `tune_decision`)."""
        del pairs
        return self

    def only(self, columns: Sequence[int]) -> Refiner:
        """Return the refiner of some of the behaviours."""
        del columns
        return self

    def __call__(self, probability: xr.DataArray) -> xr.DataArray:
        """Return probabilities of the same shape."""
        return probability

    def dump(self) -> Dump:
        """Return what `fit` took."""
        return Dump()

    def restore(self, dump: Dump) -> Refiner:
        """Return a refiner with what `dump` holds."""
        del dump
        return self


class Stacked(Protocol):
    """A second model whose log-odds are mixed with those of the first one."""

    def mix(self, scores: Floats, features: Floats, time_s: np.ndarray) -> Floats:
        """Return the mixed scores ``(frame, behaviour)`` of one subject's consecutive frames."""

    @property
    def first_calibration(self) -> Calibration:
        """Calibration of the first model alone, for frames out of their order."""

    def dump(self) -> Dump:
        """Return it in a form that outlives the code."""


class Stacking(Protocol):
    """How a second model is stacked on the first one."""

    def fit(
        self, material: Material, scores: Floats, columns: Sequence[NDArray[np.intp]], last: NDArray[np.intp]
    ) -> tuple[Stacked, Floats]:
        """Fit it, in the same folds.

        Parameters
        ----------
        material : Material
        scores : array (row, behaviour)
            Out-of-fold scores of the first model.
        columns : list of int arrays
            Columns that each fold chose, and `last` those of the final model.

        Returns
        -------
        Stacked
            Fitted to all rows.
        array (row, behaviour)
            Mixed out-of-fold scores.
        """

    def restore(self, dump: Dump) -> Stacked | None:
        """Read back what `Stacked.dump` wrote; None when the model was stored without."""


class Calibrator(Protocol):
    """Fits the map from scores to probabilities."""

    def __call__(self, scores: Floats, targets: np.ndarray) -> Calibration:
        """Fit on out-of-fold scores ``(row, behaviour)`` and targets of 1, 0, −1 (left out)."""


def raw_scores(scores: Floats, targets: np.ndarray) -> Calibration:
    """Calibrator that takes scores for probabilities as they are."""
    del scores
    return Calibration.identity(targets.shape[1])


@dataclass(frozen=True)
class Recipe:
    """What a supervised method is.

    Attributes
    ----------
    features : Features
    learning : Learning
    refiner : Refiner
    calibrate : callable (scores, targets) → Calibration
        On real frames, unweighted, so that a probability is a share of time.
    form : mapping
        Further arguments of `Decision.plain`: hysteresis, kind of minimum bout.
    smooth_options : tuple of float
        Widths of the moving mean that the tuning tries, s; (0.0,) where `refiner` smooths.
    tune : bool
        Tune the decision out-of-fold.
    adjust : callable (Decision) → Decision
        What the user asks for by parameters, after the tuning.
    to_states : callable (Decision, probability) → States
        The decision itself by default.
    exclusive : bool, optional
        Whether behaviours exclude each other; as in the labels when None.
    stacking : Stacking, optional
    mirror : bool
        Learn from mirror images too.
    sample_hz, weighted
        Frames learnt from per second (infinity: all), and whether they are weighted by bout.
    """

    features: Features
    learning: Learning
    refiner: Refiner = field(default_factory=Refiner)
    calibrate: Calibrator = Calibration.fit
    form: dict[str, Any] = field(default_factory=dict)
    smooth_options: tuple[float, ...] = SMOOTH_S
    tune: bool = True
    adjust: Callable[[Decision], Decision] = lambda decision: decision
    to_states: Callable[[Decision, xr.DataArray], xr.DataArray] = lambda decision, probability: decision(probability)
    exclusive: bool | None = None
    stacking: Stacking | None = None
    mirror: bool = False
    sample_hz: float = 8.0
    weighted: bool = True


class Copied(Features):
    """Features that were computed before, by (recording id, subject), read by time.

    Parameters
    ----------
    tables : mapping (recording id, subject) → DataArray (time, feature)
    """

    def __init__(self, tables: dict[tuple[str, str], xr.DataArray]) -> None:
        self.tables = tables

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return the stored frames at the times of `rows` (all when None)."""
        stored = self.tables[recording.id, subject]
        if rows is None:
            return stored
        time = recording.need("poses")["time"].values[rows]
        wanted, at = same_moments(time, stored["time"].values)
        if len(wanted) != len(time):
            fail(
                "features",
                "were computed for other frames",
                where=recording.id,
                got=f"{len(time) - len(wanted)} frames",
            )
        return stored[at]


__all__ = [
    "Calibrator",
    "Copied",
    "Features",
    "Learner",
    "Learning",
    "Learnt",
    "Recipe",
    "Refiner",
    "Stacked",
    "Stacking",
    "TrainingSet",
    "raw_scores",
]
