"""``murid doctor``: is this machine ready?"""

from __future__ import annotations

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid doctor\nmurid doctor --json")
    def doctor() -> Reply:
        """Versions, extras, cores, memory, disk and GPU, and what to do where something lacks."""
        import pandas as pd

        from murid.run.doctor import examine

        findings = examine()
        rows = [{"what": k, "found": v} for k, v in findings["facts"].items()]
        extras = [{"extra": k, "installed": "yes" if v else "no"} for k, v in findings["extras"].items()]
        text = [f"-> {s}" for s in findings["suggestions"]] or ["All is well."]
        return Reply({"ok": True, **findings}, text, {"Machine": pd.DataFrame(rows), "Extras": pd.DataFrame(extras)})
