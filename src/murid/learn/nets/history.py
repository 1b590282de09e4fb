"""What happened in a training: one row an epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

#: Columns that tell what an epoch cost, not what was learnt; they belong to no model.
_COSTS = ("seconds", "samples_per_s", "memory_mb")


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

    def course(self) -> list[dict[str, Any]]:
        """Return the rows without what they cost: the same seed gives the same ones, however busy the machine is."""
        return [{k: v for k, v in row.items() if k not in _COSTS} for row in self.rows]

    def kind(self) -> str:
        """Return what kind of device it ran on, ``"cpu"``, ``"cuda"`` or ``"mps"``: another kind rounds otherwise."""
        return self.device.partition(",")[0].partition(":")[0]

    def cost(self) -> dict[str, Any]:
        """Return what the training took: device, seconds, samples per second (median epoch), memory (MB, most)."""
        table = self.table()
        return {
            "device": self.device,
            "seconds": float(table["seconds"].sum()),
            "samples_per_s": float(table["samples_per_s"].median()),
            "memory_mb": float(table["memory_mb"].max()),
        }

    def table(self) -> pd.DataFrame:
        """Return the rows as a table."""
        return pd.DataFrame(self.rows)
