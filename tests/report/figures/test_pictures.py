"""Every figure of the report draws what its stored picture shows, and writes what it must.

Pictures lie in ``baseline/``. After a change that is meant: ``make pictures``, look at each, commit them.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from murid.report import figures
from tests.plot.pictures import picture, words_of
from tests.report.figures.made import CASES


def figure_functions() -> set[str]:
    """Every public function of `murid.report.figures` that returns a figure."""
    modules = [importlib.import_module(f"{figures.__name__}.{m.name}") for m in pkgutil.iter_modules(figures.__path__)]
    return {
        f"{module.__name__}.{name}"
        for module in modules
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
        and inspect.signature(function, eval_str=True).return_annotation is Figure
    }


def test_every_figure_has_a_picture():
    drawn = {f"{case.draw.__module__}.{case.draw.__name__}" for case in CASES.values()}
    assert figure_functions() == drawn
    stored = {p.stem for p in (Path(__file__).parent / "baseline").glob("*.png")}
    assert stored == {f"test_figure_{name}" for name in CASES}


@pytest.mark.parametrize("name", CASES)
@picture
def test_figure(name):
    return CASES[name]()


@pytest.mark.parametrize("name", CASES)
def test_words(name):
    """Words are no part of the pictures, and are read with every matplotlib."""
    assert words_of(CASES[name]()) == CASES[name].words
