"""Peri-event averages: golden values, known truth, tests that keep their error rate."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.signal import lfilter
from scipy.stats import norm as normal
from scipy.stats import t as t_distribution
from scipy.stats import ttest_1samp

from murid.data.bouts import make_bouts
from murid.data.errors import DataError
from murid.data.traces import Spikes, make_traces
from murid.neural import (
    PeriEventParams,
    bootstrap_ci,
    bout_events,
    compute_perievent,
    confidence_band,
    join,
    shift_test,
    sign_flip_test,
)
from murid.neural.event_shifts import _less_baseline, _mean_at_shifts, _Window
from murid.neural.perievent_tests import cluster_masses

BASE = PeriEventParams(baseline_s=(-2, -1), scale="subtract")

SILVA = {
    "10005_phase2_habituation1": [0.245, -0.740, -0.741, 0.859, -1.276],
    "10005_phase2_Ext6": [-4.883, -5.463, -2.085, -3.839, -4.729],
    "10006_phase2_habituation1": [-2.972, -3.471, -2.900, -1.232, -3.011],
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", SILVA)
def test_silva_2021_to_the_last_digit(data_dir, name):
    folder = data_dir / "silva2021" / "reference_output"
    table = pd.read_csv(folder / f"{name}_PhotFreezeTable.csv.gz")
    golden = pd.read_csv(folder / f"{name}_freezetrace_dF465.csv.gz")
    time, frozen = table["time_ext"].to_numpy(), table["freeze_cut"].to_numpy() == 1
    edge = np.diff(frozen.astype(int), prepend=0)
    starts, stops = time[edge == 1], time[edge == -1]
    bouts = make_bouts(start_s=starts, stop_s=stops[: starts.size], label="freezing")
    # The source aligns to the last frozen sample, one 10-ms sample before the half-open end of the bout.
    ends = bout_events(bouts, "freezing", edge="stop") - 0.01
    traces = make_traces(np.zeros(time.size), time_s=time).astype(float)
    traces.values[:, 0] = table["dF_465"]  # double precision, as in the source
    result = compute_perievent(traces, ends, params=PeriEventParams(overlap="keep"))
    columns = [c for c in golden if c.startswith("X")]
    assert result.n_events == len(columns)
    np.testing.assert_allclose(result.trials.values[:, :, 0], golden[columns].to_numpy().T, atol=1e-12)
    average = result.average().values[:, 0]
    np.testing.assert_allclose(average, golden["average"], atol=1e-12)
    np.testing.assert_allclose(result.sem().values[:, 0], golden["SE"], atol=1e-12)
    np.testing.assert_allclose(average[[0, 100, 200, 300, 400]], SILVA[name], atol=6e-4)  # printed to 3 digits
    kept = compute_perievent(make_traces(table["dF_465"], time_s=time), ends, params=PeriEventParams(overlap="keep"))
    np.testing.assert_allclose(kept.trials.values[:, :, 0], golden[columns].to_numpy().T, atol=1e-6)
    np.testing.assert_allclose(kept.sem().values[:, 0], golden["SE"], atol=1e-6)


@pytest.mark.realdata
def test_social_units_raster_in_hz(data_dir):
    from scipy.io import loadmat

    raster = loadmat(data_dir / "social_units" / "control" / "PFCspike_20201013_m2_c1.mat")["raster_data"]
    n_trials = len(raster)
    # Trials laid end to end, 6 s each, the event at sample 3001 (1-based) = 3.000 s.
    trial, sample = np.nonzero(raster)
    spikes = Spikes({"c1": trial * 6.0 + sample / 1000}, 0.0, n_trials * 6.0)
    params = PeriEventParams(before_s=3, after_s=3, bin_s=0.1, overlap="keep")
    result = compute_perievent(spikes, np.arange(n_trials) * 6.0 + 3.0, params=params)
    expected = raster.reshape(n_trials, 60, 100).sum(2) / 0.1
    np.testing.assert_allclose(result.trials.values[:, :, 0], expected)


def test_bout_events_by_gap_and_length():
    bouts = make_bouts(start_s=[0, 5, 6, 20], stop_s=[2, 5.5, 9, 21], label="rear")
    assert bout_events(bouts, "rear").tolist() == [0, 5, 6, 20]
    assert bout_events(bouts, "rear", min_gap_s=1.0).tolist() == [0, 5, 20]
    assert bout_events(bouts, "rear", edge="stop", min_duration_s=1.0).tolist() == [2, 9, 21]
    with pytest.raises(DataError, match="did you mean 'rear'"):
        bout_events(bouts, "rears")


def test_overlap_edges_and_reasons():
    traces = make_traces(np.arange(1000.0), rate_hz=10)
    result = compute_perievent(traces, [1.0, 50.0, 52.0, 54.0, 200.0])
    assert result.events["kept"].tolist() == [True, True, False, True, False]
    assert result.events["reason"].tolist()[-1] == "outside the recording"
    first = result.trials.values[0, :, 0]
    assert np.isnan(first[:10]).all()
    assert first[10:].tolist() == list(range(31))


def test_dropped_frames_are_missing_not_moved():
    time = np.delete(np.arange(200) / 10, np.arange(105, 110))
    result = compute_perievent(make_traces(time, time_s=time), [10.0])
    response = result.trials.values[0, :, 0]
    assert np.isnan(response[25:]).all()  # after the gap nothing lies where it should
    np.testing.assert_allclose(response[:25], 8 + np.arange(25) / 10, atol=1e-5)


def test_pooled_baseline_and_subtraction():
    rng = np.random.default_rng(0)
    traces = make_traces(rng.standard_normal(5000) + 5, rate_hz=10)
    events = np.arange(20, 480, 10.0)
    raw = compute_perievent(traces, events).trials.values[:, :, 0]
    z = compute_perievent(traces, events, params=PeriEventParams(baseline_s=(-2, -1), scale="z"))
    base = raw[:, :10]
    np.testing.assert_allclose(z.trials.values[:, :, 0], (raw - base.mean()) / base.std(ddof=1), atol=1e-9)
    sub = compute_perievent(traces, events, params=PeriEventParams(baseline_s=(-2, -1), scale="subtract"))
    np.testing.assert_allclose(sub.trials.values[:, :, 0], raw - base.mean(1, keepdims=True), atol=1e-9)
    with pytest.raises(DataError, match="needs a baseline"):
        compute_perievent(traces, events, params=PeriEventParams(scale="z"))


def test_spike_bins_are_half_open_whatever_the_event_time():
    # A spike exactly on an edge belongs to the bin that it starts, also where binary fractions fall short.
    for t in np.arange(1, 40) * 0.7:
        result = compute_perievent(
            Spikes({"c": [t, t + 0.1]}, 0, 60), [t], params=PeriEventParams(before_s=0.2, after_s=0.2, bin_s=0.1)
        )
        assert result.trials.values[0, :, 0].tolist() == pytest.approx([np.nan if t < 0.2 else 0, 0, 10, 10])


def _animals(rng, n_animals, n_events, between_sd):
    parts = []
    for a in range(n_animals):
        traces = make_traces(rng.standard_normal(n_events * 50) + rng.normal(0, between_sd), rate_hz=10)
        parts.append(compute_perievent(traces, 2.5 + 5.0 * np.arange(n_events), params=BASE, animal=f"m{a}"))
    return join(parts)


def test_band_is_students_t_over_animals_not_over_events():
    trials = _animals(np.random.default_rng(0), 8, 30, between_sd=1.0)
    band = confidence_band(trials)
    means = trials.groupby("animal").mean("event").values
    low, high = t_distribution.interval(0.95, 7, means.mean(0), means.std(0, ddof=1) / np.sqrt(8))
    np.testing.assert_allclose(band.values, np.stack([low, means.mean(0), high]), atol=1e-9)
    one = confidence_band(trials.assign_coords(animal=("event", ["one"] * 240)))
    assert one.attrs["over"] == "stretches of events"
    few = confidence_band(trials.isel(event=slice(0, 120)))
    assert np.isnan(few.sel(bound="low")).all()
    assert "4 animals" in few.attrs["reason"]


def test_studentised_bootstrap_follows_the_skew():
    rng = np.random.default_rng(0)
    level = rng.lognormal(0, 1, 12)
    trials = _trials(np.repeat(level[:, None, None], 3, axis=1), [f"m{k}" for k in range(12)])
    band, plain = bootstrap_ci(trials, n_boot=500), confidence_band(trials)
    below, above = (float(abs(band.sel(bound=b) - band.sel(bound="mean"))[0, 0]) for b in ("low", "high"))
    assert above > 1.3 * below
    np.testing.assert_allclose(band.sel(bound="mean"), plain.sel(bound="mean"))
    np.testing.assert_array_equal(band.values, bootstrap_ci(trials, n_boot=500).values)
    assert np.isnan(bootstrap_ci(trials.isel(event=slice(0, 4)), n_boot=50).sel(bound="low")).all()


def test_missing_events_leave_their_own_animals_mean():
    values = np.zeros((20, 2, 1))
    values[10:] = 1.0
    values[11:, 0] = np.nan
    trials = _trials(values, ["a"] * 10 + ["b"] * 10)
    assert confidence_band(trials).sel(bound="mean").values[:, 0].tolist() == [0.5, 0.5]


def _trials(values, animals):
    return xr.DataArray(
        values,
        dims=("event", "lag", "unit"),
        coords={
            "lag": np.arange(values.shape[1]) / 10,
            "unit": [f"u{k}" for k in range(values.shape[2])],
            "event_s": ("event", np.arange(len(values)) * 10.0),
            "animal": ("event", np.asarray(animals, object)),
        },
    )


def _habituation(rng, n, rho):
    """Responses of one animal, unrelated to the event, whose neighbours correlate by `rho`."""
    level = lfilter([np.sqrt(1 - rho**2)], [1, -rho], rng.standard_normal(n + 50))[50:]
    return _trials(level[:, None, None] + 0.5 * rng.standard_normal((n, 16, 1)), ["a"] * n)


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_events_of_one_animal_that_resemble_each_other(rho):
    """Band and test count stretches: counting events covered .74 and erred in .25 of the runs at rho .5."""
    rng = np.random.default_rng(5)
    covered, wrong = [], 0
    for _ in range(80):
        trials = _habituation(rng, 40, rho)
        band = confidence_band(trials)
        if not band.attrs["reason"]:
            covered.append(float(((band.sel(bound="low") <= 0) & (band.sel(bound="high") >= 0)).mean()))
            p = sign_flip_test(trials).clusters["p"]
            wrong += len(p) > 0 and p.min() <= 0.05
    assert len(covered) > 65
    assert np.mean(covered) > 0.9
    assert wrong / 80 < 0.12


def test_six_stretches_of_one_animal_have_64_sign_patterns():
    test = sign_flip_test(_habituation(np.random.default_rng(5), 40, 0.0))
    assert (test.unit_of_test, test.n_null, test.exact) == ("stretches of events", 64, True)
    assert (test.table["p"] * 64 % 1).abs().max() < 1e-9


def test_dependence_that_stretches_cannot_cut_is_refused():
    level = np.cos(np.pi * np.arange(40) / 40)  # fades from the first event to the last
    trials = _trials(np.repeat(level[:, None, None], 16, axis=1), ["a"] * 40)
    band = confidence_band(trials)
    assert "resembles" in band.attrs["reason"]
    assert np.isnan(band.sel(bound="high")).all()
    with pytest.raises(DataError, match="shift_test"):
        sign_flip_test(trials)


def test_raw_responses_have_no_sign_to_flip():
    rate = make_traces(np.random.default_rng(0).poisson(5, 6000), rate_hz=10)
    raw = compute_perievent(rate, np.arange(10, 590, 10.0), animal="a")
    with pytest.raises(DataError, match="raw"):
        sign_flip_test(raw)
    test = sign_flip_test(compute_perievent(rate, np.arange(10, 590, 10.0), params=BASE, animal="a"))
    assert test.unit_of_test == "stretches of events"
    assert test.table["p"].min() >= 2 / 64


def test_events_in_a_gap_of_the_clock_are_left_out():
    time = np.concatenate([np.arange(0, 100, 0.1), np.arange(120, 220, 0.1)])
    signal = make_traces(time, time_s=time)  # the signal is its own time: lag 0 must read the event time
    events = [50.0, 105.0, 109.0, 112.0, 119.0]
    result = compute_perievent(signal, events, params=PeriEventParams(before_s=1, after_s=1))
    assert result.events["reason"].tolist() == ["", *["in a gap of the neural clock"] * 4]
    assert float(result.trials.sel(lag=0, method="nearest").values[0, 0]) == pytest.approx(50, abs=1e-4)
    with pytest.raises(DataError, match="do not fit on one even clock"):
        shift_test(signal.assign_coords(time=np.r_[time[:1000], time[1000:] + 5000]), np.arange(5, 95, 13.0))


def test_cells_of_different_animals_are_not_the_same_cells():
    rng = np.random.default_rng(0)
    parts = [
        compute_perievent(make_traces(rng.standard_normal((3000, 3)), rate_hz=10), np.arange(10, 290, 10.0), animal=a)
        for a in "abc"
    ]
    assert join(parts)["unit"].values.tolist() == ["mean of units"]
    np.testing.assert_allclose(join(parts).values[:28, :, 0], parts[0].trials.values.mean(2), atol=1e-9)
    assert join(parts, same_units=True).sizes["unit"] == 3
    other = compute_perievent(make_traces(rng.standard_normal(3000), rate_hz=10), [50.0], params=BASE, animal="d")
    with pytest.raises(DataError, match="scales"):
        join([parts[0], other])


def test_nouns_are_taken_or_the_conversion_is_named():
    rng = np.random.default_rng(0)
    events = np.arange(10, 290, 10.0)
    signal = make_traces(rng.standard_normal((3000, 2)), rate_hz=10)
    by_table = compute_perievent(signal, pd.DataFrame({"time_s": events}))
    np.testing.assert_array_equal(by_table.trials.values, compute_perievent(signal, events).trials.values)
    with pytest.raises(DataError, match="bout_events"):
        compute_perievent(signal, make_bouts(start_s=[5], stop_s=[6], label="rear"))
    with pytest.raises(DataError, match=r"perievent\(signal, events_s\)"):
        sign_flip_test(signal)
    spikes = Spikes({"c": np.sort(rng.uniform(0, 300, 3000))}, 0.0, 300.0)
    assert shift_test(spikes, events, bin_s=0.1).table["unit"].unique().tolist() == ["c"]


def test_shift_test_has_no_verdict_from_few_independent_shifts():
    time = np.arange(6000) / 10
    slow = np.sin(time / 60)[:, None] + 1e-3 * np.random.default_rng(0).standard_normal((6000, 1))
    table = shift_test(make_traces(slow, time_s=time), np.arange(20, 580, 30.0)).table
    assert table["p_corrected"].isna().all()
    assert table["reason"].str.startswith("too few independent shifts").all()


def with_responses(rng, lost):
    """A unit that answers every event for 0.3 s beside one that does not, some samples missing; the events."""
    x, events = rng.standard_normal((6000, 2)), np.cumsum(rng.integers(60, 130, 60)) / 10
    for k in range(3):
        x[np.round(events * 10).astype(int) + k, 0] += 2
    x[lost] = np.nan
    return x, events


@pytest.mark.parametrize("null", ["circular", "linear"])
@pytest.mark.parametrize(
    "lost",
    [np.arange(6000) % 1000 // 100 == 4, (np.arange(6000) >= 2000) & (np.arange(6000) < 3200)],
    ids=["blocks", "gap"],
)
def test_missing_samples_are_no_part_of_the_statistic_nor_of_its_null(lost, null):
    x, events = with_responses(np.random.default_rng(0), lost)
    found = shift_test(make_traces(x, rate_hz=10), events, null=null).table
    lags = found[(found["unit"] == "unit_0") & (found["p_corrected"] <= 0.05)]["lag_s"].round(1).tolist()
    assert {0.0, 0.1, 0.2} <= set(lags)
    assert len(lags) <= 4
    assert (found.loc[found["unit"] == "unit_1", "p_corrected"] > 0.05).all()
    # The same samples left out of the clock instead: the same test.
    time = np.arange(6000) / 10
    cut = shift_test(make_traces(x[~lost], time_s=time[~lost]), events, null=null).table
    np.testing.assert_allclose(cut["statistic"], found["statistic"], atol=1e-6)
    np.testing.assert_allclose(cut["p_corrected"], found["p_corrected"])


def test_the_statistic_with_missing_samples_is_the_mean_of_those_that_are_there():
    rng = np.random.default_rng(1)
    x = rng.standard_normal(400)
    x[100:130] = np.nan
    events = np.sort(rng.choice(400, 30, replace=False))
    kept = np.zeros(400)
    kept[events] = 1
    curve, share = _mean_at_shifts(x, kept)
    for s in (0, 7, 250):
        met = x[(events + s) % 400]
        assert share[s] == pytest.approx(np.isfinite(met).mean())
        assert curve[s] == pytest.approx(np.nanmean(met) - np.nanmean(x))
    x[events] = np.nan  # at lag 0 no event meets a sample
    assert np.isnan(_mean_at_shifts(x, kept)[0][0])
    empty = make_traces(np.stack([np.full(600, np.nan), rng.standard_normal(600)], axis=1), rate_hz=1)
    table = shift_test(empty, np.arange(50.0, 550, 20)).table.set_index("unit")
    assert table.loc["unit_0", "p"].isna().all()
    assert (table.loc["unit_0", "reason"] == "too few samples meet the events").all()
    assert table.loc["unit_1", "p"].notna().all()


@pytest.mark.parametrize("missing", [False, True])
def test_responses_less_their_baseline_are_those_of_the_same_events(missing):
    """With samples lost around half of the events, .09 of unrelated units responded: baselines were of other events."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal(600)
    if missing:
        x[200:235] = np.nan
    events = np.sort(rng.choice(600, 20, replace=False))
    train, base = np.bincount(events, minlength=600).astype(float), np.arange(-10, -4)
    window = _Window(10, 10, 0.1, (-1.0, -0.4))
    found = dict(zip(window.offsets.tolist(), _less_baseline(x, train, window), strict=True))
    for lag, shift in ((0, 0), (7, 0), (-3, 190), (10, 412)):
        at = (events + shift) % 600
        before = x[(at[:, None] + base) % 600]
        response = x[(at + lag) % 600]
        kept = np.isfinite(response) & (np.isfinite(before).sum(axis=1) >= 3)
        by_hand = [r - np.nanmean(b) for r, b in zip(response[kept], before[kept], strict=True)]
        curve, share = found[lag]
        assert share[shift] == pytest.approx(kept.mean())
        centre = _centre_of(x, window, lag) if missing else 0.0
        assert curve[shift] == pytest.approx(np.mean(by_hand) - centre)


