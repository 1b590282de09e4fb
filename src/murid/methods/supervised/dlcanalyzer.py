"""`dlcanalyzer`: lengths, angles, areas and accelerations over ± 0.6 s into a dense network (Sturman et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from murid.data.clock import rate_of
from murid.data.errors import fail
from murid.data.params import param
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.states import UNLABELLED, make_states
from murid.ethogram import smooth
from murid.features.sets.dlcanalyzer import (
    STACK_S,
    STACK_STEP_S,
    Version,
    dlcanalyzer_columns,
    missing_features,
    stacked,
)
from murid.features.sets.scene import Scene, make_scene
from murid.learn.classify.calibration import Calibration
from murid.learn.classify.dense import Dense, DenseParams, fit_dense
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.methods.supervised.decision import Decision
from murid.methods.supervised.ignored_options import NO_PART, ROWS_OF_ORIGINALS, as_original
from murid.methods.supervised.recipe import Features, Floats, Learner, Learning, Learnt, Recipe, TrainingSet, raw_scores
from murid.prepare import CleanParams, clean

#: The original's network and frame rate, where a parameter says so.
FAITHFUL_NET = {"batch": 32, "min_steps": 1, "standardise": False, "clip": None}
FRAMES_HZ = 25.0
#: Class of a frame that shows none of the behaviours, inside the vote.
_NONE = "(none of them)"


class DlcAnalyzerParams(SupervisedParams):
    """Parameters of `dlcanalyzer_columns`."""

    version: Version = param(
        "v3", why="features: v1 22, v2 33, v3 35 a frame with all 13 points; fst without the arena"
    )
    zones: bool = param(
        False,
        why="add distances to the border of every drawn zone, not only the arena: arms of a maze, sides of a box",
    )
    pairs: bool = param(True, why="with several animals: distances between them too; the original knows one animal")
    stack_s: float = param(STACK_S, unit="s", gt=0, why="reach of the stack to either side: 15 frames at 25 Hz")
    stack_step_s: float = param(STACK_STEP_S, unit="s", gt=0, why="spacing of the stack: one frame at 25 Hz")
    net: DenseParams = DenseParams()
    majority_s: float = param(
        0.4, unit="s", ge=0, why="majority vote over so much to either side; used with tune=False"
    )
    faithful: bool = param(
        False,
        why="learn and decide as the original: every labelled frame, all alike, features standardised per file and not "
        "clipped, accelerations from frame to frame (at 25 Hz), frames nearer to an edge or a pause than the stack "
        "left out, one softmax, batch of 32 (unless `net` has another), arg-max and majority vote",
    )
    clean: CleanParams = CleanParams()


class DlcAnalyzer(Supervised):
    """DLCAnalyzer: skeleton features of neighbouring frames, one dense network for all behaviours."""

    name = "dlcanalyzer"
    Params = DlcAnalyzerParams
    about = Card(
        title="DLCAnalyzer: skeleton features of ± 0.6 s into a dense network",
        family="supervised",
        cites=(
            "Sturman O. et al. (2020) Deep learning-based behavioral analysis reaches human accuracy and is capable of "
            "outperforming commercial solutions. Neuropsychopharmacology 45:1942-1952",
        ),
        differs=(
            "the stack is in seconds and interpolated, so that 25 and 50 frames/s give the same answer",
            "standardised by the training data, not per file: a mouse that never rears must not seem to",
            "features go by role; missing ones are left out and listed instead of failing",
            "thresholds, smoothing and minimum bout are tuned out-of-fold; tune=False gives the original's arg-max "
            "over all classes, none of them too, on raw network outputs, and its majority vote",
            "batch of 256, not 32",
            "with several animals the distances between them are features too",
        ),
    )

    def recipe(self) -> Recipe:
        """Stacked skeleton features into one network; `tune=False` decides as the original does."""
        p = self.params
        tune = p.tune and not p.faithful
        net = as_original(p.net, FAITHFUL_NET) if p.faithful else p.net
        features = SkeletonFeatures(p.clean, p.version, p.pairs, p.stack_s, p.stack_step_s, p.zones, p.faithful)
        return Recipe(
            features=features,
            learning=DenseLearning(net, p.seed, drop_empty=p.faithful),
            calibrate=Calibration.fit if tune else raw_scores,
            tune=tune,
            to_states=(lambda rule, probability: rule(probability))
            if tune
            else (lambda rule, probability: most_frequent_class(rule, probability, p.majority_s)),
            # One softmax, also where labels overlap: the first of the behaviours counts there.
            exclusive=True if p.faithful else None,
            sample_hz=np.inf if p.faithful else p.sample_hz,
            weighted=not p.faithful,
        )

    def ignored(self, recordings: Sequence[Recording]) -> dict[str, Mapping[str, Any]]:
        """Say what the original does in its own way, and that a tuned decision takes no vote."""
        del recordings
        if self.params.faithful:
            return {"with faithful=True": ROWS_OF_ORIGINALS}
        return {"with tune=True": {"majority_s": NO_PART}} if self.params.tune else {}

    def missing_features(self, recording: Recording) -> list[str]:
        """Names of the original's features that a recording cannot give, for want of keypoints or an arena."""
        first = individual_names(recording.need("poses"))[0]
        return missing_features(_scene(recording, first, self.params.clean), self.params.version)


