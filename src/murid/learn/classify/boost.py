"""Gradient-boosted trees, one binary LightGBM model per behaviour.

Frames without a label of a behaviour (−1) are left out of that behaviour's model. Every model sees the
same binned matrix, so binning is paid once for all behaviours and folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from murid.data.errors import Faults
from murid.data.params import Params, param
from murid.data.progress import tell

Floats = NDArray[np.float32]
#: Frames × features below which one thread is faster; on busy cores several threads cost ten times as much.
_SMALL_TABLE = 20_000_000


class BoostParams(Params):
    """Parameters of the boosted trees."""

    n_trees: int = param(150, ge=1, why="rounds; with rate 0.08 the held-out loss is flat from about 120")
    learning_rate: float = param(0.08, gt=0, le=1, why="small steps generalise better to new animals")
    n_leaves: int = param(31, ge=2, why="leaves of a tree")
    min_leaf: int = param(
        200,
        ge=1,
        why="frames in a leaf; neighbouring frames are near copies, so far above 20. Never more than a "
        "tenth of the frames that show the behaviour: on 80 to 120 s of labels better than a quarter",
    )
    feature_fraction: float = param(0.3, gt=0, le=1, why="share of features per tree; window features are redundant")
    row_fraction: float = param(0.7, gt=0, le=1, why="share of frames per tree")
    l2: float = param(5.0, ge=0, why="ridge on leaf values")
    balance: float = param(0.5, ge=0, le=1, why="0 = classes as they are, 1 = both weigh the same")
    n_threads: int = param(
        0, ge=0, why="0 = all cores, or one for small tables, where threads wait more than they work; same model"
    )


class Boosters:
    """One binary booster per behaviour, in LightGBM's own text format when stored.

    Attributes
    ----------
    behaviours : list of str
        Names, in the order of the probability columns.
    """

    def __init__(self, behaviours: Sequence[str], boosters: Sequence[Any]) -> None:
        self.behaviours = list(behaviours)
        self._boosters = list(boosters)

    def predict(self, features: Floats) -> Floats:
        """Return probabilities ``(frame, behaviour)`` for ``features (frame, feature)``."""
        columns = [b.predict(features).astype(np.float32) for b in self._boosters]
        return np.stack(columns, axis=1) if columns else np.empty((len(features), 0), np.float32)

    def importance(self) -> Floats:
        """Return the total gain of each feature per behaviour, ``(feature, behaviour)``."""
        return np.stack([b.feature_importance("gain") for b in self._boosters], axis=1).astype(np.float32)

    def contributions(self, features: Floats) -> Floats:
        """Return what each feature adds to each score, log-odds: ``(frame, behaviour, feature + 1)``.

        Exact TreeSHAP values (Lundberg et al. 2020): they sum, with the last column (the score before any
        feature), to the log-odds of `predict`.
        """
        parts = [np.asarray(b.predict(features, pred_contrib=True), np.float32) for b in self._boosters]
        return np.stack(parts, axis=1)

    def to_texts(self) -> dict[str, str]:
        """Return file name → LightGBM model text."""
        return {f"booster_{i}.txt": b.model_to_string() for i, b in enumerate(self._boosters)}

    @classmethod
    def from_texts(cls, behaviours: Sequence[str], texts: dict[str, str]) -> Self:
        """Read back what `to_texts` wrote."""
        import lightgbm

        return cls(behaviours, [lightgbm.Booster(model_str=texts[f"booster_{i}.txt"]) for i in range(len(behaviours))])


def binned(features: Floats) -> Any:
    """Bin a feature matrix once; give the result to `fit_boosters` as often as needed."""
    import lightgbm

    return lightgbm.Dataset(
        features,
        params={
            "max_bin": 63,
            "verbosity": -1,
            "num_threads": 0,
            "bin_construct_sample_cnt": 50_000,
            "seed": 0,
            "feature_pre_filter": False,
        },
        free_raw_data=True,
    ).construct()


def fit_boosters(
    data: Any,
    targets: NDArray[np.int8],
    behaviours: Sequence[str],
    *,
    weights: Floats | None = None,
    rows: NDArray[np.intp] | None = None,
    params: BoostParams | None = None,
    seed: int = 0,
    text: str = "boosting",
    **changes: Any,
) -> Boosters:
    """Fit one booster per behaviour.

    Parameters
    ----------
    data
        From `binned`.
    targets : int8 array (frame, behaviour)
        1 present, 0 absent, −1 unlabelled (left out).
    behaviours : sequence of str
        Names of the columns.
    weights : array (frame,) or (frame, behaviour), optional
        Weight of each frame; equal by default.
    rows : int array, optional
        Frames to learn from (a fold); all by default.
    params : BoostParams
    seed : int
        Same seed, same trees, on any number of threads.
    **changes
        Single parameters of `BoostParams`, over `params`.

    Raises
    ------
    DataError
        Naming every behaviour that lacks positive or negative frames.
    """
    import lightgbm

    params = BoostParams.of(params, changes)
    rows = np.arange(len(targets)) if rows is None else np.asarray(rows)
    check_two_classes(targets[rows], behaviours)
    boosters = []
    for b in range(len(behaviours)):
        tell(text, b, len(behaviours))
        used = np.sort(rows[targets[rows, b] >= 0])
        part = data.subset(used).construct()
        label = targets[used, b].astype(np.float32)
        base = np.ones(len(used)) if weights is None else np.asarray(weights)[used]
        weight = base if base.ndim == 1 else base[:, b]
        part.set_label(label)
        part.set_weight(_balanced(label, weight.astype(np.float64), params.balance))
        rarer = min(int(label.sum()), int((1 - label).sum()))
        settings = _lightgbm_params(params, seed) | {"min_data_in_leaf": max(2, min(params.min_leaf, rarer // 10))}
        if params.n_threads == 0 and len(used) * data.num_feature() < _SMALL_TABLE:
            settings["num_threads"] = 1
        boosters.append(lightgbm.train(settings, part, num_boost_round=params.n_trees))
    tell(text, len(behaviours), len(behaviours))
    return Boosters(behaviours, boosters)


@dataclass(frozen=True)
class TopFeatures:
    """Chooses columns by a short boosting run; binned once for any number of choices.

    Window features come in families of near copies; a few hundred of them predict as well as thousands
    and cost a fraction. Each behaviour's gains are scaled to sum 1, so that a rare one counts as much.

    Attributes
    ----------
    data : lightgbm.Dataset
        Evenly spaced rows, binned.
    looked_at : int array
        These rows, as rows of the whole matrix.
    n_columns : int

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    >>> y = (x[:, [4]] > 0).astype(np.int8)
    >>> TopFeatures.of(x).choose(y, 1).tolist()
    [4]
    """

    data: Any
    looked_at: NDArray[np.intp]
    n_columns: int

    @classmethod
    def of(cls, features: Floats, max_rows: int = 12_000) -> Self:
        """Bin at most `max_rows` evenly spaced rows of ``features (frame, feature)``."""
        rows = np.unique(np.linspace(0, len(features) - 1, min(max_rows, len(features))).astype(np.intp))
        return cls(binned(features[rows]), rows, features.shape[1])

    def choose(
        self,
        targets: NDArray[np.int8],
        n: int,
        *,
        weights: Floats | None = None,
        rows: NDArray[np.intp] | None = None,
        n_trees: int = 40,
        seed: int = 0,
    ) -> NDArray[np.intp]:
        """Return the columns that a short boosting run finds useful for any behaviour, ascending.

        Parameters
        ----------
        targets : int8 array (frame, behaviour)
            Of the whole matrix.
        n : int
            Columns to keep.
        weights : array (frame,), optional
        rows : int array, optional
            Frames to learn from (a fold): labels of others are not looked at. All by default.
        n_trees : int
            Rounds per behaviour.
        """
        if n >= self.n_columns:
            return np.arange(self.n_columns)
        used = np.arange(len(self.looked_at)) if rows is None else np.flatnonzero(np.isin(self.looked_at, rows))
        y = targets[self.looked_at]
        usable = [b for b in range(y.shape[1]) if {0, 1} <= set(np.unique(y[used, b]).tolist())]
        quick = BoostParams(n_trees=n_trees, learning_rate=0.15, n_leaves=15, min_leaf=max(20, len(used) // 200))
        gains = np.zeros(self.n_columns)
        if usable:
            few = fit_boosters(
                self.data,
                y[:, usable],
                [str(b) for b in usable],
                weights=None if weights is None else weights[self.looked_at],
                rows=used,
                params=quick,
                seed=seed,
                text="choosing features",
            )
            gain = few.importance().astype(np.float64)
            gains = (gain / np.maximum(gain.sum(axis=0), 1e-12)).sum(axis=1)
        return np.sort(np.argsort(-gains, kind="stable")[:n])


def _lightgbm_params(params: BoostParams, seed: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "learning_rate": params.learning_rate,
        "num_leaves": params.n_leaves,
        "feature_fraction": params.feature_fraction,
        "bagging_fraction": params.row_fraction,
        "bagging_freq": 1,
        "lambda_l2": params.l2,
        "max_bin": 63,
        "feature_pre_filter": False,
        "verbosity": -1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": params.n_threads,
    }


def _balanced(label: np.ndarray, weight: np.ndarray, balance: float) -> np.ndarray:
    """Scale the weights of both classes towards each other; the mean weight stays 1."""
    positive, negative = weight[label > 0].sum(), weight[label == 0].sum()
    weight = weight.copy()
    weight[label > 0] *= (negative / positive) ** balance
    return weight / weight.mean()


def check_two_classes(targets: NDArray[np.int8], behaviours: Sequence[str]) -> None:
    """Raise one error naming every behaviour without positive or without negative frames."""
    faults = Faults("training labels")
    for b, name in enumerate(behaviours):
        present, absent = int((targets[:, b] == 1).sum()), int((targets[:, b] == 0).sum())
        if present == 0:
            faults.add(
                f"no frame shows '{name}'",
                expected="labelled bouts of it",
                todo=f"label some bouts of '{name}', or leave it out of behaviours",
            )
        elif absent == 0:
            faults.add(
                f"every labelled frame shows '{name}'",
                expected="frames without it",
                todo="label frames without it, or pass others='negative'",
            )
    faults.raise_if_any()
