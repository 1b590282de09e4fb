"""Read behaviour from neural activity: latents by regression, states by classification, always on held-out time.

Neural samples are brought to the clock of what is decoded; each moment is predicted from the activity around it.
Folds are blocks of time with a gap on both sides: neighbouring samples repeat each other, and shuffled folds would
let a decoder recognise what it has seen (an unrelated behaviour is then "decoded" at .73 balanced accuracy).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from murid.data.clock import rate_of
from murid.data.errors import fail
from murid.data.params import Params, param
from murid.data.states import behaviour_names, is_multilabel
from murid.data.traces import Spikes
from murid.learn.nets.params import TrainParams
from murid.neural.align import states_on, traces_on

Floats = np.ndarray
#: Ridge penalties tried, as multiples of the number of samples.
PENALTIES = tuple(np.logspace(-5, 2, 15))


class DecodingParams(Params):
    """How neural activity is decoded."""

    decoder: Literal["ridge", "conv"] = param(
        "ridge", why="linear (logistic for states); conv = convolution over time, 32 rectified units, linear"
    )
    lags_s: float = param(0.25, ge=0, unit="s", why="activity from so long before to so long after a moment is seen")
    folds: int = param(5, ge=2, why="each is predicted by a decoder of the others")
    gap_s: float = param(5.0, ge=0, unit="s", why="training keeps this far from what is predicted; for slow cells")
    hidden: int = param(32, ge=1, why="units of conv, as published")
    train: TrainParams = TrainParams(epochs=200, batch=256, lr=1e-3, weight_decay=1e-3, patience=10)
    n_null: int = param(0, ge=0, why="circular shifts of the behaviour that are decoded too, for p; 200 or more")
    min_shift_s: float = param(30.0, ge=0, unit="s", why="nearer shifts are not independent of the true alignment")
    bin_s: float = param(0.05, gt=0, unit="s", why="bin for spike times")
    seed: int = param(0, ge=0, why="same seed, same answer")


@dataclass(frozen=True)
class Decoded:
    """What neural activity says about continuous values.

    Attributes
    ----------
    prediction : DataArray (time, component)
        Each row from a decoder that has not seen its time; NaN where there was nothing to decode from.
    truth : DataArray (time, component)
    fold : int array (time,)
        Fold of each row, −1 not used.
    r2 : float
        Held out, weighted by the variance of the components.
    r2_each : array (component,)
    p : float
        Share of circular shifts decoded as well (with ``n_null``), else NaN.
    """

    prediction: xr.DataArray
    truth: xr.DataArray
    fold: np.ndarray
    r2: float
    r2_each: np.ndarray
    p: float = float("nan")


@dataclass(frozen=True)
class DecodedStates:
    """What neural activity says about states.

    Attributes
    ----------
    probability : DataArray (time, behaviour)
        Held out; NaN where there was nothing to decode from.
    truth : int array (time,)
        Code of the behaviour, −1 unlabelled.
    fold : int array (time,)
    balanced_accuracy : float
        Mean recall over the behaviours; 1 / their number by chance.
    recall : array (behaviour,)
    p : float
    """

    probability: xr.DataArray
    truth: np.ndarray
    fold: np.ndarray
    balanced_accuracy: float
    recall: np.ndarray
    p: float = float("nan")


def decode(signal: xr.DataArray | Spikes, target: xr.DataArray, params: DecodingParams | None = None) -> Decoded:
    """Decode continuous values, such as the latents of a video, from neural activity.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
        On the same time base as `target`.
    target : DataArray (time, component)
        NaN rows are left out.
    params : DecodingParams, optional

    Returns
    -------
    Decoded
    """
    p = params or DecodingParams()
    if target.dims[0] != "time" or target.ndim != 2:
        fail(
            "decoding",
            "the target has the wrong axes",
            expected="(time, component)",
            got=str(target.dims),
            todo="choose one individual: latent.isel(individual=0)",
        )
    y = np.asarray(target.values, np.float64)
    x, seen = design(signal, target["time"].values, p)
    usable = seen & np.isfinite(y).all(axis=1)
    fold = time_folds(target["time"].values, usable, p)
    found = _predict(x, y, fold, target["time"].values, p)
    scores = [_r2(y[fold >= 0], found[fold >= 0])]
    null = [
        _r2(s[fold >= 0], _predict(x, s, fold, target["time"].values, p)[fold >= 0])[0]
        for s in _shifted(y, target["time"].values, p)
    ]
    prediction = xr.DataArray(found, dims=("time", "component"), coords={"time": target["time"].values}, name="decoded")
    return Decoded(prediction, target, fold, *scores[0], _p_value(scores[0][0], null))


def decode_states(
    signal: xr.DataArray | Spikes,
    states: xr.DataArray,
    params: DecodingParams | None = None,
    *,
    individual: str | None = None,
    time_s: np.ndarray | None = None,
) -> DecodedStates:
    """Decode exclusive states from neural activity; rare and frequent behaviours count alike.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
    states : DataArray (time, individual)
        Exclusive states.
    params : DecodingParams, optional
    individual : str, optional
        Whose; may be left out when there is only one.
    time_s : array (row,), optional
        Clock to decode on; that of the states by default. Choose the neural clock when states are much faster.
    """
    p = params or DecodingParams()
    if is_multilabel(states):
        fail(
            "decoding", "states are not exclusive", expected="(time, individual)", todo="decode one behaviour at a time"
        )
    if time_s is not None:
        states = states_on(states, time_s)
    who = 0 if individual is None else [str(i) for i in states["individual"].values].index(individual)
    names, codes, time = behaviour_names(states), states.values[:, who].astype(int), states["time"].values
    x, seen = design(signal, time, p)
    fold = time_folds(time, seen & (codes >= 0), p)

    def classify(c: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        onehot = np.where(c[:, None] >= 0, c[:, None] == np.arange(len(names)), 0.0)
        out = _predict(x, onehot, fold, time, p, classes=True)
        known = (fold >= 0) & (c >= 0)
        said = np.nan_to_num(out, nan=-1.0).argmax(axis=1)
        recall = np.array(
            [(said[known & (c == k)] == k).mean() if (known & (c == k)).any() else np.nan for k in range(len(names))]
        )
        return out, float(np.nanmean(recall)), recall

    probability, accuracy, recall = classify(codes)
    null = [classify(s[:, 0].astype(int))[1] for s in _shifted(codes[:, None].astype(float), time, p)]
    return DecodedStates(
        xr.DataArray(probability, dims=("time", "behaviour"), coords={"time": time, "behaviour": names}),
        codes,
        fold,
        accuracy,
        recall,
        _p_value(accuracy, null),
    )


def design(signal: xr.DataArray | Spikes, time_s: np.ndarray, params: DecodingParams) -> tuple[Floats, np.ndarray]:
    """Activity around each moment.

    Returns
    -------
    x : float32 array (time, unit, lag)
        z-scored over the recording; 0 where missing. Lags run from the earliest to the latest activity.
    seen : bool array (time,)
        Moments with activity.
    """
    traces = signal.binned(params.bin_s) if isinstance(signal, Spikes) else signal
    moved, seen = traces_on(traces, time_s)
    values = np.asarray(moved.values, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    z = np.nan_to_num(z, posinf=0, neginf=0).astype(np.float32)
    lags = round(params.lags_s * rate_of(time_s))
    padded = np.pad(z, ((lags, lags), (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * lags + 1, axis=0), seen


def time_folds(time_s: np.ndarray, usable: np.ndarray, params: DecodingParams) -> np.ndarray:
    """Fold of each row (−1: not used): blocks of time dealt out in turn, up to four to a fold."""
    span = float(time_s[-1] - time_s[0])
    per_fold = int(np.clip(span / (params.folds * max(4 * params.gap_s, 1e-9)), 1, 4))
    n_blocks = params.folds * per_fold
    if usable.sum() < 20 * params.folds or span < 2 * params.folds * params.gap_s:
        fail(
            "decoding",
            "too little time to hold some out",
            got=f"{span:.0f} s, {int(usable.sum())} usable samples",
            expected=f"at least {2 * params.folds * params.gap_s:.0f} s and {20 * params.folds} samples",
            todo="use fewer folds or a shorter gap_s, or a longer recording",
        )
    rank = np.cumsum(usable) - 1
    block = np.minimum(rank * n_blocks // int(usable.sum()), n_blocks - 1)
    return np.where(usable, block % params.folds, -1)


def training_rows(fold: np.ndarray, time_s: np.ndarray, held: int, gap_s: float) -> np.ndarray:
    """Rows (bool) to learn from when fold `held` is predicted: other folds, `gap_s` away from it."""
    test = time_s[fold == held]
    right = np.clip(np.searchsorted(test, time_s), 1, len(test) - 1)
    distance = np.minimum(np.abs(time_s - test[right - 1]), np.abs(time_s - test[right]))
    return (fold >= 0) & (fold != held) & (distance > gap_s)


def _predict(
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
            out[test] = _logistic(x, y, inner, valid, train, test)
        else:
            out[test] = _ridge(x, y, inner, valid, train, test)
    return out


def _ridge(x: Floats, y: Floats, inner, valid, train, test) -> Floats:
    flat = x.reshape(len(x), -1)

    def solve(rows: np.ndarray, penalties: Any) -> Iterator[tuple[Floats, Floats]]:
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


def _logistic(x: Floats, y: Floats, inner, valid, train, test) -> Floats:
    from sklearn.linear_model import LogisticRegression

    flat, codes = x.reshape(len(x), -1), y.argmax(axis=1)

    def fit(rows: np.ndarray, c: float) -> LogisticRegression:
        return LogisticRegression(C=c, class_weight="balanced", max_iter=300).fit(flat[rows], codes[rows])

    best = max((1e-4, 1e-3, 1e-2, 1e-1), key=lambda c: _balanced(codes[valid], fit(inner, c).predict(flat[valid])))
    model = fit(train, best)
    out = np.zeros((int(test.sum()), y.shape[1]))
    out[:, model.classes_] = model.predict_proba(flat[test])
    return out


def _conv(x: Floats, y: Floats, inner, valid, test, p: DecodingParams, classes: bool) -> Floats:
    """Convolution over the lags of all units → rectified units → linear; stopped on the validation rows."""
    from murid.learn.nets._torch import torch
    from murid.learn.nets.batches import Table
    from murid.learn.nets.device import seeded
    from murid.learn.nets.loop import train as run

    centre, scale = y[inner].mean(axis=0), np.maximum(y[inner].std(axis=0), 1e-9)
    wanted = y if classes else (y - centre) / scale
    share = np.maximum(y[inner].mean(axis=0), 1e-3)

    def source(rows: np.ndarray) -> Table:
        return Table(
            {"x": np.ascontiguousarray(x[rows]), "y": wanted[rows].astype(np.float32)},
            {"x": ("sample", "unit", "lag"), "y": ("sample", "column")},
        )

    weight = torch.tensor(1 / (len(share) * share), dtype=torch.float32) if classes else None
    spread = torch.tensor(scale**2 / (scale**2).mean(), dtype=torch.float32)

    def loss(net: Any, batch: Any, step: Any) -> dict[str, Any]:
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


def _balanced(truth: np.ndarray, said: np.ndarray) -> float:
    return float(np.mean([(said[truth == k] == k).mean() for k in np.unique(truth)]))


def _r2(truth: Floats, found: Floats) -> tuple[float, np.ndarray]:
    """Return R² weighted by variance, and of each column."""
    error, total = ((truth - found) ** 2).sum(axis=0), ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(total > 0, 1 - error / total, np.nan)
    return float(1 - error.sum() / total.sum()), each


def _shifted(y: Floats, time_s: np.ndarray, p: DecodingParams) -> Iterator[Floats]:
    """Circular shifts of the rows, at least `min_shift_s` (at most a tenth of the recording) either way."""
    least = round(min(p.min_shift_s, 0.1 * float(time_s[-1] - time_s[0])) * rate_of(time_s))
    rng = np.random.default_rng(p.seed)
    for _ in range(p.n_null):
        yield np.roll(y, int(rng.integers(least, len(y) - least)), axis=0)


def _p_value(score: float, null: list[float]) -> float:
    return (1 + sum(v >= score for v in null)) / (1 + len(null)) if null else float("nan")
