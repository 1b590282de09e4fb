"""Shift nulls against brute force, and their error rates."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import mannwhitneyu, rankdata

from murid.neural import nulls


def ar1(rng, n_units, n, tau_s, step_s):
    a = np.exp(-step_s / tau_s)
    burn = int(10 * tau_s / step_s)
    noise = rng.standard_normal((n_units, n + burn))
    return lfilter([np.sqrt(1 - a * a)], [1, -a], noise, axis=1)[:, burn:]


def bouts(rng, n, step_s, on_s=6.0, off_s=10.0, drift=0.0):
    """Alternating exponential bouts; `drift` makes them longer towards the end."""
    out, t, state = np.zeros(n, np.int8), 0, 0
    while t < n:
        factor = 1 + drift * (2 * t / n - 1)
        k = max(1, int(rng.exponential(on_s * factor if state else off_s / factor) / step_s))
        out[t : t + k] = state
        t, state = t + k, 1 - state
    return out


def test_ranks_equal_scipy_with_ties():
    x = np.random.default_rng(0).integers(0, 5, (4, 200)).astype(np.float32)
    expected = rankdata(x, axis=1) - 100.5
    np.testing.assert_allclose(nulls.centred_ranks(x), expected)
    y = np.random.default_rng(1).standard_normal((2, 101))
    np.testing.assert_allclose(nulls.centred_ranks(y), rankdata(y, axis=1) - 51)


@pytest.mark.parametrize("n", [97, 128, 301])
def test_every_circular_lag_is_the_exact_auroc(n):
    rng = np.random.default_rng(n)
    x = np.round(rng.standard_normal((2, n)), 1)
    b = bouts(rng, n, 0.5)
    ranks, b_hat = nulls.centred_ranks(x), nulls.transform(b.astype(np.float32))
    curve = nulls.auroc_circular(nulls.transform(ranks), b_hat, n, int(b.sum()))
    for lag in (0, 1, 7, n // 2, n - 3):
        # Lag s pairs the unit's sample t + s with the behaviour at t.
        moved = np.roll(b, lag) == 1
        for u in range(2):
            a, c = x[u, moved], x[u, ~moved]
            assert curve[u, lag] == pytest.approx(mannwhitneyu(a, c).statistic / (a.size * c.size), abs=2e-6)


def test_linear_curve_is_the_rank_difference_of_the_samples_that_meet():
    rng = np.random.default_rng(3)
    n, q = 200, 50
    ranks = rng.random((2, n))
    valid = rng.random(n) > 0.2
    mask = bouts(rng, n, 1.0)
    mask[120:130] = -1
    curve = nulls.LinearShifts(ranks - 0.5, valid, mask >= 0).curve(mask == 1)
    for lag in (-50, -13, 0, 21, 50):
        t = np.arange(q, n - q)
        use = valid[t + lag]
        inside, outside = t[use & (mask[t] == 1)] + lag, t[use & (mask[t] == 0)] + lag
        expected = 0.5 + ranks[:, inside].mean(1) - ranks[:, outside].mean(1)
        np.testing.assert_allclose(curve[:, lag + q], expected, atol=1e-6)


def test_p_counts_the_null_shifts():
    curve = np.random.default_rng(0).normal(0.5, 0.1, (3, 1000)).astype(np.float32)
    lags = nulls.circular_lags(1000, 0.1, min_shift_s=5.0)
    assert lags.null == (slice(50, 951),)
    assert lags.n_null == 901
    test = nulls.rank_shifts(curve, lags)
    high = (1 + (curve[:, 50:951] >= curve[:, :1]).sum(1)) / 902
    low = (1 + (curve[:, 50:951] <= curve[:, :1]).sum(1)) / 902
    np.testing.assert_allclose(test.p, np.minimum(1, 2 * np.minimum(low, high)))


def test_short_sessions_shift_by_a_share():
    assert nulls.min_shift_samples(1200, 0.1, 30.0, 0.1) == 120
    assert nulls.min_shift_samples(6000, 0.1, 30.0, 0.1) == 300


def test_best_lag_is_the_maximum_in_every_replicate():
    rng = np.random.default_rng(5)
    curve = rng.normal(0.5, 0.1, (1, 400))
    lags, width = nulls.circular_lags(400, 0.1, min_shift_s=3.0), 5
    test = nulls.rank_best_lag(curve, lags, width)
    deviation = np.abs(curve[0] - 0.5)
    window = [deviation[(s + np.arange(-width, width + 1)) % 400].max() for s in range(400)]
    null = np.asarray(window[30 + width : 400 - 30 - width + 1])
    assert test.p[0] == pytest.approx((1 + (null >= window[0]).sum()) / (1 + null.size))
    assert abs(test.best_lag_s[0]) <= 0.5 + 1e-9


def test_drift_sees_a_trend_and_not_noise():
    rng = np.random.default_rng(0)
    t = np.arange(12000) / 10
    noise = ar1(rng, 50, t.size, 2, 0.1)
    assert np.median(nulls.drift(noise, t)) < 0.3
    assert nulls.drift(noise + 3 * t / t[-1], t).min() > 0.8
    gappy = noise + 3 * t / t[-1]
    gappy[:, 2000:4000] = np.nan
    assert nulls.drift(gappy, t).min() > 0.8
    assert np.isnan(nulls.drift(np.ones((1, t.size)), t)).all()


def test_independent_shifts_of_white_noise_are_all_of_them():
    rng = np.random.default_rng(0)
    x, b = rng.standard_normal((5, 4096)), np.zeros(4096)
    b[0] = 1  # a single sample: the curve is the signal itself
    n = nulls.n_independent(nulls.transform(x), nulls.transform(b))
    np.testing.assert_allclose(n, 4096, rtol=0.1)
    slow = nulls.n_independent(nulls.transform(ar1(rng, 5, 4096, 5, 0.1)), nulls.transform(b))
    assert (slow < 200).all()
    trend = np.linspace(-1, 1, 4096)[None]
    assert nulls.n_independent(nulls.transform(trend), nulls.transform(trend[0])) < 10
    assert nulls.n_independent_of(trend) < 20


@pytest.mark.parametrize(("tau_s", "unit_drift", "behaviour_drift"), [(2, 0, 0), (10, 0, 0), (2, 3, 0), (2, 3, 0.8)])
def test_false_positives_are_near_five_percent(tau_s, unit_drift, behaviour_drift):
    """The null that `tuning` chooses: 1,000 untuned units in 20 min sessions."""
    rng, n, step = np.random.default_rng(11), 6000, 0.2
    time, wrong, circular_wrong = np.arange(n) * step, [], []
    for _ in range(50):
        b = bouts(rng, n, step, drift=behaviour_drift)
        x = ar1(rng, 20, n, tau_s, step) + unit_drift * np.linspace(-0.5, 0.5, n)
        ranks = nulls.centred_ranks(x)
        b_hat = nulls.transform(b.astype(np.float32))
        curve = nulls.auroc_circular(nulls.transform(ranks), b_hat, n, int(b.sum()))
        circular = nulls.rank_shifts(curve, nulls.circular_lags(n, step)).p
        shifts = nulls.LinearShifts(ranks / n, np.ones(n, bool), np.ones(n, bool))
        linear = nulls.rank_shifts(shifts.curve(b == 1), nulls.linear_lags(n, step)).p
        both = (nulls.drift(x, time) > 0.3) & (nulls.drift(b, time)[0] > 0.3)
        wrong.append(np.where(both, linear, circular) <= 0.05)
        circular_wrong.append(circular <= 0.05)
    assert 0.02 < np.mean(wrong) < 0.085
    if behaviour_drift:
        assert np.mean(circular_wrong) > 0.5  # what the linear shift is for


def test_drift_is_the_same_in_unix_seconds():
    """Samples on the border of two stretches changed sides with the rounding of the clock: another null, another p."""
    x = np.random.default_rng(8).normal(size=(5, 77)).cumsum(axis=1)
    for n_blocks in (5, 19, 20):
        right = nulls.drift(x, np.arange(77) / 10, n_blocks=n_blocks)
        for start_s in (7.3, 1.7e9, 3.8e9):
            assert nulls.drift(x, start_s + np.arange(77) / 10, n_blocks=n_blocks) == pytest.approx(right)
