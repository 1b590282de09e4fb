"""``murid label-queue``: which bouts to label next, and is it worth it?"""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Ids, ParamOption, Seed, StudyFolder, Workers, n_workers, pick_recordings, read_params
from murid.cli.run_summaries import of_run


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        "murid label-queue S --model gbdt\nmurid label-queue S --model gbdt -n 40 --ids 'm1*'\n"
        "murid label-queue S --model gbdt -p longest_s=3 --no-curve --json",
    )
    def label_queue(
        study: StudyFolder,
        model: Annotated[str, typer.Option(help="Supervised model to start from.")] = "gbdt",
        n: Annotated[int, typer.Option("-n", min=1, help="Bouts to propose.")] = 20,
        blind: Annotated[float, typer.Option(min=0, max=1, help="Share of random windows, prediction hidden.")] = 0.2,
        param: ParamOption = None,
        ids: Ids = None,
        refit: Annotated[bool, typer.Option(help="Fit to the labels as they are now first (seconds).")] = True,
        curve: Annotated[bool, typer.Option(help="Learning curve: what would more labels bring?")] = True,
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
        """Propose the bouts to label next: doubtful and different ones, and a blind random share.

        Blind windows are for an unbiased score: label them without looking at the model.
        """
        from murid.data.study import Study
        from murid.methods.supervised.label_queue import QueueParams
        from murid.methods.supervised.queue_tables import LEARNING_CURVE, QUEUE
        from murid.run import propose_bouts

        opened = Study(study)
        settings = {"n": n, "blind": blind, "seed": seed, **read_params(QueueParams, param)}
        run = propose_bouts(
            opened, model, settings, pick_recordings(opened, ids), refit=refit, curve=curve, workers=n_workers(workers)
        )
        s = run.summary
        queue = run.rows(QUEUE)
        shown = queue.without(queue.uncertainty, queue.unseen)
        text = [
            f"{s['bouts']} bouts ({s['blind']} blind), {s['seconds_to_watch']:.0f} s to watch.",
            s.get("advice", ""),
        ]
        return of_run(run, [t for t in text if t], {"Label next": shown}, json_tables=(QUEUE.name, LEARNING_CURVE.name))
