"""Modes: stretches of seconds to minutes in which an animal uses one set of syllables.

A hidden Markov model over the sequence of bouts: each mode has its own frequencies of syllables and lasts
for about a given time. Bouts and not frames are counted, so that long syllables do not outvote short ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail
from murid.learn.fitted_part import Fitted
from murid.learn.segment._markov_chain import backward, floor_rows, forward
from murid.learn.segment.kmeans import fit_kmeans


@dataclass(frozen=True)
class Modes(Fitted):
    """Fitted modes, most used first.

    Parameters
    ----------
    usage : (M, K) array
        Frequency of each syllable among the bouts of each mode.
    stay : float
        Probability that the next bout is of the same mode.
    share : (M,) array
        Share of bouts of each mode in the fit.
    """

    usage: np.ndarray
    stay: float
    share: np.ndarray

    def predict(self, codes: np.ndarray) -> np.ndarray:
        """Most probable mode (T,) of each frame of one recording; −1 where there is no syllable."""
        out = np.full(len(codes), -1, np.int32)
        for at, syllables in _chains(np.asarray(codes)):
            gamma, _, _ = _posterior(syllables, self.usage, self.stay)
            out[at[0] : at[-1]] = np.repeat(gamma.argmax(axis=1), np.diff(at))
        return out


def fit_modes(
    codes: Sequence[np.ndarray],
    n_syllables: int,
    rate_hz: float,
    *,
    n_modes: int | None = None,
    duration_s: float = 20.0,
    most: int = 6,
    iterations: int = 50,
    seed: int = 0,
) -> Modes:
    """Fit modes.

    Parameters
    ----------
    codes : list of (T_i,) int arrays
        Syllable of each frame, −1 unknown.
    n_syllables : int
    rate_hz : float
        Frames a second.
    n_modes : int, optional
        None takes the number (1 … `most`) with the least Bayesian information criterion.
    duration_s : float
        Expected duration of a mode, s.
    iterations : int
        EM iterations.
    """
    chains = [s for part in codes for _, s in _chains(np.asarray(part))]
    n_bouts = sum(map(len, chains))
    if n_bouts < 2:
        fail("modes", "too few bouts", expected="at least 2", got=str(n_bouts))
    frames = sum(int((np.asarray(part) >= 0).sum()) for part in codes)
    per_mode = max(2.0, duration_s * rate_hz / (frames / n_bouts))
    numbers = [n_modes] if n_modes else range(1, max(1, min(most, n_bouts // (2 * n_syllables))) + 1)
    fits = [_fit(chains, n_syllables, m, per_mode, iterations, seed) for m in numbers]
    cost = [m * (n_syllables - 1) * np.log(n_bouts) - 2 * value for m, (_, value) in zip(numbers, fits, strict=True)]
    return fits[int(np.argmin(cost))][0]


def _fit(chains, n_syllables: int, n_modes: int, per_mode: float, iterations: int, seed: int) -> tuple[Modes, float]:
    window = int(np.clip(per_mode, 5, 50))
    pieces = [part for c in chains for part in np.array_split(c, max(1, len(c) // window))]
    counts = np.stack([np.bincount(p, minlength=n_syllables) for p in pieces]).astype(float)
    prior = 0.5
    usage = np.ones((1, n_syllables)) / n_syllables
    if n_modes > 1 and len(pieces) >= n_modes:
        roots = np.sqrt(counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
        label = fit_kmeans(roots, n_modes, seed=seed, replicates=5).predict(roots)
        usage = np.stack([counts[label == m].sum(axis=0) + prior for m in range(n_modes)])
        usage /= usage.sum(axis=1, keepdims=True)
    stay, total, before = 1 - 1 / per_mode, -np.inf, -np.inf
    share = np.ones(len(usage))
    for _ in range(iterations):
        expected, total = np.full(usage.shape, prior), 0.0
        for chain in chains:
            gamma, value, _ = _posterior(chain, usage, stay)
            total += value
            for m in range(len(usage)):
                expected[m] += np.bincount(chain, gamma[:, m], n_syllables)
        share = expected.sum(axis=1)
        usage = expected / share[:, None]
        if total - before < 1e-6 * abs(total):
            break
        before = total
    order = np.argsort(-share, kind="stable")
    return Modes(usage[order], float(stay), share[order] / share.sum()), float(total)


def _posterior(syllables: np.ndarray, usage: np.ndarray, stay: float) -> tuple[np.ndarray, float, np.ndarray]:
    """Mode probabilities (B, M) of one chain of bouts, and its log-likelihood (nats)."""
    m = len(usage)
    steps = np.full((m, m), (1 - stay) / max(m - 1, 1))
    np.fill_diagonal(steps, stay)
    steps = floor_rows(steps)
    gamma = np.ascontiguousarray(np.log(floor_rows(usage)).T[syllables])
    total = forward(gamma, np.full(m, 1 / m), steps, gamma)
    flow = np.zeros_like(steps)
    backward(gamma, np.ascontiguousarray(steps.T), flow)
    return gamma, float(total), flow


def _chains(codes: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Bouts of each stretch without −1: edges (B + 1,) and syllables (B,)."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1, [len(codes)]]).astype(np.int64)
    if len(codes) == 0:
        return []
    value = codes[edges[:-1]]
    out, start = [], 0
    for i in range(len(value) + 1):
        if i == len(value) or value[i] < 0:
            if i > start:
                out.append((edges[start : i + 1], value[start:i]))
            start = i + 1
    return out
