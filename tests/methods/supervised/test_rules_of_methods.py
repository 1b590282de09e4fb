"""What the decision parameters of each method do: hysteresis, thresholds, votes, chains."""

import warnings

import numpy as np
import pytest
import xarray as xr

import murid
from murid import simulate
from murid.data.states import make_states
from murid.ethogram import hmm
from murid.evaluate import frames
from murid.features.sets.scene import make_scene
from murid.learn.classify.stumps import bins_of, fit_stumps
from murid.methods.supervised import mars as mars_module
from murid.methods.supervised.decision import Decision, tune_decision
from murid.methods.supervised.dlcanalyzer import most_frequent_class
from murid.methods.supervised.mars import Chains
from murid.methods.supervised.simba import FaithfulFeatures, Simba
from murid.methods.supervised.training_rows import LabelledFrames, Sample

FPS = 30
TIME = np.arange(3000) / FPS


def probability(*columns, time_s=TIME):
    names = np.array(["a", "b"][: len(columns)], object)
    values = np.stack(columns, 1).astype(np.float32)[:, None, :]
    coords = {"time": time_s, "individual": ["all"], "behaviour": names}
    return xr.DataArray(values, dims=tuple(coords), coords=coords)


def lengths(x):
    edges = np.flatnonzero(np.diff(np.r_[0, x, 0]))
    return ((edges[1::2] - edges[::2]) / FPS).round(2).tolist()


# ---- the decision ---------------------------------------------------------------------------------
def test_certainty_is_measured_from_the_threshold():
    rule = Decision(("a",), (0.0,), (0.24,), (0.0,))
    near = rule.certainty(np.array([[0.24], [0.25], [0.5], [0.02], [0.99]]))
    assert near[0] == pytest.approx(0)
    assert near[1] < 0.05 < near[2] < near[4]
    assert near[3] > 0.8


