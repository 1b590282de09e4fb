"""Keypoint SLDS: syllables from noisy keypoints (after keypoint-MoSeq, Weinreb et al. 2024).

A sticky AR-HMM moves a latent shape; keypoints are that shape, turned by the heading and moved
by the centroid, plus heavy-tailed noise of each keypoint. Jitter of the tracker goes into the
noise and not into the syllables, and missing keypoints are just not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from murid.data.errors import fail
from murid.data.params import Params, param
from murid.learn.fitted_part import Fitted
from murid.learn.parallel import workers
from murid.learn.segment._pose_labels import draw_states, infer, update_pose
from murid.learn.segment._pose_start import as_poses, fit_shape, pose_state
from murid.learn.segment._pose_state import PoseState, factors
from murid.learn.segment.arhmm import ArHmm, ArHmmParams, check_groups
from murid.learn.segment.arhmm_fit import Sampler
from murid.learn.segment.chains import Chain, find_chains
from murid.learn.sequences import Sequences

Progress = Callable[[str, int, int], None]


class SldsParams(Params):
    """Parameters of the keypoint SLDS."""

    dynamics: ArHmmParams = param(
        ArHmmParams(kappa=1e6, sweeps=20, draws=0), why="AR-HMM that starts the fit, on aligned keypoints alone"
    )
    kappa: float = param(1e4, ge=0, unit="frames", why="stickiness of the full model, as in keypoint-MoSeq's notebook")
    sweeps: int = param(100, ge=1, why="full Gibbs sweeps")
    draws: int = param(10, ge=1, why="last sweeps whose statistics make the model")
    n_latent: int = param(10, ge=1, why="most latent dimensions")
    variance: float = param(0.9, gt=0, lt=1, why="latent dimensions explain this share of the shape's variance")
    noise_dof: float = param(5.0, gt=0, why="degrees of freedom of keypoint noise; small means heavy tails")
    noise_std: float | None = param(
        None, gt=0, unit="data units", why="noise of a keypoint seen with full confidence; None measures the jitter"
    )
    keypoint_noise: tuple[float, ...] = param(
        (), unit="data units", why="noise of each keypoint in place of noise_std, in their order; 0 takes noise_std"
    )
    confidence_slope: float = param(-0.5, le=0, why="noise grows as confidence**slope, as in keypoint-MoSeq")
    step_std: float | None = param(
        None, gt=0, unit="data units/frame", why="typical step of the centroid; None measures it"
    )
    held: int = param(10, ge=0, why="sweeps at the start that hold the states while pose and noise find each other")
    collapsed_every: int = param(
        10,
        ge=1,
        why="one sweep in so many draws the states with the shape integrated out: fifty times the work of a plain one",
    )
    apply_rounds: int = param(
        6, ge=1, why="rounds of states and pose when the model is applied; more change fewer than 1 % of the labels"
    )


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
    noise_std : float or (K,) array
        Noise of every keypoint, or of each one, as used.
    step_std : float
        As in `SldsParams`, as used.
    noise_dof, confidence_slope, apply_rounds
        As in `SldsParams`.
    dynamics : ArHmm
        Dynamics of the latent shape.
    """

    shape: np.ndarray
    rest: np.ndarray
    anterior: np.ndarray
    posterior: np.ndarray
    noise_std: float | np.ndarray
    step_std: float
    noise_dof: float
    confidence_slope: float
    apply_rounds: int
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
        values: dict[str, Any] = {name: v.item() if v.ndim == 0 else v for name, v in own.items()}
        return cls(**values, dynamics=ArHmm.from_arrays(inner))

    def apply(
        self,
        poses: np.ndarray | Sequence[np.ndarray],
        confidence: np.ndarray | Sequence[np.ndarray] | None = None,
        *,
        groups: Sequence[int] | None = None,
        n_workers: int = 1,
    ) -> Tracked:
        """Infer labels, shape, heading and centroid of recordings; no randomness.

        States are found with the latent shape integrated out, in turn with heading, centroid and noise
        (`murid.learn.segment._pose_labels.infer`). Sampling states and shape in turn instead does not mix: it ends
        where it starts, and calls that certain.

        Parameters
        ----------
        poses : list of (T_i, K, S) arrays or one such array
            Keypoints in the units of the fit; NaN where missing.
        confidence : list of (T_i, K) arrays or one, optional
            Confidence in [0, 1]; default 1.
        groups : sequence of int, optional
            Group of each recording (−1 or None: mean of the groups' transitions).
        n_workers : int
            Threads over unbroken stretches.
        """
        seqs = as_poses(poses, confidence, n_keypoints=len(self.rest), n_space=self.rest.shape[1])
        state = pose_state(seqs, self, self.dynamics.gap_frames)
        latent = Sequences(state.x, seqs.offsets, True)
        if groups is not None:
            check_groups(groups, len(latent), len(self.dynamics.transitions))
        chains = find_chains(latent, gap_frames=self.dynamics.gap_frames, least_frames=self.dynamics.lags + 2)

        def steps_of(chain: Chain) -> np.ndarray:
            group = -1 if groups is None else groups[chain.sequence]
            return self.dynamics.transitions.mean(axis=0) if group < 0 else self.dynamics.transitions[group]

        with workers(n_workers) as pmap:
            probability = infer(state, chains, self.dynamics, steps_of, self.apply_rounds, pmap)
        columns = _columns(probability, state, chains)
        parts = list(pairwise(seqs.offsets))
        return Tracked(*([[v[a:b] for a, b in parts] for v in columns] if seqs.listed else columns))


