"""Learn the sticky AR-HMM: k-means start, EM, merging, blocked Gibbs sampling.

Model and priors of MoSeq (Wiltschko et al. 2015; weak-limit sampler of Fox et al. 2011). What
is done differently: a data-driven start with EM instead of hundreds of sweeps from noise;
statistics by sorting frames by state; border-exact sampling of segments in parallel; empty
states are dropped on the way; labels come from the posterior-mean model, not from one sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from murid.data.errors import fail
from murid.learn.parallel import Map, summed, workers
from murid.learn.segment import _emission as emission
from murid.learn.segment import _mniw as mniw
from murid.learn.segment import _sticky as sticky
from murid.learn.segment._arstart import common_dynamics, first_states
from murid.learn.segment._markov_chain import backward, forward, sample_backward
from murid.learn.segment._recurrence import drive, fit_recurrence
from murid.learn.segment.arhmm import ArHmm, ArHmmParams, check_groups
from murid.learn.segment.chains import Segment, cut_chains, find_chains
from murid.learn.sequences import Arrays, Sequences, as_sequences

SURPLUS = 60  # States of a generous start.
Progress = Callable[[str, int, int], None]


def fit_arhmm(
    x: Arrays | Sequences,
    params: ArHmmParams | None = None,
    lengths: Sequence[int] | None = None,
    *,
    groups: Sequence[int] | None = None,
    labels: np.ndarray | None = None,
    seed: int = 0,
    n_workers: int = 1,
    progress: Progress | None = None,
    **changes: Any,
) -> ArHmm:
    """Fit a sticky AR-HMM.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array with `lengths`
        Features, best whitened (`fit_pca(..., whiten=True)`); NaN where missing.
    params : ArHmmParams, optional
        Model, priors and effort.
    groups : sequence of int, optional
        Group (0, 1, …) of each sequence; each group gets a transition matrix of its own.
    labels : (n_frames,) int array, optional
        Start from these states instead of k-means.
    seed : int
        Same seed, same model, on any number of workers.
    n_workers : int
        Threads over segments.
    progress : callable, optional
        Called as ``progress("em" | "gibbs", done, total)``.
    **changes
        Single parameters of `ArHmmParams`, over `params`.

    Raises
    ------
    DataError
        When no stretch has enough observed frames, groups do not match the sequences, or sampling is asked for a
        recurrent model.
    """
    params = ArHmmParams.of(params, changes)
    if params.recurrent and params.sweeps:
        fail("AR-HMM", "a recurrent model is learnt by EM", expected="sweeps=0", got=f"sweeps={params.sweeps}")
    seqs = as_sequences(x, lengths, dtype=np.float32 if params.single else np.float64)
    if groups is not None:
        check_groups(groups, len(seqs), max(groups) + 1)
    with workers(n_workers) as pmap:
        sampler = Sampler(seqs, params, np.zeros(len(seqs), int) if groups is None else np.asarray(groups), seed, pmap)
        sampler.start(labels)
        for i in range(params.em_iterations):
            sampler.em_step()
            if progress:
                progress("em", i + 1, params.em_iterations)
        if params.merge:
            sampler.merge()
        if params.recurrent:
            sampler.recur()
        for i in range(params.sweeps):
            keep = params.sweeps - i <= params.draws
            sampler.sweep(prune=params.prune and params.sweeps - i > params.draws, keep=keep)
            if progress:
                progress("gibbs", i + 1, params.sweeps)
        return sampler.model()


class Sampler:
    """State of a fit: labels, statistics, weights; `em_step`, `merge` and `sweep` advance it.

    Parameters
    ----------
    seqs : Sequences
        Features.
    params : ArHmmParams
    groups : (n_sequences,) int array
    seed : int
    pmap : callable
        Ordered map from `murid.learn.parallel.workers`.
    """

    def __init__(self, seqs: Sequences, params: ArHmmParams, groups: np.ndarray, seed: int, pmap: Map) -> None:
        self.frames, self.params, self.groups, self.seed, self.pmap = seqs.frames, params, groups, seed, pmap
        self.n_groups = int(groups.max()) + 1
        self.dtype = seqs.frames.dtype
        self.chains = find_chains(seqs, gap_frames=params.gap_frames, least_frames=params.lags + 2)
        n_frames = sum(c.stop - c.start for c in self.chains)
        self.segments = cut_chains(self.chains, params.segment_frames)
        self.kappa = float(n_frames if params.kappa is None else params.kappa)
        if params.group_kappa and (len(params.group_kappa) != self.n_groups or min(params.group_kappa) < 0):
            fail(
                "AR-HMM",
                "not one stickiness a group",
                expected=f"{self.n_groups} numbers >= 0",
                got=str(params.group_kappa),
            )
        self.share = params.gamma / params.n_states
        self.beta = np.full(params.n_states, 1 / params.n_states)
        self.states = self.drawn_states = np.zeros(len(self.frames), np.int16)
        self.trace: list[float] = []
        self.n_valid = max(n_frames, 1)
        self.draws: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.sums: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.round = 0
        self.flow = np.zeros((self.n_groups, params.n_states, params.n_states))
        self.recurrence: np.ndarray | None = None
        self.steps: np.ndarray | None = None

    @property
    def stickiness(self) -> float | np.ndarray:
        """One κ for all groups, or that of each."""
        return np.asarray(self.params.group_kappa) if self.params.group_kappa else self.kappa

    def start(self, labels: np.ndarray | None = None) -> None:
        """Set the prior from one common AR fit and the states from `labels` or k-means."""
        p, d = self.params, self.frames.shape[1]
        least, got = max(10 * (p.lags + 1), 2 * d), sum(c.stop - c.start for c in self.chains)
        if got < least:
            fail("AR-HMM", "too few observed frames", expected=f"at least {least} in a row", got=str(got))
        coef, cov, self.n_valid = common_dynamics(self.frames, self.segments, self.chains, p.lags, self.pmap)
        scale = cov if p.noise_scale is None else p.noise_scale * np.eye(d)
        self.prior = mniw.ar_prior(d, p.lags, scale, floor=p.noise_floor * cov)
        if labels is None:
            # Too many states at first, merged later, escape the poor optima that a tight start falls into.
            n_start = max(p.n_states, min(3 * p.n_states, SURPLUS)) if p.merge and p.em_iterations else p.n_states
            stream = np.random.SeedSequence(self.seed, spawn_key=(0,))
            self.states = first_states(
                self.frames, self.segments, self.chains, p.lags, n_start, (coef, cov), stream, self.pmap
            )
        else:
            n_start = p.n_states
            self.states = np.clip(np.asarray(labels), 0, n_start - 1).astype(np.int16)
        self.beta = np.full(n_start, 1 / n_start)
        self.refresh()

    def refresh(self) -> None:
        """Gather the statistics anew from the present states and features."""
        k = len(self.beta)

        def gather(segment: Segment):
            g, valid = self._features(segment)
            z = self.states[segment.start : segment.stop]
            return emission.moments_by_state(g, z, k), np.bincount(z[valid], minlength=k).astype(float)

        self.moments, self.counts = summed(self.pmap, gather, self.segments)
        self._count_flow()

    def em_step(self) -> None:
        """One step of maximum-a-posteriori EM: soft statistics, then modes."""
        k = len(self.beta)
        coef, cov = self.mode()
        self.beta = sticky.expected_beta(self.flow, self.share)
        steps = self.steps
        if steps is None:
            steps = sticky.expected_transitions(self.flow, self.beta, alpha=self.params.alpha, kappa=self.stickiness)
        white = emission.whitener(coef, cov, self.params.student_dof, self.dtype)
        backs = np.ascontiguousarray(steps.transpose(0, 2, 1))
        first = np.full(k, 1 / k)
        every = None if self.recurrence is None else np.zeros((len(self.frames), k), self.dtype)

        def expect(segment: Segment):
            g, valid = self._features(segment)
            group = self.groups[self.chains[segment.chain].sequence]
            ll = emission.loglik(g, valid, white)
            gamma, rows = np.empty_like(ll), slice(segment.start, segment.stop)
            given = ll if self.recurrence is None else ll + drive(self.frames[rows], self.recurrence, steps[group])
            total = forward(given, first, steps[group], gamma)
            flow = np.zeros((self.n_groups, k, k))
            backward(gamma, backs[group], flow[group])
            flow[group] = (flow[group] * backs[group]).T
            self.states[rows] = gamma.argmax(axis=1)
            if every is not None:
                every[rows] = gamma
            counts = gamma[valid].sum(axis=0, dtype=np.float64)
            return emission.moments_by_weight(g, gamma * self._softness(ll, white)), counts, flow, total

        self.moments, self.counts, self.flow, total = summed(self.pmap, expect, self.segments)
        self.trace.append(float(total) / self.n_valid)
        if every is not None and self.recurrence is not None:
            prior = self.params.alpha * self.beta + sticky.stay_weights(self.stickiness, k)
            group = self.groups[[self.chains[s.chain].sequence for s in self.segments]]
            parts = [(s.start, s.stop, int(g)) for s, g in zip(self.segments, group, strict=True)]
            self.recurrence, self.steps = fit_recurrence(
                self.frames, every, self.flow, prior, parts, (self.recurrence, steps)
            )

    def recur(self) -> None:
        """Let the transitions depend on the frames, and go on with EM."""
        used = np.flatnonzero(self.counts >= 1)
        self._relabel([[int(i)] for i in used], spare=False)
        self.beta = sticky.expected_beta(self.flow, self.share)
        self.steps = sticky.expected_transitions(self.flow, self.beta, alpha=self.params.alpha, kappa=self.stickiness)
        self.recurrence = np.zeros((len(self.beta), self.frames.shape[1]))
        for _ in range(max(self.params.em_iterations, 1)):
            self.em_step()

    def merge(self) -> None:
        """Unite pairs of states while that raises the evidence of the frames (transitions left aside).

        Merging goes on, at least loss, while there are more states than `n_states`.
        """
        used = np.flatnonzero(self.counts >= 1)
        groups = [[int(i)] for i in used]
        moments, counts = list(self.moments[used]), list(self.counts[used])
        alone = list(mniw.log_evidence(self.prior, np.stack(moments), np.array(counts)))

        def gains(i: int, others: list[int]) -> np.ndarray:
            both = np.stack([moments[i] + moments[j] for j in others])
            together = mniw.log_evidence(self.prior, both, np.array([counts[i] + counts[j] for j in others]))
            return together - alone[i] - np.array([alone[j] for j in others])

        n = len(groups)
        gain = np.full((n, n), -np.inf)
        for i in range(n - 1):
            gain[i, i + 1 :] = gains(i, list(range(i + 1, n)))
        n_left = n
        while n_left > 1 and (gain.max() > 0 or n_left > self.params.n_states):
            n_left -= 1
            i, j = (int(v) for v in np.unravel_index(np.argmax(gain), gain.shape))
            groups[i] += groups[j]
            groups[j] = []
            moments[i], counts[i] = moments[i] + moments[j], counts[i] + counts[j]
            alone[i] = mniw.log_evidence(self.prior, moments[i][None], np.array([counts[i]]))[0]
            gain[j, :] = gain[:, j] = -np.inf
            rest = [m for m in range(n) if groups[m] and m != i]
            for m, value in zip(rest, gains(i, rest) if rest else [], strict=True):
                gain[min(i, m), max(i, m)] = value
        self._relabel(groups)

    def _relabel(self, groups: list[list[int]], *, spare: bool = True) -> None:
        """Give each non-empty group of old states one number; with `spare`, fill up to `n_states` with empty states."""
        k = max(self.params.n_states if spare else 1, sum(map(bool, groups)))
        target = np.zeros(len(self.beta), np.int16)
        moments, counts = np.zeros((k, *self.moments.shape[1:])), np.zeros(k)
        for new, group in enumerate(filter(None, groups)):
            target[group] = new
            moments[new], counts[new] = self.moments[group].sum(axis=0), self.counts[group].sum()
        self.states, self.moments, self.counts = target[self.states], moments, counts
        self.beta = np.full(k, 1 / k)
        self._count_flow()

    def sweep(self, *, prune: bool, keep: bool) -> tuple[np.ndarray, np.ndarray]:
        """One blocked Gibbs sweep: transitions, dynamics, states; then drop empty states.

        Parameters
        ----------
        prune : bool
            Drop empty states except a few spare ones.
        keep : bool
            Keep this draw of the parameters and its statistics for the model.

        Returns
        -------
        coef, cov : arrays
            Dynamics of the states as numbered in `drawn_states`.
        """
        self.round += 1
        steps = self.draw_transitions()
        coef, cov = self.draw_dynamics()
        self.resample_states(coef, cov, steps)
        if keep:
            self.draws.append((coef, cov, steps))
            self.sums.append((self.moments, self.counts, self.flow))
        self.drawn_states = self.states
        if prune:
            self._prune()
        return coef, cov

    def draw_transitions(self) -> np.ndarray:
        """Draw the transition matrices (n_groups, K, K) and the global weights given the states."""
        p = self.params
        self.beta, steps = sticky.draw_transitions(
            self.flow, self.beta, alpha=p.alpha, kappa=self.stickiness, share=self.share, rng=self.stream(1)
        )
        return steps

    def draw_dynamics(self) -> tuple[np.ndarray, np.ndarray]:
        """Draw the dynamics of all states given which rows are whose."""
        return mniw.draw(mniw.posterior(self.prior, self.moments, self.counts), self.stream(2))

    def resample_states(self, coef: np.ndarray, cov: np.ndarray, steps: np.ndarray) -> None:
        """Sample all states given the parameters, and gather the statistics for the next sweep.

        Segments of one chain are sampled in two passes, even then odd, each given the states
        beside its borders: exact for long recordings, and parallel.
        """
        k = len(coef)
        white = emission.whitener(coef, cov, self.params.student_dof, self.dtype)
        backs = np.ascontiguousarray(steps.transpose(0, 2, 1))

        def resample(number: int):
            segment = self.segments[number]
            chain = self.chains[segment.chain]
            group = self.groups[chain.sequence]
            g, valid = self._features(segment)
            z = self.states[segment.start : segment.stop]
            first = np.full(k, 1 / k) if segment.start == chain.start else steps[group][self.states[segment.start - 1]]
            after = -1 if segment.stop == chain.stop else int(self.states[segment.stop])
            alpha = emission.loglik(g, valid, white)
            total = forward(alpha, first, steps[group], alpha)
            rng = self.stream(3, number)
            sample_backward(alpha, backs[group], rng.random(len(z)), after, z)
            weights = self._weights(g, z, coef, cov, rng)
            counts = np.bincount(z[valid], minlength=k).astype(float)
            return emission.moments_by_state(g, z, k, weights), counts, total

        place = self._places()
        passes = [[i for i in range(len(self.segments)) if place[i] % 2 == parity] for parity in (0, 1)]
        parts = [summed(self.pmap, resample, numbers) for numbers in passes if numbers]
        self.moments, self.counts, total = (np.sum(values, axis=0) for values in zip(*parts, strict=True))
        self.trace.append(float(total) / self.n_valid)
        self._count_flow()

    def mode(self) -> tuple[np.ndarray, np.ndarray]:
        """Most likely dynamics of all states given which rows are whose now."""
        return mniw.mode(mniw.posterior(self.prior, self.moments, self.counts))

    def order(self) -> np.ndarray:
        """Return the states that the model keeps, most used first."""
        counts = np.mean([c for _, c, _ in self.sums], axis=0) if self.sums else self.counts
        order = np.argsort(-counts, kind="stable")
        return order[counts[order] >= 1]

    def model(self) -> ArHmm:
        """Posterior-mean model over the kept draws (or the EM mode), states ordered by use."""
        p = self.params
        if self.sums:
            moments, counts, flow = (np.mean(values, axis=0) for values in zip(*self.sums, strict=True))
            coef, cov = mniw.expected(mniw.posterior(self.prior, moments, counts))
        else:
            counts, flow = self.counts, self.flow
            coef, cov = self.mode()
        steps = self.steps
        if steps is None:
            beta = sticky.expected_beta(flow, self.share)
            steps = sticky.expected_transitions(flow, beta, alpha=p.alpha, kappa=self.stickiness)
        order = self.order()
        pair = np.ix_(np.arange(self.n_groups), order, order)
        draws: dict[str, np.ndarray] = {}
        if self.draws:
            draws = {
                "draws_coef": np.stack([c[order] for c, _, _ in self.draws]),
                "draws_cov": np.stack([c[order] for _, c, _ in self.draws]),
                "draws_transitions": np.stack(
                    [s[pair] / s[pair].sum(axis=-1, keepdims=True) for _, _, s in self.draws]
                ),
            }
        return ArHmm(
            coef[order],
            cov[order],
            steps[pair] / steps[pair].sum(axis=-1, keepdims=True),
            counts[order] / counts.sum(),
            np.array(self.trace),
            p.lags,
            p.student_dof,
            p.gap_frames,
            p.single,
            self.kappa,
            **draws,
            recurrence=None if self.recurrence is None else self.recurrence[order],
        )

    def _prune(self) -> None:
        occupied = self.flow.sum(axis=(0, 1)) + self.flow.sum(axis=(0, 2)) + self.counts > 0
        occupied[np.unique(np.concatenate([self.states[c.start : c.stop] for c in self.chains]))] = True
        spare = np.flatnonzero(~occupied)[: self.params.spare_states]
        keep = np.sort(np.concatenate([np.flatnonzero(occupied), spare]))
        if len(keep) == len(occupied):
            return
        place = np.zeros(len(occupied), np.int16)
        place[keep] = np.arange(len(keep))
        self.states = place[self.states]
        self.moments, self.counts = self.moments[keep], self.counts[keep]
        self.flow = self.flow[np.ix_(np.arange(self.n_groups), keep, keep)]
        self.beta = self.beta[keep] / self.beta[keep].sum()

    def _places(self) -> np.ndarray:
        """Number of each segment inside its chain."""
        chain = np.array([s.chain for s in self.segments])
        return np.arange(len(chain)) - np.searchsorted(chain, chain)

    def _features(self, segment: Segment) -> tuple[np.ndarray, np.ndarray]:
        origin = self.chains[segment.chain].start
        return emission.lagged(self.frames, segment.start, segment.stop, origin, self.params.lags)

    def _softness(self, ll: np.ndarray, white: emission.Whitener) -> np.ndarray | float:
        """Student-t weights (T, K) of EM: (ν + D) / (ν + distance²), read off the log-density."""
        nu, d = self.params.student_dof, self.frames.shape[1]
        if nu == 0:
            return 1.0
        return (nu + d) / nu * np.exp((ll - white.constant) * (2 / (nu + d)))

    def _weights(self, g, z, coef, cov, rng: np.random.Generator) -> np.ndarray | None:
        """Student-t weights (T,) of Gibbs: a draw of each frame's precision."""
        nu, d = self.params.student_dof, self.frames.shape[1]
        if nu == 0:
            return None
        distance = emission.mahalanobis_of(g, z, coef, cov)
        return rng.standard_gamma((nu + d) / 2, len(g)) * 2 / (nu + distance)

    def _count_flow(self) -> None:
        self.flow = sticky.transition_counts(self.states, self.chains, self.groups, self.n_groups, len(self.beta))

    def stream(self, *key: int) -> np.random.Generator:
        """Random stream of this round and `key`, the same on any number of workers."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(1, self.round, *key)))
