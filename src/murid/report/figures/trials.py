"""Trials: the preview of a rule table on the timeline, and rasters of states around an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from murid.data.meet import column_of
from murid.data.recording import Recording
from murid.data.states import behaviour_names
from murid.ethogram.bouts import bouts_of
from murid.plot.colours import GREY, NONE
from murid.plot.ethograms import draw_bouts
from murid.plot.number_text import readable, short
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
    colours = colours or dict(zip(names, _palette(len(names)), strict=True))
    figure = canvas(PAGE, 0.9 + 0.26 * len(names))
    ax = figure.subplots()
    bouts, known = bouts_of(one), float((one.values >= 0).mean())
    for k, name in enumerate(names):
        own = bouts[bouts["label"] == name]
        draw_bouts(ax, own, colours, k - 0.4, 0.8)
        share = float((one.values == k).mean())
        note = f"{share:.0%}, {len(own)} bouts"
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
    ax.set_xlabel(f"time (min); highest priority on top, {1 - known:.0%} unknown")
    return figure


def preview_of_recording(
    recording: Recording, states: xr.DataArray, _tables: Mapping[str, pd.DataFrame] | None = None
) -> Figure:
    """Draw the pseudo-labels of a recording with its events; the figure of the analysis `preview`.

    Of several individuals the first is drawn, with its name; the table of the run has all.
    """
    first = str(states["individual"].values[0])
    figure = preview(states.sel(individual=[first]), recording.events)
    if states.sizes["individual"] > 1:
        figure.suptitle(first)
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
        Trials from top to bottom.
    colours : sequence of str, optional
        One a state.
    legend : bool
        Name the states below (leave out for dozens of microstates).
    """
    names = list(trials.attrs["behaviours"])
    shades = ListedColormap([NONE, *(colours or _palette(len(names)))])
    values = trials.values if order is None else trials.values[np.asarray(order)]
    lag = trials["lag"].values
    figure = canvas(PAGE, 1.2 + 0.055 * max(len(values), 20) + (0.22 * -(-len(names) // 6) if legend else 0))
    ax = figure.subplots()
    ax.imshow(
        values,
        aspect="auto",
        cmap=shades,
        norm=BoundaryNorm(np.arange(-1.5, len(names) + 0.5), shades.N),
        extent=(lag[0], lag[-1], len(values), 0),
        interpolation="nearest",
    )
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_xlabel("time from the event (s)")
    ax.set_ylabel("trial")
    if legend:
        handles = [Patch(facecolor=shades(k + 1), label=short(readable(n))) for k, n in enumerate(names)]
        figure.legend(handles=handles, loc="outside lower center", ncols=6, handlelength=1.2)
    return figure


def _palette(n: int) -> list[str]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    base = colormaps["tab10"] if n <= 10 else colormaps["turbo"]
    return [to_hex(base(k if n <= 10 else k / max(n - 1, 1))) for k in range(n)]


__all__ = ["preview", "preview_of_recording", "trial_raster"]
