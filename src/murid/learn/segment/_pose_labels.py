"""States of a keypoint SLDS: pose and states found in turn, the latent shape integrated out of the states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from murid.learn.parallel import Map
from murid.learn.segment._markov_chain import backward, floor_rows, sample_backward
from murid.learn.segment._pose_state import START_VARIANCE, PoseState, factors
from murid.learn.segment._switching_filter import mixed_filter, sightings
from murid.learn.segment.arhmm import ArHmm
from murid.learn.segment.chains import Chain, Segment, cut_chains

#: Rows whose sightings are held at a time.
BLOCK = 8192
#: Variance of heavy-tailed noise over its scale is ν / (ν − 2), infinite for ν ≤ 2: it counts as this at most.
WIDEST = 3.0


def infer(
    state: PoseState,
    chains: list[Chain],
    dynamics: ArHmm,
    transitions: Callable[[Chain], np.ndarray],
    rounds: int,
    pmap: Map,
) -> np.ndarray:
    """Find states, shape, heading, centroid and noise of poses under given dynamics; no randomness.

    Each round gives each row the probability of every state with the latent shape integrated out (`mixed_filter`),
    then moves shape, heading and centroid to their conditional means under the most probable states. Noise grows
    where a keypoint lies off, but never falls below its prior: states read from points that fit by chance would be
    too sure.

    Parameters
    ----------
    state : PoseState
        Start; ends at the answer.
    chains : list of Chain
    dynamics : ArHmm
    transitions : callable
        Chain → (K, K) transition matrix.
    rounds : int

    Returns
    -------
    (n_frames, K) float32 array
        Smoothed probabilities; 0 outside chains.
    """
    coef, cov = dynamics.coef.astype(np.float64), dynamics.cov.astype(np.float64)
    quadratic, linear = factors(coef, cov, dynamics.lags)
    probability = np.zeros((len(state.x), len(coef)), np.float32)
    segments = cut_chains(chains, 10_000)

    nu = state.noise_dof
    widening = min(nu / (nu - 2), WIDEST) if nu > 2 else WIDEST

    def smooth(chain: Chain) -> None:
        steps, alpha = floor_rows(transitions(chain)), probability[chain.start : chain.stop]
        _filter(state, chain, coef, cov, steps, alpha, widening)
        backward(alpha, np.ascontiguousarray(steps.T), np.zeros_like(steps))

    for _ in range(rounds):
        pmap(smooth, chains)
        update_pose(state, segments, chains, probability.argmax(axis=1).astype(np.int16), quadratic, linear, pmap)
        np.maximum(state.noise, state.noise_prior, out=state.noise)
    return probability


def draw_states(
    state: PoseState,
    chains: list[Chain],
    coef: np.ndarray,
    cov: np.ndarray,
    transitions: Callable[[Chain], np.ndarray],
    pmap: Map,
    stream: Callable[..., np.random.Generator],
) -> np.ndarray:
    """Draw all states (n_frames,) given heading, centroid and noise, the shape integrated out; 0 outside chains."""
    states = np.zeros(len(state.x), np.int16)

    def draw(i: int) -> None:
        chain, n = chains[i], chains[i].stop - chains[i].start
        steps, alpha = floor_rows(transitions(chain)), np.empty((n, len(coef)), np.float32)
        _filter(state, chain, coef, cov, steps, alpha)
        uniform = stream(8, i).random(n)
        sample_backward(alpha, np.ascontiguousarray(steps.T), uniform, -1, states[chain.start : chain.stop])

    pmap(draw, range(len(chains)))
    return states


def _filter(state: PoseState, chain: Chain, coef, cov, steps, alpha: np.ndarray, widening: float = 1.0) -> None:
    """Write the filtered probabilities of one chain, with `widening` times the noise variance."""
    k, size = len(coef), coef.shape[2] - 1
    before, mean = np.zeros(k), np.zeros((k, size))
    spread = np.tile(START_VARIANCE * np.eye(size), (k, 1, 1))
    for start in range(chain.start, chain.stop, BLOCK):
        part = slice(start, min(start + BLOCK, chain.stop))
        precision, pull = state.shape_evidence(part)
        rows = alpha[part.start - chain.start : part.stop - chain.start]
        mixed_filter(*sightings(precision / widening, pull / widening), coef, cov, steps, before, mean, spread, rows)


def update_pose(
    state: PoseState,
    segments: Sequence[Segment],
    chains: Sequence[Chain],
    states: np.ndarray,
    quadratic: np.ndarray,
    linear: np.ndarray,
    pmap: Map,
    stream: Callable[..., np.random.Generator] | None = None,
) -> None:
    """Sample shape, heading, centroid and noise given states (or, without a `stream`, take their conditional means)."""

    def rng_of(*key: int) -> np.random.Generator | None:
        return None if stream is None else stream(*key)

    chain_of = np.array([segment.chain for segment in segments])
    position = np.arange(len(segments)) - np.searchsorted(chain_of, chain_of)

    def shape(i: int) -> None:
        state.update_shape(segments[i], chains[segments[i].chain], states, quadratic, linear, rng_of(4, i))

    for parity in (0, 1):
        pmap(shape, [i for i in range(len(segments)) if position[i] % 2 == parity])
    pmap(lambda i: state.update_heading(slice(segments[i].start, segments[i].stop), rng_of(5, i)), range(len(segments)))
    pmap(lambda i: state.update_centroid(chains[i], rng_of(6, i)), range(len(chains)))
    pmap(lambda i: state.update_noise(segments[i], rng_of(7, i)), range(len(segments)))
