"""The same behaviour seen otherwise: what changes and what must not."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.recording import Recording
from murid.data.resample import same_moments
from murid.evaluate.robustness import at_rate, mirrored_recording, variant


@pytest.fixture(scope="module")
def recording() -> Recording:
    poses, _ = simulate.syllable_poses(60, 30.0, seed=1)
    return Recording("a", poses=poses)


def xy(recording: Recording) -> np.ndarray:
    return recording.need("poses")["position"].values


def test_mirror_exchanges_sides_and_twice_is_the_original(recording):
    names = [str(k) for k in recording.need("poses")["keypoint"].values]
    once = mirrored_recording(recording)
    left, right = names.index("ear_left"), names.index("ear_right")
    assert np.allclose(xy(once)[:, 1, left], xy(recording)[:, 1, right])
    assert np.allclose(np.diff(xy(once)[:, 0, left], axis=0), -np.diff(xy(recording)[:, 0, right], axis=0), atol=1e-3)
    # Left stays left: the sign of the area nose, left ear, right ear is that of the original.
    assert np.sign(area(once)).sum() == np.sign(area(recording)).sum() != 0
    assert np.allclose(xy(mirrored_recording(once)), xy(recording), atol=1e-3)


def area(recording: Recording) -> np.ndarray:
    poses = recording.need("poses")["position"].sel(keypoint=["nose", "ear_left", "ear_right"]).values[..., 0]
    a, b = poses[:, :, 1] - poses[:, :, 0], poses[:, :, 2] - poses[:, :, 0]
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def test_frame_rates_keep_the_moments_they_share(recording):
    for factor, n in ((0.5, 900), (2.0, 3599)):
        other = at_rate(recording, factor)
        poses = other.need("poses")
        assert poses.sizes["time"] == n
        assert poses.attrs["fps"] == pytest.approx(30 * factor)
        a, b = same_moments(recording.need("poses")["time"].values, poses["time"].values)
        assert len(a) == (900 if factor < 1 else 1800)
        assert np.allclose(xy(recording)[a], xy(other)[b])
    between = xy(at_rate(recording, 2.0))
    assert np.allclose(between[1], (xy(recording)[0] + xy(recording)[1]) / 2, atol=1e-3)


def test_gaps_of_the_clock_are_not_filled(recording):
    poses = recording.need("poses").isel(time=np.r_[0:100, 200:300])
    finer = at_rate(recording.replace(poses=poses), 2.0).need("poses")["time"].values
    assert not ((finer > poses["time"].values[99] + 1e-9) & (finer < poses["time"].values[100] - 1e-9)).any()


def test_jitter_dropout_and_size_are_what_they_say(recording):
    noisy = xy(variant(recording, "jitter", 2.0)) - xy(recording)
    names = [str(k) for k in recording.need("poses")["keypoint"].values]
    assert noisy[:, :, names.index("nose")].std() == pytest.approx(2.0, rel=0.25)
    hidden = np.isnan(xy(variant(recording, "dropout", 0.1))).mean()
    assert 0.07 < hidden < 0.13
    assert np.allclose(xy(variant(recording, "size", 1.15)), 1.15 * xy(recording), rtol=1e-5)
