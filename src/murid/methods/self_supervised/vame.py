"""`vame`: variational embedding of posture windows (Luxem et al. 2022), motifs by HMM or k-means, communities.

Windows of egocentric posture are encoded into a latent from which a network draws the window again and predicts what
comes next. Motifs are states of the latent; how they follow each other groups them into communities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.clock import samples_in
from murid.data.errors import fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.scratch import scratch_path
from murid.data.warning import warn_user
from murid.ethogram.hierarchy import Tree, merge_tree
from murid.ethogram.transitions import transitions_of
from murid.learn.feature_scaling import Scaler, fit_scaler
from murid.learn.fitted_part import Fitted
from murid.learn.nets.params import TrainParams
from murid.learn.segment.hmm import HMM, HmmParams, fit_hmm
from murid.learn.segment.kmeans import KMeansModel, fit_kmeans
from murid.learn.sequences import Place
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
from murid.methods.posture import Template, align_to_template, template_of
from murid.methods.self_supervised.base import NetMethod, Weights
from murid.methods.self_supervised.pose_inputs import steps
from murid.prepare.even_time import EvenTime, even_time

#: Tables and where their rows are.
Placed = list[tuple[np.ndarray, Place]]


class VameParams(MotifParams):
    """Parameters of `vame`."""

    n_motifs: int = param(15, ge=2, why="number of motifs; 15 as in VAME")
    net: Literal["conv", "gru"] = param(
        "conv", why="conv = small, 48 times as quick an epoch; gru = the published network"
    )
    window_s: float = param(1.0, unit="s", gt=0, why="posture window that is encoded; VAME's 30 frames at 30 Hz")
    future_s: float = param(0.5, unit="s", ge=0, why="what is predicted after it; VAME's 15 frames at 30 Hz")
    movement: bool = param(
        True, why="the network also sees forward, sideways and turning speed; False = posture alone, as in VAME"
    )
    rate_hz: float = param(30.0, unit="Hz", gt=0, why="rows a second, at most the slowest recording's")
    latent: int = param(30, ge=2, why="width of the latent; 30 as in VAME")
    hidden: int = param(256, ge=8, why="width of the hidden layers; 256 as in VAME")
    beta: float = param(1.0, ge=0, why="weight of the Kullback-Leibler term; 1 as in VAME")
    cluster: float = param(
        0.1, ge=0, why="weight of the nuclear norm of the latents; 0.1 as in VAME, 0 to leave it out"
    )
    noise: float = param(
        0.0, ge=0, why="noise on what is encoded in training, in SD of the posture; the original offers 0.8, off"
    )
    segment: Literal["hmm", "kmeans"] = param("hmm", why="hmm sees how motifs follow each other; kmeans does not")
    iterations: int = param(100, ge=1, why="most iterations of the HMM; 100 as in VAME")
    replicates: int = param(10, ge=1, why="restarts of k-means")
    valid_share: float = param(
        0.1,
        ge=0,
        lt=1,
        why="share of the animals (with fewer than 4: of each recording's end) held out; gru stops by their loss",
    )
    train: TrainParams | None = param(None, why="how the network is trained; None = VAME's for gru, minutes for conv")
    checkpoint: str | None = param(
        None, why="file to write the training to, and to go on from; commands of a study go on by themselves"
    )


@dataclass(frozen=True)
class Motifs(Fitted):
    """Where the motifs lie in the latent.

    Parameters
    ----------
    means : (K, L) array
    covariances : (K, L, L) array
    errors : (101,) array
        Percentiles of the future error over the training rows.
    """

    means: np.ndarray
    covariances: np.ndarray
    errors: np.ndarray


class Vame(NetMethod[AnimalTrack], MotifMethod):
    """Motifs of a variational latent of posture windows."""

    name = "vame"
    Params = VameParams
    params: VameParams
    part_types = {
        "net": Weights,
        "template": Template,
        "scaler": Scaler,
        "hmm": HMM,
        "clusters": KMeansModel,
        "motifs": Motifs,
    }
    about = Card(
        title="VAME: motifs and communities from a variational embedding of posture windows",
        family="self-supervised",
        cites=(
            "Luxem K., Mocellin P., Fuhrmann F. et al. (2022) Identifying behavioral structure from deep variational "
            "embeddings of animal motion. Commun Biol 5:1267",
        ),
        differs=(
            "what is encoded is scaled as in training (the original applies its scaling in training alone)",
            "windows and HMM chains do not cross recordings or gaps; the HMM is seeded",
            "window and future in seconds on an even clock; lengths in body lengths; aligned by the whole shape, "
            "not by two points",
            "held-out animals, not chunks of the same recordings, tell when to stop",
            "default network: convolutions instead of recurrences; net='gru' is the original",
            "communities from transitions pooled over recordings, so that a motif may be missing in some",
        ),
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._animals: dict[str, str] = {}

    # ---- posture --------------------------------------------------------------------------------
    def _even(self, track: AnimalTrack) -> EvenTime:
        return even_time(track.time_s, self.facts["rate_hz"])

    def _xy(self, track: AnimalTrack) -> np.ndarray:
        return self._even(track).resample(track.xy(), track.time_s)

    def _prepare(self, recordings: Sequence[Recording]) -> None:
        self.facts["rate_hz"] = slowest_rate(recordings, self.params.rate_hz)
        self._animals = {r.id: r.animal for r in recordings}
        shapes = []
        for recording in recordings:
            shapes += [self._xy(track)[::5] for track in self.tracks(recording)]
        need_frames(self.name, 5 * sum(int(np.isfinite(s).all(2).any(1).sum()) for s in shapes), 100)
        self.parts["template"] = template_of(shapes)

    def _describe(self, track: AnimalTrack) -> np.ndarray:
        xy = self._xy(track)
        aligned = align_to_template(xy, self.parts["template"], self.params.min_seen)
        posture = aligned.points.reshape(len(xy), -1).astype(np.float32)
        return np.concatenate([posture, steps(aligned, self.facts["rate_hz"])], 1) if self.params.movement else posture

    # ---- network and motifs ---------------------------------------------------------------------
    def _net_params(self) -> Any:
        from murid.learn.nets.vame import VameNetParams

        p, rate = self.params, self.facts["rate_hz"]
        return VameNetParams(
            kind=p.net,
            latent=p.latent,
            window=max(4, samples_in(p.window_s, rate)),
            future=samples_in(p.future_s, rate),
            hidden=p.hidden,
            beta=p.beta,
            cluster=p.cluster,
            noise=p.noise,
        )

    def _build(self) -> Any:
        from murid.learn.nets.vame import make_vame_net

        return make_vame_net(self.facts["n_features"], self._net_params())

    def _learn(self, tables: Sequence[np.ndarray], origins: list[Origin]) -> int:
        from murid.learn.nets.batches import window_starts
        from murid.learn.nets.vame import default_training, encode_windows, fit_vame

        p, shape = self.params, self._net_params()
        # One mean and one spread for the posture, as in VAME: the proportions of the body stay.
        n_posture = 2 * len(self.facts["points"])
        blocks = np.concatenate([np.zeros(n_posture, int), np.arange(1, 1 + tables[0].shape[1] - n_posture)])
        scaler = fit_scaler(tables, blocks=blocks, min_seen=p.min_seen)
        scaled = [scaler(t) for t in tables]
        need_frames(self.name, sum(int(np.isfinite(s[:, 0]).sum()) for s in scaled), 10 * max(p.n_motifs, shape.window))
        learnt, held = self._held_out(scaled, origins, shape.window + shape.future)
        n = sum(len(window_starts(s, shape.window + shape.future)) for s, _ in learnt)
        net, history = fit_vame(
            [s for s, _ in learnt],
            [s for s, _ in held],
            shape,
            p.train or default_training(p.net, max(n, 1)),
            seed=p.seed,
            places=([w for _, w in learnt], [w for _, w in held]),
            checkpoint=p.checkpoint or scratch_path("network.safetensors"),
            progress="vame: network",
        )
        self._keep(net)
        latents, errors = map(list, zip(*(encode_windows(net, s) for s in scaled), strict=True))
        self.parts["scaler"] = scaler
        if p.segment == "hmm":
            rows = samples_in(0.5, self.facts["rate_hz"])
            model = HmmParams(n_states=p.n_motifs, iterations=p.iterations, single=True, gap_frames=rows)
            self.parts["hmm"] = fit_hmm(latents, model, seed=p.seed)
        else:
            self.parts["clusters"] = fit_kmeans(latents, p.n_motifs, seed=p.seed, replicates=p.replicates)
        codes = np.concatenate([self._codes(z) for z in latents])
        self.parts["motifs"] = _motifs(np.concatenate(latents), codes, p.n_motifs, np.concatenate(errors))
        self.cost = history.cost()
        self.facts |= {"history": history.course(), "device": history.kind(), "n_features": scaled[0].shape[1]}
        return p.n_motifs

    def _held_out(self, scaled: list[np.ndarray], origins: list[Origin], span: int) -> tuple[Placed, Placed]:
        """Tables to learn from and tables to watch: other animals, or the ends of recordings when animals are few."""
        share, rate = self.params.valid_share, self.facts["rate_hz"]
        placed = [(s, o.place(len(s), rate)) for s, o in zip(scaled, origins, strict=True)]
        if share == 0:
            return placed, []
        animals = sorted({self._animals[o.recording] for o in origins})
        if len(animals) >= 4:
            order = np.random.default_rng(self.params.seed).permutation(len(animals))
            watched = {animals[i] for i in order[: max(1, round(share * len(animals)))]}
            pairs = [(s, self._animals[o.recording] in watched) for s, o in zip(placed, origins, strict=True)]
            return [s for s, w in pairs if not w], _long([s for s, w in pairs if w], span)
        cut = [(s, w, round(len(s) * (1 - share))) for s, w in placed]
        ends = [(s[c:], Place(w.name, w.time_s[c:])) for s, w, c in cut]
        return [(s[:c], w) for s, w, c in cut], _long(ends, span)

    def _codes(self, latent: np.ndarray) -> np.ndarray:
        return (self.parts["hmm"] if "hmm" in self.parts else self.parts["clusters"]).predict(latent)

    def _label(self, track: AnimalTrack, table: np.ndarray) -> Labelled:
        from murid.learn.nets.vame import encode_windows

        latent, error = encode_windows(self.net, self.parts["scaler"](table))
        codes = self._codes(latent)
        # Within a gap that the HMM bridges there is no latent, so there is no label.
        codes = np.where(np.isnan(latent[:, 0]), -1, codes).astype(np.int32)
        motifs: Motifs = self.parts["motifs"]
        sure = margin(latent, motifs.means, np.arange(len(motifs.means)), codes)
        unseen = np.interp(error, motifs.errors, np.linspace(0, 1, len(motifs.errors)))
        row = np.minimum(self._even(track).row, len(codes) - 1)
        return Labelled(codes[row], latent[row], sure[row], unseen=unseen[row] if self._net_params().future else None)

    # ---- views ----------------------------------------------------------------------------------
    def communities(
        self, outputs: Sequence[xr.Dataset], *, depth: int = 3, cost: Literal["paper", "as_coded"] = "paper"
    ) -> tuple[pd.Series, Tree]:
        """Group motifs by how they follow each other.

        Parameters
        ----------
        outputs : list of Dataset
            What `apply` returned for the recordings; a motif may be missing in some or in all of them.
        depth : int
            Where the tree is cut; 3 as in VAME.
        cost : {"paper", "as_coded"}
            What merging two motifs costs: (u_i + u_j) / (T_ij + T_ji) as in the paper, or what VAME's program computes,
            u_i + u_j / (T_ij + T_ji); u is the share of frames.

        Returns
        -------
        Series
            Motif → community.
        Tree
        """
        pooled = transitions_of([out["states"] for out in outputs])
        codes = np.concatenate([out["states"].values.ravel() for out in outputs])
        usage = np.bincount(codes[codes >= 0], minlength=len(pooled.behaviours))
        tree = merge_tree(pooled, usage, cost=cost)
        return tree.cut_depth(depth), tree

    def generate(self, motif: int | None = None, *, n: int = 16, seed: int = 0) -> xr.DataArray:
        """Draw windows of posture that the network has never seen.

        Parameters
        ----------
        motif : int, optional
            Draw from this motif's part of the latent; by default from all motifs alike.
        n : int
            Windows.
        seed : int

        Returns
        -------
        DataArray (window, time, space, point)
            Body lengths, seen from the animal: it looks along +x.
        """
        motifs: Motifs = self.parts["motifs"]
        if motif is not None and not 0 <= motif < len(motifs.means):
            fail("vame", f"no motif {motif}", expected=f"0 to {len(motifs.means) - 1}")
        rng = np.random.default_rng(seed)
        which = rng.integers(0, len(motifs.means), n) if motif is None else np.full(n, motif)
        z = np.stack([rng.multivariate_normal(motifs.means[k], motifs.covariances[k], method="eigh") for k in which])
        return self._drawn(z)

    def centres(self) -> xr.DataArray:
        """Windows of posture at the centre of each motif: as `generate`, one a motif."""
        return self._drawn(self.parts["motifs"].means)

    def _drawn(self, z: np.ndarray) -> xr.DataArray:
        import torch

        scaler, rate = self.parts["scaler"], self.facts["rate_hz"]
        with torch.inference_mode():
            rows = self.net.decode(torch.from_numpy(z.astype(np.float32)))[0].numpy()
        posture = scaler.unscaled(rows)[:, :, : 2 * len(self.facts["points"])]
        xy = posture.reshape(*rows.shape[:2], -1, 2).transpose(0, 1, 3, 2)
        return xr.DataArray(
            xy,
            dims=("window", "time", "space", "point"),
            coords={"time": np.arange(xy.shape[1]) / rate, "space": ["x", "y"], "point": list(self.facts["points"])},
            attrs={"unit": "body lengths"},
        )


def _long(tables: Placed, span: int) -> Placed:
    """Tables that hold a window; with none, early stopping goes by the training loss."""
    from murid.learn.nets.batches import window_starts

    kept = [(t, place) for t, place in tables if len(window_starts(t, span))]
    if not kept:
        warn_user("vame: nothing is long enough to watch the training by; it goes by the training loss")
    return kept


def _motifs(latent: np.ndarray, codes: np.ndarray, n: int, errors: np.ndarray) -> Motifs:
    """Mean and covariance of each motif's rows; a motif without rows gets the mean of all."""
    known = np.isfinite(latent[:, 0])
    z, own = latent[known].astype(np.float64), codes[known]
    means = np.tile(z.mean(0), (n, 1))
    spreads = np.tile(np.cov(z.T), (n, 1, 1))
    for k in range(n):
        if (own == k).sum() > 1:
            means[k], spreads[k] = z[own == k].mean(0), np.cov(z[own == k].T)
    seen = errors[np.isfinite(errors)]
    # np.interp needs rising values.
    levels = np.percentile(seen, np.arange(101)) if len(seen) else np.arange(101.0)
    return Motifs(means.astype(np.float32), spreads.astype(np.float32), levels)
