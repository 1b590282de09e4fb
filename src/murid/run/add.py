"""Add files to a study: pair them by name, read them, write recordings; all faults in one error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from murid import __version__
from murid.data.atomic import atomic_file
from murid.data.bouts import make_events
from murid.data.errors import DataError, Faults, fail
from murid.data.lock import locked
from murid.data.names import counted
from murid.data.progress import track
from murid.data.recording import NOUNS, Recording
from murid.data.study import Study
from murid.io.animal_sheets import read_sheet
from murid.io.read import parts_in
from murid.io.registry import kinds_of
from murid.run.file_pairing import COMPANIONS, Paired, pair_files, pairing_table
from murid.run.keys import digest, file_digest, film_digest
from murid.run.recording_files import KEYS, Reading, read_recording

Paths = str | Path | Sequence[str | Path]
#: Kinds of file that can name a recording, the first that is given does.
_NAMING = ("poses", "traces", "spikes", "labels")
#: Endings of films, which are known by them and not by content.
FILM_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".wmv", ".webm"})


@dataclass(frozen=True)
class Added:
    """What `add_files` did.

    Attributes
    ----------
    table : DataFrame
        Which files belong together, one row a recording; ``state`` is ``new``, ``replaced``,
        ``unchanged`` (read before from the same files) or, after a dry run, ``would be ...``.
    unused : list of tuple of str
        What was given and belongs to no recording: kind and name.
    other_kind : list of tuple of str
        Files of the folders given that were left out since they hold another kind of data: name, and what
        they look like.
    """

    table: pd.DataFrame
    unused: list[tuple[str, str]] = field(default_factory=list)
    other_kind: list[tuple[str, str]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """All recordings named in the table."""
        return self.table["id"].tolist()


def add_files(
    study: Study,
    poses: Paths = (),
    *,
    labels: Paths = (),
    events: Paths = (),
    zones: Paths = (),
    traces: Paths = (),
    spikes: Paths = (),
    video: Paths = (),
    fps: float | None = None,
    px_per_cm: float | None = None,
    sheet: str | Path | pd.DataFrame | None = None,
    several_raters: bool = False,
    several_units: bool = False,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    replace: bool = False,
    overwrite_labels: bool = False,
    cut_labels: bool = False,
    dry_run: bool = False,
) -> Added:
    """Add recordings to a study.

    Parameters
    ----------
    study : Study
    poses : path or paths
        Pose files, one per recording, or a folder of them. Without poses the traces, else the spikes,
        else the labels name the recordings.
    labels, events, zones, traces, spikes, video : path or paths, optional
        Files, or folders of files, that are paired with the poses by name (`murid.run.file_pairing`).
    fps : float, optional
        Frames/s of the film; needed by formats that do not state it, taken from the video when there
        is one. Also used for labels that count frames.
    px_per_cm : float, optional
        Scale: poses and zones in px become cm.
    sheet : path or DataFrame, optional
        CSV or Excel table with a column for the recording (``id``, ``video``, ``file``) or the animal
        (``animal``, ``mouse``, ``subject``), and any of ``group`` (``treatment``, ``genotype``), ``day``,
        ``session``; other columns are kept as notes (see `murid.io.animal_sheets`).
    several_raters : bool
        Several label files of one recording are several raters.
    several_units : bool
        Without poses: spike files whose names differ in their last word alone hold units of one recording.
    options : mapping, optional
        Options of the readers by kind: ``{"traces": {"rate_hz": 20}}``.
    replace : bool
        Write recordings anew that are there already and differ. What is not given again (labels, zones, group,
        animal …) stays as it is in the study.
    overwrite_labels : bool
        With `replace`, also labels that were edited in the study; otherwise that is an error.
    cut_labels : bool
        Cut labels that run past the end of the poses, instead of refusing them.
    dry_run : bool
        Only say which files belong together.

    Returns
    -------
    Added

    Raises
    ------
    DataError
        All unclear pairs before anything is read; all unreadable files after the others were added.

    Examples
    --------
    >>> import murid
    >>> study = murid.open_study("mice")
    >>> path = murid.io.write_poses_dlc(study["control_1"].poses, "m9.csv")
    >>> added = murid.run.add_files(study, path, fps=25)
    >>> added.table[["id", "state"]].values.tolist()
    [['m9', 'new']]
    """
    given = dict(poses=poses, labels=labels, events=events, zones=zones, traces=traces, spikes=spikes, video=video)
    files, other_kind = _found(given)
    settings = Reading(fps, px_per_cm, options or {}, cut_labels)
    kind = next((k for k in _NAMING if files[k]), "poses")
    main = files.pop(kind)
    if not main:
        fail("poses files", "none given", expected="at least one pose file")
    unused: list[tuple[str, str]] = []
    pairs = pair_files(
        main,
        {k: files[k] for k in COMPANIONS if files.get(k)},
        kind=kind,
        sheet=None if sheet is None else read_sheet(sheet),
        several_raters=several_raters,
        several_units=several_units,
        unused=unused,
        parts=_parts([*files.get("labels", []), *(main if kind == "labels" else [])], settings),
    )
    table = pairing_table(pairs)
    marks = {p.id: _mark(p, settings) for p in pairs}
    table["state"] = [_state(study, p, marks[p.id], replace) for p in pairs]
    _refuse_changed(study, table)
    if dry_run:
        table["state"] = table["state"].map(lambda s: s if s == "unchanged" else f"would be {s}")
        return Added(table, unused, other_kind)
    waiting = [p for p, state in zip(pairs, table["state"], strict=True) if state != "unchanged"]
    _read_and_store(study, waiting, marks, settings, len(pairs), replace=replace, overwrite_labels=overwrite_labels)
    return Added(table, unused, other_kind)


def _read_and_store(
    study: Study,
    waiting: Sequence[Paired],
    marks: Mapping[str, str],
    settings: Reading,
    n_pairs: int,
    *,
    replace: bool,
    overwrite_labels: bool,
) -> None:
    """Read each recording and store it; those that cannot be read become one error after the others are in."""
    known = set(study.ids)
    faults = Faults(counted(n_pairs))
    for pair in track(waiting, "adding"):
        try:
            recording = read_recording(pair, settings)
            kept: tuple[str, ...] = ()
            labels = None
            with ExitStack() as lock:
                if pair.id in known:
                    # What stays is read and put back while nobody else writes.
                    lock.enter_context(locked(study.folder))
                    recording, kept = _with_the_rest(study, pair, recording, overwrite_labels)
                    labels = _origin(study, pair.id, "labels") if "labels" in kept else None
                study.add(recording, source=marks[pair.id], replace=replace, keep=kept)
                _note_origin(study, pair.id, labels)
        except DataError as exc:
            text = str(exc)
            where = next((f"{p}" for p in pair.files if text.startswith(f"{p}: ")), "")
            faults.add(text.removeprefix(f"{where}: ").replace("\n", "\n     "), where=where)
    if faults and len(faults.items) < len(waiting):
        faults.subject = f"{len(faults.items)} of {n_pairs} recordings were not added, the others were"
    faults.raise_if_any()


def _with_the_rest(
    study: Study, pair: Paired, new: Recording, overwrite_labels: bool
) -> tuple[Recording, tuple[str, ...]]:
    """Return a recording that replaces another, with everything of the other that was not given again: and what."""
    old = study[pair.id]
    if new.has("labels") and old.has("labels") and not overwrite_labels and _labels_edited(study, pair.id):
        fail(
            f"recording '{pair.id}'",
            "its labels were edited in the study, and would be overwritten by the file",
            todo="leave the labels out, to keep those of the study, or overwrite them with --overwrite-labels "
            "(overwrite_labels=True)",
        )
    kept: dict[str, Any] = {noun: old.need(noun) for noun in NOUNS if old.has(noun) and not new.has(noun)}
    if new.has("events") and old.has("events") and not pair.companions.get("events"):
        # Events that came with labels or traces take the place of their namesakes alone.
        fresh, before = new.need("events"), old.need("events")
        others = before[~before["label"].isin(set(fresh["label"]))]
        new = new.replace(events=make_events(pd.concat([fresh, others], ignore_index=True)))
    keys = {key: getattr(old, key) for key in KEYS if key not in pair.keys}
    return new.replace(**kept, **keys, meta={**old.meta, **new.meta}), tuple(kept)


#: Beside the nouns of a recording: fingerprint of its labels as they were added, and murid's version.
_ORIGIN = "origin.json"


def _note_origin(study: Study, recording_id: str, labels_as_added: str | None) -> None:
    """Remember what the labels were when they were added (now, where None), so that an edit is seen."""
    labels = study.path_of(recording_id, "labels")
    if labels_as_added is None:
        labels_as_added = file_digest(labels) if labels.exists() else ""
    origin = {"labels": labels_as_added, "murid": __version__}
    with atomic_file(labels.parent / _ORIGIN) as temporary:
        temporary.write_text(json.dumps(origin), encoding="utf-8")


def _origin(study: Study, recording_id: str, what: str) -> str:
    """What was remembered of a recording when it was added; empty where it is not known."""
    path = study.path_of(recording_id, "labels").parent / _ORIGIN
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))[what])
    except (OSError, ValueError, KeyError):
        return ""


def read_by_another_murid(study: Study) -> dict[str, list[str]]:
    """Return the recordings whose files were read by another release of murid: release → their ids."""
    now = _release(__version__)
    by_release: dict[str, list[str]] = {}
    for recording_id in study.ids:
        then = _release(_origin(study, recording_id, "murid"))
        if then and then != now:
            by_release.setdefault(then, []).append(recording_id)
    return by_release


def _release(version: str) -> str:
    """Return the numbers of a version, without what is said of a build on the way to it."""
    numbers = re.match(r"\d+(?:\.\d+)*", version.split(".dev")[0])
    return numbers[0] if numbers else ""


def _labels_edited(study: Study, recording_id: str) -> bool:
    """True when the labels of a recording are not those that were added; unknown counts as not edited."""
    added = _origin(study, recording_id, "labels")
    return bool(added) and file_digest(study.path_of(recording_id, "labels")) != added


def _mark(pair: Paired, settings: Reading) -> str:
    """What the recording was made from: file names, and a fingerprint of their content and of how they were read.

    Paths do not count: the same files from another folder are the same; a film that was replaced is another.
    """
    prints = [film_digest(p) if p in pair.companions.get("video", []) else file_digest(p) for p in pair.files]
    how = {"fps": settings.fps, "px_per_cm": settings.px_per_cm, "options": settings.options}
    fingerprint = digest({"files": prints, "kinds": list(pair.companions), "keys": pair.keys, **how})
    return f"{', '.join(p.name for p in pair.files)} [{fingerprint[:12]}]"


def _parts(labels: Sequence[Path], settings: Reading) -> dict[Path, dict[str, str]]:
    """Label files that hold several recordings (observations of BORIS, from/to tables) → names and films."""
    asked = settings.options.get("labels", {})
    if "recording" in asked:
        return {}
    source = str(asked.get("source", "auto"))
    parts = {path: parts_in(path, source=source) for path in labels}
    return {path: names for path, names in parts.items() if names}


def _state(study: Study, pair: Paired, mark: str, replace: bool) -> str:
    table = study.table.set_index("id")
    if pair.id not in table.index:
        return "new"
    if table.at[pair.id, "source"] == mark and (study.folder / "data" / pair.id).is_dir():
        return "unchanged"
    return "replaced" if replace else "different"


def _refuse_changed(study: Study, table: pd.DataFrame) -> None:
    different = table.loc[table["state"] == "different", "id"].tolist()
    if different:
        fail(
            f"study {study.folder}",
            f"{len(different)} recording(s) are there already, from other files or read in another way",
            got=", ".join(different[:20]),
            todo="write them anew with --replace (replace=True)",
        )


def _found(given: Mapping[str, Paths]) -> tuple[dict[str, list[Path]], list[tuple[str, str]]]:
    """Return the files of each kind: those named, and of the folders named those that hold this kind.

    Poses and labels often lie in one folder. What a folder holds of another kind is left out of this one;
    the second list names what no kind takes.
    """
    files: dict[str, list[Path]] = {}
    strays: dict[Path, str] = {}
    for kind, paths in given.items():
        named, inside = _files(paths, kind)
        other = {path: holds for path in inside if (holds := _holds_instead(path, kind))}
        if len(other) == len(inside):
            other = {}  # nothing fits: the readers say what is wrong with each
        strays |= other
        files[kind] = list(dict.fromkeys([*named, *(p for p in inside if p not in other)]))
    taken = {path for paths in files.values() for path in paths}
    return files, [(path.name, holds) for path, holds in strays.items() if path not in taken]


def _holds_instead(path: Path, wanted: str) -> str:
    """Return what a file clearly holds when it is not what is wanted: another kind of data; else nothing."""
    is_film = path.suffix.lower() in FILM_SUFFIXES
    if is_film or wanted == "video":
        return "video" if is_film and wanted != "video" else ""
    kinds = kinds_of(path)
    return "" if wanted in kinds or not kinds else " or ".join(kinds)


def _files(given: Paths, kind: str) -> tuple[list[Path], list[Path]]:
    """Return the files named, and those in the folders named; missing ones are an error."""
    paths = [Path(p) for p in ([given] if isinstance(given, (str, Path)) else given)]
    faults = Faults(f"{kind} files")
    named: list[Path] = []
    inside: list[Path] = []
    for path in paths:
        if path.is_dir() and path.suffix != ".zarr":
            files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
            if not files:
                faults.add("folder holds no files", where=str(path))
            inside += files
        elif path.exists():
            named.append(path)
        else:
            faults.add("no such file or folder", where=str(path), todo="check the path")
    faults.raise_if_any()
    return named, inside
