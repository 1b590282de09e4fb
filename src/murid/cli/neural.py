"""``murid neural``: which units care about which behaviours?"""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import command
from murid.cli.console import Reply
from murid.cli.options import (
    Behaviours,
    Ids,
    ParamOption,
    Seed,
    StudyFolder,
    Workers,
    items,
    n_workers,
    pick,
    read_params,
)
from murid.cli.replies import of_run


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(
        app,
        """murid neural S
        murid neural S --states-from gbdt -b rear,freeze
        murid neural S -p max_lag_s=1 -p alpha=0.01 --json""",
    )
    def neural(
        study: StudyFolder,
        states_from: Annotated[str, typer.Option(help="'labels', or a fitted model.")] = "labels",
        param: ParamOption = None,
        ids: Ids = None,
        behaviours: Behaviours = None,
        individual: Annotated[str, typer.Option(help="Whose behaviour, when there are several animals.")] = "",
        rater: Annotated[str, typer.Option(help="Whose labels, when there are several raters.")] = "",
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
        """Test every unit for tuning to every behaviour, against shifts of the behaviour in time."""
        from murid.data.study import Study
        from murid.neural import TuningParams
        from murid.run import run_neural

        opened = Study(study)
        run = run_neural(
            opened,
            states_from,
            read_params(TuningParams, param),
            pick(opened, ids),
            behaviours=items(behaviours),
            individual=individual or None,
            rater=rater or None,
            seed=seed,
            workers=n_workers(workers),
        )
        s = run.summary
        return of_run(
            run,
            [f"{s['tuned_units']} of {s['units']} units are tuned (q <= {s['alpha']:g} within recording)."],
            {"Units by behaviour": run.tables["tuned"]},
            json_tables=("tuned", "tuning"),
        )
