"""Labels: unlabelled is not absent, edges round to frames, bouts and states agree."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import murid
from murid.data.clock import frame_times
from murid.data.labels import LabelChoice, Labels
from murid.data.states import make_states, mask_of, to_multilabel
from murid.data.warning import MuridWarning


def labels(rows, **kwargs):
    columns = ["start_s", "stop_s", "label", "individual", "rater", "stream"][: len(rows[0])]
    return Labels.from_bouts(pd.DataFrame(rows, columns=columns), **kwargs)


def test_outside_scored_is_unlabelled():
    states = labels([(1, 2, "groom")], duration_s=3).to_states(frame_times(50, 10))
    mask = mask_of(states, "groom")
    assert (mask[:10] == 0).all()
    assert (mask[10:20] == 1).all()
    assert (mask[20:30] == 0).all()
    assert (mask[30:] == -1).all()


def test_seconds_round_to_the_nearest_frame_end_exclusive():
    # 25 fps: frames round(start * 25) .. round(stop * 25) - 1
    time = frame_times(100, 25)
    start, stop = 0.499, 1.021
    mask = mask_of(labels([(start, stop, "rear")], duration_s=4).to_states(time), "rear")
    expected = np.zeros(100, int)
    expected[round(start * 25) : round(stop * 25)] = 1
    assert (mask == expected).all()


def test_placeholders_are_unlabelled_unless_told_otherwise():
    marks = labels([(0, 1, "base"), (1, 2, "social"), (2, 3, "alone")], exclusive=True)
    time = frame_times(30, 10)
    auto = marks.to_states(time, ["social"])
    assert (mask_of(auto, "social")[:10] == -1).all()
    assert (mask_of(auto, "social")[20:] == 0).all()
    negative = marks.to_states(time, ["social"], others="negative")
    assert (mask_of(negative, "social")[:10] == 0).all()
    ignore = marks.to_states(time, ["social"], others="ignore")
    assert (mask_of(ignore, "social")[20:] == -1).all()


def test_mostly_placeholder_warns():
    with pytest.warns(UserWarning, match="others='negative'"):
        labels([(0, 9, "base"), (9, 10, "bite")]).to_states(frame_times(100, 10), ["bite"])


def test_several_raters_must_be_chosen():
    marks = labels([(0, 1, "a", "all", "jin"), (0, 2, "a", "all", "oliver")], duration_s=3)
    with pytest.raises(murid.DataError, match=r"labels.select\(rater"):
        marks.to_states(frame_times(30, 10))
    with pytest.raises(murid.DataError, match="did you mean 'jin'"):
        marks.select(rater="jim")
    assert mask_of(marks.select(rater="jin").to_states(frame_times(30, 10)), "a").sum() == 10


def test_stream_is_found_by_its_behaviours():
    marks = labels([(0, 1, "social", "all", "", "S1"), (0, 1, "bite", "all", "", "S2")], duration_s=2)
    assert marks.stream_with(["bite"]).streams == ["S2"]
    with pytest.raises(murid.DataError, match="no stream holds"):
        marks.stream_with(["sleep"])


def test_label_of_everyone_reaches_each_individual():
    marks = labels([(0, 1, "fight"), (1, 2, "groom", "m1")][:1] + [(1, 2, "groom")], duration_s=2)
    states = marks.to_states(frame_times(20, 10), individuals=["m1", "m2"])
    assert (mask_of(states, "fight", "m2")[:10] == 1).all()


@given(
    values=st.lists(st.integers(-1, 2), min_size=2, max_size=200),
    fps=st.sampled_from([10.0, 25.0, 29.97, 30.0, 50.0]),
)
def test_states_to_labels_and_back(values, fps):
    states = make_states(np.array(values), frame_times(len(values), fps), ["a", "b", "c"])
    back = Labels.from_states(states).to_states(states["time"].values, ["a", "b", "c"])
    assert (back.values == to_multilabel(states).values).all()


def test_bouts_report_every_bad_row():
    with pytest.raises(murid.DataError) as error:
        murid.make_bouts(start_s=[0, 5, None], stop_s=[1, 4, 2], label=["a", "b", "c"])
    assert len(error.value.faults) == 2
    with pytest.raises(murid.DataError, match="'label' is missing"):
        murid.make_bouts(start_s=[0], stop_s=[1])


def test_events_need_times():
    with pytest.raises(murid.DataError, match="time is missing"):
        murid.make_events(time_s=["soon"], label=["tone"])
    assert murid.make_events(time_s=[2, 1], label=["b", "a"])["label"].tolist() == ["a", "b"]


def two_streams():
    return Labels.from_bouts(
        pd.DataFrame(
            {
                "start_s": [10.0, 0.0, 30.0],
                "stop_s": [20.0, 30.0, 40.0],
                "label": ["sniff", "rear", "rear"],
                "stream": ["social", "posture", "posture"],
            }
        ),
        duration_s=60,
    )


def test_behaviours_of_two_streams_are_both_there():
    states = two_streams().to_states(np.arange(600) / 10, ["rear", "sniff"])
    assert (states == 1).sum(("time", "individual")).values.tolist() == [400, 100]
    assert (states == -1).sum() == 0


def test_a_behaviour_of_two_streams_asks_for_the_stream():
    marks = two_streams()
    marks = replace(marks, bouts=marks.bouts.assign(label=["rear", "rear", "groom"]))
    with pytest.raises(murid.DataError, match=r"several streams hold the same behaviour; expected rear.*--stream"):
        marks.to_states(np.arange(600) / 10, ["rear", "groom", "sniff"])


def test_several_streams_without_a_choice_are_one_error_everywhere():
    marks, time = two_streams(), np.arange(600) / 10
    uses = [
        lambda: marks.to_states(time),
        lambda: marks.stream_with(None),
        lambda: LabelChoice().states(marks),
        lambda: LabelChoice().states(marks, time),
    ]
    texts = set()
    for use in uses:
        with pytest.raises(murid.DataError, match="several streams; expected one of them") as error:
            use()
        texts.add(str(error.value))
    assert len(texts) == 1
    assert "--stream posture" in texts.pop()
    assert LabelChoice(stream="social").states(marks, time)["behaviour"].values.tolist() == ["sniff"]
    assert LabelChoice(behaviours=("rear", "sniff")).states(marks, time).sizes["behaviour"] == 2


def test_behaviours_that_a_recording_does_not_show_are_absent_in_any_stream_that_was_watched_as_long():
    marks = two_streams()
    assert marks.stream_showing(["rear"]).streams == ["posture"]
    assert len(marks.stream_showing(["bite"]).streams) == 1
    shorter = replace(marks, scored=marks.scored.assign(stop_s=[60.0, 20.0]))
    with pytest.raises(murid.DataError, match="several streams"):
        shorter.stream_showing(["bite"])


def test_bouts_before_the_recording_are_refused_by_row():
    early = pd.DataFrame({"start_s": [-3.0, 1.0, -0.5], "stop_s": [-2.0, 2.0, 0.5], "label": ["rear", "rear", "dig"]})
    with pytest.raises(murid.DataError, match="starts before the recording") as error:
        Labels.from_bouts(early, duration_s=10)
    assert [f.where for f in error.value.faults] == ["rear, -3.000--2.000 s", "dig, -0.500-0.500 s"]
    # A clock whose zero is an event may begin before it: then that time was watched, and is said so.
    watched = pd.DataFrame({"start_s": [-5.0], "stop_s": [5.0], "rater": "", "stream": ""})
    assert len(Labels.from_bouts(early, scored=watched).bouts) == 3


def test_stored_bouts_before_the_recording_are_a_fault_of_it():
    poses = murid.make_poses(np.ones((100, 2, 1, 1)), keypoints=["nose"], fps=10.0)
    early = murid.make_bouts(start_s=[-30.0], stop_s=[-20.0], label=["rear"])
    marks = Labels(early, pd.DataFrame({"start_s": [0.0], "stop_s": [10.0], "rater": "", "stream": ""}))
    with pytest.raises(murid.DataError, match=r"labels begin before the recording; expected >= 0.0 s, got -30.0 s"):
        murid.Recording("r", poses=poses, labels=marks).validate()


def test_labels_of_everyone_belong_to_each_animal():
    table = pd.DataFrame({"start_s": [0, 5.0], "stop_s": [2, 8.0], "label": "a", "individual": ["m1", "all"]})
    marks, time = Labels.from_bouts(table, duration_s=10), np.arange(100) / 10
    own = marks.select(individual="m1")
    assert own.individuals == ["m1"]
    assert (own.to_states(time) == 1).sum() == (marks.to_states(time, individuals=["m1"]) == 1).sum() == 50


def test_a_pause_cuts_bouts_and_scored_stretches():
    time = np.concatenate([np.arange(100) / 10, 70 + np.arange(100) / 10])
    marks = Labels.from_states(murid.make_states(np.zeros(200, int), time, ["walk"]))
    np.testing.assert_allclose(marks.bouts[["start_s", "stop_s"]], [[0, 10], [70, 80]])
    np.testing.assert_allclose(marks.scored[["start_s", "stop_s"]], [[0, 10], [70, 80]])


def test_animals_watched_at_different_times_come_back_as_they_were(tmp_path):
    values = np.full((600, 2, 1), -1, np.int8)
    values[:300, 0], values[300:, 1] = 0, 0
    values[50:80, 0], values[400:450, 1] = 1, 1
    time = np.arange(600) / 10
    marks = Labels.from_states(murid.make_states(values, time, ["groom"], ["a", "b"]))
    study = murid.Study.create(tmp_path / "s")
    study.add(murid.Recording("r", labels=marks))
    for labels in (marks, study["r"].need("labels")):
        np.testing.assert_array_equal(labels.to_states(time, ["groom"], individuals=["a", "b"]), values)
    np.testing.assert_array_equal(marks.select(individual="b").to_states(time, ["groom"]).values[:, 0], values[:, 1])


def test_behaviours_scored_in_different_stretches_come_back_as_they_were():
    values = np.full((600, 1, 2), -1, np.int8)
    values[:300, 0, 0], values[200:, 0, 1] = 0, 0
    values[50:80, 0, 0], values[400:450, 0, 1] = 1, 1
    time = np.arange(600) / 10
    marks = Labels.from_states(murid.make_states(values, time, ["groom", "rear"]))
    np.testing.assert_array_equal(marks.to_states(time, ["groom", "rear"]), values)


@pytest.mark.parametrize("start", [0.0, 1.7e9])
@pytest.mark.parametrize("fps", [15, 25, 30, 29.97, 50])
def test_bouts_and_back_on_any_clock(fps, start):
    rng, time = np.random.default_rng(0), start + np.arange(2000) / fps
    values = np.repeat(rng.integers(0, 2, 100), 20)[:, None, None].astype(np.int8)
    states = murid.make_states(values, time, ["x"])
    np.testing.assert_array_equal(Labels.from_states(states).to_states(time, ["x"]), values)


def test_a_choice_of_labels_is_one_rule():
    marks = labels([(0, 1, "a", "all", "jin"), (0, 2, "a", "all", "oliver")], duration_s=3)
    with pytest.raises(murid.DataError, match="several raters"):
        LabelChoice(behaviours=("a",)).states(marks)
    states = LabelChoice(behaviours=("a",), rater="oliver").states(marks, np.arange(30) / 10)
    assert (states == 1).sum() == 20


@pytest.mark.parametrize("start_s", [0.0, 1.7e9, 3.8e9])
def test_labels_have_a_clock_of_their_own_in_unix_seconds_too(start_s):
    """The clock ran from 0 to the last bout: 1.7e10 samples for ten seconds of labels."""
    table = pd.DataFrame({"start_s": [start_s + 2.0], "stop_s": [start_s + 5.0], "label": ["rear"]})
    watched = pd.DataFrame({"start_s": [start_s], "stop_s": [start_s + 10.0], "rater": "", "stream": ""})
    labels = Labels.from_bouts(table, scored=watched)
    assert labels.clock().size == 100
    states = LabelChoice(behaviours=("rear",)).states(labels)
    assert (states.values == 1).sum() == 30
    assert (states.values == -1).sum() == 0
    assert labels.clock(4.0).size == 40


def test_bouts_in_unix_seconds_are_not_watched_for_fifty_years():
    table = pd.DataFrame({"start_s": [1.7e9, 1.7e9 + 4], "stop_s": [1.7e9 + 1, 1.7e9 + 6], "label": ["rear"] * 2})
    with pytest.warns(MuridWarning, match="taken as watched from the first bout on"):
        labels = Labels.from_bouts(table)
    assert labels.scored[["start_s", "stop_s"]].values.tolist() == [[1.7e9, 1.7e9 + 6]]
    assert (LabelChoice().states(labels).values == 1).sum() == 30


def test_bare_bouts_and_events_may_lie_before_zero():
    """Tables alone know no recording: times around an event, cut windows and shifted clocks are negative by design."""
    bouts = murid.make_bouts(start_s=[-3.0, 1.0], stop_s=[-2.0, 2.0], label="rear")
    assert bouts["start_s"].tolist() == [-3.0, 1.0]
    assert murid.make_events(time_s=[4.0, -3.0], label="tone")["time_s"].tolist() == [-3.0, 4.0]


@pytest.mark.parametrize(
    ("first_s", "times", "early"), [(0.0, [-3.0, 4.0], 1), (0.0, [0.0, 4.0], 0), (-5.0, [-3.0], 0)]
)
def test_events_before_the_recording_are_said(first_s, times, early):
    poses = murid.make_poses(np.ones((100, 2, 1, 1)), keypoints=["nose"], time_s=first_s + np.arange(100) / 10)
    recording = murid.Recording("r", poses=poses, events=murid.make_events(time_s=times, label="tone"))
    if early:
        with pytest.warns(UserWarning, match=r"1 of 2 events lie before the recording \(tone at -3.000 s\).*map_clock"):
            recording.validate()
    else:
        recording.validate()
    assert recording.events["time_s"].tolist() == sorted(times)
