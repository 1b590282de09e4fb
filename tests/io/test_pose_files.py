"""Traps of pose files: layouts, clocks, animals, points of nobody."""

from __future__ import annotations

import time

import h5py
import numpy as np
import pytest

import murid.io as io
from murid.data.errors import DataError

SINGLE = "scorer,S,S,S\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n"


def write(folder, content, name="a.csv"):
    path = folder / name
    path.write_text(content)
    return path


def test_fps_is_asked_for(tmp_path):
    with pytest.raises(DataError, match=r"frame rate is not known.*DeepLabCut.*pass fps="):
        io.read_poses(write(tmp_path, SINGLE + "0,1,2,1\n"))


@pytest.mark.parametrize("fps", [0, -1, "thirty"])
def test_bad_fps(tmp_path, fps):
    with pytest.raises((DataError, ValueError), match=r"fps|float"):
        io.read_poses(write(tmp_path, SINGLE + "0,1,2,1\n"), fps=fps)


def test_frames_of_a_cut_table_keep_the_time_of_the_film(tmp_path):
    poses = io.read_poses(write(tmp_path, SINGLE + "300,1,2,1\n301,1,2,1\n303,1,2,1\n"), fps=100)
    assert poses["frame"].values.tolist() == [300, 301, 303]
    np.testing.assert_allclose(poses["time"], [3.0, 3.01, 3.03])
    assert poses.attrs["fps"] == 100


def test_four_header_lines_and_points_of_nobody(tmp_path):
    path = write(
        tmp_path,
        "scorer,S,S,S,S,S,S,S,S,S\nindividuals,m1,m1,m1,m2,m2,m2,single,single,single\n"
        "bodyparts,nose,nose,nose,nose,nose,nose,corner,corner,corner\n"
        "coords,x,y,likelihood,x,y,likelihood,x,y,likelihood\n0,1,2,1,3,4,1,9,8,1\n",
    )
    with pytest.warns(UserWarning, match=r"belong to no animal.*corner.*individuals=\['single'\]"):
        poses = io.read_poses(path, fps=10)
    assert poses["individual"].values.tolist() == ["m1", "m2"]
    assert poses["keypoint"].values.tolist() == ["nose"]
    corner = io.read_poses(path, fps=10, individuals=["single"])
    assert corner["keypoint"].values.tolist() == ["corner"]
    assert corner["position"].values.ravel().tolist() == [9, 8]
    swapped = io.read_poses(path, fps=10, individuals=["m2", "m1"])
    assert swapped["position"].sel(space="x").values.ravel().tolist() == [3, 1]
    with pytest.raises(DataError, match=r"no individual 'm3'.*'m1' or 'm2'|no individual 'm3'"):
        io.read_poses(path, fps=10, individuals=["m3"])


def test_animals_with_different_keypoints_are_padded(tmp_path):
    path = write(
        tmp_path, "scorer,S,S,S,S\nindividuals,m1,m1,m2,m2\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y\n0,1,2,3,4\n"
    )
    poses = io.read_poses(path, fps=10)
    assert np.isnan(poses["position"].sel(individual="m1", keypoint="tail")).all()
    assert poses["position"].sel(individual="m2", keypoint="tail").values.ravel().tolist() == [3, 4]
    assert np.isnan(poses["confidence"]).all()  # the file has none


def test_prefixed_points(tmp_path):
    head = "scorer,S,S,S,S\nbodyparts,B_nose,B_nose,W_nose,W_nose\ncoords,x,y,x,y\n0,1,2,3,4\n"
    path = write(tmp_path, head)
    poses = io.read_poses(path, fps=10, individuals=["W", "B"])
    assert poses["keypoint"].values.tolist() == ["nose"]
    assert poses["position"].sel(individual="B").values.ravel().tolist() == [1, 2]
    named = io.read_poses(path, fps=10, individuals=["mouse"])  # one name: the name of the only animal
    assert named["keypoint"].values.tolist() == ["B_nose", "W_nose"]
    with pytest.raises(DataError, match=r"no individual's prefix.*W_nose.*prefixes in this file: B, W"):
        io.read_poses(path, fps=10, individuals=["B", "X"])


