"""MARS's smoothing in series, and its bagged networks."""

import numpy as np
import pytest
import xarray as xr

import murid
from murid.ethogram import hmm, smooth
from murid.learn.classify.bagged import Bags, fit_bags
from murid.methods.supervised.mars_smoothing import Chains, Series

CHAIN = hmm.BehaviourChain(("absent", "a"), np.array([[-0.1, 0.1], [0.5, -0.5]]), np.array([5 / 6, 1 / 6]))


def probability(x, fps=30.0):
    coords = {"time": np.arange(len(x)) / fps, "individual": ["all"], "behaviour": np.array(["a"], object)}
    return xr.DataArray(np.asarray(x, np.float32)[:, None, None], dims=tuple(coords), coords=coords)


def test_series_is_classes_then_passes_then_the_chain_of_their_hits():
    rng = np.random.default_rng(0)
    shows = (np.arange(900) // 90) % 3 == 1
    raw = probability(np.clip(shows * 0.5 + 0.25 + rng.normal(size=900) * 0.3, 0.01, 0.99))
    series = Series(Chains((CHAIN,)), np.array([[0.1, 0.8]]))
    classes = smooth.smooth_forward_backward(raw.copy(data=(raw.values > 0.5).astype(np.float32))).values[:, 0, 0] > 0.5
    # Forward-backward of the two-state chain, written down.
    move = CHAIN.step(1 / 30)
    like = np.where(classes[:, None], [0.1, 0.8], [0.9, 0.2])
    ahead, back = np.empty((900, 2)), np.ones((900, 2))
    ahead[0] = CHAIN.prior * like[0]
    for t in range(1, 900):
        ahead[t] = (ahead[t - 1] / ahead[t - 1].sum()) @ move * like[t]
    for t in range(898, -1, -1):
        back[t] = move @ (like[t + 1] * back[t + 1])
        back[t] /= back[t].sum()
    want = ahead * back
    want = want[:, 1] / want.sum(axis=1)
    np.testing.assert_allclose(series(raw).values[:, 0, 0], want, atol=2e-3)
    assert ((want > 0.5) == shows).mean() > 0.97


def test_hits_are_counted_on_what_the_smoothed_classes_say():
    shows = (np.arange(600) // 60) % 2 == 1
    wrong = shows.copy()
    wrong[60:90] = False
    truth = shows.astype(np.int8)[:, None, None]
    series = Series(Chains((CHAIN,))).heard([(probability(wrong * 0.8 + 0.1), truth)])
    assert series.hits.shape == (1, 2)
    assert series.hits[0, 0] == pytest.approx(0, abs=0.02)
    assert series.hits[0, 1] == pytest.approx(0.9, abs=0.02)


def test_series_says_the_same_at_every_frame_rate():
    shows = np.arange(0, 20, 1 / 30) % 6 < 2
    at = {}
    for fps in (30.0, 60.0):
        t = np.arange(0, 20, 1 / fps)
        at[fps] = Series(Chains((CHAIN,)), np.array([[0.2, 0.7]]))(probability((t % 6 < 2) * 0.6 + 0.2, fps)).values
    np.testing.assert_allclose(at[60.0][::2, 0, 0], at[30.0][:, 0, 0], atol=0.15)
    assert ((at[60.0][::2, 0, 0] > 0.5) == shows).mean() > 0.97


def test_missing_frames_stay_missing():
    raw = probability(np.r_[np.full(50, 0.9), np.full(10, np.nan), np.full(50, 0.1)])
    out = Series(Chains((CHAIN,)), np.array([[0.1, 0.8]]))(raw).values[:, 0, 0]
    assert np.isnan(out[50:60]).all()
    assert np.isfinite(np.delete(out, np.s_[50:60])).all()


@pytest.mark.slow
def test_bags_are_the_mean_of_their_networks_and_are_stored():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 5)).astype(np.float32)
    y = np.stack([x[:, 0] > 0, x[:, 1] > 1], axis=1).astype(np.int8)
    net = {"hidden": (12,), "dropout": (0.0,), "min_steps": 400, "learning_rate": 0.01}
    options = {"n_bags": 3, "net": net}
    bags = fit_bags(x, y, ("a", "b"), seed=3, **options)
    p = bags.predict(x)
    assert (((p > 0.5) == y).mean(axis=0) > 0.93).all()
    each = np.stack([net.predict(x)[:, 0] for net in bags.bags[1]])
    np.testing.assert_allclose(p[:, 1], each.mean(0), atol=1e-6)
    assert np.ptp(each, axis=0).max() > 1e-3
    np.testing.assert_array_equal(Bags.from_arrays(bags.to_arrays()).predict(x), p)
    np.testing.assert_array_equal(fit_bags(x, y, ("a", "b"), seed=3, **options).predict(x), p)


@pytest.mark.slow
def test_networks_and_the_original_rule_learn_as_a_method():
    from murid import simulate

    train = [
        simulate.recording("open_field", duration_s=60, fps=15, seed=s, id=f"r{s}", animal=f"a{s}") for s in range(3)
    ]
    *known, new = train
    bags = {"n_bags": 3, "net": {"hidden": (16,), "dropout": (0.0,), "epochs": 2, "min_steps": 200}}
    options = {"behaviours": ("walk",), "others": "negative", "faithful": True, "learner": "networks"}
    made = murid.method("mars", **options, bags=bags).fit(known)
    out = made.apply(new)
    truth = new.labels.to_states(new.poses["time"].values, ["walk"], others="negative").values[:, 0, 0]
    said = out["states"].values[:, 0, 0]
    seen = said >= 0
    assert (said[seen] == truth[seen]).mean() > 0.8
    assert made.model.refiner.hits.shape == (1, 2)
