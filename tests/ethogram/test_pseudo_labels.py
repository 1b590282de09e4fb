"""Pseudo-labels from a table of rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.data.states import behaviour_names
from murid.ethogram.pseudo_labels import NEVER_S, event_quantities, label, read_rule_table

TABLE = """
lever:
    when in_lever > 0.5
    and  until_press < 1 s
eating:                       # at the port, after a reward
    when in_port > 0.5
    and  since_reward < 3 s
locomotion:
    when speed_centre > 10 cm/s
"""
TIME = np.arange(0, 10, 0.5)
EVENTS = pd.DataFrame({"time_s": [2.0, 4.0], "label": ["press", "reward"]})


def quantities(speed=0.0, lever=0.0, port=0.0):
    full = [np.broadcast_to(np.asarray(v, float), TIME.shape) for v in (speed, lever, port)]
    return xr.DataArray(
        np.stack(full, 1),
        dims=("time", "feature"),
        coords={
            "time": TIME,
            "feature": ["speed_centre", "in_lever", "in_port"],
            "unit": ("feature", ["cm/s", "1", "1"]),
        },
    )


def names(states):
    return [behaviour_names(states)[k] if k >= 0 else "?" for k in states.values[:, 0]]


def test_first_rule_that_holds_names_the_frame():
    found = names(label(read_rule_table(TABLE), quantities(speed=20, lever=1, port=1), EVENTS, individual="a"))
    expected = ["lever" if 1 < t <= 2 else "eating" if 4 <= t < 7 else "locomotion" for t in TIME]
    assert found == expected
    slow = names(label(read_rule_table(TABLE, rest="rest"), quantities(), EVENTS, individual="a"))
    assert set(slow) == {"rest"}


def test_unknown_is_not_absent_unless_a_higher_rule_decides():
    speed = np.where(TIME < 5, np.nan, 0.0)
    port = np.ones(TIME.size)
    found = names(label(read_rule_table(TABLE), quantities(speed=speed, port=port), EVENTS, individual="a"))
    assert [f for f, t in zip(found, TIME, strict=True) if t < 4] == ["?"] * 8
    assert [f for f, t in zip(found, TIME, strict=True) if 4 <= t < 7] == ["eating"] * 6
    assert [f for f, t in zip(found, TIME, strict=True) if t >= 7] == ["other"] * 6


def test_a_recording_may_lack_events_but_a_misspelt_one_is_named():
    with pytest.raises(DataError, match="since_reward"):
        label(read_rule_table(TABLE), quantities(), EVENTS[:1], individual="a")
    found = label(
        read_rule_table(TABLE), quantities(port=1), EVENTS[:1], individual="a", known_events=["press", "reward"]
    )
    assert set(names(found)) == {"other"}


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-5, 15), max_size=6))
def test_times_to_events_against_the_definition(times):
    table = pd.DataFrame({"time_s": times, "label": ["press"] * len(times)})
    found = event_quantities(TIME, table, known=["press"])
    for k, t in enumerate(TIME):
        since, until = [t - e for e in times if e <= t], [e - t for e in times if e >= t]
        assert found.sel(feature="since_press").values[k] == pytest.approx(min(since, default=NEVER_S))
        assert found.sel(feature="until_press").values[k] == pytest.approx(min(until, default=NEVER_S))


def test_events_of_a_value_and_of_an_animal():
    table = pd.DataFrame(
        {"time_s": [1.0, 2.0, 3.0], "label": "Trial end", "value": [1.0, 0.0, 1.0], "individual": ["a", "all", "b"]}
    )
    found = event_quantities(TIME, table, individual="a")
    assert list(found["feature"].values[::2]) == ["since_trial_end", "since_trial_end_1", "since_trial_end_0"]
    assert found.sel(feature="since_trial_end_1").values[-1] == pytest.approx(TIME[-1] - 1)
