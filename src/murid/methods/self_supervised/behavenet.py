"""`behavenet`: what the video shows, packed into a few numbers by an autoencoder, and cut into states by an AR-HMM.

The latents say how to paint the picture again. With pose supervision (PS-VAE) some of them are the keypoints and the
rest is what keypoints leave out. Neural activity decodes latents and states with `murid.neural.decoding`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from typing_extensions import override

from murid.data.clock import nearest_sample
from murid.data.errors import fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.video import write_video
from murid.features.pictures import Pictures
from murid.features.views import ViewParams, px_per_unit
from murid.learn.embed.pca import PCA
from murid.learn.fitted_part import Fitted
from murid.learn.nets.params import TrainParams
from murid.learn.segment.arhmm import ArHmm
from murid.methods.base import Card
from murid.methods.motifs.body_points import point_map, shared_points
from murid.methods.self_supervised.base import Weights
from murid.methods.self_supervised.video_method import Films, Subject, VideoMethod, VideoParams

if TYPE_CHECKING:
    from murid.learn.nets.images import Images

#: The network and training of the paper: ``murid.method("behavenet", **PAPER)``. For a GPU.
PAPER: dict[str, Any] = {
    "pictures": {"view": "whole", "height": 128, "width": 128, "background": "kept"},
    "widths": (32, 64, 128, 256, 512),
    "strides": (2, 2, 2, 2, 5),
    "train": {"epochs": 1000, "batch": 128, "lr": 1e-4, "optimizer": "amsgrad", "patience": 20, "patience_from": 500},
}


#: Kinds that use keypoints, and what for.
WITH_KEYPOINTS = {"cond": "paints from keypoints and latents", "psvae": "ties latents to keypoints"}


class BehavenetParams(VideoParams):
    """Parameters of `behavenet`."""

    pictures: ViewParams = ViewParams(view="auto")
    kind: Literal["ae", "cond", "vae", "btcvae", "psvae"] = param(
        "ae",
        why="plain, told the keypoints, variational, with independent latents, or with some latents tied to keypoints",
    )
    n_latents: int = param(8, ge=1, le=256, why="numbers a picture; cond and psvae add two for each keypoint")
    points: tuple[str, ...] = param(
        (),
        why="roles or keypoints that psvae ties latents to and cond is told; by default all that every recording "
        "tracks, but the tail",
    )
    beta: float = param(
        5.0, ge=0, why="weight of the KL (vae: 1 is the bound) or of the latents' dependence (btcvae, psvae)"
    )
    alpha: float = param(1000.0, ge=0, why="weight of the keypoints in psvae")
    gamma: float = param(500.0, ge=0, why="keeps tied and free latents of psvae from saying the same")
    widths: tuple[int, ...] = param((16, 32, 64), why="channels of each 5 x 5 convolution; small, for CPUs")
    strides: tuple[int, ...] = param((2, 2, 2), why="how much each convolution shrinks the picture")
    valid_share: float = param(0.1, ge=0, lt=0.5, why="share of the moments, in blocks, kept out to compare epochs by")
    variance: float = param(0.999, gt=0, lt=1, why="components of the latents explain this share; all, but whitened")
    n_components: int = param(64, ge=1, why="most components")
    n_states: int = param(16, ge=2, le=1000, why="upper bound; 2 to 12 in the paper")
    lags_s: float | None = param(
        None, gt=0, unit="s", why="past that predicts the next row; None takes one row, as published, at every rate"
    )
    train: TrainParams = TrainParams(
        epochs=40,
        batch=64,
        lr=3e-3,
        optimizer="amsgrad",
        schedule="cosine",
        patience=20,
        min_steps=600,
        max_steps=1500,
    )


@dataclass(frozen=True)
class LabelScale(Fitted):
    """Mean and SD ``(label,)`` of the keypoints in the view."""

    mean: np.ndarray
    sd: np.ndarray


class Behavenet(VideoMethod):
    """Autoencoder and AR-HMM."""

    name = "behavenet"
    Params = BehavenetParams
    params: BehavenetParams
    part_types = {"net": Weights, "pca": PCA, "model": ArHmm, "labels": LabelScale}
    about = Card(
        title="BehaveNet: convolutional autoencoder of the video, AR-HMM states, decoding from neurons",
        family="unsupervised",
        cites=(
            "Batty E. et al. (2019) BehaveNet: nonlinear embedding and Bayesian neural decoding of behavioral videos. "
            "NeurIPS 32",
            "Whiteway M.R. et al. (2021) Partitioning variability in animal behavioral videos using semi-supervised "
            "variational autoencoders. PLoS Comput Biol 17:e1009439",
        ),
        needs=("video",),
        uses=("poses",),
        differs=(
            "moving animals: cut out, turned and freed of the arena where there are poses; the original sees the frame",
            "one network for all recordings; the original trains one a session",
            "a small network by default, for CPUs; the paper's is murid.methods.self_supervised.behavenet.PAPER",
            "the width of the pixel noise is estimated, not fixed to 1",
            "states: sticky AR-HMM, unneeded states united, times in seconds",
        ),
    )

    def _offsets(self) -> tuple[float, ...]:
        return (0.0,)

    def _start(self, recordings: Sequence[Recording]) -> dict[str, Any]:
        facts = super()._start(recordings)
        if len(self.params.widths) != len(self.params.strides):
            fail(
                "method 'behavenet'",
                "widths and strides differ in number",
                expected=str(len(self.params.widths)),
                got=str(len(self.params.strides)),
            )
        if self.params.kind in WITH_KEYPOINTS:
            if facts["view"] != "animal":
                fail(
                    "method 'behavenet'",
                    f"kind='{self.params.kind}' {WITH_KEYPOINTS[self.params.kind]}",
                    got=f"view '{facts['view']}'",
                    expected="recordings with poses, seen by animal",
                    todo="add poses, or take kind='btcvae'",
                )
            facts["points"] = shared_points(recordings, self.params.points, self.params.clean.min_confidence)
        return facts

    @property
    def n_labels(self) -> int:
        """Latents that are tied to keypoint coordinates, or are these."""
        return 2 * len(self.facts.get("points", ())) if self.params.kind in WITH_KEYPOINTS else 0

    # ---- network --------------------------------------------------------------------------------
    def _build(self) -> Any:
        from murid.learn.nets.autoencoder import AutoEncoder

        p, v = self.params, self.params.pictures
        width = p.n_latents + (self.n_labels if p.kind == "psvae" else 0)
        return AutoEncoder(1, v.height, v.width, width, p.widths, p.strides, p.kind, self.n_labels)

    @override
    def _loss(self, net: Any, batch: Any, step: Any, n_samples: int) -> dict[str, Any]:
        from murid.learn.nets.images import unit

        p = self.params
        labels = batch["keypoints"] if p.kind in WITH_KEYPOINTS else None
        return net.terms(unit(batch["pictures"]), labels, n_samples, beta=p.beta, alpha=p.alpha, gamma=p.gamma)

    def _extra(self, subject: Subject) -> dict[str, np.ndarray]:
        """Keypoints of each row in the view, −1..1 across it."""
        if self.params.kind not in WITH_KEYPOINTS:
            return {}
        return {"keypoints": self._keypoints(subject)}

    def _keypoints(self, subject: Subject) -> np.ndarray:
        """Keypoints of each row where the view shows them, ``(row, 2 · point)``: −1 to 1 across the view."""
        roles = point_map(subject.recording, self.params.points)
        poses = subject.poses if subject.poses is not None else subject.recording.need("poses")
        names = [str(k) for k in poses["keypoint"].values]
        column = [str(i) for i in poses["individual"].values].index(subject.individual)
        index = [names.index(roles[point]) for point in self.facts["points"]]
        xy = poses["position"].values[:, :2][:, :, index, column].astype(np.float64) * px_per_unit(poses)
        xy = xy[np.maximum(subject.sample, 0)]
        seen = np.einsum("rij,rjp->rip", subject.view.matrix[:, :, :2], xy) + subject.view.matrix[:, :, 2:]
        half = np.array([self.params.pictures.width, self.params.pictures.height])[:, None] / 2
        return ((seen + 0.5) / half - 1).transpose(0, 2, 1).reshape(len(seen), -1)

    def _held_out(self, n_rows: int) -> np.ndarray:
        """Blocks at the end of each of several equal parts: neighbouring moments repeat each other."""
        parts = max(1, n_rows // 600)
        return (np.arange(n_rows) * parts / max(n_rows, 1)) % 1 >= 1 - self.params.valid_share

    def _before_training(self, net: Any, films: Films, rows: Films) -> None:
        from murid.learn.nets._torch import torch

        net.start_from(torch.from_numpy(mean_picture(films, rows)))

    def _after_training(self, learnt: Images, held: Images) -> None:
        """Say how well held-out pictures are painted, against painting the mean picture."""
        films = learnt.films
        rows = [learnt.rows_of(k) for k in range(len(films))]
        mean = mean_picture(films, rows)
        error = total = count = 0.0
        for k, film in enumerate(films):
            test = held.rows_of(k) if len(held) else rows[k]
            test = test[:: max(1, len(test) // 500)]
            if len(test):
                known = learnt.extra["keypoints"][k][test] if self.params.kind == "cond" else None
                painted = self.decode(with_keypoints(self._encode(film, test), known))[:, None]
                truth = film[test] / np.float32(255)
                error += float(((painted - truth) ** 2).sum())
                total += float(((truth - mean) ** 2).sum())
                count += truth.size
        self.facts["evidence"] |= {"mse": error / count, "pixel_r2": 1 - error / max(total, 1e-12)}

    @override
    def _table(self, track: Subject, film: Pictures) -> np.ndarray:
        table = super()._table(track, film)
        if self.params.kind != "cond":
            return table
        known = self._scaled({"keypoints": [self._keypoints(track)]})["keypoints"][0]
        return np.where(np.isfinite(table).all(axis=1)[:, None], with_keypoints(table, known), np.nan)

    @override
    def _latent(self, table: np.ndarray, features: np.ndarray) -> np.ndarray:
        return table

    # ---- pictures -------------------------------------------------------------------------------
    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Paint pictures from latents.

        Parameters
        ----------
        latents : array (row, latent)
            Of `apply`, or decoded from neurons, keypoints first with ``kind="cond"``; rows with NaN come out black.

        Returns
        -------
        float32 array (row, height, width)
            0..1.
        """
        from murid.learn.nets._torch import torch
        from murid.learn.nets.device import settled

        latents = np.asarray(latents, np.float32)
        out = np.zeros((len(latents), self.params.pictures.height, self.params.pictures.width), np.float32)
        known = np.flatnonzero(np.isfinite(latents).all(axis=1))
        train = self.params.train
        with settled(torch.device("cpu"), threads=train.threads, deterministic=train.deterministic), torch.no_grad():
            for start in range(0, len(known), 256):
                rows = known[start : start + 256]
                out[rows] = self.net.decode(torch.from_numpy(latents[rows]))[:, 0].numpy()
        return out

    def film(
        self,
        recording: Recording,
        path: str | Path,
        latent: xr.DataArray | None = None,
        *,
        individual: str | None = None,
    ) -> Path:
        """Write a video: what was seen beside what the latents paint.

        Parameters
        ----------
        recording : Recording
        path : str or Path
            ``.mp4``.
        latent : DataArray (time, component), optional
            Other latents to paint from, e.g. decoded from neurons, on any clock; the third picture. Nearest in time.
        individual : str, optional
            Whose; the first by default.
        """
        subjects = {s.individual: s for s in self.tracks(recording)}
        subject = subjects[individual or next(iter(subjects))]
        film = subject.film(self.params.pictures)
        own = self.decode(self._table(subject, film))
        other = None
        if latent is not None:
            near = nearest_sample(latent["time"].values, subject.even.time_s)
            other = self.decode(latent.values[near])

        def pictures() -> Iterator[np.ndarray]:
            for row in range(len(film)):
                side = [film.array[row, 0], *((255 * x[row]).astype(np.uint8) for x in (own, other) if x is not None)]
                yield np.concatenate(side, axis=1)

        return write_video(path, pictures(), self.facts["rate_hz"]).path

    def _scaled(self, extra: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
        if "keypoints" not in extra:
            return extra
        if "labels" not in self.parts:
            every = np.concatenate(extra["keypoints"])
            with np.errstate(invalid="ignore"):
                mean, sd = np.nanmean(every, axis=0), np.nanstd(every, axis=0)
            # A keypoint that never moved in training counts as 0 wherever it is later.
            self.parts["labels"] = LabelScale(mean, np.where(sd > 1e-6, np.maximum(sd, 1e-3), np.inf))
        scale = self.parts["labels"]
        return {"keypoints": [((k - scale.mean) / scale.sd).astype(np.float32) for k in extra["keypoints"]]}


def with_keypoints(latents: np.ndarray, keypoints: np.ndarray | None) -> np.ndarray:
    """Return what the decoder is given: keypoints first, their mean where they are unknown, then the latents."""
    return latents if keypoints is None else np.concatenate([np.nan_to_num(keypoints), latents], axis=1)


def mean_picture(films: Films, rows: Films, most: int = 500) -> np.ndarray:
    """Mean over at most `most` rows of each film, float32 ``(channel, height, width)``, 0..1."""
    seen = [film[r[:: max(1, len(r) // most)]] for film, r in zip(films, rows, strict=True)]
    return (np.concatenate(seen).mean(axis=0) / 255).astype(np.float32)
