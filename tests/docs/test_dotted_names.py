"""Every `murid.x.y` that pages, benchmarks and docstrings speak of is there."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import PAGES, ROOT

#: Names with a dot that are no objects: entry point groups, hosts and files.
NO_OBJECTS = {"murid.analyses", "murid.readthedocs.io", "murid.readthedocs"}

_DOTTED = re.compile(r"(?<![\w./@-])murid(?:\.[A-Za-z_]\w*)+(?![\w/-])")

SOURCES = [
    *PAGES,
    *sorted((ROOT / "benchmarks").rglob("*.py")),
    *sorted((ROOT / "docs" / "gallery").glob("*.py")),
    *sorted((ROOT / "src").rglob("*.py")),
]


def dotted_names(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        for name in _DOTTED.findall(line):
            yield number, name


def fields_of(thing: Any) -> set[str]:
    """Attributes that only instances have: fields without a default of dataclasses and parameters."""
    return {name for cls in getattr(thing, "__mro__", ()) for name in inspect.get_annotations(cls)}


def resolves(name: str) -> bool:
    """True when a module, object or field of that name exists."""
    thing, words = importlib.import_module("murid"), name.split(".")[1:]
    path = "murid"
    for i, word in enumerate(words):
        path += f".{word}"
        try:
            thing = getattr(thing, word)
        except AttributeError:
            try:
                thing = importlib.import_module(path)
            except ModuleNotFoundError:
                return i == len(words) - 1 and word in fields_of(thing)
    return True


def wrong_names(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    wrong = {name for _, name in dotted_names(text) if name not in NO_OBJECTS and not resolves(name)}
    where = path.relative_to(ROOT).as_posix()
    return [f"{where}:{number} {name}" for number, name in dotted_names(text) if name in wrong]


def test_every_dotted_name_is_there():
    faults = [fault for path in SOURCES for fault in wrong_names(path)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("murid.Study", True),
        ("murid.neural.compute_tuning", True),
        ("murid.neural.TuningParams.alpha", True),
        ("murid.data.states", True),
        ("murid.methods.motifs.descriptions.merge", False),
        ("murid.Method", False),
        ("murid.neural.no_module.x", False),
        ("murid.neural.TuningParams.alfa", False),
    ],
)
def test_the_check_tells_right_from_wrong(name, there):
    assert resolves(name) is there


def test_names_are_seen_in_prose_and_code():
    text = "Use `murid.plot.trajectory` or murid.Study.open(x).\nsrc/murid/io.py, https://murid.readthedocs.io/en"
    assert [name for _, name in dotted_names(text)] == ["murid.plot.trajectory", "murid.Study.open"]
