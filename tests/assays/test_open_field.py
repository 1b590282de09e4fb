"""Open field: planned walks give the numbers one works out by hand; conventions are printed."""

import numpy as np
import pytest

import murid
from murid import assays, simulate
from murid.assays.arena import tracked_corners
from murid.assays.camera import shared_arena
from murid.data.errors import DataError
from murid.prepare import CleanParams, calibrate

FPS = 25.0
ARENA = murid.Zone("arena", polygon=[[0, 0], [40, 0], [40, 40], [0, 40]], unit="cm", kind="arena")
RAW = CleanParams(smoothing="none", jumps=False)


def walk(xy, **keys):
    """A recording whose nose, centre and tail base lie on a planned path (cm)."""
    xy = np.asarray(xy, float)
    position = np.repeat(xy[:, :, None], 3, axis=2) + np.array([[4.0, 0], [0, 0], [-4, 0]]).T[None]
    poses = murid.make_poses(position[..., None], keypoints=["nose", "centre", "tail_base"], fps=FPS, unit="cm")
    return murid.Recording("r", poses=poses, zones=murid.Zones([ARENA]), **keys)


def plain(recording, **params):
    return assays.run_paradigm("open_field", recording, clean=RAW, **params)


def test_straight_walk_through_the_centre():
    x = np.linspace(1, 39, 501)  # 38 cm in 20 s
    out = plain(walk(np.column_stack([x, np.full(501, 20.0)])), hysteresis_cm=0, bin_s=0)
    assert out.value("distance") == pytest.approx(38, abs=0.01)
    assert out.value("mean_speed") == pytest.approx(38 / 20.04, abs=0.01)
    assert out.value("transitions", "centre") in (1, 2)
    assert out.value("entries", "centre") == 1
    assert out.value("latency", "centre") == pytest.approx(4.76, abs=0.05)
    assert out.value("time_percent", "centre") == pytest.approx(100 * 20 / 38, abs=0.5)
    assert out.value("distance_percent", "centre") == pytest.approx(100 * 20 / 38, abs=0.5)
    assert out.conventions["centre_area_percent"] == pytest.approx(25)
    assert out.conventions["periphery_area_percent"] == pytest.approx(36)


def test_flicker_on_the_border_is_one_entry():
    jitter = np.where(np.arange(500) % 2, 0.3, -0.3)
    x = np.concatenate([np.full(250, 5.0), 10 + jitter, np.full(250, 20.0)])
    out = plain(walk(np.column_stack([x, np.full(1000, 20.0)])), hysteresis_cm=0.5, bin_s=0)
    assert out.value("entries_raw", "centre") > 100
    assert out.value("entries", "centre") == 1


def test_latency_of_a_zone_never_entered_is_censored():
    out = plain(walk(np.full((500, 2), 3.0)), bin_s=0)
    row = out.measures.query("measure == 'latency' and zone == 'centre'").iloc[0]
    assert row["censored"]
    assert row["value"] == pytest.approx(20)
    assert out.value("thigmotaxis_percent") == 100
    assert out.value("wall_distance_median") == pytest.approx(3)


def test_starting_inside_is_no_entry_and_zero_latency():
    out = plain(walk(np.full((500, 2), 20.0)), bin_s=0)
    assert out.value("entries", "centre") == 0
    assert out.value("latency", "centre") == 0
    assert out.value("time_percent", "centre") == 100


def test_missing_frames_are_unknown_not_outside():
    xy = np.full((1000, 2), 20.0)
    xy[200:700] = np.nan
    out = plain(walk(xy), bin_s=0)
    assert out.value("unknown", "centre") == pytest.approx(50)
    assert out.value("time_percent", "centre") == 100
    assert out.value("time", "centre") == pytest.approx(20)


