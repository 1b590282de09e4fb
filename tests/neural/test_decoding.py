"""Decoding on activity whose explained share of the behaviour is planted."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from murid.data.errors import DataError
from murid.data.states import make_states
from murid.data.traces import make_traces
from murid.data.warning import MuridWarning
from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.consensus import fit_from_levels
from murid.learn.segment.switching import smooth_switching
from murid.neural import decoders, decoding_null
from murid.neural.bayes import combine, evidence_of
from murid.neural.decoding import (
    DecodedStates,
    DecodingParams,
    decode,
    decode_states,
    design,
    time_folds,
    training_rows,
)
from murid.neural.decoding_null import untested

RATE = 15.0


def latents(n: int = 6000, seed: int = 0) -> tuple[xr.DataArray, np.ndarray]:
    """Four latents that switch between four linear dynamics, and the states."""
    rng = np.random.default_rng(seed)
    states = np.zeros(n, int)
    for t in range(1, n):
        states[t] = states[t - 1] if rng.random() < 0.95 else rng.integers(4)
    level = 1.2 * rng.standard_normal((4, 4))
    maps = [0.85 * (0.6 * np.eye(4) + 0.4 * np.linalg.qr(rng.standard_normal((4, 4)))[0]) for _ in range(4)]
    x = np.zeros((n, 4))
    for t in range(1, n):
        k = states[t]
        x[t] = level[k] + maps[k] @ (x[t - 1] - level[k]) + 0.3 * rng.standard_normal(4)
    return xr.DataArray(x, dims=("time", "component"), coords={"time": np.arange(n) / RATE}), states


def neurons(x: np.ndarray, noise: float, seed: int = 1, units: int = 30) -> xr.DataArray:
    rng = np.random.default_rng(seed)
    mixed = x @ rng.standard_normal((x.shape[1], units))
    return make_traces(mixed + noise * rng.standard_normal(mixed.shape), rate_hz=RATE)


@pytest.fixture(scope="module")
def data():
    return latents()


@pytest.mark.parametrize("planted", [0.25, 0.6])
@pytest.mark.parametrize("lags_s", [0.0, 0.2])
def test_planted_r2_is_recovered(data, planted, lags_s):
    """Neurons see the latents plus a copy from another time: as smooth, unrelated, so that no filter can part them."""
    x = (data[0].values - data[0].values.mean(0)) @ np.linalg.cholesky(np.linalg.inv(np.cov(data[0].values.T)))
    disturbed = x + np.sqrt(1 / planted - 1) * np.roll(x, 2500, axis=0)
    target = xr.DataArray(x, dims=("time", "component"), coords=data[0].coords)
    found = decode(neurons(disturbed, 0.01), target, DecodingParams(lags_s=lags_s))
    assert found.r2 == pytest.approx(planted, abs=0.05)


def test_conv_decodes_what_a_line_cannot(data):
    rng = np.random.default_rng(0)
    x = data[0].values[:3000, :1]
    signal = make_traces(np.abs(x @ np.ones((1, 8))) + 0.3 * rng.standard_normal((3000, 8)), rate_hz=RATE)
    target = xr.DataArray(np.abs(x) ** 2, dims=("time", "component"), coords={"time": np.arange(3000) / RATE})
    train = {"epochs": 15, "batch": 128, "lr": 0.01, "patience": 5}
    params = DecodingParams(decoder="conv", lags_s=0.0, folds=3, train=train)
    line, curve = decode(signal, target, params.replace(decoder="ridge")).r2, decode(signal, target, params).r2
    assert curve > line + 0.02
    assert curve > 0.7


def test_unrelated_activity_decodes_nothing(data):
    other, params = neurons(latents(3000, seed=7)[0].values, 0.1, units=8), DecodingParams(lags_s=0.0, n_null=19)
    found = decode(other, data[0][:3000], params)
    assert found.r2 < 0.05
    assert found.p > 0.05
    states = make_states(data[1][:3000], data[0]["time"].values[:3000], list("abcd"))
    assert decode_states(other, states, params.replace(n_null=0)).balanced_accuracy < 0.35


def test_related_activity_stands_out_from_shifts(data):
    found = decode(neurons(data[0].values, 3.0), data[0], DecodingParams(lags_s=0.0, n_null=19))
    assert found.p == pytest.approx(0.05)


NOISE = DecodingParams(n_null=39, lags_s=0.0, gap_s=1.0)


def test_missing_rows_never_enter_the_null():
    """One NaN row in a hundred made every null score NaN, and every decoder significant."""
    p = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = rng.standard_normal((1500, 2))
        y[rng.random(1500) < 0.01] = np.nan
        signal = make_traces(rng.standard_normal((1500, 5)), rate_hz=10)
        target = xr.DataArray(y, dims=("time", "component"), coords={"time": np.arange(1500) / 10})
        test = decode(signal, target, NOISE).test
        assert np.isfinite(test.scores).all()
        p.append(test.p)
    assert min(p) > 0.05


def test_unlabelled_rows_are_never_taught_as_a_behaviour(monkeypatch):
    rng = np.random.default_rng(0)
    n = 3000
    signal = make_traces(rng.standard_normal((n, 4)), rate_hz=10)
    codes = np.repeat(rng.integers(0, 3, n // 20), 20)
    codes[rng.random(n // 20).repeat(20) < 0.4] = -1
    unlabelled, plain = [], decoders.logistic

    def watched(x, y, inner, valid, train, test):
        unlabelled.append(float((y[train].sum(axis=1) == 0).mean()))
        return plain(x, y, inner, valid, train, test)

    monkeypatch.setattr(decoders, "logistic", watched)
    decode_states(signal, make_states(codes, np.arange(n) / 10, list("abc")), NOISE.replace(n_null=2))
    assert len(unlabelled) == 20
    assert max(unlabelled) == 0
    codes[1500:] = -1  # half the film in one block
    half = decode_states(signal, make_states(codes, np.arange(n) / 10, list("abc")), NOISE.replace(n_null=3))
    assert np.isfinite(half.test.scores).all()
    assert half.p < 1


@pytest.mark.parametrize("k", [2, 3])
def test_few_columns_are_told_apart_as_scikit_learn_does(k):
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(k)
    codes = rng.choice(k, 300, p=np.arange(1, k + 1) / np.arange(1, k + 1).sum()) * 2
    x = (rng.standard_normal((300, 3)) * [1, 5, 0.1] + np.outer(codes, [1, 0, 0])).astype(np.float32)
    model = None
    for c in (1e-3, 1e-1, 10):  # each from the one before
        model = decoders.fit_logistic(x, codes, c, model)
        peer = LogisticRegression(C=c, class_weight="balanced", tol=1e-9, max_iter=5000).fit(x.astype(float), codes)
        np.testing.assert_allclose(model.predict_proba(x), peer.predict_proba(x), atol=1e-6)
        np.testing.assert_array_equal(model.predict(x), peer.predict(x))
    apart = decoders.fit_logistic(np.r_[np.zeros(20), np.ones(20)][:, None], np.repeat([0, 1], 20), 1e6)
    assert np.isfinite(apart.weight).all()


def test_scores_that_are_not_finite_are_an_error():
    with pytest.raises(DataError, match="not finite"):
        decoding_null.ranked("circular shifts", 0.5, [0.1, np.nan], 100.0)


def test_evidence_is_matched_by_name():
    probability = xr.DataArray(
        [[0.7, 0.2, 0.1]], dims=("time", "behaviour"), coords={"time": [0.0], "behaviour": ["2", "0", "1"]}
    )
    states = DecodedStates(probability, np.zeros(1, int), np.zeros(1, int), 1.0, np.ones(3), np.nan, untested())
    np.testing.assert_allclose(evidence_of(states, 3), np.log([[0.2, 0.1, 0.7]]))
    with pytest.raises(DataError, match="not the states"):
        evidence_of(states, 4)


def test_lags_do_not_reach_across_a_pause():
    time = np.r_[np.arange(0, 150, 0.1), np.arange(1150, 1300, 0.1)]
    signal = make_traces(np.r_[np.zeros(1500), np.ones(1500)], time_s=time)
    x, _ = design(signal, time, DecodingParams(lags_s=0.5))
    np.testing.assert_allclose(x[1499, 0, 6:], 0)
    np.testing.assert_allclose(x[1500, 0, :5], 0)


def _drifting(rng, n, k):
    return rng.standard_normal((n, k)) + 2 * np.cumsum(rng.standard_normal((n, k)), axis=0) / np.sqrt(n)


def test_drift_in_both_is_tested_by_linear_shifts_or_not_at_all():
    """Circular shifts called half of such unrelated sessions decoded."""
    p = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        signal = make_traces(_drifting(rng, 3000, 8), rate_hz=5)
        y = xr.DataArray(_drifting(rng, 3000, 2), dims=("time", "component"), coords={"time": np.arange(3000) / 5})
        test = decode(signal, y, NOISE).test
        if test.null == "linear shifts":
            p.append(test.p)
            assert test.reason or np.isfinite(test.p)
    assert len(p) > 4
    assert np.sum(np.asarray(p) <= 0.05) <= 1


def test_other_sessions_are_a_null():
    rng = np.random.default_rng(0)
    targets = [latents(2000, seed=s)[0] for s in range(21)]
    signal = neurons(targets[0].values, 3.0)
    found = decode(signal, targets[0], DecodingParams(lags_s=0.0), others=targets[1:])
    assert found.test.null == "other sessions"
    assert found.p == pytest.approx(1 / 21)
    few = decode(signal, targets[0], DecodingParams(lags_s=0.0), others=targets[1:5])
    assert np.isnan(few.p)
    assert few.test.reason.startswith("too few other sessions")
    unrelated = make_traces(rng.standard_normal((2000, 8)), rate_hz=RATE)
    assert decode(unrelated, targets[0], DecodingParams(lags_s=0.0), others=targets[1:]).p > 0.05


@pytest.mark.slow
def test_bayes_beats_plain_when_neurons_are_noisy(data):
    target, _ = data
    model = fit_from_levels(
        [target.values.astype(np.float32)], ArHmmParams(n_states=6, lags=1, kappa=200, sweeps=0, draws=0)
    )
    labels = model.predict(target.values.astype(np.float32))
    params = DecodingParams(lags_s=0.0)
    signal = neurons(target.values, 8.0)
    plain, best_lags = decode(signal, target, params), decode(signal, target, DecodingParams(lags_s=0.25))
    both = combine(signal, target, model)
    assert both.r2 > plain.r2 + 0.15
    assert both.r2 > best_lags.r2 + 0.03
    plain_states = decode_states(
        signal, make_states(labels, target["time"].values, [str(k) for k in range(model.n_states)]), params
    )
    hit = [(both.states[labels == k] == k).mean() for k in range(model.n_states)]
    assert np.mean(hit) > plain_states.balanced_accuracy + 0.1
    repeated = combine(signal, target, model)
    np.testing.assert_array_equal(both.latent.values, repeated.latent.values)


def test_sure_sightings_are_believed_and_none_leave_the_prior(data):
    target, _ = data
    x = target.values[:400]
    model = fit_from_levels(
        [target.values.astype(np.float32)], ArHmmParams(n_states=6, lags=2, kappa=200, sweeps=0, draws=0)
    )
    precision = np.repeat(1e6 * np.eye(4)[None], 400, axis=0)
    precision[10::20] = 0
    smooth = smooth_switching(model, precision, np.einsum("tij,tj->ti", precision, x), sweeps=15, burn_in=5)
    seen = precision[:, 0, 0] > 0
    np.testing.assert_allclose(smooth.latents[seen], x[seen], atol=1e-2)
    # Missing rows are bridged better than by a straight line from one neighbour to the other.
    line = (x[np.flatnonzero(~seen) - 1] + x[np.flatnonzero(~seen) + 1]) / 2
    error, plain = (np.median(np.abs(y - x[~seen]).max(axis=1)) for y in (smooth.latents[~seen], line))
    assert error < plain
    assert error < 0.35 * x.std()
    np.testing.assert_allclose(smooth.probability.sum(axis=1), 1, atol=1e-6)
    with pytest.raises(DataError, match="do not fit"):
        smooth_switching(model, precision[:, :2, :2], x[:, :2])


def test_folds_are_blocks_with_a_gap():
    time = np.arange(3000) / 10
    usable = np.ones(3000, bool)
    usable[100:140] = False
    params = DecodingParams()
    fold = time_folds(time, usable, params)
    assert set(fold[usable]) == set(range(5))
    assert (fold[~usable] == -1).all()
    for held in range(5):
        learn = training_rows(fold, time, held, 5.0)
        assert learn.any()
        assert np.abs(time[learn][:, None] - time[fold == held]).min() > 5.0
    with pytest.raises(DataError, match="too little time"):
        time_folds(time[:300], usable[:300], params)


def test_design_shows_the_activity_around_a_moment():
    signal = make_traces(np.arange(50.0)[:, None], rate_hz=10)
    x, seen = design(signal, signal["time"].values, DecodingParams(lags_s=0.2))
    assert x.shape == (50, 1, 5)
    assert seen.all()
    assert (np.diff(x[10, 0]) > 0).all()
    assert x[10, 0, 2] == pytest.approx((10 - 24.5) / np.std(np.arange(50)))


def test_wrong_targets_are_named(data):
    target = data[0]
    with pytest.raises(DataError, match="wrong axes"):
        decode(neurons(target.values, 1.0), target.expand_dims("individual", axis=1))


def test_two_folds_are_refused_where_they_are_declared():
    # One is predicted, one chooses the penalty: with two none is left to learn from.
    with pytest.raises(DataError, match="'folds' is not valid"):
        DecodingParams(folds=2)
    assert DecodingParams(folds=3).folds == 3


def walked(seed, names=("rest", "walk"), n=900, holes=False):
    """States in bouts of about two seconds; with holes ten seconds are unlabelled."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(rng.integers(0, 2, n), rng.integers(20, 40, n))[:n]
    if holes:
        start = rng.integers(0, n - 150)
        codes[start : start + 150] = -1
    return make_states(codes, np.arange(n) / RATE, list(names))


