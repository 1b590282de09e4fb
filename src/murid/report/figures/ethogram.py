"""Ethograms: coloured bars along time, one row a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from murid.report.colours import GREY, INK, PALE, pick
from murid.report.figures.style import PAGE, canvas, styled
from murid.report.words import readable, short


@dataclass(frozen=True)
class Row:
    """One recording of `ethogram`.

    Attributes
    ----------
    name, group : str
    tracks : mapping of str to DataFrame
        What is shown (``"labels"``, ``"model"``) → bouts ``start_s, stop_s, label``; drawn top to bottom.
    duration_s : float
    """

    name: str
    group: str
    tracks: Mapping[str, pd.DataFrame]
    duration_s: float


@styled
def ethogram(
    rows: Sequence[Row], colours: Mapping[str, str], group_colours: Mapping[str, str], legend: Sequence[str]
) -> Figure:
    """Draw what every animal did over time.

    Parameters
    ----------
    rows : sequence of Row
    colours : mapping of behaviour to colour
    group_colours : mapping of group to colour
    legend : sequence of str
        Behaviours named below the figure.
    """
    kinds = list(dict.fromkeys(k for row in rows for k in row.tracks))
    per_row = 0.24 * len(kinds) + 0.12
    n_legend = -(-len(legend) // 6)
    figure = canvas(PAGE, 0.9 + per_row * len(rows) + 0.24 * n_legend)
    ax = figure.subplots()
    minutes = max(row.duration_s for row in rows) / 60
    ticks = []
    for k, row in enumerate(rows):
        for j, kind in enumerate(kinds):
            y = k * (len(kinds) + 0.45) + j
            ax.barh(y, row.duration_s / 60, height=0.86, color="white", edgecolor=PALE, linewidth=0.5)
            if kind in row.tracks:
                draw_bouts(ax, row.tracks[kind], colours, y - 0.43, 0.86)
            if len(kinds) > 1:
                ax.text(minutes * 1.006, y, kind, va="center", fontsize=6.8, color=GREY, clip_on=False)
        ticks.append(k * (len(kinds) + 0.45) + (len(kinds) - 1) / 2)
    ax.set_yticks(ticks, [short(row.name, 20) for row in rows])
    for text, row in zip(ax.get_yticklabels(), rows, strict=True):
        text.set_color(pick(group_colours, row.group) if row.group else INK)
    ax.set_ylim(ticks[-1] + len(kinds) / 2 + 0.2, -0.7)
    ax.set_xlim(0, minutes)
    ax.set_xlabel("time (min)")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    handles = [
        Patch(facecolor=pick(colours, b), edgecolor=GREY, linewidth=0.4, label=short(readable(b))) for b in legend
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)), handlelength=1.2)
    return figure


def draw_bouts(ax: Axes, bouts: pd.DataFrame, colours: Mapping[str, str], bottom: float, height: float) -> None:
    """Draw bouts as bars; `bottom` and `height` in data units, time in minutes."""
    for label, own in bouts.groupby("label", sort=False):
        spans = [(a / 60, (b - a) / 60) for a, b in zip(own["start_s"], own["stop_s"], strict=True)]
        ax.broken_barh(spans, (bottom, height), facecolors=pick(colours, str(label)), linewidth=0, rasterized=True)
