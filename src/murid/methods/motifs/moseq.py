"""`moseq`: syllables as MoSeq finds them: a sticky AR-HMM on principal components of posture.

Three inputs, one model: keypoints (components of aligned keypoints), keypoints with their noise inside the
model (keypoint-MoSeq's SLDS), and depth video (components of aligned height crops).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from murid.data.clock import samples_in
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.roles import stand_ins
from murid.data.warning import warn_user
from murid.learn.embed.pca import PCA, Moments, fit_gap_components, fit_pca, pca_of_moments
from murid.learn.segment._pose_start import TRUSTED
from murid.learn.segment.arhmm import ArHmm, ArHmmParams
from murid.learn.segment.consensus import fit_from_levels
from murid.learn.segment.seeds import rank_fits
from murid.learn.segment.slds import Slds, SldsParams, fit_slds
from murid.methods.base import Card
from murid.methods.motifs.base import AnimalTrack, Labelled, Origin
from murid.methods.motifs.dynamics import DynamicsMethod, DynamicsParams
from murid.methods.posture import Template, align_to_template
from murid.prepare.depth import DEPTH, Crops, crops_of
from murid.prepare.outliers import without_outliers
from murid.prepare.shape import align_to, fit_template

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
    by_group: bool = param(False, why="transitions of its own for each group of recordings")


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
        faults.raise_if_any()

    # ---- description ----------------------------------------------------------------------------
    def _prepare(self, recordings: Sequence[Recording]) -> None:
        self._set_rate(recordings)
        if self.params.source == "depth":
            self.parts["pca"] = self._depth_pca(recordings)
        elif self.params.model == "arhmm":
            self._set_template(recordings)
        if self.params.by_group:
            self.facts["groups"] = sorted({r.group for r in recordings})
        self.facts["group_of"] = {r.id: r.group for r in recordings}

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
        ).points
        return aligned.reshape(len(aligned), -1).astype(np.float32)

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
        if self.params.model == "slds":
            return self._learn_slds(tables, groups)
        if self.params.source == "keypoints":
            self._check_rows([t[:, :1] for t in tables])
            self.parts |= _components(tables, self.params)
        features = [self._features(t) for t in tables]
        rows = self._check_rows(features)
        settings = self._settings(features)
        kappa = self._settled_kappa(features, settings)
        settings = settings.replace(kappa=kappa, sweeps=self.params.sweeps, draws=min(10, self.params.sweeps))
        models = [self._from_levels(features, settings, groups, seed) for seed in self._seeds()]
        model = models[0]
        if len(models) > 1:
            labels = [np.concatenate(m.predict(features, groups=groups)) for m in models]
            model = models[self._chosen(models, [features] * len(models), labels, groups)]
        self.parts["model"] = model
        self._keep_evidence(rows, model, self.parts["pca"].explained)
        return model.n_states

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

    def _learn_slds(self, tables: Sequence[np.ndarray], groups: list[int] | None) -> int:
        xy, sure = zip(*(self._poses_of(t) for t in tables), strict=True)
        seen = [np.where(np.isnan(y).all(axis=(1, 2)), np.nan, 1.0)[:, None] for y in xy]
        rows = self._check_rows(seen)
        # What is wrong with these is said before anything is fitted.
        self._ends()
        self._point_noise()
        # The start knows nothing of noise: as published, it is made without points that nobody would trust.
        trusted = [np.where((s >= TRUSTED)[..., None], y, np.nan) for y, s in zip(xy, sure, strict=True)]
        features = _quick_scores(trusted, self.params)
        settings = self._settings(features)
        settings = settings.replace(kappa=self._settled_kappa(features, settings), sweeps=0, draws=0)
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
        return np.asarray(self.parts["pca"].transform(self.parts["fill"].complete(table)), np.float32)

    def _poses_of(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        width = 2 * len(self.facts["points"])
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


def _components(tables: Sequence[np.ndarray], params: MoseqParams) -> dict[str, PCA]:
    """Components that complete frames with gaps, and those of complete frames that are not jitter."""
    fill = fit_gap_components(tables)
    complete = [fill.complete(t) for t in tables]
    pca = fit_pca(complete, params.variance, whiten=True, missing=False, max_components=params.n_components)
    return {"fill": fill, "pca": without_jitter(pca, complete, params.persistence)}


def without_jitter(pca: PCA, tables: Sequence[np.ndarray], least: float) -> PCA:
    """Leave out components of which less than `least` of the variance lasts from one row to the next."""
    if least == 0:
        return pca
    plain = replace(pca, whitener=None)
    raw = [plain.transform(t) for t in tables]
    steps = np.concatenate([np.diff(r, axis=0) for r in raw])
    stacked = np.concatenate(raw)
    lost = np.nanmean(steps**2, axis=0) / 2 / np.nanvar(stacked, axis=0)
    kept = np.flatnonzero(1 - lost >= least)
    if len(kept) < min(2, len(lost)):
        kept = np.sort(np.argsort(lost)[: min(2, len(lost))])
    known = stacked[~np.isnan(stacked).any(axis=1)][:, kept]
    cov = np.atleast_2d(np.cov(known.T, bias=True))
    return replace(pca, components=pca.components[kept], variance=pca.variance[kept], whitener=np.linalg.cholesky(cov))


def jitter_share(features: Sequence[np.ndarray]) -> float:
    """Share of the row-to-row steps of features that is white noise of single rows.

    White noise turns each step round in the next one: two steps in a row have a covariance of minus its variance.
    Movement that goes on for some rows gives a positive covariance.

    Parameters
    ----------
    features : list of (T_i, D) arrays
        NaN where missing.

    Returns
    -------
    float
        0 (or less: movement alone) … 1; weighted by the size of the steps of each feature; NaN without three rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> way = np.cumsum(rng.normal(size=(5000, 2)), axis=0)
    >>> jitter_share([way]) < 0.1, round(jitter_share([way + 2 * rng.normal(size=way.shape)]), 1)
    (True, 0.9)
    """
    turned = total = 0.0
    for table in features:
        step = np.diff(np.asarray(table, np.float64), axis=0)
        turned += float(np.nansum(step[1:] * step[:-1]))
        total += float(np.nansum(np.where(np.isnan(step[:-1]), np.nan, step[1:]) ** 2))
    return -2 * turned / total if total > 0 else float("nan")


def _quick_scores(parts: Sequence[np.ndarray], params: MoseqParams) -> list[np.ndarray]:
    """Whitened components of aligned keypoints that are not jitter: where the SLDS starts, and how many it has."""
    template = fit_template(parts)
    tables = [align_to(part, template).points.reshape(len(part), -1) for part in parts]
    components = _components(tables, params)
    return [np.asarray(components["pca"].transform(components["fill"].complete(t)), np.float32) for t in tables]
