"""Which paradigms there are, and how one is run by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from murid.data.errors import did_you_mean, fail

if TYPE_CHECKING:
    from murid.assays.assay_result import AssayResult
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
    "open_field": Paradigm("murid.assays.open_field", "measure_open_field", "OpenFieldParams"),
}


def _paradigm(name: str) -> Paradigm:
    if name not in PARADIGMS:
        fail("assays", f"no paradigm '{name}'", todo=did_you_mean(name, PARADIGMS))
    return PARADIGMS[name]


def _function(name: str) -> Callable[..., AssayResult]:
    paradigm = _paradigm(name)
    function: Callable[..., AssayResult] = paradigm.load(paradigm.function)
    return function


def assay_params(name: str) -> type[Params]:
    """Return the parameter class of a paradigm.

    Examples
    --------
    >>> from murid.assays import assay_params
    >>> assay_params("open_field")().centre_scale
    0.5
    """
    paradigm = _paradigm(name)
    declared: type[Params] = paradigm.load(paradigm.params)
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
