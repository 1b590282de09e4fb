"""Alignment by the whole shape: exact on rigid motion, whatever is hidden; faults are named."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.prepare.shape import align_to, fit_template

RNG = np.random.default_rng(0)
TEMPLATE = np.array([[1.0, 0.0], [0.7, 0.2], [0.7, -0.2], [0.0, 0.0], [-1.0, 0.0]])


def moved(points: np.ndarray, heading: np.ndarray, centre: np.ndarray) -> np.ndarray:
    c, s = np.cos(heading)[:, None], np.sin(heading)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([c * x - s * y, s * x + c * y], axis=-1) + centre[:, None]


def test_rigid_motion_is_recovered_even_with_hidden_points():
    heading, centre = RNG.uniform(-3, 3, 50), RNG.normal(size=(50, 2)) * 100
    xy = moved(np.broadcast_to(TEMPLATE, (50, 5, 2)), heading, centre)
    xy[RNG.random((50, 5)) < 0.3] = np.nan
    found = align_to(xy, TEMPLATE)
    enough = (~np.isnan(xy[..., 0])).sum(axis=1) >= 2
    assert enough.sum() > 40
    np.testing.assert_allclose(np.exp(1j * found.heading[enough]), np.exp(1j * heading[enough]), atol=1e-9)
    np.testing.assert_allclose(found.centre[enough], centre[enough], atol=1e-8)
    assert np.isnan(found.heading[~enough]).all()
    seen = ~np.isnan(xy)
    there = np.broadcast_to(TEMPLATE, xy.shape)
    np.testing.assert_allclose(found.points[enough][seen[enough]], there[enough][seen[enough]], atol=1e-8)


def test_template_is_the_mean_shape_looking_ahead():
    shapes = TEMPLATE + 0.05 * RNG.normal(size=(500, 5, 2))
    xy = moved(shapes, RNG.uniform(-3, 3, 500), RNG.normal(size=(500, 2)) * 10)
    found = fit_template([xy[:200], xy[200:]])
    np.testing.assert_allclose(found, TEMPLATE - TEMPLATE.mean(axis=0), atol=0.03)


def test_constant_and_unseen_points_are_named():
    with pytest.raises(DataError, match="constant keypoints"):
        fit_template([np.broadcast_to(TEMPLATE, (50, 5, 2)).copy()])
    hidden = TEMPLATE + 0.1 * RNG.normal(size=(50, 5, 2))
    hidden[:, 2] = np.nan
    with pytest.raises(DataError, match="never seen"):
        fit_template([hidden])
