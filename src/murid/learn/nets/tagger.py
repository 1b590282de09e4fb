"""A temporal network that says, row by row, which behaviours a sequence shows: any number of them at a time.

A secondary model beside trees: trees weigh hundreds of features of one moment, the network follows how they unfold
over the seconds around it. It may be trained beforehand without labels, by filling in rows that are hidden from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from murid.learn.nets._torch import torch
from murid.learn.nets.batches import Batch
from murid.learn.nets.blocks import Tcn
from murid.learn.nets.device import seeded, settled
from murid.learn.nets.history import History
from murid.learn.nets.loop import TrainingStep, train
from murid.learn.nets.params import TaggerParams
from murid.learn.nets.sequence import cut_overlapping

nn = torch.nn
AXES = {
    "features": ("sample", "time", "feature"),
    "targets": ("sample", "time", "behaviour"),
    "weights": ("sample", "time"),
}
Spans = Sequence[tuple[int, int]]
#: Stretches of hidden rows in pre-training, and the share of rows that they hide.
_HIDDEN_ROWS, _HIDDEN_SHARE = 4, 0.4


class Tagger(nn.Module):
    """Temporal convolutions over the features of a row and its neighbours, one logit a behaviour.

    Parameters
    ----------
    n_in, n_out : int
        Features and behaviours.
    p : TaggerParams
    """

    def __init__(self, n_in: int, n_out: int, p: TaggerParams) -> None:
        super().__init__()
        self.hide = nn.Dropout1d(p.hide)
        self.body = Tcn(n_in, p.width, p.layers, dropout=p.dropout)
        self.n_out = n_out
        self.leave = nn.Sequential(nn.GELU(), nn.Dropout(p.dropout), nn.Linear(p.width, n_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``(sample, time, behaviour)``."""
        # A feature is hidden for the whole stretch: from one row to the next the network would see through it.
        return self.leave(self.body(self.hide(x.transpose(1, 2)).transpose(1, 2)))


class Stretches:
    """Source of stretches of one long table, padded at the end with rows of weight 0.

    Parameters
    ----------
    features : float32 array (row, feature)
        Scaled; without NaN.
    targets : int8 array (row, behaviour)
        1, 0, or −1 unlabelled.
    weights : float32 array (row,)
    spans : list of (start, stop)
        Rows that follow one another on an even clock; no stretch reaches across their ends.
    length : int
        Longest stretch, rows; longer spans are cut into stretches that overlap by half.
    """

    def __init__(
        self, features: np.ndarray, targets: np.ndarray, weights: np.ndarray, spans: Spans, length: int
    ) -> None:
        self.features, self.targets, self.weights = features, targets, weights
        self.pieces = [piece for a, b in spans for piece in cut_overlapping(a, b, length)]
        self.length = max((b - a for a, b in self.pieces), default=0)

    def __len__(self) -> int:
        return len(self.pieces)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the stretches of these indices."""
        n, length = len(indices), self.length
        x = np.zeros((n, length, self.features.shape[1]), np.float32)
        y = np.full((n, length, self.targets.shape[1]), -1, np.float32)
        w = np.zeros((n, length), np.float32)
        for row, k in enumerate(indices):
            a, b = self.pieces[k]
            x[row, : b - a], y[row, : b - a], w[row, : b - a] = self.features[a:b], self.targets[a:b], self.weights[a:b]
        return Batch(
            {"features": torch.from_numpy(x), "targets": torch.from_numpy(y), "weights": torch.from_numpy(w)}, AXES
        )

    def where(self, index: int) -> str:
        """Say where a stretch starts."""
        return f"row {self.pieces[index][0]}"


def fit_tagger(
    source: Stretches,
    p: TaggerParams,
    *,
    seed: int = 0,
    body: dict[str, torch.Tensor] | None = None,
    progress: str | None = None,
) -> tuple[Tagger, History]:
    """Train on labelled rows by binary cross-entropy; rows without a label of a behaviour are left out of it.

    Parameters
    ----------
    source : Stretches
    p : TaggerParams
    seed : int
        Same seed, same network.
    body : dict of tensors, optional
        Weights of the body from `fit_masked_tagger`.
    progress : str, optional
        Name shown with the bar.
    """
    with seeded(seed):
        net = Tagger(source.features.shape[1], source.targets.shape[1], p)
    if body is not None:
        net.body.load_state_dict(body)

    def loss(model: torch.nn.Module, batch: Batch, _step: TrainingStep) -> dict[str, torch.Tensor]:
        targets = batch["targets"]
        weights = (targets >= 0) * batch["weights"][..., None]
        entropy = nn.functional.binary_cross_entropy_with_logits(
            model(batch["features"]), targets.clamp(min=0), reduction="none"
        )
        return {"loss": (entropy * weights).sum() / weights.sum().clamp(min=1e-6)}

    return net, train(net, loss, source, p.train, seed=seed, progress=progress)


def fit_masked_tagger(
    source: Stretches, p: TaggerParams, *, seed: int = 0, progress: str | None = None
) -> dict[str, torch.Tensor]:
    """Train a body without labels: from the rows around it, say what a hidden stretch of rows holds.

    Returns
    -------
    dict of tensors
        Weights of the body, for `fit_tagger`.
    """
    width = source.features.shape[1]
    with seeded(seed):
        net = Tagger(width, width, p.replace(hide=0.0))

    def loss(model: torch.nn.Module, batch: Batch, _step: TrainingStep) -> dict[str, torch.Tensor]:
        x, there = batch["features"], (batch["weights"] > 0)[..., None]
        starts = torch.rand(x.shape[:2], device=x.device) < _HIDDEN_SHARE / _HIDDEN_ROWS
        hidden = nn.functional.max_pool1d(starts[:, None].float(), 2 * (_HIDDEN_ROWS // 2) + 1, 1, _HIDDEN_ROWS // 2)[
            :, 0, :, None
        ].bool()
        error = (model(torch.where(hidden, 0.0, x)) - x).square()
        asked = (hidden & there).expand_as(error)
        return {"loss": error[asked].mean() if asked.any() else error.mean() * 0}

    train(net, loss, source, p.train, seed=seed, progress=progress)
    return {k: v.detach().clone() for k, v in net.body.state_dict().items()}


def tag(net: Tagger, features: np.ndarray, spans: Spans) -> np.ndarray:
    """Return logits ``(row, behaviour)`` of scaled features, each span by itself; NaN outside the spans."""
    out = np.full((len(features), net.n_out), np.nan, np.float32)
    net.eval()
    with torch.inference_mode(), settled(torch.device("cpu")):
        for a, b in spans:
            x = torch.from_numpy(np.ascontiguousarray(features[a:b], np.float32))
            out[a:b] = net(x[None])[0].numpy()
    return out


__all__ = ["Stretches", "Tagger", "TaggerParams", "fit_masked_tagger", "fit_tagger", "tag"]
