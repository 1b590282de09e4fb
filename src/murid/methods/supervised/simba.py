"""`simba`: SimBA's features and a random forest per behaviour (Nilsson et al. 2020).

By default with the documented intent (windows in seconds, missing stays missing, folds by animal, threshold and
minimum bout chosen out-of-fold); `faithful=True` reproduces what the original's source does, for parity.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.data.states import is_multilabel
from murid.ethogram import exclusive as exclusion
from murid.ethogram import kleinberg, smooth
from murid.features.sets.scene import scene
from murid.features.sets.simba import WINDOWS_S, simba, simba_faithful
from murid.learn.classify.calibrate import Calibration
from murid.learn.classify.forests import ForestParams, Forests, fit_forests
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.prepare import CleanParams, clean

#: What the original does, where a parameter says so.
FAITHFUL_FOREST = ForestParams(n_trees=2000, min_leaf=1, max_rows=None, balance=0.0)


class SimbaParams(SupervisedParams):
    """Parameters of `simba`."""

    layout: Literal["auto", "full", "user"] = param(
        "auto", why="'full': the 2 x 8-point set, without what is not tracked; 'user': the set for user-defined points"
    )
    windows_s: tuple[float, ...] = param(
        WINDOWS_S, unit="s", why="500, 200, 167, 133, 67 ms: SimBA's documented intent"
    )
    align: Literal["centred", "trailing"] = param(
        "centred", why="SimBA's windows are trailing and lag by half their length"
    )
    regions: bool = param(True, why="with zones: how deep inside, how far, heading there (SimBA's ROI features)")
    forest: ForestParams = ForestParams()
    threshold: float | None = param(None, gt=0, lt=1, why="probability that counts; chosen out-of-fold when None")
    min_bout_s: float | None = param(
        None, unit="s", ge=0, why="close gaps, then delete bouts shorter than this; chosen out-of-fold when None"
    )
    bursts: bool = param(False, why="smooth by Kleinberg's bursts afterwards")
    sigma: float = param(2.0, gt=1, why="bursts: ratio of rates of successive levels")
    gamma: float = param(0.3, ge=0, why="bursts: cost of rising a level; larger = fewer, longer bouts")
    hierarchy: int = param(1, ge=1, why="bursts: level that counts as a bout")
    exclusive: Literal["auto", "yes", "no"] = param(
        "auto", why="at most one behaviour at a time; auto: as in the labels"
    )
    faithful: bool = param(
        False,
        why="reproduce the original: windows of 2, 5, 6, 7, 15 frames, whole-video ranks, missing = 0, animals in "
        "given order, raw probabilities, threshold .5, forest of 2,000 (unless `forest` is given)",
    )
    clean: CleanParams = CleanParams()


class Simba(Supervised):
    """SimBA: rolling features and one random forest per behaviour."""

    name = "simba"
    Params = SimbaParams
    about = Card(
        title="SimBA: pose features in rolling windows, one random forest per behaviour",
        family="supervised",
        cites=(
            "Nilsson S.R.O. et al. (2020) Simple Behavioral Analysis (SimBA): an open source toolkit for computer "
            "classification of complex social behaviors in experimental animals. bioRxiv 2020.04.19.049452",
        ),
        differs=(
            "windows in seconds (documented intent), not 2, 5, 6, 7 and 15 frames at every frame rate",
            "no ranks or deviations over the whole video, which make features depend on its length",
            "missing keypoints stay missing; the original sets them to 0, 0",
            "folds by animal; the original tests on frames of the training videos",
            "threshold and minimum bout are chosen out-of-fold",
            "tail-end movement is right, duplicates are gone, sums over windows are left out (= mean x length)",
            "outliers are masked by `clean` (confidence, speed gate), not held at the last accepted place",
        ),
    )

    def _features(self, recording: Recording, subject: str, rows: np.ndarray | None) -> xr.DataArray:
        p, poses, roles = self.params, recording.need("poses"), recording.roles or None
        if p.faithful:
            zeroed = poses.assign(position=poses["position"].fillna(0))
            where = scene(zeroed, subject, roles, step_frames=(1, 0))
            return simba_faithful(where, rows, layout=p.layout)
        where = scene(clean(poses, p.clean), subject, roles, recording.zones if p.regions else None)
        return simba(where, rows, layout=p.layout, windows_s=p.windows_s, align=p.align)

    def _prepare_learning(self, features: np.ndarray) -> Any:
        return features

    def _learn(self, data: Any, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray, text: str) -> Forests:
        p = self.params
        forest = FAITHFUL_FOREST if p.faithful and p.forest == ForestParams() else p.forest
        if text != "final model":
            # Enough for thresholds; the final forest has them all.
            forest = forest.replace(n_trees=max(1, forest.n_trees // 3))
        return fit_forests(
            data,
            targets,
            self.behaviours,
            weights=None if p.faithful else weights,
            rows=rows,
            params=forest,
            seed=p.seed,
            text=text,
        )

    def _calibrate(self, scores: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> Calibration:
        if self.params.faithful:
            return Calibration.identity(len(self.behaviours))
        return super()._calibrate(scores, targets, weights)

    def _to_states(self, probability: xr.DataArray) -> xr.DataArray:
        p = self.params
        if p.faithful or p.threshold is not None:
            states = exclusion.threshold(probability, p.threshold or 0.5)
            if p.exclusive == "yes" or (p.exclusive == "auto" and self.decision.exclusive and not p.faithful):
                states = exclusion.exclude(states, probability=probability)
        else:
            states = self.decision(probability)
        if p.min_bout_s and is_multilabel(states):
            states = smooth.gaps_then_bouts(states, p.min_bout_s)
        if p.bursts and is_multilabel(states):
            states = kleinberg.smooth(states, sigma=p.sigma, gamma=p.gamma, hierarchy=p.hierarchy)
            if self.decision.exclusive or p.exclusive == "yes":
                states = exclusion.exclude(states, probability=probability)
        return states

    def _samples(self, recordings: Any) -> Any:
        samples = super()._samples(recordings)
        if self.params.exclusive != "auto":
            self._exclusive = self.params.exclusive == "yes"
            self._exhaustive = self._exhaustive and self._exclusive
        return samples

    def _dump(self) -> Dump:
        return Dump(self._common(), {**self._common_arrays(), **self.learner.to_arrays()})

    def _restore(self, dump: Dump) -> None:
        self._restore_common(dump.json, dump.arrays)
        self.learner = Forests.from_arrays(self.behaviours, dump.arrays)
