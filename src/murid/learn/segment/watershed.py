"""Regions of a two-dimensional behaviour map: density, watershed, look-up (Berman et al. 2014)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail
from murid.learn.fitted_part import Fitted
from murid.learn.sequences import Arrays, Sequences, as_sequences


@dataclass(frozen=True)
class BehaviourMap(Fitted):
    """Density of a 2-D embedding and its regions; region 0 holds the most points.

    Parameters
    ----------
    density : (n_grid, n_grid) array
        Probability per pixel; the first axis is the first map coordinate.
    regions : (n_grid, n_grid) int array
        Region of each pixel, −1 where the map is empty.
    origin : (2,) array
        Map coordinates of the centre of pixel (0, 0).
    step : float
        Width of a pixel in map units.
    sigma : float
        Width of the Gaussian in map units.
    """

    density: np.ndarray
    regions: np.ndarray
    origin: np.ndarray
    step: float
    sigma: float

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return int(self.regions.max()) + 1

    def predict(self, points: Arrays | Sequences, lengths=None):
        """Region of each point (n_frames,); −1 for missing points, off the map, or where the map is empty."""
        seqs = as_sequences(points, lengths, n_features=2)
        seen = seqs.observed
        labels = np.full(len(seen), -1, np.int32)
        cell = np.round((seqs.frames[seen] - self.origin) / self.step).astype(np.int64)
        inside = ((cell >= 0) & (cell < len(self.regions))).all(axis=1)
        regions = np.full(len(cell), -1, np.int32)
        regions[inside] = self.regions[tuple(cell[inside].T)]
        labels[seen] = regions
        return seqs.answer(labels)


def fit_watershed(
    points: Arrays | Sequences,
    lengths=None,
    *,
    sigma: float | None = None,
    max_regions: int | None = None,
    n_grid: int = 501,
    floor: float = 1e-5,
) -> BehaviourMap:
    """Estimate the density of a map and cut it into the basins of its peaks.

    Parameters
    ----------
    points : list of (T_i, 2) arrays or one (T, 2) array
        Map coordinates; NaN where missing.
    sigma : float, optional
        Width of the Gaussian in map units; None takes the median distance to the fifth neighbour
        (of at most 20,000 points), as MotionMapper's templates do.
    max_regions : int, optional
        Widen the Gaussian by tenths until there are no more regions than this.
    n_grid : int
        Pixels along each side.
    floor : float
        Pixels with less than this share of the highest density are empty.

    Raises
    ------
    DataError
        When fewer than ten points are complete or all of them coincide.
    """
    from scipy.ndimage import gaussian_filter

    seqs = as_sequences(points, lengths, dtype=np.float64, n_features=2)
    xy = seqs.frames[seqs.observed]
    spread = np.ptp(xy, axis=0).max() if len(xy) else 0.0
    if len(xy) < 10 or spread == 0:
        fail("map", "too few distinct points", expected="at least 10", got=str(len(xy)))
    sigma = sigma or _neighbour_distance(xy)
    while True:
        margin = 4 * sigma
        step = (spread + 2 * margin) / (n_grid - 1)
        origin = (xy.min(axis=0) + xy.max(axis=0)) / 2 - step * (n_grid - 1) / 2
        cell = np.round((xy - origin) / step).astype(np.int64)
        counts = np.bincount(cell[:, 0] * n_grid + cell[:, 1], minlength=n_grid**2).reshape(n_grid, n_grid)
        density = gaussian_filter(counts / len(xy), max(sigma / step, 0.5), truncate=4, mode="constant")
        regions = basins(density, floor * density.max())
        if max_regions is None or regions.max() + 1 <= max_regions:
            break
        sigma *= 1.1
    held = np.bincount(regions[tuple(cell.T)][regions[tuple(cell.T)] >= 0], minlength=regions.max() + 1)
    place = np.empty(len(held), np.int32)
    place[np.argsort(-held, kind="stable")] = np.arange(len(held))
    regions = np.where(regions >= 0, place[regions], -1).astype(np.int32)
    return BehaviourMap(density, regions, origin, float(step), float(sigma))


def basins(height: np.ndarray, floor: float) -> np.ndarray:
    """Watershed without lines: each pixel above `floor` belongs to the peak its steepest ascent ends on.

    Parameters
    ----------
    height : (n, m) array
    floor : float
        Pixels not above it get −1.
    """
    n, m = height.shape
    padded = np.pad(height, 1, constant_values=-np.inf)
    shifts = [(0, 0)] + [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    # Slope, not height: a diagonal neighbour is farther away.
    rise = np.stack(
        [(padded[1 + i : 1 + i + n, 1 + j : 1 + j + m] - height) / max(np.hypot(i, j), 1.0) for i, j in shifts]
    )
    best = rise.argmax(axis=0)
    offset = np.array([i * m + j for i, j in shifts])
    target = np.arange(n * m) + offset[best].ravel()
    while True:
        further = target[target]
        if np.array_equal(further, target):
            break
        target = further
    labels = np.full(n * m, -1, np.int32)
    above = height.ravel() > floor
    labels[above] = np.unique(target[above], return_inverse=True)[1]
    return labels.reshape(n, m)


def _neighbour_distance(xy: np.ndarray, neighbours: int = 5) -> float:
    from scipy.spatial import cKDTree

    some = xy[:: max(1, len(xy) // 20_000)]
    distance, _ = cKDTree(some).query(some, neighbours + 1)
    return float(np.median(distance[:, -1])) or float(np.ptp(xy, axis=0).max()) / 100
