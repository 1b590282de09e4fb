"""Trials: the preview of a rule table on the timeline, and rasters of states around an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import colormaps
from matplotlib.colors import BoundaryNorm, ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from murid.data.meet import column_of
from murid.data.recording import Recording
from murid.data.states import behaviour_names
from murid.ethogram.bouts import BOUTS, bouts_of
from murid.plot.colours import BEHAVIOURS, GREY, NONE, colours_of
from murid.plot.ethograms import draw_bouts, legend_of
from murid.plot.number_text import count, readable, short
from murid.plot.style import PAGE, canvas, styled


@styled
def preview(
    states: xr.DataArray, events: pd.DataFrame | None = None, colours: Mapping[str, str] | None = None
) -> Figure:
    """Draw one row a pseudo-label along the recording, with the events as lines.

    Parameters
    ----------
    states : DataArray (time, individual)
        Exclusive states, e.g. of ``method.preview(recording)``, of one individual.
    events : DataFrame, optional
        ``time_s, label``.
    colours : mapping, optional
        Label → colour.
    """
    names, one = behaviour_names(states), states[:, [column_of(states, subject="preview")]]
    colours = colours or palette_of(names)
    figure = canvas(PAGE, 0.9 + 0.26 * len(names))
    ax = figure.subplots()
    bouts, known = BOUTS.rows(bouts_of(one)), float((one.values >= 0).mean())
    for k, name in enumerate(names):
        own = bouts.having(bouts.label == name)
        draw_bouts(ax, own.frame, colours, k - 0.4, 0.8)
        share = float((one.values == k).mean())
        note = f"{100 * share:.0f} %, {count(len(own), 'bout')}"
        ax.text(1.006, k, note, transform=ax.get_yaxis_transform(), va="center", fontsize=6.8, color=GREY)
    if events is not None and len(events):
        kinds = list(dict.fromkeys(events["label"]))
        for kind, style in zip(kinds, ["-", "--", ":", "-."] * (1 + len(kinds) // 4), strict=False):
            times = events.loc[events["label"] == kind, "time_s"].to_numpy(float) / 60
            ax.vlines(
                times, -0.6, len(names) - 0.4, color=GREY, linewidth=0.6, linestyle=style, label=readable(str(kind))
            )
        figure.legend(loc="outside lower center", ncols=6)
    ax.set_yticks(range(len(names)), [short(readable(n), 20) for n in names])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(float(states["time"].values[0]) / 60, float(states["time"].values[-1]) / 60)
    ax.set_xlabel(f"time (min); highest priority on top, {100 * (1 - known):.0f} % unknown")
    return figure


@styled
def preview_of_recording(
    recording: Recording, states: xr.DataArray, _tables: Mapping[str, pd.DataFrame] | None = None
) -> Figure:
    """Draw the pseudo-labels of a recording with its events; the figure of the analysis `preview`.

    Of several individuals the first is drawn, with its name; the table of the run has all.
    """
    first = str(states["individual"].values[0])
    figure = preview(states.sel(individual=[first]), recording.events)
    n = states.sizes["individual"]
    if n > 1:
        figure.suptitle(f"{short(first)}, the first of {n} individuals", fontsize=9, x=0.01, ha="left")
    return figure


@styled
def trial_raster(
    trials: xr.DataArray,
    *,
    order: Sequence[int] | None = None,
    colours: Sequence[str] | None = None,
    legend: bool = True,
) -> Figure:
    """Draw the states around an event, one row a trial.

    Parameters
    ----------
    trials : DataArray (trial, lag)
        From `ethogram.trials.raster`.
    order : sequence of int, optional
        Trials from top to bottom, by place in `trials`; as they come by default.
    colours : sequence of str, optional
        One a state.
    legend : bool
        Name the states below (leave out for dozens of microstates).

    Returns
    -------
    Figure
        Hatched: not known in that trial at that time.
    """
    names = [str(b) for b in trials.attrs["behaviours"]]
    shade = dict(zip(names, colours, strict=True)) if colours is not None else palette_of(names)
    values = trials.values if order is None else trials.values[np.asarray(order)]
    lag = trials["lag"].values
    step = float(np.median(np.diff(lag))) if len(lag) > 1 else 1.0
    figure = canvas(PAGE, 1.2 + 0.055 * max(len(values), 20) + (0.22 * -(-len(names) // 6) if legend else 0))
    ax = figure.subplots()
    ax.patch.set(facecolor=NONE, edgecolor=GREY, hatch="////", linewidth=0)
    ax.imshow(
        np.ma.masked_less(values, 0),
        aspect="auto",
        cmap=ListedColormap([shade[b] for b in names]).with_extremes(bad=(0, 0, 0, 0)),
        norm=BoundaryNorm(np.arange(-0.5, len(names)), len(names)) if len(names) > 1 else None,
        # A sample holds from its time on: what begins at the event begins at the line.
        extent=(float(lag[0]), float(lag[-1]) + step, len(values) + 0.5, 0.5),
        interpolation="nearest",
    )
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_xlabel("time from the event (s)")
    ax.set_ylabel(f"trials (n = {len(values)})")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    if legend:
        handles = legend_of(names, shade, not_scored=bool((values < 0).any()), gap="not known")
        figure.legend(handles=handles, loc="outside lower center", ncols=6, handlelength=1.2)
    return figure


def palette_of(names: Sequence[str]) -> dict[str, str]:
    """Colours of states: those of every figure, or a rainbow where these would repeat (dozens of microstates)."""
    if len(names) <= len(BEHAVIOURS):
        return colours_of(names)
    return {name: to_hex(colormaps["turbo"](k / (len(names) - 1))) for k, name in enumerate(names)}


__all__ = ["preview", "preview_of_recording", "trial_raster"]
