"""The way through in Python: an opened study with every command as a method."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import run_work as work

import murid
from murid.data.errors import DataError
from murid.run.session import OpenStudy

ROOT = Path(__file__).resolve().parents[2]


def test_a_study_is_opened_or_made(tmp_path):
    with pytest.raises(DataError, match="no study here"):
        murid.open_study(tmp_path / "S")
    made = murid.open_study(tmp_path / "S", create=True, name="mice")
    assert made.name == "mice"
    made.add(work.labelled_study(tmp_path / "T", 1, seconds=5.0)["r0"])
    assert murid.open_study(tmp_path / "S", create=True).ids == ["r0"]


def test_parameters_are_keywords_and_the_run_is_that_of_the_command(tmp_path):
    work.labelled_study(tmp_path / "S", 2, seconds=10.0)
    study = murid.open_study(tmp_path / "S")
    run = study.budget(stop_s=5.0)
    assert run.tables["budget"]["scored_s"].max() == pytest.approx(5.0)
    assert run.provenance["command"] == "budget"
    assert study.analyse("budget", stop_s=5.0).provenance["asked"] == run.provenance["asked"]
    with pytest.raises(DataError, match="unknown parameter 'stop'"):
        study.budget(stop=5.0)
    page = study.report()
    assert page == tmp_path / "S" / "report.html"


def test_every_method_has_a_docstring_and_every_command_a_method():
    own = {name for name, value in vars(OpenStudy).items() if inspect.isfunction(value)}
    assert {"add_files", "check", "assay", "budget", "agreement", "neural", "fit", "apply", "evaluate"} <= own
    assert {"compare", "motifs", "report", "analyse", "sheet", "update_from_sheet"} <= own
    assert all(inspect.getdoc(getattr(OpenStudy, name)) for name in own)
    from murid.cli.app import app

    # What needs no study, or makes one.
    others = {"new", "demo", "doctor", "formats", "methods", "analyses"}
    named = {"add": "add_files", "zones": "set_zones", "compare-motifs": "compare", "motif-statistics": "motifs"}
    commands = {command.name or command.callback.__name__ for command in app.registered_commands} - others
    assert {named.get(c, c.replace("-", "_")) for c in commands} <= own


def test_films_explanations_queues_zones_and_citations_are_asked_of_the_study(tmp_path, monkeypatch):
    """Each hands on what it was given."""
    from murid.run import session

    asked = []
    for name in ("write_films", "explain_model", "propose_bouts", "set_zones", "bibliography"):
        monkeypatch.setattr(session, name, lambda *a, name=name, **k: asked.append((name, a[1:], k)))
    study = OpenStudy.create(tmp_path / "S")
    study.films("m", ["r0"], clips=4)
    study.explain("m", time_s=2.0)
    study.label_queue("m", n=3, workers=2)
    study.set_zones("z.json", replace=True)
    study.cite()
    assert asked == [
        ("write_films", ("m", ["r0"]), {"clips": 4}),
        ("explain_model", ("m",), {"time_s": 2.0}),
        ("propose_bouts", ("m", {"n": 3}, None), {"workers": 2}),
        ("set_zones", ("z.json",), {"replace": True}),
        ("bibliography", (), {}),
    ]


def test_murid_shows_public_names_alone_and_each_says_what_it_is():
    names = [n for n in dir(murid) if n != "__version__"]
    assert not {"Any", "TYPE_CHECKING", "annotations", "importlib", "os"} & set(names)
    assert not [n for n in names if n.startswith("_")]
    assert not [n for n in names if not inspect.getdoc(getattr(murid, n)) and n != "data" and n != "learn"]
    assert set(dir(murid.run)) == set(murid.run.__all__)


@pytest.mark.slow
def test_types_reach_users(tmp_path):
    """`py.typed` is shipped: a program of a user is checked against murid's types."""
    program = tmp_path / "program.py"
    program.write_text(
        "import murid\n\n"
        "study = murid.open_study('mice')\n"
        "run = study.assay('open_field', bin_s=30)\n"
        "reveal_type(run)\n"
        "reveal_type(study['m1'])\n"
        "study.assay(3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(program)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert 'Revealed type is "murid.run.runs.Run"' in done.stdout
    assert 'Revealed type is "murid.data.recording.Recording"' in done.stdout
    assert 'Argument 1 to "assay" of "OpenStudy" has incompatible type "int"; expected "str"' in done.stdout
    assert (Path(murid.__file__).parent / "py.typed").is_file()
