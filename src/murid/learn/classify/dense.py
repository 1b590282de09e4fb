"""A dense network on rows of features: trained by torch (extra ``nets``), kept and applied as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from murid.data.errors import require
from murid.data.params import Params, param

Floats = NDArray[np.float32]


class DenseParams(Params):
    """Parameters of the dense network: DLCAnalyzer's by default, but for the batch."""

    hidden: tuple[int, ...] = param((256, 128), why="widths of the hidden layers")
    dropout: tuple[float, ...] = param((0.4, 0.3), why="share of units left out in training, per hidden layer")
    epochs: int = param(10, ge=1, why="passes over the frames")
    min_steps: int = param(1000, ge=1, why="small data sets go on for more epochs until so many steps are made")
    batch: int = param(256, ge=1, why="frames a step; the original's 32 makes eight times as many steps")
    learning_rate: float = param(1e-3, gt=0, why="of RMSprop; Keras' default")
    balance: float = param(0.0, ge=0, le=1, why="0 = classes as they are (original), 1 = all classes weigh the same")
    standardise: bool = param(
        True, why="by mean and sd of the training frames; without, inputs must come on one scale already"
    )
    clip: float | None = param(
        8.0, gt=0, why="largest input in sd, so that one jump of the tracker does not swing every unit; None = no limit"
    )