def _centre_of(x, window, lag):
    """Mean over all moments of a sample less its baseline: what `_mean_at_shifts` measures missing samples from."""
    base = np.array([x[(t + window.base()) % x.size] for t in range(x.size)])
    enough = 2 * np.isfinite(base).sum(axis=1) >= base.shape[1]
    return np.nanmean(np.roll(x, -lag)[enough] - np.nanmean(base[enough], axis=1))


@pytest.mark.parametrize("null", ["circular", "linear"])
def test_the_end_of_a_response_is_no_response(null):
    """The baseline moved along with the lag: 0.6 to 1.2 s after an answer of 0.3 s the unit seemed to fall silent."""
    x, events = with_responses(np.random.default_rng(0), np.zeros(6000, bool))
    found = shift_test(make_traces(x, rate_hz=10), events, null=null, baseline_s=(-1.0, -0.5)).table
    lags = found[(found["unit"] == "unit_0") & (found["p_corrected"] <= 0.05)]["lag_s"].round(1).tolist()
    assert lags == [0.0, 0.1, 0.2]
    assert (found.loc[found["unit"] == "unit_1", "p_corrected"] > 0.05).all()


def test_drift_in_both_signal_and_events_is_tested_by_linear_shifts():
    rng = np.random.default_rng(3)
    time = np.arange(6000) / 10
    events = np.sort(600 * np.sqrt(rng.random(60)))
    x = lfilter([1], [1, -0.9], rng.standard_normal((6000, 10)), axis=0) + 5 * time[:, None] / 600
    steady = rng.standard_normal((6000, 1))
    test = shift_test(make_traces(np.hstack([x, steady]), time_s=time), events, baseline_s=(-2.0, 0.0))
    by_unit = test.table.groupby("unit")
    assert (by_unit["null"].first().drop("unit_10") == "linear").all()
    assert by_unit["null"].first()["unit_10"] == "circular"
    assert (by_unit["p_corrected"].min().drop("unit_10") <= 0.05).sum() <= 2


