"""The table: invariances, blocks, rows, frame rates, subjects; and real recordings."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError, ParameterError
from murid.data.poses import make_poses
from murid.data.roles import guess_roles
from murid.data.zones import Zone, Zones
from murid.features import FeatureParams, compute, compute_rows, feature_names, iter_blocks

KEYPOINTS = ["nose", "ear_left", "ear_right", "neck", "hip_left", "hip_right", "tail_base"]
SKELETON = np.array([[4, 0], [3, -1], [3, 1], [2, 0], [-2, -1.2], [-2, 1.2], [-3.5, 0]], float)
SMALL = FeatureParams(windows_s=(0.1, 1.0))
NO_WINDOWS = FeatureParams(windowed=())


def _animal(t: np.ndarray, seed: int) -> np.ndarray:
    """A smooth walk that bends and turns: ``(time, 2, keypoint)`` in cm, a function of time alone."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.uniform(0.05, 0.4, 3)
    heading = 2 * np.sin(2 * np.pi * a * t) + seed
    centre = np.stack([15 * np.sin(2 * np.pi * b * t + seed), 12 * np.cos(2 * np.pi * c * t)], 1)
    bend = 0.5 * np.sin(2 * np.pi * 0.31 * t)
    points = np.repeat(SKELETON[None], t.size, 0)
    points[:, :4] = _turn(points[:, :4], bend)
    return (_turn(points, heading) + centre[:, None]).transpose(0, 2, 1)


def _turn(points: np.ndarray, angle: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], -1)


def _poses(
    n: int = 300,
    fps: float = 30.0,
    animals: int = 2,
    *,
    gaps: float = 0.0,
    unit: str = "cm",
    scale: float = 1.0,
    keypoints: list[str] = KEYPOINTS,
) -> xr.Dataset:
    t = np.arange(n) / fps
    position = np.stack([_animal(t, i) for i in range(animals)], -1) * scale + 100 * scale
    rng = np.random.default_rng(9)
    confidence = rng.uniform(0.3, 1, (n, len(KEYPOINTS), animals))
    lost = rng.random((n, 1, len(KEYPOINTS), animals)) < gaps
    position[np.broadcast_to(lost, position.shape)] = np.nan
    return make_poses(
        position, confidence, keypoints=keypoints, individuals=[f"m{i}" for i in range(animals)], fps=fps, unit=unit
    )


def _moved(poses: xr.Dataset, angle: float, shift: tuple[float, float]) -> xr.Dataset:
    cos, sin = np.cos(angle), np.sin(angle)
    position = poses["position"].values.astype(np.float64)
    x, y = position[:, 0], position[:, 1]
    turned = np.stack([cos * x - sin * y + shift[0], sin * x + cos * y + shift[1]], 1)
    return poses.assign(position=(poses["position"].dims, turned.astype(np.float32)))


def _same(a: xr.DataArray, b: xr.DataArray, share: float = 1e-2) -> None:
    """Equal up to `share` of each feature's spread: positions are float32 and accelerations divide by 0.004 s²."""
    assert a["feature"].values.tolist() == b["feature"].values.tolist()
    for i, name in enumerate(a["feature"].values):
        atol = share * (np.nanstd(a.values[:, i]) + 1) if np.isfinite(a.values[:, i]).any() else 0.0
        np.testing.assert_allclose(a.values[:, i], b.values[:, i], rtol=share, atol=atol, err_msg=str(name))


def test_names_units_and_families() -> None:
    table = compute(_poses(50), "m0")
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
    poses = _poses(40, fps=48.0, animals=3)
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


@pytest.mark.parametrize("angle", [0.7, np.pi / 2, -3.0])
@pytest.mark.parametrize("subject", ["m0", "all"])
def test_the_camera_may_turn_and_move(angle: float, subject: str) -> None:
    poses = _poses(80, gaps=0.03)
    plain = compute(poses, subject, NO_WINDOWS)
    _same(plain, compute(_moved(poses, angle, (55.0, -120.0)), subject, NO_WINDOWS), 5e-3)


