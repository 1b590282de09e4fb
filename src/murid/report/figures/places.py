"""Where animals were: tracks and occupancy, with the zones drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from murid.data.zones import Zone
from murid.plot.colours import HEAT, lighter
from murid.plot.number_text import short
from murid.plot.places import draw_zones, frame, limits
from murid.plot.style import PAGE, canvas, colourbar, styled
from murid.report.figures.group_legend import legend_of_groups

#: Panels beside each other.
COLUMNS = 4
#: Share of white in the paths of further animals: any grey would look like a group.
OTHERS = 0.55


@dataclass(frozen=True)
class TrackPanel:
    """One panel of `draw_trajectories`.

    Attributes
    ----------
    title : str
    colour : str
    tracks : sequence of array (time, 2)
        One an animal, the first in `colour`, the others in a paler one; NaN where not seen.
    zones : sequence of Zone
        In the same unit.
    group : str
        What the colour stands for; "" for nothing.
    """

    title: str
    colour: str
    tracks: Sequence[np.ndarray]
    zones: Sequence[Zone]
    group: str = ""


@styled
def draw_trajectories(panels: Sequence[TrackPanel], unit: str) -> Figure:
    """Draw the path of each recording.

    Parameters
    ----------
    panels : sequence of TrackPanel
    unit : str
        Of tracks and zones: ``"cm"`` or ``"px"``.
    """
    n_cols = min(COLUMNS, len(panels))
    n_rows = -(-len(panels) // n_cols)
    figure = canvas(PAGE * n_cols / COLUMNS, 2.45 * n_rows + 0.1)
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    for ax, panel in zip(axes, panels, strict=False):
        for k, xy in enumerate(panel.tracks):
            colour = panel.colour if k == 0 else lighter(panel.colour, OTHERS)
            ax.plot(*xy.T, color=colour, linewidth=0.55, alpha=0.85, rasterized=True)
        low, high = limits(panel.zones, panel.tracks)
        draw_zones(ax, panel.zones)
        frame(ax, low, high, unit)
        ax.set_title(short(panel.title, 28), color=panel.colour)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    legend_of_groups(figure, [p.group for p in panels], {p.group: p.colour for p in panels})
    return figure


@styled
def occupancy(
    maps: Mapping[str, np.ndarray], extent: tuple[float, float, float, float], zones: Sequence[Zone], unit: str
) -> Figure:
    """Draw where time was spent.

    Parameters
    ----------
    maps : mapping of title to array (y, x)
        Percent of time in each cell.
    extent : (x low, x high, y low, y high)
        Of the maps, in `unit`.
    zones : sequence of Zone
    unit : str
    """
    n_cols = min(COLUMNS - 1, len(maps))
    n_rows = -(-len(maps) // n_cols)
    figure = canvas(min(PAGE, 2.7 * n_cols + 1.0), 2.8 * n_rows)
    axes = figure.subplots(n_rows, n_cols, squeeze=False).ravel()
    top = max(float(np.percentile(m, 99.5)) for m in maps.values())
    norm = PowerNorm(0.5, 0.0, max(top, 1e-9))
    low, high = np.array([extent[0], extent[2]]), np.array([extent[1], extent[3]])
    drawn = None
    for ax, (title, cells) in zip(axes, maps.items(), strict=False):
        drawn = ax.imshow(
            cells, extent=(low[0], high[0], high[1], low[1]), cmap=colormaps[HEAT], norm=norm, interpolation="nearest"
        )
        draw_zones(ax, zones)
        frame(ax, low, high, unit)
        ax.set_title(title)
    for ax in axes[len(maps) :]:
        ax.set_visible(False)
    bar = colourbar(figure, drawn, list(axes), "time per cell (%)", extend="max")
    bar.ax.minorticks_off()
    return figure
