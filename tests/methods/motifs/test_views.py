"""Views of motifs and what is read off a map: planted islands, hull, stays, the tree above the cut."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy.cluster.hierarchy import fcluster
from scipy.spatial import Delaunay

from murid.data.errors import DataError
from murid.data.states import make_states
from murid.learn.embed.tsne import outside_hull
from murid.learn.segment.ward import fit_ward
from murid.methods.motifs.motionmapper import _stays
from murid.methods.motifs.views import motif_view


def islands(n=400, k=4, seed=0, components=6):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, k, n)
    latent = rng.normal(0, 6, (k, components))[codes] + rng.normal(size=(n, components))
    states = make_states(codes, np.arange(n) / 30, [f"m{j}" for j in range(k)])
    return xr.Dataset({"states": states, "latent": (("time", "individual", "component"), latent[:, None])}), codes


@pytest.mark.parametrize("kind", ["pca", "tsne", pytest.param("umap", marks=pytest.mark.slow)])
def test_planted_islands_are_apart_in_the_view(kind):
    out, _ = islands()
    view = motif_view([out], kind=kind, metric="correlation" if kind == "umap" else "euclidean", n_points=300)
    assert view.places.shape == (300, 2)
    middle = np.stack([view.places[view.codes == k].mean(0) for k in range(4)])
    nearest = np.linalg.norm(view.places[:, None] - middle, axis=2).argmin(1)
    assert (nearest == view.codes).mean() > (0.8 if kind == "pca" else 0.97)
    assert 0 < view.quality["knn"] <= 1
    again = motif_view([out], kind=kind, metric="correlation" if kind == "umap" else "euclidean", n_points=300)
    assert np.array_equal(view.places, again.places)


@pytest.mark.parametrize("n_points", [300, 5000])
def test_a_view_weighs_recordings_by_their_time_and_not_by_their_frames(n_points):
    fast, slow = (islands(n)[0] for n in (1200, 200))
    fast = fast.assign_coords(time=np.arange(1200) / 60, component=np.arange(6))
    slow = slow.assign_coords(time=np.arange(200) / 10, component=np.arange(6))
    one, two = (
        o.assign(states=o["states"].copy(data=np.full(o["states"].shape, k))) for k, o in enumerate((fast, slow))
    )
    view = motif_view([one, two], kind="pca", n_points=n_points)
    # 20 s of each.
    assert np.bincount(view.codes)[:2].tolist() == ([150, 150] if n_points == 300 else [200, 200])
    # Of one rate, all frames are shown where there is room for them.
    assert len(motif_view([one], kind="pca", n_points=n_points).codes) == min(n_points, 1200)
    twice = xr.concat([one.assign_coords(individual=["a"]), one.assign_coords(individual=["b"])], "individual")
    assert len(motif_view([twice], kind="pca", n_points=n_points).codes) == min(n_points, 2400)


def test_a_view_of_nothing_is_an_error():
    out, _ = islands()
    with pytest.raises(DataError, match="no latent"):
        motif_view([out.drop_vars("latent")])
    with pytest.raises(DataError, match="different models"):
        motif_view([out, islands(k=3)[0]])
    with pytest.raises(DataError, match="too few frames"):
        motif_view([out.isel(time=slice(0, 50))])


def test_inside_and_outside_of_hulls_agree_with_the_hull():
    rng = np.random.default_rng(0)
    others = rng.normal(size=(200, 12, 2))
    points = rng.normal(0, 1.5, (200, 2))
    expected = [Delaunay(o).find_simplex(p) < 0 for o, p in zip(others, points, strict=True)]
    assert np.array_equal(outside_hull(points, others), expected)
    assert 40 < np.sum(expected) < 160


def test_a_frame_unlike_all_templates_is_known_to_lie_outside():
    pytest.importorskip("openTSNE")
    from murid.learn.embed.tsne import fit_tsne, nearest_points

    rng = np.random.default_rng(0)
    spectra = rng.dirichlet(np.r_[np.full(5, 8.0), np.full(5, 0.5)], 150)
    other = rng.dirichlet(np.r_[np.full(5, 0.5), np.full(5, 8.0)], 150)
    map_ = fit_tsne(
        np.concatenate([spectra, other]), perplexity=10, n_neighbors=30, iterations=150, early_iterations=50
    )
    placed = map_.place(np.concatenate([spectra[:40], np.full((1, 10), np.nan)]))
    assert placed.outside[:40].mean() < 0.5
    assert not placed.outside[40]
    assert np.isnan(placed.mean[40]).all()
    near = map_.embedding[:150]
    assert np.linalg.norm(placed.mean[:40] - near.mean(0), axis=1).max() < np.ptp(near, axis=0).max()
    # Spectra of few frequencies: some land outside the hull of their own neighbours, and exactly these are named.
    unlike = rng.dirichlet(np.full(10, 0.5), 100)
    placed = map_.place(unlike)
    at, _ = nearest_points(unlike, map_.points, map_.n_neighbors, divergence=map_.divergence)
    hulls = [Delaunay(map_.embedding[k]) for k in at]
    expected = [hull.find_simplex(place) < 0 for hull, place in zip(hulls, placed.places, strict=True)]
    assert 3 < np.sum(expected) < 50
    assert np.array_equal(placed.outside, expected)


def test_stays_are_unbroken_runs_in_one_region():
    region = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2, -1, 3, 3, 3, 3, 3])
    rest = np.r_[[0.5, 0.7, 0.5, 0.4, 0.9], [0.9] * 3, [0.5] * 6, [np.nan], [0.9, 0.9, 0.2, 0.9, 0.9]]
    assert _stays(region, rest, 0.67, 0.33).tolist() == [0] * 5 + [1] * 3 + [-1] * 7 + [3, 3, -1, 3, 3]
    # Five frames in one region: the run in 1 is too short, that in 3 is broken.
    assert _stays(region, rest, 0.67, 0.33, 5).tolist() == [0] * 5 + [-1] * 15
    # At any speed.
    assert _stays(region, rest, 0.0, 0.0, 5).tolist() == [0] * 5 + [-1] * 3 + [2] * 6 + [-1] + [3] * 5


def test_tree_above_the_cut_is_the_tree_of_the_clusters():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 8, (7, 3))[rng.integers(0, 7, 500)] + rng.normal(size=(500, 3))
    ward = fit_ward(x, n_clusters=7)
    top = ward.top()
    assert top.shape == (6, 4)
    assert np.array_equal(top[:, 2], ward.tree[-6:, 2])
    assert top[-1, 3] == 7
    for k in (2, 4):
        coarse = ward.cut(n_clusters=k).labels
        of = fcluster(top, k, "maxclust")
        assert len({(a, of[b]) for a, b in zip(coarse, ward.labels, strict=True)}) == k


def test_figures_draw_every_motif_and_name_the_height():
    from murid.report.figures.motif_map import draw_motif_map
    from murid.report.figures.tree import draw_similarity_tree

    out, _ = islands()
    view = motif_view([out], kind="pca", n_points=300)
    colours = {name: c for name, c in zip(view.names, ("#111111", "#333333", "#555555", "#777777"), strict=True)}
    ax = draw_motif_map(view.places, view.codes, view.names, colours).axes[0]
    assert len(ax.collections[0].get_offsets()) == 300
    assert {t.get_text() for t in ax.texts} == set(view.names)
    usage = SimpleNamespace(get=lambda n, d: 0.25)
    linkage = fit_ward(out["latent"].values[:, 0], n_clusters=4).top()
    ax = draw_similarity_tree(linkage, list(view.names), usage, colours, "bits").axes[0]
    assert ax.get_xlabel() == "bits"
