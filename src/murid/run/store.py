"""Store: results of steps on disk, whole or not at all.

::

    study/cache/<step>/<key>/              value.parquet | value.nc | value.json | value/   entry.json
    study/cache/<step>/<key>.unfinished/   checkpoints of a training under way

`entry.json` names each file with its fingerprint, so that an entry damaged later (a full disk, a
copy cut short) is seen and done again. Everything is parquet, netCDF, JSON or a saved method: never
pickle. The folder may be deleted at any time; it only costs the time to do the work again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from murid.data.atomic import atomic_folder, left_behind
from murid.data.errors import DataError, fail
from murid.data.json_values import to_plain
from murid.data.names import slug
from murid.data.store import read_array, write_array
from murid.run.keys import file_digest
from murid.run.step import Kept

FORMAT_VERSION = 2


class Store:
    """Keeps results below a folder; a result is found by step name and key.

    Parameters
    ----------
    root : Path
        ``study/cache``; made when first written to.

    Examples
    --------
    >>> from murid.run import Store
    >>> from murid.run.step import Kept
    >>> store = Store("results")
    >>> store.put(Kept("speed", "0a1b"), 2.5, seconds=0.1)
    >>> store.get(Kept("speed", "0a1b")), store.entry(Kept("speed", "0a1b"))["seconds"]
    (2.5, 0.1)
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def folder(self, kept: Kept) -> Path:
        """Where a result is, or would be."""
        return self.root / slug(kept.step) / kept.key

    def scratch(self, step: str, key: str) -> Path:
        """Where a step keeps what it needs to go on after a kill; gone once the result is kept."""
        return self.root / slug(step) / f"{key}.unfinished"

    def entry(self, kept: Kept) -> dict[str, Any] | None:
        """Return what is known about a result: seconds, memory, warnings. None when absent or damaged."""
        folder = self.folder(kept)
        try:
            entry = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
            whole = entry["format"] == FORMAT_VERSION and all(
                (folder / name).is_file() and file_digest(folder / name) == mark
                for name, mark in entry["files"].items()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return entry if whole else None

    def put(self, kept: Kept, value: Any, **notes: Any) -> None:
        """Write a result and notes about it, all or nothing.

        A result that is there already, whole, stays: another process did the same step meanwhile.
        """
        if self.entry(kept) is not None:
            return
        with atomic_folder(self.folder(kept), stays=lambda: self.entry(kept) is not None) as temporary:
            kind = write_value(value, temporary / "value")
            files = {
                path.relative_to(temporary).as_posix(): file_digest(path)
                for path in sorted(temporary.rglob("*"))
                if path.is_file()
            }
            entry = {"format": FORMAT_VERSION, "kind": kind, "files": files, **notes}
            (temporary / "entry.json").write_text(json.dumps(to_plain(entry), indent=1), encoding="utf-8")

    def get(self, kept: Kept) -> Any:
        """Read a result back."""
        entry = self.entry(kept)
        if entry is None:
            fail("cache", "result is missing or damaged", where=str(self.folder(kept)), todo="run the command again")
        return read_value(self.folder(kept) / "value", entry["kind"])

    def sweep(self) -> None:
        """Remove what killed processes left half-written."""
        for left in self.root.glob("*/.*"):
            if left_behind(left)[1]:
                shutil.rmtree(left, ignore_errors=True)


def write_value(value: Any, path: Path) -> str:
    """Write one result at `path` plus its ending; return its kind.

    Kinds: ``table`` (DataFrame), ``dataset`` and ``array`` (xarray), ``method`` (fitted), ``json``
    (plain values), ``bundle`` (mapping of name to any of these).
    """
    if isinstance(value, pd.DataFrame):
        value.to_parquet(path.with_name(path.name + ".parquet"))
        return "table"
    if isinstance(value, (xr.Dataset, xr.DataArray)):
        write_array(value, path.with_name(path.name + ".nc"))
        return "dataset" if isinstance(value, xr.Dataset) else "array"
    if hasattr(value, "save") and hasattr(value, "card"):
        value.save(path)
        return "method"
    if isinstance(value, Mapping) and not _is_plain(value):
        path.mkdir()
        # Files are numbered: two names may differ in signs that no file name can hold.
        kinds = {str(name): [f"{k}", write_value(part, path / f"{k}")] for k, (name, part) in enumerate(value.items())}
        path.with_name(path.name + ".kinds.json").write_text(json.dumps(kinds), encoding="utf-8")
        return "bundle"
    path.with_name(path.name + ".json").write_text(json.dumps(to_plain(value)), encoding="utf-8")
    return "json"


def read_value(path: Path, kind: str) -> Any:
    """Read what `write_value` wrote."""
    if kind == "table":
        return pd.read_parquet(path.with_name(path.name + ".parquet"))
    if kind == "dataset":
        return read_array(path.with_name(path.name + ".nc"))
    if kind == "array":
        data = read_array(path.with_name(path.name + ".nc"))
        name = next(iter(data.data_vars))
        return data[name].rename(None if name == "values" else name)
    if kind == "method":
        from murid.methods import load_method

        return load_method(path)
    if kind == "bundle":
        kinds = json.loads(path.with_name(path.name + ".kinds.json").read_text(encoding="utf-8"))
        return {name: read_value(path / file, part) for name, (file, part) in kinds.items()}
    return json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))


def _is_plain(value: Any) -> bool:
    try:
        to_plain(value)
    except DataError:
        return False
    return True
