"""Weights as safetensors or plain arrays; never pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from murid.data.atomic import atomic_file
from murid.data.errors import Faults
from murid.learn.nets._torch import torch


def weights_of(net: torch.nn.Module) -> dict[str, np.ndarray]:
    """Return all weights and buffers as arrays, by name."""
    return {k: t.detach().cpu().numpy().copy() for k, t in net.state_dict().items()}


def set_weights(net: torch.nn.Module, arrays: Mapping[str, np.ndarray], where: str = "") -> None:
    """Put arrays back into a network of the same shape; every misfit in one error."""
    faults, own = Faults("weights"), net.state_dict()
    for name in sorted(own.keys() | arrays.keys()):
        if name not in arrays:
            faults.add(f"'{name}' is missing", where=where)
        elif name not in own:
            faults.add(f"'{name}' does not belong to this network", where=where)
        elif tuple(own[name].shape) != tuple(arrays[name].shape) and not own[name].ndim == 0 < arrays[name].size < 2:
            faults.add(
                f"'{name}' has another shape",
                where=where,
                expected=str(tuple(own[name].shape)),
                got=str(tuple(arrays[name].shape)),
            )
    faults.raise_if_any()
    # A counter (no axes) may come back from a file as one element.
    net.load_state_dict({k: torch.from_numpy(np.array(arrays[k]).reshape(t.shape)) for k, t in own.items()})


def save_weights(net: torch.nn.Module, path: str | Path) -> None:
    """Write the weights to one safetensors file, atomically."""
    from safetensors.numpy import save_file

    with atomic_file(path) as temporary:
        save_file(weights_of(net), temporary)


def load_weights(net: torch.nn.Module, path: str | Path) -> None:
    """Read weights that `save_weights` wrote into a network of the same shape."""
    from safetensors.numpy import load_file

    set_weights(net, load_file(path), str(path))
