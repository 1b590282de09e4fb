"""What a format holds comes back, and what it cannot hold is an error: stretches, raters, streams, points, frames."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from murid import io
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.poses import make_poses

FAST = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
COLUMNS = ["start_s", "stop_s", "label", "individual", "rater", "stream"]
EDGES = st.lists(st.integers(0, 400), min_size=2, max_size=2, unique=True).map(sorted)


@st.composite
def any_labels(draw):
    """Labels with raters, streams, animals, scored stretches and points, on quarters of a second."""
    raters = draw(st.sampled_from([[""], ["A"], ["A", "Jürgen, B."]]))
    streams = draw(st.sampled_from([[""], ["S1", "S2"]]))
    scored, bouts = [], []
    for rater in raters:
        for stream in streams:
            start, stop = draw(st.sampled_from([(0, 400), (0, 400), (0, 400), (40, 400), (0, 300)]))
            scored.append((start / 4, stop / 4, rater, stream))
            for a, b in draw(st.lists(EDGES, max_size=3)):
                word, who = draw(st.sampled_from(["rear", "groom, face"])), draw(st.sampled_from(["all", "m1"]))
                if start <= a < b <= stop:
                    bouts.append((a / 4, b / 4, word, who, rater, stream))
    table = pd.DataFrame(bouts, columns=COLUMNS).astype({"start_s": float, "stop_s": float})
    stretches = pd.DataFrame(scored, columns=["start_s", "stop_s", "rater", "stream"])
    return Labels.from_bouts(table, scored=stretches, fps=4, vocabulary=("rear", "groom, face"))


def plain(labels, columns=COLUMNS):
    order = sorted(map(tuple, labels.bouts[columns].to_numpy().tolist()))
    stretches = sorted(map(tuple, labels.scored[["start_s", "stop_s", "rater", "stream"]].to_numpy().tolist()))
    return order, stretches


@FAST
@given(truth=any_labels())
def test_bout_tables_come_back_or_are_refused(truth, tmp_path):
    start, stop = float(truth.scored["start_s"].min()), float(truth.scored["stop_s"].max())
    try:
        path = io.write_labels(truth, tmp_path / "a.csv", format="bouts")
    except DataError:
        pairs = truth.bouts[["rater", "stream"]].drop_duplicates()
        uneven = len(truth.scored[["start_s", "stop_s"]].drop_duplicates()) > 1
        assert uneven or len(pairs) < len(truth.scored)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the last label may lie far before the end
        again = io.read_labels(path, duration_s=stop, scored_s=(start, stop))
    assert plain(again) == plain(truth)


@FAST
@given(truth=any_labels())
def test_boris_tables_come_back_or_are_refused(truth, tmp_path):
    columns = ["start_s", "stop_s", "label", "individual"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            path = io.write_labels(truth, tmp_path / "a.csv", format="boris_aggregated")
        except DataError:
            whole = (truth.scored["start_s"] == 0).all()
            assert len(truth.raters) > 1 or len(truth.streams) > 1 or not whole
            return
        length = float(truth.scored["stop_s"].max())
        again = io.read_labels(path, **({} if len(truth.bouts) else {"duration_s": length}))
    assert plain(again, columns)[0] == plain(truth, columns)[0]
    assert again.scored[["start_s", "stop_s"]].to_numpy().tolist() == [[0, length]]


def test_a_rater_who_saw_nothing_is_not_lost_in_a_bout_table(tmp_path):
    bouts = pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"], "rater": ["A"]})
    scored = pd.DataFrame({"start_s": [0.0] * 2, "stop_s": [9.0] * 2, "rater": ["A", "B"], "stream": [""] * 2})
    labels = Labels.from_bouts(bouts, scored=scored)
    with pytest.raises(DataError, match=r"without a bout.*got B; -> write labels\.bouts"):
        io.write_labels(labels, tmp_path / "a.csv", format="bouts")
    io.write_bouts_csv(labels.bouts, tmp_path / "a.csv")


@pytest.mark.parametrize("format", ["bouts", "boris_aggregated"])
@pytest.mark.parametrize(("column", "word"), [("label", "NA"), ("individual", "None")])
def test_words_for_missing_are_no_names(tmp_path, format, column, word):
    bouts = pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"], "individual": ["m1"]})
    labels = Labels.from_bouts(bouts.assign(**{column: word}), duration_s=9)
    with pytest.raises(DataError, match=f"cannot be a {column}; got {word}; -> rename it"):
        io.write_labels(labels, tmp_path / "a.csv", format=format)


def test_short_bouts_that_caltech_cannot_hold_are_counted(tmp_path):
    bouts = pd.DataFrame({"start_s": [1.0, 2.0], "stop_s": [1.01, 3.0], "label": ["rear", "rear"]})
    with pytest.warns(UserWarning, match="1 bouts shorter than half a frame"):
        path = io.write_labels(Labels.from_bouts(bouts, duration_s=4, fps=10), tmp_path / "a.txt", format="caltech")
    assert io.read_labels(path, fps=10).select(stream="S1").bouts["label"].tolist() == ["base", "rear", "base"]


def test_streams_are_numbered_in_their_order(tmp_path):
    names = [f"S{i}" for i in range(1, 11)]
    bouts = pd.DataFrame({"start_s": 0.0, "stop_s": 1.0, "label": [n.lower() for n in names], "stream": names})
    path = io.write_labels(Labels.from_bouts(bouts, fps=10), tmp_path / "a.txt", format="caltech")
    back = io.read_labels(path, fps=10).bouts
    assert dict(zip(back["label"], back["stream"], strict=True)) == dict(zip(bouts["label"], names, strict=True))


def test_animals_that_were_watched_at_times_of_their_own(tmp_path):
    bouts = pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"], "individual": ["a"]})
    spans = pd.DataFrame({"start_s": [0.0, 0.0], "stop_s": [4.0, 8.0], "individual": ["a", "b"]})
    labels = Labels.from_bouts(bouts, scored=spans.assign(rater="", stream=""), fps=10)
    with pytest.raises(DataError, match=r"a: some stretches were not scored.*4\.000-8\.000 s"):
        io.write_labels(labels, tmp_path / "a.csv", format="boris_aggregated")
    with pytest.raises(DataError, match=r"animals apart; got a, b"):
        io.write_labels(labels, tmp_path / "a.txt", format="caltech")
    assert not list(tmp_path.iterdir())
    idle = io.read_labels(io.write_labels(labels.select(individual="b"), tmp_path / "b.txt", format="caltech"), fps=10)
    assert idle.bouts["label"].tolist() == ["base"]
    with pytest.raises(DataError, match="no labels for 'c'; -> known: a, b"):
        labels.select(individual="c")


def test_words_that_a_rater_never_used_hold_no_spaces_either(tmp_path):
    bouts = pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"]})
    labels = Labels.from_bouts(bouts, duration_s=4, fps=10, vocabulary=("rear", "head dip"))
    with pytest.raises(DataError, match="labels with spaces; got 'head dip'"):
        io.write_labels(labels, tmp_path / "a.txt", format="caltech")


def test_an_edge_half_way_between_frames_is_that_of_the_same_frame_in_seconds(tmp_path):
    bouts = pd.DataFrame({"start_s": [0.02, 0.5], "stop_s": [0.26, 0.5 + 0.22], "label": ["rear", "groom"]})
    labels = Labels.from_bouts(bouts, duration_s=1.0, fps=25)
    clock = np.arange(25) / 25
    back = io.read_labels(io.write_labels(labels, tmp_path / "a.txt", format="caltech"), fps=25)
    states = [one.to_states(clock, ["rear", "groom"], others="negative").values for one in (labels, back)]
    assert np.array_equal(*states)
    assert np.flatnonzero(states[0][:, 0, 0]).tolist() == [1, 2, 3, 4, 5, 6]


def test_a_boris_table_without_events_says_that_it_has_no_length(tmp_path):
    nothing = Labels.from_bouts(pd.DataFrame({"start_s": [], "stop_s": [], "label": []}), duration_s=60, fps=25)
    with pytest.warns(UserWarning, match="read it with duration_s="):
        io.write_labels(nothing, tmp_path / "a.csv", format="boris_aggregated")


def test_poses_whose_time_deeplabcut_cannot_hold(tmp_path):
    time = np.array([0.0, 0.1, 0.2, 5.0])
    uneven = make_poses(np.ones((4, 2, 1, 1)), keypoints=["nose"], time_s=time, frames=np.arange(4))
    with pytest.raises(DataError, match=r"the time is not frame number / frame rate.*to_movement"):
        io.write_poses_dlc(uneven.assign_attrs(fps=10.0), tmp_path / "a.csv")
    there = io.to_movement(uneven.assign_attrs(fps=10.0))
    assert io.from_movement(there)["time"].values.tolist() == time.tolist()


def test_names_and_points_that_mean_something_else_in_deeplabcut(tmp_path):
    two = make_poses(np.ones((3, 2, 1, 2)), keypoints=["nose"], individuals=["single", "m1"], fps=10)
    with pytest.raises(DataError, match="'single' stands for points of no animal; -> rename it"):
        io.write_poses_dlc(two, tmp_path / "a.csv")
    corner = make_poses(np.zeros((3, 2, 1, 1)), keypoints=["nose"], fps=10)
    with pytest.warns(UserWarning, match=r"3 points at exactly \(0, 0\)"):
        io.write_poses_dlc(corner, tmp_path / "a.csv")
