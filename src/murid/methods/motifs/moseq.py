"""`moseq`: syllables as MoSeq finds them: a sticky AR-HMM on principal components of posture.

Three inputs, one model: keypoints (components of aligned keypoints), keypoints with their noise inside the
model (keypoint-MoSeq's SLDS), and depth video (components of aligned height crops).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from murid.data.clock import samples_in
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.roles import stand_ins
from murid.data.warning import warn_user
from murid.learn.embed.pca import PCA, Moments, pca_of_moments
from murid.learn.segment._pose_start import TRUSTED
from murid.learn.segment.arhmm import ArHmm, ArHmmParams
from murid.learn.segment.consensus import fit_from_levels
from murid.learn.segment.seeds import rank_fits
from murid.learn.segment.slds import Slds, SldsParams, fit_slds
from murid.methods.base import Card
from murid.methods.motifs.base import AnimalTrack, Labelled, Origin
from murid.methods.motifs.dynamics import DynamicsMethod, DynamicsParams
from murid.methods.motifs.lasting_components import components_of, jitter_share, quick_scores
from murid.methods.motifs.left_out_folds import left_out_likelihood
from murid.methods.motifs.partner_and_walking import scale_of, scaled_channels, walking_channels
from murid.methods.posture import Template, align_to_template
from murid.prepare.depth import DEPTH, Crops, crops_of
from murid.prepare.outliers import without_outliers

#: Past that predicts the next row, s, as published.
PUBLISHED_LAGS_S = 0.1
#: Share of the steps of posture that is jitter, above which the published past costs more than it brings.
JITTERY = 0.5


class MoseqParams(DynamicsParams):
    """Parameters of `moseq`."""

    source: Literal["keypoints", "depth"] = param(
        "keypoints", why="what is described; depth needs recordings from murid.prepare.depth.depth_recording"
    )
    model: Literal["arhmm", "slds"] = param(
        "arhmm", why="slds keeps the noise of keypoints inside the model, as keypoint-MoSeq does: slower"
    )
    n_components: int = param(10, ge=1, why="most principal components; 10 as in MoSeq")
    variance: float = param(
        0.95, gt=0, lt=1, why="components explain this share of the variance; keypoint-MoSeq takes 0.9 and keeps jitter"
    )
    persistence: float = param(
        0.2,
        ge=0,
        lt=1,
        why="components that lose more of their variance in a row are jitter; 0 keeps all, as published",
    )
    lags_s: float | None = param(
        None,
        gt=0,
        unit="s",
        why="past that predicts the next row; None takes 0.1, 3 rows at 30 Hz as in MoSeq, but one row where jitter of "
        "the tracker makes more than half of the steps of posture from row to row",
    )
    student_dof: float = param(0.0, ge=0, why="heavy-tailed residuals, degrees of freedom; 0 Gaussian as published")
    sweeps: int = param(30, ge=0, why="Gibbs sweeps of the AR-HMM after EM; the last ten are the draws for confidence")
    spare_states: int = param(
        3,
        ge=0,
        le=100,
        why="empty states kept while sampling, so that new ones can be born; each costs time in every row",
    )
    seeds: int = param(
        1,
        ge=1,
        le=100,
        why="fits from so many seeds, from `seed` on; kept is the one with the highest expected marginal likelihood. "
        "Published: 20. Time grows with it",
    )
    outlier_mad: float = param(
        0.0,
        ge=0,
        why="points farther from the animal's median point than median + this many MADs of their distance count as "
        "unseen: 6 as in keypoint-MoSeq; 0 leaves outliers to cleaning",
    )
    slds_sweeps: int = param(40, ge=1, why="Gibbs sweeps of the SLDS; 200 to 500 as published, from a random start")
    held_sweeps: int = param(
        10, ge=0, le=1000, why="slds: first sweeps, which hold the states while pose and noise find each other"
    )
    collapsed_every: int = param(
        10,
        ge=1,
        why="slds: one sweep in so many draws the states with the shape integrated out, fifty times the work of a "
        "plain one; states and shape in turn hardly move",
    )
    slds_kappa: float | None = param(
        None, ge=0, unit="rows", why="slds: stickiness of the full model; None takes that of the AR-HMM it starts from"
    )
    noise: float | None = param(
        None, gt=0, unit="body lengths", why="slds: jitter of a keypoint seen with full confidence; None measures it"
    )
    point_noise: dict[str, float] = param(
        {}, unit="body lengths", why="slds: noise of single points instead, by name; the others have `noise`"
    )
    noise_dof: float = param(
        5.0, gt=0, le=1000, why="slds: degrees of freedom of that noise; small means heavy tails, 5 as published"
    )
    confidence_slope: float = param(
        -0.5,
        ge=-5,
        le=0,
        why="slds: noise grows as confidence to this power; murid.prepare.tracker_noise measures it from placed "
        "keypoints",
    )
    step: float | None = param(
        None,
        gt=0,
        unit="body lengths/row",
        why="slds: typical step of the body's centre; None measures it, jitter included, which smooths too little "
        "where there are few points",
    )
    apply_rounds: int = param(
        6,
        ge=1,
        le=100,
        why="slds: rounds of states and pose when recordings are labelled; more change fewer than 1 % of the labels",
    )
    walking: bool = param(
        False,
        why="arhmm: also describe walking and turning, so that syllables differ in them too, as in the location-aware "
        "model of keypoint-MoSeq; states then split syllables of posture by speed",
    )
    by_group: bool = param(False, why="transitions of its own for each group of recordings")
    group_kappa: dict[str, float] = param(
        {}, unit="rows", why="by_group: stickiness of single groups, by name; the others have kappa"
    )
    folds: int = param(
        0,
        ge=0,
        le=100,
        why="animals in so many folds, each left out of a fit with a stickiness of its own and then predicted by it: "
        "in the evidence, the model learns from all. 5 as published, 0 none; each costs a fit",
    )


class Moseq(DynamicsMethod):
    """Sticky AR-HMM on principal components, or keypoint SLDS."""

    name = "moseq"
    Params = MoseqParams
    params: MoseqParams
    part_types = {"template": Template, "fill": PCA, "pca": PCA, "model": ArHmm, "slds": Slds}
    about = Card(
        title="MoSeq: sub-second syllables by a sticky autoregressive HMM, from keypoints or depth video",
        family="unsupervised",
        cites=(
            "Wiltschko A.B. et al. (2015) Mapping sub-second structure in mouse behavior. Neuron 88:1121-1135",
            "Weinreb C. et al. (2024) Keypoint-MoSeq: parsing behavior by linking point tracking to pose dynamics. "
            "Nat Methods 21:1329-1339",
        ),
        differs=(
            "alignment by all visible points, not by an axis of two",
            "start from levels of posture and EM, then tens of sweeps instead of hundreds",
            "stickiness chosen by held-out likelihood and the duration of bouts; times in seconds at any frame rate",
            "labels by Viterbi under the mean model (AR-HMM) or with the latent shape integrated out (SLDS), with "
            "the posterior probability as confidence",
            "one row of past instead of three where jitter is large",
        ),
    )

    def _check(self, recordings: Sequence[Recording], *, fitting: bool) -> None:
        super()._check(recordings, fitting=fitting)
        faults = Faults("method 'moseq'")
        for recording in recordings:
            if self.params.source == "depth" and DEPTH not in recording.meta:
                faults.add(
                    f"recording '{recording.id}' has no depth crops",
                    expected=f"meta['{DEPTH}']",
                    todo="make it with murid.prepare.depth.depth_recording",
                )
        if self.params.source == "depth" and self.params.model == "slds":
            faults.add("the SLDS is a model of keypoints", expected="model='arhmm' with source='depth'")
        if self.params.walking and (self.params.source == "depth" or self.params.model == "slds"):
            faults.add(
                "walking describes tracks beside posture, which depth crops do not show and the SLDS has as centre "
                "and heading of its own",
                expected="walking=False, or source='keypoints' with model='arhmm'",
            )
        if self.params.group_kappa and not self.params.by_group:
            faults.add("group_kappa without transitions of each group", todo="set by_group=True")
        faults.raise_if_any()

    # ---- description ----------------------------------------------------------------------------
    def _prepare(self, recordings: Sequence[Recording]) -> None:
        self._set_rate(recordings)
        if self.params.source == "depth":
            self.parts["pca"] = self._depth_pca(recordings)
        elif self.params.model == "arhmm":
            self._set_template(recordings)
        if self.params.by_group:
            groups = self.facts["groups"] = sorted({r.group for r in recordings})
            for name in self.params.group_kappa:
                if name not in groups:
                    warn_user(
                        f"{self.name}: group_kappa['{name}'] is not used, no recording is of that group "
                        f"({', '.join(groups)}; {did_you_mean(name, groups)})"
                    )
        self.facts["group_of"] = {r.id: r.group for r in recordings}
        self.facts["animal_of"] = {r.id: r.animal or r.id for r in recordings}

    def _depth_pca(self, recordings: Sequence[Recording]) -> PCA:
        """Components of all crops, gathered block by block."""
        moments = None
        for recording in recordings:
            for block in crops_of(recording).blocks():
                block = block[~np.isnan(block).any(axis=1)]
                moments = moments or Moments(block.shape[1])
                moments.update(block)
        if moments is None or moments.mass < 2:
            fail("method 'moseq'", "no animal in the depth crops", todo="check murid.prepare.depth.extract")
        return pca_of_moments(moments, self.params.variance, whiten=True, max_components=self.params.n_components)

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        even = self.even(track)
        if self.params.source == "depth":
            crops: Crops = crops_of(track.recording)
            scores = np.concatenate([self.parts["pca"].transform(b) for b in crops.blocks()])
            return even.resample(scores, track.time_s).astype(np.float32)
        if self.params.model == "slds":
            # Points that cleaning filled in were not seen: the model of the noise is to infer them itself.
            xy = even.resample(np.where(track.observed()[..., None], self._seen_points(track), np.nan), track.time_s)
            sure = even.resample(np.nan_to_num(track.confidence(), nan=1.0), track.time_s)
            return np.concatenate([xy.reshape(len(xy), -1), sure], axis=1).astype(np.float32)
        aligned = align_to_template(
            even.resample(self._seen_points(track), track.time_s), self.parts["template"], self.params.min_seen
        )
        table = aligned.points.reshape(len(aligned.points), -1)
        if self.params.walking:
            table = np.concatenate([table, walking_channels(aligned, self.facts["rate_hz"])], axis=1)
        return table.astype(np.float32)

    def _seen_points(self, track: AnimalTrack) -> np.ndarray:
        """Points of the animal in body lengths; NaN where missing or, with `outlier_mad`, out of place."""
        xy = track.xy()
        return without_outliers(xy, self.params.outlier_mad) if self.params.outlier_mad else xy

    # ---- learning -------------------------------------------------------------------------------
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        groups = None
        if self.params.by_group:
            groups = [self.facts["groups"].index(self.facts["group_of"][o.recording]) for o in origins]
        self.facts.pop("group_of", None)
        animals = [self.facts["animal_of"][o.recording] for o in origins]
        del self.facts["animal_of"]
        if self.params.model == "slds":
            return self._learn_slds(tables, groups, animals)
        if self.params.source == "keypoints":
            self._check_rows([t[:, :1] for t in tables])
            p = self.params
            posture = [t[:, : self._width] for t in tables]
            self.parts |= components_of(posture, p.variance, p.n_components, p.persistence)
            self.facts |= scale_of(np.concatenate([t[:, self._width :] for t in tables]))
        features = [self._features(t) for t in tables]
        rows = self._check_rows(features)
        # The past is chosen by posture: walking is slower.
        settings = self._settings([f[:, : len(self.parts["pca"].components)] for f in features])
        settings = settings.replace(sweeps=self.params.sweeps, draws=min(10, self.params.sweeps))
        self._leave_out(features, settings, groups, animals)
        settings = self._with_kappa(features, settings, self.facts.get("groups", []))
        models = [self._from_levels(features, settings, groups, seed) for seed in self._seeds()]
        model = models[0]
        if len(models) > 1:
            labels = [np.concatenate(m.predict(features, groups=groups)) for m in models]
            model = models[self._chosen(models, [features] * len(models), labels, groups)]
        self.parts["model"] = model
        self._keep_evidence(rows, model, self.parts["pca"].explained)
        return model.n_states

    def _with_kappa(self, features: list[np.ndarray], settings: ArHmmParams, groups: Sequence[str]) -> ArHmmParams:
        """Settings with the stickiness that is given or chosen, and those of the groups that were named."""
        kappa = self._settled_kappa(features, settings)
        settings = settings.replace(kappa=kappa)
        given = self.params.group_kappa
        if not set(given) & set(groups):
            return settings
        return settings.replace(group_kappa=tuple(float(given.get(g, kappa)) for g in groups))

    def _leave_out(
        self, features: list[np.ndarray], settings: ArHmmParams, groups: list[int] | None, animals: list[str]
    ) -> None:
        """Put into the evidence how well fits to the other animals predict each fold."""
        if not self.params.folds:
            return

        def fit(tables: list[np.ndarray], own: list[int] | None, known: list[int]) -> ArHmm:
            names = [self.facts["groups"][g] for g in known]
            return self._from_levels(tables, self._with_kappa(tables, settings, names), own, self.params.seed)

        rows = left_out_likelihood(features, animals, groups, self.params.folds, fit, settings)
        self.facts.setdefault("evidence", {})["left_out"] = rows

    def _seeds(self) -> range:
        return range(self.params.seed, self.params.seed + self.params.seeds)

    def _from_levels(
        self, features: list[np.ndarray], settings: ArHmmParams, groups: list[int] | None, seed: int
    ) -> ArHmm:
        return fit_from_levels(
            features, settings, groups=groups, sigma=self._sigma(), seed=seed, n_workers=self.params.workers
        )

    def _chosen(self, models: list[ArHmm], latents: list, labels: list[np.ndarray], groups: list[int] | None) -> int:
        """Return which of several fits to keep; what was compared is in the evidence."""
        rows = [
            {"seed": seed, **row}
            for seed, row in zip(self._seeds(), rank_fits(models, latents, labels, groups=groups), strict=True)
        ]
        self.facts.setdefault("evidence", {})["seeds"] = rows
        return [row["chosen"] for row in rows].index(True)

    def _learn_slds(self, tables: Sequence[np.ndarray], groups: list[int] | None, animals: list[str]) -> int:
        xy, sure = zip(*(self._poses_of(t) for t in tables), strict=True)
        seen = [np.where(np.isnan(y).all(axis=(1, 2)), np.nan, 1.0)[:, None] for y in xy]
        rows = self._check_rows(seen)
        # What is wrong with these is said before anything is fitted.
        self._ends()
        self._point_noise()
        # The start knows nothing of noise: as published, it is made without points that nobody would trust.
        trusted = [np.where((s >= TRUSTED)[..., None], y, np.nan) for y, s in zip(xy, sure, strict=True)]
        p = self.params
        features = quick_scores(trusted, p.variance, p.n_components, p.persistence)
        settings = self._settings(features)
        settings = settings.replace(sweeps=0, draws=0)
        self._leave_out(features, settings, groups, animals)
        settings = self._with_kappa(features, settings, self.facts.get("groups", []))
        fits = []
        for seed in self._seeds():
            start = self._from_levels(features, settings, groups, seed)
            fits.append(self._full_model(list(xy), list(sure), start, features, settings, groups, seed))
        slds = fits[0]
        if len(fits) > 1:
            read = [fit.apply(list(xy), list(sure), groups=groups, n_workers=self.params.workers) for fit in fits]
            labels = [np.concatenate(r.labels) for r in read]
            slds = fits[self._chosen([f.dynamics for f in fits], [r.latent for r in read], labels, groups)]
        self.parts["slds"] = slds
        self._keep_evidence(rows, slds.dynamics, np.empty(0))
        return slds.dynamics.n_states

    def _full_model(
        self,
        xy: list[np.ndarray],
        sure: list[np.ndarray],
        start: ArHmm,
        features: list[np.ndarray],
        settings: ArHmmParams,
        groups: list[int] | None,
        seed: int,
    ) -> Slds:
        """Fit the SLDS from the labels of an AR-HMM."""
        p = self.params
        labels = np.concatenate([np.maximum(z, 0) for z in start.predict(features)])
        if len(np.unique(labels)) == 1:
            warn_user(
                f"{self.name}: the AR-HMM that the SLDS starts from found a single syllable, and hardly any is born "
                "later: give a smaller kappa, more data, or fewer points"
            )
        front, rear = self._ends()
        params = SldsParams(
            dynamics=settings.replace(n_states=start.n_states + settings.spare_states, em_iterations=0, merge=False),
            kappa=float(settings.kappa or 0.0) if p.slds_kappa is None else p.slds_kappa,
            sweeps=p.slds_sweeps,
            draws=min(10, p.slds_sweeps),
            n_latent=p.n_components,
            noise_std=p.noise,
            keypoint_noise=self._point_noise(),
            noise_dof=p.noise_dof,
            confidence_slope=p.confidence_slope,
            step_std=p.step,
            held=p.held_sweeps,
            collapsed_every=p.collapsed_every,
            apply_rounds=p.apply_rounds,
            variance=0.999,
        )
        return fit_slds(
            xy, front, rear, params, confidence=sure, groups=groups, labels=labels, seed=seed, n_workers=p.workers
        )

    def _point_noise(self) -> tuple[float, ...]:
        """Noise of each point of the model, 0 where none is given."""
        given, points = self.params.point_noise, self.facts["points"]
        faults = Faults("method 'moseq', point_noise")
        for name, value in given.items():
            if name not in points:
                warn_user(
                    f"{self.name}: point_noise['{name}'] is not used, the model has no such point "
                    f"({', '.join(points)}; {did_you_mean(name, points)})"
                )
            if not value > 0:
                faults.add(f"noise of '{name}'", expected="above 0", got=f"{value:g}")
        faults.raise_if_any()
        return tuple(float(given.get(name, 0.0)) for name in points) if given else ()

    def _settings(self, features: Sequence[np.ndarray]) -> ArHmmParams:
        lags_s, rate = self.params.lags_s, self.facts["rate_hz"]
        share = jitter_share(features)
        if lags_s is None:
            lags_s = PUBLISHED_LAGS_S if not share > JITTERY else 1 / rate
        lags = max(1, samples_in(lags_s, rate))
        self.facts.setdefault("evidence", {}).update(jitter_share=share, lags=lags)
        return self._model_params(lags=lags, student_dof=self.params.student_dof, spare_states=self.params.spare_states)

    def _keep_evidence(self, rows: int, model: ArHmm, explained: np.ndarray) -> None:
        self.facts["evidence"] = {
            **self.facts.get("evidence", {}),
            "rows": rows,
            "kappa": float(model.kappa),
            "explained_variance": np.asarray(explained).tolist(),
            "usage": model.usage.tolist(),
        }

    # ---- labels ---------------------------------------------------------------------------------
    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        groups = self._group(track.recording)
        if self.params.model == "slds":
            xy, sure = self._poses_of(table)
            tracked = self.parts["slds"].apply(xy, sure, groups=groups, n_workers=self.params.workers)
            return self._to_frames(track, tracked.labels, tracked.latent, tracked.confidence)
        features = self._features(table)
        labels, sure = self.parts["model"].apply(features, groups=groups, n_workers=self.params.workers)
        return self._to_frames(track, labels, features, sure)

    def _group(self, recording: Recording) -> list[int] | None:
        """Number of the recording's group; −1, the mean of all, for one that was not seen."""
        if not self.params.by_group:
            return None
        known = self.facts["groups"]
        return [known.index(recording.group) if recording.group in known else -1]

    def _features(self, table: np.ndarray) -> np.ndarray:
        if self.params.source == "depth":
            return table
        posture = self.parts["pca"].transform(self.parts["fill"].complete(table[:, : self._width]))
        channels = scaled_channels(table[:, self._width :], self.facts, ~np.isnan(posture[:, 0]))
        return np.concatenate([posture, channels], axis=1).astype(np.float32)

    @property
    def _width(self) -> int:
        """Columns of a description that are coordinates of points; channels of walking follow."""
        return 2 * len(self.facts["points"])

    def _poses_of(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        width = self._width
        return table[:, :width].reshape(len(table), -1, 2), table[:, width:]

    def _ends(self) -> tuple[list[int], list[int]]:
        """Numbers of the points at the front and at the rear of the animal."""
        points = self.facts["points"]
        ends = stand_ins(points)
        if "front" not in ends or "rear" not in ends:
            fail(
                "method 'moseq'",
                "model='slds' needs to know front and rear",
                got=", ".join(points),
                expected="points with roles (nose, tail_base …)",
                todo="set roles, or use model='arhmm'",
            )
        return [points.index(r) for r in ends["front"]], [points.index(r) for r in ends["rear"]]
