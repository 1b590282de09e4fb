"""Where an animal was: its path, with the arena and the zones drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Patch, Polygon

from murid.data.errors import did_you_mean, fail
from murid.data.meet import zones_in
from murid.data.recording import Recording
from murid.data.units import LengthUnit
from murid.data.zones import Zone, Zones
from murid.features.named_points import points_of
from murid.plot.colours import GREY, GROUPS, INK
from murid.plot.number_text import number, short
from murid.plot.style import axes_of, bare, styled

__all__ = ["trajectory"]

#: Name under which an arena that nobody drew is outlined, dotted.
GUESSED = "guessed arena"
#: Lengths a scale bar may have.
_BARS = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000])


@styled
def trajectory(
    recording: Recording,
    *,
    zones: bool = True,
    individual: str | None = None,
    point: str = "centre",
    colour: str = GROUPS[0],
    ax: Axes | None = None,
) -> Axes:
    """Draw the path of one animal, y down as in the film, with a scale bar.

    Parameters
    ----------
    recording : Recording
        Its poses; in cm where a scale is known, else in pixels.
    zones : bool
        Outline the recording's zones: the arena in full lines, zones inside it dashed.
    individual : str, optional
        Whose path; the first animal's by default.
    point : str
        Role or keypoint that is drawn; the body centre by default.
    colour : str
    ax : Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    Axes

    Raises
    ------
    DataError
        The recording has no poses, or no such individual.

    Examples
    --------
    >>> import murid.plot
    >>> from murid import simulate
    >>> ax = murid.plot.trajectory(simulate.recording(duration_s=20.0, seed=1, id="m1"))
    >>> ax.get_title()
    'm1'
    """
    poses = recording.need("poses")
    people = [str(i) for i in poses["individual"].values]
    if individual is not None and individual not in people:
        fail("trajectory", f"no individual '{individual}'", todo=did_you_mean(individual, people))
    k = people.index(individual) if individual is not None else 0
    own = LengthUnit.of(poses.attrs)
    unit = own.shown
    xy = points_of(poses, point, recording.roles or None).values[:, :2, k] * own.to(unit)
    drawn = Zones(recording.zones.values()) if zones and recording.zones is not None else Zones()
    outlines = list(zones_in(drawn, replace(own, name=unit)).values())
    ax = axes_of(ax, 4.2, 4.2)
    ax.plot(*xy.T, color=colour, linewidth=0.7, alpha=0.85)
    draw_zones(ax, outlines)
    low, high = limits(outlines, [xy])
    frame(ax, low, high, unit)
    ax.set_title(
        short(recording.id if len(people) == 1 else f"{recording.id}, {people[k]}", 40), color=colour, loc="center"
    )
    return ax


def draw_zones(ax: Axes, zones: Sequence[Zone]) -> None:
    """Outline zones; the arena in full lines, dotted where it is a guess; zones inside it dashed."""
    for zone in zones:
        arena = is_arena(zone)
        outline: Patch
        if zone.polygon is not None:
            outline = Polygon(zone.polygon, closed=True)
        elif zone.centre is not None and zone.radius is not None:
            outline = Circle(zone.centre, zone.radius)
        else:
            continue
        outline.set(fill=False, edgecolor=INK if arena else GREY, linewidth=1.1 if arena else 0.8)
        outline.set_linestyle("-" if arena else (0, (3, 2)))
        if zone.name == GUESSED:
            outline.set_linestyle((0, (1, 1.5)))
        ax.add_patch(outline)


def is_arena(zone: Zone) -> bool:
    """Say whether a zone is the whole arena, and not a part of it."""
    return zone.kind == "arena" or zone.name == "arena"


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
