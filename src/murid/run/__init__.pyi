from .add import add_files
from .analysis import run_analysis
from .apply import apply_method
from .assay import run_assay
from .check import check_study
from .demo import run_demo
from .evaluate import evaluate_methods
from .executor import Processes, Serial, Stopped
from .explain import explain_model
from .fit import fit_method
from .label_queue import propose_bouts
from .motifs import compare_motifs, motif_statistics
from .neural import run_neural
from .preview import preview_labels
from .report import build_report
from .runner import Runner
from .runs import Run, find_run, runs_of
from .session import open_study
from .sheet import blank_sheet, study_sheet, update_from_sheet
from .step import Step
from .store import Store

__all__ = [
    "Processes",
    "Run",
    "Runner",
    "Serial",
    "Step",
    "Stopped",
    "Store",
    "add_files",
    "apply_method",
    "blank_sheet",
    "build_report",
    "check_study",
    "compare_motifs",
    "evaluate_methods",
    "explain_model",
    "find_run",
    "fit_method",
    "motif_statistics",
    "open_study",
    "preview_labels",
    "propose_bouts",
    "run_analysis",
    "run_assay",
    "run_demo",
    "run_neural",
    "runs_of",
    "study_sheet",
    "update_from_sheet",
]
