"""Parameters of a training, declared without torch."""

from __future__ import annotations

from typing import Literal

from murid.data.params import Params, param

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "32", "bf16", "16"]


class TrainParams(Params):
    """How a network is trained."""

    epochs: int = param(100, ge=1, why="passes over the samples")
    batch: int = param(256, ge=1, unit="samples", why="samples a step")
    drop_last: bool = param(
        False, why="leave out the last, smaller batch of an epoch (batch statistics need a full one)"
    )
    min_steps: int = param(
        0, ge=0, unit="steps", why="small data sets go on for more epochs until so many steps are made"
    )
    max_steps: int | None = param(None, ge=1, unit="steps", why="stop after so many steps; None = by epochs alone")
    lr: float = param(1e-3, gt=0, why="learning rate")
    weight_decay: float = param(0.0, ge=0, why="L2 penalty (adam, sgd) or decoupled decay (adamw)")
    optimizer: Literal["adam", "amsgrad", "adamw", "sgd", "rmsprop"] = param(
        "adam", why="amsgrad = adam with its long memory; rmsprop as in Keras"
    )
    momentum: float = param(0.9, ge=0, lt=1, why="of sgd")
    schedule: Literal["constant", "cosine", "plateau", "one_cycle"] = param(
        "constant",
        why="cosine falls to 0 over the training; plateau falls by `plateau_factor` when the loss stalls; one_cycle "
        "rises from lr/25 over `warmup`, then falls to next to nothing, while momentum falls by .1 and rises again",
    )
    plateau_factor: float = param(0.2, gt=0, lt=1, why="what the learning rate is multiplied by on a plateau")
    plateau_patience: int = param(10, ge=1, unit="epochs", why="epochs without gain that make a plateau")
    warmup: float = param(0.0, ge=0, lt=1, why="share of all steps over which the learning rate rises from 0")
    clip: float | None = param(None, gt=0, why="largest norm of the gradient; None = not clipped")
    patience: int | None = param(
        None, ge=1, unit="epochs", why="stop after so many epochs without gain, keep the best; None = to the end"
    )
    patience_from: int = param(
        0, ge=0, unit="epochs", why="epochs before this one are not compared (terms still ramping up)"
    )
    precision: Precision = param("auto", why="auto = bf16 on GPUs that have it, else 32 bit")
    device: Device = param("auto", why="auto = CUDA, then MPS, then CPU")
    threads: int = param(1, ge=1, why="CPU threads; sums, and so the last digits, depend on their number")
    deterministic: bool = param(True, why="same seed, same weights also on a GPU, at some cost of speed")


class TaggerParams(Params):
    """Shape and training of the temporal network."""

    width: int = param(64, ge=4, why="features inside the network")
    layers: int = param(4, ge=1, le=10, why="it sees 2^layers − 1 rows to each side: ± 1.9 s at 8 rows a second")
    hide: float = param(0.3, ge=0, lt=1, why="share of the features hidden while training: they are redundant")
    dropout: float = param(0.3, ge=0, lt=1, why="inside the network")
    length: int = param(256, ge=8, unit="rows", why="stretch of a training sample")
    train: TrainParams = TrainParams(
        epochs=4, batch=16, lr=2e-3, weight_decay=0.05, optimizer="adamw", schedule="cosine", clip=1.0, min_steps=100
    )
