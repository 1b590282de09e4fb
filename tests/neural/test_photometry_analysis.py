"""Photometry as an analysis: planted transients, bleaching and responses; real recordings."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from murid.data.analysis import find_analysis
from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.data.traces import control_of, make_traces
from murid.neural.photometry import bleaching, low_pass, transients
from murid.neural.photometry_analysis import PhotometryParams, analyse_photometry, correct_channels, count_photometry

RATE = 20.0


@pytest.fixture(scope="module")
def fibre():
    """200 s: bleaching and movement in both channels; a transient of 0.2 dF/F, 0.5 s after each of 18 tones."""
    rng, time = np.random.default_rng(0), np.arange(4000) / RATE
    moving = np.convolve(rng.standard_normal(time.size), np.ones(40) / 40, "same")
    iso = 2 + 0.6 * np.exp(-time / 60) + 0.1 * moving
    tones = np.arange(10.0, 190.0, 10.0) + rng.uniform(-1, 1, 18)
    calcium = sum(0.2 * np.exp(-(((time - tone - 0.5) / 0.3) ** 2)) for tone in tones)
    signal = 1.5 * iso * (1 + calcium) + 0.004 * rng.standard_normal(time.size)
    noisy_iso = iso + 0.004 * rng.standard_normal(time.size)
    traces = make_traces(np.stack([signal, noisy_iso], 1), time_s=time, units=["G_465", "G_405"], kind="photometry")
    return Recording("f", traces=traces, events=pd.DataFrame({"time_s": tones, "label": "tone"})), tones


def measured(recording, states=None, **params):
    chosen = find_analysis("photometry")
    return chosen.check(analyse_photometry(recording, PhotometryParams(**params), states=states))


def test_transients_are_those_that_were_planted(fibre):
    recording, tones = fibre
    found = measured(recording)
    channel = found.frames["channels"].iloc[0]
    assert (channel["unit"], channel["control"], channel["correction"]) == ("G_465", "G_405", "dF/F")
    assert channel["slope"] == pytest.approx(1.5, rel=0.05)
    assert channel["transients"] == 18
    assert channel["transients_per_min"] == pytest.approx(18 / (200 / 60))
    assert channel["size"] == pytest.approx(0.2, abs=0.02)
    assert channel["width_s"] == pytest.approx(2 * 0.3 * np.sqrt(np.log(2)), abs=0.1)
    np.testing.assert_allclose(found.frames["transients"]["time_s"], tones + 0.5, atol=0.15)
    assert found.frames["animals"]["transient_size"][0] == channel["size"]
    assert found.units["transient_size"] == "dF/F"
    # Bleaching from 2.6 to 2.02 of the isosbestic baseline, over the first and the last tenth.
    assert channel["bleached"] == pytest.approx(1 - 2.024 / 2.5, abs=0.03)


def test_responses_to_events_are_tested_and_counted(fibre):
    recording, _ = fibre
    found = measured(recording, after_s=1.0, min_independent=5)
    row = found.frames["responses"].iloc[0]
    assert (row["behaviour"], row["n_events"]) == ("tone", 18)
    assert row["response"] > 1
    assert row["p"] < 0.05
    assert found.frames["animals"]["response:tone"][0] == row["response"]
    whole = count_photometry(found.frames, PhotometryParams())
    assert (whole.summary["tested"], whole.summary["respond"]) == (1, 1)
    assert whole.sentences[0].startswith("1 channel with 5.4 transients a minute")


def test_bleaching_is_corrected_without_a_control_and_the_warning_says_what_is_not(fibre):
    recording, _ = fibre
    found = measured(recording, control="none")
    assert found.frames["channels"]["unit"].tolist() == ["G_465", "G_405"]
    assert any("movement is not corrected" in w for w in found.warnings)
    time = recording.need("traces")["time"].values
    plain = 2 + 0.6 * np.exp(-time / 60)
    peaks = plain + 0.5 * (np.arange(time.size) % 400 < 20)
    np.testing.assert_allclose(bleaching(peaks, time), plain, atol=0.03)


def test_detrended_traces_give_the_difference_and_say_so(fibre):
    recording, _ = fibre
    traces = recording.need("traces")
    flat = traces.copy(data=traces.values - traces.values.mean(axis=0))
    found = measured(recording.replace(traces=flat))
    assert found.frames["channels"]["correction"].tolist() == ["difference"]
    assert any("not raw fluorescence" in w for w in found.warnings)
    assert found.units["transient_size"] == "unit of the trace"


def test_a_channel_that_cannot_be_corrected_is_left_out_with_its_reason(fibre):
    recording, _ = fibre
    traces = recording.need("traces")
    inverted = np.column_stack([traces.values, 5 - traces.values[:, 0]])
    three = make_traces(inverted, time_s=traces["time"].values, units=["G_465", "G_405", "R_560"])
    corrected, channels, warned = correct_channels(three, PhotometryParams(control="G_405"))
    assert corrected["unit"].values.tolist() == ["G_465"]
    assert "runs against the signal" in channels.set_index("unit").at["R_560", "reason"]
    assert any("'R_560' is left out" in w for w in warned)
    with pytest.raises(DataError, match=r"no channel can be corrected.*R_560: the isosbestic channel runs against"):
        correct_channels(three.sel(unit=["R_560", "G_405"]), PhotometryParams(control="G_405"))
    with pytest.raises(DataError, match="no channel 'iso'"):
        correct_channels(three, PhotometryParams(control="iso"))


def test_means_by_state_are_of_the_z_scored_trace(fibre):
    recording, tones = fibre
    time = recording.need("traces")["time"].values
    after = np.zeros(time.size, np.int64)
    for tone in tones:
        after[(time >= tone + 0.2) & (time < tone + 0.8)] = 1
    states = make_states(after, time, ["before", "after"])
    table = measured(recording, states).frames["states"].set_index("behaviour")
    assert table.at["after", "mean"] > 2
    assert table.at["before", "mean"] < 0
    assert table.at["after", "seconds"] == pytest.approx(0.6 * 18, abs=0.6)


def test_controls_are_found_by_name_or_asked_for():
    assert control_of(["a", "b"]) == {"a": None, "b": None}
    assert control_of(["G_465", "G_405"]) == {"G_465": "G_405"}
    assert control_of(["A_465", "B_465", "B_iso", "A_iso"]) == {"A_465": "A_iso", "B_465": "B_iso"}
    with pytest.raises(DataError, match="more than one may belong to 'GCaMP'"):
        control_of(["GCaMP", "iso_left", "iso_right"])


def test_noise_alone_has_hardly_a_transient_and_gaps_are_none():
    x = np.random.default_rng(1).standard_normal(20 * 3600 * 3)
    x[5000:6000] = np.nan
    noise = low_pass(make_traces(x, rate_hz=20), 3.0)
    assert len(transients(noise)) / 180 == pytest.approx(0.04, abs=0.015), "a minute"
    assert np.isnan(noise.values[5000:6000]).all()
    assert np.isfinite(noise.values[:5000]).all()


@pytest.mark.realdata
def test_reward_cues_of_a_pyphotometry_recording(data_dir):
    raw = gzip.decompress((data_dir / "pyphotometry" / "m53_NAc_L-2019-11-24-093939.ppd.gz").read_bytes())
    size = int.from_bytes(raw[:2], "little")
    head = json.loads(raw[2 : 2 + size])
    values = (np.frombuffer(raw[2 + size :], "<u2") >> 1).reshape(-1, 2) * np.array(head["volts_per_division"])
    part = values[: len(values) // 10 * 10].reshape(-1, 10, 2).mean(axis=1)  # 90 min at 13 Hz
    traces = make_traces(part, rate_hz=13, units=["GCaMP", "control"], kind="photometry")
    cues = np.load(data_dir / "pyphotometry" / "reward_cue_times.npy")
    events = pd.DataFrame({"time_s": cues, "label": "reward"})
    with pytest.warns(UserWarning, match="correlate only"):
        found = measured(Recording("m53", traces=traces, events=events), control="control")
    row = found.frames["responses"].iloc[0]
    assert row["response"] > 0.2
    assert row["p"] < 0.05
    assert 1 < found.frames["channels"]["transients_per_min"][0] < 4
