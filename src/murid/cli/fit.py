"""``murid fit``: let a method learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import (
    Behaviours,
    Ids,
    OthersOption,
    ParamOption,
    Rater,
    SkipFailed,
    Stream,
    StudyFolder,
    Workers,
    items,
    n_workers,
    pick_recordings,
    read_params,
)
from murid.cli.run_summaries import of_run
from murid.data.errors import Faults, ParameterError
from murid.data.names import counted

if TYPE_CHECKING:
    from murid.data.params import Params

MethodName = Annotated[str, typer.Argument(help="Method (see: murid methods).", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        """murid fit S gbdt
        murid fit S kmeans -p n_motifs=20 -p seed=1 --model motifs20
        murid fit S gbdt -b social,nonsocial --ids 1-40 --replace""",
    )
    def fit(
        study: StudyFolder,
        method: MethodName,
        param: ParamOption = None,
        ids: Ids = None,
        behaviours: Behaviours = None,
        others: OthersOption = "auto",
        rater: Rater = "",
        stream: Stream = "",
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
        declared = method_class(method).Params
        params = read_params(declared, param)
        params |= _of_labels(
            method,
            declared,
            params,
            {
                "behaviours": items(behaviours),
                "others": others if others != "auto" else None,
                "rater": rater or None,
                "stream": stream or None,
            },
        )
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


def _of_labels(method: str, declared: type[Params], params: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Options that say which labels are meant, as parameters of the method.

    Raises
    ------
    ParameterError
        The method learns from no labels, or ``-p`` says otherwise.
    """
    given = {name: value for name, value in given.items() if value is not None}
    faults = Faults(f"method '{method}'")
    for name, value in given.items():
        if name not in declared.model_fields:
            faults.add(f"--{name} is of no use: it has no parameter '{name}'", todo=f"leave out --{name}")
        elif name in params and params[name] != value:
            faults.add(f"--{name} and -p {name} differ", got=f"{value} and {params[name]}", todo="give one of them")
    faults.raise_if_any(ParameterError)
    return given