def test_the_camera_may_zoom_when_uncalibrated() -> None:
    small, large = _poses(120, unit="px"), _poses(120, unit="px", scale=7.3)
    a, b = compute(small, "m0", SMALL), compute(large, "m0", SMALL)
    assert a.attrs["length_unit"] == "bl"
    assert b.attrs["length_in_pose_units"] == pytest.approx(7.3 * a.attrs["length_in_pose_units"], rel=1e-4)
    _same(a, b)


def test_calibrated_units_agree() -> None:
    cm = compute(_poses(60), "m0", SMALL)
    px = _poses(60, unit="px", scale=20.0).assign_attrs(px_per_cm=20.0)
    mm = _poses(60, unit="mm", scale=10.0)
    _same(cm, compute(px, "m0", SMALL))
    _same(cm, compute(mm, "m0", SMALL))


def test_two_frame_rates_agree() -> None:
    params = FeatureParams(families=("kinematics", "shape", "egocentric", "social", "between"))
    slow = compute(_poses(300, 30.0), "m0", params)
    fast = compute(_poses(600, 60.0), "m0", params).isel(time=slice(None, None, 2))
    assert slow["feature"].values.tolist() == fast["feature"].values.tolist()
    inner = slice(75, 225)
    errors, spread = {}, 1.0
    for i, name in enumerate(map(str, slow["feature"].values)):
        a, b = slow.values[inner, i], fast.values[inner, i]
        if "_0.1s" in name:
            continue  # Three frames at 30 fps cannot span the same 0.1 s as six or seven at 60 fps.
        if not name.endswith(("s", "_min", "_max")):
            spread = max(np.nanstd(a), 1e-2)  # of the feature itself, for its statistics that follow
        errors[name] = np.nanmedian(np.abs(a - b)) / spread
    worst = sorted(errors.items(), key=lambda item: -item[1])[:5]
    assert worst[0][1] < 0.15, worst
    assert np.median(list(errors.values())) < 0.01


def test_order_of_animals_does_not_matter_for_all() -> None:
    poses = _poses(150, animals=3, gaps=0.05)
    params = SMALL.replace(combine=("min", "max", "mean", "absdiff"))
    for individuals in (["m0", "m1"], ["m0", "m1", "m2"]):
        ahead = compute(poses.sel(individual=individuals), "all", params)
        back = compute(poses.sel(individual=individuals[::-1]), "all", params)
        _same(ahead, back, 1e-4)


def test_order_of_other_animals_does_not_matter_for_one() -> None:
    poses = _poses(60, animals=3)
    _same(compute(poses, "m1", SMALL), compute(poses.isel(individual=[2, 1, 0]), "m1", SMALL), 1e-5)


def test_nearest_partner_is_taken() -> None:
    poses = _poses(60, animals=3)
    table = compute(poses, "m0", NO_WINDOWS)
    pairs = [compute(poses.sel(individual=["m0", other]), "m0", NO_WINDOWS) for other in ("m1", "m2")]
    gaps = np.stack([p.sel(feature="centre_distance").values for p in pairs])
    noses = np.stack([p.sel(feature="nose_nose").values for p in pairs])
    np.testing.assert_allclose(table.sel(feature="centre_distance"), gaps.min(0), rtol=1e-6)
    np.testing.assert_allclose(table.sel(feature="nose_nose"), noses[gaps.argmin(0), np.arange(60)], rtol=1e-6)
    np.testing.assert_allclose(table.sel(feature="nose_nose_mean"), noses.mean(0), rtol=1e-5)
    # What a pair model asks for is there in a group.
    assert set(pairs[0]["feature"].values) <= set(table["feature"].values)


