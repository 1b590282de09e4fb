"""How long the order of states remembers: eigenvalues of their transitions, by the number of transitions ahead.

After Berman et al. 2016 (Predictability and hierarchy in Drosophila behavior, PNAS 113:11943-11948): the matrix of the
chances to go from one state to another in so many transitions has eigenvalues beside its largest, 1; each belongs to a
contrast of states (a mode) that fades by its size. In a chain without memory the sizes are powers of those of one
transition; states of animals in a mood of minutes remember longer than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import fail
from murid.data.states import behaviour_names
from murid.ethogram.transitions import chains_of, shuffled


@dataclass(frozen=True)
class TransitionModes:
    """Modes of the transitions between states, the slowest first.

    Attributes
    ----------
    sizes : DataFrame
        One row a number of transitions ahead and mode: ``lag, mode`` (from 1), ``size`` (of the eigenvalue, 0 … 1),
        ``markov`` (the same if the next state depended on the present one alone), ``chance`` (mean of shuffled
        orders: what the number of transitions alone makes), ``pairs`` (of states that were counted).
    patterns : DataFrame
        Column a mode, row a state: which states it sets against each other, by the first lag; mean 0 and SD 1 over the
        states as often as they occur, the largest value positive. Of a mode that turns (a complex eigenvalue: a
        cycle of states) the real part.
    """

    sizes: pd.DataFrame
    patterns: pd.DataFrame


def transition_modes(
    states: xr.DataArray | Sequence[xr.DataArray],
    lags: Sequence[int] = (1, 2, 5, 10, 20, 50, 100),
    *,
    n_modes: int = 3,
    n_shuffles: int = 20,
    seed: int = 0,
) -> TransitionModes:
    """Measure how long the order of states remembers.

    Parameters
    ----------
    states : DataArray or list of DataArray
        Exclusive states of all recordings. A state that lasts counts once; nothing reaches over unlabelled frames.
    lags : sequence of int
        Transitions ahead, as in the paper, where time is counted in transitions.
    n_modes : int
        Modes beside the constant one; fewer where there are fewer states.
    n_shuffles, seed : int
        Shuffled orders for ``chance``.

    Raises
    ------
    DataError
        For recordings of different states, fewer than two states with a future at every lag, or lags under 1.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> rng, codes, side = np.random.default_rng(0), [], 0
    >>> for _ in range(4000):
    ...     side = 1 - side if rng.random() < 0.05 else side
    ...     codes.append(2 * side + len(codes) % 2)
    >>> states = make_states(codes, np.arange(4000) / 10, ["sniff", "lick", "walk", "turn"])
    >>> modes = transition_modes(states, lags=(2,), n_modes=2, n_shuffles=2)
    >>> modes.sizes["size"].round(1).tolist()
    [1.0, 0.8]
    """
    every = [states] if isinstance(states, xr.DataArray) else list(states)
    ahead = tuple(int(lag) for lag in lags)
    if not every or not ahead or min(ahead) < 1 or n_modes < 1:
        fail("transition modes", "nothing to count", expected="states, lags and n_modes of at least 1", got=f"{ahead}")
    names = behaviour_names(every[0])
    if any(behaviour_names(s) != names for s in every):
        fail("transition modes", "recordings have different states", expected=", ".join(names))
    chains = [chain for s in every for chain in chains_of(s)]
    counts = [_counts(chains, len(names), lag) for lag in ahead]
    present = np.flatnonzero(np.all([c.sum(axis=1) > 0 for c in counts], axis=0))
    if len(present) < 2:
        fail(
            "transition modes",
            f"fewer than two states have a future {max(ahead)} transitions ahead",
            todo="take smaller lags, or more data",
        )
    n = min(n_modes, len(present) - 1)
    one = _sizes(_counts(chains, len(names), 1), present, n)
    rng = np.random.default_rng(seed)
    null = np.zeros((len(ahead), n))
    for _ in range(n_shuffles):
        mixed = shuffled(chains, rng)
        null += [_sizes(_counts(mixed, len(names), lag), present, n) for lag in ahead]
    rows = [
        {
            "lag": lag,
            "mode": mode + 1,
            "size": float(size),
            "markov": float(one[mode] ** lag),
            "chance": float(null[k, mode] / n_shuffles) if n_shuffles else float("nan"),
            "pairs": int(counts[k].sum()),
        }
        for k, lag in enumerate(ahead)
        for mode, size in enumerate(_sizes(counts[k], present, n))
    ]
    return TransitionModes(pd.DataFrame(rows), _patterns(counts[0], present, n, names))


def _counts(chains: Sequence[np.ndarray], n: int, lag: int) -> np.ndarray:
    """Counts (state, state `lag` transitions later)."""
    out = np.zeros((n, n))
    for chain in chains:
        if len(chain) > lag:
            np.add.at(out, (chain[:-lag], chain[lag:]), 1)
    return out


def _chances(counts: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Row-normalised counts of the states that are there; a state without a future is followed by all alike."""
    part = counts[np.ix_(present, present)]
    total = part.sum(axis=1, keepdims=True)
    return np.where(total > 0, part / np.where(total > 0, total, 1), 1 / len(present))


def _sizes(counts: np.ndarray, present: np.ndarray, n: int) -> np.ndarray:
    """Sizes of the `n` largest eigenvalues after the first."""
    return np.sort(np.abs(np.linalg.eigvals(_chances(counts, present))))[::-1][1 : n + 1]


def _patterns(counts: np.ndarray, present: np.ndarray, n: int, names: Sequence[str]) -> pd.DataFrame:
    values, vectors = np.linalg.eig(_chances(counts, present))
    order = np.argsort(-np.abs(values), kind="stable")[1 : n + 1]
    weight = counts[present].sum(axis=1) / counts[present].sum()
    out = {}
    for mode, k in enumerate(order, 1):
        pattern = vectors[:, k].real
        pattern = pattern - weight @ pattern
        sd = np.sqrt(weight @ pattern**2)
        pattern = pattern / (sd if sd > 0 else 1)
        out[mode] = pattern * (1 if pattern[np.abs(pattern).argmax()] > 0 else -1)
    return pd.DataFrame(out, index=[names[k] for k in present]).rename_axis(columns="mode")
