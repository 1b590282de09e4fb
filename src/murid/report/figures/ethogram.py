"""Ethograms: coloured bars along time, one row a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from murid.plot.colours import GREY, INK, pick_colour
from murid.plot.ethograms import NOT_SCORED, draw_bouts, draw_scored, legend_of
from murid.plot.number_text import short
from murid.plot.style import PAGE, canvas, styled
from murid.report.figures.group_legend import legend_of_groups

#: Time that is hatched where a method could not learn all behaviours.
NOT_KNOWN = "not known"
#: Time that is hatched where a method gave no state: the animal was not seen well enough.
NO_STATE = "no state"


#: A narrow screen shows the left of a figure: the legend has to end there.
LEGEND_COLUMNS = 4


@dataclass(frozen=True)
class Row:
    """One recording of `draw_ethogram`.

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
    scored: Mapping[str, pd.DataFrame] = field(default_factory=dict)


@styled
def draw_ethogram(
    rows: Sequence[Row],
    colours: Mapping[str, str],
    group_colours: Mapping[str, str],
    legend: Sequence[str],
    *,
    gap: str = NOT_SCORED,
) -> Figure:
    """Draw what every animal did over time.

    Parameters
    ----------
    rows : sequence of Row
    colours : mapping of behaviour to colour
    group_colours : mapping of group to colour
    legend : sequence of str
        Behaviours named below the figure.
    gap : str
        What the legend calls time that is hatched.
    """
    kinds = list(dict.fromkeys(k for row in rows for k in row.tracks))
    per_row = 0.24 * len(kinds) + 0.12
    n_legend = -(-len(legend) // LEGEND_COLUMNS)
    several = len({row.group for row in rows if row.group}) > 1
    figure = canvas(PAGE, 0.9 + 0.2 * several + per_row * len(rows) + 0.24 * n_legend)
    ax = figure.subplots()
    minutes = max(row.duration_s for row in rows) / 60
    ticks = []
    for k, row in enumerate(rows):
        for j, kind in enumerate(kinds):
            y = k * (len(kinds) + 0.45) + j
            if kind in row.tracks:
                draw_scored(ax, row.scored.get(kind, whole(row.duration_s)), 0.0, row.duration_s, y - 0.43, 0.86)
                draw_bouts(ax, row.tracks[kind], colours, y - 0.43, 0.86)
            if len(kinds) > 1:
                ax.text(minutes * 1.006, y, kind, va="center", fontsize=6.8, color=GREY, clip_on=False)
        ticks.append(k * (len(kinds) + 0.45) + (len(kinds) - 1) / 2)
    ax.set_yticks(ticks, [short(row.name, 20) for row in rows])
    for text, row in zip(ax.get_yticklabels(), rows, strict=True):
        text.set_color(pick_colour(group_colours, row.group) if row.group else INK)
    ax.set_ylim(ticks[-1] + len(kinds) / 2 + 0.2, -0.7)
    ax.set_xlim(0, minutes)
    ax.set_xlabel("time (min)")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    gaps = any(has_gap(row, kind) for row in rows for kind in row.tracks)
    handles = legend_of(legend, colours, not_scored=gaps, gap=gap)
    columns = min(LEGEND_COLUMNS, len(handles))
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, handlelength=1.2)
    legend_of_groups(figure, [row.group for row in rows], group_colours)
    return figure


def whole(duration_s: float) -> pd.DataFrame:
    """One scored stretch: the whole recording."""
    return pd.DataFrame({"start_s": [0.0], "stop_s": [duration_s]})


def has_gap(row: Row, kind: str) -> bool:
    """True when more than a second of a track was not scored."""
    return _length(row.scored.get(kind, whole(row.duration_s))) < row.duration_s - 1.0


def has_white(row: Row, kind: str) -> bool:
    """True when more than a second of a track was scored and shows no bout."""
    return _length(row.tracks[kind]) < _length(row.scored.get(kind, whole(row.duration_s))) - 1.0


def _length(spans: pd.DataFrame) -> float:
    """Seconds covered by any of the spans: those of several animals lie on each other in one bar."""
    ordered = spans[["start_s", "stop_s"]].sort_values("start_s").to_numpy(float)
    if not len(ordered):
        return 0.0
    before = np.r_[-np.inf, np.maximum.accumulate(ordered[:, 1])[:-1]]
    return float(np.clip(ordered[:, 1] - np.maximum(ordered[:, 0], before), 0, None).sum())
