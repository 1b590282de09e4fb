from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.data.states import make_states
from murid.ethogram import kleinberg


@pytest.mark.parametrize("seed", range(6))
def test_the_path_is_the_cheapest_of_all(seed):
    rng = np.random.default_rng(seed)
    gaps = rng.exponential(1.0, 6) * rng.choice([0.2, 1.0], 6)
    rates = 2.0 ** np.arange(3) * 6 / gaps.sum()
    rise = 0.3 * np.log(6)

    def cost(path):
        steps = np.diff(np.r_[0, path])
        return np.sum(-np.log(rates[list(path)]) + rates[list(path)] * gaps) + rise * steps[steps > 0].sum()

    best = min(product(range(3), repeat=6), key=cost)
    got = kleinberg.cheapest_path(gaps, rates, rise)
    assert cost(tuple(got)) == pytest.approx(cost(best))


def test_a_dense_stretch_is_a_burst():
    t = np.r_[np.arange(0, 20, 2.0), np.arange(20, 22, 0.05), np.arange(22, 42, 2.0)]
    found = kleinberg.bursts(t)
    assert found.loc[0].tolist() == [0, 0.0, 40.0]
    first = found[found["level"] == 1]
    assert len(first) == 1
    assert first["start_s"].iloc[0] == pytest.approx(20.0, abs=0.1)
    assert first["stop_s"].iloc[0] == pytest.approx(22.0, abs=0.1)


def test_a_regular_train_has_no_burst_and_a_high_price_none_either():
    assert set(kleinberg.bursts(np.arange(50.0))["level"]) == {0}
    t = np.cumsum(np.random.default_rng(0).exponential(1.0, 100))
    assert kleinberg.bursts(t, gamma=50.0)["level"].max() == 0
    assert len(kleinberg.bursts([])) == 0
    assert len(kleinberg.bursts([3.0])) == 1


def test_bursts_of_frames_bridge_flicker_and_drop_strays():
    rng = np.random.default_rng(1)
    x = np.zeros(3000, np.int8)
    x[1000:1400] = rng.random(400) < 0.8
    x[2000:2300] = rng.random(300) < 0.8
    strays = np.array([100, 500, 1700, 2800])
    x[strays] = 1
    x[1200] = -1
    states = make_states(x[:, None, None], frame_times(3000, 30.0), ["x"], ["a"])
    got = kleinberg.smooth_by_bursts(states).values.ravel()
    assert got[1200] == -1
    assert (got[strays] == 0).all()
    assert got[1010:1390].sum() >= 0.97 * 378
    assert np.flatnonzero(np.diff((got == 1).astype(int)) == 1).size <= 5  # 2 bouts, parted once by −1
    raw = np.flatnonzero(np.diff((x == 1).astype(int)) == 1).size
    assert raw > 50


def test_repeated_events_and_bad_parameters_are_refused():
    with pytest.raises(DataError, match="two events at one time"):
        kleinberg.bursts([1.0, 1.0, 2.0])
    with pytest.raises(DataError, match="sigma"):
        kleinberg.bursts([1.0, 2.0], sigma=1.0)


@pytest.mark.realdata
def test_bursts_turn_flicker_into_the_bouts_a_person_sees(data_dir):
    # Freezing of a mouse by thresholds alone flickers: 112 bouts where a person saw 20.
    import h5py

    import murid
    from murid.evaluate import score
    from murid.prepare import calibrate

    folder = data_dir / "behaviordepot" / "demo1"
    poses = calibrate(murid.read_poses(folder / "demo1_tracking.csv.gz", fps=50), px_per_cm=32)
    with h5py.File(folder / "hB_demo1_manual_annotations.mat.mat") as file:
        human = np.asarray(file["hBehavior/Freezing/Vector"]).ravel() == 1
    rule = "freezing:\n  when speed_body < 1 cm/s\n  and turn_rate_head_abs < 40 deg/s\n"
    raw = murid.method("rules", rules=rule).apply(murid.Recording("demo1", poses=poses))["states"]
    time, who = raw["time"].values, [str(raw["individual"].values[0])]
    truth = make_states(human[:, None, None].astype(np.int8), time, ["freezing"], who)
    before, after = (
        score(truth, x).table.loc["freezing"] for x in (raw, kleinberg.smooth_by_bursts(raw, sigma=2.0, gamma=0.3))
    )
    assert before["bouts_predicted"] > 100
    assert after["bouts_predicted"] < 45
    assert after["f1"] > before["f1"] + 0.03
    assert after["bout_f1"] > before["bout_f1"] + 0.3
