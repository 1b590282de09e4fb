"""``murid neural``: which units care about which behaviours?"""

from __future__ import annotations

import typer

from murid.cli.analysis import family_command
from murid.cli.command import add_command


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        """murid neural list
        murid neural S
        murid neural S tuning --states-from gbdt -b rear,freeze
        murid neural S tuning -p max_lag_s=1 -p alpha=0.01 --json
        murid neural S photometry -p baseline_s=0,60""",
    )(
        family_command(
            "neural",
            "tuning",
            "Analysis",
            "Analyse neural signals: by default tuning of every unit to every behaviour, against shifts in time.",
        )
    )
