"""Where a network runs: chosen, checked and described."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

from murid.data.errors import fail
from murid.learn.nets._torch import torch
from murid.learn.nets.params import Device, Precision


def pick_device(wanted: Device | str = "auto") -> torch.device:
    """Return the device to run on; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Under ``torchrun`` each process takes the GPU of its local rank.

    Raises
    ------
    DataError
        When a GPU is asked for and there is none.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wanted == "auto":
        wanted = "cuda" if cuda else "mps" if mps else "cpu"
    if (wanted == "cuda" and not cuda) or (wanted == "mps" and not mps):
        fail(
            "device",
            f"torch sees no {wanted} device",
            expected="a GPU that torch supports",
            got=describe_device("cpu"),
            todo="use device='auto', or install a torch build for your GPU",
        )
    if wanted not in ("cpu", "cuda", "mps"):
        fail("device", f"'{wanted}' is not known", expected="auto, cpu, cuda or mps")
    index = int(os.environ.get("LOCAL_RANK", "0")) if wanted == "cuda" else None
    return torch.device(wanted) if index is None else torch.device(wanted, index)


def laid_out(net: torch.nn.Module, device: torch.device, *, training: bool = True) -> torch.nn.Module:
    """Move a network to a device; while it computes, images lie with their channels last.

    Image convolutions are quicker that way (a third for `selfee`'s network on a CPU), other layers do not change. With
    ``training=False`` everything lies as torch has it by default, as files and arrays expect.
    """
    return net.to(device, memory_format=torch.channels_last if training else torch.contiguous_format)  # type: ignore[call-overload]


def describe_device(device: torch.device | str) -> str:
    """Name a device for people: ``"cuda:0, NVIDIA H100, 80 GB"``."""
    device = torch.device(device)
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{device}, {properties.name}, {properties.total_memory / 2**30:.0f} GB"
    if device.type == "mps":
        return "mps, Apple GPU"
    return f"cpu, {platform.machine()}, {os.cpu_count()} cores"


def pick_precision(wanted: Precision, device: torch.device) -> torch.dtype | None:
    """Return the type of mixed precision, or None for plain 32 bit."""
    if wanted == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else None
    if wanted == "16" and device.type == "cpu":
        fail("precision", "16 bit floats need a GPU", todo="use precision='bf16' or '32'")
    return {"32": None, "bf16": torch.bfloat16, "16": torch.float16}[wanted]


@contextmanager
def settled(device: torch.device, *, threads: int = 1, deterministic: bool = True) -> Iterator[None]:
    """Fix the number of CPU threads and, on a GPU, deterministic kernels; put everything back afterwards."""
    before = torch.get_num_threads()
    flags = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.set_num_threads(threads)
    if deterministic and device.type == "cuda":
        # cuBLAS reads this once, at its first use in the process.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.use_deterministic_algorithms(flags[0], warn_only=flags[1])
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    """Seed torch inside the block from one or several numbers; the caller's random state is untouched.

    Build networks inside: ``with seeded(seed): net = Net()``.
    """
    import numpy as np

    number = int(np.random.SeedSequence([int(s) for s in seed]).generate_state(1, np.uint64)[0] >> 1)
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(number)
        yield
