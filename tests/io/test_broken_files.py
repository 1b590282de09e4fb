"""Files broken in every way a file gets broken: one DataError each, that says where and what to do."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

import murid.io as io
from murid.data.errors import DataError

HEAD = "scorer,S,S,S\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n"
GOOD = HEAD + "0,1,2,1\n1,3,4,1\n2,5,6,1\n"

POSES = {
    "empty": ("", "the file is empty"),
    "blank": ("\n\n\n", "not recognised"),
    "header only": (HEAD, "no rows below the header.*cut off"),
    "header cut": ("scorer,S,S,S\nbodyparts,nose", "not recognised"),
    "row cut off": (HEAD + "0,1,2,1\n1,3,", r"line 5.*expected 4 columns, got 3.*cut off"),
    "ragged row": (HEAD + "0,1,2,1\n1,3,4\n2,5,6,1\n", "line 5.*expected 4 columns, got 3.*repair"),
    "extra cells": (HEAD + "0,1,2,1,9,9\n", "expected 4 columns, got 6"),
    "text in a cell": (HEAD + "0,1,2,1\n1,oops,4,1\n", r"line 5, column 2 \(nose x\).*'oops'"),
    "two bad cells": (HEAD + "0,a,2,1\n1,3,b,1\n", r"(?s)2 faults.*line 4, column 2.*line 5, column 3"),
    "bars for commas": (GOOD.replace(",", "|"), "not recognised"),
    "spaces for commas": (GOOD.replace(",", " "), "not recognised"),
    "repeated column": (
        "scorer,S,S,S,S\nbodyparts,nose,nose,nose,nose\ncoords,x,y,x,y\n0,1,2,3,4\n",
        "(?s)column appears more than once.*nose x|nose x.*column appears more than once",
    ),
    "unknown coordinate": (
        "scorer,S,S,S,S\nbodyparts,nose,nose,nose,nose\ncoords,x,y,likelihood,lilelihood\n0,1,2,1,1\n",
        "unknown coordinate 'lilelihood'.*did you mean 'likelihood'",
    ),
    "y is missing": (
        "scorer,S,S,S,S\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,likelihood\n0,1,2,3,1\n",
        "tail: column 'y' is missing",
    ),
    "header lines differ": (
        "scorer,S,S,S\nbodyparts,nose,nose\ncoords,x,y,likelihood\n0,1,2,1\n",
        "header lines differ in length",
    ),
    "frames go back": (
        HEAD + "0,1,2,1\n2,3,4,1\n1,5,6,1\n",
        "frame numbers do not increase.*expected > 2, got 1|line 6",
    ),
    "frame repeats": (HEAD + "0,1,2,1\n0,3,4,1\n", "line 5.*frame numbers do not increase"),
    "frame is no whole number": (HEAD + "0,1,2,1\n0.5,3,4,1\n", "not whole"),
    "only missing": (HEAD + "0,,,\n1,,,\n", "every position is missing"),
    "infinite": (HEAD + "0,inf,2,1\n", "infinite"),
    "shifted columns": (HEAD + "0,1,2,300\n", r"nose: confidence lies outside 0..1.*shifted"),
    "binary": ("\x00\x01\x02\x00", "not recognised.*binary"),
    "plain, no clock": ("nose_x,nose_y\n1,2\n", "not recognised"),
    "plain, time goes back": ("time_s,nose_x,nose_y\n0,1,2\n0.2,1,2\n0.1,1,2\n", "time does not increase"),
    "plain, time missing": ("time_s,nose_x,nose_y\n0,1,2\n,1,2\n", "time is not finite"),
    "plain, text": ("time_s,nose_x,nose_y\n0,1,2\n0.1,?,2\n", "line 3, column 'nose_x'.*'\\?'"),
    "plain, repeated column": ("frame,nose_x,nose_x,nose_y\n0,1,1,2\n", "column 'nose_x' appears more than once"),
    "long, repeated row": ("frame,keypoint,x,y\n0,nose,1,2\n0,nose,1,2\n", "line 3.*same keypoint appears twice"),
}


@pytest.mark.parametrize("name", POSES)
def test_broken_poses(name, tmp_path):
    content, expected = POSES[name]
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=expected) as error:
        io.read_poses(path, fps=10)
    assert "a.csv" in str(error.value)


CALTECH = "Caltech Behavior Annotator - Annotation File\n\nConfiguration file:\nrear\tr\n\n"
TABLE = CALTECH + "S1:\tstart\tend\ttype\n----\n"
LABELS = {
    "empty": ("", "the file is empty"),
    "no table": (CALTECH, "no table of bouts.*cut off"),
    "empty table": (TABLE, "hold no bouts"),
    "cut off row": (TABLE + "1 10 rear\n11 2", "line 9: row is not complete.*cut off"),
    "backward": (TABLE + "10 1 rear\n", "line 8.*ends before it starts"),
    "frame 0": (TABLE + "0 1 rear\n", "line 8"),
    "bento without channels": ("Bento annotation file\nAnnotation framerate: 10.0\n", "no channels"),
    "bento cut off": (
        "Bento annotation file\nAnnotation framerate: 10.0\n\nCh1------\n>a\nStart Stop Duration\n5",
        "line 7.*not complete",
    ),
    "boris unknown kind": ("Time,Behavior,Behavior type\n1,rear,BEGIN\n", "line 2.*unknown kind of event.*'BEGIN'"),
    "boris point before the film": (
        "Time,Behavior,Behavior type,Time offset (s)\n2,poke,POINT,5\n8,poke,POINT,5\n",
        "poke at -3.000 s: point event before the recording",
    ),
    "boris bad time": ("Time,Behavior,Behavior type\nx,rear,START\n", "line 2, column 'Time'.*'x'"),
    "aggregated without stop": ("Behavior,Start (s),Stop (s)\nrear,1,NA\n", "line 2 .rear.*no stop"),
    "bouts, backward": ("start_s,stop_s,label\n2,1,rear\n", "line 2.*stops before it starts"),
    "bouts, missing": ("start_s,stop_s,label\n2,,rear\n", "line 2.*no start or stop"),
    "bouts, no label": ("start_s,stop_s,label\n2,3,\n", "line 2.*label is empty"),
    "bouts, before 0": ("start_s,stop_s,label\n-2,3,rear\n", "bout starts before the recording"),
    "bouts, ragged": ("start_s,stop_s,label\n1,2\n", "line 2.*expected 3 columns, got 2"),
    "onehot, time goes back": ("time_s,a\n0,1\n0.2,0\n0.1,0\n", "time does not increase"),
    "json cut off": ('{"annotator-id_0": {"s": {"keypoints": [[[1, 2', "JSON is cut off"),
    "calms21 ragged": (
        '{"annotator-id_0": {"s": {"keypoints": [[1]], "annotations": [0, 1], "metadata": {"vocab": {"a": 0}}}}}',
        "vocabulary does not explain",
    ),
    "boris project, unpaired": (
        '{"project_format_version": "7.0", "behaviors_conf": {"0": {"type": "State event", "code": "rear"}}, '
        '"observations": {"o": {"events": [[1, "", "rear", "", ""]]}}}',
        "START without STOP",
    ),
    "boris project, empty": ('{"project_format_version": "7.0", "observations": {}}', "no observations"),
}


@pytest.mark.parametrize("name", LABELS)
def test_broken_labels(name, tmp_path):
    content, expected = LABELS[name]
    path = tmp_path / "a.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=expected) as error:
        io.read_labels(path, fps=10)
    assert "a.txt" in str(error.value)


OTHERS = {
    "event time is text": (io.read_events, "time_s,label\nx,tone\n", "line 2, column 'time_s'"),
    "event time missing": (io.read_events, "time_s,label\n,tone\n", "line 2.*time is missing"),
    "trace text": (io.read_traces, "time_s,a\n0,1\n1,x\n", r"line 3, column 2 \(a\)"),
    "trace time back": (io.read_traces, "time_s,a\n0,1\n0,2\n", "time does not increase"),
    "trace time missing": (io.read_traces, "time_s,a\n0,1\n,2\n", "line 3, column 'time_s'"),
    "trace repeated": (io.read_traces, "time_s,a,a\n0,1,1\n", "column 'a' appears more than once"),
    "trace only missing": (io.read_traces, "time_s,a\n0,\n1,\n", "no finite values"),
    "spike unit missing": (io.read_spikes, "unit,time_s\n,1\n", "line 2"),
    "zone without y": (io.read_zones, "zone,x\na,1\n", "'y'|y"),
    "zone json": (io.read_zones, '{"zones": 3}', "list 'zones' is missing"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_broken_others(name, tmp_path):
    read, content, expected = OTHERS[name]
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=expected):
        read(path)


READERS = [io.read_poses, io.read_labels, io.read_events, io.read_zones, io.read_traces, io.read_spikes]


@pytest.mark.parametrize("read", READERS, ids=lambda f: f.__name__)
def test_no_file(read, tmp_path):
    (tmp_path / "mouse1DLC.csv").write_text(GOOD)
    with pytest.raises(DataError, match=r"no such file.*did you mean 'mouse1DLC.csv'"):
        read(tmp_path / "mouse1DCL.csv")
    with pytest.raises(DataError, match=r"no folder"):
        read(tmp_path / "nowhere" / "a.csv")
    with pytest.raises(DataError, match=r"is a folder.*name the file"):
        read(tmp_path)


@pytest.mark.parametrize("kept", [5, 40, 0.9])
def test_gzip_cut_off(tmp_path, kept):
    body = HEAD + "".join(f"{i},{i * 1.37:.3f},{i * 2.11:.3f},1\n" for i in range(20_000))
    data = gzip.compress(body.encode())
    path = tmp_path / "a.csv.gz"
    path.write_bytes(data[: int(len(data) * kept) if kept < 1 else kept])
    with pytest.raises(DataError, match=r"gzip file is cut off or damaged.*copy the file again"):
        io.read_poses(path, fps=10)


def test_gzip_of_nothing(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match=r"empty"):
        io.read_poses(path, fps=10)


@pytest.mark.parametrize("suffix", [".h5", ".slp", ".nc", ".mat", ".npz"])
def test_binary_files_cut_off(tmp_path, suffix):
    """Cut every binary format in half: recognised or not, the answer is one DataError."""
    whole = tmp_path / "whole.h5"
    columns = pd.MultiIndex.from_tuples([("S", "nose", c) for c in ("x", "y", "likelihood")])
    if suffix == ".npz":
        whole = tmp_path / "whole.npz"
        np.savez(whole, values=np.ones((1000, 2)), time_s=np.arange(1000.0))
    elif suffix == ".mat":
        import scipy.io

        whole = tmp_path / "whole.mat"
        scipy.io.savemat(whole, {"values": np.random.default_rng(0).normal(size=(1000, 2))})
    else:
        pd.DataFrame(np.ones((1000, 3)), columns=columns).to_hdf(whole, key="df")
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    source = {".h5": "dlc_h5", ".slp": "sleap_slp", ".nc": "movement", ".mat": "traces_mat", ".npz": "traces_npz"}[
        suffix
    ]
    read = io.read_traces if suffix in (".mat", ".npz") else io.read_poses
    options = {"rate_hz": 10} if suffix in (".mat", ".npz") else {"fps": 10}
    with pytest.raises(DataError, match=r"cannot be|not recognised"):
        read(path, **options)
    with pytest.raises(DataError, match=r"cannot be"):
        read(path, source=source, **options)
