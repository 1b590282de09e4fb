from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.evaluate import folds


def recording(i, animal, **seconds):
    rows = [(10.0 * k, 10.0 * k + s, name) for k, (name, s) in enumerate(seconds.items()) if s]
    bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label"]).assign(rater="r")
    return Recording(f"r{i}", animal=animal, labels=Labels.from_bouts(bouts, duration_s=100.0))


@cache
def study():
    out = []
    for i in range(24):
        animal = f"a{i // 2}"
        out.append(recording(i, animal, walk=5.0, groom=1.0 + i % 3, rear=4.0 if i in (1, 8, 14, 21) else 0.0))
    return out


def test_no_animal_is_on_both_sides_and_each_is_tested_once():
    recordings = study()
    parts = folds.grouped(recordings, 4)
    assert sorted(i for f in parts for i in f.test) == list(range(24))
    for fold in parts:
        train, test = fold.split(recordings)
        assert not {r.animal for r in train} & {r.animal for r in test}
        assert {r.animal for r in test} == set(fold.groups)


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_behaviour_is_in_every_fold(seed):
    seconds = folds.behaviour_seconds(study())
    for fold in folds.grouped(study(), 4, seed=seed):
        assert (seconds.iloc[list(fold.test)].sum() > 0).all()


def test_same_seed_same_folds():
    assert folds.grouped(study(), 4, seed=1) == folds.grouped(study(), 4, seed=1)
    assert folds.grouped(study(), 4, seed=1) != folds.grouped(study(), 4, seed=2)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(6, 14), st.integers(0, 100))
def test_folds_are_a_partition_with_no_empty_side(n_folds, n_groups, seed):
    rng = np.random.default_rng(seed)
    groups = [f"g{i}" for i in [*range(n_groups), *rng.integers(n_groups, size=10)]]
    amounts = pd.DataFrame(rng.poisson(1.0, (len(groups), 3)), columns=list("xyz"))
    parts = folds.grouped_items(groups, amounts, n_folds, seed=seed, rare="ignore")
    assert sorted(i for f in parts for i in f.test) == list(range(len(groups)))
    assert all(f.test and f.train for f in parts)
    sizes = [len(f.groups) for f in parts]
    assert max(sizes) <= -(-n_groups // n_folds)


def test_a_behaviour_of_one_animal_is_an_error_that_names_it():
    recordings = [*study(), recording(99, "a99", jump=2.0)]
    with pytest.raises(DataError, match=r"'jump' occurs in one group only.*got a99"):
        folds.grouped(recordings, 4)
    with pytest.warns(UserWarning, match="jump"):
        folds.grouped(recordings, 4, rare="warn")
    assert len(folds.grouped(recordings, 4, behaviours=["walk", "rear"])) == 4


def test_too_few_groups_and_bad_keys():
    with pytest.raises(DataError, match="fewer groups than folds"):
        folds.grouped(study(), 13)
    with pytest.raises(DataError, match="cannot split by"):
        folds.grouped(study(), 4, by="cage")
    with pytest.raises(DataError, match="one group per recording"):
        folds.grouped(study(), 4, by=["x"])


def test_splitting_by_rater_by_function_and_leaving_one_out():
    recordings = [
        r.replace(labels=Labels.from_bouts(r.labels.bouts.assign(rater=f"p{i % 3}"), duration_s=100.0))
        for i, r in enumerate(study())
    ]
    parts = folds.grouped(recordings, 3, by="rater", rare="ignore")
    assert sorted(f.groups for f in parts) == [("p0",), ("p1",), ("p2",)]
    assert len(folds.grouped(study(), 24, by="id", rare="ignore")) == 24
    assert len(folds.grouped(study(), 2, by=lambda r: r.id[-1], rare="ignore")) == 2


def test_random_frames_warn_that_they_leak():
    with pytest.warns(UserWarning, match="leaky_frames"):
        parts = folds.leaky_frames(100, 5)
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(100))
    assert all(np.intersect1d(train, test).size == 0 for train, test in parts)


def test_behaviours_of_a_stream_that_is_not_learnt_are_no_reason_to_warn():
    def two_streams(i):
        names = ["walk", "bite"] if i == 0 else ["walk"]
        bouts = pd.DataFrame({"start_s": 0.0, "stop_s": 5.0, "label": names, "stream": ["S1", "S2"][: len(names)]})
        return Recording(f"r{i}", animal=f"a{i}", labels=Labels.from_bouts(bouts, duration_s=10.0))

    recordings = [two_streams(i) for i in range(3)]
    assert list(folds.behaviour_seconds(recordings, stream="S1").columns) == ["walk"]
    assert len(folds.grouped(recordings, 3, behaviours=["walk"])) == 3  # rare="error"
    with pytest.raises(DataError, match=r"several streams; .* S1: walk; S2: bite.*--stream S1.*-b"):
        folds.behaviour_seconds(recordings)
    assert list(folds.behaviour_seconds(recordings[:1], stream="S2").columns) == ["bite"]
