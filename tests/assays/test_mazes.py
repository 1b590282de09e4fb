"""Elevated mazes: planned walks by hand, simulated animals by what they did."""

import numpy as np
import pytest

from murid import assays, simulate
from murid.data.errors import DataError
from murid.data.zones import Zones
from tests.assays.walks import RAW, box, stay, walked

PLUS = [
    box("open_n", 30, 0, 36, 30, "open"),
    box("open_s", 30, 36, 36, 66, "open"),
    box("closed_w", 0, 30, 30, 36, "closed"),
    box("closed_e", 36, 30, 66, 36, "closed"),
    box("centre", 30, 30, 36, 36, "centre"),
]
#: Centre 4 s, north 10 s, centre 2 s, west 20 s, centre 1 s, south 5 s (its outer third), centre 1 s, west 7 s.
WALK = stay((33, 33, 4), (33, 25, 10), (33, 33, 2), (15, 33, 20), (33, 33, 1), (33, 60, 5), (33, 33, 1), (10, 33, 7))


def plus(recording, **params):
    return assays.run_paradigm("plus_maze", recording, clean=RAW, bin_s=0, **params)


def test_a_planned_walk_gives_every_share_under_its_own_denominator():
    out = plus(walked(WALK, PLUS))
    assert out.value("time", "open") == pytest.approx(15)
    assert out.value("time_percent", "open") == pytest.approx(30)
    assert out.value("time_percent", "centre") == pytest.approx(16)
    assert out.value("open_time_of_both_percent") == pytest.approx(100 * 15 / 42)
    assert out.value("entries", "open") == 2
    assert out.value("entries", "closed") == 2
    assert out.value("open_entries_percent") == pytest.approx(50)
    assert out.value("entries_open_and_closed") == 4
    assert out.value("anxiety_index_time") == pytest.approx(0.7)
    assert out.value("anxiety_index") == pytest.approx(1 - (0.3 + 0.5) / 2)
    assert out.value("latency", "open") == pytest.approx(4)
    assert out.value("latency", "closed") == pytest.approx(16)
    assert out.value("open_end_time") == pytest.approx(5)
    assert not out.warnings or "no arena was drawn" in out.warnings[0]


def test_a_head_over_the_edge_is_a_dip_and_over_a_wall_is_none():
    aside = stay((33, 33, 2), (15, 33, 5), (33, 33, 2), (33, 20, 5))
    over = np.zeros_like(aside) + [2.0, 0.0]
    over[50:175] = [0, 8]  # in the west arm, above its wall
    over[225:] = [8, 0]  # on the north arm, beyond its edge
    out = plus(walked(aside, PLUS, nose=over))
    assert out.value("head_dips") == 1
    assert out.value("head_dips_unprotected") == 1
    assert out.value("head_dips_time") == pytest.approx(5)


def test_an_arm_that_follows_another_at_once_is_an_entry():
    out = plus(walked(stay((33, 25, 4), (33, 60, 4), (15, 33, 4)), PLUS))
    assert out.value("entries", "open") == 1  # it starts in the other one
    assert out.value("time", "open") == pytest.approx(8)


def test_arms_are_known_by_their_names_where_no_kind_was_given():
    named = [
        box(n, *z.bounds[0], *z.bounds[1])
        for n, z in zip(["OpenArm1", "Open arm 2", "closed-1", "CLOSED_2"], PLUS[:4], strict=True)
    ]
    out = plus(walked(WALK, named))
    assert out.value("time", "open") == pytest.approx(15)
    with pytest.raises(DataError, match="no zone of kind 'closed'"):
        plus(walked(WALK, named[:2]))
    with pytest.raises(DataError, match="has the name of all zones of its kind"):
        plus(walked(WALK, [box("open", 30, 0, 36, 30), *named[1:]]))


def test_arms_named_the_wrong_way_round_are_asked_about():
    swapped = [
        box(z.name, *z.bounds[0], *z.bounds[1], {"open": "closed", "closed": "open"}.get(z.kind, z.kind)) for z in PLUS
    ]
    walled = np.concatenate([WALK, stay((10, 33, 10))])
    assert any("wrong way round" in w for w in plus(walked(walled, swapped)).warnings)
    assert not any("wrong way round" in w for w in plus(walked(WALK, PLUS)).warnings)


@pytest.mark.parametrize("kind", ["plus_maze", "zero_maze"])
@pytest.mark.parametrize(
    "fps", [15.0, pytest.param(25.0, marks=pytest.mark.slow), 30.0, pytest.param(120.0, marks=pytest.mark.slow)]
)
def test_simulated_animals_dip_and_stretch_as_often_as_they_did(kind, fps):
    made = simulate.recording(kind, duration_s=240, fps=fps, seed=3)
    did = made.labels.bouts["label"].value_counts()
    out = assays.run_paradigm(kind, made, bin_s=0)
    assert out.value("head_dips") == did["head_dip"]
    assert out.value("stretched_attends") == pytest.approx(did["stretch_attend"], abs=1)
    assert out.value("head_dips_protected") + out.value("head_dips_unprotected") == out.value("head_dips")


@pytest.mark.parametrize("kind", ["plus_maze", "zero_maze"])
def test_jitter_of_3_px_makes_no_entries(kind):
    made = simulate.recording(kind, duration_s=240, seed=4)
    still = assays.run_paradigm(kind, made, bin_s=0)
    noisy = made.poses.assign(
        position=made.poses["position"] + np.random.default_rng(0).normal(0, 3, made.poses["position"].shape)
    )
    shaken = assays.run_paradigm(kind, made.replace(poses=noisy), bin_s=0)
    for place in ("open", "closed"):
        assert shaken.value("entries", place) == pytest.approx(still.value("entries", place), abs=1)
        assert shaken.value("time", place) == pytest.approx(still.value("time", place), rel=0.01)


def test_a_maze_without_zones_says_how_to_get_them():
    bare = walked(WALK, PLUS).replace(zones=None)
    with pytest.raises(DataError, match="murid zones"):
        plus(bare)
    assert isinstance(walked(WALK, PLUS).zones, Zones)


def test_a_recording_without_a_head_has_no_dips_and_says_so():
    made = walked(WALK, PLUS)
    only = made.replace(poses=made.poses.sel(keypoint=["centre"]))
    out = plus(only)
    assert "head_dips" in set(out.measures["measure"]) or any("head dips were not measured" in w for w in out.warnings)
    assert any("stretched attends were not measured" in w for w in out.warnings)
    assert out.value("time", "open") == pytest.approx(15)
