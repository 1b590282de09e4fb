"""``murid formats``: which files can be read?"""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid formats\nmurid formats labels")
    def formats(
        kind: Annotated[str, typer.Argument(help="poses, labels, traces, spikes, events or zones.")] = "",
    ) -> Reply:
        """List the file formats murid reads; they are recognised by content."""
        import pandas as pd

        from murid.data.errors import did_you_mean, fail
        from murid.io.registry import KINDS, formats_table

        if kind and kind not in KINDS:
            fail("formats", f"no kind of data '{kind}'", todo=did_you_mean(kind, KINDS))
        rows = [r for r in formats_table() if kind in ("", r["kind"])]
        return Reply({"ok": True, "formats": rows}, [], {"Formats": pd.DataFrame(rows)})
