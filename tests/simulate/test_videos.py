"""Videos: they decode, frame for frame, and the nose is where the pose says."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.errors import DataError


@pytest.fixture(scope="module")
def recording():
    return simulate.recording(duration_s=3, fps=25, n_animals=1, seed=8, px_per_cm=8)


def nose_spot(image, x, y, reach=4):
    """Middle of the bright dot near a point, px."""
    c0, r0 = round(float(x)) - reach, round(float(y)) - reach
    piece = image[r0 : r0 + 2 * reach + 1, c0 : c0 + 2 * reach + 1].astype(float)
    rows, columns = np.mgrid[: piece.shape[0], : piece.shape[1]]
    weight = np.clip(piece - 120, 0, None) * (np.hypot(rows - reach, columns - reach) < 2.6)
    return c0 + (columns * weight).sum() / weight.sum(), r0 + (rows * weight).sum() / weight.sum(), piece.max()


def test_video_decodes_and_the_nose_is_in_place(recording, tmp_path):
    video = simulate.video(recording, tmp_path / "a.mp4")
    assert video.n_frames == recording.poses.sizes["time"] == 75
    assert video.shape == recording.meta["size_px"][::-1]
    assert video.fps == pytest.approx(25, rel=1e-3)
    recording.replace(video=video).validate()
    nose = recording.poses["position"].sel(keypoint="nose").values[..., 0]
    for t in (0, 20, 50, 74):
        x, y, bright = nose_spot(video.frame(t, grey=True), *nose[t])
        assert bright > 170
        assert np.hypot(x - nose[t, 0], y - nose[t, 1]) < 1.0


def test_animal_is_dark_on_a_light_floor(recording):
    image = next(simulate.frames(recording, noise=0))
    at = recording.poses["position"].values[0, :, :, 0]
    centre = at[:, simulate.KEYPOINTS.index("centre")].round().astype(int)
    assert image[centre[1], centre[0]] < 70
    area = (image[48:-48, 48:-48] < 90).sum() / 8**2
    assert 8 < area < 40


def test_part_and_seed(recording):
    part = list(simulate.frames(recording, start_s=1.0, stop_s=2.0, seed=1))
    again = list(simulate.frames(recording, start_s=1.0, stop_s=2.0, seed=1))
    assert len(part) == 25
    np.testing.assert_array_equal(part, again)


def test_depth_is_a_height_map(recording):
    depth = np.stack(list(simulate.depth_frames(recording, stop_s=0.4, noise_mm=0.5)))
    assert depth.dtype == np.uint16
    assert depth.shape[0] == 10
    assert np.median(depth) == pytest.approx(670, abs=1)
    assert 20 < 670 - depth[0].min().astype(int) < 110
    centre = recording.poses["position"].sel(keypoint="centre").values[0, :, 0] * (10 / 8 / 1.5)
    c, r = centre.round().astype(int)
    assert 22 < 670 - int(depth[0, r, c]) < 50


def test_only_pictures_of_pixels():
    with pytest.raises(DataError, match="unit"):
        next(simulate.frames(simulate.recording(duration_s=2, unit="cm")))
