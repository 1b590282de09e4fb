"""Means by state and photometry: golden values and known truth."""

import numpy as np
import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.data.states import make_states
from murid.data.traces import make_traces
from murid.neural import by_state, dff, fit_isosbestic, zscore

ARMS = ["open_arm", "closed_arm", "center"]


@pytest.fixture(scope="module")
def epm(data_dir):
    table = pd.read_csv(data_dir / "photometry_epm" / "F0002_epm_30fps.csv.gz")
    time = table["time_s"].to_numpy()
    states = make_states(table[ARMS].to_numpy()[:, None].astype(np.int8), time, ARMS)
    return table, states


def _means(epm, column, scale):
    table, states = epm
    traces = make_traces(table[column] * 1e3, time_s=table["time_s"])
    return by_state(traces, states, scale=scale).set_index("behaviour")["mean"]


@pytest.mark.realdata
def test_epm_signal_is_higher_in_the_open_arms(epm):
    # The source prints +0.467; the file gives 0.46648.
    np.testing.assert_allclose(_means(epm, "detr_GCaMP6s", "z")[ARMS], [0.467, -0.092, -0.180], atol=6e-4)
    np.testing.assert_allclose(_means(epm, "detr_GCaMP6s_iso", "z")[ARMS], [0.138, -0.039, 0.123], atol=6e-4)


@pytest.mark.realdata
def test_epm_arm_statistics_as_published(epm, data_dir):
    published = pd.read_csv(data_dir / "photometry_epm" / "arm_statistics.csv").set_index("mouse").loc["F0002"]
    found = _means(epm, "signal_jRGECO1a_0", "median_sd")
    assert found["closed_arm"] == pytest.approx(published["CeM_closed_arm"], abs=1e-5)
    assert found["open_arm"] == pytest.approx(published["CeM_open_arm"], abs=1e-5)


@pytest.mark.realdata
def test_epm_occupancy(epm):
    table, states = epm
    share = by_state(make_traces(table["detr_GCaMP6s"], time_s=table["time_s"]), states).set_index("behaviour")["share"]
    np.testing.assert_allclose(100 * share[ARMS], [16.91, 75.38, 7.52], atol=0.005)


def test_by_state_blocks_and_unlabelled():
    states = make_states([0] * 50 + [1] * 30 + [-1] * 20, np.arange(100) / 10, ["a", "b"])
    values = np.concatenate([np.ones(50), np.full(30, 3.0), np.full(20, 100.0)])
    table = by_state(make_traces(values, rate_hz=10), states, seconds_per_block=1.0).set_index("behaviour")
    assert table["mean"].tolist() == [1, 3]
    assert table["n_blocks"].tolist() == [5, 3]
    assert table["share"].tolist() == pytest.approx([50 / 80, 30 / 80])
    assert table["block_sd"].tolist() == [0, 0]


@pytest.fixture
def fibre():
    """Signal = 2 x isosbestic (bleaching, movement) x (1 + transients)."""
    rng = np.random.default_rng(0)
    time = np.arange(6000) / 20
    iso = 1 + 0.5 * np.exp(-time / 100) + 0.05 * np.convolve(rng.standard_normal(6000), np.ones(20) / 20, "same")
    transients = np.zeros(6000)
    for start in range(200, 6000, 400):
        transients[start : start + 100] += 0.3 * np.exp(-np.arange(100) / 30)
    noise = 0.002 * rng.standard_normal((2, 6000))
    return time, 2 * iso * (1 + transients) + noise[0], iso + noise[1], transients


def test_robust_fit_ignores_transients(fibre):
    _, signal, iso, _ = fibre
    offset, slope = fit_isosbestic(signal, iso)
    assert slope == pytest.approx(2, rel=0.03)
    assert offset == pytest.approx(0, abs=0.05)
    plain = fit_isosbestic(signal, iso, robust=False)
    expected = np.polyfit(iso, signal, 1)
    np.testing.assert_allclose(plain, expected[::-1], rtol=1e-6)
    np.testing.assert_allclose(fit_isosbestic(signal * 1e-6, iso * 1e3), (offset * 1e-6, slope * 1e-9), rtol=1e-6)


def test_robust_fit_equals_statsmodels(fibre):
    import statsmodels.api as sm

    _, signal, iso, _ = fibre
    reference = sm.RLM(signal, sm.add_constant(iso), M=sm.robust.norms.TukeyBiweight()).fit().params
    np.testing.assert_allclose(fit_isosbestic(signal, iso), reference, atol=5e-3)


def test_dff_recovers_the_transients(fibre):
    time, signal, iso, transients = fibre
    out = dff(make_traces(signal, time_s=time), make_traces(iso, time_s=time))
    assert np.corrcoef(out.values[:, 0], transients)[0, 1] > 0.99
    assert np.abs(out.values[:, 0] - transients).max() < 0.03
    assert out.attrs["kind"] == "dff"
    assert out.attrs["slope"][0] == pytest.approx(2, rel=0.03)


def test_dff_says_what_is_wrong(fibre):
    time, signal, iso, _ = fibre
    with pytest.raises(DataError, match="not above 0"):
        dff(make_traces(signal - signal.mean(), time_s=time), make_traces(iso, time_s=time))
    with pytest.warns(UserWarning, match="correlate only"):
        dff(make_traces(signal, time_s=time), make_traces(np.random.default_rng(0).random(6000), time_s=time))
    with pytest.raises(DataError, match="different clocks"):
        dff(make_traces(signal, time_s=time), make_traces(iso, time_s=time + 1))


def test_inverted_and_saturated_channels(fibre):
    time, signal, iso, _ = fibre
    with pytest.raises(DataError, match="runs against the signal"):
        dff(make_traces(signal, time_s=time), make_traces(3 - iso, time_s=time))
    limit = np.quantile(signal, 0.6)
    with pytest.warns(UserWarning, match="saturated"):
        dff(make_traces(np.minimum(signal, limit), time_s=time), make_traces(iso, time_s=time))


def test_seconds_are_those_in_which_the_signal_was_measured():
    states = make_states(np.repeat([0, 1], 100), np.arange(200) / 10, ["a", "b"])
    values = np.ones(200)
    values[50:100] = np.nan
    table = by_state(make_traces(values, rate_hz=10), states).set_index("behaviour")
    assert table["seconds"].tolist() == pytest.approx([5, 10])
    assert table["share"].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_zscore_states_its_baseline(fibre):
    time, signal, *_ = fibre
    z = zscore(make_traces(signal, time_s=time), baseline_s=(0, 10))
    base = z.values[time < 10]
    assert abs(base.mean()) < 1e-3
    assert base.std(ddof=1) == pytest.approx(1, abs=1e-3)
    assert z.attrs["z_baseline"] == "0-10 s, mean and sd"
    assert np.median(zscore(make_traces(signal, time_s=time), robust=True).values) == pytest.approx(0, abs=1e-3)
    with pytest.raises(DataError, match="holds no data"):
        zscore(make_traces(signal, time_s=time), baseline_s=(1e4, 2e4))
