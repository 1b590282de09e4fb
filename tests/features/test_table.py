"""The table: names, units, known values, faults; and real recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from murid.data.errors import DataError, ParameterError
from murid.data.poses import make_poses
from murid.data.roles import guess_roles
from murid.data.zones import Zone, Zones
from murid.features import FeatureParams, compute, compute_rows, feature_names
from tests.features.animals import KEYPOINTS, NO_WINDOWS, SKELETON, SMALL, walking_poses


def test_names_units_and_families() -> None:
    table = compute(walking_poses(50), "m0")
    assert table.dims == ("time", "feature")
    assert table.dtype == np.float32
    names = table["feature"].values.tolist()
    assert len(set(names)) == len(names)
    assert {"speed_centre", "dist_nose_neck", "nose_anogenital", "between_nose_nose", "speed_centre_mean_1s"} <= set(
        names
    )
    unit = dict(zip(names, table["unit"].values, strict=True))
    assert unit["speed_centre"] == "cm/s"
    assert unit["hull_area"] == "cm^2"
    assert unit["facing_nose"] == "rad"
    assert set(table["family"].values) == {"kinematics", "shape", "egocentric", "missing", "social", "between"}
    assert np.isfinite(table.values).mean() > 0.9


@pytest.mark.parametrize("together", [False, True])
def test_manifest_without_data_is_the_manifest_of_the_data(together: bool) -> None:
    zones = Zones([Zone("corner", centre=(0, 0), radius=5, unit="cm")])
    poses = walking_poses(40, fps=48.0, animals=3)
    table = compute(poses, "all" if together else "m1", SMALL, zones=zones)
    listed = feature_names(KEYPOINTS, SMALL, n_individuals=3, together=together, zones=zones)
    for coord in ("feature", "unit", "family", "meaning"):
        assert listed[coord].values.tolist() == table[coord].values.tolist()


def test_sideways_and_turning_are_positive_clockwise_in_the_picture() -> None:
    """The picture's y points down: an animal that looks along x and slides along y goes to its right, clockwise."""
    t = np.arange(60) / 30
    slides = SKELETON[None] + np.stack([0 * t, 5 * t], 1)[:, None]
    cos, sin = np.cos(t), np.sin(t)
    turn = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
    turns = np.einsum("tij,kj->tki", turn, SKELETON)
    position = np.stack([slides, turns], -1).transpose(0, 2, 1, 3)
    poses = make_poses(position, keypoints=KEYPOINTS, individuals=["slides", "turns"], fps=30.0, unit="cm")
    middle = {name: compute(poses, name, NO_WINDOWS).isel(time=30) for name in ("slides", "turns")}
    for point in ("centre", "nose", "rear"):
        assert float(middle["slides"].sel(feature=f"sideways_{point}")) == pytest.approx(5, abs=1e-3)
        assert float(middle["slides"].sel(feature=f"forward_{point}")) == pytest.approx(0, abs=1e-3)
    assert float(middle["turns"].sel(feature="turn_rate")) == pytest.approx(1, abs=1e-3)


def test_the_partner_is_behind_to_the_right_and_slower() -> None:
    """Both look along x, at 5 and 2 cm/s; the partner runs 10 cm behind and 20 cm to the right (y points down)."""
    t = np.arange(60) / 30
    first = SKELETON[None] + np.stack([5 * t, 0 * t], 1)[:, None]
    partner = SKELETON[None] + np.stack([2 * t - 10, 0 * t + 20], 1)[:, None]
    position = np.stack([first, partner], -1).transpose(0, 2, 1, 3)
    poses = make_poses(position, keypoints=KEYPOINTS, individuals=["a", "b"], fps=30.0, unit="cm")
    row = compute(poses, "a", NO_WINDOWS).isel(time=0)
    assert float(row.sel(feature="partner_y_nose")) == pytest.approx(20, abs=1e-3)
    assert float(row.sel(feature="partner_x_nose")) < 0
    assert float(row.sel(feature="speed_difference")) == pytest.approx(3, abs=1e-3)


def test_known_values() -> None:
    """An animal that walks ahead at 5 cm/s while its partner waits 30 cm further on."""
    t = np.arange(90) / 30
    walker = SKELETON[None] + np.stack([5 * t, 0 * t], 1)[:, None]
    waiting = np.repeat(SKELETON[None] + [30.0, 0.0], t.size, 0)
    position = np.stack([walker, waiting], -1).transpose(0, 2, 1, 3)
    table = compute(make_poses(position, keypoints=KEYPOINTS, individuals=["a", "b"], fps=30.0, unit="cm"), "a")
    middle = table.isel(time=45)
    at = {name: float(middle.sel(feature=name)) for name in map(str, table["feature"].values)}
    expected = {
        "speed_centre": 5,
        "forward_centre": 5,
        "sideways_nose": 0,
        "turn_rate": 0,
        "course_cos": 1,
        "acceleration_centre": 0,
        "straightness_1s": 1,
        "speed_nose_mean_1s": 5,
        "dist_nose_tail_base": 7.5,
        "body_width": 2.4,
        "bend_nose_neck_tail_base": 0,
        "opening_nose": np.pi / 2,
        "area_back": 11,
        "centre_distance": 22.5,
        "closing_speed": 5,
        "approach_speed": 5,
        "tangential_speed": 0,
        "nose_nose": 22.5,
        "nose_anogenital": 15,
        "facing_centre": 0,
        "in_view": 1,
        "relative_heading": 0,
        "closest_distance": 15,
        "partner_x_rear": 22.5 - 3.5 + 2 / 3,
        "partner_y_nose": 0,
        "partner_speed": 0,
        "visible": 7,
        "ego_y_hip_left": -1.2,
        "centre_distance_change_1s": -5 * 21 / 30,
        "between_nose_tail_base": 15,
        "hull_area": 13.8,
    }
    for name, value in expected.items():
        assert at[name] == pytest.approx(value, abs=1e-3), name


