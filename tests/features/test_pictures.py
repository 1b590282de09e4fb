"""Views and pictures on drawn films whose every place is known."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.data.video import Video
from murid.features.pictures import LEAST_CONTRAST, read_frames, snippet_numbers, write_pictures
from murid.features.views import ViewParams, animal_view, arena_view, bridged, picture_numbers, view_kind, whole_view


def lossless(path, pictures, fps=10):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=fps)
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape, "gray"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        container.mux(stream.encode(None))
    return Video(path)


@pytest.fixture(scope="module")
def mouse(tmp_path_factory):
    """A simulated mouse of 8 s with its film, 5 px a cm."""
    made = simulate.recording(duration_s=8, fps=15, seed=3, px_per_cm=5)
    film = simulate.video(made, tmp_path_factory.mktemp("film") / "mouse.mp4", noise=1.0)
    return made.replace(video=film)


def test_the_animal_sits_in_the_middle_and_looks_right(mouse):
    params = ViewParams(bodies=2.5)
    view = animal_view(mouse.poses, "mouse_1", params)
    xy = mouse.poses["position"].values[..., 0].astype(float)
    names = [str(k) for k in mouse.poses["keypoint"].values]
    seen = np.einsum("tij,tj->ti", view.matrix[:, :, :2], xy[:, :, names.index("centre")]) + view.matrix[:, :, 2]
    np.testing.assert_allclose(seen, 31.5, atol=1e-3)
    front, rear = (
        np.einsum("tij,tj->ti", view.matrix[:, :, :2], xy[:, :, names.index(k)]) for k in ("neck", "tail_base")
    )
    assert (front[:, 0] > rear[:, 0]).all()
    np.testing.assert_allclose(front[:, 1], rear[:, 1], atol=1e-3)


def test_pictures_show_the_mouse_without_the_arena(mouse):
    params = ViewParams(bodies=2.5)
    view = animal_view(mouse.poses, "mouse_1", params)
    numbers = picture_numbers(mouse)[:, None]
    film = write_pictures(mouse.video, numbers, view, params)
    assert film.array.shape == (120, 1, 64, 64)
    assert film.seen.all()
    mean = np.asarray(film.array[:, 0], float).mean(axis=0)
    # The body lies along the middle row; the corners are empty floor.
    assert mean[28:36, 20:44].mean() > 100 > 30 > mean[:8, :8].mean()
    kept = write_pictures(mouse.video, numbers, view, params.replace(background="kept"))
    assert np.asarray(kept.array[:, 0], float).mean(axis=0)[:8, :8].mean() > 60  # floor


def test_two_frame_rates_show_the_same_pictures(tmp_path):
    films = []
    for fps in (10.0, 20.0):
        made = simulate.recording(duration_s=4, fps=fps, seed=3, px_per_cm=4)
        made = made.replace(video=simulate.video(made, tmp_path / f"{fps}.mp4", noise=0.0))
        params = ViewParams(bodies=2.5)
        view = animal_view(made.poses, "mouse_1", params)
        rows = np.arange(0, made.poses.sizes["time"], round(fps / 10))
        numbers = snippet_numbers(picture_numbers(made), made.poses["time"].values, rows, (-0.1, 0, 0.1))
        films.append(np.asarray(write_pictures(made.video, numbers, view.take(rows), params).array, float))
    difference = np.abs(films[0][1:-1] - films[1][1:-1])
    assert difference.mean() < 4


def test_whole_and_arena_keep_their_proportions(tmp_path):
    pictures = [np.zeros((40, 80), np.uint8) for _ in range(12)]
    for k, picture in enumerate(pictures):
        picture[10:30, 20 + k : 40 + k] = 200
    video = lossless(tmp_path / "f.mkv", pictures)
    params = ViewParams(height=32, width=32, background="kept")
    view = whole_view(video.shape, 12, params)
    film = write_pictures(video, np.arange(12)[:, None], view, params).array
    # 80 px become 32: the picture fills rows 8 to 24, the square is 8 px high and wide.
    assert (film[0, 0, :7] == 0).all()
    assert (film[0, 0, 25:] == 0).all()
    assert (film[0, 0, 16] > 100).sum() == 8
    assert (film[0, 0, :, 12] > 100).sum() == 8
    made = simulate.recording(duration_s=1, fps=10, px_per_cm=2)
    box = arena_view(made.zones, 3, params)
    corners = np.array([[-0.5, -0.5], [31.5, 31.5]]) - box.matrix[0, :, 2]
    found = corners @ np.linalg.inv(box.matrix[0, :, :2]).T
    zone = made.zones.of_kind("arena")[0].polygon
    np.testing.assert_allclose(found, [zone.min(axis=0), zone.max(axis=0)], atol=1.0)


def test_background_ignores_where_the_animal_sits(tmp_path):
    """The animal rests in one place for most of the time: a plain median would take it for floor."""
    pictures, xy = [], []
    for k in range(60):
        x = 20 if k < 40 else 60
        picture = np.full((80, 80), 180, np.uint8)
        picture[36:44, x - 8 : x + 8] = 40
        pictures.append(picture)
        xy.append([[x + 8, 40], [x, 40], [x - 8, 40]])
    video = lossless(tmp_path / "f.mkv", pictures)
    from murid.data.poses import make_poses

    position = np.array(xy, float).transpose(0, 2, 1)[..., None]
    poses = make_poses(position, keypoints=["nose", "centre", "tail_base"], fps=10)
    params = ViewParams(height=32, width=32)
    film = write_pictures(video, np.arange(60)[:, None], animal_view(poses, "individual_0", params), params).array
    assert film[:, 0, 15:17, 10:22].min() > 150
    assert film[:, 0, :8].max() < 10


def test_a_still_film_is_not_blown_up(tmp_path):
    rng = np.random.default_rng(0)
    video = lossless(tmp_path / "f.mkv", [(120 + rng.integers(0, 3, (32, 32))).astype(np.uint8) for _ in range(20)])
    params = ViewParams(height=32, width=32)
    film = write_pictures(video, np.arange(20)[:, None], whole_view((32, 32), 20, params), params).array
    assert film.max() <= np.ceil(2 * 255 / LEAST_CONTRAST)


def test_frames_are_found_by_number_and_shrunk_exactly(tmp_path):
    pictures = [np.full((30, 50), k % 250, np.uint8) for k in range(700)]
    video = lossless(tmp_path / "f.mkv", pictures)
    got = {number: picture for number, picture in read_frames(video, np.array([0, 5, 400, 699]), 4)}
    assert list(got) == [0, 5, 400, 699]
    assert all((picture == number % 250).all() and picture.shape == (7, 12) for number, picture in got.items())


def test_snippets_repeat_at_the_ends_and_over_dropped_frames():
    time = np.array([0.0, 0.1, 0.2, 0.9, 1.0])
    numbers = np.array([0, 1, 2, 3, -1])
    got = snippet_numbers(numbers, time, np.array([0, 1, 2, 3, 4, -1]), (-0.1, 0.0, 0.1))
    np.testing.assert_array_equal(got, [[0, 0, 1], [0, 1, 2], [1, 2, 2], [3, 3, 3], [-1, -1, -1], [-1, -1, -1]])


def test_lengths_that_differ(mouse):
    longer = mouse.replace(poses=simulate.recording(duration_s=8.1, fps=15, seed=3, px_per_cm=5).poses)
    numbers = picture_numbers(longer)
    assert (numbers[-2:] == -1).all()
    assert (numbers[:-2] >= 0).all()
    for seconds in (6, 12):
        other = mouse.replace(poses=simulate.recording(duration_s=seconds, fps=15, seed=3, px_per_cm=5).poses)
        with pytest.raises(DataError, match="differ in length"):
            picture_numbers(other)


def test_what_a_recording_lacks_is_said(mouse):
    bare = Recording("bare", video=mouse.video)
    assert view_kind(bare, "auto") == "whole"
    assert view_kind(mouse, "auto") == "animal"
    with pytest.raises(DataError, match="poses"):
        view_kind(bare, "animal")
    with pytest.raises(DataError, match="arena"):
        view_kind(bare, "arena")


def test_short_gaps_are_bridged_long_ones_not():
    values = np.array([np.nan, 1, np.nan, np.nan, 4, np.nan, np.nan, np.nan, 8])[:, None]
    np.testing.assert_allclose(bridged(values, 2)[:, 0], [1, 1, 2, 3, 4, np.nan, np.nan, np.nan, 8])