def test_time_bins_add_up():
    rng = np.random.default_rng(0)
    xy = 20 + np.cumsum(rng.normal(0, 0.2, (5000, 2)), axis=0).clip(-18, 18)
    out = plain(walk(xy), bin_s=50)
    bins = out.measures.dropna(subset=["bin_start_s"])
    seconds = bins.query("measure == 'time' and zone == 'centre'")["value"].sum()
    assert seconds == pytest.approx(out.value("time", "centre"))
    assert bins["bin_start_s"].nunique() == 4
    every = out.measures[out.measures["bin_start_s"].isna()]
    assert not set(zip(every["measure"], every["zone"], strict=True)) - set(
        zip(bins["measure"], bins["zone"], strict=True)
    )


def stay_then_go(n_rest=250, n_walk=250, speed=10.0):
    """Rest in the corner, then walk to the right at a known speed (cm/s)."""
    x = np.concatenate([np.full(n_rest, 5.0), 5 + np.arange(1, n_walk + 1) * speed / FPS])
    return np.column_stack([x, np.full(x.size, 20.0)])


def test_the_analysed_stretch_is_duration_s_long_from_start_s_on():
    recording = walk(stay_then_go(speed=3.0))  # 10 s rest, then 10 s at 3 cm/s
    whole, cut = plain(recording, bin_s=0), plain(recording, bin_s=0, start_s=8.0, duration_s=6.0)
    assert whole.value("distance") == pytest.approx(30, abs=0.01)
    assert cut.value("distance") == pytest.approx(12, abs=0.13)  # 4 s of the walk
    assert cut.value("mean_speed") == pytest.approx(12 / 6, abs=0.03)
    assert plain(recording, bin_s=0, duration_s=12.0).value("distance") == pytest.approx(6, abs=0.13)
    assert plain(recording, bin_s=0, start_s=12.0).value("distance") == pytest.approx(24, abs=0.13)


def test_moving_is_faster_than_moving_cm_s():
    recording = walk(stay_then_go(speed=3.0))
    moving = {v: plain(recording, bin_s=0, moving_cm_s=v, majority_s=0).value("time_moving") for v in (2.0, 2.9, 3.1)}
    assert moving == pytest.approx({2.0: 50, 2.9: 50, 3.1: 0}, abs=0.3)
    # One second of walk in a rest: within ± 1.5 s rest is the majority, within ± 0.2 s only its edges are.
    short = walk(np.concatenate([stay_then_go(250, 25), np.repeat([[15.0, 20.0]], 250, axis=0)]))
    share = {m: plain(short, bin_s=0, moving_cm_s=2.0, majority_s=m).value("time_moving") for m in (0.0, 0.2, 1.5)}
    assert share[0.0] == pytest.approx(100 * 25 / 525, abs=0.5)
    assert share[0.2] == pytest.approx(share[0.0], abs=0.5)
    assert share[1.5] == 0


def test_latency_within_a_bin_counts_from_the_beginning_of_the_bin():
    out = plain(walk(stay_then_go(speed=3.0)), bin_s=5, hysteresis_cm=0)  # enters the centre at 10 + 5/3 s
    late = out.measures.query("measure == 'latency' and zone == 'centre'").set_index("bin_start_s")
    assert out.value("latency", "centre") == pytest.approx(35 / 3, abs=0.05)
    assert late.loc[[0.0, 5.0, 10.0, 15.0], "value"].tolist() == pytest.approx([5, 5, 5 / 3, 0], abs=0.05)
    assert late.loc[[0.0, 5.0, 10.0, 15.0], "censored"].tolist() == [True, True, False, False]


def test_scale_is_needed_and_two_ways_agree():
    recording = simulate.recording("open_field", duration_s=60, seed=3)
    bare = recording.poses.copy()
    bare.attrs = {k: v for k, v in bare.attrs.items() if k != "px_per_cm"}
    with pytest.raises(murid.DataError, match="px_per_cm"):
        assays.run_paradigm("open_field", recording.replace(poses=bare))
    known = assays.run_paradigm("open_field", recording)
    by_arena = assays.run_paradigm("open_field", recording.replace(poses=bare), arena_cm=(40.0,))
    assert by_arena.value("distance") == pytest.approx(known.value("distance"), rel=1e-3)


