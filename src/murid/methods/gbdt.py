"""`gbdt`: murid's own supervised method.

Features of every family in seconds and body lengths, LightGBM per behaviour, calibrated out-of-fold
probabilities, and a decision rule (smoothing, threshold, minimum bout) tuned out-of-fold per behaviour.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.features import FeatureParams, compute_rows
from murid.learn.classify.boost import Boosters, BoostParams, binned, fit_boosters, top_features
from murid.methods.base import Card, Dump
from murid.methods.supervised import Supervised, SupervisedParams
from murid.prepare import CleanParams, clean, repair_identity


class GbdtParams(SupervisedParams):
    """Parameters of `gbdt`."""

    clean: CleanParams = CleanParams()
    # Two window lengths tell a movement from a bout; more of them double the cost for no gain in F1.
    features: FeatureParams = FeatureParams(windows_s=(0.4, 1.6), stats=("mean", "sd", "min", "max"))
    context_s: tuple[float, ...] = param(
        (15.0, 60.0),
        unit="s",
        why="the animals' mood: means of every feature over these longer windows; on rat "
        "dyads they raise macro-F1 by .03, most of it for aggression. () = none",
    )
    repair_identity: bool = param(True, why="undo swaps between look-alike animals first (two animals or more)")
    n_features: int = param(400, ge=10, why="features kept after a short first run; more cost time and gain no F1")
    trees: BoostParams = BoostParams()


class Gbdt(Supervised):
    """Gradient-boosted trees on all features, calibrated and tuned out-of-fold."""

    name = "gbdt"
    Params = GbdtParams
    about = Card(
        title="Gradient-boosted trees on all pose features, calibrated and tuned on unseen animals",
        family="supervised",
        cites=(
            "Ke G. et al. (2017) LightGBM. NeurIPS 30",
            "Segalin C. et al. (2021) The Mouse Action Recognition System. eLife 10:e63720 (feature families)",
        ),
        differs=(
            "folds go by animal, never by frame",
            "unlabelled frames are left out, not counted as absence",
            "threshold, smoothing and minimum bout are tuned on out-of-fold probabilities, not guessed",
        ),
    )

    def _features(self, recording: Recording, subject: str, rows: np.ndarray | None) -> xr.DataArray:
        poses = recording.need("poses")
        if self.params.repair_identity and poses.sizes["individual"] > 1:
            poses, _ = repair_identity(poses)
        poses = clean(poses, self.params.clean)
        rows = np.arange(poses.sizes["time"]) if rows is None else rows
        view = {"roles": recording.roles or None, "zones": recording.zones}
        table = compute_rows(poses, subject, rows, self.params.features, **view)
        if not self.params.context_s:
            return table
        slow = self.params.features.replace(windows_s=self.params.context_s, stats=("mean",), lags_s=())
        context = compute_rows(poses, subject, rows, slow, **view)
        new = ~np.isin(context["feature"].values, table["feature"].values)
        return xr.concat([table, context[:, new]], dim="feature")

    def _choose(self, features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return top_features(features, targets, self.params.n_features, weights=weights, seed=self.params.seed)

    def _prepare_learning(self, features: np.ndarray) -> Any:
        return binned(features)

    def _learn(self, data: Any, targets: np.ndarray, weights: np.ndarray, rows: np.ndarray, text: str) -> Boosters:
        return fit_boosters(
            data,
            targets,
            self.behaviours,
            weights=weights,
            rows=rows,
            params=self.params.trees,
            seed=self.params.seed,
            text=text,
        )

    def _dump(self) -> Dump:
        return Dump(self._common(), self._common_arrays(), self.learner.to_texts())

    def _restore(self, dump: Dump) -> None:
        self._restore_common(dump.json, dump.arrays)
        self.learner = Boosters.from_texts(self.behaviours, dump.texts)
