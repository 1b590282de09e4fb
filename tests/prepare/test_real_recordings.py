"""Cleaning and identity repair on recordings of other labs, with the figures that were measured."""

from __future__ import annotations

import numpy as np
import pytest

from murid.io import read_poses
from murid.prepare import (
    assess_quality,
    calibrate,
    clean,
    estimate_arena,
    keypoint_quality,
    repair_identity,
    typical_body_length,
)
from murid.prepare.cleaning import LOW_CONFIDENCE
from murid.prepare.jumps import count_jumps

pytestmark = pytest.mark.realdata


def rats(data_dir, session):
    (path,) = (data_dir / "rat_social" / "poses").glob(f"{session}DLC_*.csv.gz")
    return read_poses(path, fps=24)


def long_steps(poses, px):
    """Frame-to-frame steps longer than `px`."""
    return int(count_jumps(poses["position"].values, poses["time"].values, 0.0, px, 1.01 / 24).sum())


@pytest.mark.parametrize("session", [1, 5, 20, 41])
def test_rats_are_repaired_and_cleaned(data_dir, session):
    poses = rats(data_dir, session)
    repaired, swaps = repair_identity(poses)
    assert 10 <= (swaps["what"] == "animal").sum() <= 40
    assert long_steps(repaired, 200) < long_steps(poses, 200)
    assert long_steps(repaired, 50) < long_steps(poses, 50)
    before, after = clean(poses), clean(repaired)
    assert long_steps(after, 200) <= 1
    assert long_steps(after, 50) < long_steps(before, 50)
    # Naming was changed, nothing else: the same sightings are there.
    np.testing.assert_array_equal(np.nansum(repaired["position"], axis=-1), np.nansum(poses["position"], axis=-1))


@pytest.mark.filterwarnings("ignore:.*points at exactly:UserWarning")
def test_missing_shares_of_the_rats(data_dir):
    """README of the data: body 21 %, tail 20 %, tail-m 32 %, top 39 %, tail-e 69 % over all sessions."""
    table = [
        keypoint_quality(rats(data_dir, session)).groupby("keypoint")["missing_pct"].mean()
        for session in (1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 41, 45)
    ]
    mean = np.mean(table, axis=0)
    for share, want in zip(mean, (21, 20, 69, 32, 39), strict=True):  # body, tail, tail-e, tail-m, top
        assert share == pytest.approx(want, abs=5)


def test_swaps_planted_into_rats_are_found(data_dir):
    """Recall on real tracks: exchange the rats where both are seen well apart."""
    poses = repair_identity(rats(data_dir, 41))[0]
    x = poses["position"].values
    both = np.isfinite(x[:, 0]).all(axis=2).sum(axis=1) >= 3  # keypoints that both rats show
    near = _apart(x)
    good = np.flatnonzero(both[1:] & both[:-1] & (near[1:] > 0.5 * typical_body_length(poses))) + 1
    starts = np.sort(np.random.default_rng(0).choice(good, 40, replace=False))
    starts = starts[np.insert(np.diff(starts) > 24, 0, True)]
    bad = x.copy()
    for start in starts:
        bad[start:] = bad[start:, ..., ::-1].copy()
    planted = poses.assign(position=(poses["position"].dims, bad))
    swaps = repair_identity(planted)[1]
    quiet = set(repair_identity(poses)[1].query("what == 'animal'")["frame"])
    found = set(swaps.query("what == 'animal'")["frame"])
    assert len(set(starts) & found) >= 0.9 * len(starts)
    assert len(found - set(starts) - quiet) <= 2


def _apart(x):
    """Mean distance of the keypoints both rats show, px."""
    distance = np.linalg.norm(x[..., 0] - x[..., 1], axis=1)  # (time, keypoint)
    seen = np.isfinite(distance)
    return np.where(seen, distance, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)


def test_the_absent_mouse_is_masked(data_dir):
    poses = read_poses(next((data_dir / "three_chamber" / "poses").glob("AC_SOC2_10DLC*")), fps=24)
    out = clean(poses)
    assert (poses["confidence"].values[:350] < 0.02).all()  # 15 s without a mouse
    assert (out["status"].values[:350] == LOW_CONFIDENCE).all()
    assert np.isnan(out["position"].values[:350]).all()
    assert float(poses["position"].min()) < -7
    assert float(out["position"].min()) > 100
    table = assess_quality(poses).set_index("check")
    assert table.loc["absent at an end", "value"] == pytest.approx(395 / 24)
    assert table.loc["absent at an end", "verdict"] != "ok"


def test_a_good_recording_is_hardly_touched(data_dir):
    path = data_dir / "behaviordepot" / "demo1" / "demo1_tracking.csv.gz"
    poses = calibrate(read_poses(path, fps=50), 32.0)  # px/cm from the data's README
    assert 5 < typical_body_length(poses) < 12
    out = clean(poses)
    share = np.bincount(out["status"].values.ravel(), minlength=5) / out["status"].size
    assert share[0] > 0.99
    assert share[4] == 0
    moved = np.linalg.norm((out["position"] - out["position_raw"]).values, axis=1)
    assert np.nanmedian(moved) < 0.05  # cm
    assert assess_quality(poses).set_index("check").loc["scale", "verdict"] == "ok"


@pytest.mark.parametrize("name", ["8_01", "12_01"])
def test_arena_from_tracks_against_tracked_corners(data_dir, name):
    path = next((data_dir / "oft_pose_fixture").glob(f"{name}*.csv.gz"))
    poses = read_poses(path, fps=25)
    corners = poses["position"].sel(keypoint=["tl", "tr", "br", "bl"]).isel(individual=0).median("time").values.T
    x, y = corners.T
    side = np.sqrt(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
    out = estimate_arena(clean(poses).sel(keypoint=["bodycentre"]))
    assert out.shape == "box"
    assert np.sqrt(out.zone.area) == pytest.approx(side, rel=0.01)
    away = np.linalg.norm(out.zone.polygon[:, None] - corners, axis=2).min(axis=0) / side
    assert away.mean() < 0.03
    assert away.max() < 0.04
