"""Honest splits: no animal (or recording, or rater) on both sides, rare behaviours in every fold.

Neighbouring frames are near copies of each other. A split by random frames asks a model to recognise what it
has seen 40 ms before; it is offered only as `leaky_frames`, to show by how much it flatters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from murid.data.errors import Faults, fail
from murid.data.recording import Recording
from murid.data.warning import warn_user

By = str | Callable[[Recording], str] | Sequence[str]

#: Seeded attempts at a split, of which the most even is kept. More hardly ever finds a better one.
ATTEMPTS = 20


@dataclass(frozen=True)
class Fold:
    """One train/test split of recordings, by index.

    Attributes
    ----------
    train, test : tuple of int
        Indices into the recordings given.
    groups : tuple of str
        Groups (animals, …) on the test side.

    Examples
    --------
    >>> Fold((0, 1), (2,), ("a3",)).split(["r1", "r2", "r3"])
    (['r1', 'r2'], ['r3'])
    """

    train: tuple[int, ...]
    test: tuple[int, ...]
    groups: tuple[str, ...]

    def split(self, items: Sequence) -> tuple[list, list]:
        """Return the items of the train and of the test side."""
        return [items[i] for i in self.train], [items[i] for i in self.test]


def grouped(
    recordings: Sequence[Recording],
    n_folds: int = 5,
    *,
    by: By = "animal",
    behaviours: Sequence[str] | None = None,
    stream: str | None = None,
    seed: int = 0,
    rare: str = "error",
) -> list[Fold]:
    """Split recordings into folds that share no group.

    Parameters
    ----------
    recordings : sequence of Recording
        With labels, the seconds of each behaviour are balanced over the folds; without, recordings only.
    n_folds : int
        Folds; each group is tested exactly once. As many folds as groups = leave one group out.
    by : {"animal", "id", "group", "day", "session", "rater"}, callable or sequence of str
        What must not be on both sides. "rater": the rater of a recording's labels.
    behaviours : sequence of str, optional
        Behaviours to balance; all in use by default.
    stream : str, optional
        Stream (channel) of the labels to balance; without `behaviours` the first by default, as in learning.
    seed : int
        Seed; the same seed gives the same folds.
    rare : {"error", "warn", "ignore"}
        What to do when a behaviour occurs in one group only and so can be trained on or tested, never both.

    Returns
    -------
    list of Fold

    Raises
    ------
    DataError
        Fewer groups than folds; behaviours that occur in one group only (named, with the group).

    Examples
    --------
    >>> from murid import Recording
    >>> recordings = [Recording(f"r{k}", animal=f"a{k // 2}") for k in range(6)]
    >>> [fold.groups for fold in grouped(recordings, 3)]
    [('a1',), ('a0',), ('a2',)]
    """
    names = groups_of_recordings(recordings, by)
    seconds = behaviour_seconds(recordings, behaviours, stream)
    return grouped_items(names, seconds, n_folds, seed=seed, rare=rare)


def grouped_items(
    groups: Sequence[str],
    amounts: pd.DataFrame | None = None,
    n_folds: int = 5,
    *,
    seed: int = 0,
    rare: str = "error",
) -> list[Fold]:
    """Split any items by group; `grouped` for what is not a Recording.

    Parameters
    ----------
    groups : sequence of str
        Group of each item.
    amounts : DataFrame (item, class), optional
        How much of each class an item holds (seconds, frames, bouts).
    n_folds, seed, rare
        As in `grouped`.
    """
    names, index = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    classes = [] if amounts is None else [str(c) for c in amounts.columns]
    per_item = np.zeros((len(groups), 0)) if amounts is None else amounts.to_numpy(np.float64)
    per_group = np.zeros((names.size, len(classes)))
    np.add.at(per_group, index, per_item)
    _check(names, per_group, classes, n_folds, rare)
    size = np.bincount(index).astype(np.float64)
    streams = np.random.SeedSequence(seed).spawn(ATTEMPTS)
    tries = [_assign(per_group, size, n_folds, np.random.default_rng(s)) for s in streams]
    fold_of = min(tries, key=lambda f: _unevenness(f, per_group, size, n_folds))
    folds = []
    for k in range(n_folds):
        test = fold_of[index] == k
        folds.append(
            Fold(
                tuple(np.flatnonzero(~test).tolist()),
                tuple(np.flatnonzero(test).tolist()),
                tuple(names[fold_of == k].tolist()),
            )
        )
    return folds


def groups_of_recordings(recordings: Sequence[Recording], by: By = "animal") -> list[str]:
    """Return the group of each recording; see `grouped`."""
    if callable(by):
        return [str(by(r)) for r in recordings]
    if not isinstance(by, str):
        if len(by) != len(recordings):
            fail("folds", "one group per recording is needed", expected=str(len(recordings)), got=str(len(by)))
        return [str(g) for g in by]
    if by == "rater":
        return [_rater(r) for r in recordings]
    if by not in ("animal", "id", "group", "day", "session"):
        fail(
            "folds", f"cannot split by '{by}'", expected="animal, id, group, day, session, rater, a function or a list"
        )
    return [str(getattr(r, by)) for r in recordings]


def _rater(recording: Recording) -> str:
    raters = recording.need("labels").raters
    if len(raters) != 1:
        fail(
            f"recording '{recording.id}'",
            "has several raters",
            got=", ".join(raters),
            todo="make one recording per rater: recording.replace(labels=labels.select(rater=...))",
        )
    return raters[0]


def behaviour_seconds(
    recordings: Sequence[Recording], behaviours: Sequence[str] | None = None, stream: str | None = None
) -> pd.DataFrame:
    """Return the labelled seconds of each behaviour in each recording, ``(recording, behaviour)``.

    Without `behaviours`, all of `stream`, which must be named where there are several.
    """
    rows: list[dict[str, float]] = []
    for recording in recordings:
        if not recording.has("labels") or recording.need("labels").bouts.empty:
            rows.append({})
            continue
        labels = recording.need("labels")
        if stream is not None:
            labels = labels.select(stream=stream)
        elif behaviours is None:
            labels = labels.stream_with(None)
        bouts = labels.bouts
        used = labels.behaviours if behaviours is None else list(behaviours)
        length = (bouts["stop_s"] - bouts["start_s"]).groupby(bouts["label"]).sum()
        rows.append({name: float(length[name]) for name in used if name in length.index})
    table = pd.DataFrame(rows, index=range(len(recordings))).fillna(0.0)
    wanted = list(behaviours) if behaviours is not None else sorted(table.columns)
    return table.reindex(columns=wanted, fill_value=0.0)


def _check(names: np.ndarray, per_group: np.ndarray, classes: list[str], n_folds: int, rare: str) -> None:
    faults = Faults("folds")
    if n_folds < 2:
        faults.add("n_folds is not valid", expected=">= 2", got=str(n_folds))
    if names.size < n_folds:
        faults.add(
            "fewer groups than folds",
            expected=f">= {n_folds} groups",
            got=f"{names.size}: {', '.join(names)}",
            todo="use fewer folds, or split by recording",
        )
    if rare not in ("error", "warn", "ignore"):
        faults.add("rare is not valid", expected="error, warn or ignore", got=repr(rare))
    holders = (per_group > 0).sum(axis=0)
    scarce = [(c, k) for k, c in enumerate(classes) if holders[k] < 2]
    if rare == "error":
        for name, k in scarce:
            where = names[per_group[:, k] > 0]
            faults.add(
                f"'{name}' occurs in {'one group only' if where.size else 'no group'}",
                expected="at least 2 groups",
                got=", ".join(where) or "none",
                todo="leave it out with `behaviours`, label it in more animals, or pass rare='warn'",
            )
    faults.raise_if_any()
    if rare == "warn" and scarce:
        listed = ", ".join(name for name, _ in scarce)
        warn_user(f"behaviours in fewer than 2 groups, never trained and tested at once: {listed}")


def _assign(per_group: np.ndarray, size: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Give each group a fold: rarest class first, its largest holder to the fold that has least of it."""
    n = size.size
    fold_of = np.full(n, -1)
    share = per_group / np.where(per_group.sum(0) > 0, per_group.sum(0), 1.0)
    load, held = np.zeros(n_folds), np.zeros((n_folds, per_group.shape[1]))
    tie = rng.random(n)
    most = -(-n // n_folds)
    while (fold_of < 0).any():
        free = fold_of < 0
        holders = ((share > 0) & free[:, None]).sum(0)
        open_classes = np.flatnonzero(holders > 0)
        if open_classes.size:
            k = open_classes[np.argmin(holders[open_classes])]
            candidates = np.flatnonzero(free & (share[:, k] > 0))
            pick = candidates[np.lexsort((tie[candidates], -share[candidates, k]))[0]]
            keys = [rng.random(n_folds), load, held[:, k], (held[:, k] > 0).astype(float)]
        else:
            candidates = np.flatnonzero(free)
            pick = candidates[np.lexsort((tie[candidates], -size[candidates]))[0]]
            keys = [rng.random(n_folds), load]
        order = np.lexsort(keys)
        groups_in = np.bincount(fold_of[fold_of >= 0], minlength=n_folds)
        empty = (groups_in == 0).sum()
        allowed = groups_in < most if (~free).sum() + empty < n else groups_in == 0
        fold = next(f for f in order if allowed[f])
        fold_of[pick] = fold
        load[fold] += size[pick]
        held[fold] += share[pick]
    return fold_of


def _unevenness(fold_of: np.ndarray, per_group: np.ndarray, size: np.ndarray, n_folds: int) -> tuple[int, float]:
    """Count (fold, class) pairs that lack the class on either side, then how uneven classes and sizes are."""
    held = np.zeros((n_folds, per_group.shape[1]))
    np.add.at(held, fold_of, per_group)
    total = held.sum(0)
    lacking = int((held == 0).sum() + ((total - held) == 0).sum())
    share = held / np.where(total > 0, total, 1.0)
    load = np.bincount(fold_of, size, n_folds) / size.sum()
    return lacking, float(share.std(axis=0).sum() + load.std())


def leaky_frames(n_frames: int, n_folds: int = 5, *, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split *frames* at random: LEAKY, never to be reported as performance.

    Test frames lie between training frames of the same bout of the same animal. Kept because several tools
    report this number; compute both and show the difference.

    Returns
    -------
    list of (train, test)
        Frame indices. Warns every time.
    """
    warn_user(
        "leaky_frames: neighbouring frames are on both sides, so the score will be too good; "
        "use folds.grouped() for any number that you report"
    )
    if not 2 <= n_folds <= n_frames:
        fail("leaky_frames", "n_folds is not valid", expected=f"2..{n_frames}", got=str(n_folds))
    order = np.random.default_rng(seed).permutation(n_frames)
    parts = np.array_split(order, n_folds)
    return [(np.sort(np.concatenate(parts[:k] + parts[k + 1 :])), np.sort(parts[k])) for k in range(n_folds)]
