"""`pyrat`: Ward's tree over the distances between body parts.

After the behaviour part of PyRAT (De Almeida et al. 2022): distances between the chosen points,
scaled, Ward's agglomeration cut at a height. Posture alone, or with `window_s` also where the
posture came from and where it goes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from typing_extensions import override

from murid.data.clock import samples_in
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.warning import warn_user
from murid.ethogram import smooth
from murid.features.point_pairs import pair_distances
from murid.learn.feature_scaling import Scaler, fit_scaler
from murid.learn.segment.ward import Ward, fit_ward
from murid.methods.base import Card
from murid.methods.motifs.base import AnimalTrack, Labelled, MotifMethod, MotifParams, Origin, margin, need_frames
from murid.methods.motifs.ward_tree import tree_of, with_tree
from murid.prepare import CleanParams

MIN_FRAMES = 100
#: With fewer frames a motif than this, on average, it is said that the tree was cut finely.
LEAST_FRAMES = 50


class PyratParams(MotifParams):
    """Parameters of `pyrat`."""

    clean: CleanParams = CleanParams.for_rhythms()
    height: float = param(
        28.0, gt=0, why="height at which Ward's tree is cut, as published; in scaled features, see reference_frames"
    )
    n_motifs: int | None = param(None, ge=2, why="cut into this many motifs instead of at a height")
    reference_frames: int | None = param(
        10_000,
        ge=100,
        why="Ward's heights grow with the number of frames: they are stated for this many, so that twice the data does "
        "not mean more motifs. None: as in the original",
    )
    window_s: float = param(
        0.0, unit="s", ge=0, why="0: one frame, as published. Above: also the distances half a window before and after"
    )
    gap_s: float = param(
        0.0,
        unit="s",
        ge=0,
        why="interruptions up to this are closed; the original closes 10 frames (1/3 s) where it shows bouts, which as "
        "labels overwrites short motifs",
    )
    n_prototypes: int = param(4000, ge=100, why="frames are gathered into so many prototypes before the tree")


class Pyrat(MotifMethod):
    """Ward clustering of distances between points."""

    name = "pyrat"
    Params = PyratParams
    params: PyratParams
    part_types = {"scaler": Scaler, "ward": Ward}
    about = Card(
        title="PyRAT: Ward clusters of the distances between body parts",
        family="unsupervised",
        cites=(
            "De Almeida T.F. et al. (2022) PyRAT: an open-source Python library for animal behavior analysis. "
            "Front Neurosci 16:779106",
        ),
        differs=(
            "new recordings are labelled, by the nearest of at most 4,000 prototypes (the original cannot)",
            "memory grows with the prototypes, not with the square of the frames",
            "one scaling for the study in body lengths; the original scales each video by itself",
            "the cutting height holds for 10,000 frames whatever the length of the study",
            "optional: distances before and after, so that motifs know of movement",
        ),
    )

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        xy, half = track.xy(), samples_in(self.params.window_s / 2, track.fps)
        parts = []
        for stretch in track.stretches():
            now = pair_distances(xy[stretch])
            if half:
                at = np.arange(len(now))
                before, after = np.maximum(at - half, 0), np.minimum(at + half, len(now) - 1)
                now = np.concatenate([now[before], now, now[after]], axis=1)
            parts.append(now)
        return np.concatenate(parts)

    @override
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        p = self.params
        scaler = fit_scaler(tables, min_seen=p.min_seen)
        x = np.concatenate([scaler(t) for t in tables])
        x = x[np.isfinite(x[:, 0])]
        need_frames(self.name, len(x), max(MIN_FRAMES, 10 * (p.n_motifs or 0)))
        weights = None if p.reference_frames is None else np.full(len(x), p.reference_frames / len(x))
        cut = {"height": p.height} if p.n_motifs is None else {"n_clusters": p.n_motifs}
        ward = fit_ward(x, weights=weights, n_prototypes=p.n_prototypes, seed=p.seed, **cut)
        if ward.n_clusters < 2:
            ward = ward.cut(n_clusters=2)
            self.facts["note"] = f"nothing lies {p.height:g} apart: cut into 2 motifs; lower height or set n_motifs"
        self._warn_if_cut_small(len(x), ward.n_clusters)
        self.parts = {"scaler": scaler, "ward": ward}
        self.facts["evidence"] = {"frames": len(x), "prototypes": len(ward.mass), "top_heights": _tops(ward)}
        return ward.n_clusters

    def _warn_if_cut_small(self, n_frames: int, n_motifs: int) -> None:
        """Say where the cutting height gives motifs of few frames: a short study is cut as finely as a long one."""
        p = self.params
        if p.n_motifs is None and n_frames < LEAST_FRAMES * n_motifs:
            warn_user(
                f"pyrat: {n_motifs} motifs of {n_frames} frames, {n_frames / n_motifs:.0f} frames each: the height at "
                f"which the tree is cut holds for {p.reference_frames or n_frames:,} frames and for few points; set "
                f"n_motifs=..., or a height above {p.height:g}"
            )

    @override
    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        ward: Ward = self.parts["ward"]
        x = self.parts["scaler"](table)
        codes = ward.predict(x)
        return Labelled(codes, x, margin(x, ward.prototypes, ward.labels, codes))

    def _apply(self, recording: Recording) -> xr.Dataset:
        out = super()._apply(recording)
        # A hair above, since gaps are closed when shorter: ten frames are a gap of ten frames.
        closed = smooth.close_gaps(out["states"], self.params.gap_s + 1e-3)
        return with_tree(
            out.assign(states=smooth.min_bout(closed, self.params.min_bout_s, "absorb")), self.parts["ward"]
        )

    def tree(self) -> dict[str, np.ndarray]:
        """Return the tree for a dendrogram: ``linkage`` (scipy's format), ``mass`` and ``motif`` of each leaf."""
        return tree_of(self.parts["ward"])

    def recut(self, *, n_motifs: int | None = None, height: float | None = None) -> Pyrat:
        """Return the same fitted tree cut elsewhere: what the tree view is for. No new fit."""
        other = Pyrat(**{**dict(self.params), "n_motifs": n_motifs, **({"height": height} if height else {})})
        ward = self.parts["ward"].cut(n_clusters=n_motifs, height=None if n_motifs else height)
        other.parts = {**self.parts, "ward": ward}
        other.facts = {**self.facts, "n_motifs": ward.n_clusters}
        other.training, other.fitted = self.training, True
        return other


def _tops(ward: Ward, n: int = 60) -> list[float]:
    """The highest merges of the tree, highest first: where it may be cut."""
    return [float(h) for h in np.sort(ward.tree[:, 2])[::-1][:n]]
