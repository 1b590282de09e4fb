"""Words that the expressions of a claim may use (`tests/docs/claims`)."""

from __future__ import annotations

import importlib
import inspect
import math
import tomllib
from functools import cache

import numpy as np
import pandas as pd

import murid
import murid.simulate
from murid.data.errors import MuridError
from murid.data.params import Params
from tests.docs.pages import DOCS, ROOT
from tests.docs.test_parameter_tables import tables

IDENTITY = "murid.prepare.identity.IdentityParams"


@cache
def pyproject() -> dict:
    """Return the declaration of the package."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def default(name: str, *path: str) -> object:
    """Return a default of a method, an analysis or a declaration, also of one inside a group."""
    value: object = tables.declaration(name)()
    for part in path:
        value = getattr(value, part) if isinstance(value, Params) else value[part]
    return value


def keyword(function: object, name: str) -> object:
    """Return the default of an argument."""
    return inspect.signature(function).parameters[name].default


def constant(path: str) -> object:
    """Return a value by the path of its module."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def source(module: str) -> str:
    """Return the text of a module."""
    return inspect.getsource(importlib.import_module(module))


def refuses(call, words: str) -> bool:
    """True where a call ends in an error of murid that holds these words."""
    try:
        call()
    except MuridError as error:
        return words in str(error)
    return False


def traces():
    """Return a signal of one unit, 10 s at 10 Hz."""
    states = murid.simulate.true_states(murid.simulate.recording(duration_s=10, fps=10, seed=1))
    return murid.simulate.units(states, n_units=1, rate_hz=10, seed=1)[0]


def median_left(fps: float, hz: tuple[float, ...]) -> list[float]:
    """Return the share of rhythms that the default smoothing leaves."""
    from murid.prepare import CleanParams, transfer_function

    return transfer_function(CleanParams(), fps=fps, hz=list(hz))["left"].round(2).tolist()


def default_rules() -> list[str]:
    """Return the names of the rules that come with murid."""
    from murid.methods.supervised.rules import DEFAULT_RULES

    return [line.partition(":")[0] for line in DEFAULT_RULES.splitlines() if line[:1].isalpha()]


def rules_on_page() -> list[str]:
    """Return the names that the page lists."""
    text = (DOCS / "methods" / "rules.md").read_text(encoding="utf-8").split("## Rules that come with it")[1]
    return text.split("Read them with")[0].replace("\n", " ").replace("`", "").rstrip(". ").strip().split(", ")


#: What an expression may use.
NAMES = {name: value for name, value in {**globals()}.items() if not name.startswith("_")}
NAMES |= {"math": math, "comb": math.comb, "np": np, "pd": pd}
