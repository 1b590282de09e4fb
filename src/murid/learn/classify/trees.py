"""Random forests as plain arrays: grown by scikit-learn, stored and asked without it and without pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from murid.learn.fitted_part import Fitted

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Trees(Fitted):
    """Flattened trees of a classifier; nodes of all trees one after another.

    Attributes
    ----------
    roots : (n_trees,) int32 array
        First node of each tree.
    feature, threshold : (n_nodes,) int32 and float32 arrays
        A frame goes left where ``x[feature] <= threshold``.
    left, right : (n_nodes,) int32 arrays
        Children; a leaf has ``left = -1 - row of its votes``.
    missing_left : (n_nodes,) uint8 array
        Whether a missing value goes left.
    votes : (n_leaves, n_classes) float32 array
        Weighted share of each class among the training frames of the leaf.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    missing_left: NDArray[np.uint8]
    votes: Floats

    def probabilities(self, x: np.ndarray) -> Floats:
        """Mean vote of the trees, ``(frame, class)``; missing values go where each split sends them."""
        x = np.ascontiguousarray(x, np.float32)
        return _walk(x, self.roots, self.feature, self.threshold, self.left, self.right, self.missing_left, self.votes)

    @classmethod
    def of(cls, forest: Any, n_classes: int | None = None) -> Self:
        """Flatten a fitted scikit-learn forest whose classes are whole numbers from 0, up to `n_classes`."""
        classes = forest.classes_.astype(int)
        n_classes = n_classes or int(classes.max()) + 1
        parts: dict[str, list[np.ndarray]] = {name: [] for name in cls.__dataclass_fields__}
        nodes = leaves = 0
        for tree in (estimator.tree_ for estimator in forest.estimators_):
            leaf = tree.children_left < 0
            row = leaves + np.cumsum(leaf) - 1
            votes = np.zeros((int(leaf.sum()), n_classes), np.float32)
            value = tree.value[leaf, 0, :]
            votes[:, classes] = value / value.sum(axis=1, keepdims=True)
            parts["roots"].append(np.array([nodes], np.int32))
            parts["feature"].append(np.where(leaf, 0, tree.feature).astype(np.int32))
            parts["threshold"].append(_floor32(np.where(leaf, 0.0, tree.threshold)))
            parts["left"].append(np.where(leaf, -1 - row, tree.children_left + nodes).astype(np.int32))
            parts["right"].append(np.where(leaf, 0, tree.children_right + nodes).astype(np.int32))
            parts["missing_left"].append(np.asarray(tree.missing_go_to_left, np.uint8))
            parts["votes"].append(votes)
            nodes, leaves = nodes + tree.node_count, leaves + len(votes)
        return cls(**{name: np.concatenate(arrays) for name, arrays in parts.items()})


@njit(cache=True, nogil=True)
def _walk(x, roots, feature, threshold, left, right, missing_left, votes):
    out = np.empty((x.shape[0], votes.shape[1]), np.float32)
    total = np.empty(votes.shape[1], np.float64)
    for i in range(x.shape[0]):
        total[:] = 0.0
        for root in roots:
            node = root
            while left[node] >= 0:
                v = x[i, feature[node]]
                go_left = missing_left[node] == 1 if v != v else v <= threshold[node]
                node = left[node] if go_left else right[node]
            for c in range(total.size):
                total[c] += votes[-1 - left[node], c]
        for c in range(total.size):
            out[i, c] = total[c] / roots.size
    return out


def _floor32(x: NDArray[np.float64]) -> Floats:
    """Largest float32 not above x: ``float32 <= x`` then decides as it did in float64."""
    y = x.astype(np.float32)
    return np.where(y > x, np.nextafter(y, np.float32(-np.inf)), y).astype(np.float32)
