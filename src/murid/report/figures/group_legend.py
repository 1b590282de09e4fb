"""Which group a colour of names and titles stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from murid.plot.colours import pick_colour
from murid.plot.number_text import short


def legend_of_groups(figure: Figure, groups: Iterable[str], colours: Mapping[str, str]) -> None:
    """Write the names of the groups above a figure, each in its colour; nothing where there is one group or none."""
    names = [g for g in dict.fromkeys(groups) if g]
    if len(names) < 2:
        return
    figure.legend(
        handles=[Line2D([], [], linestyle="", label=short(g)) for g in names],
        # At the left, where a narrow screen begins.
        loc="outside upper left",
        ncols=min(4, len(names)),
        labelcolor=[pick_colour(colours, g) for g in names],
        handlelength=0,
    )
