"""Add files to a study: pair them by name, read them, write recordings; all faults in one error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from murid import io
from murid.data.errors import DataError, Faults, fail
from murid.data.progress import track
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.video import Video
from murid.io.sheets import read_sheet
from murid.prepare import calibrate, calibrate_zones
from murid.run.keys import digest, file_digest
from murid.run.pairing import COMPANIONS, Paired, pair_files, pairing_table

Paths = str | Path | Sequence[str | Path]
_KEYS = ("animal", "group", "day", "session")
#: Kinds of file that can name a recording, the first that is given does.
_NAMING = ("poses", "traces", "spikes", "labels")


@dataclass(frozen=True)
class Added:
    """What `add_files` did.

    Attributes
    ----------
    table : DataFrame
        Which files belong together, one row a recording; ``state`` is ``new``, ``replaced``,
        ``unchanged`` (read before from the same files) or, after a dry run, ``would be ...``.
    """

    table: pd.DataFrame

    @property
    def ids(self) -> list[str]:
        """All recordings named in the table."""
        return self.table["id"].tolist()


@dataclass(frozen=True)
class Reading:
    """How files are read: frames/s, scale, options of the readers by kind."""

    fps: float | None
    px_per_cm: float | None
    options: Mapping[str, Mapping[str, Any]]


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
    options: Mapping[str, Mapping[str, Any]] | None = None,
    replace: bool = False,
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
        Files, or folders of files, that are paired with the poses by name (`murid.run.pairing`).
    fps : float, optional
        Frames/s of the film; needed by formats that do not state it, taken from the video when there
        is one. Also used for labels that count frames.
    px_per_cm : float, optional
        Scale: poses and zones in px become cm.
    sheet : path or DataFrame, optional
        CSV or Excel table with a column for the recording (``id``, ``video``, ``file``) or the animal
        (``animal``, ``mouse``, ``subject``), and any of ``group`` (``treatment``, ``genotype``), ``day``,
        ``session``; other columns are kept as notes (see `murid.io.sheets`).
    several_raters : bool
        Several label files of one recording are several raters.
    options : mapping, optional
        Options of the readers by kind: ``{"traces": {"rate_hz": 20}}``.
    replace : bool
        Write recordings anew that are there already and differ.
    dry_run : bool
        Only say which files belong together.

    Returns
    -------
    Added

    Raises
    ------
    DataError
        All unclear pairs before anything is read; all unreadable files after the others were added.
    """
    given = dict(poses=poses, labels=labels, events=events, zones=zones, traces=traces, spikes=spikes, video=video)
    found = {kind: _files(paths, kind) for kind, paths in given.items()}
    kind = next((k for k in _NAMING if found[k]), "poses")
    main = found.pop(kind) or _files(poses, "poses", needed=True)
    pairs = pair_files(
        main,
        {k: found[k] for k in COMPANIONS if found.get(k)},
        kind=kind,
        sheet=None if sheet is None else read_sheet(sheet),
        several_raters=several_raters,
    )
    settings = Reading(fps, px_per_cm, options or {})
    table = pairing_table(pairs)
    marks = {p.id: _mark(p, settings) for p in pairs}
    table["state"] = [_state(study, p, marks[p.id], replace) for p in pairs]
    _refuse_changed(study, table)
    if dry_run:
        table["state"] = table["state"].map(lambda s: s if s == "unchanged" else f"would be {s}")
        return Added(table)
    waiting = [p for p, state in zip(pairs, table["state"], strict=True) if state != "unchanged"]
    faults = Faults(f"{len(pairs)} recordings")
    for pair in track(waiting, "adding"):
        try:
            study.add(_read(pair, settings), source=marks[pair.id], replace=replace)
        except DataError as exc:
            faults.add(str(exc).replace("\n", "\n     "))
    if faults and len(faults.items) < len(waiting):
        faults.subject = f"{len(faults.items)} of {len(pairs)} recordings were not added, the others were"
    faults.raise_if_any()
    return Added(table)


def _read(pair: Paired, settings: Reading) -> Recording:
    """Read all files of one recording."""
    nouns: dict[str, Any] = {}
    fps, options = settings.fps, settings.options
    files = {pair.kind: [pair.main], **pair.companions}
    if "video" in files:
        nouns["video"] = Video(files["video"][0])
        fps = nouns["video"].fps if fps is None else fps
    duration_s = None
    if "poses" in files:
        poses = io.read_poses(files["poses"][0], fps=fps, **options.get("poses", {}))
        fps = fps or float(poses.attrs["fps"])
        duration_s = float(poses["time"].values[-1]) + 1.0 / float(poses.attrs["fps"])
        nouns["poses"] = poses
    if "labels" in files:
        many = files["labels"]
        nouns["labels"] = io.read_labels(
            many if len(many) > 1 else many[0], fps=fps, duration_s=duration_s, **options.get("labels", {})
        )
    for kind in ("events", "zones", "traces", "spikes"):
        if kind in files:
            nouns[kind] = getattr(io, f"read_{kind}")(files[kind][0], **options.get(kind, {}))
    if settings.px_per_cm is not None:
        nouns = _in_cm(nouns, settings.px_per_cm)
    nouns.update({k: pair.keys[k] for k in _KEYS if pair.keys.get(k)})
    notes = {k: v for k, v in pair.keys.items() if k not in _KEYS}
    return Recording(pair.id, **nouns, meta=notes)


def _in_cm(nouns: dict[str, Any], px_per_cm: float) -> dict[str, Any]:
    """Return the nouns with poses and zones in cm."""
    changed = dict(nouns)
    zones = nouns.get("zones")
    if zones is not None and any(z.unit == "px" for z in zones.values()):
        changed["zones"] = calibrate_zones(zones, px_per_cm)
    if "poses" in nouns:
        changed["poses"] = calibrate(nouns["poses"], px_per_cm)
    return changed


def _mark(pair: Paired, settings: Reading) -> str:
    """What the recording was made from: file names, and a fingerprint of them and of how they were read.

    Of a video only the path counts, since it is not copied.
    """
    prints = [str(p) if p in pair.companions.get("video", []) else file_digest(p) for p in pair.files]
    fingerprint = digest({"files": prints, "kinds": list(pair.companions), "keys": pair.keys, **vars(settings)})
    return f"{', '.join(p.name for p in pair.files)} [{fingerprint[:12]}]"


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
            f"{len(different)} recordings are there already, from other files or read in another way",
            got=", ".join(different[:20]),
            todo="write them anew with --replace (replace=True)",
        )


def _files(given: Paths, kind: str, *, needed: bool = False) -> list[Path]:
    """Return the files named, and those in the folders named; missing ones are an error."""
    paths = [Path(p) for p in ([given] if isinstance(given, (str, Path)) else given)]
    faults = Faults(f"{kind} files")
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and path.suffix != ".zarr":
            inside = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
            if not inside:
                faults.add("folder holds no files", where=str(path))
            found += inside
        elif path.exists():
            found.append(path)
        else:
            faults.add("no such file or folder", where=str(path), todo="check the path")
    if needed and not paths:
        faults.add("none given", expected="at least one pose file")
    faults.raise_if_any()
    return list(dict.fromkeys(found))
