"""``murid evaluate``: how good are methods on animals they have not seen?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from murid.cli.command import add_command
from murid.cli.console import Reply
from murid.cli.options import (
    AlphaOfMethods,
    Behaviours,
    Ids,
    OthersOption,
    ParamOption,
    Rater,
    Seed,
    SkipFailed,
    Stream,
    StudyFolder,
    Workers,
    items,
    n_workers,
    pick_recordings,
    read_params,
)
from murid.cli.run_summaries import compared_sentences, of_run
from murid.data.names import counted

if TYPE_CHECKING:
    from murid.run.runs import Run

_Folds = Annotated[
    int | None, typer.Option(min=2, help="Folds; 5, or one an animal where there are fewer.", show_default=False)
]
_Rare = Annotated[str, typer.Option(help="Behaviours of one group alone, which cannot be tested: warn, error, ignore.")]
_Side = Annotated[list[str] | None, typer.Option(help="Recordings, as for --ids.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""

    @add_command(
        app,
        """murid evaluate S gbdt --group animal --folds 5 --json
        murid evaluate S simba jaaba dlcanalyzer mars gbdt
        murid evaluate S gbdt --train 1-40 --test 41-48 -b social,nonsocial,aggression
        murid evaluate S gbdt -p gbdt.trees.n_trees=300 --leaky""",
    )
    def evaluate(
        study: StudyFolder,
        methods: Annotated[
            list[str], typer.Argument(help="Supervised methods, or rules; several are compared.", show_default=False)
        ],
        param: ParamOption = None,
        group: Annotated[str, typer.Option(help="Never on both sides: animal, id, group, day …")] = "animal",
        folds: _Folds = None,
        train: _Side = None,
        test: _Side = None,
        ids: Ids = None,
        behaviours: Behaviours = None,
        others: OthersOption = "auto",
        rater: Rater = "",
        stream: Stream = "",
        leaky: Annotated[bool, typer.Option("--leaky", help="Also the score of random frames, marked so.")] = False,
        rare: _Rare = "warn",
        skip_failed: SkipFailed = False,
        alpha: AlphaOfMethods = 0.05,
        seed: Seed = 0,
        workers: Workers = 0,
    ) -> Reply:
        """Score methods on held-out recordings: grouped folds, or an explicit split.

        Rules learn nothing from labels and are scored on all labelled recordings, without folds.
        Fits and predictions are kept one by one: a stopped evaluation goes on where it was.
        """
        from murid.data.study import Study
        from murid.run import evaluate_methods

        opened, methods = Study(study), items(methods) or []
        run = evaluate_methods(
            opened,
            methods,
            params=_per_method(methods, param),
            group=group,
            folds=folds,
            train=pick_recordings(opened, train, "--train"),
            test=pick_recordings(opened, test, "--test"),
            ids=pick_recordings(opened, ids),
            behaviours=items(behaviours),
            others=others,
            rater=rater or None,
            stream=stream or None,
            leaky=leaky,
            rare=rare,
            skip_failed=skip_failed,
            alpha=alpha,
            seed=seed,
            workers=n_workers(workers),
        )
        return _reply(run)


def _reply(run: Run) -> Reply:
    """What the command prints of its run."""
    from murid.evaluate.evaluation_tables import CEILING, FOLDS, METHODS

    folds = run.rows(FOLDS)
    trained = bool((folds.side == "train").any())
    title = "Held-out recordings" if trained else "Labelled recordings; nothing was learnt from them"
    shown = {title: run.rows(METHODS).frame}
    people = run.rows(CEILING)
    if len(people):
        shown["Person against person on the same recordings: what can be asked for"] = people.frame
    text = [_sentence(name, s) for name, s in run.summary["methods"].items()]
    text += [_difference(name, d) for name, d in run.summary.get("differences", {}).items()]
    text += compared_sentences(run)
    return of_run(
        run,
        [*text, f"Figure: {run.folder / 'figures' / 'methods.svg'}"],
        shown,
        json_tables=("per_class", "totals", "methods", "differences", "ceiling"),
    )


def _sentence(name: str, s: dict[str, Any]) -> str:
    low, high = s["macro_f1_ci"]
    limits = f" [{low:.3f}, {high:.3f}]" if low is not None else " (no interval: fewer than five animals)"
    text = f"{name}: macro F1 {s['macro_f1']:.3f}{limits}, accuracy {s['accuracy']:.3f}, {counted(s['n_recordings'])}."
    alike: dict[int, list[str]] = {}
    for behaviour, recordings in s.get("not_learnt", {}).items():
        alike.setdefault(len(recordings), []).append(behaviour)
    for n, behaviours in alike.items():
        text += f" Not learnt in {n} of {counted(s['n_recordings'])}, scored as missed there: {', '.join(behaviours)}."
    if "leaky" in s:
        text += f" {s['leaky']['warning']}: macro F1 {s['leaky']['macro_f1']:.3f}."
    return text


def _difference(name: str, d: dict[str, Any]) -> str:
    from murid.compare import fewest_animals

    low, high = d["ci"]
    if low is None:
        return f"{name} to {d['to']}: {d['macro_f1']:+.3f} macro F1 (no interval: too few animals)."
    real = "more than chance" if high < 0 or low > 0 else "may be chance"
    if d["n_animals"] < fewest_animals(d["alpha"]):
        real = f"{d['n_animals']} animals cannot tell a difference from chance"
    return (
        f"{name} to {d['to']}: {d['macro_f1']:+.3f} macro F1 [{low:+.3f}, {high:+.3f}] ({100 * (1 - d['alpha']):g} %), "
        f"paired over animals: {real}."
    )


def _per_method(names: list[str], texts: list[str] | None) -> dict[str, dict[str, Any]]:
    """Give ``-p key=value`` to every method, ``-p method.key=value`` to one."""
    from murid.methods import method_class

    per_method = {}
    for name in names:
        declared = method_class(name).Params
        own = []
        for text in texts or ():
            head, _, rest = text.partition(".")
            if head in names and head not in declared.model_fields:
                own += [rest] if head == name else []
            else:
                own.append(text)
        per_method[name] = read_params(declared, own)
    return per_method
