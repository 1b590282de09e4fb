"""Build the report of a study or of some of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from murid.data.errors import fail
from murid.data.study import Study
from murid.run.runs import Run, find_run, runs_of


def build_report(study: Study, runs: Sequence[Run | str] | str | None = None, *, out: str | Path | None = None) -> Path:
    """Write one HTML file with figures, tables and provenance.

    Parameters
    ----------
    study : Study
    runs : sequence of Run or str, optional
        Runs, their folder names, or commands (then its newest run). By default the newest complete run
        of each command.
    out : path, optional
        ``report.html`` in the study by default.

    Returns
    -------
    Path
        The file.
    """
    from murid.report import build

    if isinstance(runs, str):
        runs = [runs]
    chosen = [r if isinstance(r, Run) else find_run(study, r) for r in runs] if runs else _newest(study)
    if not chosen:
        fail(f"study {study.folder}", "there is nothing to report", todo="run something first, e.g.: murid check")
    path = Path(out) if out is not None else study.folder / "report.html"
    build(study, [r.folder for r in chosen], path)
    return path


def _newest(study: Study) -> list[Run]:
    """Return the newest complete run of each command and analysis, in the order of their first use."""
    newest: dict[tuple[str, str], Run] = {}
    for run in runs_of(study):
        newest[run.provenance["command"], str(run.summary.get("analysis", ""))] = run
    return list(newest.values())
