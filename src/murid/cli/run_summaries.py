"""How a run is shown to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from murid.cli.console import Reply, records

if TYPE_CHECKING:
    import pandas as pd

    from murid.run.runs import Run


def of_run(
    run: Run, text: list[str], tables: dict[str, pd.DataFrame] | None = None, *, json_tables: tuple[str, ...] = ()
) -> Reply:
    """Return the reply of a command that made a run.

    Parameters
    ----------
    run : Run
    text : list of str
        Sentences for people.
    tables : dict of str to DataFrame, optional
        Title → table for people.
    json_tables : tuple of str
        Tables of the run that go into the JSON; all others are named there and lie in the run's folder.
    """
    stored = run.tables
    failed = run.summary.get("failed", [])
    data = {
        "ok": not failed,
        "command": run.provenance["command"],
        "run": str(run.folder),
        "seconds": run.provenance.get("seconds"),
        **run.summary,
        "tables": {name: records(stored[name]) for name in json_tables if name in stored},
        "files": sorted(str(p.relative_to(run.folder)) for p in run.folder.rglob("*.parquet")),
        "warnings": run.provenance["warnings"],
    }
    return Reply(
        data,
        [*text, f"Tables (CSV): {run.folder / 'tables'}"],
        tables or {},
        run.provenance["warnings"],
        1 if failed else 0,
    )