def test_the_tuned_threshold_is_the_lowest_that_parts_the_frames():
    shows = (TIME // 10) % 2 == 1
    truth = shows.astype(np.int8)[:, None, None]
    plain = Decision.plain(("a",), exclusive=False, exhaustive=False)
    for absent, present, threshold in ((0.30, 0.38, 0.32), (0.005, 0.015, 0.01), (0.85, 0.97, 0.88)):
        pairs = [(probability(np.where(shows, present, absent)), truth)]
        rule = tune_decision(pairs, plain, smooth_s=(0.0,), min_bout_s=(0.0,))
        assert rule.threshold == (threshold,)
        np.testing.assert_array_equal(rule(pairs[0][0]).values, truth)


@pytest.mark.parametrize("low", [1.0, 0.6])
def test_a_strict_rule_begins_above_its_threshold(low):
    """A raw score of exactly 0 is a probability of .5: not above 0, with hysteresis or without."""
    p = xr.DataArray(
        np.array([0.5, 0.5, 0.51, 0.5, 0.5], np.float32)[:, None, None],
        dims=("time", "individual", "behaviour"),
        coords={"time": np.arange(5) / 10, "individual": ["m"], "behaviour": ["a"]},
    )
    present = {s: Decision(("a",), (0.0,), (0.5,), (0.0,), low=low, strict=s)(p).values.ravel() for s in (False, True)}
    np.testing.assert_array_equal(present[False], 1)
    np.testing.assert_array_equal(present[True], [0, 0, 1, 0, 0] if low == 1 else [1, 1, 1, 1, 1])
    still = p.copy(data=np.full_like(p.values, 0.5))
    np.testing.assert_array_equal(Decision(("a",), (0.0,), (0.5,), (0.0,), low=low, strict=True)(still).values, 0)


def test_exclusive_behaviours_never_overlap_after_gaps_are_closed():
    a, b = np.full(3000, 0.1), np.full(3000, 0.1)
    a[100:200] = a[206:300] = 0.9
    b[200:206] = 0.9
    rule = Decision(("a", "b"), (0.0, 0.0), (0.5, 0.5), (0.5, 0.0), exclusive=True)
    assert (rule(probability(a, b)).values.sum(axis=2) <= 1).all()


def test_a_rule_travels_as_plain_values():
    rule = Decision.plain(("a", "b"), exclusive=True, exhaustive=True, low=0.5, short="absorb").replace(threshold=0.3)
    assert Decision.from_dict(rule.to_dict()) == rule
    assert rule.threshold == (0.3, 0.3)
    changed = rule.replace(smooth_s=(0.2, 0.4)).replace(min_bout_s=1.0)
    assert (changed.smooth_s, changed.threshold, changed.min_bout_s) == ((0.2, 0.4), (0.3, 0.3), (1.0, 1.0))


# ---- simba ----------------------------------------------------------------------------------------
def decided(decision, p, **params):
    recipe = Simba(**params).recipe()
    return recipe.to_states(recipe.adjust(decision), p).values


def test_simba_threshold_and_minimum_bout_take_the_place_of_the_tuned_ones():
    one = np.zeros(3000)
    for start, n in ((100, 3), (400, 9), (800, 30), (1500, 90)):
        one[start : start + n] = 0.9
    tuned = Decision(("a",), (0.0,), (0.5,), (1.5,))

    def kept(**params):
        return lengths(decided(tuned, probability(one), **params)[:, 0, 0])

    assert kept() == [3.0]
    assert kept(threshold=0.4) == [3.0], "the tuned minimum bout stays"
    assert kept(min_bout_s=0.2) == [0.3, 1.0, 3.0]
    assert kept(min_bout_s=0.0) == [0.1, 0.3, 1.0, 3.0]
    assert kept(min_bout_s=3.5) == []
    assert kept(threshold=0.95) == []
    flicker = np.zeros(3000)
    flicker[1000:1300:2] = 0.9
    smooth = Decision(("a",), (1.0,), (0.4,), (0.0,))
    assert len(lengths(decided(smooth, probability(flicker), threshold=0.4)[:, 0, 0])) == 1, "tuned smoothing stays"


def test_simba_minimum_bout_and_bursts_act_on_behaviours_that_fill_every_frame():
    flicker = np.full(3000, 0.2)
    flicker[1000:1300:6] = 0.9
    rule = Decision(("a", "b"), (0.0, 0.0), (0.5, 0.5), (0.0, 0.0), True, True)
    p = probability(flicker, 1 - flicker)
    assert len(lengths(decided(rule, p)[:, 0] == 0)) == 50
    assert len(lengths(decided(rule, p, min_bout_s=2.0)[:, 0] == 0)) == 0
    bursts = decided(rule, p, bursts=True)
    assert bursts.shape == (3000, 1, 2)
    assert (bursts.sum(axis=2) <= 1).all()
    assert len(lengths(bursts[:, 0, 0])) < 50


def test_faithful_simba_measures_the_body_before_missing_points_are_zero():
    made = simulate.recording("open_field", duration_s=40, fps=30, seed=1)
    poses = made.poses.copy(deep=True)
    poses.attrs = {k: v for k, v in poses.attrs.items() if k != "px_per_cm"} | {"unit": "px"}
    hidden = np.random.default_rng(0).random(poses.sizes["time"]) < 0.6
    lost = poses.copy(deep=True)
    lost["position"].values[hidden, :, [str(k) for k in poses["keypoint"].values].index("nose")] = np.nan
    near = hidden.copy()
    near[1:] |= hidden[:-1]
    moved = [
        FaithfulFeatures("auto").table(made.replace(poses=p), "all").sel(feature="move_tail_base").values[~near]
        for p in (poses, lost)
    ]
    np.testing.assert_allclose(moved[1].mean() / moved[0].mean(), 1, atol=0.03)


# ---- jaaba ----------------------------------------------------------------------------------------
def test_jaaba_is_tuned_with_the_rule_that_is_applied():
    rng = np.random.default_rng(1)
    n = 4000
    y = np.zeros(n, np.int8)
    for start in range(50, n - 60, 100):
        y[start : start + rng.integers(4, 40)] = 1
    p = np.clip(0.15 + 0.55 * y + rng.normal(0, 0.16, n), 0.01, 0.99)
    clock = probability(p, time_s=np.arange(n) / 8)
    recipe = murid.method("jaaba").recipe()
    rule = tune_decision(
        [(clock, y[:, None, None])], Decision.plain(("a",), exclusive=False, exhaustive=False, **recipe.form)
    )
    assert (rule.low, rule.short) == (0.6, "absorb")
    applied = recipe.to_states(rule, clock).values
    assert float(frames.f1_of(frames.counts(y[:, None, None], applied))[0]) > 0.98
    assert (applied == 1).mean() == pytest.approx(y.mean(), abs=0.005)


def test_jaaba_low_acts_on_behaviours_that_fill_every_frame():
    a = np.where(np.arange(3000) % 40 < 20, 0.45, 0.6)
    shares = []
    for low in (1.0, 0.6):
        rule = Decision.plain(("a", "b"), exclusive=True, exhaustive=True, low=low, short="absorb")
        shares.append((rule(probability(a, 1 - a)).values == 0).mean())
    assert shares[0] == pytest.approx(0.5, abs=0.01)
    assert shares[1] in (0.0, pytest.approx(0.99, abs=0.02)), "whoever is first stays"


@pytest.mark.parametrize("n_bins", [10, 30, 31, 60, 100, 250])
def test_stumps_find_the_feature_that_decides_with_any_number_of_bins(n_bins):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 5)).astype(np.float32)
    y = (x[:, 2] > np.quantile(x[:, 2], 0.80)).astype(np.int8)[:, None]
    stumps = fit_stumps(bins_of(x, n_bins, seed=0), y, ["a"], n_rounds=1, n_draw=2500, seed=0)
    assert stumps.feature[0, 0] == 2
    assert ((stumps.predict(x)[:, 0] > 0.5) == (y[:, 0] == 1)).mean() > 0.96


