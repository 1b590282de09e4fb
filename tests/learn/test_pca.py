"""Principal components against scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA as Reference

from murid.data.errors import DataError
from murid.learn.embed.pca import PCA, Moments, fit_pca


def low_rank(n=2000, d=12, rank=3, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, rank)) * [3, 2, 1.5] @ rng.normal(size=(rank, d)) + noise * rng.normal(size=(n, d)) + 7


def test_matches_sklearn_up_to_sign_and_the_sign_is_fixed():
    x = low_rank()
    mine, theirs = fit_pca(x, 3), Reference(3).fit(x)
    assert np.allclose(np.abs(mine.components), np.abs(theirs.components_), atol=1e-8)
    assert np.allclose(mine.explained, theirs.explained_variance_ratio_)
    largest = np.abs(mine.components).argmax(axis=1)
    assert (mine.components[np.arange(3), largest] > 0).all()
    assert np.allclose(fit_pca(x[::-1], 3).components, mine.components)


def test_share_of_variance_chooses_the_count():
    x = low_rank()
    assert len(fit_pca(x, 0.99).components) == 3
    assert len(fit_pca(x, 0.99, max_components=2).components) == 2


def test_whitened_scores_have_unit_covariance_and_go_back():
    x = low_rank()
    model = fit_pca(x, 3, whiten=True)
    scores = model.transform(x)
    assert np.allclose(np.cov(scores.T, bias=True), np.eye(3), atol=1e-6)
    assert np.allclose(model.inverse(scores), x, atol=0.3)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 100))
def test_streamed_moments_equal_moments_at_once(sizes, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(sum(sizes), 3)) + 1e4
    w = rng.random(sum(sizes)) + 0.1
    moments = Moments(3)
    for block, weight in zip(np.split(x, np.cumsum(sizes)[:-1]), np.split(w, np.cumsum(sizes)[:-1]), strict=True):
        moments.update(block, weight)
    assert np.allclose(moments.mean, np.average(x, axis=0, weights=w))
    assert np.allclose(moments.covariance, np.cov(x.T, aweights=w, bias=True), atol=1e-9)


def test_missing_entries_are_recovered_from_the_others():
    x = low_rank()
    rng = np.random.default_rng(1)
    holes = x.copy()
    holes[rng.random(x.shape) < 0.15] = np.nan
    holes[5] = np.nan
    truth, model = fit_pca(x, 3), fit_pca(holes, 3)
    assert np.allclose(model.components @ truth.components.T, np.eye(3), atol=0.02)
    scores = model.transform([holes[:900], holes[900:]])
    assert [len(part) for part in scores] == [900, 1100]
    scores = np.concatenate(scores)
    assert np.isnan(scores[5]).all()
    kept = np.arange(len(x)) != 5
    assert np.sqrt(np.mean((model.inverse(scores[kept]) - x[kept]) ** 2)) < 0.1
    assert fit_pca(np.where(np.arange(12) == 0, np.nan, x)[:, 1:], 3).components.shape == (3, 11)


def test_no_complete_frame_at_all_still_fits():
    x = low_rank()
    holes = x.copy()
    holes[np.arange(len(x)), np.arange(len(x)) % 12] = np.nan
    model = fit_pca(holes, 3, rounds=30)
    assert np.abs(np.linalg.det(model.components @ fit_pca(x, 3).components.T)) > 0.99
    with pytest.raises(DataError, match="no complete frames"):
        fit_pca(holes, 3, missing=False)


def test_faults_and_saving():
    x = low_rank(n=100).astype(np.float32)
    model = fit_pca(x, 2)
    assert model.transform(x).dtype == np.float32
    assert np.array_equal(PCA.from_arrays(model.arrays()).transform(x), model.transform(x))
    with pytest.raises(DataError, match="at most 12"):
        fit_pca(x, 13)
    with pytest.raises(DataError, match="never seen"):
        fit_pca(np.where(np.arange(12) == 4, np.nan, x), 2)
