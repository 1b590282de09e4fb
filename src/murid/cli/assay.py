"""``murid assay``: run a paradigm."""

from __future__ import annotations

import typer

from murid.cli.analysis import family_command
from murid.cli.command import add_command


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        """murid assay list
        murid assay S open_field
        murid assay S open_field -p arena_cm=40,40 -p bin_s=60
        murid assay S open_field --measures distance,time_percent:centre --json
        murid assay S open_field --params""",
    )(
        family_command(
            "assay",
            "open_field",
            "Paradigm",
            "Measure what a paradigm measures, per recording, and compare groups of animals.",
            states=False,
        )
    )
