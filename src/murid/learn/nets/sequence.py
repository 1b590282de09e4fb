"""Networks that name every frame of a sequence, through a narrow latent: a small LSTM, a temporal convolution.

Trained on labels per frame; what they are trained for is the latent, the frame's behaviour in its context.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from murid.data.errors import fail
from murid.data.params import Params, param
from murid.learn.nets._torch import torch
from murid.learn.nets.batches import Batch
from murid.learn.nets.blocks import Mlp, Noise, Recurrent, Tcn
from murid.learn.nets.device import seeded, settled
from murid.learn.nets.loop import History, TrainingStep, TrainParams, train
from murid.learn.sequences import Place, place_of

nn = torch.nn
AXES = {"features": ("sample", "time", "feature"), "codes": ("sample", "time")}
UNLABELLED = -1


class SequenceNetParams(Params):
    """Shape of a sequence network."""

    kind: Literal["tcn", "lstm"] = param(
        "tcn", why="tcn sees both sides of a frame; lstm is DBM's, from the past alone"
    )
    latent: int = param(10, ge=2, why="width of the latent; 10 as in DBM")
    width: int = param(32, ge=4, why="features inside the tcn")
    layers: int = param(7, ge=1, le=12, why="of the tcn: it sees 2^layers − 1 rows to each side")
    noise: float = param(0.1, ge=0, unit="sd", why="noise on the features while training; 0.1 as in DBM")
    dropout: float = param(0.2, ge=0, lt=1, why="of the tcn")
    balance: float = param(
        0.5, ge=0, le=1, why="0 = frames weigh the same (DBM), 1 = labels weigh the same, 0.5 = between"
    )


class LstmNet(nn.Module):
    """DBM's network: noise, 10 tanh, 10 LSTM (the latent), noise, 10 and 10 ReLU, labels."""

    def __init__(self, n_in: int, n_out: int, p: SequenceNetParams) -> None:
        super().__init__()
        self.enter = nn.Sequential(Noise(p.noise), nn.Linear(n_in, p.latent), nn.Tanh())
        self.lstm = Recurrent(p.latent, p.latent, 1, "lstm")
        self.leave = nn.Sequential(Noise(p.noise), Mlp([p.latent, p.latent, p.latent, n_out]))
        _matlab_start(self)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return the latent of each frame."""
        return self.lstm(self.enter(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of each frame."""
        return self.leave(self.encode(x))


