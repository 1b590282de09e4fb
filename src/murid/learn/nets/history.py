"""What happened in a training: one row an epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass
class History:
    """Course of a training.

    Attributes
    ----------
    rows : list of dict
        One an epoch: ``epoch, steps`` (so far), one column a loss term (``loss`` …), ``valid_<term>``, ``lr``,
        ``seconds`` (of training, without validation), ``samples_per_s``, ``memory_mb`` (peak on the GPU, else
        resident).
    device : str
        What it ran on.
    best_epoch : int or None
        Epoch whose weights were kept; None = the last one's.
    stopped : str
        Why it ended: ``epochs``, ``max_steps`` or ``patience``.
    parts : int
        Parts that each batch was computed in; more than 1 when memory ran out.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    device: str = ""
    best_epoch: int | None = None
    stopped: str = ""
    parts: int = 1

    def table(self) -> pd.DataFrame:
        """Return the rows as a table."""
        return pd.DataFrame(self.rows)
