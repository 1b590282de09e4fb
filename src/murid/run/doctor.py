"""Look at the machine: what is installed, what it can do, what would help."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from murid.run.provenance import machine, versions

#: Extra of murid → module that shows it is installed, and what it is for.
EXTRAS = {
    "sleap": ("sleap_io", "reading SLEAP .slp files"),
    "nets": ("torch", "methods with neural networks"),
    "motifs": ("umap", "UMAP and HDBSCAN motif methods"),
    "interop": ("pynapple", "pynapple objects"),
}
LOW_MEMORY_GB = 8
LOW_DISK_GB = 5


def examine() -> dict[str, Any]:
    """Return ``facts`` (what → found), ``versions``, ``extras`` (name → bool) and ``suggestions``."""
    import psutil

    findings = machine()
    folder = Path.cwd()
    memory = psutil.virtual_memory()
    free_gb = shutil.disk_usage(folder).free / 2**30
    writable, why = _can_write(folder)
    extras = {name: find_spec(module) is not None for name, (module, _) in EXTRAS.items()}
    facts = {
        "murid": versions()["murid"],
        "Python": versions()["python"],
        "system": f"{findings['system']} ({findings['processor']})",
        "cores": str(findings["cpus"]),
        "memory": f"{findings['memory_gb']} GB, {memory.available / 2**30:.1f} GB free",
        "disk here": f"{free_gb:.1f} GB free, {'writable' if writable else f'NOT writable: {why}'}",
        "GPU": _gpu(extras["nets"]),
        "threads": os.environ.get("OMP_NUM_THREADS", "not limited"),
    }
    tips = []
    if not writable:
        tips.append(f"this folder cannot be written ({why}): make studies elsewhere")
    if free_gb < LOW_DISK_GB:
        tips.append(f"only {free_gb:.1f} GB of disk are free: a study's cache can be deleted at any time")
    if memory.total / 2**30 < LOW_MEMORY_GB:
        tips.append("little memory: use --workers 1")
    tips += [f"for {why}: pip install 'murid[{name}]'" for name, (_, why) in EXTRAS.items() if not extras[name]]
    return {"facts": facts, "versions": versions(), "extras": extras, "suggestions": tips}


def _can_write(folder: Path) -> tuple[bool, str]:
    try:
        with tempfile.TemporaryFile(dir=folder) as handle:
            handle.write(b"murid")
    except OSError as exc:
        return False, exc.strerror or str(exc)
    return True, ""


def _gpu(torch_there: bool) -> str:
    """Name of the accelerator that networks would use."""
    if not torch_there:
        return "not looked for (needs the extra 'nets')"
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return "Apple (mps)" if torch.backends.mps.is_available() else "none (networks run on the processor)"
