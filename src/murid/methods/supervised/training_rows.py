"""Labelled frames as material to learn from: samples, their weights, and what each fold holds out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from murid.data.clock import rate_of
from murid.data.recording import Recording
from murid.data.states import UNLABELLED
from murid.evaluate import folds


@dataclass
class Sample:
    """One subject of one recording as training data.

    Attributes
    ----------
    recording : Recording
    subject : str
        Individual, or ``"all"``.
    rows : int array (n,)
        Frames learnt from.
    time_s : array (n,)
    targets : int8 array (n, behaviour)
    weights : float32 array (n,)
    mirrored : bool
        The same frames as seen in a mirror (augmentation): learnt from, never scored.
    """

    recording: Recording
    subject: str
    rows: np.ndarray
    time_s: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    mirrored: bool = False


@dataclass(frozen=True)
class Material:
    """All rows a method learns from, one sample after the other, and which of them each fold holds out.

    Attributes
    ----------
    samples : list of Sample
    held_out : list of bool arrays (row,)
    features : float32 array (row, feature)
    targets : int8 array (row, behaviour)
    weights : float32 array (row,)
    """

    samples: Sequence[Sample]
    held_out: Sequence[np.ndarray]
    features: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def bout_weights(targets: np.ndarray, time_s: np.ndarray, exponent: float) -> np.ndarray:
    """Return the weight of each frame, ``(bout seconds) ** -exponent``, mean 1 over labelled frames.

    A bout is a run of frames with the same labels, so that a long rest does not drown ten attacks.
    """
    step = 1.0 / rate_of(time_s) if len(time_s) > 1 else 1.0
    change = np.flatnonzero((targets[1:] != targets[:-1]).any(axis=1)) + 1
    edges = np.concatenate([[0], change, [len(targets)]])
    lengths = np.diff(edges)
    weights = np.repeat(np.maximum(lengths * step, step) ** -exponent, lengths).astype(np.float32)
    labelled = (targets != UNLABELLED).any(axis=1)
    return weights / weights[labelled].mean() if labelled.any() else weights


def group_folds(groups: np.ndarray, targets: np.ndarray, n_folds: int, seed: int) -> list[np.ndarray]:
    """Boolean masks of held-out rows; whole groups, each class spread over the folds."""
    names, index = np.unique(groups, return_inverse=True)
    amounts = np.zeros((len(names), targets.shape[1]))
    np.add.at(amounts, index, targets == 1)
    split = folds.grouped_items(
        names.tolist(), pd.DataFrame(amounts), min(n_folds, len(names)), seed=seed, rare="ignore"
    )
    return [np.isin(index, fold.test) for fold in split]


def learnable(targets: np.ndarray) -> bool:
    """Whether every behaviour is both present and absent in some row."""
    return bool(((targets == 1).any(axis=0) & (targets == 0).any(axis=0)).all())


__all__ = ["Material", "Sample", "bout_weights", "group_folds", "learnable"]
