"""Ethograms: coloured bars along time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from murid.data.states import behaviour_names
from murid.ethogram import bouts_of, scored_of
from murid.plot.colours import GREY, NONE, PALE, colours_of, pick_colour
from murid.plot.number_text import readable, short
from murid.plot.style import PAGE, axes_of, styled

__all__ = ["ethogram"]

NOT_SCORED = "not scored"


@styled
def ethogram(states: xr.DataArray, *, colours: Mapping[str, str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw which behaviour happened when, one row an individual.

    Where behaviours may overlap, each has a row of its own.

    Parameters
    ----------
    states : DataArray (time, individual[, behaviour])
        States. Time that was scored without any behaviour is white, time that was not scored is hatched.
    colours : mapping of behaviour to colour, optional
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes
        The x axis is time in minutes.

    Examples
    --------
    >>> import numpy as np
    >>> import murid
    >>> import murid.plot
    >>> states = murid.make_states(np.repeat([0, 1, -1], 50), np.arange(150) / 10, ["rest", "groom"])
    >>> ax = murid.plot.ethogram(states)
    >>> [t.get_text() for t in ax.get_legend().get_texts()]
    ['rest', 'groom', 'not scored']
    """
    names = behaviour_names(states)
    shades = dict(colours) if colours is not None else colours_of(names)
    people = [str(i) for i in states["individual"].values]
    bouts, scored = bouts_of(states), _scored_of(states, names)
    separate = "behaviour" in states.dims
    rows = [(p, b) for p in people for b in (names if separate else [""])]
    ax = axes_of(ax, PAGE, max(0.9 + 0.3 * len(rows), 0.4 + 0.19 * (len(names) + 1)))
    time = states["time"].values
    start, stop = float(time[0]), float(time[-1])
    for k, (person, behaviour) in enumerate(rows):
        own = bouts[(bouts["individual"] == person) & ((bouts["label"] == behaviour) | (behaviour == ""))]
        spans = scored[behaviour]
        draw_scored(ax, spans[spans["individual"] == person], start, stop, k - 0.4, 0.8)
        draw_bouts(ax, own, shades, k - 0.4, 0.8)
    labels = [" ".join(filter(None, (p if len(people) > 1 or not b else "", readable(b)))) for p, b in rows]
    ax.set_yticks(range(len(rows)), [short(text, 24) for text in labels])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(start / 60, max(stop, start + 1e-9) / 60)
    ax.set_xlabel("time (min)")
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    handles = legend_of([b for b in shades if b in names], shades, not_scored=bool((states.values < 0).any()))
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=1.2)
    return ax


def _scored_of(states: xr.DataArray, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Scored time of each behaviour that has a row of its own: one may be scored while another is not; else of all."""
    if "behaviour" not in states.dims:
        return {"": scored_of(states)}
    return {b: scored_of(states.sel(behaviour=[b])) for b in names}


def legend_of(
    names: Sequence[str], colours: Mapping[str, str], *, not_scored: bool, gap: str = NOT_SCORED
) -> list[Patch]:
    """Return one patch a behaviour, and one for time that was not scored (called `gap`) where there is some."""
    handles = [
        Patch(facecolor=pick_colour(colours, b), edgecolor=GREY, linewidth=0.4, label=short(readable(b))) for b in names
    ]
    if not_scored:
        handles.append(Patch(facecolor=NONE, edgecolor=GREY, hatch="////", linewidth=0.0, label=gap))
    return handles


def draw_scored(ax: Axes, scored: pd.DataFrame, start_s: float, stop_s: float, bottom: float, height: float) -> None:
    """Draw one row's background: hatched, and white where it was scored.

    Parameters
    ----------
    ax : Axes
        Its x axis is in minutes.
    scored : DataFrame
        ``start_s, stop_s`` of scored time.
    start_s, stop_s : float
        Stretch of the recording that is shown.
    bottom, height : float
        Of the row, in data units.
    """
    wide = (stop_s - start_s) / 60
    ax.add_patch(
        Rectangle((start_s / 60, bottom), wide, height, facecolor=NONE, edgecolor=GREY, hatch="////", linewidth=0.0)
    )
    spans = [(a / 60, (b - a) / 60) for a, b in zip(scored["start_s"], scored["stop_s"], strict=True)]
    ax.broken_barh(spans, (bottom, height), facecolors="white", linewidth=0)
    ax.add_patch(Rectangle((start_s / 60, bottom), wide, height, fill=False, edgecolor=PALE, linewidth=0.5))


def draw_bouts(ax: Axes, bouts: pd.DataFrame, colours: Mapping[str, str], bottom: float, height: float) -> None:
    """Draw bouts as bars; `bottom` and `height` in data units, time in minutes."""
    for label, own in bouts.groupby("label", sort=False):
        spans = [(a / 60, (b - a) / 60) for a, b in zip(own["start_s"], own["stop_s"], strict=True)]
        ax.broken_barh(
            spans, (bottom, height), facecolors=pick_colour(colours, str(label)), linewidth=0, rasterized=True
        )
