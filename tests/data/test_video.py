"""Video: frame n is the n-th picture, wherever we start reading."""

import numpy as np
import pytest

import murid
from murid.data.video import write_video


@pytest.mark.realdata
def test_random_access_equals_reading_through(data_dir):
    video = murid.Video(data_dir / "vame_clip" / "cropped_video.mp4")
    assert (video.n_frames, video.shape) == (749, (1070, 1064))
    assert video.fps == pytest.approx(25)
    through = [f.mean() for f in video.frames(0, 60, grey=True)]
    for i in (0, 17, 42, 59):
        assert video.frame(i, grey=True).mean() == pytest.approx(through[i])


def test_faults(tmp_path):
    with pytest.raises(murid.DataError, match="not found"):
        murid.Video(tmp_path / "none.mp4")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film" * 100)
    with pytest.raises(murid.DataError, match="cannot be read"):
        _ = murid.Video(broken).n_frames


@pytest.mark.realdata
def test_frame_out_of_range(data_dir):
    video = murid.Video(data_dir / "mirror_mouse" / "videos" / "test_vid.mp4")
    assert video.n_frames == 994
    with pytest.raises(murid.DataError, match=r"0\.\.993"):
        video.frame(994)
    assert video.frame(993).dtype == np.uint8


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_matroska_stamps_in_ms_give_the_true_rate(tmp_path, fps):
    pictures = (np.full((16, 16), i, np.uint8) for i in range(61))
    assert write_video(tmp_path / "film.mkv", pictures, fps).fps == fps
