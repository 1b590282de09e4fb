"""``murid assay``: run a paradigm."""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.analyses import list_of
from murid.cli.analysis import Compare, Measures, ShowParams, parameters_of, run_named
from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Ids, ParamOption, Seed, StudyFolder, Workers, asks_for_list


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        """murid assay list
        murid assay S open_field
        murid assay S open_field -p arena_cm=40,40 -p bin_s=60
        murid assay S open_field --measures distance,time_percent:centre --json
        murid assay S open_field --params""",
    )
    def assay(
        study: StudyFolder,
        name: Annotated[str, typer.Argument(help="Paradigm; 'murid assay list' names them.")] = "open_field",
        param: ParamOption = None,
        ids: Ids = None,
        compare: Compare = "group",
        measures: Measures = None,
        params: ShowParams = False,
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
        """Measure what a paradigm measures, per recording, and compare groups of animals."""
        from murid.run.assay import require_family

        if asks_for_list(study):
            return list_of("assay")
        require_family(name, "assay")
        if params:
            return parameters_of(name)
        return run_named(study, name, param, ids, compare=compare, measures=measures, seed=seed, workers=workers)
