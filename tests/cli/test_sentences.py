"""Sentences that a command prints: how far two methods differ, and what failed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from murid.cli.evaluate import _difference, _per_method, _sentence
from murid.cli.run_summaries import of_run


def difference(low, high, n_animals=8):
    return _difference("gbdt", {"to": "simba", "macro_f1": -0.04, "ci": [low, high], "n_animals": n_animals})


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
    assert text == f"gbdt to simba: -0.040 macro F1 [{low:+.3f}, {high:+.3f}], paired over animals: {verdict}."


def test_few_animals_cannot_tell_a_difference_from_chance():
    assert difference(-0.08, -0.01, 5).endswith("paired over animals: 5 animals cannot tell a difference from chance.")
    assert difference(-0.08, -0.01, 6).endswith("more than chance.")
    assert difference(None, None, 1).endswith("(no interval: too few animals).")


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
