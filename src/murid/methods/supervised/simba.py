"""`simba`: SimBA's features and a random forest per behaviour (Nilsson et al. 2020).

By default with the documented intent (windows in seconds, missing stays missing, folds by animal, threshold and
minimum bout chosen out-of-fold); `faithful=True` reproduces what the original's source does, for parity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.data.states import to_multilabel
from murid.ethogram import exclusive as exclusion
from murid.ethogram import kleinberg
from murid.features.sets.scene import make_scene
from murid.features.sets.simba import WINDOWS_S, simba_columns, simba_faithful
from murid.features.sets.simba_outliers import correct_outliers
from murid.learn.classify.calibration import Calibration
from murid.learn.classify.forests import ForestParams, Forests, fit_forests
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.methods.supervised.decision import Decision
from murid.methods.supervised.ignored_options import NO_PART, ROWS_OF_ORIGINALS, as_original
from murid.methods.supervised.recipe import Features, Floats, Learner, Learning, Learnt, Recipe, TrainingSet, raw_scores
from murid.prepare import CleanParams, clean

#: What the original does, where a parameter says so.
FAITHFUL_FOREST = {"n_trees": 2000, "min_leaf": 1, "max_rows": None, "balance": 0.0}


class SimbaParams(SupervisedParams):
    """Parameters of `simba_columns`."""

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
    threshold: float | None = param(
        None,
        gt=0,
        lt=1,
        why="probability that counts, in place of the one chosen out-of-fold; smoothing stays tuned",
    )
    min_bout_s: float | None = param(
        None,
        unit="s",
        ge=0,
        why="close gaps, then delete bouts shorter than this, in place of the one chosen out-of-fold; 0 = none",
    )
    bursts: bool = param(False, why="smooth by Kleinberg's bursts afterwards; frames between bursts show none")
    sigma: float = param(2.0, gt=1, why="bursts: ratio of rates of successive levels")
    gamma: float = param(0.3, ge=0, why="bursts: cost of rising a level; larger = fewer, longer bouts")
    hierarchy: int = param(1, ge=1, why="bursts: level that counts as a bout")
    exclusive: Literal["auto", "yes", "no"] = param(
        "auto", why="at most one behaviour at a time; auto: as in the labels"
    )
    faithful: bool = param(
        False,
        why="reproduce the original: outlier correction, windows of 2, 5, 6, 7, 15 frames, whole-video ranks, missing "
        "= 0, animals in given order, all frames alike, raw probabilities above .5, forest of 2,000 whole trees "
        "(unless `forest` has other values)",
    )
    movement_criterion: float | None = param(
        0.7,
        gt=0,
        why="faithful: a point that moves further than so many animal lengths (nose to tail base) in a frame is held "
        "at its last place; None = not corrected",
    )
    location_criterion: float | None = param(
        1.5,
        gt=0,
        why="faithful: a point further than so many animal lengths from two others of its animal takes its last place; "
        "None = not corrected",
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

    def recipe(self) -> Recipe:
        """Rolling features into forests; user's threshold and minimum bout take the place of the tuned ones."""
        p = self.params
        forest = as_original(p.forest, FAITHFUL_FOREST) if p.faithful else p.forest
        exclusive = {"yes": True, "no": False, "auto": False if p.faithful else None}[p.exclusive]
        return Recipe(
            features=FaithfulFeatures(p.layout, p.movement_criterion, p.location_criterion)
            if p.faithful
            else RollingFeatures(p.clean, p.layout, p.windows_s, p.align, p.regions),
            learning=Growing(forest, p.seed),
            calibrate=raw_scores if p.faithful else Calibration.fit,
            adjust=self._adjusted,
            form={"strict": p.faithful},
            to_states=self._decided,
            tune=p.tune and not p.faithful,
            exclusive=exclusive,
            # As the original: every frame, all alike.
            sample_hz=np.inf if p.faithful else p.sample_hz,
            weighted=not p.faithful,
        )

    def ignored(self, recordings: Sequence[Recording]) -> dict[str, Mapping[str, Any]]:
        """Say what the original does in its own way, its outlier correction without it, and bursts that are off."""
        del recordings
        p = self.params
        out: dict[str, Mapping[str, Any]] = {}
        if p.faithful:
            own = {"windows_s": NO_PART, "align": "trailing", "regions": False, "clean": NO_PART}
            out["with faithful=True"] = {**ROWS_OF_ORIGINALS, **own}
        else:
            out["without faithful=True"] = {"movement_criterion": None, "location_criterion": None}
        if not p.bursts:
            out["without bursts=True"] = dict.fromkeys(("sigma", "gamma", "hierarchy"), NO_PART)
        return out

    def _adjusted(self, decision: Decision) -> Decision:
        return decision.replace(threshold=self.params.threshold, min_bout_s=self.params.min_bout_s)

    def _decided(self, decision: Decision, probability: xr.DataArray) -> xr.DataArray:
        """The decision, and Kleinberg's bursts after it where asked for; a frame between bursts shows none."""
        p, states = self.params, decision(probability)
        if not p.bursts:
            return states
        bursts = kleinberg.smooth_by_bursts(to_multilabel(states), sigma=p.sigma, gamma=p.gamma, hierarchy=p.hierarchy)
        return exclusion.exclude(bursts, probability=probability) if decision.exclusive else bursts


