"""A tree of states by what follows them: states that foretell the same future are one.

After Berman et al. 2016 (Predictability and hierarchy in Drosophila behavior, PNAS 113:11943-11948), who group the
regions of a behaviour map so that the groups keep as much as they can of what the state says about the state some
transitions later (the information bottleneck). Here groups are merged one pair at a time, each time the pair that costs
least (agglomerative information bottleneck, Slonim & Tishby 1999), so that the answer is a tree.
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
class PredictiveTree:
    """Merges of states by the information about the future that each costs.

    Attributes
    ----------
    behaviours : tuple of str
        Leaves: the states that are followed by another one, in the order of the states.
    linkage : array (n − 1, 4)
        As in `scipy.cluster.hierarchy`; the height is the information lost so far, bits.
    information : array (n,)
        Bits about the future that 1, 2, … n groups keep.
    chance : float
        Bits that all states seem to keep in chains of shuffled order: what the number of transitions alone makes.
    lags : tuple of int
        Transitions ahead.
    n_pairs : int
        Pairs of a state and a later one that were counted.
    """

    behaviours: tuple[str, ...]
    linkage: np.ndarray
    information: np.ndarray
    chance: float
    lags: tuple[int, ...]
    n_pairs: int

    def cut(self, n_groups: int) -> pd.Series:
        """Group of each state, 0 the one of the first state."""
        from scipy.cluster.hierarchy import fcluster

        n = len(self.behaviours)
        if not 1 <= n_groups <= n:
            fail("predictive tree", "n_groups is not valid", expected=f"1..{n}", got=str(n_groups))
        order = np.column_stack([self.linkage[:, :2], np.arange(1.0, n), self.linkage[:, 3]])
        groups = fcluster(order, n - n_groups + 0.5, "distance") if n > 1 else np.ones(1, int)
        return pd.Series(pd.factorize(groups)[0], index=list(self.behaviours), name="group")


def predictive_tree(
    states: xr.DataArray | Sequence[xr.DataArray],
    lags: Sequence[int] = (1,),
    *,
    n_shuffles: int = 20,
    seed: int = 0,
) -> PredictiveTree:
    """Merge states that foretell the same states some transitions later.

    Parameters
    ----------
    states : DataArray or list of DataArray
        Exclusive states of all recordings. A state that lasts counts once; nothing reaches over unlabelled frames.
    lags : sequence of int
        Transitions ahead, as in the paper, where time is counted in transitions; several are averaged. Large ones show
        the coarse order of behaviour.
    n_shuffles, seed : int
        Shuffled orders for `chance`.

    Raises
    ------
    DataError
        For fewer than two states with a future, or lags under 1.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> rng, codes, side = np.random.default_rng(0), [], 0
    >>> for _ in range(3000):
    ...     side = 1 - side if rng.random() < 0.05 else side
    ...     codes.append(3 * side + rng.integers(3))
    >>> states = make_states(codes, np.arange(3000) / 10, ["sniff", "lick", "scratch", "walk", "run", "turn"])
    >>> predictive_tree(states, lags=(2, 3), n_shuffles=0).cut(2).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    every = [states] if isinstance(states, xr.DataArray) else list(states)
    ahead = tuple(int(lag) for lag in lags)
    if not every or not ahead or min(ahead) < 1:
        fail("predictive tree", "nothing to count", expected="states, and lags of at least 1", got=f"lags {ahead}")
    names = behaviour_names(every[0])
    if any(behaviour_names(s) != names for s in every):
        fail("predictive tree", "recordings have different states", expected=", ".join(names))
    chains = [chain for s in every for chain in chains_of(s)]
    joint = _joint(chains, len(names), ahead)
    present = np.flatnonzero(joint.sum(axis=1) > 0)
    if len(present) < 2:
        fail("predictive tree", "fewer than two states have a future", got=f"{int(joint.sum())} pairs")
    rng = np.random.default_rng(seed)
    null = [
        _information(_joint(shuffled(chains, rng), len(names), ahead)) for _ in range(n_shuffles) if joint.sum() > 0
    ]
    linkage, kept = _merged(joint[present])
    return PredictiveTree(
        behaviours=tuple(names[k] for k in present),
        linkage=linkage,
        information=kept,
        chance=float(np.mean(null)) if null else float("nan"),
        lags=ahead,
        n_pairs=int(joint.sum()),
    )


def _joint(chains: Sequence[np.ndarray], n: int, lags: Sequence[int]) -> np.ndarray:
    """Counts (state, later state), summed over lags."""
    out = np.zeros((n, n))
    for chain in chains:
        for lag in lags:
            if len(chain) > lag:
                np.add.at(out, (chain[:-lag], chain[lag:]), 1)
    return out


def _information(joint: np.ndarray) -> float:
    """Mutual information of rows and columns, bits."""
    p = joint / joint.sum()
    by_chance = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    seen = p > 0
    return float((p[seen] * np.log2(p[seen] / by_chance[seen])).sum())


def _merged(joint: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linkage of the rows, and the bits that 1 … n groups keep."""
    n = len(joint)
    p = joint / joint.sum()
    node, size = list(range(n)), [1] * n
    kept = np.zeros(n)
    kept[n - 1] = _information(p)
    linkage = np.empty((n - 1, 4))
    for step in range(n - 1):
        cost = _costs(p)
        a, b = divmod(int(cost.argmin()), len(p))
        a, b = min(a, b), max(a, b)
        kept[n - 2 - step] = max(kept[n - 1 - step] - max(float(cost[a, b]), 0.0), 0.0)
        linkage[step] = *sorted((node[a], node[b])), kept[n - 1] - kept[n - 2 - step], size[a] + size[b]
        p[a] += p[b]
        p = np.delete(p, b, axis=0)
        node[a], size[a] = n + step, size[a] + size[b]
        del node[b], size[b]
    return linkage, kept


def _costs(p: np.ndarray) -> np.ndarray:
    """Bits lost by merging each pair of rows (K, K): their mass times the Jensen-Shannon divergence; ∞ with itself."""

    def entropy_part(x: np.ndarray) -> np.ndarray:
        # Σ x log x − X log X with X = Σ x: minus the mass times the entropy of the row.
        total = x.sum(axis=-1)
        inner = np.where(x > 0, x * np.log2(np.where(x > 0, x, 1)), 0).sum(axis=-1)
        return inner - np.where(total > 0, total * np.log2(np.where(total > 0, total, 1)), 0)

    own = entropy_part(p)
    cost = own[:, None] + own[None] - entropy_part(p[:, None] + p[None])
    np.fill_diagonal(cost, np.inf)
    return cost
