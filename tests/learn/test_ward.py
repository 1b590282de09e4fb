"""Weighted Ward against scipy, and through prototypes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import is_valid_linkage
from scipy.cluster.hierarchy import ward as reference
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError
from murid.learn.segment.ward import Ward, fit_ward, weighted_ward


def test_tree_equals_scipy_when_weights_are_one():
    x = np.random.default_rng(0).normal(size=(300, 4))
    tree = weighted_ward(x, np.ones(300))
    assert np.allclose(tree, reference(x))
    assert is_valid_linkage(tree)


def test_weights_count_like_copies():
    rng = np.random.default_rng(1)
    x, copies = rng.normal(size=(60, 3)), rng.integers(1, 6, size=60)
    weighted, repeated = weighted_ward(x, copies), reference(np.repeat(x, copies, axis=0))
    assert np.allclose(weighted[:, 2], repeated[-59:, 2])


def test_height_cut_equals_sklearn_distance_threshold():
    x = np.random.default_rng(2).normal(size=(400, 5))
    theirs = AgglomerativeClustering(None, distance_threshold=12, linkage="ward").fit_predict(x)
    model = fit_ward(x, height=12)
    assert adjusted_rand_score(theirs, model.predict(x)) == 1
    assert model.n_clusters == theirs.max() + 1
    assert model.cut(n_clusters=4).n_clusters == 4
    assert (np.diff(np.bincount(model.predict(x))) <= 0).all()


def test_prototypes_keep_the_clusters_and_predict_new_frames():
    rng = np.random.default_rng(3)
    z = rng.integers(5, size=20_000)
    x = (rng.normal(size=(5, 6)) * 4)[z] + rng.normal(size=(20_000, 6))
    model = fit_ward(x[:15_000], n_clusters=5, n_prototypes=400)
    assert len(model.prototypes) <= 400
    assert model.mass.sum() == 15_000
    assert adjusted_rand_score(z[15_000:], model.predict(x[15_000:])) > 0.97
    # Heights still speak of frames: the top merge is that of the true groups.
    between = x[:15_000] - x[:15_000].mean(axis=0)
    assert 0.5 < (model.tree[:, 2] ** 2).sum() / 2 / (between**2).sum() < 1
    again = fit_ward(x[:15_000], n_clusters=5, n_prototypes=400, n_workers=2)
    assert np.array_equal(again.labels, model.labels)
    assert np.array_equal(Ward.from_arrays(model.arrays()).predict(x), model.predict(x))


def test_gaps_and_faults():
    x = np.random.default_rng(0).normal(size=(100, 3))
    x[10] = np.nan
    model = fit_ward([x[:50], x[50:]], n_clusters=3)
    assert model.predict([x])[0][10] == -1
    with pytest.raises(DataError, match="n_clusters or height"):
        fit_ward(x)
    with pytest.raises(DataError, match="at most 99"):
        fit_ward(x, n_clusters=200)
