"""Matrix-normal inverse-Wishart: prior and posterior of linear-Gaussian dynamics.

``x = A g + e``, ``e ~ N(0, Σ)``; ``A | Σ ~ MN(M, Σ, K⁻¹)``, ``Σ ~ IW(ν, S)``. Everything is
batched over states (leading axis K).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import multigammaln


class Mniw(NamedTuple):
    """Parameters of one prior, or of K posteriors (leading axis).

    Parameters
    ----------
    mean : (…, D, P) array
        M, expected regression.
    precision : (…, P, P) array
        K, precision of the regression per unit of residual covariance.
    scale : (…, D, D) array
        S.
    dof : (…,) array
        ν.
    floor : (D, D) array or 0
        Of a prior: covariance that the residuals of no state fall below, in any direction. A smoothed track stands
        still to the last digit; without a floor such rows make states of their own, which are surer of themselves than
        any tracker can be. States with more noise than the floor are left as they are.
    """

    mean: np.ndarray
    precision: np.ndarray
    scale: np.ndarray
    dof: np.ndarray
    floor: np.ndarray | float = 0.0


def ar_prior(
    n_features: int,
    lags: int,
    scale: np.ndarray,
    *,
    extra_dof: float = 2.0,
    spread: float = 10.0,
    floor: np.ndarray | float = 0.0,
) -> Mniw:
    """Prior of AR dynamics: the last frame repeated, ``ν = D + extra_dof``, ``K⁻¹ = spread · I``."""
    width = n_features * lags + 1
    mean = np.zeros((n_features, width))
    if lags:
        mean[:, :n_features] = np.eye(n_features)
    return Mniw(mean, np.eye(width) / spread, np.asarray(scale, float), np.array(n_features + extra_dof), floor)


def posterior(prior: Mniw, moments: np.ndarray, counts: np.ndarray) -> Mniw:
    """Posteriors of K states from ``Σ w [x, g][x, g]ᵀ`` (K, D + P, D + P) and frame counts (K,)."""
    d = len(prior.scale)
    precision = prior.precision + moments[:, d:, d:]
    cross = prior.mean @ prior.precision + moments[:, :d, d:]
    mean = np.linalg.solve(precision, cross.transpose(0, 2, 1)).transpose(0, 2, 1)
    scale = prior.scale + moments[:, :d, :d] + prior.mean @ prior.precision @ prior.mean.T
    scale = scale - mean @ cross.transpose(0, 2, 1)
    scale = 0.5 * (scale + scale.transpose(0, 2, 1))
    if isinstance(prior.floor, np.ndarray) and prior.floor.any():
        scale = _raised(scale, prior.floor, counts)
    # Rounding may eat the smallest eigenvalue of a large difference; the prior is its floor.
    return Mniw(mean, precision, scale + 1e-9 * np.trace(prior.scale) / d * np.eye(d), prior.dof + counts)


def _raised(scale: np.ndarray, floor: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Scatter matrices (K, D, D) whose eigenvalues in units of the floor are at least the counts (K,)."""
    root = np.linalg.cholesky(floor)
    white = np.linalg.solve(root, np.linalg.solve(root, scale).transpose(0, 2, 1))
    value, turn = np.linalg.eigh(0.5 * (white + white.transpose(0, 2, 1)))
    low = (value < counts[:, None]).any(axis=1)
    turn = root @ turn[low]
    out = scale.copy()
    out[low] = (turn * np.maximum(value[low], counts[low, None])[:, None, :]) @ turn.transpose(0, 2, 1)
    return out


def expected(post: Mniw) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means of the regressions (K, D, P) and the covariances (K, D, D)."""
    d = post.scale.shape[-1]
    return post.mean, post.scale / np.maximum(post.dof - d - 1, 0.5)[:, None, None]


def mode(post: Mniw) -> tuple[np.ndarray, np.ndarray]:
    """Joint posterior modes of the regressions and the covariances."""
    _, d, p = post.mean.shape
    return post.mean, post.scale / (post.dof + d + 1 + p)[:, None, None]


def draw(post: Mniw, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One sample of the regressions (K, D, P) and the covariances (K, D, D)."""
    k, d, p = post.mean.shape
    bartlett = np.tril(rng.standard_normal((k, d, d)), -1)
    bartlett[:, range(d), range(d)] = np.sqrt(rng.chisquare(post.dof[:, None] - np.arange(d)))
    # W = L⁻ᵀ T Tᵀ L⁻¹ is Wishart(ν, S⁻¹) for S = L Lᵀ, so a root of Σ = W⁻¹ is L T⁻ᵀ.
    factor = np.linalg.solve(bartlett, np.linalg.cholesky(post.scale).transpose(0, 2, 1)).transpose(0, 2, 1)
    root = np.linalg.cholesky(post.precision)
    noise = factor @ rng.standard_normal((k, d, p))
    coef = post.mean + np.linalg.solve(root.transpose(0, 2, 1), noise.transpose(0, 2, 1)).transpose(0, 2, 1)
    return coef, factor @ factor.transpose(0, 2, 1)


def log_evidence(prior: Mniw, moments: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Log marginal likelihood (K,) in nats of the frames behind each set of moments."""
    d = len(prior.scale)
    post = posterior(prior, moments, counts)

    def logdet(matrix: np.ndarray) -> np.ndarray:
        return np.linalg.slogdet(matrix)[1]

    gamma = np.array([multigammaln(nu / 2, d) for nu in np.atleast_1d(post.dof)]) - multigammaln(prior.dof / 2, d)
    fit = 0.5 * prior.dof * logdet(prior.scale) - 0.5 * post.dof * logdet(post.scale)
    width = 0.5 * d * (logdet(prior.precision) - logdet(post.precision))
    return gamma + fit + width - 0.5 * counts * d * np.log(np.pi)
