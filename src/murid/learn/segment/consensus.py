"""A vocabulary that several starts agree on.

An AR-HMM has many optima, and one fit is one of them. Here several fits from different k-means
starts vote: states of all fits that label the same frames are one state of the consensus (meta-clusters;
Strehl & Ghosh 2002), which a last fit then refines. How far the starts agree is part of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from murid.data.errors import fail
from murid.learn.segment.arhmm import ArHmm, ArHmmParams
from murid.learn.segment.arhmm_fit import fit_arhmm
from murid.learn.segment.kmeans import fit_kmeans
from murid.learn.sequences import Arrays, Sequences, as_sequences

#: Frames a state needs in the start, for its dynamics to be estimated at all.
FRAMES_A_STATE = 30


@dataclass(frozen=True)
class RunAgreement:
    """How far several fits agree.

    Attributes
    ----------
    between_starts : float
        Mean adjusted Rand index of the labels of two starts.
    with_model : float
        Mean adjusted Rand index of the labels of a start and of the final model.
    reliability : (K,) array
        For each state of the final model the share of its frames (intersection over union) that a
        start gives to one state, mean over starts, 0 … 1.
    n_states : list of int
        States of each start.
    """

    between_starts: float
    with_model: float
    reliability: np.ndarray
    n_states: list[int]


def level_start(x: Arrays | Sequences, n_states: int, *, sigma: float = 1.5, seed: int = 0) -> np.ndarray:
    """Start states (n_frames,) by k-means of the features, smoothed in time; 0 where nothing was seen.

    Syllables differ in where the posture goes; the level it has for a while tells that better than the
    residuals of single frames.

    Parameters
    ----------
    sigma : float
        Width of the Gaussian, rows.
    """
    from murid.prepare.even_time import smooth_known

    seqs = as_sequences(x, dtype=np.float64)
    levels = np.concatenate([smooth_known(part, sigma) for part in seqs]).astype(np.float32)
    seen = ~np.isnan(levels).any(axis=1)
    if not seen.any():
        fail("AR-HMM", "nothing was seen", expected="rows without gaps", got="only gaps")
    clusters = fit_kmeans(levels[seen], min(n_states, int(seen.sum())), seed=seed, replicates=2)
    return np.maximum(clusters.predict(levels), 0).astype(np.int16)


def start_states(n_frames: int, wanted: int) -> int:
    """How many start states so many frames support: `wanted`, or one for each 30 frames, at least 2."""
    return max(2, min(wanted, n_frames // FRAMES_A_STATE))


def fit_from_levels(
    x: Arrays | Sequences,
    params: ArHmmParams,
    *,
    groups: Sequence[int] | None = None,
    sigma: float = 1.5,
    seed: int = 0,
    n_workers: int = 1,
) -> ArHmm:
    """Fit an AR-HMM from `level_start`: EM, states united by evidence, EM and sampling of what is left.

    Parameters
    ----------
    x : list of (T_i, D) arrays
        Features; NaN where missing.
    params : ArHmmParams
        `n_states` is an upper bound; fewer frames support fewer states (`start_states`).
    groups : sequence of int, optional
        Group of each sequence, for transitions of its own.
    sigma : float
        See `level_start`.
    """
    seqs = as_sequences(x, dtype=np.float32)
    n_states = start_states(int(seqs.observed.sum()), params.n_states)
    labels = level_start(seqs, n_states, sigma=sigma, seed=seed)
    rough = params.replace(n_states=n_states, sweeps=0, draws=0, merge=True, recurrent=False, group_kappa=())
    model = fit_arhmm(seqs, rough, labels=labels, seed=seed, n_workers=n_workers)
    labels = model.predict(Sequences(seqs.frames, seqs.offsets, False))
    return refine(seqs, labels, params, groups=groups, seed=seed, n_workers=n_workers)


def refine(
    seqs: Sequences,
    labels: np.ndarray,
    params: ArHmmParams,
    *,
    groups: Sequence[int] | None = None,
    seed: int = 0,
    n_workers: int = 1,
) -> ArHmm:
    """Fit an AR-HMM from given labels (n_frames,), with as many states as these have."""
    n_states = max(int(labels.max()) + 1, 1)
    return fit_arhmm(
        seqs,
        params.replace(n_states=n_states, em_iterations=max(params.em_iterations // 2, 1)),
        labels=np.maximum(labels, 0),
        groups=groups,
        seed=seed,
        n_workers=n_workers,
    )


def fit_consensus(
    x: Arrays | Sequences,
    params: ArHmmParams,
    *,
    n_starts: int = 4,
    sigma: float = 1.5,
    seed: int = 0,
    n_workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ArHmm, RunAgreement]:
    """Fit an AR-HMM on what several starts agree on.

    Parameters
    ----------
    x : list of (T_i, D) arrays
        Features; NaN where missing.
    params : ArHmmParams
        `n_states` bounds the states of each start; sweeps and draws are those of the final fit.
    n_starts : int
        Fits that vote; 1 is one fit.
    sigma : float
        See `level_start`.
    progress : callable, optional
        Called as ``progress(done, total)`` after each fit.
    """
    seqs = as_sequences(x, dtype=np.float32)
    stacked = Sequences(seqs.frames, seqs.offsets, False)
    quick = params.replace(sweeps=0, draws=0)
    runs = []
    for i in range(n_starts):
        stream = int(np.random.SeedSequence(seed, spawn_key=(i,)).generate_state(1)[0])
        runs.append(fit_from_levels(seqs, quick, sigma=sigma, seed=stream, n_workers=n_workers).predict(stacked))
        if progress:
            progress(i + 1, n_starts + 1)
    agreed = consensus_labels(runs) if n_starts > 1 else runs[0]
    model = refine(seqs, agreed, params, seed=seed, n_workers=n_workers)
    if progress:
        progress(n_starts + 1, n_starts + 1)
    return model, compare_runs(runs, model.predict(stacked))


def consensus_labels(runs: Sequence[np.ndarray]) -> np.ndarray:
    """Labels (n_frames,) that several labellings of the same frames vote for; −1 where all are −1.

    The number of states is the median of the labellings'.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    member, owner = _membership(runs)
    both = (member.T @ member).toarray()
    size = np.diag(both)
    jaccard = both / (size[:, None] + size - both)
    far = squareform(np.clip(1 - jaccard, 0, 1), checks=False)
    n_states = int(np.median(np.bincount(owner)))
    if len(size) <= n_states or n_states < 2:
        return np.asarray(runs[0]).copy()
    meta = fcluster(linkage(far, "average"), n_states, "maxclust") - 1
    one_hot = np.eye(meta.max() + 1)[meta]
    votes = member @ (one_hot / np.maximum(one_hot.sum(axis=0), 1))
    out = np.where(np.asarray(member.sum(axis=1)).ravel() > 0, np.asarray(votes).argmax(axis=1), -1)
    out[out >= 0] = np.unique(out[out >= 0], return_inverse=True)[1]
    return out.astype(np.int32)


