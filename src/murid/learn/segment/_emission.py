"""Linear-Gaussian emissions for hidden Markov models: likelihoods and moments as matrix products.

One form serves the Gaussian HMM (no lags) and the autoregressive HMM: a frame is described by
``g = [x_t, x_{t-1}, …, x_{t-L}, 1]`` and state k predicts ``x_t ~ N(coef_k · g[D:], cov_k)``.
With ``cov_k = R_k R_kᵀ`` the squared length of ``R_k⁻¹ [I, −coef_k] g`` is the Mahalanobis
distance, so the likelihoods of all states are one matrix product and one sum of squares.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.linalg
from numba import njit

BLOCK = 1024  # Frames a product: the (BLOCK, D·K) result stays in the processor cache.


class Whitener(NamedTuple):
    """All states' whitened residual maps, stacked.

    Parameters
    ----------
    matrix : (Q, D·K) array
        Column ``d·K + k`` gives whitened residual d of state k.
    constant : (K,) array
        Log-density at zero residual.
    dof : float
        Degrees of freedom of Student-t residuals; 0 means Gaussian.
    """

    matrix: np.ndarray
    constant: np.ndarray
    dof: float


def whitener(coef: np.ndarray, cov: np.ndarray, dof: float = 0.0, dtype=np.float64) -> Whitener:
    """Stack the states' emissions.

    Parameters
    ----------
    coef : (K, D, P) array
        Regression of x_t on the rest of the feature vector; its last column is the offset.
    cov : (K, D, D) array
        Residual covariance (scale matrix when `dof` > 0).
    dof : float
        Student-t degrees of freedom, 0 for Gaussian.
    dtype : numpy dtype
        Type of the products.
    """
    k, d, _ = coef.shape
    root = np.linalg.cholesky(cov)
    maps = np.concatenate([np.broadcast_to(np.eye(d), (k, d, d)), -coef], axis=2)
    white = np.linalg.solve(root, maps)  # (K, D, Q)
    matrix = np.ascontiguousarray(white.transpose(2, 1, 0).reshape(white.shape[2], d * k), dtype)
    logdet = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    if dof > 0:
        peak = math.lgamma((dof + d) / 2) - math.lgamma(dof / 2) - 0.5 * d * math.log(math.pi * dof)
    else:
        peak = -0.5 * d * math.log(2 * math.pi)
    return Whitener(matrix, (peak - logdet).astype(dtype), float(dof))


def loglik(g: np.ndarray, valid: np.ndarray, white: Whitener) -> np.ndarray:
    """Log-likelihood (n, K) of the frames `g` (n, Q); 0 where not `valid` (missing data)."""
    k = len(white.constant)
    out = np.empty((len(g), k), white.matrix.dtype)
    work = np.empty((min(BLOCK, len(g)), white.matrix.shape[1]), white.matrix.dtype)
    for start in range(0, len(g), BLOCK):
        part = g[start : start + BLOCK]
        residuals = work[: len(part)]
        np.matmul(part, white.matrix, out=residuals)
        _finish(residuals, white.constant, white.dof, valid[start : start + BLOCK], out[start : start + BLOCK])
    return out


@njit(cache=True, nogil=True, fastmath=True)
def _finish(residuals, constant, dof, valid, out):
    n, dk = residuals.shape
    k = constant.shape[0]
    d = dk // k
    half = 0.5 * (dof + d)
    row = np.empty(k, residuals.dtype)
    for t in range(n):
        if not valid[t]:
            out[t] = 0
            continue
        row[:] = 0
        for j in range(d):
            for c in range(k):
                row[c] += residuals[t, j * k + c] * residuals[t, j * k + c]
        if dof > 0:
            for c in range(k):
                out[t, c] = constant[c] - half * math.log1p(row[c] / dof)
        else:
            for c in range(k):
                out[t, c] = constant[c] - 0.5 * row[c]


def lagged(frames: np.ndarray, start: int, stop: int, origin: int, lags: int, dtype=None):
    """Feature vectors of the frames ``start … stop`` of a chain that begins at `origin`.

    Returns
    -------
    g : (stop − start, D·(lags + 1) + 1) array
        ``[x_t, x_{t-1}, …, x_{t-lags}, 1]``; all zero where not valid.
    valid : (stop − start,) bool
        Whether the frame and all its lags are observed and inside the chain.
    """
    n, d = stop - start, frames.shape[1]
    g = np.zeros((n, d * (lags + 1) + 1), dtype or frames.dtype)
    for lag in range(lags + 1):
        skip = max(origin + lag - start, 0)
        if skip < n:
            g[skip:, lag * d : (lag + 1) * d] = frames[start + skip - lag : stop - lag]
    g[:, -1] = 1
    valid = np.asarray(~np.isnan(g).any(axis=1))
    valid[: max(origin + lags - start, 0)] = False
    g[~valid] = 0
    return g, valid


def moments_by_state(g: np.ndarray, states: np.ndarray, n_states: int, weights: np.ndarray | None = None):
    """Σ w g gᵀ over the frames of each state (K, Q, Q), float64: sort by state, one product a state.

    Frames that are not valid are all zero in `g` and add nothing.
    """
    order = np.argsort(states, kind="stable")
    rows = g[order].astype(np.float64)
    if weights is not None:
        rows *= np.sqrt(weights[order])[:, None]
    bounds = np.searchsorted(states[order], np.arange(n_states + 1))
    out = np.zeros((n_states, g.shape[1], g.shape[1]))
    for state in np.flatnonzero(np.diff(bounds)):
        block = rows[bounds[state] : bounds[state + 1]]
        out[state] = block.T @ block
    return out


def moments_by_weight(g: np.ndarray, weights: np.ndarray, least: float = 1e-7) -> np.ndarray:
    """Σ w g gᵀ with soft weights (n, K), as (K, Q, Q) float64; weights below `least` are left out."""
    out = np.zeros((weights.shape[1], g.shape[1], g.shape[1]))
    wide = g.astype(np.float64)
    for state in range(weights.shape[1]):
        column = np.ascontiguousarray(weights[:, state])
        rows = np.flatnonzero(column > least)
        if len(rows):
            block = wide[rows] * np.sqrt(column[rows].astype(np.float64))[:, None]
            out[state] = block.T @ block
    return out


def mahalanobis_of(g: np.ndarray, states: np.ndarray, coef: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """Squared Mahalanobis distance (n,) of each frame to the prediction of its own state."""
    d = coef.shape[1]
    out = np.empty(len(g))
    order = np.argsort(states, kind="stable")
    bounds = np.searchsorted(states[order], np.arange(len(coef) + 1))
    for state in np.flatnonzero(np.diff(bounds)):
        rows = order[bounds[state] : bounds[state + 1]]
        residual = g[rows, :d] - g[rows, d:] @ coef[state].T.astype(g.dtype)
        root = np.linalg.cholesky(cov[state])
        white = scipy.linalg.solve_triangular(root, residual.T.astype(np.float64), lower=True, check_finite=False)
        out[rows] = (white**2).sum(axis=0)
    return out
