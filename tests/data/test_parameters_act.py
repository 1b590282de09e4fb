"""Every parameter that is declared changes a result, or is exempt with its reason."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

import pytest

import murid
from murid.data.params import Params
from tests.parameter_cases import Acts

TESTS = Path(__file__).resolve().parents[1]


@cache
def cases() -> dict[type[Params], Acts]:
    """Class → case, of every tests/*/acts.py."""
    out: dict[type[Params], Acts] = {}
    for path in sorted(TESTS.glob("**/acts.py")):
        out |= importlib.import_module(".".join(("tests", *path.relative_to(TESTS).with_suffix("").parts))).CASES
    return out


def declared() -> list[type[Params]]:
    """Every class of parameters; of methods those with all that a method has, and not what several share."""
    for module in pkgutil.walk_packages(murid.__path__, "murid."):
        importlib.import_module(module.name)
    found, open_ = [], [Params]
    while open_:
        children = open_.pop().__subclasses__()
        found += children
        open_ += children
    own = {c for c in found if c.__module__.startswith("murid.")}
    shared = {c for c in own if c.__subclasses__() and c.__module__.startswith("murid.methods.")}
    return sorted(own - shared, key=lambda c: (c.__module__, c.__name__))


def _slow(case: Acts, name: str) -> bool:
    return case.slow if isinstance(case.slow, bool) else name in case.slow


def test_every_parameter_has_a_case():
    missing = []
    for cls in declared():
        case, floor = cases().get(cls), cls.__module__.split(".")[1]
        known = set() if case is None else set(case.others) | set(case.exempt)
        missing += [
            f"{cls.__name__}.{name}: add it to tests/{floor}/acts.py" for name in cls.model_fields if name not in known
        ]
        missing += [
            f"{cls.__name__}.{name} is not declared: tests/{floor}/acts.py" for name in known - set(cls.model_fields)
        ]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        pytest.param(c, n, id=f"{c.__name__}-{n}", marks=pytest.mark.slow if _slow(case, n) else ())
        for c, case in cases().items()
        for n in case.others
    ],
)
def test_another_value_gives_another_result(cls, name):
    plain, other = cases()[cls].results(cls, name)
    assert plain != other, f"{cls.__name__}.{name} = {cases()[cls].others[name]!r} changes nothing"


def test_what_is_exempt_says_why():
    for cls, case in cases().items():
        for name, why in case.exempt.items():
            assert len(why) > 20, f"{cls.__name__}.{name}: say why it is exempt"
            assert name not in case.others, f"{cls.__name__}.{name} has a case and needs no exemption"
