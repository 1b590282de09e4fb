"""Are the files of a run as it left them? What was deleted, cut short or changed since is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from murid.run.keys import WHOLE_FILE_BYTES, file_digest
from murid.run.runs import Run


def damaged(run: Run) -> list[str]:
    """Return what is wrong with the files that a run wrote, in words; nothing when they are as it left them.

    Of a run of an older murid, which did not write down its files, only what its tables show: each is there as
    parquet and as CSV, and the parquet file can be read.
    """
    written = run.provenance.get("written")
    if not isinstance(written, Mapping):
        return _damaged_tables(run.folder / "tables")
    reasons = (_fault_of(run.folder / name, name, mark) for name, mark in sorted(written.items()))
    return [reason for reason in reasons if reason]


def damaged_runs(runs: Iterable[Run]) -> dict[str, list[str]]:
    """Return the runs whose files are not as they left them: name of the folder → what is wrong."""
    return {run.folder.name: reasons for run in runs if (reasons := damaged(run))}


def damage_warning(run: str, command: str, reasons: list[str]) -> str:
    """One sentence about a run whose files are not as it left them."""
    more = f" and {len(reasons) - 6} more" if len(reasons) > 6 else ""
    return (
        f"files of the run {run} are not as it left them: {', '.join(reasons[:6])}{more}. What they held is missing or "
        f"not what was found; run murid {command} again."
    )


def _fault_of(path: Path, name: str, mark: Mapping[str, Any]) -> str:
    """What is wrong with one file; "" when nothing is."""
    try:
        size = path.stat().st_size
        if size < mark["bytes"]:
            return f"{name} is cut short ({size:,} of {mark['bytes']:,} bytes)"
        # The fingerprint of a very large file has its age in it, which a copy of the study changes.
        known = size != mark["bytes"] or size > WHOLE_FILE_BYTES or file_digest(path) == mark["fingerprint"]
        return "" if known and size == mark["bytes"] else f"{name} was changed"
    except OSError:
        return f"{name} is gone" if not path.exists() else f"{name} cannot be read"


def _damaged_tables(folder: Path) -> list[str]:
    import pyarrow.parquet as pq

    reasons = []
    for name in sorted({p.stem for p in folder.glob("*") if p.suffix in (".parquet", ".csv")}):
        gone = [end for end in (".parquet", ".csv") if not (folder / f"{name}{end}").is_file()]
        reasons += [f"tables/{name}{end} is gone" for end in gone]
        if ".parquet" not in gone:
            try:
                pq.read_metadata(folder / f"{name}.parquet")
            except (OSError, ValueError):
                reasons.append(f"tables/{name}.parquet is damaged")
    return reasons