@pytest.mark.slow
def test_states_of_other_sessions_are_a_null():
    sessions = [walked(s, holes=True) for s in range(12)]
    walking = (sessions[0].values[:, :1] == 1).astype(float)
    signal = neurons(walking, 1.0, units=4)
    params = DecodingParams(lags_s=0.0, folds=3, gap_s=1.0, min_independent=8)
    found = decode_states(signal, sessions[0], params, others=sessions[1:])
    assert found.test.null == "other sessions"
    assert found.p == pytest.approx(1 / 12)
    unrelated = make_traces(np.random.default_rng(3).standard_normal((900, 4)), rate_hz=RATE)
    assert decode_states(unrelated, sessions[0], params, others=sessions[1:]).p > 0.05
    # The same behaviours in another order are the same behaviours.
    turned = [
        make_states(np.where(s.values < 0, -1, 1 - s.values), s["time"].values, ["walk", "rest"]) for s in sessions
    ]
    again = decode_states(signal, sessions[0], params, others=turned[1:])
    np.testing.assert_allclose(again.test.scores, found.test.scores)
    with pytest.warns(MuridWarning, match="3 of 11 other sessions lack one of rest, walk"):
        mixed = [walked(s, ("rest", "groom")) for s in range(3)] + sessions[4:]
        assert len(decode_states(signal, sessions[0], params, others=mixed).test.scores) == 8
