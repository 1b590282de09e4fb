"""Provenance: what made a result, and what it was made from."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from murid import __version__

#: Libraries whose version can change a number.
LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "scikit-learn",
    "lightgbm",
    "numba",
    "shapely",
    "opencv-python-headless",
    "av",
    "torch",
    "umap-learn",
    "hdbscan",
    "openTSNE",
)


@cache
def versions() -> dict[str, str]:
    """Versions of murid, Python and of the installed ones among `LIBRARIES`."""
    installed = {"murid": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def machine() -> dict[str, Any]:
    """System, processor count and memory (GB), without names of people or computers."""
    import psutil

    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
    }
