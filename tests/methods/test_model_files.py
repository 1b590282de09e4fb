"""A model that travels: other names, other cameras, other animals, and what it has not seen."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.data.labels import LabelChoice, Labels
from murid.data.roles import guess_roles
from murid.methods import load_method, method
from murid.methods.supervised.training_rows import labelled_frames
from murid.methods.training_summary import Seen, TrainingSummary, fingerprint


def blind(recording, **changes):
    return recording.replace(labels=None, **changes)


def test_the_file_says_what_the_model_was_trained_on(fitted, animals, tmp_path):
    fitted.save(tmp_path / "m")
    said = json.loads((tmp_path / "m" / "params.json").read_text())["fitted"]["manifest"]
    assert said["fps"] == [25.0, 25.0]
    assert said["calibrated"], "lengths in cm, not px"
    assert said["n_individuals"] == [1, 1]
    assert "nose" in said["roles"]
    assert said["recordings"]["r1"] == fingerprint(animals[0])
    assert set(said["versions"]) >= {"murid", "numpy", "lightgbm"}
    assert 6 < said["body_length_cm"] < 10


def test_saved_and_loaded_says_the_same_also_about_the_unseen(fitted, animals, tmp_path):
    fitted.save(tmp_path / "m")
    here, there = (m.apply(blind(animals[3])) for m in (fitted, load_method(tmp_path / "m")))
    for name in ("states", "probability", "unseen"):
        np.testing.assert_array_equal(here[name].values, there[name].values)
    assert here["unseen"].dims == ("time", "individual")


def test_a_fingerprint_changes_with_poses_and_with_labels(animals):
    r = animals[0]
    moved = r.poses.copy(deep=True)
    moved["position"].values[0, 0, 0, 0] += 0.01
    marks = {fingerprint(x) for x in (r, r.replace(poses=moved), r.replace(labels=animals[1].labels), blind(r))}
    assert len(marks) == 4


def test_other_keypoint_names_are_mapped_by_role(fitted, animals):
    names = [str(k) for k in animals[3].poses["keypoint"].values]
    other = {n: f"point {i}" for i, n in enumerate(names)}
    poses = animals[3].poses.assign_coords(keypoint=[other[n] for n in names])
    roles = {role: other[k] for role, k in guess_roles(names).items()}
    out = fitted.apply(blind(animals[3], poses=poses, roles=roles))
    np.testing.assert_array_equal(out["states"].values, fitted.apply(blind(animals[3]))["states"].values)
    with pytest.raises(DataError, match=r"keypoints are missing: nose.*say so: roles="):
        fitted.apply(blind(animals[3], poses=poses))


def test_a_further_keypoint_changes_nothing(fitted, animals):
    poses = animals[3].poses
    extra = poses.isel(keypoint=[0]).assign_coords(keypoint=["paw_front_left"])
    import xarray as xr

    wider = xr.concat([poses, extra], dim="keypoint", combine_attrs="override")
    out = fitted.apply(blind(animals[3], poses=wider))
    np.testing.assert_array_equal(out["states"].values, fitted.apply(blind(animals[3]))["states"].values)


def test_everything_that_does_not_fit_is_one_error(fitted):
    two = simulate.recording(duration_s=10, fps=25, n_animals=2, seed=1, unit="px")
    poses = two.poses.sel(keypoint=["nose", "tail_base", "centre"])
    poses.attrs.pop("px_per_cm")
    with pytest.raises(DataError) as caught:
        fitted.apply(blind(two, poses=poses))
    said = str(caught.value)
    assert "ear_left" in said
    assert "number of animals" in said
    assert "no scale" in said


def test_zones_that_the_features_need_are_asked_for_by_name(animals):
    summary = replace(TrainingSummary.of(animals[:2]), zones=("centre", "nest"))
    empty = blind(animals[3], zones=None)
    with pytest.raises(DataError, match=r"zones are missing: nest; .*draw zones of these names"):
        summary.fit_to(empty, "gbdt", features=["in_nest", "speed"])
    assert summary.fit_to(empty, "gbdt", features=["speed"]).id == empty.id


@pytest.mark.parametrize(("factor", "warned"), [(1.5, False), (1.7, True), (1 / 1.5, False), (1 / 1.7, True)])
def test_a_body_1_6_times_longer_or_shorter_is_warned_of(animals, factor, warned):
    summary = TrainingSummary.of(animals[:2])
    summary = replace(summary, body_length_cm=Seen.of(animals[3]).body_length_cm / factor)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        summary.fit_to(blind(animals[3]), "gbdt")
    assert any("another species or age" in str(w.message) for w in heard) == warned


def test_another_frame_rate_is_fine_within_limits_and_warned_of_beyond(fitted):
    def at(fps):
        return blind(simulate.recording(duration_s=40, fps=fps, seed=9, unit="cm"))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.apply(at(30.0))
    with pytest.warns(UserWarning, match=r"60 frames/s.* trained at 25 frames/s and is good for 12.5 to 50"):
        fitted.apply(at(60.0))


def test_strange_data_is_called_unseen_and_a_new_animal_is_not(fitted, animals):
    known = fitted.apply(blind(animals[3]))["unseen"].values
    assert (known > 0.99).mean() < 0.1
    assert 0.3 < known.mean() < 0.7
    big = animals[3].poses.copy(deep=True)
    big["position"].values *= 2.2
    with pytest.warns(UserWarning, match="another species or age, or a wrong scale"):
        strange = fitted.apply(blind(animals[3], poses=big))["unseen"].values
    assert (strange > 0.99).mean() > 0.9
    noisy = animals[3].poses.copy(deep=True)
    noisy["position"].values += np.random.default_rng(0).normal(0, 1.0, noisy["position"].shape)
    assert (fitted.apply(blind(animals[3], poses=noisy))["unseen"].values > 0.99).mean() > 0.5


def test_a_model_of_body_lengths_sets_a_scale_aside(animals):
    def bare(r):
        poses = r.poses.copy()
        poses.attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"} | {"unit": "px"}
        return r.replace(poses=poses, zones=None)

    summary = TrainingSummary.of([bare(r) for r in animals[:2]])
    assert not summary.calibrated
    seen = summary.fit_to(animals[3], "gbdt")
    assert seen.poses.attrs["unit"] == "px"
    assert "px_per_cm" not in seen.poses.attrs
    with pytest.raises(DataError, match=r"1 of 3 have no scale.*r1"):
        TrainingSummary.of([bare(animals[0]), animals[1], animals[2]])


# ---- labels that cannot be learnt from ------------------------------------------------------------
def labels_of(recording, keep=None, until_s=None):
    bouts = recording.labels.bouts
    bouts = bouts if keep is None else bouts[bouts["label"].isin(keep)]
    stop = until_s or recording.labels.stop_s
    bouts = bouts[bouts["start_s"] < stop].assign(stop_s=lambda b: b["stop_s"].clip(upper=stop))
    return recording.replace(labels=Labels.from_bouts(bouts, duration_s=stop, fps=25))


@pytest.mark.parametrize(
    ("behaviours", "labels", "message"),
    [
        (("rear", "grooom"), {}, "nobody labelled grooom"),
        (("walk",), dict(until_s=0.08), "nobody labelled|no frame shows|every labelled frame|no fold"),
        (("rear", "groom"), dict(until_s=0.08), "nobody labelled|no frame shows"),
    ],
)
def test_labels_that_cannot_be_learnt_from_are_one_clear_error(animals, behaviours, labels, message):
    with pytest.raises(DataError, match=message):
        method("gbdt", **{"behaviours": behaviours}).fit([labels_of(r, **labels) for r in animals[:2]])


def test_one_class_only_is_refused(animals):
    def always(r):
        bouts = pd.DataFrame([{"start_s": 0.0, "stop_s": 90.0, "label": "rest", "individual": "mouse_1", "rater": "x"}])
        return r.replace(labels=Labels.from_bouts(bouts, duration_s=90.0, fps=25))

    with pytest.raises(DataError, match="every labelled frame shows 'rest'"):
        method("gbdt").fit([always(r) for r in animals[:2]])


def test_unlabelled_recordings_and_other_raters_are_named_not_dropped_in_silence(animals):
    small = dict(behaviours=("walk",), n_features=20, trees=dict(n_trees=5, n_threads=1), context_s=())
    with pytest.warns(UserWarning, match=r"1 of 3 recordings have no labels.*r3"):
        fitted = method("gbdt", **small).fit([animals[0], animals[1], blind(animals[2])])
    assert set(fitted.model.training.recordings) == {"r1", "r2"}


def test_mostly_ignored_labels_are_warned_of_once_for_all_recordings(animals):
    def mostly_base(r):
        bouts = pd.DataFrame(
            [(0.0, 80.0, "base"), (80.0, 90.0, "walk")], columns=["start_s", "stop_s", "label"]
        ).assign(individual="mouse_1", rater="x")
        return r.replace(labels=Labels.from_bouts(bouts, duration_s=90.0, fps=25))

    choice = LabelChoice(("walk",))
    with pytest.warns(UserWarning, match=r"r1: \d+% of the frames are labelled base.*in 1 more: r2") as said:
        labelled_frames([mostly_base(r) for r in animals[:2]], choice, sample_hz=8, exponent=0.5, name="gbdt")
    assert len(said) == 1
