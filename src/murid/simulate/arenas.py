"""Arenas: floor, walls, ledges, rooms and named zones, in cm.

x runs to the right and y runs *down*, as in the image of a camera above the arena, so that cm turn
into px by a scale and an offset alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.zones import EntryRule, Zone, Zones
from murid.simulate.border_distance import STEP_CM, Field, distance_field

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Point = tuple[float, float]

#: How far a head may reach over a ledge (cm).
OVERHANG_CM = 4.0


@dataclass(frozen=True)
class Arena:
    """Where the animals live.

    Attributes
    ----------
    kind : str
        Key of `ARENAS`.
    zones : Zones
        Named zones in cm.
    floor, space : Field
        Where feet may be, and where a head may be (the floor, and the air beyond its ledges).
    size_cm : (width, height)
        The floor lies within ``[0, width] × [0, height]``.
    rooms : tuple of Zone
        Convex pieces of the floor; a straight line inside a room never leaves it.
    doors : dict of (int, int) to (x, y)
        Point to walk through from one room to its neighbour.
    appeal : dict of str to float
        How often the animal wants to go to a zone of this kind, relative to 1 elsewhere.
    places : dict of str to (x, y, heading)
        Spots with a purpose: where the nose goes, and the heading (rad) there.
    ledge : bool
        True when part of the floor has no wall (elevated mazes).

    Examples
    --------
    >>> from murid import simulate
    >>> simulate.arena("plus_maze").ledge
    True
    """

    kind: str
    zones: Zones
    floor: Field
    space: Field
    size_cm: tuple[float, float]
    rooms: tuple[Zone, ...] = ()
    doors: Mapping[tuple[int, int], Point] = field(default_factory=dict)
    appeal: Mapping[str, float] = field(default_factory=dict)
    places: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    ledge: bool = False

    @cached_property
    def _room_table(self) -> list[list[int]]:
        """Room of each grid point of `floor`: the one that holds it, else the one whose middle is nearest."""
        import shapely

        rows, columns = self.floor.distance.shape
        x, y = np.meshgrid(self.floor.x0 + np.arange(columns) * STEP_CM, self.floor.y0 + np.arange(rows) * STEP_CM)
        middles = np.array([_corners(room).mean(axis=0) for room in self.rooms])
        table = np.hypot(x[..., None] - middles[:, 0], y[..., None] - middles[:, 1]).argmin(axis=-1)
        for i, room in enumerate(self.rooms):
            table[shapely.contains_xy(_polygon(room), x, y)] = i
        return table.tolist()

    def room_at(self, x: float, y: float) -> int:
        """Index of the room that holds a point, or of the room nearest to it."""
        if len(self.rooms) < 2:
            return 0
        table = self._room_table
        i = min(max(round((y - self.floor.y0) / STEP_CM), 0), len(table) - 1)
        j = min(max(round((x - self.floor.x0) / STEP_CM), 0), len(table[0]) - 1)
        return table[i][j]

    @cached_property
    def spots(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Points to go to, ``(n, 2)`` on a 1-cm grid, and for each kind of zone which of them it holds."""
        import shapely

        x, y = np.meshgrid(np.arange(0.5, self.size_cm[0]), np.arange(0.5, self.size_cm[1]))
        points = np.stack([x.ravel(), y.ravel()], axis=1)
        points = points[self.floor.many(*points.T)[0] >= 2.0]
        inside: dict[str, np.ndarray] = {}
        for zone in self.zones.values():
            within = shapely.contains_xy(_shape(zone), *points.T)
            inside[zone.kind] = inside.get(zone.kind, np.zeros(len(points), bool)) | within
        return points, inside

    @cached_property
    def _routes(self) -> dict[tuple[int, int], list[Point]]:
        return {}

    def route(self, start: int, goal: int) -> list[Point]:
        """Doors to walk through from one room to another, fewest first."""
        if (start, goal) not in self._routes:
            self._routes[start, goal] = self._find_route(start, goal)
        return self._routes[start, goal]

    def _find_route(self, start: int, goal: int) -> list[Point]:
        """Breadth-first search over the doors."""
        came: dict[int, int] = {start: start}
        queue = [start]
        while queue and goal not in came:
            room = queue.pop(0)
            for a, b in self.doors:
                if a == room and b not in came:
                    came[b] = room
                    queue.append(b)
        steps = [goal]
        while steps[-1] != start:
            if steps[-1] not in came:
                return []
            steps.append(came[steps[-1]])
        return [self.doors[pair] for pair in pairwise(steps[::-1])]