def test_straightness_of_a_half_circle() -> None:
    t = np.arange(240) / 30
    position = np.stack([10 * np.cos(np.pi * t), 10 * np.sin(np.pi * t)], 1)[:, :, None, None]
    table = compute(make_poses(position, keypoints=["body"], fps=30.0, unit="cm"), "individual_0", NO_WINDOWS)
    # A second is half a turn: the diameter over half the circumference.
    assert float(table.sel(feature="straightness_1s")[120]) == pytest.approx(2 / np.pi, rel=1e-2)
    assert float(table.sel(feature="path_turn_rate")[120]) == pytest.approx(np.pi, rel=1e-3)
    assert float(table.sel(feature="speed_centre")[120]) == pytest.approx(10 * np.pi, rel=1e-2)


def test_speed_over_a_longer_time_sees_through_jitter() -> None:
    """A point that creeps at 2 cm/s and flickers by 0.3 cm from frame to frame."""
    t = np.arange(240) / 30
    x = 2 * t + 0.3 * (np.arange(t.size) // 2 % 2)
    position = np.stack([x, 0 * x], 1)[:, :, None, None]
    params = NO_WINDOWS.replace(speed_lags_s=(1.0,))
    table = compute(make_poses(position, keypoints=["body"], fps=30.0, unit="cm"), "individual_0", params)
    assert np.median(table.sel(feature="speed_centre")[30:-30]) > 4
    np.testing.assert_allclose(table.sel(feature="speed_centre_over_1s")[30:-30], 2, atol=0.35)


def test_one_point_and_one_frame() -> None:
    one = make_poses(np.zeros((1, 2, 1, 1)), keypoints=["body"], time_s=[0.0], unit="cm").assign_attrs(fps=30.0)
    table = compute(one, "individual_0")
    assert table.sizes["time"] == 1
    assert np.isnan(table.sel(feature="speed_centre").values).all()
    with pytest.raises(DataError, match="frame rate is unknown"):
        compute(one.assign_attrs(fps=np.nan), "individual_0")


def test_faults_are_named() -> None:
    poses = walking_poses(20)
    with pytest.raises(DataError, match="no individual 'm9'"):
        compute(poses, "m9")
    with pytest.raises(ParameterError) as error:
        FeatureParams(families=("kinetics",), windows_s=(-1.0,), align="trailing")
    assert "did you mean 'kinematics'" in str(error.value)
    with pytest.raises(DataError, match="not calibrated"):
        compute(walking_poses(20, unit="px"), "m0", FeatureParams(length="cm"))
    with pytest.raises(DataError, match="frames do not exist"):
        compute_rows(poses, "m0", [0, 20])
    with pytest.raises(DataError, match="wrong length"):
        compute_rows(poses, "m0", np.ones(3, bool))


REAL = {
    "rat": "rat_social/poses/1DLC_dlcrnetms5_DLC_ratJan24shuffle1_5000_el_filtered.csv.gz",
    "calms21": "calms21_excerpt/mouse083_task1_annotator1_alt.csv.gz",
    "three_chamber": "three_chamber/poses/AC_SOC2_1DLC_resnet50_social_behavior_allMay27shuffle1_250000.csv.gz",
    "oft": "oft_pose_fixture/8_01_A_190507134142DeepCut_resnet50_Blockcourse1May9shuffle1_1030000.csv.gz",
    "sleap": "sleap_social/raw_slp/example_dep.slp",
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_real_recordings(name: str, data_dir: Path) -> None:
    from murid.io import read_poses

    poses = read_poses(data_dir / REAL[name], **({} if name == "sleap" else {"fps": 25.0})).isel(time=slice(0, 3000))
    roles = guess_roles(poses["keypoint"].values)
    assert not {"tl", "tr", "bl", "br", "centre"} & set(roles.values()) or name != "oft"
    first = str(poses["individual"].values[0])
    for subject in {first, "all" if poses.sizes["individual"] > 1 else first}:
        table = compute(poses, subject, FeatureParams(windows_s=(0.33, 1.0)))
        assert not np.isinf(table.values).any()
        # No feature is empty over the whole recording where its keypoints are tracked at all.
        empty = [str(f) for f in table["feature"].values[np.isnan(table.values).all(0)]]
        assert not [f for f in empty if not f.startswith("confidence")], empty[:5]
        assert table.attrs["length_unit"] == "bl"
        speed = table.sel(feature="speed_centre" if subject == first else "speed_centre_max").values
        assert 0.01 < np.nanmedian(speed) < 5  # body lengths per second
    if name == "calms21":
        length = compute(poses, first, NO_WINDOWS).sel(feature="dist_nose_tail_base").values
        assert np.nanmedian(length) == pytest.approx(1, abs=0.15)


def test_points_that_were_never_seen_are_named() -> None:
    """A whole empty keypoint let every frame be labelled, without a word."""
    poses = walking_poses(60)
    poses["position"].values[:, :, KEYPOINTS.index("nose"), 0] = np.nan
    with pytest.warns(UserWarning, match=r"nose \(nose\) of 'm0' was never seen"):
        table = compute(poses, "m0", NO_WINDOWS)
    assert np.isnan(table.sel(feature="speed_nose")).all()
    compute(poses, "m1", NO_WINDOWS.replace(families=("kinematics",)))
