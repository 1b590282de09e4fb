"""``murid export``: states as files of annotation programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Behaviours, Ids, Rater, Stream, StudyFolder, items, pick_recordings
from murid.data.names import counted

#: As `murid.run.export.FORMATS`, written out since help must not load numpy.
Format = Literal["boris_aggregated", "caltech", "bouts"]


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        "murid export S gbdt --out predicted/\nmurid export S gbdt --out texts/ --format caltech --ids 'm1*'\n"
        "murid export S labels --out tables/ --format bouts\n"
        "murid export S gbdt --out mouse_1/ --format caltech --individual mouse_1",
    )
    def export(
        study: StudyFolder,
        states_from: Annotated[
            str, typer.Argument(metavar="MODEL", help="A model that was applied; 'labels' for those of people.")
        ] = "labels",
        out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path("exported"),
        format: Annotated[Format, typer.Option(help="Of BORIS, of Caltech's annotator, or a plain table.")] = (
            "boris_aggregated"
        ),
        ids: Ids = None,
        behaviours: Behaviours = None,
        rater: Rater = "",
        stream: Stream = "",
        individual: Annotated[
            str, typer.Option(help="One animal; all by default. Caltech's text does not tell animals apart.")
        ] = "",
    ) -> Reply:
        """Write what a model found, or what people scored, for BORIS and others: one file a recording.

        Observation id and film are those of the recording; the frame rate is that of its poses, else of its film,
        else of the labels. Frames that are not labelled are bouts of 'unlabelled'. After an error nothing is written.
        """
        from murid.data.labels import LabelChoice
        from murid.data.study import Study
        from murid.run import export_states

        opened = Study(study)
        wanted = items(behaviours)
        files = export_states(
            opened,
            states_from,
            out,
            format=format,
            ids=pick_recordings(opened, ids) if ids else None,
            labels=LabelChoice(tuple(wanted) if wanted else None, rater=rater or None, stream=stream or None),
            individual=individual or None,
        )
        data = {"ok": True, "command": "export", "format": format, "files": [str(f) for f in files]}
        return Reply(data, [f"{counted(len(files), 'file')} in {out}"])
