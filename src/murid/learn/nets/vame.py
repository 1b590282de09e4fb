"""Variational networks on windows of posture: encode the window, decode it, predict what comes after it (VAME).

Two shapes with one loss: `GruNet` is the published one, `ConvNet` a small one of convolutions for laptops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from murid.data.params import Params, param
from murid.learn.nets._torch import torch
from murid.learn.nets.batches import Batch, Windows
from murid.learn.nets.blocks import Mlp, Recurrent
from murid.learn.nets.device import seeded, settled
from murid.learn.nets.loop import History, TrainingStep, TrainParams, train
from murid.learn.sequences import Place

nn = torch.nn


class VameNetParams(Params):
    """Shape of the network and weights of its loss."""

    kind: Literal["conv", "gru"] = param("conv", why="conv = small and quick; gru = the published network")
    latent: int = param(30, ge=2, why="width of the latent; 30 as in VAME")
    window: int = param(30, ge=4, unit="rows", why="rows that are encoded and decoded")
    future: int = param(15, ge=0, unit="rows", why="rows that are predicted; 0 = none")
    hidden: int = param(256, ge=8, why="width of the hidden layers")
    beta: float = param(1.0, ge=0, why="weight of the Kullback-Leibler term")
    cluster: float = param(0.1, ge=0, why="weight of the nuclear norm of the latents (VAME's k-means loss)")
    noise: float = param(0.0, ge=0, why="SD of noise on what is encoded in training; what is drawn stays without")
    ramp: tuple[float, float] = param(
        (0.1, 0.3), why="shares of the training between which both weights rise from 0 to 1; gru: epochs 2 to 6"
    )


class GruNet(nn.Module):
    """VAME's network: two bidirectional GRU layers in, one out, one into the future."""

    def __init__(self, n_features: int, p: VameNetParams) -> None:
        super().__init__()
        self.p = p
        self.encoder = Recurrent(n_features, p.hidden, 2, "gru", both_ways=True)
        self.spread = nn.Linear(self.encoder.n_final, 2 * p.latent)
        self.decoder = _GruDecoder(p.latent, p.hidden, n_features)
        self.predictor = _GruDecoder(p.latent, p.hidden, n_features) if p.future else None

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log variance of the latent of windows ``(sample, time, feature)``."""
        mean, log_variance = self.spread(self.encoder.final(x)).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the window and what follows it."""
        later = None if self.predictor is None else self.predictor(z, self.p.future)
        return self.decoder(z, self.p.window), later


class _GruDecoder(nn.Module):
    def __init__(self, n_latent: int, n_hidden: int, n_features: int) -> None:
        super().__init__()
        self.start = nn.Linear(n_latent, 2 * n_hidden)
        self.net = nn.GRU(n_latent, n_hidden, 1, batch_first=True, bidirectional=True)
        self.leave = nn.Linear(2 * n_hidden, n_features)

    def forward(self, z: torch.Tensor, length: int) -> torch.Tensor:
        first = self.start(z).view(len(z), 2, -1).transpose(0, 1).contiguous()
        return self.leave(self.net(z[:, None].expand(-1, length, -1).contiguous(), first)[0])


class ConvNet(nn.Module):
    """Strided convolutions over the window in, dense layers out: a hundredth of the sums of `GruNet`."""

    def __init__(self, n_features: int, p: VameNetParams) -> None:
        super().__init__()
        self.p, self.n_features = p, n_features
        width, length = max(16, p.hidden // 4), p.window
        layers: list[torch.nn.Module] = [nn.Conv1d(n_features, width, 5, padding=2), nn.GELU()]
        while length > 8:
            layers += [nn.Conv1d(width, width, 5, stride=2, padding=2), nn.GELU()]
            length = (length + 1) // 2
        self.encoder = nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * length, p.hidden), nn.GELU())
        self.spread = nn.Linear(p.hidden, 2 * p.latent)
        self.decoder = Mlp([p.latent, p.hidden, p.hidden, p.window * n_features], nn.GELU)
        self.predictor = Mlp([p.latent, p.hidden, p.future * n_features], nn.GELU) if p.future else None

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log variance of the latent of windows ``(sample, time, feature)``."""
        mean, log_variance = self.spread(self.encoder(x.transpose(1, 2))).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the window and what follows it."""
        shape = (len(z), -1, self.n_features)
        later = None if self.predictor is None else self.predictor(z).view(shape)
        return self.decoder(z).view(shape), later


VameNet = GruNet | ConvNet


def make_vame_net(n_features: int, p: VameNetParams, seed: int = 0) -> VameNet:
    """Return an untrained network."""
    with seeded(seed):
        return (GruNet if p.kind == "gru" else ConvNet)(n_features, p)


def nuclear_norm(z: torch.Tensor) -> torch.Tensor:
    """Sum of the singular values of ``z (sample, latent) / √samples``.

    The same number as from the samples × samples matrix ``z zᵀ`` that VAME decomposes, from latent × latent.
    """
    # In 32 bit also under mixed precision: eigenvalues are not computed in 16 bit on GPUs, and not at all on Apple's.
    with torch.autocast(z.device.type, enabled=False):
        z = z.float()
        gram = z.T @ z / len(z)
        values = torch.linalg.eigvalsh(gram.cpu() if gram.device.type == "mps" else gram)
    # The root's slope at 0 is infinite.
    return torch.sqrt(values.clamp(min=1e-10)).sum().to(z.device)


