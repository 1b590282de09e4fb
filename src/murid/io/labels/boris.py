"""BORIS tables: tabular (START/STOP rows, also the older layout) and aggregated (one row a bout)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from murid.data.bouts import EVERYONE, as_text, make_events
from murid.data.errors import Faults
from murid.data.labels import Labels
from murid.io.delimited_text import NO_NAME, NO_TEXT, TextTable, read_table
from murid.io.files import Head, choose, plain_name, resolve_fps
from murid.io.labels._build import build_labels, films_of
from murid.io.registry import label_reader

NOBODY = ("no focal subject", *(word.lower() for word in NO_NAME))
POINT_COLUMNS = ("time_s", "label", "individual", "modifiers")


def _has(head: Head, *names: str) -> bool:
    """True when some line of the head holds all these column names."""
    wanted = {plain_name(n) for n in names}
    return any(
        wanted <= {plain_name(c.strip(' "')) for c in line.split(d)}
        for line in head.lines[:60]
        for d in (",", ";", "\t")
    )


def _is_aggregated(head: Head) -> bool:
    return _has(head, "Behavior", "Start (s)", "Stop (s)")


def _is_tabular(head: Head) -> bool:
    return not _is_aggregated(head) and (
        _has(head, "Time", "Behavior", "Behavior type") or _has(head, "Time", "Behavior", "Status")
    )


@label_reader(
    "boris_tabular",
    (".csv", ".tsv"),
    sniff=_is_tabular,
    fps="stated",
    about="BORIS tabular events (START/STOP/POINT rows), also the older layout with a preamble",
)
def read_boris_tabular(
    path: Path, *, fps: float | None = None, duration_s: float | None = None, recording: str | None = None
) -> Labels:
    """Read a BORIS table of tabular events.

    Parameters
    ----------
    path : path
        CSV or TSV. Columns are found by name, ignoring case; a preamble is passed over.
    fps : float, optional
        Frames/s; the file states it. Times are in seconds, so it is kept, not used.
    duration_s : float, optional
        Length of the recording; else the length the file states.
    recording : str, optional
        Observation to read when the table holds several.

    Returns
    -------
    Labels
        State events, ``individual`` = subject ("all" without one), with a column ``modifiers``.
        Point events are in ``meta["points"]``. Times are those of the film: BORIS adds the time offset
        of the observation, which is taken off again. A table without rows is that of an animal that
        did nothing.

    Raises
    ------
    DataError
        Naming every START without STOP and every STOP without START.
    """
    table = read_table(path, header=("Time", "Behavior"), may_be_empty=True)
    table = _one_observation(path, table, recording)
    faults = Faults(str(path))
    kind = table.texts(table.column("Behavior type", "Status")).str.upper()
    time = _times(path, table, "Time", "Image index", fps, faults)
    rows = pd.DataFrame(
        {
            "time_s": time,
            "label": table.labels(table.column("Behavior"), faults),
            "individual": _subjects(table),
            "modifiers": _modifiers(table),
            "kind": kind,
            "line": table.lines,
        }
    )
    for i in np.flatnonzero(~rows["kind"].isin(["START", "STOP", "POINT"])):
        faults.add(
            "unknown kind of event",
            where=f"line {rows['line'][i]}",
            expected="START, STOP or POINT",
            got=repr(rows["kind"][i]),
        )
    faults.raise_if_any()
    bouts = pair_events(rows[rows["kind"] != "POINT"], faults)
    faults.raise_if_any()
    return _labels(path, table, bouts, rows[rows["kind"] == "POINT"], fps, duration_s)


@label_reader(
    "boris_aggregated",
    (".csv", ".tsv"),
    sniff=_is_aggregated,
    fps="stated",
    about="BORIS aggregated events (one row a bout)",
)
def read_boris_aggregated(
    path: Path, *, fps: float | None = None, duration_s: float | None = None, recording: str | None = None
) -> Labels:
    """Read a BORIS table of aggregated events; options as in the tabular reader."""
    table = read_table(path, header=("Behavior", "Start (s)", "Stop (s)"), may_be_empty=True)
    table = _one_observation(path, table, recording)
    faults = Faults(str(path))
    kind = table.texts(table.column("Behavior type", required=False), "STATE").str.upper()
    start, stop = (
        _times(path, table, f"{end} (s)", f"Image index {end.lower()}", fps, faults) for end in ("Start", "Stop")
    )
    rows = pd.DataFrame(
        {
            "time_s": start,
            "start_s": start,
            "stop_s": stop,
            "kind": kind,
            "line": table.lines,
            "label": table.labels(table.column("Behavior"), faults),
            "individual": _subjects(table),
            "modifiers": _modifiers(table),
        }
    )
    states = rows[rows["kind"] != "POINT"]
    for row in states[~(states["stop_s"] >= states["start_s"])].itertuples():
        faults.add(
            "bout has no stop, or stops before it starts",
            where=f"line {row.line} ({row.label})",
            got=f"{row.start_s}-{row.stop_s} s",
            todo="stop the behaviour in BORIS and export again",
        )
    faults.raise_if_any()
    bouts = states[["start_s", "stop_s", "label", "individual", "modifiers"]]
    return _labels(path, table, bouts, rows[rows["kind"] == "POINT"], fps, duration_s)


def pair_events(rows: pd.DataFrame, faults: Faults) -> pd.DataFrame:
    """Pair START and STOP rows per subject, behaviour and modifiers; every unpaired row is a fault.

    Parameters
    ----------
    rows : DataFrame
        ``time_s, label, individual, modifiers, kind, line``.
    """
    bouts = []
    for (individual, label, modifiers), group in rows.groupby(["individual", "label", "modifiers"], sort=False):
        opened = None
        # At equal times a STOP closes the bout before before the next one starts.
        order = group.assign(late=group["kind"].eq("START")).sort_values(["time_s", "line"], kind="stable")
        order = order if opened_first(order) else order.sort_values(["time_s", "late"], kind="stable")
        for row in order.itertuples():
            event = f"line {row.line} ({label}, {individual}, {row.time_s:.3f} s)"
            if row.kind == "START":
                if opened is not None:
                    faults.add(
                        "START without STOP",
                        where=f"line {opened.line} ({label}, {individual}, {opened.time_s:.3f} s)",
                        todo="add the missing STOP in BORIS",
                    )
                opened = row
            elif opened is None:
                faults.add("STOP without START", where=event, todo="add the missing START in BORIS")
            else:
                bouts.append((opened.time_s, row.time_s, label, individual, modifiers))
                opened = None
        if opened is not None:
            faults.add(
                "START without STOP",
                where=f"line {opened.line} ({label}, {individual}, {opened.time_s:.3f} s)",
                todo="add the missing STOP in BORIS",
            )
    return pd.DataFrame(bouts, columns=["start_s", "stop_s", "label", "individual", "modifiers"])


def opened_first(group: pd.DataFrame) -> bool:
    """True when START and STOP already alternate in this order."""
    kinds = group["kind"].tolist()
    return all(k == ("START", "STOP")[i % 2] for i, k in enumerate(kinds))


def subject_name(name: str) -> str:
    """Individual of a BORIS subject: nobody in particular means all animals together."""
    return EVERYONE if name.strip().lower() in NOBODY else name.strip()


def points_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Point events as an event table with modifiers."""
    points = make_events(rows[list(POINT_COLUMNS)], name="point events")
    return points.assign(modifiers=as_text(points["modifiers"]))


