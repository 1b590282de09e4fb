"""Choose how sticky an AR-HMM is: what predicts rows it has not seen, and bouts as long as blocks of one movement.

Wiltschko et al. 2015 choose κ by durations alone (`kappa.scan_kappa`). That fails on noisy tracks: smoothed change
has few peaks, so the blocks are too long, and a large κ then finds states of noise instead of posture. Here the
likelihood of held-out rows says which κ are right, and durations only choose among those; and likelihood alone fails
on fast limbs, which it cuts into half strides, so that bouts shorter than a syllable are left out first. κ goes with
the number of rows, so that a part of the data tells the κ of the whole.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from murid.learn.segment.arhmm import ArHmm, ArHmmParams
from murid.learn.segment.consensus import fit_from_levels
from murid.learn.segment.kappa import changepoints, durations
from murid.learn.sequences import Arrays, Sequences, as_sequences

#: κ as a multiple of the number of rows; 1 is MoSeq's default.
SHARES = (0.01, 0.1, 0.3, 1.0, 10.0, 100.0)
#: Held-out rows are judged in blocks of this length (s), to tell how sure a difference between fits is.
BLOCK_S = 10.0
#: So many standard errors behind the best one, stickier values are not tried any more.
HOPELESS = 5.0
#: Fits whose median bout is shorter are left out: strides and jitter; MoSeq's syllables last 300 to 400 ms.
SHORTEST_S = 0.15
#: Medians that differ by less than this, in natural logarithms (a fifth), count as equal.
NEAR = 0.2


def choose_kappa(
    x: Arrays | Sequences,
    rate_hz: float,
    params: ArHmmParams,
    *,
    target_s: float | None = None,
    shares: tuple[float, ...] = SHARES,
    max_rows: int = 20_000,
    n_starts: int = 2,
    sigma: float = 1.5,
    seed: int = 0,
    n_workers: int = 1,
) -> tuple[float, list[dict[str, float]]]:
    """Choose κ by the likelihood of held-out rows and the median duration of bouts.

    Parameters
    ----------
    x : list of (T_i, D) arrays
        Features.
    rate_hz : float
        Rows a second.
    params : ArHmmParams
        The model; sampling is left out.
    target_s : float, optional
        Wanted median duration, s: then it alone decides. None: see Notes.
    shares : tuple of float
        κ tried, as rising multiples of the number of rows; without `target_s` up to the first that is far behind.
    max_rows : int
        About so many rows are looked at: the first sequences, the last third of each held out.
    n_starts : int
        Fits of each value, which are averaged.

    Returns
    -------
    kappa : float
    table : list of dict
        One row a value: ``kappa, heldout`` (nats a row), ``median_s, target_s, n_states``.

    Notes
    -----
    Among the values whose fits predict held-out rows as well as the best one (less than one standard error apart, over
    blocks of 10 s), the one whose bouts come nearest to the blocks between model-free changepoints is taken; of those
    whose medians differ from its by less than a fifth, the one that predicts best. Fits whose median bout is under
    150 ms are left out where others are longer.
    """
    seqs = as_sequences(x, dtype=np.float32)
    n_rows = int(seqs.observed.sum())
    wanted = target_s or _block_s(seqs, rate_hz, seed)
    some, held = _split(seqs, max_rows, max(round(BLOCK_S * rate_hz), 50))
    n_some = max(int(as_sequences(some).observed.sum()), 1)
    quick = params.replace(sweeps=0, draws=0)
    starts = np.random.SeedSequence(seed).generate_state(n_starts)
    rows: list[dict[str, float]] = []
    scores: list[np.ndarray] = []
    for share in shares:
        kappa = quick.replace(kappa=share * n_some)
        fits = [_judged(some, held, kappa, sigma, start, n_workers) for start in starts]
        score, row = _averaged(fits, held, rate_hz)
        scores.append(score)
        rows.append({"kappa": share * n_rows, **row, "target_s": wanted})
        if target_s is None and _hopeless(rows, scores):
            break
    good = rows if target_s is not None else _as_good(rows, scores)
    return _best_duration(good, wanted), rows


def _averaged(
    fits: list[tuple[int, np.ndarray, list[np.ndarray]]], held: Arrays, rate_hz: float
) -> tuple[np.ndarray, dict[str, float]]:
    """Score of each held-out block (nats a row) and a row of the table, means over fits of one value."""
    n_held = np.array([max(int(np.isfinite(part).all(axis=1).sum()), 1) for part in held])
    score = np.mean([total / n_held for _, total, _ in fits], axis=0)
    bouts = [durations(labels, rate_hz) for _, _, labels in fits]
    return score, {
        "heldout": float(score.mean()),
        "median_s": float(np.mean([np.median(b) if len(b) else np.inf for b in bouts])),
        "n_states": float(np.mean([n_states for n_states, _, _ in fits])),
    }


def _best_duration(good: list[dict[str, float]], wanted_s: float) -> float:
    """κ of the row whose median is nearest to the wanted one; of those that are about as near, the best prediction."""
    if not any(np.isfinite(r["median_s"]) for r in good):
        return max(good, key=lambda r: r["heldout"])["kappa"]
    ratio = [abs(np.log(r["median_s"] / wanted_s)) for r in good]
    # Durations of single fits differ by as much: of values that near, the one that predicts best.
    near = [r for r, far in zip(good, ratio, strict=True) if far <= min(ratio) + NEAR]
    return max(near, key=lambda r: r["heldout"])["kappa"]


def _judged(
    some: Arrays, held: Arrays, params: ArHmmParams, sigma: float, seed: int, n_workers: int
) -> tuple[int, np.ndarray, list[np.ndarray]]:
    """Fit to `some`; return the number of states, the log-likelihood of each block of `held`, and the labels."""
    model = fit_from_levels(some, params, sigma=sigma, seed=int(seed), n_workers=n_workers)
    labels = model.predict(some, n_workers=n_workers)
    return model.n_states, recounted(model, labels).loglik(held, n_workers=n_workers), labels


def recounted(model: ArHmm, labels: list[np.ndarray]) -> ArHmm:
    """Return the model with the transitions that occur in `labels`, without the stickiness it was learnt with.

    Stickiness is a wish about the labels; fits with different κ are compared by what they say of the rows.
    """
    k = model.n_states
    counts = np.full((k, k), 0.1)
    for part in labels:
        known = (part[:-1] >= 0) & (part[1:] >= 0)
        np.add.at(counts, (part[:-1][known], part[1:][known]), 1)
    return replace(model, transitions=(counts / counts.sum(axis=1, keepdims=True))[None], draws_transitions=None)


def _block_s(seqs: Sequences, rate_hz: float, seed: int) -> float:
    """Median length of the blocks between model-free changepoints, s."""
    blocks = np.concatenate([np.diff(at) for at in changepoints(seqs, rate_hz, seed=seed)]) / rate_hz
    return float(np.median(blocks)) if len(blocks) else 0.4


def _as_good(rows: list[dict[str, float]], scores: list[np.ndarray]) -> list[dict[str, float]]:
    """Fits that are at most one standard error behind the best; of those with bouts of a syllable's length, if any."""
    enough = _enough(rows)
    if not enough.any():
        enough = np.array([r["median_s"] for r in rows]) == max(r["median_s"] for r in rows)
    kept = [r for r, ok in zip(rows, enough, strict=True) if ok]
    return [r for r, bad in zip(kept, _worse(np.stack(scores)[enough], by=1.0), strict=True) if not bad]


