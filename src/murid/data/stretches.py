"""Stretches of True in a row of frames."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray


def run_edges(mask: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and one-past-last index of each run of True."""
    edge = np.diff(np.concatenate([[0], np.asarray(mask, bool), [0]]).astype(np.int8))
    return np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)


def runs_of_true(mask: ArrayLike) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of each run of True, stop exclusive."""
    start, stop = run_edges(mask)
    return list(zip(start.tolist(), stop.tolist(), strict=True))


def even_spans(time_s: NDArray, *parts: NDArray) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of each run of rows that follow one another on an even clock, stop exclusive.

    Parameters
    ----------
    time_s : array (row,)
    *parts : arrays (row,)
        What must stay the same within a run, e.g. the number of the recording.
    """
    if len(time_s) == 0:
        return []
    gap = np.diff(time_s)
    step = np.median(gap) if gap.size else 1.0
    new = np.abs(gap - step) > 0.5 * step
    for part in parts:
        new |= part[1:] != part[:-1]
    edges = np.concatenate([[0], np.flatnonzero(new) + 1, [len(time_s)]])
    return [(int(a), int(b)) for a, b in pairwise(edges)]
