"""Corruption: as much as asked for, confidence tells of it, and what was planted is known."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.clock import find_dropped
from murid.data.errors import DataError


@pytest.fixture(scope="module")
def clean():
    return simulate.recording(duration_s=120, n_animals=2, seed=1)


def error_of(spoilt, clean):
    frames = spoilt.poses["frame"].values
    return np.hypot(*np.moveaxis(spoilt.poses["position"].values - clean.poses["position"].values[frames], 1, 0))


def test_jitter_has_the_asked_size(clean):
    spoilt = simulate.corrupt(clean, seed=3, jitter_px=1.0, occlusions_per_min=0, jumps_per_min=0)
    difference = (spoilt.poses["position"] - clean.poses["position"]).values
    stiff = [k for k, name in enumerate(simulate.KEYPOINTS) if name not in ("tail_mid", "tail_tip")]
    # Difficulty is lognormal with log-SD 0.3, so the mean variance is exp(2 * 0.3**2).
    assert difference[:, :, stiff].std() == pytest.approx(np.exp(0.3**2), rel=0.05)
    assert abs(difference.mean()) < 0.05


def test_confidence_goes_with_the_error(clean):
    spoilt = simulate.corrupt(clean, seed=3)
    error, confidence = error_of(spoilt, clean), spoilt.poses["confidence"].values
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert np.median(error[confidence > 0.9]) < 1.5
    assert np.median(error[confidence < 0.3]) > 8
    hidden = spoilt.meta["planted"]["hidden"]
    assert confidence[hidden].max() < 0.5 < np.median(confidence[~hidden])
    # Rate times mean length of a lognormal: 2/min * 0.3 s * exp(0.8**2 / 2).
    assert hidden.mean() == pytest.approx(2 / 60 * 0.3 * np.exp(0.32), rel=0.25)


def test_hidden_can_be_missing(clean):
    spoilt = simulate.corrupt(clean, seed=3, occluded="nan")
    hidden = spoilt.meta["planted"]["hidden"]
    missing = np.isnan(spoilt.poses["position"].values).all(axis=1)
    np.testing.assert_array_equal(missing, hidden)
    assert (spoilt.poses["confidence"].values[hidden] == 0).all()


def test_swaps_are_where_the_truth_says(clean):
    spoilt = simulate.corrupt(clean, seed=5, swaps_per_min=4, jitter_px=0, occlusions_per_min=0, jumps_per_min=0)
    swaps = spoilt.meta["planted"]["swaps"]
    assert len(swaps) >= 3
    time = clean.poses["time"].values
    swapped = np.zeros(len(time), bool)
    for start, stop, a, b in swaps:
        assert {a, b} == {"mouse_1", "mouse_2"}
        swapped |= (time >= start - 1e-6) & (time < stop - 1e-6)
    new, old = spoilt.poses["position"].values, clean.poses["position"].values
    np.testing.assert_array_equal(new[swapped], old[swapped][..., ::-1])
    np.testing.assert_array_equal(new[~swapped], old[~swapped])


def test_dropped_frames_leave_a_gap_in_time(clean):
    spoilt = simulate.corrupt(clean, seed=5, dropped=0.05)
    lost = spoilt.meta["planted"]["dropped_frames"]
    assert len(lost) == pytest.approx(0.05 * 3600, rel=0.1)
    assert find_dropped(spoilt.poses["time"].values).total == len(lost)
    assert not np.isin(lost, spoilt.poses["frame"].values).any()
    assert spoilt.meta["planted"]["hidden"].shape[0] == spoilt.poses.sizes["time"]


def test_camera_scale_and_shift(clean):
    moved = simulate.corrupt(clean, jitter_px=0, occlusions_per_min=0, jumps_per_min=0, scale=1.1, offset_px=(5, -3))
    expected = clean.poses["position"].values * np.float32(1.1) + np.array([5, -3], np.float32)[None, :, None, None]
    np.testing.assert_allclose(moved.poses["position"].values, expected, atol=1e-3)


def test_same_seed_same_errors(clean):
    a, b, c = (simulate.corrupt(clean, seed=s).poses["position"].values for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    with pytest.raises(DataError, match="jitter_px"):
        simulate.corrupt(clean, jitter=1)


def test_second_rater_mostly_agrees(clean):
    other = simulate.second_rater(clean.labels, seed=2)
    assert other.raters == ["rater_2"]
    time = clean.poses["time"].values
    names = list(clean.labels.behaviours)
    both = [x.to_states(time, names, individuals=["mouse_1", "mouse_2"]).values for x in (clean.labels, other)]
    same = (both[0].argmax(-1) == both[1].argmax(-1)).mean()
    assert 0.75 < same < 0.97
    exact = simulate.second_rater(clean.labels, border_sd_s=0, missed=0, confused=0)
    columns = ["start_s", "stop_s", "label", "individual"]
    order = lambda t: t[columns].sort_values(["individual", "start_s"]).reset_index(drop=True)  # noqa: E731
    np.testing.assert_allclose(order(exact.bouts)["start_s"], order(clean.labels.bouts)["start_s"])
    assert (order(exact.bouts)["label"] == order(clean.labels.bouts)["label"]).all()
