"""Every animal a dot: columns of dots that do not hide each other."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from murid.plot.colours import INK


def column_of_dots(
    ax: Axes, x: float, values: np.ndarray, colour: str, width: float, *, hollow: np.ndarray | None = None
) -> None:
    """Draw values as dots that do not hide each other, and a line at their mean.

    Parameters
    ----------
    ax : Axes
    x : float
        Middle of the column.
    values : array (animal,)
    colour : str
    width : float
        Of the column, in data units.
    hollow : bool array, optional
        Dots drawn empty (censored values).
    """
    if values.size == 0:
        return
    full = np.ones(values.size, bool) if hollow is None else ~hollow
    at = x + sideways_shifts(values, width)
    ax.scatter(at[full], values[full], s=17, color=colour, alpha=0.85, linewidths=0, zorder=3)
    ax.scatter(at[~full], values[~full], s=17, facecolors="white", edgecolors=colour, linewidths=1, zorder=3)
    ax.plot([x - width * 0.55, x + width * 0.55], [values.mean()] * 2, color=INK, linewidth=1.6, zorder=4)


def sideways_shifts(values: np.ndarray, width: float) -> np.ndarray:
    """Sideways shifts, within ± width / 2, that part values lying close together; the same every time."""
    span = np.ptp(values) or 1.0
    shifts = np.zeros(values.size)
    order = np.argsort(values, kind="stable")
    placed: list[tuple[float, float]] = []
    steps = [0.0, *(s * w for w in (0.25, 0.5, 0.75, 1.0) for s in (1, -1))]
    for i in order:
        gaps = []
        for step in steps:
            near = [((values[i] - v) / (0.09 * span)) ** 2 + ((step - s) / 0.3) ** 2 for v, s in placed]
            gap = min(near, default=np.inf)
            gaps.append(gap)
            if gap >= 1:
                break
        best = steps[int(np.argmax(np.minimum(gaps, 1.0)))]
        placed.append((float(values[i]), best))
        shifts[i] = best * width / 2
    return shifts