def test_mirror_twice_and_mirror_of_the_mirror_image() -> None:
    poses = _poses(80)
    position = poses["position"].values.copy()
    position[:, 1] *= -1
    swap = [KEYPOINTS.index(k.replace("left", "#").replace("right", "left").replace("#", "right")) for k in KEYPOINTS]
    image = poses.assign(
        position=(poses["position"].dims, position[:, :, swap]),
        confidence=(poses["confidence"].dims, poses["confidence"].values[:, swap]),
    )
    zone, mirrored_zone = (Zones([Zone("z", centre=(100, y), radius=20, unit="cm")]) for y in (100, -100))
    mirrored = compute(poses, "m0", SMALL.replace(mirror=True), zones=zone)
    _same(mirrored, compute(image, "m0", SMALL, zones=mirrored_zone), 1e-4)
    plain = compute(poses, "m0", SMALL, zones=zone)
    np.testing.assert_allclose(mirrored.sel(feature="turn_rate"), -plain.sel(feature="turn_rate"), atol=1e-4)
    np.testing.assert_allclose(mirrored.sel(feature="depth_z_nose"), plain.sel(feature="depth_z_nose"), atol=1e-4)


@pytest.mark.parametrize("subject", ["m0", "all"])
def test_blocks_rows_and_workers_give_the_same_bits(subject: str) -> None:
    poses = _poses(3000, gaps=0.05)
    params = FeatureParams(windows_s=(0.1, 1.0), percentiles=(50,), bands_hz=((2, 6),), speed_lags_s=(0.5,))
    whole = compute(poses, subject, params, workers=1)
    np.testing.assert_array_equal(compute(poses, subject, params, workers=3).values, whole.values)
    for workers in (1, 2):
        blocks = list(iter_blocks(poses, subject, params, block_s=10.0, workers=workers))
        assert len(blocks) == 3
        np.testing.assert_array_equal(np.concatenate([b.values for b in blocks]), whole.values)
        np.testing.assert_array_equal(np.concatenate([b["time"].values for b in blocks]), poses["time"].values)
    rows = np.array([2999, 5, 5, 1023, 1024, 2047])
    some = compute_rows(poses, subject, rows, params)
    np.testing.assert_array_equal(some.values, whole.values[rows])
    np.testing.assert_array_equal(some["frame"].values, rows)
    mask = np.zeros(3000, bool)
    mask[rows] = True
    few = np.concatenate([b.values for b in iter_blocks(poses, subject, params, rows=mask, block_s=20)])
    np.testing.assert_array_equal(few, whole.values[mask])


def test_trailing_table_never_sees_the_future() -> None:
    params = FeatureParams(align="trailing", lags_s=(-0.5,), speed_lags_s=(0.5,))
    whole = _poses(200)
    early = compute(whole.isel(time=slice(0, 120)), "m0", params)
    np.testing.assert_allclose(early.values, compute(whole, "m0", params).values[:120], rtol=1e-6, atol=1e-6)


def test_missing_is_nan_and_stays_local() -> None:
    poses = _poses(200)
    poses["position"][100:103, :, 0, 0] = np.nan
    clean, gap = compute(_poses(200), "m0", SMALL), compute(poses, "m0", SMALL)
    names = gap["feature"].values.tolist()
    assert np.isnan(gap.sel(feature="speed_nose").values[99:104]).all()
    assert np.isfinite(gap.sel(feature="speed_nose").values[[98, 104]]).all()
    assert np.isfinite(gap.sel(feature="speed_nose_mean_1s").values).all()
    assert gap.sel(feature="visible").values[101] == 6
    np.testing.assert_array_equal(gap.sel(feature="speed_neck"), clean.sel(feature="speed_neck"))
    assert np.isnan(gap.values[101, names.index("dist_nose_neck")])


def test_other_names_same_features() -> None:
    other = ["Snout", "Left Ear", "Right Ear", "Neck", "Left_hip", "hipr", "Tailbase"]
    _same(compute(_poses(40), "m0", SMALL), compute(_poses(40, keypoints=other), "m0", SMALL), 0)


def test_one_point_and_one_frame() -> None:
    one = make_poses(np.zeros((1, 2, 1, 1)), keypoints=["body"], time_s=[0.0], unit="cm").assign_attrs(fps=30.0)
    table = compute(one, "individual_0")
    assert table.sizes["time"] == 1
    assert np.isnan(table.sel(feature="speed_centre").values).all()
    with pytest.raises(DataError, match="frame rate is unknown"):
        compute(one.assign_attrs(fps=np.nan), "individual_0")


