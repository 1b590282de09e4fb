"""Speed, velocity, heading, distance, body length: true differences, axes kept, units carried."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.features import body_length, distance, heading, speed, velocity

KEYPOINTS = ["nose", "centre", "tail_base"]
FILM = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])


def _circle(time, unit="cm", individuals=("a", "b"), scale=1.0):
    """Animals that walk round circles of 20 cm at .5 and 1 rad/s."""
    xy = []
    for rate in (0.5, 1.0)[: len(individuals)]:
        way = rate * time
        centre = 20 * np.stack([np.cos(way), np.sin(way)], 1)
        ahead = np.stack([-np.sin(way), np.cos(way)], 1)
        xy.append(np.stack([centre + k * ahead for k in (4, 0, -4)], 2))
    return make_poses(np.stack(xy, -1) * scale, keypoints=KEYPOINTS, individuals=individuals, time_s=time, unit=unit)


@pytest.mark.parametrize("time", [np.arange(600) / 15, np.arange(600) / 120, FILM, 1.7e9 + np.arange(600) / 30])
def test_a_circle_has_its_speed_at_every_rate(time) -> None:
    poses = _circle(time)
    got = speed(poses)
    assert got.dims == ("time", "keypoint", "individual")
    np.testing.assert_allclose(got.sel(keypoint="centre", individual="a"), 10.0, rtol=0.01)
    np.testing.assert_allclose(got.sel(keypoint="centre", individual="b"), 20.0, rtol=0.01)
    v = velocity(poses)
    assert v.dims == ("time", "space", "keypoint", "individual")
    assert (v.attrs["unit"], got.attrs["unit"]) == ("cm/s", "cm/s")


def test_nothing_crosses_a_pause_and_missing_stays_missing() -> None:
    time = np.concatenate([np.arange(0, 10, 0.1), np.arange(70, 80, 0.1)])
    xy = np.where(time < 30, 5.0, 15.0)[:, None, None, None] * np.ones((1, 2, 1, 1))
    xy[50] = np.nan
    got = speed(make_poses(xy, keypoints=["nose"], time_s=time, unit="cm")).values.ravel()
    assert np.flatnonzero(np.isnan(got)).tolist() == [49, 51]
    np.testing.assert_allclose(got[np.isfinite(got)], 0)


def test_heading_distance_and_body_length() -> None:
    time = np.arange(300) / 30
    poses = _circle(time)
    turned = np.unwrap(heading(poses).sel(individual="a").values)
    np.testing.assert_allclose(np.diff(turned) * 30, 0.5, rtol=0.01)
    np.testing.assert_allclose(body_length(poses), 8.0, rtol=1e-5)
    np.testing.assert_allclose(distance(poses, (0, 0)).sel(keypoint="centre"), 20.0, rtol=1e-5)
    own = distance(poses, "centre")
    np.testing.assert_allclose(own.sel(keypoint="nose"), 4.0, rtol=1e-4)
    other = distance(poses, "centre", individual="b").sel(keypoint="centre", individual="a")
    np.testing.assert_allclose(other, 40 * np.abs(np.sin(0.25 * time)), atol=1e-4)
    assert (heading(poses).attrs["unit"], own.attrs["unit"]) == ("rad", "cm")
    with pytest.raises(DataError, match="did you mean 'nose'"):
        distance(poses, "noze")
    with pytest.raises(DataError, match="no individual 'c'"):
        distance(poses, "nose", individual="c")
    with pytest.raises(DataError, match="step_s"):
        velocity(poses, step_s=0)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(3)), scale=st.sampled_from([0.1, 1.0, 20.0]), start=st.sampled_from([0.0, 1000.0]))
def test_order_of_names_unit_and_start_change_nothing(order, scale, start) -> None:
    time = np.arange(90) / 30
    plain = _circle(time)
    unit = {0.1: "mm", 1.0: "cm", 20.0: "px"}[scale]
    poses = _circle(time, unit, scale=scale).isel(keypoint=list(order), individual=[1, 0])
    poses = poses.assign_coords(time=time + start)
    for function in (speed, velocity, heading, body_length):
        a, b = function(plain), function(poses)
        b = b.sel(individual=a["individual"])
        b = b.sel(keypoint=a["keypoint"]) if "keypoint" in a.dims else b
        k = 1.0 if function is heading else scale
        np.testing.assert_allclose(b.values, a.values * k, rtol=2e-3, atol=1e-3 * k)