def arena(kind: str = "open_field", **sizes: float) -> Arena:
    """Build an arena.

    Parameters
    ----------
    kind : str
        One of ``ARENAS``: ``"open_field"``, ``"circular_open_field"``, ``"plus_maze"``,
        ``"zero_maze"``, ``"light_dark"``, ``"three_chambers"``, ``"operant"``.
    **sizes
        Sizes in cm, see the function of the same name.

    Raises
    ------
    DataError
        Unknown kind or size.

    Examples
    --------
    >>> arena("open_field", side_cm=50).size_cm
    (50, 50)
    """
    faults = Faults("arena")
    if kind not in ARENAS:
        faults.add(f"no arena '{kind}'", todo=did_you_mean(kind, ARENAS))
        faults.raise_if_any()
    known = list(inspect.signature(ARENAS[kind]).parameters)
    for name in sizes:
        if name not in known:
            faults.add(f"'{kind}' has no size '{name}'", todo=did_you_mean(name, known))
    faults.raise_if_any()
    return ARENAS[kind](**sizes)


@lru_cache(maxsize=16)
def open_field(side_cm: float = 40.0, centre_area: float = 0.25, corner_cm: float = 8.0) -> Arena:
    """Square open field; `centre_area` is the area share of the centre (there is no standard)."""
    s, c = side_cm, corner_cm
    inset = 0.5 * s * (1 - centre_area**0.5)
    corners = [
        _box(f"corner_{name}", x, y, x + c, y + c, "corner")
        for name, x, y in (("nw", 0, 0), ("ne", s - c, 0), ("sw", 0, s - c), ("se", s - c, s - c))
    ]
    zones = [_box("arena", 0, 0, s, s, "arena"), _box("centre", inset, inset, s - inset, s - inset, "centre"), *corners]
    return _walled("open_field", zones, _polygon(zones[0]), (s, s), appeal={"centre": 0.35, "corner": 1.5})


@lru_cache(maxsize=16)
def circular_open_field(diameter_cm: float = 40.0, centre_area: float = 0.25) -> Arena:
    """Round open field."""
    r = diameter_cm / 2
    zones = [
        Zone("arena", centre=(r, r), radius=r, unit="cm", kind="arena"),
        Zone("centre", centre=(r, r), radius=r * centre_area**0.5, unit="cm", kind="centre"),
    ]
    return _walled("circular_open_field", zones, _disc(r, r, r), (2 * r, 2 * r), appeal={"centre": 0.35})


@lru_cache(maxsize=16)
def plus_maze(arm_cm: float = 30.0, width_cm: float = 6.0) -> Arena:
    """Elevated plus maze: open arms above and below in the image, closed arms left and right."""
    from shapely.ops import unary_union

    a, w = arm_cm, width_cm
    total = 2 * a + w
    zones = [
        _box("centre", a, a, a + w, a + w, "centre"),
        _box("open_n", a, 0, a + w, a, "open"),
        _box("open_s", a, a + w, a + w, total, "open"),
        _box("closed_w", 0, a, a, a + w, "closed"),
        _box("closed_e", a + w, a, total, a + w, "closed"),
    ]
    floor = unary_union([_polygon(z) for z in zones])
    # Open arms have no wall at their sides and end. Their air keeps off the closed arms by half a
    # centimetre, or it would swallow the walls there.
    air = [
        _polygon(_box("air", a - OVERHANG_CM, y0, a + w + OVERHANG_CM, y1, ""))
        for y0, y1 in ((-OVERHANG_CM, a - 0.5), (a + w + 0.5, total + OVERHANG_CM))
    ]
    corners = np.array(
        [
            [a, 0],
            [a + w, 0],
            [a + w, a],
            [total, a],
            [total, a + w],
            [a + w, a + w],
            [a + w, total],
            [a, total],
            [a, a + w],
            [0, a + w],
            [0, a],
            [a, a],
        ]
    )
    arena_zone = Zone("arena", polygon=corners, unit="cm", kind="arena")
    mid = a + w / 2
    doors = {}
    for arm, point in ((1, (mid, a)), (2, (mid, a + w)), (3, (a, mid)), (4, (a + w, mid))):
        doors[0, arm] = doors[arm, 0] = point
    return Arena(
        "plus_maze",
        Zones([arena_zone, *zones], EntryRule()),
        distance_field(floor),
        distance_field(unary_union([floor, *air])),
        (total, total),
        tuple(zones),
        doors,
        {"open": 0.6, "centre": 0.6},
        ledge=True,
    )


