"""`jaaba`: per-frame and window features, boosted stumps, hysteresis (Kabra et al. 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.ethogram import exclusive, smooth
from murid.features.sets.jaaba import REACH_S, Amount, WindowSpec, edges_of, per_frame, window_features
from murid.features.sets.scene import Scene, scene
from murid.learn.classify.stumps import Bins, Stumps, bins_of, fit_stumps
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.prepare import CleanParams, clean


class JaabaParams(SupervisedParams):
    """Parameters of `jaaba`."""

    amount: Amount = param("normal", why="window features: less (2 radii), normal (3), more (5, histograms, ranks)")
    reach_s: float = param(REACH_S, unit="s", gt=0, why="largest radius of the windows: 10 frames at 30 Hz")
    n_rounds: int = param(100, ge=1, why="stumps per behaviour; JAABA: 100, and 10 for quick updates")
    n_draw: int = param(2500, ge=10, why="examples drawn from the weights in each round")
    n_bins: int = param(30, ge=2, le=250, why="percentile thresholds tried per feature")
    low: float = param(
        0.6, gt=0, le=1, why="hysteresis: a bout goes on down to this share of the threshold where it begins; 1 = off"
    )
    clean: CleanParams = CleanParams()


class Jaaba(Supervised):
    """JAABA: window features and boosted stumps."""

    name = "jaaba"
    Params = JaabaParams
    smooth_options = (0.0,)
    about = Card(
        title="JAABA: window features of motion, shape and neighbours, boosted stumps, hysteresis",
        family="supervised",
        cites=(
            "Kabra M. et al. (2013) JAABA: interactive machine learning for automatic annotation of animal behavior. "
            "Nat Methods 10:64-67",
        ),
        differs=(
            "windows in seconds, not frames",
            "the body ellipse is that of the trunk keypoints; the closest animal is the one with the nearest centre",
            "change and harmonic use one sub-radius; the transform 'flip' is left out: stumps take either sign",
            "a missing value does not vote",
            "upper threshold and minimum bout are tuned out-of-fold",
            "labels come from files, not from an interactive session",
        ),
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._edges: dict[str, np.ndarray] | None = None

    @property
    def _spec(self) -> WindowSpec:
        return WindowSpec.of(self.params.amount, self.params.reach_s)

    def _scene(self, recording: Recording, subject: str) -> Scene:
        poses = clean(recording.need("poses"), self.params.clean)
        return scene(poses, subject, recording.roles or None, recording.zones)

    def _samples(self, recordings: Sequence[Recording]) -> Any:
        samples = super()._samples(recordings)
        self._edges = None
        if self._spec.histogram:
            tables = []
            for sample in samples:
                columns = per_frame(self._scene(sample.recording, sample.subject))
                tables.append({c.name: c.values for c in columns})
            self._edges = edges_of(tables)
        return samples

    def _features(self, recording: Recording, subject: str, rows: np.ndarray | None) -> xr.DataArray:
        where = self._scene(recording, subject)
        return window_features(where, per_frame(where), self._spec, rows, self._edges)

    def _prepare_learning(self, features: np.ndarray) -> Bins:
        return bins_of(features, self.params.n_bins, seed=self.params.seed)

    def _learn(self, data: Bins, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray, text: str) -> Stumps:
        p = self.params
        return fit_stumps(
            data,
            targets,
            self.behaviours,
            weights=weights,
            rows=rows,
            n_rounds=p.n_rounds,
            n_draw=p.n_draw,
            seed=p.seed,
            text=text,
        )

    def _to_states(self, probability: xr.DataArray) -> xr.DataArray:
        rule = self.decision
        if rule.exclusive and rule.exhaustive:
            return rule(probability)
        high = dict(zip(rule.behaviours, rule.threshold, strict=True))
        states = smooth.hysteresis(probability, high, {b: t * self.params.low for b, t in high.items()})
        states = smooth.min_bout(states, dict(zip(rule.behaviours, rule.min_bout_s, strict=True)), "absorb")
        if rule.exclusive:
            states = exclusive.exclude(states, probability=probability / np.asarray(rule.threshold, np.float32))
        return states

    def _dump(self) -> Dump:
        edges = {f"edges_{name}": values for name, values in (self._edges or {}).items()}
        return Dump(self._common(), {**self._common_arrays(), **self.learner.to_arrays(), **edges})

    def _restore(self, dump: Dump) -> None:
        self._restore_common(dump.json, dump.arrays)
        self._edges = {k.removeprefix("edges_"): v for k, v in dump.arrays.items() if k.startswith("edges_")} or None
        self.learner = Stumps.from_arrays(dump.arrays)
