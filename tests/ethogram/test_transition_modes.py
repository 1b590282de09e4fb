"""How long the order of states remembers: chains whose eigenvalues are known, hidden moods, gaps, wrong calls."""

from __future__ import annotations

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.data.states import make_states
from murid.ethogram.transition_modes import transition_modes


def walked(chances, n=8_000, seed=0):
    """States of a chain with these chances to go from one to another; nobody stays."""
    ways, rng, codes = np.cumsum(chances, axis=1), np.random.default_rng(seed), [0]
    for u in rng.random(n - 1):
        codes.append(int(np.searchsorted(ways[codes[-1]], u)))
    return make_states(codes, np.arange(n) / 10, [f"s{k}" for k in range(len(chances))])


def test_sizes_are_the_eigenvalues_and_fade_as_powers():
    near, far = 0.9, 0.05
    chances = np.array([[0, near, far, far], [near, 0, far, far], [far, far, 0, near], [far, far, near, 0]])
    # By hand: one pair against the other .9 - 2 * .05 = .8; within a pair -.9, so the slowest in size.
    found = transition_modes(walked(chances), lags=(1, 2, 10), n_shuffles=2)
    by_lag = {lag: part.set_index("mode") for lag, part in found.sizes.groupby("lag")}
    assert by_lag[1]["size"].tolist() == pytest.approx([0.9, 0.9, 0.8], abs=0.02)
    for lag in (2, 10):
        assert by_lag[lag]["size"].tolist() == pytest.approx([0.9**lag, 0.9**lag, 0.8**lag], abs=0.06)
        assert by_lag[lag]["markov"].tolist() == pytest.approx(by_lag[lag]["size"].tolist(), abs=0.06)
    assert (by_lag[10]["chance"] < 0.05).all()
    pairs = found.patterns[3]
    assert pairs.tolist() == pytest.approx(np.array([1, 1, -1, -1]) * np.sign(pairs.iloc[0]), abs=0.15)


def test_moods_are_remembered_longer_than_a_chain_without_memory_would():
    rng, codes, mood = np.random.default_rng(0), [0], 0
    while len(codes) < 6_000:
        mood = 1 - mood if rng.random() < 0.01 else mood
        new = int(rng.choice(6, p=[[0.28] * 3 + [0.16 / 3] * 3, [0.16 / 3] * 3 + [0.28] * 3][mood]))
        if new != codes[-1]:
            codes.append(new)
    states = make_states(codes, np.arange(len(codes)) / 10, list("abcdef"))
    row = transition_modes(states, lags=(20,), n_modes=1, n_shuffles=5).sizes.iloc[0]
    assert row["size"] > 3 * max(row["chance"], row["markov"])


def test_nothing_reaches_over_a_gap_and_wrong_calls_are_errors():
    codes = np.array([0, 1, 0, 1, -1, 1, 0, 1])
    states = make_states(codes, np.arange(8) / 10, ["a", "b"])
    assert transition_modes(states, lags=(1,), n_shuffles=0).sizes["pairs"].tolist() == [5]
    assert np.isnan(transition_modes(states, lags=(1,), n_shuffles=0).sizes["chance"]).all()
    with pytest.raises(DataError, match="lags and n_modes of at least 1"):
        transition_modes(states, lags=(0,))
    with pytest.raises(DataError, match="a future 9 transitions ahead"):
        transition_modes(states, lags=(9,))
    other = make_states(codes, np.arange(8) / 10, ["a", "c"])
    with pytest.raises(DataError, match="different states"):
        transition_modes([states, other])
