"""Run: one folder with what a command found, and with everything needed to trust it.

::

    study/runs/<time>-<name>/   provenance.json  log.jsonl  summary.json
                                tables/<table>.parquet + .csv   states/<recording>.nc   report.html
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import pandas as pd
import xarray as xr

from murid.data.atomic import atomic_file, explained
from murid.data.command_tables import declared_table
from murid.data.errors import DataError, did_you_mean, fail
from murid.data.formats import RUN
from murid.data.json_values import to_plain
from murid.data.names import slug
from murid.data.notebook_html import shown_as_html
from murid.data.process_owner import at_work, owner_name
from murid.data.store import read_array, write_array
from murid.data.study import Study
from murid.data.tables import Table, TableRows, escape_formulas, with_unit
from murid.data.warning import warn_user
from murid.run.keys import digest, file_digest
from murid.run.provenance import machine, versions


class Run:
    """One run folder, being written (`Run.start`) or read (`Run.read`).

    Used as a context manager while it is written: leaving the block marks it complete, stopped or
    failed in ``provenance.json``.

    Attributes
    ----------
    folder : Path
        Where it is.
    provenance : dict
        What was asked for, versions, inputs, steps, seconds, memory, warnings.
    summary : dict
        The main numbers, plain values.
    parts : dict of str to list of DataFrame
        Tables that grow while the run goes on; `write_parts` joins and writes them.

    Examples
    --------
    >>> import murid
    >>> run = murid.run.find_run(murid.open_study("mice"), "check")
    >>> run.provenance["command"], run.summary["recordings"]
    ('check', 4)
    >>> sorted(run.tables)
    ['faults', 'overview', 'quality', 'scored']
    """

    def __init__(self, folder: str | Path, provenance: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self.provenance = provenance
        self.summary: dict[str, Any] = {}
        self.parts: dict[str, list[pd.DataFrame]] = {}
        self._begin = time.perf_counter()

    # ---- writing --------------------------------------------------------------------------------
    @classmethod
    def start(cls, study: Study, command: str, params: Mapping[str, Any], name: str = "") -> Run:
        """Begin a run, or go on in the folder of the same one that was stopped or killed.

        Parameters
        ----------
        study : Study
            Whose ``runs/`` folder.
        command : str
            What is done: ``"evaluate"``.
        params : mapping
            Everything that was asked for, plain values.
        name : str, optional
            Added to the folder's name.
        """
        asked = digest({"command": command, "params": params})
        begun = datetime.now(UTC)
        provenance: dict[str, Any] = {
            RUN.key: RUN.version,
            "command": command,
            "params": to_plain(params),
            "asked": asked,
            "study": study.name,
            "status": "running",
            "owner": owner_name(),
            "started": begun.isoformat(timespec="milliseconds"),
            "versions": versions(),
            "machine": machine(),
            "sheet": sheet_of(study),
            "rests_on": None,
            "inputs": [],
            "seeds": {},
            "steps": [],
            "written": {},
            "warnings": [],
        }
        folder = _unfinished(study.runs_dir, asked)
        if folder is None:
            folder = _new_folder(
                study.runs_dir, "-".join(filter(None, [begun.strftime("%Y%m%d-%H%M%S"), command, slug(name)]))
            )
        else:
            _empty(folder)
        run = cls(folder, provenance)
        run._write_provenance()
        run.log("start", command=command)
        run.warn(*study.doubts())
        return run

    def table(self, name: str, table: pd.DataFrame, *, units: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Write a table as parquet and as CSV; return it.

        A table that the command declares (`murid.data.command_tables`) is checked, and gets its units. Units
        stand in the headings of the CSV, ``distance (cm)``; in the parquet file the columns keep their
        names, and the units are its ``attrs["units"]``.
        """
        declared = declared_table(str(self.provenance.get("command", "")), name)
        if declared is not None:
            table, units = declared.check(table), {**declared.units(), **(units or {})}
        units = {str(k): v for k, v in (units or {}).items() if v and k in table}
        table = table.copy(deep=False)
        table.attrs = {"units": units} if units else {}
        with atomic_file(self.folder / "tables" / f"{slug(name)}.parquet") as temporary:
            table.to_parquet(temporary)
        with atomic_file(self.folder / "tables" / f"{slug(name)}.csv") as temporary:
            shown = escape_formulas(table).rename(columns={k: with_unit(k, unit) for k, unit in units.items()})
            shown.to_csv(temporary, index=not isinstance(table.index, pd.RangeIndex))
        self._mark(f"tables/{slug(name)}.parquet", f"tables/{slug(name)}.csv")
        return table

    def _mark(self, *files: str) -> None:
        """Write down size and fingerprint of files of the run, so that it can be told when they are gone or damaged."""
        for name in files:
            path = self.folder / name
            self.provenance["written"][name] = {"bytes": path.stat().st_size, "fingerprint": file_digest(path)}

    def write_parts(self) -> None:
        """Write every table gathered in `parts`."""
        for name, parts in self.parts.items():
            self.table(name, pd.concat(parts, ignore_index=True))
        self.parts = {}

    def states(self, recording_id: str, output: xr.Dataset) -> None:
        """Write the states (and probabilities) of one recording."""
        write_array(output, self.folder / "states" / f"{slug(recording_id)}.nc")
        self._mark(f"states/{slug(recording_id)}.nc")

    def states_of(self, recording_id: str) -> xr.DataArray:
        """Read the states of one recording that the run kept."""
        return self.read_states(recording_id)["states"]

    def log(self, event: str, **details: Any) -> None:
        """Add one line to ``log.jsonl``."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": stamp, "event": event, **{k: to_plain(v) for k, v in details.items()}})
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(line + "\n")

    def note(self, **summary: Any) -> None:
        """Add to the summary."""
        self.summary.update({k: to_plain(v) for k, v in summary.items()})

    def rests_on(
        self, columns: Sequence[str], needs: Sequence[Sequence[str]] = (), *, every: bool = False, states_of: str = ""
    ) -> None:
        """Write down what the results rest on beside the inputs of its steps, so that `outdated` can tell.

        Parameters
        ----------
        columns : sequence of str
            Columns of ``recordings.csv`` that stand in the tables or decide a comparison.
        needs : sequence of sequence of str
            Nouns that a recording must have to be used, of each inner sequence one.
        every : bool
            All recordings that have what is needed were asked for, so that one more makes the run old.
        states_of : str
            Name of the run whose states were used.
        """
        self.provenance["rests_on"] = {
            "columns": list(dict.fromkeys(columns)),
            "needs": [list(nouns) for nouns in needs],
            "every": every,
            "states_of": states_of,
        }

    def warn(self, *texts: str) -> None:
        """Keep warnings, each once."""
        known = self.provenance["warnings"]
        for text in dict.fromkeys(texts):
            if text not in known:
                known.append(text)
                self.log("warning", text=text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        status = "complete" if kind is None else "stopped" if issubclass(kind, KeyboardInterrupt) else "failed"
        self.provenance.update(
            status=status,
            order=_next_order(self.folder.parent),
            finished=datetime.now(UTC).isoformat(timespec="milliseconds"),
            seconds=round(time.perf_counter() - self._begin, 2),
            peak_mb=max((s["peak_mb"] for s in self.provenance["steps"]), default=0.0),
        )
        try:
            if kind is None:
                with atomic_file(self.folder / "summary.json") as temporary:
                    temporary.write_text(json.dumps(self.summary, indent=1), encoding="utf-8")
                self._mark("summary.json")
            self._write_provenance()
            self.log(status, **({"error": str(error)} if error is not None else {}))
        except OSError:
            if kind is None:
                raise  # otherwise the first error says more than a second one about its folder

    def _write_provenance(self) -> None:
        with atomic_file(self.folder / "provenance.json") as temporary:
            temporary.write_text(json.dumps(to_plain(self.provenance), indent=1), encoding="utf-8")

    # ---- reading --------------------------------------------------------------------------------
    @classmethod
    def read(cls, folder: str | Path) -> Run:
        """Open a run that was written before."""
        folder = Path(folder)
        provenance = _provenance(folder)
        if provenance is None:
            fail("run", "no run here", where=str(folder), expected="a folder with provenance.json")
        run = cls(folder, RUN.migrated(provenance, str(folder / "provenance.json")))
        run.summary = _summary(folder / "summary.json", str(provenance.get("command", "")))
        if run.provenance.get("analysis"):
            run.summary.setdefault("analysis", run.provenance["analysis"])
        return run

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by name."""
        return {p.stem: self._table(p) for p in sorted((self.folder / "tables").glob("*.parquet"))}

    def rows(self, declared: Table) -> TableRows:
        """Return the rows of a declared table; no rows where the run wrote none."""
        path = self.folder / "tables" / f"{slug(declared.name)}.parquet"
        return declared.rows(self._table(path) if path.is_file() else pd.DataFrame(columns=[*declared.columns]))

    def _table(self, path: Path) -> pd.DataFrame:
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as exc:
            _fail_damaged(path, exc, str(self.provenance.get("command", "")))

    @property
    def recordings(self) -> list[str]:
        """Recordings that states were written for."""
        return sorted(p.stem for p in (self.folder / "states").glob("*.nc"))

    def read_states(self, recording_id: str) -> xr.Dataset:
        """Read what `states` wrote for one recording."""
        path = self.folder / "states" / f"{slug(recording_id)}.nc"
        if not path.is_file():
            fail(
                "run",
                f"no states of recording '{recording_id}'",
                where=str(self.folder),
                todo=did_you_mean(recording_id, self.recordings),
            )
        return read_array(path, todo=f"run its command again: murid {self.provenance.get('command', '')}")

    def _repr_html_(self) -> str:
        facts = {"folder": self.folder, "status": self.provenance.get("status", "")}
        facts |= {"tables": ", ".join(self.tables), "warnings": len(self.provenance.get("warnings", []))}
        return shown_as_html(f"Run of {self.provenance.get('command', '')}", facts)

    def __repr__(self) -> str:
        return f"Run({self.folder.name!r}, {self.provenance.get('status')})"


