"""Mutual information between a unit and a behaviour, at every lag.

Plug-in estimate over `n_bins` quantile bins of the signal, in bits:
``MI = sum p(x, y) log2( p(x, y) / (p(x) p(y)) )``. Its upward bias for small samples is the mean of the
shifted MI, which is subtracted to give the corrected value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from murid.neural.nulls import lagged_sums, transform


def quantile_bins(ranks: ArrayLike, n_bins: int) -> NDArray[np.int8]:
    """Return the quantile bin 0..n_bins−1 of each sample; equal values share a bin.

    Parameters
    ----------
    ranks : array of shape (unit, time)
        Centred ranks (`nulls.centred_ranks`).
    n_bins : int
        Number of bins Q.
    """
    ranks = np.asarray(ranks, np.float64)
    n = ranks.shape[1]
    share = (ranks + n / 2) / n
    return np.clip((share * n_bins).astype(np.int8), 0, n_bins - 1)


def plug_in(n_in: NDArray[np.float64], n_out: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return MI in bits from counts.

    Parameters
    ----------
    n_in, n_out : array of shape (bin, ...)
        Samples of each signal bin in and out of the state.

    Returns
    -------
    array of shape (...)
        Bits; NaN where there are no samples.
    """
    total = n_in.sum(0) + n_out.sum(0)
    entropy = np.zeros(total.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        for counts in (n_in, n_out):
            side = counts.sum(0)
            for k in range(len(counts)):
                expected = (n_in[k] + n_out[k]) * side / total
                entropy += np.where(counts[k] > 0, counts[k] * np.log2(counts[k] / expected), 0.0)
        return np.where(total > 0, np.maximum(entropy, 0.0) / total, np.nan)


def mi_circular(bins: ArrayLike, b_hat: ArrayLike, n_bins: int) -> NDArray[np.float64]:
    """Return MI (bits) at every circular lag.

    Parameters
    ----------
    bins : int array of shape (unit, time)
        Quantile bins.
    b_hat : complex array (time // 2 + 1,)
        Transform of the 0/1 behaviour.
    n_bins : int
        Q.
    """
    bins = np.asarray(bins)
    n = bins.shape[1]
    inside, outside = [], []
    for k in range(n_bins):
        member = (bins == k).astype(np.float32)
        count = np.round(lagged_sums(transform(member), b_hat, n)).astype(np.float64)
        inside.append(count)
        outside.append(member.sum(axis=1, dtype=np.float64)[:, None] - count)
    return plug_in(np.stack(inside), np.stack(outside))


def mi_linear(bins: ArrayLike, valid: ArrayLike, mask: ArrayLike, n_bins: int, reach: float) -> NDArray[np.float64]:
    """Return MI (bits) at the linear shifts −q..q, the central behaviour held fixed.

    Parameters
    ----------
    bins : int array of shape (unit, time)
        Quantile bins; anything where invalid.
    valid : bool array (time,)
        Samples where the units have values.
    mask : int array (time,)
        1 in the state, 0 out of it, −1 unlabelled.
    n_bins : int
        Q.
    reach : float
        Largest shift as a share of the session.
    """
    bins, valid, mask = np.asarray(bins), np.asarray(valid, bool), np.asarray(mask)
    n = mask.size
    q = int(reach * n)
    centre = np.zeros(n, bool)
    centre[q : n - q] = True
    sides = [transform((centre & (mask == wanted)).astype(np.float64)) for wanted in (1, 0)]
    counts: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    for k in range(n_bins):
        member_hat = transform(((bins == k) & valid).astype(np.float64))
        for side, per_bin in zip(sides, counts, strict=True):
            lagged = lagged_sums(member_hat, side, n)
            per_bin.append(np.round(np.concatenate([lagged[:, n - q :], lagged[:, : q + 1]], axis=1)))
    return plug_in(np.stack(counts[0]), np.stack(counts[1]))
