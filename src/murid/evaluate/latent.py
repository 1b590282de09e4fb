"""What a latent space is worth: neighbourhoods kept, behaviour readable, the same from run to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from murid.data.errors import fail
from murid.data.states import UNLABELLED
from murid.evaluate import frames

#: Samples used where a measure is quadratic in their number; a seeded draw of this size is stable to ±.01.
MAX_SAMPLES = 2000


def trustworthiness(
    features: ArrayLike, latent: ArrayLike, *, n_neighbors: int = 12, max_samples: int = MAX_SAMPLES, seed: int = 0
) -> float:
    """Share of latent neighbours that are neighbours in the features too (1 = all; ~0.5 = random).

    Parameters
    ----------
    features : array (time, feature)
        What the latent was made from, scaled.
    latent : array (time, dimension)
        Embedding. Samples with NaN on either side are left out.
    n_neighbors, max_samples, seed
        Neighbourhood size; random subset, as the measure is quadratic; its seed.
    """
    from sklearn.manifold import trustworthiness as measure

    x, z = np.asarray(features, np.float64), np.asarray(latent, np.float64)
    _same_length(x, z)
    known = np.flatnonzero(np.isfinite(x).all(1) & np.isfinite(z).all(1))
    if known.size > max_samples:
        known = np.sort(np.random.default_rng(seed).choice(known, max_samples, replace=False))
    if known.size <= 2 * n_neighbors:
        fail("trustworthiness", "too few samples", expected=f"> {2 * n_neighbors}", got=str(known.size))
    return float(measure(x[known], z[known], n_neighbors=n_neighbors))


def linear_probe(
    train: tuple[ArrayLike, ArrayLike], test: tuple[ArrayLike, ArrayLike], *, max_samples: int = 20_000, seed: int = 0
) -> dict[str, Any]:
    """Read behaviour from features by a balanced logistic regression: fitted on `train`, scored on `test`.

    The same simple reader for every method, so that what differs is the representation. Train and test must
    come from different animals (`folds.grouped`).

    Parameters
    ----------
    train, test : (features (time, feature), codes (time,))
        Codes −1 and NaN features are left out.
    max_samples : int
        Random subset of training samples (seeded): neighbouring frames repeat each other.
    seed : int
        Seed of the subset.

    Returns
    -------
    dict
        ``macro_f1, balanced_accuracy, map`` (mean average precision) and ``f1``: code → F1, over the classes of both
        sides: one that training lacks is missed wherever it occurs. ``counts``: code → (tp, fp, fn, tn).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    (x, y), (x_test, y_test) = _clean(*train), _clean(*test)
    classes = np.unique(y)
    if classes.size < 2 or y_test.size == 0:
        fail(
            "linear_probe",
            "fewer than two classes, or nothing to test",
            expected="2 classes to train, labelled samples to test",
            got=f"{classes.size} classes, {y_test.size} test samples",
        )
    if y.size > max_samples:
        keep = np.random.default_rng(seed).choice(y.size, max_samples, replace=False)
        x, y = x[keep], y[keep]
        classes = np.unique(y)
    scale = StandardScaler().fit(x)
    model = LogisticRegression(class_weight="balanced", max_iter=500).fit(scale.transform(x), y)
    p = model.predict_proba(scale.transform(x_test))
    predicted = classes[p.argmax(axis=1)]
    every = np.union1d(classes, y_test)
    truth, guess = (y_test[:, None] == every).astype(np.int8), (predicted[:, None] == every).astype(np.int8)
    cells = frames.counts(truth, guess)
    f1 = frames.f1_of(cells)
    recall = frames.ratio(cells[:, 0], cells[:, 0] + cells[:, 2])
    chance = np.zeros((len(y_test), every.size))
    chance[:, np.searchsorted(every, classes)] = p
    ap = [frames.pr_auc(truth[:, k], chance[:, k]) for k in range(every.size)]
    return {
        "macro_f1": float(frames.mean_known(f1)),
        "balanced_accuracy": float(frames.mean_known(recall)),
        "map": float(frames.mean_known(ap)),
        "f1": {int(c): float(v) for c, v in zip(every, f1, strict=True)},
        "counts": {int(c): np.asarray(row) for c, row in zip(every, cells, strict=True)},
    }


