"""Noise of a tracker against placed keypoints: planted scale and slope, matching by name, clear errors; outliers."""

import numpy as np
import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.prepare.outliers import without_outliers
from murid.prepare.tracker_noise import frames_to_place, noise_of_placed

KEYPOINTS = ["nose", "neck", "tail_base"]
BODY = np.array([[40.0, 0.0], [25.0, 0.0], [0.0, 0.0]])


def tracked(n=600, noise=1.5, slope=-0.8, dof=5.0, seed=0):
    """Poses of two animals on frames 100 …, and their true places (time, keypoint, individual, 2)."""
    rng = np.random.default_rng(seed)
    true = BODY[None, :, None] + rng.normal(0, 30, (n, 1, 2, 2))
    sure = rng.uniform(0.05, 1.0, (n, 3, 2))
    scale = noise * sure**slope * np.sqrt(dof / rng.chisquare(dof, sure.shape))
    seen = true + rng.normal(size=true.shape) * scale[..., None]
    poses = make_poses(
        seen.transpose(0, 3, 1, 2),
        sure,
        keypoints=KEYPOINTS,
        individuals=["b", "a"],
        fps=30,
        frames=np.arange(100, 100 + n),
    )
    return poses, true


def placed(true, rows, by="frame"):
    table = [
        (f + 100 if by == "frame" else f / 30, k, i, *true[f, a, b])
        for f in rows
        for a, k in enumerate(KEYPOINTS)
        for b, i in enumerate("ba")
    ]
    table = pd.DataFrame(table, columns=[by, "keypoint", "individual", "x", "y"])
    return table.sample(frac=1, random_state=1).reset_index(drop=True)


@pytest.mark.parametrize("by", ["frame", "time_s"])
def test_planted_noise_is_measured_whatever_the_order_of_the_rows(by):
    poses, true = tracked()
    found = noise_of_placed(poses, placed(true, range(0, 600, 3), by), bootstraps=15)
    assert found.noise == pytest.approx(1.5, abs=0.2)
    assert found.confidence_slope == pytest.approx(-0.8, abs=0.1)
    assert found.slope_interval[0] < -0.8 < found.slope_interval[1]
    table = found.by_confidence
    assert np.allclose(table["error"], table["expected"], rtol=0.35)
    assert table["error"].iloc[0] > 4 * table["error"].iloc[-1]
    given = found.params(each_point=True)
    assert given["noise"] == pytest.approx(1.5 / 40, rel=0.2)
    assert set(given["point_noise"]) == set(KEYPOINTS)


def test_points_without_a_meaning_need_no_roles_and_given_roles_name_them():
    poses, true = tracked()
    renamed = {"nose": "p1", "neck": "p2", "tail_base": "p3"}
    blank = poses.assign_coords(keypoint=[renamed[k] for k in KEYPOINTS])
    rows = placed(true, range(0, 600, 3)).replace({"keypoint": renamed})
    plain, told = (noise_of_placed(blank, rows, roles, bootstraps=0) for roles in (None, renamed))
    assert plain.noise == told.noise == pytest.approx(1.5, abs=0.2)
    assert plain.body_length == pytest.approx(40, rel=0.1)
    assert set(plain.params(each_point=True)["point_noise"]) == {"p1", "p2", "p3"}
    assert set(told.params(each_point=True)["point_noise"]) == set(KEYPOINTS)
    # One role alone names no points of a model.
    one = poses.assign_coords(keypoint=["snout", "p2", "p3"])
    rows = placed(true, range(0, 600, 3)).replace({"keypoint": {"nose": "snout", "neck": "p2", "tail_base": "p3"}})
    assert set(noise_of_placed(one, rows, bootstraps=0).params(each_point=True)["point_noise"]) == {"snout", "p2", "p3"}


def test_without_a_body_length_the_noise_is_measured_and_the_parameters_say_what_lacks():
    poses, true = tracked()
    paws = {"nose": "left_forepaw", "neck": "right_forepaw", "tail_base": "tail_tip"}
    limbs = poses.assign_coords(keypoint=[paws[k] for k in KEYPOINTS])
    measured = noise_of_placed(limbs, placed(true, range(0, 600, 3)).replace({"keypoint": paws}), bootstraps=0)
    assert measured.noise == pytest.approx(1.5, abs=0.2)
    assert np.isnan(measured.body_length)
    with pytest.raises(DataError, match=r"no body length[\s\S]*roles="):
        measured.params()


def test_a_keypoint_with_noise_of_its_own_shows():
    poses, true = tracked(slope=-0.5)
    worse = true.copy()
    worse[:, 0] += np.random.default_rng(3).normal(0, 6, worse[:, 0].shape)
    points = noise_of_placed(poses, placed(worse, range(0, 600, 2)), bootstraps=0).points.set_index("keypoint")["noise"]
    assert points["nose"] > 2 * points["neck"]


def test_what_does_not_fit_is_named_at_once():
    poses, true = tracked(60)
    rows = placed(true, range(20))
    with pytest.raises(DataError, match=r"nosse[\s\S]*nose"):
        noise_of_placed(poses, rows.replace("nose", "nosse"))
    with pytest.raises(DataError, match="no column 'individual'"):
        noise_of_placed(poses, rows.drop(columns="individual"))
    with pytest.raises(DataError, match="frames that the poses do not have"):
        noise_of_placed(poses, rows.assign(frame=rows["frame"] + 1000))
    with pytest.raises(DataError, match="too few"):
        noise_of_placed(poses, rows.iloc[:10])
    with pytest.warns(UserWarning, match="one confidence"):
        steady = noise_of_placed(poses.assign(confidence=poses["confidence"] * 0 + 1), rows, bootstraps=0)
    assert steady.confidence_slope == 0


def test_frames_to_place_reach_over_the_confidences():
    rng = np.random.default_rng(0)
    sure = np.where(rng.random((2000, 3, 1)) < 0.005, 0.05, 0.99)
    poses = make_poses(rng.normal(size=(2000, 2, 3, 1)), sure, keypoints=KEYPOINTS, fps=30)
    chosen = frames_to_place(poses, 30)
    assert len(chosen) == 30
    assert chosen["frame"].is_unique
    assert 10 <= (chosen["confidence"] < 0.5).sum() <= 20


def test_a_point_far_from_the_body_is_not_seen_and_one_in_the_middle_is_warned_of():
    rng = np.random.default_rng(0)
    body = np.array([[0.0, 0], [1, 0.5], [1, -0.5], [2, 0.5], [2, -0.5], [3, 0]])
    xy = rng.normal(body, 0.2, (400, 6, 2))
    jumps = rng.choice(400, 10, replace=False)
    xy[jumps, 5] += 8
    lost = np.isnan(without_outliers(xy, 12.0)[..., 0])
    assert lost[jumps, 5].all()
    assert lost.sum() == 10
    with pytest.warns(UserWarning, match="point 1 loses"):
        without_outliers(rng.normal([[0.0, 0], [1, 0], [2, 0]], 0.05, (300, 3, 2)), 4.0)
