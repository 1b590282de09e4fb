"""Warping against the plain quadratic recursion, and on a known change of pace."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.learn.dtw import warp


def plain(a, b):
    cost = np.linalg.norm(a[:, None] - b[None], axis=2)
    total = np.full((len(a) + 1, len(b) + 1), np.inf)
    total[0, 0] = 0
    for i in range(len(a)):
        for j in range(len(b)):
            total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    return total[-1, -1]


@pytest.mark.parametrize("sizes", [(30, 30), (30, 47), (51, 20)])
def test_same_cost_as_the_plain_recursion(sizes):
    rng = np.random.default_rng(0)
    a, b = (np.cumsum(rng.standard_normal((n, 3)), axis=0) for n in sizes)
    found = warp(a, b, band=1.0, cosine=False)
    assert found.cost * len(found.path) == pytest.approx(plain(a, b))
    steps = np.diff(found.path, axis=0)
    assert tuple(found.path[0]) == (0, 0)
    assert tuple(found.path[-1]) == (sizes[0] - 1, sizes[1] - 1)
    assert steps.min() >= 0
    assert steps.max() == 1
    assert (steps.sum(axis=1) >= 1).all()


def test_a_change_of_pace_is_found():
    time = np.linspace(0, 1, 300)
    late = time**1.3
    course = lambda t: np.column_stack([np.sin(7 * t), np.cos(11 * t), np.ones_like(t)])  # noqa: E731
    path = warp(course(time), course(late), band=0.3).path
    wrong = np.abs(time[path[:, 0]] - late[path[:, 1]])
    assert wrong.max() < 0.02


def test_faults_are_named():
    with pytest.raises(DataError, match="values are missing"):
        warp(np.full((5, 2), np.nan), np.zeros((5, 2)))
    with pytest.raises(DataError, match="do not fit"):
        warp(np.zeros((5, 2)), np.zeros((5, 3)))
