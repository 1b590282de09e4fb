"""Keypoints that a recording never tracks are left out of a fit, and refused by a fitted model."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import murid
from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.methods.motifs.base import MotifMethod
from murid.methods.motifs.body_points import shared_points, tracked_share
from murid.methods.registry import methods_table
from murid.simulate.syllables import syllable_poses

POSE_METHODS = [m["name"] for m in methods_table() if isinstance(murid.method(m["name"]), MotifMethod)]


@pytest.fixture(scope="module")
def animals():
    return [Recording(f"r{a}", poses=syllable_poses(80, 30.0, seed=3, animal=a, n_states=6)[0]) for a in range(3)]


def hide(recording, keypoint, how="nan", share=1.0):
    poses = recording.poses.copy(deep=True)
    k = list(poses["keypoint"].values).index(keypoint)
    rows = slice(0, round(share * poses.sizes["time"]))
    if how == "confidence":
        poses["confidence"].values[rows, k] = 0.01
    else:
        poses["position"].values[rows, :, k] = {"nan": np.nan, "zero": 0.0}[how]
    return recording.replace(poses=poses)


@pytest.mark.parametrize("how", ["nan", "zero", "confidence"])
def test_share_of_frames_in_which_a_keypoint_is_tracked(animals, how):
    recording = hide(animals[0], "neck", how, share=0.75)
    share = tracked_share(recording.poses, ["nose", "neck", "tail_base"], 0.5)[:, 0]
    np.testing.assert_allclose(share, [1, 0.25, 1], atol=0.01)
    gone = recording.poses.copy(deep=True)
    gone["position"].values[:] = np.nan
    assert np.isnan(tracked_share(gone, ["nose", "neck"])).all()


@pytest.mark.parametrize("name", POSE_METHODS)
@pytest.mark.parametrize("how", ["nan", "zero", "confidence"])
def test_every_method_refuses_a_recording_without_a_keypoint_of_the_model(animals, name, how):
    method = murid.method(name)
    method.facts = {"points": shared_points(animals)}
    assert len(list(method.tracks(animals[2]))) == 1
    with pytest.raises(DataError, match=r"keypoint 'neck' is hardly ever tracked .*r2|r2.*keypoint 'neck'"):
        list(method.tracks(hide(animals[2], "neck", how)))


def test_a_keypoint_that_is_often_hidden_is_kept(animals):
    method = murid.method("kmeans")
    method.facts = {"points": shared_points(animals)}
    assert len(list(method.tracks(hide(animals[2], "neck", share=0.9)))) == 1


def test_a_fit_leaves_out_what_one_recording_never_tracks(animals):
    given = [animals[0], hide(animals[1], "neck")]
    with pytest.warns(UserWarning, match=r"left out: 'neck' \(recording r1\)"):
        model = murid.method("kmeans", n_motifs=6, replicates=1).fit(given)
    assert "neck" not in model.facts["points"]
    codes = model.apply(hide(animals[2], "neck"))["states"].values[:, 0]
    assert len(np.unique(codes[codes >= 0])) > 3
    with pytest.raises(DataError, match="hardly ever tracked"):
        murid.method("kmeans", n_motifs=6, points=("nose", "neck", "tail_base")).fit(given)


def test_order_of_recordings_and_threads_do_not_change_a_model(animals):
    fitted = []
    for order, threads in ((1, 1), (-1, 1), (1, 2)):
        with threadpool_limits(threads):
            fitted.append(murid.method("kmeans", n_motifs=6, replicates=2).fit(animals[::order]))
    codes = [m.apply(animals[0])["states"].values for m in fitted]
    for model, labels in zip(fitted[1:], codes[1:], strict=True):
        np.testing.assert_array_equal(fitted[0].parts["clusters"].centroids, model.parts["clusters"].centroids)
        np.testing.assert_array_equal(codes[0], labels)


@pytest.mark.parametrize("name", ["kmeans", "pyrat", "bsoid", "alphatracker", "motionmapper", "moseq", "syllables"])
def test_rhythms_of_10_hz_reach_every_motif_method(name):
    """A running median of 0.1 s would leave nothing of them at 100 frames/s."""
    poses = syllable_poses(12, 100.0, seed=1, n_states=3)[0].copy(deep=True)
    stroke = 3 * np.sin(2 * np.pi * 10 * poses["time"].values)
    nose = list(poses["keypoint"].values).index("nose")
    still = poses.copy(deep=True)
    poses["position"].values[:, 1, nose, 0] += stroke
    method = murid.method(name)
    method.facts = {"points": ["nose", "tail_base"]}
    with_it, without = (next(method.tracks(Recording("a", poses=p))).poses["position"] for p in (poses, still))
    left = (with_it - without).values[:, 1, nose, 0]
    assert np.nanstd(left) > 0.95 * stroke.std()
