from types import SimpleNamespace

import numpy as np
import pytest

from murid.features.sets.jaaba import per_frame
from murid.features.sets.jaaba_neighbours import to_ellipse
from murid.features.sets.scene import make_scene
from tests.features.animals import walking_poses


@pytest.fixture(scope="module")
def scene():
    return make_scene(walking_poses(120, animals=3), "m0", length="cm")


def _columns(where, **options):
    return {c.name: c.values for c in per_frame(where, **options)}


def test_distance_to_the_ellipse_is_that_to_its_nearest_of_many_points(scene):
    me, other = scene.bodies["m0"], scene.bodies["m1"]
    points = np.stack([other.point(role) for role in other.trunk]).astype(float)
    round_the = np.linspace(0, 2 * np.pi, 20_001)
    circle = np.stack([np.cos(round_the), np.sin(round_the)])
    nose = me.point("nose") * 0.6 + other.point("centre") * 0.4
    got = to_ellipse(nose, other)
    for frame in range(0, 120, 7):
        cloud = points[:, :, frame]
        middle, spread = cloud.mean(0), np.cov(cloud.T, bias=True)
        values, vectors = np.linalg.eigh(spread)
        edge = middle[:, None] + vectors @ (2 * np.sqrt(values)[:, None] * circle)
        away = nose[:, frame] - middle
        within = away @ np.linalg.solve(spread, away) <= 4
        want = 0.0 if within else np.hypot(*(edge - nose[:, frame, None])).min()
        assert got[frame] == pytest.approx(want, abs=2e-3)
    assert (to_ellipse(other.point("centre"), other) == 0).mean() > 0.9


def test_directions_counts_and_fields_are_those_computed_by_hand(scene):
    got, bodies = _columns(scene, neighbours=True), scene.bodies
    me, others = bodies["m0"], [bodies["m1"], bodies["m2"]]
    centres = np.stack([o.point("centre") for o in others])
    away = np.hypot(*np.moveaxis(centres - me.point("centre"), 1, 0))
    near, frames = away.argmin(0), np.arange(120)

    def turn(x):
        return np.abs((x + np.pi) % (2 * np.pi) - np.pi)

    course = [np.arctan2(b.velocity[1], b.velocity[0]) for b in (me, *others)]
    want = turn(course[0] - np.stack(course[1:])[near, frames])
    np.testing.assert_allclose(got["course_difference"], want, atol=2e-3)

    heading = np.stack([np.arctan2(o.axis[1], o.axis[0]) for o in others])[near, frames]
    line = me.point("centre") - centres[near, :, frames].T
    want = turn(np.arctan2(line[1], line[0]) - heading)
    np.testing.assert_allclose(np.abs(got["angle_on_closest"]), want, atol=2e-3)

    trunk = np.stack([me.point(role) for role in me.trunk])
    spread = [np.linalg.eigvalsh(np.cov(trunk[:, :, t].T, bias=True))[-1] for t in frames]
    length = np.median(4 * np.sqrt(spread))
    for k in (1, 2):
        np.testing.assert_array_equal(got[f"animals_within_{k}"], (away <= k * length).sum(0))


def test_distances_in_a_field_are_those_to_the_points_of_all_ellipses_in_it(scene):
    got, bodies = _columns(scene, neighbours=True), scene.bodies
    me, others = bodies["m0"], [bodies["m1"], bodies["m2"]]
    circle = np.linspace(0, 2 * np.pi, 7200, endpoint=False)
    nose, head = me.point("nose"), me.head_axis
    for t in range(0, 120, 11):
        reach, off, inside = [], [], False
        for other in others:
            cloud = np.stack([other.point(role)[:, t] for role in other.trunk]).astype(float)
            values, vectors = np.linalg.eigh(np.cov(cloud.T, bias=True))
            edge = cloud.mean(0)[:, None] + vectors @ (
                2 * np.sqrt(values)[:, None] * np.stack([np.cos(circle), np.sin(circle)])
            )
            away = edge - nose[:, t, None]
            inside = inside or to_ellipse(nose, other)[t] == 0
            reach.append(np.hypot(*away))
            turned = np.arctan2(away[1], away[0]) - np.arctan2(head[1, t], head[0, t])
            off.append(np.degrees(np.abs((turned + np.pi) % (2 * np.pi) - np.pi)))
        reach, off = np.concatenate(reach), np.concatenate(off)
        for name, seen in (("within_20", off <= 20), ("within_30", off <= 30), ("outside_30", off > 30)):
            value = got[f"nose_ellipse_{name}"][t]
            want = 0.0 if inside else reach[seen].min() if seen.any() else np.nan
            # Ellipses of 72 points: five degrees of their border.
            assert value == pytest.approx(want, abs=0.35, nan_ok=True) or (np.isnan(value) and seen.sum() < 110)
    narrow, wide = (got[f"nose_ellipse_{k}"] for k in ("within_20", "within_30"))
    assert np.isnan(narrow).sum() > np.isnan(wide).sum() > 0
    both = ~np.isnan(narrow)
    assert (wide[both] <= narrow[both]).all()
    # What is nearest of all lies in one of the two fields that cover everything.
    alone = _columns(make_scene(walking_poses(120, animals=2), "m0", length="cm"), neighbours=True)
    both = np.fmin(alone["nose_ellipse_within_30"], alone["nose_ellipse_outside_30"])
    np.testing.assert_allclose(both, alone["nose_ellipse"], atol=0.05)


def test_neighbours_are_added_only_when_asked_for_and_a_lone_animal_has_none(scene):
    plain = _columns(scene)
    assert set(plain) < set(_columns(scene, neighbours=True))
    alone = make_scene(walking_poses(60, animals=1), "m0")
    assert set(_columns(alone)) == set(_columns(alone, neighbours=True))


def test_a_hidden_neighbour_is_not_counted_as_far():
    poses = walking_poses(60, animals=2)
    poses["position"].values[10:20, :, :, 1] = np.nan
    got = _columns(make_scene(poses, "m0"), neighbours=True)
    assert np.isnan(got["animals_within_2"][10:20]).all()
    assert np.isnan(got["nose_ellipse"][10:20]).all()
    assert np.isfinite(got["animals_within_2"][:10]).all()


def test_trunk_points_on_one_line_make_a_segment():
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    flat = SimpleNamespace(covariance=(zero, zero, one / 4, zero, zero, 5 * one))
    points = np.array([[0, 0.5, 3], [2, 1, 0]], np.float32)
    np.testing.assert_allclose(to_ellipse(points, flat), [2, 1, 2], atol=0.011)
