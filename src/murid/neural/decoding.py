"""Read behaviour from neural activity: latents by regression, states by classification, always on held-out time.

Neural samples are brought to the clock of what is decoded; each moment is predicted from the activity around it.
Folds are blocks of time with a gap on both sides: neighbouring samples repeat each other, and shuffled folds would
let a decoder recognise what it has seen (an unrelated behaviour is then "decoded" at .73 balanced accuracy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from murid.data.clock import rate_of, samples_in, segments
from murid.data.errors import fail
from murid.data.labels import Labels
from murid.data.meet import column_of, states_on
from murid.data.meet.signals import as_states, signal_on
from murid.data.params import Params, param
from murid.data.resample import sample_at
from murid.data.states import UNLABELLED, behaviour_names, is_multilabel
from murid.data.traces import Spikes
from murid.data.warning import warn_user
from murid.learn.nets.params import TrainParams
from murid.neural.decoders import Floats, Rows, predict, training_rows
from murid.neural.decoding_null import NullTest, by_sessions, by_shifts, untested

__all__ = [
    "Decoded",
    "DecodedStates",
    "DecodingParams",
    "decode",
    "decode_states",
    "design",
    "time_folds",
    "training_rows",
]


class DecodingParams(Params):
    """How neural activity is decoded.

    Examples
    --------
    >>> from murid.neural import DecodingParams
    >>> DecodingParams(n_null=200).null
    'auto'
    """

    decoder: Literal["ridge", "conv"] = param(
        "ridge", why="linear (logistic for states); conv = convolution over time, 32 rectified units, linear"
    )
    lags_s: float = param(0.25, ge=0, unit="s", why="activity from so long before to so long after a moment is seen")
    folds: int = param(
        5, ge=3, why="each is predicted by a decoder of the others, of which one chooses the penalty or when to stop"
    )
    gap_s: float = param(5.0, ge=0, unit="s", why="training keeps this far from what is predicted; for slow cells")
    hidden: int = param(32, ge=1, why="units of conv, as published")
    train: TrainParams = param(
        TrainParams(epochs=200, batch=256, lr=1e-3, weight_decay=1e-3, patience=10), why="how conv is trained"
    )
    n_null: int = param(0, ge=0, why="shifts of behaviour against activity that are decoded too, for p; 200 or more")
    null: Literal["auto", "circular", "linear"] = param(
        "auto", why="circular shift; linear shift where behaviour and its prediction both drift"
    )
    drift_limit: float = param(0.3, ge=0, le=1, why="|corr with time| above which both must lie for the linear shift")
    min_independent: float = param(20.0, ge=0, why="no p from fewer independent shifts (or other sessions)")
    min_shift_s: float = param(30.0, ge=0, unit="s", why="nearer circular shifts are not independent of the true one")
    bin_s: float = param(0.05, gt=0, unit="s", why="bin for spike times")
    seed: int = param(0, ge=0, why="same seed, same answer")


@dataclass(frozen=True)
class Decoded:
    """Continuous values as decoded from neural activity.

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
        Share of shifts (or other sessions) decoded as well, else NaN.
    test : NullTest
        Which null, how many independent shifts, why there is no p.

    Examples
    --------
    >>> from murid.neural import Decoded
    >>> sorted(Decoded.__annotations__)
    ['fold', 'p', 'prediction', 'r2', 'r2_each', 'test', 'truth']
    """

    prediction: xr.DataArray
    truth: xr.DataArray
    fold: NDArray[np.int64]
    r2: float
    r2_each: Floats
    p: float
    test: NullTest


@dataclass(frozen=True)
class DecodedStates:
    """States as decoded from neural activity.

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
    test : NullTest
        As in `Decoded`.

    Examples
    --------
    >>> from murid.neural import DecodedStates
    >>> sorted(DecodedStates.__annotations__)
    ['balanced_accuracy', 'fold', 'p', 'probability', 'recall', 'test', 'truth']
    """

    probability: xr.DataArray
    truth: NDArray[np.int64]
    fold: NDArray[np.int64]
    balanced_accuracy: float
    recall: Floats
    p: float
    test: NullTest


def decode(
    signal: xr.DataArray | Spikes,
    target: xr.DataArray,
    params: DecodingParams | None = None,
    *,
    others: Sequence[xr.DataArray] = (),
    **changes: Any,
) -> Decoded:
    """Decode continuous values, such as the latents of a video, from neural activity.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
        On the same time base as `target`.
    target : DataArray (time, component)
        NaN rows are left out, of the null too.
    params : DecodingParams, optional
    others : sequence of DataArray (time, component)
        Targets of other sessions, from their own beginning. They are decoded from this activity as the null (pseudo
        sessions), instead of shifts: right where every session drifts in the same way. 20 or more.
    **changes
        Single parameters of `DecodingParams`, over `params`.

    Returns
    -------
    Decoded

    Examples
    --------
    >>> import numpy as np, murid, xarray as xr
    >>> from murid.neural import decode
    >>> y = np.sin(np.arange(2000) / 20)[:, None]
    >>> signal = murid.make_traces(y + np.random.default_rng(0).normal(0, 0.1, (2000, 5)), rate_hz=10)
    >>> target = xr.DataArray(y, dims=("time", "component"), coords={"time": signal["time"].values})
    >>> round(decode(signal, target, lags_s=0).r2, 2)
    1.0
    """
    p = DecodingParams.of(params, changes)
    y, time = _target_values(target), np.asarray(target["time"].values, np.float64)
    x, seen = design(signal, time, p)
    fold = time_folds(time, seen & np.isfinite(y).all(axis=1), p)
    used = fold >= 0
    prediction = predict(x, y, fold, time, p)
    r2, each = _r2(y[used], prediction[used])

    def score(x: Floats, y: Floats, fold: NDArray[np.int64], time_s: Floats) -> float:
        return _r2(y, predict(x, y, fold, time_s, p))[0]

    test = untested()
    if others:
        test = by_sessions(score, x, y, fold, time, [_from_start(o, time) for o in map(_checked, others)], p)
    elif p.n_null:
        test = by_shifts(score, x, y, fold, time, p)
    decoded = xr.DataArray(prediction, dims=("time", "component"), coords={"time": time}, name="decoded")
    return Decoded(decoded, target, fold, r2, each, test.p, test)


def decode_states(
    signal: xr.DataArray | Spikes,
    states: xr.DataArray | Labels,
    params: DecodingParams | None = None,
    *,
    individual: str | None = None,
    time_s: ArrayLike | None = None,
    others: Sequence[xr.DataArray | Labels] = (),
    **changes: Any,
) -> DecodedStates:
    """Decode exclusive states from neural activity; rare and frequent behaviours count alike.

    Parameters
    ----------
    signal : DataArray (time, unit) or Spikes
    states : DataArray (time, individual)
        Exclusive states; unlabelled rows are left out, of the null too.
    params : DecodingParams, optional
    individual : str, optional
        Whose; may be left out when there is only one.
    time_s : array (row,), optional
        Clock to decode on; that of the states by default. Choose the neural clock when states are much faster.
    others : sequence of DataArray (time, individual) or Labels
        Exclusive states of other sessions, from their own beginning, one animal each. They are decoded from this
        activity as the null (pseudo sessions), instead of shifts: right where every session drifts in the same way.
        Behaviours are matched by name. Sessions that lack a behaviour, for which chance is another, are left out
        with a warning. 20 or more.
    **changes
        Single parameters of `DecodingParams`, over `params`.

    Returns
    -------
    DecodedStates

    Examples
    --------
    >>> import numpy as np, murid
    >>> from murid.neural import decode_states
    >>> codes = np.repeat(np.arange(100) % 2, 20)
    >>> signal = murid.make_traces(codes + np.random.default_rng(0).normal(0, 0.3, 2000), rate_hz=10)
    >>> states = murid.make_states(codes, signal["time"].values, ["rest", "rear"])
    >>> decode_states(signal, states, lags_s=0).balanced_accuracy > 0.9
    True
    """
    p = DecodingParams.of(params, changes)
    states = as_states(states, "decoding")
    if is_multilabel(states):
        fail(
            "decoding", "states are not exclusive", expected="(time, individual)", todo="decode one behaviour at a time"
        )
    if time_s is not None:
        states = states_on(states, time_s)
    column = column_of(states, individual, "decoding")
    names, codes = behaviour_names(states), states.values[:, column].astype(np.int64)
    time = np.asarray(states["time"].values, np.float64)
    x, seen = design(signal, time, p)
    fold = time_folds(time, seen & (codes >= 0), p)
    onehot = (codes[:, None] == np.arange(len(names))).astype(np.float64)
    probability = predict(x, onehot, fold, time, p, classes=True)
    used = fold >= 0
    accuracy, recall = _accuracy(onehot[used], probability[used])

    def score(x: Floats, y: Floats, fold: NDArray[np.int64], time_s: Floats) -> float:
        return _accuracy(y, predict(x, y, fold, time_s, p, classes=True))[0]

    test = untested()
    if others:
        test = by_sessions(score, x, onehot, fold, time, _other_states(others, names, time, used), p)
    elif p.n_null:
        test = by_shifts(score, x, onehot, fold, time, p)
    return DecodedStates(
        xr.DataArray(probability, dims=("time", "behaviour"), coords={"time": time, "behaviour": names}),
        codes,
        fold,
        accuracy,
        recall,
        test.p,
        test,
    )


def _checked(target: xr.DataArray) -> xr.DataArray:
    """Return a target (time, component), or raise."""
    if target.dims[0] != "time" or target.ndim != 2:
        fail(
            "decoding",
            "the target has the wrong axes",
            expected="(time, component)",
            got=str(target.dims),
            todo="choose one individual: latent.isel(individual=0)",
        )
    return target


def _target_values(target: xr.DataArray) -> Floats:
    return np.asarray(_checked(target).values, np.float64)


def _from_start(target: xr.DataArray, time_s: NDArray[np.float64]) -> Floats:
    """Values of another session's target at the same times from its beginning; NaN where it has ended."""
    own = np.asarray(target["time"].values, np.float64)
    wanted = time_s - time_s[0]
    index = sample_at(own - own[0], wanted)
    values = np.asarray(target.values, np.float64)[index]
    values[index < 0] = np.nan
    return values


