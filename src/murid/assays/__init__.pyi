from .assay_result import AssayResult
from .light_dark import measure_light_dark
from .novel_object import measure_novel_object
from .open_field import measure_open_field
from .paradigms import PARADIGMS, Paradigm, assay_params, primary_measures, run_paradigm
from .plus_maze import measure_plus_maze
from .three_chamber import measure_three_chamber
from .y_maze import alternation, measure_y_maze
from .zero_maze import measure_zero_maze
from .zone_occupancy import measure_zone_occupancy

__all__ = [
    "PARADIGMS",
    "AssayResult",
    "Paradigm",
    "alternation",
    "assay_params",
    "measure_light_dark",
    "measure_novel_object",
    "measure_open_field",
    "measure_plus_maze",
    "measure_three_chamber",
    "measure_y_maze",
    "measure_zero_maze",
    "measure_zone_occupancy",
    "primary_measures",
    "run_paradigm",
]
