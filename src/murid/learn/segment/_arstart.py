"""A start for the AR-HMM: k-means of how short windows deviate from one common AR model.

The gradient of a window's likelihood with respect to the common dynamics (its Fisher score)
says in which direction the window's own dynamics differ. Windows of one behaviour point the
same way, so k-means on the leading components of the scores is close to the answer already.
"""

from __future__ import annotations

import numpy as np

from murid.learn.embed.pca import Moments, pca_of_moments
from murid.learn.parallel import Map, summed
from murid.learn.segment import _emission as emission
from murid.learn.segment import _mniw as mniw
from murid.learn.segment.chains import Chain, Segment
from murid.learn.segment.kmeans import fit_kmeans


def common_dynamics(frames, segments: list[Segment], chains: list[Chain], lags: int, pmap: Map):
    """Fit one AR model to everything.

    Returns
    -------
    coef : (D, P) array
    cov : (D, D) array
        Maximum-likelihood residual covariance.
    n_valid : int
        Frames with all lags observed.
    """

    def gather(segment: Segment):
        g, valid = emission.lagged(frames, segment.start, segment.stop, chains[segment.chain].start, lags)
        return emission.moments_by_state(g, np.zeros(len(g), np.int16), 1), int(valid.sum())

    moments, n_valid = summed(pmap, gather, segments)
    d = frames.shape[1]
    width = np.trace(moments[0, :d, :d]) / max(n_valid, 1) / d
    prior = mniw.ar_prior(d, lags, 1e-6 * max(width, 1e-12) * np.eye(d))
    post = mniw.posterior(prior, moments, np.array([n_valid]))
    return post.mean[0], post.scale[0] / max(n_valid, 1), n_valid


def first_states(frames, segments, chains, lags: int, n_states: int, common, seed, pmap: Map, window: int = 10):
    """Start states (n_frames,) int16, constant over windows of `window` frames; 0 outside chains."""
    coef, cov = common
    d = len(cov)
    whiten = np.linalg.inv(np.linalg.cholesky(cov))
    upper = np.triu_indices(d)

    def scores(segment: Segment) -> np.ndarray:
        g, valid = emission.lagged(frames, segment.start, segment.stop, chains[segment.chain].start, lags)
        g = g.astype(np.float64)
        residual = (g[:, :d] - g[:, d:] @ coef.T) @ whiten.T
        # One outlying frame must not speak for its window, nor steer the principal components.
        residual /= np.sqrt(1 + (residual**2).sum(axis=1, keepdims=True) / d)
        starts = np.arange(0, len(g), window)
        share = 1 / np.sqrt(np.maximum(np.add.reduceat(valid, starts, dtype=float), 1))
        parts = []
        for start, weight in zip(starts, share, strict=True):
            r, past = residual[start : start + window], g[start : start + window, d:]
            parts.append(np.concatenate([(r.T @ past).ravel(), (r.T @ r)[upper]]) * weight)
        return np.stack(parts)

    moments = Moments(d * coef.shape[1] + len(upper[0]))
    for segment in segments:
        moments.update(scores(segment))
    pca = pca_of_moments(moments, min(2 * d, len(moments.mean)))
    reduced = pmap(lambda segment: pca.transform(scores(segment)), segments)
    stacked = np.concatenate(reduced)
    # Heavy tails would give k-means clusters of single outlying windows.
    stacked = np.arcsinh(stacked / (np.median(np.abs(stacked), axis=0) + 1e-12)) * np.sqrt(pca.variance)
    labels = fit_kmeans(stacked, min(n_states, len(stacked)), seed=seed, replicates=3).predict(stacked)
    states = np.zeros(len(frames), np.int16)
    at = 0
    for segment, part in zip(segments, reduced, strict=True):
        own_labels = np.repeat(labels[at : at + len(part)], window)[: segment.stop - segment.start]
        states[segment.start : segment.stop] = own_labels
        at += len(part)
    return states
