"""The rest of MARS's features on animals whose place, shape and motion are known."""

import numpy as np
import pytest

from murid.data.poses import make_poses
from murid.features.sets.mars import mars_columns
from murid.features.sets.scene import make_scene

NAMES = ["nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base"]
STIFF = np.array([[4, 0], [3, -1], [3, 1], [2, 0], [-2, -1.2], [-2, 1.2], [-3.5, 0]], float)


def pair(at, heading_deg, gliding=(0.0, 0.0), n=60):
    """Two stiff animals: one at the origin that faces along x and glides (cm/s), one elsewhere at rest."""
    t = np.arange(n) / 30
    turn = np.radians(heading_deg)
    turned = STIFF @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    me = STIFF + t[:, None, None] * np.asarray(gliding)
    other = np.broadcast_to(turned + np.asarray(at), me.shape)
    xy = np.stack([me, other], axis=-1).transpose(0, 2, 1, 3)
    return make_poses(xy, keypoints=NAMES, individuals=["me", "other"], fps=30, unit="cm")


def values(poses, **options):
    columns = mars_columns(make_scene(poses, "me", length="cm"), complete=True, **options)
    return {c.name: c.values for c in columns}


def radius(points, direction):
    """Distance from the middle to the 75 % ellipse of a cloud, by walking outwards."""
    spread = np.cov(points.T, bias=True)
    u = np.asarray(direction) / np.hypot(*direction)
    steps = np.linspace(0, 20, 200_001)
    inside = steps**2 * (u @ np.linalg.solve(spread, u)) <= -2 * np.log(0.25)
    return steps[inside].max()


@pytest.mark.parametrize(("at", "heading"), [((20, 0), 0), ((12, 9), 70), ((3, 1), 40)])
def test_gap_and_relative_angle_lie_on_the_line_of_the_animals(at, heading):
    got = values(pair(at, heading))
    turn = np.radians(heading)
    turned = STIFF @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    line = turned.mean(0) + np.asarray(at) - STIFF.mean(0)
    own = radius(STIFF, line)
    gap = np.hypot(*line) - own - radius(turned, line)
    np.testing.assert_allclose(got["ellipse_gap"], gap, atol=2e-3)
    np.testing.assert_allclose(got["ellipse_gap_scaled"], gap / own, atol=2e-3)
    np.testing.assert_allclose(got["relative_angle"], np.arctan2(abs(line[1]), line[0]), atol=1e-4)
    assert (gap < 0) == (at == (3, 1))


@pytest.mark.parametrize(("gliding", "forward"), [((3, 0), 3), ((-3, 0), -3), ((0, 3), 0), ((2, 2), 2)])
def test_forward_speed_is_the_speed_times_the_cosine(gliding, forward):
    got = values(pair((50, 0), 0, gliding))["speed_forward_cosine"]
    np.testing.assert_allclose(got[8:-8], forward, atol=1e-3)


def test_edges_are_those_of_the_box_of_all_tracks():
    poses = pair((60, 40), 0, (3, 2))
    got = values(poses)
    # Centres (neck and hips) of both animals make the box; the centroid of all seven points is measured to it.
    centre = poses["position"].sel(keypoint=["neck", "hip_left", "hip_right"]).mean("keypoint")
    low = np.percentile(np.concatenate([centre.values[..., k] for k in (0, 1)]), 1, axis=0)
    want = poses["position"].values[30, :, :, 0].mean(axis=1) - low
    assert got["edge_x"][30] == pytest.approx(want[0], abs=0.05)
    assert got["edge_y"][30] == pytest.approx(want[1], abs=0.05)
    assert got["edge"][30] == pytest.approx(want.min(), abs=0.05)
    plain = {c.name for c in mars_columns(make_scene(pair((60, 40), 0), "me", length="cm"))}
    assert set(got) - plain == {
        "edge_x",
        "edge_y",
        "speed_forward_cosine",
        "partner_edge_x",
        "partner_edge_y",
        "partner_speed_forward_cosine",
        "relative_angle",
        "ellipse_gap",
        "ellipse_gap_scaled",
    }


def test_neither_lags_nor_means_nor_smoothing_reach_over_a_pause():
    """An animal carried 50 cm in a pause of a minute: each side has its features as a recording of its own."""
    poses = pair((12, 9), 70, (3, 1))
    poses["position"].values[30:, 0] += 50
    time = poses["time"].values.copy()
    time[30:] += 60
    poses = poses.assign_coords(time=time)
    got = values(poses)
    sides = [values(poses.isel(time=rows)) for rows in (slice(30), slice(30, None))]
    # Distances to the edges are to the box of all tracks of a recording.
    for name in [n for n in got if not n.startswith(("edge", "partner_edge"))]:
        whole = np.concatenate([side[name] for side in sides])
        np.testing.assert_allclose(got[name], whole, rtol=1e-4, atol=1e-4, err_msg=name)
    assert got["speed_forward_cosine"].max() < 4
    assert got["speed_centroid_lag_0.33s"].max() < 4
