"""Stages of a supervised fit: whose labels, nothing from held-out labels, true probabilities, what was learnt."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import murid
from murid import simulate
from murid.data.errors import DataError
from murid.data.labels import LabelChoice, Labels
from murid.learn.classify.calibration import Calibration
from murid.methods.registry import method_class, method_names
from murid.methods.supervised import stages
from murid.methods.supervised.model import Unlearnt
from murid.methods.supervised.recipe import TrainingSet
from murid.methods.supervised.simba import raw_scores
from murid.methods.supervised.training_rows import (
    LabelledFrames,
    Material,
    Sample,
    held_out_rows,
    labelled_frames,
)

SUPERVISED = [n for n in method_names() if method_class(n).about.family == "supervised"]
LIGHT = {
    "gbdt": {"n_features": 60, "trees": {"n_trees": 20, "min_leaf": 20, "n_threads": 1}},
    "mars": {"n_features": 60, "trees": {"n_trees": 20, "min_leaf": 20, "n_threads": 1}},
    "simba": {"forest": {"n_trees": 60, "min_leaf": 5, "n_threads": 1}},
    "jaaba": {"n_rounds": 15},
    "dlcanalyzer": {"net": {"epochs": 1, "hidden": (8,), "min_steps": 60}},
}


def noise(n_animals=6, n_rows=400, n_features=500, behaviours=("a", "b", "c"), seed=0):
    """Material in which neither features nor labels mean anything; labels come in bouts of about 2 s."""
    rng = np.random.default_rng(seed)
    samples = []
    for k in range(n_animals):
        time = np.arange(n_rows) / 8
        flips = rng.random((n_rows, len(behaviours))) < 0.3
        targets = (np.cumsum(flips, axis=0) % 2).astype(np.int8)
        recording = murid.Recording(f"r{k}", animal=f"a{k}")
        weights = np.ones(n_rows, np.float32)
        samples.append(Sample(recording, "all", np.arange(n_rows), time, targets, weights))
    features = rng.normal(size=(n_animals * n_rows, n_features)).astype(np.float32)
    names = tuple(f"f{i}" for i in range(n_features))
    held = held_out_rows(samples, by="animal", n_folds=3, seed=0, name="test")
    return Material(samples, behaviours, names, features, held)


#: Every option that changes what is learnt or how scores are made of it, beside the defaults.
OPTIONS = {
    "gbdt": {"net": True, "temporal": {"width": 8, "layers": 2, "train": {"epochs": 2, "batch": 8}}},
    "mars": {"smoothing": "series", "complete": True},
    "simba": {"faithful": True, "bursts": True},
    "jaaba": {"n_bins": 60, "scores": True},
    "dlcanalyzer": {"tune": False, "majority_s": 0.4},
}


def at_chance(y, scores, sample_of):
    """Areas under the curve of each behaviour: by frame, and by bout (mean score of each run of one label)."""
    frames, bouts = [], []
    for b in range(y.shape[1]):
        begins = np.r_[True, (np.diff(y[:, b]) != 0) | (np.diff(sample_of) != 0)]
        run = np.cumsum(begins) - 1
        mean = np.bincount(run, scores[:, b]) / np.bincount(run)
        frames.append(roc_auc_score(y[:, b], scores[:, b]))
        bouts.append(roc_auc_score(y[begins, b], mean))
    return np.mean(frames), np.mean(bouts)


@pytest.mark.parametrize("options", ["default", pytest.param("every option", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SUPERVISED)
def test_labels_of_random_noise_are_scored_at_chance(name, options):
    """Columns, too, are chosen inside the folds: chosen before them, the area under the curve is .55 to .57."""
    made = murid.method(name, **LIGHT[name] | (OPTIONS[name] if options != "default" else {}))
    recipe, material = made.recipe(), noise()
    prepared = recipe.learning.prepare(material.features)
    held = stages.out_of_fold(recipe, material, prepared, exclusive=False)
    scores, y = held.scores, material.targets
    assert [u.behaviour for u in stages.not_learnt(material, scores)] == ["a", "b", "c"]
    if recipe.stacking is not None:
        every = [np.arange(material.features.shape[1])[:60]]
        _, scores = recipe.stacking.fit(material, scores, every * 3, every[0])
    frames, bouts = at_chance(y, scores, material.sample_of)
    assert frames == pytest.approx(0.5, abs=0.02)
    # Three standard errors of an area from 2,160 bouts.
    assert bouts == pytest.approx(0.5, abs=0.04)
    known = stages.fit_calibration(recipe, material, scores)(scores)
    frames, bouts = at_chance(y, known, material.sample_of)
    assert frames == pytest.approx(0.5, abs=0.02)
    assert bouts == pytest.approx(0.5, abs=0.04)
    if recipe.calibrate is not raw_scores:
        assert np.abs(known - 0.5).mean() < 0.03, "calibrated, noise says how often a behaviour occurs and no more"
        np.testing.assert_allclose(known.mean(axis=0), y.mean(axis=0), atol=0.01)


def test_columns_are_chosen_from_the_rows_that_are_learnt_from():
    material = noise(n_features=300)
    learning = murid.method("mars", **LIGHT["mars"]).recipe().learning
    prepared, y, w = learning.prepare(material.features), material.targets, material.weights
    rows = np.flatnonzero(~material.held_out[0])
    scrambled = y.copy()
    scrambled[material.held_out[0]] = 1 - scrambled[material.held_out[0]]
    sets = [TrainingSet(t, w, rows, material.behaviours, exclusive=False) for t in (y, scrambled)]
    one, two = (learning.fit(prepared, known, fold=True, text="").columns for known in sets)
    np.testing.assert_array_equal(one, two)


def test_the_size_of_a_forest_does_not_depend_on_a_progress_text():
    learning = murid.method("simba", **LIGHT["simba"]).recipe().learning
    material = noise(n_features=10, n_rows=60)
    rows, sizes = np.arange(len(material.targets)), {}
    for fold in (True, False):
        for text in ("final model", "fold 1"):
            known = TrainingSet(material.targets, material.weights, rows, material.behaviours, exclusive=False)
            learnt = learning.fit(material.features, known, fold=fold, text=text)
            sizes[fold, text] = len(learnt.learner.forests[0].roots)
    assert sizes == {(True, "final model"): 20, (True, "fold 1"): 20, (False, "final model"): 60, (False, "fold 1"): 60}


# ---- whose labels ---------------------------------------------------------------------------------
CHOICE = LabelChoice(("walk", "rear"))


def pair_of_mice(seed, name, **changes):
    made = simulate.recording("open_field", duration_s=30, fps=15, n_animals=2, seed=seed, id=name, animal=name)
    return made.replace(**changes)


def with_bouts(recording, keep):
    labels = recording.labels
    return recording.replace(labels=replace(labels, bouts=labels.bouts[keep(labels.bouts)].reset_index(drop=True)))


def gathered(*recordings):
    return labelled_frames(recordings, CHOICE, sample_hz=8, exponent=0.5, name="test")


def test_an_animal_that_was_watched_and_did_nothing_is_an_example_of_absence():
    r1, r2 = pair_of_mice(1, "r1"), pair_of_mice(2, "r2")
    silent = with_bouts(r2, lambda b: b["individual"] == "mouse_1")
    frames = gathered(r1, silent)
    assert [f"{s.recording.id}/{s.subject}" for s in frames.samples] == [
        "r1/mouse_1",
        "r1/mouse_2",
        "r2/mouse_1",
        "r2/mouse_2",
    ]
    assert (frames.samples[3].targets == 0).all()
    # A control recording in which neither did anything.
    frames = gathered(r1, with_bouts(r2, lambda b: b["individual"] == "nobody"))
    assert [s.subject for s in frames.samples] == ["mouse_1", "mouse_2"] * 2
    assert all((s.targets == 0).all() for s in frames.samples[2:])


def test_an_animal_that_no_label_names_is_left_out_with_a_warning():
    first = [with_bouts(pair_of_mice(k, f"r{k}"), lambda b: b["individual"] == "mouse_1") for k in (1, 2)]
    with pytest.warns(UserWarning, match="no label names are not learnt from: mouse_2 in r1, mouse_2 in r2"):
        frames = gathered(*first)
    assert {s.subject for s in frames.samples} == {"mouse_1"}


def test_labels_of_the_whole_cage_stay_of_the_whole_cage():
    r1, r2 = pair_of_mice(1, "r1"), pair_of_mice(2, "r2")
    cage = r1.replace(labels=replace(r1.labels, bouts=r1.labels.bouts.assign(individual="all")))
    frames = gathered(cage, with_bouts(r2, lambda b: b["individual"] == "nobody"))
    assert [s.subject for s in frames.samples] == ["all", "all"]
    assert not frames.per_individual


def test_labels_of_animals_that_the_poses_lack_are_one_error():
    r1 = pair_of_mice(1, "r1")
    bouts = r1.labels.bouts.assign(individual=r1.labels.bouts["individual"].replace("mouse_2", "Mouse2"))
    with pytest.raises(DataError, match=r"labels of Mouse2, which the poses do not have.*mouse_1, mouse_2"):
        gathered(r1.replace(labels=replace(r1.labels, bouts=bouts)))


def test_a_silent_recording_takes_the_stream_of_the_others():
    r1, r2 = (pair_of_mice(k, f"r{k}") for k in (1, 2))
    labels = []
    for r in (r1, r2):
        scored = r.labels.scored
        two = [scored.assign(stream="S1"), scored.assign(stream="S2", stop_s=scored["stop_s"] / 2)]
        bouts = r.labels.bouts.assign(stream="S2")
        labels.append(Labels.from_bouts(bouts, scored=type(scored)(np.concatenate(two), columns=scored.columns)))
    silent = replace(labels[1], bouts=labels[1].bouts.iloc[:0])
    frames = gathered(r1.replace(labels=labels[0]), r2.replace(labels=silent))
    assert max(s.time_s.max() for s in frames.samples if s.recording.id == "r2") < 16


def test_an_end_that_was_not_watched_is_warned_of():
    r1 = pair_of_mice(1, "r1")
    early = with_bouts(r1, lambda b: b["stop_s"] < 12)
    bouts = early.labels.bouts
    many = type(bouts)(np.repeat(bouts.to_numpy(), 4, axis=0), columns=bouts.columns).astype(bouts.dtypes)
    with pytest.warns(UserWarning, match=r"r1: the last label ends at 1[012] s, but all up to 30 s counts as scored"):
        gathered(r1.replace(labels=replace(early.labels, bouts=many)))


# ---- true probabilities ---------------------------------------------------------------------------
def bouts_with_known_probability():
    """Absent bouts of 20 s, present ones of 2 s; scores are the true posterior of every frame."""
    rng = np.random.default_rng(0)
    hz, y = 8.0, []
    for _ in range(800):
        y += [0] * int(rng.exponential(20 * hz) + 1) + [1] * int(rng.exponential(2 * hz) + 1)
    y = np.array(y, np.int8)
    prior = y.mean()
    x = rng.normal(size=len(y)) + 1.5 * y
    p = 1 / (1 + np.exp(-(1.5 * x - 1.5**2 / 2 + np.log(prior / (1 - prior)))))
    return p.astype(np.float32), y, np.arange(len(y)) / hz


def test_a_probability_of_one_half_comes_true_every_other_frame():
    """Fitted under bout weights it came true in 23 of 100."""
    p, y, time = bouts_with_known_probability()
    recording = murid.Recording("r", animal="a")
    from murid.methods.supervised.training_rows import bout_weights

    sample = Sample(recording, "all", np.arange(len(y)), time, y[:, None], bout_weights(y[:, None], time, 0.5))
    material = Material([sample], ("a",), (), np.empty((len(y), 0), np.float32), [])
    q = stages.fit_calibration(murid.method("gbdt").recipe(), material, p[:, None])(p[:, None])[:, 0]
    near = (q > 0.45) & (q < 0.55)
    assert y[near].mean() == pytest.approx(0.5, abs=0.06)
    assert q.mean() == pytest.approx(y.mean(), abs=0.005)
    wrong = Calibration.fit(p[:, None], y[:, None], sample.weights)(p[:, None])[:, 0]

    def error(said):
        bins = np.minimum((said * 10).astype(int), 9)
        return sum(abs((said[bins == k] - y[bins == k]).sum()) for k in range(10)) / len(y)

    assert error(wrong) == pytest.approx(0.10, abs=0.01)
    assert error(q) < 0.005
    assert y[(wrong > 0.45) & (wrong < 0.55)].mean() < 0.3


# ---- what was learnt ------------------------------------------------------------------------------
def test_bouts_and_not_frames_decide_what_was_learnt():
    y = np.zeros((400, 2), np.int8)
    y[50:150, 0] = 1
    for start in range(20, 380, 40):
        y[start : start + 10, 1] = 1
    sample = Sample(murid.Recording("r", animal="a"), "all", np.arange(400), np.arange(400) / 8, y, np.ones(400))
    material = Material([sample], ("once", "often"), (), np.empty((400, 0), np.float32), [])
    noisy = y + np.random.default_rng(0).normal(0, 0.7, y.shape)
    (one,) = stages.not_learnt(material, noisy.astype(np.float32))
    assert (one.behaviour, one.n_bouts, one.n_animals) == ("once", 1, 1)
    assert str(Unlearnt("rear", 2, 1, float("nan"))) == "'rear' is not learnt: 2 bouts in 1 animal"


@pytest.mark.parametrize(("n_bouts", "least"), [(2, 0.98), (3, 0.89), (10, 0.71), (50, 0.60)])
def test_few_bouts_need_a_better_score(n_bouts, least, monkeypatch):
    y = np.repeat([0, 1] * n_bouts + [0], 3)[:, None].astype(np.int8)
    n = len(y)
    sample = Sample(murid.Recording("r", animal="a"), "all", np.arange(n), np.arange(n) / 8, y, np.ones(n))
    material = Material([sample], ("a",), (), np.empty((n, 0), np.float32), [])
    learnt = []
    for auc in (least - 0.01, least + 0.005):
        monkeypatch.setattr(stages, "_auc", lambda *_, auc=auc: auc)
        learnt.append(stages.not_learnt(material, y.astype(np.float32)) == [])
    assert learnt == [False, True]


@pytest.fixture(scope="module")
def with_a_rare_one():
    """A method of three mice; 'rear' is left with one bout in one of them."""
    mice = [
        simulate.recording("open_field", duration_s=60, fps=15, seed=k, id=f"r{k}", animal=f"a{k}") for k in range(1, 4)
    ]
    first = mice[0].labels.bouts.query("label == 'rear'").index[0]
    rare = [with_bouts(r, lambda b, r=r: (b["label"] != "rear") | ((r.id == "r1") & (b.index == first))) for r in mice]
    made = murid.method("gbdt", behaviours=("walk", "rear"), context_s=(), **LIGHT["gbdt"])
    with pytest.warns(UserWarning, match=r"'rear' is not learnt: 1 bout in 1 animal"):
        return made.fit(rare)


def test_a_behaviour_that_was_not_learnt_stays_unlabelled(with_a_rare_one, tmp_path):
    new = simulate.recording("open_field", duration_s=40, fps=15, seed=9, id="r9", animal="a9")
    with_a_rare_one.save(tmp_path / "m")
    for made in (with_a_rare_one, murid.load_method(tmp_path / "m")):
        out = made.apply(new)
        assert list(out["states"]["behaviour"].values) == ["walk", "rear"]
        assert (out["states"].sel(behaviour="rear").values == -1).all()
        assert (out["states"].sel(behaviour="walk").values >= 0).all()
        assert np.isnan(out["probability"].sel(behaviour="rear").values).all()
        assert "'rear' is not learnt: 1 bout in 1 animal" in out.attrs["not_learnt"]
    table = murid.evaluate.score(new.labels, out).table
    assert table.at["rear", "coverage"] == 0
    assert table.at["walk", "coverage"] == 1


def test_when_nothing_was_learnt_the_fit_is_refused():
    mice = [simulate.recording("open_field", duration_s=30, fps=15, seed=k, id=f"r{k}", animal=f"a{k}") for k in (1, 2)]
    rng = np.random.default_rng(3)

    def elsewhere(r):
        bouts = r.labels.bouts.query("label == 'walk'").head(2)
        length = bouts["stop_s"] - bouts["start_s"]
        start = rng.uniform(0, 25, len(bouts))
        return r.replace(labels=replace(r.labels, bouts=bouts.assign(start_s=start, stop_s=start + length)))

    made = murid.method("gbdt", behaviours=("walk",), context_s=(), **LIGHT["gbdt"])
    with pytest.raises(DataError, match=r"no behaviour could be learnt.*'walk' is not learnt: . bouts in 2 animals"):
        made.fit([elsewhere(r) for r in mice])


def test_parts_of_a_model_are_frozen(fitted):
    with pytest.raises(AttributeError):
        fitted.model.decision = None
    other = fitted.with_model(fitted.model.replace(novelty=None))
    assert other.model.novelty is None
    assert fitted.model.novelty is not None


def test_frames_say_whether_behaviours_exclude_each_other():
    frames = gathered(pair_of_mice(1, "r1"))
    assert isinstance(frames, LabelledFrames)
    assert frames.exclusive
    assert not frames.exhaustive
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = labelled_frames(
            [pair_of_mice(1, "r1")], LabelChoice(("walk",)), sample_hz=np.inf, exponent=0.0, name="t"
        )
    assert not both.exclusive
    assert len(both.samples[0].rows) == 450
