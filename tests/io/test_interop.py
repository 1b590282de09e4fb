"""Exchange with movement and pynapple."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import murid.io as io
from murid.data.bouts import make_bouts, make_events
from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.data.traces import Spikes, make_traces


def frames_dataset():
    return xr.Dataset(
        {"position": (("time", "space", "individual", "keypoint"), np.arange(4.0).reshape(2, 2, 1, 1))},
        coords={"time": [0, 1], "space": ["x", "y"], "keypoint": ["nose"], "individual": ["m1"]},
        attrs={"time_unit": "frames", "fps": "None", "ds_type": "poses"},
    )


def test_movement_that_counts_frames_needs_a_rate():
    with pytest.raises(DataError, match=r"frame rate is not known"):
        io.from_movement(frames_dataset())
    poses = io.from_movement(frames_dataset(), fps=10)
    assert poses["time"].values.tolist() == [0, 0.1]
    assert poses["position"].dims == ("time", "space", "keypoint", "individual")


def test_movement_faults():
    with pytest.raises(DataError, match=r"'position' is missing"):
        io.from_movement(xr.Dataset())
    with pytest.raises(DataError, match=r"wrong axes"):
        io.from_movement(frames_dataset().isel(individual=0, drop=True))


def test_movement_attributes_fit_netcdf():
    poses = make_poses(np.ones((2, 2, 1, 1)), keypoints=["a"], fps=10, notes=["not", "text"])
    assert "notes" not in io.to_movement(poses).attrs


@pytest.fixture
def nap():
    return pytest.importorskip("pynapple")


def test_traces(nap):
    traces = make_traces(np.arange(6).reshape(3, 2), rate_hz=10, units=["a", "b"], kind="dff")
    there = io.to_pynapple(traces)
    assert isinstance(there, nap.TsdFrame)
    assert list(there.columns) == ["a", "b"]
    xr.testing.assert_equal(io.from_pynapple(there), traces)


def test_spikes(nap):
    spikes = Spikes({"u1": np.array([0.5, 2.0]), "u2": np.array([1.0])}, 0.0, 3.0)
    there = io.to_pynapple(spikes)
    assert isinstance(there, nap.TsGroup)
    assert float(there.time_support.end[0]) == 3.0
    again = io.from_pynapple(there)
    assert again.units == ["u1", "u2"]
    assert again.times_s["u1"].tolist() == [0.5, 2.0]
    assert again.stop_s == 3.0


def test_bouts(nap):
    bouts = make_bouts(
        start_s=[0.0, 2.0, 1.0], stop_s=[0.5, 3.0, 1.5], label=["rear", "rear", "groom"], individual=["a", "b", "a"]
    )
    there = io.to_pynapple(bouts)
    assert set(there) == {"rear", "groom"}
    assert there["rear"].tot_length() == pytest.approx(1.5)
    again = io.from_pynapple(there)
    columns = ["start_s", "stop_s", "label", "individual"]
    assert again[columns].values.tolist() == bouts[columns].values.tolist()


def test_overlapping_bouts_are_merged(nap):
    bouts = make_bouts(start_s=[0.0, 0.5], stop_s=[1.0, 2.0], label="rear")
    with pytest.warns(UserWarning, match="touch or overlap become one interval"):
        assert io.to_pynapple(bouts)["rear"].values.tolist() == [[0.0, 2.0]]


def test_what_a_ts_cannot_hold_is_warned_of(nap):
    events = make_events(time_s=[1.0, 2.0], label=["a", "a"], value=[0.5, 0.7], individual=["m1", "m2"])
    with pytest.warns(UserWarning, match="values and individuals of events have no place"):
        back = io.from_pynapple(io.to_pynapple(events))
    assert back["individual"].tolist() == ["all", "all"]


def test_events(nap):
    events = make_events(time_s=[1.0, 2.0], label=["tone", "shock"])
    again = io.from_pynapple(io.to_pynapple(events))
    assert again[["time_s", "label"]].values.tolist() == [[1.0, "tone"], [2.0, "shock"]]


def test_nothing_else(nap):
    with pytest.raises(DataError, match=r"no pynapple object means the same"):
        io.to_pynapple(np.ones(3))
    with pytest.raises(DataError, match=r"not a pynapple object"):
        io.from_pynapple(np.ones(3))


def test_signals_saved_by_pynapple(nap, tmp_path):
    values = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    time = np.arange(20) / 30
    nap.TsdFrame(t=time, d=values, columns=["a", "b"]).save(str(tmp_path / "a.npz"))
    with pytest.warns(UserWarning, match=r"names of columns are stored as pickled objects.*units="):
        io.read_traces(tmp_path / "a.npz")
    traces = io.read_traces(tmp_path / "a.npz", units=["a", "b"])
    np.testing.assert_array_equal(traces.values, values)
    # Older releases of pynapple round times to its grid of a nanosecond.
    np.testing.assert_allclose(traces["time"], time, rtol=0, atol=0.5e-9)
    nap.Tsd(t=time, d=values[:, 0]).save(str(tmp_path / "b.npz"))
    np.testing.assert_array_equal(io.read_traces(tmp_path / "b.npz").values[:, 0], values[:, 0])


def test_spikes_saved_by_pynapple(nap, tmp_path):
    times = {3: np.array([0.5, 2.0]), 7: np.array([1.0]), 9: np.array([])}
    support = nap.IntervalSet(0, 3)
    group = nap.TsGroup({k: nap.Ts(t, time_support=support) for k, t in times.items()}, time_support=support)
    group.save(str(tmp_path / "g.npz"))
    spikes = io.read_spikes(tmp_path / "g.npz")
    assert {u: t.tolist() for u, t in spikes.times_s.items()} == {"3": [0.5, 2.0], "7": [1.0], "9": []}
    assert (spikes.start_s, spikes.stop_s) == (0.0, 3.0)
    with pytest.raises(DataError, match="no unit '8'"):
        io.read_spikes(tmp_path / "g.npz", units=["8"])
