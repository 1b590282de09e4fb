"""What the supervised methods share: samples, folds, out-of-fold probabilities, calibration, decision.

A supervised method writes three functions (`_features`, `_learn`, and how its learner is stored);
everything a reviewer asks about is done here once: folds by animal, unlabelled ≠ negative, weights by
bout, calibrated out-of-fold probabilities, and a decision rule tuned on them.
"""

from __future__ import annotations

import abc
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import xarray as xr

from murid.data.clock import rate_of
from murid.data.errors import Faults, fail
from murid.data.labels import Labels
from murid.data.params import Params, param
from murid.data.poses import absent
from murid.data.recording import Recording
from murid.data.states import UNLABELLED
from murid.features.naming import base_of
from murid.learn.classify.boost import check_two_classes
from murid.learn.classify.calibrate import Calibration
from murid.learn.classify.novelty import Novelty, fit_novelty
from murid.methods.base import Method, output
from murid.methods.supervised.decision import SMOOTH_S, Decision, tune
from murid.methods.supervised.training_rows import Material, Sample, bout_weights, group_folds, learnable
from murid.methods.training_summary import Manifest


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
        why="frames in which an animal is not seen at all for longer than this stay unlabelled: nobody can say what it "
        "does; shorter losses of the track are bridged",
    )
    tune: bool = param(True, why="tune smoothing, threshold and minimum bout out-of-fold; else .5 and none")
    seed: int = param(0, why="same seed, same model")


class Learner(Protocol):
    """What `_learn` returns: something that gives probabilities (frame, behaviour)."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return probabilities for ``(frame, feature)``."""


