"""``murid compare-motifs``: motif methods side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import (
    Behaviours,
    Ids,
    ParamOption,
    Rater,
    Seed,
    Stream,
    StudyFolder,
    Workers,
    items,
    n_workers,
    pick_recordings,
)
from murid.cli.run_summaries import of_run
from murid.data.names import counted


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        """murid compare-motifs S kmeans,pyrat,bsoid
        murid compare-motifs S kmeans,pyrat -p n_motifs=20 --no-halves --json
        murid compare-motifs S kmeans,bsoid -b rear,groom -p bsoid.max_bins=5000""",
    )
    def compare_motifs(
        study: StudyFolder,
        methods: Annotated[str, typer.Argument(help="Motif methods, with commas.", show_default=False)],
        param: ParamOption = None,
        ids: Ids = None,
        behaviours: Behaviours = None,
        rater: Rater = "",
        stream: Stream = "",
        seeds: Annotated[int, typer.Option(min=1, help="Fits compared with each other; 1 = none.")] = 2,
        halves: Annotated[bool, typer.Option(help="Also compare fits to halves of the animals.")] = True,
        robust: Annotated[
            bool, typer.Option(help="Also label the tracks after jitter, dropout, at other rates, mirrored, resized.")
        ] = False,
        seed: Seed = 0,
        workers: Workers = 1,
    ) -> Reply:
        """Fit motif methods to the same recordings: time, bouts, labels, posture change, stability.

        Agreement with labels stands beside that of a blind segmentation with equal bouts. Fits are kept: a stopped
        comparison goes on where it was.
        """
        from murid.cli.evaluate import _per_method
        from murid.data.study import Study
        from murid.methods.motifs.comparison_tables import MOTIFS
        from murid.run import compare_motifs as compare

        opened, names = Study(study), items([methods]) or []
        run = compare(
            opened,
            names,
            _per_method(names, param),
            pick_recordings(opened, ids),
            behaviours=items(behaviours),
            rater=rater or None,
            stream=stream or None,
            seeds=seeds,
            halves=halves,
            robust=robust,
            seed=seed,
            workers=n_workers(workers),
        )
        table = run.tables[MOTIFS.name]
        text = [f"{counted(len(table), 'method')} on {counted(len(run.summary['recordings']))}."]
        return of_run(run, text, {"Motif methods": table.round(3)}, json_tables=(MOTIFS.name,))
