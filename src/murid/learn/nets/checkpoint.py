"""State of a training between two epochs: one file, written whole or not at all, without pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from murid.data.atomic import atomic_file
from murid.data.errors import Faults
from murid.learn.nets._torch import torch

Tensors = dict[str, torch.Tensor]


@dataclass
class State:
    """All that a training needs to go on, apart from tensors.

    Random numbers and the order of samples come from (seed, epoch), so nothing of them is kept.
    """

    epoch: int = 0
    step: int = 0
    parts: int = 1
    lr_scale: float = 1.0
    stall_best: float = float("inf")
    stall: int = 0
    best: float = float("inf")
    best_epoch: int | None = None
    worse: int = 0
    stopped: str = ""
    scaler: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)


def save_checkpoint(
    path: Path,
    state: State,
    identity: dict[str, Any],
    net: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    best: Tensors | None,
) -> None:
    """Write net, optimizer, best weights (tensors) and state (JSON in the file's header)."""
    from safetensors.torch import save_file

    tensors = {f"net.{k}": t for k, t in net.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": v for k, v in values.items() if isinstance(v, torch.Tensor)}
    tensors |= {f"best.{k}": t for k, t in (best or {}).items()}
    head = {"state": json.dumps(asdict(state)), "identity": json.dumps(identity)}
    with atomic_file(path) as temporary:
        save_file({k: t.detach().cpu().contiguous().clone() for k, t in tensors.items()}, temporary, metadata=head)


def load_checkpoint(
    path: Path, identity: dict[str, Any], net: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[State, Tensors | None]:
    """Read a checkpoint back into net and optimizer.

    Raises
    ------
    DataError
        When the checkpoint is of another training: names what differs.
    """
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        head = file.metadata()
        tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - not a dict
    other, faults = json.loads(head["identity"]), Faults(f"checkpoint {path}")
    for name in identity:
        if other.get(name) != identity[name]:
            faults.add(
                f"is of a training with another {name}",
                expected=str(identity[name]),
                got=str(other.get(name)),
                todo="delete the checkpoint to start anew, or train as before",
            )
    faults.raise_if_any()
    net.load_state_dict(_under("net.", tensors))
    packed = optimizer.state_dict()
    for name, tensor in _under("optimizer.", tensors).items():
        index, key = name.split(".", 1)
        packed["state"].setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict(packed)
    return State(**json.loads(head["state"])), _under("best.", tensors) or None


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
