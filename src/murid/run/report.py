"""Build the report of a study or of some of its runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from murid.data.errors import fail
from murid.data.study import Study
from murid.report import build
from murid.run.run_age import chosen_runs, outdated_runs
from murid.run.run_damage import damaged_runs
from murid.run.runs import Run, unread_runs


def build_report(
    study: Study,
    runs: Sequence[Run | str] | str | None = None,
    *,
    out: str | Path | None = None,
    figures: bool = False,
) -> Path:
    """Write one HTML file with figures, tables and provenance.

    Parameters
    ----------
    study : Study
    runs : sequence of Run or str, optional
        Runs, their folder names, or commands (then its newest run). By default the newest complete run
        of each command.
    out : path, optional
        ``report.html`` in the study by default.
    figures : bool
        Write every figure as SVG, PDF and PNG beside it.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import murid
    >>> murid.run.build_report(murid.open_study("mice"), "check").name
    'report.html'
    """
    chosen = chosen_runs(study, runs)
    # Runs of a newer murid are shown as what they are: something that could not be read.
    unread = [] if runs else [study.runs_dir / name for name in unread_runs(study)]
    if not chosen and not unread:
        fail(f"study {study.folder}", "there is nothing to report", todo="run something first, e.g.: murid check")
    path = Path(out) if out is not None else study.folder / "report.html"
    build(
        study,
        [*(r.folder for r in chosen), *unread],
        path,
        outdated=outdated_runs(study, chosen),
        damaged=damaged_runs(chosen),
        figures=figures,
    )
    return path
