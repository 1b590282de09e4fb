"""The functions that read: one per kind of data, each recognises the format by content."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import DataError, Faults, fail
from murid.data.labels import Labels
from murid.data.traces import Spikes
from murid.data.zones import Zones
from murid.io.files import SeveralParts
from murid.io.labels._build import warn_of_early_end, within
from murid.io.registry import read_with

Pathish = str | Path


def read_poses(
    path: Pathish,
    *,
    fps: float | None = None,
    source: str = "auto",
    individuals: Sequence[str] | None = None,
    **options: Any,
) -> xr.Dataset:
    r"""Read pose tracks.

    Parameters
    ----------
    path : path
        Pose file, gzip or not.
    fps : float, optional
        Frames/s of the video. Required by formats that do not state it (DeepLabCut, SLEAP analysis).
    source : str
        Name of a format (`formats_table` lists them) or ``"auto"``.
    individuals : sequence of str, optional
        Animals to keep, in this order. For a file without animals: one name for the only one, or
        several prefixes of its keypoint names (``["B", "W"]`` for ``B_Nose``, ``W_Nose``).
    **options
        Options of the format, e.g. ``unit="cm"``, ``recording=``, ``video=``.

    Returns
    -------
    Dataset
        Poses: ``position (time, space, keypoint, individual)``, ``confidence``.

    Raises
    ------
    DataError
        One error that lists everything wrong with the file, by line and column.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "m1.csv"
    >>> _ = path.write_text("frame,nose_x,nose_y\n0,1,2\n1,2,3\n")
    >>> read_poses(path, fps=30).sizes["time"]
    2
    """
    return read_with("poses", path, source, fps=fps, individuals=individuals, **options)


def read_labels(
    path_or_paths: Pathish | Sequence[Pathish],
    *,
    fps: float | None = None,
    source: str = "auto",
    duration_s: float | None = None,
    rater: str | Sequence[str] | None = None,
    unnamed: Sequence[str] | None = None,
    scored_s: float | tuple[float, float] | None = None,
    cut: bool = False,
    **options: Any,
) -> Labels:
    r"""Read behaviour labels of one file, or of several raters' files of the same recording.

    Parameters
    ----------
    path_or_paths : path or sequence of paths
        One file, or one per rater.
    fps : float, optional
        Frames/s of the film. Required by formats that count frames.
    source : str
        Name of a format or ``"auto"``.
    duration_s : float, optional
        Length of the recording: labels are cut there and all of it counts as scored, unless the file
        or `scored_s` says otherwise.
    rater : str or sequence of str, optional
        Name of the rater, one per file. With several files the file names by default.
    unnamed : sequence of str, optional
        Names for the raters of files that name none, one per file.
    scored_s : float or (float, float), optional
        The stretch that was scored, when it ends before the recording does: its end, or start and end
        (s). Outside it frames are unlabelled.
    cut : bool
        Cut labels that run past `duration_s`, however far; without it more than 5 s are an error.
    **options
        Options of the format, e.g. ``recording=`` for a table of several recordings.

    Raises
    ------
    DataError
        Also when the files of two raters disagree on the frame rate.

    Warns
    -----
    MuridWarning
        When the last label lies far before the end of what counts as scored.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "m1.csv").write_text("start_s,stop_s,label\n1,2,rear\n")
    >>> read_labels(folder / "m1.csv", duration_s=10).behaviours
    ['rear']
    """
    paths = [path_or_paths] if isinstance(path_or_paths, (str, Path)) else list(path_or_paths)
    if not paths:
        fail("read_labels", "no files", expected="a path or a list of paths")
    names: list[str | None]
    names = [rater] if isinstance(rater, str) else list(rater) if rater is not None else [None] * len(paths)
    if len(names) != len(paths):
        fail("read_labels", "number of raters", expected=f"{len(paths)}, one per file", got=str(len(names)))
    parts: list[Labels] = []
    for path, name in zip(paths, names, strict=True):
        labels = read_with("labels", path, source, fps=fps, duration_s=None if cut else duration_s, **options)
        labels = _watched(labels, str(path), duration_s if cut else None, scored_s)
        stem = Path(path).name.split(".")[0] if len(paths) > 1 else None
        default = (unnamed[len(parts)] or stem) if unnamed is not None else stem
        parts.append(_named(labels, name or default, forced=name is not None))
    return parts[0] if len(parts) == 1 else _joined(parts)


def _watched(labels: Labels, name: str, cut_s: float | None, scored_s: float | tuple[float, float] | None) -> Labels:
    """Cut labels at the end of the recording and to the stretch that was scored; warn where it is doubtful."""
    if cut_s is not None:
        labels = within(labels, 0.0, float(cut_s), forced=True)
    if scored_s is None:
        warn_of_early_end(labels, name)
        return labels
    start, stop = scored_s if isinstance(scored_s, (tuple, list)) else (0.0, scored_s)
    return within(labels, float(start), float(stop))


def recordings_in(path: Pathish, *, source: str = "auto") -> list[str]:
    r"""Return the names of the recordings in a label file that holds several (observations); else nothing.

    Files that cannot be read are left to the reading itself, whose error says why.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "all.csv").write_text("from,to,type,ID\n1,2,rear,m1\n3,4,rear,m2\n")
    >>> recordings_in(folder / "all.csv")
    ['m1', 'm2']
    """
    return list(parts_in(path, source=source))


def parts_in(path: Pathish, *, source: str = "auto") -> dict[str, str]:
    """Return the recordings in a label file that holds several, each with the film or pose file it names.

    The film is empty where the file names none; nothing is returned for a file of one recording.
    """
    try:
        read_with("labels", path, source)
    except SeveralParts as exc:
        return {name: exc.films.get(name, "") for name in exc.parts}
    except (DataError, OSError, UserWarning):
        return {}
    return {}


def _named(labels: Labels, rater: str | None, *, forced: bool) -> Labels:
    """Give the rater's name to a file that names none (or, forced, to a file with one)."""
    if rater is None:
        return labels
    if forced and len(labels.raters) > 1:
        fail(
            labels.source_file,
            "holds several raters and cannot be renamed",
            got=", ".join(labels.raters),
            todo="leave rater= out",
        )

    def rename(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(rater=rater if forced else table["rater"].replace("", rater))

    return replace(labels, bouts=rename(labels.bouts), scored=rename(labels.scored))


def _joined(parts: Sequence[Labels]) -> Labels:
    """Put the labels of several raters together."""
    faults = Faults("labels of several raters")
    rates = {p.source_file: p.fps for p in parts if np.isfinite(p.fps)}
    if rates and max(rates.values()) - min(rates.values()) > 1e-3 * min(rates.values()):
        faults.add(
            "the files disagree on the frame rate",
            got="; ".join(f"{f}: {r:g} fps" for f, r in rates.items()),
            expected="one film, one frame rate",
            todo="check that they belong to the same film, or pass fps=...",
        )
    owners: dict[str, str] = {}
    for part in parts:
        for name in part.raters:
            if name in owners:
                faults.add(
                    f"rater '{name}' is in two files",
                    got=f"{owners[name]}; {part.source_file}",
                    todo="name them: rater=[...]",
                )
            owners[name] = part.source_file
    faults.raise_if_any()
    words = tuple(dict.fromkeys(w for p in parts for w in p.vocabulary))
    return Labels(
        bouts=pd.concat([p.bouts for p in parts], ignore_index=True),
        scored=pd.concat([p.scored for p in parts], ignore_index=True),
        exclusive=all(p.exclusive for p in parts),
        vocabulary=words,
        fps=next(iter(rates.values()), float("nan")),
        source_file="; ".join(p.source_file for p in parts),
        meta={"files": {p.source_file: p.meta for p in parts}},
    )


def read_events(path: Pathish, *, source: str = "auto", **options: Any) -> pd.DataFrame:
    r"""Read point events (``time_s, label[, value, individual]``).

    Options ``time=, label=, value=`` name the columns, ``unit=`` the unit of time, when the table
    uses other names; the error of an unclear table proposes them.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "m1.csv").write_text("time_s,label\n1,tone\n")
    >>> read_events(folder / "m1.csv")["label"].tolist()
    ['tone']
    """
    return read_with("events", path, source, **options)


def read_zones(path: Pathish, *, source: str = "auto", **options: Any) -> Zones:
    r"""Read zones from JSON or from a CSV of corners (``zone, x, y``) or circles.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "zones.csv").write_text("zone,x,y,radius\nhole,10,20,5\n")
    >>> list(read_zones(folder / "zones.csv"))
    ['hole']
    """
    return read_with("zones", path, source, **options)


def read_traces(path: Pathish, *, source: str = "auto", **options: Any) -> xr.DataArray:
    r"""Read continuous signals (photometry, calcium) from CSV, npz, MATLAB or netCDF.

    Options ``time=`` and ``units=`` (CSV) or ``values=`` (arrays) name columns or variables,
    ``rate_hz=`` or ``time_s=`` give the clock when the file has none, ``kind=`` says what they are.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "m1.csv").write_text("time_s,u1\n0,1.5\n0.1,2.5\n")
    >>> read_traces(folder / "m1.csv").sizes["unit"]
    1
    """
    return read_with("traces", path, source, **options)


def read_spikes(path: Pathish | Sequence[Pathish], *, source: str = "auto", **options: Any) -> Spikes:
    r"""Read spike times from a CSV (``unit, time_s``) or an npz file; several files hold units of one recording.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "m1.csv").write_text("unit,time_s\nu1,0.5\nu1,0.7\n")
    >>> read_spikes(folder / "m1.csv", stop_s=10).units
    ['u1']
    """
    if isinstance(path, (str, Path)):
        return read_with("spikes", path, source, **options)
    paths = [Path(p) for p in path]
    with warnings.catch_warnings():
        # Said once, of all files together.
        warnings.filterwarnings("ignore", message="spikes: the end of the recording is not known")
        parts = [read_with("spikes", p, source, **options) for p in paths]
    return _united(parts, paths)


def _united(parts: Sequence[Spikes], paths: Sequence[Path]) -> Spikes:
    """Put the units of several files of one recording together."""
    faults = Faults("spikes in several files")
    owners: dict[str, list[str]] = {}
    for part, path in zip(parts, paths, strict=True):
        for unit in part.units:
            owners.setdefault(unit, []).append(path.name)
    for unit, files in owners.items():
        if len(files) > 1:
            faults.add(
                f"unit '{unit}' is in {len(files)} files",
                got=", ".join(files),
                todo="give every unit a name of its own, or leave out what is another version of a file",
            )
    starts = {p.start_s for p in parts}
    ends = {p.stop_s for p in parts if p.end_known}
    for what, moments in (("begin", starts), ("end", ends)):
        if len(moments) > 1:
            faults.add(
                f"the files {what} at different times",
                expected="one recording on one clock",
                got=", ".join(f"{t:g} s" for t in sorted(moments)),
                todo="say when: -o spikes.start_s=0 -o spikes.stop_s=600, or leave out files of another recording",
            )
    faults.raise_if_any()
    times = {unit: part.times_s[unit] for part in parts for unit in part.units}
    meta = {"source_file": "; ".join(map(str, paths))}
    return Spikes(times, starts.pop(), ends.pop() if ends else float("nan"), meta)