def test_table_saved_twice_by_pandas(tmp_path):
    path = write(
        tmp_path, ",scorer,S,S.1,S.2\n0,bodyparts,nose,nose,nose\n1,coords,x,y,likelihood\n2,0,1,2,1\n3,1,3,4,1\n"
    )
    poses = io.read_poses(path, fps=10)
    assert poses["position"].values.ravel().tolist() == [1, 2, 3, 4]
    assert poses["frame"].values.tolist() == [0, 1]


def test_semicolons_and_decimal_commas(tmp_path):
    content = (SINGLE + "0,1.5,2,1\n").replace(",", ";").replace(".", ",")
    assert io.read_poses(write(tmp_path, content), fps=10)["position"].values.ravel().tolist() == [1.5, 2]


@pytest.mark.parametrize(
    "encode",
    [lambda s: s.encode("utf-8-sig"), lambda s: s.encode("utf-16"), lambda s: s.replace("\n", "\r\n").encode()],
)
def test_encodings(tmp_path, encode):
    path = tmp_path / "a.csv"
    path.write_bytes(encode(SINGLE + "0,1.5,2,1\n"))
    assert io.read_poses(path, fps=10)["position"].values.ravel().tolist() == [1.5, 2]


def test_labelled_images(tmp_path):
    path = write(
        tmp_path,
        "scorer,S,S\nbodyparts,nose,nose\ncoords,x,y\nlabeled-data/v/img003.png,1,2\nlabeled-data/v/img010.png,3,4\n",
    )
    assert io.read_poses(path, fps=1)["frame"].values.tolist() == [3, 10]


def test_spread_columns_of_ensembles_are_passed_over(tmp_path):
    path = write(
        tmp_path, "scorer,S,S,S,S\nbodyparts,nose,nose,nose,nose\ncoords,x,y,likelihood,x_ens_var\n0,1,2,1,99\n"
    )
    assert io.read_poses(path, fps=10)["position"].values.ravel().tolist() == [1, 2]


@pytest.mark.parametrize("order", [("track", "xy", "node", "frame"), ("frame", "node", "xy", "track")])
@pytest.mark.parametrize("stated", [True, False])
def test_sleap_analysis_in_either_order(tmp_path, order, stated):
    truth = np.random.default_rng(0).normal(size=(6, 2, 3, 2))  # frame, xy, node, track
    axes = ("frame", "xy", "node", "track")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as handle:
        handle["tracks"] = truth.transpose([axes.index(a) for a in order])
        handle["node_names"] = np.array([b"a", b"b", b"c"])
        handle["track_names"] = np.array([b"m1", b"m2"])
        if stated:
            handle["tracks"].attrs["dims"] = '["' + '", "'.join(order) + '"]'
    np.testing.assert_allclose(io.read_poses(path, fps=10)["position"].values, truth, rtol=1e-6)


