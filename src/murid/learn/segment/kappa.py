"""Choose the stickiness of an AR-HMM: durations against model-free changepoints, and likelihood across fits.

Wiltschko et al. 2015 choose κ so that syllables last as long as the blocks between moments of
rapid change; Weinreb et al. 2024 compare fits by the likelihood each gives to what the others
found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks
from scipy.stats import wasserstein_distance

from murid.data.clock import samples_in
from murid.learn.segment.arhmm import ArHmm, ArHmmParams
from murid.learn.segment.arhmm_fit import fit_arhmm
from murid.learn.sequences import Arrays, Sequences, as_sequences


def changepoints(
    x: Arrays | Sequences,
    fps: float,
    lengths=None,
    *,
    projections: int = 300,
    lag_s: float = 0.2,
    smooth_s: float = 3.5 / 30,
    height: float = 0.5,
    seed: int = 0,
) -> list[np.ndarray]:
    """Frames of rapid change in each sequence, without any model.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array
        Features; frames with NaN are never changepoints.
    fps : float
        Frames a second.
    projections : int
        Random directions; 300 as in MoSeq. Each is z-scored, so that no direction dominates.
    lag_s : float
        Distance of the two frames compared, in s; 6 frames at 30 fps in MoSeq.
    smooth_s : float
        Width (σ) of the Gaussian over the change score, in s; 3.5 frames at 30 fps in MoSeq.
    height : float
        Least z-score of a peak of the change score.

    Returns
    -------
    list of (n,) int arrays
        Frame numbers inside each sequence.
    """
    seqs = as_sequences(x, lengths)
    lag = max(2, 2 * samples_in(lag_s / 2, fps))
    directions = np.random.default_rng(seed).standard_normal((seqs.frames.shape[1], projections))
    mean, spread = _moments(block for part in seqs for block in _changes(part, directions, lag))
    changes = []
    for part in seqs:
        z = np.concatenate([(b / spread).mean(axis=1) for b in _changes(part, directions, lag)])
        z -= (mean / spread).mean()
        known = ~np.isnan(z)
        weight = gaussian_filter1d(known.astype(float), smooth_s * fps)
        z = gaussian_filter1d(np.where(known, z, 0.0), smooth_s * fps) / np.maximum(weight, 1e-3)
        changes.append(np.where(known, z, np.nan))
    level, scale = np.nanmean(np.concatenate(changes)), np.nanstd(np.concatenate(changes)) + 1e-12
    return [find_peaks(np.nan_to_num((z - level) / scale, nan=-10.0), height=height)[0] + lag // 2 for z in changes]


def _changes(part: np.ndarray, directions: np.ndarray, lag: int, block: int = 20_000) -> Iterator[np.ndarray]:
    """Squared change (row, direction) over `lag` rows, block by block: all of it is 300 times the features' size."""
    last = max(len(part) - lag, 0)
    for start in range(0, max(last, 1), block):
        stop = min(start + block, last)
        step = part[start + lag : stop + lag] - part[start:stop]
        yield (step @ directions.astype(part.dtype)) ** 2


def _moments(blocks: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column over all rows without NaN."""
    n, total, squares = 0, np.zeros(1), np.zeros(1)
    for block in blocks:
        known = block[~np.isnan(block).any(axis=1)].astype(np.float64)
        n, total, squares = n + len(known), total + known.sum(axis=0), squares + (known**2).sum(axis=0)
    mean = total / max(n, 1)
    return mean, np.sqrt(np.maximum(squares / max(n, 1) - mean**2, 0)) + 1e-12


def durations(labels: Sequence[np.ndarray], fps: float) -> np.ndarray:
    """Durations in s of all complete bouts: those cut by a border or by −1 are left out."""
    out = []
    for part in labels:
        edges = np.flatnonzero(np.diff(part)) + 1
        whole = [b - a for a, b in pairwise(edges) if part[a] >= 0]
        out += [length / fps for length in whole]
    return np.array(out)


def default_kappas(n_frames: int, n: int = 10) -> np.ndarray:
    """`n` values, log-spaced over four decades around the number of frames, as in MoSeq's scan."""
    middle = np.floor(np.log10(max(n_frames, 1)))
    return np.logspace(middle - 2, middle + 2, n)


def scan_kappa(
    x: Arrays | Sequences,
    fps: float,
    kappas: Sequence[float] | None = None,
    params: ArHmmParams | None = None,
    lengths=None,
    *,
    seed: int = 0,
    n_workers: int = 1,
    **changes: Any,
) -> tuple[float, pd.DataFrame]:
    """Fit an AR-HMM for each κ and choose the one whose bouts last as long as changepoint blocks.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array
        Features.
    fps : float
        Frames a second.
    kappas : sequence of float, optional
        Values to try; default `default_kappas`.
    params : ArHmmParams, optional
        Model; default a short fit (20 sweeps).
    **changes
        Single parameters of `ArHmmParams`, over `params`.

    Returns
    -------
    kappa : float
        The value whose median duration is nearest in ratio to that of the blocks.
    table : DataFrame
        One row a κ: ``kappa, median_s, target_s, distance_s`` (Wasserstein distance of the two
        distributions), ``n_states, loglik`` (nats a frame).
    """
    seqs = as_sequences(x, lengths)
    params = ArHmmParams.of(params or ArHmmParams(sweeps=20, draws=5), changes, kappa=1.0)  # each fit gets its own
    blocks = np.concatenate([np.diff(at) for at in changepoints(seqs, fps, seed=seed)]) / fps
    rows = []
    for kappa in default_kappas(int(seqs.observed.sum())) if kappas is None else kappas:
        model = fit_arhmm(seqs, params.replace(kappa=float(kappa)), seed=seed, n_workers=n_workers)
        labels = model.predict(Sequences(seqs.frames, seqs.offsets, True), n_workers=n_workers)
        bouts = durations(labels, fps)
        rows.append(
            {
                "kappa": float(kappa),
                "median_s": float(np.median(bouts)) if len(bouts) else np.nan,
                "target_s": float(np.median(blocks)) if len(blocks) else np.nan,
                "distance_s": wasserstein_distance(bouts, blocks) if len(bouts) and len(blocks) else np.nan,
                "n_states": model.n_states,
                "loglik": model.score(seqs),
            }
        )
    table = pd.DataFrame(rows)
    ratio = np.abs(np.log(table["median_s"].to_numpy(float) / table["target_s"].to_numpy(float)))
    return float(table["kappa"].to_numpy(float)[int(np.where(np.isnan(ratio), np.inf, ratio).argmin())]), table


def expected_marginal_likelihood(
    models: Sequence[ArHmm], latents: Sequence[Arrays], *, groups: Sequence[int] | None = None
) -> np.ndarray:
    """Score of each fit: mean log-likelihood a frame (nats) it gives to the features of the other fits.

    Parameters
    ----------
    models : sequence of ArHmm
        Fits from different seeds.
    latents : sequence
        Features of each fit (`latents[i]` belongs to `models[i]`): the inferred shape for an
        SLDS; the same features for every fit of a plain AR-HMM.
    groups : sequence of int, optional
        Group of each sequence, where transitions are those of groups.

    Returns
    -------
    (n_models,) array
        The fit with the highest score is the one to report.
    """
    scores = np.array([[model.score(x, groups=groups) for x in latents] for model in models])
    np.fill_diagonal(scores, np.nan)
    return np.nanmean(scores, axis=1)
