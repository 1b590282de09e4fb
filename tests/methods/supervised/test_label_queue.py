"""The queue: doubtful and different bouts, a blind share, nothing twice; and it beats chance on simulated animals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from murid import simulate
from murid.data.labels import Labels
from murid.data.states import UNLABELLED, to_multilabel
from murid.evaluate import frames, learning_curves
from murid.methods import method
from murid.methods.supervised import curve_points, explain
from murid.methods.supervised.curve_points import learning_points
from murid.methods.supervised.decision import Decision
from murid.methods.supervised.label_queue import BLIND, UNCERTAIN, QueueParams, candidates, propose, uncertainty
from murid.methods.supervised.quick_refit import Warm, learning_tables, telling_columns


@pytest.fixture(scope="module")
def warm(fitted, animals):
    w = Warm(fitted)
    w.keep(animals)
    return w


def half_labelled(recording):
    return recording.replace(labels=shown(simulate.true_states(recording), [(0.0, 45.0)]))


def shown(truth, spans):
    """Labels of a rater who watched `spans` only."""
    states = to_multilabel(truth).copy()
    time = states["time"].values
    seen = np.zeros(len(time), bool)
    for a, b in spans:
        seen |= (time >= a - 1e-9) & (time < b - 1e-9)
    states[~seen] = UNLABELLED
    return Labels.from_states(states, rater="oracle")


def test_a_queue_has_a_blind_share_and_hides_what_the_model_thinks(fitted, animals, warm):
    found = [candidates(fitted, half_labelled(r), tables=learn(fitted, r)) for r in animals[2:]]
    queue = propose(found, QueueParams(n=15, blind=0.2, seed=3))
    assert queue["rank"].tolist() == list(range(1, 16))
    assert (queue["kind"] == BLIND).sum() == 3
    blind = queue[queue["kind"] == BLIND]
    assert (blind["proposed"] == "").all()
    assert blind[["probability", "uncertainty", "unseen"]].isna().all(axis=None)
    assert queue.loc[queue["kind"] == UNCERTAIN, "probability"].between(0, 1).all()
    assert (queue["start_s"] >= 45 - 0.2).all(), "labelled time is not proposed again"
    for _, part in queue.sort_values("start_s").groupby(["recording", "individual"]):
        assert (part["start_s"].to_numpy()[1:] >= part["stop_s"].to_numpy()[:-1] - 0.15).all()
    assert queue.equals(propose(found, QueueParams(n=15, blind=0.2, seed=3)))


def test_an_only_animal_that_the_labels_name_otherwise_is_the_same_one(fitted, animals):
    made = half_labelled(animals[2])
    named = {k: getattr(made.labels, k).assign(individual="subject") for k in ("bouts", "scored")}
    other = made.replace(labels=replace(made.labels, **named))
    tables = learn(fitted, made)
    expected, found = (candidates(fitted, r, tables=tables).table for r in (made, other))
    assert found.equals(expected)
    assert len(found) < len(candidates(fitted, made.replace(labels=None), tables=tables).table)
    ours, theirs = (explain.importance(fitted, r, n_frames=50) for r in (made, other))
    assert theirs.equals(ours)


_tables: dict = {}


def learn(model, recording):
    if recording.id not in _tables:
        _tables[recording.id] = learning_tables(model, recording)
    return _tables[recording.id]


def test_blind_windows_do_not_depend_on_the_model(fitted, animals):
    calibration = type(fitted.model.calibration).identity(3)
    other = fitted.with_model(fitted.model.replace(calibration=calibration))
    tables = learn(fitted, animals[3])
    one, two = (
        c.table.loc[c.table["kind"] == BLIND, ["start_s", "stop_s"]].reset_index(drop=True)
        for c in (candidates(m, animals[3].replace(labels=None), tables=tables) for m in (fitted, other))
    )
    assert one.equals(two)
    assert len(one) == 17
    length = one["stop_s"] - one["start_s"]
    np.testing.assert_allclose(length, 5.0, atol=0.15)
    np.testing.assert_allclose(np.diff(one["start_s"]), 5.0, atol=0.1)


def test_doubt_is_largest_at_the_threshold():
    rule = Decision(("a", "b"), (0.0, 0.0), (0.2, 0.6), (0.0, 0.0))
    p = np.array([[0.2, 0.0], [0.02, 0.02], [0.9, 0.0], [0.0, 0.6], [0.0, 0.99]])
    doubt = uncertainty(rule, p)
    assert doubt[0] == pytest.approx(1)
    assert doubt[3] == pytest.approx(1)
    assert doubt[1] < 0.3
    assert doubt[2] < 0.2
    assert doubt[4] < 0.1
    rule = Decision(("a", "b"), (0.0, 0.0), (0.5, 0.5), (0.0, 0.0), exclusive=True, exhaustive=True)
    assert uncertainty(rule, np.array([[0.5, 0.5], [0.9, 0.1]])) == pytest.approx([1.0, 0.2])


def test_diversity_spreads_the_queue(fitted, animals):
    found = [candidates(fitted, r.replace(labels=None), tables=learn(fitted, r)) for r in animals]

    def spread(sharpness):
        queue = propose(found, QueueParams(n=12, blind=0, sharpness=sharpness))
        table = pd.concat([f.table for f in found], ignore_index=True)
        place = np.concatenate([f.place for f in found])
        key = ["recording", "start_s", "kind"]
        at = table[key].reset_index().merge(queue[key], on=key)["index"].to_numpy()
        d = ((place[at][:, None] - place[at][None]) ** 2).sum(2)
        return d.mean(), float(queue["uncertainty"].mean())

    (wide, calm), (_, doubtful) = spread(0.0), spread(8.0)
    table = pd.concat([f.table for f in found], ignore_index=True)
    place = np.concatenate([f.place for f in found])
    top = table[table["kind"] == UNCERTAIN].nlargest(12, "uncertainty").index
    assert wide > ((place[top][:, None] - place[top][None]) ** 2).sum(2).mean()
    assert doubtful > calm


def test_a_warm_fit_is_close_to_a_full_one(fitted, animals, warm):
    quick = warm.refit(animals[:3])
    assert len(quick.model.feature_names) == len(telling_columns(fitted))
    assert quick.model.novelty is not None
    gains = dict(zip(fitted.model.feature_names, fitted.gains(), strict=True))
    kept = set(sorted(gains, key=gains.get, reverse=True)[:120])
    assert kept <= set(warm.columns)
    further = {fitted.model.feature_names[c] for c in fitted.model.novelty.columns}
    assert set(warm.columns) <= kept | further
    assert (warm.recipe(1000).learning.trees.n_trees, warm.labelling().folds) == (30, 2)
    blind = animals[3].replace(labels=None)
    a, b = fitted.apply(blind), quick.apply(blind)
    assert (a["states"].values == b["states"].values).mean() > 0.95
    np.testing.assert_allclose(a["unseen"].values, b["unseen"].values, atol=1e-5)


@pytest.fixture(scope="module")
def choices(fitted, animals):
    """Every twelfth feature that the method may choose from."""
    tables = {}
    for recording in animals:
        tables |= learning_tables(fitted, recording, every=True)
    assert all(table.sizes["feature"] > 10 * len(fitted.model.feature_names) for table in tables.values())
    return {key: table[:, ::12] for key, table in tables.items()}


def test_learning_points_rise_with_labels(fitted, animals, choices):
    points = learning_points(fitted, animals, choices, shares=(0.01, 0.3, 1.0), seed=1)
    assert points["fold"].value_counts().max() == 2, "two stretches show no behaviour twice: no point"
    assert points["n_bouts"].min() > 0
    assert set(points["fold"]) <= {0, 1, 2}
    first, last = (points.groupby("fold")["score"].agg(w).mean() for w in ("first", "last"))
    assert last > first - 0.02
    assert last > 0.8


def test_nothing_of_a_point_is_learnt_from_the_held_out_animals(fitted, animals, choices, monkeypatch):
    """Other labels of one animal, and another calibration and rule of the model, change no prediction for it."""
    other = animals[0].labels
    swapped = other.bouts.assign(label=other.bouts["label"].replace({"rear": "groom", "groom": "rear"}))
    changed = [animals[0].replace(labels=replace(other, bouts=swapped)), *animals[1:]]
    rule = Decision(fitted.model.behaviours, (0.0,) * 3, (0.9,) * 3, (0.0,) * 3, *_kind(fitted.model.decision))
    calibration = type(fitted.model.calibration).identity(3)
    spoilt = fitted.with_model(fitted.model.replace(decision=rule, calibration=calibration))
    said, folds = {}, []
    for name, model, recordings in (("as they are", fitted, animals), ("changed", spoilt, changed)):
        predicted = said[name] = []
        monkeypatch.setattr(curve_points, "frames", Kept(predicted))
        folds.append(learning_points(model, recordings, choices, shares=(0.6,), n_folds=2)["fold"].tolist())
    assert folds == [[0, 1]] * 2
    same = [np.array_equal(y, z) for (y, _), (z, _) in zip(*said.values(), strict=True)]
    assert same.count(False) == 1, "labels of one animal were changed"
    held_out = same.index(False)
    for k, ((_, p), (_, q)) in enumerate(zip(*said.values(), strict=True)):
        assert np.array_equal(p, q) == (k == held_out)


class Kept:
    """The module `frames`, keeping what is counted."""

    def __init__(self, kept):
        self.kept = kept

    def counts(self, truth, predicted):
        self.kept.append((truth, predicted))
        return frames.counts(truth, predicted)

    def __getattr__(self, name):
        return getattr(frames, name)


def _kind(decision):
    return decision.exclusive, decision.exhaustive


# ---- the queue against chance ---------------------------------------------------------------------
RARE = ("rear", "run", "stretch_attend")


def first_bouts(recording):
    """One bout of each behaviour with a little around it: what a rater labels to begin with."""
    bouts = recording.labels.bouts
    first = [bouts[bouts["label"] == b].iloc[0] for b in RARE if (bouts["label"] == b).any()]
    return [(max(0.0, b["start_s"] - 1.5), b["stop_s"] + 1.5) for b in first]


def macro_f1(model, tables, recordings):
    cells = 0
    for r in recordings:
        table = tables[r.id, "mouse_1"]
        truth = r.labels.to_states(table["time"].values, RARE).values[:, 0]
        x = np.asarray(table.sel(feature=list(model.model.feature_names)).values, np.float32)
        cells = cells + frames.counts(truth, model.model.decision.present(model.probability(x)))
    return float(frames.mean_known(frames.f1_of(cells)))


@pytest.mark.slow
def test_the_queue_beats_chance_on_simulated_animals():
    """The simulation answers what is asked; at most as many seconds are labelled by the queue as by chance."""
    told = dict(duration_s=150, fps=12, unit="cm")
    made = {
        f"{side}{k}": simulate.corrupt(simulate.recording(**told, seed=s + k, id=f"{side}{k}"), seed=k)
        for side, s, n in (("p", 50, 5), ("t", 90, 3))
        for k in range(n)
    }
    pool, test = ([r for name, r in made.items() if name[0] == side] for side in "pt")
    truth = {r.id: simulate.true_states(r) for r in pool}
    begin = {r.id: first_bouts(r) if r.id < "p3" else [] for r in pool}

    def with_labels(spans):
        return [r.replace(labels=shown(truth[r.id], spans[r.id]) if spans[r.id] else None) for r in pool]

    small = dict(behaviours=RARE, n_features=60, trees=dict(n_trees=20, n_threads=1), context_s=())
    warm = Warm(method("gbdt", **small).fit([r for r in with_labels(begin) if r.has("labels")]))
    warm.keep([*pool, *test])
    first = warm.refit(with_labels(begin))

    def curve(blind_only, seed):
        model, spans = first, {name: list(s) for name, s in begin.items()}
        points = [(seconds(spans), macro_f1(model, warm.tables, test))]
        for turn in range(2):
            found = [candidates(model, r, tables=warm.tables) for r in with_labels(spans)]
            queue = propose(found, QueueParams(n=8, seed=100 * seed + turn))
            if blind_only:
                windows = pd.concat([f.table for f in found]).query("kind == @BLIND").sample(frac=1, random_state=seed)
                length = windows["stop_s"] - windows["start_s"]
                queue = windows[length.cumsum().shift(fill_value=0) < (queue["stop_s"] - queue["start_s"]).sum()]
            for row in queue.itertuples():
                spans[row.recording].append((row.start_s, row.stop_s))
            model = warm.refit(with_labels(spans))
            points.append((seconds(spans), macro_f1(model, warm.tables, test)))
        return learning_curves.area(*zip(*points, strict=True)), points[-1][0]

    chosen, chance = (np.array([curve(blind, seed) for seed in range(2)]) for blind in (False, True))
    assert chosen[:, 1].mean() <= chance[:, 1].mean() + 1
    assert chosen[:, 0].mean() > chance[:, 0].mean()


def seconds(spans):
    return sum(b - a for s in spans.values() for a, b in s)
