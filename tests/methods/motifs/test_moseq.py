"""MoSeq and syllables: planted syllables, agreement of fit and apply, frame rates, partners, old vocabularies."""

from __future__ import annotations

import warnings
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import murid
from murid import simulate
from murid.data.errors import DataError
from murid.data.recording import Recording
from murid.methods.motifs.moseq import Moseq
from murid.methods.motifs.syllables import Syllables
from murid.simulate.syllables import syllable_poses

#: Small, so that each fit takes a second or two; the stickiness is given.
QUICK = {
    "moseq": {"n_states": 30, "kappa": 4000.0, "em_iterations": 8, "sweeps": 4},
    "syllables": {"n_states": 30, "kappa": 4000.0, "em_iterations": 8, "sweeps": 4, "n_starts": 2, "n_modes": 2},
}
NAMES = tuple(QUICK)
KINDS = {"moseq": Moseq, "syllables": Syllables}


def make(name: str, **more):
    return KINDS[name](**{**QUICK[name], **more})


@cache
def animals(fps: float = 30.0, jitter: float = 0.5):
    made = [syllable_poses(100.0, fps, seed=3, animal=a, n_states=8, median_s=0.4) for a in range(3)]
    clean = [Recording(f"r{a}", poses=p, animal=f"a{a}") for a, (p, _) in enumerate(made)]
    noisy = [simulate.corrupt(r, jitter_px=jitter, jumps_per_min=0.0, seed=a) for a, r in enumerate(clean)]
    return tuple(noisy), [s.values[:, 0] for _, s in made]


@cache
def fitted(name: str):
    return make(name).fit(animals()[0][:2])


def altered(recording: Recording, change) -> Recording:
    poses = recording.poses.copy(deep=True)
    change(poses["position"].values)
    return recording.replace(poses=poses)