def test_faults_are_named() -> None:
    poses = _poses(20)
    with pytest.raises(DataError, match="no individual 'm9'"):
        compute(poses, "m9")
    with pytest.raises(ParameterError) as error:
        FeatureParams(families=("kinetics",), windows_s=(-1.0,), align="trailing")
    assert "did you mean 'kinematics'" in str(error.value)
    with pytest.raises(DataError, match="not calibrated"):
        compute(_poses(20, unit="px"), "m0", FeatureParams(length="cm"))
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


def test_the_mirror_of_one_ear_is_no_ear() -> None:
    """With one ear tracked, the left ear lay on the right in the mirror."""
    xy = np.random.default_rng(0).normal(size=(60, 2, 3, 1)) + np.array([[4, 3, -4], [0, -2, 0.0]])[None, :, :, None]
    poses = make_poses(xy, keypoints=["nose", "ear_left", "tail_base"], fps=30, unit="cm")
    plain, mirror = (compute(poses, "individual_0", SMALL.replace(mirror=m)) for m in (False, True))
    assert plain["feature"].values.tolist() == mirror["feature"].values.tolist()
    assert np.isnan(mirror.sel(feature="ego_y_ear_left")).all()
    assert np.isfinite(mirror.sel(feature="speed_nose")).all()


def _social(xy: np.ndarray, individuals: list[str]) -> dict[str, float]:
    poses = make_poses(xy, keypoints=["nose", "bodycentre", "tailbase"], individuals=individuals, fps=30, unit="cm")
    table = compute(poses, "a", FeatureParams(windowed=(), lags_s=(), windows_s=(), families=("social",)))
    wanted = ("centre_distance", "nose_nose", "closest_distance")
    return {name: float(table.sel(feature=name)[150]) for name in wanted}


def test_the_nearest_partner_is_the_nearest_that_is_seen() -> None:
    """With the centre of the animal in contact hidden, the nearest was the one 60 cm away (nose to nose 1 -> 60)."""
    body = np.array([[4, 0], [0, 0], [-4, 0.0]]).T[None, :, :, None]
    turned = body * np.array([-1, 1])[None, :, None, None]
    own, near, far = (np.array([x, 0.0]).reshape(1, 2, 1, 1) + b for x, b in ((0, body), (9, turned), (60, body)))
    xy = np.concatenate([own, near, far], 3).repeat(300, 0)
    right = _social(xy, ["a", "b", "c"])
    assert (right["nose_nose"], right["closest_distance"]) == (1.0, 1.0)
    for hidden in ("b", "a"):
        x = xy.copy()
        x[100:200, :, 1, "ab".index(hidden)] = np.nan
        for order in ([0, 1, 2], [0, 2, 1]):
            got = _social(x[..., order], [["a", "b", "c"][i] for i in order])
            assert got["nose_nose"] == 1.0
            assert got["closest_distance"] == 1.0
            assert np.isnan(got["centre_distance"])
    x = xy.copy()
    x[100:200, :, :, 0] = np.nan
    assert np.isnan(list(_social(x, ["a", "b", "c"]).values())).all()


def test_together_the_overlap_is_that_of_the_closest_pair() -> None:
    """Two of three animals on top of each other had an overlap of 0: that of the pair farthest apart."""
    rng = np.random.default_rng(0)
    place = np.array([[0, 0, 60], [0, 0, 0.0]])[None, :, None, :]
    xy = np.repeat(SKELETON.T[None, :, :, None] + place, 90, 0) + rng.normal(size=(90, 2, 7, 3)) * 0.05
    poses = make_poses(xy, keypoints=KEYPOINTS, individuals=["a", "b", "c"], fps=30, unit="cm")
    table = compute(poses, "all", NO_WINDOWS)
    assert float(table.sel(feature="overlap")[45]) > 0.9
    assert float(table.sel(feature="closest_distance")[45]) < 0.5


