"""The same behaviour filmed at other frame rates by the same camera: same description, same recovery."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import murid
from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.methods.motifs.bsoid import bin_features
from murid.methods.motifs.moseq import jitter_share
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


def test_displacements_of_a_still_animal_do_not_add_up_with_the_frame_rate():
    rng = np.random.default_rng(0)
    way = {}
    for fps in (30.0, 60.0, 120.0):
        time_s = np.arange(int(60 * fps)) / fps
        even = even_time(time_s, 30.0)
        still = 0.01 * rng.normal(size=(len(time_s), 3, 2))
        x = bin_features(even.resample(still, time_s), 1 / even.step_s)
        way[fps] = np.nanmean(x[:, -3:])
    # Averaged frames jitter less; the sum over every frame would double from 60 to 120 frames/s.
    assert way[120.0] < way[60.0] < way[30.0]


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
