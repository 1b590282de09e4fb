"""The runner: the only way work is done. Command line and Python call the same functions.

>>> import murid
>>> run = murid.run.check_study(murid.Study("my_study"))  # doctest: +SKIP
>>> run.tables["quality"]  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import Any

#: Public name → module that defines it. Looked up on first use.
_LAZY = {
    "Processes": "executor",
    "Run": "runs",
    "Runner": "runner",
    "Serial": "executor",
    "Step": "step",
    "Stopped": "executor",
    "Store": "store",
    "add_files": "add",
    "apply_method": "apply",
    "build_report": "report",
    "check_study": "check",
    "compare_motifs": "motifs",
    "evaluate_methods": "evaluate",
    "explain_model": "explain",
    "find_run": "runs",
    "fit_method": "fit",
    "preview_labels": "preview",
    "propose_bouts": "label_queue",
    "run_analysis": "analysis",
    "run_assay": "assay",
    "run_demo": "demo",
    "run_neural": "neural",
    "motif_statistics": "motifs",
    "runs_of": "runs",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"murid.run.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'murid.run' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])


__all__ = [*_LAZY]
