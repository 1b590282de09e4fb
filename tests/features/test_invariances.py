"""Features do not depend on the camera, the units, the frame rate, names, or how the table is computed."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.poses import make_poses
from murid.data.zones import Zone, Zones
from murid.features import FeatureParams, compute, compute_rows, iter_blocks
from tests.features.animals import KEYPOINTS, NO_WINDOWS, SMALL, assert_same, seen_from_elsewhere, walking_poses


@pytest.mark.parametrize("angle", [0.7, np.pi / 2, -3.0])
@pytest.mark.parametrize("subject", ["m0", "all"])
def test_the_camera_may_turn_and_move(angle: float, subject: str) -> None:
    poses = walking_poses(80, gaps=0.03)
    plain = compute(poses, subject, NO_WINDOWS)
    assert_same(plain, compute(seen_from_elsewhere(poses, angle, (55.0, -120.0)), subject, NO_WINDOWS), 5e-3)


def test_the_camera_may_zoom_when_uncalibrated() -> None:
    small, large = walking_poses(120, unit="px"), walking_poses(120, unit="px", scale=7.3)
    a, b = compute(small, "m0", SMALL), compute(large, "m0", SMALL)
    assert a.attrs["length_unit"] == "bl"
    assert b.attrs["length_in_pose_units"] == pytest.approx(7.3 * a.attrs["length_in_pose_units"], rel=1e-4)
    assert_same(a, b)


def test_calibrated_units_agree() -> None:
    cm = compute(walking_poses(60), "m0", SMALL)
    px = walking_poses(60, unit="px", scale=20.0).assign_attrs(px_per_cm=20.0)
    mm = walking_poses(60, unit="mm", scale=10.0)
    assert_same(cm, compute(px, "m0", SMALL))
    assert_same(cm, compute(mm, "m0", SMALL))


def test_two_frame_rates_agree() -> None:
    params = FeatureParams(families=("kinematics", "shape", "egocentric", "social", "between"))
    slow = compute(walking_poses(300, 30.0), "m0", params)
    fast = compute(walking_poses(600, 60.0), "m0", params).isel(time=slice(None, None, 2))
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


def test_mirror_twice_and_mirror_of_the_mirror_image() -> None:
    poses = walking_poses(80)
    position = poses["position"].values.copy()
    position[:, 1] *= -1
    swap = [KEYPOINTS.index(k.replace("left", "#").replace("right", "left").replace("#", "right")) for k in KEYPOINTS]
    image = poses.assign(
        position=(poses["position"].dims, position[:, :, swap]),
        confidence=(poses["confidence"].dims, poses["confidence"].values[:, swap]),
    )
    zone, mirrored_zone = (Zones([Zone("z", centre=(100, y), radius=20, unit="cm")]) for y in (100, -100))
    mirrored = compute(poses, "m0", SMALL.replace(mirror=True), zones=zone)
    assert_same(mirrored, compute(image, "m0", SMALL, zones=mirrored_zone), 1e-4)
    plain = compute(poses, "m0", SMALL, zones=zone)
    np.testing.assert_allclose(mirrored.sel(feature="turn_rate"), -plain.sel(feature="turn_rate"), atol=1e-4)
    np.testing.assert_allclose(mirrored.sel(feature="depth_z_nose"), plain.sel(feature="depth_z_nose"), atol=1e-4)


def test_the_mirror_of_one_ear_is_no_ear() -> None:
    """With one ear tracked, the left ear lay on the right in the mirror."""
    xy = np.random.default_rng(0).normal(size=(60, 2, 3, 1)) + np.array([[4, 3, -4], [0, -2, 0.0]])[None, :, :, None]
    poses = make_poses(xy, keypoints=["nose", "ear_left", "tail_base"], fps=30, unit="cm")
    plain, mirror = (compute(poses, "individual_0", SMALL.replace(mirror=m)) for m in (False, True))
    assert plain["feature"].values.tolist() == mirror["feature"].values.tolist()
    assert np.isnan(mirror.sel(feature="ego_y_ear_left")).all()
    assert np.isfinite(mirror.sel(feature="speed_nose")).all()


@pytest.mark.parametrize("subject", ["m0", "all"])
def test_blocks_rows_and_workers_give_the_same_bits(subject: str) -> None:
    poses = walking_poses(3000, gaps=0.05)
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


def test_other_names_same_features() -> None:
    other = ["Snout", "Left Ear", "Right Ear", "Neck", "Left_hip", "hipr", "Tailbase"]
    assert_same(compute(walking_poses(40), "m0", SMALL), compute(walking_poses(40, keypoints=other), "m0", SMALL), 0)
