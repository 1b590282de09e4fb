"""What a study with planted differences is said to show: on the command line, in its JSON and in the report."""

from __future__ import annotations

import re

import pytest
import run_planted

from murid.cli.analysis import run_named
from murid.data import registry
from murid.report import render

SAME = [1.0, 3.0, 5.0, 7.0, 9.0]


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    """The analysis is known by its name, and figures are not painted."""
    monkeypatch.setitem(registry.BUILT_IN, "planted", ("run_planted", "", "What was planted in each animal."))
    monkeypatch.setattr(render, "image", lambda _figure: "data:,")


def outcome(folder, **groups):
    """Return the reply of the command and the text of the report."""
    from murid.run import build_report

    study = run_planted.study_of(folder / "S", groups)
    reply = run_named("planted", study.folder, workers=1)
    html = build_report(study).read_text(encoding="utf-8")
    plain = re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*?</style>", "", html))
    return reply, re.sub(r"\s+", " ", plain.replace("\N{NO-BREAK SPACE}", " ").replace("&#39;", "'"))


def places(right, down=SAME):
    return list(zip(right, down, strict=True))


def test_two_groups(tmp_path):
    reply, report = outcome(tmp_path, ctrl=places([1, 2, 3, 4, 5]), drug=places([11, 12, 13, 14, 15]))
    assert reply.data["differ"] == ["right"]
    assert (reply.data["compared"], reply.data["groups"]) == (2, {"ctrl": 5, "drug": 5})
    row = next(r for r in reply.data["tables"]["comparison"] if r["measure"] == "right")
    assert (row["difference"], round(row["p"], 4), round(row["q"], 4)) == (10.0, 0.0079, 0.0159)
    assert "1 of 2 measures differ (q <= 0.05)." in reply.text
    assert "1 of 2 tested measures of the planted differs between ctrl and drug" in report
    assert "10 px more in drug than in ctrl" in report
    assert "less in drug" not in report


def test_three_groups(tmp_path):
    groups = {"a": [1, 2, 3, 4, 5], "b": [1.5, 2, 3, 4, 5.5], "c": [11, 12, 13, 14, 15]}
    reply, report = outcome(tmp_path, **{g: places(v) for g, v in groups.items()})
    assert reply.data["differ"] == ["right"]
    apart = {(r["first"], r["second"]) for r in reply.data["tables"]["pairwise"] if r["p_holm"] <= 0.05}
    assert apart == {("a", "c"), ("b", "c")}
    assert "1 of 2 measures differ (q <= 0.05)." in reply.text
    assert "1 of 2 tested measures of the planted differs between a, b and c" in report
    assert re.search(r"Right differs between a, b and c .*?10 px more in c than in a", report)
    assert "more in b than in a" not in report.partition("Groups compared")[0]


def test_ties_show_no_difference(tmp_path):
    tied = [1.0, 1, 2, 2, 3]
    reply, report = outcome(tmp_path, ctrl=places(tied, tied), drug=places(tied, tied))
    assert reply.data["differ"] == []
    assert all(r["p"] == 1.0 for r in reply.data["tables"]["comparison"])
    assert "0 of 2 measures differ (q <= 0.05)." in reply.text
    assert "None of 2 tested measures of the planted differ between ctrl and drug" in report
    assert "Largest effect" not in report


def test_nothing_that_could_be_tested(tmp_path):
    reply, report = outcome(tmp_path, ctrl=places([2.0] * 5, [4.0] * 5), drug=places([2.0] * 5, [4.0] * 5))
    assert "comparison" not in reply.data["tables"]
    assert any("no measure varies" in w for w in reply.data["warnings"])
    assert not any("differ" in line for line in reply.text)
    assert not re.search(r"measures? of the planted differ", report)


def test_a_group_of_one_animal_is_named_and_not_compared(tmp_path):
    reply, report = outcome(
        tmp_path, ctrl=places([1, 2, 3, 4, 5]), drug=places([11, 12, 13, 14, 15]), lone=[(50.0, 5.0)]
    )
    assert reply.data["groups"] == {"ctrl": 5, "drug": 5}
    assert any("groups of one animal are not compared: lone" in w for w in reply.data["warnings"])
    assert "between ctrl and drug" in report
    assert "than in lone" not in report
