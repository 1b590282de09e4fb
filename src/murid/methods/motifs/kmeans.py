"""`kmeans`: the plainest motif method, and the control every other one has to beat.

Egocentric keypoints, now and a little before and after, with the animal's own movement; principal
components of the study; k-means. No time model, no network: what it finds, posture alone tells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from typing_extensions import override

from murid.data.params import param
from murid.features import FeatureParams, compute
from murid.learn.embed.pca import PCA, STREAMED_BLOCK, fit_pca
from murid.learn.feature_scaling import Scaler, fit_scaler
from murid.learn.segment.kmeans import KMeansModel, fit_kmeans
from murid.learn.spilled_tables import SpilledTables, blocks_of
from murid.methods.base import Card
from murid.methods.motifs.base import AnimalTrack, Labelled, MotifMethod, MotifParams, Origin, margin, need_frames
from murid.prepare import CleanParams


class KMeansParams(MotifParams):
    """Parameters of `kmeans`."""

    clean: CleanParams = CleanParams.for_rhythms()
    n_motifs: int = param(15, ge=2, why="number of motifs; 15 as in VAME, for comparison")
    window_s: float = param(0.5, unit="s", gt=0, why="span of the posture window: a step or a head turn")
    variance: float = param(0.9, gt=0, le=1, why="share of the variance the principal components keep")
    replicates: int = param(10, ge=1, why="restarts of k-means; the best one is kept")


class KMeans(MotifMethod):
    """K-means on principal components of egocentric posture windows."""

    name = "kmeans"
    Params = KMeansParams
    params: KMeansParams
    part_types = {"scaler": Scaler, "pca": PCA, "clusters": KMeansModel}
    about = Card(
        title="K-means on egocentric posture windows: the control for motif methods",
        family="unsupervised",
        cites=("Arthur D. & Vassilvitskii S. (2007) k-means++: the advantages of careful seeding. SODA",),
        differs=(
            "windows in seconds and body lengths, so frame rate and camera distance do not matter",
            "one scaling for the whole study, kept with the model, so that new recordings get the same motifs",
        ),
    )

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        half = self.params.window_s / 2
        features = FeatureParams(
            families=("egocentric", "kinematics"),
            windowed=("egocentric",),
            windows_s=(self.params.window_s,),
            stats=(),
            lags_s=(-half, -half / 2, half / 2, half),
            path_windows_s=(),
            length="body",
        )
        roles = {p: track.roles[p] for p in track.points}
        return np.asarray(compute(track.point_poses, track.individual, features, roles=roles).values, np.float32)

    @override
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        p = self.params
        scaler = fit_scaler(tables, robust=True, min_seen=p.min_seen)
        scaled = SpilledTables(scaler(t) for t in tables)
        need_frames(self.name, sum(int(np.isfinite(s[:, 0]).sum()) for s in scaled), 10 * p.n_motifs)
        pca = fit_pca(iter(scaled), p.variance, missing=False)
        # Only the few scores of a frame are held for all recordings, not its features.
        scores = np.concatenate([pca.transform(block) for block in blocks_of(scaled, STREAMED_BLOCK)])
        clusters = fit_kmeans(scores, p.n_motifs, seed=p.seed, replicates=p.replicates)
        self.parts = {"scaler": scaler, "pca": pca, "clusters": clusters}
        return p.n_motifs

    @override
    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        clusters: KMeansModel = self.parts["clusters"]
        scores = self.parts["pca"].transform(self.parts["scaler"](table))
        codes = clusters.predict(scores)
        return Labelled(codes, scores, margin(scores, clusters.centroids, np.arange(len(clusters.centroids)), codes))
