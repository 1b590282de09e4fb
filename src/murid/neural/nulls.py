"""Null distributions for "is this unit tuned to this behaviour?": every shift at once.

Neighbouring frames of a trace are alike, and so are neighbouring frames of behaviour. Shuffling
frames destroys that and calls nearly every unit tuned (AR(1) units, tau 2 s: 66 % false positives).
Shifting one signal against the other keeps both autocorrelations and breaks only the alignment.

* **circular shift** (default): all lags at least `min_shift_s` away, by one FFT per unit:
  ``R(s) = irfft(rfft(x) * conj(rfft(b)))[s] = sum_t x(t + s) b(t)``, O(T log T).
* **linear shift** (Harris 2020): the behaviour of the central half of the session is held fixed
  and the neuron slides by up to ± 25 % of the session; nothing wraps. Right when *both* signals
  drift, where the circular shift fails (96 % false positives).

Positive lag: the unit follows the behaviour.

References
----------
Harris KD (2020) Nonsense correlations in neuroscience. bioRxiv 2020.11.29.402719.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from murid.data.pvalues import rank_p, two_sided

Array = NDArray[np.floating]

#: Two float32 curve values closer than this are ties; ties count as "at least as extreme".
TIE = 2e-6


@dataclass(frozen=True)
class Lags:
    """Which entries of a lag curve are the observation, and which are its null.

    Attributes
    ----------
    zero : int
        Index of lag 0.
    null : tuple of slice
        Indices of the null shifts.
    wrap : bool
        True for circular curves, in which index −1 is a neighbour of index 0.
    step_s : float
        Seconds per lag.
    """

    zero: int
    null: tuple[slice, ...]
    wrap: bool
    step_s: float

    @property
    def n_null(self) -> int:
        """Number of null shifts B; the smallest one-sided p is ``1 / (B + 1)``."""
        return sum(max(0, s.stop - s.start) for s in self.null)

    def narrowed(self, width: int) -> Lags:
        """Return the lags whose windows of ± `width` samples stay clear of the window around 0."""
        return Lags(self.zero, tuple(_shrink(s, width) for s in self.null), self.wrap, self.step_s)

    def null_of(self, curve: Array) -> Array:
        """Return the null part ``(unit, B)`` of a curve ``(unit, lag)``."""
        parts = [curve[:, s] for s in self.null]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _shrink(s: slice, width: int) -> slice:
    return slice(s.start + width, max(s.start + width, s.stop - width))


def min_shift_samples(n: int, step_s: float, min_shift_s: float, max_share: float) -> int:
    """Return the smallest shift in samples: `min_shift_s`, but at most `max_share` of the session."""
    return max(1, int(np.ceil(min(min_shift_s, max_share * n * step_s) / step_s - 1e-9)))


def circular_lags(n: int, step_s: float, *, min_shift_s: float = 30.0, max_share: float = 0.1) -> Lags:
    """Return all circular shifts of `n` samples that lie at least the minimum away from 0.

    Curves hold lags 0..n−1, lag ``n − k`` being ``−k``.
    """
    low = min_shift_samples(n, step_s, min_shift_s, max_share)
    return Lags(0, (slice(low, max(low, n - low + 1)),), True, step_s)


def linear_lags(
    n: int, step_s: float, *, reach: float = 0.25, min_shift_s: float = 0.0, max_share: float = 0.1
) -> Lags:
    """Return the linear shifts within ± `reach` of the session; curves hold lags −q..q, 0 at index q.

    No neighbourhood of lag 0 is left out by default: there are few independent shifts, and leaving
    some out would make the rank anti-conservative.
    """
    q = int(reach * n)
    low = min_shift_samples(n, step_s, min_shift_s, max_share) if min_shift_s > 0 else 1
    return Lags(q, (slice(0, max(0, q - low + 1)), slice(min(q + low, 2 * q + 1), 2 * q + 1)), False, step_s)


def centred_ranks(values: ArrayLike) -> NDArray[np.float32]:
    """Return ranks (ties averaged) minus their mean, per row.

    Parameters
    ----------
    values : array of shape (unit, time)
        Finite values.

    Returns
    -------
    float32 array of shape (unit, time)
        ``rank − (n + 1) / 2``; a constant row is all 0.
    """
    x = np.asarray(values)
    n = x.shape[1]
    out = np.empty(x.shape, np.float32)
    plain = np.arange(n, dtype=np.float32) - np.float32((n - 1) / 2)
    for row, target in zip(x, out, strict=True):
        order = np.argsort(row)
        ordered = row[order]
        edges = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
        if edges.size == n - 1:
            target[order] = plain
            continue
        bounds = np.concatenate([[0], edges, [n]])
        middle = (bounds[:-1] + bounds[1:] - 1) / 2 - (n - 1) / 2
        target[order] = np.repeat(middle, np.diff(bounds))
    return out


def transform(x: ArrayLike, workers: int = 1) -> NDArray[np.complexfloating]:
    """Return ``rfft`` along the last axis, in the precision of `x` (float32 or float64)."""
    from scipy.fft import rfft

    return rfft(np.asarray(x), axis=-1, workers=workers)


def lagged_sums(x_hat: ArrayLike, b_hat: ArrayLike, n: int, workers: int = 1) -> Array:
    """Return ``sum_t x(t + s) b(t)`` for all circular lags s, from the transforms of both.

    Parameters
    ----------
    x_hat : complex array (unit, n // 2 + 1)
    b_hat : complex array (n // 2 + 1,)
    n : int
        Number of samples.

    Returns
    -------
    array of shape (unit, n)
        Lag s at index s, lag −s at index n − s.
    """
    from scipy.fft import irfft

    return irfft(np.asarray(x_hat) * np.conj(b_hat), n=n, axis=-1, workers=workers)


def auroc_circular(x_hat: ArrayLike, b_hat: ArrayLike, n: int, n_in: int, workers: int = 1) -> Array:
    """Return AUROC at every circular lag from the transformed centred ranks.

    ``A = (sum of ranks in the state − n1 (n1 + 1) / 2) / (n1 n0)``; in centred ranks that is
    ``1/2 + S / (n1 n0)``, so one inverse FFT gives the exact AUROC of all n shifts.

    Parameters
    ----------
    x_hat : complex array (unit, n // 2 + 1)
        `transform` of `centred_ranks`.
    b_hat : complex array (n // 2 + 1,)
        `transform` of the 0/1 behaviour.
    n, n_in : int
        Samples in all, and in the state.
    """
    curve = lagged_sums(x_hat, b_hat, n, workers)
    curve *= curve.dtype.type(1.0 / (float(n_in) * float(n - n_in)))
    curve += curve.dtype.type(0.5)
    return curve


class LinearShifts:
    """Rank difference at all linear shifts, for several behaviours with the same labelled samples.

    The behaviour of the central ``1 − 2 reach`` of the session stays fixed; at lag s it meets the
    unit's samples s later. Because the window ends `reach` before either end, nothing wraps and one
    FFT of the session's length serves all lags. Invalid samples are left out lag by lag (sums and
    counts are both correlated), so here nothing is cut out and time stays true.

    Parameters
    ----------
    ranks : array of shape (unit, time)
        Centred ranks over the unit's valid samples, scaled to −1/2..1/2; anything where invalid.
    valid : bool array of shape (time,)
        Samples where the units have values.
    labelled : bool array of shape (time,)
        Samples where behaviour is labelled.
    reach : float
        Largest shift as a share of the session.
    """

    def __init__(self, ranks: ArrayLike, valid: ArrayLike, labelled: ArrayLike, reach: float = 0.25) -> None:
        self.n = np.asarray(valid).size
        self.q = int(reach * self.n)
        self.window = np.zeros(self.n, bool)
        self.window[self.q : self.n - self.q] = np.asarray(labelled, bool)[self.q : self.n - self.q]
        self.x_hat = transform(np.where(valid, ranks, np.float32(0)).astype(np.float32))
        self.m_hat = transform(np.asarray(valid, np.float64)[None])
        self.sums, self.counts = self._meet(self.window)

    def _meet(self, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Sum of ranks (unit, lag) and number (1, lag) of valid samples that meet the chosen ones."""
        sums = lagged_sums(self.x_hat, transform(chosen.astype(np.float32)), self.n)
        counts = lagged_sums(self.m_hat, transform(chosen.astype(np.float64)), self.n)
        return self._window_lags(sums), np.round(self._window_lags(counts))

    def _window_lags(self, curve: Array) -> Array:
        return np.concatenate([curve[:, self.n - self.q :], curve[:, : self.q + 1]], axis=1)

    def curve(self, on: ArrayLike) -> NDArray[np.float32]:
        """Return ``1/2 + mean rank in the state − mean rank out of it`` per lag −q..q.

        Parameters
        ----------
        on : bool array of shape (time,)
            Samples in the state.

        Returns
        -------
        float32 array of shape (unit, 2 q + 1)
            Equals the AUROC when the ranks are those of the samples that met. NaN where one side is empty.
        """
        sums, counts = self._meet(self.window & np.asarray(on, bool))
        with np.errstate(invalid="ignore", divide="ignore"):
            per_in = np.where(counts > 0, 1.0 / counts, np.nan).astype(np.float32)
            rest = self.counts - counts
            per_out = np.where(rest > 0, 1.0 / rest, np.nan).astype(np.float32)
        return np.float32(0.5) + sums * per_in - (self.sums - sums) * per_out


@dataclass(frozen=True)
class ShiftTest:
    """Outcome of one shift test for several units; arrays of shape (unit,).

    Attributes
    ----------
    observed : array
        Curve at lag 0, or its largest deviation over the lag window.
    p : array
        Two-sided (or upper, for one-sided statistics) p by rank, never below ``1 / (B + 1)``.
    null_mean, null_sd : array
        Mean and sd of the null shifts.
    n_null : int array
        B, the number of null shifts at which the statistic exists: with missing samples it can differ by unit.
    best_lag_s : array
        Lag of the largest deviation, s (0 when no lag window was asked for).
    """

    observed: Array
    p: NDArray[np.float64]
    null_mean: Array
    null_sd: Array
    n_null: NDArray[np.int64]
    best_lag_s: NDArray[np.float64]


def rank_shifts(curve: Array, lags: Lags, *, upper: bool = False) -> ShiftTest:
    """Rank lag 0 among the null shifts.

    Parameters
    ----------
    curve : array of shape (unit, lag)
        Statistic at every lag.
    lags : Lags
        Where lag 0 and the null are.
    upper : bool
        Only large values are extreme (mutual information); otherwise both tails are.
    """
    observed = curve[:, lags.zero].copy()
    null = lags.null_of(curve)
    # A shift at which nothing meets has no statistic: it is no part of the null, neither extreme nor not.
    exists = np.isfinite(null)
    b = exists.sum(axis=1)
    high = rank_p(np.count_nonzero(null >= (observed - TIE)[:, None], axis=1), b)
    if upper:
        p = high
    else:
        low = rank_p(np.count_nonzero(null <= (observed + TIE)[:, None], axis=1), b)
        p = two_sided(low, high)
    p = np.where(np.isfinite(observed), p, np.nan)
    filled = np.where(exists, null, 0.0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=1) / b
        sd = np.sqrt(np.where(exists, (filled - mean[:, None]) ** 2, 0.0).sum(axis=1) / b)
    return ShiftTest(observed, p, mean, sd, b, np.zeros(observed.shape))


def rank_best_lag(curve: Array, lags: Lags, width: int, *, centre: ArrayLike = 0.5, upper: bool = False) -> ShiftTest:
    """Rank the best value over lags within ± `width` among the same maximum of every null shift.

    Choosing the best lag is part of the statistic, so every null replicate chooses its own best
    lag over a window of the same width. Parameters as in `rank_shifts`.

    Parameters
    ----------
    curve, lags, upper
        As in `rank_shifts`.
    width : int
        Samples either side.
    centre : float or array of shape (unit,)
        What the deviation is measured from: 1/2 for AUROC, the mean of the shifts where both signals drift.

    Returns
    -------
    ShiftTest
        `observed` is the curve at the best lag; the null is that of the largest deviation.
    """
    from scipy.ndimage import maximum_filter1d

    size = curve.shape[1]
    window = (lags.zero + np.arange(-width, width + 1)) % size
    deviation = curve if upper else np.abs(curve - np.asarray(centre, curve.dtype).reshape(-1, 1))
    deviation = np.where(np.isfinite(deviation), deviation, -np.inf)
    best = deviation[:, window].argmax(axis=1)
    peak = maximum_filter1d(deviation, 2 * width + 1, axis=1, mode="wrap" if lags.wrap else "nearest")
    peak[~np.isfinite(peak)] = np.nan
    test = rank_shifts(peak, lags.narrowed(width), upper=True)
    observed = np.take_along_axis(curve[:, window], best[:, None], axis=1)[:, 0]
    return ShiftTest(observed, test.p, test.null_mean, test.null_sd, test.n_null, (best - width) * lags.step_s)


def n_independent(x_hat: ArrayLike, b_hat: ArrayLike) -> NDArray[np.float64]:
    """Return how many of the circular shifts are independent, per unit.

    Neighbouring shifts give nearly the same value, so B shifts hold far fewer than B independent
    draws. For a curve with power spectrum P that number is ``2 (sum P)² / sum P²``.

    Parameters
    ----------
    x_hat, b_hat : complex arrays (unit, frequency) and (frequency,)
        Transforms of unit and behaviour.

    Returns
    -------
    array of shape (unit,)

    Notes
    -----
    The power of one recording scatters about its spectrum (exponentially), which makes ``sum P²`` up to 2 times
    too large for each of the two signals. Neighbouring frequencies scatter independently, so ``sum P_k P_k+1``
    is free of that; it is used down to the least value that scatter can explain, because in a spectrum with a
    peak at a single frequency (a trend, a rhythm) neighbours differ for another reason.
    """
    x_power = np.abs(np.asarray(x_hat)[:, 1:]) ** 2
    x_power /= np.maximum(x_power.max(axis=1, keepdims=True), 1e-30)
    b_power = np.abs(np.asarray(b_hat)[1:]) ** 2
    b_power = b_power / max(float(b_power.max()), 1e-30)
    return effective_number(x_power * b_power, scatter=4.0)


def n_independent_of(curve: Array) -> NDArray[np.float64]:
    """Return how many of the values of each curve are independent, from the spectrum of the curve itself.

    For linear shifts, whose curve is no product of two transforms. A common offset of all shifts, as shared
    trends give it, is no variation and does not count.

    Parameters
    ----------
    curve : array of shape (unit, lag)
        Statistic over the null shifts; NaN where it does not exist.
    """
    values = np.asarray(curve, np.float64)
    exists = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(exists, values, 0.0).sum(axis=1) / exists.sum(axis=1)
    power = np.abs(transform(np.where(exists, values - mean[:, None], 0.0))[:, 1:]) ** 2
    return effective_number(power / np.maximum(power.max(axis=1, keepdims=True), 1e-300), scatter=2.0)


def effective_number(power: NDArray[np.floating], scatter: float) -> NDArray[np.float64]:
    """``2 (sum P)² / sum P²`` of each row, ``sum P²`` freed of up to `scatter` times of chance scatter."""
    total = power.sum(axis=1, dtype=np.float64)
    squares = np.einsum("uf,uf->u", power, power, dtype=np.float64)
    neighbours = np.einsum("uf,uf->u", power[:, 1:], power[:, :-1], dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squares > 0, 2.0 * total**2 / np.maximum(neighbours, squares / scatter), np.nan)


def drift(values: ArrayLike, time_s: ArrayLike, *, n_blocks: int = 20) -> NDArray[np.float64]:
    """Return |correlation with time| of block means: how much a signal drifts over the session.

    Parameters
    ----------
    values : array of shape (signal, time)
        Traces, or behaviour as 0/1; NaN where missing.
    time_s : array of shape (time,)
        s.
    n_blocks : int
        Equal stretches of time to average first, so that fast fluctuation does not hide a trend. 20:
        one to three minutes each in a usual session.

    Returns
    -------
    array of shape (signal,)
        0..1; NaN when fewer than 5 blocks have data or the block means are constant.
    """
    x = np.atleast_2d(np.asarray(values, np.float64))
    t = np.asarray(time_s, np.float64)
    span = max(t[-1] - t[0], 1e-12)
    # A sample on the border of two stretches belongs to the later one, whatever Unix times are rounded to.
    hair = max(4 * float(np.spacing(np.abs(t).max())), 1e-9 * span)
    block = np.minimum(((t - t[0] + hair) / span * n_blocks).astype(np.int64), n_blocks - 1)
    starts = np.searchsorted(block, np.arange(n_blocks))
    filled = np.flatnonzero(np.diff(np.append(starts, t.size)) > 0)
    finite = np.isfinite(x)
    sums = np.add.reduceat(np.where(finite, x, 0.0), starts[filled], axis=1)
    counts = np.add.reduceat(finite, starts[filled], axis=1, dtype=np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(counts > 0, sums / counts, np.nan)
        use = np.isfinite(means)
        n = use.sum(axis=1, keepdims=True)
        z = np.where(use, filled.astype(np.float64), 0.0)
        dz = np.where(use, z - z.sum(axis=1, keepdims=True) / n, 0.0)
        dm = np.where(use, means - np.nansum(means, axis=1, keepdims=True) / n, 0.0)
        size = np.sqrt((dz**2).sum(axis=1) * (dm**2).sum(axis=1))
        scale = np.abs(np.where(use, means, 0.0)).max(axis=1) + 1e-300
        flat = np.sqrt((dm**2).sum(axis=1)) < 1e-9 * scale
        r = np.abs((dz * dm).sum(axis=1)) / size
    return np.where((n[:, 0] >= 5) & ~flat, r, np.nan)
