"""Batches with named axes, and windows of several recordings that never cross a border."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from murid.data.errors import Faults, fail
from murid.learn.nets._torch import torch
from murid.learn.sequences import Place, place_of

Axes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Batch:
    """Tensors of some samples.

    Attributes
    ----------
    tensors : dict of str to Tensor
        The first axis of each is ``sample``.
    axes : dict of str to tuple of str
        Names of the axes of each tensor: ``{"pose": ("sample", "time", "feature")}``. Axes of one name have one size.
    """

    tensors: dict[str, torch.Tensor]
    axes: Axes

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def to(self, device: torch.device) -> Batch:
        """Move all tensors to a device."""
        if device.type == "cpu":
            return self
        return Batch({k: t.to(device, non_blocking=True) for k, t in self.tensors.items()}, self.axes)

    def part(self, rows: slice) -> Batch:
        """Return some of the samples."""
        return Batch({k: t[rows] for k, t in self.tensors.items()}, self.axes)

    def validate(self) -> Batch:
        """Check names, numbers of axes and sizes; every fault in one error."""
        faults, sizes = Faults("batch"), dict[str, tuple[int, str]]()
        if not self.tensors or set(self.tensors) != set(self.axes):
            faults.add(
                "tensors and axes do not name the same things",
                expected=", ".join(self.axes),
                got=", ".join(self.tensors),
            )
        for name, tensor in self.tensors.items():
            axes = self.axes.get(name, ())
            if len(axes) != tensor.ndim or axes[:1] != ("sample",):
                faults.add(
                    "wrong axes", where=name, expected=f"sample first and {tensor.ndim} names", got=", ".join(axes)
                )
                continue
            for axis, size in zip(axes, tensor.shape, strict=True):
                known, owner = sizes.setdefault(axis, (size, name))
                if size != known:
                    faults.add(
                        f"axis '{axis}' has two sizes", where=name, expected=f"{known} as in {owner}", got=str(size)
                    )
        faults.raise_if_any()
        return self


class SampleSource(Protocol):
    """Where samples come from: arrays, memory maps or a video reader.

    ``batch`` is called for any indices in any order, from one thread at a time and ahead of the training; it must
    give the same for the same indices. What is random (augmentation, noise) belongs into the loss function.
    """

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the samples of these indices."""
        ...

    def where(self, index: int) -> str:
        """Say where a sample comes from."""
        ...


def sample_digest(source: SampleSource, *, least: int = 8) -> str:
    """Return a fingerprint of a few samples spread over a source: other data under the same number have another.

    It rests on the mean size of the values of each sample, to four digits, so that the last bit of another machine
    is no difference.
    """
    indices = np.unique(np.linspace(0, len(source) - 1, min(least, len(source))).round().astype(np.int64))
    sizes: dict[str, list[str]] = {}
    for name, tensor in sorted(source.batch(indices).tensors.items()):
        rows = tensor.double().abs().nan_to_num(posinf=0.0).reshape(len(indices), -1)
        sizes[name] = [f"{float(x):.4g}" for x in rows.mean(1)]
    return hashlib.blake2b(repr(sizes).encode(), digest_size=8).hexdigest()


class MemorySource:
    """Source of samples that lie in memory: equal first axes.

    Parameters
    ----------
    arrays : dict of str to array
        float32, or integers for class codes.
    axes : dict of str to tuple of str
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], axes: Axes) -> None:
        self.tensors = {k: torch.from_numpy(np.ascontiguousarray(a)) for k, a in arrays.items()}
        self.axes = dict(axes)
        Batch(self.tensors, self.axes).validate()

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the samples of these indices."""
        rows = torch.from_numpy(np.asarray(indices, np.int64))
        return Batch({k: t[rows] for k, t in self.tensors.items()}, self.axes)

    def where(self, index: int) -> str:
        """Return the number of a sample."""
        return f"sample {index}"


class Windows:
    """Windows of several sequences; none reaches from one sequence into the next or over a missing frame.

    Parameters
    ----------
    sequences : list of (T_i, D) arrays
        Memory maps stay on disk. NaN = missing.
    length : int
        Frames a window.
    stride : int
        Frames from one window's start to the next.
    name : str
        Name of the tensor in the batches, axes ``(sample, time, feature)``.
    places : sequence of Place, optional
        Of each sequence.

    Attributes
    ----------
    sequence, start : int arrays (window,)
        Where each window lies.
    """

    def __init__(
        self,
        sequences: Sequence[np.ndarray],
        length: int,
        stride: int = 1,
        *,
        name: str = "pose",
        places: Sequence[Place] = (),
    ) -> None:
        faults = Faults("windows")
        if length < 1 or stride < 1:
            faults.add("length and stride", expected="at least 1", got=f"{length}, {stride}")
        for i, sequence in enumerate(sequences):
            if sequence.ndim != 2 or sequence.shape[1] != sequences[0].shape[1]:
                faults.add("not a table like the first", where=f"sequence {i}", got=str(sequence.shape))
        faults.raise_if_any()
        self.sequences, self.length, self.name, self.places = list(sequences), length, name, places
        starts = [window_starts(s, length, stride) for s in sequences]
        self.sequence = np.repeat(np.arange(len(starts)), [len(f) for f in starts])
        self.start = np.concatenate([np.empty(0, np.int64), *starts]).astype(np.int64)
        if not len(self.start):
            fail(
                "windows",
                "no sequence is long enough",
                expected=f"{length} frames in a row without a gap",
                got=f"longest sequence {max((len(s) for s in sequences), default=0)} frames",
                todo="use shorter windows, longer recordings, or check the tracking with: murid check",
            )

    def __len__(self) -> int:
        return len(self.start)

    def batch(self, indices: np.ndarray) -> Batch:
        """Return the windows of these indices."""
        indices = np.asarray(indices)
        out = np.empty((len(indices), self.length, self.sequences[0].shape[1]), np.float32)
        span = np.arange(self.length)
        for which in np.unique(self.sequence[indices]):
            rows = np.flatnonzero(self.sequence[indices] == which)
            out[rows] = self.sequences[which][self.start[indices[rows], None] + span]
        return Batch({self.name: torch.from_numpy(out)}, {self.name: ("sample", "time", "feature")})

    def where(self, index: int) -> str:
        """Say where a window starts."""
        return place_of(self.places, int(self.sequence[index]), int(self.start[index]))


def window_starts(sequence: np.ndarray, length: int, stride: int = 1, block: int = 100_000) -> np.ndarray:
    """Return the first frames of all windows of ``sequence (T, D)`` without a missing frame.

    The sequence is read in blocks, so that a memory map longer than memory can be given.
    """
    n = len(sequence)
    if n < length:
        return np.empty(0, np.int64)
    missing = np.concatenate([np.isnan(sequence[a : a + block]).any(axis=1) for a in range(0, n, block)])
    holes = np.concatenate([[0], np.cumsum(missing)])
    starts = np.arange(0, n - length + 1, stride)
    return starts[holes[starts + length] == holes[starts]]
