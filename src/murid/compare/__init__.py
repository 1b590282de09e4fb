"""Methods head to head: one table, one figure, and whether the difference is more than chance."""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "ceiling": "head_to_head",
    "compare_with_best": "head_to_head",
    "methods_side_by_side": "head_to_head",
    "methods_figure": "figures",
    "learning_figure": "figures",
    "family_figure": "figures",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"murid.compare.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'murid.compare' has no attribute '{name}'")


__all__ = list(_LAZY)
