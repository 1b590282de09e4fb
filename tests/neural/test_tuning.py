"""Tuning: known truth, gaps, clocks, and what can not be tested."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, mannwhitneyu

from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.states import make_states
from murid.data.traces import Spikes, make_traces
from murid.data.warning import MuridWarning
from murid.neural import TuningParams, compute_tuning

STEP = 0.1
N = 9000


@pytest.fixture(scope="module")
def session():
    """Three behaviours in 15 min; unit 0 rises in 'rear', unit 1 falls in it, unit 2 ignores everything."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.full(rng.integers(20, 80), k % 3) for k in range(400)])[:N]
    time = np.arange(N) * STEP
    noise = rng.standard_normal((N, 3))
    kernel = np.exp(-np.arange(20) / 10)
    noise = np.stack([np.convolve(noise[:, u], kernel)[:N] for u in range(3)], axis=1) / 2
    noise[:, 0] += 0.8 * (labels == 1)
    noise[:, 1] -= 0.8 * (labels == 1)
    return make_traces(noise, time_s=time), make_states(labels, time, ["walk", "rear", "groom"])


def row(result, unit, behaviour):
    table = result.table
    return table[(table["unit"] == f"unit_{unit}") & (table["behaviour"] == behaviour)].iloc[0]


def _like(traces, values):
    return make_traces(values, time_s=traces["time"].values)


def test_finds_what_was_put_in(session):
    result = compute_tuning(*session)
    assert row(result, 0, "rear")["direction"] == "excited"
    assert row(result, 1, "rear")["direction"] == "suppressed"
    assert (result.table.loc[result.table["unit"] == "unit_2", "direction"] == "none").all()
    assert result.matrix("auroc").shape == (3, 3)


def test_numbers_equal_direct_ones(session):
    traces, states = session
    on = states.values[:, 0] == 1
    x = traces.values[:, 0].astype(float)
    found = row(compute_tuning(*session), 0, "rear")
    u = mannwhitneyu(x[on], x[~on]).statistic / (on.sum() * (~on).sum())
    assert found["auroc"] == pytest.approx(u, abs=2e-6)
    assert found["mean_in"] == pytest.approx(x[on].mean(), abs=1e-5)
    d = (x[on].mean() - x[~on].mean()) / np.sqrt((x[on].var(ddof=1) + x[~on].var(ddof=1)) / 2)
    assert found["d_prime"] == pytest.approx(d, abs=1e-4)
    assert found["n_in"] == on.sum()
    assert found["n_bouts"] == (np.diff(on.astype(int), prepend=0) == 1).sum()
    assert found["p_floor"] == pytest.approx(2 / (found["n_shifts"] + 1))
    assert found["n_shifts"] == N - 2 * round(30 / STEP) + 1, "all shifts of 30 s and more"
    table = compute_tuning(*session).table
    np.testing.assert_allclose(table["q"], false_discovery_control(table["p"]), rtol=1e-9)


def test_workers_do_not_matter(session):
    one, four = compute_tuning(*session, workers=1), compute_tuning(*session, workers=4)
    assert one.table.equals(four.table)


def test_unlabelled_and_missing_samples_are_left_out(session):
    traces, states = session
    labels, values = states.values[:, 0].copy(), traces.values.copy()
    labels[1000:1500] = -1
    values[4000:4200, 0] = np.nan
    result = compute_tuning(
        make_traces(values, time_s=traces["time"].values), make_states(labels, states["time"], states.behaviours)
    )
    use = (labels != -1) & np.isfinite(values[:, 0])
    on = use & (labels == 1)
    off = use & (labels != 1)
    found = row(result, 0, "rear")
    assert found["n_samples"] == use.sum()
    assert row(result, 2, "rear")["n_samples"] == (labels != -1).sum()
    expected = mannwhitneyu(values[on, 0], values[off, 0]).statistic / (on.sum() * off.sum())
    assert found["auroc"] == pytest.approx(expected, abs=2e-6)
    # What is unlabelled does not matter at all: garbage there changes nothing.
    values[1000:1500] = 99.0
    repeated = compute_tuning(
        make_traces(values, time_s=traces["time"].values), make_states(labels, states["time"], states.behaviours)
    )
    assert row(repeated, 0, "rear")[["auroc", "p"]].tolist() == found[["auroc", "p"]].tolist()


