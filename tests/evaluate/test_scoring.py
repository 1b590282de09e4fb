from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.metrics import f1_score

from murid import evaluate
from murid.data.bouts import make_bouts
from murid.data.clock import frame_times
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.states import make_states

NAMES = ["none", "walk", "rear"]


def states(values, fps=10.0, names=NAMES, people=("all",)):
    values = np.asarray(values)
    return make_states(values, frame_times(len(values), fps), names, people)


def chain(seed, n=2000, stay=0.9):
    rng = np.random.default_rng(seed)
    z = [0]
    for _ in range(n - 1):
        z.append(z[-1] if rng.random() < stay else int(rng.integers(3)))
    return np.array(z)


def noisy(z, seed, wrong=0.2):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(z.size) < wrong, rng.integers(3, size=z.size), z)


def test_a_perfect_prediction_scores_one_everywhere():
    z = states(chain(0))
    got = evaluate.score(z, z)
    for column in ("precision", "recall", "f1", "bout_f1", "boundary_f1", "annotation_f1", "prediction_f1"):
        assert (got.table[column] == 1.0).all()
    assert got.accuracy == got.f1 == got.coverage == 1.0
    assert (got.table["onset_ms"].dropna() == 0).all()


def test_frame_scores_agree_with_scikit_learn():
    z, y = chain(1), noisy(chain(1), 2)
    got = evaluate.score(states(z), states(y))
    want = f1_score(z, y, average=None)
    np.testing.assert_allclose(got.table.loc[NAMES, "f1"], want)
    assert got.f1 == pytest.approx(want.mean())
    assert got.accuracy == pytest.approx((z == y).mean())
    assert got.confusion.loc["walk", "rear"] == ((z == 1) & (y == 2)).sum()


def labels(z, fps=10.0, rater="r", stream=""):
    made = Labels.from_states(states(z, fps), rater=rater, stream=stream)
    bouts = made.bouts[made.bouts["label"] != "none"].reset_index(drop=True)
    return Labels(bouts, made.scored, True, ("walk", "rear"), fps)


def join(*parts):
    return Labels(
        make_bouts(pd.concat([p.bouts for p in parts])), pd.concat([p.scored for p in parts], ignore_index=True)
    )


def test_labels_are_laid_on_the_clock_of_the_prediction():
    z, y = chain(3), noisy(chain(3), 4)
    direct = evaluate.score(states(z), states(y), behaviours=["walk", "rear"])
    through = evaluate.score(labels(z), states(y))
    pd.testing.assert_frame_equal(direct.table, through.table)
    assert through.behaviours == ["walk", "rear"]  # "none" is no behaviour
    half = evaluate.score(labels(np.repeat(z, 2), fps=20.0), states(y))
    pd.testing.assert_frame_equal(direct.table, half.table)


def test_the_stream_that_holds_the_behaviours_is_taken():
    z = chain(5)
    other = Labels.from_states(states(chain(6), names=["base", "bite", "chase"]), stream="s0")
    both = join(other, labels(z, rater="", stream="s1"))
    assert evaluate.score(both, states(z)).f1 == 1.0
    # Behaviours of the other stream were not asked for: nothing to say about them.
    assert not [n for n in evaluate.score(both, states(noisy(z, 7, 0.1))).notes if "bite" in n]


def test_behaviours_of_two_streams_are_scored_together():
    """The perfect prediction of both scored 1.0 and 0.0: the stream with most of them was taken for all."""
    z = chain(5)
    values = np.stack([z == 1, z == 2], 1)[:, None].astype(np.int8)
    said = make_states(values, np.arange(len(z)) / 10, ["walk", "rear"])
    one, two = (Labels.from_states(said.sel(behaviour=[b]), stream=s) for b, s in (("walk", "S1"), ("rear", "S2")))
    assert evaluate.score(join(one, two), said).table.loc[["walk", "rear"], "f1"].tolist() == [1, 1]


