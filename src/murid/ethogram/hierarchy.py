"""A tree of states: which belong together because the animal goes to and fro between them.

Built on transitions pooled over recordings, so that a state missing from one recording changes nothing; a
state that never occurs is left out of the tree and belongs to no community (−1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.data.errors import fail
from murid.ethogram.transitions import Transitions


@dataclass(frozen=True)
class Tree:
    """Binary merges of states.

    Attributes
    ----------
    behaviours : tuple of str
        All states.
    leaves : tuple of int
        Indices of the states that occur.
    merges : int array (n_leaves − 1, 2)
        Nodes merged at each step: 0 … n_leaves − 1 are the leaves, n_leaves + i is the result of merge i.
    """

    behaviours: tuple[str, ...]
    leaves: tuple[int, ...]
    merges: np.ndarray

    def members(self) -> list[list[int]]:
        """State indices under each node, leaves first."""
        out = [[leaf] for leaf in self.leaves]
        for a, b in self.merges:
            out.append(out[a] + out[b])
        return out

    def linkage(self) -> np.ndarray:
        """The tree as a scipy linkage; the height is the order of the merges (costs need not rise)."""
        size = [len(m) for m in self.members()]
        n = len(self.leaves)
        rows = [(a, b, i + 1.0, size[n + i]) for i, (a, b) in enumerate(self.merges)]
        return np.array(rows, np.float64).reshape(-1, 4)

    def cut(self, n_groups: int) -> pd.Series:
        """Community of each state after undoing the last merges, −1 for a state that never occurs."""
        n = len(self.leaves)
        if not 1 <= n_groups <= max(n, 1):
            fail("tree", "n_groups is not valid", expected=f"1..{n}", got=str(n_groups))
        members = self.members()
        last = 2 * n - n_groups
        merged = {int(x) for i, pair in enumerate(self.merges) if n + i < last for x in pair}
        return self._series([members[node] for node in range(last) if node not in merged])

    def cut_depth(self, depth: int = 3) -> pd.Series:
        """Community of each state: those that share an ancestor `depth` steps below the root (VAME's cut)."""
        n = len(self.leaves)
        level = [2 * n - 2] if n else []
        for _ in range(depth):
            level = [int(x) for node in level for x in (self.merges[node - n] if node >= n else [node])]
        members = self.members()
        return self._series([members[node] for node in level])

    def _series(self, groups: list[list[int]]) -> pd.Series:
        out = np.full(len(self.behaviours), -1)
        for label, group in enumerate(sorted(groups, key=min)):
            out[group] = label
        return pd.Series(out, index=list(self.behaviours), name="community")

    def cophenetic(self) -> pd.DataFrame:
        """How late two states meet: size of their smallest common community, as a share of all leaves."""
        k, n = len(self.behaviours), len(self.leaves)
        values = np.full((k, k), np.nan)
        members = self.members()
        for i, (a, b) in enumerate(self.merges):
            share = len(members[n + i]) / n
            values[np.ix_(members[a], members[b])] = share
            values[np.ix_(members[b], members[a])] = share
        for leaf in self.leaves:
            values[leaf, leaf] = 0.0
        return pd.DataFrame(values, index=list(self.behaviours), columns=list(self.behaviours))


def merge_tree(
    transitions: Transitions, usage: ArrayLike | None = None, *, cost: Literal["paper", "as_coded"] = "paper"
) -> Tree:
    """Merge, again and again, the two states with the least usage per transition between them.

    Parameters
    ----------
    transitions : Transitions
        Pooled over recordings.
    usage : array (state,), optional
        Share of time (or of bouts) of each state; the share of bouts that are left or entered by default.
    cost : {"paper", "as_coded"}
        "paper": (u_i + u_j) / (T_ij + T_ji) with row-normalised T. "as_coded": u_i + u_j / (T_ij + T_ji), what
        VAME's program computes.

    Returns
    -------
    Tree
        Pairs without any transition merge last, the rarest first.
    """
    counts = transitions.counts.astype(np.float64)
    bouts = np.maximum(counts.sum(axis=1), counts.sum(axis=0))
    used = bouts if usage is None else np.asarray(usage, np.float64)
    if used.shape != (len(counts),) or (used < 0).any():
        fail("merge_tree", "usage is not valid", expected=f"{len(counts)} shares >= 0", got=str(used.shape))
    leaves = np.flatnonzero(used > 0)
    rows = counts.sum(axis=1, keepdims=True)
    moves = np.divide(counts, rows, out=np.zeros_like(counts), where=rows > 0)[np.ix_(leaves, leaves)]
    share = used[leaves] / used.sum() if used.sum() else used[leaves]
    node, merges = list(range(leaves.size)), []
    while len(node) > 1:
        a, b = _cheapest(moves, share, cost)
        merges.append((node[a], node[b]))
        moves[a] += moves[b]
        moves[:, a] += moves[:, b]
        moves[a, a] = 0.0
        moves = np.delete(np.delete(moves, b, axis=0), b, axis=1)
        share[a] += share[b]
        share = np.delete(share, b)
        node[a] = leaves.size + len(merges) - 1
        del node[b]
    names = tuple(transitions.behaviours)
    return Tree(names, tuple(int(i) for i in leaves), np.array(merges, np.int64).reshape(-1, 2))


def _cheapest(moves: np.ndarray, share: np.ndarray, cost: str) -> tuple[int, int]:
    """Index pair a < b of least cost; among pairs that never meet, the rarest."""
    link = moves + moves.T
    i, j = np.triu_indices(share.size, 1)
    with np.errstate(divide="ignore"):
        if cost == "paper":
            price = (share[i] + share[j]) / link[i, j]
        elif cost == "as_coded":
            price = share[i] + share[j] / link[i, j]
        else:
            fail("merge_tree", "cost is not valid", expected="paper or as_coded", got=repr(cost))
    best = int(np.lexsort((share[i] + share[j], price))[0])
    return int(i[best]), int(j[best])


def similarity(transitions: Transitions) -> pd.DataFrame:
    """How readily the animal goes between two states: mean of the two transition probabilities, 0 … 1."""
    p = transitions.probabilities.fillna(0.0)
    return (p + p.T) / 2


def tree_similarity(one: Tree, two: Tree) -> float:
    """Correlate two trees over the pairs of states that both have (Pearson r of their cophenetic shares)."""
    if one.behaviours != two.behaviours:
        fail(
            "tree_similarity",
            "the trees have different states",
            expected=", ".join(one.behaviours),
            got=", ".join(two.behaviours),
        )
    upper = np.triu_indices(len(one.behaviours), 1)
    a, b = one.cophenetic().values[upper], two.cophenetic().values[upper]
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 3 or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return float("nan")
    return float(np.corrcoef(a[both], b[both])[0, 1])
