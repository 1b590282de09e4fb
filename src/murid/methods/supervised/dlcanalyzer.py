"""`dlcanalyzer`: lengths, angles, areas and accelerations over ± 0.6 s into a dense network (Sturman et al. 2020)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.ethogram import smooth
from murid.features.sets.dlcanalyzer import STACK_S, STACK_STEP_S, Version, dlcanalyzer, missing_features, stacked
from murid.features.sets.scene import scene
from murid.learn.classify.dense import Dense, DenseParams, fit_dense
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.prepare import CleanParams, clean


class DlcAnalyzerParams(SupervisedParams):
    """Parameters of `dlcanalyzer`."""

    version: Version = param(
        "v3", why="features: v1 22, v2 33, v3 37 a frame with all 13 points; fst without the arena"
    )
    pairs: bool = param(True, why="with several animals: distances between them too; the original knows one animal")
    stack_s: float = param(STACK_S, unit="s", gt=0, why="reach of the stack to either side: 15 frames at 25 Hz")
    stack_step_s: float = param(STACK_STEP_S, unit="s", gt=0, why="spacing of the stack: one frame at 25 Hz")
    net: DenseParams = DenseParams()
    majority_s: float = param(
        0.4, unit="s", ge=0, why="majority vote over so much to either side; used with tune=False"
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
            "thresholds, smoothing and minimum bout are tuned out-of-fold; tune=False gives arg-max and majority vote",
            "batch of 256, not 32",
            "with several animals the distances between them are features too",
        ),
    )

    def _scene(self, recording: Recording, subject: str) -> Any:
        poses = clean(recording.need("poses"), self.params.clean)
        return scene(poses, subject, recording.roles or None, recording.zones)

    def _features(self, recording: Recording, subject: str, rows: np.ndarray | None) -> xr.DataArray:
        p, where = self.params, self._scene(recording, subject)
        return stacked(
            where, dlcanalyzer(where, p.version, pairs=p.pairs), rows, reach_s=p.stack_s, step_s=p.stack_step_s
        )

    def missing_features(self, recording: Recording) -> list[str]:
        """Names of the original's features that a recording cannot give, for want of keypoints or an arena."""
        first = str(recording.need("poses")["individual"].values[0])
        return missing_features(self._scene(recording, first), self.params.version)

    def _prepare_learning(self, features: np.ndarray) -> Any:
        if features.shape[1] == 0:
            warnings.warn("method 'dlcanalyzer': no feature can be had from these keypoints", stacklevel=4)
        return features

    def _learn(self, data: Any, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray, text: str) -> Dense:
        return fit_dense(
            data[rows],
            targets[rows],
            exclusive=self._exclusive,
            weights=weights[rows],
            params=self.params.net,
            seed=self.params.seed,
            text=text,
        )

    def _to_states(self, probability: xr.DataArray) -> xr.DataArray:
        states = self.decision(probability)
        return states if self.params.tune else smooth.majority(states, self.params.majority_s)

    def _dump(self) -> Dump:
        return Dump(self._common(), {**self._common_arrays(), **self.learner.to_arrays()})

    def _restore(self, dump: Dump) -> None:
        self._restore_common(dump.json, dump.arrays)
        self.learner = Dense.from_arrays(dump.arrays)