@lru_cache(maxsize=16)
def zero_maze(diameter_cm: float = 50.0, width_cm: float = 6.0) -> Arena:
    """Elevated zero maze: four quadrants of a ring, open left and right, closed above and below."""
    from shapely.ops import unary_union

    outer, inner = diameter_cm / 2, diameter_cm / 2 - width_cm
    names = (("open_e", -45, "open"), ("closed_s", 45, "closed"), ("open_w", 135, "open"), ("closed_n", 225, "closed"))
    zones = [_sector(name, outer, inner, start, start + 90, kind) for name, start, kind in names]
    rooms = [_sector(f"room_{i}", outer, inner, i * 15 - 45, i * 15 - 30, "room") for i in range(24)]
    middle = (outer + inner) / 2
    doors = {}
    for i in range(24):
        angle = np.radians(i * 15 - 30)
        point = (float(outer + middle * np.cos(angle)), float(outer + middle * np.sin(angle)))
        doors[i, (i + 1) % 24] = doors[(i + 1) % 24, i] = point
    floor = _disc(outer, outer, outer).difference(_disc(outer, outer, inner))
    air = [
        _polygon(_sector("air", outer + OVERHANG_CM, inner - OVERHANG_CM, start, start + 90, "", outer))
        for start in (-45, 135)
    ]
    arena_zone = Zone("arena", centre=(outer, outer), radius=outer, unit="cm", kind="arena")
    return Arena(
        "zero_maze",
        Zones([arena_zone, *zones], EntryRule()),
        distance_field(floor),
        distance_field(unary_union([floor, *air])),
        (2 * outer, 2 * outer),
        tuple(rooms),
        doors,
        {"open": 0.12},
        ledge=True,
    )


@lru_cache(maxsize=16)
def light_dark(
    width_cm: float = 45.0, depth_cm: float = 25.0, dark_share: float = 1 / 3, door_cm: float = 6.0
) -> Arena:
    """Light-dark box: dark third on the left, one door in the partition."""
    x = width_cm * dark_share
    door = (depth_cm - door_cm) / 2
    half = 0.3
    zones = [
        _box("arena", 0, 0, width_cm, depth_cm, "arena"),
        _box("dark", 0, 0, x, depth_cm, "dark"),
        _box("light", x, 0, width_cm, depth_cm, "light"),
        _box("door", x - 2, door, x + 2, door + door_cm, "door"),
    ]
    walls = [
        _polygon(_box("wall", x - half, y0, x + half, y1, ""))
        for y0, y1 in ((-1, door), (door + door_cm, depth_cm + 1))
    ]
    point = (x, depth_cm / 2)
    return _walled(
        "light_dark",
        zones,
        _polygon(zones[0]),
        (width_cm, depth_cm),
        walls,
        tuple(zones[1:3]),
        {(0, 1): point, (1, 0): point},
        {"light": 0.25},
    )


@lru_cache(maxsize=16)
def three_chambers(
    width_cm: float = 60.0, depth_cm: float = 40.0, door_cm: float = 8.0, cup_cm: float = 9.0, reach_cm: float = 3.0
) -> Arena:
    """Three chambers with a wire cup in each side chamber; `reach_cm` is the sniff zone around a cup."""
    third, door = width_cm / 3, (depth_cm - door_cm) / 2
    half, cup_y, r = 0.3, depth_cm * 0.3, cup_cm / 2
    names = ("left", "middle", "right")
    chambers = [
        _box(f"chamber_{n}", i * third, 0, (i + 1) * third, depth_cm, f"{n}_chamber") for i, n in enumerate(names)
    ]
    cups = ((third / 2, cup_y), (2.5 * third, cup_y))
    around = [
        Zone(f"cup_{n}", centre=c, radius=r + reach_cm, unit="cm", kind="cup")
        for n, c in zip(("left", "right"), cups, strict=True)
    ]
    holes = [
        _polygon(_box("wall", x - half, y0, x + half, y1, ""))
        for x in (third, 2 * third)
        for y0, y1 in ((-1, door), (door + door_cm, depth_cm + 1))
    ]
    holes += [_disc(*c, r) for c in cups]
    doors = {}
    for a, x in ((0, third), (1, 2 * third)):
        doors[a, a + 1] = doors[a + 1, a] = (x, depth_cm / 2)
    arena_zone = _box("arena", 0, 0, width_cm, depth_cm, "arena")
    return _walled(
        "three_chambers",
        [arena_zone, *chambers, *around],
        _polygon(arena_zone),
        (width_cm, depth_cm),
        holes,
        tuple(chambers),
        doors,
        {"middle_chamber": 0.4, "cup": 5.0},
    )