# ---- dlcanalyzer ----------------------------------------------------------------------------------
def test_dlcanalyzer_untuned_votes_over_all_classes_with_none():
    from scipy.ndimage import gaussian_filter1d

    z = 6 * gaussian_filter1d(np.random.default_rng(0).normal(size=(3000, 3)), 3, axis=0)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    recipe = murid.method("dlcanalyzer", tune=False, majority_s=10 / FPS).recipe()
    rule = Decision.plain(("a", "b"), exclusive=True, exhaustive=False)
    states = recipe.to_states(rule, probability(p[:, 0], p[:, 1])).values[:, 0]
    best = p.argmax(1)
    expected = best.copy()
    for i in range(len(best)):
        count = np.bincount(best[max(0, i - 10) : i + 11], minlength=3)
        expected[i] = best[i] if count[best[i]] == count.max() else count.argmax()
    code = np.where(states[:, 0] == 1, 0, np.where(states[:, 1] == 1, 1, 2))
    assert (code == expected).mean() > 0.995
    assert (states.sum(axis=1) <= 1).all()
    hidden = probability(p[:, 0], p[:, 1])
    hidden.values[100:200] = np.nan
    assert (most_frequent_class(rule, hidden, 0.3).values[100:200] == -1).all()


# ---- mars -----------------------------------------------------------------------------------------
CHAIN = hmm.BehaviourChain(("absent", "a"), np.array([[-1 / 20, 1 / 20], [1 / 2.0, -1 / 2.0]]), np.array([0.91, 0.09]))


@pytest.mark.parametrize(("duration_s", "p"), [(0.25, 0.5), (0.5, 0.35), (1.0, 0.25)])
def test_the_chain_of_mars_counts_evidence_per_second(duration_s, p):
    peaks = []
    for fps in (8, 30, 60, 120):
        time = np.arange(20 * fps) / fps
        one = np.full(len(time), 0.02)
        one[(time >= 10) & (time < 10 + duration_s)] = p
        peaks.append(float(Chains((CHAIN,))(probability(one, time_s=time)).values.max()))
    assert np.ptp(peaks) < 0.13, peaks
    if p == 0.35:
        assert peaks == pytest.approx([0.363, 0.287, 0.282, 0.280], abs=0.002)