class Dense:
    """Standardise, dense layers with ReLU, then softmax or one sigmoid a behaviour.

    Attributes
    ----------
    mean, scale : arrays (feature,)
        From the training frames; missing values become the mean. A feature that no training frame has, or that all
        have alike, is infinite in `scale`: it counts as 0, whatever it is later.
    clip : float
        Largest standardised input.
    layers : list of (weight (in, out), bias (out,))
    softmax : bool
        Classes exclude each other; the last one is "none of them" when there is one more than behaviours.
    """

    def __init__(
        self,
        n_behaviours: int,
        mean: Floats,
        scale: Floats,
        layers: Sequence[tuple[Floats, Floats]],
        softmax: bool,
        clip: float = 8.0,
    ) -> None:
        self.n_behaviours, self.mean, self.scale = n_behaviours, mean, scale
        self.layers, self.softmax, self.clip = list(layers), softmax, clip

    def predict(self, features: Floats) -> Floats:
        """Return probabilities ``(frame, behaviour)``; a frame without any feature gets NaN."""
        x = np.asarray(self.scaled(features), np.float64)
        for weight, bias in self.layers[:-1]:
            x = np.maximum(x @ weight + bias, 0)
        x = x @ self.layers[-1][0] + self.layers[-1][1]
        if self.softmax:
            x = np.exp(x - x.max(axis=1, keepdims=True))
            x = x / x.sum(axis=1, keepdims=True)
        else:
            x = 1 / (1 + np.exp(-np.clip(x, -50, 50)))
        x[~np.isfinite(features).any(axis=1)] = np.nan
        return x[:, : self.n_behaviours].astype(np.float32)

    def scaled(self, features: Floats) -> Floats:
        """Return standardised features, missing ones 0, within ± `clip`."""
        x = (features - self.mean) / self.scale
        return np.clip(np.where(np.isfinite(x), x, 0), -self.clip, self.clip).astype(np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Name → array, for storage."""
        out: dict[str, np.ndarray] = {
            "net_mean": self.mean,
            "net_scale": self.scale,
            "net_kind": np.array([self.softmax, self.n_behaviours], np.int32),
            "net_clip": np.array([self.clip], np.float32),
        }
        for i, (weight, bias) in enumerate(self.layers):
            out |= {f"net_weight_{i}": weight, f"net_bias_{i}": bias}
        return out

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back `to_arrays`."""
        n = sum(name.startswith("net_weight_") for name in arrays)
        layers = [(arrays[f"net_weight_{i}"], arrays[f"net_bias_{i}"]) for i in range(n)]
        softmax, n_behaviours = map(int, arrays["net_kind"])
        # Models of earlier versions have no limit of their own.
        clip = float(arrays["net_clip"][0]) if "net_clip" in arrays else 8.0
        return cls(n_behaviours, arrays["net_mean"], arrays["net_scale"], layers, bool(softmax), clip)


def fit_dense(
    features: Floats,
    targets: NDArray[np.int8],
    *,
    exclusive: bool,
    weights: Floats | None = None,
    params: DenseParams | None = None,
    seed: int = 0,
    text: str = "network",
    **changes: Any,
) -> Dense:
    """Train by RMSprop on cross-entropy.

    Parameters
    ----------
    features : float32 array (frame, feature)
        NaN = missing.
    targets : int8 array (frame, behaviour)
        1 present, 0 absent, −1 unlabelled (left out).
    exclusive : bool
        Softmax over the behaviours and "none of them"; otherwise one sigmoid a behaviour.
    weights : array (frame,), optional
    params : DenseParams
    seed : int
        Same seed, same network. Runs on one thread, so that sums are always taken in the same order.
    **changes
        Single parameters of `DenseParams`, over `params`.
    """
    require("torch", "nets")
    p = DenseParams.of(params, changes)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(features)
        count = np.maximum(known.sum(0), 1)
        mean = np.where(known, features, 0).sum(0, dtype=np.float64) / count
        scale = np.sqrt((np.where(known, features - mean, 0) ** 2).sum(0) / count)
    varies = known.any(axis=0) & (scale > 1e-6)
    if not p.standardise:
        mean, scale = np.zeros_like(mean), np.ones_like(scale)
    scale = np.where(varies, scale, np.inf)
    n = targets.shape[1]
    if exclusive:
        keep = (targets >= 0).all(axis=1)
        some = targets.max(axis=1) > 0
        classes = np.where(some, targets.argmax(axis=1), n)
        goal = np.eye(n + (0 if some[keep].all() else 1), dtype=np.float32)[np.where(keep, classes, 0)]
    else:
        keep = (targets >= 0).any(axis=1)
        goal = targets.astype(np.float32)
    weight = np.ones(len(targets), np.float32) if weights is None else np.asarray(weights, np.float32)
    share = np.maximum((goal * (goal > 0) * weight[:, None])[keep].sum(0), 1e-6)
    class_weight = ((share.sum() / share) ** p.balance).astype(np.float32)
    rng = np.random.default_rng(seed)
    sizes = [features.shape[1], *p.hidden, goal.shape[1]]
    net = Dense(
        n,
        mean.astype(np.float32),
        scale.astype(np.float32),
        [_glorot(a, b, rng) for a, b in pairwise(sizes)],
        exclusive,
        np.inf if p.clip is None else p.clip,
    )
    arrays = {"features": net.scaled(features)[keep], "goal": goal[keep], "weight": weight[keep]}
    net.layers = _train(net.layers, arrays, class_weight, exclusive, p, int(rng.integers(2**31)), text)
    return net


def _glorot(a: int, b: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    limit = np.sqrt(6 / (a + b))
    return rng.uniform(-limit, limit, (a, b)).astype(np.float32), np.zeros(b, np.float32)


def _train(
    layers: Sequence[tuple[Floats, Floats]],
    arrays: Mapping[str, np.ndarray],
    class_weight: Floats,
    exclusive: bool,
    p: DenseParams,
    seed: int,
    text: str,
) -> list[tuple[Floats, Floats]]:
    from murid.learn.nets._torch import torch
    from murid.learn.nets.batches import Batch, MemorySource
    from murid.learn.nets.loop import TrainingStep, TrainParams, train

    parts: list[torch.nn.Module] = []
    for i, (weight, bias) in enumerate(layers):
        linear = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        parts += [linear, torch.nn.ReLU(), torch.nn.Dropout(p.dropout[i] if i < len(p.dropout) else 0.0)]
    class_weights = torch.from_numpy(class_weight)

    def loss(net: torch.nn.Module, batch: Batch, step: TrainingStep) -> dict[str, torch.Tensor]:
        del step
        out, y = net(batch["features"]), batch["goal"]
        if exclusive:
            each = -(y * class_weights * torch.log_softmax(out, dim=1)).sum(1)
        else:
            each = torch.nn.functional.binary_cross_entropy_with_logits(out, y.clamp(min=0), reduction="none")
            each = (each * torch.where(y > 0, class_weights, 1.0) * (y >= 0)).sum(1)
        return {"loss": (each * batch["weight"]).mean()}

    axes = {"features": ("sample", "feature"), "goal": ("sample", "class"), "weight": ("sample",)}
    params = TrainParams(
        epochs=p.epochs, min_steps=p.min_steps, batch=p.batch, lr=p.learning_rate, optimizer="rmsprop", device="cpu"
    )
    # Neither activation nor dropout after the last layer.
    net = torch.nn.Sequential(*parts[:-2])
    train(net, loss, MemorySource(arrays, axes), params, seed=seed, progress=text)
    linears = [m for m in net if isinstance(m, torch.nn.Linear)]
    return [(m.weight.detach().numpy().T.copy(), m.bias.detach().numpy().copy()) for m in linears]
