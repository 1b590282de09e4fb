"""One scaling for a whole study, kept with the model, with missing features filled.

Scaling each file by itself makes motifs change when a file is split, and makes the labels of a new
recording incomparable; here mean and spread are those of the training recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail
from murid.learn.embed.pca import PCA, fit_pca
from murid.learn.fitted_part import Fitted


@dataclass(frozen=True)
class Scaler(Fitted):
    """Fitted scaling.

    Parameters
    ----------
    centre, spread : (n_features,) arrays
        Scaled = (feature − centre) / spread, cut at ± `limit`.
    limit : float
        A tracking jump must not buy itself a cluster.
    min_seen : float
        Share of the features a frame must have; with less it becomes NaN altogether.
    components, variance : (k, n_features) and (k,) arrays
        Principal components of the scaled features: a missing feature gets its expected value given
        the seen ones.
    mean : (n_features,) array
    noise_variance, total_variance : float
    """

    centre: np.ndarray
    spread: np.ndarray
    limit: float
    min_seen: float
    mean: np.ndarray
    components: np.ndarray
    variance: np.ndarray
    noise_variance: float
    total_variance: float

    def __call__(self, table: np.ndarray) -> np.ndarray:
        """Scale and fill ``table (frame, feature)``; frames with too little known are NaN."""
        if table.shape[1] != len(self.centre):
            fail("features", "do not fit the model", expected=f"{len(self.centre)} columns", got=str(table.shape[1]))
        x = np.clip((table - self.centre) / self.spread, -self.limit, self.limit).astype(np.float32)
        seen = np.isfinite(x)
        poor = seen.mean(axis=1) < self.min_seen
        x[poor] = np.nan
        gaps = np.flatnonzero(~seen.all(axis=1) & ~poor)
        if gaps.size:
            x[gaps] = np.where(seen[gaps], x[gaps], self.pca.inverse(self.pca.transform(x[gaps])))
        return x

    @property
    def pca(self) -> PCA:
        """Principal components of the scaled features."""
        return PCA(self.mean, self.components, self.variance, self.noise_variance, self.total_variance)

    def n_components(self, share: float) -> int:
        """How many principal components hold this share of the variance."""
        held = np.cumsum(self.variance) / max(self.total_variance, 1e-300)
        return min(int(np.searchsorted(held, share - 1e-12)) + 1, len(self.variance))


def fit_scaler(
    tables: Sequence[np.ndarray],
    *,
    robust: bool = False,
    blocks: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    limit: float = 8.0,
    min_seen: float = 0.5,
    max_frames: int = 20_000,
) -> Scaler:
    """Fit one scaling to the tables ``(frame, feature)`` of all recordings.

    Parameters
    ----------
    tables : list of (T_i, D) arrays
        NaN where missing.
    robust : bool
        Median and interquartile range instead of mean and standard deviation.
    blocks : (D,) int array, optional
        Block of each feature: the features of a block share one mean and one spread, so that their
        proportions stay (a spectrum, a path).
    weights : (D,) array, optional
        Scaled features are multiplied by these.
    limit, min_seen
        See `Scaler`.
    max_frames : int
        The components for filling are fitted to this many evenly spaced frames.

    Raises
    ------
    DataError
        When hardly a frame has enough features.
    """
    stack = np.concatenate([np.asarray(t, np.float32) for t in tables])
    stack = stack[np.isfinite(stack).mean(axis=1) >= min_seen]
    if len(stack) < 3:
        todo = "check the tracking with: murid check; or lower clean.min_confidence"
        fail("features", "too few frames with the animal", expected="at least 3", got=str(len(stack)), todo=todo)
    known = np.isfinite(stack)
    never = ~known.any(axis=0)
    stack[:, never] = 0.0  # Says nothing anywhere: constant.
    centre, spread = _centre_and_spread(stack, robust, blocks)
    size = np.maximum(np.abs(centre), np.nanmax(np.abs(stack), axis=0))
    spread = np.where(spread > 1e-6 * np.maximum(size, 1e-9), spread, 1.0)
    if weights is not None:
        spread = spread / np.asarray(weights, float)
    some = stack[:: max(1, -(-len(stack) // max_frames))]
    scaled = np.clip((some - centre) / spread, -limit, limit).astype(np.float32)
    pca = fit_pca(scaled, min(len(centre), 50))
    return Scaler(
        centre.astype(np.float32),
        spread.astype(np.float32),
        float(limit),
        float(min_seen),
        pca.mean,
        pca.components,
        pca.variance,
        pca.noise_variance,
        pca.total_variance,
    )


def _centre_and_spread(stack: np.ndarray, robust: bool, blocks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread of each feature, those of a block taken together."""
    if robust:
        some = stack[:: max(1, len(stack) // 200_000)]
        low, centre, high = np.nanpercentile(some, [25, 50, 75], axis=0)
        spread = (high - low) / 1.349
    else:
        centre, spread = np.nanmean(stack, axis=0, dtype=float), np.nanstd(stack, axis=0, dtype=float)
    for block in () if blocks is None else np.unique(blocks):
        part = stack[:, blocks == block]
        centre[blocks == block], spread[blocks == block] = np.nanmean(part, dtype=float), np.nanstd(part, dtype=float)
    return centre, spread
