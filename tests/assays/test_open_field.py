"""Open field: planned walks give the numbers one works out by hand; conventions are printed."""

import numpy as np
import pytest

import murid
from murid import assays, simulate
from murid.prepare import CleanParams

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
    return assays.run_assay("open_field", recording, clean=RAW, **params)


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
    assert out.value("thigmotaxis_time") == 1
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


def test_scale_is_needed_and_two_ways_agree():
    recording = simulate.recording("open_field", duration_s=60, seed=3)
    bare = recording.poses.copy()
    bare.attrs = {k: v for k, v in bare.attrs.items() if k != "px_per_cm"}
    with pytest.raises(murid.DataError, match="px_per_cm"):
        assays.run_assay("open_field", recording.replace(poses=bare))
    known = assays.run_assay("open_field", recording)
    by_arena = assays.run_assay("open_field", recording.replace(poses=bare), arena_cm=(40.0,))
    assert by_arena.value("distance") == pytest.approx(known.value("distance"), rel=1e-3)


def test_estimated_arena_is_said():
    recording = simulate.recording("open_field", duration_s=300, seed=4)
    out = assays.run_assay("open_field", recording.replace(zones=None))
    assert "estimated from the tracks" in out.warnings[0]


def test_one_row_per_individual():
    recording = simulate.recording("open_field", duration_s=60, seed=5, n_animals=2)
    wide = assays.run_assay("open_field", recording).wide()
    assert len(wide) == 2
    assert {"distance", "entries:centre", "group"} <= set(wide.columns)


def test_frame_rate_does_not_matter():
    values = [
        assays.run_assay("open_field", simulate.recording("open_field", duration_s=120, fps=fps, seed=6))
        for fps in (25.0, 50.0)
    ]
    a, b = (v.value("time_percent", "centre") for v in values)
    assert a == pytest.approx(b, abs=1.0)
    assert values[0].value("distance") == pytest.approx(values[1].value("distance"), rel=0.05)


def test_unknown_paradigm():
    with pytest.raises(murid.DataError, match="did you mean 'open_field'"):
        assays.run_assay("openfield", walk(np.zeros((10, 2))))


@pytest.mark.realdata
def test_real_three_chamber_animal_walks(data_dir):
    path = sorted((data_dir / "three_chamber" / "poses").glob("*.csv.gz"))[0]
    recording = murid.Recording("r", poses=murid.read_poses(path, fps=24), roles={"tail_base": "tail"})
    out = assays.run_assay("open_field", recording, px_per_cm=15.0)
    assert 500 < out.value("distance") < 100_000
    assert out.warnings
