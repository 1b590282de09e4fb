"""Templates of zones against areas and places that follow from the maze's sizes."""

import numpy as np
import pytest

from murid.assays.zone_templates import TEMPLATES, TemplateParams, zones_of_template
from murid.data.errors import DataError
from murid.data.meet import inside
from murid.data.zones import Zone

BOX = Zone("arena", [[0, 0], [60, 0], [60, 40], [0, 40]], unit="cm", kind="arena")
ROUND = Zone("arena", centre=(30, 30), radius=30.0, unit="cm", kind="arena")


def at(zones, x, y):
    """Names of the zones that hold a point."""
    return [n for n in zones if n != "arena" and inside(zones[n], np.array([[x, y]], float))[0]]


def test_centre_by_share_and_by_distance_from_the_wall():
    assert zones_of_template("open_field", BOX)["centre"].area == pytest.approx(600)
    by_share = zones_of_template("open_field", BOX, TemplateParams(centre_share=0.6))
    assert by_share["centre"].area == pytest.approx(0.36 * 2400)
    by_wall = zones_of_template("open_field", BOX, TemplateParams(wall_cm=10))
    assert by_wall["centre"].area == pytest.approx(40 * 20)
    by_wall = zones_of_template("open_field", ROUND, TemplateParams(wall_cm=10))
    assert by_wall["centre"].radius == pytest.approx(20)


def test_plus_maze():
    square = Zone("arena", [[0, 0], [65, 0], [65, 65], [0, 65]], unit="cm")
    zones = zones_of_template("plus_maze", square)
    assert zones["arena"].area == pytest.approx(4 * 30 * 5 + 25)
    assert [z.name for z in zones.of_kind("open")] == ["open_left", "open_right"]
    assert zones["closed_top"].area == pytest.approx(150)
    assert at(zones, 5, 32) == ["open_left"]
    assert at(zones, 32, 5) == ["closed_top"]
    assert at(zones, 32, 32) == ["middle"]
    assert at(zones, 5, 5) == []
    turned = zones_of_template("plus_maze", square, TemplateParams(open_along="y", arm_share=0.1))
    assert at(turned, 32, 5) == ["open_top"]
    assert turned["middle"].area == pytest.approx(6.5**2)


def test_zero_maze():
    zones = zones_of_template("zero_maze", ROUND, TemplateParams(ring_share=0.1))
    assert zones["open_right"].area == pytest.approx(np.pi * (30**2 - 27**2) / 4, rel=1e-3)
    assert at(zones, 58.5, 30) == ["open_right"]
    assert at(zones, 30, 1.5) == ["closed_top"]
    assert at(zones, 30, 30) == []


def test_chambers_and_light_dark():
    zones = zones_of_template("three_chamber", BOX)
    assert [z.area for z in zones.of_kind("chamber")] == pytest.approx([800] * 3)
    assert at(zones, 1, 20) == ["left"]
    zones = zones_of_template("light_dark", BOX)
    assert zones["light"].area == pytest.approx(1600)
    assert at(zones, 59, 20) == ["dark"]
    assert zones_of_template("light_dark", BOX, TemplateParams(shares=(1, 3)))["light"].area == pytest.approx(600)


def test_the_corners_may_be_drawn_in_any_turn():
    for k in range(4):
        for corners in (np.roll(BOX.polygon, k, axis=0), np.roll(BOX.polygon[::-1], k, axis=0)):
            zones = zones_of_template("three_chamber", Zone("arena", corners, unit="cm"))
            assert at(zones, 1, 20) == ["left"]


def test_a_camera_at_an_angle_keeps_walls_straight():
    """A floor of three equal chambers, projected by a known camera."""
    view = np.array([[1.0, 0.2, 5], [0.1, 0.9, 3], [0.004, 0.002, 1]])

    def seen(points):
        out = np.column_stack([points, np.ones(len(points))]) @ view.T
        return out[:, :2] / out[:, 2:]

    zones = zones_of_template("three_chamber", Zone("arena", seen(BOX.polygon)))
    middle = np.array([[20, 0], [40, 0], [40, 40], [20, 40]], float)
    np.testing.assert_allclose(zones["middle"].polygon, seen(middle), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "arena", "params", "said"),
    [
        ("open_fild", BOX, {}, "open_field"),
        ("plus_maze", ROUND, {}, "four corners"),
        ("zero_maze", BOX, {}, "circle"),
        ("open_field", BOX, {"wall_cm": 20}, "no centre"),
        ("open_field", ROUND, {"wall_cm": 30}, "no centre"),
        ("open_field", Zone("arena", BOX.polygon), {"wall_cm": 5}, "px-per-cm"),
        ("three_chamber", BOX, {"shares": (1, 2)}, "3 numbers"),
        ("plus_maze", BOX, {"open_along": "z"}, "x or y"),
    ],
)
def test_refusals(name, arena, params, said):
    with pytest.raises(DataError, match=said):
        zones_of_template(name, arena, TemplateParams(**params))


def test_every_template_is_named_in_the_declaration():
    assert list(TEMPLATES) == ["open_field", "plus_maze", "zero_maze", "three_chamber", "light_dark"]
