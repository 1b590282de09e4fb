"""Labels meet animals by name, rows meet the nearest frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import murid
from murid import simulate
from murid.data.bouts import EVERYONE
from murid.data.states import behaviour_names
from murid.methods.self_supervised.own_labels import states_from_labels


@pytest.fixture(scope="module")
def pair():
    return simulate.recording("open_field", duration_s=60, fps=10, n_animals=2, seed=2, individuals=("zoe", "adam"))


def expected(recording, name):
    bouts = recording.labels.bouts
    states = recording.labels.to_states(recording.poses["time"].values, individuals=[name])
    names = behaviour_names(states)
    code = states.values[:, 0].argmax(axis=1)
    assert (bouts["individual"] == name).any()
    return np.array([*names, "other"])[np.where(states.values[:, 0].max(axis=1) > 0, code, len(names))]


def named(states, individual):
    names = np.array([*behaviour_names(states), ""])
    return names[states.sel(individual=individual).values]


def reordered(recording, first):
    bouts = recording.labels.bouts
    order = np.argsort([name != first for name in bouts["individual"]], kind="stable")
    return recording.replace(labels=replace(recording.labels, bouts=bouts.iloc[order].reset_index(drop=True)))


@pytest.mark.parametrize("first", ["zoe", "adam"])
def test_each_animal_has_its_own_labels_in_any_order_of_the_table(pair, first):
    states = states_from_labels(reordered(pair, first), "other")
    assert list(states["individual"].values) == ["zoe", "adam"]
    for name in ("zoe", "adam"):
        np.testing.assert_array_equal(named(states, name), expected(pair, name))


def test_an_animal_without_labels_is_unlabelled_and_labels_of_all_count_for_each(pair):
    bouts = pair.labels.bouts
    adam = bouts[bouts["individual"] == "adam"].reset_index(drop=True)
    states = states_from_labels(pair.replace(labels=replace(pair.labels, bouts=adam)), "other")
    assert (states.sel(individual="zoe").values == -1).all()
    np.testing.assert_array_equal(named(states, "adam"), expected(pair, "adam"))
    both = states_from_labels(
        pair.replace(labels=replace(pair.labels, bouts=adam.assign(individual=EVERYONE))), "other"
    )
    for name in ("zoe", "adam"):
        np.testing.assert_array_equal(named(both, name), expected(pair, "adam"))


def test_dbm_learns_each_animal_on_its_own_labels_of_the_same_row(pair):
    method, recording = murid.method("dbm", labels_from="labels", net="lstm"), reordered(pair, "adam")
    method.facts = method._start([recording])
    method._prepare([recording])
    for name in ("zoe", "adam"):
        wanted = expected(pair, name)
        learnt = np.array([*method.facts["behaviours"], ""])[method._targets[pair.id, name]]
        # At the method's own rate each row is one frame, and carries that frame's label.
        assert (learnt == wanted).all()
