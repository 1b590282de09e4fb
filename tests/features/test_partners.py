"""Which animal is the partner: order does not matter, the nearest that is seen counts."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.poses import make_poses
from murid.features import FeatureParams, compute
from tests.features.animals import KEYPOINTS, NO_WINDOWS, SKELETON, SMALL, assert_same, walking_poses


def test_order_of_animals_does_not_matter_for_all() -> None:
    poses = walking_poses(150, animals=3, gaps=0.05)
    params = SMALL.replace(combine=("min", "max", "mean", "absdiff"))
    for individuals in (["m0", "m1"], ["m0", "m1", "m2"]):
        ahead = compute(poses.sel(individual=individuals), "all", params)
        back = compute(poses.sel(individual=individuals[::-1]), "all", params)
        assert_same(ahead, back, 1e-4)


def test_order_of_other_animals_does_not_matter_for_one() -> None:
    poses = walking_poses(60, animals=3)
    assert_same(compute(poses, "m1", SMALL), compute(poses.isel(individual=[2, 1, 0]), "m1", SMALL), 1e-5)


def test_nearest_partner_is_taken() -> None:
    poses = walking_poses(60, animals=3)
    table = compute(poses, "m0", NO_WINDOWS)
    pairs = [compute(poses.sel(individual=["m0", other]), "m0", NO_WINDOWS) for other in ("m1", "m2")]
    gaps = np.stack([p.sel(feature="centre_distance").values for p in pairs])
    noses = np.stack([p.sel(feature="nose_nose").values for p in pairs])
    np.testing.assert_allclose(table.sel(feature="centre_distance"), gaps.min(0), rtol=1e-6)
    np.testing.assert_allclose(table.sel(feature="nose_nose"), noses[gaps.argmin(0), np.arange(60)], rtol=1e-6)
    np.testing.assert_allclose(table.sel(feature="nose_nose_mean"), noses.mean(0), rtol=1e-5)
    # What a pair model asks for is there in a group.
    assert set(pairs[0]["feature"].values) <= set(table["feature"].values)


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


def test_together_the_closing_speed_is_that_of_the_pair_that_comes_closest() -> None:
    """One of three comes closer to the second and leaves the third: its speed of leaving was given."""
    x = np.stack([np.zeros(90), 30 - 6 * np.arange(90) / 30, np.full(90, 60.0)], 1)
    xy = SKELETON.T[None, :, :, None] + np.stack([x, 0 * x], 1)[:, :, None]
    poses = make_poses(xy, keypoints=KEYPOINTS, individuals=["a", "b", "c"], fps=30, unit="cm")
    table = compute(poses, "all", NO_WINDOWS)
    assert float(table.sel(feature="closing_speed")[45]) == pytest.approx(6, rel=0.01)