def _hopeless(rows: list[dict[str, float]], scores: list[np.ndarray]) -> bool:
    """Whether the last fit is far behind another one with bouts of a syllable's length."""
    enough = _enough(rows)
    return bool(enough[-1] and _worse(np.stack(scores)[enough], by=HOPELESS)[-1])


def _enough(rows: list[dict[str, float]]) -> np.ndarray:
    return np.array([r["median_s"] >= SHORTEST_S for r in rows])


def _worse(scores: np.ndarray, *, by: float) -> np.ndarray:
    """Say which fits (fit, block) are more than `by` standard errors of the paired difference behind the best one."""
    behind = scores[scores.mean(axis=1).argmax()] - scores
    error = behind.std(axis=1, ddof=1) / np.sqrt(scores.shape[1]) if scores.shape[1] > 1 else np.full(len(scores), 0.01)
    return behind.mean(axis=1) > by * error


def _split(seqs: Sequences, max_rows: int, block: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """First two thirds, and blocks of the last third, of each of the first sequences: about `max_rows` rows in all."""
    some, held, left = [], [], max_rows
    for part in seqs:
        part = part[:left]
        left -= len(part)
        cut = 2 * len(part) // 3
        some.append(part[:cut])
        held += [part[at : at + block] for at in range(cut, len(part), block)]
        if left <= 0:
            break
    # A last block of a few rows says little.
    return some, [part for part in held if len(part) >= block // 2] or held