def test_estimated_arena_is_a_guess():
    recording = simulate.recording("open_field", duration_s=300, seed=4)
    out = assays.run_paradigm("open_field", recording.replace(zones=None), arena_shape="box")
    assert "it is a guess" in out.warnings[0]
    assert out.conventions["arena_outlines"][0]["source"] == "estimated"


def test_sides_that_contradict_the_size_are_said():
    """A square box whose outline is half as long again: foreshortened, or a wall that no animal went near."""
    xy = np.column_stack([100 + 300 * (1 + np.sin(0.31 * T)), 50 + 200 * (1 + np.sin(0.47 * T))])
    recording = murid.Recording("m1", poses=murid.make_poses(xy[:, :, None, None], keypoints=["centre"], time_s=T))
    still = murid.prepare.CleanParams(jumps=False)
    square = assays.run_paradigm("open_field", recording, arena_cm=(40.0,), arena_shape="box", clean=still).warnings
    assert any("(estimated) are 150 % of the shorter, by arena_cm 100 %" in w for w in square)
    assert any("no animal went near one of the walls" in w and "about 22 % off" in w for w in square)
    oblong = assays.run_paradigm("open_field", recording, arena_cm=(40.0, 60.0), clean=still).warnings
    assert not any("longer sides" in w for w in oblong)


def test_one_row_per_individual():
    recording = simulate.recording("open_field", duration_s=60, seed=5, n_animals=2)
    wide = assays.run_paradigm("open_field", recording).wide()
    assert len(wide) == 2
    assert {"distance", "entries:centre", "group"} <= set(wide.columns)


def test_frame_rate_does_not_matter():
    values = [
        assays.run_paradigm("open_field", simulate.recording("open_field", duration_s=120, fps=fps, seed=6))
        for fps in (25.0, 50.0)
    ]
    a, b = (v.value("time_percent", "centre") for v in values)
    assert a == pytest.approx(b, abs=1.0)
    assert values[0].value("distance") == pytest.approx(values[1].value("distance"), rel=0.05)


def test_unknown_paradigm():
    with pytest.raises(murid.DataError, match="did you mean 'open_field'"):
        assays.run_paradigm("openfield", walk(np.zeros((10, 2))))


# One walk in a field of 40 × 40 cm whose corner lies at (10, 5) cm, told in several units and drawings.
T = np.arange(9000) / 30
WALK = np.stack([20 + 19 * np.sin(0.23 * T), 20 + 19 * np.sin(0.37 * T + 1)], 1) + [10, 5]
BOX = np.array([[0, 0], [40, 0], [40, 40], [0, 40.0]]) + [10, 5]
OFF_CENTRE = np.abs(WALK - [30, 25])
IN_CENTRE = float((OFF_CENTRE <= 10).all(1).sum() / 30)
IN_CORNERS = float(100 * (OFF_CENTRE > 12).all(1).mean())
AT_THE_WALL = float((OFF_CENTRE > 16).any(1).mean())
PX = 20.0


def posed(centres, unit="cm", scale=1.0, time_s=T, individuals=("a",), **attrs):
    """Poses of nose, centre and tail base around planned body centres (time, 2[, individual]) in cm."""
    centres = np.asarray(centres, float)
    centres = centres[..., None] if centres.ndim == 2 else centres
    shift = np.array([4.0, 0.0])[None, :, None]
    xy = np.stack([centres + shift, centres, centres - shift], 2) * scale
    names = ["nose", "bodycentre", "tailbase"]
    return murid.make_poses(xy, keypoints=names, time_s=time_s, individuals=individuals, unit=unit, **attrs)


def box_zone(name="arena", scale=1.0, unit="cm", shift=(0, 0)):
    return murid.Zone(name, (BOX + shift) * scale, unit=unit, kind="arena")


def measure(poses, *zones, rule=None, **params):
    recording = murid.Recording("r", poses=poses, zones=murid.Zones(zones, rule) if zones else None)
    return assays.run_paradigm("open_field", recording, **{"bin_s": 0, **params})


IN_PX, IN_CM = box_zone(scale=PX, unit="px"), box_zone()