class Supervised(Method):
    """Base of methods that learn from labels."""

    params: Any

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.behaviours: list[str] = []
        self.per_individual = False
        self.features_used: list[str] = []
        self.calibration: Calibration | None = None
        self.decision: Decision | None = None
        self.learner: Learner | None = None
        self.manifest: Manifest | None = None
        self.novelty: Novelty | None = None
        #: Feature tables of all sampled frames by (recording id, subject), when somebody keeps them (`warm`).
        self.kept_tables: dict[tuple[str, str], xr.DataArray] | None = None
        #: Out-of-fold probabilities by recording id, kept after `fit` for honest scores.
        self.out_of_fold: dict[str, xr.DataArray] = {}

    # ---- what a method writes -------------------------------------------------------------------
    @abc.abstractmethod
    def _features(self, recording: Recording, subject: str, rows: np.ndarray | None) -> xr.DataArray:
        """Return ``(time, feature)`` for the given frames (all when None)."""

    @abc.abstractmethod
    def _prepare_learning(self, features: np.ndarray) -> Any:
        """Return whatever `_learn` needs of the whole matrix, computed once for all folds."""

    @abc.abstractmethod
    def _learn(self, data: Any, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray, text: str) -> Learner:
        """Fit on the given rows of the matrix."""

    # ---- what a method may change ---------------------------------------------------------------
    def _choose(self, features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray | None:
        """Return the columns to keep, or None for all."""
        return None

    def _calibrate(self, scores: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> Calibration:
        """Fit the map from raw scores to probabilities on out-of-fold scores."""
        return Calibration.fit(scores, targets, weights)

    def _second_opinion(self, material: Material, scores: np.ndarray) -> np.ndarray:
        """Mix what another learner says out-of-fold into the scores; by default there is none."""
        return scores

    def _scores(self, features: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """Raw scores ``(frame, behaviour)`` of one subject's consecutive frames."""
        return self.learner.predict(features)

    #: Widths of the moving mean that `tune` tries; (0.0,) for methods whose `_refine` smooths.
    smooth_options: ClassVar[tuple[float, ...]] = SMOOTH_S

    def _refine(self, probability: xr.DataArray) -> xr.DataArray:
        """Smooth probabilities in the method's own way before the decision is tuned and taken."""
        return probability

    def _to_states(self, probability: xr.DataArray) -> xr.DataArray:
        """Turn refined probabilities into states; the tuned decision by default."""
        return self.decision(probability)

    # ---- fit ------------------------------------------------------------------------------------
    def _fit(self, recordings: Sequence[Recording]) -> None:
        # A second fit starts afresh.
        self.features_used, self.per_individual, self.out_of_fold = [], False, {}
        samples = self._samples(self._scored(recordings))
        # Once a recording, and before the costly part: a mixture of scales is an error.
        self.manifest = Manifest.of(list({s.recording.id: s.recording for s in samples}.values()))
        tables = []
        for sample in samples:
            table = self._table_of(sample)
            self.features_used = self._same_features(table, sample)
            tables.append(np.asarray(table.values, np.float32))
            sample.recording.forget()
        features = np.concatenate(tables)
        del tables
        targets = np.concatenate([s.targets for s in samples])
        weights = np.concatenate([s.weights for s in samples])
        check_two_classes(targets, self.behaviours)
        columns = self._choose(features, targets, weights)
        if columns is not None:
            features = np.ascontiguousarray(features[:, columns])
            self.features_used = [self.features_used[c] for c in columns]
        data = self._prepare_learning(features)
        material = Material(samples, self._held_out(samples, targets), features, targets, weights)
        scores = self._second_opinion(material, self._out_of_fold(material, data))
        self.calibration = self._calibrate(scores, targets, weights)
        self._decide(samples, self.calibration(scores), targets)
        self.learner = self._learn(data, targets, weights, np.arange(len(targets)), "final model")
        animals = np.concatenate([np.full(len(s.rows), s.recording.animal) for s in samples])
        if self.kept_tables is None or self.novelty is None:
            self.novelty = fit_novelty(features, animals, columns=self._telling(), seed=self.params.seed)

    def _table_of(self, sample: Sample) -> xr.DataArray:
        """Features of a sample's frames, computed or from what is kept."""
        if self.kept_tables is None:
            return self._features(sample.recording, sample.subject, sample.rows)
        kept = self.kept_tables[sample.recording.id, sample.subject]
        return kept.isel(time=np.searchsorted(kept["time"].values, sample.time_s - 1e-9))

    def gains(self) -> np.ndarray:
        """How much the learner gains by each feature, every behaviour counting alike; zeros where it cannot say."""
        if not hasattr(self.learner, "importance"):
            return np.zeros(len(self.features_used))
        gain = np.asarray(self.learner.importance(), np.float64)
        return (gain / np.maximum(gain.sum(axis=0), 1e-12)).reshape(len(self.features_used), -1).sum(axis=1)

    def _telling(self, n: int = 24) -> np.ndarray:
        """Columns of the `n` per-frame features that the learner uses most, one window statistic of each."""
        best: dict[str, int] = {}
        for column in np.argsort(-self.gains(), kind="stable"):
            best.setdefault(base_of(self.features_used[column]), int(column))
        return np.array(list(best.values())[:n])

    def _samples(self, recordings: Sequence[Recording]) -> list[Sample]:
        """Collect labelled frames of every recording and check that they can be learnt from."""
        self.behaviours = self._find_behaviours(recordings)
        samples, remarks, faults = [], list[tuple[str, str]](), Faults(f"labels for '{self.name}'")
        for recording in recordings:
            labels = self._labels(recording)
            time = recording.need("poses")["time"].values
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                states = labels.to_states(time, self.behaviours, others=self.params.others)
            remarks += [(recording.id, str(w.message)) for w in said]
            self.per_individual |= [str(i) for i in states["individual"].values] != ["all"]
            for i, subject in enumerate(states["individual"].values):
                sample = self._sample(recording, str(subject), time, states.values[:, i])
                if sample.rows.size:
                    samples.append(sample)
        _warn_once(remarks)
        if not samples:
            faults.add(
                "no labelled frames",
                expected=f"frames scored for {', '.join(self.behaviours)}",
                todo="check that labels and poses share one clock and fps",
            )
        faults.raise_if_any()
        stack = np.concatenate([s.targets for s in samples])
        known = (stack != UNLABELLED).all(axis=1)
        present = (stack[known] == 1).sum(axis=1)
        self._exclusive = len(self.behaviours) > 1 and bool((present <= 1).all())
        self._exhaustive = self._exclusive and bool((present == 1).all())
        return samples

    def _labels(self, recording: Recording) -> Any:
        chosen = {"rater": self.params.rater, "stream": self.params.stream}
        return recording.need("labels").select(**{k: v for k, v in chosen.items() if v is not None})

    def _scored(self, recordings: Sequence[Recording]) -> list[Recording]:
        """Recordings labelled by the chosen rater in the chosen stream; says which ones are left out."""
        keep: list[Recording] = []
        out: list[Recording] = []
        for recording in recordings:
            if not recording.has("labels"):
                continue
            labels, p = recording.labels, self.params
            known = (p.rater is None or p.rater in labels.raters) and (p.stream is None or p.stream in labels.streams)
            (keep if known else out).append(recording)
        if out and keep:
            warnings.warn(
                f"not learnt from, because they lack rater '{self.params.rater}' or stream "
                f"'{self.params.stream}': {', '.join(r.id for r in out)}",
                stacklevel=5,
            )
        return keep or out

    def _find_behaviours(self, recordings: Sequence[Recording]) -> list[str]:
        used: dict[str, list[str]] = {}
        for recording in recordings:
            for name in self._labels(recording).stream_with(self.params.behaviours).behaviours:
                used.setdefault(name, []).append(recording.id)
        wanted = list(self.params.behaviours) if self.params.behaviours else list(used)
        missing = [b for b in wanted if b not in used]
        if missing or not wanted:
            fail(
                f"labels for '{self.name}'",
                f"nobody labelled {', '.join(missing) or 'anything'}",
                expected="labelled behaviours",
                got=", ".join(used) or "no bouts",
                todo="check the spelling in behaviours=, or label some bouts",
            )
        return wanted

    def _sample(self, recording: Recording, subject: str, time: np.ndarray, targets: np.ndarray) -> Sample:
        """Every k-th frame (k from `sample_hz`) that has any label, with its weight."""
        step = max(1, round(rate_of(time) / self.params.sample_hz))
        rows = np.arange(0, len(time), step)
        rows = rows[(targets[rows] != UNLABELLED).any(axis=1)]
        weights = bout_weights(targets, time, self.params.bout_weight)[rows]
        return Sample(recording, subject, rows, time[rows], targets[rows], weights)

    def _same_features(self, table: xr.DataArray, sample: Sample) -> list[str]:
        names = [str(f) for f in table["feature"].values]
        if self.features_used and names != self.features_used:
            odd = sorted(set(names) ^ set(self.features_used))
            fail(
                f"method '{self.name}'",
                "recordings have different features",
                where=sample.recording.id,
                expected=f"{len(self.features_used)} features",
                got=f"{len(names)}; differing: {', '.join(odd[:5])}",
                todo="all recordings need the same keypoint roles and number of animals",
            )
        return names

    def _held_out(self, samples: Sequence[Sample], targets: np.ndarray) -> list[np.ndarray]:
        """Rows that each fold holds out, as masks: whole animals, or blocks where there is only one."""
        groups = np.concatenate([np.full(len(s.rows), getattr(s.recording, self._group_key)) for s in samples])
        if len(set(groups)) < 2:
            warnings.warn(
                f"method '{self.name}': all labels are of one {self.params.group_by}; out-of-fold scores "
                "come from blocks of the same recording and are optimistic",
                stacklevel=5,
            )
            groups = np.concatenate([self._blocks(s) for s in samples])
        held_out = group_folds(groups, targets, self.params.folds, self.params.seed)
        held_out = [held for held in held_out if learnable(targets[~held])]
        if not held_out:
            fail(
                f"labels for '{self.name}'",
                "no fold holds every behaviour",
                got=f"{len(set(groups))} groups",
                todo="label every behaviour in at least two animals, or use group_by='recording'",
            )
        return held_out

    def _out_of_fold(self, material: Material, data: Any) -> np.ndarray:
        """Raw scores of every row from models that never saw its animal; NaN where no fold could."""
        m = material
        scores = np.full(m.targets.shape, np.nan, np.float32)
        for number, held in enumerate(m.held_out, 1):
            learner = self._learn(data, m.targets, m.weights, np.flatnonzero(~held), f"fold {number}")
            scores[held] = learner.predict(m.features[held])
        return scores

    @property
    def _group_key(self) -> str:
        return "animal" if self.params.group_by == "animal" else "id"

    def _blocks(self, sample: Sample) -> np.ndarray:
        """Contiguous blocks of one recording, ten of them."""
        n = len(sample.rows)
        return np.char.add(f"{sample.recording.id}:", (np.arange(n) * 10 // max(n, 1)).astype(str))

    def _decide(self, samples: Sequence[Sample], calibrated: np.ndarray, targets: np.ndarray) -> None:
        """Keep out-of-fold probabilities per recording, and tune the decision rule on them."""
        pairs, start = [], 0
        coords = {"behaviour": np.asarray(self.behaviours, dtype=object)}
        for sample in samples:
            block = slice(start, start + len(sample.rows))
            start += len(sample.rows)
            probability = xr.DataArray(
                calibrated[block][:, None, :],
                dims=("time", "individual", "behaviour"),
                coords={"time": sample.time_s, "individual": [sample.subject], **coords},
            )
            self.out_of_fold[f"{sample.recording.id}/{sample.subject}"] = probability
            pairs.append((self._refine(probability), targets[block][:, None, :]))
        plain = Decision.plain(self.behaviours, exclusive=self._exclusive, exhaustive=self._exhaustive)
        self.decision = (
            plain
            if not self.params.tune
            else tune(
                pairs,
                self.behaviours,
                exclusive=self._exclusive,
                exhaustive=self._exhaustive,
                smooth_s=self.smooth_options,
            )
        )

    # ---- apply ----------------------------------------------------------------------------------
    def _apply(self, recording: Recording) -> xr.Dataset:
        if self.manifest is not None:
            recording = self.manifest.fit_to(recording, self.name, self.features_used)
        poses = recording.need("poses")
        subjects = self.subjects_of(recording)
        raw, unseen = [], []
        for subject in subjects:
            values = self._values(self._features(recording, subject, None), recording)
            raw.append(self._scores(values, poses["time"].values))
            if self.novelty is not None:
                unseen.append(self.novelty(values))
        calibrated = np.stack([self.calibration(r) for r in raw], axis=1)
        probability = xr.DataArray(
            calibrated,
            dims=("time", "individual", "behaviour"),
            coords={
                "time": poses["time"].values,
                "individual": np.asarray(subjects, dtype=object),
                "behaviour": np.asarray(self.behaviours, dtype=object),
            },
        )
        states = self._to_states(self._refine(probability))
        states.attrs["source"] = self.name
        confidence = _confidence(calibrated, self.decision)
        away = absent(poses, self.params.absent_s)
        away = away if self.per_individual else away.any(axis=1, keepdims=True)
        states.values[away] = UNLABELLED
        calibrated[away] = confidence[away] = np.nan
        return output(
            states,
            probability=calibrated,
            behaviours=self.behaviours,
            confidence=confidence,
            unseen=np.stack(unseen, axis=1) if unseen else None,
        )

    def subjects_of(self, recording: Recording) -> list[str]:
        """Whom the method describes in a recording: each individual, or ``["all"]`` together."""
        return [str(i) for i in recording.need("poses")["individual"].values] if self.per_individual else ["all"]

    def labels_of(self, recording: Recording) -> Labels:
        """Return the labels the method learns from: of the chosen rater and stream."""
        return self._labels(recording)

    def rows_of(self, recording: Recording) -> np.ndarray:
        """Frames that learning looks at: every k-th, k from ``sample_hz``."""
        time = recording.need("poses")["time"].values
        return np.arange(0, len(time), max(1, round(rate_of(time) / self.params.sample_hz)))

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return the features the model uses, ``(time, feature)`` with units and meanings, for some frames.

        The recording is fitted to the model first, as in `apply`.
        """
        if self.manifest is not None:
            recording = self.manifest.fit_to(recording, self.name, self.features_used)
        table = self._features(recording, subject, rows)
        values = self._values(table, recording)
        chosen = table.sel(feature=self.features_used) if table.sizes["feature"] != values.shape[1] else table
        return chosen.copy(data=values)

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities ``(frame, behaviour)`` of ``features (frame, feature)`` from `table`."""
        return self.calibration(self.learner.predict(np.asarray(features, np.float32)))

    def _values(self, table: xr.DataArray, recording: Recording) -> np.ndarray:
        """Return the features that were learnt from, ``(time, feature)`` float32, in their order."""
        names = [str(f) for f in table["feature"].values]
        if names == self.features_used:
            return np.asarray(table.values, np.float32)
        place = {name: i for i, name in enumerate(names)}
        lacking = [f for f in self.features_used if f not in place]
        if lacking:
            fail(
                f"method '{self.name}'",
                "this recording lacks features the model was trained on",
                where=recording.id,
                expected=f"{len(self.features_used)} features",
                got=f"{len(lacking)} missing: {', '.join(lacking[:8])}{' …' if len(lacking) > 8 else ''}",
                todo="map its keypoints to roles (roles=...), and check the number of animals",
            )
        return np.ascontiguousarray(table.values[:, [place[f] for f in self.features_used]], np.float32)

    # ---- storage --------------------------------------------------------------------------------
    def _common(self) -> dict[str, Any]:
        """What `_dump` of every supervised method holds."""
        return {
            "behaviours": self.behaviours,
            "per_individual": self.per_individual,
            "features": self.features_used,
            "decision": self.decision.to_dict(),
            "manifest": self.manifest.to_dict() if self.manifest is not None else None,
        }

    def _common_arrays(self) -> dict[str, np.ndarray]:
        arrays = {"calibration_score": self.calibration.score, "calibration_probability": self.calibration.probability}
        return arrays | (self.novelty.to_arrays() if self.novelty is not None else {})

    def _restore_common(self, json: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.behaviours, self.per_individual = list(json["behaviours"]), bool(json["per_individual"])
        self.features_used = list(json["features"])
        self.decision = Decision.from_dict(json["decision"])
        self.calibration = Calibration(arrays["calibration_score"], arrays["calibration_probability"])
        self.manifest = Manifest.from_dict(json.get("manifest"))
        self.novelty = Novelty.from_arrays(arrays)


def _warn_once(remarks: Sequence[tuple[str, str]]) -> None:
    """One warning for what was noticed in several recordings, with the first remark as it was."""
    if remarks:
        ids = list(dict.fromkeys(id for id, _ in remarks))
        more = (
            f" (and so in {len(ids) - 1} more: {', '.join(ids[1:6])}{' …' if len(ids) > 6 else ''})" if ids[1:] else ""
        )
        warnings.warn(f"{ids[0]}: {remarks[0][1]}{more}", stacklevel=6)


def _confidence(probability: np.ndarray, decision: Decision) -> np.ndarray:
    """How far the decision is from a coin toss, 0..1, per frame and individual."""
    if decision.exclusive and decision.exhaustive:
        total = np.maximum(probability.sum(axis=2), 1e-6)
        return probability.max(axis=2) / total
    return np.abs(2 * probability - 1).min(axis=2)


__all__ = ["Learner", "Supervised", "SupervisedParams"]
