"""Random forests, one binary forest per behaviour, with missing values, kept as plain arrays.

Grown by scikit-learn, then flattened: split feature, threshold, children and the share of positive frames of
every node. Stored without pickle, read by any version, and the prediction equals scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from murid.data.params import Params, param
from murid.data.progress import tell
from murid.learn.classify.boost import check_two_classes

Floats = NDArray[np.float32]


class ForestParams(Params):
    """Parameters of the random forests."""

    n_trees: int = param(300, ge=1, why="trees; SimBA grows 2,000, which takes seven times as long")
    criterion: Literal["gini", "entropy"] = param("gini", why="impurity of a split")
    max_features: Literal["sqrt", "log2"] = param("sqrt", why="features tried at a split")
    min_leaf: int = param(5, ge=1, why="frames in a leaf; SimBA: 1, but neighbouring frames are near copies")
    max_rows: int | None = param(20_000, ge=1, why="frames drawn for each tree; None = as many as there are")
    balance: float = param(0.5, ge=0, le=1, why="0 = classes as they are, 1 = both weigh the same")
    n_threads: int = param(2, ge=1, why="threads; the forest does not depend on it")


@dataclass(frozen=True)
class BinaryForest:
    """Flattened trees; nodes of all trees one after another.

    Attributes
    ----------
    feature : int32 array (node,)
        Feature of the split, −1 in a leaf.
    threshold : float32 array (node,)
        Go left where ``x <= threshold``.
    left, right : int32 arrays (node,)
        Children.
    missing_left : uint8 array (node,)
        Whether NaN goes left.
    value : float32 array (node,)
        Weighted share of positive frames.
    roots : int32 array (tree,)
        First node of each tree.
    """

    feature: NDArray[np.int32]
    threshold: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    missing_left: NDArray[np.uint8]
    value: Floats
    roots: NDArray[np.int32]

    def predict(self, features: Floats) -> Floats:
        """Return the mean share of positive frames, ``(frame,)``."""
        from murid.learn.classify._trees import walk

        x = np.ascontiguousarray(features, np.float32)
        return walk(x, self.feature, self.threshold, self.left, self.right, self.missing_left, self.value, self.roots)

    @classmethod
    def of(cls, sklearn_forest: Any) -> Self:
        """Flatten a fitted binary scikit-learn forest."""
        parts: dict[str, list[np.ndarray]] = {f.name: [] for f in fields(cls)}
        start = 0
        for estimator in sklearn_forest.estimators_:
            tree = estimator.tree_
            leaf = tree.children_left < 0
            value = tree.value[:, 0, :]
            parts["roots"].append(np.array([start], np.int32))
            parts["feature"].append(np.where(leaf, -1, tree.feature).astype(np.int32))
            parts["threshold"].append(_floor32(np.where(leaf, 0.0, tree.threshold)))
            parts["left"].append(np.where(leaf, -1, tree.children_left + start).astype(np.int32))
            parts["right"].append(np.where(leaf, -1, tree.children_right + start).astype(np.int32))
            parts["missing_left"].append(np.asarray(tree.missing_go_to_left, np.uint8))
            parts["value"].append((value[:, 1] / value.sum(axis=1)).astype(np.float32))
            start += tree.node_count
        return cls(**{name: np.concatenate(arrays) for name, arrays in parts.items()})


class Forests:
    """One `BinaryForest` per behaviour."""

    def __init__(self, behaviours: Sequence[str], forests: Sequence[BinaryForest]) -> None:
        self.behaviours, self.forests = list(behaviours), list(forests)

    def predict(self, features: Floats) -> Floats:
        """Return probabilities ``(frame, behaviour)``."""
        features = np.where(np.isfinite(features), features, np.float32(np.nan))
        return np.stack([f.predict(features) for f in self.forests], axis=1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Name → array, for storage."""
        return {f"forest_{i}_{f.name}": getattr(one, f.name) for i, one in enumerate(self.forests) for f in fields(one)}

    @classmethod
    def from_arrays(cls, behaviours: Sequence[str], arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back `to_arrays`."""
        names = [f.name for f in fields(BinaryForest)]
        forests = [BinaryForest(**{n: arrays[f"forest_{i}_{n}"] for n in names}) for i in range(len(behaviours))]
        return cls(behaviours, forests)


def fit_forests(
    features: Floats,
    targets: NDArray[np.int8],
    behaviours: Sequence[str],
    *,
    weights: Floats | None = None,
    rows: NDArray[np.intp] | None = None,
    params: ForestParams | None = None,
    seed: int = 0,
    text: str = "forest",
) -> Forests:
    """Grow one forest per behaviour.

    Parameters
    ----------
    features : float32 array (frame, feature)
        NaN = missing; each split learns where missing frames go.
    targets : int8 array (frame, behaviour)
        1 present, 0 absent, −1 unlabelled (left out).
    behaviours : sequence of str
    weights : array (frame,), optional
        Equal by default.
    rows : int array, optional
        Frames to learn from; all by default.
    params : ForestParams
    seed : int
        Same seed, same trees, on any number of threads.

    Raises
    ------
    DataError
        Naming every behaviour that lacks positive or negative frames.
    """
    from sklearn.ensemble import RandomForestClassifier

    params = params or ForestParams()
    rows = np.arange(len(targets)) if rows is None else np.sort(np.asarray(rows))
    check_two_classes(targets[rows], behaviours)
    forests = []
    for b in range(len(behaviours)):
        tell(text, b, len(behaviours))
        used = rows[targets[rows, b] >= 0]
        label = targets[used, b]
        weight = np.ones(len(used)) if weights is None else np.asarray(weights, np.float64)[used]
        positive, negative = weight[label == 1].sum(), weight[label == 0].sum()
        weight = np.where(label == 1, weight * (negative / positive) ** params.balance, weight)
        forest = RandomForestClassifier(
            n_estimators=params.n_trees, criterion=params.criterion, max_features=params.max_features,
            min_samples_leaf=params.min_leaf, n_jobs=params.n_threads, random_state=seed,
            max_samples=None if params.max_rows is None or params.max_rows >= len(used) else params.max_rows,
        )  # fmt: skip
        x = features[used]
        forest.fit(np.where(np.isfinite(x), x, np.float32(np.nan)), label, sample_weight=weight / weight.mean())
        forests.append(BinaryForest.of(forest))
    tell(text, len(behaviours), len(behaviours))
    return Forests(behaviours, forests)


def _floor32(x: NDArray[np.float64]) -> Floats:
    """Largest float32 not above x: ``float32 <= x`` then decides as it did in float64."""
    y = x.astype(np.float32)
    return np.where(y > x, np.nextafter(y, np.float32(-np.inf)), y).astype(np.float32)
