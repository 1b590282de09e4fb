from .assay_result import AssayResult
from .open_field import measure_open_field
from .paradigms import PARADIGMS, Paradigm, assay_params, primary_measures, run_paradigm

__all__ = [
    "PARADIGMS",
    "AssayResult",
    "Paradigm",
    "assay_params",
    "measure_open_field",
    "primary_measures",
    "run_paradigm",
]
