"""`kmeans`: the plainest motif method, and the control every other one has to beat.

Egocentric keypoints, now and a little before and after, with the animal's own movement; principal
components of the study; k-means. No time model, no network: what it finds, posture alone tells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from murid.data.params import Params, param
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.ethogram import smooth
from murid.features import FeatureParams, compute
from murid.learn.embed.pca import PCA, fit_pca
from murid.learn.segment.kmeans import KMeans as Clusters
from murid.learn.segment.kmeans import fit_kmeans
from murid.methods.base import Card, Dump, Method, output
from murid.prepare import CleanParams, clean


class KMeansParams(Params):
    """Parameters of `kmeans`."""

    n_motifs: int = param(15, ge=2, why="number of motifs; 15 as in VAME, for comparison")
    window_s: float = param(0.5, unit="s", gt=0, why="span of the posture window: a step or a head turn")
    variance: float = param(0.9, gt=0, le=1, why="share of the variance the principal components keep")
    min_bout_s: float = param(0.1, unit="s", ge=0, why="shorter bouts join their longer neighbour: flicker")
    replicates: int = param(10, ge=1, why="restarts of k-means; the best one is kept")
    clean: CleanParams = CleanParams()
    seed: int = param(0, why="same seed, same motifs")


class KMeans(Method):
    """K-means on principal components of egocentric posture windows."""

    name = "kmeans"
    Params = KMeansParams
    params: KMeansParams
    about = Card(
        title="K-means on egocentric posture windows: the control for motif methods",
        family="unsupervised",
        cites=("Arthur D. & Vassilvitskii S. (2007) k-means++: the advantages of careful seeding. SODA",),
        differs=(
            "windows in seconds and body lengths, so frame rate and camera distance do not matter",
            "one scaling for the whole study, kept with the model, so that new recordings get the same motifs",
        ),
    )

    def _table(self, recording: Recording, individual: str) -> xr.DataArray:
        half = self.params.window_s / 2
        features = FeatureParams(
            families=("egocentric", "kinematics"), windowed=("egocentric",), windows_s=(self.params.window_s,),
            stats=(), lags_s=(-half, -half / 2, half / 2, half), path_windows_s=(),
        )  # fmt: skip
        poses = clean(recording.need("poses"), self.params.clean)
        return compute(poses, individual, features, roles=recording.roles or None)

    def _fit(self, recordings: Sequence[Recording]) -> None:
        tables = []
        for recording in recordings:
            for individual in recording.need("poses")["individual"].values:
                table = self._table(recording, str(individual))
                self._features_used = [str(f) for f in table["feature"].values]
                tables.append(np.asarray(table.values, np.float32))
            recording.forget()
        stack = np.concatenate(tables)
        self._centre, self._scale = _robust_scale(stack)
        scaled = [self._scaled(t) for t in tables]
        self._pca = fit_pca(scaled, self.params.variance)
        self._clusters = fit_kmeans(
            self._pca.transform(scaled), self.params.n_motifs, seed=self.params.seed, replicates=self.params.replicates
        )

    def _scaled(self, table: np.ndarray) -> np.ndarray:
        # Clipped at 8 robust sd: a tracking jump must not buy itself a cluster.
        return np.clip((table - self._centre) / self._scale, -8, 8)

    def _apply(self, recording: Recording) -> xr.Dataset:
        poses = recording.need("poses")
        individuals = [str(i) for i in poses["individual"].values]
        labels, latent, sure = [], [], []
        for individual in individuals:
            table = np.asarray(self._table(recording, individual).values, np.float32)
            scores = self._pca.transform(self._scaled(table))
            found, distance = self._clusters.nearest(scores)
            labels.append(found)
            latent.append(scores)
            sure.append(_margin(scores, self._clusters.centroids, distance))
        names = [f"motif_{k:02d}" for k in range(self.params.n_motifs)]
        states = make_states(np.stack(labels, 1), poses["time"].values, names, individuals, source=self.name)
        states = smooth.min_bout(states, self.params.min_bout_s, "absorb")
        return output(states, latent=np.stack(latent, 1), confidence=np.stack(sure, 1))

    def _dump(self) -> Dump:
        pca = self._pca
        arrays = {
            "centre": self._centre, "scale": self._scale, "pca_mean": pca.mean, "pca_components": pca.components,
            "pca_variance": pca.variance, "centroids": self._clusters.centroids, "mass": self._clusters.mass,
        }  # fmt: skip
        numbers = {"noise_variance": pca.noise_variance, "total_variance": pca.total_variance,
                   "inertia": self._clusters.inertia, "features": self._features_used}  # fmt: skip
        return Dump(numbers, arrays)

    def _restore(self, dump: Dump) -> None:
        a, j = dump.arrays, dump.json
        self._centre, self._scale, self._features_used = a["centre"], a["scale"], j["features"]
        self._pca = PCA(a["pca_mean"], a["pca_components"], a["pca_variance"], j["noise_variance"], j["total_variance"])
        self._clusters = Clusters(a["centroids"], a["mass"], j["inertia"])


def _robust_scale(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and spread (IQR as an sd) of each column ``(frame, feature)``; constant columns get spread 1."""
    step = max(1, len(table) // 200_000)
    low, centre, high = np.nanpercentile(table[::step], [25, 50, 75], axis=0)
    scale = (high - low) / 1.349
    return centre.astype(np.float32), np.where(scale > 1e-6, scale, 1.0).astype(np.float32)


def _margin(scores: np.ndarray, centroids: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """Confidence 0..1: how much nearer the chosen centroid is than the second."""
    square = (scores**2).sum(1)[:, None] - 2 * scores @ centroids.T + (centroids**2).sum(1)
    second = np.sqrt(np.maximum(np.partition(square, 1, axis=1)[:, 1], 0))
    return np.clip(1 - nearest / np.maximum(second, 1e-9), 0, 1)
