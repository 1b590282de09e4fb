"""One arena for all recordings of a camera, from the body centre."""

import json
import warnings

import numpy as np
import pytest

import murid
from murid.assays.camera import POSITIONS, arena_from, arenas_by_recording, moved_recordings, positions_of
from murid.data.warning import MuridWarning
from murid.prepare import CleanParams, clean, estimate_arena

T = np.arange(6000) / 25


def walk(low, high, seed=0):
    """Positions that fill a box from corner `low` to corner `high`."""
    rng = np.random.default_rng(seed)
    return rng.uniform(low, high, (6000, 2))


def as_poses(xy):
    return murid.make_poses(xy[:, :, None, None], keypoints=["centre"], fps=1, unit="px")


def brought(xy, camera="", unit="px"):
    return {"camera": camera, "unit": unit, "xy": xy}


def test_an_animal_that_avoids_a_wall_is_given_the_arena_of_all():
    tracks = {
        "a": walk([100, 50], [500, 450]),
        "b": walk([100, 50], [300, 450], 1),
        "c": walk([100, 50], [500, 450], 2),
    }
    with pytest.warns(MuridWarning, match=r"1 of 3 recordings reach over less than 75% of a side.*: b;.*'camera'"):
        given = arenas_by_recording({**{k: brought(v) for k, v in tracks.items()}, "drawn": None}, "box")
    assert set(given) == {"a", "b", "c"}
    guess = arena_from(given["b"])
    assert np.allclose(guess.zone.bounds, [[100, 50], [500, 450]], atol=2)
    assert given["b"]["recordings"] == 3
    assert guess.reliable
    json.dumps(given)


def test_cameras_are_told_apart_by_the_sheet():
    left, right = walk([0, 0], [400, 400]), walk([900, 0], [1300, 400], 1)
    values = {"a": brought(left, "1"), "b": brought(left, "1"), "c": brought(right, "2"), "d": brought(right, "2")}
    given = arenas_by_recording(values, "box")
    assert np.allclose(arena_from(given["a"]).zone.bounds[0], [0, 0], atol=2)
    assert np.allclose(arena_from(given["d"]).zone.bounds[0], [900, 0], atol=2)


def test_another_camera_that_nobody_named_is_said():
    """Half the recordings were filmed from nearer: in one arena their scale would be wrong by half."""
    far = {f"far{k}": brought(walk([100, 100], [300, 300], k)) for k in range(3)}
    near = {f"near{k}": brought(walk([100, 100], [500, 500], k)) for k in range(3)}
    with pytest.warns(MuridWarning, match="3 of 6 recordings.*far0, far1, far2"):
        arenas_by_recording(far | near, "box")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        named = {k: {**v, "camera": k[:3]} for k, v in (far | near).items()}
        assert arena_from(arenas_by_recording(named, "box")["far0"]).zone.bounds[1][0] == pytest.approx(300, abs=2)


def test_a_camera_that_was_moved_keeps_its_own_guess():
    tracks = {f"m{k}": walk([100, 50], [500, 450], k) for k in range(4)} | {"m9": walk([180, 50], [580, 450], 9)}
    assert moved_recordings(tracks, "px") == ["m9"]
    given = arenas_by_recording({k: brought(v) for k, v in tracks.items()}, "box")
    assert "m9" not in given
    assert arena_from(given["m0"]).zone.bounds[1][0] == pytest.approx(500, abs=2)
    assert arena_from(given.get("m9")) is None


def test_one_recording_or_too_few_positions_share_nothing():
    assert arenas_by_recording({"a": brought(walk([0, 0], [9, 9]))}, "box") == {}
    few = {k: brought(walk([0, 0], [9, 9])[:50]) for k in "ab"}
    assert arenas_by_recording(few, "box") == {}


def test_positions_are_thinned_evenly():
    xy = np.column_stack([T, 2 * T])
    poses = murid.make_poses(xy[:, :, None, None], keypoints=["bodycentre"], time_s=T)
    kept = positions_of(poses, None)
    assert kept.shape == (POSITIONS, 2)
    assert kept[0, 0] == 0
    assert kept[-1, 0] == pytest.approx(T[-1])


def test_every_recording_of_a_study_is_measured_in_one_arena(tmp_path):
    study = murid.Study.create(tmp_path / "S")
    for k, high in enumerate(([500, 450], [300, 450], [500, 450])):
        # A slow walk: a track that jumps at every frame would be cleaned away.
        phase = np.column_stack([np.sin(0.31 * T + k), np.sin(0.47 * T + 2 * k)])
        low = np.array([100, 50])
        xy = low + (phase + 1) / 2 * (np.array(high) - low)
        study.add(
            murid.Recording(f"m{k}", poses=murid.make_poses(xy[:, :, None, None], keypoints=["bodycentre"], time_s=T))
        )
    run = murid.run_analysis(study, "open_field", {"arena_cm": (40.0,)})
    arenas = run.tables["arenas"]
    assert arenas["source"].tolist() == ["estimated"] * 3
    assert arenas["verdict"].tolist() == ["look"] * 3
    assert arenas["px_per_cm"].nunique() == 1
    assert arenas["px_per_cm"].iloc[0] == pytest.approx(10, rel=0.01)
    assert arenas[["width_cm", "depth_cm"]].iloc[1].tolist() == pytest.approx([40, 40], rel=0.01)
    assert any("in all recordings of the camera" in w for w in run.provenance["warnings"])
    assert any(w.startswith("arena: 1 of 3 recordings reach") for w in run.provenance["warnings"])
    html = murid.run.build_report(study).read_text(encoding="utf-8")
    assert "The arena of 3 recordings is a guess" in html
    assert "dotted: arena as guessed" in html


@pytest.mark.realdata
@pytest.mark.slow
def test_arena_of_a_batch_from_each_of_its_animals(data_dir):
    """No corners were tracked: what all animals reach together stands for them. Eight sessions of one camera."""
    tracks = {}
    for path in sorted((data_dir / "three_chamber" / "poses").glob("AC_SOC3_*.csv.gz")):
        poses = clean(murid.read_poses(path, fps=15), CleanParams(smoothing="savgol", window_s=0.3))
        tracks[path.name.split("DLC")[0]] = positions_of(poses, None)
    assert len(tracks) == 8
    boxes = {name: estimate_arena(as_poses(xy), "box") for name, xy in tracks.items()}
    together = estimate_arena(as_poses(np.concatenate(list(tracks.values()))), "box")
    side = np.sqrt(together.zone.area)
    for name, box in boxes.items():
        assert box.reliable, name
        assert np.sqrt(box.zone.area) == pytest.approx(side, rel=0.03), name
