"""`alphatracker`: Ward's tree over half-second clips, of one animal or of two that are near.

After the clustering part of AlphaTracker (Chen et al. 2023): clips aligned by their middle frame,
blocks of shape, path, spectrum, turning (and of the partner, and of the outline in the video), each
scaled as a block; Ward's linkage; a cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from typing_extensions import override

from murid.data.clock import nearest_sample, rate_of
from murid.data.errors import fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.resample import straight_line
from murid.data.units import LengthUnit
from murid.features.clips import body_points, clip_centres, course_blocks, own_blocks, sample, social_blocks
from murid.learn.embed.pca import PCA, fit_pca
from murid.learn.feature_scaling import Scaler, fit_scaler
from murid.learn.segment.tree_cuts import best_cut, cut_evidence
from murid.learn.segment.ward import Ward, fit_ward
from murid.methods.base import Card
from murid.methods.motifs.base import (
    AnimalTrack,
    Labelled,
    MotifMethod,
    MotifParams,
    Origin,
    margin,
    need_frames,
    slowest_rate,
)
from murid.methods.motifs.ward_tree import tree_of, with_tree
from murid.prepare import CleanParams
from murid.prepare.even_time import TOLERANCE

MIN_CLIPS = 40
#: Frames of each track that the outline's components are learnt from.
OUTLINES = 500


class AlphaTrackerParams(MotifParams):
    """Parameters of `alphatracker`."""

    clean: CleanParams = CleanParams.for_rhythms()
    mode: Literal["individual", "social"] = param(
        "individual", why="'social' describes both animals and labels the clips in which they are near"
    )
    clip_s: float = param(0.5, unit="s", gt=0, why="length of a clip: 15 frames at 30 frames/s")
    n_samples: int = param(15, ge=4, why="samples taken in a clip, whatever the frame rate")
    step_s: float = param(
        0.1, unit="s", gt=0, why="clips are labelled every so often; learnt from without overlap. clip_s: as published"
    )
    near: float = param(1.8, unit="body lengths", gt=0, why="social clips: nose to nose at some time nearer than this")
    weights: dict[str, float] = param(
        {"phase": 0.0, "contour_phase": 0.0},
        why="weight of a block (1 where not named, 0 leaves it out); phases of a resting animal are noise",
    )
    contour: bool = param(False, why="add the outline in the video (recordings then need one)")
    threshold: int = param(50, ge=0, le=255, why="grey value that separates animal and floor")
    dark: bool = param(False, why="the animal is darker than the floor")
    n_motifs: int | None = param(None, ge=2, why="cut the tree into this many motifs")
    height: float | None = param(
        None,
        gt=0,
        why="cut at this height instead (30 is the original's; heights grow with the number of clips); neither: the "
        "number of motifs is swept by `criterion`",
    )
    criterion: Literal["davies_bouldin", "calinski_harabasz"] = param(
        "davies_bouldin", why="what the sweep optimises; both are in the evidence"
    )
    min_motifs: int = param(5, ge=2, why="fewest motifs that the sweep may choose; separation alone favours two")
    max_motifs: int = param(40, ge=2, why="most motifs that the sweep may choose")
    n_prototypes: int = param(4000, ge=50, why="clips are gathered into so many prototypes before the tree")
    min_bout_s: float = param(0.2, unit="s", ge=0, why="shorter bouts join their longer neighbour; two steps of clips")


class AlphaTracker(MotifMethod):
    """Ward clustering of aligned clips."""

    name = "alphatracker"
    Params = AlphaTrackerParams
    params: AlphaTrackerParams
    part_types = {"scaler": Scaler, "ward": Ward, "outline": PCA}
    about = Card(
        title="AlphaTracker: Ward clusters of aligned half-second clips, individual or social",
        family="unsupervised",
        cites=(
            "Chen Z. et al. (2023) AlphaTracker: a multi-animal tracking and behavioral analysis tool. "
            "Front Behav Neurosci 17:1111908",
        ),
        differs=(
            "clips are 0.5 s at every frame rate; the original's are 15 frames. All films are read at the rate of the "
            "slowest of the fit, at most 30 frames/s, and slower ones are refused",
            "new recordings are labelled, by the nearest weighted prototype, every 0.1 s",
            "displacement is how far the nose is from its place in the middle of the clip; the original stores its x "
            "coordinate there",
            "no constant dummy feature of weight 4",
            "social clips: the animals come near at some time of the clip, in body lengths; the original compares "
            "norms over the whole clip. Clips apart are a motif of their own, 'apart'",
            "the number of motifs is swept by separation unless it or a height is given (the original sweeps heights, "
            "which hold for one number of clips); phases weigh nothing by default",
        ),
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        if self.params.n_motifs is not None and self.params.height is not None:
            fail("method 'alphatracker'", "n_motifs and height both say where to cut", todo="give one of them")
        if self.params.contour:
            from dataclasses import replace

            self.about = replace(type(self).about, needs=("poses", "video"))  # type: ignore[misc]

    @property
    def social(self) -> bool:
        """Whether two animals are described."""
        return self.params.mode == "social"

    @property
    def _samples_hz(self) -> float:
        """Samples a second of a clip."""
        return self.params.n_samples / self.params.clip_s

    def _check(self, recordings: Sequence[Recording], *, fitting: bool) -> None:
        super()._check(recordings, fitting=fitting)
        if fitting:
            return
        least = float(self.facts.get("rate_hz", 0.0))
        for recording in recordings:
            fps = rate_of(recording.need("poses")["time"].values)
            if fps < least * (1 - TOLERANCE):
                fail(
                    f"recording '{recording.id}'",
                    "is slower than the clips that the motifs were learnt from: their spectrum cannot be seen in it",
                    expected=f">= {least:g} frames/s",
                    got=f"{fps:.4g}",
                    todo="add such a recording to the fit: all are then read at the slowest one's rate",
                )

    # ---- features -------------------------------------------------------------------------------
    def _clock(self, time_s: np.ndarray) -> np.ndarray:
        """Times that clips of an unbroken stretch are read at: its frames, or those of the slowest film of the fit.

        Every k-th frame of a faster film and no mean of frames, so that noise and spectrum are those of the slow film.
        """
        rate = self.facts.get("rate_hz", self._samples_hz)
        slow = rate < self._samples_hz * (1 - TOLERANCE)
        if not slow or not rate_of(time_s) > rate * (1 + TOLERANCE):
            return time_s
        first, last = np.ceil(time_s[0] * rate - 1e-6), np.floor(time_s[-1] * rate + 1e-6)
        return np.clip(np.arange(first, last + 1) / rate, time_s[0], time_s[-1])

    def _sample(self, x: np.ndarray, time_s: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """Values in each clip of a stretch, ``(clip, sample, …)``."""
        clock = self._clock(time_s)
        if clock is not time_s:
            x, time_s = straight_line(x, time_s, clock), clock
        return sample(x, time_s, centres, self.params.clip_s, self.params.n_samples)

    def _prepare(self, recordings: Sequence[Recording]) -> None:
        body_points(self.facts["points"])
        self.facts["rate_hz"] = slowest_rate(recordings, self._samples_hz)
        if not self.params.contour:
            return
        some = []
        for recording in recordings:
            for track in self.tracks(recording):
                masks = self._masks(track, every=max(1, len(track.time_s) // OUTLINES))
                some.append(masks[np.isfinite(masks[:, 0])])
            recording.forget()
        self.parts["outline"] = fit_pca(np.concatenate(some), 0.9, max_components=10)

    def _masks(self, track: AnimalTrack, every: int = 1) -> np.ndarray:
        from murid.features.silhouette import silhouettes

        place = self._places(track, track.individual)
        px = track.body_length * LengthUnit.of(track.poses.attrs).to("px", "contour: the place of the poses")
        video = track.recording.need("video")
        numbers = track.poses["frame"].values if "frame" in track.poses.coords else np.arange(len(track.time_s))
        rows = np.flatnonzero(numbers < video.n_frames)[::every]
        return silhouettes(
            video,
            numbers[rows],
            place["nose"][rows] * px,
            place["rump"][rows] * px,
            length_px=px,
            threshold=self.params.threshold,
            dark=self.params.dark,
        )

    def _places(self, track: AnimalTrack, individual: str) -> dict[str, np.ndarray]:
        xy = track.xy(individual)
        made = body_points(track.points)
        return {
            name: np.mean([xy[:, track.points.index(p)] for p in parts], axis=0)
            for name, parts in zip(("nose", "head", "rump"), made, strict=True)
        }

    def _centres(self, track: AnimalTrack) -> list[np.ndarray]:
        clocks = [self._clock(track.time_s[stretch]) for stretch in track.stretches()]
        p, whole = self.params, [slice(None)]
        return [centre for clock in clocks for centre in clip_centres(clock, whole, p.clip_s, p.step_s)]

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        p, place = self.params, self._places(track, track.individual)
        others = [str(i) for i in track.poses["individual"].values if str(i) != track.individual]
        if self.social and not others:
            fail(
                f"recording '{track.recording.id}'",
                "has one animal",
                expected="two for mode='social'",
                todo="use mode='individual'",
            )
        partner = _nearest_partner(place, [self._places(track, o) for o in others]) if self.social else {}
        outline = self._outline(track) if p.contour else None
        tables = []
        for stretch, centres in zip(track.stretches(), self._centres(track), strict=True):
            time = track.time_s[stretch]
            own = {k: self._sample(v[stretch], time, centres) for k, v in place.items()}
            blocks = own_blocks(**own)
            if outline is not None:
                blocks |= course_blocks(self._sample(outline[stretch], time, centres))
            if self.social:
                theirs = {k: self._sample(v[stretch], time, centres) for k, v in partner.items()}
                blocks |= {f"other_{k}": v for k, v in own_blocks(**theirs).items()}
                blocks |= social_blocks(own, theirs)
            tables.append(self._joined(blocks))
        return np.concatenate(tables)

    def _outline(self, track: AnimalTrack) -> np.ndarray:
        """Component scores of the outline, ``(time, component)``, NaN where there is no picture."""
        masks, pca = self._masks(track), self.parts["outline"]
        seen = np.flatnonzero(np.isfinite(masks[:, 0]))
        out = np.full((len(track.time_s), len(pca.components)), np.nan)
        out[seen] = pca.transform(masks[seen])
        return out

    def _joined(self, blocks: dict[str, np.ndarray]) -> np.ndarray:
        """Put the blocks side by side; in social mode the last column says how near the noses come."""
        weight = {name: self._weight(name) for name in blocks}
        kept = [name for name in blocks if weight[name] > 0]
        if not kept:
            fail("alphatracker", "every block has weight 0", todo="give at least one block a weight")
        self._blocks = [(name, blocks[name].shape[1], weight[name]) for name in kept]
        table = np.concatenate([blocks[name] for name in kept], axis=1)
        if self.social:
            gap = blocks["nose_nose_distance"]
            nearest = np.where(np.isfinite(gap).any(1), np.nanmin(np.where(np.isfinite(gap), gap, np.inf), 1), np.nan)
            table = np.concatenate([table, nearest[:, None]], axis=1)
        return table.astype(np.float32)

    def _weight(self, block: str) -> float:
        own = block.removeprefix("other_")
        return float(self.params.weights.get(block, self.params.weights.get(own, 1.0)))

    @override
    def _rows(self, track: AnimalTrack, table: np.ndarray) -> np.ndarray:
        every = max(1, round(self.params.clip_s / self.params.step_s))
        table = table[::every]
        return table[table[:, -1] < self.params.near] if self.social else table

    # ---- motifs ---------------------------------------------------------------------------------
    @override
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        p = self.params
        tables = [t[:, :-1] if self.social else t for t in tables]
        total = sum(len(t) for t in tables)
        need_frames(self.name, total, MIN_CLIPS, f"clips of {p.clip_s:g} s" + (" with the animals near" * self.social))
        widths = [w for _, w, _ in self._blocks]
        scaler = fit_scaler(
            tables,
            blocks=np.repeat(np.arange(len(widths)), widths),
            min_seen=p.min_seen,
            weights=np.repeat([w for _, _, w in self._blocks], widths),
        )
        x = np.concatenate([scaler(t) for t in tables])
        x = x[np.isfinite(x[:, 0])]
        need_frames(self.name, len(x), max(MIN_CLIPS, 2 * (p.n_motifs or 0)), "clips")
        ward = fit_ward(x, n_clusters=p.n_motifs or 2, n_prototypes=p.n_prototypes, seed=p.seed)
        rows = cut_evidence(ward, 0.0, np.inf, least=p.min_motifs, most=p.max_motifs)
        if p.height is not None:
            ward = ward.cut(height=p.height)
        elif p.n_motifs is None:
            chosen = best_cut(rows, p.criterion)
            if chosen is None:
                fail(
                    "method 'alphatracker'",
                    "no number of motifs can be judged",
                    expected=f"{p.min_motifs} to {p.max_motifs} motifs in more prototypes than motifs",
                    got=f"{len(ward.mass)} prototypes of {len(x)} clips",
                    todo="set n_motifs, or add recordings",
                )
            ward = ward.cut(n_clusters=chosen)
        self.parts |= {"scaler": scaler, "ward": ward}
        self.facts["evidence"] = {"clips": len(x), "blocks": [b[0] for b in self._blocks], "cuts": rows}
        return ward.n_clusters + self.social

    def _motif_names(self) -> list[str]:
        names = super()._motif_names()
        return [*names[:-1], "apart"] if self.social else names

    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        ward: Ward = self.parts["ward"]
        x = self.parts["scaler"](table[:, :-1] if self.social else table)
        codes = ward.predict(x)
        sure = margin(x, ward.prototypes, ward.labels, codes)
        if self.social:
            apart = table[:, -1] >= self.params.near
            codes[apart], sure[apart] = self.n_motifs - 1, 1.0
            codes[np.isnan(table[:, -1])] = -1
        latent = self.parts["scaler"].pca.transform(x)[:, :10]
        n = len(track.time_s)
        out = Labelled(
            np.full(n, -1), np.full((n, latent.shape[1]), np.nan, np.float32), np.full(n, np.nan, np.float32)
        )
        first = 0
        for stretch, centres in zip(track.stretches(), self._centres(track), strict=True):
            if len(centres):
                at = first + (nearest_sample(centres, track.time_s[stretch]) if len(centres) > 1 else 0)
                out.codes[stretch], out.latent[stretch], out.confidence[stretch] = codes[at], latent[at], sure[at]
            first += len(centres)
        return out

    def _apply(self, recording: Recording) -> xr.Dataset:
        return with_tree(super()._apply(recording), self.parts["ward"])

    def tree(self) -> dict[str, np.ndarray]:
        """Return the tree for a dendrogram: ``linkage`` (scipy's format), ``mass`` and ``motif`` of each leaf."""
        return tree_of(self.parts["ward"])


def _nearest_partner(place: dict[str, np.ndarray], others: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Points of the animal whose centroid is nearest in each frame."""
    middle = lambda a: np.mean([a["nose"], a["head"], a["rump"]], axis=0)  # noqa: E731
    gaps = np.stack([np.linalg.norm(middle(o) - middle(place), axis=1) for o in others])
    nearest = np.where(np.isfinite(gaps), gaps, np.inf).argmin(axis=0)
    frames = np.arange(len(nearest))
    return {k: np.stack([o[k] for o in others])[nearest, frames] for k in place}
