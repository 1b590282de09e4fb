"""``murid check``: is the study sound, and how good are the recordings?"""

from __future__ import annotations

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Ids, StudyFolder, Workers, n_workers, pick_recordings
from murid.cli.run_summaries import of_run
from murid.data.names import counted


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid check S\nmurid check S --ids m1,m2\nmurid check S --json")
    def check(study: StudyFolder, ids: Ids = None, workers: Workers = 0) -> Reply:
        """Judge every recording and the folder: missing files, gaps, swaps, clocks, scale, labels.

        Exit code 1 when the folder is not sound (files missing or damaged).
        """
        from murid.data.study import Study
        from murid.prepare.quality_analysis import FAULTS, OVERVIEW
        from murid.run import check_study
        from murid.run.run_age import warning_of

        opened = Study(study)
        run = check_study(opened, pick_recordings(opened, ids), workers=n_workers(workers))
        s, faults, overview = run.summary, run.rows(FAULTS), run.rows(OVERVIEW)
        shown = {}
        if faults is not None and len(faults):
            shown["Faults of the folder"] = faults.only(faults.what, faults.todo)
        if overview is not None and len(overview):
            shown["What to look at (per recording: table 'quality')"] = overview.frame
        text = f"{counted(s['recordings'])}: {s['ok']} checks ok, {s['look']} to look at, {s['bad']} bad"
        if not s["recordings"]:
            text = "No recording yet; add files with: murid add"
        if not s["recordings"] and len(opened):
            text = f"{counted(len(opened))} without poses, traces or labels, so there is nothing to judge"
        reply = of_run(
            run,
            [f"{text}; {counted(s['faults'], 'fault')} of the folder."],
            shown,
            json_tables=("quality", FAULTS.name),
        )
        reply.warnings = [*reply.warnings, *(warning_of(name, r) for name, r in s["outdated"].items())]
        reply.data["ok"] = reply.data["ok"] and not s["faults"]
        reply.code = reply.code or int(s["faults"] > 0)
        return reply
