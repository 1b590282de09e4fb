"""Tables with ``from`` and ``to`` in seconds, often of several raters and recordings (DLCAnalyzer)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from murid.data.errors import Faults
from murid.data.labels import Labels
from murid.data.warning import warn_user
from murid.io.delimited_text import read_table
from murid.io.files import Head, choose
from murid.io.labels._build import build_labels, films_of
from murid.io.registry import label_reader

#: Rows that raters' programs write to mark where a session starts and ends; no behaviours.
MARKERS = ("StartEnd", "Start/End", "Start_End", "_DEFAULT")


def _is_fromto(head: Head) -> bool:
    return head.has_columns("from", "to") and (head.has_columns("type") or head.has_columns("label"))


@label_reader(
    "fromto",
    (".csv", ".csv.gz"),
    sniff=_is_fromto,
    about="from/to tables in seconds, several raters and recordings (DLCAnalyzer)",
)
def read_fromto(
    path: Path,
    *,
    fps: float | None = None,
    duration_s: float | None = None,
    recording: str | None = None,
    markers: Sequence[str] = MARKERS,
) -> Labels:
    """Read a from/to table.

    Parameters
    ----------
    path : path
        CSV with ``from, to, type`` and optional ``Experimenter`` (rater) and ``ID`` or ``DLCFile``
        (recording); any delimiter.
    fps : float, optional
        Frames/s of the films; kept with the labels, times are in seconds.
    duration_s : float, optional
        Length of the recording; else the end of the last row of any rater.
    recording : str, optional
        Value of ``ID`` (or of ``DLCFile``) to read when the table holds several recordings.
    markers : sequence of str
        Types that are no behaviours and are dropped; how many is in ``meta["markers"]``.

    Returns
    -------
    Labels
        All raters of the recording; bouts of one behaviour may overlap or repeat as written. Rows
        without a start or an end are left out, with a warning that names them.
    """
    table = read_table(path)
    by = table.column("ID", "recording", required=False)
    other = table.column("DLCFile", "video", required=False)
    if recording is not None and by and other and recording in set(table.cells[other]):
        by = other
    by = by or other
    if by is not None:
        names = list(dict.fromkeys(table.cells[by]))
        films = films_of(table.cells, by, other)
        table = table.rows(table.cells[by] == choose(path, "recording", names, recording, "recording", films))
    faults = Faults(str(path))
    start = table.seconds(table.column("from", "start"), faults)
    stop = table.seconds(table.column("to", "stop"), faults)
    label = table.labels(table.column("type", "label"), faults)
    rater = table.names(table.column("Experimenter", "rater", required=False))
    known = np.isfinite(start) & np.isfinite(stop)
    for i in np.flatnonzero(known):
        if stop[i] < start[i]:
            faults.add(
                "interval ends before it starts",
                where=f"line {table.lines[i]} ({label[i]})",
                got=f"{start[i]}-{stop[i]} s",
                todo="correct the interval or drop the row",
            )
    if not known.any():
        faults.add("no interval has a start and an end")
    faults.raise_if_any()
    if not known.all():
        lost = ", ".join(f"line {table.lines[i]} ({label[i]})" for i in np.flatnonzero(~known)[:8])
        warn_user(f"{path}: {(~known).sum()} rows without start or end are left out: {lost}")
    rows = pd.DataFrame({"start_s": start, "stop_s": stop, "label": label, "rater": rater})[known]
    marker = rows["label"].isin(markers)
    end = float(rows["stop_s"].max())
    bouts = rows[~marker].reset_index(drop=True)
    # Every rater of the recording watched it, also one who saw nothing of note.
    raters = list(dict.fromkeys(rows["rater"]))
    end = end if duration_s is None else duration_s
    scored = pd.DataFrame({"start_s": 0.0, "stop_s": end, "rater": raters, "stream": ""})
    return build_labels(bouts, path=path, fps=fps, duration_s=duration_s, scored=scored, markers=int(marker.sum()))
