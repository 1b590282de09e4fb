"""Paradigms: one file each, every convention stated with the result.

`PARADIGMS` names them; `run_paradigm` runs one by name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from murid.data.errors import did_you_mean, fail

if TYPE_CHECKING:
    from murid.assays.base import AssayResult
    from murid.assays.open_field import open_field
    from murid.data.params import Params
    from murid.data.recording import Recording


@dataclass(frozen=True)
class Paradigm:
    """Where a paradigm is; the code is imported when it is used.

    Attributes
    ----------
    module, function, params : str
        The function takes a recording and its parameters, and returns an `AssayResult`.

    Examples
    --------
    >>> from murid.assays import PARADIGMS
    >>> PARADIGMS["open_field"].load("PRIMARY")[0]
    'distance'
    """

    module: str
    function: str
    params: str

    def load(self, what: str) -> Any:
        """Return a name of the module."""
        return getattr(importlib.import_module(self.module), what)


#: The paradigms by name.
PARADIGMS: dict[str, Paradigm] = {
    "open_field": Paradigm("murid.assays.open_field", "open_field", "OpenFieldParams"),
}


def _paradigm(name: str) -> Paradigm:
    if name not in PARADIGMS:
        fail("assays", f"no paradigm '{name}'", todo=did_you_mean(name, PARADIGMS))
    return PARADIGMS[name]


def _function(name: str) -> Callable[..., AssayResult]:
    paradigm = _paradigm(name)
    function: Callable[..., AssayResult] = paradigm.load(paradigm.function)
    # Importing a submodule puts the module under its name here; the paradigm itself belongs there.
    globals()[name] = function
    return function


def assay_params(name: str) -> type[Params]:
    """Return the parameter class of a paradigm.

    Examples
    --------
    >>> from murid.assays import assay_params
    >>> assay_params("open_field")().centre_scale
    0.5
    """
    declared: type[Params] = _paradigm(name).load(_paradigm(name).params)
    _function(name)
    return declared


def primary_measures(name: str) -> tuple[str, ...]:
    """Return the few measures that a paradigm is about, as columns of `AssayResult.wide`.

    They form the family of tests; all other measures are descriptive.

    Examples
    --------
    >>> from murid.assays import primary_measures
    >>> primary_measures("open_field")[2:5]
    ('time_percent:centre', 'entries:centre', 'latency:centre')
    """
    measures: tuple[str, ...] = _paradigm(name).load("PRIMARY")
    _function(name)
    return measures


def run_paradigm(name: str, recording: Recording, **params: Any) -> AssayResult:
    """Run a paradigm by name on one recording; parameters as its `Params` class declares them.

    Examples
    --------
    >>> import murid
    >>> recording = murid.simulate.recording("open_field", duration_s=60, seed=1)
    >>> result = murid.assays.run_paradigm("open_field", recording, bin_s=0)
    >>> result.conventions["arena"]
    'arena: drawn'
    """
    return _function(name)(recording, assay_params(name)(**params))


def __getattr__(name: str) -> Any:
    if name in PARADIGMS:
        return _function(name)
    if name == "AssayResult":
        from murid.assays.base import AssayResult

        return AssayResult
    raise AttributeError(f"module 'murid.assays' has no attribute '{name}'")


__all__ = ["PARADIGMS", "AssayResult", "Paradigm", "assay_params", "open_field", "primary_measures", "run_paradigm"]