def test_several_raters_need_a_choice():
    z = chain(7)
    three = join(labels(z, rater="a"), labels(z, rater="b"), labels(noisy(z, 8, 0.5), rater="c"))
    with pytest.raises(DataError, match="several raters"):
        evaluate.score(three, states(z))
    assert evaluate.score(three, states(z), rater="a").f1 == 1.0
    assert evaluate.score(three, states(z), rater="consensus").f1 == 1.0


def test_unlabelled_truth_is_ignored_and_silence_counts_against():
    z = chain(9)
    truth, said = z.copy(), z.copy()
    truth[:500] = -1
    said[:500] = (z[:500] + 1) % 3
    assert evaluate.score(states(truth), states(said)).accuracy == 1.0
    said[500:600] = -1
    got = evaluate.score(states(truth), states(said))
    assert got.accuracy == pytest.approx(14 / 15)
    assert got.coverage == pytest.approx(14 / 15)
    assert evaluate.score(states(truth), states(said), skip_silent=True).accuracy == 1.0


def test_a_shift_ruins_the_frames_but_not_the_totals():
    pairs = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        stay = 0.8 + 0.02 * seed
        z = np.where(chain(seed, stay=stay) == 1, 1, 0) * (rng.random(2000) < 1)
        pairs.append((states(z), states(np.roll(z, 300))))
    got = evaluate.score_many(pairs, behaviours=["walk"])
    assert got.totals.at["walk", "time_r"] > 0.999
    assert got.totals.at["walk", "f1"] < 0.5
    assert abs(got.totals.at["walk", "time_bias"]) < 1e-9


def test_probabilities_give_pr_auc_and_calibration():
    z = chain(10)
    p = np.full((z.size, 1, 3), 0.05, np.float32)
    p[np.arange(z.size), 0, z] = 0.9
    probability = xr.DataArray(
        p,
        dims=("time", "individual", "behaviour"),
        coords={"time": frame_times(z.size, 10.0), "individual": ["all"], "behaviour": NAMES},
    )
    one = evaluate.score(states(z), states(z), probability=probability)
    np.testing.assert_allclose(one.table["pr_auc"], 1.0)
    np.testing.assert_allclose(one.table.loc["walk", "ece"], np.where(z == 1, 0.1, 0.05).mean(), rtol=1e-5)
    two = evaluate.score(states(z), xr.Dataset({"states": states(z), "probability": probability}))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_multilabel_behaviours_may_overlap():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, (300, 2, 2))
    b = np.where(rng.random(a.shape) < 0.1, 1 - a, a)
    truth = states(a, names=["sniff", "follow"], people=["m1", "m2"])
    got = evaluate.score(truth, states(b, names=["sniff", "follow"], people=["m1", "m2"]))
    want = f1_score(a.reshape(-1, 2), b.reshape(-1, 2), average=None)
    np.testing.assert_allclose(got.table.loc[["sniff", "follow"], "f1"], want)
    assert list(got.confusion.columns) == ["tp", "fp", "fn", "tn"]
    only = evaluate.score(truth, states(b[:, :1], names=["sniff", "follow"], people=["m1"]))
    np.testing.assert_allclose(only.table.at["sniff", "f1"], f1_score(a[:, 0, 0], b[:, 0, 0]))


def test_confidence_limits_come_from_recordings():
    pairs = [(states(chain(s)), states(noisy(chain(s), s + 50, 0.1 + 0.05 * (s % 5)))) for s in range(10)]
    got = evaluate.score_many(pairs, seed=3)
    row = got.table.loc["walk"]
    assert row["f1_low"] < row["f1"] < row["f1_high"]
    assert got.macro_f1_ci[0] < got.f1 < got.macro_f1_ci[1]
    again = evaluate.score_many(pairs, seed=3)
    pd.testing.assert_frame_equal(got.table, again.table)
    pooled = evaluate.score_many(pairs, groups=["one"] * 10)
    assert np.isnan(pooled.table.at["walk", "f1_low"])
    alone = evaluate.score(*pairs[0])
    assert np.isnan(alone.accuracy_ci[0])
    assert len(got.recordings) == 30


