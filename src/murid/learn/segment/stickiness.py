"""Choose how sticky an AR-HMM is: bouts should last as long as the blocks between moments of rapid change.

As in `kappa.scan_kappa` (Wiltschko et al. 2015), but with quick fits from k-means levels and a κ that goes
with the number of rows, so that a part of the data tells the κ of the whole.
"""

from __future__ import annotations

import numpy as np

from murid.learn.segment.arhmm import ArHmmParams
from murid.learn.segment.consensus import fit_from_levels
from murid.learn.segment.kappa import changepoints, durations
from murid.learn.sequences import Arrays, Sequences, as_sequences

#: κ as a multiple of the number of rows; 1 is MoSeq's default.
SHARES = (0.01, 0.1, 1.0, 10.0, 100.0)


def choose_kappa(
    x: Arrays | Sequences,
    rate_hz: float,
    params: ArHmmParams,
    *,
    target_s: float | None = None,
    shares: tuple[float, ...] = SHARES,
    max_rows: int = 20_000,
    sigma: float = 1.5,
    seed: int = 0,
    n_workers: int = 1,
) -> tuple[float, list[dict[str, float]]]:
    """Choose κ by the median duration of bouts.

    Parameters
    ----------
    x : list of (T_i, D) arrays
        Features.
    rate_hz : float
        Rows a second.
    params : ArHmmParams
        The model; sampling is left out.
    target_s : float, optional
        Wanted median duration, s; None takes that of the blocks between model-free changepoints.
    shares : tuple of float
        Values of κ tried, as multiples of the number of rows.
    max_rows : int
        The fits see at most about so many rows: the first sequences, the last one cut.

    Returns
    -------
    kappa : float
        For all of `x`.
    table : list of dict
        One row a value: ``kappa, median_s, target_s, n_states``.
    """
    seqs = as_sequences(x, dtype=np.float32)
    n_rows = int(seqs.observed.sum())
    if target_s is None:
        blocks = np.concatenate([np.diff(at) for at in changepoints(seqs, rate_hz, seed=seed)]) / rate_hz
        target_s = float(np.median(blocks)) if len(blocks) else 0.4
    some = _first_rows(seqs, max_rows)
    n_some = max(int(some.observed.sum()), 1)
    quick = params.replace(sweeps=0, draws=0)
    rows: list[dict[str, float]] = []
    for share in shares:
        model = fit_from_levels(some, quick.replace(kappa=share * n_some), sigma=sigma, seed=seed, n_workers=n_workers)
        bouts = durations(model.predict(Sequences(some.frames, some.offsets, True)), rate_hz)
        median = float(np.median(bouts)) if len(bouts) else float("inf")
        rows.append({"kappa": share * n_rows, "median_s": median, "target_s": target_s, "n_states": model.n_states})
    ratio = [abs(np.log(r["median_s"] / target_s)) if 0 < r["median_s"] < np.inf else np.inf for r in rows]
    # Of equally good values the larger one: it splits fewer states.
    best = max(i for i, r in enumerate(ratio) if r <= min(ratio) + 0.05) if np.isfinite(min(ratio)) else len(rows) // 2
    return rows[best]["kappa"], rows


def _first_rows(seqs: Sequences, max_rows: int) -> Sequences:
    if len(seqs.frames) <= max_rows:
        return seqs
    offsets = np.append(seqs.offsets[seqs.offsets < max_rows], max_rows)
    return Sequences(seqs.frames[:max_rows], offsets, seqs.listed)
