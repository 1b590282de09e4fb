"""`motionmapper`: regions of a map of rhythms.

After MotionMapper (Berman et al. 2014): postural modes of keypoints or of aligned pictures, their Morlet
amplitudes, t-SNE on the divergence between spectra, the map's density cut by watershed; the animal
"does" a region while its point rests there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from typing_extensions import override

from murid.data.clock import samples_in
from murid.data.errors import Faults, fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.stretches import runs_of_true
from murid.features import FeatureParams, compute
from murid.features.views import ViewParams
from murid.features.wavelets import dyadic_frequencies, morlet
from murid.learn.embed.pca import PCA, fit_pca
from murid.learn.embed.tsne import Tsne, fit_tsne
from murid.learn.feature_scaling import Scaler, fit_scaler
from murid.learn.segment.rest_or_transit import RestGate, fit_rest
from murid.learn.segment.watershed import BehaviourMap, fit_watershed
from murid.methods.base import Card
from murid.methods.motifs.aligned_video import describe_pixels, fit_pixels
from murid.methods.motifs.base import AnimalTrack, Labelled, MotifMethod, MotifParams, Origin, need_frames, slowest_rate
from murid.prepare import CleanParams
from murid.prepare.even_time import EvenTime, even_time

MIN_FRAMES = 300
#: Fastest rhythm that is looked for unless another is given, Hz.
FASTEST_HZ = 50.0


class MotionMapperParams(MotifParams):
    """Parameters of `motionmapper`."""

    clean: CleanParams = CleanParams.for_rhythms()
    source: Literal["keypoints", "video"] = param(
        "keypoints", why="what shows posture; video = pictures of the animal turned by its keypoints, as published"
    )
    pictures: ViewParams = ViewParams(view="animal", height=32, width=32)
    radon_angles: int = param(
        0,
        ge=0,
        le=180,
        why="video: pictures are compared by their sums along lines at so many angles (Radon transform), which weighs "
        "coarse shape more than fur; 90 as published. 0: by their grey values",
    )
    variance: float = param(0.95, gt=0, lt=1, why="share of the variance of posture that the modes keep")
    max_modes: int = param(10, ge=1, why="most postural modes")
    n_frequencies: int = param(25, ge=2, why="wavelet channels, evenly spaced in octaves, as published")
    low_hz: float = param(1.0, unit="Hz", gt=0, why="slowest rhythm")
    high_hz: float | None = param(
        None, unit="Hz", gt=0, why="fastest rhythm; by default half the slowest frame rate of the fit, at most 50"
    )
    omega0: float = param(5.0, gt=0, why="oscillations in the wavelet, as published")
    per_track: int = param(1500, ge=100, why="frames of a track that its own map is drawn from, for choosing templates")
    n_templates: int = param(3000, ge=100, why="templates of the map in all; the original's 35,000 cost hours")
    perplexity: float = param(32.0, ge=2, why="of the map, as published; 20 for the maps of the tracks")
    iterations: int = param(1000, ge=250, why="steps of the map, as published, the first 125 exaggerated")
    max_regions: int = param(60, ge=2, why="the density is smoothed until there are no more regions than this")
    rest: float = param(0.67, gt=0, le=1, why="a stay in a region begins at this probability of rest in the map")
    leave: float = param(0.33, ge=0, lt=1, why="and goes on above this one")
    stay_s: float = param(
        0.05, unit="s", ge=0, why="least length of a stay in one region: 5 frames at 100 frames/s, as published"
    )
    stays: Literal["rest", "all"] = param(
        "rest",
        why="rest = a stay has to reach `rest` and keep above `leave`; all = what stays so long in one region counts, "
        "at any speed, the second of the published rules",
    )
    outside: Literal["neighbours", "kept", "unlabelled"] = param(
        "neighbours",
        why="frames placed outside the hull of their neighbours in the map, so unlike all templates: moved to these' "
        "mean, as published, or kept, or -1; `unseen` is 1 for them in any case",
    )
    transit: Literal["nearest", "unlabelled"] = param(
        "nearest", why="frames on the way between regions join the stay nearest in time, or stay -1 as in the original"
    )


class MotionMapper(MotifMethod):
    """Wavelets, t-SNE, watershed."""

    name = "motionmapper"
    Params = MotionMapperParams
    params: MotionMapperParams
    part_types = {"pixels": PCA, "scaler": Scaler, "modes": PCA, "tsne": Tsne, "map": BehaviourMap, "gate": RestGate}
    about = Card(
        title="MotionMapper: regions of a t-SNE of postural rhythms",
        family="unsupervised",
        cites=(
            "Berman G.J. et al. (2014) Mapping the stereotyped behaviour of freely moving fruit flies. "
            "J R Soc Interface 11:20140672",
        ),
        uses=("video",),
        differs=(
            "postural modes come from egocentric keypoints by default, from pixels with source='video'",
            "frames are placed on the map by t-SNE's gradient with the map held still, all at once; the original "
            "runs Nelder-Mead frame by frame",
            "frequencies reach to half the slowest frame rate; a slower recording is refused instead of aliased",
            "fewer templates, so that a study is mapped in minutes on a CPU",
            "frames in transit join the nearest stay unless they are to stay unlabelled",
        ),
    )

    def _check(self, recordings: Sequence[Recording], *, fitting: bool) -> None:
        super()._check(recordings, fitting=fitting)
        if self.params.source == "keypoints":
            return
        faults = Faults(f"method '{self.name}' with source='video'")
        for recording in recordings:
            if not recording.has("video"):
                faults.add(f"recording '{recording.id}' has no video", todo="add its video, or use source=keypoints")
        faults.raise_if_any()

    def _prepare(self, recordings: Sequence[Recording]) -> None:
        self.facts["rate_hz"] = slowest_rate(recordings, 2 * (self.params.high_hz or FASTEST_HZ))
        if self.params.source == "video":
            tracks = (track for recording in recordings for track in self.tracks(recording))
            p = self.params
            self.parts["pixels"] = fit_pixels(tracks, len(recordings), p.pictures, p.variance, p.radon_angles)

    def _even(self, track: AnimalTrack) -> EvenTime:
        return even_time(track.time_s, self.facts["rate_hz"])

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        # One rate for all: white jitter has a smaller share in a spectrum the faster the frames.
        return self._even(track).resample(self._posture(track), track.time_s).astype(np.float32)

    def _posture(self, track: AnimalTrack) -> np.ndarray:
        """Egocentric posture, or components of pixels, of each frame."""
        if self.params.source == "video":
            return describe_pixels(track, self.params.pictures, self.parts["pixels"], self.params.radon_angles)
        features = FeatureParams(
            families=("egocentric",), windowed=(), windows_s=(), stats=(), lags_s=(), path_windows_s=(), length="body"
        )
        roles = {p: track.roles[p] for p in track.points}
        table = compute(track.point_poses, track.individual, features, roles=roles)
        if table.sizes["feature"] < 2:
            fail("motionmapper", "no body axis", expected="points at the front and the rear", got=", ".join(roles))
        return np.asarray(table.values, np.float32)

    @override
    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        p = self.params
        scaler = fit_scaler(tables, min_seen=p.min_seen)
        need_frames(self.name, sum(int(np.isfinite(scaler(t)[:, 0]).sum()) for t in tables), MIN_FRAMES)
        # Modes are of posture itself, not of scaled features: a still point must not weigh like a paw.
        modes = fit_pca([_unscaled(scaler, t) for t in tables], p.variance, missing=False, max_components=p.max_modes)
        self.parts |= {"scaler": scaler, "modes": modes}
        rate = self.facts["rate_hz"]
        high = rate / 2 if p.high_hz is None else p.high_hz
        if not p.low_hz < high <= rate / 2 * (1 + 1e-9):
            fail(
                "motionmapper",
                "frequencies cannot be seen at this frame rate",
                expected=f"low_hz < high_hz <= {rate / 2:g} Hz",
                got=f"{p.low_hz:g} to {high:g} Hz",
            )
        self.facts["high_hz"] = float(high)
        spectra = [self._spectra(t) for t in tables]
        templates = self._templates(spectra)
        tsne = fit_tsne(
            templates, perplexity=min(p.perplexity, len(templates) / 4), iterations=p.iterations - 125, seed=p.seed
        )
        self.parts["tsne"] = tsne
        placed = [self._places(s) for s in spectra]
        places, outside = [z for z, _ in placed], [o for _, o in placed]
        embedded = np.concatenate(places)
        regions = fit_watershed(embedded, max_regions=p.max_regions)
        gate = fit_rest([_speed(z, rate) for z in places])
        replaced = tsne.transform(templates)
        self.parts |= {"map": regions, "gate": gate}
        self.facts["evidence"] = {
            "modes": len(modes.components),
            "templates": len(templates),
            "map_error_bits": tsne.error_bits,
            "sigma": regions.sigma,
            "templates_back_in_their_region": float(
                (regions.predict(replaced) == regions.predict(tsne.embedding)).mean()
            ),
            "rest_share": float(gate.weight[0]),
            "outside_hull": float(np.concatenate(outside)[np.isfinite(embedded[:, 0])].mean()),
        }
        return regions.n_regions

    def _spectra(self, table: np.ndarray) -> np.ndarray:
        """Morlet amplitudes of the modes, each row summing to 1, float32 ``(row, mode · frequency)``."""
        hz = dyadic_frequencies(self.params.low_hz, self.facts["high_hz"], self.params.n_frequencies)
        scores = self.parts["modes"].transform(_unscaled(self.parts["scaler"], table))
        amplitude = morlet(scores, self.facts["rate_hz"], hz, omega0=self.params.omega0)
        amplitude = amplitude.reshape(len(amplitude), -1)
        total = amplitude.sum(axis=1, keepdims=True)
        return amplitude / np.where(total > 0, total, np.nan)

    def _templates(self, spectra: list[np.ndarray]) -> np.ndarray:
        """Choose frames so that rare rhythms are there too: evenly over the regions of each track's own map."""
        p = self.params
        share = max(20, p.n_templates // len(spectra))
        streams = np.random.SeedSequence(p.seed).spawn(len(spectra))
        chosen = []
        for spectrum, stream in zip(spectra, streams, strict=True):
            known = np.flatnonzero(np.isfinite(spectrum).all(axis=1))
            some = known[:: max(1, -(-len(known) // p.per_track))]
            if len(some) <= max(share, 80):
                chosen.append(spectrum[some])
                continue
            small = fit_tsne(
                spectrum[some], perplexity=20, n_neighbors=60, iterations=min(300, p.iterations - 125), seed=p.seed
            )
            region = fit_watershed(small.embedding).predict(small.embedding)
            chosen.append(spectrum[some[_balanced(region, share, np.random.default_rng(stream))]])
        return np.concatenate(chosen).astype(np.float64)

    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        p, high = self.params, self.facts["high_hz"]
        if track.fps / 2 * 1.01 < high:
            fail(
                f"recording '{track.recording.id}'",
                "is slower than those the map was made of",
                expected=f">= {2 * high:g} frames/s",
                got=f"{track.fps:g}",
                todo=f"fit with high_hz={track.fps / 2:g}",
            )
        places, outside = self._places(self._spectra(table))
        region = self.parts["map"].predict(places)
        if p.outside == "unlabelled":
            region = np.where(outside, -1, region)
        rest = self.parts["gate"].probability(_speed(places, self.facts["rate_hz"]))
        high, low = (p.rest, p.leave) if p.stays == "rest" else (0.0, 0.0)
        codes = _stays(region, rest, high, low, max(1, samples_in(p.stay_s, self.facts["rate_hz"])))
        if p.transit == "nearest":
            # Rows without a place end a stretch: nothing is taken over from beyond them.
            for a, b in runs_of_true(region >= 0):
                codes[a:b] = _joined(codes[a:b], region[a:b])
        row = np.minimum(self._even(track).row, len(codes) - 1)
        unseen = np.where(np.isfinite(places[:, 0]), outside, np.nan).astype(np.float32)
        return Labelled(codes[row], places[row], np.where(codes >= 0, rest, np.nan)[row], unseen=unseen[row])

    def _places(self, spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of frames on the map, and which of them lie outside the hull of their neighbours."""
        places, outside, mean = self.parts["tsne"].place(spectra)
        if self.params.outside == "neighbours":
            places = np.where(outside[:, None], mean, places)
        return places, outside

    def map_view(self) -> dict[str, Any]:
        """Return what a picture of the map needs: ``density, regions (x, y), origin, step`` in map units."""
        m = self.parts["map"]
        return {"density": m.density, "regions": m.regions, "origin": m.origin, "step": m.step}


def _unscaled(scaler: Scaler, table: np.ndarray) -> np.ndarray:
    """Posture with its gaps filled: body lengths, or components of pixels."""
    return scaler.unscaled(scaler(table))


def _speed(places: np.ndarray, rate_hz: float) -> np.ndarray:
    """Speed in the map, map units a second, from neighbouring rows; NaN where a place is missing."""
    out = np.full(len(places), np.nan)
    for a, b in runs_of_true(np.isfinite(places).all(axis=1)):
        z = places[a:b]
        if len(z) > 2:
            ahead, behind = np.vstack([z[1:], z[-1:]]), np.vstack([z[:1], z[:-1]])
            span = np.r_[1.0, np.full(len(z) - 2, 2.0), 1.0]
            out[a:b] = np.linalg.norm(ahead - behind, axis=1) / span * rate_hz
    return out


def _stays(region: np.ndarray, rest: np.ndarray, high: float, low: float, least: int = 1) -> np.ndarray:
    """Region of each frame while the point stays in it, −1 in transit.

    A stay is an unbroken run of at least `least` frames in one region, during which the probability of rest stays
    above `low` and reaches `high` at least once; with both 0 at any speed.
    """
    known = np.isfinite(rest) & (region >= 0)
    keeps = known & (np.where(known, rest, 0.0) >= low)
    edges = np.flatnonzero((np.diff(region) != 0) | (np.diff(keeps.astype(np.int8)) != 0)) + 1
    out = np.full(len(region), -1, region.dtype)
    for a, b in pairwise([0, *edges.tolist(), len(region)]):
        if b - a >= least and keeps[a] and rest[a:b].max() >= high:
            out[a:b] = region[a]
    return out


def _joined(codes: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Give frames in transit the stay that is nearest in time; frames off the map stay −1."""
    stays = np.flatnonzero(codes >= 0)
    if not stays.size:
        return region.astype(codes.dtype)
    frames = np.arange(len(codes))
    right = np.clip(np.searchsorted(stays, frames), 1, max(1, stays.size - 1))
    before, after = stays[right - 1], stays[np.minimum(right, stays.size - 1)]
    nearest = np.where(np.abs(frames - before) <= np.abs(after - frames), before, after)
    return np.where(region >= 0, codes[nearest], -1)


def _balanced(region: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows for `n` templates, every region giving alike as far as it has frames; sorted."""
    kinds, size = np.unique(region[region >= 0], return_counts=True)
    quota = np.zeros(len(kinds), int)
    while quota.sum() < n and (quota < size).any():
        free = quota < size
        quota[free] += np.maximum(1, (n - quota.sum()) // free.sum())
        quota = np.minimum(quota, size)
    rows = [rng.permutation(np.flatnonzero(region == k))[:q] for k, q in zip(kinds, quota, strict=True)]
    return np.sort(np.concatenate(rows)[:n] if len(rows) == 1 else np.concatenate(rows))