@dataclass(frozen=True)
class RollingFeatures(Features):
    """Pose features and their statistics in windows of seconds.

    Attributes
    ----------
    clean : CleanParams
    layout, align : str
    windows_s : tuple of float
    regions : bool
    """

    clean: CleanParams
    layout: str
    windows_s: tuple[float, ...]
    align: Literal["centred", "trailing"]
    regions: bool

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return ``(time, feature)``."""
        poses = clean(recording.need("poses"), self.clean)
        where = make_scene(poses, subject, recording.roles or None, recording.zones if self.regions else None)
        return simba_columns(where, rows, layout=self.layout, windows_s=self.windows_s, align=self.align)


@dataclass(frozen=True)
class FaithfulFeatures(Features):
    """The original's features: outliers held, windows in frames, ranks over the video, missing points at 0, 0.

    Attributes
    ----------
    layout : str
    movement, location : float or None
        Criteria of `correct_outliers`.
    """

    layout: str
    movement: float | None = None
    location: float | None = None

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return ``(time, feature)``."""
        poses, roles = recording.need("poses"), recording.roles or None
        corrected = correct_outliers(poses, roles, movement=self.movement, location=self.location)
        # The unit of length is measured before missing points are put at 0, 0: they would lengthen the body.
        where = make_scene(corrected, subject, roles, step_frames=(1, 0), measured_on=poses)
        return simba_faithful(where, rows, layout=self.layout)


@dataclass(frozen=True)
class Growing(Learning):
    """One random forest per behaviour; a third of the trees in the folds, which is enough for thresholds.

    Attributes
    ----------
    params : ForestParams
    seed : int
    """

    params: ForestParams
    seed: int

    def fit(self, prepared: Floats, known: TrainingSet, *, fold: bool, text: str) -> Learnt:
        """Grow on the rows (see `Learning.fit`)."""
        forest = self.params.replace(n_trees=max(1, self.params.n_trees // 3)) if fold else self.params
        forests = fit_forests(
            prepared,
            known.targets,
            known.behaviours,
            weights=known.weights,
            rows=known.rows,
            params=forest,
            seed=self.seed,
            text=text,
        )
        return Learnt(forests, np.arange(prepared.shape[1]))

    def dump(self, learner: Learner) -> Dump:
        """Trees as arrays."""
        return Dump(arrays=learner.to_arrays()) if isinstance(learner, Forests) else Dump()

    def restore(self, behaviours: Sequence[str], dump: Dump) -> Forests:
        """Read back `dump`."""
        return Forests.from_arrays(behaviours, dump.arrays)
