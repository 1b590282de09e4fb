"""The same behaviour filmed at other frame rates by the same camera: same description, same recovery."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import murid
from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.learn.embed.pca import fit_pca
from murid.methods.motifs.body_points import shared_points
from murid.methods.motifs.bsoid import bin_features
from murid.methods.motifs.lasting_components import jitter_share, without_jitter
from murid.prepare.even_time import even_time
from murid.simulate.syllables import syllable_poses

RATES = (15.0, 30.0, 60.0, 120.0)
#: Four times the rate of the fit is far from it, which is said; here it is what is tested.
OTHER_RATE = pytest.mark.filterwarnings("ignore:.*frames/s, but the model was trained at")


def filmed(animal: int, fps: float, jitter_px: float = 1.5, seconds: float = 80.0):
    """One animal's way at 120 frames/s, filmed at `fps` with independent jitter in every frame, and its syllables."""
    poses, states = syllable_poses(seconds, 120.0, seed=0, animal=animal, n_states=6, median_s=0.6)
    every = round(120 / fps)
    poses = poses.isel(time=slice(0, None, every)).copy(deep=True)
    poses = poses.assign_attrs(fps=fps).assign_coords(frame=("time", np.arange(poses.sizes["time"])))
    rng = np.random.default_rng([animal, every])
    poses["position"].values[:] += rng.normal(size=poses["position"].shape) * jitter_px
    return Recording(f"a{animal}", poses=poses.drop_vars("position_raw", errors="ignore")), states.values[::every, 0]


@OTHER_RATE
@pytest.mark.parametrize("name", ["kmeans", "pyrat", "alphatracker", "syllables"])
def test_a_model_of_30_frames_a_second_reads_other_rates_as_well(name):
    params = {
        "kmeans": {"n_motifs": 6, "replicates": 2},
        "pyrat": {"n_motifs": 6, "n_prototypes": 600},
        "alphatracker": {"n_motifs": 6},
        "syllables": {"n_starts": 1, "kappa": 2000.0, "em_iterations": 8},
    }[name]
    model = murid.method(name, **params).fit([filmed(a, 30.0)[0] for a in (0, 1)])
    recovered = {}
    for fps in RATES:
        if name == "alphatracker" and fps < 30:
            continue  # refused, see below
        recording, truth = filmed(2, fps)
        codes = model.apply(recording)["states"].values[:, 0]
        recovered[fps] = adjusted_rand_score(truth[codes >= 0], codes[codes >= 0])
    assert min(recovered.values()) > recovered[30.0] - 0.1, recovered