#: Columns of recordings.csv that say what there is, not whose it is.
_STORED = ("nouns", "video", "source")


def sheet_of(study: Study) -> dict[str, dict[str, str]]:
    """Everything that recordings.csv says of each recording, for the provenance of a run."""
    table = study.table.drop(columns=list(_STORED)).astype(str)
    return {str(row["id"]): {str(k): str(v) for k, v in row.items() if k != "id"} for row in table.to_dict("records")}


def runs_of(study: Study, command: str | None = None) -> list[Run]:
    """Return the complete runs of a study, of one command if given; the one that finished first comes first.

    A run that this murid cannot read (a newer one wrote it) is left out with a warning: it never costs the others.

    Examples
    --------
    >>> import murid
    >>> [run.provenance["command"] for run in murid.run.runs_of(murid.open_study("mice"))]
    ['check', 'fit', 'fit', 'apply']
    """
    runs, unread = _complete_runs(study)
    for name, reason in unread.items():
        warn_user(f"run {name} is left out: {reason}")
    return [run for run in runs if command in (None, run.provenance["command"])]


def unread_runs(study: Study) -> dict[str, str]:
    """Return the complete runs that this murid cannot read: name of the folder → why and what to do."""
    return _complete_runs(study)[1]


def _complete_runs(study: Study) -> tuple[list[Run], dict[str, str]]:
    """Complete runs in the order of finishing, and why others that claim to be complete cannot be read."""
    runs, unread = [], {}
    for folder in sorted(study.runs_dir.glob("*/")):
        provenance = _provenance(folder)
        if provenance is None and (folder / "provenance.json").is_file():
            unread[folder.name] = "its provenance.json is damaged -> run the command again, and delete this folder"
        if provenance is None or provenance.get("status") not in ("complete", None):
            continue
        try:
            run = Run.read(folder)
        except DataError as exc:
            unread[folder.name] = str(exc)
            continue
        if run.provenance.get("status") == "complete" and "command" in run.provenance:
            runs.append(run)
        else:
            unread[folder.name] = "its provenance.json names no command or status -> run the command again"
    return sorted(runs, key=_age), unread


