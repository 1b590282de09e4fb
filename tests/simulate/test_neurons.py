"""Neurons: tuned ones follow, untuned ones have memory and drift but do not follow, clocks are known."""

from __future__ import annotations

import numpy as np
import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.data.pulses import match_pulses
from murid.data.states import mask_of


@pytest.fixture(scope="module")
def recording():
    return simulate.recording(duration_s=600, seed=3)


@pytest.fixture(scope="module")
def states(recording):
    return simulate.true_states(recording)


def correlations(signal, states, behaviour):
    time = signal["time"].values
    mask = np.interp(time, states["time"].values, mask_of(states, behaviour, "mouse_1"))
    return np.array([np.corrcoef(mask, signal.values[:, i])[0, 1] for i in range(signal.sizes["unit"])])


@pytest.mark.parametrize("kind", ["calcium", "rate", "spikes", "photometry"])
def test_tuned_units_stand_out(states, kind):
    signal, truth = simulate.units(
        states,
        n_units=12,
        tuned={"rest": [2, 5]},
        inhibited={"rest": [7]},
        strength=2.0,
        tau_s=0.5,
        kind=kind,
        rate_hz=10,
        seed=1,
    )
    if kind == "spikes":
        signal = signal.binned(0.1)
    r = correlations(signal, states, "rest")[:12]
    assert set(np.argsort(r)[-2:]) == {2, 5}
    assert r.argmin() == 7
    assert truth.set_index("unit")["sign"].to_dict() == {"unit_2": 1, "unit_5": 1, "unit_7": -1}


def test_noise_has_the_asked_memory_and_drift(states):
    signal, truth = simulate.units(states, n_units=60, kind="rate", tau_s=2.0, rate_hz=10, seed=4)
    assert truth.empty
    drive = np.log(signal.values.astype(float))
    drive = (drive - drive.mean(axis=0)) / drive.std(axis=0)
    for lag_s in (1.0, 2.0, 4.0):
        lag = round(lag_s * 10)
        assert (drive[:-lag] * drive[lag:]).mean() == pytest.approx(np.exp(-lag_s / 2.0), abs=0.06)
    trending, _ = simulate.units(states, n_units=60, kind="rate", tau_s=2.0, rate_hz=10, drift=4.0, seed=4)
    slopes = np.abs([np.corrcoef(np.arange(len(t)), t)[0, 1] for t in np.log(trending.values).T])
    assert slopes.min() > 0.5


@pytest.mark.parametrize("lag_s", [0.5, -0.3])
def test_lag_is_where_the_correlation_peaks(states, lag_s):
    signal, _ = simulate.units(
        states, n_units=1, tuned={"walk": 1}, strength=6, kind="rate", tau_s=0.1, lag_s=lag_s, rate_hz=20
    )
    mask = np.interp(signal["time"].values, states["time"].values, mask_of(states, "walk"))
    wave = signal.values[:, 0] - signal.values.mean()
    lags = np.arange(-40, 41)
    r = [np.dot(np.roll(mask - mask.mean(), k), wave) for k in lags]
    assert lags[int(np.argmax(r))] / 20 == pytest.approx(lag_s, abs=0.1)


def test_own_clock_is_found_by_pulses(states):
    signal, truth = simulate.units(states, n_units=2, offset_s=12.5, ppm=80, rate_hz=10)
    pulses, seen = simulate.sync_pulses(600, offset_s=12.5, ppm=80, lost=0.1, seed=2)
    clock = match_pulses(seen, pulses)
    assert clock.ppm == pytest.approx(-80, abs=3)
    assert clock(signal["time"].values[0]) == pytest.approx(0, abs=0.005)
    assert truth.attrs["offset_s"] == 12.5


def test_speed_and_place(recording, states):
    signal, truth = simulate.units(
        states,
        n_units=6,
        tuned={"speed": [0], "place": [1]},
        strength=4,
        kind="rate",
        tau_s=0.2,
        rate_hz=10,
        poses=recording.poses,
    )
    centre = recording.poses["position"].sel(keypoint="centre").values[..., 0] / 10.0
    speed = np.hypot(*np.gradient(centre, 1 / 30, axis=0).T)
    at = np.clip((signal["time"].values * 30).astype(int), 0, len(speed) - 1)
    r = [np.corrcoef(speed[at], signal.values[:, i])[0, 1] for i in range(6)]
    assert int(np.argmax(r)) == 0
    gap = np.hypot(*(centre[at] - np.array(truth.attrs["fields"]["unit_1"])).T)
    r = [np.corrcoef(gap < 6, signal.values[:, i])[0, 1] for i in range(6)]
    assert int(np.argmax(r)) == 1


def test_spikes_have_the_asked_rate(states):
    spikes, _ = simulate.units(states, n_units=20, kind="spikes", base_rate_hz=5.0, seed=2)
    rates = [len(t) / 600 for t in spikes.times_s.values()]
    assert np.mean(rates) == pytest.approx(5.0, rel=0.06)


def test_faults_are_named(states):
    with pytest.raises(DataError) as error:
        simulate.units(states, n_units=3, tuned={"wlk": 1, "speed": 1, "rest": 4})
    assert "did you mean 'walk'" in str(error.value)
    assert len(error.value.faults) == 3
