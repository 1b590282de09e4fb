from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.prepare import align_egocentric

from .tracks import ALONG, animals, with_position

AXIS = ("tail_base", "nose")


def test_every_frame_is_the_body_plan():
    out = align_egocentric(animals(200), "centre", AXIS)
    x = out["position"].values
    np.testing.assert_allclose(x[:, 0], np.broadcast_to(ALONG[:, None], (200, 4, 2)), atol=1e-4)
    np.testing.assert_allclose(x[:, 1], 0, atol=1e-4)
    assert out["heading"].dims == ("time", "individual")
    assert out["centre"].dims == ("time", "space", "individual")


@settings(max_examples=25, deadline=None)
@given(st.floats(-7, 7), st.floats(-500, 500), st.floats(-500, 500), st.sampled_from([None, "m1"]))
def test_turning_and_moving_the_picture_changes_nothing(angle, dx, dy, relative_to):
    poses = animals(60, noise=0.3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = np.einsum("ab,tbki->taki", turn, poses["position"].values) + np.array([dx, dy])[:, None, None]
    a = align_egocentric(poses, ("neck", "centre"), AXIS, relative_to=relative_to)
    b = align_egocentric(with_position(poses, moved), ("neck", "centre"), AXIS, relative_to=relative_to)
    np.testing.assert_allclose(a["position"], b["position"], atol=5e-3)
    difference = np.angle(np.exp(1j * (b["heading"].values - a["heading"].values - angle)))
    np.testing.assert_allclose(difference, 0, atol=2e-3)


def test_aligning_can_be_undone():
    poses = animals(50, noise=0.3)
    out = align_egocentric(poses, "centre", AXIS)
    c, s = np.cos(out["heading"].values)[:, None], np.sin(out["heading"].values)[:, None]
    x, y = out["position"].values[:, 0], out["position"].values[:, 1]
    back = np.stack([c * x - s * y, s * x + c * y], axis=1) + out["centre"].values[:, :, None]
    np.testing.assert_allclose(back, poses["position"].values, atol=1e-4)


def test_partner_in_the_frame_of_one():
    poses = animals(50)
    out = align_egocentric(poses, "centre", AXIS, relative_to="m0")
    np.testing.assert_allclose(out["position"].sel(individual="m0", keypoint="nose").values, [[4, 0]] * 50, atol=1e-4)
    x = poses["position"]
    between = np.linalg.norm((x.sel(individual="m0") - x.sel(individual="m1")).sel(keypoint="nose"), axis=1)
    aligned = out["position"]
    again = np.linalg.norm((aligned.sel(individual="m0") - aligned.sel(individual="m1")).sel(keypoint="nose"), axis=1)
    np.testing.assert_allclose(between, again, atol=1e-4)


def test_undefined_frames_are_nan():
    poses = animals(20)
    x = poses["position"].values.copy()
    x[3, :, 3, 0] = np.nan  # no tail base: no heading
    x[5, :, 2, 0] = np.nan  # no origin
    x[7, :, 0, 0] = x[7, :, 3, 0]  # nose on tail base: no direction
    x[9, :, 1, 0] = np.nan  # neck alone
    out = align_egocentric(with_position(poses, x), "centre", AXIS)["position"].values
    assert np.isnan(out[[3, 5, 7], ..., 0]).all()
    assert np.isnan(out[9, :, 1, 0]).all()
    assert np.isfinite(out[9, :, [0, 2, 3], 0]).all()
    assert np.isfinite(out[..., 1]).all()


def test_smoothed_heading_follows_through_the_turn_of_pi():
    rng = np.random.default_rng(0)
    n, fps = 600, 30.0
    angle = np.linspace(0, 8 * np.pi, n)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = unit[:, :, None, None] * ALONG[:, None] + rng.normal(0, 0.4, (n, 2, 4, 1))
    poses = with_position(animals(n, fps, n_ind=1), x)

    def error(window_s):
        heading = align_egocentric(poses, "centre", AXIS, heading_window_s=window_s)["heading"].values[:, 0]
        return np.sqrt(np.mean(np.angle(np.exp(1j * (heading - angle))) ** 2))

    assert error(0.3) < 0.5 * error(0.0)


def test_faults_are_all_told():
    poses = animals(10)
    with pytest.raises(DataError) as caught:
        align_egocentric(poses, "center", ("tail", "nose"), relative_to="m9")
    for part in ("'center'", "did you mean 'centre'", "'tail'", "'m9'"):
        assert part in str(caught.value)
    with pytest.raises(DataError, match="same"):
        align_egocentric(poses, "centre", ("nose", "nose"))
    with pytest.raises(DataError, match="aligned already"):
        align_egocentric(align_egocentric(poses, "centre", AXIS), "centre", AXIS)
