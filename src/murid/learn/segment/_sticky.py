"""Transitions of the sticky hierarchical Dirichlet process, weak-limit form.

Fox et al. 2011: ``β ~ Dir(γ/L, …)``, ``π_i ~ Dir(αβ + κ e_i)``. Several groups of animals may
have transition matrices of their own under one β.
"""

from __future__ import annotations

import numpy as np

from murid.learn.segment._markov_chain import floor_rows
from murid.learn.segment.chains import Chain


def transition_counts(states: np.ndarray, chains: list[Chain], groups: np.ndarray, n_groups: int, n_states: int):
    """Count transitions i → j inside chains, by group: (n_groups, K, K) float."""
    counts = np.zeros((n_groups, n_states, n_states))
    for chain in chains:
        z = states[chain.start : chain.stop].astype(np.int64)
        pairs = np.bincount(z[:-1] * n_states + z[1:], minlength=n_states**2)
        counts[groups[chain.sequence]] += pairs.reshape(n_states, n_states)
    return counts


def draw_tables(counts: np.ndarray, concentration: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Numbers of tables of Chinese restaurants with `counts` customers (same shape as both inputs)."""
    flat, weight = counts.astype(np.int64).ravel(), np.broadcast_to(concentration, counts.shape).ravel()
    busy = np.flatnonzero(flat)
    sizes = flat[busy]
    ends = np.cumsum(sizes)
    seated = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    scale = np.repeat(weight[busy], sizes)
    opens = rng.random(len(seated)) * (scale + seated) < scale
    tables = np.zeros(len(flat))
    tables[busy] = np.bincount(np.repeat(np.arange(len(busy)), sizes), opens, len(busy))
    return tables.reshape(counts.shape)


def stay_weights(kappa: float | np.ndarray, n_states: int) -> np.ndarray:
    """Prior weight of staying, ``(1 or G, K, K)``: `kappa`, one for all groups or one a group, on the diagonal."""
    return np.reshape(np.asarray(kappa, float), (-1, 1, 1)) * np.eye(n_states)


def draw_transitions(counts, beta, *, alpha: float, kappa: float | np.ndarray, share: float, rng: np.random.Generator):
    """Sample β and the transition matrices given transition counts.

    Parameters
    ----------
    counts : (G, K, K) array
        Transitions of each group.
    beta : (K,) array
        Current global weights.
    alpha : float
        Concentration.
    kappa : float or (G,) array
        Stickiness, of all groups or of each.
    share : float
        γ / (number of states of the weak limit).

    Returns
    -------
    beta : (K,) array
    transitions : (G, K, K) array
    """
    k = len(beta)
    sticky = stay_weights(kappa, k)
    tables = draw_tables(counts, alpha * beta + sticky, rng)
    stay = tables[:, range(k), range(k)]
    if sticky.any():
        # Tables opened by stickiness say nothing about how common a state is.
        each = sticky[:, :1, 0]
        rho = each / (alpha + each)
        chance = rho / (rho + beta * (1 - rho))
        tables[:, range(k), range(k)] = stay - rng.binomial(stay.astype(np.int64), np.broadcast_to(chance, stay.shape))
    beta = floor_rows(rng.standard_gamma(share + tables.sum(axis=(0, 1))))
    weights = rng.standard_gamma(alpha * beta + counts + sticky)
    return beta, floor_rows(weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-300))


def expected_transitions(counts, beta, *, alpha: float, kappa: float | np.ndarray) -> np.ndarray:
    """Posterior mean of the transition matrices (G, K, K)."""
    weights = alpha * beta + counts + stay_weights(kappa, len(beta))
    return floor_rows(weights / weights.sum(axis=-1, keepdims=True))


def expected_beta(counts: np.ndarray, share: float) -> np.ndarray:
    """Point estimate of β from the entries into each state from other states."""
    entries = counts.sum(axis=0)
    return floor_rows(share + entries.sum(axis=0) - np.diag(entries))
