"""What follows what: transitions between bouts, their entropy, their nulls, and group differences.

A transition is a change of state between neighbouring samples; staying is no transition. Unlabelled samples
and dropped frames break the chain, recordings are never joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numba import njit
from numpy.typing import ArrayLike

from murid.data.clock import segments
from murid.data.errors import fail
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel
from murid.ethogram.bouts import runs_within


@dataclass(frozen=True)
class Transitions:
    """Transition counts of one recording, or of several added up.

    Attributes
    ----------
    behaviours : tuple of str
        Order of the axes.
    counts : int array (from, to)
        Changes of state; the diagonal is 0.
    """

    behaviours: tuple[str, ...]
    counts: np.ndarray

    @property
    def probabilities(self) -> pd.DataFrame:
        """Row-normalised counts; NaN for a state that is never left."""
        total = self.counts.sum(axis=1, keepdims=True).astype(np.float64)
        values = np.divide(self.counts, total, out=np.full(self.counts.shape, np.nan), where=total > 0)
        return pd.DataFrame(values, index=list(self.behaviours), columns=list(self.behaviours))

    @property
    def total(self) -> int:
        """Number of transitions."""
        return int(self.counts.sum())

    def __add__(self, other: Transitions) -> Transitions:
        if self.behaviours != other.behaviours:
            fail(
                "transitions", "behaviours differ", expected=", ".join(self.behaviours), got=", ".join(other.behaviours)
            )
        return Transitions(self.behaviours, self.counts + other.counts)


def chains_of(states: xr.DataArray) -> list[np.ndarray]:
    """Return the sequences of states, one code a bout, of each unbroken stretch of each individual."""
    if is_multilabel(states):
        fail("transitions", "need exclusive states", todo="use ethogram.exclusive.to_exclusive()")
    stretches = segments(states["time"].values)
    out = []
    for column in states.values.T:
        for a, b in runs_within(column != UNLABELLED, stretches):
            part = column[a:b]
            out.append(part[np.r_[True, part[1:] != part[:-1]]].astype(np.int64))
    return out


def chain_table(states: xr.DataArray) -> pd.DataFrame:
    """Return the sequence of bouts as a table: ``individual, chain`` (number of the unbroken stretch), ``state``.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([0, 0, 1, -1, 1, 0], np.arange(6) / 10, ["rest", "run"], ["m1"])
    >>> table = chain_table(states)
    >>> table["chain"].tolist(), table["state"].tolist()
    ([0, 0, 1, 1], ['rest', 'run', 'run', 'rest'])
    """
    names = np.array(behaviour_names(states), dtype=object)
    parts = [
        pd.DataFrame({"individual": str(individual), "chain": k, "state": names[chain]})
        for individual in states["individual"].values
        for k, chain in enumerate(chains_of(states.sel(individual=[individual])))
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["individual", "chain", "state"])


def count_chains(chains: Sequence[np.ndarray], n_states: int) -> np.ndarray:
    """Count successive pairs of codes, ``(n_states, n_states)``."""
    counts = np.zeros((n_states, n_states), np.int64)
    for chain in chains:
        np.add.at(counts, (chain[:-1], chain[1:]), 1)
    return counts


def transitions_of(states: xr.DataArray | Sequence[xr.DataArray]) -> Transitions:
    """Count the transitions of exclusive states, summed over individuals and recordings.

    Examples
    --------
    >>> from murid.data.states import make_states
    >>> states = make_states([0, 0, 1, 0, 1, 1], np.arange(6) / 10, ["rest", "run"])
    >>> transitions_of(states).counts.tolist()
    [[0, 2], [1, 0]]
    """
    if isinstance(states, xr.DataArray):
        names = tuple(behaviour_names(states))
        return Transitions(names, count_chains(chains_of(states), len(names)))
    parts = [transitions_of(s) for s in states]
    if not parts:
        fail("transitions", "no states given")
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def entropy_rate(counts: ArrayLike) -> float:
    """Entropy rate in bits per transition: how uncertain the next state is, given the present one.

    The entropies of the rows, weighted by how often each state is left. 0 = always the same next state,
    log2(K − 1) = any other one. Estimated from few transitions it is too low: compare like with like.

    Examples
    --------
    >>> entropy_rate([[0, 5, 5], [10, 0, 0], [10, 0, 0]])
    0.3333333333333333
    """
    counts = np.asarray(counts, np.float64)
    rows = counts.sum(axis=1, keepdims=True)
    p = np.divide(counts, rows, out=np.zeros_like(counts), where=rows > 0)
    bits = -np.sum(p * np.log2(np.where(p > 0, p, 1.0)), axis=1)
    return float(np.sum(rows[:, 0] * bits) / rows.sum()) if rows.sum() else float("nan")


def shuffled(chains: Sequence[np.ndarray], rng: np.random.Generator, sweeps: int = 10) -> list[np.ndarray]:
    """Shuffle the order of the bouts inside each chain, so that no state follows itself.

    Pairs are swapped at random, `sweeps` proposals a bout, whenever that leaves no repeat: the chains keep
    their states and lengths.
    """
    return [_swap(c.copy(), rng.integers(max(c.size, 1), size=(sweeps * c.size, 2))) for c in chains]


@njit(cache=True, nogil=True)
def _swap(chain: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    n = chain.size
    for r in range(pairs.shape[0]):
        i, j = pairs[r, 0], pairs[r, 1]
        if chain[i] == chain[j]:
            continue
        chain[i], chain[j] = chain[j], chain[i]
        bad = False
        for k in (i, j):
            if (k > 0 and chain[k - 1] == chain[k]) or (k < n - 1 and chain[k + 1] == chain[k]):
                bad = True
        if bad:
            chain[i], chain[j] = chain[j], chain[i]
    return chain


def markov(chains: Sequence[np.ndarray], n_states: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw chains of the same lengths from the first-order transition probabilities of the given ones."""
    counts = count_chains(chains, n_states)
    rows = counts.sum(axis=1, keepdims=True)
    usage = np.bincount(np.concatenate(chains), minlength=n_states) / sum(c.size for c in chains)
    p = np.where(rows > 0, counts / np.maximum(rows, 1), usage)
    steps = np.cumsum(p, axis=1) / p.sum(axis=1, keepdims=True)
    out = []
    for chain in chains:
        new = np.empty_like(chain)
        draws = rng.random(chain.size)
        for t in range(chain.size):
            edges = np.cumsum(usage) if t == 0 else steps[new[t - 1]]
            new[t] = min(int(np.searchsorted(edges, draws[t], side="right")), n_states - 1)
        out.append(new)
    return out


