"""What networks see of a track."""

from __future__ import annotations

import numpy as np
import pytest

import murid
from murid.data.zones import Zone
from murid.methods.motifs.body_points import shared_points
from murid.methods.posture import Template, align_to_template
from murid.methods.self_supervised.pose_inputs import bounds_of, movement, place, steps

SHAPE = np.array([[0.5, 0.0], [0.0, 0.15], [0.0, -0.15], [-0.5, 0.0]])
RATE = 10.0


def walking(n=200, speed=2.0, turn=0.5):
    """A stiff animal on a circle: `speed` body lengths/s ahead, turning left by `turn` rad/s."""
    heading = turn * np.arange(n) / RATE
    ahead = np.stack([np.cos(heading), np.sin(heading)], 1)
    centre = np.cumsum(ahead, axis=0) * speed / RATE
    left = np.stack([-ahead[:, 1], ahead[:, 0]], 1)
    return centre[:, None] + SHAPE[None, :, :1] * ahead[:, None] + SHAPE[None, :, 1:] * left[:, None]


def test_steps_are_forward_sideways_and_turning():
    xy = walking()
    found = steps(align_to_template(xy, Template(SHAPE)), RATE)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:].mean(0), [2.0, 0.0, 0.5], atol=0.06)


def test_sideways_steps_are_positive_towards_the_right_in_the_picture():
    xy = np.repeat(SHAPE[None], 50, axis=0)  # looks along x; the picture's y points down
    xy[:, :, 1] += 0.2 * np.arange(50)[:, None]
    found = steps(align_to_template(xy, Template(SHAPE)), RATE)
    np.testing.assert_allclose(found[1:], np.tile([0.0, 2.0, 0.0], (49, 1)), atol=1e-4)


def test_movement_is_the_log_of_mean_speeds():
    xy = walking()
    found = movement(align_to_template(xy, Template(SHAPE)), RATE)
    np.testing.assert_allclose(np.nanmean(found, axis=0), [*[np.log1p(2.0)] * 4, 0.5], atol=0.02)


def test_place_in_zones_and_in_the_picture():
    xy = walking() * 1.0
    aligned = align_to_template(xy, Template(SHAPE))
    zone = Zone("z", centre=tuple(aligned.centre[0]), radius=1.0)
    depths = place(xy, aligned, "zones", zones=[zone])
    np.testing.assert_allclose(depths[0], [1.0, 0.5], atol=0.02)
    np.testing.assert_allclose(depths[:, 0], 1 - np.linalg.norm(aligned.centre - aligned.centre[0], axis=1), atol=0.02)
    bounds = bounds_of([xy])
    assert (bounds[0] < bounds[1]).all()
    assert (bounds[0] >= xy.min((0, 1))).all()
    seen = place(xy, aligned, "camera", bounds=bounds)
    np.testing.assert_allclose(seen[:, 6:10], np.concatenate([xy.min(1), xy.max(1)], 1), atol=1e-5)
    assert seen.shape == (200, 10 + 4 * 6)
    assert np.abs(seen[:, 10:]).max() <= 1
    hidden = xy.copy()
    hidden[:, 2] = np.nan
    assert np.isfinite(place(hidden, align_to_template(hidden, Template(SHAPE)), "camera", bounds=bounds)).all()
    assert place(xy, aligned, "none").shape == (200, 0)


def test_a_lone_role_with_a_typing_error_is_told():
    recording = murid.simulate.recording("open_field", duration_s=2.0, seed=0, id="r")
    with pytest.raises(murid.DataError, match="no keypoint 'snoot'"):
        shared_points([recording.replace(roles={"nose": "snoot"})])
