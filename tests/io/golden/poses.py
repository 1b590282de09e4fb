"""Pose files."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.io.golden import golden, text


def xy(poses: xr.Dataset, keypoint: str, individual: str = "individual_0") -> list[list[float]]:
    return poses["position"].sel(keypoint=keypoint, individual=individual).transpose("time", "space").values.tolist()


@golden("poses", "dlc_csv")
def _(folder):
    path = text(
        folder,
        "a.csv",
        "scorer,S,S,S,S,S,S\nbodyparts,nose,nose,nose,tail,tail,tail\n"
        "coords,x,y,likelihood,x,y,likelihood\n0,1,2,0.5,3,4,1\n1,5,6,0.25,,,\n",
    )

    def check(poses):
        assert xy(poses, "nose") == [[1, 2], [5, 6]]
        assert xy(poses, "tail")[0] == [3, 4]
        assert np.isnan(xy(poses, "tail")[1]).all()
        assert poses["confidence"].sel(keypoint="nose").values.ravel().tolist() == [0.5, 0.25]
        assert poses["time"].values.tolist() == [0.0, 0.1]
        assert poses.attrs["fps"] == 10
        assert poses.attrs["source_software"] == "DeepLabCut"

    return path, {"fps": 10}, check


@golden("poses", "dlc_h5")
def _(folder):
    columns = pd.MultiIndex.from_tuples(
        [("S", i, "nose", c) for i in ("m1", "m2") for c in ("x", "y", "likelihood")],
        names=["scorer", "individuals", "bodyparts", "coords"],
    )
    path = folder / "a.h5"
    pd.DataFrame([[1, 2, 0.5, 3, 4, 1.0], [5, 6, 0.5, 0, 0, 0]], columns=columns).to_hdf(path, key="df_with_missing")

    def check(poses):
        assert xy(poses, "nose", "m1") == [[1, 2], [5, 6]]
        assert xy(poses, "nose", "m2")[0] == [3, 4]
        assert np.isnan(xy(poses, "nose", "m2")[1]).all()  # (0, 0) with likelihood 0 is "not found"
        assert poses.attrs["n_zero_points"] == 1

    return path, {"fps": 10}, check


@golden("poses", "calms21_csv")
def _(folder):
    path = text(
        folder,
        "a.csv",
        "scorer,Resident,Resident,Resident,Intruder,Intruder,Intruder\n"
        "keypoints,nose,nose,nose,nose,nose,nose\ncoord,x,y,likelihood,x,y,likelihood\n0,1,2,1,3,4,1\n",
    )

    def check(poses):
        assert xy(poses, "nose", "Resident") == [[1, 2]]
        assert xy(poses, "nose", "Intruder") == [[3, 4]]

    return path, {"fps": 30}, check


def calms21_content() -> dict:
    points = np.arange(3 * 2 * 2 * 7).reshape(3, 2, 2, 7)
    item = {
        "keypoints": points.tolist(),
        "scores": (points[:, :, 0] / 100).tolist(),
        "annotations": [3, 0, 0],
        "metadata": {"vocab": {"attack": 0, "investigation": 1, "mount": 2, "other": 3}},
    }
    return {"annotator-id_0": {"task1/train/mouse001": item}}


@golden("poses", "calms21")
def _(folder):
    path = text(folder, "a.json", json.dumps(calms21_content()))

    def check(poses):
        # Frame 1, intruder, x and y of the second part (ear_left): index arithmetic of the array above.
        assert xy(poses, "ear_left", "intruder")[1] == [28 + 14 + 1, 28 + 14 + 7 + 1]
        assert float(poses["confidence"].sel(keypoint="nose", individual="resident")[1]) == pytest.approx(0.28)

    return path, {"fps": 30}, check


@golden("poses", "plain_wide")
def _(folder):
    path = text(folder, "a.csv", "time_s;nose_x;nose_y;nose_likelihood\n0,0;1,5;2;1\n0,5;3;4;0,5\n")

    def check(poses):
        assert xy(poses, "nose") == [[1.5, 2], [3, 4]]
        assert poses["time"].values.tolist() == [0, 0.5]
        assert poses.attrs["fps"] == 2

    return path, {}, check


@golden("poses", "plain_long")
def _(folder):
    path = text(folder, "a.csv", "frame,individual,keypoint,x,y\n0,a,nose,1,2\n0,b,nose,3,4\n1,a,nose,5,6\n")

    def check(poses):
        assert xy(poses, "nose", "a") == [[1, 2], [5, 6]]
        assert xy(poses, "nose", "b")[0] == [3, 4]
        assert np.isnan(xy(poses, "nose", "b")[1]).all()

    return path, {"fps": 10}, check


@golden("poses", "sleap_slp")
def _(folder):
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(["nose", "tail"])
    video = sio.Video(filename="v.mp4", open_backend=False)
    track = sio.Track("m1")

    def frame(index, points, scores):
        inst = sio.PredictedInstance.from_numpy(
            np.array(points, float), skeleton=skeleton, point_scores=np.array(scores), score=1.0, track=track
        )
        return sio.LabeledFrame(video=video, frame_idx=index, instances=[inst])

    labels = sio.Labels([frame(5, [[1, 2], [3, 4]], [0.5, 1.2]), frame(7, [[5, 6], [np.nan, np.nan]], [0.5, 0.1])])
    path = folder / "a.slp"
    labels.save(str(path))

    def check(poses):
        assert poses["frame"].values.tolist() == [5, 6, 7]  # frame 6 was not labelled: NaN
        assert np.isnan(poses["position"].sel(individual="m1")[1]).all()
        assert xy(poses, "nose", "m1")[0] == [1, 2]
        assert xy(poses, "nose", "m1")[2] == [5, 6]
        assert poses["time"].values.tolist() == [0.5, 0.6, 0.7]
        assert poses["confidence"].values[0, :, 0].tolist() == [0.5, 1.0]  # scores above 1 are 1

    return path, {"fps": 10}, check


@golden("poses", "sleap_analysis")
def _(folder):
    path = folder / "a.analysis.h5"
    tracks = np.arange(1 * 2 * 3 * 4, dtype=float).reshape(1, 2, 3, 4)  # track, xy, node, frame
    with h5py.File(path, "w") as handle:
        handle["tracks"] = tracks
        handle["node_names"] = np.array([b"nose", b"neck", b"tail"])
        handle["track_names"] = np.array([b"m1"])
        handle["point_scores"] = np.full((1, 3, 4), 0.5)

    def check(poses):
        assert xy(poses, "neck", "m1") == tracks[0, :, 1].T.tolist()
        assert (poses["confidence"] == 0.5).all()

    return path, {"fps": 10}, check


@golden("poses", "movement")
def _(folder):
    path = folder / "a.nc"
    data = xr.Dataset(
        {
            "position": (("time", "space", "keypoints", "individuals"), np.arange(4.0).reshape(2, 2, 1, 1)),
            "confidence": (("time", "keypoints", "individuals"), np.ones((2, 1, 1))),
        },
        coords={"time": [0.0, 0.05], "space": ["x", "y"], "keypoints": ["nose"], "individuals": ["m1"]},
        attrs={"fps": 20.0, "time_unit": "seconds", "ds_type": "poses"},
    )
    data.to_netcdf(path, engine="h5netcdf")

    def check(poses):
        assert xy(poses, "nose", "m1") == [[0, 1], [2, 3]]
        assert poses.attrs["fps"] == 20

    return path, {}, check
