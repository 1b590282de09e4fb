"""Decoders: ridge, logistic, and a small convolution, each predicting folds that it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from murid.data.clock import nearest_sample
from murid.data.errors import fail
from murid.neural.logistic import MOST_COEFFICIENTS, fit_logistic

if TYPE_CHECKING:
    from murid.learn.nets.batches import MemorySource
    from murid.neural.decoding import DecodingParams

Floats = NDArray[np.floating]
Rows = NDArray[np.bool_]
#: Ridge penalties tried, as multiples of the number of samples.
PENALTIES = tuple(float(v) for v in np.logspace(-5, 2, 15))


def training_rows(fold: NDArray[np.int64], time_s: NDArray[np.float64], held: int, gap_s: float) -> Rows:
    """Rows to learn from when fold `held` is predicted: other folds, `gap_s` away from it."""
    test = time_s[fold == held]
    distance = np.abs(time_s - test[nearest_sample(test, time_s)])
    return np.asarray((fold >= 0) & (fold != held) & (distance > gap_s))


def predict(
    x: Floats, y: Floats, fold: np.ndarray, time_s: np.ndarray, p: DecodingParams, classes: bool = False
) -> Floats:
    """Held-out predictions (time, column); NaN where no fold is."""
    out = np.full(y.shape, np.nan)
    for held in range(p.folds):
        test = fold == held
        train = training_rows(fold, time_s, held, p.gap_s + p.lags_s)
        # The next fold serves to choose the penalty, or when to stop.
        valid = train & (fold == (held + 1) % p.folds)
        inner = train & training_rows(fold, time_s, (held + 1) % p.folds, p.gap_s + p.lags_s)
        if inner.sum() < 10 or valid.sum() < 10:
            fail(
                "decoding",
                "too little to learn from between the gaps",
                got=f"{int(inner.sum())} samples",
                todo="use a shorter gap_s or fewer folds",
            )
        if p.decoder == "conv":
            out[test] = _conv(x, y, inner, valid, test, p, classes)
        elif classes:
            out[test] = logistic(x, y, inner, valid, train, test)
        else:
            out[test] = _ridge(x, y, inner, valid, train, test)
    return out


def _ridge(x: Floats, y: Floats, inner: Rows, valid: Rows, train: Rows, test: Rows) -> Floats:
    """Linear prediction of the test rows; the penalty is the one that does best on the rows in `valid`."""
    flat = x.reshape(len(x), -1)

    def solve(rows: Rows, penalties: Sequence[float]) -> Iterator[tuple[Floats, Floats]]:
        a, b = flat[rows].astype(np.float64), y[rows]
        centre, mean = a.mean(axis=0), b.mean(axis=0)
        values, vectors = np.linalg.eigh((a - centre).T @ (a - centre))
        inside = vectors.T @ ((a - centre).T @ (b - mean))
        for penalty in penalties:
            weight = vectors @ (inside / (values + penalty * len(a))[:, None])
            yield weight, mean - centre @ weight

    errors = [((flat[valid] @ w + c - y[valid]) ** 2).sum() for w, c in solve(inner, PENALTIES)]
    weight, offset = next(solve(train, [PENALTIES[int(np.argmin(errors))]]))
    return flat[test] @ weight + offset


def logistic(x: Floats, y: Floats, inner: Rows, valid: Rows, train: Rows, test: Rows) -> Floats:
    """Probabilities (row, class) of the test rows; the penalty is the one that does best on the rows in `valid`."""
    flat, codes = x.reshape(len(x), -1), y.argmax(axis=1)
    out = np.zeros((int(test.sum()), y.shape[1]))
    only = np.unique(codes[train])
    if only.size == 1:  # nothing to tell apart outside of the test rows
        out[:, only[0]] = 1.0
        return out
    penalties = (1e-4, 1e-3, 1e-2, 1e-1)
    best, model = penalties[1], None
    if np.unique(codes[inner]).size > 1:
        scores = []
        for c in penalties:
            model = _classifier(flat[inner], codes[inner], c, model)
            scores.append(_balanced(codes[valid], model.predict(flat[valid])))
        best = penalties[int(np.argmax(scores))]
    model = _classifier(flat[train], codes[train], best, model)
    out[:, model.classes_] = model.predict_proba(flat[test])
    return out


def _classifier(x: Floats, codes: NDArray[np.int64], c: float, start: Any = None) -> Any:
    """Logistic regression; where coefficients are few by Newton's method from `start`: it finds the same minimum."""
    classes = np.unique(codes)
    if (x.shape[1] + 1) * classes.size <= MOST_COEFFICIENTS:
        return fit_logistic(x, codes, c, start)
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, class_weight="balanced", max_iter=300).fit(x, codes)


def _conv(x: Floats, y: Floats, inner: Rows, valid: Rows, test: Rows, p: DecodingParams, classes: bool) -> Floats:
    """Convolution over the lags of all units → rectified units → linear; stopped on the validation rows."""
    from murid.learn.nets._torch import torch
    from murid.learn.nets.batches import MemorySource
    from murid.learn.nets.device import seeded
    from murid.learn.nets.loop import train as run

    centre, scale = y[inner].mean(axis=0), np.maximum(y[inner].std(axis=0), 1e-9)
    wanted = y if classes else (y - centre) / scale
    share = np.maximum(y[inner].mean(axis=0), 1e-3)

    def source(rows: Rows) -> MemorySource:
        return MemorySource(
            {"x": np.ascontiguousarray(x[rows]), "y": wanted[rows].astype(np.float32)},
            {"x": ("sample", "unit", "lag"), "y": ("sample", "column")},
        )

    weight = torch.tensor(1 / (len(share) * share), dtype=torch.float32)
    spread = torch.tensor(scale**2 / (scale**2).mean(), dtype=torch.float32)

    def loss(net: Any, batch: Any, _step: Any) -> dict[str, Any]:
        out = net(batch["x"])
        if classes:
            each = torch.nn.functional.cross_entropy(out, batch["y"].argmax(1), weight=weight.to(out.device))
            return {"loss": each}
        return {"loss": ((out - batch["y"]) ** 2 * spread.to(out.device)).mean()}

    with seeded(p.seed):
        net = torch.nn.Sequential(
            torch.nn.Conv1d(x.shape[1], p.hidden, x.shape[2]),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(p.hidden, y.shape[1]),
        )
    run(net, loss, source(inner), p.train, valid=source(valid), seed=p.seed, progress="decoder")
    with torch.no_grad():
        out = net(torch.from_numpy(np.ascontiguousarray(x[test])))
        out = torch.softmax(out, dim=1) if classes else out
    return out.numpy().astype(np.float64) if classes else out.numpy() * scale + centre


def _balanced(truth: np.ndarray, guess: np.ndarray) -> float:
    return float(np.mean([(guess[truth == k] == k).mean() for k in np.unique(truth)]))
