from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from murid.data.bouts import make_bouts
from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.prepare import assess_quality, calibrate, clean, keypoint_quality
from murid.prepare.quality import landmarks

from .tracks import animals, with_position


def verdicts(table):
    return dict(zip(table["check"], table["verdict"], strict=True))


def test_a_good_recording_is_ok():
    table = assess_quality(animals(1800, noise=0.05))
    assert (table["verdict"] == "ok").all()
    assert (table["todo"] == "").all()
    assert (assess_quality(calibrate(animals(900, noise=0.05, unit="px"), 10.0))["verdict"] == "ok").all()


def test_figures_of_planted_faults():
    poses = animals(1800, noise=0.05)  # one minute
    x, c = poses["position"].values.copy(), poses["confidence"].values.copy()
    x[600:900, :, 0, 0] = np.nan
    c[:450, 1, 0] = 0.2
    x[[100, 200, 300], :, 2, 1] += 80.0
    x[1000:1090, :, 3, 1] = x[1000, :, 3, 1]  # 3 s
    x[1200:1215, :, 3, 1] = x[1200, :, 3, 1]  # half a second: could be rest
    poses = with_position(poses, x).assign(confidence=(poses["confidence"].dims, c))
    row = keypoint_quality(poses).set_index(["individual", "keypoint"])
    assert row.loc[("m0", "nose"), "missing_pct"] == pytest.approx(100 / 6)
    assert row.loc[("m0", "nose"), "longest_gap_s"] == pytest.approx(10.0)
    assert row.loc[("m0", "neck"), "low_confidence_pct"] == pytest.approx(25.0)
    assert row.loc[("m1", "centre"), "jumps_per_min"] == pytest.approx(6.0)  # out and back
    assert row.loc[("m1", "tail_base"), "frozen_pct"] == pytest.approx(5.0)
    table = assess_quality(poses).set_index("check")
    for check, where in (
        ("missing keypoints", "m0 nose"),
        ("low confidence", "m0 neck"),
        ("jumps", "m1 centre"),
        ("stuck tracks", "m1 tail_base"),
    ):
        assert table.loc[check, "where"] == where
        assert table.loc[check, "verdict"] == "look"
        assert table.loc[check, "todo"]
    again = keypoint_quality(clean(poses))  # what the tracker did, not what cleaning left
    np.testing.assert_allclose(again.select_dtypes("number"), row.select_dtypes("number"))


def test_worst_comes_first():
    poses = animals(900)
    x = poses["position"].values.copy()
    x[:600, :, 1, 0] = np.nan
    table = assess_quality(with_position(poses, x))
    assert table["verdict"][0] == "bad"
    assert table["check"][0] == "missing keypoints"
    judged = table[table["verdict"] != "ok"]
    assert (judged[["reason", "todo"]].map(len) > 0).all(axis=None)


def test_a_check_is_ok_up_to_its_first_limit_and_bad_above_its_second():
    from murid.prepare.quality import QualityParams

    poses = animals(1024, n_ind=1, noise=0.05)
    x = poses["position"].values.copy()
    x[128:256, :, 0, 0] = np.nan  # 12.5 %, which floats hold exactly
    assert keypoint_quality(with_position(poses, x))["missing_pct"].max() == 12.5
    found = {}
    for limits in ((12.5, 40.0), (12.0, 40.0), (5.0, 12.5), (5.0, 12.0)):
        table = assess_quality(with_position(poses, x), params=QualityParams(missing=limits))
        found[limits] = verdicts(table)["missing keypoints"]
    assert list(found.values()) == ["ok", "look", "look", "bad"]


def test_absence_and_gaps():
    poses = animals(1800)
    x, c = poses["position"].values.copy(), poses["confidence"].values.copy()
    c[:300, :, 0] = 1e-5  # not there yet: the tracker guesses
    x[900:1050] = np.nan
    table = assess_quality(with_position(poses, x).assign(confidence=(poses["confidence"].dims, c)))
    absent = table[table["check"] == "absent at an end"].set_index("where")
    assert absent.loc["m0, t = 0.00 s", "value"] == pytest.approx(10.0)
    gap = table[table["check"] == "longest gap"]
    np.testing.assert_allclose(gap["value"], 5.0, atol=1e-6)
    assert (gap["verdict"] == "look").all()
    assert "t = 30.00 s" in gap["where"].iloc[0]


