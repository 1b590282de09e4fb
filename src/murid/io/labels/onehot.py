"""One row per frame, one 0/1 column per behaviour (A-SOiD, BORIS binary tables, DeepEthogram)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from murid.data.errors import Faults, did_you_mean
from murid.data.labels import Labels
from murid.io.files import Head, resolve_fps
from murid.io.labels._build import build, frame_edges, frames_to_bouts
from murid.io.registry import label_reader
from murid.io.tables import Table, read_table

_TIME = ("time", "time_s", "t")
_FRAME = ("frame", "frames")
_VALUES = {"0", "1", "-1", "0.0", "1.0", "-1.0", ""}


def _is_binary(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> bool:
    return bool(columns) and len(rows) > 0 and all(row[i] in _VALUES for row in rows for i in columns if i < len(row))


def _is_onehot(head: Head) -> bool:
    names = [c.lower() for c in head.columns]
    clock = [i for i, n in enumerate(names) if n in (*_TIME, *_FRAME)]
    return len(clock) >= 1 and _is_binary(head.rows[1:], [i for i in range(len(names)) if i not in clock])


def _is_deepethogram(head: Head) -> bool:
    names = head.columns
    return (
        bool(names)
        and names[0] in ("", "Unnamed: 0")
        and "background" in names
        and _is_binary(head.rows[1:], list(range(1, len(names))))
    )


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
    time : str, optional
        Column of the time in seconds, when it has another name.

    Returns
    -------
    Labels
        −1 and empty cells are not scored. ``exclusive`` when every scored frame has exactly one label.
    """
    table = read_table(path)
    frame = table.column(*_FRAME, required=False)
    time = table.column(*_TIME, required=False) if time is None else table.column(time)
    faults = Faults(str(path))
    if time is None and frame is None:
        faults.add("no time or frame column", expected="time_s or frame", got=", ".join(table.columns))
        faults.raise_if_any()
    names = _behaviours(table, [c for c in (time, frame) if c], behaviours, faults)
    values = _binary(table, names, faults)
    if time is not None:
        seconds = table.numbers(time, faults)
        rate = fps
    else:
        rate = resolve_fps(path, fps, None, "frame-counting")
        seconds = table.numbers(frame, faults) / rate
    faults.raise_if_any()
    edges, rate = frame_edges(path, seconds, rate)
    bouts, scored = frames_to_bouts(values, names, edges)
    return build(
        bouts,
        path=path,
        fps=rate,
        duration_s=duration_s,
        scored=scored,
        vocabulary=names,
        exclusive=bool(((values == 1).sum(axis=1) == (values >= 0).any(axis=1)).all()),
    )


@label_reader("deepethogram", (".csv",), sniff=_is_deepethogram, fps="required", about="DeepEthogram labels CSV")
def read_deepethogram(path: Path, *, fps: float | None = None, duration_s: float | None = None) -> Labels:
    """Read DeepEthogram labels: frame index, ``background``, one 0/1/−1 column per behaviour.

    A frame that is −1 in every column is not scored. ``background`` says that no behaviour is there,
    which is what a scored frame without a bout means; it is checked and not kept as a label.
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
    b = columns.index("background")
    rest = [i for i in range(len(columns)) if i != b]
    scored_rows = (values >= 0).all(axis=1)
    both = np.flatnonzero(scored_rows & ((values[:, b] == 1) == (values[:, rest] == 1).any(axis=1)))
    if both.size:
        faults.add(
            "background must be 1 exactly where no behaviour is",
            where=f"line {table.lines[both[0]]}",
            got=f"{both.size} such frames",
        )
    faults.raise_if_any()
    edges, rate = frame_edges(path, index / rate, rate)
    names = [columns[i] for i in rest]
    bouts, scored = frames_to_bouts(values[:, rest], names, edges)
    return build(bouts, path=path, fps=rate, duration_s=duration_s, scored=scored, vocabulary=names)


def _behaviours(table: Table, clock: list[str], wanted: Sequence[str] | None, faults: Faults) -> list[str]:
    rest = [c for c in table.columns if c not in clock]
    if wanted is None:
        return rest
    for name in wanted:
        if name not in rest:
            faults.add(f"no column '{name}'", todo=did_you_mean(name, rest))
    faults.raise_if_any()
    return list(wanted)


def _binary(table: Table, names: Sequence[str], faults: Faults) -> np.ndarray:
    """Columns as int8 1, 0, −1; anything else is a fault."""
    out = np.full((len(table.cells), len(names)), -1, np.int8)
    for i, name in enumerate(names):
        column = table.numbers(name, faults)
        bad = np.flatnonzero(np.isfinite(column) & ~np.isin(column, (-1, 0, 1)))
        if bad.size:
            faults.add(
                f"column '{name}' is not 0/1",
                where=f"line {table.lines[bad[0]]}",
                got=f"{column[bad[0]]:g}",
                todo="name the behaviour columns: behaviours=[...]",
            )
        out[:, i] = np.where(np.isin(column, (0, 1)), column, -1)
    return out
