"""Pixel change on a film whose every grey value is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.data.video import Video
from murid.features.pixels import pixel_change


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight grey pictures, 64 x 48, lossless; a bright square blinks at (16, 16) from frame 4 on."""
    import av

    path = tmp_path_factory.mktemp("film") / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
        for number in range(8):
            picture = np.full((48, 64), 50, np.uint8)
            if number >= 4 and number % 2 == 0:
                picture[12:20, 12:20] = 200
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _poses(frames=range(8), unit: str = "px", scale: float = 1.0, **attrs):
    frames = list(frames)
    xy = np.array([[16, 50], [16, 40]], float) / scale
    position = np.repeat(xy[None, :, :, None], len(frames), 0)
    return make_poses(position, keypoints=["nose", "tail_base"], fps=10.0, frames=frames, unit=unit, **attrs)


def test_change_is_where_it_happens(film: Path) -> None:
    table = pixel_change(Video(film), _poses(), patch_px=5)
    assert table["feature"].values.tolist() == [
        "pixel_change",
        "pixel_change_individual_0",
        "pixel_change_individual_0_nose",
        "pixel_change_individual_0_tail_base",
    ]
    assert np.isnan(table.values[0]).all()
    assert (table.values[1:4] == 0).all()
    squares = 64 * 150.0**2
    energy = 64 * 200.0**2 + (48 * 64 - 64) * 50.0**2
    assert table.values[4, 0] == pytest.approx(squares / energy, rel=1e-5)
    patch = 64 * 200.0**2 + (11 * 11 - 64) * 50.0**2
    assert table.values[4, 2] == pytest.approx(squares / patch, rel=1e-5)
    assert (table.values[:, 3][1:] == 0).all()
    assert table.values[5, 0] == pytest.approx(squares / (48 * 64 * 50.0**2), rel=1e-5)


def test_rows_find_their_pictures(film: Path) -> None:
    whole = pixel_change(Video(film), _poses(), patch_px=5)
    part = pixel_change(Video(film), _poses(frames=[5, 6, 7]), patch_px=5)
    np.testing.assert_array_equal(part.values, whole.values[5:])
    np.testing.assert_array_equal(
        pixel_change(Video(film), _poses(), patch_px=5, start=3, stop=6).values, whole.values[3:6]
    )
    cm = _poses(unit="cm", scale=4.0, px_per_cm=4.0)
    np.testing.assert_array_equal(pixel_change(Video(film), cm, patch_px=5).values, whole.values)


def test_missing_keypoints_are_nan(film: Path) -> None:
    poses = _poses()
    poses["position"][5, :, 0] = np.nan
    table = pixel_change(Video(film), poses, patch_px=5)
    assert np.isnan(table.values[5, 2])
    assert np.isfinite(table.values[5, [0, 1, 3]]).all()


def test_poses_of_another_video_are_refused(film: Path) -> None:
    with pytest.raises(DataError, match="frames that the video has not"):
        pixel_change(Video(film), _poses(range(20)))
    with pytest.raises(DataError, match="px_per_cm"):
        pixel_change(Video(film), _poses(unit="cm"))


def test_two_boxes_that_overlap_are_one_part_of_the_picture(film: Path) -> None:
    def two(shift: float):
        xy = np.array([[16, 24], [16, 24]], float)
        position = np.repeat(np.stack([xy, xy + shift], -1)[None], 8, 0)
        return make_poses(position, keypoints=["nose", "tail_base"], individuals=["a", "b"], fps=10.0, frames=range(8))

    got = pixel_change(Video(film), two(4), patch_px=5, pairs=True).sel(feature="pixel_change_a+b").values
    # Boxes 11..29 and 15..33, both ways: 19 * 19 * 2 - 15 * 15 pixels, 64 of them changed.
    energy = 64 * 200.0**2 + (2 * 19**2 - 15**2 - 64) * 50.0**2
    assert got[4] == pytest.approx(64 * 150.0**2 / energy, rel=1e-5)
    apart = pixel_change(Video(film), two(20), patch_px=5, pairs=True).sel(feature="pixel_change_a+b").values
    assert np.isnan(apart).all()
    assert "pixel_change_a+b" not in pixel_change(Video(film), two(4))["feature"].values
