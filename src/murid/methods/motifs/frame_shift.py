"""Does it matter where the bins begin? Coherence of the labels of shifted bins (Hsu & Yttri 2021)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from murid.data.errors import fail
from murid.data.recording import Recording

if TYPE_CHECKING:
    from murid.methods.motifs.bsoid import Bsoid


def frame_shift_coherence(model: Bsoid, recordings: Sequence[Recording]) -> pd.DataFrame:
    """Agreement of labels in the model's bins (100 ms) with those of the same bins begun some rows later.

    Every label holds for its whole bin. Coherent motifs agree wherever the bins begin; labels that hang on the phase
    of the bins agree as little as chance. Where a bin is no whole number of rows (2.5 at 25 rows a second), bins of
    two lengths take turns.

    Parameters
    ----------
    model : Bsoid
        Fitted.
    recordings : list of Recording

    Returns
    -------
    DataFrame
        One row a shift: ``shift_s``, ``agreement`` (share of the rows that both give one motif, all pairs of beginnings
        of all recordings pooled), ``chance`` (by the usage of the motifs), ``coherence`` (agreement beyond chance: 1
        all, 0 none) and ``frames``, the rows that were compared, once for each pair.

    Raises
    ------
    DataError
        When a bin holds no more than one row, so that there is nothing to shift.
    """
    kept: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
    for recording in recordings:
        for track in model.tracks(recording):
            labels = model.row_labels(track)
            width = model.params.bin_s * model.facts["rate_hz"]
            n = math.ceil(width - 1e-6)  # beginnings within the first bin
            if n < 2:
                fail("frame shift", "a bin holds no more than one row", expected="more than one", got=f"{width:.3g}")
            held = [_held(labels, width, first) for first in range(n)]
            for a in range(n):
                for b in range(a + 1, n):
                    kept.setdefault(b - a, []).append((held[a], held[b]))
        recording.forget()
    out = []
    for shift, pairs in sorted(kept.items()):
        one, two = (np.concatenate(x) for x in zip(*pairs, strict=True))
        both = (one >= 0) & (two >= 0)
        one, two = one[both], two[both]
        agreement = float((one == two).mean()) if len(one) else float("nan")
        usage = [np.bincount(x, minlength=model.n_motifs) / max(len(x), 1) for x in (one, two)]
        chance = float(usage[0] @ usage[1])
        out.append(
            {
                "shift_s": shift / model.facts["rate_hz"],
                "agreement": agreement,
                "chance": chance,
                "coherence": (agreement - chance) / (1 - chance) if chance < 1 else float("nan"),
                "frames": len(one),
            }
        )
    return pd.DataFrame(out)


def _held(labels: np.ndarray, width: float, first: int) -> np.ndarray:
    """Labels of bins of `width` rows from row `first` on, each the label of its middle; −1 outside whole bins."""
    out = np.full(len(labels), -1)
    n = max(0, math.floor((len(labels) - first) / width + 1e-6))
    # A row belongs to the bin in which it begins; a hair, so that whole numbers of rows are not cut by rounding.
    bin_of = np.floor((np.arange(len(labels)) - first) / width + 1e-6).astype(int)
    inside = (bin_of >= 0) & (bin_of < n)
    middle = np.floor(first + (np.arange(n) + 0.5) * width + 1e-6).astype(int)
    out[inside] = labels[middle][bin_of[inside]]
    return out