def test_clock():
    poses = animals(1800)
    wrong = poses.assign_attrs(fps=25.0)
    assert verdicts(assess_quality(wrong))["frame rate"] == "bad"
    gone = poses.isel(time=np.delete(np.arange(1800), np.arange(500, 520)))
    row = assess_quality(gone).set_index("check").loc["dropped frames"]
    assert row["verdict"] == "look"
    assert row["value"] == pytest.approx(100 * 20 / 1800)
    assert "t = 16.63 s" in row["where"]


def test_swaps_are_suspected():
    poses = animals(1800, seed=1)
    x = poses["position"].values.copy()
    for start in (300, 900, 1500):
        x[start:] = x[start:, ..., ::-1]
    row = assess_quality(with_position(poses, x)).set_index("check").loc["identity: animals swapped"]
    assert row["value"] == pytest.approx(3.0)
    assert row["verdict"] == "look"


def test_scale():
    with pytest.warns(UserWarning, match="80"):
        wrong = calibrate(animals(300, n_ind=1, unit="px"), 1.0)
    assert verdicts(assess_quality(wrong))["scale"] == "bad"
    assert verdicts(assess_quality(animals(300, unit="px")))["scale"] == "look"


def test_labels_that_run_over():
    poses = animals(900)  # 30 s
    bouts = make_bouts(start_s=[1.0], stop_s=[31.0], label=["rest"])
    scored = pd.DataFrame({"start_s": [0.0], "stop_s": [31.0], "rater": [""], "stream": [""]})
    table = assess_quality(Recording("r", poses=poses, labels=Labels(bouts, scored))).set_index("check")
    assert table.loc["label overhang", "value"] == pytest.approx(1.0)
    assert table.loc["label overhang", "verdict"] == "look"


def test_one_keypoint_without_confidence():
    points = np.cumsum(np.random.default_rng(0).normal(size=(300, 2, 1, 1)), axis=0)
    table = assess_quality(make_poses(points, keypoints=["led"], fps=30))
    assert verdicts(table)["low confidence"] == "ok"
    assert (table.loc[table["check"] == "jumps", "reason"] == "not known").all()


def with_corner(poses):
    """The poses with a drawn corner of the arena before their keypoints: always there, never moving."""
    xy = poses["position"].values
    corner = np.full((len(xy), 2, 1, xy.shape[3]), 7.0)
    names = ["tl", *map(str, poses["keypoint"].values)]
    every = np.concatenate([corner, xy], axis=2)
    time_s, unit = poses["time"].values, str(poses.attrs["unit"])
    individuals = [str(i) for i in poses["individual"].values]
    return make_poses(every, keypoints=names, individuals=individuals, time_s=time_s, unit=unit)


def test_drawn_corners_of_the_arena_are_no_stuck_track():
    poses = with_corner(animals(1800, noise=0.05))
    assert landmarks(poses) == ["tl"]
    assert set(assess_quality(poses)["verdict"]) == {"ok"}


def test_a_drawn_corner_does_not_hide_that_the_animal_is_gone():
    poses = animals(1800, n_ind=1, noise=0.05)
    xy = poses["position"].values.copy()
    xy[600:900] = np.nan  # 10 s
    table = assess_quality(with_corner(with_position(poses, xy))).set_index("check")
    assert table.loc["longest gap", "value"] == pytest.approx(10, abs=0.1)


def test_a_recording_in_which_nothing_moves_is_stuck():
    poses = make_poses(np.full((900, 2, 2, 1), 9.0), keypoints=["nose", "centre"], fps=30)
    assert landmarks(poses) == []
    assert verdicts(assess_quality(poses))["stuck tracks"] == "bad"
