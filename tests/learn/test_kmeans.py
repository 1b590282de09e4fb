"""K-means against scikit-learn, and what it promises about seeds, threads and gaps."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans as Reference
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError
from murid.learn.segment.kmeans import KMeansModel, fit_kmeans


def blobs(seed=0, n=3000, k=6, d=4, spread=0.35):
    rng = np.random.default_rng(seed)
    truth = rng.integers(k, size=n)
    return rng.normal(size=(k, d))[truth] * 3 + spread * rng.normal(size=(n, d)), truth


def test_finds_planted_blobs_and_matches_sklearn_inertia():
    x, truth = blobs()
    model = fit_kmeans(x, 6, replicates=5)
    assert adjusted_rand_score(truth, model.predict(x)) > 0.99
    reference = Reference(6, n_init=5, random_state=0, tol=1e-8).fit(x)
    assert model.inertia == pytest.approx(reference.inertia_, rel=1e-6)


def test_hard_problem_is_as_good_as_sklearn():
    x = np.random.default_rng(3).normal(size=(4000, 5))
    mine = fit_kmeans(x, 25, replicates=5).inertia
    theirs = Reference(25, n_init=5, random_state=0).fit(x).inertia_
    assert mine < 1.01 * theirs


def test_same_seed_same_labels_on_any_number_of_workers():
    x = np.random.default_rng(1).normal(size=(20_000, 6)).astype(np.float32)
    one = fit_kmeans(x, 12, seed=4, replicates=2, n_workers=1)
    two = fit_kmeans(x, 12, seed=4, replicates=2, n_workers=3)
    assert np.array_equal(one.centroids, two.centroids)
    assert one.centroids.dtype == np.float32
    assert not np.array_equal(one.centroids, fit_kmeans(x, 12, seed=5, replicates=2).centroids)


def test_gaps_are_left_out_and_answered_with_minus_one():
    x, truth = blobs()
    holes = x.copy()
    holes[::7, 1] = np.nan
    model = fit_kmeans(holes, 6)
    labels = model.predict([holes[:1000], holes[1000:]])
    assert isinstance(labels, list)
    labels = np.concatenate(labels)
    assert (labels[::7] == -1).all()
    assert adjusted_rand_score(truth[labels >= 0], labels[labels >= 0]) > 0.99
    distance = model.nearest(holes)[1]
    assert np.isnan(distance[::7]).all()
    assert distance[1] == pytest.approx(np.linalg.norm(x[1] - model.centroids[labels[1]]))


def test_weights_count_like_copies():
    x, _ = blobs(n=300)
    weights = np.random.default_rng(0).integers(1, 5, size=300)
    weighted = fit_kmeans(x, 6, weights=weights)
    copied = fit_kmeans(np.repeat(x, weights, axis=0), 6)
    assert np.allclose(weighted.centroids, copied.centroids)
    assert np.allclose(weighted.mass, copied.mass)


def test_screened_fit_uses_all_frames():
    x, _ = blobs(n=6000)
    model = fit_kmeans(x, 6, screen_frames=500)
    assert model.mass.sum() == 6000
    assert np.allclose(model.inertia, fit_kmeans(x, 6).inertia, rtol=1e-6)


def test_repeated_frames_do_not_break_seeding():
    model = fit_kmeans(np.repeat(np.eye(3), 10, axis=0), 5, replicates=1)
    assert model.inertia == pytest.approx(0.0)


def test_saved_arrays_rebuild_the_model_and_faults_are_named():
    x, _ = blobs(n=200)
    model = fit_kmeans(x, 3)
    again = KMeansModel.from_arrays(model.arrays())
    assert np.array_equal(model.predict(x), again.predict(x))
    with pytest.raises(DataError, match="at least 30, got 20"):
        fit_kmeans(x[:20], 30)
    with pytest.raises(DataError, match="wrong number of features"):
        model.predict(x[:, :2])
    with pytest.raises(DataError, match="infinite"):
        fit_kmeans(np.full((10, 2), np.inf), 2)
    with pytest.raises(DataError, match="lengths do not add up"):
        fit_kmeans(x, 2, lengths=[10, 20])
