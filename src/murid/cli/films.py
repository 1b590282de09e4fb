"""``murid films``: many bouts of one motif side by side, as films."""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Behaviours, Ids, Seed, StudyFolder, items, pick_recordings
from murid.cli.run_summaries import of_run
from murid.data.names import counted


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        "murid films S moseq\nmurid films S moseq --clips 25 --speed 0.5\n"
        "murid films S gbdt -b rear,groom --least 0.3 --json",
    )
    def films(
        study: StudyFolder,
        model: Annotated[str, typer.Argument(help="A model that was applied.", show_default=False)],
        ids: Ids = None,
        behaviours: Behaviours = None,
        clips: Annotated[int, typer.Option(min=1, help="Bouts in a film, drawn by animals in turn.")] = 16,
        least: Annotated[float, typer.Option(min=0, help="Leave out shorter bouts, s.")] = 0.0,
        before: Annotated[float, typer.Option(min=0, help="Seconds shown before the onset.")] = 0.5,
        after: Annotated[float, typer.Option(min=0, help="Seconds shown after the onset.")] = 1.5,
        size: Annotated[int, typer.Option(min=16, help="Side of a clip, px.")] = 128,
        speed: Annotated[float, typer.Option(min=0.01, help="Of playing; 0.5 is half.")] = 1.0,
        seed: Seed = 0,
    ) -> Reply:
        """Write a film for each motif or behaviour of a model: many bouts side by side, all beginning at one moment.

        Every animal is turned to look to the right. The square in the corner of a clip is white while the bout lasts.
        """
        from murid.data.study import Study
        from murid.run import write_films
        from murid.run.films import CLIPS

        opened = Study(study)
        run = write_films(
            opened,
            model,
            pick_recordings(opened, ids) if ids else None,
            behaviours=items(behaviours),
            clips=clips,
            least_s=least,
            before_s=before,
            after_s=after,
            size=size,
            speed=speed,
            seed=seed,
        )
        text = [f"{counted(run.summary['films'], 'film')} in {run.folder / 'films'}"]
        return of_run(run, text, {"Clips": run.tables[CLIPS.name]}, json_tables=(CLIPS.name,))
