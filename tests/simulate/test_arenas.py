"""Arenas: areas add up, the distance table is a distance, routes lead through doors."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.simulate.arenas import zones_in_px


def test_open_field_centre_has_the_asked_share():
    zones = simulate.arena("open_field", side_cm=50, centre_area=0.11).zones
    assert zones["centre"].area / zones["arena"].area == pytest.approx(0.11)
    assert len(zones.of_kind("corner")) == 4


def test_maze_zones_tile_the_floor():
    for kind in ("plus_maze", "zero_maze"):
        arena = simulate.arena(kind)
        floor = (arena.floor.distance > 0).sum() * 0.25**2
        tiles = sum(z.area for z in arena.zones.values() if z.kind in ("open", "closed", "centre"))
        assert tiles == pytest.approx(floor, rel=0.05)
        assert len(arena.zones.of_kind("open")) == len(arena.zones.of_kind("closed")) == 2


def test_distance_to_a_round_wall_is_exact():
    arena = simulate.arena("circular_open_field", diameter_cm=40)
    rng = np.random.default_rng(0)
    angle, radius = rng.uniform(0, 2 * np.pi, 300), rng.uniform(3, 24, 300)
    x, y = 20 + radius * np.cos(angle), 20 + radius * np.sin(angle)
    d, nx, ny = arena.floor.many(x, y)
    np.testing.assert_allclose(d, 20 - radius, atol=0.06)
    np.testing.assert_allclose(np.hypot(nx, ny), 1)
    assert (nx * -np.cos(angle) + ny * -np.sin(angle) > 0.98).all()
    np.testing.assert_allclose([arena.floor.at(*p) for p in zip(x, y, strict=True)], d, atol=1e-9)


@pytest.mark.parametrize(("kind", "steps"), [("plus_maze", 2), ("three_chambers", 2), ("light_dark", 1)])
def test_routes_go_through_doors(kind, steps):
    arena = simulate.arena(kind)
    rooms = [i for i in range(len(arena.rooms)) if arena.rooms[i].kind != "middle_chamber"]
    first, last = (rooms[1], rooms[2]) if kind == "plus_maze" else (rooms[0], rooms[-1])
    doors = arena.route(first, last)
    assert len(doors) == steps
    assert all(arena.floor.at(*door) > 2 for door in doors)


def test_pixels_are_scaled_and_shifted_centimetres():
    zones = simulate.arena("circular_open_field", diameter_cm=40).zones
    there = zones_in_px(zones, 8.0, (5.0, 7.0))
    assert there["arena"].centre == (165.0, 167.0)
    assert there["arena"].radius == 160.0
    assert there["arena"].unit == "px"


def test_unknown_sizes_are_named():
    with pytest.raises(DataError, match="side_cm"):
        simulate.arena("open_field", side=30)
