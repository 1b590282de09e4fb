"""Body length: told from names where they tell, from the skeleton where they do not."""

import numpy as np
import pytest

from murid import simulate
from murid.data.body_scale import measured_body_length, nose_and_tail_base, trunk_keypoints, typical_body_length
from murid.data.errors import DataError


@pytest.fixture(scope="module")
def poses():
    return simulate.recording("open_field", duration_s=20, fps=20, seed=2).need("poses")


def test_names_of_any_lab():
    names = ["Nose", "ear_l", "ear_r", "tailbase", "tail_tip", "paw_front_left"]
    assert nose_and_tail_base(names) == ("Nose", "tailbase")
    assert [names[i] for i in trunk_keypoints(names)] == ["Nose", "ear_l", "ear_r", "tailbase"]
    assert nose_and_tail_base(["a", "b"]) is None
    assert trunk_keypoints(["a", "b"]) == [0, 1]


def test_length_scales_with_the_poses(poses):
    length = typical_body_length(poses)
    twice = poses.assign(position=poses["position"] * 2)
    assert length > 0
    assert typical_body_length(twice) == pytest.approx(2 * length, rel=1e-6)


def test_names_that_say_nothing_give_a_length_too(poses):
    silent = poses.assign_coords(keypoint=[f"p{i}" for i in range(poses.sizes["keypoint"])])
    assert typical_body_length(silent) > 0.5 * typical_body_length(poses)


def test_unsure_points_do_not_count(poses):
    wild = poses.copy(deep=True)
    wild["position"].loc[{"keypoint": "nose"}] = 1e6
    wild["confidence"].loc[{"keypoint": "nose"}] = 0.1
    assert typical_body_length(wild) < 10 * typical_body_length(poses)


def test_nothing_seen_is_nan_or_an_error(poses):
    empty = poses.assign(position=poses["position"] * np.nan)
    assert np.isnan(typical_body_length(empty))
    with pytest.raises(DataError, match="no body length"):
        measured_body_length(empty)
