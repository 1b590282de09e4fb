"""Classifiers of frames: forests, stumps and dense nets against references and brute force."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest

from murid.learn.classify.boost import _balanced
from murid.learn.classify.dense import Dense, DenseParams, fit_dense
from murid.learn.classify.forests import ForestParams, Forests, fit_forests
from murid.learn.classify.novelty import fit_novelty
from murid.learn.classify.stumps import MISSING, Stumps, best_stump, bins_of, fit_stumps


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 8)).astype(np.float32)
    y = np.stack([x[:, 0] + 0.5 * x[:, 1] > 0, x[:, 2] * x[:, 3] > 0], axis=1).astype(np.int8)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, y


class TestForests:
    def test_equals_scikit_learn_with_missing_values(self, data):
        from sklearn.ensemble import RandomForestClassifier

        from murid.learn.classify.trees import Trees

        x, y = data
        forest = RandomForestClassifier(30, min_samples_leaf=3, random_state=1).fit(x[:400], y[:400, 0])
        np.testing.assert_allclose(Trees.of(forest).probabilities(x)[:, 1], forest.predict_proba(x)[:, 1], atol=1e-6)

    def test_stored_as_arrays_and_the_same_on_any_threads(self, data):
        x, y = data
        fits = [
            fit_forests(x, y, ["a", "b"], params=ForestParams(n_trees=10, max_rows=200, n_threads=n)) for n in (1, 2)
        ]
        np.testing.assert_array_equal(fits[0].predict(x), fits[1].predict(x))
        again = Forests.from_arrays(["a", "b"], fits[0].to_arrays())
        np.testing.assert_array_equal(again.predict(x), fits[0].predict(x))

    def test_unlabelled_frames_are_left_out(self, data):
        x, y = data
        y = y.copy()
        y[300:, 1] = -1
        with_them = fit_forests(x, y, ["a", "b"], params=ForestParams(n_trees=5))
        without = fit_forests(x[:300], y[:300, 1:], ["b"], params=ForestParams(n_trees=5))
        np.testing.assert_array_equal(with_them.predict(x)[:, 1], without.predict(x)[:, 0])


class TestStumps:
    def test_best_stump_is_the_best(self):
        rng = np.random.default_rng(1)
        # More features than are counted at a time.
        codes = rng.integers(0, 31, (80, 600)).astype(np.uint8)
        codes[rng.random(codes.shape) < 0.1] = MISSING
        rows = rng.choice(80, 50, replace=False)
        votes = rng.choice([-2, -1, 1, 3], 50)
        usable = np.arange(600) % 2 == 1
        f, c, d = best_stump(codes, rows, votes, usable, 31)

        def gain(f, c, d):
            column = codes[rows, f].astype(int)
            vote = np.where(column == MISSING, 0, np.where(column > c, d, -d))
            return int((vote * votes).sum())

        best = max(gain(f, c, d) for f in range(1, 600, 2) for c in range(30) for d in (-1, 1))
        assert usable[f]
        assert gain(f, c, d) == best

    def test_first_vote_weighs_one_minus_twice_its_error(self):
        x = np.arange(400, dtype=np.float32)[:, None]
        y = (x > 199).astype(np.int8)
        y[:20] = 1
        y[-20:] = 0
        fit = fit_stumps(bins_of(x), y, ["a"], n_rounds=1)
        vote = np.where(x[:, 0] > fit.threshold[0, 0], fit.direction[0, 0], -fit.direction[0, 0])
        sign = np.where(y[:, 0] == 1, 1, -1)
        balanced_error = np.mean([(vote != sign)[sign == s].mean() for s in (-1, 1)])
        assert fit.alpha[0, 0] == pytest.approx(1 - 2 * balanced_error, abs=1e-6)

    def test_learns_stores_and_ignores_missing(self, data):
        x, y = data
        fit = fit_stumps(bins_of(x), y[:, :1], ["a"], n_rounds=60)
        p = fit.predict(x)[:, 0]
        assert ((p > 0.5) == y[:, 0]).mean() > 0.85
        np.testing.assert_array_equal(Stumps.from_arrays(fit.to_arrays()).predict(x), fit.predict(x))
        # Nothing was seen: that is no half, which a raw decision would take for present.
        assert np.isnan(fit.predict(np.full((1, 8), np.nan, np.float32))).all()

    def test_same_seed_same_stumps(self, data):
        x, y = data
        one, two, other = (fit_stumps(bins_of(x), y, ["a", "b"], n_rounds=5, seed=s) for s in (0, 0, 1))
        np.testing.assert_array_equal(one.threshold, two.threshold)
        assert (one.threshold != other.threshold).any()


class TestDense:
    small = DenseParams(hidden=(32, 16), epochs=5, min_steps=600, batch=64)

    def test_learns_a_product_that_no_line_separates(self, data):
        pytest.importorskip("torch")
        x, y = data
        complete = np.isfinite(x[:, 2:4]).all(axis=1)
        net = fit_dense(x[:400], y[:400, 1:], exclusive=False, params=self.small)
        said = net.predict(x[400:])[:, 0] > 0.5
        assert (said == y[400:, 1])[complete[400:]].mean() > 0.75

    def test_softmax_has_a_class_for_none_of_them(self, data):
        pytest.importorskip("torch")
        x, y = data
        y = y.copy()
        y[y.sum(axis=1) > 1, 1] = 0
        net = fit_dense(x, y, exclusive=True, params=self.small)
        p = net.predict(x)
        assert p.shape == (600, 2)
        assert (p.sum(axis=1) < 1).all()

    def test_same_seed_and_storage(self, data):
        pytest.importorskip("torch")
        x, y = data
        a, b = (fit_dense(x, y, exclusive=False, params=self.small.replace(min_steps=50), seed=3) for _ in range(2))
        np.testing.assert_array_equal(a.predict(x), b.predict(x))
        np.testing.assert_array_equal(Dense.from_arrays(a.to_arrays()).predict(x), a.predict(x))
        assert np.isnan(a.predict(np.full((1, 8), np.nan, np.float32))).all()

    @pytest.mark.parametrize("standardise", [True, False])
    def test_a_feature_that_training_never_varied_has_no_say(self, data, standardise):
        pytest.importorskip("torch")
        x, y = data
        blank = np.column_stack([x, np.full(len(x), np.nan), np.full(len(x), 0.1)]).astype(np.float32)
        small = self.small.replace(min_steps=5, epochs=1, standardise=standardise, clip=None)
        net = fit_dense(blank, y, exclusive=False, params=small)
        other = blank.copy()
        other[:, -2:] = 1e4
        np.testing.assert_array_equal(net.predict(other), net.predict(blank))

    def test_predicting_needs_no_torch(self, data, monkeypatch):
        pytest.importorskip("torch")
        x, y = data
        arrays = fit_dense(x, y, exclusive=False, params=self.small.replace(min_steps=5), seed=3).to_arrays()
        for name in [m for m in sys.modules if m.partition(".")[0] == "torch"] + ["torch"]:
            monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ImportError):
            import torch  # noqa: F401
        assert np.isfinite(Dense.from_arrays(arrays).predict(x)).all()


def test_a_dense_network_predicts_the_same_on_any_number_of_threads():
    from threadpoolctl import threadpool_limits

    from murid.learn.classify.dense import Dense

    rng = np.random.default_rng(0)
    sizes = (300, 256, 128, 4)
    layers = [
        (rng.normal(size=(a, b)).astype(np.float32) / 16, np.zeros(b, np.float32)) for a, b in itertools.pairwise(sizes)
    ]
    net = Dense(3, np.zeros(300, np.float32), np.ones(300, np.float32), layers, True)
    x = rng.normal(size=(2000, 300)).astype(np.float32)
    outputs = []
    for n in (1, 2):
        with threadpool_limits(n):
            outputs.append(net.predict(x))
    np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize(("balance", "share"), [(0.0, 0.1), (0.5, 0.25), (1.0, 0.5)])
def test_balance_brings_the_weight_of_a_rare_behaviour_towards_that_of_the_rest(balance, share):
    label = np.zeros(1000)
    label[:100] = 1
    weight = _balanced(label, np.ones(1000), balance)
    assert weight.mean() == pytest.approx(1)
    assert weight[:100].sum() / weight.sum() == pytest.approx(share)


def test_frames_unlike_the_training_data_are_novel_and_unknown_ones_are_not_judged():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 4)).astype(np.float32)
    novelty = fit_novelty(x, np.repeat(list("abc"), 300), columns=range(4))
    frames = np.zeros((4, 4), np.float32)
    frames[1] = 50
    frames[2, :2] = np.nan  # half is known: judged
    frames[3, :3] = np.nan  # a quarter is known
    found = novelty(frames)
    assert found[0] < 0.5
    assert found[2] < 0.5
    assert found[1] == 1
    assert np.isnan(found[3])
    usual = novelty(rng.normal(size=(900, 4)))
    assert np.mean(usual >= 0.99) < 0.05
