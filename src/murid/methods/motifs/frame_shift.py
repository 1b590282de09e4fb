"""Does it matter where the bins begin? Coherence of the labels of shifted bins (Hsu & Yttri 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from murid.data.errors import fail
from murid.data.recording import Recording

if TYPE_CHECKING:
    from murid.methods.motifs.bsoid import Bsoid


def frame_shift_coherence(model: Bsoid, recordings: Sequence[Recording]) -> pd.DataFrame:
    """Agreement of labels in bins of 100 ms with those of the same bins begun some frames later.

    Every label holds for its whole bin. Coherent motifs agree wherever the bins begin; labels that hang on the phase
    of the bins agree as little as chance.

    Parameters
    ----------
    model : Bsoid
        Fitted.
    recordings : list of Recording

    Returns
    -------
    DataFrame
        One row a shift: ``shift_s``, ``agreement`` (share of the frames that both give one motif, mean over pairs of
        beginnings), ``chance`` (by the usage of the motifs), ``coherence`` (agreement beyond chance: 1 all, 0 none)
        and ``frames`` that were compared.

    Raises
    ------
    DataError
        When a bin has a single row, so that there is nothing to shift.
    """
    kept: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
    for recording in recordings:
        for track in model.tracks(recording):
            labels = model.row_labels(track)
            rows = round(model.params.bin_s * model.facts["rate_hz"])
            if rows < 2:
                fail("frame shift", "a bin has one row", expected="at least two", got=f"{rows}")
            held = [_held(labels, rows, first) for first in range(rows)]
            for a in range(rows):
                for b in range(a + 1, rows):
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


def _held(labels: np.ndarray, rows: int, first: int) -> np.ndarray:
    """Labels of bins of `rows` rows that begin at row `first`, each the label of its middle; −1 outside whole bins."""
    out = np.full(len(labels), -1)
    starts = np.arange(first, len(labels) - rows + 1, rows)
    out[first : first + len(starts) * rows] = np.repeat(labels[starts + rows // 2], rows)
    return out
