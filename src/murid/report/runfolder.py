"""A run folder as the report reads it: whole, or with a note on what is missing.

The layout is `murid.run`'s; that floor is above this one, so only files are shared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from murid.data.errors import DataError
from murid.data.formats import RUN
from murid.data.names import slug
from murid.data.pandas_release import EXACT_NUMBERS
from murid.data.repeats import say_once
from murid.data.store import read_array
from murid.data.tables import KEYS, Table, TableRows
from murid.stats.wording import ALPHA


class RunFolder:
    """One run, read piece by piece; what cannot be read is noted in `problems` instead of raised.

    Parameters
    ----------
    folder : path
        Folder with ``provenance.json``, ``summary.json``, ``tables/`` and perhaps ``states/``.

    Attributes
    ----------
    problems : list of str
        What was missing or damaged, in plain words.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.problems: list[str] = []
        self._tables: dict[str, pd.DataFrame | None] = {}

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What was asked for, versions, inputs, seconds; empty when damaged, or of a murid that cannot be read."""
        try:
            return RUN.migrated(head, "provenance.json") if (head := self._json("provenance.json")) else {}
        except DataError as exc:
            self._problem(str(exc))
            return {}

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The main numbers; empty when damaged."""
        numbers = self._json("summary.json")
        analysis = self.provenance.get("analysis")
        return {"analysis": analysis, **numbers} if analysis else numbers

    @property
    def command(self) -> str:
        """``check``, ``assay``, ``evaluate`` …"""
        return str(self.provenance.get("command", ""))

    @property
    def params(self) -> dict[str, Any]:
        """Everything that was asked for."""
        params = self.provenance.get("params", {})
        return params if isinstance(params, dict) else {}

    @property
    def level(self) -> float:
        """The one level of the run: p or q up to which it said that something differs; .05 where none was asked for."""
        own = self.params.get("params")
        asked = (
            self.summary.get("level"),
            self.params.get("alpha"),
            own.get("alpha") if isinstance(own, dict) else None,
        )
        return next((float(x) for x in asked if isinstance(x, (int, float))), ALPHA)

    @property
    def warnings(self) -> list[str]:
        """Warnings of the run."""
        return say_once(str(w) for w in self.provenance.get("warnings", []))

    def has(self, name: str) -> bool:
        """True when the run wrote that table."""
        return any((self.folder / "tables" / f"{name}.{end}").is_file() for end in ("parquet", "csv"))

    def table(self, name: str, needs: Iterable[str] = ()) -> pd.DataFrame | None:
        """Return a table with the columns needed; None (and a problem noted) when that cannot be.

        A damaged parquet file is replaced by its CSV twin.
        """
        if name not in self._tables:
            self._tables[name] = self._read_table(name)
        table = self._tables[name]
        if table is None:
            return None
        missing = [c for c in needs if c not in table]
        if missing:
            self._problem(f"table '{name}' lacks the columns {', '.join(missing)}")
            return None
        return table

    def rows(self, declared: Table, needs: Iterable[str] = ()) -> TableRows | None:
        """Return the rows of a declared table; None (and a problem noted) when it, or a column needed, is missing."""
        needs = list(needs)
        if undeclared := [c for c in needs if c not in declared.columns and c not in KEYS]:
            raise AttributeError(f"table '{declared.name}' declares no column {', '.join(undeclared)}")
        frame = self.table(declared.name, needs)
        return None if frame is None else declared.rows(frame)

    def tables_like(self, prefix: str) -> list[str]:
        """Names of the tables that begin so."""
        names = {p.stem for p in (self.folder / "tables").glob(f"{prefix}*") if p.suffix in (".parquet", ".csv")}
        return sorted(names)

    @property
    def recordings(self) -> list[str]:
        """Recordings that states were written for."""
        return sorted(p.stem for p in (self.folder / "states").glob("*.nc"))

    def states(self, recording_id: str) -> xr.Dataset | None:
        """Return the states of a recording as a method found them, or None (and a problem noted)."""
        path = self.folder / "states" / f"{slug(recording_id)}.nc"
        if not path.is_file():
            return None
        try:
            data = read_array(path)
        except (DataError, OSError, ValueError) as exc:
            self._problem(f"states of recording '{recording_id}' cannot be read ({str(exc).splitlines()[0]})")
            return None
        if "states" not in data:
            self._problem(f"the file of recording '{recording_id}' holds no states")
            return None
        return data

    def _read_table(self, name: str) -> pd.DataFrame | None:
        folder = self.folder / "tables"
        for path, read in ((folder / f"{name}.parquet", pd.read_parquet), (folder / f"{name}.csv", read_csv)):
            if not path.is_file():
                continue
            try:
                return read(path)
            except (OSError, ValueError, pd.errors.ParserError) as exc:
                self._problem(f"{path.name} is damaged ({type(exc).__name__})")
        if not any(name in p for p in self.problems):
            self._problem(f"table '{name}' is missing")
        return None

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError:
            self._problem(f"{name} is missing")
            return {}
        except ValueError:
            self._problem(f"{name} is damaged")
            return {}
        return content if isinstance(content, dict) else {}

    def _problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)


def read_csv(path: Path) -> pd.DataFrame:
    """Read the CSV of a run table; units of its headings (``distance (cm)``) move to ``attrs["units"]``."""
    table = pd.read_csv(path, **EXACT_NUMBERS)
    parts = {str(c): re.fullmatch(r"(.+) \(([^()]+)\)", str(c)) for c in table.columns}
    table = table.rename(columns={c: m[1] for c, m in parts.items() if m})
    table.attrs["units"] = {m[1]: m[2] for m in parts.values() if m}
    return table