def test_a_behaviour_missing_from_one_recording_still_counts_in_the_others():
    z = chain(11)
    short = np.where(z == 2, 0, z)
    pairs = [(labels(z), states(z)), (Labels.from_states(states(short, names=["none", "walk"])), states(short))]
    got = evaluate.score_many(pairs, behaviours=["walk", "rear"])
    assert got.table.at["rear", "f1"] == 1.0
    assert evaluate.score_many(pairs).f1 == 1.0


def test_json_and_text():
    got = evaluate.score(states(chain(12)), states(noisy(chain(12), 13)))
    data = json.loads(json.dumps(got.to_dict(), allow_nan=False))
    assert data["behaviours"]["walk"]["f1"] == pytest.approx(got.table.at["walk", "f1"])
    assert data["accuracy_ci"] == [None, None]
    assert "macro" in str(got)
    assert "accuracy" in str(got)


def test_errors_say_what_to_do():
    z = states(chain(14))
    with pytest.raises(DataError, match="share no behaviour"):
        evaluate.score(z, states(chain(14), names=["x", "y", "z"]))
    with pytest.raises(DataError, match="did you mean 'rear'"):
        evaluate.score(z, z, behaviours=["raer"])
    with pytest.raises(DataError, match="share no individual"):
        evaluate.score(z, states(np.stack([chain(1)] * 2, axis=1), people=["m1", "m2"]))
    with pytest.raises(DataError, match="no sample is labelled"):
        evaluate.score(states(np.full(2000, -1)), z)
    with pytest.raises(DataError, match="differ in length"):
        evaluate.score([z, z], [z])
    got = evaluate.score(z, states(chain(14), names=["none", "walk", "Rear"]))
    assert "'rear'" in got.notes[0]


def test_one_stream_of_several_can_be_scored():
    rows = [
        (0.0, 5.0, "rear", "m", "a", "one"),
        (20.0, 30.0, "rear", "m", "a", "two"),
        (0.0, 5.0, "x", "m", "a", "two"),
    ]
    columns = ["start_s", "stop_s", "label", "individual", "rater", "stream"]
    labels = Labels.from_bouts(pd.DataFrame(rows, columns=columns), duration_s=60.0, fps=10)
    said = labels.select(stream="two").to_states(np.arange(600) / 10, ["rear"])
    assert evaluate.score(labels, said, stream="two").f1 == 1
    assert evaluate.score(labels, said, stream="one").f1 == 0
    with pytest.raises(DataError, match="did you mean 'two'"):
        evaluate.score(labels, said, stream="tow")


def test_coverage_stands_beside_every_score():
    truth = states(np.repeat([1, 2, 0], 100))
    z = np.repeat([1, 2, 0], 100)
    z[150:200] = -1
    got = evaluate.score(truth, states(z))
    assert got.table.at["rear", "coverage"] == pytest.approx(250 / 300)
    assert got.table.at["macro", "coverage"] == got.coverage == pytest.approx(250 / 300)
    assert "coverage" in str(got)
    assert got.table.at["rear", "recall"] == 0.5


def test_an_end_that_was_not_watched_is_noted():
    """Labels of the first half, all of the film counted as scored: macro F1 .60 instead of .998."""
    time = frame_times(12_000, 10.0)
    z = np.tile(np.repeat([0, 1, 2], 40), 100)
    bouts = pd.DataFrame({"start_s": np.arange(50) * 12 + 4.0, "stop_s": np.arange(50) * 12 + 8.0, "label": "walk"})
    half = Labels.from_bouts(bouts, duration_s=1200.0)
    predicted = make_states(z, time, NAMES, ["all"])
    assert "the last label ends at 596 s, but all up to 1200 s counts as scored" in str(
        evaluate.score(half, predicted).notes
    )
    watched = evaluate.score(Labels.from_bouts(bouts, duration_s=600.0), predicted)
    assert not [note for note in watched.notes if "last label" in note]
    assert watched.table.at["walk", "f1"] == 1
