"""Files of events, zones, traces and spikes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
import xarray as xr

from tests.io.golden import Check, golden, text


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
    return text(folder, "a.csv", "unit,time_s\na,2\nb,1\na,0.5\n"), {"stop_s": 3.0}, check_spikes


@golden("spikes", "spikes_npz")
def _(folder):
    path = folder / "a.npz"
    np.savez(path, unit=np.array(["a", "b", "a"]), time_s=np.array([2, 1, 0.5]))
    return path, {"stop_s": 3.0}, check_spikes
