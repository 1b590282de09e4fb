"""Traps of trace, spike, event and zone files."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import murid.io as io
from murid.data.errors import DataError
from murid.data.poses import make_poses


def write(folder, content, name="a.csv"):
    path = folder / name
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("poseest", r"got pose estimates of JABS; -> write them as a table"),
        ("session_start_time", r"got an NWB file; -> .*movement"),
    ],
)
def test_hdf5_files_that_nothing_reads_say_what_to_do(tmp_path, group, said):
    path = tmp_path / "m1.h5"
    with h5py.File(path, "w") as file:
        file.create_group(group)
    for read in (io.read_poses, io.read_traces):
        with pytest.raises(DataError, match=said):
            read(path)


def test_event_roles_are_proposed_not_taken(tmp_path):
    path = write(tmp_path, "Timestamp,Event code\n1500,shock\n")
    with pytest.raises(DataError, match=r"time='Timestamp', label='Event code'"):
        io.read_events(path)
    events = io.read_events(path, time="Timestamp", label="Event code", unit="ms")
    assert events[["time_s", "label"]].values.tolist() == [[1.5, "shock"]]
    with pytest.raises(DataError, match=r"unknown unit of time"):
        io.read_events(path, time="Timestamp", label="Event code", unit="h")


def test_trace_table_without_a_time_column(tmp_path):
    path = write(tmp_path, "a,b\n1,2\n3,4\n")
    with pytest.raises(DataError, match=r"no time column.*rate_hz"):
        io.read_traces(path)
    assert io.read_traces(path, rate_hz=10)["time"].values.tolist() == [0, 0.1]
    assert io.read_traces(path, time="a", units=["b"]).values.tolist() == [[2], [4]]
    with pytest.raises(DataError, match=r"no column 'c'"):
        io.read_traces(path, rate_hz=10, units=["c"])


def test_which_axis_is_time(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, values=np.ones((3, 3)), time_s=np.arange(3))
    with pytest.raises(DataError, match=r"which axis is time"):
        io.read_traces(path)
    np.savez(path, values=np.ones((2, 5)), time_s=np.arange(3))
    with pytest.raises(DataError, match=r"no axis of values fits the clock"):
        io.read_traces(path)
    np.savez(path, a=np.ones(3), b=np.ones(3))
    with pytest.raises(DataError, match=r"which array is the values.*values='\.\.\.'"):
        io.read_traces(path, rate_hz=10)


def test_matlab_73_is_put_back_in_order(tmp_path):
    path = tmp_path / "a.mat"
    truth = np.arange(8.0).reshape(4, 2)  # (time, unit) in MATLAB
    with h5py.File(path, "w", userblock_size=512) as handle:
        handle["traces"] = truth.T
        handle["t"] = np.arange(4.0)[None]
    data = bytearray(path.read_bytes())
    data[:19] = b"MATLAB 7.3 MAT-file"
    path.write_bytes(data)
    np.testing.assert_array_equal(io.read_traces(path).values, truth)


def test_pickled_arrays_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(DataError, match=r"pickled objects"):
        io.read_spikes(path)


def test_spikes_one_array_per_unit(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, u1=np.array([1.0, 2.0]), u2=np.array([3.0]))
    spikes = io.read_spikes(path, stop_s=10)
    assert spikes.times_s["u1"].tolist() == [1, 2]
    assert spikes.stop_s == 10


def test_zone_faults(tmp_path):
    path = write(tmp_path, "zone,x,y,radius\na,0,0,\na,1,1,\nb,1,1,-2\n")
    with pytest.raises(DataError) as error:
        io.read_zones(path)
    assert len(error.value.faults) == 2


@pytest.fixture
def maze():
    rng = np.random.default_rng(0)
    corners = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)
    position = np.repeat(corners.T[None, :, :, None], 50, axis=0) + rng.normal(0, 0.01, (50, 2, 4, 1))
    confidence = np.ones((50, 4, 1))
    position[:30, :, 0] = 99.0  # the animal sits on the corner
    confidence[:, 0] = 0.5
    confidence[:30, 0] = 0.49
    return make_poses(position, confidence, keypoints=["tl", "tr", "br", "bl"], fps=10)


def test_zones_from_points_take_the_median_of_sure_frames(maze):
    zones = io.zones_from_points({"arena": ["tl", "tr", "br", "bl"]}, maze)
    assert zones["arena"].area == pytest.approx(100, abs=0.5)
    assert zones["arena"].kind == "arena"


def test_zones_from_points_faults(maze, tmp_path):
    info = write(tmp_path, "arena;half\ntl;tl\ntr;tx\nbr;\n")
    with pytest.raises(DataError, match=r"point 'tx' is no keypoint"):
        io.zones_from_points(info, maze)
    with pytest.raises(DataError, match=r"never seen"):
        io.zones_from_points({"a": ["tl", "tr", "br"]}, maze, min_confidence=2)
    with pytest.raises(DataError, match=r"too few corners"):
        io.zones_from_points({"a": ["tl", "tr"]}, maze)


def test_marks_of_behaviours_in_a_table_of_signals_are_no_signals(tmp_path):
    path = write(tmp_path, "time_s,open_arm,GCaMP,freeze\n0,0,0.5,1\n0.1,1,0.25,0\n0.2,1,0.1,\n")
    with pytest.warns(UserWarning, match="not read as signals: open_arm, freeze"):
        assert io.read_traces(path)["unit"].values.tolist() == ["GCaMP"]
    assert io.read_traces(path, units=["open_arm", "GCaMP"]).sizes["unit"] == 2
    events = write(tmp_path, "time_s,u1,u2\n0,0,1\n0.1,1,0\n", "b.csv")
    assert io.read_traces(events).sizes["unit"] == 2
