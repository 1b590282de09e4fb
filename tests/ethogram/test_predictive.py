"""A tree of states by what follows them: planted groups, bits by hand, gaps, chance."""

from itertools import pairwise

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.data.states import make_states
from murid.ethogram.predictive import predictive_tree


def grouped(n=4000, stay=0.95, seed=0, per_group=3):
    """States of two groups: any other of the group next, the other group seldom."""
    rng = np.random.default_rng(seed)
    codes, side = [0], 0
    while len(codes) < n:
        side = 1 - side if rng.random() > stay else side
        new = side * per_group + rng.integers(per_group)
        if new != codes[-1]:
            codes.append(int(new))
    # Names in an order that has nothing to do with the groups.
    order = rng.permutation(2 * per_group)
    names = [f"s{k}" for k in range(2 * per_group)]
    return make_states(order[codes], np.arange(n) / 10, names), {names[order[k]]: k // per_group for k in range(6)}


def test_planted_groups_are_the_last_to_be_joined():
    states, group = grouped()
    found = predictive_tree(states, lags=(2, 3), n_shuffles=3)
    cut = found.cut(2)
    assert len({(group[name], cut[name]) for name in group}) == 2
    kept = found.information
    assert kept[0] == pytest.approx(0, abs=1e-9)
    assert all(a <= b + 1e-12 for a, b in pairwise(kept))
    assert kept[1] > 0.9 * kept[-1]
    assert found.chance < 0.1 * kept[-1]
    assert np.allclose(found.linkage[:, 2], (kept[-1] - kept[:-1])[::-1])
    assert found.cut(6).nunique() == 6


def test_bits_are_those_counted_by_hand():
    """a is followed by b and b by a: one bit. c is followed by b as a is: joining a and c costs nothing."""
    codes = [0, 1] * 200
    two = predictive_tree(make_states(codes, np.arange(400) / 10, ["a", "b"]), n_shuffles=0)
    assert two.information[-1] == pytest.approx(1, abs=0.01)
    assert np.isnan(two.chance)
    rng = np.random.default_rng(0)
    codes = [x for _ in range(600) for x in (rng.choice([0, 2]), 1)]
    three = predictive_tree(make_states(codes, np.arange(1200) / 10, ["a", "b", "c"]), n_shuffles=1)
    assert three.cut(2).tolist() == [0, 1, 0]
    assert three.linkage[0, 2] < 0.01


def test_nothing_reaches_over_a_gap_and_wrong_calls_are_errors():
    codes = np.array([0, 1, -1, 2, 0, -1, 1, 2])
    states = make_states(codes, np.arange(8) / 10, ["a", "b", "c"])
    assert predictive_tree(states, n_shuffles=0).n_pairs == 3
    with pytest.raises(DataError, match="lags of at least 1"):
        predictive_tree(states, lags=(0,))
    with pytest.raises(DataError, match="fewer than two states have a future"):
        predictive_tree(make_states([0, 0, 0], np.arange(3) / 10, ["a", "b"]), n_shuffles=0)