@pytest.mark.parametrize(
    ("poses", "zone", "params"),
    [
        (posed(WALK, "px", PX), IN_PX, {"px_per_cm": PX}),
        (posed(WALK, "px", PX), IN_PX, {"arena_cm": (40.0,)}),
        (posed(WALK, "px", PX), IN_CM, {"px_per_cm": PX}),
        (posed(WALK), IN_CM, {}),
        (calibrate(posed(WALK, "px", PX), PX), IN_PX, {}),
        (posed(WALK, "mm", 10.0), IN_CM, {}),
    ],
)
def test_units_of_poses_and_zones_do_not_matter(poses, zone, params):
    out = measure(poses, zone, **params)
    assert out.value("time", "centre") == pytest.approx(IN_CENTRE, abs=0.04)
    assert out.value("wall_distance_median") == pytest.approx(2.88, abs=0.01)
    assert out.value("corner_percent") == pytest.approx(IN_CORNERS, abs=0.1)
    assert out.value("thigmotaxis_percent") == pytest.approx(100 * AT_THE_WALL, abs=0.1)
    assert out.conventions["arena_area_cm2"] == pytest.approx(1600)


def test_units_that_cannot_be_converted_are_refused():
    with pytest.raises(murid.DataError, match="scale of the camera is not known"):
        measure(posed(WALK, "mm", 10.0), IN_PX)
    with pytest.raises(murid.DataError, match="another scale"):
        measure(posed(WALK, "px", PX, px_per_cm=PX), IN_PX, px_per_cm=10.0)
    assert "arena_cm was not used" in measure(posed(WALK), IN_CM, arena_cm=(80.0,)).warnings[0]
    guessed = measure(posed(WALK, "mm", 10.0))
    assert guessed.conventions["arena_area_cm2"] == pytest.approx(38**2, rel=0.01)


def test_one_given_role_leaves_the_body_centre_where_it_was():
    """The nose became the body centre: 1,805 cm for 1,665."""
    way = float(np.hypot(*np.diff(WALK[:300], axis=0).T).sum())
    zones = murid.Zones([IN_CM])
    recording = murid.Recording("r", poses=posed(WALK[:300], time_s=T[:300]), zones=zones, roles={"nose": "nose"})
    out = assays.run_paradigm("open_field", recording, bin_s=0)
    assert out.value("distance") == pytest.approx(way, rel=1e-3)


def test_hysteresis_does_not_shorten_time():
    times = [measure(posed(WALK), IN_CM, hysteresis_cm=h).value("time", "centre") for h in (0.0, 0.5, 2.0)]
    assert times == pytest.approx([IN_CENTRE] * 3, abs=0.04)


def test_drawn_corners_count_by_kind_and_only_where_there_are_any():
    plain = measure(posed(WALK), IN_CM).value("corner_percent")
    assert plain == pytest.approx(IN_CORNERS, abs=0.1)
    signs = np.sign([30, 25] - BOX)
    drawn = [
        murid.Zone(name, BOX[i] + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * 8 * signs[i], unit="cm", kind="corner")
        for i, name in enumerate(["NW", "NE", "SE", "SW"])
    ]
    assert measure(posed(WALK), IN_CM, *drawn).value("corner_percent") == pytest.approx(plain)
    small = [
        murid.Zone(z.name, BOX[i] + (z.polygon - BOX[i]) * 6 / 8, unit="cm", kind="corner") for i, z in enumerate(drawn)
    ]
    in_small = float(100 * (OFF_CENTRE > 14).all(1).mean())
    assert in_small < IN_CORNERS - 1
    assert measure(posed(WALK), IN_CM, *small).value("corner_percent") == pytest.approx(in_small, abs=0.1)
    middle = murid.Zone("middle", (BOX - [30, 25]) / 4 + [30, 25], unit="cm", kind="centre")
    time = measure(posed(WALK), IN_CM, middle).value("time", "centre")
    assert time == pytest.approx((OFF_CENTRE <= 5).all(1).sum() / 30, abs=0.04)
    five = murid.Zone("arena", np.insert(BOX, 1, [30, 5], 0), unit="cm", kind="arena")
    assert measure(posed(WALK), five).value("corner_percent") == pytest.approx(plain)
    round_one = murid.Zone("arena", centre=(30.0, 25.0), radius=28.0, unit="cm", kind="arena")
    assert np.isnan(measure(posed(WALK), round_one).value("corner_percent"))