def test_the_chain_of_mars_counts_evidence_by_the_rate_a_stretch_has():
    """A film that runs at 60 and then at 15 frames/s: each half says what a film of its rate says."""

    def bump(fps, start_s):
        time = start_s + np.arange(20 * fps) / fps
        return time, np.where((time - start_s >= 10) & (time - start_s < 10.5), 0.4, 0.02)

    (fast, high), (slow, low) = bump(60, 0.0), bump(15, 20.0)
    both = Chains((CHAIN,))(probability(np.r_[high, low], time_s=np.r_[fast, slow])).values[:, 0, 0]
    alone = [Chains((CHAIN,))(probability(p, time_s=t)).values.max() for t, p in ((fast, high), (slow, low))]
    assert both[: len(fast)].max() == pytest.approx(alone[0], abs=0.02)
    assert both[len(fast) :].max() == pytest.approx(alone[1], abs=0.02)


def test_the_chain_of_mars_is_stored():
    states = make_states(np.repeat([[0], [1], [0]], 80, axis=0), np.arange(240) / 8, ("absent", "a"), ["all"])
    targets = states.values.astype(np.int8)
    sample = Sample(murid.Recording("r"), "all", np.arange(240), np.arange(240) / 8, targets, np.ones(240))
    chains = Chains().fit(LabelledFrames((sample,), ("a",), False, False, False))
    dump = chains.dump()
    dump.json["behaviours"] = ["a"]
    np.testing.assert_array_equal(Chains().restore(dump).chains[0].rates, chains.chains[0].rates)


@pytest.mark.parametrize("names", [("mouse_1", "mouse_2"), ("mouse", "mouse2"), ("1", "10"), ("black", "black_white")])
def test_pixel_columns_are_of_the_animal_they_name(names, monkeypatch):
    import murid.features.pixels as pixels

    def change(video, poses, roles=None, pairs=False):
        del video, roles, pairs
        animals = [str(i) for i in poses["individual"].values]
        labels = ["pixel_change"]
        for a in animals:
            labels += [f"pixel_change_{a}", f"pixel_change_{a}_nose", f"pixel_change_{a}_tail_base"]
        values = np.zeros((poses.sizes["time"], len(labels)), np.float32) + np.arange(len(labels))
        return xr.DataArray(values, dims=("time", "feature"), coords={"time": poses["time"].values, "feature": labels})

    monkeypatch.setattr(pixels, "pixel_change", change)
    made = simulate.recording("open_field", duration_s=5, fps=25, n_animals=2, seed=1, individuals=names)

    class Filmed:
        roles = None

        def need(self, noun):
            return made.poses if noun == "poses" else None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = mars_module.pixel_columns(Filmed(), make_scene(made.poses, names[1]))
    found = {c.name: float(c.values[0]) for c in columns}
    assert found == {
        "pixels": 0,
        "pixels_own_max": 4,
        "pixels_own_nose_max": 5,
        "pixels_own_tail_base_max": 6,
        "pixels_partner_max": 1,
    }


@pytest.mark.slow
def test_dlcanalyzer_faithful_leaves_the_edges_of_a_recording_unlabelled():
    made = [
        simulate.recording("open_field", duration_s=40, fps=25, seed=k, id=f"r{k}", animal=f"a{k}") for k in range(3)
    ]
    net = {"hidden": (16,), "dropout": (0.0,), "epochs": 2, "min_steps": 300, "standardise": False, "clip": None}
    options = {"behaviours": ("walk",), "others": "negative", "faithful": True, "net": net, "folds": 2}
    fitted = murid.method("dlcanalyzer", **options).fit(made[:2])
    said = fitted.apply(made[2])["states"].values[:, 0, 0]
    assert (said[:15] == -1).all()
    assert (said[-15:] == -1).all()
    assert (said[15:-15] >= 0).all()
    truth = made[2].labels.to_states(made[2].poses["time"].values, ["walk"], others="negative").values[:, 0, 0]
    assert (said == truth)[15:-15].mean() > 0.75
