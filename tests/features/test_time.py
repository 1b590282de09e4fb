"""Features and time: the ends, pauses, films that change their rate, gaps, and no look into the future."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.poses import make_poses
from murid.features import FeatureParams, compute, compute_rows
from tests.features.animals import KEYPOINTS, NO_WINDOWS, SMALL, assert_same, walk, walking_poses


def test_trailing_table_never_sees_the_future() -> None:
    params = FeatureParams(align="trailing", lags_s=(-0.5,), speed_lags_s=(0.5,))
    whole = walking_poses(200)
    early = compute(whole.isel(time=slice(0, 120)), "m0", params)
    np.testing.assert_allclose(early.values, compute(whole, "m0", params).values[:120], rtol=1e-6, atol=1e-6)


def test_missing_is_nan_and_stays_local() -> None:
    poses = walking_poses(200)
    poses["position"][100:103, :, 0, 0] = np.nan
    clean, gap = compute(walking_poses(200), "m0", SMALL), compute(poses, "m0", SMALL)
    names = gap["feature"].values.tolist()
    assert np.isnan(gap.sel(feature="speed_nose").values[99:104]).all()
    assert np.isfinite(gap.sel(feature="speed_nose").values[[98, 104]]).all()
    assert np.isfinite(gap.sel(feature="speed_nose_mean_1s").values).all()
    assert gap.sel(feature="visible").values[101] == 6
    np.testing.assert_array_equal(gap.sel(feature="speed_neck"), clean.sel(feature="speed_neck"))
    assert np.isnan(gap.values[101, names.index("dist_nose_neck")])


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
    xy = np.stack([walk(time, 0)], -1)
    mixed = compute(make_poses(xy, keypoints=KEYPOINTS, time_s=time, unit="cm"), "individual_0", SMALL)
    late = time[600:] - 20
    alone = make_poses(xy[600:], keypoints=KEYPOINTS, time_s=late, unit="cm")
    assert_same(mixed[600:], compute(alone, "individual_0", SMALL).assign_coords(time=time[600:]), 1e-5)


@settings(max_examples=6, deadline=None)
@given(
    cuts=st.lists(st.integers(20, 280), max_size=3, unique=True),
    pause=st.floats(0.5, 3600),
    start=st.sampled_from([0.0, 1000.0, 1.7e9]),
)
def test_a_clock_with_pauses_is_its_parts(cuts, pause, start) -> None:
    """Whatever the pauses and the start of the clock: each part has the features it has as a recording of its own."""
    poses = walking_poses(300, animals=1)
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
        assert_same(paused[a:b], part.assign_coords(time=paused["time"].values[a:b]), 1e-3)
