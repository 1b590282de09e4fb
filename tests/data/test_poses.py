"""Poses: the shape contract, and one error for all faults."""

import numpy as np
import pytest

import murid
from murid.data.poses import absent, fps_of, keypoint_names, validate_poses


def make(n=10, **changes):
    given = dict(position=np.zeros((n, 2, 2, 1)), keypoints=["nose", "tail"], fps=25.0)
    return murid.make_poses(**{**given, **changes})


def test_contract():
    poses = make()
    assert poses["position"].dims == ("time", "space", "keypoint", "individual")
    assert poses["position"].dtype == np.float32
    assert keypoint_names(poses) == ["nose", "tail"]
    assert fps_of(poses) == pytest.approx(25)
    assert np.isnan(poses["confidence"]).all()
    assert poses["frame"].values.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(position=np.zeros((10, 2, 2))), "number of axes"),
        (dict(keypoints=["nose"]), "number of keypoint names"),
        (dict(keypoints=["nose", "nose"]), "repeat"),
        (dict(fps=None), "time base"),
        (dict(unit="furlong"), "unit"),
        (dict(position=np.full((10, 2, 2, 1), np.nan)), "every position is missing"),
        (dict(position=np.full((10, 2, 2, 1), np.inf)), "infinite"),
        (dict(position=np.zeros((0, 2, 2, 1))), "no frames"),
        (dict(confidence=np.zeros((3, 2, 1))), "confidence"),
        (dict(fps=None, time_s=np.arange(10)[::-1]), "does not increase"),
        (dict(fps=None, time_s=np.arange(9)), "wrong length"),
    ],
)
def test_bad_input_is_explained(changes, message):
    with pytest.raises(murid.DataError, match=message):
        make(**changes)


def test_all_faults_at_once():
    with pytest.raises(murid.DataError) as error:
        make(keypoints=["a", "b", "c"], individuals=["x", "y"], fps=None)
    assert len(error.value.faults) == 3


def test_wrong_axes_of_a_foreign_dataset():
    poses = make().transpose("keypoint", "space", "time", "individual")
    with pytest.raises(murid.DataError, match="wrong axes"):
        validate_poses(poses)


def test_an_animal_is_absent_only_when_nothing_of_it_is_seen_for_long():
    position = np.zeros((100, 2, 2, 2))
    position[10:40, :, :, 0] = np.nan  # 1.2 s out of view
    position[50:60, :, :, 0] = np.nan  # .4 s lost
    position[10:90, :, 0, 1] = np.nan  # one keypoint hidden
    away = absent(make(position=position, individuals=["a", "b"]), 1.0)
    assert np.flatnonzero(away[:, 0]).tolist() == list(range(10, 40))
    assert not away[:, 1].any()


def test_confidence_in_percent_is_refused():
    values = np.random.default_rng(0).uniform(0, 100, (90, 1, 1))
    with pytest.raises(murid.DataError, match=r"confidence lies outside 0\.\.1.*divide it by 100"):
        murid.make_poses(np.zeros((90, 2, 1, 1)), values, keypoints=["nose"], fps=30)


def test_repeated_frame_numbers_are_refused():
    with pytest.raises(murid.DataError, match="frame numbers do not increase"):
        murid.make_poses(np.zeros((9, 2, 1, 1)), keypoints=["nose"], fps=30, frames=np.zeros(9, int))


def test_poses_share_no_memory_with_the_caller():
    given = np.zeros((9, 2, 1, 1), np.float32)
    poses = murid.make_poses(given, keypoints=["nose"], fps=30)
    given += 5
    assert poses["position"].values.max() == 0
