"""murid: what did the animal do, does it differ between groups, which neurons care?

Everything heavy is imported where it is used; ``import murid`` stays under half a second.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import lazy_loader

# Threads that wait for each other (LightGBM, forests) spin for a moment, then sleep. With other work on the machine
# endless spinning costs two to twenty times the work; on an idle one this is as fast. OpenMP reads it when a library is
# first loaded; what the user has set stays.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# Public names and packages are written in the stub beside this file, and imported on first use.
_lazy_attribute, _lazy_names, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


@cache
def _version() -> str:
    """Version of the installed package, which the build takes from the tag; ``0+unknown`` of a bare source tree."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("murid")
    except PackageNotFoundError:
        return "0+unknown"


def __getattr__(name: str) -> Any:
    return _version() if name == "__version__" else _lazy_attribute(name)


def __dir__() -> list[str]:
    return [*_lazy_names(), "__version__"]
