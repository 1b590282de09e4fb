from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.data.meet import poses_and_zones
from murid.data.poses import make_poses
from murid.data.zones import EntryRule, Zone, Zones
from murid.prepare import calibrate, calibrate_zones, clean, scale_from_arena

from .tracks import animals


@pytest.fixture
def poses():
    return animals(300, unit="px")  # 10 px per cm, nose to tail base 8 cm


def test_every_source_gives_the_same_scale(poses):
    square = np.array([[0, 0], [400, 0], [400, 400], [0, 400]]) + 7.0
    ways = [
        calibrate(poses, 10.0),
        calibrate(poses, keypoints=("nose", "tail_base"), known_cm=8.0),
        calibrate(poses, points=((0, 0), (30, 40)), known_cm=5.0),
        calibrate(poses, arena=square, known_cm=40.0),
        calibrate(poses, arena=square, known_cm=(20.0, 80.0)),
        calibrate(poses, arena=Zone("a", centre=(200, 200), radius=100.0), known_cm=20.0),
    ]
    for out in ways:
        assert out.attrs["unit"] == "cm"
        assert out.attrs["px_per_cm"] == pytest.approx(10.0, rel=1e-3)
        np.testing.assert_allclose(out["position"], poses["position"] / 10, rtol=1e-3)
    assert poses.attrs["unit"] == "px"  # the input is not touched


def test_a_slanted_arena_is_forgiven():
    assert scale_from_arena([[0, 0], [400, 0], [420, 380], [-20, 380]], 40.0) == pytest.approx(10.0, rel=0.01)


def test_raw_positions_are_scaled_along(poses):
    out = calibrate(clean(poses), 10.0)
    np.testing.assert_allclose(out["position_raw"], poses["position"] / 10, rtol=1e-5)
    np.testing.assert_array_equal(clean(out)["position"], clean(calibrate(poses, 10.0))["position"])


def test_twice_is_refused(poses):
    with pytest.raises(DataError, match="calibrated already"):
        calibrate(calibrate(poses, 10.0), 10.0)
    zones = Zones([Zone("a", centre=(0, 0), radius=5.0)])
    with pytest.raises(DataError, match="calibrated already"):
        calibrate_zones(calibrate_zones(zones, 10.0), 10.0)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "none"),
        ({"px_per_cm": 10.0, "points": ((0, 0), (1, 1))}, "px_per_cm, points"),
        ({"px_per_cm": -1.0}, "> 0"),
        ({"points": ((0, 0), (1, 1))}, "known_cm"),
        ({"points": ((1, 1), (1, 1)), "known_cm": 4.0}, "same"),
        ({"keypoints": ("nose", "tailbase"), "known_cm": 8.0}, "did you mean 'tail_base'"),
        ({"arena": [[0, 0], [1, 0], [1, 1]], "known_cm": (1.0, 2.0, 3.0)}, "known_cm"),
        ({"arena": Zone("a", centre=(0, 0), radius=1.0), "known_cm": (4.0, 4.0)}, "diameter"),
    ],
)
def test_bad_sources_say_why(poses, kwargs, message):
    with pytest.raises(DataError, match=message):
        calibrate(poses, **kwargs)


def test_an_impossible_animal_is_reported_with_its_length(poses):
    with pytest.warns(UserWarning, match=r"'m0' measures 80\.0 cm.*check the scale \(1 px/cm\)"):
        calibrate(poses, 1.0)
    with pytest.warns(UserWarning, match=r"0\.8 cm"):
        calibrate(poses.isel(individual=[0]), 100.0)
    strange = poses.assign_coords(keypoint=["a", "b", "c", "d"])
    calibrate(strange, 1.0)  # names say nothing
    with pytest.warns(UserWarning, match="from a to d"):
        calibrate(strange.isel(individual=[0]), 1.0, body=("a", "d"))


def test_mm_become_cm(poses):
    mm = poses.assign_attrs(unit="mm")
    np.testing.assert_allclose(calibrate(mm)["position"], poses["position"] / 10, rtol=1e-5)
    with pytest.raises(DataError, match="no scale is needed"):
        calibrate(mm, 10.0)


def test_zones_are_scaled_along():
    rule = EntryRule(hysteresis=20.0)
    zones = Zones(
        [
            Zone("box", polygon=[[0, 0], [100, 0], [100, 50]], kind="centre"),
            Zone("round", centre=(50, 20), radius=10.0),
        ],
        rule,
    )
    out = calibrate_zones(zones, 10.0)
    np.testing.assert_allclose(out["box"].polygon, [[0, 0], [10, 0], [10, 5]])
    assert out["round"].centre == (5.0, 2.0)
    assert out["round"].radius == 1.0
    assert out["box"].kind == "centre"
    assert {z.unit for z in out.values()} == {"cm"}
    assert out.rule.hysteresis == 2.0


def test_three_dimensional_poses_are_scaled_too():
    poses = make_poses(np.ones((3, 3, 2, 1)) * 30, keypoints=["a", "b"], fps=30)
    assert (calibrate(poses, 10.0)["position"] == 3).all()


def test_mm_bring_no_scale_of_the_picture(poses):
    """Zones in px were read as mm: poses in mm got px_per_cm = 10."""
    out = calibrate(poses.assign_attrs(unit="mm"))
    assert "px_per_cm" not in out.attrs
    with pytest.raises(DataError, match="does not fit the poses"):
        poses_and_zones(out, Zones([Zone("a", centre=(5, 5), radius=2.0)]))


def test_corners_in_reading_order_give_the_same_scale():
    """As a bow-tie they gave .177 px/cm for 20."""
    corners = np.array([[100, 100], [905, 110], [900, 890], [95, 900.0]])
    right = scale_from_arena(corners, 40.0)
    assert right == pytest.approx(20, rel=0.02)
    with pytest.warns(UserWarning, match="crossed itself"):
        assert scale_from_arena(corners[[0, 1, 3, 2]], 40.0) == pytest.approx(right)
