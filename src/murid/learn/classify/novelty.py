"""Novelty: how far a frame lies from everything a model has learnt from.

A classifier gives a confident answer also where it has no experience: another cage, another species, a
tracker gone astray. Here the training frames are summed up by prototypes in the features that the model
uses most; a new frame's distance to the nearest prototype is read against the distances of training
frames to prototypes *of other animals*, so that a new but ordinary animal does not count as unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]

_KNOTS = 201
#: Frames that prototypes are made from; more do not move them.
_MAX_FRAMES = 12_000
#: A frame with less of the features known cannot be judged.
_MIN_KNOWN = 0.5


@dataclass(frozen=True)
class Novelty:
    """Prototypes of the training frames.

    Attributes
    ----------
    columns : int array (k,)
        Features looked at, as columns of the model's table.
    centre, spread : float32 arrays (k,)
        Median, and half the 10-90 % range, of each over the training frames.
    prototypes : float32 array (prototype, k)
        In squashed units (see `embed`).
    quantiles : float32 array (knot,)
        Distances to prototypes of other animals, at evenly spaced quantiles 0..1.
    """

    columns: NDArray[np.int32]
    centre: Floats
    spread: Floats
    prototypes: Floats
    quantiles: Floats

    def embed(self, features: ArrayLike) -> Floats:
        """Return the features looked at in comparable units: ``asinh((x − median) / spread)``, missing = NaN.

        asinh is linear near the median and logarithmic far out, so that one heavy tail does not rule.
        """
        x = np.asarray(features, np.float32)[:, self.columns]
        return np.arcsinh((x - self.centre) / self.spread)

    def distance(self, features: ArrayLike) -> Floats:
        """Return the distance of each frame ``(frame, feature)`` to the nearest prototype.

        Root mean square over the known features; NaN where fewer than half are known.
        """
        return _nearest(self.embed(features), self.prototypes)

    def __call__(self, features: ArrayLike) -> Floats:
        """Return ``unseen (frame,)``: the share of training frames that lay nearer, 0..1.

        0.99 and above: one training frame in a hundred was as strange. NaN where too few features are known.
        """
        d = self.distance(features)
        quantiles = np.maximum.accumulate(self.quantiles + np.arange(_KNOTS) * np.float32(1e-7))
        return np.interp(d, quantiles, np.linspace(0, 1, _KNOTS)).astype(np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Arrays for storage, names prefixed ``novelty_``."""
        return {f"novelty_{k}": getattr(self, k) for k in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self | None:
        """Read back `to_arrays`; None when the model was stored without."""
        if "novelty_prototypes" not in arrays:
            return None
        return cls(**{k: arrays[f"novelty_{k}"] for k in cls.__dataclass_fields__})


def fit_novelty(
    features: Floats,
    groups: Sequence[str] | np.ndarray,
    *,
    columns: ArrayLike,
    n_prototypes: int = 64,
    n_parts: int = 3,
    seed: int = 0,
) -> Novelty:
    """Sum up training frames.

    Parameters
    ----------
    features : array (frame, feature)
    groups : array (frame,)
        Animal of each frame; distances are calibrated between animals (within, when there is one).
    columns : int array
        Features to look at, most useful first; 20-30 of different kinds are enough.
    n_prototypes : int
        Prototypes; 64 × 24 numbers are 6 kB.
    n_parts : int
        Parts the animals are divided into for the calibration.
    seed : int
    """
    columns = np.asarray(columns, np.int32)
    rows = np.unique(np.linspace(0, len(features) - 1, min(_MAX_FRAMES, len(features))).astype(np.intp))
    x = np.asarray(features[np.ix_(rows, columns)], np.float32)
    known = np.isfinite(x).any(axis=0)
    columns, x = columns[known], x[:, known]
    low, centre, high = np.nanpercentile(x, (10, 50, 90), axis=0).astype(np.float32)
    # A feature that is nearly always at rest must not turn every movement into an exception.
    floor = np.maximum(0.2 * np.nanstd(x, axis=0), 1e-6 + 1e-3 * np.abs(centre))
    spread = np.maximum((high - low) / 2, floor).astype(np.float32)
    z = np.arcsinh((x - centre) / spread)
    names, index = np.unique(np.asarray(groups)[rows], return_inverse=True)
    part = np.random.default_rng(seed).permutation(len(names))[index] % n_parts
    if len(names) < 2:
        # One animal: successive blocks stand in, which is optimistic as everything about one animal is.
        part = np.arange(len(z)) * 3 * n_parts // max(len(z), 1) % n_parts
    distances = []
    for k in np.unique(part):
        held = part == k
        if 0 < held.sum() < len(z):
            distances.append(_nearest(z[held], _prototypes(z[~held], n_prototypes, seed)))
    d = np.concatenate(distances) if distances else _nearest(z, _prototypes(z, n_prototypes, seed))
    d = d[np.isfinite(d)]
    quantiles = np.quantile(d, np.linspace(0, 1, _KNOTS)) if d.size else np.linspace(0, 1, _KNOTS)
    return Novelty(columns, centre, spread, _prototypes(z, n_prototypes, seed), quantiles.astype(np.float32))


def _prototypes(z: Floats, n: int, seed: int) -> Floats:
    from murid.learn.segment.kmeans import fit_kmeans

    filled = np.where(np.isfinite(z), z, 0.0).astype(np.float32)
    n = min(n, len(np.unique(filled, axis=0)))
    return fit_kmeans(filled, n, seed=seed, replicates=1, max_iterations=30).centroids.astype(np.float32)


def _nearest(z: Floats, prototypes: Floats) -> Floats:
    """Root mean square distance to the nearest prototype over the known features."""
    known = np.isfinite(z)
    share = known.mean(axis=1)
    x, weight = np.where(known, z, 0.0).astype(np.float32), known.astype(np.float32)
    square = (x * x).sum(1, keepdims=True) - 2 * x @ prototypes.T + weight @ (prototypes * prototypes).T
    best = np.maximum(square.min(axis=1), 0.0)
    out = np.sqrt(best / np.maximum(known.sum(axis=1), 1)).astype(np.float32)
    out[share < _MIN_KNOWN] = np.nan
    return out
