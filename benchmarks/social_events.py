"""Aggression among 1,217 approaches in seven cages of three mice: AUROC when the cage is new.

``python -m benchmarks.social_events``. Nineteen summary features an event, leave one cage out, three classifiers of
murid and two of scikit-learn (for reference) on the features as they are and with each feature's rank inside its cage
beside it (needs no labels).
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer
from sklearn.svm import SVC

from benchmarks._outcome import data_dir
from murid.data.progress import silent
from murid.learn.classify.boost import BoostParams, binned, fit_boosters
from murid.learn.classify.forests import ForestParams, fit_forests
from murid.learn.classify.stumps import bins_of, fit_stumps

BOOST = BoostParams(
    n_trees=300, learning_rate=0.03, n_leaves=7, min_leaf=20, feature_fraction=0.4, l2=10.0, balance=0.0
)


def auroc(truth: np.ndarray, score: np.ndarray) -> float:
    """Share of (aggression, other) pairs in the right order."""
    ranks, n = rankdata(score), int(truth.sum())
    return float((ranks[truth == 1].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))


def within_cage(x: np.ndarray, cage: np.ndarray) -> np.ndarray:
    """Rank of every value inside its cage, 0..1; cages differ in size, camera height and temper."""
    out = np.empty_like(x)
    for c in np.unique(cage):
        out[cage == c] = pd.DataFrame(x[cage == c]).rank(pct=True).to_numpy(np.float32)
    return out


class _Margin:
    """A classifier of scikit-learn on features with normal distributions; what it says is a margin."""

    def __init__(self, model: Any, x: np.ndarray, y: np.ndarray) -> None:
        normal = QuantileTransformer(output_distribution="normal", n_quantiles=200)
        self.model = make_pipeline(normal, model).fit(np.nan_to_num(x), y)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the margin, ``(event, 1)``."""
        return self.model.decision_function(np.nan_to_num(x))[:, None]


def held_out(name: str, x: np.ndarray, y: np.ndarray, cage: np.ndarray) -> np.ndarray:
    """Score of every event by a classifier that never saw its cage."""
    out, labels = np.zeros(len(y)), y[:, None].astype(np.int8)
    data = {"trees": binned, "stumps": bins_of}.get(name, np.asarray)(x)
    fit = {
        "trees": lambda r: fit_boosters(data, labels, ["aggression"], rows=r, params=BOOST),
        "forest": lambda r: fit_forests(x, labels, ["aggression"], rows=r, params=ForestParams(n_threads=1)),
        "stumps": lambda r: fit_stumps(data, labels, ["aggression"], rows=r, n_draw=500),
        "svm": lambda r: _Margin(SVC(C=1, gamma=0.02), x[r], y[r]),
        "logistic": lambda r: _Margin(LogisticRegression(C=0.1), x[r], y[r]),
    }[name]
    for c in np.unique(cage):
        out[cage == c] = fit(np.flatnonzero(cage != c)).predict(x[cage == c])[:, 0]
    return out


def main() -> None:
    folder = data_dir() / "sleap_social"
    table = np.load(folder / "train_derived.npz", allow_pickle=True)
    answers = pd.read_csv(folder / "answer_key.csv")
    x, y = table["X"].astype(np.float32), answers["agg_label"].to_numpy(int)
    cage = np.array([re.search(r"cam\.(\d+)", key)[1] for key in answers["event_key"]])
    print(f"{len(y)} events, {y.sum()} of aggression, {len(set(cage))} cages")
    rng = np.random.default_rng(0)
    for what, features in (("as they are", x), ("with ranks inside the cage", np.c_[x, within_cage(x, cage)])):
        ranks = []
        for name in ("trees", "forest", "stumps", "svm", "logistic"):
            with silent():
                p = held_out(name, features, y, cage)
            ranks.append(rankdata(p))
            each = [auroc(y[cage == c], p[cage == c]) for c in np.unique(cage)]
            print(f"{what:28s} {name:8s} AUROC {auroc(y, p):.3f}  cages {min(each):.2f}-{max(each):.2f}")
        both = np.sum(ranks, axis=0)
        names = np.unique(cage)
        drawn = [np.concatenate([np.flatnonzero(cage == c) for c in rng.choice(names, len(names))]) for _ in range(500)]
        low, high = np.percentile([auroc(y[r], both[r]) for r in drawn], [2.5, 97.5])
        print(f"{what:28s} all five AUROC {auroc(y, both):.3f} [{low:.3f}, {high:.3f}] over cages")


if __name__ == "__main__":
    main()
