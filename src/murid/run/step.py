"""Step: one piece of work with a name, a function, its parameters and its inputs.

The function is pure: it sees its inputs and parameters and nothing else, and returns a value that
the store can keep (`murid.run.store`). Then ``key = hash(code, parameters, inputs, seed)`` names the
result, and a step whose result is there is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from murid.data.atomic import appears
from murid.data.errors import DataError, Fault, Faults, fail
from murid.data.labels import Labels
from murid.data.recording import NOUNS, Recording
from murid.data.study import Study
from murid.run.keys import code_version, digest, file_digest


class Input(Protocol):
    """Something a step reads: it has a fingerprint before it is opened."""

    def fingerprint(self) -> Any:
        """Return a plain value that changes when the content does."""

    def open(self) -> Any:
        """Return what the step's function is given."""


@dataclass(frozen=True)
class RecordingInput:
    """A recording of a study, with the nouns and keys the step may see, and no others.

    Parameters
    ----------
    folder : Path
        The study.
    id : str
        The recording.
    nouns : tuple of str
        What the step needs; nouns that the recording lacks are simply absent.
    keys : tuple of str
        Which of ``animal, group, day, session`` the step sees. Leave ``group`` out where the result
        does not depend on it: then a corrected group does not make the result stale.
    columns : tuple of str
        Which further columns of ``recordings.csv`` the step sees as ``recording.meta``. None by default: a note
        beside a recording makes no result stale.
    rater : str
        Whose labels the step sees; of all raters when "". Then what another rater changes makes no result stale.
    """

    folder: Path
    id: str
    nouns: tuple[str, ...] = ("poses",)
    keys: tuple[str, ...] = ("animal",)
    columns: tuple[str, ...] = ()
    rater: str = ""

    def fingerprint(self) -> dict[str, Any]:
        """Hashes of the nouns' files, the keys, the roles and the declared columns of the recording."""
        study, recording = Study.open_one(self.folder, self.id)
        parts: dict[str, Any] = {"id": self.id, "roles": dict(recording.roles), "meta": self._seen(recording)}
        parts.update({key: getattr(recording, key) for key in self.keys})
        for noun in self.nouns:
            if recording.has(noun):
                path = study.path_of(self.id, noun)
                if noun == "video" and not path.exists():
                    # A step that reads it fails with a message; one that only might read it is not affected.
                    parts[noun] = "missing"
                    continue
                if noun != "video" and not appears(path, path.parent):
                    fail(
                        f"recording '{self.id}'",
                        f"{noun} file is missing",
                        where=str(path),
                        todo="it was deleted or moved; add the recording again with --replace",
                    )
                parts[noun] = file_digest(path)
        if self.rater and "labels" in parts:
            parts |= {"rater": self.rater, "labels": _labels_digest(recording, parts["labels"], self.rater)}
        return parts

    def open(self) -> Recording:
        """Return the recording reduced to the declared nouns and keys."""
        _, recording = Study.open_one(self.folder, self.id)
        hidden: dict[str, Any] = {noun: None for noun in NOUNS if noun not in self.nouns}
        hidden.update({key: "" for key in ("animal", "group", "day", "session") if key not in self.keys})
        if self.rater and "labels" in self.nouns and recording.has("labels"):
            hidden["labels"] = partial(_labels_of, recording, self.rater)
        return recording.replace(**hidden, meta=self._seen(recording))

    def _seen(self, recording: Recording) -> dict[str, Any]:
        """The declared columns of the recording's row."""
        return {name: value for name, value in recording.meta.items() if name in self.columns}


def _labels_of(recording: Recording, rater: str) -> Labels:
    """The labels of one rater; all of them where that one has none, so that what reads them says so."""
    labels = recording.need("labels")
    return labels.select(rater=rater) if rater in labels.raters else labels


def _labels_digest(recording: Recording, of_files: str, rater: str) -> str:
    """Fingerprint of what one rater wrote, kept for the files as they are."""
    if (of_files, rater) not in _of_rater:
        labels = _labels_of(recording, rater)
        tables = [labels.bouts.to_json(orient="split"), labels.scored.to_json(orient="split")]
        _of_rater[of_files, rater] = digest([*tables, labels.exclusive, list(labels.vocabulary), labels.fps])
    return _of_rater[of_files, rater]


#: Fingerprints of `_labels_digest` by the fingerprint of the files and the rater.
_of_rater: dict[tuple[str, str], str] = {}


@dataclass(frozen=True)
class FileInput:
    """A file or folder; the step is given its path."""

    path: Path

    def fingerprint(self) -> str:
        """Hash of the content."""
        if not self.path.exists():
            fail("step", "input is missing", where=str(self.path), todo="check the path")
        return file_digest(self.path)

    def open(self) -> Path:
        """Return the path."""
        return self.path


