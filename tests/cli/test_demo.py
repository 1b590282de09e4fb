"""The demo, from nothing to a report."""

import pytest


@pytest.mark.slow
def test_demo_makes_a_report_and_continues(murid, tmp_path):
    words = ["demo", "--out", tmp_path / "d", "--animals", 6, "--minutes", 2, "--json"]
    found = murid(*words).json
    report = tmp_path / "d" / "report.html"
    assert found["report"] == str(report)
    assert report.stat().st_size > 10_000
    assert found["macro_f1"] > 0.5
    assert found["units_found"] > 0
    assert found["untuned_called"] <= 0.15 * found["untuned_units"]
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

    monkeypatch.setattr(module, "run_demo", pretend)
    said = murid("demo", "--out", tmp_path / "d").out.strip().splitlines()
    assert said == ["Found it.", f"Report: {tmp_path / 'd' / 'report.html'}"]
