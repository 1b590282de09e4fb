"""Boosted decision stumps as in JAABA: sampled examples, percentile bins, one feature and threshold a round.

Each round draws 2,500 examples from the weights, finds the stump with the smallest error on them among 30
percentile thresholds of every feature, votes with ``alpha = 1 - 2 err`` (err on all weighted examples), and sets
``w = w0 / (1 + exp(y score))`` with w0 balanced over the classes. A missing value does not vote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from murid.data.progress import tell
from murid.learn.classify.boost import check_two_classes

Floats = NDArray[np.float32]
#: Bin of a missing value.
MISSING = 255


@dataclass(frozen=True)
class Bins:
    """A feature matrix as percentile bins.

    Attributes
    ----------
    codes : uint8 array (frame, feature)
        Number of thresholds below the value; 255 = missing.
    thresholds : float32 array (feature, bin)
    """

    codes: NDArray[np.uint8]
    thresholds: Floats


def bins_of(features: Floats, n_bins: int = 30, n_sample: int = 4000, seed: int = 0) -> Bins:
    """Bin every feature at `n_bins` percentiles of at most `n_sample` of its frames."""
    rng = np.random.default_rng(seed)
    pick = np.sort(rng.choice(len(features), min(n_sample, len(features)), replace=False))
    shares = np.arange(1, n_bins + 1) / (n_bins + 1)
    thresholds = np.zeros((features.shape[1], n_bins), np.float32)
    codes = np.empty(features.shape, np.uint8)
    for f in range(features.shape[1]):
        column = features[:, f]
        seen = column[pick]
        seen = seen[np.isfinite(seen)]
        if seen.size:
            thresholds[f] = np.quantile(seen, shares)
        codes[:, f] = np.where(np.isfinite(column), np.searchsorted(thresholds[f], column, side="left"), MISSING)
    return Bins(codes, thresholds)


@dataclass(frozen=True)
class Stumps:
    """One boosted classifier per behaviour.

    Attributes
    ----------
    feature : int32 array (behaviour, round)
    threshold : float32 array (behaviour, round)
        ``x > threshold`` votes for the direction.
    direction : int8 array (behaviour, round)
        1: larger means present; −1: smaller does.
    alpha : float32 array (behaviour, round)
        Weight of the vote, 0 for rounds that were not needed.
    """

    feature: NDArray[np.int32]
    threshold: Floats
    direction: NDArray[np.int8]
    alpha: Floats

    def scores(self, features: Floats) -> Floats:
        """Return the sum of votes, ``(frame, behaviour)``."""
        out = np.zeros((len(features), len(self.feature)), np.float32)
        for b in range(len(self.feature)):
            for f, t, d, a in zip(self.feature[b], self.threshold[b], self.direction[b], self.alpha[b], strict=True):
                if a:
                    x = features[:, f]
                    out[:, b] += a * np.where(np.isfinite(x), np.where(x > t, d, -d), 0)
        return out

    def predict(self, features: Floats) -> Floats:
        """Return ``1 / (1 + exp(-score))``, the probability that the weights imply; NaN for a frame with no feature."""
        p = (1 / (1 + np.exp(-self.scores(features)))).astype(np.float32)
        p[~np.isfinite(features).any(axis=1)] = np.nan
        return p

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Name → array, for storage."""
        return {f"stump_{name}": getattr(self, name) for name in ("feature", "threshold", "direction", "alpha")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Read back `to_arrays`."""
        return cls(*(arrays[f"stump_{name}"] for name in ("feature", "threshold", "direction", "alpha")))


#: Features counted at a time: 256 × 31 counts of four bytes (the default) fit into the first cache.
_BLOCK = 256


def fit_stumps(
    bins: Bins,
    targets: NDArray[np.int8],
    behaviours: Sequence[str],
    *,
    weights: Floats | None = None,
    rows: NDArray[np.intp] | None = None,
    allowed: NDArray[np.bool_] | None = None,
    n_rounds: int = 100,
    n_draw: int = 2500,
    seed: int = 0,
    text: str = "stumps",
) -> Stumps:
    """Boost one classifier per behaviour.

    Parameters
    ----------
    bins : Bins
    targets : int8 array (frame, behaviour)
        1 present, 0 absent, −1 unlabelled (left out).
    behaviours : sequence of str
    weights : array (frame,), optional
        Of the examples within their class; equal by default.
    rows : int array, optional
        Frames to learn from.
    allowed : bool array (behaviour, feature), optional
        Features that each behaviour may use; all by default.
    n_rounds, n_draw : int
        Rounds, and examples drawn in each.
    seed : int

    Notes
    -----
    With 10,000 features or more a random 70 % of them are used, with 20,000 or more 40 %.
    """
    rows = np.arange(len(targets)) if rows is None else np.sort(np.asarray(rows))
    check_two_classes(targets[rows], behaviours)
    n_features = bins.codes.shape[1]
    share = 1.0 if n_features < 10_000 else 0.7 if n_features < 20_000 else 0.4
    stumps: dict[str, list[np.ndarray]] = {"feature": [], "threshold": [], "direction": [], "alpha": []}
    for b in range(len(behaviours)):
        tell(text, b, len(behaviours))
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(b,)))
        usable = np.zeros(n_features, bool)
        usable[rng.choice(n_features, max(1, int(share * n_features)), replace=False)] = True
        if allowed is not None:
            usable &= allowed[b]
        used = rows[targets[rows, b] >= 0]
        y = np.where(targets[used, b] == 1, 1, -1).astype(np.int8)
        w = np.ones(len(used)) if weights is None else np.asarray(weights, np.float64)[used]
        for sign in (-1, 1):
            w[y == sign] /= 2 * w[y == sign].sum()
        # One bin more than thresholds: a value may lie above all of them.
        n_bins = bins.thresholds.shape[1] + 1
        feature, code, direction, alpha = _boost(bins.codes, used, y, w, usable, n_bins, n_rounds, n_draw, rng)
        stumps["feature"].append(feature)
        stumps["threshold"].append(bins.thresholds[feature, code])
        stumps["direction"].append(direction)
        stumps["alpha"].append(alpha)
    return Stumps(**{name: np.stack(values) for name, values in stumps.items()})


def _boost(
    codes: NDArray[np.uint8],
    used: NDArray,
    y: NDArray[np.int8],
    w0: NDArray,
    usable: NDArray[np.bool_],
    n_bins: int,
    n_rounds: int,
    n_draw: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int8], Floats]:
    feature, code = np.zeros(n_rounds, np.int32), np.zeros(n_rounds, np.int64)
    direction, alpha = np.ones(n_rounds, np.int8), np.zeros(n_rounds, np.float32)
    score = np.zeros(len(used))
    for r in range(n_rounds):
        w = w0 / (1 + np.exp(np.clip(y * score, -50, 50)))
        w /= w.sum()
        drawn = np.searchsorted(np.cumsum(w), rng.random(n_draw), side="right").clip(0, len(w) - 1)
        drawn, times = np.unique(drawn, return_counts=True)
        f, cut, sign = best_stump(codes, used[drawn], y[drawn] * times, usable, n_bins)
        column = codes[used, f]
        vote = np.where(column == MISSING, 0, np.where(column > cut, sign, -sign))
        # A missing value neither errs nor helps: half an error.
        err = float((w * np.where(vote == 0, 0.5, vote != y)).sum())
        feature[r], code[r], direction[r], alpha[r] = f, cut, sign, 1 - 2 * err
        if alpha[r] <= 1e-6:
            alpha[r] = 0
            continue
        score += alpha[r] * vote
    return feature, code, direction, alpha


@njit(cache=True, nogil=True)
def best_stump(
    codes: np.ndarray, rows: np.ndarray, votes: np.ndarray, usable: np.ndarray, n_bins: int
) -> tuple[int, int, int]:
    """Feature, bin and direction with the smallest error on some rows.

    The stump says ``direction`` where ``code > bin``. `codes` is ``(row, feature)``, 255 = missing; `votes` is the
    sign of each of `rows` times how often it counts; `n_bins` is one more than there are thresholds. Features are taken
    in blocks whose counts stay in the cache.
    """
    n_features = codes.shape[1]
    best_gain, best_f, best_c, best_d = -1, 0, 0, 1
    net = np.zeros((_BLOCK, n_bins), np.int32)
    for start in range(0, n_features, _BLOCK):
        stop = min(start + _BLOCK, n_features)
        net[:] = 0
        for i in range(len(rows)):
            row, vote = rows[i], votes[i]
            for f in range(start, stop):
                c = codes[row, f]
                if c != 255:
                    net[f - start, c] += vote
        for f in range(start, stop):
            if not usable[f]:
                continue
            total = net[f - start].sum()
            below = 0
            for c in range(n_bins - 1):
                below += net[f - start, c]
                # Right minus wrong of "above is present": sum above minus sum below.
                gain = total - 2 * below
                if abs(gain) > best_gain:
                    best_gain, best_f, best_c = abs(gain), f, c
                    best_d = 1 if gain >= 0 else -1
    return best_f, best_c, best_d
