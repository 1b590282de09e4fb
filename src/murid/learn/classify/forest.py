"""Random forest of several classes as plain arrays: grown by scikit-learn, stored and asked without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from murid.data.errors import fail
from murid.learn.fitted import Fitted


@dataclass(frozen=True)
class Forest(Fitted):
    """Fitted random forest.

    Parameters
    ----------
    roots : (n_trees,) int32 array
        First node of each tree.
    left, right : (n_nodes,) int32 arrays
        Children; a leaf has ``left = −1 − row of its votes``.
    feature, threshold : (n_nodes,) arrays
        A frame goes left when ``x[feature] <= threshold``.
    votes : (n_leaves, n_classes) float32 array
        Share of each class among the training frames of the leaf.
    """

    roots: np.ndarray
    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    votes: np.ndarray

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """Mean vote of the trees, float32 ``(frame, class)``; NaN where a frame has a missing value."""
        x = np.ascontiguousarray(x, np.float32)
        out = np.zeros((len(x), self.votes.shape[1]), np.float32)
        _vote(x, self.roots, self.left, self.right, self.feature, self.threshold, self.votes, out)
        out[~np.isfinite(x).all(axis=1)] = np.nan
        return out / np.float32(len(self.roots))

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Class of each frame (first of equals), −1 where a value is missing."""
        p = self.probabilities(x)
        known = np.isfinite(p[:, 0])
        return np.where(known, np.argmax(np.where(known[:, None], p, 0), axis=1), -1).astype(np.int32)


@njit(cache=True, nogil=True)
def _vote(x, roots, left, right, feature, threshold, votes, out):
    for t in range(x.shape[0]):
        for root in roots:
            node = root
            while left[node] >= 0:
                node = left[node] if x[t, feature[node]] <= threshold[node] else right[node]
            leaf = -1 - left[node]
            for c in range(votes.shape[1]):
                out[t, c] += votes[leaf, c]


def fit_forest(
    x: np.ndarray, labels: np.ndarray, *, n_trees: int = 100, min_leaf: int = 1, seed: int = 0, n_workers: int = 1
) -> Forest:
    """Grow a forest.

    Parameters
    ----------
    x : (n, D) array
        Features without NaN.
    labels : (n,) int array
        Classes 0 … K − 1.
    n_trees : int
        Trees; 100, scikit-learn's default.
    min_leaf : int
        Fewest frames in a leaf.
    seed : int
        Same seed, same forest, on any number of workers.
    """
    from sklearn.ensemble import RandomForestClassifier

    labels = np.asarray(labels)
    if np.unique(labels).size < 2:
        fail("forest", "there is only one class", expected="at least 2", got=str(np.unique(labels).size))
    grown = RandomForestClassifier(n_trees, min_samples_leaf=min_leaf, random_state=seed, n_jobs=n_workers)
    grown.fit(np.asarray(x, np.float32), labels)
    n_classes = int(labels.max()) + 1
    roots, left, right, feature, threshold, votes = [], [], [], [], [], []
    nodes = leaves = 0
    for tree in (estimator.tree_ for estimator in grown.estimators_):
        leaf = tree.children_left < 0
        row = leaves + np.cumsum(leaf) - 1
        roots.append(nodes)
        left.append(np.where(leaf, -1 - row, tree.children_left + nodes))
        right.append(np.where(leaf, 0, tree.children_right + nodes))
        feature.append(np.where(leaf, 0, tree.feature))
        threshold.append(tree.threshold)
        share = np.zeros((int(leaf.sum()), n_classes), np.float32)
        value = tree.value[leaf, 0, :]
        share[:, grown.classes_.astype(int)] = value / value.sum(axis=1, keepdims=True)
        votes.append(share)
        nodes, leaves = nodes + tree.node_count, leaves + int(leaf.sum())
    return Forest(
        np.array(roots, np.int32), np.concatenate(left).astype(np.int32), np.concatenate(right).astype(np.int32),
        np.concatenate(feature).astype(np.int32), np.concatenate(threshold), np.concatenate(votes),
    )  # fmt: skip
