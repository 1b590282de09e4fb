"""``murid apply``: what did the animals do, says a fitted method."""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Alpha, Ids, StudyFolder, Workers, n_workers, pick_recordings
from murid.cli.run_summaries import compared_sentences, of_run
from murid.data.names import counted


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid apply S gbdt\nmurid apply S ../other_study/models/gbdt --ids 'm1*'")
    def apply(
        study: StudyFolder,
        model: Annotated[str, typer.Argument(help="Model of the study, or the folder of one.", show_default=False)],
        ids: Ids = None,
        alpha: Alpha = 0.05,
        workers: Workers = 0,
    ) -> Reply:
        """Apply a fitted method: states, bouts and their summary."""
        from murid.data.study import Study
        from murid.ethogram.bouts import SUMMARY
        from murid.run import apply_method
        from murid.stats.group_tables import COMPARISON

        opened = Study(study)
        run = apply_method(opened, model, pick_recordings(opened, ids), alpha=alpha, workers=n_workers(workers))
        rows = SUMMARY.rows(run.tables[SUMMARY.name])
        numbers = rows.only(rows.count, rows.total_s, rows.fraction)
        shown = numbers.groupby(rows.behaviour, sort=False).mean().reset_index()
        text = [f"{counted(len(run.summary['recordings']))}. States: {run.folder / 'states'}"]
        if trained := run.summary["trained_on"]:
            text.append(
                f"{counted(len(trained))} trained the model: how well it does on others says murid evaluate {study} ..."
            )
        return of_run(
            run,
            [*text, *compared_sentences(run)],
            {"Mean over recordings": shown},
            json_tables=(SUMMARY.name, COMPARISON.name),
        )
