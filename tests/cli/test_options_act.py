"""Every option of every command changes one argument of the function behind it, and the right one."""

from __future__ import annotations

import importlib
import inspect
import json
from functools import cache
from unittest.mock import patch

import pytest
import run_work as work
import typer
from typer.testing import CliRunner

from murid.cli.app import app
from murid.data.errors import DataError

S = "{study}"
#: Options of the commands that run an analysis of states.
STATES = {
    "-p": ["start_s=3"],
    "--ids": ["r1"],
    "--compare": ["day"],
    "--measures": ["rear"],
    "--states-from": ["m"],
    "--behaviours": ["rear"],
    "--individual": ["b"],
    "--rater": ["A"],
    "--stream": ["one"],
    "--others": ["negative"],
    "--alpha": ["0.01"],
    "--params": [],
    "--seed": ["3"],
    "--workers": ["7"],
}
#: Command → the function behind it, the words it needs, and another value for each of its options.
COMMANDS = {
    "new": ("murid.data.study.Study.create", ["{folder}"], {"--name": ["x"]}),
    "add": (
        "murid.run.add_files",
        [S, "p.csv"],
        {
            **{f"--{kind}": ["f.x"] for kind in ("labels", "events", "zones", "traces", "spikes", "video")},
            "--fps": ["25"],
            "--px-per-cm": ["12.5"],
            "--sheet": ["s.csv"],
            "--raters": [],
            "--units": [],
            "-o": ["traces.rate_hz=20"],
            "--replace": [],
            "--overwrite-labels": [],
            "--cut-labels": [],
            "--dry-run": [],
        },
    ),
    "sheet": ("murid.run.sheet.write_sheet", [S], {"--out": ["x.csv"]}),
    "zones": (
        "murid.run.set_zones",
        [S, "--template", "open_field"],
        {
            "--template": ["plus_maze"],
            "--file": ["z.json"],
            "--page": ["draw.html"],
            "-p": ["centre_share=0.6"],
            "--ids": ["r1"],
            "--replace": [],
            "--dry-run": [],
        },
    ),
    "check": ("murid.run.check_study", [S], {"--ids": ["r1"], "--workers": ["7"]}),
    "assay": (
        "murid.run.run_analysis",
        [S],
        {
            "-p": ["bin_s=60"],
            **{
                name: STATES[name]
                for name in ("--ids", "--compare", "--measures", "--alpha", "--params", "--seed", "--workers")
            },
        },
    ),
    "preview": (
        "murid.run.run_analysis",
        [S],
        {"-p": ["seed=3"], **{name: STATES[name] for name in ("--ids", "--params", "--seed", "--workers")}},
    ),
    "fit": (
        "murid.run.fit_method",
        [S, "gbdt"],
        {
            "-p": ["sample_hz=7"],
            "--ids": ["r1"],
            "--behaviours": ["rear"],
            "--others": ["ignore"],
            "--rater": ["A"],
            "--stream": ["one"],
            "--model": ["m"],
            "--replace": [],
            "--skip-failed": [],
            "--workers": ["7"],
        },
    ),
    "apply": ("murid.run.apply_method", [S, "m"], {"--ids": ["r1"], "--alpha": ["0.01"], "--workers": ["7"]}),
    "evaluate": (
        "murid.run.evaluate_methods",
        [S, "gbdt"],
        {
            "-p": ["seed=3"],
            "--group": ["day"],
            "--folds": ["3"],
            "--train": ["r1"],
            "--test": ["r2"],
            "--ids": ["r1"],
            "--behaviours": ["rear"],
            "--others": ["ignore"],
            "--rater": ["A"],
            "--stream": ["one"],
            "--leaky": [],
            "--rare": ["ignore"],
            "--skip-failed": [],
            "--alpha": ["0.01"],
            "--seed": ["3"],
            "--workers": ["7"],
        },
    ),
    "compare-motifs": (
        "murid.run.compare_motifs",
        [S, "kmeans,pyrat"],
        {
            "-p": ["seed=3"],
            "--ids": ["r1"],
            "--behaviours": ["rear"],
            "--rater": ["A"],
            "--stream": ["one"],
            "--seeds": ["3"],
            "--no-halves": [],
            "--robust": [],
            "--seed": ["3"],
            "--workers": ["7"],
        },
    ),
    "films": (
        "murid.run.write_films",
        [S, "m"],
        {
            "--ids": ["r1"],
            "--behaviours": ["rear"],
            "--clips": ["9"],
            "--least": ["0.3"],
            "--before": ["1"],
            "--after": ["2"],
            "--size": ["64"],
            "--speed": ["0.5"],
            "--seed": ["3"],
        },
    ),
    "export": (
        "murid.run.export_states",
        [S, "labels"],
        {
            "--out": ["x"],
            "--format": ["caltech"],
            "--ids": ["r1"],
            "--behaviours": ["rear"],
            "--rater": ["A"],
            "--stream": ["one"],
            "--individual": ["b"],
        },
    ),
    "explain": (
        "murid.run.explain_model",
        [S, "m"],
        {
            "--recording": ["r1"],
            "--time": ["2.5"],
            "--behaviour": ["rear"],
            "--individual": ["b"],
            "--folds": ["3"],
            "--n-frames": ["50"],
            "--seed": ["3"],
            "--workers": ["7"],
        },
    ),
    "label-queue": (
        "murid.run.propose_bouts",
        [S],
        {
            "--model": ["m"],
            "-n": ["9"],
            "--blind": ["0.5"],
            "-p": ["longest_s=3"],
            "--ids": ["r1"],
            "--no-refit": [],
            "--no-curve": [],
            "--seed": ["3"],
            "--workers": ["7"],
        },
    ),
    "neural": ("murid.run.run_analysis", [S], {**STATES, "-p": ["alpha=0.01"]}),
    "budget": ("murid.run.run_analysis", [S], STATES),
    "motif-statistics": ("murid.run.run_analysis", [S], {**STATES, "-p": ["min_fraction=0.1"]}),
    "agreement": (
        "murid.run.run_analysis",
        [S],
        {**{k: v for k, v in STATES.items() if k not in ("--compare", "--measures", "--alpha")}, "-p": ["iou=0.3"]},
    ),
    "report": ("murid.run.build_report", [S], {"--run": ["evaluate"], "--out": ["x.html"], "--figures": []}),
    "demo": (
        "murid.run.run_demo",
        [],
        {"--out": ["x"], "--animals": ["8"], "--minutes": ["3"], "--seed": ["3"], "--workers": ["7"]},
    ),
    "analyses": ("murid.data.analysis.broken_analyses", [], {}),
    "cite": ("murid.run.cite.references", [S], {}),
    "methods": ("murid.methods.methods_table", [], {}),
    "formats": ("murid.io.registry.formats_table", [], {}),
    "doctor": ("murid.run.doctor.examine", [], {}),
}
#: Options whose argument has another name; None: nothing is run.
ARGUMENT = {
    "-p": "params",
    "-o": "options",
    "-n": "params",
    "--blind": "params",
    "--least": "least_s",
    "--before": "before_s",
    "--after": "after_s",
    "--raters": "several_raters",
    "--units": "several_units",
    "--time": "time_s",
    "--animals": "n_animals",
    "--run": "runs",
    "--no-refit": "refit",
    "--no-curve": "curve",
    "--no-halves": "halves",
    "--params": None,
}
#: Of the commands that put options together: whose labels are meant is one argument.
TOGETHER = {
    **{
        (c, o): "labels"
        for c in ("neural", "budget", "motif-statistics", "agreement")
        for o in ("--behaviours", "--rater", "--stream", "--others")
    },
    **{("export", o): "labels" for o in ("--behaviours", "--rater", "--stream")},
    **{("fit", o): "params" for o in ("--behaviours", "--rater", "--stream", "--others")},
    ("label-queue", "--seed"): "params",
    ("sheet", "--out"): "path",
    ("zones", "--file"): "zones",
    ("zones", "--page"): None,
}
#: Arguments without an option: the words that follow the command, and what a command has no use for.
WORDS = {
    "new": {"folder"},
    "add": {"poses"},
    "sheet": {"table"},
    "assay": {"name"},
    "fit": {"name"},
    "apply": {"model"},
    "evaluate": {"names"},
    "compare-motifs": {"names"},
    "films": {"model"},
    "export": {"states_from"},
    "explain": {"model"},
    "neural": {"name"},
    **{command: {"name"} for command in ("preview", "budget", "motif-statistics", "agreement")},
}
NO_OPTION = {
    ("new", "settings"): "settings are written by the commands that use them, or into study.toml by hand",
    ("zones", "changes"): "keywords over `params`, which -p gives",
    **{("assay", a): "a paradigm needs no states" for a in ("states_from", "labels", "individual")},
    **{
        ("preview", a): "pseudo-labels come from `dbm`, not from labels"
        for a in ("states_from", "labels", "individual")
    },
    **{
        (c, a): "its table has no row an animal"
        for c in ("preview", "agreement")
        for a in ("compare", "measures", "alpha")
    },
}
#: Arguments of which a command gives another value than the function where neither is told: the number of processes
#: (all cores), and what was given as no more than an empty list of options.
OTHER_DEFAULT = {"workers", "params", "options", "labels"}
#: Tried for all commands at once below.
EVERYWHERE = {"--json", "--debug"}


