"""Opening files: one clear error for every way a file can be broken before it is even parsed."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

from murid.data.errors import DataError, Fault, Faults, did_you_mean, fail, nearest_names
from murid.data.warning import warn_user
from murid.io.workbook import is_workbook, text_of_workbook

#: Four header lines of 200 keypoints with long scorer names must fit.
_HEAD_BYTES = 1 << 18
#: Lines that may stand above a header.
_MOST_ABOVE = 200
_GZIP = b"\x1f\x8b"
_HDF5 = b"\x89HDF\r\n\x1a\n"
DELIMITERS = (",", ";", "\t")
#: Starts of files that hold no text, what they are, and what to do.
_CONTAINERS = (
    (b"PAR1", "a Parquet file", "save the table as CSV"),
    (b"ARROW1", "a Feather file", "save the table as CSV"),
    (b"\x80\x04\x95", "a Python pickle", "save the table as CSV; pickles can run code and are never read"),
    (b"\x80\x05\x95", "a Python pickle", "save the table as CSV; pickles can run code and are never read"),
    (b"BZh", "a bz2 file", "unpack it, or use gzip"),
    (b"\xfd7zXZ", "an xz file", "unpack it, or use gzip"),
    (b"RDX", "an R data file", "save the table with write.csv"),
    (b"%PDF", "a PDF", "save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "a workbook of Excel 97-2003", "save it as .xlsx or CSV"),
    (b"PK\x03\x04", "a zip file", "unpack it; a workbook needs the ending .xlsx"),
)
#: What an HDF5 file with such a name at its top is, where murid reads none, and what to do.
_HDF5_FORMATS = {
    "poseest": ("pose estimates of JABS", "write them as a table: time_s, then nose_x, nose_y, nose_likelihood ..."),
    "session_start_time": (
        "an NWB file",
        "write poses as netCDF with movement (load_poses.from_file(path, 'NWB').to_netcdf('m1.nc')), signals and "
        "spikes as CSV (time_s and one column a unit; unit, time_s)",
    ),
}


def check_file(path: str | Path) -> Path:
    """Return `path` when it is a file with something in it; otherwise one helpful error."""
    path = Path(path)
    if path.is_dir():
        fail(str(path), "is a folder", expected="a file", todo="name the file inside it")
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest_names(path.name, siblings)
        todo = f"did you mean {' or '.join(map(repr, close))}?" if close else "check the path"
        fail(str(path), "no such file" if path.parent.is_dir() else f"no folder '{path.parent}'", todo=todo)
    if not path.is_file():
        fail(str(path), "is not a regular file", expected="a file")
    if path.stat().st_size == 0:
        fail(str(path), "the file is empty", expected="data", got="0 bytes", todo="export or copy it again")
    return path


def read_bytes(path: str | Path, limit: int = -1) -> bytes:
    """Return the content of a file, unzipped when it is gzip.

    Parameters
    ----------
    path : path
        The file.
    limit : int
        Read at most this many (unzipped) bytes; −1 reads all.

    Raises
    ------
    DataError
        Missing, folder, empty, or a gzip stream that is cut off or damaged.
    """
    path = check_file(path)
    with path.open("rb") as handle:
        zipped = handle.read(2) == _GZIP
    try:
        with path.open("rb") as raw:
            stream: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw
            data = stream.read(limit)
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        fail(
            str(path),
            "the gzip file is cut off or damaged",
            expected="a complete gzip stream",
            got=str(exc),
            todo="copy the file again",
        )
    if not data:
        fail(str(path), "the file is empty", expected="data", got="a gzip file of 0 bytes")
    return data


def decode_text(data: bytes) -> str:
    """Decode text as a spreadsheet may have saved it: UTF-8 or UTF-16 with BOM, else one byte a character.

    That is Windows-1252, or Mac Roman in files with the line ends of old Macs ("CSV (Macintosh)" of Excel).
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        # A head may end inside a character: that is no reason to doubt UTF-8.
        if exc.start >= len(data) - 4 and exc.reason == "unexpected end of data":
            return data[: exc.start].decode("utf-8-sig")
        macintosh = b"\r" in data and b"\n" not in data
        return data.decode("mac_roman" if macintosh else "cp1252", errors="replace")


def read_text(path: str | Path) -> str:
    """Return the text of a file (gzip or not), any common encoding, newlines as line ends.

    An Excel workbook is the text of its only sheet that holds anything.
    """
    path = check_file(path)
    if is_workbook(path):
        return text_of_workbook(path)
    data = read_bytes(path)
    if b"\x00" in data[:_HEAD_BYTES] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        what, todo = _container(data)
        fail(str(path), "is not a text file", expected="text", got=what, todo=todo or "save it as CSV (UTF-8)")
    return decode_text(data).replace("\r\n", "\n").replace("\r", "\n")