def _matlab_start(net: torch.nn.Module) -> None:
    """Initial weights as in MATLAB: Glorot, orthogonal recurrence, biases 0 but 1 at the forget gate."""
    for name, weight in net.named_parameters():
        if "weight_hh" in name:
            nn.init.orthogonal_(weight)
        elif weight.ndim == 2:
            nn.init.xavier_uniform_(weight)
        else:
            nn.init.zeros_(weight)
        if "bias_ih" in name:
            # Gates stand in the order input, forget, cell, output.
            with torch.no_grad():
                weight[len(weight) // 4 : len(weight) // 2] = 1.0


class TcnNet(nn.Module):
    """Temporal convolutions onto a linear latent, and one layer from there to the labels."""

    def __init__(self, n_in: int, n_out: int, p: SequenceNetParams) -> None:
        super().__init__()
        self.body = nn.Sequential(Noise(p.noise), Tcn(n_in, p.width, p.layers, dropout=p.dropout))
        self.narrow = nn.Linear(p.width, p.latent)
        self.leave = nn.Sequential(nn.GELU(), nn.Dropout(p.dropout), nn.Linear(p.latent, n_out))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return the latent of each frame."""
        return self.narrow(self.body(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of each frame."""
        return self.leave(self.encode(x))


SequenceNet = LstmNet | TcnNet


def make_sequence_net(n_in: int, n_out: int, p: SequenceNetParams, seed: int = 0) -> SequenceNet:
    """Return an untrained network for `n_in` features and `n_out` labels."""
    with seeded(seed):
        return (TcnNet if p.kind == "tcn" else LstmNet)(n_in, n_out, p)


class LabelledSequences:
    """Source of stretches of labelled sequences, padded at the end with unlabelled zeros.

    Parameters
    ----------
    tables : list of (T_i, D) arrays
        Scaled features; a row with NaN is a gap that no stretch reaches across.
    codes : list of (T_i,) int arrays
        Label of each row, −1 unlabelled.
    length : int
        Longest stretch, rows. Longer runs are cut into stretches that overlap by half.
    spans : list of list of (start, stop), optional
        Take these rows of each table instead (trials).
    places : sequence of Place, optional
        Of each table.
    """

    def __init__(
        self,
        tables: Sequence[np.ndarray],
        codes: Sequence[np.ndarray],
        length: int,
        spans: Sequence[Sequence[tuple[int, int]]] | None = None,
        places: Sequence[Place] = (),
    ) -> None:
        self.places = places
        self.tables = [np.asarray(t, np.float32) for t in tables]
        self.codes = [np.asarray(c, np.int64) for c in codes]
        self.pieces = [
            (i, a, b)
            for i, table in enumerate(self.tables)
            for low, high in (spans[i] if spans is not None else [(0, len(table))])
            for run in _runs(_known_rows(table[low:high]))
            for a, b in cut_overlapping(low + run[0], low + run[1], length)
            if (self.codes[i][a:b] >= 0).any()
        ]
        self.length = max((b - a for _, a, b in self.pieces), default=0)

    def __len__(self) -> int:
        return len(self.pieces)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the stretches of these indices."""
        x = np.zeros((len(indices), self.length, self.tables[0].shape[1]), np.float32)
        y = np.full((len(indices), self.length), UNLABELLED, np.int64)
        for row, k in enumerate(indices):
            i, a, b = self.pieces[k]
            x[row, : b - a], y[row, : b - a] = self.tables[i][a:b], self.codes[i][a:b]
        return Batch({"features": torch.from_numpy(x), "codes": torch.from_numpy(y)}, AXES)

    def where(self, index: int) -> str:
        """Say where a stretch starts."""
        table, start, _ = self.pieces[index]
        return place_of(self.places, table, start)


def fit_sequences(
    source: LabelledSequences,
    n_labels: int,
    net_params: SequenceNetParams,
    params: TrainParams,
    *,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: str | None = None,
) -> tuple[SequenceNet, History]:
    """Train a network to name the rows of labelled sequences by cross-entropy.

    Parameters
    ----------
    source : LabelledSequences
    n_labels : int
        Codes are 0 … n_labels − 1.
    net_params, params : parameters of the network and of its training
    seed : int
        Same seed, same network.
    checkpoint, progress
        See `murid.learn.nets.loop.train`.
    """
    if not len(source):
        fail(
            "sequences",
            "no labelled row to learn from",
            expected="at least one",
            got="0",
            todo="check the pseudo-labels, or the tracking with: murid check",
        )
    net = make_sequence_net(source.tables[0].shape[1], n_labels, net_params, seed)
    labelled = np.concatenate([c[c >= 0] for c in source.codes])
    share = np.bincount(labelled, minlength=n_labels) / len(labelled)
    # A label of a few frames must not outweigh all others: shares count as 0.1 % at least.
    balanced = np.where(share > 0, np.maximum(share, 1e-3) ** -net_params.balance, 0.0)
    weight = torch.from_numpy((balanced / (balanced * share).sum()).astype(np.float32))

    def loss(model: torch.nn.Module, batch: Batch, _step: TrainingStep) -> dict[str, torch.Tensor]:
        logits, codes = model(batch["features"]).flatten(0, 1), batch["codes"].flatten()
        entropy = nn.functional.cross_entropy(logits, codes, weight.to(logits.device), ignore_index=UNLABELLED)
        known = codes >= 0
        right = (logits.argmax(1) == codes)[known].float().mean()
        return {"loss": entropy, "accuracy": right.detach()}

    history = train(net, loss, source, params, seed=seed, checkpoint=checkpoint, progress=progress)
    return net, history


def encode_rows(net: SequenceNet, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the latent ``(T, latent)`` and the probabilities ``(T, label)`` of each row; NaN in gaps.

    Parameters
    ----------
    net : network
        Trained; on the CPU.
    table : (T, D) array
        Scaled features of one sequence. Each run between gaps is read by itself.
    """
    latent, probability = (np.full((len(table), k), np.nan, np.float32) for k in widths(net))
    net.eval()
    with torch.inference_mode(), settled(torch.device("cpu")):
        for a, b in _runs(_known_rows(table)):
            z = net.encode(torch.from_numpy(np.ascontiguousarray(table[a:b], np.float32))[None])
            latent[a:b], probability[a:b] = z[0].numpy(), torch.softmax(net.leave(z), dim=2)[0].numpy()
    return latent, probability


def widths(net: SequenceNet) -> tuple[int, int]:
    """Numbers of latents and labels of a network."""
    layers = [m for m in net.leave.modules() if isinstance(m, nn.Linear)]
    return layers[0].in_features, layers[-1].out_features


def _known_rows(table: np.ndarray) -> np.ndarray:
    """Whether nothing is missing, per row."""
    return np.asarray(~np.isnan(table).any(axis=1))


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def cut_overlapping(a: int, b: int, length: int) -> list[tuple[int, int]]:
    """Cut rows a … b into stretches of at most `length` rows that overlap by half."""
    if b - a <= length:
        return [(a, b)]
    starts = [*range(a, b - length, max(1, length // 2)), b - length]
    return [(s, s + length) for s in starts]
