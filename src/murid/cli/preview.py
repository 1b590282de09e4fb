"""``murid preview``: what does a rule table call the frames, before anything is trained on it?"""

from __future__ import annotations

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Ids, ParamOption, StudyFolder, Workers, n_workers, pick_recordings, read_params
from murid.cli.replies import of_run
from murid.data.names import counted


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        "murid preview S\nmurid preview S -p pseudo_labels=rules.txt\n"
        "murid preview S -p pseudo_labels=rules.txt --ids m1,m2 --json",
    )
    def preview(study: StudyFolder, param: ParamOption = None, ids: Ids = None, workers: Workers = 0) -> Reply:
        """Draw the pseudo-labels of dbm's rule table on the timeline, before any training.

        One figure a recording; edit the table until they say what you mean, then: murid fit S dbm with the same -p.
        """
        from murid.data.study import Study
        from murid.methods import method_class
        from murid.run import preview_labels

        opened = Study(study)
        params = read_params(method_class("dbm").Params, param)
        run = preview_labels(opened, params, pick_recordings(opened, ids), workers=n_workers(workers))
        table = run.tables["pseudo_labels"]
        overall = table.groupby("label", sort=False).agg(
            share=("share", "mean"),
            least=("share", "min"),
            most=("share", "max"),
            bouts=("bouts", "sum"),
            median_s=("median_s", "median"),
        )
        never = [str(name) for name, row in overall.iterrows() if not row["share"] and name != "unknown"]
        text = [f"{counted(len(run.summary['recordings']))}; figures in {run.folder / 'figures'}."]
        if never:
            text.append(f"Never occurs: {', '.join(never)}.")
        return of_run(
            run,
            text,
            {"Pseudo-labels (share of the frames: mean, least, most)": overall.reset_index()},
            json_tables=("pseudo_labels",),
        )
