"""Explanations that must hold: they sum to the score, name the planted cause, and point at real bouts."""

import numpy as np
import pytest

from murid.data.errors import DataError
from murid.features.naming import base_of, in_words
from murid.methods.supervised import explain

#: One worker makes what these tests share.
pytestmark = pytest.mark.xdist_group("explain")


@pytest.fixture(scope="module")
def unseen(animals):
    return animals[3]


def test_contributions_sum_to_the_score(fitted, unseen):
    table = fitted.table(unseen, "mouse_1", np.arange(0, 2000, 100))
    found = explain.evidence(fitted, table)
    p = fitted.model.learner.predict(table.values)
    total = found.start + found.values.sum(axis=2)
    np.testing.assert_allclose(total, np.log(p / (1 - p)), atol=2e-3)
    assert found.how == explain.TREESHAP
    assert len(found.names) == len(set(found.names)) < table.sizes["feature"]


def test_the_table_of_a_model_is_what_it_applies(fitted, unseen):
    rows = np.arange(50, 60)
    table = fitted.table(unseen, "mouse_1", rows)
    out = fitted.apply(unseen.replace(labels=None))
    assert [str(f) for f in table["feature"].values] == list(fitted.model.feature_names)
    np.testing.assert_allclose(fitted.probability(table.values), out["probability"].values[rows, 0], atol=1e-6)


def test_walking_is_told_by_speed(fitted, unseen):
    found = explain.importance(fitted, unseen, n_frames=200)
    walk = found[found["behaviour"] == "walk"].sort_values("strength", ascending=False)
    fast = walk[walk["feature"].str.contains("speed|forward|path")]
    assert walk.iloc[0]["family"] == "kinematics"
    assert fast.iloc[0]["direction"] > 0
    shares = explain.family_strength(fitted, unseen, n_frames=200).groupby("behaviour")["share"].sum()
    assert shares.to_numpy() == pytest.approx(1)


def test_scrambling_the_family_that_matters_costs_most(fitted, unseen):
    found = explain.permutation(fitted, unseen, max_frames=600)
    loss = found.pivot(index="family", columns="behaviour", values="loss")
    # A simulated rear is a posture: how fast the animal moves says nothing that its shape does not.
    assert loss["rear"].idxmax() == "shape"
    assert loss.at["shape", "rear"] > 0.5
    assert abs(loss.at["kinematics", "rear"]) < 0.05 < loss.at["shape", "walk"]
    assert found.equals(explain.permutation(fitted, unseen, max_frames=600))


def test_a_method_without_trees_is_explained_by_occlusion(fitted, unseen):
    class Plain:
        def predict(self, features):
            return fitted.model.learner.predict(features)

    model = fitted.with_model(fitted.model.replace(learner=Plain()))
    table = model.table(unseen, "mouse_1", np.arange(0, 2200, 40))
    found, exact = explain.evidence(model, table), explain.evidence(fitted, table)
    assert found.how == explain.OCCLUSION
    a, b = (np.abs(e.values[:, 2]).mean(axis=0) for e in (found, exact))
    assert np.corrcoef(a, b)[0, 1] > 0.7
    said = explain.why(model, unseen, 10.0)
    assert len(said) == 8


def test_examples_are_bouts_of_their_kind(fitted, unseen):
    found = explain.choose_examples(fitted, unseen, n=2)
    truth = unseen.labels.bouts
    assert set(found["kind"]) <= {"right", "false", "missed"}
    assert (found["stop_s"] > found["start_s"]).all()
    assert found.groupby(["behaviour", "kind"]).size().max() <= 2
    right = found[found["kind"] == "right"]
    assert len(right)
    for row in right.itertuples():
        same = truth[truth["label"] == row.behaviour]
        assert ((same["start_s"] < row.stop_s) & (same["stop_s"] > row.start_s)).any()
    sure, missed = right["probability"].mean(), found.loc[found["kind"] == "missed", "probability"]
    assert missed.empty or missed.mean() < sure


def test_why_this_frame_names_values_units_and_words(fitted, unseen):
    bouts = unseen.labels.bouts
    walk = bouts[bouts["label"] == "walk"].iloc[3]
    middle = (walk["start_s"] + walk["stop_s"]) / 2
    said = explain.why(fitted, unseen, middle, behaviour="walk", n=5)
    assert len(said) == 5
    assert said["contribution"].abs().is_monotonic_decreasing
    loud = said.iloc[0]
    table = fitted.table(unseen, "mouse_1", np.array([int(np.abs(unseen.poses["time"].values - middle).argmin())]))
    assert loud["value"] == pytest.approx(float(table.sel(feature=loud["feature"]).values[0]))
    assert "evidence" in loud["words"]
    assert said["unit"].str.contains("cm|rad|1").all()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (dict(time_s=500.0), "time lies outside the recording"),
        (dict(time_s=5.0, behaviour="raer"), "did you mean 'rear'"),
        (dict(time_s=5.0, individual="mouse_2"), "which individual"),
    ],
)
def test_questions_that_cannot_be_answered(fitted, unseen, asked, message):
    with pytest.raises(DataError, match=message):
        explain.why(fitted, unseen, **asked)


@pytest.mark.parametrize(
    ("feature", "base", "words"),
    [
        ("speed_centre", "speed_centre", "speed of the body centre"),
        ("speed_centre_max_0.4s", "speed_centre", "highest speed of the body centre within 0.4 s"),
        ("straightness_1s", "straightness_1s", "speed of the body centre"),
        ("speed_centre_min_mean_1.6s", "speed_centre_min", "mean of speed of the body centre within 1.6 s"),
        ("turn_rate_lag_-0.5s", "turn_rate", "speed of the body centre, 0.5 s before"),
        ("turn_rate_power_3-5Hz", "turn_rate", "3-5 Hz rhythm of speed of the body centre"),
    ],
)
def test_names_read_back(feature, base, words):
    assert base_of(feature) == base
    assert in_words(feature, "speed of the body centre") == words
