"""Traces and spikes on their own clock."""

import numpy as np
import pytest

import murid
from murid.data.clock import fit_clock


def test_traces_contract():
    traces = murid.make_traces(np.arange(10.0), rate_hz=20, kind="photometry")
    assert traces.dims == ("time", "unit")
    assert traces["time"].values[1] == pytest.approx(0.05)
    with pytest.raises(murid.DataError, match="either time_s or rate_hz"):
        murid.make_traces(np.arange(10.0))
    with pytest.raises(murid.DataError, match="no finite"):
        murid.make_traces(np.full(10, np.nan), rate_hz=1)


def test_spike_counts_add_up():
    spikes = murid.Spikes({"a": [0.1, 0.2, 3.9], "b": [1.0]}, 0.0, 4.0)
    counts = spikes.binned(0.5)
    assert counts.sum("time").values.tolist() == [3, 1]
    assert counts.sizes["time"] == 8
    with pytest.raises(murid.DataError, match="not finite"):
        murid.Spikes({"a": [np.nan]})


def test_recording_maps_the_neural_clock_onto_its_own():
    recording = murid.Recording("r", traces=murid.make_traces(np.arange(10.0), rate_hz=10))
    moved = recording.map_clock("traces", fit_clock([0, 1], [5, 6.001]))
    assert moved.traces["time"].values[0] == pytest.approx(5)
    assert recording.traces["time"].values[0] == 0
