"""What the command of every declared analysis is made of: options, the run, and how its tables are shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from murid.cli.console import Reply
from murid.cli.options import (
    Behaviours,
    Ids,
    Others,
    ParamOption,
    Seed,
    StudyFolder,
    Workers,
    items,
    n_workers,
    pick_recordings,
    read_params,
)
from murid.cli.replies import of_run
from murid.cli.shown import comparison_table, one_line_a_measure
from murid.data.names import counted

if TYPE_CHECKING:
    import pandas as pd

    from murid.data.analysis import Analysis
    from murid.run.runs import Run

Compare = Annotated[str, typer.Option(help="Column of recordings.csv to compare by; '' = none.")]
Measures = Annotated[
    list[str] | None,
    typer.Option(help="Measures to compare, with commas; the main ones by default.", show_default=False),
]
StatesFrom = Annotated[str, typer.Option(help="Where states come from: 'labels', or a fitted model.")]
Individual = Annotated[str, typer.Option(help="Whose states, when there are several animals.")]
Rater = Annotated[str, typer.Option(help="Whose labels, when there are several raters.")]
Stream = Annotated[str, typer.Option(help="Which stream (channel) of the labels.")]
OthersOption = Annotated[
    Others, typer.Option(help="Frames with other labels only: auto, ignore (unlabelled) or negative (absent).")
]
ShowParams = Annotated[bool, typer.Option("--params", help="Show the parameters and leave.")]

#: Rows of a table that a command prints; all of them are in the CSV.
MAX_ROWS = 40


def command_of(name: str, what: str) -> Callable[..., Reply]:
    """Return the function behind ``murid NAME STUDY`` for an analysis."""

    def run(
        study: StudyFolder,
        param: ParamOption = None,
        ids: Ids = None,
        compare: Compare = "group",
        measures: Measures = None,
        states_from: StatesFrom = "labels",
        behaviours: Behaviours = None,
        individual: Individual = "",
        rater: Rater = "",
        stream: Stream = "",
        others: OthersOption = "auto",
        params: ShowParams = False,
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
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

    run.__name__ = name
    run.__doc__ = what
    return run


def run_named(
    study: Path,
    name: str,
    param: list[str] | None,
    ids: list[str] | None,
    *,
    compare: str = "group",
    measures: list[str] | None = None,
    states_from: str = "labels",
    behaviours: list[str] | None = None,
    individual: str = "",
    rater: str = "",
    stream: str = "",
    others: Others = "auto",
    seed: int = 0,
    workers: int = 0,
) -> Reply:
    """Run an analysis as the command line asks for it; return what to print."""
    from murid.data.analysis import find_analysis
    from murid.data.labels import LabelChoice
    from murid.data.study import Study
    from murid.run import run_analysis

    chosen, opened = find_analysis(name), Study(study)
    wanted = items(behaviours)
    run = run_analysis(
        opened,
        name,
        read_params(chosen.params, param),
        pick_recordings(opened, ids),
        compare=compare or None,
        measures=items(measures),
        states_from=states_from,
        labels=LabelChoice(tuple(wanted) if wanted else None, others, rater or None, stream or None),
        individual=individual or None,
        seed=seed,
        workers=n_workers(workers),
    )
    return reply_of(run, chosen)


def reply_of(run: Run, chosen: Analysis) -> Reply:
    """What a command prints of the run of an analysis: groups compared where there are some, else its tables."""
    tables, summary = run.tables, run.summary
    failed = summary.get("failed", [])
    done = summary["recordings"] if isinstance(summary["recordings"], list) else []
    text = [f"{counted(len(done))}." if not failed else f"{counted(len(done))}; {len(failed)} failed."]
    text += summary.get("sentences", [])
    shown: dict[str, pd.DataFrame] = {}
    units = tables[chosen.compare].attrs.get("units", {}) if chosen.compare in tables else {}
    if "comparison" in tables:
        shown["Groups compared (animals are the unit)"] = comparison_table(tables["comparison"], units)
        text.append(f"{len(summary['differ'])} of {summary['compared']} measures differ (q <= 0.05).")
        if summary.get("described"):
            text.append(f"{summary['described']} further measures are described, not tested: table described.csv.")
    else:
        for name in chosen.shown or (chosen.compare or chosen.tables[0].name,):
            if name not in tables or tables[name].empty:
                continue
            table = chosen.table(name)
            if table.measures is not None and name == chosen.compare:
                shown["Measures"] = one_line_a_measure(tables[name], units, chosen.primary)
            else:
                shown[table.caption.rstrip(".") or name] = table.shown(tables[name].head(MAX_ROWS))
    if failed:
        shown["Recordings that failed"] = tables["failed"]
    wanted = tuple(
        dict.fromkeys([*(t.name for t in chosen.tables), "comparison", "pairwise", "described", "latencies", "failed"])
    )
    return of_run(run, text, shown, json_tables=wanted)


def parameters_of(name: str) -> Reply:
    """Show the parameters of an analysis."""
    import pandas as pd

    from murid.data.analysis import find_analysis

    chosen = find_analysis(name)
    rows = chosen.params.table()
    key = "paradigm" if chosen.family == "assay" else "analysis"
    return Reply({"ok": True, key: name, "params": rows}, [], {f"Parameters of {name}": pd.DataFrame(rows)})
