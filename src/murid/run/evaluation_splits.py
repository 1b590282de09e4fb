"""Which recordings an evaluation learns from and which it is tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import pandas as pd

from murid.data.errors import Faults, fail
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.copies import add_copies

#: Usual number of folds: enough to learn from four fifths of the animals.
DEFAULT_FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Recordings to learn from and to be tested on."""

    train: tuple[str, ...]
    test: tuple[str, ...]


def untrained_split(study: Study, test: Sequence[str] | None, ids: Sequence[str] | None) -> list[Split]:
    """All labelled recordings, tested without training: what is written down needs none."""
    recordings = _labelled_ones(study, ids if test is None else test)
    _refuse_copies(recordings)
    for recording in recordings:
        recording.forget()
    return [Split((), tuple(r.id for r in recordings))]


def _labelled_ones(study: Study, ids: Sequence[str] | None) -> list[Recording]:
    """Recordings with labels, in the order of their names."""
    recordings = sorted((r for r in study.recordings(ids) if r.has("labels")), key=lambda r: r.id)
    if not recordings:
        fail(
            f"study {study.folder}",
            "no recording has labels",
            todo=f"add them with: murid add {study.folder} --labels FOLDER (Python: add_files(study, labels=[...]))",
        )
    return recordings


def splits_of(
    study: Study,
    group: str,
    folds: int | None,
    train: Sequence[str] | None,
    test: Sequence[str] | None,
    ids: Sequence[str] | None,
    behaviours: Sequence[str] | None,
    stream: str | None,
    rare: str,
    seed: int,
) -> list[Split]:
    """Return the split that was given, or folds by `group`, the same whatever the order of the study."""
    if train is not None or test is not None:
        split = _explicit(study, train or (), test or (), group)
        _refuse_copies([study[i] for i in (*split.train, *split.test)])
        return [split]
    from murid.evaluate import grouped
    from murid.evaluate.folds import groups_of_recordings

    recordings = _labelled_ones(study, ids)
    _refuse_copies(recordings)
    n_groups = len(set(groups_of_recordings(recordings, group)))
    folds = min(DEFAULT_FOLDS, max(2, n_groups)) if folds is None else folds
    if n_groups < folds:
        _refuse_folds(group, n_groups, folds, len(recordings))
    splits = grouped(recordings, folds, by=group, behaviours=behaviours, stream=stream, seed=seed, rare=rare)
    for recording in recordings:
        recording.forget()
    at = lambda side: tuple(recordings[i].id for i in side)  # noqa: E731
    return [Split(at(fold.train), at(fold.test)) for fold in splits]


def _refuse_folds(group: str, n_groups: int, folds: int, n_recordings: int) -> NoReturn:
    """Say what can be done where a method cannot be tested on animals that it has not seen."""
    fewer = f"--folds {n_groups} (Python: folds={n_groups}), or " if n_groups >= 2 else ""
    by_recording = f"split by recording, which says less of new {group}s: --group id (Python: group='id')"
    can = group != "id" and n_recordings >= 2
    fail(
        "evaluate",
        f"fewer {group}s than folds",
        expected=f">= {folds} with labels",
        got=str(n_groups),
        todo=f"{fewer}{by_recording}" if can else f"{fewer}label further {group}s",
    )


def _refuse_copies(recordings: Sequence[Recording]) -> None:
    """Refuse one animal under several names: it would be learnt from and tested on."""
    faults = Faults("evaluate")
    add_copies(faults, recordings)
    faults.raise_if_any()


def _explicit(study: Study, train: Sequence[str], test: Sequence[str], group: str) -> Split:
    """Check a split that was given."""
    from murid.evaluate.folds import groups_of_recordings

    faults = Faults("split")
    for side, ids in (("train", train), ("test", test)):
        if not ids:
            faults.add(f"no {side} recordings", expected="give both train and test")
    for recording_id in [i for i in train if i in set(test)]:
        faults.add(f"recording '{recording_id}' is on both sides")
    faults.raise_if_any()
    sides = [set(groups_of_recordings(study.recordings(ids), group)) for ids in (train, test)]
    for shared in sorted(sides[0] & sides[1]):
        faults.add(f"{group} '{shared}' is on both sides", todo="move its recordings to one side, or use group='id'")
    faults.raise_if_any()
    return Split(tuple(train), tuple(test))


def fold_table(study: Study, splits: Sequence[Split]) -> pd.DataFrame:
    """Return who was on which side of each fold: ``fold, side, recording, animal``."""
    animal = study.table.set_index("id")["animal"]
    rows = [
        {"fold": k, "side": side, "recording": recording_id, "animal": animal[recording_id]}
        for k, split in enumerate(splits, 1)
        for side, ids in (("train", split.train), ("test", split.test))
        for recording_id in ids
    ]
    return pd.DataFrame(rows)
