"""Rest or transit: two Gaussians on the logarithm of a speed (Berman et al. 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from murid.data.errors import fail
from murid.learn.fitted_part import Fitted

#: Speeds below this share of the median count as this much: a point that does not move at all has no logarithm.
FLOOR = 1e-3


@dataclass(frozen=True)
class RestGate(Fitted):
    """Fitted mixture; component 0 is rest, the slower one.

    Parameters
    ----------
    mean, sd, weight : (2,) arrays
        Of log10 speed.
    floor : float
        Slowest speed that is distinguished from 0.
    """

    mean: np.ndarray
    sd: np.ndarray
    weight: np.ndarray
    floor: float

    def probability(self, speed: np.ndarray) -> np.ndarray:
        """Probability of rest, float64 (time,); NaN where the speed is.

        1 below the mean of rest, since the wider component would otherwise win again at the slow end.
        """
        x = np.log10(np.maximum(speed, self.floor))
        density = self.weight * np.exp(-0.5 * ((x[:, None] - self.mean) / self.sd) ** 2) / self.sd
        p = density[:, 0] / np.maximum(density.sum(axis=1), 1e-300)
        p = np.where(x <= self.mean[0], 1.0, np.where(x >= self.mean[1], 0.0, p))
        return np.where(np.isnan(x), np.nan, p)


def fit_rest(speeds: Sequence[np.ndarray], *, iterations: int = 500, tolerance: float = 1e-8) -> RestGate:
    """Fit two Gaussians to log10 of the speeds of all tracks, by expectation-maximisation from the quartiles."""
    v = np.concatenate([np.asarray(s, np.float64) for s in speeds])
    v = v[np.isfinite(v)]
    if v.size < 20 or np.ptp(v) == 0:
        fail("rest", "speeds do not differ", expected="at least 20 different speeds", got=str(np.unique(v).size))
    floor = float(max(FLOOR * np.median(v), 1e-12))
    x = np.log10(np.maximum(v, floor))
    mean, sd, weight = np.quantile(x, [0.25, 0.75]), np.full(2, max(x.std() / 2, 1e-6)), np.full(2, 0.5)
    least, before = 0.05 * x.std(), -np.inf
    for _ in range(iterations):
        density = weight * np.exp(-0.5 * ((x[:, None] - mean) / sd) ** 2) / sd
        total = np.maximum(density.sum(axis=1), 1e-300)
        share = density / total[:, None]
        mass = np.maximum(share.sum(axis=0), 1e-9)
        weight, mean = mass / len(x), share.T @ x / mass
        sd = np.maximum(np.sqrt((share * (x[:, None] - mean) ** 2).sum(axis=0) / mass), least)
        now = float(np.log(total).mean())
        if abs(now - before) < tolerance:
            break
        before = now
    order = np.argsort(mean)
    return RestGate(mean[order], sd[order], weight[order], floor)