def test_rare_constant_and_absent_say_why(session):
    traces, states = session
    labels = np.zeros(N, int)
    labels[100:4000] = 1  # one long bout: many frames, one observation
    values = traces.values.copy()
    values[:, 2] = 1.0
    states = make_states(labels, states["time"], ["rest", "long", "never"])
    result = compute_tuning(make_traces(values, time_s=traces["time"].values), states, params=TuningParams(min_bouts=2))
    assert row(result, 0, "long")["reason"].startswith("too few bouts (1")
    assert row(result, 0, "never")["reason"] == "behaviour never occurs"
    assert row(result, 2, "rest")["reason"] == "constant trace"
    assert result.table["q"].notna().sum() == result.table["p"].notna().sum()
    assert any("not tested" in note for note in result.notes)


def test_drift_in_both_switches_to_the_linear_shift():
    rng = np.random.default_rng(1)
    time = np.arange(N) * STEP
    p_on = np.repeat(rng.random(N // 30) < np.linspace(0.1, 0.9, N // 30), 30)
    traces = make_traces(
        np.column_stack([np.linspace(0, 3, N), np.zeros(N)]) + rng.standard_normal((N, 2)), time_s=time
    )
    states = make_states(p_on.astype(int), time, ["still", "active"])
    result = compute_tuning(traces, states)
    assert row(result, 0, "active")["null"] == "linear"
    assert row(result, 0, "active")["direction"] == "none"
    assert row(result, 1, "active")["null"] == "circular"
    forced = compute_tuning(traces, states, params=TuningParams(null="circular", min_independent=0))
    assert row(forced, 0, "active")["direction"] == "excited"  # the false alarm that the diagnostic prevents


def test_mutual_information_sees_a_change_of_spread(session):
    _, states = session
    rng = np.random.default_rng(2)
    on = states.values[:, 0] == 1
    x = rng.standard_normal(N) * np.where(on, 3.0, 1.0)  # same mean and median: AUROC is 1/2
    traces = make_traces(x, time_s=states["time"].values)
    assert row(compute_tuning(traces, states), 0, "rear")["p"] > 0.01
    found = row(compute_tuning(traces, states, params=TuningParams(statistic="mi")), 0, "rear")
    assert found["p"] < 0.001
    assert found["mi_corrected"] > 0.05
    joint = np.histogram2d(np.searchsorted(np.quantile(x, [0.2, 0.4, 0.6, 0.8]), x), on, bins=(5, 2))[0] / N
    expected = np.nansum(joint * np.log2(joint / joint.sum(1, keepdims=True) / joint.sum(0)))
    assert found["mi"] == pytest.approx(expected, abs=1e-3)


def test_lag_curve_peaks_at_the_delay():
    rng = np.random.default_rng(3)
    labels = np.concatenate([np.full(rng.integers(20, 80), k % 2) for k in range(400)])[:N]
    x = np.roll(labels == 1, 15) + 0.5 * rng.standard_normal(N)  # the unit follows by 1.5 s
    time = np.arange(N) * STEP
    result = compute_tuning(
        make_traces(x, time_s=time),
        make_states(labels, time, ["a", "b"]),
        params=TuningParams(max_lag_s=3.0, curve_s=3.0),
    )
    curve = result.lag_curves.sel(unit="unit_0", behaviour="b")
    assert float(curve["lag"].values[curve.values.argmax()]) == pytest.approx(1.5)
    assert row(result, 0, "b")["best_lag_s"] == pytest.approx(1.5)


def test_two_clocks_and_spikes(session):
    _, states = session
    rng = np.random.default_rng(4)
    on = states.values[:, 0] == 1
    # Spikes at 8 Hz in the behaviour and 2 Hz outside, by thinning.
    t = np.sort(rng.uniform(0, N * STEP, 8 * int(N * STEP)))
    keep = rng.random(t.size) < np.where(on[np.minimum((t / STEP + 0.5).astype(int), N - 1)], 1.0, 0.25)
    result = compute_tuning(Spikes({"c1": t[keep]}, 0.0, N * STEP), states)
    found = result.table[result.table["behaviour"] == "rear"].iloc[0]
    assert found["direction"] == "excited"
    assert found["mean_in"] / found["mean_out"] > 3
    np.testing.assert_allclose(found[["mean_in", "mean_out"]].astype(float), [8, 2], rtol=0.1)
    wide = compute_tuning(Spikes({"c1": t[keep]}, 0.0, N * STEP), states, params=TuningParams(bin_s=0.5))
    assert wide.table["n_samples"].iloc[0] == round(N * STEP / 0.5)
    assert wide.table.set_index("behaviour").loc["rear", "mean_in"] == pytest.approx(found["mean_in"], rel=0.1)


def test_clocks_that_do_not_meet(session):
    traces, states = session
    with pytest.raises(DataError, match="do not overlap"):
        compute_tuning(traces.assign_coords(time=traces["time"].values + 1e5), states)


def _one(x, labels, step=STEP, **params):
    """Table row of the second behaviour for one unit."""
    time = np.arange(len(x)) * step
    states = make_states(labels, time, ["rest", "groom"])
    return row(compute_tuning(make_traces(x, time_s=time), states, params=TuningParams(**params)), 0, "groom")


def _bouts(rng, n, low, high):
    code, k = np.zeros(n, int), 0
    while k < n:
        off, on = rng.integers(low, high, 2)
        code[k + off : k + off + on] = 1
        k += off + on
    return code


def test_direction_and_auroc_are_those_of_the_best_lag():
    """A sensor 4 s late, bouts and pauses of 4 s: at lag 0 the unit seems to fall."""
    rng = np.random.default_rng(0)
    code = _bouts(rng, 12000, 35, 46)
    x = 3.0 * np.concatenate([np.zeros(40), code[:-40]]) + rng.standard_normal(12000)
    found = _one(x, code, max_lag_s=5.0, min_independent=0)
    assert found["direction"] == "excited"
    assert found["best_lag_s"] == pytest.approx(4)
    u = mannwhitneyu(x[40:][code[:-40] == 1], x[40:][code[:-40] == 0]).statistic
    assert found["auroc"] == pytest.approx(u / ((code[:-40] == 1).sum() * (code[:-40] == 0).sum()), abs=0.005)
    # A rhythm this regular holds some ten independent shifts: by default there is no verdict.
    assert _one(x, code, max_lag_s=5.0)["reason"].startswith("too few independent shifts")


def test_drift_does_not_turn_the_direction_round():
    rng = np.random.default_rng(0)
    n, k = 18000, 0
    code = np.zeros(n, int)
    while k < n:
        share = 0.05 + 0.9 * k / n
        on, off = max(5, int(rng.normal(40 * share, 5))), max(5, int(rng.normal(40 * (1 - share), 5)))
        code[k + off : k + off + on] = 1
        k += off + on
    x = 8.0 * np.linspace(-0.5, 0.5, n) - 1.0 * code + 0.5 * rng.standard_normal(n)
    found = _one(x, code)
    assert found["null"] == "linear"
    assert found["direction"] == "suppressed"
    assert found["auroc"] < 0.5
    assert found["z"] < 0


def test_mutual_information_has_no_sign():
    rng = np.random.default_rng(0)
    code = _bouts(rng, 12000, 10, 60)
    found = _one(rng.standard_normal(12000) * np.where(code == 1, 2.0, 1.0), code, statistic="mi")
    assert found["direction"] == "tuned"


def test_shifts_at_which_nothing_meets_are_no_null():
    n = 6000
    code = np.zeros(n, int)
    for k in range(8):
        code[2950 + 12 * k : 2955 + 12 * k] = 1
    p = []
    for seed in range(20):
        x = np.convolve(np.random.default_rng(seed).standard_normal(n + 400), np.ones(400) / 20, "same")[:n]
        x[:2900] = np.nan
        x[3150:] = np.nan
        found = _one(x, code, null="linear", min_independent=0)
        assert found["n_shifts"] < 400
        assert np.isfinite(found["z"])
        p.append(found["p"])
    assert np.mean(np.asarray(p) <= 0.05) <= 0.1


def test_linear_shifts_hold_half_the_independent_ones_and_the_verdict_rests_on_them():
    """The number shown, and the verdict, were those of the circular null."""
    rng = np.random.default_rng(0)
    code = _bouts(rng, 6000, 50, 150)
    x = np.convolve(rng.standard_normal(6100), np.exp(-np.arange(100) / 30), "valid")[:6000]
    circular, linear = (_one(x, code, null=null, min_independent=30) for null in ("circular", "linear"))
    assert 0.3 < linear["n_independent"] / circular["n_independent"] < 0.7
    assert circular["n_independent"] > 30 > linear["n_independent"]
    assert circular["reason"] == ""
    assert linear["reason"].startswith("too few independent shifts")


def test_labels_are_taken_as_they_come(session):
    traces, states = session
    labels = Labels.from_states(states)
    by_labels = compute_tuning(traces, labels)
    assert row(by_labels, 0, "rear")["direction"] == "excited"
    with pytest.raises(DataError, match="from_bouts"):
        compute_tuning(traces, labels.bouts)


def test_a_slow_photometry_session_has_no_verdict():
    rng = np.random.default_rng(0)
    time = np.arange(3000) / 10
    code = (np.sin(time / 25) > 0).astype(int)
    slow = np.sin(time / 25 + 1) + 0.01 * rng.standard_normal(3000)
    found = _one(slow, code, min_bouts=2)
    assert found["direction"] == "not tested"
    assert found["reason"].startswith("too few independent shifts")


def test_cells_that_fall_silent_before_the_end_are_silent_not_unrecorded():
    """The unit stops at 300 s, when the animal begins to freeze; no end was given (AUROC and samples by hand)."""
    rng, time = np.random.default_rng(0), np.arange(0, 600, 0.1)
    codes = np.zeros(time.size, int)
    for k in range(31, 60):
        codes[(time >= 10 * k) & (time < 10 * k + 5)] = 1
    times = np.sort(rng.uniform(0, 300, 900))
    states = make_states(codes, time, ["other", "freeze"])
    circular = TuningParams(null="circular")
    guessed = Spikes({"u": times}, 0.0, 300.0, end_known=False)
    with pytest.warns(MuridWarning, match="as long as behaviour, to 600 s"):
        found = compute_tuning(guessed, states, params=circular).table.set_index("behaviour").loc["freeze"]
    known = compute_tuning(Spikes({"u": times}, 0.0, 600.0), states, params=circular)
    stated = known.table.set_index("behaviour").loc["freeze"]
    assert (found["n_samples"], found["n_in"]) == (stated["n_samples"], stated["n_in"])
    assert found["n_in"] == 1450
    count = np.histogram(times, np.arange(0, 600.05, 0.1))[0]
    inside = codes == 1
    by_hand = (count[inside][:, None] > count[~inside]).mean() + 0.5 * (count[inside][:, None] == count[~inside]).mean()
    assert found["auroc"] == pytest.approx(by_hand, abs=0.003)