def _container(start: bytes) -> tuple[str, str]:
    """What a file without text is, and what to do about it."""
    known = ((what, todo) for magic, what, todo in _CONTAINERS if start.startswith(magic))
    return next(known, ("a binary file", ""))


def read_json(path: str | Path) -> Any:
    """Return the content of a JSON file (gzip or not)."""
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as exc:
        end = exc.pos >= len(text.rstrip())
        fail(
            str(path),
            "the JSON is cut off" if end else "is not valid JSON",
            where=f"line {exc.lineno}, column {exc.colno}",
            got=exc.msg,
            todo="export or copy the file again",
        )


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[Any]:
    """Open an HDF5 file for reading; a damaged one is one `DataError`."""
    import h5py

    path = check_file(path)
    try:
        handle = h5py.File(path, "r")
    except OSError as exc:
        fail(
            str(path),
            "cannot be opened as HDF5",
            expected="a complete HDF5 file",
            got=str(exc).split(" (")[-1],
            todo="the file is cut off, still being written, or of another format",
        )
    with handle:
        yield handle


@dataclass(frozen=True)
class Head:
    """The start of a file, for detection.

    Attributes
    ----------
    path : Path
        The file.
    start : bytes
        Up to 256 KiB, unzipped.
    """

    path: Path
    start: bytes

    @classmethod
    def of(cls, path: str | Path) -> Head:
        """Read the head of a file."""
        path = check_file(path)
        start = text_of_workbook(path, quiet=True).encode() if is_workbook(path) else read_bytes(path, _HEAD_BYTES)
        return cls(path, start[:_HEAD_BYTES])

    @property
    def is_text(self) -> bool:
        """True when the head holds no zero bytes (or is UTF-16)."""
        return b"\x00" not in self.start or self.start[:2] in (b"\xff\xfe", b"\xfe\xff")

    @property
    def suffix(self) -> str:
        """Lower-case file ending without ``.gz``."""
        name = self.path.name.lower().removesuffix(".gz")
        return Path(name).suffix

    @cached_property
    def text(self) -> str:
        """Decoded head; empty for binary files."""
        return decode_text(self.start).replace("\r\n", "\n").replace("\r", "\n") if self.is_text else ""

    @cached_property
    def lines(self) -> list[str]:
        """Whole lines of the head (the last, possibly cut one, left out when the file goes on)."""
        lines = self.text.split("\n")
        return lines[:-1] if len(self.start) == _HEAD_BYTES else [line for line in lines if line]

    @cached_property
    def rows(self) -> list[list[str]]:
        """The header line and the 30 below it, split into cells."""
        lines = self.lines[header_at(self.lines) :][:31]
        delimiter = guess_delimiter(lines[:1])
        rows = [[c.strip() for c in row] for row in csv.reader(lines, delimiter=delimiter)]
        return [*rows[:1], *without_surplus([row for row in rows[1:] if any(row)], len(rows[0]))] if rows else []

    @property
    def columns(self) -> list[str]:
        """Cells of the header line."""
        return self.rows[0] if self.rows else []

    @cached_property
    def hdf5(self) -> dict[str, str]:
        """Top-level names of an HDF5 file → "group", "frame" (a pandas table) or "dataset"."""
        if not self.start.startswith(_HDF5):
            return {}
        import h5py

        try:
            with h5py.File(self.path, "r") as handle:
                return {name: _hdf5_kind(item) for name, item in handle.items()}
        except OSError:
            return {}

    def has_columns(self, *names: str) -> bool:
        """True when the header line holds all these column names, as `plain_name` compares them."""
        return {plain_name(n) for n in names} <= {plain_name(c) for c in self.columns}

    @property
    def _hdf5_format(self) -> tuple[str, str]:
        return next((known for sign, known in _HDF5_FORMATS.items() if sign in self.hdf5), ("", ""))

    @property
    def advice(self) -> str:
        """What to do about a file that holds no text; empty when nothing is known."""
        if self.start.startswith(_HDF5):
            return self._hdf5_format[1]
        return _container(self.start)[1]

    def describe(self) -> str:
        """What is in the file, in a few words, for errors."""
        if self.start.startswith(_HDF5):
            if self._hdf5_format[0]:
                return self._hdf5_format[0]
            return f"HDF5 with {', '.join(self.hdf5)}" if self.hdf5 else "an HDF5 file that cannot be opened"
        if not self.is_text or self.advice:
            return _container(self.start)[0]
        first = next((line for line in self.lines if line.strip()), "")
        return f"text that starts with {first[:80]!r}"


