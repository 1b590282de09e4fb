"""``murid explain``: what does a model look at, and why did it say that?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import Seed, StudyFolder, Workers, n_workers
from murid.cli.run_summaries import of_run
from murid.data.names import counted

_SHOWN_FEATURES = 5


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        "murid explain S gbdt\nmurid explain S gbdt --recording m1 --time 83.4\n"
        "murid explain S gbdt --recording m1 --time 83.4 --behaviour rear",
    )
    def explain(
        study: StudyFolder,
        model: Annotated[str, typer.Argument(help="Supervised model of the study, or the folder of one.")] = "gbdt",
        recording: Annotated[str, typer.Option(help="Why this frame: of this recording …")] = "",
        time: Annotated[float | None, typer.Option(help="… at this time, s.", show_default=False)] = None,
        behaviour: Annotated[str, typer.Option(help="… and not another behaviour; the likeliest by default.")] = "",
        individual: Annotated[str, typer.Option(help="Whose, when there are several animals.")] = "",
        folds: Annotated[int, typer.Option(min=2, help="Folds, where no unseen labelled recording exists.")] = 5,
        n_frames: Annotated[int, typer.Option(min=1, help="Frames a recording that are looked at.")] = 400,
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
        """Explain a model on animals it has not seen, or one of its decisions.

        Which features speak for and against each behaviour, what is lost when a family of features is scrambled,
        and bouts to watch: right, false and missed.
        """
        from murid.data.study import Study
        from murid.methods.supervised.explain_tables import EXAMPLES, FAMILIES, FEATURES, WHY
        from murid.run import explain_model

        run = explain_model(
            Study(study),
            model,
            recording=recording or None,
            time_s=time,
            behaviour=behaviour or None,
            individual=individual or None,
            folds=folds,
            n_frames=n_frames,
            seed=seed,
            workers=n_workers(workers),
        )
        reasons = run.rows(WHY)
        if len(reasons):
            w = run.summary["why"]
            shown = reasons.only(reasons.contribution, reasons.words)
            sentence = f"{w['recording']} at {w['time_s']:.2f} s: {w['behaviour']}, probability {w['probability']:.2f}."
            return of_run(run, [sentence], {"Strongest contributions": shown}, json_tables=(WHY.name,))
        families, features = run.rows(FAMILIES), run.rows(FEATURES)
        shares = families.without(families.strength)
        rank = features.behaviour.groupby(features.behaviour, sort=False).cumcount()
        top = features.having(rank < _SHOWN_FEATURES)
        text = [
            f"{counted(len(run.summary['recordings']))}; {run.summary['models']}.",
            *_passed_over(run.summary.get("passed_over", ())),
            f"Bouts to watch: table explain_examples ({len(run.rows(EXAMPLES))}).",
        ]
        return of_run(
            run,
            text,
            {
                "Families of features (share of the evidence; loss of PR-AUC when scrambled)": shares,
                "Strongest features": top.only(top.behaviour, top.feature, top.strength, top.direction, top.words),
            },
            json_tables=(FAMILIES.name, FEATURES.name, EXAMPLES.name),
        )


def _passed_over(ids: Sequence[str]) -> list[str]:
    """Say which labelled recordings were not used, and why."""
    if not ids:
        return []
    listed = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    return [f"Passed over, since the model has seen their animals: {listed}."]
