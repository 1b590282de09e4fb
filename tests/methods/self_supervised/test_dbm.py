"""DBM: pseudo-labels, features, both networks, trials, resumption."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import murid
from murid import simulate
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.states import behaviour_names, make_states
from murid.data.zones import Zone, Zones
from murid.methods.self_supervised.dbm import overlap_counts
from murid.methods.self_supervised.pose_inputs import distances

TABLE = """
corner:
    when in_corner > 0.5
fast:
    when speed_centre > 0.8 bl/s
"""
QUICK = {"n_motifs": 8, "replicates": 2, "train": {"epochs": 12, "batch": 2, "lr": 0.01, "clip": 1.0}}


@pytest.fixture(scope="module")
def recordings():
    made = [
        simulate.recording("open_field", duration_s=60, fps=20, seed=s, id=f"r{s}", animal=f"a{s}")
        for s in (1, 2, 3, 4, 5)
    ]
    xy = np.concatenate([r.poses["position"].values[:, :2].mean(axis=(2, 3)) for r in made])
    low, middle = np.nanmin(xy, axis=0) - 20, np.nanmedian(xy, axis=0)
    polygon = [low, (middle[0], low[1]), middle, (low[0], middle[1])]
    zones = Zones([Zone("corner", polygon=polygon, unit=made[0].poses.attrs["unit"])])
    events = pd.DataFrame({"time_s": [15.0, 40.0], "label": "tone"})
    return [r.replace(zones=zones, events=events) for r in made]


def test_distances_within_and_between_rows():
    xy = np.random.default_rng(0).normal(size=(5, 3, 2))
    found = distances(xy)
    assert found.shape == (5, 3 + 9)
    np.testing.assert_allclose(
        found[2, :3], [np.linalg.norm(xy[2, a] - xy[2, b]) for a, b in ((0, 1), (0, 2), (1, 2))], rtol=1e-5
    )
    for t in range(4):
        expected = [np.linalg.norm(xy[t + 1, a] - xy[t, b]) for a in range(3) for b in range(3)]
        np.testing.assert_allclose(found[t, 3:], expected, rtol=1e-5)
    np.testing.assert_array_equal(found[4, 3:], found[3, 3:])


def test_learns_the_rules_on_an_unseen_animal_and_microstates_are_finer(recordings):
    longer = {**QUICK, "train": {**QUICK["train"], "epochs": 60}}
    method = murid.method("dbm", pseudo_labels=TABLE, place="zones", **longer).fit(recordings[:4])
    truth, out = method.preview(recordings[4]), method.apply(recordings[4])
    names = behaviour_names(truth)
    codes = np.array([names.index(str(n)) for n in out["probability"]["behaviour"].values])
    said = codes[out["probability"].values[:, 0].argmax(1)]
    known = truth.values[:, 0] >= 0
    share = np.bincount(truth.values[known, 0]).max() / known.sum()
    right = (said == truth.values[:, 0])[known].mean()
    assert right > share + 0.1
    assert right > 0.75
    table = method.overlap()
    assert table.shape == (8, 3)
    assert table.to_numpy().sum() > 2000
    purity = table.max(axis=1).sum() / table.to_numpy().sum()
    assert purity > share + 0.05, "microstates tell the labels apart"
    assert (table.to_numpy() > 0).any(axis=1).sum() > 3, "and there are more of them than labels"


def test_the_published_network_sees_distances_alone(recordings):
    method = murid.method("dbm", pseudo_labels=TABLE, net="lstm", **QUICK).fit(recordings[:2])
    n = len(method.facts["points"])
    assert method.facts["n_features"] == n * (n - 1) // 2 + n * n
    assert method.facts["place"] == "none"
    assert method.net.lstm.net.hidden_size == 10 == method.apply(recordings[2]).sizes["component"]


def test_trials_around_an_event_and_faults(recordings):
    method = murid.method("dbm", pseudo_labels=TABLE, trial_event="tone", before_s=5, after_s=10, **QUICK)
    method.fit(recordings[:2])
    assert method.facts["history"][-1]["steps"] == 12 * 2, "two recordings with two trials each, two trials a step"
    with pytest.raises(DataError, match="no event 'shock'"), pytest.warns(UserWarning, match="has no event"):
        murid.method("dbm", pseudo_labels=TABLE, trial_event="shock", **QUICK).fit(recordings[:2])
    with pytest.raises(DataError, match="in_corner"):
        murid.method("dbm", pseudo_labels=TABLE.replace("in_corner", "in_corer"), **QUICK).fit(recordings[:2])
    with pytest.raises(DataError, match="fewer than two labels"):
        murid.method("dbm", pseudo_labels="fast:\n when speed_centre > 99 bl/s", **QUICK).fit(recordings[:2])
    with pytest.raises(DataError, match="no zone that all recordings have"):
        murid.method("dbm", place="zones", **QUICK).fit([r.replace(zones=None) for r in recordings[:2]])


def test_a_rule_that_never_holds_is_said(recordings):
    few = {**QUICK, "train": {**QUICK["train"], "epochs": 1}}
    with pytest.warns(UserWarning, match="hold in no frame of any recording are not learnt: flies;"):
        model = murid.method("dbm", pseudo_labels=f"{TABLE}flies:\n    when speed_centre > 99 bl/s", **few).fit(
            recordings[:2]
        )
    assert model.facts["behaviours"] == ["corner", "fast", "other"]


def test_trials_are_found_on_a_clock_that_does_not_begin_at_zero(recordings):
    late = [
        r.replace(
            poses=r.poses.assign_coords(time=r.poses["time"] + 500),
            labels=None,
            events=r.events.assign(time_s=r.events["time_s"] + 500),
        )
        for r in recordings[:2]
    ]
    fits = []
    for part in (recordings[:2], late):
        method = murid.method("dbm", trial_event="tone", before_s=5, after_s=10, **QUICK).fit(part)
        fits.append(method.facts["history"][0]["loss"])
    # Before rounding errors grow: the same trials, but for a row at an edge.
    np.testing.assert_allclose(fits[0], fits[1], rtol=5e-3)


def test_preview_of_the_default_table_before_any_fit(recordings):
    states = murid.method("dbm").preview(recordings[0])
    assert {"locomotion", "resting"} <= set(behaviour_names(states))
    assert (states.values >= 0).mean() > 0.9
    from murid.ethogram.trials import raster
    from murid.report.figures.trials import preview, trial_raster

    figure = preview(states, recordings[0].events)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "locomotion"
    cut = raster(states, [15.0, 40.0], before_s=2, after_s=5)
    assert trial_raster(cut).axes[0].images[0].get_array().shape == cut.shape


def test_interrupted_training_ends_the_same(recordings, tmp_path, interrupted):
    whole = murid.method("dbm", **QUICK).fit(recordings[:2]).apply(recordings[2])
    again = murid.method("dbm", checkpoint=str(tmp_path / "checkpoint"), **QUICK)
    found = interrupted(again, recordings[:2]).apply(recordings[2])
    np.testing.assert_array_equal(whole["states"].values, found["states"].values)
    np.testing.assert_array_equal(whole["latent"].values, found["latent"].values)


def test_one_length_for_the_study(recordings):
    method = murid.method("dbm", place="camera", **QUICK).fit(recordings[:2])
    assert method.facts["length"] > 0
    assert murid.method("dbm", **QUICK).fit(recordings[:2]).facts["length"] is None


def test_counts_leave_the_unknown_out():
    found = overlap_counts(np.array([0, 1, -1, 1]), np.array([1, 0, 0, -1]), 2, 2)
    np.testing.assert_array_equal(found, [[0, 1], [1, 0]])


@pytest.mark.realdata
def test_operant_trials_of_the_authors(data_dir):
    """Few trials and epochs: pseudo-labels of unseen trials clearly above the commonest label."""
    h5py = pytest.importorskip("h5py")
    names = ["LEVERSLOT", "LEVER", "PORT", "EATING", "SIPPER", "LOCOMOTION", "WALLS", "RESTING", "OTHER"]
    trials = []
    with h5py.File(data_dir / "dbm_operant" / "DBM_sample_data.mat") as file:
        opaque = [file[r] for r in file["#subsystem#/MCOS"][0]]
        codes = [np.asarray(o).ravel() for o in opaque if o.dtype == np.uint8 and o.size == 800]
        for k in range(0, 56, 4):
            xy = [np.asarray(file[file[f"body_parts_{a}"][0, k]]) for a in "XY"]
            poses = make_poses(
                np.stack(xy, 1)[..., None],
                np.ones((800, 6, 1)),
                fps=10,
                keypoints=[f"p{i}" for i in range(6)],
                individuals=["m"],
                unit="px",
            )
            states = make_states(codes[k][:, None].astype(np.int16) - 1, poses["time"].values, names, ["m"], source="s")
            trials.append(
                Recording(
                    f"t{k}", animal="m", poses=poses, labels=Labels.from_states(states), meta={"codes": codes[k] - 1}
                )
            )
    method = murid.method(
        "dbm",
        labels_from="labels",
        place="camera",
        clean={"smoothing": "none"},
        replicates=1,
        train={"epochs": 15, "batch": 4, "lr": 0.01, "clip": 1.0},
    ).fit(trials[:11])
    right, base = [], []
    for trial in trials[11:]:
        out = method.apply(trial)
        said = [str(n) for n in out["probability"]["behaviour"].values[out["probability"].values[:, 0].argmax(1)]]
        truth = [names[c] for c in trial.meta["codes"]]
        right.append(np.mean([a == b for a, b in zip(said, truth, strict=True)]))
        base.append(np.mean([t == "RESTING" for t in truth]))
    assert np.mean(right) > np.mean(base) + 0.15


def test_the_network_of_dbm_knows_no_place():
    for place in ("zones", "camera"):
        with pytest.raises(DataError, match="knows no place"):
            murid.method("dbm", net="lstm", place=place)
