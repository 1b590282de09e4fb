"""Peri-event responses and decoding as analyses: one recording in, declared tables out."""

import numpy as np
import pandas as pd
import pytest

from murid.data.analysis import find_analysis
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.states import make_states
from murid.data.traces import Spikes, make_traces
from murid.data.warning import MuridWarning
from murid.neural.decoding_analysis import BehaviourDecodingParams, analyse_decoding, correct_decoded
from murid.neural.perievent_analysis import ResponseParams, analyse_responses, count_responses
from murid.neural.tuning import TuningParams
from murid.neural.tuning_analysis import analyse_tuning, count_tuned


@pytest.fixture(scope="module")
def session():
    """400 s at 10 Hz: unit_0 rises by 2 in each of some 40 rears, unit_1 does not; grooming never occurs."""
    rng = np.random.default_rng(0)
    starts = np.cumsum(rng.uniform(6, 12, 50))
    starts = starts[starts < 390]
    stops = starts + rng.uniform(1, 3, starts.size)
    time = np.arange(4000) / 10
    values = rng.standard_normal((4000, 2))
    for a, b in zip(starts, stops, strict=True):
        values[(time >= a) & (time < b), 0] += 2
    bouts = pd.DataFrame({"start_s": starts, "stop_s": stops, "label": "rear"})
    labels = Labels.from_bouts(bouts, duration_s=400, fps=20, vocabulary=("rear", "groom"))
    states = labels.to_states(np.arange(8000) / 20, ["rear", "groom"])
    return Recording("r", traces=make_traces(values, time_s=time), labels=labels), states, starts.size


def test_responses_are_those_of_peri_event_and_shift_test(session):
    recording, states, n = session
    chosen = find_analysis("perievent")
    found = chosen.check(analyse_responses(recording, ResponseParams(), states=states))
    table = found.frames["responses"].set_index(["behaviour", "unit"])
    assert table.loc[("rear", "unit_0"), "n_events"] + table.loc[("rear", "unit_0"), "n_left_out"] == n
    assert table.loc[("rear", "unit_0"), "q"] < 0.01
    assert table.loc[("rear", "unit_0"), "response"] > 1
    assert table.loc[("rear", "unit_1"), "p"] > 0.05
    assert table.loc[("groom", "unit_0"), "reason"] == "too few moments (0 < 5)"
    curve = found.frames["curves"].query("unit == 'unit_0'").set_index("lag_s")
    assert curve["low"].iloc[25] > 0
    assert found.frames["animals"]["rear"][0] == pytest.approx(table.loc["rear", "response"].mean())
    whole = count_responses({"responses": found.frames["responses"].assign(recording="r")}, ResponseParams())
    assert whole.summary == {"tested": 2, "respond": 1}
    assert whole.sentences[0].startswith("1 of 2 tested pairs")


def test_every_behaviour_is_decoded_against_shifts(session):
    recording, states, _ = session
    params = BehaviourDecodingParams(n_null=19, lags_s=0.0, folds=3)
    found = find_analysis("decoding").check(analyse_decoding(recording, params, states=states))
    table = found.frames["decoded"].set_index("behaviour")
    assert table.loc["rear", "balanced_accuracy"] > 0.8
    assert table.loc["rear", "p"] == pytest.approx(0.05, abs=0.003)
    assert table.loc["groom", "reason"] == "behaviour never occurs, or never stops"
    assert found.frames["animals"]["rear"][0] == table.loc["rear", "balanced_accuracy"]
    whole = correct_decoded({"decoded": found.frames["decoded"].assign(recording="r")}, params)
    assert whole.summary["tested"] == 1


def test_what_is_found_is_counted_by_the_p_that_is_corrected_over_all():
    p = [0.001, 0.02, 0.04, 0.5, 0.8, np.nan]
    q = [0.005, 0.05, 0.2 / 3, 0.625, 0.8, np.nan]  # Benjamini-Hochberg over five
    table = pd.DataFrame({"recording": list("aabbbb"), "unit": list("uvuvwx"), "behaviour": "rear", "p": p, "q": q})
    table["control"] = False
    found = count_responses({"responses": table}, ResponseParams())
    np.testing.assert_allclose(found.frames["responses"]["q_all"], q)
    assert found.summary == {"tested": 5, "respond": 2}
    assert found.sentences[0].startswith("2 of 5 tested pairs of unit and behaviour respond (q <= 0.05")
    found = correct_decoded({"decoded": table.drop(columns="q")}, BehaviourDecodingParams())
    np.testing.assert_allclose(found.frames["decoded"]["q_all"], q)
    assert found.sentences == ["2 of 5 tested behaviours are decoded better than by chance (q <= 0.05 over all)."]
    strict = correct_decoded({"decoded": table.drop(columns="q")}, BehaviourDecodingParams(alpha=0.01))
    assert strict.sentences == ["1 of 5 tested behaviours are decoded better than by chance (q <= 0.01 over all)."]
    table["direction"] = ["excited", "suppressed", "none", "none", "none", "none"]
    table["control"] = [False] * 5 + [True]
    found = count_tuned({"tuning": table}, TuningParams())
    np.testing.assert_allclose(found.frames["tuning"]["q_all"], q)
    counts = found.frames["tuned"].iloc[0]
    assert (counts["tested"], counts["excited"], counts["suppressed"]) == (5, 1, 1)
    assert (found.summary["units"], found.summary["tested_units"], found.summary["tuned_units"]) == (5, 5, 2)


