"""Plain bout tables: ``start_s, stop_s, label`` and optional ``individual, rater, stream``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from murid.data.errors import Faults
from murid.data.labels import Labels
from murid.io.delimited_text import read_table
from murid.io.files import Head, choose
from murid.io.labels._build import build_labels
from murid.io.registry import label_reader

_OPTIONAL = ("individual", "rater", "stream", "source")


def _is_bouts(head: Head) -> bool:
    return head.has_columns("start_s", "stop_s", "label")


@label_reader(
    "bouts",
    (".csv", ".tsv", ".csv.gz"),
    sniff=_is_bouts,
    about="plain bouts: start_s, stop_s, label[, individual, rater, stream, score]",
)
def read_bouts(
    path: Path, *, fps: float | None = None, duration_s: float | None = None, recording: str | None = None
) -> Labels:
    """Read a plain bout table in seconds, as `write_bouts_csv` writes it.

    Parameters
    ----------
    path : path
        CSV or TSV.
    fps : float, optional
        Frames/s of the annotation, kept with the labels.
    duration_s : float, optional
        Length of the recording; all of it counts as scored. Up to the last bout by default.
    recording : str, optional
        Value of the column ``recording`` when the table has one with several values.
    """
    table = read_table(path, header=("start_s", "stop_s", "label"), may_be_empty=True)
    by = table.column("recording", required=False)
    if by is not None and len(table.cells):
        names = list(dict.fromkeys(table.cells[by]))
        table = table.rows(table.cells[by] == choose(path, "recording", names, recording, "recording"))
    faults = Faults(str(path))
    bouts = pd.DataFrame({c: table.seconds(table.column(c), faults) for c in ("start_s", "stop_s")})
    bouts["label"] = table.labels(table.column("label"), faults)
    for name in _OPTIONAL:
        column = table.column(name, required=False)
        if column:
            bouts[name] = table.names(column, {"individual": "all", "source": "human"}.get(name, ""))
    score = table.column("score", required=False)
    if score:
        bouts["score"] = table.numbers(score, faults)
    for i in range(len(bouts)):
        if not bouts["stop_s"][i] >= bouts["start_s"][i]:
            faults.add(
                "bout has no start or stop, or stops before it starts",
                where=f"line {table.lines[i]}",
                got=f"{bouts['start_s'][i]}-{bouts['stop_s'][i]} s",
                todo="correct the row or delete it",
            )
    faults.raise_if_any()
    return build_labels(bouts, path=path, fps=fps, duration_s=duration_s)
