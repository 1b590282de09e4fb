from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.prepare import estimate_arena


def poses_of(points):
    return make_poses(points[:, :, None, None], keypoints=["centre"], fps=30, unit="cm")


@pytest.fixture
def everywhere():
    return np.random.default_rng(0).uniform(-1, 1, (20_000, 2))


def test_box(everywhere):
    points = everywhere * [30, 20] + [50, 40]
    points[::2000] += 200.0  # stray points
    out = estimate_arena(poses_of(points))
    assert out.shape == "box"
    assert out.reliable
    assert out.visited == 1.0
    low, high = out.zone.polygon.min(axis=0), out.zone.polygon.max(axis=0)
    np.testing.assert_allclose([*low, *high], [20, 20, 80, 60], atol=0.7)
    assert out.zone.kind == "arena"
    assert out.zone.unit == "cm"


def test_a_box_leans_only_where_the_camera_looks_from_the_side(everywhere):
    straight = estimate_arena(poses_of(everywhere * [30, 20]), "box").zone.polygon
    assert len(np.unique(straight[:, 0])) == len(np.unique(straight[:, 1])) == 2
    far = everywhere[:, 1:]
    seen = np.hstack([everywhere[:, :1] * (50 - 8 * far), 38 * far])
    guess = estimate_arena(poses_of(seen), "auto")
    assert guess.shape == "box"
    corners = np.array([[58, -38], [42, 38], [-42, 38], [-58, -38]])
    nearest = np.linalg.norm(guess.zone.polygon[:, None] - corners, axis=2).min(axis=0)
    assert (nearest < 0.03 * np.sqrt(100 * 76)).all()
    assert guess.zone.area == pytest.approx(100 * 76, rel=0.03)


def test_few_tracks_lean_no_box():
    """Four short ways across a square field: some trapezium fits them better, and says nothing of the walls."""
    t = np.linspace(0, 1, 500)[:, None]
    ways = [([0, 5], [12, 40]), ([12, 40], [40, 34]), ([40, 34], [33, 0]), ([33, 0], [0, 5])]
    track = np.vstack([np.array(a) + t * (np.array(b) - np.array(a)) for a, b in ways])
    polygon = estimate_arena(poses_of(track), "box").zone.polygon
    assert len(np.unique(polygon[:, 0].round(6))) == len(np.unique(polygon[:, 1].round(6))) == 2


def test_an_animal_on_the_wall_for_a_moment_moves_no_wall(everywhere):
    inside = estimate_arena(poses_of(everywhere * [30, 20]), "box").zone
    outside = everywhere[:200] * [5, 1] + [0, 35]  # 1 % of the time
    found = estimate_arena(poses_of(np.vstack([everywhere * [30, 20], outside])), "box")
    np.testing.assert_allclose(found.zone.polygon, inside.polygon, atol=0.05)
    often = estimate_arena(poses_of(np.vstack([everywhere * [30, 20], np.repeat(outside, 5, axis=0)])), "box")
    assert often.zone.bounds[1][1] == pytest.approx(36, abs=0.2)


def test_circle(everywhere):
    points = everywhere[np.linalg.norm(everywhere, axis=1) < 1] * 25 + [100, 30]
    out = estimate_arena(poses_of(points))
    assert out.shape == "circle"
    assert out.reliable
    np.testing.assert_allclose(out.zone.centre, [100, 30], atol=0.5)
    assert out.zone.radius == pytest.approx(25, abs=0.7)


def test_polygon(everywhere):
    inside = everywhere[np.abs(everywhere).sum(axis=1) < 1] * 30  # a square on its corner
    out = estimate_arena(poses_of(inside), "polygon")
    assert out.zone.area == pytest.approx(2 * 30**2, rel=0.08)
    assert out.reliable


def test_a_timid_animal_is_not_reliable():
    rng = np.random.default_rng(0)
    along = rng.uniform(0, 100, 5000)
    walls = np.column_stack([along, np.zeros(5000)])
    walls[::2] = walls[::2][:, ::-1]  # two walls out of four
    out = estimate_arena(poses_of(walls + rng.uniform(0, 5, walls.shape)), "box")
    assert out.visited < 0.3
    assert not out.reliable


def test_a_guess_is_reliable_where_enough_was_visited_and_the_shape_fits(everywhere):
    guess = estimate_arena(poses_of(everywhere), "box")
    for visited, misfit, reliable in ((0.6, 0.1, True), (0.9, 0.11, False), (0.59, 0.02, False)):
        assert dataclasses.replace(guess, visited=visited, misfit=misfit).reliable is reliable


def test_too_little():
    with pytest.raises(DataError, match="too few"):
        estimate_arena(poses_of(np.ones((50, 2))))
