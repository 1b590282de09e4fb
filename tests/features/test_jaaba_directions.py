"""Directions of the jaaba set against animals whose place and heading are known."""

import numpy as np
import pytest

from murid.data.poses import make_poses
from murid.data.zones import Zone, Zones
from murid.features.sets.jaaba import per_frame
from murid.features.sets.jaaba_directions import corners_of
from murid.features.sets.scene import make_scene

BOX = Zone("box", [[0, 0], [40, 0], [40, 30], [0, 30]], unit="cm", kind="arena")
ROUND = Zone("round", centre=(20, 15), radius=20, unit="cm", kind="arena")


def columns(heading_deg, motion_deg, at, zone=None, n=40):
    """A stiff animal that faces one way and glides another, 2 cm in all; the values at its middle frame."""
    heading, motion = np.radians(heading_deg), np.radians(motion_deg)
    centre = np.array(at) + np.linspace(-1, 1, n)[:, None] * [np.cos(motion), np.sin(motion)]
    along = np.array([np.cos(heading), np.sin(heading)])
    points = [centre + along * k for k in (3, 2, 0, -3)]
    poses = make_poses(
        np.stack(points, axis=2)[..., None], keypoints=["nose", "neck", "centre", "tail_base"], fps=30, unit="cm"
    )
    made = per_frame(make_scene(poses, "all", None, Zones([zone]) if zone else None, length="cm"), directions=True)
    return {c.name: float(np.interp((n - 1) / 2, range(n), c.values)) for c in made}


@pytest.mark.parametrize(("heading", "motion", "sideways"), [(20, 20, 0), (20, 200, 0), (20, 110, 90), (350, 30, 40)])
def test_sideways_is_the_acute_angle_of_motion_and_body(heading, motion, sideways):
    assert np.degrees(columns(heading, motion, (20, 15))["phi_sideways"]) == pytest.approx(sideways, abs=0.1)


def test_wall_and_corner_are_seen_along_the_body():
    got = columns(0, 0, (35, 12), BOX)
    # The right wall is 5 cm ahead; the corner (40, 0) lies 12 cm to one side of it.
    assert np.degrees(got["wall_angle"]) == pytest.approx(0, abs=0.1)
    assert got["corner_distance"] == pytest.approx(13, abs=0.1)
    assert np.degrees(got["corner_angle"]) == pytest.approx(np.degrees(np.arctan2(-12, 5)), abs=0.3)
    turned = columns(90, 0, (35, 12), BOX)
    assert np.degrees(turned["wall_angle"]) == pytest.approx(-90, abs=0.1)
    assert turned["corner_distance"] == got["corner_distance"]


def test_a_circle_has_a_wall_and_no_corners():
    got = columns(90, 90, (30, 15), ROUND)
    assert abs(np.degrees(got["wall_angle"])) == pytest.approx(90, abs=6)
    assert "corner_distance" not in got


def polygon(*degrees):
    """A polygon whose vertices lie on a circle at these directions."""
    turns = np.radians(degrees)
    return Zone("drawn", np.stack([np.cos(turns), np.sin(turns)], 1), unit="cm", kind="arena")


@pytest.mark.parametrize("n", [7, 8, 10, 12, 16, 40])
def test_a_circle_drawn_as_a_polygon_has_no_corners(n):
    even = np.arange(n) * 360 / n
    by_hand = even + np.random.default_rng(n).uniform(-0.25, 0.25, n) * 360 / n
    for directions in (even, by_hand):
        assert len(corners_of(polygon(*directions))) == 0


def test_boxes_and_arms_have_their_corners():
    assert len(corners_of(BOX)) == 4
    # Vertices along a wall are no corners, nor is a wall that bends a little.
    sides = Zone("box", [[0, 0], [20, 0.5], [40, 0], [40, 15], [40, 30], [20, 30], [0, 30]], unit="cm", kind="arena")
    assert len(corners_of(sides)) == 4
    assert len(corners_of(polygon(0, 120, 240))) == 3
    ends = [(1, 1), (1, 6), (-1, 6), (-1, 1), (-6, 1), (-6, -1), (-1, -1), (-1, -6), (1, -6), (1, -1), (6, -1), (6, 1)]
    assert len(corners_of(Zone("plus", np.array(ends, float), unit="cm", kind="arena"))) == 12


def test_directions_come_only_when_asked_for():
    poses = make_poses(np.ones((30, 2, 4, 1)), keypoints=["nose", "neck", "centre", "tail_base"], fps=30, unit="cm")
    where = make_scene(poses, "all", None, Zones([BOX]), length="cm")
    plain, more = ({c.name for c in per_frame(where, directions=d)} for d in (False, True))
    assert more - plain == {"phi_sideways", "wall_angle", "corner_angle", "corner_distance"}
