"""Gaussian hidden Markov model: expectation–maximisation, Viterbi, posteriors, held-out likelihood.

Rabiner 1989 with scaled recursions. Likelihoods of all states are one matrix product, the
recursions are compiled, frames with missing values carry no likelihood but keep the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from murid.data.errors import fail
from murid.data.params import Params, param
from murid.learn.fitted_part import Fitted
from murid.learn.parallel import Map, summed, workers
from murid.learn.segment import _emission as emission
from murid.learn.segment._markov_chain import backward, chain_viterbi, floor_rows, forward
from murid.learn.segment.chains import Chain, find_chains
from murid.learn.segment.kmeans import fit_kmeans
from murid.learn.sequences import Arrays, Sequences, as_sequences


class HmmParams(Params):
    """Parameters of the Gaussian HMM."""

    n_states: int = param(15, ge=1, why="number of states; 15 motifs as in VAME")
    covariance: Literal["full", "diag"] = param("full", why="shape of the state covariances")
    iterations: int = param(100, ge=1, why="most EM iterations of one start")
    tolerance: float = param(1e-4, unit="nats/frame", ge=0, why="stop when an iteration gains less than this")
    restarts: int = param(1, ge=1, why="starts from different k-means seeds; the likeliest model wins")
    prior_frames: float = param(1.0, unit="frames", ge=0, why="weight of the overall variance in each covariance")
    sticky_frames: float = param(0.0, unit="frames", ge=0, why="pseudo-count of staying in a state")
    gap_frames: int = param(60, unit="frames", ge=0, why="a longer gap ends the chain and stays unlabelled")
    single: bool = param(False, why="compute in float32: about twice as fast, labels differ rarely")


@dataclass(frozen=True)
class HMM(Fitted):
    """Fitted Gaussian HMM; states are ordered by use, most used first.

    Parameters
    ----------
    means : (K, D) array
    covariances : (K, D, D) array
    transitions : (K, K) array
        ``p(j at t + 1 | i at t)``.
    initial : (K,) array
    usage : (K,) array
        Expected share of frames of each state in the fit.
    trace : (iterations,) array
        Log-likelihood a frame (nats) after each EM iteration.
    gap_frames : int
        A longer gap ends a chain.
    single : bool
        Whether products run in float32.
    """

    means: np.ndarray
    covariances: np.ndarray
    transitions: np.ndarray
    initial: np.ndarray
    usage: np.ndarray
    trace: np.ndarray
    gap_frames: int
    single: bool

    def predict(self, x: Arrays | Sequences, lengths=None, *, n_workers: int = 1):
        """Viterbi labels (n_frames,) int32; −1 outside chains."""
        seqs, chains, white = self._ready(x, lengths)
        labels = np.full(len(seqs.frames), -1, np.int32)
        k = len(self.means)
        first, steps = np.log(floor_rows(self.initial)), np.log(floor_rows(self.transitions))

        def label(chain: Chain) -> None:
            ll = _chain_loglik(seqs, chain, white)
            pointers = np.empty(ll.shape, np.uint8 if k <= 256 else np.uint16)
            chain_viterbi(ll, first, steps, pointers, labels[chain.start : chain.stop])

        with workers(n_workers) as pmap:
            pmap(label, chains)
        return seqs.answer(labels)

    def posterior(self, x: Arrays | Sequences, lengths=None, *, n_workers: int = 1):
        """Smoothed state probabilities (n_frames, K); NaN outside chains."""
        seqs, chains, white = self._ready(x, lengths)
        out = np.full((len(seqs.frames), len(self.means)), np.nan, white.matrix.dtype)
        first, steps = floor_rows(self.initial), floor_rows(self.transitions)
        to_from = np.ascontiguousarray(steps.T)

        def smooth(chain: Chain) -> None:
            ll = _chain_loglik(seqs, chain, white)
            forward(ll, first, steps, ll)
            backward(ll, to_from, np.zeros_like(steps))
            out[chain.start : chain.stop] = ll

        with workers(n_workers) as pmap:
            pmap(smooth, chains)
        return seqs.answer(out)

    def loglik(self, x: Arrays | Sequences, lengths=None, *, n_workers: int = 1) -> np.ndarray:
        """Log-likelihood (n_sequences,) in nats of each sequence, summed over observed frames."""
        seqs, chains, white = self._ready(x, lengths)
        first, steps = floor_rows(self.initial), floor_rows(self.transitions)

        def one(chain: Chain) -> float:
            ll = _chain_loglik(seqs, chain, white)
            return forward(ll, first, steps, ll)

        with workers(n_workers) as pmap:
            values = pmap(one, chains)
        return np.bincount([c.sequence for c in chains], values, len(seqs)) if chains else np.zeros(len(seqs))

    def score(self, x: Arrays | Sequences, lengths=None) -> float:
        """Held-out log-likelihood in nats an observed frame."""
        seqs = as_sequences(x, lengths, n_features=self.means.shape[1])
        return float(self.loglik(seqs).sum() / max(seqs.observed.sum(), 1))

    def _ready(self, x, lengths):
        dtype = np.float32 if self.single else np.float64
        seqs = as_sequences(x, lengths, dtype=dtype, n_features=self.means.shape[1])
        white = emission.whitener(self.means[:, :, None], self.covariances, dtype=dtype)
        return seqs, find_chains(seqs, gap_frames=self.gap_frames), white


def fit_hmm(
    x: Arrays | Sequences,
    params: HmmParams | None = None,
    lengths: Sequence[int] | None = None,
    *,
    seed: int = 0,
    labels: np.ndarray | None = None,
    n_workers: int = 1,
    **changes: Any,
) -> HMM:
    """Fit a Gaussian HMM by EM from a k-means start.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array with `lengths`
        Features; NaN where missing. Sequences never bleed into each other.
    params : HmmParams, optional
        Model and stopping rule.
    seed : int
        Same seed, same model, on any number of workers.
    labels : (n_frames,) int array, optional
        Start from these states (−1 where unknown) instead of k-means.
    n_workers : int
        Threads over sequences.
    **changes
        Single parameters of `HmmParams`, over `params`.

    Raises
    ------
    DataError
        When there are fewer complete frames than states.
    """
    params = HmmParams.of(params, changes)
    seqs = as_sequences(x, lengths, dtype=np.float32 if params.single else np.float64)
    chains = find_chains(seqs, gap_frames=params.gap_frames)
    seen = seqs.observed
    if seen.sum() < params.n_states:
        fail("HMM", "too few complete frames", expected=f"at least {params.n_states}", got=str(int(seen.sum())))
    best: HMM | None = None
    for stream in np.random.SeedSequence(seed).spawn(params.restarts):
        start = labels
        if start is None:
            start = fit_kmeans(seqs, params.n_states, seed=stream, replicates=1, n_workers=n_workers).predict(seqs)
        start = np.concatenate(start) if isinstance(start, list) else np.asarray(start)
        with workers(n_workers) as pmap:
            model = _em(seqs, chains, start, params, pmap)
        if best is None or model.trace[-1] > best.trace[-1]:
            best = model
        if labels is not None:
            break
    if best is None:
        fail("HMM", "no start was asked for", expected="restarts of at least 1", got=str(params.restarts))
    return best


def _chain_loglik(seqs: Sequences, chain: Chain, white: emission.Whitener) -> np.ndarray:
    g, valid = emission.lagged(seqs.frames, chain.start, chain.stop, chain.start, 0)
    return emission.loglik(g, valid, white)


def _em(seqs: Sequences, chains: list[Chain], labels: np.ndarray, params: HmmParams, pmap: Map) -> HMM:
    k, dtype = params.n_states, seqs.frames.dtype
    n_seen = int(seqs.observed.sum())
    spread = np.nanvar(seqs.frames, axis=0, dtype=np.float64) + 1e-12

    def start_counts(chain: Chain):
        g, valid = emission.lagged(seqs.frames, chain.start, chain.stop, chain.start, 0)
        z = np.where(valid, labels[chain.start : chain.stop], -1)
        known = z >= 0
        moments = emission.moments_by_state(g[known], z[known], k)
        pairs = z[:-1] * k + z[1:]
        flow = np.bincount(pairs[known[:-1] & known[1:]], minlength=k * k).reshape(k, k)
        return moments, flow.astype(float), np.bincount(z[known][:1], minlength=k).astype(float), 0.0

    def expected_counts(chain: Chain):
        g, valid = emission.lagged(seqs.frames, chain.start, chain.stop, chain.start, 0)
        gamma = emission.loglik(g, valid, white)
        total = forward(gamma, initial, transitions, gamma)
        flow = np.zeros((k, k))
        backward(gamma, to_from, flow)
        return emission.moments_by_weight(g, gamma), (flow * to_from).T, gamma[0].astype(float), total

    trace: list[float] = []
    count = start_counts
    while True:
        moments, flow, begin, total = summed(pmap, count, chains)
        if count is expected_counts:
            trace.append(float(total) / n_seen)
            if len(trace) == params.iterations or (len(trace) > 1 and trace[-1] - trace[-2] < params.tolerance):
                break
        means, cov = _maximise(moments, spread, params)
        initial = floor_rows(begin + 1e-3)
        transitions = floor_rows(flow + params.sticky_frames * np.eye(k) + (1.0 if count is start_counts else 1e-6) / k)
        to_from = np.ascontiguousarray(transitions.T)
        white = emission.whitener(means[:, :, None], cov, dtype=dtype)
        count = expected_counts
    usage = moments[:, -1, -1] / n_seen
    order = np.argsort(-usage, kind="stable")
    return HMM(
        means[order],
        cov[order],
        transitions[np.ix_(order, order)],
        initial[order],
        usage[order],
        np.array(trace),
        params.gap_frames,
        params.single,
    )


def _maximise(moments: np.ndarray, spread: np.ndarray, params: HmmParams) -> tuple[np.ndarray, np.ndarray]:
    """Means (K, D) and covariances (K, D, D) from Σ w [x, 1][x, 1]ᵀ, shrunk by `prior_frames` of overall variance."""
    mass = np.maximum(moments[:, -1, -1], 1e-10)
    means = moments[:, :-1, -1] / mass[:, None]
    scatter = moments[:, :-1, :-1] - mass[:, None, None] * means[:, :, None] * means[:, None, :]
    cov = (scatter + params.prior_frames * np.diag(spread)) / (mass + params.prior_frames)[:, None, None]
    cov = 0.5 * (cov + cov.transpose(0, 2, 1)) + 1e-9 * np.diag(spread)
    if params.covariance == "diag":
        cov = cov * np.eye(len(spread))
    return means, cov
