"""``murid fit``: let a method learn."""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import (
    Ids,
    ParamOption,
    SkipFailed,
    StudyFolder,
    Workers,
    n_workers,
    pick_recordings,
    read_params,
)
from murid.cli.run_summaries import of_run
from murid.data.names import counted

MethodName = Annotated[str, typer.Argument(help="Method (see: murid methods).", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        """murid fit S gbdt
        murid fit S kmeans -p n_motifs=20 -p seed=1 --model motifs20
        murid fit S gbdt --ids 1-40 --replace""",
    )
    def fit(
        study: StudyFolder,
        method: MethodName,
        param: ParamOption = None,
        ids: Ids = None,
        model: Annotated[str, typer.Option(help="Name to keep the model under; the method's by default.")] = "",
        replace: Annotated[bool, typer.Option("--replace", help="Overwrite a different model of that name.")] = False,
        skip_failed: SkipFailed = False,
        workers: Workers = 0,
    ) -> Reply:
        """Fit a method to recordings and keep it in the study's models."""
        from murid.data.study import Study
        from murid.methods import method_class
        from murid.run import fit_method

        opened = Study(study)
        params = read_params(method_class(method).Params, param)
        run = fit_method(
            opened,
            method,
            params,
            pick_recordings(opened, ids),
            model=model or None,
            replace=replace,
            skip_failed=skip_failed,
            workers=n_workers(workers),
        )
        s = run.summary
        return of_run(
            run, [f"Fitted {s['method']} to {counted(len(s['recordings']))}. Next: murid apply {study} {s['model']}"]
        )
