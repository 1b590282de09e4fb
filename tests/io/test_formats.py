"""Every format: recognised by content alone, read exactly, listed in the docs, with a golden file here."""

from __future__ import annotations

import gzip
import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr

import murid.io as io
from murid.data.errors import DataError
from murid.io import registry

Check = Callable[[object], None]
GOLDEN: dict[tuple[str, str], Callable[[Path], tuple[Path, dict, Check]]] = {}


def golden(kind: str, name: str):
    """Register a golden file: a function that writes it and returns path, options and a check."""

    def register(make):
        GOLDEN[kind, name] = make
        return make

    return register


def text(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def rows(labels) -> list[tuple]:
    return list(labels.bouts[["start_s", "stop_s", "label"]].itertuples(index=False, name=None))


# -- poses ---------------------------------------------------------------------------------------


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


# -- labels --------------------------------------------------------------------------------------

CALTECH = (
    "Caltech Behavior Annotator - Annotation File\n\nConfiguration file:\nbase\tz\nsocial\ts\nbite\tb\n\n"
    "S1:\tstart\tend\ttype\n-----------------------------\n   \t1\t10\tbase\n   \t11\t20\tsocial\n\n"
    "S2:\tstart\tend\ttype\n-----------------------------\n   \t1\t20\tbase\n  \n"
)


@golden("labels", "caltech")
def _(folder):
    def check(labels):
        one = labels.select(stream="S1")
        assert rows(one) == [(0, 1, "base"), (1, 2, "social")]
        assert labels.streams == ["S1", "S2"]
        assert labels.exclusive
        assert labels.vocabulary == ("base", "social", "bite")
        assert labels.behaviours == ["social"]
        states = one.to_states(np.arange(20) / 10, ["social"])
        assert states.values[:, 0, 0].tolist() == [-1] * 10 + [1] * 10

    return text(folder, "a.txt", CALTECH.replace("\n", "\r\n")), {"fps": 10}, check


@golden("labels", "bento")
def _(folder):
    content = (
        "Bento annotation file\nMovie file(s): a.seq\n\nStimulus name:\nAnnotation start frame: 1\n"
        "Annotation stop frame: 40\nAnnotation framerate: 10.000000\n\nList of channels:\nCh1\n\n"
        "List of annotations:\nattack\nclose_contact\n\nCh1----------\n>attack\nStart\t Stop\t Duration \n"
        "1\t10\t10\n21\t21\t1\n\n>close_contact\nStart\t Stop\t Duration \n5\t8\t4\n\n"
    )

    def check(labels):
        assert rows(labels) == [(0, 1, "attack"), (0.4, 0.8, "close_contact"), (2, 2.1, "attack")]
        assert labels.scored[["start_s", "stop_s"]].values.tolist() == [[0, 4]]
        assert labels.streams == ["Ch1"]

    return text(folder, "a.annot", content), {}, check


TABULAR = "Observation id,Media duration (s),FPS,Subject,Behavior,Modifier #1,Behavior type,Time,Comment\n"


@golden("labels", "boris_tabular")
def _(folder):
    path = text(
        folder,
        "a.csv",
        TABULAR + "o1,60,25,m1,rear,left,START,1.5,\no1,60,25,m1,rear,left,STOP,2.5,\n"
        "o1,60,25,No focal subject,groom,,START,3,\no1,60,25,m1,hop,,POINT,3.5,\n"
        "o1,60,25,No focal subject,groom,,STOP,4,\n",
    )

    def check(labels):
        assert rows(labels) == [(1.5, 2.5, "rear"), (3, 4, "groom")]
        assert labels.bouts["individual"].tolist() == ["m1", "all"]
        assert labels.bouts["modifiers"].tolist() == ["left", ""]
        assert labels.meta["points"][["time_s", "label"]].values.tolist() == [[3.5, "hop"]]
        assert labels.fps == 25
        assert labels.stop_s == 60

    return path, {}, check


@golden("labels", "boris_aggregated")
def _(folder):
    path = text(
        folder,
        "a.tsv",
        "Observation id\tSubject\tBehavior\tBehavior type\tStart (s)\tStop (s)\tDuration (s)\n"
        "o1\t\trear\tSTATE\t1\t2.5\t1.5\no1\t\thop\tPOINT\t3\t3\tNA\n",
    )

    def check(labels):
        assert rows(labels) == [(1, 2.5, "rear")]
        assert labels.meta["points"]["label"].tolist() == ["hop"]

    return path, {}, check


@golden("labels", "boris_project")
def _(folder):
    content = {
        "time_format": "seconds",
        "project_format_version": "7.0",
        "behaviors_conf": {"0": {"type": "State event", "code": "rear"}, "1": {"type": "Point event", "code": "hop"}},
        "observations": {
            "o1": {
                "events": [[1.0, "", "rear", "", "", 25], [1.5, "m1", "hop", "", ""], [2.0, "", "rear", "", "", 50]],
                "media_info": {"length": {"v.mp4": 30.0}, "fps": {"v.mp4": 25.0}},
            }
        },
    }
    path = folder / "a.boris.gz"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))

    def check(labels):
        assert rows(labels) == [(1, 2, "rear")]
        assert labels.stop_s == 30
        assert labels.fps == 25
        assert labels.meta["points"]["individual"].tolist() == ["m1"]

    return path, {}, check


