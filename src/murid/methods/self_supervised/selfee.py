"""`selfee`: features of behaviour learnt from video alone, without labels, pose or rules.

Three grey pictures (just before, now, just after) are the red, green and blue of one snippet. A network learns to
recognise a snippet after it was cropped, turned, flipped and re-coloured, and to tell the clusters of a batch apart.
What it then says about a moment serves many ends: states by an AR-HMM here, and few labels, strange behaviour and
alignment of recordings in `murid.methods.self_supervised.feature_uses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from typing_extensions import override

from murid.data.errors import fail
from murid.data.params import param
from murid.data.recording import Recording
from murid.data.warning import warn_user
from murid.learn.embed.pca import PCA
from murid.learn.nets.params import TrainParams
from murid.learn.segment.arhmm import ArHmm
from murid.methods.base import Card
from murid.methods.self_supervised.base import Weights
from murid.methods.self_supervised.video_method import VideoMethod, VideoParams

if TYPE_CHECKING:
    from murid.learn.nets.images import Images

#: The network and training of the paper: ``murid.method("selfee", **PAPER)``. For a GPU.
PAPER: dict[str, Any] = {
    "pictures": {"view": "whole", "height": 192, "width": 256},
    "interval_s": 1 / 3,
    "backbone": "resnet50",
    "projection": 2048,
    "train": {
        "batch": 256,
        "epochs": 1,
        "min_steps": 20_000,
        "max_steps": 20_000,
        "optimizer": "sgd",
        "lr": 0.05,
        "weight_decay": 1e-4,
        "schedule": "one_cycle",
        "momentum": 0.95,
        "warmup": 0.025,
        "drop_last": True,
    },
    "proportions": False,
    "jitter_of": "colours",
}
#: Spread of the features under which they are called collapsed; 1 = they point everywhere.
COLLAPSED = 0.1


class SelfeeParams(VideoParams):
    """Parameters of `selfee`."""

    interval_s: float = param(0.1, gt=0, unit="s", why="between the pictures of a snippet; 1/3 s in the paper for mice")
    backbone: Literal["small", "resnet18", "resnet50"] = param("small", why="small for CPUs; resnet50 as in the paper")
    widths: tuple[int, ...] = param(
        (16, 32, 64, 128), why="channels of the small backbone; the last is the number of features"
    )
    pretrained: str = param("", why=".safetensors of published ResNet weights to start from; never required")
    projection: int = param(256, ge=8, why="width of the projector, predictor ¼, grouping head ½; 2048 in the paper")
    cld: float = param(
        2.0, ge=0, why="weight of telling the clusters of a batch apart; F1 .2 without, .7 with in the paper"
    )
    n_clusters: int = param(10, ge=2, why="clusters of a batch")
    crop: float = param(0.7, gt=0, le=1, why="smallest side of a random crop")
    proportions: bool = param(True, why="crops keep those of the picture; the paper draws width and height apart")
    turn_deg: float = param(37.0, ge=0, le=180, unit="degrees", why="turned by up to so much")
    flips: float = param(0.5, ge=0, le=1, why="probability of each flip; 0 where left and right differ in meaning")
    turbo: float = param(0.5, ge=0, le=1, why="probability of re-colouring by the Turbo map")
    jitter: float = param(0.1, ge=0, lt=1, why="how much brightness and contrast (and colours) change")
    jitter_of: Literal["light", "colours"] = param(
        "light",
        why="light: brightness and contrast, before re-colouring; colours: as in the paper, saturation and hue too, in "
        "random order after it. Colours are times, so hue moves what was before to what is now",
    )
    train: TrainParams = TrainParams(
        epochs=30,
        batch=128,
        lr=0.05,
        optimizer="sgd",
        weight_decay=1e-4,
        schedule="cosine",
        warmup=0.025,
        drop_last=True,
        min_steps=300,
        max_steps=800,
    )


class Selfee(VideoMethod):
    """SimSiam with CLD on snippets, AR-HMM states."""

    name = "selfee"
    Params = SelfeeParams
    params: SelfeeParams
    part_types = {"net": Weights, "pca": PCA, "model": ArHmm}
    about = Card(
        title="Selfee: self-supervised features of video snippets, AR-HMM states",
        family="unsupervised",
        cites=(
            "Jia Y. et al. (2022) Selfee, self-supervised features extraction of animal behaviors. eLife 11:e76218",
        ),
        needs=("video",),
        uses=("poses",),
        differs=(
            "each animal cut out and turned where there are poses; the original sees the whole picture",
            "a small network without pretrained weights by default; the paper's is `selfee.PAPER`",
            "snippets are 0.1 s apart at every frame rate",
            "batches mix recordings, from which the arena was taken off",
            "brightness and contrast are changed before re-colouring, hue and saturation by `selfee.PAPER` alone; "
            "crops keep their proportions; momentum is constant and the learning rate follows a cosine",
            "number and stickiness of states chosen from the data; the original: at most 5, kappa 1e7",
        ),
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        if self.params.pretrained and self.params.backbone == "small":
            fail(
                "method 'selfee'",
                "the small backbone has no published weights",
                got=f"pretrained='{self.params.pretrained}'",
                todo="set backbone='resnet18' or 'resnet50', or leave pretrained out",
            )

    def _offsets(self) -> tuple[float, ...]:
        return (-self.params.interval_s, 0.0, self.params.interval_s)

    # ---- network --------------------------------------------------------------------------------
    def _build(self) -> Any:
        from murid.learn.nets.blocks import SmallResNet
        from murid.learn.nets.resnet import ResNet, load_pretrained
        from murid.learn.nets.siamese import Siamese

        p = self.params
        small = p.backbone == "small"
        backbone: Any = SmallResNet(3, p.widths) if small else ResNet(int(p.backbone.removeprefix("resnet")))
        # A fitted model has its own weights: the file of the start may be long gone.
        if p.pretrained and "net" not in self.parts:
            load_pretrained(backbone, p.pretrained)
        return Siamese(backbone, p.projection, max(4, p.projection // 4), max(4, p.projection // 2))

    @override
    def _loss(self, net: Any, batch: Any, step: Any, n_samples: int) -> dict[str, Any]:
        from murid.learn.nets.colours import jittered_colours
        from murid.learn.nets.images import jittered, moved, recoloured, unit

        def changed(x: Any) -> Any:
            if p.jitter_of == "light":
                return jittered(x, p.jitter, colours=p.turbo)
            return jittered_colours(recoloured(x, p.turbo), p.jitter)

        p, pictures = self.params, unit(batch["pictures"])
        one, two = (
            changed(moved(pictures, least_side=p.crop, degrees=p.turn_deg, flips=p.flips, proportions=p.proportions))
            for _ in range(2)
        )
        return net.both(one, two, p.n_clusters, p.cld)

    @override
    def _after_training(self, learnt: Images, held: Images) -> None:
        """Say whether the features collapsed: all moments alike."""
        from murid.learn.nets._torch import torch
        from murid.learn.nets.images import encode_pictures
        from murid.learn.nets.siamese import feature_spread

        del held
        rows = [learnt.rows_of(k) for k in range(len(learnt.films))]
        some = [
            encode_pictures(self.net, self.net, f, r[:: max(1, len(r) // 500)], self.params.train)
            for f, r in zip(learnt.films, rows, strict=True)
        ]
        features = np.concatenate([s for s in some if len(s)])
        value = float(feature_spread(torch.from_numpy(features)))
        self.facts["evidence"]["feature_spread"] = value
        if value < COLLAPSED:
            warn_user(
                f"selfee: the features have collapsed (spread {value:.3f}, 1 would be even): all moments look alike to "
                "the network. Train longer, with cld > 0, or check that the pictures show the animal"
            )

    # ---- where it looks -------------------------------------------------------------------------
    def activation(self, recording: Recording, times_s: Any, weight: np.ndarray | None = None) -> xr.DataArray:
        """Class-activation maps: which parts of the picture a feature direction comes from.

        Parameters
        ----------
        recording : Recording
        times_s : array (moment,)
            Moments, s.
        weight : array (feature,), optional
            Direction in feature space, e.g. the weights of a linear classifier; by default the moment's own features
            minus their mean over the moments: what makes it different.

        Returns
        -------
        DataArray (moment, individual, row, column)
            Positive where the picture speaks for the direction; the pictures themselves in the coordinate ``picture``.
        """
        from murid.learn.nets._torch import torch
        from murid.learn.nets.images import unit
        from murid.learn.nets.siamese import activation_map

        moments = np.atleast_1d(np.asarray(times_s, np.float64))
        heats, shown, individuals = [], [], []
        for subject in self.tracks(recording):
            rows = np.abs(subject.even.time_s[None] - moments[:, None]).argmin(axis=1)
            film = subject.film(self.params.pictures, rows)
            pictures = unit(torch.from_numpy(np.array(film.array)))
            with torch.no_grad():
                if weight is None:
                    features = self.net(pictures)
                    direction = features - features.mean(dim=0)
                else:
                    direction = torch.as_tensor(np.asarray(weight, np.float32))
                heats.append(activation_map(self.net.backbone, pictures, direction).numpy())
            shown.append(film.array[:, 1].copy())
            individuals.append(subject.individual)
        dims = ("moment", "individual", "row", "column")
        return xr.DataArray(
            np.stack(heats, 1),
            dims=dims,
            name="activation",
            coords={"moment": moments, "individual": individuals, "picture": (dims, np.stack(shown, 1))},
        )
