"""Every example in the docstring of a public object runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import shutil
import sys
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pytest

import murid

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def public() -> dict[str, object]:
    """Functions and classes in ``__all__`` of murid and its packages, by their first public name."""
    found: dict[str, object] = {}
    packages = [f"murid.{m.name}" for m in pkgutil.iter_modules(murid.__path__) if m.ispkg and m.name != "cli"]
    for package in ("murid", *packages):
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            plain = inspect.isclass(value) or inspect.isfunction(value)
            if plain and not isinstance(value, ModuleType) and not any(value is v for v in found.values()):
                found[f"{package}.{name}"] = value
    return found


PUBLIC = public()


def examples_of(name: str, value: object) -> list[doctest.DocTest]:
    """Examples of an object and, for a class, of its own methods."""
    found = doctest.DocTestFinder(recurse=True, exclude_empty=True).find(value, name)
    return [test for test in found if test.examples]


#: Examples of a whole evaluation, of fits or of films: slow tests.
LONG = {f"murid.run.{name}" for name in ("evaluate_methods", "explain_model", "compare_motifs", "write_films", "Run")}
WITH_EXAMPLES = {name: tests for name, value in PUBLIC.items() if (tests := examples_of(name, value))}


@pytest.fixture(scope="session")
def mice(tmp_path_factory) -> Path:
    """A study of four animals, checked, with a forest and a k-means model: what the examples of `murid.run` open."""
    study = murid.open_study(tmp_path_factory.mktemp("examples") / "mice", create=True)
    for recording in murid.simulate.study(2, ("control", "stressed"), duration_s=40, fps=25, seed=1)[0]:
        states = murid.simulate.true_states(recording)
        traces = murid.simulate.units(states, n_units=2, tuned={"rear": 1}, rate_hz=10, seed=1)[0]
        labels = None if recording.id == "stressed_2" else recording.labels
        study.add(recording.replace(traces=traces, labels=labels))
    study.check()
    small = {"families": ("kinematics",), "windowed": ("kinematics",), "windows_s": (0.4,), "stats": ("mean",)}
    study.fit("gbdt", sample_hz=4, folds=2, trees={"n_trees": 10}, features=small, model="trees")
    study.fit("kmeans", n_motifs=4, replicates=1)
    study.apply("kmeans")
    return study.folder


@pytest.mark.xdist_group("examples")
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in LONG)) for n in WITH_EXAMPLES])
def test_example_runs(name, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if name.startswith("murid.run"):
        shutil.copytree(request.getfixturevalue("mice"), "mice")
    with mpl.rc_context({"backend": "Agg"}):
        for test in WITH_EXAMPLES[name]:
            output: list[str] = []
            runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
            runner.run(test, out=output.append, clear_globs=False)
            assert runner.summarize(verbose=False).failed == 0, "".join(output)
    if "matplotlib.pyplot" in sys.modules:
        from matplotlib import pyplot

        pyplot.close("all")


def test_public_objects_have_examples():
    missing = [name for name in PUBLIC if name not in WITH_EXAMPLES]
    assert not missing, f"no example in the docstring of: {', '.join(missing)}"
