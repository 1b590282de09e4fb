"""Check a study: what is wrong with its folder, and how good each recording is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from murid import __version__
from murid.data.analysis import find_analysis
from murid.data.atomic import delete_path, left_behind, remove_left_behind
from murid.data.errors import Faults
from murid.data.study import Study
from murid.prepare.quality_analysis import FAULTS, VERDICTS
from murid.run.add import read_by_another_murid
from murid.run.analysis import carry_out, columns_of, needs_of, note_left_out
from murid.run.analysis_steps import StatesSource
from murid.run.copies import add_copies
from murid.run.run_age import newest_runs, outdated_runs
from murid.run.run_damage import damaged
from murid.run.runs import Run


def check_study(study: Study, ids: Sequence[str] | None = None, *, workers: int = 1) -> Run:
    """Judge every recording and the folder itself.

    Parameters
    ----------
    study : Study
    ids : sequence of str, optional
        Recordings to check; all by default.
    workers : int
        Processes.

    Returns
    -------
    Run
        Table ``quality``: one row per recording and check with ``verdict`` (ok, look, bad), value, unit,
        reason and what to do. Table ``overview``: one row per check that is not ok. Table ``faults``: what
        is wrong with the study folder, and with files of the newest runs. Summary:
        ``recordings, ok, look, bad, faults``.

    Examples
    --------
    >>> import murid
    >>> run = murid.run.check_study(murid.open_study("mice"))
    >>> run.summary["recordings"], len(run.tables["quality"]) > 4
    (4, True)
    """
    chosen = find_analysis("check")
    declared = chosen.params()
    wanted = study.recordings(ids)
    left_out = {r.id: lacking for r in wanted if (lacking := chosen.lacks(r))}
    usable = [r.id for r in wanted if r.id not in left_out]
    asked = {"ids": list(ids) if ids is not None else None, "params": declared.model_dump(mode="json")}
    with Run.start(study, "check", asked) as run:
        run.rests_on(columns_of(chosen), needs_of(study, chosen, StatesSource()), every=ids is None)
        _remove_left_behind(study)
        faults = study.faults()
        add_copies(faults, study.recordings())
        newest = [r for r in newest_runs(study, each_model=True) if r.provenance["command"] != "check"]
        _add_damaged(faults, newest)
        run.table(FAULTS.name, pd.DataFrame([vars(f) for f in faults.items], columns=list(FAULTS.columns)))
        carry_out(run, study, chosen, declared, usable, StatesSource(), workers=workers)
        for table in chosen.tables:
            if not (run.folder / "tables" / f"{table.name}.parquet").is_file():
                columns = ["recording", *table.columns] if table.name == "quality" else list(table.columns)
                run.table(table.name, pd.DataFrame(columns=columns))
        note_left_out(run, left_out)
        counts = {verdict: run.summary.get(verdict, 0) for verdict in VERDICTS}
        run.note(recordings=len(run.summary["recordings"]), **counts, faults=len(faults.items))
        run.note(outdated=outdated_runs(study, newest))
        for release, read in read_by_another_murid(study).items():
            more = f" and {len(read) - 8} more" if len(read) > 8 else ""
            run.warn(
                f"read by murid {release}, and this is {__version__}: {', '.join(read[:8])}{more}; where the changelog "
                "says that their reader was mended, add the files again with --replace"
            )
    return run


def _remove_left_behind(study: Study) -> None:
    """Remove files that killed commands left half-written; the runner does so in the cache."""
    for folder in (study.folder / "data", study.models_dir, study.runs_dir):
        remove_left_behind(folder)
    for path in study.folder.glob(".*.tmp"):
        if left_behind(path)[1]:
            delete_path(path)


def _add_damaged(faults: Faults, runs: Sequence[Run]) -> None:
    """Add a fault for every file of a run that was deleted, cut short or changed since."""
    for run in runs:
        command = run.provenance["command"]
        for reason in damaged(run):
            faults.add(
                f"run {run.folder.name}: {reason}",
                where=str(run.folder),
                expected="the files as the run wrote them",
                todo=f"run its command again: murid {command}",
            )
