"""Several GPUs by ``torchrun``: the same training, each process with its share of every batch.

Start with ``torchrun --nproc-per-node 4 script.py``. With one process nothing here does anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from murid.learn.nets._torch import torch


@dataclass(frozen=True)
class World:
    """The processes that train together.

    Attributes
    ----------
    rank, size : int
        This process, and how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the files and tells the progress."""
        return self.rank == 0

    def share(self, indices: np.ndarray) -> np.ndarray:
        """Return this process' part of a batch."""
        return indices[self.rank :: self.size]

    def wrap(self, module: torch.nn.Module, device: torch.device) -> torch.nn.Module:
        """Return the module with gradients averaged over the processes."""
        if self.size == 1:
            return module
        ids = [device.index] if device.type == "cuda" else None
        return torch.nn.parallel.DistributedDataParallel(module, device_ids=ids, find_unused_parameters=True)

    def mean(self, values: list[float]) -> list[float]:
        """Return the means over the processes."""
        if self.size == 1:
            return values
        device = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
        total = torch.tensor(values, dtype=torch.float64, device=device)
        torch.distributed.all_reduce(total)
        return (total / self.size).tolist()


@contextmanager
def join_processes(device: torch.device) -> Iterator[World]:
    """Join the processes that ``torchrun`` started; alone, give the world of one."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    opened_here = not torch.distributed.is_initialized()
    if opened_here:
        if device.type == "cuda":
            torch.cuda.set_device(device)
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(torch.distributed.get_rank(), size)
    finally:
        if opened_here:
            torch.distributed.destroy_process_group()
