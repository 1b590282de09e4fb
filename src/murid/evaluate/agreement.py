"""How far raters agree: the ceiling for any method that is trained on them.

Frame agreement alone misleads: κ falls with prevalence at the same error rate, and raters who agree on the
time may disagree on the number of bouts. So κ comes with PABAK, prevalence, frame F1 and event F1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from murid.data.clock import rate_of, sample_stops, samples_in
from murid.data.errors import fail
from murid.data.labels import Labels, Others
from murid.data.states import UNLABELLED
from murid.evaluate import bootstrap, bouts, frames, totals
from murid.evaluate.raters import consensus, rater_states


def cross_tabulate(a: ArrayLike, b: ArrayLike, n_classes: int) -> np.ndarray:
    """Cross-tabulate two raters' codes (−1 = unlabelled by that rater: left out), ``(n_classes, n_classes)``."""
    a, b = np.asarray(a).ravel(), np.asarray(b).ravel()
    both = (a != UNLABELLED) & (b != UNLABELLED)
    flat = a[both].astype(np.int64) * n_classes + b[both]
    return np.bincount(flat, minlength=n_classes**2).reshape(n_classes, n_classes)


def kappa_of(table: ArrayLike) -> np.ndarray:
    """Cohen's κ of cross tables ``(..., k, k)``; NaN where chance agreement is complete."""
    table = np.asarray(table, np.float64)
    total = table.sum((-2, -1))
    observed = frames.ratio(np.trace(table, axis1=-2, axis2=-1), total)
    chance = frames.ratio((table.sum(-1) * table.sum(-2)).sum(-1), total**2)
    return frames.ratio(observed - chance, np.where(np.abs(1 - chance) < 1e-12, 0.0, 1 - chance))


def pabak_of(table: ArrayLike) -> np.ndarray:
    """Prevalence- and bias-adjusted κ, ``(k p − 1) / (k − 1)`` with p the observed agreement."""
    table = np.asarray(table, np.float64)
    k = table.shape[-1]
    observed = frames.ratio(np.trace(table, axis1=-2, axis2=-1), table.sum((-2, -1)))
    return (k * observed - 1) / (k - 1)


