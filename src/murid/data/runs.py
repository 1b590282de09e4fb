"""Stretches of True in a row of frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def run_edges(mask: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and one-past-last index of each run of True."""
    edge = np.diff(np.concatenate([[0], np.asarray(mask, bool), [0]]).astype(np.int8))
    return np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)


def runs(mask: ArrayLike) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of each run of True, stop exclusive."""
    start, stop = run_edges(mask)
    return list(zip(start.tolist(), stop.tolist(), strict=True))
