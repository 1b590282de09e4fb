"""Cases of the parameters of `murid.learn.nets`: the smallest networks, a few steps."""

from __future__ import annotations

import numpy as np

from murid.learn.nets.batches import MemorySource
from murid.learn.nets.blocks import Mlp
from murid.learn.nets.device import seeded
from murid.learn.nets.loop import train
from murid.learn.nets.params import TaggerParams, TrainParams
from murid.learn.nets.sequence import LabelledSequences, SequenceNetParams, fit_sequences
from murid.learn.nets.tagger import Stretches, fit_tagger
from murid.learn.nets.vame import VameNetParams, fit_vame
from murid.learn.nets.weights import weights_of
from tests.parameter_cases import Acts

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype(np.float32)
Y = (X @ RNG.normal(size=(4, 1)) + 30 * RNG.random((50, 1))).astype(np.float32)
AXES = {"x": ("sample", "feature"), "y": ("sample", "target")}
ROWS = RNG.normal(size=(120, 4)).astype(np.float32)
CODES = (ROWS[:, 0] > 0.8).astype(np.int64)


def trained(p: TrainParams):
    """Weights after training, and where it stopped; held-out samples are worse from the start."""
    with seeded(1):
        net = Mlp([4, 6, 1])
    loss = lambda model, batch, _step: {"loss": ((model(batch["x"]) - batch["y"]) ** 2).mean()}  # noqa: E731
    history = train(net, loss, MemorySource({"x": X, "y": Y}, AXES), p, valid=MemorySource({"x": X, "y": -Y}, AXES))
    return [weights_of(net), history.table()[["epoch", "steps", "loss", "lr"]], history.best_epoch, history.stopped]


def tagged(p: TaggerParams):
    source = Stretches(ROWS, CODES[:, None].astype(np.int8), np.ones(120, np.float32), [(0, 120)], p.length)
    return weights_of(fit_tagger(source, p)[0])


def sequences(p: SequenceNetParams):
    source = LabelledSequences([ROWS], [CODES], length=40)
    return weights_of(fit_sequences(source, 2, p, TrainParams(epochs=2, batch=2, lr=0.01))[0])


def windows(p: VameNetParams):
    return weights_of(fit_vame([ROWS], [], p, TrainParams(epochs=3, batch=50, lr=0.01))[0])


CASES = {
    TrainParams: Acts(
        trained,
        {
            "epochs": 5,
            "batch": 20,
            "drop_last": True,
            "min_steps": 40,
            "max_steps": 5,
            "lr": 0.05,
            "weight_decay": 0.1,
            "optimizer": "rmsprop",
            "momentum": 0.5,
            "schedule": "cosine",
            "plateau_factor": 0.5,
            "plateau_patience": 2,
            "warmup": 0.5,
            "clip": 0.01,
            "patience": 1,
            "patience_from": 2,
            "precision": "bf16",
        },
        base={"epochs": 4, "batch": 16, "lr": 0.01, "device": "cpu", "precision": "32"},
        given={
            "momentum": {"optimizer": "sgd", "lr": 1e-4},
            "plateau_factor": {"schedule": "plateau", "plateau_patience": 1},
            "plateau_patience": {"schedule": "plateau", "plateau_patience": 1},
            "patience_from": {"patience": 1},
        },
        exempt={
            "device": "where it is computed; this machine may have a CPU alone (tests/learn/nets/test_loop.py)",
            "threads": "how many CPU threads; only the last digits of long sums depend on it",
            "deterministic": "chooses algorithms of the GPU; on a CPU the same ones are used",
        },
    ),
    TaggerParams: Acts(
        tagged,
        {
            "width": 8,
            "layers": 3,
            "hide": 0.6,
            "dropout": 0.0,
            "length": 16,
            "train": TrainParams(epochs=1, batch=2),
        },
        base={"width": 4, "layers": 2, "length": 32, "train": TrainParams(epochs=2, batch=2)},
    ),
    SequenceNetParams: Acts(
        sequences,
        {"kind": "lstm", "latent": 3, "width": 8, "layers": 3, "noise": 0.5, "dropout": 0.0, "balance": 1.0},
        base={"latent": 4, "width": 4, "layers": 2},
    ),
    VameNetParams: Acts(
        windows,
        {
            "kind": "gru",
            "latent": 3,
            "window": 10,
            "future": 0,
            "hidden": 16,
            "beta": 9.0,
            "cluster": 5.0,
            "noise": 0.8,
            "ramp": (0.0, 0.1),
        },
        base={"latent": 4, "window": 8, "future": 4, "hidden": 8},
    ),
}
