"""Caltech Behavior Annotator text: one table per stream (S1, S2 …), frames 1-based and inclusive."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from murid.data.errors import Faults, did_you_mean, fail
from murid.data.labels import Labels
from murid.data.stretches import merged
from murid.io.files import Head, read_text, resolve_fps
from murid.io.labels._build import build_labels
from murid.io.registry import label_reader

#: Where the words for "nothing" are told apart, as in the files that murid writes, the second was not scored.
_NOTHING, _NOT_SCORED = "base", "unlabelled"

_STREAM = re.compile(r"(S\d+):\s*start\s+end\s+type", re.IGNORECASE)


def _is_caltech(head: Head) -> bool:
    return head.text.lstrip().lower().startswith("caltech behavior annotator")


@label_reader(
    "caltech",
    (".txt", ".annot"),
    sniff=_is_caltech,
    fps="required",
    about="Caltech Behavior Annotator text, several streams",
)
def read_caltech(path: Path, *, fps: float | None = None, duration_s: float | None = None) -> Labels:
    """Read a Caltech Behavior Annotator file.

    Parameters
    ----------
    path : path
        Text file.
    fps : float
        Frames/s of the film: the file counts frames.
    duration_s : float, optional
        Length of the recording; the last bout may run past it by a few frames and is cut.

    Returns
    -------
    Labels
        One stream per table, ``exclusive``. The vocabulary is that of the configuration block.
        Words for "nothing" (``base``) are labels like the others: what they mean is decided later. In files
        whose configuration block has both ``base`` and ``unlabelled``, as murid writes stretches that nobody
        labelled, the latter is no label: these stretches are not in ``scored``.

    Raises
    ------
    DataError
        Rows without three cells, frames that are no numbers, bouts that end before they start or
        overlap, and words that are not in the configuration block; all at once.
    """
    faults = Faults(str(path))
    lines = read_text(path).split("\n")
    words = _vocabulary(lines)
    rate = resolve_fps(path, fps, None, "Caltech annotator")
    rows, stream, last_stop = [], None, 0
    for number, line in enumerate(lines, 1):
        match = _STREAM.match(line.strip())
        if match:
            stream, last_stop = match.group(1).upper(), 0
            continue
        cells = line.split(None, 2)
        if stream is None or not cells or set(line.strip()) == {"-"}:
            continue
        row = _row(cells, words, f"line {number}", faults)
        if row is None:
            continue
        if row[0] <= last_stop:
            faults.add(
                "bout overlaps the one before", where=f"line {number}", expected=f"start > {last_stop}", got=str(row[0])
            )
        last_stop = row[1]
        rows.append(((row[0] - 1) / rate, row[1] / rate, row[2], stream))
    if stream is None:
        faults.add("no table of bouts", expected="a line 'S1: start end type'", todo="the file is cut off or empty")
    faults.raise_if_any()
    if not rows:
        fail(str(path), "the tables hold no bouts", todo="the file is cut off, or nothing was annotated")
    bouts = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "stream"])
    if {_NOTHING, _NOT_SCORED} <= set(words):
        words.remove(_NOT_SCORED)
        bouts = bouts[bouts["label"] != _NOT_SCORED].reset_index(drop=True)
        scored = _covered(bouts)
    else:
        scored = bouts.groupby("stream", as_index=False).agg(start_s=("start_s", "min"), stop_s=("stop_s", "max"))
    return build_labels(
        bouts,
        path=path,
        fps=rate,
        duration_s=duration_s,
        exclusive=True,
        vocabulary=words,
        scored=scored.assign(rater="")[["start_s", "stop_s", "rater", "stream"]],
    )


def _covered(bouts: pd.DataFrame) -> pd.DataFrame:
    """Stretches of each stream that have a row."""
    rows = [
        (start, stop, name)
        for name, own in bouts.groupby("stream")
        for start, stop in merged(zip(own["start_s"], own["stop_s"], strict=True))
    ]
    return pd.DataFrame(rows, columns=["start_s", "stop_s", "stream"]).astype({"start_s": float, "stop_s": float})


def _vocabulary(lines: list[str]) -> list[str]:
    """Words of the configuration block: ``behaviour <key>`` lines before the first table."""
    words, inside = [], False
    for line in lines:
        if line.lower().startswith("configuration file"):
            inside = True
        elif _STREAM.match(line.strip()):
            break
        elif inside and line.split():
            words.append(line.split()[0])
    return words


def _row(cells: list[str], words: list[str], where: str, faults: Faults) -> tuple[int, int, str] | None:
    if len(cells) != 3:
        faults.add(
            "row is not complete",
            where=where,
            expected="start end type",
            got=" ".join(cells),
            todo="the file is cut off here",
        )
        return None
    try:
        start, stop = int(cells[0]), int(cells[1])
    except ValueError:
        faults.add("frame is not a whole number", where=where, got=f"{cells[0]} {cells[1]}")
        return None
    label = cells[2].strip()
    if words and label not in words:
        faults.add(f"'{label}' is not in the configuration block", where=where, todo=did_you_mean(label, words))
    if not 1 <= start <= stop:
        faults.add("bout ends before it starts, or starts before frame 1", where=where, got=f"{start}-{stop}")
    return start, stop, label
