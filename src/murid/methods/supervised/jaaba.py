"""`jaaba`: per-frame and window features, boosted stumps, hysteresis (Kabra et al. 2013)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.features.body import Column
from murid.features.sets.jaaba import REACH_S, Amount, WindowSpec, edges_of, per_frame, window_features
from murid.features.sets.scene import Scene, make_scene
from murid.learn.classify.calibration import Calibration
from murid.learn.classify.stumps import Bins, Stumps, bins_of, fit_stumps
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.methods.supervised.ignored_options import ROWS_OF_ORIGINALS
from murid.methods.supervised.recipe import Features, Floats, Learner, Learning, Learnt, Recipe, TrainingSet, raw_scores
from murid.methods.supervised.score_features import ScoreStacking
from murid.methods.supervised.training_rows import Sample
from murid.prepare import CleanParams, clean


class JaabaParams(SupervisedParams):
    """Parameters of `jaaba`."""

    amount: Amount = param("normal", why="window features: less (2 radii), normal (3), more (5, histograms, ranks)")
    neighbours: bool = param(
        True,
        why="with several animals, add what JAABA knows of neighbours beyond centre distances: difference of the "
        "directions of motion, angle on the closest, nose-ellipse distances and fields, animals within 1 and 2 body "
        "lengths",
    )
    directions: bool = param(
        False,
        why="add how sideways the animal moves and, with an arena, where the nearest wall and corner lie from it",
    )
    scores: bool = param(
        False,
        why="a second run of stumps that also sees the scores of the other behaviours, each from a run that had not "
        "seen the animal; needs two behaviours and three folds, and about four times the work",
    )
    reach_s: float = param(REACH_S, unit="s", gt=0, why="largest radius of the windows: 10 frames at 30 Hz")
    n_rounds: int = param(100, ge=1, why="stumps per behaviour; JAABA: 100, and 10 for quick updates")
    n_draw: int = param(2500, ge=10, why="examples drawn from the weights in each round")
    n_bins: int = param(30, ge=2, le=250, why="percentile thresholds tried per feature")
    low: float = param(
        0.6,
        gt=0,
        le=1,
        why="hysteresis: a bout goes on down to this share of the threshold where it begins; of behaviours of which "
        "one is always present, the present one stays while it has this share of the best one's probability; 1 = off",
    )
    faithful: bool = param(
        False,
        why="learn and decide as the original: every labelled frame, weighed by class alone, raw scores, a bout begins "
        "where the score is above 0, no minimum bout, differences and z-scores at every offset",
    )
    clean: CleanParams = CleanParams()


class Jaaba(Supervised):
    """JAABA: window features and boosted stumps."""

    name = "jaaba"
    Params = JaabaParams
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
            "upper threshold and minimum bout are tuned out-of-fold, with the hysteresis",
            "labels come from files, not from an interactive session",
        ),
    )

    def recipe(self) -> Recipe:
        """Window features into boosted stumps; hysteresis is part of the tuned rule."""
        p = self.params
        spec = replace(WindowSpec.of(p.amount, p.reach_s), differences_shifted=p.faithful)
        calibrate = raw_scores if p.faithful else Calibration.fit
        return Recipe(
            features=JaabaFeatures(p.clean, spec, p.neighbours, p.directions),
            learning=Stumping(p.n_rounds, p.n_draw, p.n_bins, p.seed),
            calibrate=calibrate,
            form={"low": p.low, "short": "absorb", "strict": p.faithful},
            smooth_options=(0.0,),
            tune=p.tune and not p.faithful,
            # As the original: each behaviour has a classifier of its own.
            exclusive=False if p.faithful else None,
            stacking=ScoreStacking(p.n_rounds, p.n_draw, p.n_bins, p.seed, spec.radii_s, calibrate)
            if p.scores
            else None,
            sample_hz=np.inf if p.faithful else p.sample_hz,
            weighted=not p.faithful,
        )

    def ignored(self, recordings: Sequence[Recording]) -> dict[str, Mapping[str, Any]]:
        """Say what the original does in its own way."""
        del recordings
        return {"with faithful=True": ROWS_OF_ORIGINALS} if self.params.faithful else {}


@dataclass(frozen=True)
class JaabaFeatures(Features):
    """Per-frame features and their window statistics.

    Attributes
    ----------
    clean : CleanParams
    spec : WindowSpec
    neighbours, directions : bool
        See `JaabaParams`.
    edges : dict of str to array, optional
        Bins of the histograms, from the training recordings.
    """

    clean: CleanParams
    spec: WindowSpec
    neighbours: bool = False
    directions: bool = False
    edges: dict[str, np.ndarray] | None = None

    def _scene(self, recording: Recording, subject: str) -> Scene:
        poses = clean(recording.need("poses"), self.clean)
        return make_scene(poses, subject, recording.roles or None, recording.zones)

    def _columns(self, where: Scene) -> list[Column]:
        return per_frame(where, neighbours=self.neighbours, directions=self.directions)

    def fit(self, samples: Sequence[Sample]) -> JaabaFeatures:
        """Take the bins of the histograms from all frames of the training recordings."""
        if not self.spec.histogram:
            return self
        tables = []
        for sample in samples:
            columns = self._columns(self._scene(sample.recording, sample.subject))
            tables.append({c.name: c.values for c in columns})
        return replace(self, edges=edges_of(tables))

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return ``(time, feature)``."""
        where = self._scene(recording, subject)
        return window_features(where, self._columns(where), self.spec, rows, self.edges)

    def dump(self) -> Dump:
        """Bins of the histograms."""
        return Dump(arrays={f"edges_{name}": values for name, values in (self.edges or {}).items()})

    def restore(self, dump: Dump) -> JaabaFeatures:
        """Read back `dump`."""
        edges = {k.removeprefix("edges_"): v for k, v in dump.arrays.items() if k.startswith("edges_")}
        return replace(self, edges=edges or None)


@dataclass(frozen=True)
class Stumping(Learning):
    """One boosted classifier of stumps per behaviour.

    Attributes
    ----------
    n_rounds, n_draw, n_bins : int
        Stumps, examples drawn in each round, thresholds tried per feature.
    seed : int
    """

    n_rounds: int
    n_draw: int
    n_bins: int
    seed: int

    def prepare(self, features: Floats) -> Bins:
        """Percentile bins; no label is looked at."""
        return bins_of(features, self.n_bins, seed=self.seed)

    def fit(self, prepared: Bins, known: TrainingSet, *, fold: bool, text: str) -> Learnt:
        """Boost on the rows (see `Learning.fit`)."""
        del fold  # folds get as many stumps
        stumps = fit_stumps(
            prepared,
            known.targets,
            known.behaviours,
            weights=known.weights,
            rows=known.rows,
            n_rounds=self.n_rounds,
            n_draw=self.n_draw,
            seed=self.seed,
            text=text,
        )
        return Learnt(stumps, np.arange(prepared.codes.shape[1]))

    def dump(self, learner: Learner) -> Dump:
        """Stumps as arrays."""
        return Dump(arrays=learner.to_arrays()) if isinstance(learner, Stumps) else Dump()

    def restore(self, behaviours: Sequence[str], dump: Dump) -> Stumps:
        """Read back `dump`."""
        del behaviours
        return Stumps.from_arrays(dump.arrays)