def enrichment(states: xr.DataArray | Sequence[xr.DataArray], *, n_shuffles: int = 500, seed: int = 0) -> pd.DataFrame:
    """Which transitions occur more or less often than the frequency of the bouts explains.

    Parameters
    ----------
    states : DataArray (time, individual) or sequence of them
        Exclusive states.
    n_shuffles : int
        Shuffles of the order of the bouts within each unbroken stretch.
    seed : int
        Seed.

    Returns
    -------
    DataFrame
        ``from, to, count, expected, z, p``: two-sided p ≥ 1/(n_shuffles + 1), uncorrected.
    """
    many = [states] if isinstance(states, xr.DataArray) else list(states)
    names = transitions_of(many).behaviours
    return chain_enrichment([c for s in many for c in chains_of(s)], names, n_shuffles=n_shuffles, seed=seed)


def chain_enrichment(
    chains: Sequence[np.ndarray], behaviours: Sequence[str], *, n_shuffles: int = 500, seed: int = 0
) -> pd.DataFrame:
    """As `enrichment`, of chains: sequences of codes, one a bout, none of which follows itself."""
    k = len(behaviours)
    counts = count_chains(chains, k)
    streams = np.random.SeedSequence(seed).spawn(n_shuffles)
    null = np.stack([count_chains(shuffled(chains, np.random.default_rng(s)), k) for s in streams])
    mean, sd = null.mean(axis=0), null.std(axis=0, ddof=1)
    higher = (1 + (null >= counts).sum(axis=0)) / (1 + n_shuffles)
    lower = (1 + (null <= counts).sum(axis=0)) / (1 + n_shuffles)
    i, j = np.nonzero(~np.eye(k, dtype=bool))
    names = np.array(behaviours, dtype=object)
    z = np.divide(counts - mean, sd, out=np.full((k, k), np.nan), where=sd > 0)
    return pd.DataFrame(
        {
            "from": names[i],
            "to": names[j],
            "count": counts[i, j],
            "expected": mean[i, j],
            "z": z[i, j],
            "p": np.minimum(1.0, 2 * np.minimum(higher, lower))[i, j],
        }
    )


