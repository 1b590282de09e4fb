"""Files of trials and of photometry as laboratories have them, and what is refused in them."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.io

from murid import io
from murid.data.errors import DataError


@pytest.mark.realdata
def test_social_units_against_their_own_arrays(data_dir):
    folder = data_dir / "social_units"
    for path in sorted(folder.glob("mPFC/*.mat")):
        raw = scipy.io.loadmat(path, simplify_cells=True)
        spikes, events = io.read_spikes(path), io.read_events(path)
        (times,) = spikes.times_s.values()
        assert len(times) == raw["raster_data"].sum()
        trial = (times // 6).astype(int)
        assert np.bincount(trial, minlength=19).tolist() == raw["raster_data"].sum(axis=1).tolist()
        assert events["label"].tolist() == raw["raster_labels"]["stimulus_ID"].tolist()
        np.testing.assert_allclose(events["time_s"], 6 * np.arange(19) + 3.0)
    transposed = sorted(folder.glob("RE/*.mat"))[0]  # MATLAB 7.3
    assert io.read_spikes(transposed).meta["trials"] == 26
    counts = io.read_events(transposed)["label"].value_counts()
    assert counts.to_dict() == {"socialA": 10, "novel": 8, "empty": 5, "socialB": 3}


@pytest.mark.realdata
@pytest.mark.slow
def test_pyphotometry_recording(data_dir):
    path = next((data_dir / "pyphotometry").glob("*.ppd.gz"))
    traces, events = io.read_traces(path), io.read_events(path)
    assert traces.shape == (705_249, 2)
    assert float(traces["time"][-1]) == pytest.approx(5425, abs=0.1)
    assert traces.attrs["subject_ID"] == "m53_NAc_L"
    assert float(traces.min()) > 0
    assert float(traces.max()) < 3.3
    assert len(events)
    assert (np.diff(events.loc[events["label"] == "digital_1", "time_s"]) > 0).all()


def ppd(path, body, **header):
    head = json.dumps({"sampling_rate": 130, "volts_per_division": [1, 1], **header}).encode()
    path.write_bytes(len(head).to_bytes(2, "little") + head + body)
    return path


def test_a_recording_stopped_between_channels_loses_that_sample(tmp_path):
    path = ppd(tmp_path / "a.ppd", np.array([2, 4, 6], "<u2").tobytes())
    assert io.read_traces(path).values.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("body", "header", "said"),
    [(b"\x01", {}, "cut off"), (b"", {}, "cut off"), (b"\x01\x00\x02\x00", {"volts_per_division": [1, 1, 1]}, "2 num")],
)
def test_broken_ppd(tmp_path, body, header, said):
    with pytest.raises(DataError, match=said):
        io.read_traces(ppd(tmp_path / "a.ppd", body, **header))


def mat(path, **changes):
    whole = {
        "raster_data": np.eye(3),
        "raster_labels": {"stimulus_ID": np.array(["a", "b", "c"], dtype=object)},
        "raster_site_info": {"alignment_event_time": 2.0},
    }
    scipy.io.savemat(path, {k: v for k, v in {**whole, **changes}.items() if v is not None})
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"raster_data": np.full((2, 3), 0.5)}, "no raster"),
        ({"raster_site_info": {"alignment_event_time": 9.0}}, "outside the trial"),
        ({"raster_site_info": None}, "at which bin"),
    ],
)
def test_broken_rasters(tmp_path, changes, said):
    with pytest.raises(DataError, match=said):
        io.read_spikes(mat(tmp_path / "u.mat", **changes))


def test_events_of_a_raster_need_one_label_a_trial(tmp_path):
    labels = {"stimulus_ID": np.array(["a", "b"], dtype=object)}
    with pytest.raises(DataError, match="3 trials"):
        io.read_events(mat(tmp_path / "u.mat", raster_labels=labels))
    two = {"one": np.array(["a", "b", "c"], dtype=object), "two": np.array(["d", "e", "f"], dtype=object)}
    path = mat(tmp_path / "v.mat", raster_labels=two)
    with pytest.raises(DataError, match="which label"):
        io.read_events(path)
    assert io.read_events(path, label="two")["label"].tolist() == ["d", "e", "f"]
    assert isinstance(io.read_events(path, label="one"), pd.DataFrame)
