"""Matrices as heat maps with readable cells."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure

from murid.plot.colours import HEAT, NONE, text_on
from murid.plot.number_text import short
from murid.plot.style import PAGE, bare, canvas, colourbar, slanted, styled

#: Cells carry their number up to this many.
MAX_WRITTEN = 320


@styled
def matrix(
    table: pd.DataFrame,
    *,
    label: str,
    low: float | None = None,
    high: float | None = None,
    fmt: str = "{:.2f}",
    xlabel: str = "",
    ylabel: str = "",
    square: bool = False,
) -> Figure:
    """Draw a table as a heat map.

    Parameters
    ----------
    table : DataFrame (row, column)
        Numbers; NaN cells are grey.
    label : str
        What the colour means, with unit.
    low, high : float, optional
        Ends of the colour scale.
    fmt : str
        How a cell's number is written.
    xlabel, ylabel : str
    square : bool
        Rows and columns are the same things: cells are nearly square.
    """
    values = table.to_numpy(float)
    n_rows, n_cols = values.shape
    height = 1.25 + (0.465 if square else 0.27) * n_rows
    width = min(PAGE, 2.6 + 0.62 * n_cols)
    figure = canvas(width, height)
    ax = figure.subplots()
    norm = Normalize(np.nanmin(values) if low is None else low, np.nanmax(values) if high is None else high)
    shades = colormaps[HEAT].with_extremes(bad=NONE)
    drawn = ax.imshow(np.ma.masked_invalid(values), aspect="auto", cmap=shades, norm=norm, interpolation="nearest")
    bare(ax)
    ax.set_xticks(range(n_cols), [short(c, 18) for c in table.columns])
    ax.set_yticks(range(n_rows), [short(r, 26) for r in table.index])
    ax.tick_params(length=0)
    if max(map(len, map(str, table.columns)), default=0) * 0.075 > (width - 2.6) / max(n_cols, 1):
        slanted(ax, 35)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    for edge in np.arange(0.5, n_cols - 1):
        ax.axvline(edge, color="white", linewidth=1)
    for edge in np.arange(0.5, n_rows - 1):
        ax.axhline(edge, color="white", linewidth=1)
    if values.size <= MAX_WRITTEN:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = text_on(to_hex(shades(norm(value))))
                ax.text(j, i, fmt.format(value), ha="center", va="center", fontsize=7.2, color=colour)
    # A bar of few rows is shorter than its label.
    label = "\n".join(textwrap.wrap(label, max(14, round((height - 0.75) / 0.075))))
    colourbar(figure, drawn, ax, label, shrink=1.0 if n_rows < 8 else 0.7)
    return figure
