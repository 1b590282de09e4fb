"""A fitted supervised model: frozen, never half-built; applied to recordings, and stored part by part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr

from murid.data.bouts import EVERYONE
from murid.data.errors import fail
from murid.data.poses import absent, individual_names
from murid.data.recording import Recording
from murid.data.states import UNLABELLED, behaviour_names, make_states, to_multilabel
from murid.learn.classify.calibration import Calibration
from murid.learn.classify.novelty import Novelty
from murid.methods.base import Dump, output
from murid.methods.supervised.decision import Decision
from murid.methods.training_summary import TrainingSummary

if TYPE_CHECKING:
    from murid.methods.supervised.recipe import Features, Floats, Learner, Recipe, Refiner, Stacked


@dataclass(frozen=True)
class Unlearnt:
    """A behaviour that could not be learnt.

    Attributes
    ----------
    behaviour : str
    n_bouts, n_animals : int
        Labelled bouts, and animals that show them.
    auc : float
        Of the out-of-fold scores; NaN where no fold could hold it out.
    """

    behaviour: str
    n_bouts: int
    n_animals: int
    auc: float

    def __str__(self) -> str:
        bouts = f"{self.n_bouts} bout{'s' * (self.n_bouts != 1)}"
        animals = f"{self.n_animals} animal{'s' * (self.n_animals != 1)}"
        reason = "" if np.isnan(self.auc) else f", out-of-fold AUC {self.auc:.2f}"
        return f"'{self.behaviour}' is not learnt: {bouts} in {animals}{reason}"


@dataclass(frozen=True)
class Model:
    """What a supervised method has learnt.

    Attributes
    ----------
    behaviours : tuple of str
        Those that were learnt: order of scores, probabilities and decision.
    asked : tuple of str
        All that were asked for, in the order of the states.
    unlearnt : tuple of Unlearnt
        The others, and why; they stay unlabelled.
    per_individual : bool
        States are of each animal; otherwise of all together.
    feature_names : tuple of str
        Columns that the learner looks at.
    features : Features
    learner : Learner
    calibration : Calibration
    refiner : Refiner
    decision : Decision
    stacked : Stacked, optional
        A second model whose log-odds are mixed in.
    training : TrainingSummary, optional
        What it was trained on; None in models of old versions.
    novelty : Novelty, optional
    """

    behaviours: tuple[str, ...]
    asked: tuple[str, ...]
    unlearnt: tuple[Unlearnt, ...]
    per_individual: bool
    feature_names: tuple[str, ...]
    features: Features
    learner: Learner
    calibration: Calibration
    refiner: Refiner
    decision: Decision
    stacked: Stacked | None = None
    training: TrainingSummary | None = None
    novelty: Novelty | None = None

    # ---- use ------------------------------------------------------------------------------------
    def subjects_of(self, recording: Recording) -> list[str]:
        """Whom the model describes in a recording: each individual, or ``["all"]`` together."""
        return individual_names(recording.need("poses")) if self.per_individual else [EVERYONE]

    def fitted_to(self, recording: Recording, name: str) -> Recording:
        """Return the recording as the model must see it (see `TrainingSummary.fit_to`)."""
        return recording if self.training is None else self.training.fit_to(recording, name, self.feature_names)

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None, name: str) -> xr.DataArray:
        """Return the features the model looks at, ``(time, feature)`` float32, of a recording from `fitted_to`.

        Raises
        ------
        DataError
            Features that the recording cannot give.
        """
        table = self.features.table(recording, subject, rows)
        names = [str(f) for f in table["feature"].values]
        if tuple(names) == self.feature_names:
            return table.astype(np.float32)
        place = {feature: i for i, feature in enumerate(names)}
        lacking = [f for f in self.feature_names if f not in place]
        if lacking:
            fail(
                f"method '{name}'",
                "this recording lacks features the model was trained on",
                where=recording.id,
                expected=f"{len(self.feature_names)} features",
                got=f"{len(lacking)} missing: {', '.join(lacking[:8])}{' …' if len(lacking) > 8 else ''}",
                todo="map its keypoints to roles (roles=...), and check the number of animals",
            )
        return table[:, [place[f] for f in self.feature_names]].astype(np.float32)

    def scores(self, features: Floats, time_s: np.ndarray) -> Floats:
        """Raw scores ``(frame, behaviour)`` of one subject's consecutive frames."""
        scores = self.learner.predict(features)
        return scores if self.stacked is None else self.stacked.mix(scores, features, time_s)

    def probability(self, features: Floats) -> Floats:
        """Calibrated probabilities ``(frame, behaviour)`` of frames out of their order: without a stacked model."""
        calibration = self.calibration if self.stacked is None else self.stacked.first_calibration
        return calibration(self.learner.predict(np.asarray(features, np.float32)))

    def apply(self, recording: Recording, recipe: Recipe, name: str, absent_s: float) -> xr.Dataset:
        """Return states, probability, confidence and novelty of one recording (see `Method.apply`)."""
        recording = self.fitted_to(recording, name)
        poses = recording.need("poses")
        time, subjects = poses["time"].values, self.subjects_of(recording)
        calibrated, unseen = [], []
        for subject in subjects:
            values = np.ascontiguousarray(self.table(recording, subject, None, name).values)
            calibrated.append(self.calibration(self.scores(values, time)))
            if self.novelty is not None:
                unseen.append(self.novelty(values))
        coords = {
            "time": time,
            "individual": np.asarray(subjects, dtype=object),
            "behaviour": np.asarray(self.behaviours, dtype=object),
        }
        probability = xr.DataArray(np.stack(calibrated, axis=1), dims=tuple(coords), coords=coords)
        refined = self.refiner(probability)
        states = self.with_unlearnt(recipe.to_states(self.decision, refined))
        states.attrs["source"] = name
        confidence = self.decision.certainty(self.decision.smoothed(refined).values).astype(np.float32)
        shown = np.full((*probability.shape[:2], len(self.asked)), np.nan, np.float32)
        shown[..., [self.asked.index(b) for b in self.behaviours]] = probability.values
        gone = absent(poses, absent_s)
        away = gone if self.per_individual else np.any(gone, axis=1, keepdims=True)
        states.values[away] = UNLABELLED
        shown[away] = confidence[away] = np.nan
        out = output(
            states,
            probability=shown,
            behaviours=self.asked,
            confidence=confidence,
            unseen=np.stack(unseen, axis=1) if unseen else None,
        )
        return out.assign_attrs(not_learnt="; ".join(map(str, self.unlearnt))) if self.unlearnt else out

    def with_unlearnt(self, states: xr.DataArray) -> xr.DataArray:
        """Add the behaviours that were not learnt, unlabelled (−1) throughout."""
        if not self.unlearnt:
            return states
        multi = to_multilabel(states)
        values = np.full((*multi.shape[:2], len(self.asked)), UNLABELLED, np.int8)
        for b, behaviour in enumerate(behaviour_names(multi)):
            values[..., self.asked.index(behaviour)] = multi.values[..., b]
        people = [str(i) for i in multi["individual"].values]
        return make_states(values, multi["time"].values, self.asked, people)

    # ---- storage --------------------------------------------------------------------------------
    def dump(self, recipe: Recipe) -> Dump:
        """Return everything in a form that outlives the code."""
        json: dict[str, Any] = {
            "behaviours": list(self.behaviours),
            "asked": list(self.asked),
            "unlearnt": [
                [u.behaviour, u.n_bouts, u.n_animals, None if np.isnan(u.auc) else u.auc] for u in self.unlearnt
            ],
            "per_individual": self.per_individual,
            "features": list(self.feature_names),
            "decision": self.decision.to_dict(),
            "manifest": self.training.to_dict() if self.training is not None else None,
        }
        arrays = {"calibration_score": self.calibration.score, "calibration_probability": self.calibration.probability}
        arrays |= self.novelty.to_arrays() if self.novelty is not None else {}
        dump = Dump(json, arrays)
        parts = [self.features.dump(), recipe.learning.dump(self.learner), self.refiner.dump()]
        for part in [*parts, *([] if self.stacked is None else [self.stacked.dump()])]:
            dump = Dump(dump.json | part.json, dump.arrays | part.arrays, dump.texts | part.texts)
        return dump

    @classmethod
    def restore(cls, recipe: Recipe, dump: Dump) -> Self:
        """Read back `dump`; models of earlier versions too."""
        json, arrays = dump.json, dump.arrays
        behaviours = tuple(json["behaviours"])
        unlearnt = json.get("unlearnt", [])
        return cls(
            behaviours=behaviours,
            asked=tuple(json.get("asked", behaviours)),
            unlearnt=tuple(Unlearnt(b, n, a, float("nan") if auc is None else auc) for b, n, a, auc in unlearnt),
            per_individual=bool(json["per_individual"]),
            feature_names=tuple(json["features"]),
            features=recipe.features.restore(dump),
            learner=recipe.learning.restore(behaviours, dump),
            calibration=Calibration(arrays["calibration_score"], arrays["calibration_probability"]),
            refiner=recipe.refiner.restore(dump),
            decision=recipe.adjust(Decision.from_dict({**recipe.form, **json["decision"]})),
            stacked=recipe.stacking.restore(dump) if recipe.stacking is not None else None,
            training=TrainingSummary.from_dict(json.get("manifest")),
            novelty=Novelty.from_arrays(arrays),
        )

    def replace(self, **parts: Any) -> Self:
        """Return a model with other parts."""
        return replace(self, **parts)


__all__ = ["Model", "Unlearnt"]
