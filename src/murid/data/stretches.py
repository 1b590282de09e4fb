"""Stretches of True in a row of frames."""

from __future__ import annotations

from collections.abc import Iterable
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


def merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the stretches that at least one of some ``(start, stop)`` covers, in order and apart.

    Examples
    --------
    >>> merged([(4, 6), (0, 2), (1, 3)])
    [(0, 3), (4, 6)]
    """
    out: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], stop))
        else:
            out.append((start, stop))
    return out


def gaps_between(spans: Iterable[tuple[float, float]], stop: float) -> list[tuple[float, float]]:
    """Return the stretches of ``[0, stop)`` that no span covers, longer than a microsecond.

    Examples
    --------
    >>> gaps_between([(1, 2), (4, 9)], 6)
    [(0.0, 1), (2, 4)]
    """
    inside = merged((max(a, 0.0), min(b, stop)) for a, b in spans if a < stop and b > 0)
    edges = [0.0, *(edge for span in inside for edge in span), stop]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1e-6]


def even_spans(time_s: NDArray, *parts: NDArray) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of each run of rows that follow one another on an even clock, stop exclusive.

    Parameters
    ----------
    time_s : array (row,)
    *parts : arrays (row,)
        What must stay the same within a run, e.g. the number of the recording. Each block of rows that it divides
        has a rate of its own.

    Examples
    --------
    >>> even_spans(np.array([0.0, 1, 2, 9, 0, 0.1, 0.2]), np.array([0, 0, 0, 0, 1, 1, 1]))
    [(0, 3), (3, 4), (4, 7)]
    """
    if len(time_s) == 0:
        return []
    gap = np.diff(time_s)
    new = np.zeros(gap.size, bool)
    for part in parts:
        new |= part[1:] != part[:-1]
    blocks = [0, *(np.flatnonzero(new) + 1), len(time_s)]
    for a, b in pairwise(blocks):
        own = gap[a : b - 1]
        step = np.median(own) if own.size else 1.0
        new[a : b - 1] = np.abs(own - step) > 0.5 * step
    edges = np.concatenate([[0], np.flatnonzero(new) + 1, [len(time_s)]])
    return [(int(a), int(b)) for a, b in pairwise(edges)]