# Floors below what was measured when this was written: moseq .82, syllables .95.
@pytest.mark.parametrize(("name", "least"), [("moseq", 0.72), ("syllables", 0.88)])
def test_planted_syllables_are_found_in_an_unseen_animal(name, least):
    recordings, truth = animals()
    out = fitted(name).apply(recordings[2])
    assert adjusted_rand_score(truth[2], out["states"].values[:, 0]) > least
    right = out["confidence"].values[:, 0]
    assert right.mean() > 0.8
    assert (right >= 0).all()
    assert (right <= 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_apply_says_of_the_training_data_what_the_fit_found(name):
    model, recording = fitted(name), animals()[0][0]
    track = next(iter(model.tracks(recording)))
    own = model.parts["model"].predict(model._features(model._describe(track)))
    codes = model.apply(recording)["states"].values[:, 0]
    assert (own == codes).mean() >= 0.99
    used = np.bincount(codes, minlength=model.n_motifs)
    assert (np.diff(model.parts["model"].usage) <= 0).all()
    assert used[0] > 0


def test_an_slds_that_starts_from_a_single_state_says_so(monkeypatch):
    from murid.methods.motifs import moseq

    def single(features, settings, **how):
        return SimpleNamespace(n_states=1, predict=lambda x: [np.zeros(len(y), int) for y in x])

    monkeypatch.setattr(moseq, "fit_from_levels", single)
    made = Recording("a0", poses=syllable_poses(30.0, 30.0, seed=0, animal=0, n_states=3, median_s=0.6)[0])
    model = murid.method("moseq", model="slds", n_states=6, kappa=2000.0, em_iterations=2, slds_sweeps=2)
    with pytest.warns(UserWarning, match="found a single syllable, and hardly any is born later"):
        model.fit([made])


def test_noise_goes_to_points_by_name_and_one_that_is_not_there_is_said():
    model = murid.method("moseq", model="slds", point_noise={"tail_base": 0.1, "nosse": 0.2})
    model.facts["points"] = ["nose", "neck", "tail_base"]
    with pytest.warns(UserWarning, match="nosse.* is not used.*nose"):
        assert model._point_noise() == (0.0, 0.0, 0.1)
    with pytest.raises(DataError, match="above 0"):
        murid.method("moseq", model="slds", point_noise={"nose": -1.0}).fit(animals()[0][:1])


def test_the_slds_starts_without_points_that_nobody_would_trust(monkeypatch):
    from murid.methods.motifs import moseq

    class Enough(Exception):
        pass

    def start(parts, *_):
        raise Enough(np.isnan(parts[0]).any(axis=2))

    monkeypatch.setattr(moseq, "quick_scores", start)
    made = syllable_poses(30.0, 30.0, seed=0, animal=0, n_states=3, median_s=0.6)[0].copy(deep=True)
    made["confidence"].values[:] = 0.9
    made["confidence"].values[100:200, 0] = 0.2
    model = murid.method("moseq", model="slds", clean={"smoothing": "none", "min_confidence": 0.0, "jumps": False})
    with pytest.raises(Enough) as caught:
        model.fit([Recording("a0", poses=made)])
    hidden = caught.value.args[0]
    assert hidden[100:200, 0].all()
    assert hidden.sum() == 100


@pytest.mark.parametrize("known", [True, False], ids=["confidence", "without confidence"])
def test_points_that_cleaning_filled_in_are_hidden_from_the_slds(known):
    made = syllable_poses(20.0, 30.0, seed=0, animal=0, n_states=3, median_s=0.6)[0].copy(deep=True)
    if not known:
        made["confidence"].values[:] = np.nan
    made["position"].values[100:104, :, 1] = np.nan
    made["position"].values[200, :, 2] += 1000.0
    recording = Recording("a0", poses=made)
    model = murid.method("moseq", model="slds", clean={"smoothing": "none"})
    model.parts, model.facts = {}, model._start([recording])
    model._prepare([recording])
    track = next(model.tracks(recording))
    assert np.isfinite(track.xy()[:, 1:3]).all(), "cleaning fills both"
    xy, sure = model._poses_of(model._describe(track))
    hidden = np.zeros(xy.shape[:2], bool)
    names = [str(k) for k in made["keypoint"].values]
    place = {p: track.points.index(next(r for r, k in track.roles.items() if k == names[p])) for p in (1, 2)}
    hidden[100:104, place[1]] = hidden[200, place[2]] = True
    assert np.array_equal(np.isnan(xy).any(axis=2), hidden)
    assert known or (sure == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize("model", ["arhmm", "slds"])
def test_of_several_seeds_the_one_of_highest_expected_likelihood_is_kept(model):
    recordings = animals()[0][:2]
    several = make("moseq", model=model, slds_sweeps=3, seeds=3).fit(recordings)
    rows = several.facts["evidence"]["seeds"]
    assert [r["seed"] for r in rows] == [0, 1, 2]
    best = max(rows, key=lambda r: r["score"])
    assert [r["chosen"] for r in rows] == [r is best for r in rows]
    assert all(0 < r["ari_with_others"] <= 1 for r in rows)
    alone = make("moseq", model=model, slds_sweeps=3, seed=best["seed"]).fit(recordings)
    np.testing.assert_array_equal(
        several.apply(recordings[0])["states"].values, alone.apply(recordings[0])["states"].values
    )


def test_seeds_agree_and_workers_do_not_matter():
    recordings, _ = animals()
    one = fitted("syllables").apply(recordings[2])
    two = make("syllables", workers=2).fit(recordings[:2]).apply(recordings[2])
    np.testing.assert_array_equal(one["states"].values, two["states"].values)
    np.testing.assert_array_equal(one["confidence"].values, two["confidence"].values)
    other = make("syllables", seed=5).fit(recordings[:2]).apply(recordings[2])
    assert adjusted_rand_score(one["states"].values[:, 0], other["states"].values[:, 0]) > 0.85


@pytest.mark.parametrize("name", NAMES)
def test_other_frame_rates_give_the_same_syllables(name):
    slow, fast = animals()[0][2], animals(60.0)[0][2]
    a = fitted(name).apply(slow)["states"]
    b = fitted(name).apply(fast)["states"].sel(time=a["time"], method="nearest")
    assert adjusted_rand_score(a.values[:, 0], b.values[:, 0]) > 0.72


def test_mixed_rates_go_to_the_slowest_with_a_warning_and_crawling_ones_are_refused():
    fast, slow = animals(60.0)[0][0], animals()[0][1]
    half = slow.replace(poses=slow.poses.isel(time=slice(0, None, 2)), id="half")
    with pytest.warns(UserWarning, match="'half'"):
        model = make("syllables", n_starts=1).fit([fast, half])
    assert model.facts["rate_hz"] == pytest.approx(15.0)
    crawling = slow.replace(poses=slow.poses.isel(time=slice(0, None, 6)), id="crawl")
    with pytest.raises(DataError, match="crawl"):
        make("moseq").fit([slow, crawling])


@pytest.mark.parametrize("name", NAMES)
def test_absence_and_stuck_points(name):
    recordings, _ = animals()

    def away(position):
        position[600:1500] = np.nan

    def stuck(position):
        position[:] = position[:1]

    lost = altered(recordings[0], away)
    codes = make(name).fit([lost, recordings[1]]).apply(lost)["states"].values[:, 0]
    assert (codes[640:1460] == -1).all()
    assert (codes[:560] >= 0).all()
    with pytest.raises(DataError, match="constant keypoints"):
        make(name).fit(altered(recordings[0], stuck))


@pytest.mark.parametrize("name", NAMES)
def test_few_data_mean_few_states_and_too_few_an_error(name):
    short = animals()[0][0]
    some = short.replace(poses=short.poses.isel(time=slice(0, 900)))
    assert make(name, n_states=500).fit(some).n_motifs <= 30
    with pytest.raises(DataError, match="too little data"):
        make(name).fit(short.replace(poses=short.poses.isel(time=slice(0, 300))))


def test_a_new_study_takes_the_names_of_the_old_one(tmp_path):
    recordings, _ = animals()
    old = fitted("syllables")
    folder = old.save(tmp_path / "old")
    new = make("syllables", vocabulary=str(folder), seed=9).fit(recordings[2])
    assert new.facts["evidence"]["matched_share"] > 0.7
    a, b = old.apply(recordings[2])["states"], new.apply(recordings[2])["states"]
    said = np.array(a.attrs["behaviours"])[a.values[:, 0]]
    names = np.array(b.attrs["behaviours"])[b.values[:, 0]]
    assert len(set(b.attrs["behaviours"])) == len(b.attrs["behaviours"])
    assert (said == names).mean() > 0.7
    with pytest.raises(DataError, match="another 'walking'"):
        make("syllables", vocabulary=str(folder), walking=True).fit(recordings[2])


def test_modes_and_vocabulary_table_come_with_the_syllables():
    model = fitted("syllables")
    out = model.apply(animals()[0][2])
    assert out["modes"].dims == ("time", "individual")
    assert set(np.unique(out["modes"].values)) <= {0, 1}
    table = model.vocabulary_table()
    assert [r["name"] for r in table] == out["states"].attrs["behaviours"]
    assert sum(r["share"] for r in table) == pytest.approx(1, abs=1e-6)
    assert all(0 <= r["reliability"] <= 1 for r in table)


def test_partners_and_walking_are_channels():
    pair = simulate.recording(duration_s=40, fps=25, n_animals=2, seed=2, id="pair")
    model = make("syllables", social=True, walking=True, n_starts=1).fit(pair)
    track = next(iter(model.tracks(pair)))
    table = model._describe(track)
    assert table.shape[1] == 2 * len(model.facts["points"]) + 3 + 4
    assert np.isfinite(table[:, -7:]).mean() > 0.95
    alone = altered(pair, lambda position: position.__setitem__((..., 1), np.nan))
    codes = model.apply(alone)["states"].values
    assert (codes[:, 0] >= 0).mean() > 0.95
    assert (codes[:, 1] == -1).all()


def test_transitions_by_group():
    recordings, _ = animals()
    grouped = [r.replace(group=g) for r, g in zip(recordings, ("drug", "vehicle", "other"), strict=True)]
    model = make("moseq", by_group=True).fit(grouped[:2])
    assert model.parts["model"].transitions.shape[0] == 2
    assert (model.apply(grouped[2])["states"].values >= 0).all()


@pytest.mark.slow
def test_keypoint_slds_finds_planted_syllables_and_is_the_same_each_time(tmp_path):
    recordings, truth = animals()
    model = make("moseq", model="slds", slds_sweeps=20, kappa=2000.0).fit(recordings[:2])
    out = model.apply(recordings[2])
    assert adjusted_rand_score(truth[2], out["states"].values[:, 0]) > 0.6
    loaded = Moseq.load(model.save(tmp_path / "slds"))
    np.testing.assert_array_equal(out["states"].values, loaded.apply(recordings[2])["states"].values)


def test_depth_video_gives_syllables_and_wrong_input_is_named():
    from murid.prepare.depth import DepthParams, depth_recording

    made = simulate.recording("open_field", duration_s=60, fps=15, seed=3)
    frames = np.stack(list(simulate.depth_frames(made, mm_per_px=4.0, seed=1)))
    recording = depth_recording("depth", frames, 15.0, DepthParams(mm_per_px=4.0))
    model = make("moseq", source="depth").fit(recording)
    out = model.apply(recording)
    assert (out["states"].values >= 0).mean() > 0.9
    assert model.n_motifs >= 2
    rearing = simulate.true_states(made).values[:, 0] == made_index(made, "rear")
    if rearing.mean() > 0.02:  # Height alone tells a rear from everything else.
        codes = out["states"].values[:, 0]
        share = [rearing[codes == k].mean() for k in np.unique(codes[codes >= 0])]
        assert max(share) > 3 * rearing.mean()
    with pytest.raises(DataError, match="no depth crops"):
        make("moseq", source="depth").fit(animals()[0][0])
    with pytest.raises(DataError, match="SLDS is a model of keypoints"):
        make("moseq", source="depth", model="slds").fit(recording)


def made_index(made: Recording, behaviour: str) -> int:
    return simulate.true_states(made).attrs["behaviours"].index(behaviour)


@pytest.mark.slow
@pytest.mark.realdata
def test_real_tracks(data_dir):
    paths = sorted((data_dir / "bsoid_openfield").glob("*.csv*"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recordings = [Recording(p.stem, poses=murid.io.read_poses(p, fps=60)) for p in paths]
        a = make("syllables", kappa=None).fit(recordings)
        b = make("syllables", kappa=None, seed=1).fit(recordings)
    codes = [np.concatenate([m.apply(r)["states"].values[:, 0] for r in recordings]) for m in (a, b)]
    assert a.n_motifs > 5
    assert adjusted_rand_score(*codes) > 0.4


@pytest.mark.parametrize(("rate", "rows"), [(15.0, 2), (25.0, 3), (25.0 - 1e-9, 3), (25.0 + 1e-9, 3), (30.0, 3)])
def test_a_past_of_100_ms_is_as_many_rows_whatever_the_last_digit_of_the_rate(rate, rows):
    model = murid.method("moseq")
    model.facts["rate_hz"] = rate
    way = np.cumsum(np.random.default_rng(0).normal(size=(400, 2)), axis=0)
    assert model._settings([way]).lags == rows == model.facts["evidence"]["lags"]