@lru_cache(maxsize=16)
def operant(width_cm: float = 26.0, depth_cm: float = 20.0) -> Arena:
    """Operant box: a lever and a food port on the left wall."""
    lever, port = depth_cm * 0.25, depth_cm * 0.7
    zones = [
        _box("arena", 0, 0, width_cm, depth_cm, "arena"),
        _box("lever", 0, lever - 2, 3, lever + 2, "lever"),
        _box("port", 0, port - 2, 3, port + 2, "port"),
    ]
    places = {"lever": (0.8, lever, np.pi), "port": (0.8, port, np.pi)}
    return _walled("operant", zones, _polygon(zones[0]), (width_cm, depth_cm), places=places)


#: Kind → builder.
ARENAS: dict[str, Callable[..., Arena]] = {
    f.__name__: f for f in (open_field, circular_open_field, plus_maze, zero_maze, light_dark, three_chambers, operant)
}


def zones_in_px(zones: Zones, px_per_cm: float, offset_px: Point) -> Zones:
    """Return zones given in cm as px: ``px = cm * px_per_cm + offset_px``."""
    offset = np.asarray(offset_px, np.float64)
    out = []
    for zone in zones.values():
        if zone.polygon is not None:
            out.append(Zone(zone.name, polygon=zone.polygon * px_per_cm + offset, unit="px", kind=zone.kind))
        else:
            (x, y), radius = _circle(zone)
            centre = (x * px_per_cm + offset_px[0], y * px_per_cm + offset_px[1])
            out.append(Zone(zone.name, centre=centre, radius=radius * px_per_cm, unit="px", kind=zone.kind))
    return Zones(out, zones.rule)


def _walled(
    kind: str,
    zones: list[Zone],
    floor: BaseGeometry,
    size_cm: tuple[float, float],
    holes: list[BaseGeometry] | None = None,
    rooms: tuple[Zone, ...] = (),
    doors: Mapping[tuple[int, int], Point] | None = None,
    appeal: Mapping[str, float] | None = None,
    places: Mapping[str, tuple[float, float, float]] | None = None,
) -> Arena:
    """Arena with a wall all around: heads and feet have the same limits."""
    for hole in holes or []:
        floor = floor.difference(hole)
    table = distance_field(floor)
    return Arena(kind, Zones(zones, EntryRule()), table, table, size_cm, rooms, doors or {}, appeal or {}, places or {})


def _box(name: str, x0: float, y0: float, x1: float, y1: float, kind: str) -> Zone:
    return Zone(name, polygon=np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), unit="cm", kind=kind)


def _sector(
    name: str, outer: float, inner: float, start_deg: float, stop_deg: float, kind: str, middle: float | None = None
) -> Zone:
    """Piece of a ring around (middle, middle); angles in degrees, clockwise on screen."""
    middle = outer if middle is None else middle
    angle = np.radians(np.linspace(start_deg, stop_deg, max(3, round((stop_deg - start_deg) / 3) + 1)))
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Zone(name, polygon=middle + np.concatenate([outer * ring, inner * ring[::-1]]), unit="cm", kind=kind)


def _polygon(zone: Zone) -> BaseGeometry:
    from shapely.geometry import Polygon

    return Polygon(_corners(zone))


def _corners(zone: Zone) -> NDArray[np.float64]:
    """Corners of a zone that is a polygon, (corner, 2)."""
    if zone.polygon is None:
        fail(f"zone '{zone.name}'", "has no polygon", expected="a zone with corners", got="a circle")
    return zone.polygon


def _circle(zone: Zone) -> tuple[Point, float]:
    """Centre and radius of a zone that is a circle."""
    if zone.centre is None or zone.radius is None:
        fail(f"zone '{zone.name}'", "has no centre and radius", expected="a circle", got="a polygon")
    return zone.centre, zone.radius


def _shape(zone: Zone) -> BaseGeometry:
    """Outline of any zone."""
    if zone.polygon is not None:
        return _polygon(zone)
    (x, y), radius = _circle(zone)
    return _disc(x, y, radius)


def _disc(x: float, y: float, radius: float) -> BaseGeometry:
    from shapely.geometry import Point as ShapelyPoint

    return ShapelyPoint(x, y).buffer(radius, quad_segs=20)