def r2_between(one: ArrayLike, two: ArrayLike) -> float:
    """How well two runs' latents map onto each other linearly: mean R² of both directions.

    1 = equal up to an affine map. In-sample, so with few samples per dimension it is too high.
    """
    a, b = np.asarray(one, np.float64), np.asarray(two, np.float64)
    _same_length(a, b)
    known = np.isfinite(a).all(1) & np.isfinite(b).all(1)
    return float((_r2(a[known], b[known]) + _r2(b[known], a[known])) / 2)


def consistency(runs: Sequence[ArrayLike]) -> np.ndarray:
    """Return `r2_between` of every pair of runs, ``(run, run)``, with ones on the diagonal."""
    out = np.eye(len(runs))
    for i in range(len(runs)):
        for j in range(i):
            out[i, j] = out[j, i] = r2_between(runs[i], runs[j])
    return out


def seed_agreement(runs: Sequence[ArrayLike]) -> float:
    """Mean `r2_between` over all pairs of runs: 1 = every seed finds the same latent up to an affine map."""
    if len(runs) < 2:
        return float("nan")
    return float(consistency(runs)[np.triu_indices(len(runs), 1)].mean())


def persistence(clean: ArrayLike, spoilt: ArrayLike) -> float:
    """How much of a latent stays when its input is spoilt: 1 − squared change / variance.

    Parameters
    ----------
    clean, spoilt : arrays (time, dimension)
        Latents by the same fitted method of the same frames. Nothing is fitted between them, as nothing is when a
        model is applied to worse data: 1 = unchanged, 0 = as far away as a random other frame's mean, negative = worse.
    """
    a, b = np.asarray(clean, np.float64), np.asarray(spoilt, np.float64)
    _same_length(a, b)
    known = np.isfinite(a).all(1) & np.isfinite(b).all(1)
    total = ((a[known] - a[known].mean(axis=0)) ** 2).sum() if known.any() else 0.0
    return float(1.0 - ((a[known] - b[known]) ** 2).sum() / total) if total > 0 else float("nan")


def linear_recovery(
    train: tuple[ArrayLike, ArrayLike], test: tuple[ArrayLike, ArrayLike], *, ridge: float = 1e-3
) -> float:
    """R² on unseen animals of features rebuilt linearly from the latent: how much of them the latent holds.

    Parameters
    ----------
    train, test : (latent (time, dimension), features (time, feature))
        From different animals; frames with NaN on either side are left out. Features are standardised by the training
        side, so that each counts alike.
    ridge : float
        Share of the latent's mean variance added to the normal equations.
    """
    (z, x), (z_test, x_test) = (_pairs(*side) for side in (train, test))
    centre, spread = x.mean(0), x.std(0)
    use = spread > 1e-9
    x, x_test = ((v[:, use] - centre[use]) / spread[use] for v in (x, x_test))
    middle = z.mean(0)
    z = z - middle
    gram = z.T @ z
    weights = np.linalg.solve(gram + ridge * np.trace(gram) / len(gram) * np.eye(len(gram)), z.T @ x)
    residual = x_test - (z_test - middle) @ weights
    return float(1.0 - (residual**2).sum() / (x_test**2).sum())


def _pairs(latent: ArrayLike, features: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    z, x = np.asarray(latent, np.float64), np.asarray(features, np.float64)
    _same_length(z, x)
    keep = np.isfinite(z).all(1) & np.isfinite(x).all(1)
    if not keep.any():
        fail("latent", "no frame is known on both sides", expected="at least one", got="0")
    return z[keep], x[keep]


def _r2(x: np.ndarray, y: np.ndarray) -> float:
    """R² of all of y from x by least squares, variance-weighted over the columns of y."""
    design = np.column_stack([np.ones(len(x)), x])
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    total = ((y - y.mean(axis=0)) ** 2).sum()
    return float(1.0 - (residual**2).sum() / total) if total > 0 else float("nan")


def _clean(features: ArrayLike, codes: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(features, np.float64), np.asarray(codes)
    _same_length(x, y)
    keep = (y != UNLABELLED) & np.isfinite(x).all(axis=1)
    return x[keep], y[keep]


def _same_length(a: np.ndarray, b: np.ndarray) -> None:
    if len(a) != len(b):
        fail("latent", "numbers of samples differ", expected=str(len(a)), got=str(len(b)))
