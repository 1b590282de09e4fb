"""The runner: the only way work is done. Command line and Python call the same functions.

>>> import murid
>>> run = murid.run.check_study(murid.Study("my_study"))  # doctest: +SKIP
>>> run.tables["quality"]  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
    "blank_sheet": "sheet",
    "build_report": "report",
    "check_study": "check",
    "compare_motifs": "motifs",
    "evaluate_methods": "evaluate",
    "explain_model": "explain",
    "find_run": "runs",
    "fit_method": "fit",
    "open_study": "session",
    "preview_labels": "preview",
    "propose_bouts": "label_queue",
    "run_analysis": "analysis",
    "run_assay": "assay",
    "run_demo": "demo",
    "run_neural": "neural",
    "motif_statistics": "motifs",
    "runs_of": "runs",
    "study_sheet": "sheet",
    "update_from_sheet": "sheet",
}

if TYPE_CHECKING:
    from murid.run.add import add_files
    from murid.run.analysis import run_analysis
    from murid.run.apply import apply_method
    from murid.run.assay import run_assay
    from murid.run.check import check_study
    from murid.run.demo import run_demo
    from murid.run.evaluate import evaluate_methods
    from murid.run.executor import Processes, Serial, Stopped
    from murid.run.explain import explain_model
    from murid.run.fit import fit_method
    from murid.run.label_queue import propose_bouts
    from murid.run.motifs import compare_motifs, motif_statistics
    from murid.run.neural import run_neural
    from murid.run.preview import preview_labels
    from murid.run.report import build_report
    from murid.run.runner import Runner
    from murid.run.runs import Run, find_run, runs_of
    from murid.run.session import open_study
    from murid.run.sheet import blank_sheet, study_sheet, update_from_sheet
    from murid.run.step import Step
    from murid.run.store import Store


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"murid.run.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'murid.run' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(_LAZY)


__all__ = [*_LAZY]
