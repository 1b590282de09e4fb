"""``murid demo``: the whole way on simulated animals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Seed, Workers, n_workers


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(app, "murid demo --out demo\nmurid demo --out demo --animals 8 --minutes 3")
    def demo(
        out: Annotated[Path, typer.Option(help="Folder to make; run again to continue a stopped demo.")] = Path("demo"),
        animals: Annotated[int, typer.Option(min=4, help="Animals, half in each group.")] = 12,
        minutes: Annotated[float, typer.Option(min=1, help="Length of each recording.")] = 4.0,
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
        """Simulate a study, analyse it from poses to a report, and say where the report is.

        About two minutes on two cores. Truth is known, so every number can be judged.
        """
        from murid.run import run_demo

        made = run_demo(out, n_animals=animals, minutes=minutes, seed=seed, workers=n_workers(workers))
        return Reply({"ok": True, **made.data}, [*made.lines, f"Report: {made.report}"])
