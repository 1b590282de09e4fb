"""``murid assay``: run a paradigm."""

from __future__ import annotations

from typing import Annotated

import typer

from murid.cli.command import command
from murid.cli.console import Reply
from murid.cli.options import Ids, ParamOption, Seed, StudyFolder, Workers, items, n_workers, pick, read_params
from murid.cli.replies import of_run


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(
        app,
        """murid assay S open_field
        murid assay S open_field -p arena_cm=40,40 -p bin_s=60
        murid assay S open_field --measures distance,time_percent:centre --json
        murid assay S open_field --params""",
    )
    def assay(
        study: StudyFolder,
        name: Annotated[str, typer.Argument(help="Paradigm.")] = "open_field",
        param: ParamOption = None,
        ids: Ids = None,
        compare: Annotated[str, typer.Option(help="Column of recordings.csv to compare by; '' = none.")] = "group",
        measures: Annotated[
            list[str] | None, typer.Option(help="Measures to compare, with commas; all by default.", show_default=False)
        ] = None,
        params: Annotated[
            bool, typer.Option("--params", help="Show the parameters of the paradigm and leave.")
        ] = False,
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
        """Measure what a paradigm measures, per recording, and compare groups of animals."""
        from murid.assays import assay_params

        declared = assay_params(name)
        if params:
            import pandas as pd

            rows = declared.table()
            return Reply(
                {"ok": True, "paradigm": name, "params": rows}, [], {f"Parameters of {name}": pd.DataFrame(rows)}
            )
        from murid.data.study import Study
        from murid.run import run_assay

        opened = Study(study)
        run = run_assay(
            opened,
            name,
            read_params(declared, param),
            pick(opened, ids),
            compare=compare or None,
            measures=items(measures),
            seed=seed,
            workers=n_workers(workers),
        )
        tables = run.tables
        shown = {}
        text = [f"{len(run.summary['recordings'])} recordings."]
        if "comparison" in tables:
            found = tables["comparison"]
            means = [c for c in found.columns if c.startswith("mean_")]
            columns = ["measure", *means, "difference", "difference_low", "difference_high", "effect", "p", "q"]
            shown["Groups compared (animals are the unit)"] = found.sort_values("p")[columns]
            text.append(f"{len(run.summary['differ'])} of {run.summary['compared']} measures differ (q <= 0.05).")
        else:
            shown["Measures"] = tables["animals"]
        return of_run(run, text, shown, json_tables=("animals", "comparison"))