def _other_states(
    others: Sequence[xr.DataArray | Labels], names: list[str], time_s: NDArray[np.float64], used: Rows
) -> list[Floats]:
    """States of other sessions as 0/1 (time, behaviour) at the same times from their beginning; NaN where unknown."""
    kept, lacking = [], 0
    for other in others:
        states = as_states(other, "decoding")
        if is_multilabel(states):
            fail("decoding", "states of another session are not exclusive", expected="(time, individual)")
        own = [str(b) for b in behaviour_names(states)]
        codes = _codes_from_start(states, time_s)
        place = np.array([names.index(b) if b in names else UNLABELLED for b in own] + [UNLABELLED])
        codes = place[codes]
        if np.unique(codes[used & (codes >= 0)]).size < len(names):
            lacking += 1
            continue
        onehot = (codes[:, None] == np.arange(len(names))).astype(np.float64)
        onehot[codes < 0] = np.nan
        kept.append(onehot)
    if lacking:
        warn_user(
            f"decoding: {lacking} of {len(others)} other sessions lack one of {', '.join(names)} and are left out"
        )
    return kept


def _codes_from_start(states: xr.DataArray, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Codes (time,) of one animal at times from the beginning; −1 where the session has ended or is unlabelled."""
    own = np.asarray(states["time"].values, np.float64)
    index = sample_at(own - own[0], time_s - time_s[0])
    codes = states.values[:, column_of(states, None, "decoding")].astype(np.int64)
    return np.where(index >= 0, codes[index], UNLABELLED)


def _accuracy(onehot: Floats, probability: Floats) -> tuple[float, Floats]:
    """Balanced accuracy and recall (behaviour,) of the most probable behaviour; NaN where one never occurs."""
    guess, truth = probability.argmax(axis=1), onehot.argmax(axis=1)
    each = range(onehot.shape[1])
    recall = np.array([(guess[truth == k] == k).mean() if (truth == k).any() else np.nan for k in each])
    return float(np.nanmean(recall)), recall


def design(signal: xr.DataArray | Spikes, time_s: NDArray[np.float64], params: DecodingParams) -> tuple[Floats, Rows]:
    """Activity around each moment.

    Returns
    -------
    x : float32 array (time, unit, lag)
        z-scored over the recording; 0 where missing, and across a pause of the clock. Lags run from the earliest
        to the latest activity.
    seen : bool array (time,)
        Moments with activity.
    """
    moved, seen = signal_on(signal, time_s, bin_s=params.bin_s, subject="decoding")
    values = np.asarray(moved.values, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    z = np.nan_to_num(z, posinf=0, neginf=0).astype(np.float32)
    lags = samples_in(params.lags_s, rate_of(time_s))
    pieces = segments(time_s)
    if len(pieces) == 1:
        padded = np.pad(z, ((lags, lags), (0, 0)))
        return np.lib.stride_tricks.sliding_window_view(padded, 2 * lags + 1, axis=0), seen
    x = np.empty((len(z), z.shape[1], 2 * lags + 1), np.float32)
    for start, stop in pieces:
        padded = np.pad(z[start:stop], ((lags, lags), (0, 0)))
        x[start:stop] = np.lib.stride_tricks.sliding_window_view(padded, 2 * lags + 1, axis=0)
    return x, seen


def time_folds(time_s: NDArray[np.float64], usable: Rows, params: DecodingParams) -> NDArray[np.int64]:
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
    return np.where(usable, block % params.folds, -1).astype(np.int64)


def _r2(truth: Floats, prediction: Floats) -> tuple[float, Floats]:
    """Return R² weighted by variance, and of each column."""
    error, total = ((truth - prediction) ** 2).sum(axis=0), ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(total > 0, 1 - error / total, np.nan)
        return float(1 - error.sum() / total.sum()), each