def memory_test(
    states: xr.DataArray | Sequence[xr.DataArray], *, n_shuffles: int = 200, seed: int = 0
) -> dict[str, float]:
    """Test whether the state before the present one helps to tell the next.

    The statistic is the conditional mutual information I(next; previous | present) in bits; its null comes
    from first-order Markov chains with the same transition probabilities (plug-in bias and all).

    Returns
    -------
    dict
        ``bits, null_mean, null_sd, z, p``.
    """
    many = [states] if isinstance(states, xr.DataArray) else list(states)
    k = len(behaviour_names(many[0]))
    chains = [c for s in many for c in chains_of(s)]
    observed = _conditional_information(chains, k)
    streams = np.random.SeedSequence(seed).spawn(n_shuffles)
    null = np.array([_conditional_information(markov(chains, k, np.random.default_rng(s)), k) for s in streams])
    return {"bits": observed, **_against(observed, null)}


def _conditional_information(chains: Sequence[np.ndarray], k: int) -> float:
    triples = np.zeros((k, k, k))
    for c in chains:
        np.add.at(triples, (c[:-2], c[1:-1], c[2:]), 1)
    pairs = triples.sum(axis=0)
    blind = entropy_rate(pairs)
    seeing = entropy_rate(triples.reshape(k * k, k))
    return float(blind - seeing) if triples.sum() else float("nan")


def _against(observed: float, null: np.ndarray) -> dict[str, float]:
    """Mean, SD, z and one-sided p of an observed value against its null."""
    mean, sd = float(null.mean()), float(null.std(ddof=1))
    return {
        "null_mean": mean,
        "null_sd": sd,
        "z": (observed - mean) / sd if sd > 0 else float("nan"),
        "p": float((1 + (null >= observed).sum()) / (1 + null.size)),
    }


def group_difference(
    counts: ArrayLike,
    groups: Sequence[str],
    *,
    n_permutations: int = 2000,
    measure: Literal["counts", "fractions"] = "counts",
    seed: int = 0,
) -> dict[str, float]:
    """Compare the transitions of two groups of animals in one test, without a test per transition.

    The statistic is the Manhattan distance between the groups' mean transition matrices; its null comes from
    permuting the group labels of the animals (BehaviorFlow, von Ziegler et al. 2024 Nat Methods).

    Parameters
    ----------
    counts : array (animal, from, to)
        Transition counts, one matrix an animal: add up an animal's recordings first.
    groups : sequence of str
        Group of each animal; exactly two groups.
    n_permutations : int
        Permutations.
    measure : {"counts", "fractions"}
        "fractions" divides each matrix by its sum first: tells the pattern apart from mere activity.
    seed : int
        Seed.

    Returns
    -------
    dict
        ``distance, null_mean, null_sd, z, p`` (one-sided, at least 1/(n + 1)).

    Examples
    --------
    >>> counts = np.zeros((12, 2, 2))
    >>> counts[:6, 0, 1], counts[6:, 0, 1] = np.arange(10, 16), np.arange(30, 36)
    >>> found = group_difference(counts, ["a"] * 6 + ["b"] * 6, n_permutations=500)
    >>> found["distance"], found["p"] < 0.01
    (20.0, True)
    """
    counts = np.asarray(counts, np.float64)
    labels = np.asarray(groups, dtype=object).astype(str)
    names = np.unique(labels)
    if names.size != 2 or counts.ndim != 3 or len(counts) != labels.size:
        fail(
            "group_difference",
            "input is not valid",
            expected="(animal, from, to) and two groups",
            got=f"{counts.shape}, {labels.size} labels, groups {', '.join(names)}",
        )
    flat = counts.reshape(len(counts), -1)
    if measure == "fractions":
        total = flat.sum(axis=1, keepdims=True)
        flat = np.divide(flat, total, out=np.zeros_like(flat), where=total > 0)
    first = labels == names[0]
    rng = np.random.default_rng(seed)
    drawn = np.stack([first, *(rng.permutation(first) for _ in range(n_permutations))])
    weight = drawn / drawn.sum(axis=1, keepdims=True) - ~drawn / (~drawn).sum(axis=1, keepdims=True)
    distance = np.abs(weight @ flat).sum(axis=1)
    return {"distance": float(distance[0]), **_against(float(distance[0]), distance[1:])}
