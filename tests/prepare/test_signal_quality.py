"""Quality of neural signals: planted faults are named, sound signals pass."""

import numpy as np
import pandas as pd
import pytest

import murid
from murid.prepare import assess_quality


def recording(values, stop_s=100.0):
    traces = murid.make_traces(values, rate_hz=10, units=["good", "other"])
    labels = murid.Labels.from_bouts(
        pd.DataFrame({"start_s": [1.0], "stop_s": [5.0], "label": ["x"]}), duration_s=stop_s
    )
    return murid.Recording("r", traces=traces, labels=labels)


def verdicts(rec):
    return assess_quality(rec).set_index("check")["verdict"].to_dict()


def test_sound_signal_is_ok():
    values = np.random.default_rng(0).normal(size=(1000, 2))
    assert set(verdicts(recording(values)).values()) == {"ok"}


def test_planted_faults():
    values = np.random.default_rng(0).normal(size=(1000, 2))
    values[:300, 1] = np.nan
    values[:, 0] = np.minimum(values[:, 0], 0.5)
    found = verdicts(recording(values, stop_s=50.0))
    assert found["missing signal"] == "bad"
    assert found["saturation"] == "bad"
    assert found["signal without labels"] == "bad"


def test_dead_unit_is_named():
    values = np.random.default_rng(0).normal(size=(1000, 2))
    values[:, 1] = 3.0
    row = assess_quality(recording(values)).set_index("check").loc["dead units"]
    assert row["where"] == "other"
    assert row["value"] == pytest.approx(50)