def most_frequent_class(rule: Decision, probability: xr.DataArray, half_s: float) -> xr.DataArray:
    """The original's decision: the most probable class, "none of them" too, then the most frequent one within ± half_s.

    Parameters
    ----------
    rule : Decision
        Untuned. Behaviours that overlap are decided one by one, at .5, and voted on one by one.
    probability : DataArray (time, individual, behaviour)
        Softmax outputs; what they lack to 1 is that of "none of them".
    half_s : float
        Half width of the vote, s.
    """
    if not rule.exclusive or rule.exhaustive:
        return smooth.majority(rule(probability), half_s)
    p = probability.values
    every = np.concatenate([p, 1 - p.sum(axis=2, keepdims=True)], axis=2)
    known = np.isfinite(every).all(axis=2)
    best = np.where(known, np.where(known[..., None], every, 0).argmax(axis=2), UNLABELLED)
    people, time = [str(i) for i in probability["individual"].values], probability["time"].values
    codes = smooth.majority(make_states(best, time, (*rule.behaviours, _NONE), people), half_s).values
    present = (codes[..., None] == np.arange(p.shape[2])).astype(np.int8)
    present[codes == UNLABELLED] = UNLABELLED
    return make_states(present, time, rule.behaviours, people)


def _scene(recording: Recording, subject: str, cleaning: CleanParams, by_frame: bool = False) -> Scene:
    """The recording as bodies; with `by_frame` velocities are taken since the last frame of the original's 25 Hz."""
    poses = clean(recording.need("poses"), cleaning)
    step = (max(1, round(rate_of(poses["time"].values) / FRAMES_HZ)), 0) if by_frame else None
    return make_scene(poses, subject, recording.roles or None, recording.zones, step_frames=step)


@dataclass(frozen=True)
class SkeletonFeatures(Features):
    """Lengths, angles, areas and accelerations of neighbouring frames.

    Attributes
    ----------
    clean : CleanParams
    version : str
    pairs : bool
        Distances between animals too.
    reach_s, step_s : float
        Reach of the stack to either side, and its spacing, s.
    zones : bool
        Distances to every drawn zone too.
    faithful : bool
        Accelerations by frame, standardised per file, frames near an edge missing.
    """

    clean: CleanParams
    version: Version
    pairs: bool
    reach_s: float
    step_s: float
    zones: bool = False
    faithful: bool = False

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return ``(time, feature)``."""
        where = _scene(recording, subject, self.clean, self.faithful)
        columns = dlcanalyzer_columns(where, self.version, pairs=self.pairs, zones=self.zones, per_file=self.faithful)
        return stacked(where, columns, rows, reach_s=self.reach_s, step_s=self.step_s, edges=not self.faithful)


@dataclass(frozen=True)
class DenseLearning(Learning):
    """One dense network for all behaviours.

    Attributes
    ----------
    params : DenseParams
    seed : int
    drop_empty : bool
        Rows without any feature, such as those near an edge with `faithful`, teach nothing.
    """

    params: DenseParams
    seed: int
    drop_empty: bool = False

    def prepare(self, features: Floats) -> Floats:
        """The matrix as it is."""
        if features.shape[1] == 0:
            fail(
                "method 'dlcanalyzer'",
                "these keypoints give no feature",
                todo="map them to roles (roles=...); see missing_features()",
            )
        return features

    def fit(self, prepared: Floats, known: TrainingSet, *, fold: bool, text: str) -> Learnt:
        """Train on the rows, softmax where behaviours exclude each other (see `Learning.fit`)."""
        del fold  # folds get the same network
        rows = known.rows
        rows = rows[np.isfinite(prepared[rows]).any(axis=1)] if self.drop_empty else rows
        net = fit_dense(
            prepared[rows],
            known.targets[rows],
            exclusive=known.exclusive,
            weights=known.weights[rows],
            params=self.params,
            seed=self.seed,
            text=text,
        )
        return Learnt(net, np.arange(prepared.shape[1]))

    def dump(self, learner: Learner) -> Dump:
        """Layers as arrays."""
        return Dump(arrays=learner.to_arrays()) if isinstance(learner, Dense) else Dump()

    def restore(self, behaviours: Sequence[str], dump: Dump) -> Dense:
        """Read back `dump`."""
        del behaviours
        return Dense.from_arrays(dump.arrays)