def compare_runs(runs: Sequence[np.ndarray], final: np.ndarray) -> RunAgreement:
    """Compare the labels of several fits with each other and with the final ones."""
    from sklearn.metrics import adjusted_rand_score

    known = np.all([np.asarray(r) >= 0 for r in [*runs, final]], axis=0)
    parts = [np.asarray(r)[known] for r in runs]
    last = np.asarray(final)[known]
    pairs = [adjusted_rand_score(a, b) for a, b in combinations(parts, 2)]
    reliability = []
    for part in parts:
        member, owner = _membership([last, part])
        both = (member.T @ member).toarray()
        size, k = np.diag(both), int((owner == 0).sum())
        reliability.append((both[:k, k:] / (size[:k, None] + size[k:] - both[:k, k:])).max(axis=1))
    full = np.zeros(int(final.max()) + 1)
    full[np.unique(last)] = np.mean(reliability, axis=0)
    return RunAgreement(
        float(np.mean(pairs)) if pairs else float("nan"),
        float(np.mean([adjusted_rand_score(last, p) for p in parts])),
        full,
        [int(p.max()) + 1 for p in parts],
    )


def _membership(runs: Sequence[np.ndarray]):
    """Sparse (n_frames, states of all runs) indicator of the states that occur, and the run of each column."""
    from scipy.sparse import csr_matrix, hstack

    blocks, owner = [], []
    for i, run in enumerate(runs):
        run = np.asarray(run)
        rows = np.flatnonzero(run >= 0)
        used, column = np.unique(run[rows], return_inverse=True)
        blocks.append(csr_matrix((np.ones(len(rows)), (rows, column)), shape=(len(run), len(used))))
        owner += [i] * len(used)
    return hstack(blocks).tocsr(), np.array(owner)
