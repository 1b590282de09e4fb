"""Poses meet zones and roles: the same numbers in every unit and order, or one error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.meet import arena_of_each, by_behaviour, keypoints_and_roles, only_animal, poses_and_zones
from murid.data.poses import make_poses
from murid.data.roles import stand_ins
from murid.data.states import make_states
from murid.data.units import LengthUnit
from murid.data.zones import EntryRule, Zone, Zones
from murid.features.zone_mask import zone_masks

BOX = np.array([[0, 0], [10, 0], [10, 10], [0, 10.0]])
PER_CM = {"cm": 1.0, "mm": 10.0, "px": 20.0}


def _poses(unit="cm", px_per_cm: float | None = 20.0, n=400, individuals=("m",), shift=0.0):
    """Animals that swing through the left of a field, in cm times the unit."""
    t = np.arange(n) / 30
    one = np.stack([20 + 15 * np.sin(0.3 * t * 4), np.full(n, 20.0)], 1)
    xy = np.stack([one + [shift * i, 0] for i in range(len(individuals))], axis=-1)[:, :, None]
    attrs = {"px_per_cm": px_per_cm} if px_per_cm else {}
    return make_poses(xy * PER_CM[unit], keypoints=["centre"], individuals=individuals, fps=30, unit=unit, **attrs)


def _left(unit, depth_cm=0.5):
    corners = np.array([[0, 0], [15, 0], [15, 40], [0, 40.0]]) * PER_CM[unit]
    return Zones([Zone("left", corners, unit=unit)], EntryRule(hysteresis=depth_cm * PER_CM[unit]))


@pytest.mark.parametrize("unit", ["px", "cm", "mm"])
@pytest.mark.parametrize("zone_unit", ["px", "cm", "mm"])
@pytest.mark.parametrize("depth_cm", [0.5, 2.0])
def test_zones_and_their_rule_mean_the_same_in_every_unit(unit, zone_unit, depth_cm):
    """Poses in cm with zones in px: the polygon was converted and the rule was not (share .000 for .368)."""
    right = zone_masks(_poses(), _left("cm", depth_cm)).values
    assert 0.2 < (right == 1).mean() < 0.5
    np.testing.assert_array_equal(zone_masks(_poses(unit), _left(zone_unit, depth_cm)).values, right)


def test_pixels_without_a_scale_are_refused_zone_by_zone():
    zones = Zones([Zone("a", BOX), Zone("b", BOX + 20)])
    with pytest.raises(DataError, match="2 faults") as error:
        poses_and_zones(_poses(px_per_cm=None), zones)
    assert [f.where for f in error.value.faults] == ["zone 'a'", "zone 'b'"]


def test_the_depth_of_a_rule_needs_one_unit():
    zones = [Zone("a", BOX, unit="cm"), Zone("b", BOX, unit="mm")]
    with pytest.raises(DataError, match="zones in several units"):
        poses_and_zones(_poses(), Zones(zones, EntryRule(hysteresis=1.0)))
    assert poses_and_zones(_poses(), Zones(zones))["b"].area == pytest.approx(1.0)


def test_units_convert_both_ways():
    for a in ("px", "cm", "mm"):
        for b in ("px", "cm", "mm"):
            assert LengthUnit(a, 20.0).to(b) * LengthUnit(b, 20.0).to(a) == pytest.approx(1)
    assert LengthUnit("px", 20.0).to("mm") == 0.5
    with pytest.raises(DataError, match="cm, mm"):
        LengthUnit.of({"unit": "inch"})


def test_each_animal_has_its_own_arena():
    """Two arenas, one animal in each: the first arena was taken for both."""
    arenas = [Zone(n, BOX * 4 + [x, 0], unit="cm", kind="arena") for n, x in (("one", 0), ("two", 50))]
    poses = _poses(individuals=("a", "b"), shift=50.0)
    for zones in (Zones(arenas), Zones(arenas[::-1])):
        assert {k: z.name for k, z in arena_of_each(poses, zones).items()} == {"a": "one", "b": "two"}
    with pytest.raises(DataError, match=r"individual 'b'.*one 0%"):
        arena_of_each(poses, Zones(arenas[:1]))


NAMES = ["nose", "bodycentre", "tailbase", "Implant"]


def test_given_roles_join_the_guessed_ones():
    """One given role dropped all guessed ones, so that the implant was the body centre."""
    poses = make_poses(np.zeros((5, 2, 4, 1)), keypoints=NAMES, fps=30, unit="cm")
    roles = keypoints_and_roles(poses, {"implant": "Implant"})
    assert roles == {"nose": "nose", "centre": "bodycentre", "tail_base": "tailbase", "implant": "Implant"}
    assert stand_ins(roles)["centre"] == ("centre",)
    assert keypoints_and_roles(poses, {"nose": "nose"}) == keypoints_and_roles(poses)
    assert keypoints_and_roles(poses, {"centre": "Implant"})["centre"] == "Implant"
    assert "nose" not in keypoints_and_roles(poses, {"nose": ""})


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(4)), given_roles=st.sets(st.sampled_from(["nose", "centre", "tail_base"])))
def test_roles_depend_neither_on_order_nor_on_how_many_are_given(order, given_roles):
    full = {"nose": "nose", "centre": "bodycentre", "tail_base": "tailbase"}
    poses = make_poses(np.zeros((5, 2, 4, 1)), keypoints=[NAMES[i] for i in order], fps=30, unit="cm")
    assert keypoints_and_roles(poses, {r: full[r] for r in given_roles}) == full


@settings(max_examples=30, deadline=None)
@given(
    behaviours=st.permutations(["a", "b", "none"]),
    people=st.permutations(["m1", "m2"]),
    known=st.sets(st.sampled_from(["a", "b", "none"]), min_size=1),
    seed=st.integers(0, 100),
)
def test_probabilities_are_matched_by_name_in_any_order(behaviours, people, known, seed):
    time = np.arange(8) / 10
    values = np.random.default_rng(seed).random((8, 2, 3))
    full = xr.DataArray(
        values,
        dims=("time", "individual", "behaviour"),
        coords={"time": time, "individual": ["m1", "m2"], "behaviour": ["a", "b", "none"]},
    )
    given_ = full.sel(individual=people, behaviour=[b for b in behaviours if b in known])
    states = make_states(np.zeros((8, 2, 3), np.int8), time, ["a", "b", "none"], ["m1", "m2"])
    got = by_behaviour(given_, states)
    right = np.where(np.isin(["a", "b", "none"], list(known)), values, np.nan)
    np.testing.assert_array_equal(got, right)
    with pytest.raises(DataError, match="another clock"):
        by_behaviour(given_.assign_coords(time=time + 1), states)


def test_the_only_animal_has_one_name_in_all_tables_of_the_labels():
    bouts = pd.DataFrame(
        {"start_s": [1.0, 3.0], "stop_s": [2.0, 4.0], "label": ["rear", "cue"], "individual": ["m", "all"]}
    )
    labels = Labels.from_bouts(bouts, duration_s=5)
    watched = labels.scored.assign(individual="m")
    points = pd.DataFrame({"time_s": [1.5], "label": ["click"], "individual": ["m"], "modifiers": [""]})
    labels = replace(labels, scored=watched, meta={"points": points})
    same = only_animal(labels, ["mouse_1"])
    assert same.bouts["individual"].tolist() == ["mouse_1", "all"]
    assert same.scored["individual"].tolist() == ["mouse_1"]
    assert same.meta["points"]["individual"].tolist() == ["mouse_1"]
    states = same.to_states(np.arange(50) / 10, ["rear"], individuals=["mouse_1"])
    assert (states.values == 1).sum() == 10
    # Who is meant is open among several animals, or several names.
    assert only_animal(labels, ["mouse_1", "mouse_2"]) is labels
    two = replace(labels, bouts=labels.bouts.assign(individual=["m", "n"]))
    assert only_animal(two, ["mouse_1"]) is two
    assert only_animal(labels, ["m"]) is labels
