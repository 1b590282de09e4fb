"""Density clusters, behaviour maps, UMAP and t-SNE: planted groups, placement, gaps, seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import rel_entr
from sklearn.metrics import adjusted_rand_score

from murid.data.errors import DataError
from murid.learn.embed._neighbours import perplexity_weights
from murid.learn.segment.watershed import BehaviourMap, basins, fit_watershed


def groups(n=900, k=3, d=2, seed=0, gap=8.0):
    rng = np.random.default_rng(seed)
    z = rng.integers(k, size=n)
    centres = np.stack([np.cos(2 * np.pi * np.arange(k) / k), np.sin(2 * np.pi * np.arange(k) / k)], axis=1) * gap
    return np.pad(centres, ((0, 0), (0, d - 2)))[z] + rng.normal(size=(n, d)), z


def test_basins_follow_the_steepest_ascent():
    grid = np.linspace(-3, 3, 61)
    one, two = np.exp(-((grid[:, None] + 1.5) ** 2) - grid**2), np.exp(-((grid[:, None] - 1.5) ** 2) - grid**2)
    regions = basins(one + two, 1e-3)
    assert set(np.unique(regions)) == {-1, 0, 1}
    inside = regions >= 0
    assert (regions[inside] == (one < two)[inside]).mean() > 0.97


def test_watershed_finds_groups_places_new_points_and_limits_regions():
    xy, z = groups()
    model = fit_watershed([xy[:400], xy[400:]], sigma=0.8)
    assert model.n_regions == 3
    assert adjusted_rand_score(z, model.predict(xy)) > 0.99
    assert model.density.sum() == pytest.approx(1, abs=1e-3)
    assert model.predict(np.array([[np.nan, 0], [1e6, 0], [0.0, 0.0]]))[:2].tolist() == [-1, -1]
    fine = fit_watershed(xy, sigma=0.1)
    limited = fit_watershed(xy, sigma=0.1, max_regions=4)
    assert fine.n_regions > 4 >= limited.n_regions
    assert np.array_equal(BehaviourMap.from_arrays(model.arrays()).predict(xy), model.predict(xy))
    with pytest.raises(DataError, match="too few distinct points"):
        fit_watershed(np.full((50, 2), np.nan))


def test_perplexity_is_met():
    distance = np.sort(np.random.default_rng(0).random((50, 90)) * 7, axis=1)
    weight = perplexity_weights(distance, 20)
    entropy = -(weight * np.log(weight)).sum(axis=1)
    assert np.allclose(np.exp(entropy), 20, rtol=1e-3)


def test_hdbscan_sweep_equals_separate_fits():
    hdbscan = pytest.importorskip("hdbscan")
    from murid.learn.segment.hdbscan import Hdbscan, fit_hdbscan

    xy, z = groups(n=1200)
    noise = np.random.default_rng(1).uniform(-14, 14, size=(60, 2))
    points = np.concatenate([xy, noise])
    holes = np.concatenate([points, np.full((3, 2), np.nan)])
    model = fit_hdbscan(holes, shares=(0.02, 0.2), n_sizes=6, min_samples=5)
    for size, count in zip(model.sizes, model.counts, strict=True):
        alone = hdbscan.HDBSCAN(int(size), min_samples=5).fit(points)
        assert alone.labels_.max() + 1 == count
        if size == model.min_cluster_size:
            assert adjusted_rand_score(alone.labels_, model.labels) == 1
    assert model.counts[model.sizes == model.min_cluster_size] == model.counts.max()
    labels = model.predict(holes)
    assert (labels[-3:] == -1).all()
    assert (labels[:-3] == -1).any()
    known = labels[:1200] >= 0
    assert adjusted_rand_score(z[known], labels[:1200][known]) > 0.97
    assert np.array_equal(Hdbscan.from_arrays(model.arrays()).predict(holes), labels)
    with pytest.raises(DataError, match="too few complete frames"):
        fit_hdbscan(xy[:5])


@pytest.mark.slow  # umap-learn compiles for a minute on a busy machine
def test_umap_keeps_groups_apart_and_is_deterministic():
    pytest.importorskip("umap")
    from murid.learn.embed.umap import Umap, fit_umap

    x, z = groups(n=300, d=5)
    x[7] = np.nan
    model = fit_umap(x[:200], n_neighbors=15, seed=3)
    assert np.array_equal(model.embedding, fit_umap(x[:200], n_neighbors=15, seed=3).embedding)
    places = Umap.from_arrays(model.arrays()).transform(x)
    assert np.isnan(places[7]).all()
    assert np.allclose(places[8:200], model.embedding[7:])
    centres = np.stack([np.nanmean(places[:200][z[:200] == k], axis=0) for k in range(3)])
    nearest = np.linalg.norm(places[200:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == z[200:]).mean() > 0.98
    with pytest.raises(DataError, match="n_neighbors"):
        fit_umap(x[:10])


def spectra(n=400, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.integers(3, size=n)
    return rng.gamma(np.array([[9, 3, 1, 1], [1, 9, 3, 1], [1, 1, 2, 9.0]])[z] * 2), z


def test_tsne_neighbours_are_exact_divergences_in_bits():
    pytest.importorskip("openTSNE")
    from murid.learn.embed.tsne import nearest_points

    x, _ = spectra(60)
    p = x / x.sum(axis=1, keepdims=True)
    at, found = nearest_points(x[:20], p, 5, divergence=True)
    wanted = np.stack([rel_entr(p[i], p).sum(axis=1) for i in range(20)]) / np.log(2)
    assert np.allclose(found, np.sort(wanted, axis=1)[:, :5], atol=1e-10)
    assert np.array_equal(at[:, 0], np.arange(20))


def test_tsne_map_places_new_spectra_with_their_kind():
    pytest.importorskip("openTSNE")
    from murid.learn.embed.tsne import Tsne, fit_tsne, nearest_points

    x, z = spectra()
    model = fit_tsne(x[:300], perplexity=20, n_neighbors=60, iterations=250)
    again = fit_tsne(x[:300], perplexity=20, n_neighbors=60, iterations=250)
    assert np.array_equal(model.embedding, again.embedding)
    # The error of the map, by the whole matrices of pairs.
    at, far = nearest_points(model.points, model.points, 60, divergence=True, skip_self=True)
    p = np.zeros((300, 300))
    np.put_along_axis(p, at, perplexity_weights(far, 20), axis=1)
    q = 1 / (1 + ((model.embedding[:, None] - model.embedding) ** 2).sum(axis=2))
    np.fill_diagonal(q, 0)
    assert model.error_bits == pytest.approx(rel_entr((p + p.T) / 600, q / q.sum()).sum() / np.log(2), rel=1e-6)
    worse = fit_tsne(x[:300], perplexity=20, n_neighbors=60, iterations=2, early_iterations=2)
    assert worse.error_bits > model.error_bits
    x[310, 0] = np.nan
    places = Tsne.from_arrays(model.arrays()).transform(x)
    assert np.isnan(places[310]).all()
    new = np.arange(300, 400)[np.arange(300, 400) != 310]
    near = np.linalg.norm(places[new][:, None] - model.embedding, axis=2).argsort(axis=1)[:, :5]
    guess = np.array([np.bincount(z[row]).argmax() for row in near])
    assert (guess == z[new]).mean() > 0.9
    # Placing is independent of company and puts frames of the fit back where they were.
    assert np.allclose(model.transform(x[330:331]), places[330:331], atol=1e-6)
    back = np.linalg.norm(places[:300] - model.embedding, axis=1)
    assert np.median(back) < 0.1 * np.ptp(model.embedding)
    with pytest.raises(DataError, match="negative values"):
        fit_tsne(-x[:200])
