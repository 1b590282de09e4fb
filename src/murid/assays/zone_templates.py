"""Zones of the usual mazes, fitted to an outline that was drawn or tracked.

A template is laid out in a unit square and carried to the four corners of the arena by the projection that a camera
makes, so that straight walls stay straight when the film is taken at an angle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from murid.assays.arena import shrunk, true_corners
from murid.data.errors import did_you_mean, fail
from murid.data.params import Params, param
from murid.data.zones import Zone, Zones

Corners = NDArray[np.float64]


class TemplateParams(Params):
    """Sizes of the templates, as shares of the arena."""

    centre_share: float = param(
        0.5, gt=0, lt=1, why="open field: side of the centre as a share of the arena's (0.5: 25 % of the area)"
    )
    wall_cm: float | None = param(
        None, unit="cm", gt=0, why="open field: the centre keeps this distance from the wall, instead of a share"
    )
    arm_share: float = param(
        5 / 65, gt=0, lt=0.5, why="plus maze: width of an arm from tip to tip; 5 cm arms of 30 cm (Pellow 1985)"
    )
    ring_share: float = param(0.2, gt=0, lt=1, why="zero maze: width of the ring as a share of the outer radius")
    open_along: str = param("x", why="mazes: open arms lie along 'x' (left, right) or 'y' (top, bottom)")
    shares: tuple[float, ...] = param((), why="chambers from left to right; thirds, or 2/3 light and 1/3 dark")


def zones_of_template(name: str, arena: Zone, params: TemplateParams | None = None, **changes: Any) -> Zones:
    """Return the zones of a paradigm within an arena.

    Parameters
    ----------
    name : {"open_field", "plus_maze", "zero_maze", "three_chamber", "light_dark"}
    arena : Zone
        Outline: four corners (of a plus maze: those of the square around the tips of its arms), or a circle for an
        open field and a zero maze.
    params : TemplateParams, optional
    **changes
        Single parameters instead.

    Returns
    -------
    Zones
        ``arena`` of kind ``arena``, and the zones, in the unit of the outline.

    Raises
    ------
    DataError
        Unknown template, an outline that it cannot be fitted to, or ``wall_cm`` for zones in pixels.

    Examples
    --------
    >>> box = Zone("arena", [[0, 0], [60, 0], [60, 40], [0, 40]], unit="cm")
    >>> [z.name for z in zones_of_template("three_chamber", box).of_kind("chamber")]
    ['left', 'middle', 'right']
    """
    if name not in TEMPLATES:
        fail("zones", f"no template '{name}'", todo=did_you_mean(name, TEMPLATES))
    p = TemplateParams.of(params, changes)
    if p.open_along not in ("x", "y"):
        fail("zones", "open_along", expected="x or y", got=p.open_along)
    return Zones(TEMPLATES[name](arena, p))


def _open_field(arena: Zone, p: TemplateParams) -> list[Zone]:
    outline = Zone("arena", arena.polygon, arena.centre, arena.radius, arena.unit, "arena")
    if p.wall_cm is None:
        return [outline, shrunk(outline, p.centre_share, "centre", "centre")]
    if arena.unit != "cm":
        fail(
            "zones",
            "a distance from the wall in cm needs zones in cm",
            got=f"zones in {arena.unit}",
            todo="add the recordings with --px-per-cm, or give centre_share instead of wall_cm",
        )
    if arena.polygon is None:
        x, y, radius = arena.circle
        if p.wall_cm >= radius:
            fail("zones", "wall_cm leaves no centre", expected=f"< {radius:g} cm", got=f"{p.wall_cm:g} cm")
        return [outline, Zone("centre", centre=(x, y), radius=radius - p.wall_cm, unit="cm", kind="centre")]
    corners = _four_corners(arena, "open_field")
    across = [np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[3] - corners[0])]
    u, v = (float(p.wall_cm / side) for side in across)
    if max(u, v) >= 0.5:
        fail("zones", "wall_cm leaves no centre", expected=f"< {min(across) / 2:.3g} cm", got=f"{p.wall_cm:g} cm")
    return [outline, _quad("centre", "centre", arena, corners, (u, 1 - u), (v, 1 - v))]


def _plus_maze(arena: Zone, p: TemplateParams) -> list[Zone]:
    corners = _four_corners(arena, "plus_maze")
    a, b = 0.5 - p.arm_share / 2, 0.5 + p.arm_share / 2
    plus = [(a, 0), (b, 0), (b, a), (1, a), (1, b), (b, b), (b, 1), (a, 1), (a, b), (0, b), (0, a), (a, a)]
    outline = Zone("arena", polygon=_project(corners, np.array(plus, float)), unit=arena.unit, kind="arena")
    spans = {"left": ((0, a), (a, b)), "right": ((b, 1), (a, b)), "top": ((a, b), (0, a)), "bottom": ((a, b), (b, 1))}
    kinds = _kinds(p)
    arms = [_quad(f"{kinds[s]}_{s}", kinds[s], arena, corners, *where) for s, where in spans.items()]
    return [outline, *arms, _quad("middle", "middle", arena, corners, (a, b), (a, b))]


def _zero_maze(arena: Zone, p: TemplateParams) -> list[Zone]:
    if arena.polygon is not None:
        fail("zones", "a zero maze is fitted to a circle", got=f"{len(arena.polygon)} corners", todo="draw a circle")
    x, y, radius = arena.circle
    inner, out = radius * (1 - p.ring_share), [Zone("arena", None, (x, y), radius, arena.unit, "arena")]
    for side, middle in (("right", 0.0), ("bottom", 90.0), ("left", 180.0), ("top", 270.0)):  # y points down
        turn = np.radians(np.linspace(middle - 45, middle + 45, 31))
        ray = np.column_stack([np.cos(turn), np.sin(turn)])
        polygon = np.array([x, y]) + np.concatenate([radius * ray, inner * ray[::-1]])
        kind = _kinds(p)[side]
        out.append(Zone(f"{kind}_{side}", polygon=polygon, unit=arena.unit, kind=kind))
    return out


def _three_chamber(arena: Zone, p: TemplateParams) -> list[Zone]:
    return _chambers(arena, "three_chamber", ("left", "middle", "right"), p.shares or (1.0, 1.0, 1.0), ("chamber",) * 3)


def _light_dark(arena: Zone, p: TemplateParams) -> list[Zone]:
    return _chambers(arena, "light_dark", ("light", "dark"), p.shares or (2.0, 1.0), ("light", "dark"))


def _chambers(
    arena: Zone, template: str, names: Sequence[str], shares: Sequence[float], kinds: Sequence[str]
) -> list[Zone]:
    if len(shares) != len(names) or min(shares) <= 0:
        fail("zones", f"shares of {template}", expected=f"{len(names)} numbers above 0", got=str(tuple(shares)))
    corners = _four_corners(arena, template)
    edge = np.concatenate([[0.0], np.cumsum(shares) / np.sum(shares)])
    outline = Zone("arena", polygon=arena.polygon, unit=arena.unit, kind="arena")
    spans = pairwise(map(float, edge))
    return [
        outline,
        *(_quad(n, k, arena, corners, span, (0, 1)) for n, k, span in zip(names, kinds, spans, strict=True)),
    ]


def _kinds(p: TemplateParams) -> dict[str, str]:
    """Side → open or closed."""
    along, across = ("open", "closed") if p.open_along == "x" else ("closed", "open")
    return {"left": along, "right": along, "top": across, "bottom": across}


def _four_corners(arena: Zone, template: str) -> Corners:
    corners = true_corners(arena)
    if len(corners) != 4:
        shape = "a circle" if arena.polygon is None else f"{len(corners)} corners"
        fail("zones", f"template '{template}' is fitted to an outline of four corners", got=shape)
    # Clockwise as seen in the film, from the top left, however it was drawn.
    away = corners - corners.mean(axis=0)
    corners = corners[np.argsort(np.arctan2(away[:, 1], away[:, 0]))]
    return np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0)


def _quad(name: str, kind: str, arena: Zone, corners: Corners, u: tuple[float, float], v: tuple[float, float]) -> Zone:
    square = np.array([[u[0], v[0]], [u[1], v[0]], [u[1], v[1]], [u[0], v[1]]])
    return Zone(name, polygon=_project(corners, square), unit=arena.unit, kind=kind)


def _project(corners: Corners, points: Corners) -> Corners:
    """Carry points of the unit square to the square that a camera sees at `corners` (tl, tr, br, bl)."""
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    rows, right = [], []
    for (u, v), (x, y) in zip(square, corners, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        right += [x, y]
    view = np.append(np.linalg.solve(np.array(rows), np.array(right)), 1).reshape(3, 3)
    seen = np.column_stack([points, np.ones(len(points))]) @ view.T
    return np.asarray(seen[:, :2] / seen[:, 2:], np.float64)


#: The templates by name.
TEMPLATES: dict[str, Callable[[Zone, TemplateParams], list[Zone]]] = {
    "open_field": _open_field,
    "plus_maze": _plus_maze,
    "zero_maze": _zero_maze,
    "three_chamber": _three_chamber,
    "light_dark": _light_dark,
}
