"""Random forests: one per behaviour, with missing values, or one for exclusive classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from murid.data.errors import fail
from murid.data.params import Params, param
from murid.data.progress import tell
from murid.learn.classify.boost import check_two_classes
from murid.learn.classify.trees import Floats, Trees


class ForestParams(Params):
    """Parameters of the random forests."""

    n_trees: int = param(300, ge=1, why="trees; SimBA grows 2,000, which takes seven times as long")
    criterion: Literal["gini", "entropy"] = param("gini", why="impurity of a split")
    max_features: Literal["sqrt", "log2"] = param("sqrt", why="features tried at a split")
    min_leaf: int = param(5, ge=1, why="frames in a leaf; SimBA: 1, but neighbouring frames are near copies")
    max_rows: int | None = param(20_000, ge=1, why="frames drawn for each tree; None = as many as there are")
    balance: float = param(0.5, ge=0, le=1, why="0 = classes as they are, 1 = both weigh the same")
    n_threads: int = param(2, ge=1, why="threads; the forest does not depend on it")


class Forests:
    """One two-class forest per behaviour."""

    def __init__(self, behaviours: Sequence[str], forests: Sequence[Trees]) -> None:
        self.behaviours, self.forests = list(behaviours), list(forests)

    def predict(self, features: Floats) -> Floats:
        """Return probabilities ``(frame, behaviour)``."""
        features = np.where(np.isfinite(features), features, np.float32(np.nan))
        return np.stack([f.probabilities(features)[:, 1] for f in self.forests], axis=1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Name → array, for storage."""
        return {f"forest_{i}_{name}": a for i, one in enumerate(self.forests) for name, a in one.arrays().items()}

    @classmethod
    def from_arrays(cls, behaviours: Sequence[str], arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back `to_arrays`."""
        starts = [f"forest_{i}_" for i in range(len(behaviours))]
        own = [{k.removeprefix(start): a for k, a in arrays.items() if k.startswith(start)} for start in starts]
        return cls(behaviours, [Trees.from_arrays(parts) for parts in own])


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
    **changes: Any,
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
    **changes
        Single parameters of `ForestParams`, over `params`.

    Raises
    ------
    DataError
        Naming every behaviour that lacks positive or negative frames.
    """
    from sklearn.ensemble import RandomForestClassifier

    params = ForestParams.of(params, changes)
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
            n_estimators=params.n_trees,
            criterion=params.criterion,
            max_features=params.max_features,
            min_samples_leaf=params.min_leaf,
            n_jobs=params.n_threads,
            random_state=seed,
            max_samples=None if params.max_rows is None or params.max_rows >= len(used) else params.max_rows,
        )
        x = features[used]
        forest.fit(np.where(np.isfinite(x), x, np.float32(np.nan)), label, sample_weight=weight / weight.mean())
        forests.append(Trees.of(forest, 2))
    tell(text, len(behaviours), len(behaviours))
    return Forests(behaviours, forests)


class ClassForest(Trees):
    """Forest of exclusive classes; a frame with a missing value is of no class."""

    def probabilities(self, x: np.ndarray) -> Floats:
        """Mean vote of the trees, ``(frame, class)``; NaN where a frame has a missing value."""
        out = super().probabilities(x)
        out[~np.isfinite(x).all(axis=1)] = np.nan
        return out

    def predict(self, x: np.ndarray) -> NDArray[np.int32]:
        """Class of each frame (first of equals), -1 where a value is missing."""
        p = self.probabilities(x)
        known = np.isfinite(p[:, 0])
        return np.where(known, np.argmax(np.where(known[:, None], p, 0), axis=1), -1).astype(np.int32)


def fit_class_forest(
    x: np.ndarray, labels: np.ndarray, *, n_trees: int = 100, min_leaf: int = 1, seed: int = 0, n_workers: int = 1
) -> ClassForest:
    """Grow one forest for exclusive classes.

    Parameters
    ----------
    x : (n, D) array
        Features without NaN.
    labels : (n,) int array
        Classes 0 … K - 1.
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
    return ClassForest.of(grown.fit(np.asarray(x, np.float32), labels))