@cache
def _function(path: str):
    module, _, name = path.rpartition(".")
    owner = (
        importlib.import_module(module) if "Study" not in module else importlib.import_module("murid.data.study").Study
    )
    return owner, name, inspect.signature(getattr(owner, name))


def asked(path: str, words: list[str]):
    """Run a command whose function only notes what it is given: result and arguments by name, None where not called."""
    owner, name, signature = _function(path)
    given = {}

    def note(*args, **options):
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        given.update({k: v for k, v in bound.arguments.items() if k != "study"}, called=True)
        raise DataError("noted")

    with patch.object(owner, name, note):
        result = CliRunner().invoke(app, words)
    assert result.exit_code in (0, 1), result.output
    return result, given or None


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """Words of a command, with a study of four recordings of which only the names are used."""
    folder = tmp_path_factory.mktemp("act")
    study = work.small_study(folder / "study", 4).folder

    def words(command: str) -> list[str]:
        return [command, *(w.format(study=study, folder=folder / "new") for w in COMMANDS[command][1])]

    return words


def options_of(command) -> list[set[str]]:
    """All spellings of every option of a command."""
    return [{*p.opts, *p.secondary_opts} for p in command.params if p.param_type_name == "option"]


def test_every_option_has_a_case():
    commands = typer.main.get_command(app).commands
    assert set(COMMANDS) == set(commands), "add the command to COMMANDS of tests/cli/test_options_act.py"
    missing = [
        f"murid {name} {'/'.join(sorted(spellings))}: add a value to COMMANDS of tests/cli/test_options_act.py"
        for name, command in commands.items()
        for spellings in options_of(command)
        if not spellings & ({*COMMANDS[name][2]} | EVERYWHERE)
    ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    ("command", "option"), [(command, option) for command, (_, _, values) in COMMANDS.items() for option in values]
)
def test_an_option_changes_its_argument_and_no_other(command, option, typed):
    path, _, values = COMMANDS[command]
    _, plain = asked(path, typed(command))
    _, other = asked(path, [*typed(command), option, *values[option]])
    argument = TOGETHER.get((command, option), ARGUMENT.get(option, option.lstrip("-").replace("-", "_")))
    if argument is None:
        assert plain is not None
        assert other is None
        return
    changed = {name for name in plain if repr(plain[name]) != repr(other[name])}
    assert changed == {argument}, f"murid {command} {option} changes {changed or 'nothing'}, not {argument}"


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_one_object_and_debug_shows_where(command, typed):
    path = COMMANDS[command][0]
    plain, _ = asked(path, typed(command))
    assert plain.stdout == ""
    assert "Traceback" not in plain.stderr
    as_json, _ = asked(path, [*typed(command), "--json"])
    assert json.loads(as_json.stdout) == {"ok": False, "error": "noted", "faults": []}
    debug, _ = asked(path, [*typed(command), "--debug"])
    assert "Traceback" in debug.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_argument_has_an_option_or_a_reason(command):
    """What Python can ask for, the command line can: the other way round is `test_every_option_has_a_case`."""
    path, _, values = COMMANDS[command]
    signature = _function(path)[2]
    offered = {
        TOGETHER.get((command, option), ARGUMENT.get(option, option.lstrip("-").replace("-", "_"))) for option in values
    }
    reasons = {argument for c, argument in NO_OPTION if c == command}
    missing = set(signature.parameters) - {"study", "self", "cls"} - offered - WORDS.get(command, set())
    assert missing == reasons, f"{path}: {missing ^ reasons}"


@pytest.mark.parametrize("command", COMMANDS)
def test_defaults_are_those_of_the_function(command, typed):
    path, words, _ = COMMANDS[command]
    given, signature = asked(path, typed(command))[1], _function(path)[2]
    others = {
        name: (value, signature.parameters[name].default)
        for name, value in given.items()
        if name in signature.parameters
        and name not in OTHER_DEFAULT | WORDS.get(command, set()) | {w.lstrip("-") for w in words}
        and signature.parameters[name].default is not inspect.Parameter.empty
        and str(value) != str(signature.parameters[name].default)
    }
    assert not others, f"murid {command}, {path}: {others}"


def test_fit_passes_the_labels_that_are_meant_as_parameters_of_the_method(typed):
    words = ["-b", "rear", "--others", "ignore", "--rater", "A", "--stream", "one"]
    params = asked(COMMANDS["fit"][0], [*typed("fit"), *words])[1]["params"]
    assert params == {"behaviours": ["rear"], "others": "ignore", "rater": "A", "stream": "one"}
