"""What users get from motifs: checked against states whose answers are known by construction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import murid
from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.methods.motifs import descriptions as views
from murid.methods.motifs.stability import half_sets, k_evidence, robustness_report, stability_report
from murid.simulate.syllables import syllable_poses

FPS = 20.0


def walking():
    """An animal that stands for a second, then walks 4 px a frame for a second, each time turned by 90°."""
    n, place, heading = 400, np.zeros(2), 0.0
    centre, axis = np.zeros((n, 2)), np.zeros((n, 2))
    walk = (np.arange(n) // 20) % 2 == 1
    for t in range(n):
        if walk[t] and not walk[t - 1]:
            heading += np.pi / 2
        axis[t] = np.cos(heading), np.sin(heading)
        place = place + 4 * walk[t] * axis[t]
        centre[t] = place
    points = np.stack([centre + 10 * axis, centre, centre - 10 * axis], axis=2)  # (time, space, keypoint)
    poses = make_poses(points[..., None], keypoints=["nose", "body_center", "tail_base"], individuals=["m"], fps=FPS)
    states = make_states(walk.astype(int), poses["time"].values, ["stand", "walk", "never"], ["m"])
    return poses, states


def test_usage_counts_and_lengths():
    _, states = walking()
    states = states.copy(data=np.where(np.arange(400)[:, None] < 40, -1, states.values))
    table = views.usage(states).set_index("motif")
    assert table.loc["walk", "fraction"] == pytest.approx(0.5)
    assert table.loc["walk", "bouts"] == 9
    assert table.loc["walk", "median_s"] == pytest.approx(1.0)
    assert table.loc["walk", "bouts_per_min"] == pytest.approx(30.0)
    assert table.loc["never", "fraction"] == 0
    assert np.isnan(table.loc["never", "median_s"])


def test_kinematics_of_standing_and_walking():
    poses, states = walking()
    table = views.motif_kinematics(states, poses).set_index("motif")
    assert table.loc["walk", "speed"] == pytest.approx(4 * FPS / 20, rel=0.1)  # body length 20 px
    assert table.loc["walk", "forward"] > 0.9 * table.loc["walk", "speed"]
    assert table.loc["stand", "speed"] < 0.15 * table.loc["walk", "speed"]
    assert table.loc["walk", "distance"] == pytest.approx(4.0, rel=0.1)
    with pytest.raises(DataError, match="do not belong together"):
        views.motif_kinematics(states.isel(time=slice(10)), poses)


def test_turning_is_in_degrees_a_second_and_sideways_to_the_right_in_the_picture():
    t = np.arange(200) / FPS
    angle = np.radians(np.where(t < 5, 0, 90 * (t - 5)))  # slides for 5 s, then turns clockwise, a quarter a second
    slide = np.stack([0 * t, np.minimum(t, 5) * 30], 1)
    ahead = np.stack([np.cos(angle), np.sin(angle)], 1)
    along = np.array([10.0, 0, -10])
    xy = slide[:, :, None] + ahead[:, :, None] * along
    poses = make_poses(xy[..., None], keypoints=["nose", "centre", "tail_base"], fps=FPS, individuals=["m"])
    states = make_states((t >= 5).astype(int), t, ["slide", "turn"], ["m"])
    table = views.motif_kinematics(states, poses).set_index("motif")
    assert table.loc["turn", "turn"] == pytest.approx(90, rel=0.03)
    assert table.loc["turn", "turn_abs"] == pytest.approx(90, rel=0.03)
    assert table.loc["slide", "turn"] == pytest.approx(0, abs=2)
    assert table.loc["slide", "sideways"] == pytest.approx(1.5, rel=0.03)  # body lengths/s
    assert table.loc["slide", "forward"] == pytest.approx(0, abs=0.05)


def test_trajectories_are_seen_from_the_animal_at_the_onset():
    poses, states = walking()
    found = views.trajectories(states, poses, before_s=0.2, after_s=0.5)
    walk = found.sel(motif="walk")
    assert walk["mean"].sel(lag=0, method="nearest").sel(keypoint="nose").values == pytest.approx([10, 0], abs=1e-4)
    assert walk["mean"].sel(lag=0.5, method="nearest").sel(keypoint="body_center").values == pytest.approx(
        [40, 0], abs=1e-3
    )
    assert float(walk["sd"].sel(lag=0.5, method="nearest").max()) == pytest.approx(0, abs=1e-3)
    assert int(walk["n"]) == 10
    assert np.isnan(found.sel(motif="never")["mean"]).all()


def test_similarity_tree_groups_and_names():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 600)
    latent = np.array([[0, 0], [0.5, 0], [9, 9], [9, 9.5]])[codes] + rng.normal(0, 0.1, (600, 2))
    time = np.arange(600) / FPS
    states = make_states(codes, time, ["a", "b", "c", "d", "unused"], ["m"])
    out = xr.Dataset({"states": states, "latent": (("time", "individual", "component"), latent[:, None])})
    linkage, names = views.similarity_tree([out])
    assert names == ["a", "b", "c", "d"]
    groups = views.groups_of(linkage, names, 2)
    assert groups["a"] == groups["b"] == "a+b"
    assert groups["c"] == groups["d"] != groups["a"]
    merged = views.relabel(states, {**groups, "unused": "rear"})
    assert merged.attrs["behaviours"] == ["a+b", "c+d", "rear"]
    assert np.array_equal(merged.values[:, 0], codes // 2)
    with pytest.raises(DataError, match="did you mean"):
        views.relabel(states, {"unusd": "x"})
    with pytest.raises(DataError, match="n_groups"):
        views.groups_of(linkage, names, 7)


def test_stability_and_choice_of_k():
    made = [syllable_poses(40, 30, seed=3, animal=a, n_states=4, median_s=0.8) for a in range(2)]
    recordings = [Recording(f"r{a}", poses=p, animal=f"a{a}") for a, (p, _) in enumerate(made)]
    report = stability_report(
        lambda s: murid.method("pyrat", n_motifs=4, n_prototypes=300, seed=s), recordings, seeds=(0, 1)
    )
    assert report["kind"].tolist() == ["seed", "half"]
    assert report["ari"].between(-0.1, 1).all()
    assert report.loc[0, "ari"] > 0.3
    same = stability_report(
        lambda _: murid.method("pyrat", n_motifs=4, n_prototypes=300), recordings, seeds=(0, 1), halves=False
    )
    assert same["ari"].tolist() == [1.0]
    table = k_evidence(lambda k, s: murid.method("pyrat", n_motifs=k, n_prototypes=300, seed=s), recordings, [2, 6])
    assert table["k"].tolist() == [2, 6]
    assert table["latent_r2"].is_monotonic_increasing
    assert isinstance(table, pd.DataFrame)
    assert table.notna().all(axis=None)
    with pytest.raises(DataError, match="two animals"):
        half_sets(recordings[:1])


def test_robustness_names_what_it_cannot_do():
    made = [syllable_poses(40, 30, seed=3, animal=a, n_states=4, median_s=0.8)[0] for a in range(2)]
    two_animals = [Recording(f"r{a}", poses=p, animal=f"a{a}") for a, p in enumerate(made)]
    fitted = murid.method("kmeans", n_motifs=3).fit(two_animals)
    report = robustness_report(fitted, two_animals, levels={"size": [1.0], "rate": [0.5]})
    assert report["ari"].tolist()[0] == 1.0
    assert report["refused"].tolist() == ["", ""]
    with pytest.raises(DataError, match="no variant 'mirrors'"):
        robustness_report(fitted, two_animals, levels={"mirrors": [1]})