def test_every_drawn_zone_is_measured():
    left = murid.Zone("left", BOX * [0.5, 1] + [5, 0], unit="cm")
    thing = murid.Zone("object", centre=(30.0, 25.0), radius=5.0, unit="cm", kind="object")
    out = measure(posed(WALK), IN_CM, left, thing)
    assert out.value("time", "left") == pytest.approx(float((WALK[:, 0] <= 30).sum() / 30), abs=0.04)
    near = np.hypot(*(WALK - [30, 25]).T) <= 5
    assert out.value("time", "object") == pytest.approx(near.sum() / 30, abs=0.04)
    assert {"entries:object", "latency:left"} <= set(out.wide().columns)


def test_each_animal_has_its_own_arena():
    both = posed(np.stack([WALK, WALK + [50, 0]], 2), individuals=("a", "b"))
    off = murid.Zone("shelf", centre=(0.0, 200.0), radius=5.0, unit="cm")
    out = measure(both, box_zone("one"), box_zone("two", shift=(50, 0)), off)
    for animal in "ab":
        assert out.value("time", "centre", animal) == pytest.approx(IN_CENTRE, abs=0.04)
        assert out.value("wall_distance_median", individual=animal) == pytest.approx(2.88, abs=0.01)
        assert out.value("thigmotaxis_percent", individual=animal) == pytest.approx(100 * AT_THE_WALL, abs=0.1)
    assert any("shelf" in text for text in out.warnings)
    assert "outside the arena" in measure(posed(WALK + [300, 0]), IN_CM).warnings[0]


def test_time_is_what_the_film_says():
    time = np.concatenate([np.arange(600) / 30, 20 + np.arange(600) / 15])  # 20 s at 30, 40 s at 15 frames/s
    centres = np.full((1200, 2), 12.0)
    centres[600:] = [30, 25]
    out = measure(posed(centres, time_s=time), IN_CM, clean=RAW)
    assert out.value("time", "centre") == pytest.approx(40, abs=0.1)


def test_nothing_reaches_across_a_pause():
    time = np.concatenate([T[:300], T[300:600] + 60])
    centres = np.repeat([[25.0, 25.0], [35.0, 25.0]], 300, axis=0)  # carried 10 cm while nothing was filmed
    out = measure(posed(centres, time_s=time), IN_CM)
    assert out.value("distance") == 0
    assert out.value("time", "centre") == pytest.approx(20)
    assert out.value("mean_visit", "centre") == pytest.approx(10)
    stretches = out.visits.loc[out.visits["label"] == "centre", ["start_s", "stop_s"]].to_numpy()
    np.testing.assert_allclose(stretches, [[0, 10], [70, 80]])


def test_one_rule_for_a_visit_with_an_unseen_stretch():
    centres = np.full((1800, 2), [15.0, 25.0])
    centres[300:1500, 0] = 30
    centres[600:900] = np.nan
    out = measure(posed(centres, time_s=np.arange(1800) / 30), IN_CM, clean=RAW)
    assert out.value("entries", "centre") == 1
    assert len(out.visits[out.visits["label"] == "centre"]) == 1
    assert out.value("mean_visit", "centre") == pytest.approx(30)


def test_rule_stored_with_the_zones_is_used():
    rule = murid.EntryRule(keypoints=("nose", "tail_base"), hysteresis=3, min_visit_s=2)
    out = measure(posed(WALK), IN_CM, rule=rule)
    assert out.conventions["entry_rule"]["keypoints"] == ["nose", "tail_base"]
    assert out.value("time", "centre") < IN_CENTRE
    other = measure(posed(WALK), IN_CM, rule=rule, hysteresis_cm=1.0)
    assert other.conventions["entry_rule"]["hysteresis"] == 1.0
    assert "replace the entry rule" in other.warnings[0]


