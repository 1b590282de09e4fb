"""Sticky autoregressive HMM: the model behind syllables (Wiltschko et al. 2015).

Each state is a linear dynamical rule ``x_t = A [x_{t-1} … x_{t-L}, 1] + e``; states persist.
`fit_arhmm` (in `arhmm_fit`) learns it, `ArHmm` applies it: deterministically, with the same
code on new and on training recordings, and with a confidence that averages over posterior
draws of the parameters and not over one sample of the labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from murid.data.errors import fail
from murid.data.params import Params, param
from murid.learn.fitted_part import Fitted
from murid.learn.parallel import workers
from murid.learn.segment import _emission as emission
from murid.learn.segment._markov_chain import backward, chain_viterbi, floor_rows, forward
from murid.learn.segment._recurrence import drive
from murid.learn.segment.chains import Chain, find_chains
from murid.learn.sequences import Arrays, Sequences, as_sequences


class ArHmmParams(Params):
    """Parameters of the sticky autoregressive HMM. One frame is one sample of the features."""

    n_states: int = param(100, ge=1, le=4096, why="upper bound on states; unneeded ones stay empty and are dropped")
    lags: int = param(3, ge=1, unit="frames", why="frames of the past that predict the next; 3 as in MoSeq (100 ms)")
    kappa: float | None = param(None, unit="frames", why="stickiness; None takes the number of frames, as in MoSeq")
    group_kappa: tuple[float, ...] = param(
        (), unit="frames", why="stickiness of the transitions of each group, in their order, in place of kappa"
    )
    alpha: float = param(5.7, gt=0, why="concentration of the transition rows, as in MoSeq")
    gamma: float = param(1e3, gt=0, why="concentration of the global state weights, as in MoSeq")
    student_dof: float = param(0.0, ge=0, why="degrees of freedom of heavy-tailed residuals; 0 means Gaussian")
    noise_scale: float | None = param(None, why="S0 = value·I; None takes the residuals of one AR fit")
    noise_floor: float = param(
        0.0, ge=0, why="share of the residual variance of one AR fit that no state's residuals fall below"
    )
    em_iterations: int = param(20, ge=0, why="EM from the k-means start, before sampling")
    sweeps: int = param(50, ge=0, why="Gibbs sweeps after EM; 0 keeps the EM solution")
    draws: int = param(10, ge=0, why="parameter draws kept from the last sweeps, for confidence")
    prune: bool = param(True, why="drop empty states while sampling; sweeps cost states² at worst")
    merge: bool = param(True, why="after EM unite states that the evidence cannot tell apart")
    spare_states: int = param(3, ge=0, why="empty states kept while pruning, so that new ones can be born")
    recurrent: bool = param(
        False, why="the frame before says which state comes next (recurrent AR-HMM); learnt by EM, so with sweeps=0"
    )
    segment_frames: int = param(10_000, ge=100, unit="frames", why="unit of parallel work; bounds memory")
    gap_frames: int = param(30, ge=0, unit="frames", why="a longer gap ends the chain and stays unlabelled")
    single: bool = param(True, why="likelihoods in float32; recursions and statistics are float64 anyway")


class DecodedPath(NamedTuple):
    """Labels (n_frames,) int32, −1 outside chains, and confidence (n_frames,), NaN outside chains."""

    labels: np.ndarray | list[np.ndarray]
    confidence: np.ndarray | list[np.ndarray]


@dataclass(frozen=True)
class ArHmm(Fitted):
    """Fitted autoregressive HMM; states are ordered by use, most used first.

    Parameters
    ----------
    coef : (K, D, D·lags + 1) array
        Regression on ``[x_{t-1}, …, x_{t-lags}, 1]``.
    cov : (K, D, D) array
        Residual covariance (scale matrix with Student-t residuals).
    transitions : (G, K, K) array
        Transition matrix of each group.
    usage : (K,) array
        Share of frames of each state in the fit.
    trace : (iterations,) array
        Log-likelihood a frame (nats) of each EM iteration and Gibbs sweep.
    lags, student_dof, gap_frames, single, kappa
        As in `ArHmmParams`; `kappa` is the value used.
    draws_coef, draws_cov, draws_transitions : arrays with leading axis S, or None
        Posterior draws of the parameters.
    recurrence : (K, D) array or None
        Of a recurrent AR-HMM: from frame x a state is entered ``exp(recurrence_k · x)`` times as readily as at the
        mean frame, to which `transitions` belong.
    """

    coef: np.ndarray
    cov: np.ndarray
    transitions: np.ndarray
    usage: np.ndarray
    trace: np.ndarray
    lags: int
    student_dof: float
    gap_frames: int
    single: bool
    kappa: float
    draws_coef: np.ndarray | None = None
    draws_cov: np.ndarray | None = None
    draws_transitions: np.ndarray | None = None
    recurrence: np.ndarray | None = None

    @property
    def n_states(self) -> int:
        """Number of states K."""
        return len(self.coef)

    def predict(self, x: Arrays | Sequences, lengths=None, *, groups: Sequence[int] | None = None, n_workers: int = 1):
        """Viterbi labels (n_frames,) int32 under the posterior-mean parameters; −1 outside chains."""
        return self._decode(x, lengths, groups, n_workers, confidence=False).labels

    def apply(
        self, x: Arrays | Sequences, lengths=None, *, groups: Sequence[int] | None = None, n_workers: int = 1
    ) -> DecodedPath:
        """Viterbi labels and their probability, averaged over posterior draws; no randomness.

        Parameters
        ----------
        x : list of (T_i, D) arrays or one (T, D) array with `lengths`
            Features scaled as in the fit; NaN where missing.
        groups : sequence of int, optional
            Group of each sequence (−1 or None: mean of the groups' transitions).
        """
        return self._decode(x, lengths, groups, n_workers, confidence=True)

    def posterior(
        self, x: Arrays | Sequences, lengths=None, *, groups: Sequence[int] | None = None, n_workers: int = 1
    ):
        """State probabilities (n_frames, K) averaged over posterior draws; NaN outside chains."""
        seqs, chains, steps = self._ready(x, lengths, groups)
        out = np.full((len(seqs.frames), self.n_states), np.nan, seqs.frames.dtype)

        def one(chain: Chain) -> None:
            out[chain.start : chain.stop] = self._marginal(seqs, chain, steps[chain.sequence], groups)

        with workers(n_workers) as pmap:
            pmap(one, chains)
        return seqs.answer(out)

    def loglik(
        self, x: Arrays | Sequences, lengths=None, *, groups: Sequence[int] | None = None, n_workers: int = 1
    ) -> np.ndarray:
        """Log-likelihood (n_sequences,) in nats, each frame given its lags, over valid frames."""
        seqs, chains, steps = self._ready(x, lengths, groups)
        white = self._white(self.coef, self.cov)
        first = np.full(self.n_states, 1 / self.n_states)

        def one(chain: Chain) -> float:
            ll = self._loglik(seqs, chain, white, steps[chain.sequence])
            return forward(ll, first, steps[chain.sequence], ll)

        with workers(n_workers) as pmap:
            values = pmap(one, chains)
        return np.bincount([c.sequence for c in chains], values, len(seqs)) if chains else np.zeros(len(seqs))

    def score(self, x: Arrays | Sequences, lengths=None, *, groups: Sequence[int] | None = None) -> float:
        """Held-out log-likelihood in nats a valid frame (one with all its lags observed)."""
        seqs, chains, _ = self._ready(x, lengths, groups)
        valid = sum(int(emission.lagged(seqs.frames, c.start, c.stop, c.start, self.lags)[1].sum()) for c in chains)
        return float(self.loglik(seqs, groups=groups).sum() / max(valid, 1))

    def _decode(self, x, lengths, groups, n_workers: int, *, confidence: bool) -> DecodedPath:
        seqs, chains, steps = self._ready(x, lengths, groups)
        labels = np.full(len(seqs.frames), -1, np.int32)
        sure = np.full(len(seqs.frames), np.nan, np.float32)
        white = self._white(self.coef, self.cov)
        first = np.full(self.n_states, -np.log(self.n_states))
        log_steps = np.log(steps)

        def one(chain: Chain) -> None:
            rows = slice(chain.start, chain.stop)
            ll = self._loglik(seqs, chain, white, steps[chain.sequence])
            pointers = np.empty(ll.shape, np.uint8 if self.n_states <= 256 else np.uint16)
            chain_viterbi(ll, first, log_steps[chain.sequence], pointers, labels[rows])
            del pointers, ll
            if confidence:
                marginal = self._marginal(seqs, chain, steps[chain.sequence], groups)
                sure[rows] = marginal[np.arange(len(marginal)), labels[rows]]

        with workers(n_workers) as pmap:
            pmap(one, chains)
        return DecodedPath(seqs.answer(labels), seqs.answer(sure))

    def _marginal(self, seqs: Sequences, chain: Chain, steps: np.ndarray, groups) -> np.ndarray:
        """Smoothed state probabilities of one chain, mean over the posterior draws (or the point estimate)."""
        first = np.full(self.n_states, 1 / self.n_states)
        if self.draws_coef is None or self.draws_cov is None or self.draws_transitions is None:
            sets = [(self.coef, self.cov, steps)]
        else:
            sets = [
                (coef, cov, self._steps_of(matrices, chain.sequence, groups))
                for coef, cov, matrices in zip(self.draws_coef, self.draws_cov, self.draws_transitions, strict=True)
            ]

        def smoothed(coef: np.ndarray, cov: np.ndarray, matrix: np.ndarray) -> np.ndarray:
            ll = self._loglik(seqs, chain, self._white(coef, cov), matrix)
            forward(ll, first, matrix, ll)
            backward(ll, np.ascontiguousarray(matrix.T), np.zeros_like(matrix))
            return ll

        total = smoothed(*sets[0])
        for one in sets[1:]:
            total += smoothed(*one)
        return np.divide(total, len(sets), out=total)

    def _loglik(self, seqs: Sequences, chain: Chain, white: emission.Whitener, steps: np.ndarray) -> np.ndarray:
        """Likelihoods (T, K) of one chain, built in pieces so that the lagged features stay small.

        Where transitions depend on the frames, with what turns `steps` into them.
        """
        out = np.empty((chain.stop - chain.start, self.n_states), white.matrix.dtype)
        for start in range(chain.start, chain.stop, 8192):
            stop = min(start + 8192, chain.stop)
            g, valid = emission.lagged(seqs.frames, start, stop, chain.start, self.lags)
            out[start - chain.start : stop - chain.start] = emission.loglik(g, valid, white)
        if self.recurrence is not None:
            out += drive(seqs.frames[chain.start : chain.stop], self.recurrence, steps)
        return out

    def _white(self, coef: np.ndarray, cov: np.ndarray) -> emission.Whitener:
        return emission.whitener(coef, cov, self.student_dof, np.float32 if self.single else np.float64)

    def _steps_of(self, matrices: np.ndarray, sequence: int, groups) -> np.ndarray:
        group = -1 if groups is None else groups[sequence]
        return floor_rows(matrices.mean(axis=0) if group < 0 else matrices[group])

    def _ready(self, x, lengths, groups):
        dtype = np.float32 if self.single else np.float64
        seqs = as_sequences(x, lengths, dtype=dtype, n_features=self.cov.shape[1])
        if groups is not None:
            check_groups(groups, len(seqs), len(self.transitions))
        steps = np.stack([self._steps_of(self.transitions, i, groups) for i in range(len(seqs))])
        return seqs, find_chains(seqs, gap_frames=self.gap_frames, least_frames=self.lags + 1), steps


def check_groups(groups: Sequence[int], n_sequences: int, n_groups: int) -> None:
    """Check group numbers: one a sequence, below `n_groups` (−1: unknown)."""
    if len(groups) != n_sequences or max(groups, default=-1) >= n_groups:
        fail(
            "AR-HMM groups",
            "wrong group numbers",
            expected=f"{n_sequences} numbers below {n_groups}",
            got=str(list(groups)[:20]),
        )
