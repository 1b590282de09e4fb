"""Is behaviour decoded better than it would be by chance? The same decoder on behaviour that was shifted or swapped.

Activity and behaviour both change slowly, so an unrelated behaviour is decoded above "chance" as well. Shifting one
against the other keeps what each is like and breaks only the alignment (as `nulls` does for tuning):

* circular: behaviour is rolled among the usable rows; unlabelled and missing rows stay where they are.
* linear: the central half of behaviour is held fixed and the activity up to a quarter of the session earlier or later
  is decoded; nothing wraps. Right when both drift (circular shifts then err in .53 of unrelated sessions at .05).
* other sessions: behaviour of other animals on other days against this activity (Harris 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from murid.data.clock import rate_of
from murid.data.errors import fail
from murid.data.warning import warn_user
from murid.neural import nulls

if TYPE_CHECKING:
    from murid.neural.decoding import DecodingParams

Floats = NDArray[np.floating]
Times = NDArray[np.float64]
Folds = NDArray[np.int64]
#: Score of decoding ``y`` from ``x``, both of usable rows: (x, y, fold, time) → number, larger is better.
Score = Callable[[Floats, Floats, Folds, Times], float]


@dataclass(frozen=True)
class NullTest:
    """Outcome.

    Attributes
    ----------
    p : float
        ``(1 + number of null scores at least as large) / (1 + number of null scores)``; NaN without a verdict.
    null : str
        ``"circular shifts"``, ``"linear shifts"``, ``"other sessions"`` or ``""``.
    score : float
        What is ranked: that of all usable rows, or of the central half (linear shifts).
    scores : array
        Of the null.
    n_independent : float
        How many independent shifts the recording holds, or how many sessions.
    reason : str
        Why there is no p, else "".
    """

    p: float
    null: str
    score: float
    scores: Times = field(repr=False)
    n_independent: float
    reason: str


def untested() -> NullTest:
    """Return the outcome where no test was asked for."""
    nan = float("nan")
    return NullTest(nan, "", nan, np.empty(0), nan, "no null was asked for (n_null)")


def by_shifts(score: Score, x: Floats, y: Floats, fold: Folds, time_s: Times, p: DecodingParams) -> NullTest:
    """Rank the score among those of shifted behaviour.

    Parameters
    ----------
    score : callable
    x : array (time, unit, lag)
    y : array (time, column)
        Target; anything where ``fold < 0``.
    fold : int array (time,)
    time_s : array (time,)
    p : DecodingParams
    """
    rows = np.flatnonzero(fold >= 0)
    y = y[rows]
    activity = _even(x[rows][:, :, x.shape[2] // 2])
    behaviour = _even(y)
    linear = p.null == "linear"
    if p.null == "auto":
        # Enough units drift to carry a decoder, and so does something that is decoded.
        units = nulls.drift(activity, time_s[rows])
        linear = bool(np.nanquantile(units, 0.75) > p.drift_limit) if np.isfinite(units).any() else False
        linear &= bool((nulls.drift(behaviour, time_s[rows]) > p.drift_limit).any())
    name = "linear shifts" if linear else "circular shifts"
    independent = _independent(activity, behaviour, linear)
    if not independent >= p.min_independent:
        reason = f"too few independent shifts ({independent:.1f} < {p.min_independent:g})"
        return NullTest(float("nan"), name, float("nan"), np.empty(0), independent, reason)
    if linear:
        return _linear(score, x, y, rows, time_s, p, independent)
    least = round(min(p.min_shift_s, 0.1 * float(time_s[rows[-1]] - time_s[rows[0]])) * rate_of(time_s))
    least = max(1, min(least, rows.size // 3))
    shifts = np.random.default_rng(p.seed).integers(least, rows.size - least, p.n_null)
    chosen, folds, times = x[rows], fold[rows], time_s[rows]
    null = [score(chosen, np.roll(y, int(k), axis=0), folds, times) for k in shifts]
    return ranked(name, score(chosen, y, folds, times), null, independent)


def _linear(
    score: Score, x: Floats, y: Floats, rows: NDArray[np.int64], time_s: Times, p: DecodingParams, independent: float
) -> NullTest:
    """Behaviour of the central half against the activity up to a quarter of the session earlier or later."""
    from murid.neural.decoding import time_folds

    n, q = rows.size, rows.size // 4
    times = time_s[rows[q : n - q]]
    folds = time_folds(times, np.ones(times.size, bool), p)
    shifts = np.unique(np.round(np.linspace(-q, q, p.n_null + 1)).astype(int))
    fixed = y[q : n - q]
    observed = score(x[rows[q : n - q]], fixed, folds, times)
    null = [score(x[rows[q + k : n - q + k]], fixed, folds, times) for k in shifts if k != 0]
    return ranked("linear shifts", observed, null, independent)


def by_sessions(
    score: Score,
    x: Floats,
    y: Floats,
    fold: Folds,
    time_s: Times,
    others: Sequence[Floats],
    p: DecodingParams,
) -> NullTest:
    """Rank the score among those of other sessions' behaviour.

    Each other session is decoded on the rows that it and this one have; this one on those that it shares with the
    session which shares a middling number. Over the rows that all of them have, stretches that somebody has not
    labelled would add up until nothing is left. Sessions that have less than half of this one's rows are left out,
    with a warning.
    """
    from murid.neural.decoding import time_folds

    if any(other.shape[1] != y.shape[1] for other in others):
        fail("decoding", "other sessions have other components", expected=f"{y.shape[1]} columns")
    usable = fold >= 0
    shared = [usable & np.isfinite(other).all(axis=1) for other in others]
    kept = [k for k, rows in enumerate(shared) if 2 * rows.sum() >= usable.sum()]
    if len(kept) < len(others):
        warn_user(
            f"decoding: {len(others) - len(kept)} of {len(others)} other sessions are left out: they have less than "
            "half of the moments of this one"
        )
    if len(kept) < p.min_independent:
        reason = f"too few other sessions ({len(kept)} < {p.min_independent:g})"
        return NullTest(float("nan"), "other sessions", float("nan"), np.empty(0), float(len(kept)), reason)

    def on(rows: NDArray[np.bool_], target: Floats) -> float:
        folds = time_folds(time_s[rows], np.ones(int(rows.sum()), bool), p)
        return score(x[rows], target[rows], folds, time_s[rows])

    # One draw as each of the null: a mean or median over rows would vary less than these, and hardly ever be extreme.
    typical = sorted(kept, key=lambda k: int(shared[k].sum()))[len(kept) // 2]
    null = [on(shared[k], others[k]) for k in kept]
    return ranked("other sessions", on(shared[typical], y), null, float(len(kept)))


def ranked(name: str, observed: float, null: Sequence[float], independent: float) -> NullTest:
    """Rank; a score that is not finite is an error, because it would count as less extreme."""
    scores = np.asarray(null, np.float64)
    bad = int((~np.isfinite(scores)).sum()) + (not np.isfinite(observed))
    if bad:
        fail(
            "decoding",
            "scores of the null are not finite",
            expected="finite scores",
            got=f"{bad} of {scores.size + 1}",
            todo="the target must vary in every stretch of the recording: check it for constant values",
        )
    p = (1 + int((scores >= observed).sum())) / (1 + scores.size)
    return NullTest(p, name, observed, scores, independent, "")


def _even(values: Floats) -> Times:
    """Columns as rows of mean 0 and sd 1, constant ones left out."""
    rows = np.asarray(values, np.float64).T
    sd = rows.std(axis=1)
    return (rows[sd > 0] - rows[sd > 0].mean(axis=1, keepdims=True)) / sd[sd > 0][:, None]


def _independent(activity: Times, y: Times, linear: bool) -> float:
    """Count the independent shifts of activity (unit, row) against the target (column, row).

    From the covariance of units and columns at every shift: the decoder weighs such covariances. Predictions would
    not do: where nothing can be decoded they are constant from fold to fold.
    """
    n = y.shape[1]
    if not linear:
        power = [(np.abs(nulls.transform(v)[:, 1:]) ** 2).sum(axis=0, keepdims=True) for v in (activity, y)]
        product = power[0] / power[0].max() * power[1] / power[1].max()
        return float(nulls.effective_number(product, scatter=4.0)[0])
    q = n // 4
    held = np.zeros_like(y)
    held[:, q : n - q] = y[:, q : n - q] - y[:, q : n - q].mean(axis=1, keepdims=True)
    units = nulls.transform(activity)
    counts = []
    for column in nulls.transform(held):
        curve = nulls.lagged_sums(units, column, n)
        counts.append(nulls.n_independent_of(np.concatenate([curve[:, n - q :], curve[:, : q + 1]], axis=1)))
    return float(np.nanmedian(np.concatenate(counts)))