@dataclass(frozen=True)
class Step:
    """One piece of work.

    Parameters
    ----------
    name : str
        What it is called in progress, log and cache: ``"quality"``.
    function : callable
        Importable by name (so that other processes find it); called with the opened inputs and the
        parameters as keywords.
    inputs : mapping of str to Input, Step, or sequence of these
        What it is given. A Step stands for its result.
    params : mapping
        Plain values.
    seed : int, optional
        Passed on as keyword ``seed``.
    recording : str
        Id named in errors and progress.
    code : tuple of str
        Further modules whose code the result depends on (a method found by name).
    reads : tuple of FileInput
        Files and folders that the function opens by itself, since a parameter names them: their content
        counts, not their path.

    Examples
    --------
    >>> from murid.run import Step
    >>> Step("speed", len, recording="control_1").title
    "speed, recording 'control_1'"
    """

    name: str
    function: Callable[..., Any]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    recording: str = ""
    code: tuple[str, ...] = ()
    reads: tuple[FileInput, ...] = ()

    @property
    def title(self) -> str:
        """Name, with the recording where there is one."""
        return f"{self.name}, recording '{self.recording}'" if self.recording else self.name

    def parents(self) -> Iterator[Step]:
        """Steps whose results this one reads."""
        for value in self.inputs.values():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(item, Step):
                    yield item


@dataclass(frozen=True)
class Kept:
    """Address of a result in the store."""

    step: str
    key: str


@dataclass(frozen=True)
class Task:
    """A step with its key, ready to be done: what travels to a worker.

    `given` holds Inputs, and for results of other steps their `Kept` address; `marks` holds each Input with
    the fingerprint that the key was made from.
    """

    step: Step
    key: str
    given: Mapping[str, Any]
    marks: tuple[tuple[Input, Any], ...] = ()

    @property
    def address(self) -> Kept:
        """Where the result goes."""
        return Kept(self.step.name, self.key)


@dataclass(frozen=True)
class Plan:
    """What has to be there, in order.

    Attributes
    ----------
    tasks : list of Task
        Parents first, no task twice.
    wanted : list of Kept
        Address of the result of each step that was asked for, in that order.
    inputs : list of dict
        Fingerprint of every recording and file that is read.
    """

    tasks: list[Task]
    wanted: list[Kept]
    inputs: list[Any]


def plan_steps(steps: Sequence[Step], *, unreadable: dict[int, str] | None = None) -> Plan:
    """Give every step, and every step it depends on, its key.

    Parameters
    ----------
    steps : sequence of Step
    unreadable : dict, optional
        Filled with ``id(step)`` → reason for every step that cannot be done since an input is missing; these
        steps are left out of the plan. Without it such steps are an error.

    Raises
    ------
    DataError
        Listing every input that is missing, all at once.
    """
    tasks: dict[Kept, Task] = {}
    address: dict[int, Kept] = {}
    prints: dict[Input, Any] = {}
    broken: dict[int, str] = {}
    faults = Faults("cannot start")
    for step in steps:
        for one in _parents_first(step):
            if id(one) in address or id(one) in broken:
                continue
            try:
                given, marks = _addresses(one, address, prints)
            except DataError as exc:
                faults.items.append(Fault(str(exc)))
                broken[id(one)] = str(exc)
                continue
            reason = next((broken[id(parent)] for parent in one.parents() if id(parent) in broken), None)
            if reason is not None:
                broken[id(one)] = reason
                continue
            kept = Kept(one.name, _key(one, marks))
            address[id(one)] = kept
            read = [i for v in given.values() for i in (v if isinstance(v, list) else [v]) if not isinstance(i, Kept)]
            tasks.setdefault(kept, Task(one, kept.key, given, tuple((i, prints[i]) for i in [*read, *one.reads])))
    if unreadable is None:
        faults.items = list(dict.fromkeys(faults.items))
        faults.raise_if_any()
    else:
        unreadable.update({id(s): broken[id(s)] for s in steps if id(s) in broken})
    wanted = [address[id(s)] for s in steps if id(s) in address]
    return Plan(list(tasks.values()), wanted, [account_of(given, mark) for given, mark in prints.items()])


def account_of(given: Input, mark: Any) -> Any:
    """What provenance holds of an input: a file with its path, a recording with the fingerprints of its parts."""
    return {"file": str(given.path), "fingerprint": mark} if isinstance(given, FileInput) else mark


def _key(step: Step, inputs: Mapping[str, Any]) -> str:
    return digest(
        {
            "function": f"{step.function.__module__}.{step.function.__qualname__}",
            "code": code_version(step.function.__module__, *step.code),
            "params": step.params,
            "inputs": inputs,
            "seed": step.seed,
        }
    )


def _parents_first(step: Step, above: tuple[int, ...] = ()) -> Iterator[Step]:
    if id(step) in above:
        fail("plan", f"step '{step.name}' depends on itself")
    for parent in step.parents():
        yield from _parents_first(parent, (*above, id(step)))
    yield step


def _addresses(
    step: Step, address: Mapping[int, Kept], prints: dict[Input, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the step is given (addresses instead of steps), and the fingerprints of it."""

    def one(item: Any) -> tuple[Any, Any]:
        if isinstance(item, Step):
            kept = address.get(id(item))
            return kept, "" if kept is None else f"{kept.step}/{kept.key}"
        if item not in prints:
            prints[item] = item.fingerprint()
        return item, prints[item]

    given: dict[str, Any] = {}
    marks: dict[str, Any] = {}
    for name, value in step.inputs.items():
        if isinstance(value, (list, tuple)):
            pairs = [one(item) for item in value]
            given[name], marks[name] = [p[0] for p in pairs], [p[1] for p in pairs]
        else:
            given[name], marks[name] = one(value)
    if step.reads:
        marks["reads"] = [one(item)[1] for item in step.reads]
    return given, marks
