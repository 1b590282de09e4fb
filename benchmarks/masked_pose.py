"""Pre-training on hidden poses: what its latent tells of unseen simulated mice, beside `vame`.

``python -m benchmarks.masked_pose --sets 0 1 2 --steps 50 --layers 4``. A temporal convolution
that sees 2^layers − 1 rows to either side (4: ± 0.5 s, `vame`'s window; 5: ± 1 s) is given the rows that `vame` is
given, with stretches of them and single points hidden, and fills them in through 30 numbers. Mice and reader are
those of ``benchmarks.latent_robustness``, whose clean column is `vame`'s.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import torch

import murid
from benchmarks.vame import animals, codes
from murid.data.progress import silent
from murid.evaluate.latent import linear_probe
from murid.learn.feature_scaling import fit_scaler
from murid.learn.nets.batches import Batch, Windows
from murid.learn.nets.blocks import Mlp, Tcn
from murid.learn.nets.device import seeded
from murid.learn.nets.loop import TrainingStep, train
from murid.learn.nets.params import TrainParams

LENGTH, STRIDE, SHARE = 240, 20, 0.3


class Filler(torch.nn.Module):
    """Rows and what is hidden of them → body (64) → latent (30) → rows."""

    def __init__(self, n: int, n_points: int, layers: int) -> None:
        super().__init__()
        self.n_points = n_points
        self.body = Tcn(n + n_points + 1, 64, layers)
        self.narrow = torch.nn.Linear(64, 30)
        self.leave = torch.nn.Sequential(torch.nn.GELU(), Mlp([30, 64, n], torch.nn.GELU))

    def encode(self, x: torch.Tensor, hidden: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return body and latent of each row."""
        nothing = torch.zeros(*x.shape[:2], self.n_points + 1)
        body = self.body(torch.cat([x, nothing if hidden is None else hidden], 2))
        return body, self.narrow(body)


def stretches(shape: tuple[int, ...], length: int, low: int, high: int) -> torch.Tensor:
    """Random stretches of `low` to `high` rows that hide about `SHARE` of them; bool ``(*shape, length)``."""
    out, rows = torch.zeros(*shape, length, dtype=torch.bool), torch.arange(length)
    for _ in range(int(np.ceil(SHARE * length / ((low + high) / 2)))):
        first, n = torch.randint(0, length, shape), torch.randint(low, high + 1, shape)
        out |= (rows >= first[..., None]) & (rows < (first + n)[..., None])
    return out


def loss(net: torch.nn.Module, batch: Batch, step: TrainingStep) -> dict[str, torch.Tensor]:
    """Squared error of what was hidden, and a tenth of that of all."""
    x, p = batch["pose"], net.n_points
    hidden = stretches((len(x),), x.shape[1], 5, 25)[:, :, None].repeat(1, 1, p + 1)
    hidden |= stretches((len(x), p + 1), x.shape[1], 10, 45).transpose(1, 2)
    movement = hidden[:, :, p:].expand(-1, -1, x.shape[2] - 2 * p)
    every = torch.cat([hidden[:, :, :p].repeat_interleave(2, dim=2), movement], 2)
    error = (net.leave(net.encode(torch.where(every, 0.0, x), hidden.float())[1]) - x).square()
    return {"loss": (error * every).sum() / every.sum().clamp(min=1) + 0.1 * error.mean()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, nargs="*", default=[0, 1, 2], help="of mice")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--layers", type=int, default=4, help="it sees 2^layers - 1 rows of 1/30 s to either side")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for number in args.sets:
        parts = animals(range(10 * number, 10 * number + 3)), animals(range(10 * number + 5, 10 * number + 7))
        method = murid.method("vame")
        method.facts = method._start(parts[0])
        with silent():
            method._prepare(parts[0])
        tracks = [[next(method.tracks(r)) for r in part] for part in parts]
        tables = [[method._describe(t) for t in part] for part in tracks]
        p, n = len(method.facts["points"]), tables[0][0].shape[1]
        blocks = np.concatenate([np.zeros(2 * p, int), np.arange(1, 1 + n - 2 * p)])
        scaler = fit_scaler(tables[0], blocks=blocks, min_seen=0.5)
        truth = [np.concatenate([codes(r) for r in part]) for part in parts]
        with seeded(0):
            net = Filler(n, p, args.layers)
        params = TrainParams(
            batch=16,
            epochs=1000,
            max_steps=args.steps,
            lr=2e-3,
            optimizer="adamw",
            weight_decay=0.01,
            schedule="cosine",
            warmup=0.05,
            clip=1.0,
        )
        start = time.process_time()
        with silent():
            train(net, loss, Windows([scaler(t) for t in tables[0]], LENGTH, STRIDE), params)
        spent, found = time.process_time() - start, []
        for k in (1, 0):
            latents = []
            for part, described in zip(tracks, tables, strict=True):
                rows = []
                for track, table in zip(part, described, strict=True):
                    with torch.inference_mode():
                        z = net.encode(torch.from_numpy(np.nan_to_num(scaler(table)).astype(np.float32))[None])[k][0]
                    rows.append(z.numpy()[np.minimum(method._even(track).row, len(z) - 1)])
                latents.append(np.concatenate(rows))
            found.append(linear_probe((latents[0], truth[0]), (latents[1], truth[1]))["macro_f1"])
        print(
            f"mice {number}: {args.steps} steps, CPU {spent:.0f} s, probe F1 of the latent (30) {found[0]:.3f}, "
            f"of the body (64) {found[1]:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
