"""Bout and event tables: text stays text, whatever pandas makes of it."""

import numpy as np
import pandas as pd
import pytest

import murid
from murid.data.bouts import make_bouts, make_events
from murid.data.labels import Labels
from murid.data.study import Study


def test_one_empty_cell_does_not_rename_the_animals():
    table = pd.DataFrame({"start_s": [0, 5, 9.0], "stop_s": [1, 6, 10.0], "label": "a", "individual": [1, np.nan, 2]})
    bouts = make_bouts(table)
    assert bouts["individual"].tolist() == ["1", "all", "2"]
    states = Labels.from_bouts(bouts, duration_s=60).to_states(np.arange(600) / 10, ["a"], individuals=["1", "2"])
    assert (states == 1).sum(("time", "behaviour")).values.tolist() == [20, 20]


def test_a_missing_label_is_named():
    with pytest.raises(murid.DataError, match="row 1: label is missing"):
        make_bouts(pd.DataFrame({"start_s": [0, 5.0], "stop_s": [1, 6.0], "label": ["a", None]}))


def test_events_keep_their_text_through_a_study(tmp_path):
    events = pd.DataFrame(
        {
            "time_s": [0.5, 1.0, 2.0],
            "label": ["press", "press", "null"],
            "individual": [1, 2, 1],
            "value": ["NA", "left", "None"],
        }
    )
    study = Study.create(tmp_path / "s")
    study.add(murid.Recording("r", events=events))
    back = study["r"].need("events")
    assert back["individual"].tolist() == ["1", "2", "1"]
    assert back["label"].tolist() == ["press", "press", "null"]
    assert back["value"].tolist() == ["NA", "left", "None"]


def test_numbers_of_events_stay_numbers(tmp_path):
    study = Study.create(tmp_path / "s")
    study.add(murid.Recording("r", events=make_events(time_s=[1, 2.0], label=["a", "b"], value=[0.5, np.nan])))
    assert study["r"].need("events")["value"].dtype == np.float64
