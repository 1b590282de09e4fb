"""`gbdt`: murid's own supervised method.

Features of every family in seconds and body lengths, LightGBM per behaviour, calibrated out-of-fold
probabilities, and a decision rule (smoothing, threshold, minimum bout) tuned out-of-fold per behaviour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from murid.data.params import param
from murid.data.recording import Recording
from murid.data.runs import even_spans
from murid.features import FeatureParams, compute_rows
from murid.learn.classify.boost import Boosters, BoostParams, binned, fit_boosters, top_features
from murid.learn.classify.calibrate import Calibration
from murid.learn.nets.params import TaggerParams
from murid.methods.base import Card, Dump
from murid.methods.supervised.base import Supervised, SupervisedParams
from murid.methods.supervised.temporal_network import SecondOpinion, mixed, second_opinion, shares_of
from murid.methods.supervised.training_rows import Material, Sample
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

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.net: SecondOpinion | None = None
        #: How much of the log-odds the network gives, per behaviour.
        self.shares = np.zeros(0)
        #: Calibration of the trees alone, for explanations; the other one is that of both together.
        self.trees_calibration: Calibration | None = None
        self._unlabelled: list[Recording] = []

    def _fit(self, recordings: Sequence[Recording]) -> None:
        self.net, self.shares, self.trees_calibration = None, np.zeros(0), None
        self._unlabelled = [r for r in recordings if not r.has("labels")] if self.params.net else []
        super()._fit(recordings)

    def _samples(self, recordings: Sequence[Recording]) -> list[Sample]:
        samples = super()._samples(recordings)
        return samples + [replace(s, mirrored=True) for s in samples] if self.params.mirror else samples

    def _table_of(self, sample: Sample) -> xr.DataArray:
        if not sample.mirrored:
            return super()._table_of(sample)
        return self._features(sample.recording, sample.subject, sample.rows, mirror=True)

    def _decide(self, samples: Sequence[Sample], calibrated: np.ndarray, targets: np.ndarray) -> None:
        """Tune on the recordings as they were, not on their mirror images, which come last."""
        true = [s for s in samples if not s.mirrored]
        n = sum(len(s.rows) for s in true)
        super()._decide(true, calibrated[:n], targets[:n])

    def _features(
        self, recording: Recording, subject: str, rows: np.ndarray | None, mirror: bool = False
    ) -> xr.DataArray:
        poses = recording.need("poses")
        if self.params.repair_identity and poses.sizes["individual"] > 1:
            poses, _ = repair_identity(poses)
        poses = clean(poses, self.params.clean)
        rows = np.arange(poses.sizes["time"]) if rows is None else rows
        features = self.params.features.replace(mirror=mirror or self.params.features.mirror)
        view = {"roles": recording.roles or None, "zones": recording.zones}
        table = compute_rows(poses, subject, rows, features, **view)
        if not self.params.context_s:
            return table
        slow = features.replace(windows_s=self.params.context_s, stats=("mean",), lags_s=())
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

    # ---- the temporal network ---------------------------------------------------------------------
    def _second_opinion(self, material: Material, scores: np.ndarray) -> np.ndarray:
        if not self.params.net:
            return scores
        m = material
        numbers = np.concatenate([np.full(len(s.rows), k) for k, s in enumerate(m.samples)])
        time_s = np.concatenate([s.time_s for s in m.samples])
        rate = 1.0 / float(np.median(np.concatenate([np.diff(s.time_s) for s in m.samples])))
        unlabelled = [self._rows_without_labels(r, who) for r in self._unlabelled for who in self.subjects_of(r)]
        self._unlabelled = []

        def learnt(rows: np.ndarray, text: str) -> SecondOpinion:
            spans = [(a, b) for a, b in even_spans(time_s, numbers, rows) if rows[a]]
            return second_opinion(
                m.features,
                m.targets,
                m.weights,
                spans,
                rate,
                self.params.temporal,
                unlabelled=unlabelled,
                seed=self.params.seed,
                text=text,
            )

        said = np.full_like(scores, np.nan)
        for number, held in enumerate(m.held_out, 1):
            net = learnt(~held, f"temporal network, fold {number}")
            for a, b in even_spans(time_s, numbers, held):
                if held[a]:
                    said[a:b] = net(m.features[a:b], time_s[a:b])
        self.net = learnt(np.ones(len(m.targets), bool), "temporal network")
        self.shares = shares_of(scores, said, m.targets, m.weights)
        self.trees_calibration = self._calibrate(scores, m.targets, m.weights)
        return mixed(scores, said, self.shares)

    def learns_without_labels(self) -> bool:
        """Whether recordings without labels teach something: the network, beforehand."""
        return bool(self.params.net)

    def _rows_without_labels(self, recording: Recording, subject: str) -> np.ndarray:
        table = self._features(recording, subject, self.rows_of(recording))
        return self._values(table, recording)

    def _scores(self, features: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        trees = self.learner.predict(features)
        return trees if self.net is None else mixed(trees, self.net(features, time_s), self.shares)

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities ``(frame, behaviour)``: of the trees alone, for frames out of their order."""
        if self.trees_calibration is None:
            return super().probability(features)
        return self.trees_calibration(self.learner.predict(np.asarray(features, np.float32)))

    def _dump(self) -> Dump:
        json, arrays = self._common(), self._common_arrays()
        if self.net is not None:
            json |= {"net": self.net.to_dict()}
            arrays |= self.net.to_arrays() | {
                "shares": self.shares,
                "trees_score": self.trees_calibration.score,
                "trees_probability": self.trees_calibration.probability,
            }
        return Dump(json, arrays, self.learner.to_texts())

    def _restore(self, dump: Dump) -> None:
        self._restore_common(dump.json, dump.arrays)
        self.learner = Boosters.from_texts(self.behaviours, dump.texts)
        if "net" in dump.json:
            self.net = SecondOpinion.from_stored(dump.json["net"], dump.arrays)
            self.shares = dump.arrays["shares"]
            self.trees_calibration = Calibration(dump.arrays["trees_score"], dump.arrays["trees_probability"])
