"""Light–dark box, three chambers, objects, Y-maze and zones of one's own: planned walks."""

import numpy as np
import pytest

from murid import assays
from murid.assays.y_maze import alternation
from murid.data.errors import DataError
from tests.assays.walks import RAW, box, stay, walked

SIDES = [box("arena", 0, 0, 45, 25, "arena"), box("dark", 0, 0, 15, 25, "dark"), box("light", 15, 0, 45, 25, "light")]
#: Dark 5 s, light 10 s, dark 20 s, light 3 s, dark 2 s.
LIGHT_DARK = stay((5, 12, 5), (30, 12, 10), (5, 12, 20), (30, 12, 3), (5, 12, 2))
CHAMBERS = [
    box("arena", 0, 0, 60, 40, "arena"),
    box("left", 0, 0, 20, 40, "chamber"),
    box("middle", 20, 0, 40, 40, "chamber"),
    box("right", 40, 0, 60, 40, "chamber"),
    box("cup_a", 8, 8, 14, 14, "cup"),
    box("cup_b", 46, 8, 52, 14, "cup"),
]
#: Nose 4 cm to the right of the body centre: 12 s at cup a, 3 s at cup b.
SOCIAL = stay((30, 30, 5), (3, 11, 12), (10, 30, 4), (30, 30, 2), (41, 11, 3), (55, 30, 14))


def run(name, recording, **params):
    return assays.run_paradigm(name, recording, clean=RAW, bin_s=0, **params)


def test_light_and_dark():
    out = run("light_dark", walked(LIGHT_DARK, SIDES))
    assert out.value("time", "light") == pytest.approx(13)
    assert out.value("light_of_both_percent") == pytest.approx(100 * 13 / 40)
    assert out.value("crossings") == 4
    assert out.value("latency", "light") == pytest.approx(5)
    assert out.value("starts_in_light") == 0


def test_an_animal_that_cannot_be_seen_is_in_the_dark():
    seen = LIGHT_DARK.copy()
    seen[LIGHT_DARK[:, 0] < 15] = np.nan
    seen[200:210] = np.nan  # 0.4 s lost in the light are a gap of the tracking
    hidden = walked(seen, SIDES)
    out = run("light_dark", hidden, dark_is_hidden=True)
    assert out.value("time", "dark") == pytest.approx(27)
    assert out.value("time", "light") == pytest.approx(12.6)
    assert out.value("unknown", "light") == pytest.approx(1)
    assert out.value("crossings") == 4
    unknown = run("light_dark", hidden, cut_absent_s=0)
    assert unknown.value("unknown", "light") > 60
    assert unknown.value("time", "dark") == 0


def test_preference_for_the_side_of_the_target_by_chamber_and_by_investigation():
    out = run("three_chamber", walked(SOCIAL, CHAMBERS), target="left", reach_cm=2.0)
    assert out.value("time", "left") == pytest.approx(16)
    assert out.value("time", "right") == pytest.approx(17)
    assert out.value("chamber_index") == pytest.approx((16 - 17) / 33)
    assert out.value("investigation", "cup_a") == pytest.approx(12)
    assert out.value("investigation", "cup_b") == pytest.approx(3)
    assert out.value("investigation_index") == pytest.approx(9 / 15)
    assert out.value("investigation_difference") == pytest.approx(9)
    other = run("three_chamber", walked(SOCIAL, CHAMBERS), target="cup_b")
    assert other.value("investigation_index") == pytest.approx(-9 / 15)


def test_the_sheet_says_the_side_of_each_recording():
    made = walked(SOCIAL, CHAMBERS, meta={"target": "right"})
    assert run("three_chamber", made, target="left").value("investigation_index") == pytest.approx(-9 / 15)
    bare = run("three_chamber", walked(SOCIAL, CHAMBERS))
    assert any("no target is given" in w for w in bare.warnings)
    assert "chamber_index" not in set(bare.measures["measure"])
    with pytest.raises(DataError, match="target 'top' is no zone"):
        run("three_chamber", walked(SOCIAL, CHAMBERS), target="top")


