"""The `rules` method on simulated truth and on a human's freezing."""

from __future__ import annotations

import numpy as np
import pytest

import murid
from murid import simulate
from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.methods.supervised.rules import DEFAULT_RULES


def f1(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def present(out, behaviour):
    return out["states"].sel(behaviour=behaviour).values == 1


def test_contacts_of_simulated_mice_are_found():
    recording = simulate.recording("open_field", duration_s=200, seed=2, n_animals=2)
    out, truth = murid.method("rules").apply(recording), simulate.true_states(recording)
    names = truth.attrs["behaviours"]
    for rule, planted, least in (
        ("nose_nose_contact", "sniff_nose", 0.95),
        ("nose_anogenital_contact", "sniff_anogenital", 0.95),
        ("side_by_side", "side_by_side", 0.95),
        ("wall_sniffing", "sniff_wall", 0.8),
    ):
        shown = truth.values == names.index(planted)
        assert (present(out, rule) & shown).sum() / shown.sum() > least, rule
    assert "head_dip" in out.attrs["skipped"]


def test_dips_over_the_edge_of_a_maze_but_not_out_of_a_closed_arm():
    recording = simulate.recording("plus_maze", duration_s=4, fps=25, seed=1)
    arms = {kind: next(iter(recording.zones.of_kind(kind))).polygon for kind in ("open", "closed")}
    dipping = {}
    for kind, polygon in arms.items():
        middle, across = polygon.mean(axis=0), np.ptp(polygon, axis=0)
        side = np.array([1.0, 0.0]) if across[0] < across[1] else np.array([0.0, 1.0])
        reach = across.min() / 2
        # The body on the arm, the head 15 px beyond its long side.
        where = {"nose": reach + 30, "head": reach + 15, "neck": reach - 5, "centre": 0.0, "tail_base": -reach / 2}
        xy = np.stack([middle + d * side for d in where.values()], axis=-1)
        poses = make_poses(
            np.repeat(xy[None, :, :, None], 100, axis=0), keypoints=list(where), fps=25, unit="px", px_per_cm=10.0
        )
        out = murid.method("rules", behaviours=("head_dip",)).apply(Recording(kind, poses=poses, zones=recording.zones))
        dipping[kind] = present(out, "head_dip").mean()
    assert dipping == {"open": 1.0, "closed": 0.0}


def test_scale_of_uncalibrated_poses_comes_from_the_body():
    calibrated = simulate.recording("open_field", duration_s=60, seed=4)
    plain = calibrated.replace(poses=calibrated.poses.copy())
    plain.poses.attrs.pop("px_per_cm")
    rules = murid.method("rules", behaviours=("freezing", "immobility"), arena=False).fit([plain])
    a, b = murid.method("rules", behaviours=("freezing", "immobility")).apply(calibrated), rules.apply(plain)
    assert (a["states"].values == b["states"].values).mean() > 0.95


def test_own_rules_from_a_file_travel_with_the_model(tmp_path):
    file = tmp_path / "my.txt"
    file.write_text("dart:\n  when speed_centre > 20 cm/s\n  min 0.1 s\n")
    method = murid.method("rules", rules=str(file))
    recording = simulate.recording("open_field", duration_s=20, seed=4)
    out = method.apply(recording)
    folder = method.save(tmp_path / "model")
    file.unlink()
    xr_same = murid.load_method(folder).apply(recording)
    np.testing.assert_array_equal(out["states"].values, xr_same["states"].values)


def test_wrong_names_are_helped():
    with pytest.raises(DataError, match="did you mean 'freezing'"):
        murid.method("rules", behaviours=("freezin",))
    recording = simulate.recording("open_field", duration_s=5, seed=4)
    with pytest.raises(DataError, match="no quantity 'sped_body'; -> did you mean 'speed_body'"):
        murid.method("rules", rules="a:\n when sped_body < 1 cm/s").apply(recording)
    with pytest.raises(DataError, match="nose_nose"):
        murid.method("rules", behaviours=("nose_nose_contact",)).apply(recording)
    assert "freezing:" in DEFAULT_RULES


@pytest.mark.realdata
def test_freezing_agrees_with_a_human(data_dir):
    """Default rule on a fear-conditioning video scored by hand; the source's own tool reaches .903."""
    import h5py

    from murid.io import read_poses
    from murid.prepare import calibrate

    folder = data_dir / "behaviordepot" / "demo1"
    poses = calibrate(read_poses(folder / "demo1_tracking.csv.gz", fps=50), px_per_cm=32)
    with h5py.File(folder / "hB_demo1_manual_annotations.mat.mat") as file:
        human = np.asarray(file["hBehavior/Freezing/Vector"]).ravel() == 1
    out = murid.method("rules", behaviours=("freezing",)).apply(Recording("demo1", poses=poses))
    assert f1(present(out, "freezing")[:, 0], human) > 0.92


def test_a_floating_mouse_drifts_and_a_swimming_one_kicks():
    from murid.data.poses import make_poses

    fps, n = 25.0, 1000
    t = np.arange(n) / fps
    # Drift at 3 cm/s; between 10 and 20 s the animal kicks: its speed swings by 12 cm/s three times a second.
    kicks = (t >= 10) & (t < 20)
    speed = 3 + np.where(kicks, 6 * (1 - np.cos(2 * np.pi * 3 * t)), 0)
    x = np.cumsum(speed) / fps
    body = np.array([[2, 0], [0, 0], [0, -1], [0, 1], [-2, 0]], float)
    position = (body[None] + np.stack([x, 0 * x], axis=1)[:, None]).transpose(0, 2, 1)[..., None]
    poses = make_poses(
        position, keypoints=["nose", "centre", "side_left", "side_right", "tail_base"], fps=fps, unit="cm"
    )
    states = murid.method("rules", behaviours=("floating",), arena=False).apply(Recording("swim", poses=poses))[
        "states"
    ]
    floats = states.values[:, 0, 0] == 1
    assert floats[~kicks].mean() > 0.9
    assert floats[kicks].mean() < 0.1
