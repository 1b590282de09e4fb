"""One scaling for a whole study, kept with the model, with missing features filled.

Scaling each file by itself makes motifs change when a file is split, and makes the labels of a new
recording incomparable; here mean and spread are those of the training recordings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail
from murid.learn.embed.pca import PCA, fit_pca
from murid.learn.fitted_part import Fitted

#: Features whose rows are held at one time where their order matters.
_TOGETHER = 8


@dataclass(frozen=True)
class Scaler(Fitted):
    """Fitted scaling.

    Parameters
    ----------
    centre, spread : (n_features,) arrays
        Scaled = (feature − centre) / spread, cut at ± `limit`. A feature that training never saw, or saw with one value
        alone, has an infinite spread: nothing tells how much a later value of it means, and it counts as 0.
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
            x[np.ix_(gaps, np.isinf(self.spread))] = 0.0
        return x

    def unscaled(self, scaled: np.ndarray) -> np.ndarray:
        """Return scaled features ``(..., feature)`` in their own units; one that never varied is its centre."""
        return scaled * np.where(np.isinf(self.spread), 0.0, self.spread) + self.centre

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
    tables : sequence of (T_i, D) arrays
        NaN where missing. They are read several times, one after the other, and never held together.
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
    rows = _Rows(tables, min_seen)
    if rows.count < 3:
        todo = "check the tracking with: murid check; or lower clean.min_confidence"
        fail("features", "too few frames with the animal", expected="at least 3", got=str(rows.count), todo=todo)
    centre, spread = _centre_and_spread(rows, robust, blocks)
    least = 1e-6 * np.maximum(np.maximum(np.abs(rows.low), np.abs(rows.high)), 1e-9)
    # Half of the rows alike (a flag) has no interquartile range, and is no constant.
    spread = np.where(spread > least, spread, np.where(rows.high - rows.low > least, 1.0, np.inf))
    spread = np.where(rows.never, np.inf, spread)
    if weights is not None:
        spread = spread / np.asarray(weights, float)
    some = rows.every(max(1, -(-rows.count // max_frames)))
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


class _Rows:
    """Rows of all tables that have enough features, read table by table: never all of them in memory."""

    def __init__(self, tables: Sequence[np.ndarray], min_seen: float) -> None:
        self._tables, self._min_seen = tables, min_seen
        #: Which features no row has; empty until all rows were read.
        self.never = np.zeros(0, bool)
        #: How many rows; smallest and largest value of each feature, 0 where it was never seen.
        self.count = 0
        self.low = self.high = np.array(np.nan)
        for rows in self:
            self.count += len(rows)
            if len(rows):
                with np.errstate(invalid="ignore"):
                    self.low = np.fmin(self.low, np.fmin.reduce(rows, axis=0))
                    self.high = np.fmax(self.high, np.fmax.reduce(rows, axis=0))
        self.never = np.isnan(self.high)
        self.low, self.high = np.nan_to_num(self.low), np.nan_to_num(self.high)

    def __iter__(self) -> Iterator[np.ndarray]:
        for table in self._tables:
            rows = np.array(table, np.float32)
            rows = rows[np.isfinite(rows).mean(axis=1) >= self._min_seen]
            if self.never.size:
                rows[:, self.never] = 0.0  # Says nothing anywhere: constant.
            yield rows

    def every(self, step: int, columns: slice = slice(None)) -> np.ndarray:
        """Return every `step`-th row, of some columns."""
        kept, offset = [], 0
        for rows in self:
            kept.append(rows[-offset % step :: step, columns].copy())
            offset += len(rows)
        return np.concatenate(kept)

    def quartiles(self, max_rows: int) -> np.ndarray:
        """Return 25th, 50th and 75th percentile of each feature, ``(3, feature)``, from about `max_rows` even rows."""
        step = max(1, self.count // max_rows)
        parts = []
        for first in range(0, len(self.high), _TOGETHER):
            some = self.every(step, slice(first, first + _TOGETHER))
            parts += [np.nanpercentile(column, [25, 50, 75]) for column in some.T]
        return np.stack(parts, axis=1)

    def sums(self, centre: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Sum of each feature over the rows that have it, or of its squared distance from `centre`; and their number.

        Distances are taken in single precision, as `numpy.nanstd` takes those of such tables, and added in double.
        """
        total, known = np.zeros(len(self.high)), np.zeros(len(self.high))
        for rows in self:
            values = rows if centre is None else ((rows - centre).astype(np.float32)) ** 2
            total += np.nansum(values, axis=0, dtype=np.float64)
            known += np.isfinite(rows).sum(axis=0)
        return total, known


def _centre_and_spread(rows: _Rows, robust: bool, blocks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Centre and spread of each feature, those of a block taken together."""
    if robust:
        low, centre, high = rows.quartiles(200_000)
        spread = (high - low) / 1.349
        if blocks is None:
            return centre, spread
    total, known = rows.sums()
    if blocks is None:
        centre = total / known
        squares, _ = rows.sums(centre)
        return centre, np.sqrt(squares / known)
    centre = np.empty(len(total))
    for block in np.unique(blocks):
        own = blocks == block
        # Zeros that stand for a feature never seen say nothing about those that were.
        seen = own & ~rows.never if not rows.never[own].all() else own
        centre[own] = total[seen].sum() / known[seen].sum()
    squares, _ = rows.sums(centre)
    spread = np.empty(len(total))
    for block in np.unique(blocks):
        own = blocks == block
        seen = own & ~rows.never if not rows.never[own].all() else own
        spread[own] = np.sqrt(squares[seen].sum() / known[seen].sum())
    return centre, spread