def _hdf5_kind(item: Any) -> str:
    import h5py

    if isinstance(item, h5py.Dataset):
        return "dataset"
    return "frame" if "pandas_type" in item.attrs else "group"


def plain_name(name: str) -> str:
    """Return a column's name as it is compared: letters and digits in lower case, one space for all between.

    R writes ``Start (s)`` as ``Start..s.``.

    Examples
    --------
    >>> plain_name("Start (s)") == plain_name("Start..s.") == plain_name("start_s")
    True
    """
    return re.sub(r"[\W_]+", " ", name.casefold()).strip() or name.strip()


def header_at(lines: Sequence[str]) -> int:
    """Return the index of the header of a table: the first line with more than one filled cell.

    Titles, rows of delimiters only and Excel's ``sep=;`` stand above it. 0 when no line has two cells.
    """
    for i, line in enumerate(lines[:_MOST_ABOVE]):
        cells = next(csv.reader([line], delimiter=guess_delimiter([line])), [])
        if sum(bool(c.strip()) for c in cells) > 1:
            return i
    return 0


def without_surplus(rows: list[list[str]], width: int) -> list[list[str]]:
    """Rows without the one cell more than the header has: an empty one at the end, or R's names of the rows.

    R's ``write.table`` writes the numbers of the rows before a header that does not name them. Rows that could
    be either are returned as they are, and so refused for their length.
    """
    wide = [row for row in rows if len(row) == width + 1]
    trailing = all(not row[-1].strip() for row in wide)
    numbered = len(wide) == len(rows) and [row[0].strip() for row in rows] == [str(i + 1) for i in range(len(rows))]
    if not wide or trailing == numbered:
        return rows
    cells = slice(1, None) if numbered else slice(None, -1)
    return [row[cells] if len(row) == width + 1 else row for row in rows]


def guess_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits these header lines most often: comma, semicolon or tab."""
    return max(DELIMITERS, key=lambda d: sum(line.count(d) for line in lines))


def resolve_fps(path: str | Path, given: float | None, stated: float | None, software: str = "this format") -> float:
    """Return the frame rate to use: the given one, else the one the file states.

    Parameters
    ----------
    path : path
        For messages.
    given, stated : float, optional
        Frames/s from the caller and from the file.
    software : str
        Who writes files without a frame rate, for the error.

    Warns
    -----
    MuridWarning
        When both are known and differ by more than 0.1 %; the given one is used.
    """
    import math

    if stated is not None and not (math.isfinite(stated) and stated > 0):
        stated = None
    if given is None:
        if stated is None:
            fail(
                str(path),
                f"the frame rate is not known: {software} files do not carry one",
                expected="fps=<frames per second of the video>",
                todo="pass fps=...; murid.Video(video).fps reads it from the video file",
            )
        return float(stated)
    if not (isinstance(given, (int, float)) or hasattr(given, "__float__")) or not (float(given) > 0):
        fail(str(path), "fps is not valid", expected="a number > 0 (frames/s)", got=repr(given))
    if stated is not None and abs(stated - given) > 1e-3 * given:
        warn_user(f"{path}: the file states {stated:g} fps, {given:g} was given and is used")
    return float(given)


class SeveralParts(DataError):
    """A file holds several recordings (videos, tables), and none was named; `parts` lists them.

    `films` holds the film or pose file of those parts for which the file names one.
    """

    def __init__(
        self,
        message: str,
        faults: Iterable[Fault] = (),
        parts: Sequence[str] = (),
        films: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, faults)
        self.parts = list(parts)
        self.films = dict(films or {})


def choose(
    path: str | Path,
    what: str,
    options: Sequence[str],
    chosen: str | None,
    argument: str,
    films: Mapping[str, str] | None = None,
) -> str:
    """Return the one of several parts of a file (recording, video, table) that was asked for.

    `films` says which film or pose file a part is of, where the file knows.

    Raises
    ------
    DataError
        When the name is unknown, or when there are several and none was named.
    """
    options = list(options)
    faults = Faults(str(path))
    if chosen is None:
        if len(options) == 1:
            return options[0]
        shown = ", ".join(options[:40]) + (" ..." if len(options) > 40 else "")
        faults.add(f"holds {len(options)} {what}s", got=shown or "none", todo=f"choose one: {argument}=...")
        raise SeveralParts(faults.message(), faults.items, options, films)
    elif str(chosen) not in options:
        faults.add(f"no {what} '{chosen}'", todo=did_you_mean(str(chosen), options))
    faults.raise_if_any()
    return str(chosen)
