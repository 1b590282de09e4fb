from .figures import family_figure, learning_figure, methods_figure
from .head_to_head import ceiling, compare_with_best, methods_side_by_side

__all__ = ["ceiling", "compare_with_best", "family_figure", "learning_figure", "methods_figure", "methods_side_by_side"]
