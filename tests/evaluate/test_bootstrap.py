from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.evaluate import bootstrap


def mean(x):
    return x[:, 0] / x[:, 1]


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        values = rng.normal(1.0, 1.0, 20)
        parts = np.column_stack([values, np.ones(20)])
        low, high = bootstrap.interval(parts, mean, n_boot=300, seed=trial)
        hits += low <= 1.0 <= high
    assert 0.85 < hits / 200 < 0.99


def test_recordings_of_one_animal_are_drawn_together():
    values = np.repeat(np.random.default_rng(1).normal(size=10), 10)
    parts = np.column_stack([values, np.ones(100)])
    alone = np.ptp(bootstrap.interval(parts, mean))
    together = np.ptp(bootstrap.interval(parts, mean, groups=np.repeat(np.arange(10), 10).astype(str)))
    assert together > 2 * alone  # ten copies of ten animals are ten animals


def test_one_group_gives_no_interval_and_the_seed_fixes_it():
    low, high = bootstrap.interval(np.ones((5, 2)), mean, groups=["a"] * 5)
    assert np.isnan(low)
    assert np.isnan(high)
    parts = np.random.default_rng(2).random((6, 2))
    np.testing.assert_array_equal(bootstrap.interval(parts, mean, seed=4), bootstrap.interval(parts, mean, seed=4))
    with pytest.raises(DataError, match="one group per recording"):
        bootstrap.interval(parts, mean, groups=["a"])


@pytest.mark.parametrize(("n", "known"), [(2, False), (4, False), (5, True)])
def test_few_animals_give_no_interval(n, known):
    values = np.random.default_rng(2).normal(size=2 * n)
    parts = np.column_stack([values, np.ones(2 * n)])
    limits = bootstrap.interval(parts, mean, groups=np.repeat(np.arange(n), 2).astype(str))
    assert np.isfinite(limits).all() == known
