"""Keypoint SLDS: syllables from noisy keypoints (after keypoint-MoSeq, Weinreb et al. 2024).

A sticky AR-HMM moves a latent shape; keypoints are that shape, turned by the heading and moved
by the centroid, plus heavy-tailed noise of each keypoint. Jitter of the tracker goes into the
noise and not into the syllables, and missing keypoints are just not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from murid.data.errors import fail
from murid.data.params import Params, param
from murid.learn.fitted import Fitted
from murid.learn.parallel import Map, workers
from murid.learn.segment._chain import floor_rows
from murid.learn.segment._pose_start import as_poses, fit_shape, pose_state
from murid.learn.segment._pose_state import PoseState, factors
from murid.learn.segment.arhmm import ArHmm, ArHmmParams, check_groups
from murid.learn.segment.arhmm_fit import Sampler
from murid.learn.sequences import Sequences

Progress = Callable[[str, int, int], None]

#: Sweeps at the start in which pose and noise find each other while the states are held.
HELD = 10


class SldsParams(Params):
    """Parameters of the keypoint SLDS."""

    dynamics: ArHmmParams = param(
        ArHmmParams(kappa=1e6, sweeps=20, draws=0), why="AR-HMM that starts the fit, on aligned keypoints alone"
    )
    kappa: float = param(1e4, ge=0, unit="frames", why="stickiness of the full model, as in keypoint-MoSeq's notebook")
    sweeps: int = param(100, ge=1, why="full Gibbs sweeps")
    draws: int = param(10, ge=1, why="parameter draws kept from the last sweeps, for confidence")
    n_latent: int = param(10, ge=1, why="most latent dimensions")
    variance: float = param(0.9, gt=0, lt=1, why="latent dimensions explain this share of the shape's variance")
    noise_dof: float = param(5.0, gt=0, why="degrees of freedom of keypoint noise; small means heavy tails")
    noise_std: float | None = param(
        None, gt=0, unit="data units", why="noise of a keypoint seen with full confidence; None measures the jitter"
    )
    confidence_slope: float = param(-0.5, le=0, why="noise grows as confidence**slope, as in keypoint-MoSeq")
    step_std: float | None = param(
        None, gt=0, unit="data units/frame", why="typical step of the centroid; None measures it"
    )
    apply_rounds: int = param(30, ge=3, why="sweeps when the model is applied; the first third is dropped")


class Tracked(NamedTuple):
    """What applying an SLDS gives, per frame: NaN or −1 where the animal was not seen for long.

    Labels (T,), confidence (T,), latent shape (T, D), heading (T,) in radians, centroid (T, S) in
    data units; lists of these when a list was given.
    """

    labels: Any
    confidence: Any
    latent: Any
    heading: Any
    centroid: Any


@dataclass(frozen=True)
class Slds(Fitted):
    """Fitted keypoint SLDS.

    Parameters
    ----------
    shape : (K, S, D) array
        Displacement of each keypoint per unit of each latent dimension, in data units.
    rest : (K, S) array
        Mean keypoints in the animal's frame, in data units.
    anterior, posterior : (n,) int arrays
        Keypoints that define the first guess of the heading.
    noise_std, step_std : float
        As in `SldsParams`, as used.
    noise_dof, confidence_slope, apply_rounds
        As in `SldsParams`.
    shown_coef : (n, D, lags · D + 1) array
    shown_cov : (n, D, D) array
        Dynamics of each state as the noisy shapes of single frames show them: `apply` starts from these.
    dynamics : ArHmm
        Dynamics of the latent shape.
    """

    shape: np.ndarray
    rest: np.ndarray
    anterior: np.ndarray
    posterior: np.ndarray
    noise_std: float
    step_std: float
    noise_dof: float
    confidence_slope: float
    apply_rounds: int
    shown_coef: np.ndarray = field(repr=False)
    shown_cov: np.ndarray = field(repr=False)
    dynamics: ArHmm = field(repr=False)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all fields as arrays; those of the dynamics are called ``dynamics.…``."""
        own = {name: np.asarray(v) for name, v in vars(self).items() if name != "dynamics"}
        return own | {f"dynamics.{name}": value for name, value in self.dynamics.arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Self:
        """Rebuild the model from what `arrays` returned."""
        inner = {name.removeprefix("dynamics."): v for name, v in arrays.items() if name.startswith("dynamics.")}
        own = {name: np.asarray(v) for name, v in arrays.items() if not name.startswith("dynamics.")}
        values = {name: v.item() if v.ndim == 0 else v for name, v in own.items()}
        return cls(**values, dynamics=ArHmm.from_arrays(inner))

    def apply(
        self, poses, confidence=None, *, groups: Sequence[int] | None = None, seed: int = 0, n_workers: int = 1
    ) -> Tracked:
        """Infer labels, shape, heading and centroid of recordings.

        Averages over samples of states and pose, each under a posterior draw of the parameters.
        (Alternating between the best states and the best pose would be quicker and biased: a
        smoothed pose looks more predictable than the dynamics say, and labels lock in.) The
        random streams are fixed by `seed`, so the answer is the same each time.

        Parameters
        ----------
        poses : list of (T_i, K, S) arrays or one such array
            Keypoints in the units of the fit; NaN where missing.
        confidence : list of (T_i, K) arrays or one, optional
            Confidence in [0, 1]; default 1.
        groups : sequence of int, optional
            Group of each recording (−1 or None: mean of the groups' transitions).
        """
        seqs = as_poses(poses, confidence, n_keypoints=len(self.rest), n_space=self.rest.shape[1])
        state = pose_state(seqs, self, self.dynamics.gap_frames)
        latent = Sequences(state.x, seqs.offsets, True)
        means = _Means(len(state.x), self.dynamics.n_states, state)
        with workers(n_workers) as pmap:
            sampler = self._sampler(latent, groups, seed, pmap)
            # The dynamics are those of the true shape; at first there is only what single frames show of it.
            guess = replace(self.dynamics, coef=self.shown_coef, cov=self.shown_cov)
            sampler.states = np.maximum(np.concatenate(guess.predict(latent, n_workers=n_workers)), 0)
            for i in range(-HELD, self.apply_rounds) if sampler.chains else ():
                sampler.round = i % (HELD + self.apply_rounds)
                coef, cov, steps = self._draw(i)
                if i >= 0:
                    sampler.resample_states(coef, cov, steps)
                quadratic, linear = factors(coef, cov, self.dynamics.lags)
                update_pose(
                    state, sampler.segments, sampler.chains, sampler.states, quadratic, linear, pmap, sampler.stream
                )
                if i >= self.apply_rounds // 3:
                    means.add(sampler.states, state)
        columns = means.columns(np.isnan(latent.frames[:, 0]))
        parts = list(pairwise(seqs.offsets))
        return Tracked(*([[v[a:b] for a, b in parts] for v in columns] if seqs.listed else columns))

    def _sampler(self, latent: Sequences, groups: Sequence[int] | None, seed: int, pmap: Map) -> Sampler:
        inner = self.dynamics
        if groups is not None:
            check_groups(groups, len(latent), len(inner.transitions))
        group = np.full(len(latent), -1) if groups is None else np.asarray(groups)
        params = ArHmmParams(n_states=inner.n_states, lags=inner.lags, kappa=inner.kappa, gap_frames=inner.gap_frames)
        return Sampler(latent, params, np.where(group < 0, len(inner.transitions), group), seed, pmap)

    def _draw(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Parameter draw number `i`, transitions with the mean of all groups at the end."""
        inner = self.dynamics
        at = i % len(inner.draws_coef)
        steps = inner.draws_transitions[at]
        return (
            inner.draws_coef[at],
            inner.draws_cov[at],
            floor_rows(np.concatenate([steps, steps.mean(0, keepdims=True)])),
        )


class _Means:
    """Running means of what an SLDS infers, over samples."""

    def __init__(self, n_frames: int, n_states: int, state: PoseState) -> None:
        self.votes = np.zeros((n_frames, n_states), np.uint16)
        self.latent, self.centroid = np.zeros_like(state.x), np.zeros_like(state.centroid)
        self.way = np.zeros((n_frames, 2), np.float32)
        self.n = 0

    def add(self, states: np.ndarray, state: PoseState) -> None:
        self.votes[np.arange(len(states)), states] += 1
        self.latent += state.x
        self.centroid += state.centroid
        self.way += np.stack([np.cos(state.heading), np.sin(state.heading)], axis=1)
        self.n += 1

    def columns(self, lost: np.ndarray) -> list[np.ndarray]:
        """Labels, confidence, latent, heading, centroid; −1 and NaN where `lost`."""
        n = max(self.n, 1)
        labels = np.where(lost, -1, self.votes.argmax(axis=1)).astype(np.int32)
        values = [
            self.votes.max(axis=1) / n,
            self.latent / n,
            np.arctan2(self.way[:, 1], self.way[:, 0]),
            self.centroid / n,
        ]
        for value in values:
            value[lost] = np.nan
        return [labels, *(value.astype(np.float32) for value in values)]


def fit_slds(
    poses,
    anterior: Sequence[int],
    posterior: Sequence[int],
    params: SldsParams | None = None,
    *,
    confidence=None,
    groups: Sequence[int] | None = None,
    labels: np.ndarray | None = None,
    seed: int = 0,
    n_workers: int = 1,
    progress: Progress | None = None,
) -> Slds:
    """Fit a keypoint SLDS.

    Parameters
    ----------
    poses : list of (T_i, K, S) arrays or one such array
        Keypoints in px or cm, not aligned; S is 2 or 3; NaN where missing.
    anterior, posterior : sequence of int
        Keypoints whose means point from the rear to the front of the animal.
    params : SldsParams, optional
        Model and effort.
    confidence : list of (T_i, K) arrays or one, optional
        Confidence in [0, 1]; low confidence means more noise. Default 1.
    groups : sequence of int, optional
        Group of each recording; each gets a transition matrix of its own.
    labels : (n_frames,) int array, optional
        Start from these states, all recordings one after the other, instead of k-means.
    seed : int
        Same seed, same model, on any number of workers.
    n_workers : int
        Threads over segments.
    progress : callable, optional
        Called as ``progress("gibbs" | "slds", done, total)``.

    Raises
    ------
    DataError
        For wrong shapes, keypoints never seen, or too few frames.
    """
    params = params or SldsParams()
    seqs = as_poses(poses, confidence)
    if params.dynamics.student_dof:
        fail("SLDS", "Student-t dynamics are not part of this model", expected="student_dof = 0", got="another value")
    start, state = fit_shape(seqs, anterior, posterior, params)
    if groups is not None:
        check_groups(groups, len(seqs.offsets) - 1, max(groups) + 1)
    group = np.zeros(len(seqs.offsets) - 1, int) if groups is None else np.asarray(groups)
    shown = state.x.copy()
    with workers(n_workers) as pmap:
        latent = Sequences(state.x, seqs.offsets, True)
        sampler = Sampler(latent, params.dynamics.replace(single=True), group, seed, pmap)
        sampler.start(labels)
        for _ in range(params.dynamics.em_iterations):
            sampler.em_step()
        if params.dynamics.merge:
            sampler.merge()
        for i in range(params.dynamics.sweeps):
            sampler.sweep(prune=params.dynamics.prune, keep=False)
            if progress:
                progress("gibbs", i + 1, params.dynamics.sweeps)
        sampler.kappa = params.kappa
        for _ in range(HELD):
            _pose_sweep(sampler, state)
        for i in range(params.sweeps):
            slds_sweep(sampler, state, prune=params.dynamics.prune, keep=params.sweeps - i <= params.draws)
            if progress:
                progress("slds", i + 1, params.sweeps)
        coef, cov = _as_shown(Sequences(shown, seqs.offsets, True), sampler)
    return Slds(**start, shown_coef=coef, shown_cov=cov, dynamics=sampler.model())


def _as_shown(shown: Sequences, sampler: Sampler) -> tuple[np.ndarray, np.ndarray]:
    """Dynamics of the sampler's states in the shapes of single frames, in the order of its model."""
    params = sampler.params.replace(n_states=len(sampler.beta), noise_floor=0.0)
    other = Sampler(shown, params, sampler.groups, sampler.seed, sampler.pmap)
    other.start(sampler.states)
    coef, cov = other.mode()
    order = sampler.order()
    return coef[order], cov[order]


def slds_sweep(sampler: Sampler, state: PoseState, *, prune: bool, keep: bool) -> None:
    """One full Gibbs sweep: transitions, dynamics, states, then shape, heading, centroid, noise."""
    coef, cov = sampler.sweep(prune=prune and not keep, keep=keep)
    quadratic, linear = factors(coef, cov, sampler.params.lags)
    update_pose(
        state, sampler.segments, sampler.chains, sampler.drawn_states, quadratic, linear, sampler.pmap, sampler.stream
    )
    sampler.refresh()


def _pose_sweep(sampler: Sampler, state: PoseState) -> None:
    """Sample dynamics and pose while the states stay: takes the noise out of the shape before it moves states."""
    sampler.round += 1
    coef, cov = sampler.draw_dynamics()
    quadratic, linear = factors(coef, cov, sampler.params.lags)
    update_pose(
        state, sampler.segments, sampler.chains, sampler.states, quadratic, linear, sampler.pmap, sampler.stream
    )
    sampler.refresh()


def update_pose(state: PoseState, segments, chains, states, quadratic, linear, pmap: Map, stream=None) -> None:
    """Sample shape, heading, centroid and noise given states (or, without a `stream`, take their conditional means)."""
    rng_of = stream or (lambda *key: None)
    chain_of = np.array([segment.chain for segment in segments])
    place = np.arange(len(segments)) - np.searchsorted(chain_of, chain_of)

    def shape(i: int) -> None:
        state.update_shape(segments[i], chains[segments[i].chain], states, quadratic, linear, rng_of(4, i))

    for parity in (0, 1):
        pmap(shape, [i for i in range(len(segments)) if place[i] % 2 == parity])
    pmap(lambda i: state.update_heading(slice(segments[i].start, segments[i].stop), rng_of(5, i)), range(len(segments)))
    pmap(lambda i: state.update_centroid(chains[i], rng_of(6, i)), range(len(chains)))
    pmap(lambda i: state.update_noise(segments[i], rng_of(7, i)), range(len(segments)))