def test_features_of_a_bin_of_bsoid_are_the_published_sums_at_30_frames_a_second():
    rng = np.random.default_rng(1)
    xy = np.cumsum(0.02 * rng.normal(size=(300, 4, 2)), axis=0) + 0.3 * np.arange(4)[:, None]
    first, second = np.triu_indices(4, 1)
    between = xy[:, second] - xy[:, first]
    one, two = between[:-1], between[1:]
    cross = one[..., 0] * two[..., 1] - one[..., 1] * two[..., 0]
    turn = np.degrees(np.arctan2(cross, (one * two).sum(axis=2)))
    each = np.linalg.norm(between, axis=2)[1:], turn, np.linalg.norm(np.diff(xy, axis=0), axis=2)
    # A box of 3 frames over every feature; then means of distances, sums of the rest, over bins of 3 frames.
    box = [np.stack([np.convolve(c, np.ones(3) / 3, "valid") for c in x.T], axis=1)[2:-2] for x in each]
    bins = [x[: len(x) // 3 * 3].reshape(-1, 3, x.shape[1]) for x in box]
    published = np.concatenate([bins[0].mean(axis=1), bins[1].sum(axis=1), bins[2].sum(axis=1)], axis=1)
    # Middle frames of the bins: 1 (differences) + 1 (box) + 2 (left out) + 1.
    ours = bin_features(xy, 30.0)[5 : 5 + 3 * len(published) : 3]
    np.testing.assert_allclose(ours, published, rtol=1e-3, atol=1e-4)


def test_displacements_of_a_still_animal_do_not_add_up_with_the_frame_rate():
    rng = np.random.default_rng(0)
    way, summed = {}, {}
    for fps in (30.0, 60.0, 120.0):
        time_s = np.arange(int(60 * fps)) / fps
        even = even_time(time_s, 30.0)
        still = 0.01 * rng.normal(size=(len(time_s), 3, 2))
        x = bin_features(even.resample(still, time_s), 1 / even.step_s)
        way[fps] = np.nanmean(x[:, -3:])
        summed[fps] = np.nanmean(bin_features(still, fps)[:, -3:])
    # Averaged frames jitter less; the sum over every frame doubles with the rate.
    assert way[120.0] < way[60.0] < way[30.0]
    assert [summed[60.0] / summed[30.0], summed[120.0] / summed[30.0]] == pytest.approx([2, 4], rel=0.05)


def test_bsoid_averages_faster_films_to_30_rows_a_second():
    recording = filmed(0, 120.0, seconds=10.0)[0]
    model = murid.method("bsoid")
    model.facts = {"points": shared_points([recording])}
    model._prepare([recording])
    track = next(iter(model.tracks(recording)))
    even = model._even(track)
    np.testing.assert_allclose(np.diff(even.time_s), 1 / 30, rtol=1e-6)
    assert len(model._describe(track)) == len(even.time_s) == 300


def test_bsoid_shows_umap_evenly_spaced_bins_and_refuses_less_than_20_s(monkeypatch):
    class SeenError(Exception):
        pass

    def umap(x, *_, **__):
        seen.append(x)
        raise SeenError

    seen = []
    monkeypatch.setattr("murid.learn.embed.umap.fit_umap", umap)
    film = filmed(0, 30.0, seconds=60.0)[0]
    for bins in (20_000, 300):
        with pytest.raises(SeenError):
            murid.method("bsoid", max_bins=bins).fit(film)
    whole, fewer = seen
    assert (len(whole), len(fewer)) == (600, 300)
    np.testing.assert_array_equal(fewer, whole[np.linspace(0, 599, 300).round().astype(int)])
    with pytest.raises(DataError, match="at least 200 usable bins of 100 ms"):
        murid.method("bsoid").fit(filmed(0, 30.0, seconds=19.0)[0])
    with pytest.raises(SeenError):
        murid.method("bsoid").fit(filmed(0, 30.0, seconds=21.0)[0])


def test_motionmapper_refuses_a_recording_too_slow_for_its_frequencies():
    recording = filmed(0, 15.0, seconds=5.0)[0]
    model = murid.method("motionmapper")
    model.facts = {"points": shared_points([recording]), "high_hz": 15.0, "rate_hz": 30.0}
    track = next(iter(model.tracks(recording)))
    with pytest.raises(DataError, match=r"'a0'.*is slower than those the map was made of.*>= 30 frames/s.*high_hz=7.5"):
        model._label(track, np.zeros((0, 2)))


@pytest.mark.parametrize("name", ["moseq", "syllables"])
def test_a_given_kappa_is_taken_without_a_search(name, monkeypatch):
    def searched(*_, **__):
        raise AssertionError("searched")

    monkeypatch.setattr("murid.learn.segment.stickiness.choose_kappa", searched)
    model = murid.method(name, kappa=2000.0)
    assert model._settled_kappa([], None) == 2000.0
    model = murid.method(name)
    model.facts = {"rate_hz": 30.0}
    with pytest.raises(AssertionError, match="searched"):
        model._settled_kappa([], None)


def test_components_that_do_not_last_are_left_out_unless_they_are_asked_for():
    rng = np.random.default_rng(0)
    slow = np.cumsum(rng.normal(size=(3000, 3)), axis=0) @ rng.normal(size=(3, 8))
    jitter = 500 * rng.normal(size=(3000, 1)) @ rng.normal(size=(1, 8))
    table = slow + jitter
    pca = fit_pca([table], 5, whiten=True, missing=False)
    kept = without_jitter(pca, [table], 0.5)
    assert len(kept.components) < len(pca.components)
    assert without_jitter(pca, [table], 0.0) is pca


def test_jitter_share_tells_noise_from_movement():
    rng = np.random.default_rng(1)
    way = np.cumsum(rng.normal(size=(5000, 2)), axis=0)
    assert jitter_share([way]) == pytest.approx(0, abs=0.08)
    # Steps of variance 1, jitter of variance 2: four of five parts of a step are jitter.
    assert jitter_share([way[:2500], way[2500:] + np.sqrt(2) * rng.normal(size=(2500, 2))]) > 0.5
    assert jitter_share([way + np.sqrt(2) * rng.normal(size=way.shape)]) == pytest.approx(0.8, abs=0.04)
    assert np.isnan(jitter_share([np.full((4, 2), np.nan)]))


def test_moseq_takes_one_row_of_past_where_jitter_is_large():
    lags = {}
    for jitter_px in (0.0, 4.0):
        model = murid.method("moseq", kappa=2000.0, em_iterations=3, sweeps=0)
        model.fit([filmed(a, 30.0, jitter_px, 40.0)[0] for a in (0, 1)])
        lags[jitter_px] = model.facts["evidence"]["lags"]
        assert model.parts["model"].lags == lags[jitter_px]
    assert lags == {0.0: 3, 4.0: 1}


def test_alphatracker_with_few_clips_sweeps_its_range_and_refuses_two_cuts():
    model = murid.method("alphatracker", max_motifs=12).fit([filmed(a, 30.0)[0] for a in (0, 1)])
    looked_at = [row["n_clusters"] for row in model.facts["evidence"]["cuts"]]
    assert looked_at == list(range(5, 13))
    best = min(model.facts["evidence"]["cuts"], key=lambda row: row["davies_bouldin"])
    assert (model.params.criterion, model.n_motifs) == ("davies_bouldin", best["n_clusters"])
    with pytest.raises(DataError, match="both say where to cut"):
        murid.method("alphatracker", n_motifs=5, height=30.0)


@OTHER_RATE
def test_alphatracker_reads_all_films_at_the_slowest_rate_of_the_fit_and_refuses_slower_ones():
    slow = murid.method("alphatracker", n_motifs=6).fit([filmed(a, 15.0)[0] for a in (0, 1)])
    base = slow.apply(filmed(2, 15.0)[0])["states"].values[:, 0]
    # Without jitter the same clips are read: what differs is the least bout, which is cut at frames.
    fast = slow.apply(filmed(2, 120.0, jitter_px=0.0)[0])["states"].values[::8, 0]
    exact = slow.apply(filmed(2, 15.0, jitter_px=0.0)[0])["states"].values[:, 0]
    assert adjusted_rand_score(exact, fast) > 0.88
    assert adjusted_rand_score(base, slow.apply(filmed(2, 60.0)[0])["states"].values[::4, 0]) > 0.6
    usual = murid.method("alphatracker", n_motifs=6).fit([filmed(a, 30.0)[0] for a in (0, 1)])
    with pytest.raises(DataError, match=r"slower than the clips that the motifs were learnt from.*>= 30 frames/s"):
        usual.apply(filmed(2, 15.0)[0])