def test_the_turning_of_the_path_is_whole_at_the_ends() -> None:
    """One-sided steps at the ends belong to times closer together: .65 rad/s was given for 1.3."""
    t = np.arange(300) / 30
    way = 1.3 * t
    centre = np.stack([20 * np.cos(way), 20 * np.sin(way)], 1)
    ahead = np.stack([-np.sin(way), np.cos(way)], 1)
    xy = np.stack([centre + k * ahead for k in (4, 0, -4)], 2)[..., None]
    poses = make_poses(xy, keypoints=["nose", "centre", "tail_base"], fps=30, unit="cm")
    table = compute(poses, "individual_0", NO_WINDOWS)
    np.testing.assert_allclose(np.abs(table.sel(feature="path_turn_rate")), 1.3, rtol=0.02)


def test_nothing_reaches_over_a_pause() -> None:
    """An animal carried 10 cm in a pause of 60 s had a speed of 1.66 cm/s and lags of 60.5 s."""
    time = np.concatenate([np.arange(0, 10, 0.1), np.arange(70, 80, 0.1)])
    x = np.where(time < 30, 5.0, 15.0)
    xy = np.stack([np.stack([x + k, np.full_like(x, 5.0)], 1) for k in (4, 0, -4)], 2)[..., None]
    poses = make_poses(xy, keypoints=["nose", "centre", "tail_base"], time_s=time, unit="cm")
    table = compute(poses, "individual_0", SMALL)
    for name in ("speed_centre", "speed_centre_max_1s", "forward_nose_min_1s"):
        np.testing.assert_allclose(table.sel(feature=name), 0.0, atol=1e-5)
    lag = table.sel(feature="speed_centre_lag_-0.5s").values
    assert np.flatnonzero(np.isnan(lag)).tolist() == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]
    rows = compute_rows(poses, "individual_0", [3, 99, 100, 150], SMALL)
    np.testing.assert_array_equal(rows.values, table.values[[3, 99, 100, 150]])


def test_windows_are_seconds_where_the_film_changes_its_rate() -> None:
    """20 s at 30 and 40 s at 15 frames/s: each half has the windows of its own rate."""
    time = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])
    xy = np.stack([_animal(time, 0)], -1)
    mixed = compute(make_poses(xy, keypoints=KEYPOINTS, time_s=time, unit="cm"), "individual_0", SMALL)
    late = time[600:] - 20
    alone = make_poses(xy[600:], keypoints=KEYPOINTS, time_s=late, unit="cm")
    _same(mixed[600:], compute(alone, "individual_0", SMALL).assign_coords(time=time[600:]), 1e-5)


def test_points_that_were_never_seen_are_named() -> None:
    """A whole empty keypoint let every frame be labelled, without a word."""
    poses = _poses(60)
    poses["position"].values[:, :, KEYPOINTS.index("nose"), 0] = np.nan
    with pytest.warns(UserWarning, match=r"nose \(nose\) of 'm0' was never seen"):
        table = compute(poses, "m0", NO_WINDOWS)
    assert np.isnan(table.sel(feature="speed_nose")).all()
    compute(poses, "m1", NO_WINDOWS.replace(families=("kinematics",)))


@settings(max_examples=6, deadline=None)
@given(
    cuts=st.lists(st.integers(20, 280), max_size=3, unique=True),
    pause=st.floats(0.5, 3600),
    start=st.sampled_from([0.0, 1000.0, 1.7e9]),
)
def test_a_clock_with_pauses_is_its_parts(cuts, pause, start) -> None:
    """Whatever the pauses and the start of the clock: each part has the features it has as a recording of its own."""
    poses = _poses(300, animals=1)
    edges = [0, *sorted(cuts), 300]
    lag = np.searchsorted(edges[1:-1], np.arange(300), side="right") * pause
    params = SMALL.replace(families=("kinematics",), windows_s=(1.0,), stats=("mean", "max"))
    paused = compute(poses.assign_coords(time=poses["time"].values + lag + start), "m0", params)
    length = float(paused.attrs["length_in_pose_units"])
    for a, b in itertools.pairwise(edges):
        if b - a < 4:
            continue
        part = compute(poses.isel(time=slice(a, b)), "m0", params)
        assert float(part.attrs["length_in_pose_units"]) == length
        _same(paused[a:b], part.assign_coords(time=paused["time"].values[a:b]), 1e-3)
