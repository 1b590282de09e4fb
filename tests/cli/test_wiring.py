"""Every option of a command reaches the function behind it under its own name, and what it returns is printed."""

from types import SimpleNamespace

import pandas as pd
import pytest
import run_work as work

from murid.data.errors import DataError
from murid.data.labels import LabelChoice


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Four recordings of which only the names are used."""
    return work.small_study(tmp_path_factory.mktemp("wiring") / "study", 4).folder


@pytest.fixture
def asked(monkeypatch, murid, study):
    """Run a command whose function only notes what it is given; return the arguments by name."""

    def run(function, *words):
        given = {}

        def note(_study, *args, **options):
            given.update(options, args=args)
            raise DataError("noted")

        monkeypatch.setattr(f"murid.run.{function}", note)
        murid(words[0], study, *words[1:], expect=1)
        return given

    return run


def test_options_of_an_analysis_reach_the_run(asked):
    words = ["--compare", "day", "--measures", "rear,groom", "--states-from", "m", "-b", "rear", "--individual", "b"]
    words += [
        "--rater",
        "A",
        "--stream",
        "one",
        "--others",
        "negative",
        "--ids",
        "r0,r2",
        "--seed",
        3,
        "-j",
        2,
        "--alpha",
        0.01,
    ]
    given = asked("run_analysis", "budget", *words)
    assert given.pop("args") == ("budget", {}, ["r0", "r2"])
    assert given == {
        "compare": "day",
        "measures": ["rear", "groom"],
        "states_from": "m",
        "labels": LabelChoice(("rear",), "negative", "A", "one"),
        "individual": "b",
        "alpha": 0.01,
        "seed": 3,
        "workers": 2,
    }
    plain = asked("run_analysis", "budget", "--compare", "")
    assert plain["alpha"] is None
    assert plain["compare"] is None
    assert plain["labels"] == LabelChoice()
    assert (plain["measures"], plain["individual"], plain["states_from"]) == (None, None, "labels")


def test_options_of_evaluate_reach_the_run(asked):
    words = ["gbdt", "simba", "-p", "gbdt.seed=4", "--group", "day", "--folds", 3, "--train", "r[01]", "--test", "r3"]
    words += ["-b", "rear,groom", "--others", "ignore", "--rater", "A", "--stream", "one", "--leaky", "--skip-failed"]
    given = asked("evaluate_methods", "evaluate", *words, "--seed", 5, "-j", 2, "--ids", "r*", "--alpha", 0.01)
    assert given == {
        "args": (["gbdt", "simba"],),
        "params": {"gbdt": {"seed": 4}, "simba": {}},
        "group": "day",
        "folds": 3,
        "train": ["r0", "r1"],
        "test": ["r3"],
        "ids": ["r0", "r1", "r2", "r3"],
        "behaviours": ["rear", "groom"],
        "others": "ignore",
        "rater": "A",
        "stream": "one",
        "leaky": True,
        "rare": "warn",
        "skip_failed": True,
        "alpha": 0.01,
        "seed": 5,
        "workers": 2,
    }
    plain = asked("evaluate_methods", "evaluate", "gbdt")
    assert plain["alpha"] == 0.05
    assert (plain["rater"], plain["stream"], plain["folds"], plain["leaky"]) == (None, None, None, False)


def test_options_of_fit_and_explain_reach_the_run(asked):
    words = ["kmeans", "-p", "n_motifs=7", "--ids", "r1", "--model", "seven", "--replace", "--skip-failed", "-j", 2]
    assert asked("fit_method", "fit", *words) == {
        "args": ("kmeans", {"n_motifs": 7}, ["r1"]),
        "model": "seven",
        "replace": True,
        "skip_failed": True,
        "workers": 2,
    }
    plain = asked("fit_method", "fit", "kmeans")
    assert (plain["replace"], plain["skip_failed"], plain["model"]) == (False, False, None)
    words = ["m", "--recording", "r1", "--time", 2.5, "--behaviour", "rear", "--individual", "b", "--folds", 3]
    assert asked("explain_model", "explain", *words, "--seed", 2, "-j", 1) == {
        "args": ("m",),
        "recording": "r1",
        "time_s": 2.5,
        "behaviour": "rear",
        "individual": "b",
        "folds": 3,
        "n_frames": 400,
        "seed": 2,
        "workers": 1,
    }


def test_options_of_add_reach_the_reader(asked, tmp_path):
    kinds = ["labels", "events", "zones", "traces", "spikes", "video"]
    files = {kind: tmp_path / f"{kind}.x" for kind in kinds}
    words = [word for kind in kinds for word in (f"--{kind}", files[kind])]
    words += ["--fps", 25, "--px-per-cm", 12.5, "--sheet", tmp_path / "s.csv", "--raters", "-o", "traces.rate_hz=20"]
    words += ["--units", "--replace", "--overwrite-labels", "--cut-labels", "--dry-run"]
    given = asked("add_files", "add", tmp_path / "p.x", *words)
    assert given.pop("args") == ([tmp_path / "p.x"],)
    assert {kind: list(given.pop(kind)) for kind in kinds} == {kind: [file] for kind, file in files.items()}
    assert given == {
        "fps": 25,
        "px_per_cm": 12.5,
        "sheet": tmp_path / "s.csv",
        "several_raters": True,
        "several_units": True,
        "options": {"traces": {"rate_hz": 20}},
        "replace": True,
        "overwrite_labels": True,
        "cut_labels": True,
        "dry_run": True,
    }
    plain = asked("add_files", "add", tmp_path / "p.x")
    assert not any(plain[k] for k in ("replace", "overwrite_labels", "cut_labels", "dry_run", "several_raters"))


def run_of(tmp_path, **more):
    """A run as a command sees it."""
    provenance = {"command": "x", "warnings": []}
    return SimpleNamespace(folder=tmp_path, provenance=provenance, **{"tables": {}, "summary": {}, **more})


def test_apply_prints_the_mean_over_recordings(monkeypatch, murid, study, tmp_path):
    rows = {"recording": ["r0", "r1"], "behaviour": "rear", "count": [2, 4], "total_s": [1.0, 3.0]}
    run = run_of(
        tmp_path,
        summary={"recordings": ["r0", "r1"], "trained_on": []},
        tables={"summary": pd.DataFrame(rows).assign(fraction=[0.1, 0.3])},
    )
    monkeypatch.setattr("murid.run.apply_method", lambda *_args, **_options: run)
    out = murid("apply", study, "m").out
    assert "Mean over recordings" in out
    row = next(line for line in out.splitlines() if line.startswith("rear"))
    assert row.replace("│", " ").split() == ["rear", "3", "2", "0.2"]
    assert "2 recordings. States: " in out


def test_an_analysis_prints_how_many_measures_differ_of_how_many(tmp_path):
    from murid.cli.analysis import reply_of
    from murid.data.analysis import find_analysis

    means = {f"{what}_{g}": [1.0, 2.0] for what in ("n", "mean", "sd") for g in ("a", "b")}
    found = pd.DataFrame({"measure": ["rear", "groom"], **means, "p": [0.2, 0.001], "q": [0.2, 0.002]})
    found["unit_of_analysis"] = "pair"
    summary = {"recordings": ["r0", "r1"], "differ": ["groom"], "compared": 2, "described": 3, "level": 0.01}
    tables = {"comparison": found, "animals": pd.DataFrame({"rear": [1.0], "groom": [2.0]})}
    reply = reply_of(run_of(tmp_path, summary=summary, tables=tables), find_analysis("budget"))
    assert reply.text[:3] == [
        "2 recordings.",
        "1 of 2 measures differ (q <= 0.01).",
        "3 further measures are described, not tested: table described.csv.",
    ]
    assert list(reply.tables) == ["Groups compared (pairs are the unit)"]
    failed = {"failed": ["r1"], "recordings": ["r0"]}
    tables["failed"] = pd.DataFrame({"recording": ["r1"], "reason": ["no"]})
    reply = reply_of(run_of(tmp_path, summary={**summary, **failed}, tables=tables), find_analysis("budget"))
    assert reply.text[0] == "1 recording; 1 failed."
    assert "Recordings that failed" in reply.tables
    assert reply.code == 1


def test_difference_of_methods_is_noted_as_the_table_has_it(monkeypatch, tmp_path):
    from murid.run import head_to_head

    parts = {k: [pd.DataFrame({"behaviour": ["rear", "macro"], "method": ["a", "b"]})] for k in ("per_class", "totals")}
    parts["recordings"] = [pd.DataFrame({"method": ["a", "b"], "recording": "r", "behaviour": "rear"})]
    row = {"method": "a", "best": "b", "difference": -0.1, "low": -0.2, "high": 0.05, "n_animals": 7}
    found = pd.DataFrame([{"behaviour": "macro", **row}, {"behaviour": "rear", **row, "difference": -0.3}])
    given: dict[str, float] = {}
    run = run_of(tmp_path, parts=parts)
    run.table = lambda _name, table: table
    listed = SimpleNamespace(table=pd.DataFrame({"id": ["r"], "animal": ["m"]}))
    for name, value in {
        "methods_side_by_side": lambda *_: pd.DataFrame(),
        "compare_with_best": lambda *_, alpha, **__: (given.update(compare_with_best=alpha), found)[1],
        "inputs_of": lambda *_: [],
        "Step": lambda *_, **__: None,
        "methods_figure": lambda *_, alpha, **__: given.update(methods_figure=alpha),
        "write_figure": lambda *_: None,
    }.items():
        monkeypatch.setattr(head_to_head, name, value)
    runner = SimpleNamespace(values=lambda *_: [pd.DataFrame()])
    scoring = {"group": "animal", "others": "auto", "stream": None}
    head_to_head.compare_methods(run, runner, listed, ["r"], scoring, 0, 0.01)
    noted = {"to": "b", "macro_f1": -0.1, "ci": [-0.2, 0.05], "alpha": 0.01, "n_animals": 7}
    assert run.summary["differences"] == {"a": noted}
    assert given == {"compare_with_best": 0.01, "methods_figure": 0.01}
