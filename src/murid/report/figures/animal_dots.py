"""Every animal (or pair, or recording) a dot: behaviours side by side, groups beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from murid.plot.colours import pick_colour
from murid.plot.dot_columns import column_of_dots
from murid.plot.number_text import readable, short
from murid.plot.style import PAGE, canvas, grid, slanted, styled


@styled
def draw_dots_by_behaviour(
    table: pd.DataFrame, values: Mapping[str, str], colours: Mapping[str, str], groups: Sequence[str]
) -> Figure:
    """Draw one panel a measure, one column of dots a behaviour and group.

    Parameters
    ----------
    table : DataFrame
        ``behaviour, group`` and one column a measure; one row a dot and behaviour.
    values : mapping of column to axis label
    colours : mapping of group to colour
    groups : sequence of str
        In order; ``[""]`` when there are none. The legend gives the number of dots of each.
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
                column_of_dots(ax, k + offset, sample, pick_colour(colours, group), 0.55 / len(groups))
        ax.set_ylabel(label)
        # A little below 0, so that dots of animals that never did it are whole.
        ax.set_ylim(bottom=-0.04 * max(ax.get_ylim()[1], 1e-9))
        grid(ax)
    axes[-1].set_xticks(range(len(behaviours)), [short(readable(b), 16) for b in behaviours])
    axes[-1].set_xlim(-0.6, len(behaviours) - 0.4)
    if sum(len(b) for b in behaviours) > 95:
        slanted(axes[-1])
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=4.5, color=pick_colour(colours, g), label=_named(table, g))
        for g in groups
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=min(3, len(groups)))
    return figure


def _named(table: pd.DataFrame, group: str) -> str:
    """Return a group with its number of dots: those of the behaviour that has most."""
    n = table.loc[table["group"] == group, "behaviour"].value_counts().max()
    return f"{short(group)} (n = {n})" if group else f"n = {n}"