def test_sign_flip_equals_scipy_t_and_exact_p():
    trials = _animals(np.random.default_rng(1), 6, 5, between_sd=0.5)
    test = sign_flip_test(trials)
    means = trials.groupby("animal").mean("event").values[:, :, 0]
    np.testing.assert_allclose(test.table["statistic"], ttest_1samp(means, 0).statistic, rtol=1e-6)
    assert test.exact
    assert test.unit_of_test == "animals"
    assert test.n_null == 64
    assert (test.table["p"] * 64 % 1).abs().max() < 1e-9
    assert test.table["p"].min() >= 2 / 64
    for n, floor in ((6, 2 / 64), (5, 2 / 32)):
        alike = _trials(np.repeat(1 + np.arange(n)[:, None, None] / 9, 3, axis=1), [f"m{k}" for k in range(n)])
        assert sign_flip_test(alike).table["p"].min() == pytest.approx(floor)


def _smooth_responses(rng, n_animals):
    """Responses of `n_animals` with slow noise and no effect, (event, lag, unit) at 10 Hz over 20 s."""
    white = rng.standard_normal((n_animals, 300))
    smooth = np.apply_along_axis(lambda v: np.convolve(v, np.ones(20) / np.sqrt(20), "same"), 1, white)[:, 50:250]
    animals = [f"m{i}" for i in range(n_animals)]
    return xr.DataArray(
        smooth[:, :, None],
        dims=("event", "lag", "unit"),
        coords={"lag": np.arange(200) / 10, "unit": ["u"], "animal": ("event", animals)},
    )


