"""Which paradigms there are, and how one is run by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from murid.data.analysis import find_analysis
from murid.data.errors import did_you_mean, fail
from murid.data.registry import BUILT_IN

if TYPE_CHECKING:
    from murid.assays.assay_result import AssayResult
    from murid.data.params import Params
    from murid.data.recording import Recording


@dataclass(frozen=True)
class Paradigm:
    """Where a paradigm is; the code is imported when it is used.

    Attributes
    ----------
    module, function : str
        The function takes a recording and its parameters, and returns an `AssayResult`.
    what : str
        What it measures.

    Examples
    --------
    >>> from murid.assays import PARADIGMS
    >>> PARADIGMS["open_field"].load().__name__
    'measure_open_field'
    """

    module: str
    function: str
    what: str = ""

    def load(self) -> Callable[..., AssayResult]:
        """Return the function."""
        function: Callable[..., AssayResult] = getattr(importlib.import_module(self.module), self.function)
        return function


#: The paradigms by name, as their modules declare them: each has a function ``measure_<name>``.
PARADIGMS: dict[str, Paradigm] = {
    name: Paradigm(entry.module, f"measure_{name}", entry.what)
    for name, entry in BUILT_IN.items()
    if entry.family == "assay"
}


def _paradigm(name: str) -> Paradigm:
    if name not in PARADIGMS:
        fail("assays", f"no paradigm '{name}'", todo=did_you_mean(name, PARADIGMS))
    return PARADIGMS[name]


def assay_params(name: str) -> type[Params]:
    """Return the parameter class of a paradigm.

    Examples
    --------
    >>> from murid.assays import assay_params
    >>> assay_params("open_field")().centre_scale
    0.5
    """
    _paradigm(name)
    return find_analysis(name).params


def primary_measures(name: str) -> tuple[str, ...]:
    """Return the few measures that a paradigm is about, as columns of `AssayResult.wide`.

    They form the family of tests; all other measures are descriptive.

    Examples
    --------
    >>> from murid.assays import primary_measures
    >>> primary_measures("open_field")[2:5]
    ('time_percent:centre', 'entries:centre', 'latency:centre')
    """
    _paradigm(name)
    return find_analysis(name).primary


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
    return _paradigm(name).load()(recording, assay_params(name)(**params))