def loss_terms(net: VameNet, batch: Batch, step: TrainingStep) -> dict[str, torch.Tensor]:
    """VAME's loss, divided by the number of samples: squared errors summed over rows and features, both penalties."""
    p, pose = net.p, batch["pose"]
    now, later = pose[:, : p.window], pose[:, p.window :]
    heard = now + p.noise * torch.randn_like(now) if step.training and p.noise else now
    mean, log_variance = net.encode(heard)
    z = mean
    if step.training:
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
    window, future = net.decode(z)
    terms = {"reconstruction": ((window - now) ** 2).sum() / len(now)}
    if future is not None:
        terms["future"] = ((future - later) ** 2).sum() / len(now)
    weight = _ramp(p, step)
    kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).mean()
    terms["kl"], terms["cluster"] = kl.detach(), nuclear_norm(z)
    penalty = weight * (p.beta * kl + p.cluster * terms["cluster"]) / len(now)
    fit = sum(terms[k] for k in ("reconstruction", "future") if k in terms)
    return {"loss": fit + penalty, **{k: v.detach() for k, v in terms.items()}}


def _ramp(p: VameNetParams, step: TrainingStep) -> float:
    at = (
        (step.epoch - 1) / 4  # Epochs count from 0 here, from 1 in VAME.
        if p.kind == "gru"
        else (step.step / step.steps - p.ramp[0]) / max(p.ramp[1] - p.ramp[0], 1e-9)
    )
    return float(min(max(at, 0.0), 1.0))


def fit_vame(
    tables: Sequence[np.ndarray],
    valid: Sequence[np.ndarray],
    p: VameNetParams,
    params: TrainParams,
    *,
    seed: int = 0,
    places: tuple[Sequence[Place], Sequence[Place]] = ((), ()),
    checkpoint: str | Path | None = None,
    progress: str | None = None,
) -> tuple[VameNet, History]:
    """Train on all windows of some sequences.

    Parameters
    ----------
    tables, valid : lists of (T_i, D) arrays
        Scaled rows, NaN where missing; windows never cross a border or a gap. `valid` may be empty.
    p, params : parameters of the network and of its training
    places : two sequences of Place, optional
        Of `tables` and of `valid`.
    seed, checkpoint, progress
        See `murid.learn.nets.loop.train`.
    """
    span = p.window + p.future
    source = Windows(tables, span, places=places[0])
    held = Windows(valid, span, stride=max(1, p.window // 4), places=places[1]) if len(valid) else None
    net = make_vame_net(tables[0].shape[1], p, seed)
    history = train(net, loss_terms, source, params, valid=held, seed=seed, checkpoint=checkpoint, progress=progress)
    return net, history


def encode_windows(net: VameNet, table: np.ndarray, batch: int = 4096) -> tuple[np.ndarray, np.ndarray]:
    """Latent and future error of each row.

    Parameters
    ----------
    net : network
        Trained.
    table : (T, D) array
        Scaled rows of one sequence, NaN where missing.
    batch : int
        Windows at a time: bounds the memory.

    Returns
    -------
    latent : float32 array (T, latent)
        Mean of the window around each row; at the ends of a run that of the nearest window; NaN in runs shorter than
        a window.
    error : float32 array (T,)
        Mean squared error of the rows predicted from the window before this row; NaN where there is no such window.
    """
    p = net.p
    latent = np.full((len(table), p.latent), np.nan, np.float32)
    error = np.full(len(table), np.nan, np.float32)
    table = np.ascontiguousarray(table, np.float32)
    known = ~np.isnan(table).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8))).reshape(-1, 2)
    net.eval()
    with torch.inference_mode(), settled(torch.device("cpu")):
        for a, b in edges:
            n = b - a - p.window + 1
            if n < 1:
                continue
            view = np.lib.stride_tricks.sliding_window_view(table[a:b], p.window, axis=0).transpose(0, 2, 1)
            z = np.empty((n, p.latent), np.float32)
            for i in range(0, n, batch):
                part = net.encode(torch.from_numpy(np.ascontiguousarray(view[i : i + batch])))[0]
                z[i : i + batch] = part.numpy()
                _future_error(net, part, table, a + i + p.window, b, error)
            latent[a:b] = z[np.clip(np.arange(b - a) - p.window // 2, 0, n - 1)]
    return latent, error


def _future_error(net: VameNet, z: torch.Tensor, table: np.ndarray, first: int, stop: int, error: np.ndarray) -> None:
    """Write the errors of windows whose next rows begin at `first`, `first` + 1 …, as far as those rows go."""
    n = min(len(z), stop - net.p.future - first + 1)
    if net.predictor is None or n < 1:
        return
    predicted = net.decode(z[:n])[1]
    if predicted is None:
        return
    future = predicted.numpy()
    rows = np.arange(n)[:, None] + first + np.arange(net.p.future)
    error[first : first + n] = ((future - table[rows]) ** 2).mean(axis=(1, 2))


def default_training(kind: str, n_windows: int) -> TrainParams:
    """Return VAME's training for ``gru``; for ``conv`` one that a laptop ends in minutes."""
    if kind == "gru":
        return TrainParams(
            epochs=500,
            batch=256,
            drop_last=n_windows >= 256,
            lr=5e-4,
            optimizer="amsgrad",
            schedule="plateau",
            plateau_patience=100,
            plateau_factor=0.2,
            patience=50,
            patience_from=6,
        )
    steps = int(np.clip(n_windows / 256 * 15, 600, 4000))
    epochs = max(1, math.ceil(steps * 256 / n_windows))
    return TrainParams(epochs=epochs, max_steps=steps, batch=256, lr=2e-3, schedule="cosine", warmup=0.05, clip=50.0)
