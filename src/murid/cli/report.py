"""``murid report``: one file to read and to send."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from murid.cli.command import command
from murid.cli.console import Reply
from murid.cli.options import StudyFolder


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "murid report S\nmurid report S --run evaluate --out gbdt.html")
    def report(
        study: StudyFolder,
        run: Annotated[
            list[str] | None,
            typer.Option(
                help="Run, or command for its newest run; may be repeated. By default the newest run of each command.",
                show_default=False,
            ),
        ] = None,
        out: Annotated[Path | None, typer.Option(help="File to write; STUDY/report.html by default.")] = None,
    ) -> Reply:
        """Write one HTML file with figures, tables and provenance."""
        from murid.data.study import Study
        from murid.run import build_report

        path = build_report(Study(study), run, out=out)
        return Reply({"ok": True, "report": str(path)}, [f"Report: {path}"])
