"""Chains: the stretches of a recording that a Markov model may run over.

A chain begins and ends with an observed frame; short gaps inside it are bridged by the
model, a long gap ends it. Frames outside chains are never labelled (−1).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from murid.learn.sequences import Sequences


class Chain(NamedTuple):
    """Frames ``start … stop`` (half open) of the stacked sequences, inside sequence `sequence`."""

    start: int
    stop: int
    sequence: int


class Segment(NamedTuple):
    """A part ``start … stop`` of chain number `chain`; the unit of parallel work."""

    start: int
    stop: int
    chain: int


def find_chains(seqs: Sequences, *, gap_frames: int, least_frames: int = 1) -> list[Chain]:
    """Cut sequences at gaps longer than `gap_frames`; keep stretches of at least `least_frames` observed frames."""
    seen = seqs.observed
    chains: list[Chain] = []
    for i, (a, b) in enumerate(zip(seqs.offsets[:-1], seqs.offsets[1:], strict=True)):
        at = np.flatnonzero(seen[a:b]) + a
        if not len(at):
            continue
        cuts = np.flatnonzero(np.diff(at) > gap_frames + 1)
        runs = (run for run in np.split(at, cuts + 1) if len(run) >= least_frames)
        chains.extend(Chain(int(run[0]), int(run[-1]) + 1, i) for run in runs)
    return chains


def cut_chains(chains: list[Chain], segment_frames: int) -> list[Segment]:
    """Cut chains into near-equal segments of at most `segment_frames`."""
    segments = []
    for number, chain in enumerate(chains):
        parts = -(-(chain.stop - chain.start) // segment_frames)
        edges = np.linspace(chain.start, chain.stop, parts + 1).round().astype(int)
        segments += [Segment(int(a), int(b), number) for a, b in pairwise(edges)]
    return segments
