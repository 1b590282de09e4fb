"""The training loop that every network of murid uses.

`train` goes through the samples in an order that only the seed and the epoch determine, and writes a checkpoint
after every epoch: a training that was interrupted goes on to the weights it would have reached anyway.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from murid.data.errors import fail
from murid.data.progress import tell
from murid.data.warning import warn_user
from murid.learn.nets._torch import out_of_memory, torch
from murid.learn.nets.batches import Batch, SampleSource, sample_digest
from murid.learn.nets.checkpoint import State, Tensors, load_checkpoint, save_checkpoint
from murid.learn.nets.device import describe_device, laid_out, pick_device, pick_precision, seeded, settled
from murid.learn.nets.history import History
from murid.learn.nets.parallel import World, join_processes
from murid.learn.nets.params import TrainParams

__all__ = ["History", "TrainingStep", "TrainParams", "train"]


@dataclass(frozen=True)
class TrainingStep:
    """Where the training is, for losses whose weights change with time.

    Attributes
    ----------
    epoch, step : int
        From 0.
    epochs, steps : int
        How many there will be at most.
    training : bool
        False while validating.
    device : torch.device
    """

    epoch: int
    step: int
    epochs: int
    steps: int
    training: bool
    device: torch.device


#: The rate of one cycle begins at this part of the largest, and ends at this share of it (Smith & Topin 2019).
ONE_CYCLE_START, ONE_CYCLE_END = 25.0, 4e-6

Terms = dict[str, torch.Tensor]
Net = TypeVar("Net", bound=torch.nn.Module)
#: ``loss(net, batch, step)`` returns named terms, each a mean over the samples; the one called "loss" is optimised.
Loss = Callable[[Net, Batch, TrainingStep], Terms]


def train(
    net: Net,
    loss: Loss[Net],
    source: SampleSource,
    params: TrainParams | None = None,
    *,
    valid: SampleSource | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: str | None = None,
    **changes: Any,
) -> History:
    """Train a network in place.

    Parameters
    ----------
    net : Module
        Its weights are the start; build it inside `device.seeded`. Ends on the CPU, in evaluation mode.
    loss : callable
        ``loss(net, batch, step)`` → dict of scalar tensors, means over the samples. Random numbers drawn from torch
        inside it are determined by seed and epoch.
    source : SampleSource
        Samples to learn from.
    params : TrainParams
    valid : SampleSource, optional
        Samples to compare epochs by; without them epochs are compared by the training loss.
    seed : int
        Same seed, same weights (on one kind of device, for one number of CPU threads).
    checkpoint : path, optional
        File that is written after every epoch and, when it is there already, gone on from.
    progress : str, optional
        Name of the training in the progress display.
    **changes
        Single parameters of `TrainParams`, over `params`.

    Returns
    -------
    History

    Raises
    ------
    DataError
        A loss that is not finite (names epoch, step and where the samples come from), a checkpoint of another
        training, no GPU where one was asked for, memory that does not suffice for one sample.
    """
    p = TrainParams.of(params, changes)
    device = pick_device(p.device)
    path = None if checkpoint is None else Path(checkpoint)
    with settled(device, threads=p.threads, deterministic=p.deterministic), join_processes(device) as world:
        run = _Run(net, loss, p, device, world, len(source), seed)
        if path is not None:
            # A file may be given again for other recordings of the same length: another fold of animals.
            run.identity["content of samples"] = [sample_digest(s) for s in (source, valid) if s is not None]
        if path is not None and path.is_file():
            run.state, run.best = load_checkpoint(path, run.identity, net, run.optimizer)
            run.scaler.load_state_dict(run.state.scaler)
        text = f"{progress or 'training'} on {device}"
        while not run.state.stopped:
            run.round(source, valid, text)
            if path is not None and world.first:
                save_checkpoint(path, run.state, run.identity, net, run.optimizer, run.best)
        if run.best is not None:
            net.load_state_dict(run.best)
        tell(text, run.steps, run.steps)
    laid_out(net, torch.device("cpu"), training=False).eval()
    return run.history(describe_device(device))


class _Objective(torch.nn.Module, Generic[Net]):
    """Net and loss as one module, so that gradients of any part the loss calls are averaged over processes."""

    def __init__(self, net: Net, loss: Loss[Net]) -> None:
        super().__init__()
        self.net, self._loss = net, loss

    def forward(self, batch: Batch, step: TrainingStep) -> Terms:
        return self._loss(self.net, batch, step)


class _Run(Generic[Net]):
    """One training under way."""

    def __init__(
        self, net: Net, loss: Loss[Net], p: TrainParams, device: torch.device, world: World, n: int, seed: int
    ) -> None:
        if n < 1 or (p.drop_last and n < p.batch):
            fail(
                "training",
                "too few samples for a batch",
                expected=f"at least {p.batch if p.drop_last else 1}",
                got=str(n),
                todo="add data, or take smaller batches",
            )
        if world.size > p.batch:
            fail("training", "fewer samples a step than processes", expected=f"batch >= {world.size}", got=str(p.batch))
        self.net, self.p, self.device, self.world, self.n, self.seed = laid_out(net, device), p, device, world, n, seed
        self.module = world.wrap(_Objective(net, loss), device)
        self.optimizer = _optimizer(net, p)
        self.dtype = pick_precision(p.precision, device)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype is torch.float16)
        self.per_epoch = n // p.batch if p.drop_last else math.ceil(n / p.batch)
        self.epochs = max(p.epochs, math.ceil(p.min_steps / self.per_epoch))
        self.steps = min(self.epochs * self.per_epoch, p.max_steps or math.inf)
        self.state = State()
        self.best: Tensors | None = None
        self.checked = False
        self.identity = {
            "params": p.model_dump(mode="json", exclude={"device", "threads"}),
            "seed": seed,
            "samples": n,
            "weights": {k: list(t.shape) for k, t in net.state_dict().items()},
        }

    # ---- an epoch -------------------------------------------------------------------------------
    def history(self, device: str) -> History:
        """What the training leaves behind."""
        s = self.state
        return History(s.rows, device, s.best_epoch if self.best is not None else None, s.stopped, s.parts)

    def round(self, source: SampleSource, valid: SampleSource | None, text: str) -> None:
        """One epoch, its validation, and what follows from them."""
        row = self.epoch(source, text)
        if valid is not None:
            row |= {f"valid_{k}": v for k, v in self.validate(valid).items()}
        self.judge(row, "valid_loss" if valid is not None else "loss")
        self.state.scaler = self.scaler.state_dict()

    def epoch(self, source: SampleSource, text: str) -> dict[str, float]:
        """Go once through the samples; return the row of the history."""
        s, start = self.state, time.perf_counter()
        order = np.random.default_rng([self.seed, s.epoch]).permutation(self.n)
        chunks = [order[k * self.p.batch : (k + 1) * self.p.batch] for k in range(self.per_epoch)]
        chunks = [c for c in chunks[: int(self.steps) - s.step] if len(c) >= self.world.size]
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self.net.train()
        total, seen, self.checked = dict[str, float](), 0, False
        with seeded(self.seed, s.epoch, self.world.rank):
            for indices, batch in _ahead(source, [self.world.share(c) for c in chunks]):
                terms = self._update(source, batch, indices)
                s.step += 1
                seen += len(indices)
                for name, value in terms.items():
                    total[name] = total.get(name, 0.0) + value * len(indices)
                if self.world.first:
                    tell(text, s.step, self.steps, note=f"loss {terms['loss']:.4g}")
        seconds = time.perf_counter() - start
        names = list(total)
        means = dict(zip(names, self.world.mean([total[k] / seen for k in names]), strict=True))
        s.epoch += 1
        return {
            "epoch": s.epoch - 1,
            "steps": s.step,
            **means,
            "lr": self._lr(s.step - 1),
            "seconds": seconds,
            "samples_per_s": seen * self.world.size / max(seconds, 1e-9),
            "memory_mb": self._memory(),
        }

    def _update(self, source: SampleSource, batch: Batch, indices: np.ndarray) -> dict[str, float]:
        """One step of the optimizer; a batch that does not fit into memory is computed in parts."""
        if not self.checked:
            batch.validate()
            self.checked = True
        while True:
            try:
                self.optimizer.zero_grad(set_to_none=True)
                terms = self._gradient(source, batch, indices)
                break
            except (RuntimeError, MemoryError) as exc:
                if not out_of_memory(exc) or self.world.size > 1:
                    raise
            # Outside the except block: the error holds the tensors that are in the way.
            self._halve(len(batch))
        for group in self.optimizer.param_groups:
            group["lr"] = self._lr(self.state.step)
            if self.p.schedule == "one_cycle" and "momentum" in group:
                group["momentum"] = self._momentum(self.state.step)
        self.scaler.unscale_(self.optimizer)
        if self.p.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.p.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return terms

    def _gradient(self, source: SampleSource, batch: Batch, indices: np.ndarray) -> dict[str, float]:
        total: dict[str, float] = {}
        for rows in _parts(len(batch), self.state.parts):
            share = (rows.stop - rows.start) / len(batch)
            terms, values = self._terms(source, batch.part(rows), indices[rows], training=True)
            self.scaler.scale(terms["loss"] * share).backward()
            for name, value in values.items():
                total[name] = total.get(name, 0.0) + value * share
        return total

    def _terms(
        self, source: SampleSource, batch: Batch, indices: np.ndarray, *, training: bool
    ) -> tuple[Terms, dict[str, float]]:
        s = self.state
        step = TrainingStep(s.epoch, s.step, self.epochs, int(self.steps), training, self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
            module = self.module if training else getattr(self.module, "module", self.module)
            terms = module(batch.to(self.device), step)
        names = list(terms)
        values = dict(zip(names, torch.stack([terms[k].detach().float() for k in names]).tolist(), strict=True))
        if not all(map(math.isfinite, values.values())):
            fail(
                "training",
                "the loss is not finite",
                where=f"epoch {s.epoch}, step {s.step}",
                expected="numbers",
                got=", ".join(f"{k} {v:.4g}" for k, v in values.items()) + f" from {_where(source, batch, indices)}",
                todo="look there for extreme values; else lower lr or set clip",
            )
        return terms, values

    def _halve(self, size: int) -> None:
        if self.state.parts >= size:
            fail(
                "training",
                "memory does not suffice for one sample",
                where=describe_device(self.device),
                todo="take smaller samples or a smaller network, or device='cpu'",
            )
        self.state.parts *= 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        warn_user(
            f"out of memory on {self.device}: batches of {size} samples are computed in {self.state.parts} parts from "
            "now on; the gradient is still that of the whole batch, unless the loss compares samples with each other"
        )

    def _lr(self, step: int) -> float:
        p, scale = self.p, self.state.lr_scale
        rise = p.warmup * self.steps
        if p.schedule == "one_cycle":
            least = 1 / ONE_CYCLE_START if step <= rise - 1 else ONE_CYCLE_END
            return p.lr * scale * (least + (1 - least) * self._height(step))
        if step < rise:
            return p.lr * scale * (step + 1) / rise
        if p.schedule == "cosine":
            scale *= 0.5 * (1 + math.cos(math.pi * (step - rise) / max(self.steps - rise, 1)))
        return p.lr * scale

    def _height(self, step: int) -> float:
        """Height of the one cycle: 0 at the first step, 1 at the end of the rise, 0 at the last step."""
        top = max(self.p.warmup * self.steps - 1, 0.0)
        share = step / top if step < top else 1 - (step - top) / max(self.steps - 1 - top, 1)
        return 0.5 * (1 - math.cos(math.pi * share))

    def _momentum(self, step: int) -> float:
        return max(self.p.momentum - 0.1 * self._height(step), 0.0)

    def _memory(self) -> float:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**20
        import psutil

        return psutil.Process().memory_info().rss / 2**20

    # ---- between epochs -------------------------------------------------------------------------
    def validate(self, source: SampleSource) -> dict[str, float]:
        """Return the mean terms over the samples of `source`."""
        self.net.eval()
        total: dict[str, float] = {}
        size = max(1, self.p.batch // self.state.parts)
        chunks = np.array_split(np.arange(len(source)), math.ceil(len(source) / size))
        with torch.no_grad(), seeded(self.seed, self.state.epoch, 2**31):
            for indices, batch in _ahead(source, chunks):
                for name, value in self._terms(source, batch, indices, training=False)[1].items():
                    total[name] = total.get(name, 0.0) + value * len(indices) / len(source)
        return total

    def judge(self, row: dict[str, float], by: str) -> None:
        """Note the row; lower the rate on a plateau; keep the best weights; say whether to stop."""
        s, p = self.state, self.p
        s.rows.append(row)
        s.stall_best, s.stall = (row[by], 0) if row[by] < s.stall_best else (s.stall_best, s.stall + 1)
        if p.schedule == "plateau" and s.stall >= p.plateau_patience:
            s.lr_scale, s.stall = s.lr_scale * p.plateau_factor, 0
        if p.patience is not None and row["epoch"] >= p.patience_from:
            if row[by] < s.best:
                s.best, s.best_epoch, s.worse = row[by], int(row["epoch"]), 0
                self.best = {k: t.detach().cpu().clone() for k, t in self.net.state_dict().items()}
            else:
                s.worse += 1
        if s.step >= self.steps:
            s.stopped = "max_steps" if s.step == p.max_steps else "epochs"
        elif p.patience is not None and s.worse >= p.patience:
            s.stopped = "patience"


def _optimizer(net: torch.nn.Module, p: TrainParams) -> torch.optim.Optimizer:
    weights = [w for w in net.parameters() if w.requires_grad]
    if p.optimizer == "sgd":
        return torch.optim.SGD(weights, p.lr, momentum=p.momentum, weight_decay=p.weight_decay)
    if p.optimizer == "rmsprop":
        return torch.optim.RMSprop(weights, p.lr, alpha=0.9, eps=1e-7, weight_decay=p.weight_decay)
    if p.optimizer == "adamw":
        return torch.optim.AdamW(weights, p.lr, weight_decay=p.weight_decay)
    return torch.optim.Adam(weights, p.lr, weight_decay=p.weight_decay, amsgrad=p.optimizer == "amsgrad")


def _where(source: SampleSource, batch: Batch, indices: np.ndarray, most: int = 8) -> str:
    """Say where samples come from: those that hold something that is not a number, else all of the batch."""
    broken = [i for i in range(len(batch)) if not all(torch.isfinite(t[i]).all() for t in batch.tensors.values())]
    places = [source.where(int(indices[i])) for i in broken or range(len(batch))]
    return "; ".join(places[:most]) + (f" and {len(places) - most} more" if len(places) > most else "")


def _parts(n: int, parts: int) -> list[slice]:
    edges = np.linspace(0, n, min(parts, n) + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def _ahead(source: SampleSource, chunks: Sequence[np.ndarray], depth: int = 2) -> Iterator[tuple[np.ndarray, Batch]]:
    """Yield batches in order while the next ones are being read in a thread."""
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        waiting = deque((c, pool.submit(source.batch, c)) for c in chunks[:depth])
        for chunk in [*chunks[depth:], *[None] * min(depth, len(chunks))]:
            indices, future = waiting.popleft()
            batch = future.result()
            if chunk is not None:
                waiting.append((chunk, pool.submit(source.batch, chunk)))
            yield indices, batch
