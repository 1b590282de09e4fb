"""Every example in the docstring of a public object runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pytest

import murid

#: Public objects that have no example yet. It may shrink only: what is not in it needs one.
EXCEPTIONS = Path(__file__).parent / "without_example.txt"
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


WITH_EXAMPLES = {name: tests for name, value in PUBLIC.items() if (tests := examples_of(name, value))}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_example_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with mpl.rc_context({"backend": "Agg"}):
        for test in WITH_EXAMPLES[name]:
            output: list[str] = []
            runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
            runner.run(test, out=output.append, clear_globs=False)
            assert runner.summarize(verbose=False).failed == 0, "".join(output)
    if "matplotlib.pyplot" in __import__("sys").modules:
        from matplotlib import pyplot

        pyplot.close("all")


def test_public_objects_have_examples():
    listed = EXCEPTIONS.read_text().split()
    missing = [name for name in PUBLIC if name not in WITH_EXAMPLES]
    new = sorted(set(missing) - set(listed))
    assert not new, f"no example in the docstring of: {', '.join(new)}"
    gone = sorted(set(listed) - set(PUBLIC))
    assert not gone, f"listed in {EXCEPTIONS.name}, but not public: {', '.join(gone)}"
