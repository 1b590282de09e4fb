"""Principal components: weighted, streamed, with missing values, signs fixed.

The covariance is gathered block by block (`Moments`), so recordings never have to fit in
memory together. Entries that are missing are filled by probabilistic PCA (Tipping & Bishop
1999; Roweis 1998): expected value given the observed entries of the same frame, a few rounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from murid.data.errors import fail
from murid.learn.fitted_part import Fitted
from murid.learn.sequences import Arrays, Sequences, as_sequences
from murid.learn.spilled_tables import blocks_of

BLOCK = 65_536
#: Of tables that are read one after the other, where memory must not grow with their number.
STREAMED_BLOCK = 8192


class Moments:
    """Weighted mean and covariance, gathered block by block in float64.

    Parameters
    ----------
    n_features : int
        Number of columns.
    """

    def __init__(self, n_features: int) -> None:
        self.mass = 0.0
        self.mean = np.zeros(n_features)
        self.scatter = np.zeros((n_features, n_features))

    def update(self, block: np.ndarray, weights: np.ndarray | None = None) -> Moments:
        """Add a block (n, n_features) of complete frames with weights (n,), default 1."""
        block = np.asarray(block, float)
        w = np.ones(len(block)) if weights is None else np.asarray(weights, float)
        mass = w.sum()
        if mass <= 0:
            return self
        mean = w @ block / mass
        centred = (block - mean) * np.sqrt(w)[:, None]
        step = mean - self.mean
        total = self.mass + mass
        # Chan's pairwise update: no cancellation, whatever the mean is.
        self.scatter += centred.T @ centred + np.outer(step, step) * (self.mass * mass / total)
        self.mean = self.mean + step * (mass / total)
        self.mass = total
        return self

    @property
    def covariance(self) -> np.ndarray:
        """(n_features, n_features) covariance, normalised by the summed weight."""
        return self.scatter / max(self.mass, 1e-300)


@dataclass(frozen=True)
class PCA(Fitted):
    """Fitted principal components.

    Parameters
    ----------
    mean : (n_features,) array
        Weighted mean in feature units.
    components : (n_components, n_features) array
        Orthonormal directions; in each the loading of largest size is positive.
    variance : (n_components,) array
        Variance along each component in squared feature units.
    noise_variance : float
        Mean variance of the directions left out: what an unseen entry may differ by.
    total_variance : float
        Variance of all features together.
    whitener : (n_components, n_components) array or None
        Lower Cholesky factor L of the covariance of the scores; whitened scores are L⁻¹·score.
    """

    mean: np.ndarray
    components: np.ndarray
    variance: np.ndarray
    noise_variance: float
    total_variance: float
    whitener: np.ndarray | None = None

    @property
    def explained(self) -> np.ndarray:
        """(n_components,) share of the total variance."""
        return self.variance / max(self.total_variance, 1e-300)

    def transform(self, x: Arrays | Sequences, lengths=None):
        """Scores (n_frames, n_components); a frame with gaps is scored from what it has.

        Scores of a frame with gaps are the expected scores given its observed entries; a frame
        with no entry at all gives NaN.
        """
        seqs = as_sequences(x, lengths, n_features=len(self.mean))
        scores = np.empty((len(seqs.frames), len(self.components)), seqs.frames.dtype)
        for start in range(0, len(scores), BLOCK):
            part = slice(start, start + BLOCK)
            scores[part] = self._scores(seqs.frames[part])
        return seqs.answer(scores)

    def inverse(self, scores: np.ndarray) -> np.ndarray:
        """Features (n, n_features) from scores (n, n_components)."""
        scores = np.asarray(scores)
        if self.whitener is not None:
            scores = scores @ self.whitener.T
        return scores @ self.components + self.mean

    def complete(self, table: np.ndarray) -> np.ndarray:
        """Fill the gaps of a table (n, n_features) by what is expected given the rest of the frame.

        Frames with no entry stay NaN. Project completed frames, not the gaps themselves, on further components when
        time is modelled: scores of frames with gaps are drawn to the mean, and a model of dynamics then finds states
        of hidden points.
        """
        table = np.asarray(table, np.float64)
        gaps = np.isnan(table).any(axis=1)
        if gaps.any():
            table = table.copy()
            part = table[gaps]
            table[gaps] = np.where(np.isnan(part), self.inverse(self.transform(part)), part)
        return table

    def _scores(self, block: np.ndarray) -> np.ndarray:
        block = block.astype(float)
        seen = ~np.isnan(block)
        scores = np.where(seen, block - self.mean, 0.0) @ self.components.T
        if not seen.all():
            signal = np.maximum(self.variance - self.noise_variance, 1e-12 * max(self.total_variance, 1e-300))
            noise = max(self.noise_variance, 1e-9 * max(self.total_variance, 1e-300))
            for pattern, rows in _gap_patterns(seen):
                kept = self.components[:, pattern]
                precision = kept @ kept.T + np.diag(noise / signal)
                scores[rows] = np.linalg.solve(precision, scores[rows].T).T if pattern.any() else np.nan
        if self.whitener is not None:
            scores = scipy.linalg.solve_triangular(self.whitener, scores.T, lower=True, check_finite=False).T
        return scores


def _gap_patterns(seen: np.ndarray):
    """Yield (observed columns, rows) for each distinct pattern of gaps among rows with gaps."""
    rows = np.flatnonzero(~seen.all(axis=1))
    if not len(rows):
        return
    packed = np.packbits(seen[rows], axis=1)
    _, first, inverse = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    bounds = np.searchsorted(inverse.ravel()[order], np.arange(len(first) + 1))
    for i, at in enumerate(first):
        yield seen[rows[at]], rows[order[bounds[i] : bounds[i + 1]]]


def pca_of_moments(
    moments: Moments, n_components: int | float = 0.9, *, whiten: bool = False, max_components: int | None = None
) -> PCA:
    """Principal components of gathered moments.

    Parameters
    ----------
    moments : Moments
        Gathered with `Moments.update`.
    n_components : int or float
        Number of components, or (0 < value < 1) as many as explain this share of the variance.
    whiten : bool
        Also store the Cholesky factor that gives the scores unit covariance.
    max_components : int, optional
        Upper bound where `n_components` is a share.
    """
    n_features = len(moments.mean)
    if isinstance(n_components, (int, np.integer)) and n_components > n_features:
        fail("PCA", "too many components", expected=f"at most {n_features} (features)", got=str(n_components))
    if moments.mass <= 0:
        fail("PCA", "no complete frames", todo="fill gaps first or use missing=True")
    variance, vectors = scipy.linalg.eigh(moments.covariance)
    variance, vectors = np.maximum(variance[::-1], 0.0), vectors[:, ::-1].T
    total = float(variance.sum())
    if 0 < n_components < 1:
        share = np.cumsum(variance) / max(total, 1e-300)
        kept = int(np.searchsorted(share, n_components - 1e-12)) + 1
        kept = min(kept, n_features, max_components or n_features)
    else:
        kept = int(n_components)
    components = vectors[:kept]
    largest = np.argmax(np.abs(components), axis=1)
    components = components * np.sign(components[np.arange(kept), largest])[:, None]
    left = variance[kept:]
    whitener = None
    if whiten:
        covariance = components @ moments.covariance @ components.T
        whitener = scipy.linalg.cholesky(covariance + 1e-12 * total * np.eye(kept), lower=True)
    noise = float(left.mean()) if len(left) else 0.0
    return PCA(moments.mean.copy(), components, variance[:kept], noise, total, whitener)


def fit_pca(
    x: Arrays | Sequences | Iterable[np.ndarray],
    n_components: int | float = 0.9,
    lengths=None,
    *,
    weights: np.ndarray | None = None,
    whiten: bool = False,
    missing: bool = True,
    rounds: int = 10,
    max_components: int | None = None,
) -> PCA:
    """Fit principal components.

    Parameters
    ----------
    x : list of (T_i, D) arrays or one (T, D) array
        Features; NaN where missing. An iterator of arrays is read once and never held as a whole; it takes neither
        weights nor frames with gaps.
    n_components : int or float
        Number of components, or (0 < value < 1) as many as explain this share of the variance.
    weights : (n_frames,) array, optional
        Weight of each frame; default 1.
    whiten : bool
        Scores get unit covariance through the Cholesky factor of their covariance.
    missing : bool
        Use frames with gaps too (expectation–maximisation). False leaves them out.
    rounds : int
        Rounds of filling gaps; 10 as in MoSeq's PCA for missing data.
    max_components : int, optional
        Upper bound where `n_components` is a share.

    Raises
    ------
    DataError
        When no frame can be used or more components than features are asked for.
    """
    if isinstance(x, Iterator):
        if missing or weights is not None:
            fail("PCA", "an iterator takes neither weights nor gaps", todo="give a list, or missing=False")
        return pca_of_moments(_streamed(x), n_components, whiten=whiten, max_components=max_components)
    seqs = as_sequences(x if isinstance(x, (np.ndarray, Sequences)) else list(x), lengths)
    frames = seqs.frames
    w = np.ones(len(frames)) if weights is None else np.asarray(weights, float)
    seen = ~np.isnan(frames)
    complete = seen.all(axis=1)
    moments = Moments(frames.shape[1])
    for start in range(0, len(frames), BLOCK):
        part = slice(start, start + BLOCK)
        moments.update(frames[part][complete[part]], w[part][complete[part]])
    if complete.all() or not missing:
        return pca_of_moments(moments, n_components, whiten=whiten, max_components=max_components)
    if (~seen).all(axis=0).any():
        columns = np.flatnonzero((~seen).all(axis=0)).tolist()
        fail("PCA", "features that are never seen", where=f"columns {columns}", todo="drop them")
    if moments.mass <= frames.shape[1]:  # Hardly a complete frame: start from column statistics.
        moments = Moments(frames.shape[1])
        moments.mass = 1.0
        moments.mean = np.nanmean(frames, axis=0, dtype=float)
        moments.scatter = np.diag(np.nanvar(frames, axis=0, dtype=float) + 1e-12)
    for _ in range(rounds):
        moments = _expected_moments(frames, w, moments)
    return pca_of_moments(moments, n_components, whiten=whiten, max_components=max_components)


def _streamed(tables: Iterator[np.ndarray]) -> Moments:
    """Moments of the complete frames of tables that are read one after the other."""
    moments: Moments | None = None
    for block in blocks_of(tables, STREAMED_BLOCK):
        moments = moments or Moments(block.shape[1])
        moments.update(block[~np.isnan(block).any(axis=1)])
    return moments or Moments(0)


def fit_gap_components(x: Arrays | Sequences, *, max_rows: int = 200_000) -> PCA:
    """Fit the components that `PCA.complete` fills gaps by: few, since many carry jitter from seen points to hidden.

    Parameters
    ----------
    x : list of (T_i, D) arrays
        Features; NaN where missing.
    max_rows : int
        At most about so many frames, evenly spaced, are looked at.
    """
    frames = as_sequences(x, dtype=np.float64).frames
    some = frames[:: max(1, len(frames) // max_rows)]
    return fit_pca(some, 0.9, missing=True, max_components=max(1, min(10, some.shape[1] // 2)))


def _expected_moments(frames: np.ndarray, weights: np.ndarray, now: Moments) -> Moments:
    """One EM round of a Gaussian with missing entries: moments of the conditional expectations."""
    covariance = now.covariance + 1e-9 * np.trace(now.covariance) / len(now.mean) * np.eye(len(now.mean))
    moments, slack = Moments(len(now.mean)), np.zeros_like(covariance)
    for start in range(0, len(frames), BLOCK):
        block = frames[start : start + BLOCK].astype(float)
        w = weights[start : start + BLOCK].copy()
        seen = ~np.isnan(block)
        for pattern, rows in _gap_patterns(seen):
            if not pattern.any():
                w[rows] = 0.0  # A frame without any entry says nothing.
                block[rows] = now.mean
                continue
            gap = ~pattern
            gain = scipy.linalg.solve(
                covariance[np.ix_(pattern, pattern)], covariance[np.ix_(pattern, gap)], assume_a="pos"
            )
            block[np.ix_(rows, gap)] = now.mean[gap] + (block[np.ix_(rows, pattern)] - now.mean[pattern]) @ gain
            unsure = covariance[np.ix_(gap, gap)] - covariance[np.ix_(gap, pattern)] @ gain
            slack[np.ix_(gap, gap)] += w[rows].sum() * unsure
        moments.update(block, w)
    moments.scatter += slack
    return moments
