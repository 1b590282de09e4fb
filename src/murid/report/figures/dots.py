"""Every animal a dot: behaviours side by side, groups beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from murid.report.colours import INK, pick
from murid.report.figures.style import PAGE, canvas, grid, styled
from murid.report.words import readable, short


@styled
def by_behaviour(
    table: pd.DataFrame, values: Mapping[str, str], colours: Mapping[str, str], groups: Sequence[str]
) -> Figure:
    """Draw one panel a measure, one column of dots a behaviour and group.

    Parameters
    ----------
    table : DataFrame
        ``behaviour, group`` and one column a measure; one row an animal and behaviour.
    values : mapping of column to axis label
    colours : mapping of group to colour
    groups : sequence of str
        In order; ``[""]`` when there are none.
    """
    behaviours = list(dict.fromkeys(table["behaviour"]))
    figure = canvas(PAGE, 1.75 * len(values) + 0.9)
    axes = figure.subplots(len(values), 1, sharex=True, squeeze=False).ravel()
    for ax, (column, label) in zip(axes, values.items(), strict=True):
        for g, group in enumerate(groups):
            own = table[table["group"] == group]
            samples = [own.loc[own["behaviour"] == b, column].dropna().to_numpy(float) for b in behaviours]
            offset = (g - (len(groups) - 1) / 2) * 0.8 / len(groups)
            for k, sample in enumerate(samples):
                column_of_dots(ax, k + offset, sample, pick(colours, group), 0.55 / len(groups))
        ax.set_ylabel(label)
        ax.set_ylim(bottom=0)
        grid(ax)
    axes[-1].set_xticks(range(len(behaviours)), [short(readable(b), 16) for b in behaviours])
    axes[-1].set_xlim(-0.6, len(behaviours) - 0.4)
    if sum(len(b) for b in behaviours) > 95:
        axes[-1].tick_params(axis="x", rotation=30)
        for text in axes[-1].get_xticklabels():
            text.set_ha("right")
            text.set_rotation_mode("anchor")
    if len(groups) > 1:
        handles = [Line2D([], [], marker="o", linestyle="", color=pick(colours, g), label=g) for g in groups]
        figure.legend(handles=handles, loc="outside upper right", ncols=len(groups))
    return figure


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
    at = x + spread(values, width)
    ax.scatter(at[full], values[full], s=17, color=colour, alpha=0.85, linewidths=0, zorder=3)
    ax.scatter(at[~full], values[~full], s=17, facecolors="white", edgecolors=colour, linewidths=1, zorder=3)
    ax.plot([x - width * 0.55, x + width * 0.55], [values.mean()] * 2, color=INK, linewidth=1.6, zorder=4)


def spread(values: np.ndarray, width: float) -> np.ndarray:
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
