"""``murid neural``: which units care about which behaviours?"""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.analyses import list_of
from murid.cli.analysis import (
    Compare,
    Individual,
    Measures,
    OthersOption,
    Rater,
    ShowParams,
    StatesFrom,
    Stream,
    parameters_of,
    run_named,
)
from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Behaviours, Ids, ParamOption, Seed, StudyFolder, Workers, asks_for_list


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        """murid neural list
        murid neural S
        murid neural S tuning --states-from gbdt -b rear,freeze
        murid neural S tuning -p max_lag_s=1 -p alpha=0.01 --json""",
    )
    def neural(
        study: StudyFolder,
        name: Annotated[str, typer.Argument(help="Analysis; 'murid neural list' names them.")] = "tuning",
        states_from: StatesFrom = "labels",
        param: ParamOption = None,
        ids: Ids = None,
        compare: Compare = "group",
        measures: Measures = None,
        behaviours: Behaviours = None,
        individual: Individual = "",
        rater: Rater = "",
        stream: Stream = "",
        others: OthersOption = "auto",
        params: ShowParams = False,
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
        """Analyse neural signals: by default tuning of every unit to every behaviour, against shifts in time."""
        from murid.run.assay import require_family

        if asks_for_list(study):
            return list_of("neural")
        require_family(name, "neural")
        if params:
            return parameters_of(name)
        return run_named(
            study,
            name,
            param,
            ids,
            compare=compare,
            measures=measures,
            states_from=states_from,
            behaviours=behaviours,
            individual=individual,
            rater=rater,
            stream=stream,
            others=others,
            seed=seed,
            workers=workers,
        )