def _subjects(table: TextTable) -> pd.Series:
    return table.texts(table.column("Subject", required=False)).map(subject_name)


def modifiers_text(cells: Sequence[str]) -> str:
    """Modifiers of one event as one text, ``left|weak``: a set without a choice is ``None``, no choice at all empty.

    Cells that are missing at the end are those of sets the behaviour does not have.
    """
    filled = ["" if cell in NO_TEXT else cell for cell in cells]
    while filled and not filled[-1]:
        filled.pop()
    chosen = [cell or "None" for cell in filled]
    return "|".join(chosen) if any(cell != "None" for cell in chosen) else ""


def _modifiers(table: TextTable) -> pd.Series:
    columns = [c for c in table.columns if c.lower().startswith("modifier")]
    # Row by row of an array: `itertuples` of a table without columns gives no rows before pandas 3.
    return pd.Series([modifiers_text(row) for row in table.cells[columns].to_numpy().tolist()], dtype=object)


def _one_observation(path: Path, table: TextTable, recording: str | None) -> TextTable:
    column = table.column("Observation id", required=False)
    if column is None or not len(table.cells):
        return table
    names: Sequence[str] = list(dict.fromkeys(table.cells[column]))
    films = films_of(table.cells, column, table.column("Media file name", "Media file path", required=False))
    return table.rows(table.cells[column] == choose(path, "observation", names, recording, "recording", films))


def _first_number(table: TextTable, *names: str) -> float | None:
    """First number of a column: films queued in a player add up (``40;20``), the first player counts (``60|62``)."""
    column = table.column(*names, required=False)
    for cell in table.cells[column] if column is not None else ():
        parts = str(cell).split("|")[0].split(";")
        try:
            numbers = [float(p.replace(",", ".")) for p in parts]
        except ValueError:
            continue
        return sum(numbers)
    return None


def _offset(table: TextTable) -> float:
    """Seconds that BORIS added to the times of the film."""
    return _first_number(table, "Time offset (s)") or 0.0


def _times(path: Path, table: TextTable, seconds: str, index: str, fps: float | None, faults: Faults) -> np.ndarray:
    """Times of the film; observations of images may have an index instead, which needs the rate."""
    time = table.seconds(table.column(seconds), faults)
    column = table.column(index, required=False)
    if not np.isfinite(time).any() and column is not None and len(time):
        numbers = table.numbers(column, faults)
        if np.isfinite(numbers).all():
            time = numbers / resolve_fps(path, fps, None, "BORIS image")
    return time - _offset(table)


def _first_rate(table: TextTable) -> float | None:
    """Frame rate of the first film of the first player (``25|25``, ``25;30``)."""
    column = table.column("FPS", "FPS (frame/s)", required=False)
    for cell in table.cells[column] if column is not None else ():
        try:
            return float(str(cell).split("|")[0].split(";")[0].replace(",", "."))
        except ValueError:
            continue
    return None


def _labels(
    path: Path, table: TextTable, bouts: pd.DataFrame, points: pd.DataFrame, fps: float | None, duration_s: float | None
) -> Labels:
    # The observation duration may be that of the events alone; the film was watched whole.
    lengths = [_first_number(table, n) for n in ("Media duration (s)", "Total length", "Observation duration")]
    ends = [float(t.max()) for t in (bouts["stop_s"], points["time_s"]) if len(t)]
    known = [v for v in lengths if v is not None and np.isfinite(v)]
    stated = max([*known, *ends], default=None)
    rate = fps if fps is not None else _first_rate(table)
    return build_labels(
        bouts.reset_index(drop=True),
        path=path,
        fps=rate,
        duration_s=duration_s,
        stated_duration_s=stated,
        points=points_table(points),
    )
