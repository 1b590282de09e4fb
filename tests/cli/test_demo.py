"""The demo, from nothing to a report."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tests.golden.cases import of_demo
from tests.golden.compare import compare


@pytest.mark.slow
def test_demo_makes_a_report_with_golden_numbers_and_continues(murid, tmp_path):
    words = ["demo", "--out", tmp_path / "d", "--animals", 6, "--minutes", 2, "--json"]
    found = murid(*words).json
    report = tmp_path / "d" / "report.html"
    assert found["report"] == str(report)
    assert report.stat().st_size > 10_000
    assert found["macro_f1"] > 0.5
    assert found["units_found"] > 0
    assert found["untuned_called"] <= 0.15 * found["untuned_units"]
    compare("demo", of_demo(found))
    again = murid(*words).json
    assert again["macro_f1"] == found["macro_f1"]
    assert again["runs"]["evaluate"]["seconds"] < 0.5 * found["runs"]["evaluate"]["seconds"]
    refused = murid("demo", "--out", tmp_path / "d", "--animals", 8, expect=1)
    assert "holds another study" in refused.err


def test_demo_ends_by_saying_where_the_report_is(murid, monkeypatch, tmp_path):
    import murid.run.demo as module

    def pretend(out, **settings):
        assert settings["n_animals"] == 12
        assert settings["workers"] >= 1
        return module.Demo(out / "study", out / "report.html", ["Found it."], {})

    monkeypatch.setattr("murid.run.run_demo", pretend)
    said = murid("demo", "--out", tmp_path / "d").out.strip().splitlines()
    assert said == ["Found it.", f"Report: {tmp_path / 'd' / 'report.html'}"]


def test_demo_says_what_was_found_beside_what_was_planted():
    from murid.run.demo import Demo, _tell

    score = {"macro_f1": 0.8, "behaviours": {"rear": {"f1": 0.75}, "groom": {"f1": 0.85}}}
    assay = SimpleNamespace(summary={"differ": ["distance"], "compared": 6})
    evaluation = SimpleNamespace(summary={"differ": [], "compared": 2, "methods": {"gbdt": score}})
    keys = pd.DataFrame({"recording": "r", "unit": list("abcde"), "behaviour": "rear"})
    # a is found, b is not; c was planted but could not be tested; d, e were not planted: e is called.
    table = keys.assign(direction=["excited", "none", "none", "none", "excited"], p=[0.001, 0.5, None, 0.4, 0.002])
    truth = keys.assign(sign=[1, 1, 1, 0, 0])
    found = Demo(Path("s"), Path("r"), [], {})
    _tell(found, assay, evaluation, SimpleNamespace(tables={"tuning": table}), truth)
    assert found.lines[0].startswith("Open field: 1 of 6 measures differ (distance) between control and stressed")
    assert found.lines[1].startswith("Predicted behaviour: 0 of 2 behaviours differ in their share of time")
    assert found.lines[2].endswith("macro F1 0.80 (rear 0.75, groom 0.85).")
    assert found.lines[3] == (
        "Neurons: 1 of 2 planted pairs of unit and behaviour found; 1 of 2 untuned units called tuned."
    )
