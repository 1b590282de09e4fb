"""``murid cite``: what to cite for a study, as BibTeX."""

from __future__ import annotations

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import StudyFolder


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid cite S\nmurid cite S > references.bib")
    def cite(study: StudyFolder) -> Reply:
        """Print BibTeX of what this study used: murid, methods and analyses of its runs."""
        from murid.data.study import Study
        from murid.run.cite import bibliography, references

        opened = Study(study)
        entries = [{"key": r.key, "text": r.text, "used_for": list(r.used_for)} for r in references(opened)]
        return Reply({"ok": True, "references": entries}, [bibliography(opened)])
