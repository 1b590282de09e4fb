"""Convolutional autoencoders of pictures: plain, conditional, variational, β-TC and partly supervised (PS-VAE).

As in BehaveNet (Batty et al. 2019; Whiteway et al. 2021). The width of the pixel noise of the variational ones is
estimated from each batch (Rybkin et al. 2021) and not fixed to 1, so that the latents keep what the pictures show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from murid.data.errors import fail
from murid.learn.nets._torch import torch

nn = torch.nn
Kind = Literal["ae", "cond", "vae", "btcvae", "psvae"]


class AutoEncoder(nn.Module):
    """Encoder and mirrored decoder.

    Parameters
    ----------
    channels, height, width : int
        Of the pictures.
    n_latents : int
        That the encoder finds; with ``psvae`` those of the labels come first.
    widths, strides : sequences of int
        Channels and stride of each 5 × 5 convolution.
    kind : {"ae", "cond", "vae", "btcvae", "psvae"}
    n_labels : int
        Labels of ``psvae``, or those that the decoder of ``cond`` is given before the latents.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        n_latents: int,
        widths: Sequence[int],
        strides: Sequence[int],
        kind: Kind = "ae",
        n_labels: int = 0,
    ) -> None:
        super().__init__()
        self.kind, self.n_latents, self.n_labels = kind, n_latents, n_labels
        sizes = [(height, width)]
        down: list[nn.Module] = []
        up: list[list[nn.Module]] = []
        for (a, b), stride in zip(pairwise([channels, *widths]), strides, strict=True):
            h, w = sizes[-1]
            sizes.append((-(-h // stride), -(-w // stride)))
            down += [nn.Conv2d(a, b, 5, stride, 2), nn.LeakyReLU(0.05)]
            # What a convolution with rounding-up took away, its transpose must give back.
            lost = h - ((sizes[-1][0] - 1) * stride + 1), w - ((sizes[-1][1] - 1) * stride + 1)
            up.append([nn.ConvTranspose2d(b, a, 5, stride, 2, output_padding=lost), nn.LeakyReLU(0.05)])
        self.encoder = nn.Sequential(*down, nn.Flatten())
        flat = widths[-1] * sizes[-1][0] * sizes[-1][1]
        self.to_latents = nn.Linear(flat, n_latents)
        self.to_logvar = nn.Linear(flat, n_latents) if kind not in ("ae", "cond") else None
        self.from_latents = nn.Linear(n_latents + (n_labels if kind == "cond" else 0), flat)
        layers = [layer for pair in reversed(up) for layer in pair][:-1]
        self.decoder = nn.Sequential(nn.Unflatten(1, (widths[-1], *sizes[-1])), *layers)
        # Pictures are painted as differences from the mean picture: few pixels show the animal at any time, and a
        # network that has to find the dark floor first gets stuck there.
        self.mean_logit: torch.Tensor
        self.register_buffer("mean_logit", torch.zeros(channels, height, width))
        # Labels are read off their latents one by one: y = scale · z + offset.
        self.label_scale = nn.Parameter(torch.ones(n_labels)) if kind == "psvae" else None
        self.label_offset = nn.Parameter(torch.zeros(n_labels)) if kind == "psvae" else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, a=0.05)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
                if isinstance(module, nn.ConvTranspose2d):
                    # Each output pixel of a strided transpose gets only so many of the taps.
                    module.weight.data *= module.stride[0] * (module.in_channels / module.out_channels) ** -0.5

    def start_from(self, mean: torch.Tensor) -> None:
        """Paint differences from this mean picture, 0..1, ``(channel, row, column)``."""
        self.mean_logit.copy_(torch.logit(mean.clamp(0.005, 0.995)))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the latents of pictures 0..1 (the mean where they are variational)."""
        return self.to_latents(self.encoder(pictures))

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the pictures of latents, 0..1; those of ``cond`` follow the labels."""
        return torch.sigmoid(self.decoder(self.from_latents(latents)) + self.mean_logit)

    def labels(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the labels that the supervised latents stand for."""
        if self.label_scale is None or self.label_offset is None:
            fail("autoencoder", "has no latents of labels", expected="kind='psvae'", got=f"kind='{self.kind}'")
        return latents[:, : self.n_labels] * self.label_scale + self.label_offset

    def terms(
        self,
        pictures: torch.Tensor,
        labels: torch.Tensor | None,
        n_samples: int,
        *,
        beta: float,
        alpha: float,
        gamma: float,
    ) -> dict[str, torch.Tensor]:
        """Return the loss terms of a batch.

        Parameters
        ----------
        pictures : (sample, channel, row, column) tensor, 0..1
        labels : (sample, label) tensor or None
            Of ``psvae`` and ``cond``: z-scored; NaN where unknown, which ``cond`` takes for the mean.
        n_samples : int
            In the training set; weighs the batch against it in the terms of ``btcvae`` and ``psvae``.
        beta : float
            Weight of the KL (``vae``) or of the total correlation (``btcvae``, ``psvae``).
        alpha : float
            Weight of the labels: of half the squared error, summed over labels.
        gamma : float
            Weight of the mean squared difference of the latents' directions from orthonormal ones.
        """
        hidden = self.encoder(pictures)
        mean = self.to_latents(hidden)
        if self.to_logvar is None:
            given = mean if labels is None else torch.cat([labels.nan_to_num(), mean], dim=1)
            mse = nn.functional.mse_loss(self.decode(given), pictures)
            return {"loss": mse, "mse": mse}
        logvar = self.to_logvar(hidden).clamp(-12, 6)
        latents = mean + torch.exp(logvar / 2) * torch.randn_like(mean) if self.training else mean
        mse = nn.functional.mse_loss(self.decode(latents), pictures)
        pixels = pictures[0].numel()
        terms = {"mse": mse, "fit": pixels / 2 * torch.log(mse + 1e-6)}
        if self.kind == "vae":
            terms["kl"] = -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(dim=1).mean()
            loss = terms["fit"] + beta * terms["kl"]
        else:
            free = slice(self.n_labels, None)
            inside, shared, width = decomposed_kl(latents[:, free], mean[:, free], logvar[:, free], n_samples)
            terms |= {"information": inside, "correlation": shared, "width": width}
            loss = terms["fit"] + inside + beta * shared + width
        if self.kind == "psvae" and labels is not None:
            own = slice(0, self.n_labels)
            terms["label"] = _known_error(self.labels(mean), labels)
            terms["label_kl"] = -0.5 * (1 + logvar - mean**2 - logvar.exp())[:, own].sum(dim=1).mean()
            rows = self.to_latents.weight
            terms["overlap"] = ((rows @ rows.T - torch.eye(len(rows), device=rows.device)) ** 2).mean()
            loss = loss + alpha * terms["label"] + terms["label_kl"] + gamma * terms["overlap"]
        return {"loss": loss, **terms}


def decomposed_kl(
    latents: torch.Tensor, mean: torch.Tensor, logvar: torch.Tensor, n_samples: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Split the KL of a batch into information, total correlation and width of each latent (Chen et al. 2018).

    Densities of the whole training set are estimated from the batch by minibatch weighted sampling.
    """
    n = len(latents)
    # log q(z_i | x_j) of each latent: (i, j, latent).
    log_pair = _log_normal(latents[:, None], mean[None], logvar[None])
    log_size = math.log(n * n_samples)
    log_own = _log_normal(latents, mean, logvar).sum(dim=1)
    log_joint = torch.logsumexp(log_pair.sum(dim=2), dim=1) - log_size
    log_alone = (torch.logsumexp(log_pair, dim=1) - log_size).sum(dim=1)
    log_prior = _log_normal(latents, torch.zeros_like(latents), torch.zeros_like(latents)).sum(dim=1)
    return (log_own - log_joint).mean(), (log_joint - log_alone).mean(), (log_alone - log_prior).mean()


def _log_normal(x: torch.Tensor, mean: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
    return -0.5 * ((x - mean) ** 2 * torch.exp(-logvar) + logvar + math.log(2 * math.pi))


def _known_error(read: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Half the squared error summed over labels, mean over the samples with a label; unknown labels add nothing."""
    known = torch.isfinite(wanted)
    error = torch.where(known, read - torch.where(known, wanted, 0.0), 0.0)
    return 0.5 * (error**2).sum() / known.any(dim=1).sum().clamp(min=1)
