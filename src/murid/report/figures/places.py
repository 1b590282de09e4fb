"""Where animals were: tracks and occupancy, with the zones drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon

from murid.data.zones import Zone
from murid.report.colours import GREY, HEAT, INK
from murid.report.figures.style import PAGE, bare, canvas, colourbar, styled
from murid.report.words import number, short

#: Panels beside each other.
COLUMNS = 4
#: Lengths a scale bar may have.
_BARS = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])


@dataclass(frozen=True)
class TrackPanel:
    """One panel of `trajectories`.

    Attributes
    ----------
    title : str
    colour : str
    tracks : sequence of array (time, 2)
        One an animal; NaN where not seen.
    zones : sequence of Zone
        In the same unit.
    """

    title: str
    colour: str
    tracks: Sequence[np.ndarray]
    zones: Sequence[Zone]


@styled
def trajectories(panels: Sequence[TrackPanel], unit: str) -> Figure:
    """Draw the path of each recording.

    Parameters
    ----------
    panels : sequence of TrackPanel
    unit : str
        Of tracks and zones: ``"cm"`` or ``"px"``.
    """
    n_rows = -(-len(panels) // COLUMNS)
    figure = canvas(PAGE, 2.45 * n_rows + 0.1)
    axes = figure.subplots(n_rows, COLUMNS, squeeze=False).ravel()
    for ax, panel in zip(axes, panels, strict=False):
        for k, xy in enumerate(panel.tracks):
            ax.plot(*xy.T, color=panel.colour if k == 0 else GREY, linewidth=0.55, alpha=0.85, rasterized=True)
        low, high = limits(panel.zones, panel.tracks)
        draw_zones(ax, panel.zones)
        frame(ax, low, high, unit)
        ax.set_title(short(panel.title, 28), color=panel.colour)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
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


def draw_zones(ax: Axes, zones: Sequence[Zone]) -> None:
    """Outline zones; the arena in full lines, zones inside it dashed."""
    for zone in zones:
        arena = zone.kind == "arena" or zone.name == "arena"
        look: dict[str, object] = {"fill": False, "edgecolor": INK if arena else GREY}
        look |= {"linewidth": 1.1, "linestyle": "-"} if arena else {"linewidth": 0.8, "linestyle": (0, (3, 2))}
        if zone.polygon is not None:
            ax.add_patch(Polygon(zone.polygon, closed=True, **look))  # type: ignore[arg-type]
        else:
            ax.add_patch(Circle(zone.centre, zone.radius, **look))  # type: ignore[arg-type]


def limits(zones: Sequence[Zone], tracks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Corners (low, high) that hold the zones and nearly all of the tracks."""
    points = [zone_box(z) for z in zones]
    for xy in tracks:
        known = xy[np.isfinite(xy).all(axis=1)]
        if len(known):
            points.append(np.percentile(known, [0.5, 99.5], axis=0))
    if not points:
        return np.zeros(2), np.ones(2)
    all_points = np.concatenate(points)
    return all_points.min(axis=0), all_points.max(axis=0)


def zone_box(zone: Zone) -> np.ndarray:
    """Corners of the box around a zone, (2, 2)."""
    if zone.polygon is not None:
        return np.stack([zone.polygon.min(axis=0), zone.polygon.max(axis=0)])
    middle = np.asarray(zone.centre, float)
    return np.stack([middle - zone.radius, middle + zone.radius])


def bar_length(size: float) -> float:
    """Return a round length near a quarter of what is drawn."""
    return float(_BARS[np.argmin(np.abs(_BARS - 0.25 * size))])


def frame(ax: Axes, low: np.ndarray, high: np.ndarray, unit: str) -> None:
    """Set equal scales, y down as in the picture, and a scale bar below the arena."""
    bare(ax)
    size = float(max(high - low))
    margin = 0.04 * size
    length = bar_length(size)
    y = high[1] + 0.06 * size
    ax.plot([low[0], low[0] + length], [y, y], color=INK, linewidth=2, solid_capstyle="butt")
    ax.text(low[0] + length + 0.02 * size, y, f"{number(length)} {unit}", va="center", fontsize=7.5)
    ax.set_xlim(low[0] - margin, high[0] + margin)
    ax.set_ylim(high[1] + 0.12 * size, low[1] - margin)
    ax.set_aspect("equal")
