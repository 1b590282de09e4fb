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
        ("propose_bouts", ("m", {"n": 3}, None), {"refit": True, "curve": True, "workers": 2}),
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


#: Method → the function behind it, and what the method settles itself.
FUNCTIONS = {
    "add_files": ("add_files", ()),
    "sheet": ("study_sheet", ()),
    "update_from_sheet": ("update_from_sheet", ()),
    "drawing_page": ("write_drawing_page", ()),
    "set_zones": ("set_zones", ("changes",)),
    "check": ("check_study", ()),
    "analyse": ("run_analysis", ("params",)),
    "assay": ("run_analysis", ("params",)),
    "neural": ("run_analysis", ("params",)),
    "budget": ("run_analysis", ("params", "name")),
    "agreement": ("run_analysis", ("params", "name")),
    "preview": ("run_analysis", ("params", "name")),
    "motifs": ("run_analysis", ("params", "name", "states_from")),
    "fit": ("fit_method", ("params",)),
    "apply": ("apply_method", ()),
    "evaluate": ("evaluate_methods", ()),
    "compare": ("compare_motifs", ()),
    "films": ("write_films", ()),
    "explain": ("explain_model", ()),
    "label_queue": ("propose_bouts", ("params",)),
    "export": ("export_states", ()),
    "report": ("build_report", ()),
    "runs": ("runs_of", ()),
    "run": ("find_run", ()),
    "cite": ("bibliography", ()),
}
#: What a method calls otherwise than the function, and why.
RENAMED = {
    ("fit", "name"): ("method", "`study.fit` has no other name than that of a method"),
    ("evaluate", "names"): ("methods", "as on the command line"),
    ("compare", "names"): ("methods", "as on the command line"),
    ("motifs", "states_from"): ("model", "motifs are those of a model"),
}
#: A value that is legal where a method looks at what it is given; elsewhere a stand-in is.
LEGAL = {("assay", "name"): "open_field", ("neural", "name"): "perievent"}


def test_every_function_on_a_study_is_a_method():
    on_a_study = {
        name
        for name in murid.run.__all__
        if inspect.isfunction(f := getattr(murid.run, name)) and next(iter(inspect.signature(f).parameters)) == "study"
    }
    assert on_a_study == {function for function, _ in FUNCTIONS.values()} - {"bibliography"}
    assert set(FUNCTIONS) == {name for name, value in vars(OpenStudy).items() if inspect.isfunction(value)}


@pytest.mark.parametrize("method", FUNCTIONS)
def test_a_method_offers_what_its_function_does_under_the_same_names_and_defaults(method, tmp_path, monkeypatch):
    from murid.run import session

    function, settled = FUNCTIONS[method]
    behind = inspect.signature(getattr(session, function))
    given = {}

    def note(*args, **options):
        given.update(behind.bind(*args, **options).arguments)

    monkeypatch.setattr(session, function, note)
    study = OpenStudy.create(tmp_path / "S")
    own = inspect.signature(getattr(study, method)).parameters
    ask = {name: LEGAL.get((method, name), object()) for name, p in own.items() if p.default is p.empty}
    ask = {name: value for name, value in ask.items() if own[name].kind is not inspect.Parameter.VAR_KEYWORD}
    for name, parameter in list(behind.parameters.items())[1:]:
        if name in settled:
            continue
        called, why = RENAMED.get((method, name), (name, "the same"))
        value = LEGAL.get((method, name), object())
        assert why
        assert called in own or any(p.kind is p.VAR_KEYWORD for p in own.values()), f"{method}: no {name}"
        getattr(study, method)(**{**ask, called: value})
        assert given[name] is value, f"{method}({called}=) does not reach {function}({name}=)"
        if called in own and own[called].default is not inspect.Parameter.empty and method not in ("assay", "neural"):
            assert own[called].default == parameter.default, f"{method}({called}=): another default than {function}"
