"""One row per frame, one 0/1 column per behaviour (A-SOiD, BORIS binary tables, DeepEthogram)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from murid.data.bouts import EVERYONE, make_events
from murid.data.errors import Faults, did_you_mean, fail
from murid.data.labels import Labels
from murid.data.stretches import runs_of_true
from murid.data.warning import warn_user
from murid.io.delimited_text import MISSING, TextTable, is_row_number, read_table
from murid.io.files import Head, plain_name, resolve_fps
from murid.io.labels._build import build_labels, frame_edges, frames_to_bouts
from murid.io.labels.boris import POINT_COLUMNS
from murid.io.registry import label_reader

_TIME = ("time", "time_s", "t")
_FRAME = ("frame", "frames")
_CLOCK = {plain_name(name) for name in (*_TIME, *_FRAME)}
_TRUTH = {"true": 1.0, "false": 0.0}
_VALUES = {*(f"{n}{end}" for n in ("0", "1", "-1") for end in ("", ".0", ",0")), *_TRUTH, *(w.lower() for w in MISSING)}
#: Names of the column that says that no behaviour is there.
_NOTHING = ("background", "none")
#: Steps from which a 0/1 table is one of BORIS, sampled, rather than one of frames.
_SAMPLED_S = 0.1
#: Steps (s) from which a run of one row may be a point in time as well as a bout.
_SLOW_S = 0.5


def _is_binary(header: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    return (
        bool(columns)
        and len(rows) > 0
        and all(row[i].lower() in _VALUES for row in rows if row != header for i in columns if i < len(row))
    )


def _is_onehot(head: Head) -> bool:
    clock = [i for i, name in enumerate(head.columns) if plain_name(name) in _CLOCK]
    rows = head.rows[1:]
    index = [i for i, name in enumerate(head.columns) if is_row_number(name, [r[i] for r in rows if i < len(r)])]
    return bool(clock) and _is_binary(
        head.columns, rows, [i for i in range(len(head.columns)) if i not in (*clock, *index)]
    )


def _is_deepethogram(head: Head) -> bool:
    names = head.columns
    return (
        bool(names)
        and names[0] in ("", "Unnamed: 0")
        and bool(set(_NOTHING) & {n.lower() for n in names})
        and _is_binary(names, head.rows[1:], list(range(1, len(names))))
    )


def mark_columns(path: Path) -> tuple[list[str], list[str]]:
    r"""Return the columns of a table beside its clock that hold 0 and 1 only, and the others.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "m1.csv"
    >>> _ = path.write_text("time,dff,freezing\n0,1.25,0\n0.1,1.5,1\n")
    >>> mark_columns(path)
    (['freezing'], ['dff'])
    """
    table = read_table(path)
    marks: list[str] = []
    others: list[str] = []
    for name in table.columns:
        texts = [text.strip().lower() for text in table.texts(name)]
        if name and plain_name(name) not in _CLOCK and not is_row_number(name, texts):
            (marks if set(texts) <= _VALUES else others).append(name)
    return marks, others


@label_reader(
    "onehot",
    (".csv", ".tsv", ".csv.gz"),
    sniff=_is_onehot,
    fps="required with a frame column only",
    about="one row per frame: time or frame, then one 0/1 column per behaviour",
)
def read_onehot(
    path: Path,
    *,
    fps: float | None = None,
    duration_s: float | None = None,
    behaviours: Sequence[str] | None = None,
    points: Sequence[str] | None = None,
    time: str | None = None,
) -> Labels:
    """Read a per-frame table of 0/1 columns.

    Parameters
    ----------
    path : path
        CSV or TSV with a column ``time``/``time_s`` (s) or ``frame``.
    fps : float, optional
        Frames/s; needed with a frame column. With a time column it sets the rows on the frame grid,
        which undoes rounded times (0.03, 0.07 …).
    duration_s : float, optional
        Length of the recording.
    behaviours : sequence of str, optional
        Columns to read, when the table holds more than 0/1 columns.
    points : sequence of str, optional
        Columns that are point events. In a table sampled at half a second or slower (BORIS binary
        tables) those of which no run is longer than one row by default, with a warning.
    time : str, optional
        Column of the time in seconds, when it has another name.

    Returns
    -------
    Labels
        −1, empty cells and frames without a row are not scored. ``exclusive`` when every scored frame
        has exactly one label. Point events are in ``meta["points"]``. BORIS writes one more row at the
        end of the observation; it lasts no time.
    """
    table = read_table(path)
    frame = table.column(*_FRAME, required=False)
    time = table.column(*_TIME, required=False) if time is None else table.column(time)
    faults = Faults(str(path))
    if time is None and frame is None:
        faults.add(
            "no time or frame column",
            expected="time_s or frame",
            got=", ".join(table.columns),
            todo="name it: -o labels.time=COLUMN (Python: time='...')",
        )
        faults.raise_if_any()
    names = _behaviours(table, [c for c in (time, frame) if c], behaviours, faults)
    sampled = False
    if time is not None:
        seconds, rate = table.numbers(time, faults), fps
        sampled = time.lower() == "time" and fps is None and len(seconds) > 1 and seconds[1] - seconds[0] >= _SAMPLED_S
    else:
        rate = resolve_fps(path, fps, None, "frame-counting")
        seconds = table.numbers(str(frame), faults)
    values = _binary(table, names, faults, counts=sampled or bool(points))
    faults.raise_if_any()
    if time is None:
        seconds, values = _on_grid(seconds, values)
        seconds = seconds / float(rate or 1)
    edges, rate = frame_edges(path, seconds, rate)
    if sampled and len(values) > 1 and (values[-1] == 0).all():
        values, edges = values[:-1], edges[:-1]
    at = _point_columns(path, values, names, points, edges)
    # A cell counts the events of its step.
    events = [
        (float(edges[row]), names[i], EVERYONE, "")
        for i in at
        for row in np.repeat(np.arange(len(values)), np.maximum(values[:, i], 0))
    ]
    kept = [i for i in range(len(names)) if i not in at]
    values, names = np.minimum(values[:, kept], 1), [names[i] for i in kept]
    bouts, scored = frames_to_bouts(values, names, edges)
    return build_labels(
        bouts,
        points=make_events(pd.DataFrame(events, columns=list(POINT_COLUMNS))) if at else None,
        path=path,
        fps=rate,
        duration_s=duration_s,
        scored=scored,
        vocabulary=names,
        exclusive=bool(((values == 1).sum(axis=1) == (values >= 0).any(axis=1)).all()),
    )


@label_reader("deepethogram", (".csv",), sniff=_is_deepethogram, fps="required", about="DeepEthogram labels CSV")
def read_deepethogram(path: Path, *, fps: float | None = None, duration_s: float | None = None) -> Labels:
    """Read DeepEthogram labels: frame index, ``background`` (or ``none``), one 0/1/−1 column per behaviour.

    A frame that is −1 in every column is not scored. ``background`` says that no behaviour is there,
    which is what a scored frame without a bout means; it is checked and not kept as a label. A table without
    it is read when the format is named.
    """
    table = read_table(path)
    rate = resolve_fps(path, fps, None, "DeepEthogram")
    faults = Faults(str(path))
    columns = table.columns[1:]
    values = _binary(table, columns, faults)
    index = table.numbers(table.columns[0], faults)
    faults.raise_if_any()
    mixed = np.flatnonzero((values == -1).any(axis=1) & (values != -1).any(axis=1))
    if mixed.size:
        faults.add(
            "frame is labelled in some columns only",
            where=f"line {table.lines[mixed[0]]}",
            got=f"{mixed.size} such frames",
            expected="-1 in every column or in none",
        )
    rest = [i for i, c in enumerate(columns) if c.lower() not in _NOTHING]
    scored_rows = (values >= 0).all(axis=1)
    for b in set(range(len(columns))) - set(rest):
        both = np.flatnonzero(scored_rows & ((values[:, b] == 1) == (values[:, rest] == 1).any(axis=1)))
        if both.size:
            faults.add(
                f"{columns[b]} must be 1 exactly where no behaviour is",
                where=f"line {table.lines[both[0]]}",
                got=f"{both.size} such frames",
            )
    faults.raise_if_any()
    edges, rate = frame_edges(path, index / rate, rate)
    names = [columns[i] for i in rest]
    bouts, scored = frames_to_bouts(values[:, rest], names, edges)
    return build_labels(bouts, path=path, fps=rate, duration_s=duration_s, scored=scored, vocabulary=names)


def _behaviours(table: TextTable, clock: list[str], wanted: Sequence[str] | None, faults: Faults) -> list[str]:
    passed = (*clock, *table.row_numbers())
    rest = [c for c in table.columns if c not in passed and not c.startswith("(unnamed")]
    if wanted is None:
        return rest
    for name in wanted:
        if name not in rest:
            faults.add(f"no column '{name}'", todo=did_you_mean(name, rest))
    faults.raise_if_any()
    return list(wanted)


def _on_grid(frames: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of all frames from the first to the last; those without a row are not scored."""
    step = np.diff(frames)
    if not (np.isfinite(frames).all() and (frames == np.round(frames)).all() and (step > 0).all()):
        return frames, values  # named by the check of the clock
    first = int(frames[0])
    grid = np.arange(first, int(frames[-1]) + 1)
    out = np.full((len(grid), values.shape[1]), -1, values.dtype)
    out[frames.astype(int) - first] = values
    return grid.astype(np.float64), out


