from .add import add_files
from .analysis import run_analysis
from .apply import apply_method
from .check import check_study
from .demo import run_demo
from .evaluate import evaluate_methods
from .executor import Processes, Serial, Stopped
from .explain import explain_model
from .export import export_states
from .films import write_films
from .fit import fit_method
from .label_queue import propose_bouts
from .motifs import compare_motifs
from .report import build_report
from .runner import Runner
from .runs import Run, find_run, runs_of
from .session import open_study
from .sheet import blank_sheet, study_sheet, update_from_sheet
from .step import Step
from .store import Store
from .zones import set_zones, write_drawing_page

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
    "export_states",
    "find_run",
    "fit_method",
    "open_study",
    "propose_bouts",
    "run_analysis",
    "run_demo",
    "runs_of",
    "set_zones",
    "study_sheet",
    "update_from_sheet",
    "write_drawing_page",
    "write_films",
]
