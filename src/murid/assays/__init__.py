"""Paradigms: one file each, every convention stated with the result.

`PARADIGMS` names them; `run_assay` runs one by name.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from murid.data.errors import did_you_mean, fail

if TYPE_CHECKING:
    from murid.assays.base import AssayResult
    from murid.assays.open_field import open_field
    from murid.data.recording import Recording

#: Name → "module:function:parameters class".
PARADIGMS: dict[str, str] = {
    "open_field": "murid.assays.open_field:open_field:OpenFieldParams",
}


def _parts(name: str) -> tuple[Any, Any]:
    if name not in PARADIGMS:
        fail("assays", f"no paradigm '{name}'", todo=did_you_mean(name, PARADIGMS))
    module, function, params = PARADIGMS[name].split(":")
    loaded = importlib.import_module(module)
    # Importing a submodule puts the module under its name here; the paradigm itself belongs there.
    globals()[name] = getattr(loaded, function)
    return getattr(loaded, function), getattr(loaded, params)


def assay_params(name: str) -> Any:
    """Return the parameter class of a paradigm."""
    return _parts(name)[1]


def run_assay(name: str, recording: Recording, **params: Any) -> AssayResult:
    """Run a paradigm by name on one recording; parameters as its `Params` class declares them."""
    function, declared = _parts(name)
    return function(recording, declared(**params))


def __getattr__(name: str) -> Any:
    if name in PARADIGMS:
        return _parts(name)[0]
    if name == "AssayResult":
        from murid.assays.base import AssayResult

        return AssayResult
    raise AttributeError(f"module 'murid.assays' has no attribute '{name}'")


__all__ = ["PARADIGMS", "AssayResult", "assay_params", "open_field", "run_assay"]
