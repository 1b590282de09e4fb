"""Labels: unlabelled is not absent, edges round to frames, bouts and states agree."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import murid
from murid.data.clock import frame_times
from murid.data.labels import Labels
from murid.data.states import make_states, mask_of, to_multilabel


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
