"""`gbdt`: murid's own supervised method.

Features of every family in seconds and body lengths, LightGBM per behaviour, calibrated out-of-fold
probabilities, and a decision rule (smoothing, threshold, minimum bout) tuned out-of-fold per behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.features import FeatureParams, compute_rows
from murid.learn.classify.boost import BoostParams
from murid.learn.nets.params import TaggerParams
from murid.methods.base import Card
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.methods.supervised.boosting import Boosting
from murid.methods.supervised.ignored_options import NO_PART
from murid.methods.supervised.recipe import Features, Recipe
from murid.methods.supervised.temporal_network import NetworkStacking
from murid.prepare import CleanParams, clean, repair_identity


class GbdtParams(SupervisedParams):
    """Parameters of `gbdt`."""

    clean: CleanParams = CleanParams()
    # Two window lengths separate a movement from a bout; more of them double the cost for no gain in F1.
    features: FeatureParams = FeatureParams(windows_s=(0.4, 1.6), stats=("mean", "sd", "min", "max"))
    context_s: tuple[float, ...] = param(
        (15.0, 60.0),
        unit="s",
        why="means of every feature over these longer windows: what the animals have been doing; on rat "
        "dyads they raise macro-F1 by .03, most of it for aggression. () = none",
    )
    repair_identity: bool = param(True, why="undo swaps between look-alike animals first (two animals or more)")
    n_features: int = param(400, ge=10, why="features kept after a short first run; more cost time and gain no F1")
    trees: BoostParams = BoostParams()
    mirror: bool = param(
        False,
        why="learn from the mirror image of every recording too, where left is right; off because it doubles the work "
        "for no gain in F1",
    )
    net: bool = param(
        False,
        why="a temporal network on the same features, its log-odds mixed with those of the trees by out-of-fold loss; "
        "needs the extra 'nets'. Recordings without labels that are given to fit train it beforehand",
    )
    temporal: TaggerParams = TaggerParams()


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

    def recipe(self) -> Recipe:
        """Trees on all features, and with ``net`` a temporal network stacked on them."""
        return self.recipe_for(())

    def recipe_for(self, recordings: Sequence[Recording]) -> Recipe:
        """Recordings without labels are for the network, which learns from them beforehand."""
        p = self.params
        features = AllFeatures(p.clean, p.features, p.context_s, p.repair_identity)
        unlabelled = tuple(r for r in recordings if not r.has("labels"))
        return Recipe(
            features=features,
            learning=Boosting(p.trees, p.n_features, p.seed),
            stacking=NetworkStacking(p.temporal, features, unlabelled, p.sample_hz, p.seed) if p.net else None,
            mirror=p.mirror,
            tune=p.tune,
            sample_hz=p.sample_hz,
        )

    def ignored(self, recordings: Sequence[Recording]) -> dict[str, Mapping[str, Any]]:
        """Say that a network that is off has no settings."""
        del recordings
        return {} if self.params.net else {"without net=True": {"temporal": NO_PART}}

    def learns_without_labels(self) -> bool:
        """Whether recordings without labels teach something: the network, beforehand."""
        return bool(self.params.net)


@dataclass(frozen=True)
class AllFeatures(Features):
    """Every family of features in short windows, and their means over longer ones.

    Attributes
    ----------
    clean : CleanParams
    params : FeatureParams
    context_s : tuple of float
        Widths of the longer windows, s.
    repair_identity : bool
        Undo swaps between look-alike animals first.
    """

    clean: CleanParams
    params: FeatureParams
    context_s: tuple[float, ...]
    repair_identity: bool

    def mirrored(self) -> AllFeatures:
        """Return the features of the mirror image, where left is right."""
        return replace(self, params=self.params.replace(mirror=True))

    def table(self, recording: Recording, subject: str, rows: np.ndarray | None = None) -> xr.DataArray:
        """Return ``(time, feature)``."""
        poses = recording.need("poses")
        if self.repair_identity and poses.sizes["individual"] > 1:
            poses, _ = repair_identity(poses)
        poses = clean(poses, self.clean)
        rows = np.arange(poses.sizes["time"]) if rows is None else rows
        roles, zones = recording.roles or None, recording.zones
        table = compute_rows(poses, subject, rows, self.params, roles=roles, zones=zones)
        if not self.context_s:
            return table
        slow = self.params.replace(windows_s=self.context_s, stats=("mean",), lags_s=())
        context = compute_rows(poses, subject, rows, slow, roles=roles, zones=zones)
        new = ~np.isin(context["feature"].values, table["feature"].values)
        return xr.concat([table, context[:, new]], dim="feature")
