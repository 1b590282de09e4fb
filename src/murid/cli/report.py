"""``murid report``: one file to read and to send."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import StudyFolder


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid report S\nmurid report S --run evaluate --out gbdt.html")
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
        figures: Annotated[
            bool, typer.Option("--figures", help="Write every figure as SVG, PDF and PNG too, into REPORT_figures.")
        ] = False,
    ) -> Reply:
        """Write one HTML file with figures, tables and provenance."""
        from murid.data.study import Study
        from murid.run import build_report
        from murid.run.run_age import chosen_runs, outdated_runs, warning_of
        from murid.run.run_damage import damage_warning, damaged_runs

        opened = Study(study)
        path = build_report(opened, run, out=out, figures=figures)
        chosen = chosen_runs(opened, run)
        old = outdated_runs(opened, chosen)
        warned = [warning_of(name, reasons) for name, reasons in old.items()]
        broken = damaged_runs(chosen)
        commands = {r.folder.name: r.provenance["command"] for r in chosen}
        warned += [damage_warning(name, commands[name], reasons) for name, reasons in broken.items()]
        more = [f"Figures: {path.with_name(f'{path.stem}_figures')}"] if figures else []
        data = {"ok": True, "report": str(path), "outdated": old, "damaged": broken}
        return Reply(data, [f"Report: {path}", *more], warnings=warned)