@golden("labels", "fromto")
def _(folder):
    path = text(
        folder,
        "a.csv",
        "file;Experimenter;from;to;type;ID\na;Jin;0;1;StartEnd;v1\na;Jin;2.5;3.5;Rearing;v1\n"
        "b;Oliver;0;1;Start/End;v1\nc;Jin;1;2;Rearing;v2\n",
    )

    def check(labels):
        assert rows(labels) == [(2.5, 3.5, "Rearing")]
        assert labels.raters == ["Jin", "Oliver"]  # Oliver watched and saw nothing
        assert labels.meta["markers"] == 2

    return path, {"recording": "v1"}, check


@golden("labels", "calms21")
def _(folder):
    def check(labels):
        assert rows(labels) == [(0, 0.1, "other"), (0.1, pytest.approx(0.3), "attack")]
        assert labels.raters == ["annotator-id_0"]
        assert labels.exclusive

    return text(folder, "a.json", json.dumps(calms21_content())), {"fps": 10}, check


@golden("labels", "bouts")
def _(folder):
    path = text(folder, "a.csv", "start_s,stop_s,label,individual\n1,2,rear,m1\n")

    def check(labels):
        assert rows(labels) == [(1, 2, "rear")]
        assert labels.individuals == ["m1"]
        assert labels.stop_s == 10

    return path, {"duration_s": 10}, check


@golden("labels", "onehot")
def _(folder):
    path = text(folder, "a.csv", "time,rear,groom\n0.0,1,0\n0.03,1,1\n0.07,0,-1\n0.1,,\n")

    def check(labels):
        assert rows(labels) == [
            (0, pytest.approx(2 / 30), "rear"),
            (pytest.approx(1 / 30), pytest.approx(2 / 30), "groom"),
        ]
        assert labels.stop_s == pytest.approx(0.1)
        assert not labels.exclusive

    return path, {"fps": 30}, check


@golden("labels", "deepethogram")
def _(folder):
    path = text(folder, "v_labels.csv", ",background,rear\n0,1,0\n1,0,1\n2,-1,-1\n3,0,1\n")

    def check(labels):
        assert rows(labels) == [(0.1, 0.2, "rear"), (pytest.approx(0.3), 0.4, "rear")]
        assert labels.to_states(np.arange(4) / 10).values.ravel().tolist() == [0, 1, -1, 1]

    return path, {"fps": 10}, check


# -- the rest ------------------------------------------------------------------------------------


@golden("events", "events_csv")
def _(folder):
    def check(events):
        assert events[["time_s", "label", "value"]].values.tolist() == [[1.5, "shock", 0.5], [2, "tone", 1]]

    return text(folder, "a.csv", "time_s,label,value\n2,tone,1\n1.5,shock,0.5\n"), {}, check


@golden("zones", "zones_csv")
def _(folder):
    path = text(folder, "a.csv", "zone,x,y,radius\nopen.left,0,0,\nopen.left,2,0,\nopen.left,2,3,\nhub,5,5,1\n")

    def check(zones):
        assert zones["open.left"].area == 3
        assert zones["open.left"].kind == "open"
        assert zones["hub"].area == pytest.approx(np.pi)

    return path, {}, check


@golden("zones", "zones_json")
def _(folder):
    def check(zones):
        assert zones["a"].area == 0.5

    return text(folder, "a.json", '{"zones": [{"name": "a", "polygon": [[0,0],[1,0],[1,1]]}]}'), {}, check


def traces_of(values) -> Check:
    def check(traces):
        assert traces.dims == ("time", "unit")
        assert traces["time"].values.tolist() == [0, 0.5, 1]
        assert traces.values.tolist() == values

    return check


VALUES = [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]


@golden("traces", "traces_csv")
def _(folder):
    return text(folder, "a.csv", "time_s,a,b\n0,1,4\n0.5,2,5\n1,3,6\n"), {}, traces_of(VALUES)


@golden("traces", "traces_npz")
def _(folder):
    path = folder / "a.npz"
    np.savez(path, traces=np.array(VALUES).T, time_s=np.array([0, 0.5, 1]))  # (unit, time): the clock tells
    return path, {}, traces_of(VALUES)


