"""``murid new``: make a study folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid new my_study\nmurid new fear2025 --name 'Fear conditioning 2025'")
    def new(
        folder: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
        name: Annotated[str, typer.Option(help="Name of the study; the folder's name by default.")] = "",
    ) -> Reply:
        """Make a new, empty study folder."""
        from murid.data.study import Study

        study = Study.create(folder, name or None)
        return Reply(
            {"ok": True, "study": str(study.folder), "name": study.name},
            [f"Made study '{study.name}' in {study.folder}. Next: murid add {study.folder} POSES..."],
        )