def _age(run: Run) -> tuple[int, str, str]:
    """Sort key: order of finishing, counted in the study; a clock may be set back, and seconds are shared."""
    order = run.provenance.get("order", 0)
    return (order if isinstance(order, int) else 0, str(run.provenance.get("finished", "")), run.folder.name)


def _next_order(runs: Path) -> int:
    """One more than the largest number of any run of the study."""
    known = [p.get("order", 0) for folder in runs.glob("*/") if (p := _provenance(folder)) is not None]
    return 1 + max((n for n in known if isinstance(n, int)), default=0)


def _new_folder(runs: Path, stem: str) -> Path:
    """Make a folder that no other run has; two runs may begin at one instant."""
    n = 1
    while True:
        folder = runs / (stem if n == 1 else f"{stem}-{n}")
        try:
            runs.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            n += 1
        except OSError as exc:
            raise explained(exc, folder) from exc
        else:
            return folder


def _empty(folder: Path) -> None:
    """Remove what an unfinished run has written, but its log: all results of steps are in the cache anyway."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "log.jsonl" and not path.name.startswith(".taken"):
            path.unlink(missing_ok=True)


def find_run(study: Study, name: str) -> Run:
    """Return a run of a study by folder name, or the newest of a command's.

    Examples
    --------
    >>> import murid
    >>> study = murid.open_study("mice")
    >>> murid.run.find_run(study, "apply").summary["model"]
    'kmeans'
    """
    folder = study.runs_dir / name
    if folder.is_dir():
        return Run.read(folder)
    newest = runs_of(study, name)
    if newest:
        return newest[-1]
    known = [p.name for p in sorted(study.runs_dir.glob("*/"))]
    fail("run", f"no run '{name}'", where=str(study.runs_dir), todo=did_you_mean(name, known))


def _summary(path: Path, command: str) -> dict[str, Any]:
    """The main numbers of a run; {} where it has not come to write them."""
    if not path.is_file():
        return {}
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        _fail_damaged(path, exc, command)
    return numbers if isinstance(numbers, dict) else {}


def _fail_damaged(path: Path, exc: Exception, command: str) -> NoReturn:
    """Say that a file of a run was damaged since the run wrote it."""
    fail(
        "run",
        f"{path.name} is damaged",
        where=str(path),
        expected="the file as the run wrote it",
        got=f"{path.stat().st_size:,} bytes that cannot be read ({type(exc).__name__})",
        todo=f"run its command again: murid {command}",
    )


def _provenance(folder: Path) -> dict[str, Any] | None:
    try:
        head = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return head if isinstance(head, dict) else None


def _unfinished(runs: Path, asked: str) -> Path | None:
    """Folder of the newest run that asked for the same and came to no end; it is taken over.

    Where two processes want it, the one whose name lands in ``taken`` has it.
    """
    for folder in sorted(runs.glob("*/"), reverse=True):
        provenance = _provenance(folder)
        if provenance is None or provenance.get("asked") != asked or provenance.get("status") == "complete":
            continue
        if provenance.get("status") == "running" and at_work(
            str(provenance.get("owner", provenance.get("pid", ""))), _changed(folder)
        ):
            continue
        try:
            (folder / f".taken-{provenance.get('started', '').replace(':', '')}").touch(exist_ok=False)
        except OSError:
            continue
        return folder
    return None


def _changed(folder: Path) -> float:
    """When a run last wrote to its log, seconds since 1970."""
    try:
        return (folder / "log.jsonl").stat().st_mtime
    except OSError:
        return folder.stat().st_mtime
