"""Traces and spikes on their own clock."""

import numpy as np
import pytest

import murid
from murid.data import store
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


def test_only_whole_bins_are_counted():
    for stop, width, bins in ((10, 0.1, 100), (10, 0.3, 33), (60, 1 / 30, 1800), (600, 0.1, 6000), (10.05, 0.1, 100)):
        counts = murid.Spikes({"u": np.arange(0.005, stop, 0.01)}, 0, stop).binned(width).values[:, 0]
        assert len(counts) == bins
        assert counts[-1] == pytest.approx(100 * width, abs=1)


def test_spikes_with_an_unknown_end_keep_the_last_one():
    with pytest.warns(murid.MuridWarning, match=r"taken to be the last spike, at 1 s.*give stop_s"):
        spikes = murid.Spikes({"u": [0.05, 1.0]})
    assert spikes.times_s["u"].tolist() == [0.05, 1.0]
    assert not spikes.end_known
    with pytest.warns(murid.MuridWarning, match=r"as long as the film, to 9 s \(last spike at 1 s\)"):
        longer = spikes.lasting_to(9.0, "the film")
    assert (longer.stop_s, longer.end_known) == (9.0, False)
    given = murid.Spikes({"u": [0.05, 1.0]}, 0.0, 4.0)
    assert given.lasting_to(9.0, "the film").stop_s == 4.0


def test_a_study_and_a_mapped_clock_remember_that_the_end_is_not_known(tmp_path):
    guessed = murid.Spikes({"u": [0.05, 1.0]}, 0.0, 1.5, end_known=False)
    store.write_spikes(guessed, tmp_path / "s.npz")
    assert store.read_spikes_file(tmp_path / "s.npz").end_known is False
    moved = murid.Recording("r", spikes=guessed).map_clock("spikes", fit_clock([0, 100.0], [5.0, 105.0]))
    assert moved.need("spikes").end_known is False


def test_spikes_outside_the_recorded_stretch_are_left_out():
    with pytest.warns(UserWarning, match="2 spikes outside 0-2 s"):
        spikes = murid.Spikes({"u": [-0.5, 0.05, 1.0, 99.0]}, 0, 2.0)
    assert spikes.times_s["u"].tolist() == [0.05, 1.0]


def test_a_mapped_clock_knows_its_rate_and_keeps_what_spikes_know():
    poses = murid.make_poses(np.zeros((100, 2, 1, 1)), keypoints=["nose"], fps=1)
    recording = murid.Recording("r", poses=poses, spikes=murid.Spikes({"u": [1.0]}, 0, 5, {"probe": "a"}))
    clock = fit_clock([0, 100.0], [5.0, 5 + 100 / 30])
    assert recording.map_clock("poses", clock).need("poses").attrs["fps"] == pytest.approx(30)
    assert recording.map_clock("spikes", clock).need("spikes").meta == {"probe": "a"}