def test_sleap_scores_of_another_shape_are_said_to_be_left_out(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as handle:
        handle["tracks"] = np.ones((2, 2, 3, 6))
        handle["node_names"], handle["track_names"] = np.array([b"a", b"b", b"c"]), np.array([b"m1", b"m2"])
        handle["point_scores"] = np.full((2, 3, 5), 0.5)
    with pytest.warns(UserWarning, match=r"point_scores have another shape than tracks.*no confidence"):
        assert np.isnan(io.read_poses(path, fps=10)["confidence"]).all()


def test_likelihood_in_percent_is_named(tmp_path):
    rows = "".join(f"{i},1,2,{90 + i}\n" for i in range(5))
    path = write(tmp_path, "scorer,S,S,S\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n" + rows)
    with pytest.raises(DataError, match=r"line 4, individual_0 nose: confidence lies outside 0..1; .*in percent"):
        io.read_poses(path, fps=25)


def test_sleap_untracked_instances_are_refused(tmp_path):
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(["nose", "tail"])
    video = sio.Video(filename="v.mp4", open_backend=False)
    two = [sio.Instance.from_numpy(np.ones((2, 2)) * i, skeleton=skeleton) for i in (1, 2)]
    path = tmp_path / "a.slp"
    sio.Labels([sio.LabeledFrame(video=video, frame_idx=0, instances=two)]).save(str(path))
    with pytest.raises(DataError, match=r"without a track.*run tracking"):
        io.read_poses(path, fps=10)


def test_sleap_human_instance_goes_before_prediction(tmp_path):
    sio = pytest.importorskip("sleap_io")
    skeleton = sio.Skeleton(["nose", "tail"])
    video = sio.Video(filename="v.mp4", open_backend=False)
    track = sio.Track("m1")
    human = sio.Instance.from_numpy(np.array([[1.0, 2], [3, 4]]), skeleton=skeleton, track=track)
    guess = sio.PredictedInstance.from_numpy(
        np.full((2, 2), 9.0), skeleton=skeleton, track=track, score=0.5, point_scores=np.array([0.5, 0.5])
    )
    path = tmp_path / "a.slp"
    sio.Labels([sio.LabeledFrame(video=video, frame_idx=0, instances=[human, guess])]).save(str(path))
    assert io.read_poses(path, fps=10)["position"].values.ravel().tolist() == [1, 3, 2, 4]


def test_movement_frame_rate_that_differs_is_warned_about(tmp_path):
    poses = io.read_poses(write(tmp_path, SINGLE + "0,1,2,1\n1,3,4,1\n"), fps=30)
    path = tmp_path / "a.nc"
    io.to_movement(poses, plural=True).to_netcdf(path, engine="h5netcdf")
    with pytest.warns(UserWarning, match=r"states 30 fps, 25 was given"):
        again = io.read_poses(path, fps=25)
    np.testing.assert_allclose(again["time"], [0, 0.04])


def test_plain_table_with_a_column_that_is_no_coordinate(tmp_path):
    path = write(tmp_path, "frame,nose_x,nose_y,speed\n0,1,2,7\n")
    with pytest.raises(DataError, match=r"column 'speed' is no coordinate.*ignore=\['speed'\]"):
        io.read_poses(path, fps=10)
    assert io.read_poses(path, fps=10, ignore=["speed"])["position"].values.ravel().tolist() == [1, 2]


def test_a_time_column_goes_before_the_frame_rate(tmp_path):
    path = write(tmp_path, "time_s,nose_x,nose_y\n0,1,2\n0.05,1,2\n0.15,1,2\n0.2,1,2\n")
    with pytest.warns(UserWarning, match=r"time column says 20 fps and is used; fps=10 is not"):
        poses = io.read_poses(path, fps=10)
    assert poses["time"].values.tolist() == [0, 0.05, 0.15, 0.2]


def test_plain_table_prefixed(tmp_path):
    path = write(tmp_path, "frame,a_nose_x,a_nose_y,b_nose_x,b_nose_y\n0,1,2,3,4\n")
    poses = io.read_poses(path, fps=10, individuals=["a", "b"])
    assert poses["position"].sel(individual="b").values.ravel().tolist() == [3, 4]


def test_reading_is_fast(tmp_path):
    """15,000 frames of 10 keypoints in well under the 0.2 s promised; the bound allows a busy machine."""
    values = np.random.default_rng(0).normal(500, 100, (15_000, 30)).round(3)
    values[:, 2::3] = 1
    names = [f"p{i}" for i in range(10)]
    head = [
        "scorer," + ",".join(["S"] * 30),
        "bodyparts," + ",".join(n for n in names for _ in range(3)),
        "coords," + ",".join(["x,y,likelihood"] * 10),
    ]
    body = [f"{i}," + ",".join(map(str, row)) for i, row in enumerate(values.tolist())]
    path = write(tmp_path, "\n".join([*head, *body, ""]))
    io.read_poses(path, fps=30)
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        poses = io.read_poses(path, fps=30)
        best = min(best, time.process_time() - start)
    np.testing.assert_allclose(poses["position"].values[:, 0, 3, 0], values[:, 9], rtol=1e-6)
    assert best < 0.5


def test_a_header_of_many_keypoints_is_recognised(tmp_path):
    n, scorer = 200, "DLC_resnet50_a_project_with_quite_a_long_nameMay9shuffle1_1030000"
    header = [
        ["scorer", *[scorer] * 3 * n],
        ["individuals", *["m1"] * 3 * n],
        ["bodyparts", *(f"keypoint_{i // 3}" for i in range(3 * n))],
        ["coords", *["x", "y", "likelihood"] * n],
    ]
    path = write(tmp_path, "\n".join(",".join(row) for row in [*header, ["0", *["1"] * 3 * n], []]))
    assert io.read_poses(path, fps=10).sizes["keypoint"] == n
