from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import ParameterError
from murid.data.poses import make_poses
from murid.prepare import CleanParams, clean
from murid.prepare.cleaning import FILLED, JUMP, LOW_CONFIDENCE, MISSING, OBSERVED
from murid.prepare.gaps import gap_table

from .tracks import animals, smooth_path, with_position


def dirty(seed=0, n=900, unit="cm"):
    """Animals with every kind of fault; returns poses and truth."""
    truth = animals(n, seed=seed, unit=unit)
    rng = np.random.default_rng(seed)
    x, c = truth["position"].values.copy(), truth["confidence"].values.copy()
    scale = 10 if unit == "px" else 1
    for k, i in np.ndindex(*c.shape[1:]):
        for start in rng.choice(n - 60, 6, replace=False):
            x[start : start + rng.integers(1, 30), :, k, i] = np.nan
        jump = rng.choice(n, 5, replace=False)
        x[jump, :, k, i] += 60.0 * scale
        low = rng.choice(n, 20, replace=False)
        c[low, k, i] = 0.1
        x[low, :, k, i] += rng.normal(0, 5 * scale, (20, 2))
    return with_position(truth, x).assign(confidence=(truth["confidence"].dims, c)), truth


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["cm", "px"]), st.sampled_from([15.0, 30.0, 100.0]))
def test_a_faultless_recording_is_not_changed(seed, unit, fps):
    poses = animals(300, fps=fps, seed=seed, unit=unit)
    out = clean(poses, CleanParams(smoothing="none"))
    np.testing.assert_array_equal(out["position"].values, poses["position"].values)
    assert (out["status"].values == OBSERVED).all()


@pytest.mark.parametrize("smoothing", ["none", "median", "savgol", "kalman"])
@pytest.mark.parametrize("unit", ["cm", "px"])
def test_contract(smoothing, unit):
    poses, truth = dirty(unit=unit)
    p = CleanParams(smoothing=smoothing)
    out = clean(poses, p)
    status, x = out["status"].values, out["position"].values
    assert status.dtype == np.uint8
    assert x.dtype == np.float32
    assert set(np.unique(status)) == {OBSERVED, FILLED, MISSING, LOW_CONFIDENCE, JUMP}
    np.testing.assert_array_equal(np.isnan(x).any(axis=1), status >= MISSING)
    xr.testing.assert_identical(out["position_raw"].rename("position"), poses["position"])
    raw = poses["position"].values
    assert np.isnan(raw).any(axis=1)[status == MISSING].all()
    assert (poses["confidence"].values[status == LOW_CONFIDENCE] < 0.5).all()
    error = np.linalg.norm(x - truth["position"].values, axis=1)
    assert np.nanmax(error) < (3.0 if unit == "cm" else 30.0)  # no fault gets through


def test_no_gap_longer_than_asked_is_filled():
    poses, _ = dirty()
    for smoothing in ("none", "kalman"):
        out = clean(poses, CleanParams(smoothing=smoothing, max_gap_s=0.15))
        for k, i in np.ndindex(*out["status"].shape[1:]):
            status = out["status"].values[:, k, i]
            start, stop, length = gap_table(status != OBSERVED, out["time"].values)
            start, stop, length = gap_table(status == OBSERVED, out["time"].values)
            for a, b, s in zip(start, stop, length, strict=True):
                assert (status[a:b] == FILLED).all() == (s <= 0.151 and a > 0 and b < len(status))


def test_cleaning_twice_is_cleaning_once():
    poses, _ = dirty()
    once = clean(poses)
    xr.testing.assert_identical(clean(once), once)


def test_unknown_confidence_is_not_low():
    poses, _ = dirty()
    unknown = poses.assign(confidence=poses["confidence"] * np.nan)
    assert not (clean(unknown)["status"].values == LOW_CONFIDENCE).any()


def test_without_scale_jumps_are_left_with_a_warning():
    poses = animals(200, n_ind=1, unit="px").isel(keypoint=[0])
    with pytest.warns(UserWarning, match="no body length"):
        clean(poses)
    clean(poses, CleanParams(jumps=False))


def test_parameters_are_checked():
    with pytest.raises(ParameterError, match="max_gap_s"):
        CleanParams(max_gap_s=-1)
    with pytest.raises(ParameterError, match="did you mean 'window_s'"):
        CleanParams(windows=3)


@pytest.mark.parametrize("smoothing", ["none", "savgol", "kalman"])
def test_two_frame_rates_give_the_same_track(smoothing):
    rng = np.random.default_rng(4)
    path = smooth_path(2400, 120.0, rng)
    lost = (np.arange(2400) / 120 % 3 > 2.85) | (np.arange(2400) / 120 % 7 > 6.4)  # 0.15 s and 0.6 s
    path = np.where(lost[:, None], np.nan, path)
    ref = animals(2400, fps=120.0, n_ind=1)
    out = []
    for every in (2, 4):
        x = np.broadcast_to(path[::every, :, None, None], (2400 // every, 2, 4, 1))
        poses = with_position(ref.isel(time=slice(None, None, every)), x + np.zeros((2400 // every, 2, 4, 1)))
        out.append(clean(poses, CleanParams(smoothing=smoothing, window_s=0.2))["position"].values[..., 0, 0])
    fine, coarse = out[0][::2], out[1]
    both = np.isfinite(fine) & np.isfinite(coarse)
    assert both.mean() > 0.85
    assert (np.isfinite(fine) == np.isfinite(coarse)).mean() > 0.98
    assert np.sqrt(np.mean((fine - coarse)[both] ** 2)) < 0.15  # cm, at 12 cm/s


def test_points_at_zero_are_missing_in_px_whatever_their_likelihood():
    """A tracker that writes (0, 0) for 'not found' added 55 cm to a path of 1 m."""
    xy = np.full((90, 2, 1, 1), 300.0)
    xy[:, 0, 0, 0] += np.arange(90)
    xy[[20, 21, 60]] = 0.0
    poses = make_poses(xy, np.ones((90, 1, 1)), keypoints=["nose"], fps=30.0)
    out = clean(poses, jumps=False, fill="none", smoothing="none")
    assert np.flatnonzero(out["status"].values[:, 0, 0] == 2).tolist() == [20, 21, 60]
    assert np.isnan(out["position"].values[[20, 21, 60]]).all()
    kept = clean(poses, jumps=False, fill="none", smoothing="none", zero_is_missing=False)
    assert (kept["status"].values == 0).all()
    in_cm = make_poses(xy, np.ones((90, 1, 1)), keypoints=["nose"], fps=30.0, unit="cm")
    assert (clean(in_cm, jumps=False, fill="none", smoothing="none")["status"].values == 0).all(), "a place like others"
