"""DeepLabCut CSV: three header lines (scorer, bodyparts, coords), or four with individuals.

Also what such a table becomes when pandas saves it again: scorer names with ``.1``, ``.2`` …, index
columns before the first, or header lines without their names. Lightning Pose writes the same layout.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from murid.data.errors import Faults, fail
from murid.io.delimited_text import parse_numbers
from murid.io.files import Head, guess_delimiter, header_at, read_text
from murid.io.poses._columns import CONFIDENCE, SPACE, SPREAD, Key, frames_of_images, poses_from_columns
from murid.io.registry import pose_reader

_LEVELS = {3: ("scorer", "bodyparts", "coords"), 4: ("scorer", "individuals", "bodyparts", "coords")}


class Header(NamedTuple):
    """Header of a table with levels: cells per level, leading columns, delimiter."""

    levels: list[list[str]]
    lead: int
    delimiter: str
    names: list[str]


def parse_header(lines: Sequence[str]) -> Header | None:
    """Recognise the header: its last line holds nothing but coordinate names, after 1–3 leading cells."""
    lines = lines[header_at(lines) :]
    delimiter = guess_delimiter(lines[:4])
    rows = [[c.strip() for c in row] for row in csv.reader(lines[:4], delimiter=delimiter)]
    for depth in (3, 4):
        if len(rows) < depth:
            return None
        lead = _lead(rows[depth - 1])
        if lead:
            names = [row[lead - 1].lower() for row in rows[:depth] if row[lead - 1 :]]
            # pandas' reset_index leaves a column called "index" without a coordinate.
            while lead < 3 and rows[depth - 1][lead : lead + 1] == [""]:
                lead += 1
            return Header([row[lead:] for row in rows[:depth]], lead, delimiter, names)
    return None


def _lead(last: Sequence[str]) -> int:
    """Number of cells before the coordinates of a header's last line; 0 when it is no such line."""
    coords = {*SPACE, *CONFIDENCE, *SPREAD}
    cells = [c.lower() for c in last]
    fitting = []
    for lead in (1, 2, 3):
        body = cells[lead:]
        # Most, not all: one misspelt coordinate should end in an error that names it.
        if body and cells[lead - 1] not in coords and sum(c in coords for c in body) > 0.5 * len(body):
            fitting.append(lead)
    named = [lead for lead in fitting if cells[lead - 1] in ("coords", "coord")]
    return (named or fitting or [0])[0]


def _is_dlc(head: Head) -> bool:
    header = parse_header(head.lines) if head.is_text else None
    if header is None:
        return False
    expected = _LEVELS[len(header.levels)]
    pairs = zip(header.names, expected, strict=False)
    return all(name in ("", want, "index", "frame") or name.startswith("unnamed") for name, want in pairs)


@pose_reader(
    "dlc_csv",
    (".csv", ".csv.gz"),
    sniff=_is_dlc,
    fps="required",
    about="DeepLabCut CSV, one or several animals (3 or 4 header lines)",
)
def read_dlc_csv(
    path: Path, *, fps: float | None = None, individuals: Sequence[str] | None = None, unit: str = "px"
) -> xr.Dataset:
    """Read a DeepLabCut CSV.

    Parameters
    ----------
    path : path
        CSV, gzip or not.
    fps : float
        Frames/s of the video: the file has none.
    individuals : sequence of str, optional
        Animals to keep. In a file without an individuals line, several names are the prefixes of
        the keypoint names (``B_Nose`` belongs to ``B``).
    unit : str
        Unit of the coordinates.

    Returns
    -------
    Dataset
        Poses; ``frame`` holds the frame numbers of the first column.
    """
    header, values, frames, lines = read_levels(path)
    depth = len(header.levels)
    people = header.levels[1] if depth == 4 else [""] * len(header.levels[0])
    keys = [Key(p, k, c.lower()) for p, k, c in zip(people, header.levels[-2], header.levels[-1], strict=True)]
    scorer = header.levels[0][0] if header.levels[0] else ""
    return poses_from_columns(
        values,
        keys,
        path=path,
        software="DeepLabCut",
        fps=fps,
        frames=frames,
        lines=lines,
        individuals=individuals,
        unit=unit,
        scorer=scorer,
    )


def read_levels(path: Path) -> tuple[Header, np.ndarray, np.ndarray, np.ndarray]:
    """Read a CSV with several header lines: header, numbers, frame numbers, line numbers."""
    lines = read_text(path).split("\n")
    header = parse_header(lines)
    faults = Faults(str(path))
    if header is None:
        fail(
            str(path),
            "no DeepLabCut header",
            expected="lines scorer, [individuals,] bodyparts, coords with x, y, likelihood",
            got=repr(lines[0][:80]),
            todo="check the delimiter (comma) and that no header line was lost",
        )
    widths = [len(level) for level in header.levels]
    for i, width in enumerate(widths):
        if width != widths[-1]:
            faults.add(
                "header lines differ in length",
                where=f"line {i + 1}",
                expected=str(widths[-1] + header.lead),
                got=str(width + header.lead),
                todo="the header is damaged; export the file again",
            )
    faults.raise_if_any()
    top = header_at(lines) + len(header.levels)
    columns = [*["index"] * header.lead, *(" ".join(c) for c in zip(*header.levels[1:], strict=True))]
    top, named = _first_row(lines, top, header)
    values, texts, numbers = parse_numbers(
        "\n".join(lines[top:]),
        columns,
        subject=str(path),
        first_line=top + 1,
        delimiter=header.delimiter,
        text_columns=(header.lead - 1,) if named else (),
    )
    index = values[:, header.lead - 1]
    frames = frames_of_images(texts[header.lead - 1]) if named else index
    kept = [i for i, coord in enumerate(header.levels[-1]) if coord]
    extra = np.setdiff1d(np.arange(len(header.levels[-1])), kept)
    if np.isfinite(values[:, header.lead + extra]).any():
        fail(str(path), "a column has no name", where=f"column {header.lead + extra[0] + 1}", todo="name or delete it")
    levels = [[level[i] for i in kept] for level in header.levels]
    return header._replace(levels=levels), values[:, [header.lead + i for i in kept]], frames, numbers


def _first_row(lines: Sequence[str], top: int, header: Header) -> tuple[int, bool]:
    """Index of the first row of numbers, and whether rows are named (images) instead of numbered.

    Between header and numbers pandas may write a row with the name of the index alone.
    """
    for i in range(top, len(lines)):
        cells = [c.strip() for c in next(csv.reader([lines[i]], delimiter=header.delimiter), [])]
        if not any(cells):
            continue
        if not any(cells[header.lead :]) and not any(c.isdigit() for c in "".join(cells)):
            continue
        return i, not _is_number(cells[header.lead - 1])
    return top, False


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().strip('"') or "nan")
    except ValueError:
        return False
    return True
