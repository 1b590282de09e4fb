"""Plain tables: ``time_s, nose_x, nose_y, nose_likelihood …`` or long (time, individual, keypoint, x, y)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.clock import rate_of
from murid.data.errors import Faults, fail
from murid.data.warning import warn_user
from murid.io.delimited_text import TextTable, read_table, seconds_in
from murid.io.files import Head, plain_name
from murid.io.poses._columns import CONFIDENCE, SPACE, Key, poses_from_columns
from murid.io.registry import pose_reader

TIME = ("time_s", "time", "t", "timestamp_s", "timestamp")
FRAME = ("frame", "frames", "frame_index", "frame_number", "frame_id")
_COORDS = (*SPACE, *CONFIDENCE)
_CLOCK = {plain_name(name) for name in (*TIME, *FRAME)}


def _coord_of(column: str) -> tuple[str, str] | None:
    """``nose_x``, ``nose.x`` or ``nose x`` → ("nose", "x"); None when the column is no coordinate."""
    parts = re.fullmatch(r"(.+)[_. ]([A-Za-z]+)", column)
    return (parts[1], parts[2].lower()) if parts and parts[2].lower() in _COORDS else None


def _is_wide(head: Head) -> bool:
    coords = {coordinate[1] for coordinate in map(_coord_of, head.columns) if coordinate}
    return any(plain_name(c) in _CLOCK for c in head.columns) and {"x", "y"} <= coords


def _is_long(head: Head) -> bool:
    return head.has_columns("keypoint", "x", "y") and any(plain_name(c) in _CLOCK for c in head.columns)


def _clock(table: TextTable, faults: Faults) -> tuple[np.ndarray | None, np.ndarray | None, set[str]]:
    """Return time (s), frame numbers and the names of their columns."""
    time, frame = table.column(*TIME, required=False), table.column(*FRAME, required=False)
    if time is None and frame is None:
        faults.add("no time or frame column", expected="time_s or frame", got=", ".join(table.columns[:12]))
    return (
        table.seconds(time, faults) if time else None,
        table.numbers(frame, faults) if frame else None,
        {c for c in (time, frame) if c},
    )


@pose_reader(
    "plain_wide",
    (".csv", ".tsv", ".csv.gz"),
    sniff=_is_wide,
    fps="required with a frame column only",
    about="plain CSV: time_s or frame, then <keypoint>_x, <keypoint>_y[, <keypoint>_likelihood]",
)
def read_plain_wide(
    path: Path,
    *,
    fps: float | None = None,
    individuals: Sequence[str] | None = None,
    unit: str = "px",
    time_unit: str | None = None,
    ignore: Sequence[str] = (),
) -> xr.Dataset:
    """Read a plain table with one column per coordinate.

    Parameters
    ----------
    path : path
        CSV or TSV, gzip or not.
    fps : float, optional
        Frames/s, needed when the table counts frames instead of seconds.
    individuals : sequence of str, optional
        Prefixes of the keypoint names (``<individual>_<keypoint>_x``) when there are several.
    unit : str
        Unit of the coordinates.
    time_unit : {"s", "ms", "us", "min"}, optional
        Unit of the time column; seconds, unless its steps are too long for that.
    ignore : sequence of str
        Further columns that are not coordinates; any other column that is none is an error.
    """
    table = read_table(path)
    faults = Faults(str(path))
    time, frame, used = _clock(table, faults)
    passed = {*used, *ignore, *table.row_numbers()}
    keys, columns = [], []
    for column in table.columns:
        parts = _coord_of(column)
        if column in passed or column.startswith("(unnamed"):
            continue
        if parts is None:
            faults.add(
                f"column '{column}' is no coordinate",
                expected="<keypoint>_x, _y, _z or _likelihood",
                todo=f"rename it, or pass ignore=['{column}']",
            )
            continue
        keys.append(Key("", *parts))
        columns.append(table.numbers(column, faults))
    if not keys and not faults:
        faults.add("no coordinate columns", got=", ".join(table.columns))
    faults.raise_if_any()
    return poses_from_columns(
        np.stack(columns, axis=1),
        keys,
        path=path,
        software="table",
        fps=fps,
        frames=frame,
        time_s=_seconds(path, time, fps, time_unit),
        individuals=individuals,
        unit=unit,
        lines=table.lines,
    )


def _seconds(path: Path, time: np.ndarray | None, fps: float | None, time_unit: str | None) -> np.ndarray | None:
    """Return the time column; it is data, so a frame rate that contradicts it is warned about and not used."""
    if time is None:
        return time
    time = seconds_in(path, time, time_unit)
    if fps is None:
        return time
    rate = rate_of(time)
    # Rounded time stamps make the median step inexact, so only a clear difference is worth a warning.
    if np.isfinite(rate) and abs(rate - fps) > 0.05 * fps and bool((np.diff(time) > 0).all()):
        warn_user(f"{path}: the time column says {rate:.4g} fps and is used; fps={fps:g} is not")
    return time


@pose_reader(
    "plain_long",
    (".csv", ".tsv", ".csv.gz"),
    sniff=_is_long,
    fps="required with a frame column only",
    about="plain long CSV: time_s or frame, [individual], keypoint, x, y[, z][, likelihood]",
)
def read_plain_long(
    path: Path,
    *,
    fps: float | None = None,
    individuals: Sequence[str] | None = None,
    unit: str = "px",
    time_unit: str | None = None,
) -> xr.Dataset:
    """Read a plain table with one row per keypoint and time; missing rows are missing points."""
    table = read_table(path, header=("keypoint", "x", "y"))
    faults = Faults(str(path))
    time, frame, _ = _clock(table, faults)
    person = table.names(table.column("individual", "animal", "subject", required=False))
    point = table.labels(table.column("keypoint"), faults)
    columns = {c: table.column(c, required=False) for c in _COORDS}
    coords = {c: table.numbers(name, faults) for c, name in columns.items() if name}
    faults.raise_if_any()
    moment = frame if frame is not None else np.asarray(time, np.float64)
    long = pd.DataFrame({"moment": moment, "person": person, "point": point, **coords})
    twice = np.flatnonzero(long.duplicated(["moment", "person", "point"]))
    if twice.size:
        i = int(twice[0])
        fail(
            str(path),
            "the same keypoint appears twice at one time",
            where=f"line {table.lines[i]}",
            got=f"{person[i]} {point[i]} ({twice.size} such rows)",
            todo="drop the repeated rows",
        )
    _check_order(path, table, moment)
    wide = long.set_index(["moment", "person", "point"])[list(coords)].unstack(["person", "point"])
    wide = wide.sort_index()
    order = list(dict.fromkeys(zip(person, point, strict=True)))
    keys = [Key(p, k, c) for p, k in order for c in coords]
    values = np.stack([wide[c, p, k].to_numpy(np.float64) for p, k, c in keys], axis=1)
    when = wide.index.to_numpy(np.float64)
    if frame is not None:
        return poses_from_columns(
            values, keys, path=path, software="table", fps=fps, frames=when, individuals=individuals, unit=unit
        )
    return poses_from_columns(
        values,
        keys,
        path=path,
        software="table",
        fps=fps,
        individuals=individuals,
        unit=unit,
        time_s=_seconds(path, when, fps, time_unit),
    )


def _check_order(path: Path, table: TextTable, moment: np.ndarray) -> None:
    missing = np.flatnonzero(~np.isfinite(moment))
    if missing.size:
        fail(str(path), "time is missing", where=f"line {table.lines[missing[0]]}", got=f"{missing.size} rows")