def test_absence_at_the_ends_is_cut_and_listed():
    centres = WALK.copy()
    centres[:600] = np.nan
    out = measure(posed(centres), IN_CM)
    assert out.value("unknown", "centre") == pytest.approx(0, abs=0.1)
    assert "first 20.0 s" in out.warnings[0]
    assert measure(posed(centres), IN_CM, cut_absent_s=0).value("unknown", "centre") > 6


def test_tracked_corners_are_the_arena():
    poses = posed(WALK, "px", PX)
    corners = np.repeat(BOX.T[None, :, :, None] * PX, len(T), axis=0)
    xy = np.concatenate([corners, poses["position"].values], axis=2)
    names = ["tl", "tr", "br", "bl", "nose", "bodycentre", "tailbase"]
    out = measure(murid.make_poses(xy, keypoints=names, time_s=T), arena_cm=(40.0,))
    assert out.value("time", "centre") == pytest.approx(IN_CENTRE, abs=0.04)
    assert out.value("px_per_cm") == pytest.approx(PX)
    assert "tl, tr, br, bl" in out.warnings[0]


def test_one_estimate_for_all_animals_of_a_camera():
    half = WALK.copy()
    half[:, 0] = 20 + 9 * np.sin(0.23 * T) + 1  # never in the right half
    guess = shared_arena([(posed(half), None), (posed(WALK), None)], "box")
    assert guess.zone.area == pytest.approx(38**2, rel=0.02)
    poses = posed(half)
    out = assays.measure_open_field(murid.Recording("r", poses=poses), arena=guess)
    assert out.conventions["arena_area_cm2"] == pytest.approx(guess.zone.area)
    assert out.conventions["arena_outlines"][0]["verdict"] == "look"


def test_primary_measures_are_columns_of_the_table():
    out = measure(posed(WALK), IN_CM)
    assert set(assays.primary_measures("open_field")) == set(out.primary) <= set(out.wide().columns)


@pytest.mark.realdata
def test_guessed_arena_is_within_one_percent_of_the_tracked_corners(data_dir):
    ratios = []
    for path in sorted((data_dir / "oft_pose_fixture").glob("*Deep*.csv.gz")):
        poses = murid.read_poses(path, fps=25)
        corners = tracked_corners(poses)[0]
        bare = poses.sel(keypoint=[k for k in poses["keypoint"].values if k not in ("tl", "tr", "bl", "br")])
        by_corners, guessed = (
            assays.run_paradigm("open_field", murid.Recording("r", poses=p), arena_cm=(42.0, 42.0), bin_s=0)
            for p in (poses, bare)
        )
        assert guessed.value("px_per_cm") == pytest.approx(np.sqrt(corners.area) / 42, rel=0.01)
        ratios.append(guessed.value("distance") / by_corners.value("distance"))
    assert ratios == pytest.approx([669 / 673, 689 / 687], abs=1e-3)


@pytest.mark.realdata
def test_real_three_chamber_animal_walks(data_dir):
    path = sorted((data_dir / "three_chamber" / "poses").glob("*.csv.gz"))[0]
    recording = murid.Recording("r", poses=murid.read_poses(path, fps=24), roles={"tail_base": "tail"})
    out = assays.run_paradigm("open_field", recording, px_per_cm=15.0)
    assert 500 < out.value("distance") < 100_000
    assert out.warnings


def test_a_body_centre_that_was_never_tracked_is_named():
    recording = walk(np.column_stack([np.linspace(1, 39, 200), np.full(200, 20.0)]))
    poses = recording.poses.copy(deep=True)
    poses["position"].loc[{"keypoint": "centre"}] = np.nan
    with pytest.raises(DataError, match=r"keypoint 'centre': the body centre was never tracked; -> .*\[roles\]"):
        plain(recording.replace(poses=poses, zones=None), arena_cm=(40.0, 40.0))
