"""How a run is shown to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from murid.cli.console import Reply, records

if TYPE_CHECKING:
    import pandas as pd

    from murid.run.runs import Run


def compared_sentences(run: Run) -> list[str]:
    """Return how many measures differ between groups and at which level; nothing where none were compared."""
    summary = run.summary
    if "level" not in summary:
        return []
    text = [f"{len(summary['differ'])} of {summary['compared']} measures differ (q <= {summary['level']:g})."]
    if summary.get("described"):
        text.append(f"{summary['described']} further measures are described, not tested: table described.csv.")
    return text


def units_compared(table: pd.DataFrame) -> str:
    """Return the heading of a table of groups compared: what the unit is, as the table says."""
    from murid.stats.group_tables import COMPARISON

    units = " or ".join(f"{unit}s" for unit in dict.fromkeys(COMPARISON.rows(table).unit_of_analysis.astype(str)))
    return f"Groups compared ({units} are the unit)"


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
        "files": sorted(p.relative_to(run.folder).as_posix() for p in run.folder.rglob("*.parquet")),
        "warnings": run.provenance["warnings"],
    }
    return Reply(
        data,
        [*text, f"Tables (CSV): {run.folder / 'tables'}"],
        tables or {},
        run.provenance["warnings"],
        1 if failed else 0,
    )
