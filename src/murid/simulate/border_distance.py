"""Distance to the border of a floor, tabulated once so that a step of an animal costs a look-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]

#: Grid step of the table (cm). Bilinear look-up is then exact to about 0.05 cm at corners.
STEP_CM = 0.25


@dataclass(frozen=True)
class Field:
    """Signed distance to the border (cm, positive inside) on a grid, with its gradient.

    Attributes
    ----------
    x0, y0 : float
        Coordinates of grid point (0, 0), cm.
    distance, grad_x, grad_y : array of shape (n_y, n_x)
        Signed distance and its gradient, which points away from the nearest border.
    """

    x0: float
    y0: float
    distance: Floats
    grad_x: Floats
    grad_y: Floats
    _rows: tuple = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Nested lists: indexing them from Python is several times faster than indexing arrays.
        rows = (self.distance.tolist(), self.grad_x.tolist(), self.grad_y.tolist())
        object.__setattr__(self, "_rows", rows)

    def at(self, x: float, y: float) -> float:
        """Signed distance at one point, cm."""
        rows = self._rows[0]
        u, v = (x - self.x0) / STEP_CM, (y - self.y0) / STEP_CM
        i = min(max(int(v), 0), len(rows) - 2)
        j = min(max(int(u), 0), len(rows[0]) - 2)
        u, v = min(max(u - j, 0.0), 1.0), min(max(v - i, 0.0), 1.0)
        low, high = rows[i], rows[i + 1]
        return (1 - v) * ((1 - u) * low[j] + u * low[j + 1]) + v * ((1 - u) * high[j] + u * high[j + 1])

    def inward(self, x: float, y: float) -> tuple[float, float]:
        """Unit vector at one point that leads away from the nearest border."""
        _, gx, gy = self._rows
        i = min(max(round((y - self.y0) / STEP_CM), 0), len(gx) - 1)
        j = min(max(round((x - self.x0) / STEP_CM), 0), len(gx[0]) - 1)
        a, b = gx[i][j], gy[i][j]
        norm = (a * a + b * b) ** 0.5 or 1.0
        return a / norm, b / norm

    def many(self, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
        """Signed distance and inward unit vector ``(d, nx, ny)`` at many points, any shape."""
        u, v = (x - self.x0) / STEP_CM, (y - self.y0) / STEP_CM
        j = np.clip(u.astype(np.int64), 0, self.distance.shape[1] - 2)
        i = np.clip(v.astype(np.int64), 0, self.distance.shape[0] - 2)
        u, v = np.clip(u - j, 0, 1), np.clip(v - i, 0, 1)
        weights = ((1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u)
        corners = ((i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1))
        d, gx, gy = (_weighted(table, weights, corners) for table in (self.distance, self.grad_x, self.grad_y))
        norm = np.hypot(gx, gy)
        norm[norm == 0] = 1.0
        return d, gx / norm, gy / norm


def _weighted(table: Floats, weights: tuple[Floats, ...], corners: tuple[tuple[NDArray[np.int64], ...], ...]) -> Floats:
    """Weighted sum of the table's values at the corners of each point's grid cell."""
    out = weights[0] * table[corners[0]]
    for weight, corner in zip(weights[1:], corners[1:], strict=True):
        out += weight * table[corner]
    return out


def distance_field(shape: BaseGeometry, margin_cm: float = 6.0) -> Field:
    """Tabulate the signed distance to the border of a shapely polygon, `margin_cm` beyond it too."""
    import shapely

    left, top, right, bottom = shape.bounds
    xs = np.arange(left - margin_cm, right + margin_cm + STEP_CM, STEP_CM)
    ys = np.arange(top - margin_cm, bottom + margin_cm + STEP_CM, STEP_CM)
    x, y = np.meshgrid(xs, ys)
    distance = shapely.distance(shapely.points(x, y), shape.boundary)
    shapely.prepare(shape)
    distance[~shapely.contains_xy(shape, x, y)] *= -1
    grad_y, grad_x = np.gradient(distance, STEP_CM)
    return Field(float(xs[0]), float(ys[0]), distance, grad_x, grad_y)
