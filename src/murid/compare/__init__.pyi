from .figures import family_figure, learning_figure, methods_figure
from .head_to_head import ceiling, compare_with_best, fewest_animals, methods_side_by_side

__all__ = [
    "ceiling",
    "compare_with_best",
    "family_figure",
    "fewest_animals",
    "learning_figure",
    "methods_figure",
    "methods_side_by_side",
]
