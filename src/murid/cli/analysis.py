"""What the command of every declared analysis is made of: options, the run, and how its tables are shown."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from murid.cli.console import Reply
from murid.cli.measure_tables import comparison_table, latency_table, one_line_a_measure
from murid.cli.options import (
    AnyAlpha,
    Behaviours,
    Ids,
    OthersOption,
    ParamOption,
    Rater,
    Seed,
    Stream,
    StudyFolder,
    Workers,
    asks_for_list,
    items,
    n_workers,
    pick_recordings,
    read_params,
)
from murid.cli.run_summaries import compared_sentences, of_run, units_compared
from murid.data.names import counted

if TYPE_CHECKING:
    import pandas as pd

    from murid.data.analysis import Analysis
    from murid.data.tables import TableRows
    from murid.run.runs import Run

Compare = Annotated[str, typer.Option(help="Column of recordings.csv to compare by; '' = none.")]
Measures = Annotated[
    list[str] | None,
    typer.Option(help="Measures to compare, with commas; the main ones by default.", show_default=False),
]
StatesFrom = Annotated[str, typer.Option(help="Where states come from: 'labels', or a fitted model.")]
Individual = Annotated[str, typer.Option(help="Whose states, when there are several animals.")]
ShowParams = Annotated[bool, typer.Option("--params", help="Show the parameters and leave.")]

#: Options that only analyses with a comparison, and only those with states, have.
_OF_COMPARISON = ("compare", "measures", "alpha")
_OF_STATES = ("states_from", "behaviours", "individual", "rater", "stream", "others")

#: Rows of a table that a command prints; all of them are in the CSV.
MAX_ROWS = 40


def run_named(
    name: str,
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
    alpha: AnyAlpha = None,
    params: ShowParams = False,
    seed: Seed = 0,
    workers: Workers = 0,
) -> Reply:
    """Run an analysis as the command line asks for it; the options of every analysis are declared here alone."""
    from murid.data.analysis import find_analysis
    from murid.data.labels import LabelChoice
    from murid.data.study import Study
    from murid.run import run_analysis

    if params:
        return parameters_of(name)
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
        alpha=alpha,
        seed=seed,
        workers=n_workers(workers),
    )
    return reply_of(run, chosen)


def command_of(name: str, what: str, *, compares: bool = True, states: bool = True) -> Callable[..., Reply]:
    """Return the function behind ``murid NAME STUDY``: the options of `run_named` that are of use to the analysis."""

    def run(**options: object) -> Reply:
        return run_named(name, **options)  # type: ignore[arg-type]

    run.__name__, run.__doc__ = name, what
    run.__signature__ = _signature(compares, states)  # type: ignore[attr-defined]
    return run


def family_command(family: str, default: str, metavar: str, what: str, *, states: bool = True) -> Callable[..., Reply]:
    """Return the function behind ``murid FAMILY STUDY [NAME]``, with the options of `run_named`."""
    chosen = Annotated[str, typer.Argument(help=f"{metavar}; 'murid {family} list' names them.")]

    def run(name: str = default, **options: object) -> Reply:
        from murid.cli.analyses import list_of
        from murid.data.analysis import require_family

        if asks_for_list(options["study"]):  # type: ignore[arg-type]
            return list_of(family)
        require_family(name, family)
        return run_named(name, **options)  # type: ignore[arg-type]

    run.__name__, run.__doc__ = family, what
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    study, *others = _signature(True, states).parameters.values()
    named = inspect.Parameter("name", kind, default=default, annotation=chosen)
    run.__signature__ = inspect.Signature([study, named, *others])  # type: ignore[attr-defined]
    return run


def _signature(compares: bool, states: bool) -> inspect.Signature:
    """Arguments of `run_named` after the name, without those of no use."""
    hidden = {"name", *(() if compares else _OF_COMPARISON), *(() if states else _OF_STATES)}
    declared = inspect.signature(run_named, eval_str=True)
    return declared.replace(parameters=[p for n, p in declared.parameters.items() if n not in hidden])


def reply_of(run: Run, chosen: Analysis) -> Reply:
    """What a command prints of the run of an analysis: groups compared where there are some, else its tables."""
    from murid.run.failures import FAILED
    from murid.stats.group_tables import COMPARISON, DESCRIBED, LATENCIES, PAIRWISE
    from murid.stats.wording import ALPHA

    tables, summary = run.tables, run.summary
    failed = summary.get("failed", [])
    done = summary["recordings"] if isinstance(summary["recordings"], list) else []
    text = [f"{counted(len(done))}." if not failed else f"{counted(len(done))}; {len(failed)} failed."]
    text += summary.get("sentences", [])
    shown: dict[str, pd.DataFrame] = {}
    units = tables[chosen.compare].attrs.get("units", {}) if chosen.compare in tables else {}
    level = float(summary.get("level", ALPHA))
    if COMPARISON.name in tables:
        shown[units_compared(tables[COMPARISON.name])] = comparison_table(tables[COMPARISON.name], units, level)
    if LATENCIES.name in tables:
        late = latency_table(tables[LATENCIES.name], level)
        shown["Latencies compared by survival: some animals never did it"] = late
    text += compared_sentences(run)
    if COMPARISON.name not in tables and LATENCIES.name not in tables:
        for name in chosen.shown or (chosen.compare or chosen.tables[0].name,):
            if name not in tables or tables[name].empty:
                continue
            table = chosen.table(name)
            if table.measures is not None and name == chosen.compare:
                shown["Measures"] = one_line_a_measure(tables[name], units, chosen.primary)
            else:
                shown[table.caption.rstrip(".") or name] = table.shown(tables[name].head(MAX_ROWS))
                if len(tables[name]) > MAX_ROWS:
                    text.append(f"{len(tables[name]) - MAX_ROWS} more rows of {len(tables[name])}: {name}.csv.")
    if failed:
        shown["Recordings that failed"] = _once_a_reason(FAILED.rows(tables[FAILED.name]))
    further = (COMPARISON, PAIRWISE, DESCRIBED, LATENCIES, FAILED)
    wanted = tuple(dict.fromkeys(t.name for t in (*chosen.tables, *further)))
    return of_run(run, text, shown, json_tables=wanted)


def _once_a_reason(failed: TableRows) -> pd.DataFrame:
    """Recordings that failed for one reason in one row; the CSV has each of them."""
    import pandas as pd

    from murid.data.repeats import reasons_once

    merged = reasons_once(zip(failed.recording.astype(str), failed.reason.astype(str), strict=True))
    return pd.DataFrame({"recordings": [", ".join(ids) for ids, _ in merged], "reason": [why for _, why in merged]})


def parameters_of(name: str) -> Reply:
    """Show the parameters of an analysis."""
    import pandas as pd

    from murid.data.analysis import find_analysis

    chosen = find_analysis(name)
    rows = chosen.params.table()
    key = "paradigm" if chosen.family == "assay" else "analysis"
    return Reply({"ok": True, key: name, "params": rows}, [], {f"Parameters of {name}": pd.DataFrame(rows)})
