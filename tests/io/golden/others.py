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


def ppd(folder):
    """Three samples of two channels: 15 bits of signal, and the digital line below them."""
    import json

    header = json.dumps({"sampling_rate": 2, "volts_per_division": [0.5, 1.0], "subject_ID": "m1"}).encode()
    samples = [(1 << 1, 4 << 1), (2 << 1 | 1, 5 << 1), (3 << 1 | 1, 6 << 1 | 1)]
    path = folder / "a.ppd"
    body = np.array(samples, "<u2").tobytes()
    path.write_bytes(len(header).to_bytes(2, "little") + header + body)
    return path


@golden("traces", "pyphotometry")
def _(folder):
    return ppd(folder), {}, traces_of([[0.5, 4.0], [1.0, 5.0], [1.5, 6.0]])


@golden("events", "pyphotometry_events")
def _(folder):
    def check(events):
        assert events[["time_s", "label"]].values.tolist() == [[0.5, "digital_1"], [1.0, "digital_2"]]

    return ppd(folder), {}, check


def raster(folder):
    """Two trials of four bins, the event at the third."""
    path = folder / "u7.mat"
    labels = np.array(["novel", "empty"], dtype=object)
    scipy.io.savemat(
        path,
        {
            "raster_data": np.array([[1, 0, 0, 0], [0, 2, 0, 1]], float),
            "raster_labels": {"stimulus_ID": labels},
            "raster_site_info": {"alignment_event_time": 3.0},
        },
    )
    return path


@golden("spikes", "trial_raster")
def _(folder):
    def check(spikes):
        # A bin of .1 s: middles at .05, and in the second trial (from .4 s) at .55 twice and .75.
        np.testing.assert_allclose(spikes.times_s["u7"], [0.05, 0.55, 0.55, 0.75])
        assert spikes.stop_s == pytest.approx(0.8)
        assert spikes.meta["event_s"] == pytest.approx(0.2)

    return raster(folder), {"bin_s": 0.1}, check


@golden("events", "trial_raster_events")
def _(folder):
    def check(events):
        assert events["label"].tolist() == ["novel", "empty"]
        np.testing.assert_allclose(events["time_s"], [0.2, 0.6])

    return raster(folder), {"bin_s": 0.1}, check
