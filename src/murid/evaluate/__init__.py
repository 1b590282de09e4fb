"""How good is a prediction, how far do raters agree, what is a segmentation worth: with honest splits.

`score` compares one prediction with the truth, `score_many` pools recordings; `folds.grouped` splits so
that no animal is on both sides; `compare_totals` gives the human ceiling; `segmentation` and `latent` judge
what was found without labels, always beside a control.
"""

from __future__ import annotations

import importlib
from typing import Any

_LAZY = {
    "Score": "murid.evaluate.scoring",
    "score": "murid.evaluate.scoring",
    "score_many": "murid.evaluate.scoring",
    "Fold": "murid.evaluate.folds",
    "grouped": "murid.evaluate.folds",
}
_MODULES = (
    "agreement",
    "align",
    "bootstrap",
    "bouts",
    "calibration",
    "detection",
    "folds",
    "frames",
    "latent",
    "learning",
    "raters",
    "scoring",
    "segmentation",
    "totals",
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"murid.evaluate.{name}")
    raise AttributeError(f"module 'murid.evaluate' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY, *_MODULES])


__all__ = [*_LAZY, *_MODULES]
