from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.data.states import make_states
from murid.ethogram import transitions as tr


def states(z, k=3, fps=10.0, time=None):
    time = frame_times(len(z), fps) if time is None else time
    return make_states(np.asarray(z), time, [f"b{i}" for i in range(k)], ["a"])


def bouts_of_chain(chain, length=3):
    return np.repeat(chain, length)


def draw(seed, p, n=4000):
    rng = np.random.default_rng(seed)
    chain = [0]
    for _ in range(n):
        chain.append(int(rng.choice(len(p), p=p[chain[-1]])))
    return np.array(chain)


P = np.array([[0, 0.8, 0.2], [0.5, 0, 0.5], [0.1, 0.9, 0]])


def test_counts_skip_staying_unlabelled_and_dropped_frames():
    time = np.r_[0:8, 20:23] / 10.0
    got = tr.transitions_of(states([0, 0, 1, -1, 2, 2, 0, 1, 2, 0, 0], time=time))
    want = np.zeros((3, 3), int)
    want[0, 1] = 2
    want[2, 0] = 2
    np.testing.assert_array_equal(got.counts, want)
    assert got.total == 4
    assert got.probabilities.loc["b1"].isna().all()
    assert tr.transitions_of([states([0, 1]), states([0, 1])]).counts[0, 1] == 2


def test_entropy_rate_by_hand():
    assert tr.entropy_rate([[0, 5, 5], [10, 0, 0], [0, 0, 0]]) == pytest.approx(0.5)
    assert tr.entropy_rate(np.ones((5, 5)) - np.eye(5)) == pytest.approx(2.0)
    assert np.isnan(tr.entropy_rate(np.zeros((2, 2))))


CIRCLE = 0.2 * (np.ones((4, 4)) - np.eye(4)) + 0.4 * np.roll(np.eye(4), 1, axis=1)


def test_shuffling_keeps_the_bouts_and_never_repeats_one():
    chain = draw(0, CIRCLE)
    new = tr.shuffled([chain], np.random.default_rng(1))[0]
    assert sorted(new) == sorted(chain)
    assert (np.diff(new) != 0).all()
    assert (new != chain).mean() > 0.6


def test_enrichment_finds_the_preferred_step_and_nothing_in_random_order():
    table = tr.enrichment(states(bouts_of_chain(draw(2, CIRCLE)), k=4), n_shuffles=100).set_index(["from", "to"])
    onward = [(f"b{i}", f"b{(i + 1) % 4}") for i in range(4)]
    assert (table.loc[onward, "z"] > 10).all()
    assert (table.drop(index=onward)["z"] < -3).all()
    # Without order, i → j is a_i a_j with the observed usage and no repeats (quasi-independence).
    usage, a = np.bincount(draw(2, CIRCLE)), np.full(4, 18.0)
    for _ in range(200):
        a = np.sqrt(a * usage / (a.sum() - a))
    want = [a[int(i[1])] * a[int(j[1])] for i, j in table.index]
    np.testing.assert_allclose(table["expected"], want, rtol=0.03)
    even = (np.ones((4, 4)) - np.eye(4)) / 3
    random = tr.enrichment(states(bouts_of_chain(draw(3, even)), k=4), n_shuffles=100)
    assert (random["z"].abs() < 4).all()
    assert random["p"].min() > 1 / 101


def test_markov_surrogates_keep_the_transition_probabilities():
    chain = draw(4, P, 20_000)
    new = tr.markov([chain], 3, np.random.default_rng(5))
    got = tr.Transitions(("a", "b", "c"), tr.count_chains(new, 3)).probabilities
    np.testing.assert_allclose(got, P, atol=0.02)


def test_memory_beyond_one_step_is_found_only_where_it_is():
    first = tr.memory_test(states(bouts_of_chain(draw(6, P))), n_shuffles=60)
    assert first["p"] > 0.05
    rng = np.random.default_rng(7)
    chain = [0, 1]
    for _ in range(3000):  # mostly goes on in one direction: depends on the last but one
        onward = 3 - chain[-1] - chain[-2]
        chain.append(onward if rng.random() < 0.8 else chain[-2])
    second = tr.memory_test(states(bouts_of_chain(chain)), n_shuffles=60)
    assert second["z"] > 10


def counts_of(seed, p, n=300):
    return tr.count_chains([draw(seed, p, n)], 3)


def test_group_difference_finds_a_difference_and_keeps_its_error_rate():
    q = P[[0, 1, 2]].copy()
    q[0] = [0, 0.5, 0.5]
    groups = ["ctrl"] * 8 + ["drug"] * 8
    unlike = [counts_of(s, P) for s in range(8)] + [counts_of(s + 50, q) for s in range(8)]
    got = tr.group_difference(unlike, groups, n_permutations=500)
    assert got["p"] == pytest.approx(1 / 501)
    assert got["z"] > 4
    false = 0
    for trial in range(40):
        same = [counts_of(1000 + 16 * trial + s, P, 100) for s in range(16)]
        false += tr.group_difference(same, groups, n_permutations=99, seed=trial)["p"] <= 0.05
    assert false <= 6


def test_fractions_ignore_mere_activity():
    groups = ["a"] * 6 + ["b"] * 6
    calm = [counts_of(s, P, 200) for s in range(6)]
    busy = [counts_of(s + 10, P, 800) for s in range(6)]
    assert tr.group_difference(calm + busy, groups, n_permutations=300)["p"] < 0.02
    assert tr.group_difference(calm + busy, groups, n_permutations=300, measure="fractions")["p"] > 0.05


def test_errors():
    with pytest.raises(DataError, match="two groups"):
        tr.group_difference(np.zeros((3, 2, 2)), ["a", "b", "c"])
    multi = make_states(np.zeros((3, 1, 2)), frame_times(3, 10), ["x", "y"], ["a"])
    with pytest.raises(DataError, match="exclusive"):
        tr.transitions_of(multi)


@pytest.mark.realdata
def test_behaviorflow_published_group_difference(data_dir):
    folder = data_dir / "behaviorflow"
    meta = pd.read_csv(folder / "Example_metadata.csv", sep=";")
    many = []
    for name in meta["DLCFile"]:
        table = pd.read_csv(folder / "CSVinput" / f"{name}.gz", sep=";", keep_default_na=False)
        code = pd.to_numeric(table["kmeans.25"], errors="coerce").fillna(0).astype(int).to_numpy() - 1
        many.append(states(code, 25, 25.0))
    parts = [tr.transitions_of(s) for s in many]
    pooled = sum(parts[1:], parts[0])
    assert pooled.total == 72_434
    assert tr.entropy_rate(pooled.counts) == pytest.approx(3.135, abs=5e-4)
    got = tr.group_difference([p.counts for p in parts], meta["Condition"], n_permutations=2000)
    assert got["distance"] == pytest.approx(249.1, abs=0.05)
    assert got["null_mean"] == pytest.approx(156.1, abs=1.5)
    assert got["z"] == pytest.approx(7.0, abs=0.5)
    assert got["p"] == pytest.approx(1 / 2001)
