"""Grid films, on films whose brightness says what the animal does and where its nose is."""

import numpy as np
import pandas as pd
import pytest

from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.video import write_video
from murid.report.grid_films import choose_bouts, grid_film

FPS, N = 20.0, 120
BOUTS = [(1.0, 1.5), (3.0, 3.4)]


def filmed(folder, name, heading):
    """An animal that looks one way and goes round; bright while a bout lasts, with a white disc at its nose."""
    t = np.arange(N) / FPS
    centre = 100 + 20 * np.stack([np.cos(t), np.sin(t)], axis=1)
    along = 12 * np.array([np.cos(heading), np.sin(heading)])
    position = np.stack([centre + along, centre - along], axis=1)[..., None].transpose(0, 2, 1, 3)
    on = np.zeros(N, bool)
    for start, stop in BOUTS:
        on |= (t >= start - 1e-9) & (t < stop - 1e-9)
    y, x = np.mgrid[:200, :200]

    def pictures():
        for i in range(N):
            picture = np.full((200, 200), 150 if on[i] else 50, np.uint8)
            nose = position[i, :, 0, 0]
            picture[(x - nose[0]) ** 2 + (y - nose[1]) ** 2 < 25] = 255
            yield picture

    video = write_video(folder / f"{name}.mp4", pictures(), FPS)
    poses = make_poses(position.astype(np.float32), fps=FPS, keypoints=["nose", "tail_base"], individuals=["m"])
    return Recording(name, animal=name, poses=poses, video=video)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("filmed")
    return {name: filmed(folder, name, heading) for name, heading in (("a", 0.7), ("b", -2.0))}


def bouts_of_all():
    rows = [(name, name, "m", *bout) for name in "ab" for bout in BOUTS]
    return pd.DataFrame(rows, columns=["recording", "animal", "individual", "start_s", "stop_s"])


def clips_of(video, n, size):
    """Frames cut into clips: (clip, frame, y, x)."""
    across = int(np.ceil(np.sqrt(n)))
    pages = np.stack(list(video.frames(grey=True)))
    corners = [(i // across * (size + 2) + 1, i % across * (size + 2) + 1) for i in range(n)]
    return np.stack([pages[:, y : y + size, x : x + size] for y, x in corners]).astype(int)


def test_every_clip_begins_at_its_onset_and_is_marked_while_the_bout_lasts(recordings, tmp_path):
    table = bouts_of_all()
    film, empty = grid_film(tmp_path / "x.mp4", table, recordings, before_s=0.5, after_s=1.0, size=64)
    assert (film.n_frames, film.fps, empty) == (30, pytest.approx(FPS), [])
    clips = clips_of(film, 4, 64)
    for clip, (start, stop) in zip(clips, BOUTS * 2, strict=True):
        lasts = np.arange(30) >= 10
        lasts &= np.arange(30) < 10 + round((stop - start) * FPS)
        assert np.array_equal(clip[:, 32, 32] > 100, lasts), "what is shown"
        assert np.array_equal(clip[:, 2, 2] > 100, lasts), "the mark"


def test_every_animal_looks_to_the_right(recordings, tmp_path):
    film, _ = grid_film(tmp_path / "x.mp4", bouts_of_all(), recordings, size=64)
    clips = clips_of(film, 4, 64)
    for clip in clips:
        white = clip[2, 8:] > 220
        y, x = np.nonzero(white)
        assert (x.mean(), y.mean() + 8) == (pytest.approx(31.5 + 16, abs=2), pytest.approx(31.5, abs=2))


def test_times_size_and_speed(recordings, tmp_path):
    table = bouts_of_all()[:1]
    film, _ = grid_film(tmp_path / "x.mp4", table, recordings, before_s=0.2, after_s=0.8, size=48, speed=0.5)
    assert (film.n_frames, film.shape, film.fps) == (20, (50, 50), pytest.approx(FPS / 2))


def test_what_lies_behind_the_end_is_black_and_said(recordings, tmp_path):
    table = bouts_of_all()
    table.loc[[1, 2], ["start_s", "stop_s"]] = [[5.8, 6.0], [40.0, 41.0]]
    film, empty = grid_film(tmp_path / "x.mp4", table, recordings, before_s=0.2, after_s=1.0, size=64)
    clips = clips_of(film, 4, 64)
    assert empty == [2]
    assert clips[2].max() < 20
    assert clips[1, 2, 32, 32] > 40
    assert clips[1, -1].max() < 20


def test_animals_take_turns():
    table = pd.DataFrame({"animal": ["a"] * 50 + ["b"] * 3 + ["c"] * 2, "individual": "m", "start_s": range(55)})
    assert choose_bouts(table, 6)["animal"].value_counts().to_dict() == {"a": 2, "b": 2, "c": 2}
    assert choose_bouts(table, 10)["animal"].value_counts().to_dict() == {"a": 5, "b": 3, "c": 2}
    assert len(choose_bouts(table, 99)) == 55
    one, two = (set(choose_bouts(table, 10, seed=s)["start_s"]) for s in (0, 1))
    assert one != two
