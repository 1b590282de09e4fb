"""What a segmentation found without labels is worth. Nothing is reported without its control.

Purity and homogeneity rise with the number of states, so each measure stands beside that of a control with
the same states, usage and bout lengths that knows nothing of the truth. Codes are int arrays ``(time,)``, one a
recording, −1 = unlabelled. Samples that the truth leaves unlabelled never count; samples that the *method* leaves
unlabelled do, as a state of their own or as a miss, and every table has a row ``coverage``: nobody gains by leaving
out the hard frames without its being seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.data.clock import samples_in
from murid.data.errors import fail
from murid.data.states import UNLABELLED
from murid.evaluate import bouts, frames, latent

Codes = Sequence[np.ndarray]


def labelling_overlap(truth: ArrayLike, codes: ArrayLike) -> dict[str, float]:
    """Compare two labellings of the samples that `truth` labels; −1 of `codes` is a state of its own.

    Returns
    -------
    dict
        ``ari, ami, nmi, homogeneity, completeness, v_measure, purity, coverage, k``. ARI and AMI are 0 on average for
        independent labellings; the others are not, and rise with k. Unlabelled samples are never pure. ``coverage``:
        share of the samples that `codes` labels; ``k`` counts states, without −1.
    """
    from sklearn import metrics

    a, b = np.asarray(truth), np.asarray(codes)
    if a.shape != b.shape:
        fail("segmentation", "lengths differ", expected=str(a.shape), got=str(b.shape))
    known = a != UNLABELLED
    a, b = a[known], b[known]
    shown = b != UNLABELLED
    if not shown.any():
        fail("segmentation", "no sample is labelled on both sides")
    homogeneity, completeness, v = metrics.homogeneity_completeness_v_measure(a, b)
    table = metrics.cluster.contingency_matrix(a[shown], b[shown])
    return {
        "ari": float(metrics.adjusted_rand_score(a, b)),
        "ami": float(metrics.adjusted_mutual_info_score(a, b)),
        "nmi": float(metrics.normalized_mutual_info_score(a, b)),
        "homogeneity": float(homogeneity),
        "completeness": float(completeness),
        "v_measure": float(v),
        "purity": float(table.max(axis=0).sum() / a.size),
        "coverage": float(shown.mean()),
        "k": int(np.unique(b[shown]).size),
    }


def control(codes: ArrayLike, rng: np.random.Generator) -> np.ndarray:
    """Return a labelling with the same states, usage and bout lengths that is blind to what happened.

    The sequence of bouts is turned by a random amount, and the lengths are dealt out anew among the bouts of
    each state. Unlabelled samples stay where they are.
    """
    codes = np.asarray(codes)
    known = np.flatnonzero(codes != UNLABELLED)
    if known.size == 0:
        return codes.copy()
    part = codes[known]
    cuts = np.r_[0, np.flatnonzero(np.diff(part)) + 1]
    values, lengths = part[cuts], np.diff(np.r_[cuts, part.size])
    for value in np.unique(values):
        where = np.flatnonzero(values == value)
        lengths[where] = lengths[rng.permutation(where)]
    turn = int(rng.integers(values.size))
    out = codes.copy()
    out[known] = np.repeat(np.roll(values, turn), np.roll(lengths, turn))
    return out


def majority_map(truth: Codes, codes: Codes) -> dict[int, int]:
    """Give each state the behaviour it coincides with most, on *training* recordings."""
    a, b = labelled_samples(truth, codes)
    both = b != UNLABELLED
    a, b = a[both], b[both]
    out = {}
    for state in np.unique(b):
        out[int(state)] = int(np.bincount(a[b == state]).argmax())
    return out


def mapped(codes: ArrayLike, mapping: dict[int, int]) -> np.ndarray:
    """Apply a state → behaviour map; states that training never saw become −1."""
    codes = np.asarray(codes)
    table = np.full(2 + max([int(codes.max(initial=0)), *mapping]), UNLABELLED)  # the last entry serves −1
    table[list(mapping)] = list(mapping.values())
    return table[codes]


def mapped_score(truth: Codes, codes: Codes, folds: Sequence[tuple[Sequence[int], Sequence[int]]]) -> dict:
    """F1 of the states once each is renamed to a behaviour, with the map learnt on the other recordings.

    Parameters
    ----------
    truth, codes : list of int arrays (time,)
        One a recording.
    folds : sequence of (train, test)
        Indices of recordings: `leave_one_out`, or ``[(f.train, f.test) for f in folds.grouped(...)]``.

    Returns
    -------
    dict
        ``macro_f1, balanced_accuracy, coverage`` and ``f1``: behaviour code → F1, pooled over the test sides. Samples
        that `codes` leaves unlabelled, and states that training never saw, are misses.
    """
    n = 1 + max(int(np.max(t, initial=0)) for t in truth)
    cells, covered = np.zeros((n, 4), np.int64), np.zeros(2)
    for train, test in folds:
        mapping = majority_map([truth[i] for i in train], [codes[i] for i in train])
        for i in test:
            want, got = np.asarray(truth[i]), mapped(codes[i], mapping)
            cells += frames.counts(_one_hot(want, n), _one_hot(got, n))
            covered += ((want != UNLABELLED) & (got != UNLABELLED)).sum(), (want != UNLABELLED).sum()
    f1 = frames.f1_of(cells)
    recall = frames.ratio(cells[:, 0], cells[:, 0] + cells[:, 2])
    return {
        "macro_f1": float(frames.mean_known(f1)),
        "balanced_accuracy": float(frames.mean_known(recall)),
        "coverage": float(frames.ratio(covered[0], covered[1])),
        "f1": {k: float(v) for k, v in enumerate(f1)},
    }


def leave_one_out(n: int) -> list[tuple[list[int], list[int]]]:
    """Each recording tested once, the others for training; where animals repeat use `leave_animal_out`."""
    return [([j for j in range(n) if j != i], [i]) for i in range(n)]


def leave_animal_out(animals: Sequence[str]) -> list[tuple[list[int], list[int]]]:
    """Each animal tested once, with all its recordings, the others for training.

    Parameters
    ----------
    animals : sequence of str
        Animal of each recording.

    Examples
    --------
    >>> leave_animal_out(["a", "a", "b"])
    [([2], [0, 1]), ([0, 1], [2])]
    """
    return [
        ([i for i, a in enumerate(animals) if a != one], [i for i, a in enumerate(animals) if a == one])
        for one in dict.fromkeys(animals)
    ]


def probe_states(
    truth: Codes,
    codes: Codes,
    train: Sequence[int],
    test: Sequence[int],
    *,
    fps: float,
    half_s: float = 0.5,
    seed: int = 0,
) -> dict:
    """Read behaviour from the states alone: one-hot states, averaged over ±`half_s`, through `latent.linear_probe`.

    The window lets a state stand for its surroundings, so that short states are not at a disadvantage. A sample without
    a state is read from its surroundings too; it counts like any other.
    """
    k = 1 + max(int(np.max(c, initial=0)) for c in codes)
    half = samples_in(half_s, fps)

    def side(index: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        x = [_box(_one_hot(codes[i], k).clip(0), half) for i in index]
        return np.concatenate(x), np.concatenate([np.asarray(truth[i]) for i in index])

    return latent.linear_probe(side(train), side(test), seed=seed)


def probe_by_folds(
    truth: Codes,
    codes: Codes,
    folds: Sequence[tuple[Sequence[int], Sequence[int]]],
    *,
    fps: float,
    half_s: float = 0.5,
    seed: int = 0,
) -> dict:
    """`probe_states` of every fold, counted together: each recording is read by a probe that has not seen its animal.

    Parameters
    ----------
    folds : sequence of (train, test)
        Indices of recordings, by animal: `animal_folds`.

    Returns
    -------
    dict
        ``macro_f1`` and ``f1``: code → F1, over all behaviours that occur.
    """
    cells: dict[int, np.ndarray] = {}
    for train, test in folds:
        for code, row in probe_states(truth, codes, train, test, fps=fps, half_s=half_s, seed=seed)["counts"].items():
            cells[code] = cells.get(code, np.zeros(4, np.int64)) + row
    f1 = frames.f1_of(np.stack([cells[k] for k in sorted(cells)]))
    return {
        "macro_f1": float(frames.mean_known(f1)),
        "f1": {k: float(v) for k, v in zip(sorted(cells), f1, strict=True)},
    }


def animal_folds(animals: Sequence[str], n_folds: int = 4) -> list[tuple[list[int], list[int]]]:
    """Animals in at most `n_folds` parts, each tested once with all its recordings, the others for training.

    Parameters
    ----------
    animals : sequence of str
        Animal of each recording.

    Examples
    --------
    >>> animal_folds(["a", "a", "b", "c"], 2)
    [([2], [0, 1, 3]), ([0, 1, 3], [2])]
    """
    names = list(dict.fromkeys(animals))
    parts = [set(names[k::n_folds]) for k in range(min(n_folds, len(names)))]
    return [
        ([i for i, a in enumerate(animals) if a not in part], [i for i, a in enumerate(animals) if a in part])
        for part in parts
    ]


def _box(x: np.ndarray, half: int) -> np.ndarray:
    """Mean over ±half samples along time, shorter at the ends."""
    total = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0, dtype=np.float64)])
    n = len(x)
    low, high = np.maximum(np.arange(n) - half, 0), np.minimum(np.arange(n) + half + 1, n)
    return (total[high] - total[low]) / (high - low)[:, None]


def boundary_score(
    truth: Codes,
    codes: Codes,
    times: Sequence[np.ndarray],
    *,
    tolerance_s: float = 0.1,
    n_shifts: int = 50,
    seed: int = 0,
) -> dict[str, float]:
    """F1 of state changes against behaviour changes within `tolerance_s`, beside circularly shifted changes.

    Many boundaries meet some by chance: only ``f1 − shifted_mean`` is evidence for a segmentation.

    Returns
    -------
    dict
        ``f1, precision, recall, shifted_mean, shifted_sd, z``.
    """
    edges = [
        (bouts.boundaries(a, t), bouts.boundaries(b, t), float(t[0]), float(t[-1] - t[0]))
        for a, b, t in zip(truth, codes, times, strict=True)
    ]
    cells = np.sum([bouts.boundary_cells(a, b, tolerance_s) for a, b, _, _ in edges], axis=0)
    rng = np.random.default_rng(seed)
    null = []
    for _ in range(n_shifts):
        moved = [
            bouts.boundary_cells(a, start + (b - start + rng.uniform(0.05, 0.95) * span) % span, tolerance_s)
            for a, b, start, span in edges
        ]
        null.append(float(frames.f1_of(np.sum(moved, axis=0))))
    tp, fp, fn, _ = cells
    return {
        "f1": float(frames.f1_of(cells)),
        "precision": float(frames.ratio(tp, tp + fp)),
        "recall": float(frames.ratio(tp, tp + fn)),
        **_beside(float(frames.f1_of(cells)), null, "shifted"),
    }


def change_score(
    positions: ArrayLike, codes: ArrayLike, *, fps: float, sd_s: float = 1 / 30, n_shifts: int = 200, seed: int = 0
) -> dict[str, float]:
    """How much the posture changes at state onsets, in SD of the change over the recording.

    Parameters
    ----------
    positions : array (time, keypoint, space)
        Egocentric, NaN where missing.
    codes : int array (time,)
        States; onsets are changes between two labelled samples.
    fps : float
        Samples per second.
    sd_s : float
        Gaussian smoothing of the positions before differencing; one frame at 30 Hz.
    n_shifts, seed
        Circular shifts of the onsets for the null (at least 5 % of the recording), and their seed.

    Returns
    -------
    dict
        ``score`` (mean z-scored change at onsets), ``shifted_mean, shifted_sd, z, p``; shifts that move all onsets to
        samples with hidden keypoints are left out, and where these are more than half the score is NaN.

    Notes
    -----
    A segmenter that cuts at jitter of these same keypoints scores well: where there is an independent sensor or
    a second camera, feed its positions.
    """
    from scipy.ndimage import gaussian_filter1d

    x, codes = np.asarray(positions, np.float64), np.asarray(codes)
    smooth = gaussian_filter1d(x, sd_s * fps, axis=0, mode="nearest")
    step = np.linalg.norm(np.diff(smooth, axis=0), axis=2)
    change = np.r_[np.nan, np.where(np.isfinite(step).all(axis=1), step.sum(axis=1), np.nan)]
    known = np.isfinite(change)
    if known.sum() < 10:
        fail("change_score", "too few samples with all keypoints", expected=">= 10", got=str(int(known.sum())))
    change = (change - change[known].mean()) / change[known].std()
    onset = 1 + np.flatnonzero((codes[1:] != codes[:-1]) & (codes[1:] != UNLABELLED) & (codes[:-1] != UNLABELLED))
    if onset.size == 0:
        fail("change_score", "the states never change")
    n = codes.size
    rng = np.random.default_rng(seed)
    shifts = rng.integers(max(1, n // 20), max(2, n - n // 20), size=n_shifts)
    observed = float(frames.mean_known(change[onset]))
    null = np.array([float(frames.mean_known(change[(onset + s) % n])) for s in shifts])
    # A shift that moves all onsets to where points are hidden says nothing.
    null = null[np.isfinite(null)]
    if not np.isfinite(observed) or len(null) < n_shifts / 2:
        return {"score": observed, **_beside(observed, [], "shifted"), "p": float("nan")}
    p = (1 + np.sum(null >= observed)) / (1 + len(null))
    return {"score": observed, **_beside(observed, null, "shifted"), "p": float(p)}


def stability(runs: Codes) -> pd.DataFrame:
    """Compare labellings of the same samples by several seeds, refits, or by fit and apply.

    Samples that only one of them leaves unlabelled count as different; those that both do are left out.

    Returns
    -------
    DataFrame
        One row per pair of runs: ``run_a, run_b, ari, agreement``; agreement = share of samples with the same
        state once states are matched one to one (Hungarian).
    """
    from sklearn.metrics import adjusted_rand_score

    rows = []
    for i, j in combinations(range(len(runs)), 2):
        a, b = np.asarray(runs[i]), np.asarray(runs[j])
        either = (a != UNLABELLED) | (b != UNLABELLED)
        a, b = a[either], b[either]
        rows.append((i, j, float(adjusted_rand_score(a, b)), matched_agreement(a, b)))
    return pd.DataFrame(rows, columns=["run_a", "run_b", "ari", "agreement"])


def matched_agreement(one: ArrayLike, two: ArrayLike) -> float:
    """Share of equal samples after the best one-to-one renaming of the states."""
    from scipy.optimize import linear_sum_assignment

    a, b = np.unique(one, return_inverse=True)[1], np.unique(two, return_inverse=True)[1]
    table = np.zeros((a.max(initial=0) + 1, b.max(initial=0) + 1), np.int64)
    np.add.at(table, (a, b), 1)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / a.size) if a.size else float("nan")


def timescale(codes: Codes, fps: float) -> dict[str, float]:
    """Describe bout lengths: match methods on them before comparing anything else.

    Returns
    -------
    dict
        ``median_ms, q25_ms, q75_ms, mean_ms``, ``below_100ms`` (share of bouts), ``k`` (states in use),
        ``usage_bits`` (entropy of the time share; log2 k when all are used alike), ``n_bouts``. The entropy of
        the transitions is ``ethogram.entropy_rate``.
    """
    lengths, used = [], []
    for one in codes:
        one = np.asarray(one)
        cuts = np.r_[0, np.flatnonzero(np.diff(one)) + 1, one.size]
        for a, b in pairwise(cuts):
            if b > a and one[a] != UNLABELLED:
                lengths.append(1e3 * (b - a) / fps)
        used.append(one[one != UNLABELLED])
    if not lengths:
        fail("timescale", "no labelled sample")
    share = np.unique(np.concatenate(used), return_counts=True)[1] / sum(u.size for u in used)
    q25, median, q75 = np.percentile(lengths, [25, 50, 75])
    return {
        "median_ms": float(median),
        "q25_ms": float(q25),
        "q75_ms": float(q75),
        "mean_ms": float(np.mean(lengths)),
        "below_100ms": float(np.mean(np.array(lengths) < 100.0 - 1e-6)),
        "k": int(share.size),
        "usage_bits": float(-np.sum(share * np.log2(share))),
        "n_bouts": len(lengths),
    }


def judge_segmentation(
    truth: Codes,
    codes: Codes,
    *,
    animals: Sequence[str] | None = None,
    folds: Sequence[tuple[Sequence[int], Sequence[int]]] | None = None,
    n_controls: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """Judge a segmentation against labels, beside its control.

    Parameters
    ----------
    truth, codes : list of int arrays (time,)
        Behaviour and state codes of each recording, −1 unlabelled.
    animals : sequence of str, optional
        Animal of each recording: for the mapped F1 one animal is left out at a time, with all its recordings. Without
        it every recording is taken for another animal.
    folds : sequence of (train, test), optional
        For the mapped F1, instead.
    n_controls, seed
        Number of controls (see `control`) and their seed.

    Returns
    -------
    DataFrame
        Rows ``ari, ami, nmi, homogeneity, completeness, v_measure, purity, coverage``, and with two animals or
        more ``mapped_f1, mapped_balanced_accuracy``; columns ``value, control_mean, control_sd, z, k``.
    """
    if len(truth) != len(codes) or not truth:
        fail("segmentation", "one code array per recording is needed", expected=str(len(truth)), got=str(len(codes)))
    groups = [str(i) for i in range(len(truth))] if animals is None else list(animals)
    if len(groups) != len(truth):
        fail("segmentation", "one animal per recording is needed", expected=str(len(truth)), got=str(len(groups)))
    parts = leave_animal_out(groups) if folds is None else folds

    def measure(states: Codes) -> dict[str, float]:
        out = labelling_overlap(*labelled_samples(truth, states))
        if len(parts) > 1:
            score = mapped_score(truth, states, parts)
            out |= {"mapped_f1": score["macro_f1"], "mapped_balanced_accuracy": score["balanced_accuracy"]}
        return out

    return _beside_controls(measure, codes, n_controls, seed)


def _beside_controls(
    measure: Callable[[Codes], dict[str, float]], codes: Codes, n_controls: int, seed: int
) -> pd.DataFrame:
    value = measure(codes)
    streams = np.random.SeedSequence(seed).spawn(n_controls)
    blind = []
    for stream in streams:
        rng = np.random.default_rng(stream)
        blind.append(measure([control(c, rng) for c in codes]))
    rows = {
        key: {"value": v, **_beside(v, [b[key] for b in blind], "control"), "k": value["k"]}
        for key, v in value.items()
        if key != "k"
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _beside(value: float, null: Sequence[float], name: str) -> dict[str, float]:
    mean = float(np.mean(null)) if len(null) else float("nan")
    sd = float(np.std(null, ddof=1)) if len(null) > 1 else float("nan")
    return {f"{name}_mean": mean, f"{name}_sd": sd, "z": (value - mean) / sd if sd > 0 else float("nan")}


def labelled_samples(truth: Codes, codes: Codes) -> tuple[np.ndarray, np.ndarray]:
    """Samples that the truth labels, over all recordings."""
    a = np.concatenate([np.asarray(t) for t in truth])
    b = np.concatenate([np.asarray(c) for c in codes])
    if a.shape != b.shape:
        fail("segmentation", "lengths differ", expected=str(a.size), got=str(b.size))
    known = a != UNLABELLED
    return a[known], b[known]


def _one_hot(codes: ArrayLike, n: int) -> np.ndarray:
    """int8 (time, n): 1, 0; −1 in every column where unlabelled."""
    codes = np.asarray(codes)
    out = (codes[:, None] == np.arange(n)).astype(np.int8)
    out[codes == UNLABELLED] = UNLABELLED
    return out
