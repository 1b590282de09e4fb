"""`bsoid`: motifs from pairs of points in 100-ms bins, density clusters of a UMAP, read by a forest.

After B-SOiD (Hsu & Yttri 2021): distances between points, turning of the lines between them and
displacements; UMAP; HDBSCAN; a random forest that tells the clusters from the features and so
labels any frame of any recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import xarray as xr
from typing_extensions import override

from murid.data.params import param
from murid.data.recording import Recording
from murid.features.point_pairs import pair_motion, running_mean
from murid.learn.classify.forests import ClassForest, fit_class_forest
from murid.learn.feature_scaling import Scaler, fit_scaler
from murid.learn.fitted_part import Fitted
from murid.methods.base import Card
from murid.methods.motifs.base import AnimalTrack, Labelled, MotifMethod, MotifParams, Origin, need_frames, slowest_rate
from murid.methods.motifs.held_out_forest import held_out_report
from murid.prepare import CleanParams, clean
from murid.prepare.even_time import EvenTime, even_time
from murid.prepare.likelihood import hold_unlikely

#: Rows a second that displacements are summed over, at most: each adds the tracker's jitter.
REFERENCE_HZ = 30.0
#: Fewest bins that carry a map: 20 s at 100 ms.
MIN_BINS = 200


class BsoidParams(MotifParams):
    """Parameters of `bsoid`."""

    clean: CleanParams = CleanParams.for_rhythms()
    likelihood: Literal["fixed", "histogram"] = param(
        "fixed",
        why="points under clean.min_confidence are masked; histogram = each point's own threshold in each file, from "
        "ten bins of its likelihoods, and the last likely place instead, as published; missing points stay missing",
    )
    bin_s: float = param(0.1, unit="s", gt=0, why="bin of the features; 100 ms as published, at any frame rate")
    smooth_s: float = param(0.1, unit="s", ge=0, why="running mean before binning, about 100 ms as published")
    variance: float = param(0.7, gt=0, lt=1, why="as many UMAP dimensions as principal components for this share")
    n_neighbors: int = param(60, ge=2, why="neighbours of UMAP; as published, at most a fifth of the bins")
    max_bins: int = param(20_000, ge=MIN_BINS, why="bins that UMAP is fitted to; more are thinned evenly")
    smallest: tuple[float, float] = param(
        (0.005, 0.01), why="range of the smallest cluster, as shares of the bins; the size giving most clusters wins"
    )
    n_sizes: int = param(25, ge=1, why="sizes tried within the range")
    noise_bins: Literal["left_out", "soft"] = param(
        "left_out",
        why="bins outside all clusters do not teach the forest, as published; soft = they do, as the cluster of "
        "highest membership",
    )
    n_trees: int = param(100, ge=1, why="trees of the forest")
    min_leaf: int = param(3, ge=1, why="bins in a leaf; with 1 the stored model is three times as large, no better")
    folds: int = param(
        1,
        ge=1,
        le=20,
        why="folds of the report on bins that the forest has not seen: 1 holds out every fifth block, 10 as published; "
        "each grows a small forest",
    )


@dataclass(frozen=True)
class Atlas(Fitted):
    """The map the motifs were found in, for display: places ``(bin, dimension)`` and clusters (−1 noise)."""

    places: np.ndarray
    clusters: np.ndarray


class Bsoid(MotifMethod):
    """UMAP and HDBSCAN on pair features, generalised by a random forest."""

    name = "bsoid"
    Params = BsoidParams
    params: BsoidParams
    part_types = {"scaler": Scaler, "atlas": Atlas, "forest": ClassForest}
    about = Card(
        title="B-SOiD: density clusters of pair features in a UMAP, generalised by a random forest",
        family="unsupervised",
        cites=("Hsu A.I. & Yttri E.A. (2021) B-SOiD, an open-source unsupervised algorithm. Nat Commun 12:5188",),
        differs=(
            "bins are 100 ms at every frame rate (the original rounds: 80 ms at 25 frames/s); recordings of more than "
            "30 frames/s are averaged to 30 first, since sums of displacements add up jitter with every frame",
            "UMAP takes evenly spaced bins where there are more than 20,000; leaves of the forest hold three bins",
            "one scaling for the study, kept with the model (the original scales each file, so that splitting a file "
            "changes its motifs), and the forest sees scaled features",
            "every frame is labelled from the 100 ms around it: the original's frame shift, without its half-bin lag",
            "one linkage tree for all cluster sizes; forest stored as arrays",
            "several animals; long gaps stay unlabelled instead of repeating the last position",
            "lengths in body lengths, so that cameras and calibration do not matter",
        ),
    )

    def _prepare(self, recordings: Sequence[Recording]) -> None:
        self.facts["rate_hz"] = slowest_rate(recordings, REFERENCE_HZ)

    @override
    def _cleaned(self, raw: xr.Dataset) -> xr.Dataset:
        if self.params.likelihood == "fixed":
            return super()._cleaned(raw)
        return clean(hold_unlikely(raw)[0], self.params.clean.replace(min_confidence=0.0))

    def row_labels(self, track: AnimalTrack) -> np.ndarray:
        """Return the motif of each row of the model's own rate, int ``(row,)``, before short bouts are joined."""
        votes = self.parts["forest"].probabilities(self.parts["scaler"](self._describe(track)))
        known = np.isfinite(votes[:, 0])
        return np.where(known, np.where(known[:, None], votes, 0).argmax(axis=1), -1)

    def _even(self, track: AnimalTrack) -> EvenTime:
        return even_time(track.time_s, self.facts["rate_hz"])

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        even = self._even(track)
        xy = even.resample(track.xy(), track.time_s)
        return bin_features(xy, 1 / even.step_s, self.params.bin_s, self.params.smooth_s)

    def _rows(self, track: AnimalTrack, table: np.ndarray) -> np.ndarray:
        step = self.params.bin_s / self._even(track).step_s
        bins = np.arange(0.5, len(table) / step)
        return table[np.unique(np.minimum((bins * step).astype(int), len(table) - 1))]

    @override
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        from murid.learn.embed.umap import fit_umap
        from murid.learn.segment.hdbscan import fit_hdbscan, soft_labels

        p = self.params
        scaler = fit_scaler(tables, min_seen=p.min_seen)
        x = np.concatenate([scaler(t) for t in tables])
        x = x[np.isfinite(x[:, 0])]
        need_frames(self.name, len(x), MIN_BINS, f"bins of {1e3 * p.bin_s:g} ms")
        if len(x) > p.max_bins:
            x = x[np.linspace(0, len(x) - 1, p.max_bins).round().astype(int)]
        dimensions = max(2, scaler.n_components(p.variance))
        places = fit_umap(x, dimensions, n_neighbors=min(p.n_neighbors, len(x) // 5), seed=p.seed).embedding
        clustering = fit_hdbscan(places, shares=p.smallest, n_sizes=p.n_sizes)
        labels = clustering.labels
        if p.noise_bins == "soft":
            labels = soft_labels(clustering)
        clear = labels >= 0
        forest = fit_class_forest(x[clear], labels[clear], n_trees=p.n_trees, min_leaf=p.min_leaf, seed=p.seed)
        self.parts = {"scaler": scaler, "atlas": Atlas(places, clustering.labels), "forest": forest}
        report = held_out_report(labels[clear], partial(_told, x[clear], labels[clear], p), p.folds)
        self.facts["evidence"] = {
            "dimensions": dimensions,
            "bins": len(x),
            "noise_share": float((clustering.labels < 0).mean()),
            "taught_share": float(clear.mean()),
            "cluster_sizes": clustering.sizes.tolist(),
            "cluster_counts": clustering.counts.tolist(),
            "forest_held_out_accuracy": report.pop("accuracy"),
            "forest_held_out": report,
        }
        return clustering.n_clusters

    @override
    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        x = self.parts["scaler"](table)
        votes = self.parts["forest"].probabilities(x)
        known = np.isfinite(votes[:, 0])
        best = np.where(known[:, None], votes, 0).argmax(axis=1)
        latent = self.parts["scaler"].pca.transform(x)[:, : self.facts["evidence"]["dimensions"]]
        sure = np.where(known, votes[np.arange(len(x)), best], np.nan)
        row = np.minimum(self._even(track).row, len(x) - 1)
        return Labelled(np.where(known, best, -1)[row], latent[row], sure[row])


def bin_features(xy: np.ndarray, rate_hz: float, bin_s: float = 0.1, smooth_s: float = 0.1) -> np.ndarray:
    """Pair features of the `bin_s` seconds around each row.

    Parameters
    ----------
    xy : (row, point, 2) array
        Body lengths, at `rate_hz` rows a second; NaN where missing.

    Returns
    -------
    float32 array (row, feature)
        P(P−1)/2 mean distances (body lengths), as many sums of signed angle changes (degrees per bin)
        and P sums of displacements (body lengths per bin); P points.
    """
    distance, turn, shift = pair_motion(xy)
    x = np.concatenate([distance, turn * bin_s * rate_hz, shift * bin_s * rate_hz], axis=1)
    if smooth_s > 0:
        x = running_mean(x, smooth_s * rate_hz)
    return running_mean(x, bin_s * rate_hz)


def _told(x: np.ndarray, labels: np.ndarray, p: BsoidParams, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Labels that a small forest grown on `train` gives to `test`."""
    forest = fit_class_forest(
        x[train], labels[train], n_trees=max(10, p.n_trees // 4), min_leaf=p.min_leaf, seed=p.seed
    )
    return forest.predict(x[test])
