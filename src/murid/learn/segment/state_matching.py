"""Match the states of two AR-HMMs that live in the same features: which syllables of a new study are old ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from murid.learn.segment import _emission as emission
from murid.learn.segment.arhmm import ArHmm
from murid.learn.segment.chains import find_chains
from murid.learn.sequences import Arrays, Sequences, as_sequences


class Matching(NamedTuple):
    """Old state of each new state (K_new,), −1 where there is none, and the costs (K_new, K_old), nats a frame."""

    old: np.ndarray
    cost: np.ndarray


def match_states(
    new: ArHmm, old: ArHmm, x: Arrays | Sequences, *, most: float = 1.0, max_frames: int = 50_000
) -> Matching:
    """Match states by how well each predicts the frames of the other.

    The cost of a pair is how many nats a frame are lost when the frames of one state are predicted by the
    dynamics of the other, mean of both directions; pairs are chosen to cost least in all (Hungarian
    algorithm).

    Parameters
    ----------
    new, old : ArHmm
        Fitted on the same features.
    x : list of (T_i, D) arrays
        Features to compare on.
    most : float
        Dearer pairs are not matched, nats a frame.
    max_frames : int
        At most about so many frames are compared: whole sequences from the first on.
    """
    from scipy.optimize import linear_sum_assignment

    seqs = as_sequences(x, dtype=np.float32)
    if len(seqs.frames) > max_frames:
        offsets = np.append(seqs.offsets[seqs.offsets < max_frames], max_frames)
        seqs = Sequences(seqs.frames[:max_frames], offsets, seqs.listed)
    flat = Sequences(seqs.frames, seqs.offsets, False)
    by_new, by_old = _loglik(new, seqs), _loglik(old, seqs)
    loss = _loss(by_new, by_old, new.predict(flat))
    back = _loss(by_old, by_new, old.predict(flat)).T
    # A state that never occurs here is judged by the other direction alone.
    cost = np.where(np.isnan(loss), back, np.where(np.isnan(back), loss, (loss + back) / 2))
    cost = np.nan_to_num(cost, nan=1e6, posinf=1e6)
    partner = np.full(new.n_states, -1)
    rows, columns = linear_sum_assignment(np.minimum(cost, 10 * most))
    good = cost[rows, columns] <= most
    partner[rows[good]] = columns[good]
    return Matching(partner, cost)


def _loglik(model: ArHmm, seqs: Sequences) -> np.ndarray:
    """Log-likelihood (n_frames, K) of each frame given its past; NaN where that is not known."""
    out = np.full((len(seqs.frames), model.n_states), np.nan, np.float32)
    white = emission.whitener(model.coef, model.cov, model.student_dof, np.float32)
    for chain in find_chains(seqs, gap_frames=model.gap_frames, least_frames=model.lags + 1):
        g, valid = emission.lagged(seqs.frames, chain.start, chain.stop, chain.start, model.lags)
        part = emission.loglik(g, valid, white)
        part[~valid] = np.nan
        out[chain.start : chain.stop] = part
    return out


def _loss(own: np.ndarray, other: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Nats a frame (K_own, K_other) lost when the frames of a state are predicted by states of the other model."""
    out = np.full((own.shape[1], other.shape[1]), np.nan)
    known = ~np.isnan(own[:, 0]) & ~np.isnan(other[:, 0]) & (labels >= 0)
    for state in np.unique(labels[known]):
        rows = known & (labels == state)
        # The median: a few frames at the border of a bout fit no state. Frames that even their own state
        # predicts badly are no evidence for a pair, hence no negative loss.
        out[state] = np.maximum(np.median(own[rows, state][:, None] - other[rows], axis=0), 0)
    return out
