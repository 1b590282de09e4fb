"""What is wrong with a file that cannot be read, in plain words instead of those of the library that gave up."""

from __future__ import annotations

import json
from pathlib import Path

#: Bytes that are looked at of a file that is no text.
_HEAD = 64
_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK"


def damage_of(path: str | Path) -> str:
    """Say what a file is that cannot be read: empty, of another kind, cut short, or damaged inside.

    Parameters
    ----------
    path : str or Path
        Of netCDF (``.nc``), ``.npz``, ``.json``, ``.jsonl`` or text.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("poses.nc").write_bytes(b"time,nose")
    >>> damage_of("poses.nc")
    'a file that begins with "time,nose", not as netCDF does'
    >>> damage_of("no.nc")
    'no file'
    """
    path = Path(path)
    if not path.exists():
        return "no file"
    if path.is_dir():
        return "a folder"
    size, binary = path.stat().st_size, path.suffix in (".nc", ".npz")
    try:
        with path.open("rb") as handle:
            content = handle.read(_HEAD if binary else -1)
    except OSError as exc:
        return f"a file that cannot be opened ({exc.strerror})"
    if not content:
        return "an empty file"
    if path.suffix == ".nc":
        return _of_netcdf(content, size)
    if path.suffix == ".npz":
        return _inside(size) if content.startswith(_ZIP) else f"{_beginning(content)}, not as npz does"
    return _of_text(content, is_json=path.suffix == ".json")


def _of_netcdf(head: bytes, size: int) -> str:
    if not head.startswith(_HDF5):
        return f"{_beginning(head)}, not as netCDF does"
    # The head of an HDF5 file holds the length of the whole file: where, its version says.
    place = 40 if head[8:9] < b"\2" else 28
    length = int.from_bytes(head[place : place + 8], "little")
    if size < place + 8:
        return f"a file that is cut short after {size:,} bytes"
    return f"a file that is cut short: {size:,} of {length:,} bytes" if size < length else _inside(size)


def _of_text(content: bytes, *, is_json: bool) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        return f"text that is no UTF-8 (byte {content[exc.start]:#04x} in line {line})"
    if "\0" in text:
        return f"text with zero bytes in it (the first in line {text[: text.index(chr(0))].count(chr(10)) + 1})"
    if is_json:
        try:
            json.loads(text)
        except json.JSONDecodeError as exc:
            return f"text that is no JSON: line {exc.lineno}, column {exc.colno}"
    return _inside(len(content))


def _inside(size: int) -> str:
    return f"a file of {size:,} bytes that is cut short or damaged inside"


def _beginning(content: bytes) -> str:
    text = content[:12].decode("ascii", "replace").split("\n")[0]
    known = text.isprintable() and "\ufffd" not in text
    return f'a file that begins with "{text}"' if known else "a file that begins with other bytes"


__all__ = ["damage_of"]
