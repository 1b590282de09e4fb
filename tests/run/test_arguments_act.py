"""Every argument of the public functions of `murid.run` and of a study's methods is shown to change something."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path

import pytest

import murid.run
from murid.data.study import Study
from tests.parameter_cases import digest
from tests.run.argument_cases import CASES, EXEMPT, SHOWN, STEADY, fitted

TESTS = Path(__file__).resolve().parents[1]
FUNCTIONS = {name: f for name in murid.run.__all__ if inspect.isfunction(f := getattr(murid.run, name))}
METHODS = {
    f"Study.{name}": f
    for name, value in vars(Study).items()
    if not name.startswith("_") and inspect.isfunction(f := getattr(value, "__func__", value))
}
#: Functions whose work is shared by processes; numbers do not depend on how many (tests/run/test_analysis_contract.py).
WORKERS = [name for name, function in FUNCTIONS.items() if "workers" in inspect.signature(function).parameters]


#: What they are given besides; the name of the tiny method, and of its model, where nothing else is said.
WORDS = {
    "check_study": [],
    "compare_motifs": [["kmeans"]],
    "fit_method": ["tiny", {"behaviours": ["run"]}],
    "run_analysis": ["budget"],
    "run_demo": [],
}


def arguments() -> set[tuple[str, str]]:
    return {
        (name, argument)
        for name, function in {**FUNCTIONS, **METHODS}.items()
        for argument in inspect.signature(function).parameters
        if argument not in ("study", "self", "cls", "workers")
    }


@cache
def functions_of(file: str) -> dict[str, str]:
    text = (TESTS / file).read_text()
    return {
        n.name: ast.get_source_segment(text, n) or "" for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)
    }


def test_every_argument_is_shown_to_act_or_says_why_not():
    known = [*SHOWN, *CASES, *EXEMPT]
    assert len(known) == len(set(known)), "an argument needs one place only"
    missing = [f"{f}({a}): add it to tests/run/argument_cases.py" for f, a in sorted(arguments() - set(known))]
    gone = [f"{f}({a}) is no argument any more" for f, a in sorted(set(known) - arguments())]
    assert not missing + gone, "\n".join(missing + gone)
    assert all(len(why) > 20 for why in EXEMPT.values())


def test_tests_that_show_an_argument_are_there():
    gone = [
        f"{place} (for {f}({a}))"
        for (f, a), place in SHOWN.items()
        if place.partition("::")[2] not in functions_of(place.partition("::")[0])
    ]
    assert not gone, "\n".join(gone)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A new folder for each call; studies that are made once lie beside them."""
    parent = tmp_path_factory.mktemp("acts")

    def new(name: str) -> Path:
        folder = parent / name
        folder.mkdir()
        return folder

    return new


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        pytest.param(f, a, id=f"{f}-{a}", marks=[pytest.mark.slow] if case.slow else [])
        for (f, a), case in CASES.items()
    ],
)
def test_another_value_gives_another_outcome(function, argument, place, tiny):
    case = CASES[function, argument]
    plain, again, other = (
        digest(case.act(place(f"{function}-{argument}-{side}"), value))
        for side, value in (("plain", case.plain), ("again", case.plain), ("other", case.other))
    )
    assert plain == again, f"{function}({argument}={case.plain!r}) gives two outcomes: the case shows nothing"
    assert plain != other, f"{function}({argument}={case.other!r}) changes nothing"


@pytest.mark.slow
@pytest.mark.parametrize("helper", STEADY, ids=lambda h: h.__name__)
def test_the_same_arguments_give_the_same_outcome(helper, place, tiny):
    """Of the helpers that work a call out once: it is no chance that another value gives another outcome."""
    again = digest(helper.__wrapped__(place(f"{helper.__name__}-again"), **helper.base))
    assert helper(place(f"{helper.__name__}-plain")) == again


class Noted(Exception):
    """Carries what a stand-in was given."""


def test_a_demo_simulates_what_it_was_asked_for(tmp_path, monkeypatch):

    def note(per_group, *, duration_s, seed, **_others):
        raise Noted(per_group, duration_s, seed)

    monkeypatch.setattr("murid.simulate.study", note)
    given = []
    for n_animals, minutes, seed in ((6, 2.0, 3), (8, 1.5, 4)):
        with pytest.raises(Noted) as noted:
            murid.run.run_demo(tmp_path / str(seed), n_animals=n_animals, minutes=minutes, seed=seed)
        given.append(noted.value.args)
    assert given == [(3, 120.0, 3), (4, 90.0, 4)]


@pytest.mark.parametrize("name", WORKERS)
def test_the_work_is_shared_by_as_many_processes_as_asked_for(name, monkeypatch, place, tiny):
    study = fitted(place(f"workers-{name}"))

    def note(_self, _study, workers=1, _run=None):
        raise Noted(workers)

    monkeypatch.setattr(murid.run.Runner, "__init__", note)
    monkeypatch.setattr("murid.run.demo._study", lambda *_: (study, None))
    first = [study.folder / "demo"] if name == "run_demo" else [study]
    with pytest.raises(Noted) as noted:
        FUNCTIONS[name](*first, *WORDS.get(name, ["tiny"]), workers=3)
    assert noted.value.args == (3,)
