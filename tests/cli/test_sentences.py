"""Sentences that a command prints: how far two methods differ, and what failed."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from murid.cli.evaluate import _difference, _per_method, _sentence
from murid.cli.run_summaries import compared_sentences, of_run, units_compared


def difference(low, high, n_animals=8, alpha=0.05):
    told = {"to": "simba", "macro_f1": -0.04, "ci": [low, high], "n_animals": n_animals, "alpha": alpha}
    return _difference("gbdt", told)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.08, -0.01, "more than chance"),
        (0.01, 0.08, "more than chance"),
        (-0.08, 0.01, "may be chance"),
    ],
)
def test_a_difference_is_more_than_chance_where_its_interval_leaves_out_zero(low, high, verdict):
    text = difference(low, high)
    assert text == f"gbdt to simba: -0.040 macro F1 [{low:+.3f}, {high:+.3f}] (95 %), paired over animals: {verdict}."


def test_few_animals_cannot_tell_a_difference_from_chance():
    assert difference(-0.08, -0.01, 5).endswith("paired over animals: 5 animals cannot tell a difference from chance.")
    assert difference(-0.08, -0.01, 6).endswith("more than chance.")
    # 2 / 2 ** 7 is above .01, 2 / 2 ** 8 is not.
    assert difference(-0.08, -0.01, 7, 0.01).endswith("7 animals cannot tell a difference from chance.")
    assert difference(-0.08, -0.01, 8, 0.01).endswith("(99 %), paired over animals: more than chance.")
    assert difference(None, None, 1).endswith("(no interval: too few animals).")


def test_groups_compared_are_told_with_their_level_and_unit():
    told = SimpleNamespace(summary={"level": 0.01, "differ": ["a"], "compared": 3, "described": 2})
    assert compared_sentences(told) == [
        "1 of 3 measures differ (q <= 0.01).",
        "2 further measures are described, not tested: table described.csv.",
    ]
    assert compared_sentences(SimpleNamespace(summary={})) == []
    units = pd.DataFrame({"measure": ["a", "b"], "unit_of_analysis": "pair"})
    assert units_compared(units) == "Groups compared (pairs are the unit)"


def test_score_of_a_method_with_its_interval_and_the_leaky_one_marked():
    score = {"macro_f1": 0.71, "macro_f1_ci": [0.6, 0.8], "accuracy": 0.9, "n_recordings": 4}
    text = "gbdt: macro F1 0.710 [0.600, 0.800], accuracy 0.900, 4 recordings."
    assert _sentence("gbdt", score) == text
    leaky = {"macro_f1": 0.95, "warning": "split by frames"}
    assert _sentence("gbdt", {**score, "leaky": leaky}) == f"{text} split by frames: macro F1 0.950."
    assert "[" not in _sentence("gbdt", {**score, "macro_f1_ci": [None, None]})


def test_a_parameter_of_one_method_is_not_given_to_the_others():
    found = _per_method(["gbdt", "simba"], ["simba.seed=3", "clean.jumps=false"])
    assert found["simba"]["seed"] == 3
    assert "seed" not in found["gbdt"]
    assert found["gbdt"]["clean"]["jumps"] is found["simba"]["clean"]["jumps"] is False


@pytest.mark.parametrize(("failed", "ok", "code"), [([], True, 0), (["r2"], False, 1)])
def test_a_recording_that_failed_shows_in_json_and_in_the_exit_code(tmp_path, failed, ok, code):
    run = SimpleNamespace(
        tables={}, summary={"failed": failed}, folder=Path(tmp_path), provenance={"command": "check", "warnings": []}
    )
    reply = of_run(run, ["Done."])
    assert (reply.data["ok"], reply.code) == (ok, code)
    assert reply.text == ["Done.", f"Tables (CSV): {tmp_path / 'tables'}"]