def _columns(probability: np.ndarray, state: PoseState, chains: Sequence[Chain]) -> list[np.ndarray]:
    """Labels, confidence, latent, heading, centroid; −1 and NaN outside chains."""
    lost = np.ones(len(probability), bool)
    for chain in chains:
        lost[chain.start : chain.stop] = False
    labels = np.where(lost, -1, probability.argmax(axis=1)).astype(np.int32)
    values = [probability.max(axis=1), state.x.copy(), state.heading.copy(), state.centroid.copy()]
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
    **changes: Any,
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
    n_workers, progress
        Threads over segments; called as ``progress("gibbs" | "slds", done, total)``.
    **changes
        Single parameters of `SldsParams`, over `params`.

    Raises
    ------
    DataError
        For wrong shapes, keypoints never seen, or too few frames.
    """
    params = SldsParams.of(params, changes)
    seqs = as_poses(poses, confidence)
    if params.dynamics.student_dof:
        fail("SLDS", "Student-t dynamics are not part of this model", expected="student_dof = 0", got="another value")
    start, state = fit_shape(seqs, anterior, posterior, params)
    group = np.zeros(len(seqs.offsets) - 1, int) if groups is None else np.asarray(groups)
    check_groups(group.tolist(), len(seqs.offsets) - 1, int(group.max()) + 1)
    with workers(n_workers) as pmap:
        latent = Sequences(state.x, seqs.offsets, True)
        sampler = Sampler(latent, params.dynamics.replace(single=True), group, seed, pmap)
        _start_dynamics(sampler, params.dynamics, labels, progress)
        sampler.kappa = params.kappa
        for _ in range(params.held):
            _pose_sweep(sampler, state)
        for i in range(params.sweeps):
            if i % params.collapsed_every == 0:
                _collapsed_sweep(sampler, state)
            slds_sweep(sampler, state, prune=params.dynamics.prune, keep=params.sweeps - i <= params.draws)
            if progress:
                progress("slds", i + 1, params.sweeps)
    return Slds(**start, dynamics=sampler.model())


def _start_dynamics(
    sampler: Sampler, params: ArHmmParams, labels: np.ndarray | None, progress: Progress | None
) -> None:
    """Fit the AR-HMM to the first guess of the shape: from labels or k-means, by EM, merging and sampling."""
    sampler.start(labels)
    for _ in range(params.em_iterations):
        sampler.em_step()
    if params.merge:
        sampler.merge()
    for i in range(params.sweeps):
        sampler.sweep(prune=params.prune, keep=False)
        if progress:
            progress("gibbs", i + 1, params.sweeps)


def slds_sweep(sampler: Sampler, state: PoseState, *, prune: bool, keep: bool) -> None:
    """One full Gibbs sweep: transitions, dynamics, states, then shape, heading, centroid, noise."""
    coef, cov = sampler.sweep(prune=prune and not keep, keep=keep)
    _sample_pose(sampler, state, coef, cov, sampler.drawn_states)


def _pose_sweep(sampler: Sampler, state: PoseState) -> None:
    """Sample dynamics and pose while the states stay: takes the noise out of the shape before it moves states."""
    sampler.round += 1
    coef, cov = sampler.draw_dynamics()
    _sample_pose(sampler, state, coef, cov, sampler.states)


def _collapsed_sweep(sampler: Sampler, state: PoseState) -> None:
    """Gibbs sweep whose states are drawn with the shape integrated out: labels can leave what the last shape fits."""
    sampler.round += 1
    steps = sampler.draw_transitions()
    coef, cov = sampler.draw_dynamics()

    def steps_of(chain: Chain) -> np.ndarray:
        return steps[sampler.groups[chain.sequence]]

    sampler.states = draw_states(state, sampler.chains, coef, cov, steps_of, sampler.pmap, sampler.stream)
    _sample_pose(sampler, state, coef, cov, sampler.states)


def _sample_pose(sampler: Sampler, state: PoseState, coef: np.ndarray, cov: np.ndarray, states: np.ndarray) -> None:
    quadratic, linear = factors(coef, cov, sampler.params.lags)
    update_pose(state, sampler.segments, sampler.chains, states, quadratic, linear, sampler.pmap, sampler.stream)
    sampler.refresh()