@golden("traces", "traces_mat")
def _(folder):
    path = folder / "a.mat"
    scipy.io.savemat(path, {"neuron": {"C": np.array(VALUES).T}, "t": np.array([0, 0.5, 1])})
    return path, {"values": "neuron/C"}, traces_of(VALUES)


@golden("traces", "traces_netcdf")
def _(folder):
    path = folder / "a.nc"
    xr.DataArray(
        np.array(VALUES).T, dims=("unit_id", "time"), coords={"unit_id": [3, 7], "time": [0, 0.5, 1]}, name="C"
    ).to_netcdf(path, engine="scipy")

    def check(traces):
        traces_of(VALUES)(traces)
        assert traces["unit"].values.tolist() == ["3", "7"]

    return path, {}, check


def check_spikes(spikes) -> None:
    assert spikes.units == ["a", "b"]
    assert spikes.times_s["a"].tolist() == [0.5, 2]
    assert spikes.times_s["b"].tolist() == [1]


@golden("spikes", "spikes_csv")
def _(folder):
    return text(folder, "a.csv", "unit,time_s\na,2\nb,1\na,0.5\n"), {}, check_spikes


@golden("spikes", "spikes_npz")
def _(folder):
    path = folder / "a.npz"
    np.savez(path, unit=np.array(["a", "b", "a"]), time_s=np.array([2, 1, 0.5]))
    return path, {}, check_spikes


# -- the register --------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), sorted(GOLDEN), ids="-".join)
def test_golden(kind, name, tmp_path):
    path, options, check = GOLDEN[kind, name](tmp_path)
    assert registry.find(kind, path).name == name  # by content, with no hint
    read = getattr(io, registry.KINDS[kind][0])
    check(read(path, **options))
    check(read(path, source=name, **options))


def test_every_reader_is_registered_golden_and_documented():
    known = {(r.kind, r.name) for r in registry.readers()}
    assert known == set(GOLDEN), "each format needs one golden file, and no more"
    docs = (Path(__file__).parents[2] / "docs" / "reference" / "formats.md").read_text()
    missing = [name for _, name in known if f"`{name}`" not in docs]
    assert not missing, f"docs/reference/formats.md lacks {missing}"


def test_every_format_file_registers_a_reader():
    registering = {r.read.__module__ for r in registry.readers()}
    for kind in ("poses", "labels", "traces"):
        package = __import__(f"murid.io.{kind}", fromlist=["x"])
        for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            if not info.name.rsplit(".", 1)[1].startswith("_"):
                assert info.name in registering, f"{info.name} registers no reader"


def test_formats_table_has_a_row_per_format():
    table = io.formats_table()
    assert len(table) == len(GOLDEN)
    assert all(row["about"] and row["suffixes"] for row in table)


def test_unknown_source_suggests(tmp_path):
    with pytest.raises(DataError, match=r"did you mean 'dlc_csv'"):
        io.read_poses(text(tmp_path, "a.csv", "a,b\n"), source="dlc_cvs")


def test_unknown_option_suggests(tmp_path):
    path, _options, _ = GOLDEN["labels", "fromto"](tmp_path)
    with pytest.raises(DataError, match=r"no option 'recroding'.*'recording'"):
        io.read_labels(path, recroding="v1")


def test_wrong_kind_points_to_the_right_function(tmp_path):
    path, *_ = GOLDEN["labels", "caltech"](tmp_path)
    with pytest.raises(DataError, match=r"looks like labels \(caltech\): use read_labels"):
        io.read_poses(path, fps=10)


def test_nothing_matches_lists_candidates(tmp_path):
    with pytest.raises(DataError, match=r"not recognised as poses.*dlc_csv.*sleap_slp.*source="):
        io.read_poses(text(tmp_path, "a.txt", "hello\n"), fps=10)


def test_two_matches_are_an_error(tmp_path, monkeypatch):
    path, options, _ = GOLDEN["poses", "dlc_csv"](tmp_path)
    twin = registry.Reader("poses", "twin", (".csv",), "a twin", "-", lambda head: True, lambda path: None)
    monkeypatch.setitem(registry._READERS, ("poses", "twin"), twin)
    with pytest.raises(DataError, match=r"several poses formats.*dlc_csv.*twin.*source='dlc_csv'"):
        io.read_poses(path, **options)


def test_a_name_cannot_be_taken_twice():
    with pytest.raises(DataError, match=r"registered twice"):
        registry.pose_reader("dlc_csv", (".x",), sniff=lambda head: False, about="")(lambda path: None)


def test_import_is_cheap():
    heavy = ["pandas", "xarray", "pyarrow", "h5py", "sleap_io"]
    code = f"import sys, murid.io; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
