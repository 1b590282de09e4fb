"""Scaling with filling, forest as arrays, rest gate, cuts of a tree: against references and planted truth."""

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.learn.classify.forests import ClassForest, fit_class_forest
from murid.learn.embed.pca import fit_pca
from murid.learn.feature_scaling import Scaler, fit_scaler
from murid.learn.segment.rest_or_transit import RestGate, fit_rest
from murid.learn.segment.tree_cuts import best_cut, cut_evidence
from murid.learn.segment.ward import fit_ward
from murid.learn.spilled_tables import SpilledTables, blocks_of


def test_scaler_is_one_for_all_tables_and_fills_what_others_tell():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2000, 2))
    x = np.column_stack([z, z.sum(1), z[:, 0] - z[:, 1], np.full(2000, 7.0)]) * [1, 5, 2, 3, 1] + 4
    scaler = fit_scaler([x[:500], x[500:]])
    scaled = scaler(x)
    np.testing.assert_allclose(scaled[:, :4].mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled[:, :4].std(0), 1, atol=1e-3)
    assert (scaled[:, 4] == 0).all()
    holed = x.copy()
    holed[:100, 2] = np.nan
    holed[100:110, :4] = np.nan
    filled = scaler(holed)
    assert np.corrcoef(filled[:100, 2], scaled[:100, 2])[0, 1] > 0.99
    assert np.isnan(filled[100:110]).all()
    again = Scaler.from_arrays(scaler.arrays())
    np.testing.assert_array_equal(again(holed), filled)
    blocks = fit_scaler([x], blocks=np.array([0, 0, 1, 1, 2]), weights=np.array([2.0, 2, 1, 1, 1]))
    both = blocks(x)[:, :2]
    assert both.std() == pytest.approx(2, rel=1e-2)
    assert both[:, 1].std() > 3 * both[:, 0].std()
    with pytest.raises(DataError, match="too few frames"):
        fit_scaler([np.full((50, 3), np.nan)])


@pytest.mark.parametrize("robust", [False, True])
def test_a_feature_that_training_never_varied_counts_as_nothing_later(robust):
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, (400, 6))
    x[:, 3], x[:, 4], x[:, 5] = np.nan, 0.1, np.arange(400) % 10 == 0  # unseen, constant, a rare flag
    scaler = fit_scaler([x], robust=robust)
    later = np.array([[5.0, 5, 5, 900, 900, 1], [5, 5, 5, np.nan, np.nan, 0]])
    scaled = scaler(later)
    assert (scaled[:, 3:5] == 0).all()
    assert (np.abs(scaled[:, :3]) < 0.5).all()
    assert scaled[0, 5] > scaled[1, 5] + 0.9
    own = scaler.unscaled(scaled)
    np.testing.assert_allclose(own[:, [0, 5]], later[:, [0, 5]], atol=1e-5)
    np.testing.assert_allclose(own[:, 4], 0.1, atol=1e-6)
    assert np.isfinite(own).all()


def test_features_never_seen_do_not_pull_the_block_they_belong_to():
    x = np.random.default_rng(0).normal(50, 2, (400, 4))
    x[:, 1] = np.nan
    scaler = fit_scaler([x], blocks=np.zeros(4, int))
    np.testing.assert_allclose(scaler.centre, x[:, [0, 2, 3]].mean(), rtol=1e-5)
    np.testing.assert_allclose(scaler.spread[[0, 2, 3]], x[:, [0, 2, 3]].std(), rtol=1e-4)
    assert (scaler(np.full((1, 4), 90.0))[:, 1] == 0).all()


def test_forest_of_arrays_is_the_forest():
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)
    mine = fit_class_forest(x, y, n_trees=12, min_leaf=2, seed=3)
    theirs = RandomForestClassifier(12, min_samples_leaf=2, random_state=3).fit(x, y)
    np.testing.assert_allclose(mine.probabilities(x), theirs.predict_proba(x), atol=1e-6)
    again = ClassForest.from_arrays(mine.arrays())
    x[4, 2] = np.nan
    assert again.predict(x)[4] == -1
    assert np.isnan(again.probabilities(x)[4]).all()
    with pytest.raises(DataError, match="one class"):
        fit_class_forest(x[:3], np.zeros(3, int))


def test_rest_gate_finds_the_two_speeds():
    rng = np.random.default_rng(2)
    slow, fast = 10 ** rng.normal(-1, 0.2, 700), 10 ** rng.normal(1, 0.3, 300)
    gate = fit_rest([slow, np.r_[fast, np.nan]])
    np.testing.assert_allclose(gate.mean, [-1, 1], atol=0.05)
    np.testing.assert_allclose(gate.weight, [0.7, 0.3], atol=0.02)
    p = RestGate.from_arrays(gate.arrays()).probability(np.array([0.0, 0.1, 10.0, np.nan]))
    assert p[0] == 1
    assert p[1] > 0.99
    assert p[2] < 0.01
    assert np.isnan(p[3])
    with pytest.raises(DataError, match="do not differ"):
        fit_rest([np.ones(50)])


def test_cuts_are_judged_at_each_number_of_clusters():
    rng = np.random.default_rng(3)
    x = (np.eye(4) * 10)[rng.integers(4, size=200)] + rng.normal(size=(200, 4))
    rows = cut_evidence(fit_ward(x, n_clusters=2), 0.0, 1e9, most=8)
    assert [r["n_clusters"] for r in rows] == list(range(2, 9))
    assert best_cut(rows, "davies_bouldin") == best_cut(rows, "calinski_harabasz") == 4
    assert best_cut([], "davies_bouldin") is None


def test_tables_on_disk_give_the_same_scaling_components_and_blocks():
    rng = np.random.default_rng(3)
    tables = [rng.normal(k, 1 + k, (n, 6)).astype(np.float32) for k, n in enumerate((37, 400, 1, 212))]
    tables[1][::7, 2] = np.nan
    tables[3][:50] = np.nan
    spilled = SpilledTables(tables)
    assert len(spilled) == 4
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(tables, spilled, strict=True))
    stack = np.concatenate(tables)
    assert [len(b) for b in blocks_of(spilled, 100)] == [100] * 6 + [50]
    assert np.array_equal(np.concatenate(list(blocks_of(spilled, 100))), stack, equal_nan=True)
    known = stack[np.isfinite(stack).mean(axis=1) >= 0.5]
    plain = fit_scaler(spilled)
    np.testing.assert_allclose(plain.centre, np.nanmean(known, axis=0, dtype=float), rtol=1e-6)
    np.testing.assert_allclose(plain.spread, np.nanstd(known, axis=0, dtype=float), rtol=1e-6)
    robust = fit_scaler(spilled, robust=True)
    low, middle, high = np.nanpercentile(known, [25, 50, 75], axis=0)
    np.testing.assert_allclose(robust.centre, middle, rtol=1e-6)
    np.testing.assert_allclose(robust.spread, (high - low) / 1.349, rtol=1e-6)
    blocks = fit_scaler(spilled, blocks=np.array([0, 0, 0, 1, 1, 2]))
    np.testing.assert_allclose(blocks.centre[:3], np.nanmean(known[:, :3], dtype=float), rtol=1e-6)
    np.testing.assert_allclose(blocks.spread[3:5], np.nanstd(known[:, 3:5], dtype=float), rtol=1e-6)
    whole, streamed = fit_pca(tables, 3, missing=False), fit_pca(iter(spilled), 3, missing=False)
    np.testing.assert_array_equal(whole.components, streamed.components)
    with pytest.raises(DataError, match="neither weights nor gaps"):
        fit_pca(iter(tables), 3)
