"""``murid sheet``: the sheet of animals and groups, written to be filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.data.names import counted


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid sheet poses/\nmurid sheet S --out animals.csv\nmurid add S --sheet animals.csv")
    def sheet(
        sources: Annotated[
            list[Path], typer.Argument(help="Files that name recordings, folders of them, or a study.", metavar="FILES")
        ],
        out: Annotated[Path, typer.Option(help="Where to write it: .csv or .xlsx.")] = Path("animals.csv"),
    ) -> Reply:
        """Write a sheet to fill in: one row a recording, with its animal, group, day, session, sex and litter.

        Of a study, the sheet as it is. Fill it in with any spreadsheet; murid add takes it back with --sheet,
        together with the files or, once they are in the study, alone.
        """
        from murid.data.study import Study
        from murid.run.sheet import blank_sheet, study_sheet, write_sheet

        is_study = len(sources) == 1 and (sources[0] / "study.toml").is_file()
        table = study_sheet(Study(sources[0])) if is_study else blank_sheet(sources)
        write_sheet(table, out)
        study = str(sources[0]) if is_study else "STUDY"
        files = "" if is_study else " " + " ".join(map(str, sources))
        return Reply(
            {"ok": True, "out": str(out), "recordings": table["id"].tolist()},
            [f"{out}: {counted(len(table))}. Fill it in, then: murid add {study}{files} --sheet {out}"],
            {"Sheet": table},
        )