def test_several_animals_must_be_chosen_from(session):
    recording = session[0]
    two = make_states(np.zeros((100, 2), int), np.arange(100) / 10, ["rear"], ["a", "b"])
    for analyse, params in ((analyse_responses, ResponseParams()), (analyse_decoding, BehaviourDecodingParams())):
        with pytest.raises(DataError, match="choose whose behaviour"):
            analyse(recording, params, states=two)


def test_control_channels_are_no_units_and_speak_up_when_they_follow_the_behaviour(session):
    recording, states, _ = session
    traces = recording.need("traces").assign_coords(unit=["dF_405", "dF_465"])
    chosen = find_analysis("tuning")
    found = chosen.check(analyse_tuning(recording.replace(traces=traces), TuningParams(), states=states))
    table = found.frames["tuning"].assign(recording="r")
    assert dict(zip(table["unit"], table["control"], strict=True)) == {"dF_405": True, "dF_465": False}
    whole = count_tuned({"tuning": table}, TuningParams())
    assert whole.summary["tuned_units"] == 0
    assert whole.summary["tested_units"] == whole.summary["units"] == 1
    assert "dF_405: rear" in whole.sentences[1]


def test_control_channels_stand_outside_the_correction_of_units(session):
    recording, states, _ = session
    rng, time = np.random.default_rng(1), np.arange(4000) / 10
    tied = recording.need("traces").values[:, 0]
    values = np.stack([tied, rng.standard_normal(4000), tied, rng.standard_normal(4000)], axis=1)
    names = ["A_465", "B_465", "A_iso", "B_iso"]
    both = recording.replace(traces=make_traces(values, time_s=time, units=names))
    units = recording.replace(traces=make_traces(values[:, :2], time_s=time, units=names[:2]))
    for analyse, params, table in (
        (analyse_tuning, TuningParams(), "tuning"),
        (analyse_responses, ResponseParams(), "responses"),
    ):
        found, alone = (analyse(r, params, states=states).frames[table] for r in (both, units))
        own = found[~found["control"]].reset_index(drop=True)
        assert found.groupby("control")["unit"].unique().map(list).to_dict() == {False: names[:2], True: names[2:]}
        np.testing.assert_allclose(own["q"], alone["q"], rtol=1e-9)
    animals = analyse_responses(both, ResponseParams(), states=states).frames["animals"]
    assert animals["rear"][0] == pytest.approx(alone.loc[alone["behaviour"] == "rear", "response"].mean())
    whole = count_responses({"responses": found.assign(recording="r")}, ResponseParams())
    assert whole.summary == {"tested": 2, "respond": 1}
    assert "(A_iso: rear)" in whole.sentences[1]


def test_control_channels_are_decoded_apart(session):
    recording, states, _ = session
    params = BehaviourDecodingParams(n_null=19, lags_s=0.0, folds=3)
    rng, time = np.random.default_rng(1), np.arange(4000) / 10
    values = np.stack([rng.standard_normal(4000), recording.need("traces").values[:, 0]], axis=1)
    traces = make_traces(values, time_s=time, units=["dF_465", "dF_405"])
    found = find_analysis("decoding").check(analyse_decoding(recording.replace(traces=traces), params, states=states))
    rear = found.frames["decoded"].query("behaviour == 'rear'").set_index("control")
    assert rear.loc[False, "balanced_accuracy"] < 0.6  # the moving control would decode .9 for it
    assert rear.loc[True, "balanced_accuracy"] > 0.8
    assert found.frames["animals"]["rear"][0] == rear.loc[False, "balanced_accuracy"]
    assert any("stand apart: dF_405" in w for w in found.warnings)
    table = found.frames["decoded"].assign(recording="r")
    assert correct_decoded({"decoded": table}, params).summary == {"tested": 1, "decoded": 0}


def test_spikes_beside_traces_are_said_to_be_left_out(session):
    recording, states, _ = session
    both = recording.replace(spikes=Spikes({"u": [1.0, 2.0]}, 0.0, 400.0))
    with pytest.warns(MuridWarning, match="traces and spikes; the traces are used, the spikes are not"):
        found = analyse_tuning(both, TuningParams(), states=states)
    assert set(found.frames["tuning"]["unit"]) == {"unit_0", "unit_1"}


def test_a_unit_that_never_changes_is_not_tested_and_says_why(session):
    recording, states, _ = session
    still = recording.need("traces").copy()
    still.values[:, 1] = 3.0
    rows = analyse_responses(recording.replace(traces=still), ResponseParams(), states=states).frames["responses"]
    row = rows[(rows["unit"] == "unit_1") & (rows["behaviour"] == "rear")].iloc[0]
    assert row["reason"] == "constant signal"
    assert np.isnan(row["p"])
    assert np.isnan(row["peak_lag_s"])
    assert rows.loc[(rows["unit"] == "unit_0") & (rows["behaviour"] == "rear"), "p"].iloc[0] < 0.05