def test_a_head_that_is_turned_away_investigates_nothing():
    away = run(
        "three_chamber", walked(SOCIAL + [8, 0], CHAMBERS, nose=(4.0, 0.0)), target="left", cone_deg=45, reach_cm=3
    )
    near = run("three_chamber", walked(SOCIAL + [8, 0], CHAMBERS, nose=(4.0, 0.0)), target="left", reach_cm=3)
    assert near.value("investigation", "cup_a") == pytest.approx(12)  # the nose is behind the cup, 1 cm off
    assert away.value("investigation", "cup_a") == 0


def test_the_stretch_of_a_recording_comes_from_the_sheet():
    made = walked(SOCIAL, CHAMBERS, meta={"start_s": "5", "stop_s": "21", "target": "left"})
    out = run("three_chamber", made)
    assert out.value("time", "left") == pytest.approx(16)
    assert out.value("time", "right") == 0
    with pytest.raises(DataError, match="column 'stop_s' of the sheet"):
        run("three_chamber", walked(SOCIAL, CHAMBERS, meta={"stop_s": "1:30"}))
    with pytest.raises(DataError, match="start_s < stop_s"):
        run("three_chamber", walked(SOCIAL, CHAMBERS, meta={"start_s": "9", "stop_s": "3"}))
    early = run("three_chamber", walked(SOCIAL, CHAMBERS, meta={"stop_s": "90"}))
    assert any("ends 50.0 s before" in w for w in early.warnings)


def test_objects():
    objects = [box("arena", 0, 0, 60, 40, "arena"), box("object_a", 8, 8, 14, 14), box("object_b", 46, 8, 52, 14)]
    out = run("novel_object", walked(SOCIAL, objects), target="a")
    assert out.value("investigation_total") == pytest.approx(15)
    assert out.value("investigation_index") == pytest.approx(9 / 15)
    assert any("too little for an index" in w for w in out.warnings)


def test_alternation_by_hand():
    # ABC BCA CAB ABA BAA AAC: triads of ABCABAAC
    found = alternation("ABCABAAC")
    assert found["alternation_percent"] == pytest.approx(50)
    assert found["alternation_no_returns_percent"] == pytest.approx(75)
    assert found["alternate_arm_returns_percent"] == pytest.approx(100 / 6)
    assert found["same_arm_returns_percent"] == pytest.approx(200 / 6)
    # AAA and AAB: an arm again and again is no return from another.
    assert alternation("AAAB")["alternate_arm_returns_percent"] == 0
    assert alternation("AAAB")["same_arm_returns_percent"] == 100
    assert np.isnan(alternation("AB")["alternation_percent"])


def test_arms_of_a_y_maze_are_counted_in_order():
    arms = [box(n, x, 0, x + 9, 10, "arm") for n, x in (("a", 0), ("b", 20), ("c", 40))]
    at = {"a": 5, "b": 25, "c": 45}
    path = [(at[arm], 5, 2) for arm in "abcabaac"]
    steps = [s for stop in path for s in (stop, (15, 20, 1))]
    out = run("y_maze", walked(stay(*steps), [box("arena", 0, 0, 60, 30, "arena"), *arms]), target="c")
    assert out.value("arm_entries") == 8
    assert out.value("alternation_percent") == pytest.approx(50)
    assert out.value("target_arm_percent") == pytest.approx(25)
    assert out.value("time", "arms") == pytest.approx(16)


def test_zones_of_ones_own_are_all_measured():
    drawn = [box("arena", 0, 0, 60, 40, "arena"), box("left", 0, 0, 20, 40), box("nest", 40, 20, 60, 40, "rest")]
    out = run("zone_occupancy", walked(SOCIAL, drawn))
    assert out.value("time", "left") == pytest.approx(16)
    assert out.value("time", "nest") == pytest.approx(14)
    with pytest.raises(DataError, match="zones beside the arena"):
        run("zone_occupancy", walked(SOCIAL, drawn[:1]))


def test_zones_without_an_arena_are_measured_within_their_hull():
    out = run("zone_occupancy", walked(SOCIAL, CHAMBERS[1:]))
    assert out.conventions["arena_area_cm2"] == pytest.approx(2400)
    assert any("hull of the drawn zones" in w for w in out.warnings)