def test_clusters_are_corrected_and_found():
    rng = np.random.default_rng(2)
    corrected = pointwise = 0
    for _ in range(40):
        test = sign_flip_test(_smooth_responses(rng, 9), n_permutations=600)
        corrected += bool((test.clusters["p"] <= 0.05).any())
        pointwise += bool((test.table["p"] <= 0.05).any())
    assert corrected <= 6
    assert pointwise >= 15
    trials = _smooth_responses(rng, 9)
    trials.values[:, 80:110] += 2.0
    test = sign_flip_test(trials, n_permutations=600)
    best = test.clusters.loc[test.clusters["p"].idxmin()]
    assert best["p"] <= 0.01
    assert best["start_s"] == pytest.approx(8, abs=1)
    assert best["stop_s"] == pytest.approx(11, abs=1)


def test_cluster_mass_by_hand():
    t = np.array([[3.0, 3.0, -3.0, 0.0, 2.5], [0.0, 1.0, 0.0, 0.0, 0.0]])
    assert cluster_masses(t, 2.0).tolist() == [6.0, 0.0]
    assert cluster_masses(t, 2.0, lag_index=np.array([0, 2, 3, 4, 5])).tolist() == [3.0, 0.0]


def test_shift_test_finds_a_response_and_keeps_its_error_rate():
    rng = np.random.default_rng(3)
    x = lfilter([1], [1, -0.95], rng.standard_normal((6000, 100)), axis=0)
    events = np.cumsum(rng.uniform(5, 15, 55))
    events = events[events < 590]
    noise = shift_test(make_traces(x, rate_hz=10), events)
    per_unit = noise.table.groupby("unit")["p_corrected"].min()
    assert (per_unit <= 0.05).mean() < 0.12
    for e in events:
        x[int(e * 10) + 5 : int(e * 10) + 15, 0] += 6
    found = shift_test(make_traces(x, rate_hz=10), events).table.query("unit == 'unit_0'")
    peak = found.loc[found["statistic"].idxmax()]
    assert peak["p_corrected"] <= 0.01
    assert 0.5 <= peak["lag_s"] <= 1.6
    direct = compute_perievent(
        make_traces(x[:, 0], rate_hz=10), events, params=PeriEventParams(overlap="keep")
    ).average()
    assert float(direct["lag"].values[direct.values[:, 0].argmax()]) == pytest.approx(peak["lag_s"])


def test_events_after_the_last_spike_need_a_known_end():
    """3 Hz until 300 s, then silence: 10 of 39 events lie before, so the rate over all is 0.77 Hz."""
    times, events = np.arange(0.02, 300, 1 / 3), np.arange(200, 590, 10.0)
    params = PeriEventParams(overlap="keep")
    known = compute_perievent(Spikes({"u": times}, 0.0, 600.0), events, params=params)
    assert known.n_events == 39
    assert float(known.trials.mean()) == pytest.approx(3 * 10 / 39, abs=0.1)
    guessed = compute_perievent(Spikes({"u": times}, 0.0, 300.0, end_known=False), events, params=params)
    reasons = guessed.events["reason"].value_counts()
    assert reasons["after the last spike, and the end of the recording is not known"] == 28


def test_a_band_over_skewed_animals_says_that_it_covers_less():
    spread = normal.ppf((np.arange(20) + 0.5) / 20)
    for values, start in ((np.exp(spread), "animals are skewed: the band covers less"), (spread, "")):
        band = confidence_band(_trials(np.repeat(values[:, None, None], 3, axis=1), [f"m{k}" for k in range(20)]))
        assert band.attrs["note"].startswith(start)
        assert bool(band.attrs["note"]) is bool(start)
