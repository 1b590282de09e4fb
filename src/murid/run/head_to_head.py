"""What an evaluation says once all methods are scored: one table, paired differences, people, one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from murid.compare import ceiling, compare_with_best, methods_figure, methods_side_by_side
from murid.data.labels import Others
from murid.data.recording import Recording
from murid.data.reserved_names import MACRO, behaviour_of
from murid.data.study import Study
from murid.run.figure_files import write_figure
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import Step


def compare_methods(
    run: Run, runner: Runner, study: Study, ids: Sequence[str], scoring: Mapping[str, Any], seed: int, alpha: float
) -> None:
    """Write tables ``methods``, ``differences`` (two methods or more), ``ceiling`` (two raters or more) and the figure.

    Parameters
    ----------
    run : Run
        Holding the parts ``per_class``, ``totals``, ``recordings`` of every method, and ``leaky`` where asked for.
    runner : Runner
    study : Study
    ids : sequence of str
        Labelled recordings of the evaluation.
    scoring : mapping
        What was scored: ``behaviours, others, stream, group``.
    seed : int
    alpha : float
        Level at which two methods are said to differ: that of the intervals of their differences.
    """
    per_class, totals, recordings = (
        pd.concat(run.parts[k], ignore_index=True) for k in ("per_class", "totals", "recordings")
    )
    table = run.table("methods", methods_side_by_side(per_class, totals))
    listed = study.table.set_index("id")
    group = scoring["group"] if scoring["group"] in ("animal", "group", "day", "session") else "animal"
    differences = None
    if recordings["method"].nunique() > 1:
        animals = {str(k): str(v) for k, v in listed[group].items()}
        differences = run.table("differences", compare_with_best(recordings, animals, alpha=alpha, seed=seed))
        macro = differences[differences["behaviour"] == MACRO].set_index("method")
        run.summary["differences"] = {
            m: {
                "to": r["best"],
                "macro_f1": _number(r["difference"]),
                "ci": [_number(r["low"]), _number(r["high"])],
                "alpha": alpha,
                "n_animals": int(r["n_animals"]),
            }
            for m, r in macro.iterrows()
        }
    behaviours = [behaviour_of(b) for b in dict.fromkeys(per_class["behaviour"]) if b != MACRO]
    settings = {"behaviours": behaviours, "others": scoring["others"], "stream": scoring["stream"]}
    step = Step("ceiling", _ceiling, {"recordings": inputs_of(study, ids, ["poses", "labels"])}, settings, seed=seed)
    human = runner.values([step], "people beside methods")[0]
    if len(human):
        run.table("ceiling", human)
        run.summary["human_macro_f1"] = _number(human.set_index("behaviour").at[MACRO, "f1"])
    leaky = pd.concat(run.parts["leaky"], ignore_index=True) if "leaky" in run.parts else None
    write_figure(
        run, "methods", methods_figure(table, differences=differences, ceiling=human, leaky=leaky, alpha=alpha)
    )


def _ceiling(
    recordings: list[Recording], behaviours: list[str], others: Others, stream: str | None, seed: int
) -> pd.DataFrame:
    labels, clocks = {}, {}
    for recording in recordings:
        raters = recording.need("labels")
        labels[recording.id] = raters.select(stream=stream) if stream else raters
        if len(labels[recording.id].raters) > 1:
            clocks[recording.id] = recording.need("poses")["time"].values
        recording.forget()
    return ceiling(labels, clocks, behaviours, others=others, seed=seed)


def _number(value: float) -> float | None:
    return None if value != value else float(value)
