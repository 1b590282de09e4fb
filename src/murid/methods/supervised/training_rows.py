"""Labelled frames as material to learn from: whose they are, their weights, and what each fold holds out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from murid.data.bouts import EVERYONE
from murid.data.clock import even_parts, spans
from murid.data.errors import Faults, fail
from murid.data.labels import LabelChoice, Labels, Others
from murid.data.meet import only_animal
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.states import UNLABELLED
from murid.data.warning import warn_user
from murid.evaluate import folds
from murid.evaluate.raters import unwatched_end

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """One subject of one recording as training data.

    Attributes
    ----------
    recording : Recording
    subject : str
        Individual, or ``"all"``.
    rows : int array (n,)
        Frames learnt from.
    time_s : array (n,)
    targets : int8 array (n, behaviour)
    weights : float32 array (n,)
    mirrored : bool
        The same frames as seen in a mirror (augmentation): learnt from, never scored.
    """

    recording: Recording
    subject: str
    rows: np.ndarray
    time_s: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    mirrored: bool = False


@dataclass(frozen=True)
class LabelledFrames:
    """All labelled frames of a training set, and how their labels behave.

    Attributes
    ----------
    samples : list of Sample
    behaviours : tuple of str
        Order of the targets.
    per_individual : bool
        Labels belong to single animals, not to all together.
    exclusive, exhaustive : bool
        At most one behaviour at a time; and always one.
    """

    samples: tuple[Sample, ...]
    behaviours: tuple[str, ...]
    per_individual: bool
    exclusive: bool
    exhaustive: bool

    @property
    def recordings(self) -> list[Recording]:
        """Recordings that are learnt from, once each."""
        return list({s.recording.id: s.recording for s in self.samples}.values())


@dataclass(frozen=True)
class Material:
    """All rows a method learns from, one sample after the other, and which of them each fold holds out.

    Attributes
    ----------
    samples : list of Sample
    behaviours : tuple of str
        Columns of `targets`.
    feature_names : tuple of str
    features : float32 array (row, feature)
    held_out : list of bool arrays (row,)
    """

    samples: Sequence[Sample]
    behaviours: tuple[str, ...]
    feature_names: tuple[str, ...]
    features: Floats
    held_out: Sequence[np.ndarray]

    @property
    def targets(self) -> np.ndarray:
        """int8 array (row, behaviour): 1 present, 0 absent, −1 unlabelled."""
        return np.concatenate([s.targets for s in self.samples])

    @property
    def weights(self) -> Floats:
        """float32 array (row,)."""
        return np.concatenate([s.weights for s in self.samples])

    @property
    def sample_of(self) -> np.ndarray:
        """Number of the sample each row belongs to, (row,)."""
        return np.repeat(np.arange(len(self.samples)), [len(s.rows) for s in self.samples])

    @property
    def animals(self) -> np.ndarray:
        """Animal of each row, (row,)."""
        return np.concatenate([np.full(len(s.rows), s.recording.animal) for s in self.samples])

    @property
    def time_s(self) -> np.ndarray:
        """Time of each row within its recording, s."""
        return np.concatenate([s.time_s for s in self.samples])

    @property
    def scored(self) -> np.ndarray:
        """Rows as they were recorded, not their mirror images; bool (row,)."""
        return np.concatenate([np.full(len(s.rows), not s.mirrored) for s in self.samples])

    def only(self, columns: Sequence[int]) -> Material:
        """The same rows with some of the behaviours."""
        samples = [replace(s, targets=s.targets[:, list(columns)]) for s in self.samples]
        return replace(self, samples=samples, behaviours=tuple(self.behaviours[c] for c in columns))


def labelled_frames(
    recordings: Sequence[Recording], choice: LabelChoice, *, sample_hz: float, exponent: float, name: str
) -> LabelledFrames:
    """Collect the labelled frames of recordings.

    Parameters
    ----------
    recordings : sequence of Recording
        With poses; those without labels, or without the chosen rater or stream, are left out.
    choice : LabelChoice
        Which labels are meant.
    sample_hz : float
        Frames taken per second; infinity = all.
    exponent : float
        See `bout_weights`.
    name : str
        Of the method, for messages.

    Notes
    -----
    Where the labels of some recording are of single animals they are so in all, and an animal that was watched and
    did nothing is an example of absence (see `watched`).

    Raises
    ------
    DataError
        No labelled frames, behaviours that nobody labelled, labels of animals that the poses do not have.
    """
    labels = {}
    for recording in with_labels(recordings, choice):
        labels[recording.id] = chosen_labels(recording, choice)
        recording.forget()  # never the poses of all of them in memory
    chosen = [r for r in recordings if r.id in labels]
    labels = _one_stream(labels, choice.behaviours)
    behaviours = _behaviours(labels, choice, name)
    subjects = watched(chosen, labels, name)
    samples = _samples(chosen, labels, subjects, behaviours, choice.others, sample_hz, exponent)
    if not samples:
        fail(
            f"labels for '{name}'",
            "no labelled frames",
            expected=f"frames scored for {', '.join(behaviours)}",
            todo="check that labels and poses share one clock and fps",
        )
    stack = np.concatenate([s.targets for s in samples])
    present = (stack[(stack != UNLABELLED).all(axis=1)] == 1).sum(axis=1)
    exclusive = len(behaviours) > 1 and bool((present <= 1).all())
    individual = any(s.subject != EVERYONE for s in samples)
    return LabelledFrames(
        tuple(samples), tuple(behaviours), individual, exclusive, exclusive and bool((present == 1).all())
    )


def _samples(
    recordings: Sequence[Recording],
    labels: dict[str, Labels],
    subjects: dict[str, list[str]],
    behaviours: Sequence[str],
    others: Others,
    sample_hz: float,
    exponent: float,
) -> list[Sample]:
    """One sample for each watched subject that has labelled frames; one warning for what was noticed on the way."""
    samples: list[Sample] = []
    remarks: list[tuple[str, str]] = []
    for recording in recordings:
        people = subjects[recording.id]
        if not people:
            continue
        time = recording.need("poses")["time"].values
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            states = labels[recording.id].to_states(time, behaviours, others=others, individuals=people)
        remarks += [(recording.id, str(w.message)) for w in caught]
        end = unwatched_end(labels[recording.id])
        remarks += [(recording.id, end)] if end else []
        for i, subject in enumerate(people):
            targets = states.values[:, i]
            rows = sampled_rows(time, sample_hz)
            rows = rows[(targets[rows] != UNLABELLED).any(axis=1)]
            if rows.size:
                weights = bout_weights(targets, time, exponent)[rows]
                samples.append(Sample(recording, subject, rows, time[rows], targets[rows], weights))
        recording.forget()
    _warn_once(remarks)
    return samples


def chosen_labels(recording: Recording, choice: LabelChoice) -> Labels:
    """Return the chosen labels of a recording, its only animal named as in the poses."""
    labels = choice.select(recording.need("labels"))
    return only_animal(labels, individual_names(recording.need("poses"))) if recording.has("poses") else labels


def with_labels(recordings: Sequence[Recording], choice: LabelChoice) -> list[Recording]:
    """Recordings labelled by the chosen rater in the chosen stream; warns of those that are left out."""
    keep: list[Recording] = []
    out: list[Recording] = []
    for recording in recordings:
        if not recording.has("labels"):
            continue
        labels = recording.need("labels")
        known = (choice.rater is None or choice.rater in labels.raters) and (
            choice.stream is None or choice.stream in labels.streams
        )
        (keep if known else out).append(recording)
    if out and keep:
        warn_user(
            f"not learnt from, because they lack rater '{choice.rater}' or stream '{choice.stream}': "
            f"{', '.join(r.id for r in out)}"
        )
    return keep or out


def _one_stream(labels: dict[str, Labels], behaviours: Sequence[str] | None) -> dict[str, Labels]:
    """The stream that holds the behaviours; in a recording without any bout of them, the one of the others."""
    wanted = set(behaviours or ())
    silent = {k for k, v in labels.items() if len(v.streams) > 1 and wanted and not wanted & set(v.bouts["label"])}
    out = {k: v if k in silent else v.stream_with(behaviours) for k, v in labels.items()}
    usual = {s for k, v in out.items() if k not in silent for s in v.streams}
    for k in silent:
        known = [s for s in labels[k].streams if s in usual]
        out[k] = labels[k].select(stream=known[0]) if known else labels[k].stream_with(behaviours)
    return out


def _behaviours(labels: dict[str, Labels], choice: LabelChoice, name: str) -> list[str]:
    """Behaviours to learn: those asked for, or all in use in the order of the first recording that has them."""
    used = list(dict.fromkeys(b for one in labels.values() for b in one.behaviours))
    wanted = list(choice.behaviours) if choice.behaviours else used
    missing = [b for b in wanted if b not in used]
    if missing or not wanted:
        fail(
            f"labels for '{name}'",
            f"nobody labelled {', '.join(missing) or 'anything'}",
            expected="labelled behaviours",
            got=", ".join(used) or "no bouts",
            todo="check the spelling in behaviours=, or label some bouts",
        )
    return wanted


def watched(recordings: Sequence[Recording], labels: dict[str, Labels], name: str) -> dict[str, list[str]]:
    """Whom each recording's labels are about, named as in its poses.

    Where no label names an animal: ``["all"]``. Otherwise every animal that is named somewhere in the training
    set counts as watched in every recording it is tracked in. Where raters named several animals of one recording,
    animals whose names occur in one recording only count as watched too. Others are left out, with a warning.

    Raises
    ------
    DataError
        Listing labels of animals that the poses do not have.
    """
    named = {k: [p for p in one.individuals if p != EVERYONE] for k, one in labels.items()}
    if not any(named.values()):
        return {r.id: [EVERYONE] for r in recordings}
    people = {}
    for recording in recordings:
        people[recording.id] = individual_names(recording.need("poses"))
        recording.forget()
    faults = Faults(f"labels for '{name}'")
    for k, names in named.items():
        strange = [p for p in names if p not in people[k]]
        if strange:
            faults.add(
                f"labels of {', '.join(strange)}, which the poses do not have",
                where=k,
                expected=", ".join(people[k]),
                todo="name the animals alike in poses and labels",
            )
    faults.raise_if_any()
    known = {p for names in named.values() for p in names}
    several = any(len(names) > 1 for names in named.values())
    times = pd.Series([p for names in people.values() for p in names]).value_counts()
    out: dict[str, list[str]] = {}
    unwatched: list[str] = []
    for k, names in people.items():
        # The only animal of a recording with labels is the one that was watched.
        out[k] = names if len(names) == 1 else [p for p in names if p in known or (several and times[p] == 1)]
        unwatched += [f"{p} in {k}" for p in names if p not in out[k]]
    if unwatched:
        warn_user(
            f"method '{name}': animals that no label names are not learnt from: {', '.join(unwatched[:10])}"
            f"{' …' if len(unwatched) > 10 else ''}"
        )
    return out


def sampled_rows(time_s: np.ndarray, sample_hz: float) -> np.ndarray:
    """Return the frames that learning looks at, about `sample_hz` of them a second wherever the animal is filmed.

    Each stretch of one frame rate without a pause (`murid.data.clock.even_parts`) begins with its first frame and gives
    every k-th from there, k by its own rate: a second weighs the same at 25 and at 100 frames/s, and no step leads
    across a pause.

    Parameters
    ----------
    time_s : array (frame,)
        Clock, s.
    sample_hz : float
        Rows a second; infinite for every frame.

    Returns
    -------
    int array (row,)
    """
    parts = [
        np.arange(start, stop, max(1, round(rate / sample_hz)) if stop - start > 1 else 1)
        for start, stop, rate in even_parts(time_s)
    ]
    return np.concatenate(parts) if parts else np.arange(0)


def bout_weights(targets: np.ndarray, time_s: np.ndarray, exponent: float) -> np.ndarray:
    """Return the weight of each frame, ``(bout seconds) ** -exponent``, mean 1 over labelled frames.

    A bout is a run of frames with the same labels, so that a long rest does not drown ten attacks.
    """
    span = np.nan_to_num(spans(time_s), nan=1.0)
    change = np.flatnonzero((targets[1:] != targets[:-1]).any(axis=1)) + 1
    edges = np.concatenate([[0], change, [len(targets)]])
    lengths = np.diff(edges)
    seconds = np.add.reduceat(span, edges[:-1]) if len(span) else span
    weights = np.repeat(seconds**-exponent, lengths).astype(np.float32)
    labelled = (targets != UNLABELLED).any(axis=1)
    return weights / weights[labelled].mean() if labelled.any() else weights


def held_out_rows(samples: Sequence[Sample], *, by: str, n_folds: int, seed: int, name: str) -> list[np.ndarray]:
    """Rows that each fold holds out, as masks: whole animals, or blocks where there is only one.

    Parameters
    ----------
    samples : sequence of Sample
    by : {"animal", "recording"}
        What is never split.
    n_folds, seed : int
    name : str
        Of the method, for messages.

    Raises
    ------
    DataError
        No fold leaves any behaviour present and absent in the rows to learn from.
    """
    key = "animal" if by == "animal" else "id"
    targets = np.concatenate([s.targets for s in samples])
    groups = np.concatenate([np.full(len(s.rows), getattr(s.recording, key)) for s in samples])
    if len(set(groups)) < 2:
        warn_user(
            f"method '{name}': all labels are of one {by}; out-of-fold scores come from blocks of the same recording "
            "and are optimistic"
        )
        groups = np.concatenate([_blocks(s) for s in samples])
    held_out = group_folds(groups, targets, n_folds, seed)
    held_out = [held for held in held_out if learnable(targets[~held]).any()]
    if not held_out:
        fail(
            f"labels for '{name}'",
            "no fold holds any behaviour",
            got=f"{len(set(groups))} groups",
            todo="label every behaviour in at least two animals, or use group_by='recording'",
        )
    return held_out


def _blocks(sample: Sample) -> np.ndarray:
    """Contiguous blocks of one recording, ten of them."""
    n = len(sample.rows)
    return np.char.add(f"{sample.recording.id}:", (np.arange(n) * 10 // max(n, 1)).astype(str))


def group_folds(groups: np.ndarray, targets: np.ndarray, n_folds: int, seed: int) -> list[np.ndarray]:
    """Boolean masks of held-out rows; whole groups, each class spread over the folds."""
    names, index = np.unique(groups, return_inverse=True)
    amounts = np.zeros((len(names), targets.shape[1]))
    np.add.at(amounts, index, targets == 1)
    split = folds.grouped_items(
        names.tolist(), pd.DataFrame(amounts), min(n_folds, len(names)), seed=seed, rare="ignore"
    )
    return [np.isin(index, fold.test) for fold in split]


def learnable(targets: np.ndarray) -> np.ndarray:
    """Which behaviours are both present and absent in some row, bool ``(behaviour,)``."""
    return (targets == 1).any(axis=0) & (targets == 0).any(axis=0)


def _warn_once(remarks: Sequence[tuple[str, str]]) -> None:
    """One warning for what was noticed in several recordings, with the first remark as it was."""
    if remarks:
        ids = list(dict.fromkeys(name for name, _ in remarks))
        more = (
            f" (and so in {len(ids) - 1} more: {', '.join(ids[1:6])}{' …' if len(ids) > 6 else ''})" if ids[1:] else ""
        )
        warn_user(f"{ids[0]}: {remarks[0][1]}{more}")


__all__ = [
    "LabelledFrames",
    "Material",
    "Sample",
    "bout_weights",
    "group_folds",
    "held_out_rows",
    "labelled_frames",
    "learnable",
    "sampled_rows",
    "watched",
    "with_labels",
]
