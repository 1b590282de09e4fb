"""Files for other programs: DeepLabCut CSV, bout CSV, Caltech annotator text, BORIS aggregated CSV."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.atomic import atomic_file
from murid.data.bouts import EVERYONE, as_text, make_bouts
from murid.data.clock import nearest_frame
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.labels import Labels
from murid.data.name_order import natural
from murid.data.poses import individual_names, keypoint_names
from murid.data.stretches import gaps_between
from murid.data.warning import warn_user
from murid.io.delimited_text import NO_NAME, NO_TEXT
from murid.io.poses._columns import SINGLE

_PLACEHOLDER = "base"
#: Endings of compressed tables, which readers take too.
_COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": partial(gzip.compress, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def write_poses_dlc(poses: xr.Dataset, path: str | Path, *, scorer: str = "murid") -> Path:
    """Write poses as a DeepLabCut CSV: three header lines for one animal, four for several.

    Parameters
    ----------
    poses : Dataset
        Poses with x and y (a third axis is not part of the format).
    path : path
        File to write.
    scorer : str
        Name in the first header line.

    Raises
    ------
    DataError
        For what the format cannot hold: a third axis, a time that is not frame number over frame rate, an animal
        among several that is called ``single`` (points of no animal).

    Warns
    -----
    UserWarning
        For points at exactly (0, 0), which stand for "not found" in the format.

    Notes
    -----
    The format has no place for frame rate, unit and, with one animal, for its name.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> import numpy as np
    >>> from murid.data.poses import make_poses
    >>> write_poses_dlc(make_poses(np.ones((9, 2, 1, 1)), keypoints=["nose"], fps=30), folder / "m1.csv").name
    'm1.csv'
    """
    _check_poses(poses, str(path))
    people, points = individual_names(poses), keypoint_names(poses)
    several = len(people) > 1
    columns = [(p, k, c) for p in people for k in points for c in ("x", "y", "likelihood")]
    block = np.concatenate(
        [
            poses["position"].transpose("time", "individual", "keypoint", "space").values,
            poses["confidence"].transpose("time", "individual", "keypoint").values[..., None],
        ],
        axis=3,
    )
    frames = poses["frame"].values if "frame" in poses.coords else np.arange(poses.sizes["time"])
    path = Path(path)
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerow(["scorer", *[scorer] * len(columns)])
        if several:
            out.writerow(["individuals", *(c[0] for c in columns)])
        out.writerow(["bodyparts", *(c[1] for c in columns)])
        out.writerow(["coords", *(c[2] for c in columns)])
        body = pd.DataFrame(block.reshape(len(frames), -1), index=frames)
        body.to_csv(handle, header=False, lineterminator="\n")
    return path


def _check_poses(poses: xr.Dataset, path: str) -> None:
    """Refuse what a table of DeepLabCut cannot hold, and warn of what it means otherwise."""
    faults = Faults(f"DeepLabCut table {path}")
    if poses.sizes["space"] != 2:
        faults.add("DeepLabCut CSV has no third axis", expected="x, y", got=str(poses.sizes["space"]))
    names = individual_names(poses)
    if SINGLE in names and len(names) > 1:
        faults.add(f"an animal called '{SINGLE}' stands for points of no animal", todo="rename it")
    rate = float(poses.attrs.get("fps", np.nan))
    if "frame" in poses.coords and np.isfinite(rate):
        off = np.abs(poses["time"].values - poses["frame"].values / rate)
        if off.size and off.max() > 0.5 / rate:
            faults.add(
                "the time is not frame number / frame rate, and the format counts frames",
                got=f"up to {off.max():.3f} s apart at {rate:g} frames/s",
                todo="write it with to_movement(poses).to_netcdf(...), which keeps the times",
            )
    faults.raise_if_any()
    corner = int((poses["position"].values == 0).all(axis=poses["position"].dims.index("space")).sum())
    if corner:
        warn_user(f"{path}: {corner} points at exactly (0, 0) will be read as not found, which is what they mean there")


def write_bouts_csv(labels: Labels | pd.DataFrame, path: str | Path) -> Path:
    """Write bouts as a plain CSV in seconds (``start_s, stop_s, label, individual, …``).

    What was scored is not part of a bout table: give ``duration_s`` (and ``scored_s``) when reading back. Labels of
    which different stretches were scored, or whose raters or streams have no bout at all, are refused; their table
    alone, ``labels.bouts``, can be written.

    Raises
    ------
    DataError
        For such labels, and for names that mean "missing" in a table (``NA``).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_bouts_csv(make_bouts(start_s=[1.0], stop_s=[2.0], label=["rear"]), folder / "m1.csv").name
    'm1.csv'
    """
    return write_text(_bouts_text(labels, Path(path)), path)


def write_labels(
    labels: Labels,
    path: str | Path,
    *,
    format: str,
    fps: float | None = None,
    observation: str | None = None,
    media: str = "",
) -> Path:
    """Write labels in the format of another program.

    Parameters
    ----------
    labels : Labels
        Of one rater.
    path : path
        File to write.
    format : {"caltech", "boris_aggregated", "bouts"}
        Caltech Behavior Annotator text, BORIS aggregated CSV, or plain bouts.
    fps : float, optional
        Frames/s for formats that count frames; that of the labels by default.
    observation : str, optional
        Observation id of a BORIS table; the name of the labels' file by default.
    media : str
        Film of a BORIS table.

    Raises
    ------
    DataError
        For what the format cannot hold: several raters, stretches nobody scored; several streams
        (BORIS); stretches that differ (bouts); overlapping bouts, bouts of several animals, point events, labels
        with spaces (Caltech).

    Warns
    -----
    MuridWarning
        When a bout table leaves out point events.

    Examples
    --------
    >>> import pandas as pd, tempfile, pathlib
    >>> labels = Labels.from_bouts(pd.DataFrame({"start_s": [1.0], "stop_s": [2.0], "label": ["rear"]}), duration_s=4)
    >>> write_labels(labels, pathlib.Path(tempfile.mkdtemp()) / "m1.csv", format="boris_aggregated").name
    'm1.csv'
    """
    return write_text(labels_text(labels, path, format=format, fps=fps, observation=observation, media=media), path)


def labels_text(
    labels: Labels,
    path: str | Path,
    *,
    format: str,
    fps: float | None = None,
    observation: str | None = None,
    media: str = "",
) -> str:
    """Return what `write_labels` writes, with its errors and warnings, and write nothing."""
    texts: dict[str, Callable[[Labels, Path, float], str]] = {
        "caltech": _caltech_text,
        "boris_aggregated": partial(_boris_text, observation=observation, media=media),
        "bouts": lambda what, where, _: _bouts_text(what, where),
    }
    if format not in texts:
        fail("write_labels", f"unknown format '{format}'", todo=did_you_mean(format, texts))
    if format != "bouts":
        labels.one_rater()
    return texts[format](labels, Path(path), float(labels.fps if fps is None else fps))


def write_text(text: str, path: str | Path) -> Path:
    """Write a text whole or not at all; compressed where the name of the file says so (``.csv.gz``)."""
    path = Path(path)
    data = text.encode("utf-8")
    with atomic_file(path) as temporary:
        temporary.write_bytes(_COMPRESSED.get(path.suffix, bytes)(data))
    return path


def _bouts_text(labels: Labels | pd.DataFrame, path: Path) -> str:
    bouts = labels.bouts if isinstance(labels, Labels) else make_bouts(labels)
    faults = Faults(f"bout table {path}")
    _check_words(bouts, faults)
    if isinstance(labels, Labels):
        _check_one_stretch(labels, faults)
    faults.raise_if_any()
    if isinstance(labels, Labels) and len(point_events(labels)):
        warn_user(
            f"{path}: {len(point_events(labels))} point events are no bouts and are left out; "
            "write them with labels.meta['points'].to_csv(...)"
        )
    # pandas writes floats so that they read back the same
    return str(bouts.to_csv(index=False, lineterminator="\n"))


def point_events(labels: Labels) -> pd.DataFrame:
    """Point events that were read with labels: ``time_s, label, individual, modifiers``; empty when there are none."""
    points = labels.meta.get("points")
    columns = ["time_s", "label", "individual", "modifiers"]
    return points if isinstance(points, pd.DataFrame) else pd.DataFrame(columns=columns)


def _check_words(bouts: pd.DataFrame, faults: Faults) -> None:
    """Add a fault for labels and names that a table has no other way to say than "missing"."""
    for column, words in (("label", NO_TEXT), ("individual", NO_NAME), ("rater", NO_NAME), ("stream", NO_NAME)):
        lost = {str(word) for word in bouts.get(column, ()) if word in words and word != ""}
        if lost:
            faults.add(
                f"the word means 'missing' in a table, and cannot be a {column}",
                got=", ".join(sorted(lost)),
                todo="rename it",
            )


def _check_one_stretch(labels: Labels, faults: Faults) -> None:
    """Add a fault when `duration_s` and `scored_s` cannot say what was scored, or a rater would be lost."""
    stretches = labels.scored[["start_s", "stop_s"]].drop_duplicates()
    pairs = labels.scored[["rater", "stream"]].drop_duplicates()
    if len(stretches) > 1 or len(labels.scored) > len(pairs):
        faults.add(
            "the stretches that were scored differ or have gaps, which a bout table cannot say",
            got=", ".join(f"{a:.3f}-{b:.3f} s" for a, b in stretches.to_numpy()[:5]),
            todo="write labels.bouts, and labels.scored.to_csv(...) beside it",
        )
    silent = pairs.merge(labels.bouts[["rater", "stream"]].drop_duplicates(), how="left", indicator=True)
    silent = silent[(silent["_merge"] == "left_only") & ((silent["rater"] != "") | (silent["stream"] != ""))]
    if len(silent):
        faults.add(
            "raters or streams without a bout have no row in a bout table",
            got=", ".join(" ".join(filter(None, row)) for row in silent[["rater", "stream"]].to_numpy()),
            todo="write labels.bouts, and labels.scored.to_csv(...) beside it",
        )


def _check_scored(labels: Labels, faults: Faults) -> None:
    """Add a fault when a stretch between 0 s and the end was not scored, which these formats cannot say."""
    for stream in labels.streams:
        own = labels.scored[labels.scored["stream"] == stream]
        for person in _watched(labels) or [EVERYONE]:
            scored = own[as_text(own["individual"], EVERYONE).isin([person, EVERYONE])] if "individual" in own else own
            spans = list(zip(scored["start_s"].astype(float), scored["stop_s"].astype(float), strict=True))
            holes = gaps_between(spans, labels.stop_s) if np.isfinite(labels.stop_s) else []
            if holes:
                places = [f"stream '{stream}'" if stream else "", person if person != EVERYONE else ""]
                faults.add(
                    "some stretches were not scored, which the format cannot say",
                    where=", ".join(filter(None, places)),
                    got=", ".join(f"{a:.3f}-{b:.3f} s" for a, b in holes[:5]),
                    todo="write one file per scored stretch, or labels.bouts and labels.scored as tables",
                )


def _watched(labels: Labels) -> list[str]:
    """Animals that were watched at times of their own."""
    if "individual" not in labels.scored:
        return []
    return [name for name in dict.fromkeys(as_text(labels.scored["individual"], EVERYONE)) if name != EVERYONE]


def _caltech_text(labels: Labels, path: Path, fps: float) -> str:
    faults = Faults(f"Caltech text {path}")
    if not (np.isfinite(fps) and fps > 0):
        faults.add("the frame rate is not known", todo="pass fps=<frames per second of the video>")
    people = list(dict.fromkeys([*labels.bouts["individual"], *_watched(labels)]))
    if len(people) > 1:
        faults.add(
            "the format does not tell animals apart",
            got=", ".join(people),
            todo="write one file per animal: labels.select(individual=...)",
        )
    if len(point_events(labels)):
        faults.add("the format has no point events", got=f"{len(point_events(labels))} points")
    _check_scored(labels, faults)
    words = list(dict.fromkeys([_PLACEHOLDER, *labels.vocabulary, *labels.bouts["label"]]))
    spaced = [w for w in words if not w or any(c.isspace() for c in w)]
    if spaced:
        faults.add("labels with spaces", got=", ".join(map(repr, spaced)), todo="rename them, e.g. with underscores")
    faults.raise_if_any()
    streams = {s: _frames(labels.select(stream=s), s, fps, faults) for s in sorted(labels.streams, key=natural)}
    faults.raise_if_any()
    lines = ["Caltech Behavior Annotator - Annotation File", "", "Configuration file:"]
    lines += [f"{word}\t{'abcdefghijklmnopqrstuvwxyz'[i % 26]}" for i, word in enumerate(words)]
    for i, rows in enumerate(streams.values(), 1):
        lines += ["", f"S{i}:\tstart\tend\ttype", "-" * 29]
        lines += [f"   \t{start}\t{stop}\t{word}" for start, stop, word in rows]
    return "\n".join([*lines, ""])


def _frames(labels: Labels, stream: str, fps: float, faults: Faults) -> list[tuple[int, int, str]]:
    """1-based inclusive frames of one stream; scored frames without a bout become ``base``."""
    total = int(nearest_frame(labels.stop_s, fps))
    rows: list[tuple[int, int, str]] = []
    last = short = 0
    table = labels.bouts.sort_values("start_s")
    first, end = (nearest_frame(table[edge], fps).tolist() for edge in ("start_s", "stop_s"))
    columns = (table["start_s"].tolist(), first, end, table["label"].tolist())
    for start_s, before, stop, label in zip(*columns, strict=True):
        start = before + 1
        if stop < start:
            short += 1  # the format cannot hold it
            continue
        if start <= last:
            faults.add(
                "bouts overlap; the format holds one label at a time",
                where=f"stream '{stream}', {label} at {start_s:.3f} s",
                todo="choose behaviours that exclude each other: -b",
            )
            continue
        if start > last + 1:
            rows.append((last + 1, start - 1, _PLACEHOLDER))
        rows.append((start, stop, str(label)))
        last = stop
    if total > last:
        rows.append((last + 1, total, _PLACEHOLDER))
    if short:
        warn_user(
            f"{faults.subject}: {short} bouts shorter than half a frame have no place in Caltech text and are left out"
        )
    return rows


def _boris_text(labels: Labels, path: Path, fps: float, *, observation: str | None, media: str) -> str:
    faults = Faults(f"BORIS table {path}")
    if len(labels.streams) > 1:
        faults.add(
            "several streams",
            expected="one",
            got=", ".join(labels.streams),
            todo=f"choose one: labels.select(stream={labels.streams[0]!r})",
        )
    _check_scored(labels, faults)
    _check_words(labels.bouts[["label", "individual"]], faults)
    faults.raise_if_any()
    points = point_events(labels)
    if not len(labels.bouts) and not len(points):
        warn_user(f"{path}: without any event the table does not say how long was watched; read it with duration_s=")
    points = points.assign(start_s=points["time_s"], stop_s=points["time_s"], kind="POINT")
    bouts = labels.bouts.assign(kind="STATE")
    bouts = pd.concat([bouts, points], ignore_index=True) if len(points) else bouts
    length = repr(float(max([labels.stop_s, *points["time_s"]], default=0.0)))
    modifiers = bouts["modifiers"] if "modifiers" in bouts else pd.Series([""] * len(bouts), dtype=object)
    stem = observation or Path(labels.source_file).stem or "murid"
    table = pd.DataFrame(
        {
            "Observation id": stem,
            "Observation date": "",
            "Description": "",
            "Observation duration": length,
            "Observation type": "Media file",
            "Source": "",
            "Time offset (s)": 0,
            "Media duration (s)": length,
            "FPS": repr(fps) if np.isfinite(fps) else "NA",
            "Subject": bouts["individual"].replace(EVERYONE, "No focal subject"),
            "Behavior": bouts["label"],
            "Behavioral category": "",
            "Modifier #1": modifiers.fillna(""),
            "Behavior type": bouts["kind"],
            "Start (s)": bouts["start_s"].map(repr),
            "Stop (s)": bouts["stop_s"].map(repr),
            "Duration (s)": (bouts["stop_s"] - bouts["start_s"]).map(repr),
            "Media file name": media,
            "Comment start": "",
            "Comment stop": "",
        }
    )
    return str(table.to_csv(index=False, lineterminator="\n"))