def _point_columns(
    path: Path, values: np.ndarray, names: Sequence[str], wanted: Sequence[str] | None, edges: np.ndarray
) -> list[int]:
    """Columns that hold point events: those named, those that count, in slow tables those of single rows."""
    if wanted is not None:
        for name in wanted:
            if name not in names:
                fail(str(path), f"no column '{name}'", todo=did_you_mean(name, names))
        return [i for i, name in enumerate(names) if name in wanted]
    counting = [i for i in range(len(names)) if (values[:, i] > 1).any()]
    lengths = [[b - a for a, b in runs_of_true(values[:, i] > 0)] for i in range(len(names))]
    slow = len(edges) > 1 and edges[1] - edges[0] >= _SLOW_S and max(max(n, default=0) for n in lengths) > 1
    single = [i for i, n in enumerate(lengths) if slow and n and max(n) == 1 and i not in counting]
    if single:
        warn_user(
            f"{path}: {', '.join(names[i] for i in single)}: no run is longer than one row, read as point events; "
            "to read bouts pass points=[]"
        )
    return sorted(counting + single)


def _binary(table: TextTable, names: Sequence[str], faults: Faults, *, counts: bool = False) -> np.ndarray:
    """Columns as int8 1, 0, −1 (also True and False); anything else, but for counts, is a fault."""
    out = np.full((len(table.cells), len(names)), -1, np.int8)
    for i, name in enumerate(names):
        cells = table.cells[name].map(lambda c: str(_TRUTH.get(c.lower(), c)))
        column = replace(table, cells=table.cells.assign(**{name: cells})).numbers(name, faults)
        whole = counts & (column == np.round(column)) & (column > 1) & (column < 100)
        bad = np.flatnonzero(np.isfinite(column) & ~np.isin(column, (-1, 0, 1)) & ~whole)
        if bad.size:
            faults.add(
                f"column '{name}' is not 0/1",
                where=f"line {table.lines[bad[0]]}",
                got=f"{column[bad[0]]:g}",
                todo="name the behaviour columns: behaviours=[...]",
            )
        out[:, i] = np.where(np.isin(column, (0, 1)) | whole, column, -1)
    return out
