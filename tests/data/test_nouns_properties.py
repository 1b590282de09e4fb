"""Nouns meet alike however they are written down: units, names, order, clocks, missing values."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from murid.data.errors import MuridError
from murid.data.labels import LabelChoice
from murid.data.meet import (
    arena_of_each,
    by_behaviour,
    by_individual,
    column_of,
    keypoints_and_roles,
    labels_on,
    poses_and_zones,
    traces_and_states,
)
from murid.data.states import to_multilabel
from murid.data.zones import Zones
from tests.nouns import (
    ANIMALS,
    BEHAVIOURS,
    FAST,
    KEYPOINTS,
    MORE,
    PER_CM,
    PLAIN,
    UNITS,
    ZONES,
    Facts,
    Wording,
    all_facts,
    labels_in,
    recording_in,
    same,
    states_in,
    traces_in,
    wordings,
)


def zones_fit(facts: Facts, wording: Wording) -> None:
    """Zones in the unit of the poses, whatever both are written in."""

    def numbers(w: Wording) -> dict[str, object]:
        recording = recording_in(facts, w)
        fitted = poses_and_zones(recording.need("poses"), recording.need("zones"))
        k = PER_CM[w.unit]
        return {z: np.sqrt(fitted[z].area) / k for z in ZONES} | {"depth": fitted.rule.hysteresis / k}

    same(numbers(PLAIN), numbers(wording))


def arenas_fit(facts: Facts, wording: Wording) -> None:
    recording = recording_in(facts, wording)
    found = arena_of_each(recording.need("poses"), recording.need("zones"))
    assert {a: z.name for a, z in found.items()} == dict.fromkeys(wording.animals, "arena")


def roles_fit(facts: Facts, wording: Wording) -> None:
    assert keypoints_and_roles(recording_in(facts, wording).need("poses")) == {k: k for k in KEYPOINTS}


def labels_fit(facts: Facts, wording: Wording) -> None:
    """Labels made of states give the same states on the same clock, by names."""
    states, labels = states_in(facts, wording), labels_in(facts, wording)
    back = labels_on(labels, states["time"].values, LabelChoice(behaviours=BEHAVIOURS), individuals=wording.animals)
    right = to_multilabel(states).sel(individual=list(wording.animals), behaviour=list(BEHAVIOURS))
    np.testing.assert_array_equal(back.values, right.values)


def individuals_fit(facts: Facts, wording: Wording) -> None:
    found = by_individual(to_multilabel(states_in(facts, wording)), [*wording.animals, "nobody"])
    plain = to_multilabel(states_in(facts))
    for k, name in enumerate(wording.animals):
        own = found.sel(individual=name, behaviour=list(BEHAVIOURS)).values
        np.testing.assert_array_equal(own, plain.sel(individual=ANIMALS[k]).values)
    assert (found.sel(individual="nobody").values == -1).all()


def behaviours_fit(facts: Facts, wording: Wording) -> None:
    """Probabilities reach the behaviour and the animal of their name."""
    right = to_multilabel(states_in(facts, wording)).astype(float)
    shuffled = right.sel(individual=list(wording.animals), behaviour=list(BEHAVIOURS))
    np.testing.assert_array_equal(by_behaviour(shuffled, right.astype(np.int8)), right.values)


def traces_fit(facts: Facts, wording: Wording) -> None:
    """The state beside each neural sample is the same."""

    def numbers(w: Wording) -> dict[str, object]:
        traces, states = traces_and_states(traces_in(facts, w), states_in(facts, w), individual=w.name(0))
        table = to_multilabel(states).sel(behaviour=list(BEHAVIOURS)).values[:, 0]
        return {"states": table, "traces": traces.sel(unit=list(UNITS)).values}

    same(numbers(PLAIN), numbers(wording))


CHECKS = (zones_fit, arenas_fit, roles_fit, labels_fit, individuals_fit, behaviours_fit, traces_fit)


@pytest.mark.parametrize("check", CHECKS)
@FAST
@given(facts=all_facts, wording=wordings)
def test_nouns_meet_alike_in_every_wording(check, facts, wording):
    check(facts, wording)


@pytest.mark.slow
@MORE
@given(check=st.sampled_from(CHECKS), facts=all_facts, wording=wordings)
def test_nouns_meet_alike_in_many_wordings(check, facts, wording):
    check(facts, wording)


def _no_scale(recording):
    poses = recording.need("poses")
    return poses.assign_attrs(unit="px", px_per_cm=np.nan)


REFUSED = {
    "zones without a scale": lambda r: poses_and_zones(_no_scale(r), r.need("zones")),
    "an arena elsewhere": lambda r: arena_of_each(r.need("poses").map(lambda v: v + 900), r.need("zones")),
    "no arena": lambda r: arena_of_each(r.need("poses"), Zones()),
    "labels of another clock": lambda r: labels_on(r.need("labels"), r.need("poses")["time"].values + 1e6),
    "traces of another clock": lambda r: traces_and_states(
        r.need("traces").assign_coords(time=r.need("traces")["time"].values + 1e6), states_in(Facts()), individual="m1"
    ),
    "animals called otherwise": lambda r: by_individual(to_multilabel(states_in(Facts())), ["x", r.id]),
    "several animals and none named": lambda r: column_of(r.need("poses")),
    "an animal that is not there": lambda r: column_of(r.need("poses"), "m3"),
    "behaviours called otherwise": lambda r: by_behaviour(
        xr.DataArray(
            np.zeros((r.need("poses").sizes["time"], 1, 1)),
            dims=("time", "individual", "behaviour"),
            coords={"time": r.need("poses")["time"].values, "individual": ["m1"], "behaviour": ["x"]},
        ),
        states_in(Facts()),
    ),
    "a role of no keypoint": lambda r: keypoints_and_roles(r.need("poses"), {"nose": "snout"}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_one_error(what):
    with pytest.raises(MuridError):
        REFUSED[what](recording_in(Facts()).replace(labels=labels_in(Facts()), traces=traces_in(Facts())))