def cohen_kappa(
    a: ArrayLike,
    b: ArrayLike,
    n_classes: int = 2,
    *,
    fps: float,
    block_s: float = 10.0,
    n_boot: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Cohen's κ of two raters of one recording with a 95 % interval.

    Parameters
    ----------
    a, b : int array (time,)
        Codes; −1 unlabelled.
    n_classes : int
        Number of codes.
    fps : float
        Samples per second.
    block_s : float
        The bootstrap draws blocks of this length: frames of one bout are no independent witnesses, so it
        should be longer than a bout. 10 s suits most rodent behaviour.
    n_boot, seed
        Resamples, seed.

    Returns
    -------
    kappa, low, high
    """
    tables = _block_tables(np.asarray(a), np.asarray(b), n_classes, max(1, samples_in(block_s, fps)))
    low, high = bootstrap.interval(tables, kappa_of, n_boot=n_boot, seed=seed, min_groups=2)
    return float(kappa_of(tables.sum(0))), float(low), float(high)


def _block_tables(a: np.ndarray, b: np.ndarray, n_classes: int, block: int) -> np.ndarray:
    """Cross tables of successive blocks that hold samples labelled by both."""
    starts = range(0, max(a.size, 1), block)
    tables = np.stack([cross_tabulate(a[i : i + block], b[i : i + block], n_classes) for i in starts])
    kept = tables[tables.sum((1, 2)) > 0]
    return kept if len(kept) else tables[:1]


def krippendorff_alpha(ratings: ArrayLike, n_classes: int | None = None) -> float:
    """Krippendorff's α for nominal codes of any number of raters, with missing ratings.

    Parameters
    ----------
    ratings : int array (rater, unit)
        Codes from 0; −1 = not rated.
    n_classes : int, optional
        Number of codes; the largest + 1 by default.

    Returns
    -------
    float
        1 = perfect, 0 = chance; NaN when fewer than two ratings meet or only one code was used.
    """
    ratings = np.asarray(ratings)
    k = int(ratings.max(initial=0)) + 1 if n_classes is None else n_classes
    per_unit = np.stack([(ratings == c).sum(axis=0) for c in range(k)], axis=1).astype(np.float64)
    m = per_unit.sum(axis=1)
    per_unit, m = per_unit[m >= 2], m[m >= 2]
    if m.size == 0:
        return float("nan")
    by_code = per_unit.sum(axis=0)
    n = by_code.sum()
    agreeing = (per_unit * (per_unit - 1)).sum(axis=1) / (m - 1)
    observed = 1.0 - agreeing.sum() / n
    expected = 1.0 - (by_code * (by_code - 1)).sum() / (n * (n - 1))
    return float(1.0 - observed / expected) if expected > 0 else float("nan")


class Track(NamedTuple):
    """Codes (time,) of two raters of one animal, their clock, and in which recording."""

    a: np.ndarray
    b: np.ndarray
    time_s: np.ndarray
    recording: int


class Boot(NamedTuple):
    """Resamples of a bootstrap, and its seed."""

    n_boot: int
    seed: int


@dataclass(frozen=True)
class RaterAgreement:
    """Agreement of raters, pooled over recordings.

    Every number is symmetric in the two raters: who stands as `rater_a`, the first by name, does not matter. Scores of
    one rater taken as the truth for another (`score`) are not: precision and recall change places.

    Attributes
    ----------
    pairs : DataFrame
        One row per pair of raters and behaviour: ``kappa, kappa_low, kappa_high, interval_over, pabak, prevalence``
        (mean share of time of the two), ``f1`` (frames), ``event_f1`` (bouts, one to one, IoU), ``onset_ms`` (median
        absolute), ``time_r, bouts_r`` (over recordings), ``n`` (samples both scored), ``n_recordings``. The interval
        of κ is over recordings, five or more; of a single one it is over blocks of its time, and speaks of that alone.
    classes : DataFrame
        One row per pair: κ over all classes with "none", for exclusive labels.
    alpha : Series
        Krippendorff's α per behaviour over all raters.
    """

    pairs: pd.DataFrame
    classes: pd.DataFrame
    alpha: pd.Series

    def __str__(self) -> str:
        columns = ["rater_a", "rater_b", "behaviour", "kappa", "kappa_low", "kappa_high", "pabak", "f1", "event_f1"]
        return self.pairs[columns].to_string(index=False, float_format=lambda v: f"{v:.3f}", na_rep="-")


def compare_raters(
    labels: Labels | Sequence[Labels],
    behaviours: Sequence[str] | None = None,
    *,
    time_s: ArrayLike | Sequence[ArrayLike] | None = None,
    fps: float | None = None,
    others: Others = "auto",
    iou: float = 0.5,
    block_s: float = 10.0,
    n_boot: int = 1000,
    seed: int = 0,
) -> RaterAgreement:
    """Compare all raters of one recording or of several, pooled.

    Parameters
    ----------
    labels : Labels or list of Labels
        One per recording, each with its raters.
    behaviours : sequence of str, optional
        All in use by default.
    time_s : array or list of arrays, optional
        Clock of each recording in seconds; by default frames at `fps` (or the labels' own) up to their end.
    fps : float, optional
        Frame rate; annotations in seconds need it or `time_s`.
    others, iou
        As in `score`; 0.5 here is the usual bar for "the same event".
    block_s, n_boot, seed
        Block bootstrap of κ within a single recording, see `cohen_kappa`. With several recordings the interval is
        over these (`bootstrap.jackknife_interval`): blocks would say nothing about other recordings.

    Raises
    ------
    DataError
        Fewer than two raters, or no clock.
    """
    many = [labels] if isinstance(labels, Labels) else list(labels)
    clocks = _clocks(many, time_s, fps, isinstance(labels, Labels))
    names = list(behaviours) if behaviours is not None else list(dict.fromkeys(b for x in many for b in x.behaviours))
    rated = [rater_states(x, t, names, others=others) for x, t in zip(many, clocks, strict=True)]
    raters = sorted({r for votes in rated for r in votes})
    if len(raters) < 2:
        fail(
            "agreement",
            "fewer than two raters",
            got=", ".join(raters) or "none",
            todo="join the raters' labels of a recording into one Labels",
        )
    boot = Boot(n_boot, seed)
    rows: list[dict[str, str | float]] = []
    classes: list[dict[str, str | float]] = []
    for one, two in combinations(raters, 2):
        shared = [
            Track(v[one], v[two], t, k)
            for k, (v, t) in enumerate(zip(rated, clocks, strict=True))
            if one in v and two in v
        ]
        if not shared:
            continue
        pair = {"rater_a": one, "rater_b": two}
        for b, name in enumerate(names):
            columns = [Track(x[:, p, b], y[:, p, b], t, k) for x, y, t, k in shared for p in range(x.shape[1])]
            rows.append({**pair, "behaviour": name, **_pair(columns, iou, block_s, boot)})
        codes = _class_codes(shared)
        if codes:
            classes.append({**pair, **_kappas(codes, len(names) + 1, block_s, boot)})
    return RaterAgreement(pd.DataFrame(rows), pd.DataFrame(classes), _alphas(rated, raters, names))


def _class_codes(shared: Sequence[Track]) -> list[Track]:
    """Two raters' labels as one code a frame and animal, with "none"; empty where behaviours overlap."""
    if any((x == 1).sum(2).max(initial=0) > 1 for both in shared for x in (both.a, both.b)):
        return []
    return [
        Track(frames.exclusive_codes(x)[:, p], frames.exclusive_codes(y)[:, p], t, k)
        for x, y, t, k in shared
        for p in range(x.shape[1])
    ]


def _clocks(
    many: list[Labels], time_s: ArrayLike | Sequence[ArrayLike] | None, fps: float | None, single: bool
) -> list[np.ndarray]:
    if time_s is not None:
        given = [cast("ArrayLike", time_s)] if single else cast("Sequence[ArrayLike]", time_s)
        return [np.asarray(t, np.float64) for t in given]
    out = []
    for labels in many:
        rate = labels.fps if fps is None else fps
        if not np.isfinite(rate):
            fail("agreement", "no clock", where=labels.source_file, todo="give fps or time_s")
        out.append(labels.clock(rate))
    return out


def _kappas(columns: Sequence[Track], n_classes: int, block_s: float, boot: Boot) -> dict[str, float | str]:
    """κ with its interval, PABAK and counts of all tracks together."""
    tables: dict[int, np.ndarray] = {}
    for x, y, _, recording in columns:
        tables[recording] = tables.get(recording, 0) + cross_tabulate(x, y, n_classes)
    by_recording = np.stack([table for table in tables.values() if table.sum()] or list(tables.values())[:1])
    low, high, over = _interval(columns, by_recording, n_classes, block_s, boot)
    whole = by_recording.sum(0)
    return {
        "kappa": float(kappa_of(whole)),
        "kappa_low": float(low),
        "kappa_high": float(high),
        "interval_over": over,
        "pabak": float(pabak_of(whole)),
        "n": int(whole.sum()),
        "n_recordings": len(by_recording),
    }


def _interval(
    columns: Sequence[Track], by_recording: np.ndarray, n_classes: int, block_s: float, boot: Boot
) -> tuple[float, float, str]:
    """Return low, high and what the interval is over, or why there is none."""
    n = len(by_recording)
    if n == 1:
        blocks = [
            _block_tables(x, y, n_classes, max(1, samples_in(block_s, rate_of(t)))) for x, y, t, _ in columns if x.size
        ]
        drawn = np.concatenate(blocks)
        drawn_limits = bootstrap.interval(drawn, kappa_of, n_boot=boot.n_boot, seed=boot.seed, min_groups=2)
        return float(drawn_limits[0]), float(drawn_limits[1]), "blocks of one recording"
    if n < bootstrap.MIN_GROUPS:
        return float("nan"), float("nan"), f"none: {n} recordings, {bootstrap.MIN_GROUPS} are needed"
    low, high = bootstrap.jackknife_interval(by_recording, kappa_of)
    return low, high, "recordings" if np.isfinite(low) else "none: agreement is complete in all but one or fewer"


def _pair(columns: Sequence[Track], iou: float, block_s: float, boot: Boot) -> dict[str, float | str]:
    """Compare two raters on one behaviour over the tracks of all recordings."""
    cells, events = np.zeros(4), np.zeros(4)
    late, seconds, numbers = [], [], []
    for x, y, time, _ in columns:
        both = (x != UNLABELLED) & (y != UNLABELLED)
        x, y = np.where(both, x, UNLABELLED), np.where(both, y, UNLABELLED)
        cells += frames.counts(x[:, None], y[:, None])[0]
        errors = bouts.compare_bouts(x, y, time, iou)
        m = errors.n_matched
        events += (m, errors.n_predicted - m, errors.n_truth - m, 0)
        late.append(np.abs(errors.onset_ms))
        width = sample_stops(time) - time
        seconds.append((width[x == 1].sum(), width[y == 1].sum()))
        numbers.append((errors.n_truth, errors.n_predicted))
    onset = np.concatenate(late)
    tp, fp, fn, _ = cells
    return {
        **_kappas(columns, 2, block_s, boot),
        "prevalence": float(frames.ratio(2 * tp + fp + fn, 2 * cells.sum())),
        "f1": float(frames.f1_of(cells)),
        "event_f1": float(frames.f1_of(events)),
        "onset_ms": float(np.median(onset)) if onset.size else np.nan,
        "time_r": totals.correlation(*np.transpose(seconds)),
        "bouts_r": totals.correlation(*np.transpose(numbers)),
    }


def _alphas(rated: list[dict[str, np.ndarray]], raters: list[str], names: list[str]) -> pd.Series:
    values = {}
    for b, name in enumerate(names):
        parts = []
        for votes in rated:
            shape = next(iter(votes.values())).shape[:2]
            absent = np.full(shape[0] * shape[1], UNLABELLED)
            parts.append(np.stack([votes[r][..., b].ravel() if r in votes else absent for r in raters]))
        values[name] = krippendorff_alpha(np.concatenate(parts, axis=1), 2)
    return pd.Series(values, name="alpha", dtype=float)


__all__ = [
    "RaterAgreement",
    "cohen_kappa",
    "compare_raters",
    "consensus",
    "kappa_of",
    "krippendorff_alpha",
    "pabak_of",
    "rater_states",
    "cross_tabulate",
]
