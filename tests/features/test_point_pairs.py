"""Pairs of points and running means, against formulas written out."""

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.features.clips import body_points, clip_centres, own_blocks, sample
from murid.features.point_pairs import pair_distances, pair_motion, pair_names, running_mean


def test_pair_motion_is_what_the_formulas_say():
    rng = np.random.default_rng(0)
    xy = rng.normal(size=(50, 4, 2))
    xy[20, 1] = np.nan
    distance, turn, shift = pair_motion(xy)
    assert pair_names(["a", "b", "c"]) == ["a-b", "a-c", "b-c"]
    v = xy[:, 2] - xy[:, 0]  # the second pair
    np.testing.assert_allclose(distance[:, 1], np.linalg.norm(v, axis=1), rtol=1e-6)
    bearing = np.degrees(np.unwrap(np.arctan2(v[:, 1], v[:, 0])))
    np.testing.assert_allclose(turn[1:, 1], np.diff(bearing), atol=1e-3)
    np.testing.assert_allclose(shift[1:, 3], np.linalg.norm(np.diff(xy[:, 3], axis=0), axis=1), rtol=1e-6)
    assert np.isnan(turn[0]).all()
    assert np.isnan(shift[20:22, 1]).all()
    assert np.isnan(distance[20, 0])
    np.testing.assert_array_equal(pair_distances(xy), distance)


def test_running_mean_of_a_fraction_of_frames():
    x = np.arange(20, dtype=float)[:, None] ** 2
    out = running_mean(x, 2.5)[:, 0]
    # 2.5 frames around frame 10: it, and three quarters of both neighbours.
    assert out[10] == pytest.approx((0.75 * 81 + 100 + 0.75 * 121) / 2.5)
    np.testing.assert_allclose(running_mean(x, 3)[1:-1, 0], np.convolve(x[:, 0], np.ones(3) / 3, "valid"), rtol=1e-6)
    np.testing.assert_allclose(running_mean(x, 1), x, rtol=1e-6)
    gap = x.copy()
    gap[5:9] = np.nan
    held = running_mean(gap, 3)[:, 0]
    assert np.isnan(held[6:8]).all()
    assert held[9] == pytest.approx((81 + 100) / 2)


def test_clips_at_two_frame_rates_are_the_same():
    def at(fps):
        t = np.arange(int(4 * fps)) / fps
        centre = np.stack([np.sin(t), t], axis=1)
        return t, centre, centre - [0.0, 0.4], centre - [0.1, 1.0]

    found = []
    for fps in (30.0, 120.0):
        t, *points = at(fps)
        centres = clip_centres(t, [slice(0, len(t))], 0.5, 0.5)[0][:6]
        found.append(own_blocks(*(sample(p, t, centres, 0.5, 15) for p in points)))
    for name, values in found[0].items():
        if name != "phase":
            np.testing.assert_allclose(values, found[1][name], atol=0.02, err_msg=name)
    middle = found[0]["displacement"][:, 7]
    np.testing.assert_allclose(middle, 0, atol=1e-9)
    assert (np.diff(found[0]["displacement"][:, 7:], axis=1) > 0).all()  # it travels on: a length, not an x coordinate


@pytest.mark.parametrize("fps", [30.0, 60.0, 90.0])
def test_samples_of_a_clip_are_frames_and_keep_the_height_of_fast_movement(fps):
    t = np.arange(int(20 * fps)) / fps
    centres = clip_centres(t, [slice(0, len(t))], 0.5, 0.1)[0]
    for hz in (8.0, 10.0, 14.0):
        x = np.sin(2 * np.pi * hz * t)
        taken = sample(x, t, centres, 0.5, 15)
        assert np.isin(taken.round(9), x.round(9)).all()
        assert taken.std() == pytest.approx(np.sqrt(0.5), rel=0.05)
    noise = np.random.default_rng(0).normal(size=len(t))
    assert sample(noise, t, centres, 0.5, 15).std() == pytest.approx(1, abs=0.1)


def test_clips_of_a_recording_cut_in_two_are_the_same():
    t = np.arange(900) / 30.0
    whole = clip_centres(t, [slice(0, 900)], 0.5, 0.1)[0]
    parts = [clip_centres(part, [slice(0, len(part))], 0.5, 0.1)[0] for part in (t[:451], t[451:])]
    assert np.isin(np.concatenate(parts), whole).all()
    assert len(np.concatenate(parts)) >= len(whole) - 6


def test_clips_do_not_depend_on_place_and_heading():
    rng = np.random.default_rng(1)
    points = [rng.normal(size=(3, 15, 2)) for _ in range(3)]
    turn = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    moved = [p @ turn.T + [5, -3] for p in points]
    for (name, a), b in zip(own_blocks(*points).items(), own_blocks(*moved).values(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9, err_msg=name)


def test_body_points_stand_in_for_each_other():
    assert body_points(["nose", "neck", "tail_base"]) == (("nose",), ("neck",), ("tail_base",))
    with pytest.raises(DataError, match="no rump"):
        body_points(["nose", "neck"])
