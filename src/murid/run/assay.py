"""Run a paradigm on the recordings of a study, and compare the groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from murid.data.errors import DataError, fail
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.apply import with_keys
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import Step

_KEYS = ("recording", "animal", "group", "day", "session", "individual")


def run_assay(
    study: Study,
    name: str = "open_field",
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    compare: str | None = "group",
    seed: int = 0,
    workers: int = 1,
) -> Run:
    """Measure what a paradigm measures, recording by recording.

    Parameters
    ----------
    study : Study
    name : str
        Paradigm: ``"open_field"`` …
    params : mapping, optional
        Its parameters, see ``murid assay STUDY NAME --params``.
    ids : sequence of str, optional
        Recordings; all with poses by default.
    compare : str or None
        Column of ``recordings.csv`` whose groups are compared, when at least two have two animals.
    seed : int
        Of permutations and bootstrap.
    workers : int
        Processes.

    Returns
    -------
    Run
        Tables: ``measures`` (long, with units and definitions), ``animals`` (one row per recording and
        individual), ``visits``, ``comparison`` (one row a measure: effect size, interval, p, q), ``latencies``
        (those that are censored somewhere, by survival). Summary: recordings, conventions, measures that
        differ.
    """
    from murid.assays import assay_params

    declared = assay_params(name)(**(params or {}))
    if ids is None:
        ids = [r.id for r in study.recordings() if r.has("poses")]
    if not ids:
        fail(f"study {study.folder}", "no recording has poses", todo="add them with: murid add")
    told = declared.model_dump(mode="json")
    steps = [
        Step(
            f"assay_{name}",
            _measure,
            {"recording": source},
            {"name": name, "params": told},
            recording=source.id,
            code=(type(declared).__module__,),
        )
        for source in inputs_of(study, ids, ("poses", "zones", "events"))
    ]
    asked = {"name": name, "params": told, "ids": list(ids), "compare": compare, "seed": seed}
    with Run.start(study, "assay", asked, name) as run:
        who = study.table.set_index("id")
        for result in Runner(study, workers, run).do(steps, name):
            found, id = result.value, result.step.recording
            for part in ("measures", "animals", "visits"):
                run.parts.setdefault(part, []).append(with_keys(found[part], id, who))
            run.warn(*(f"recording '{id}': {text}" for text in found["notes"]["warnings"]))
            run.note(conventions=found["notes"]["conventions"])
        run.write_parts()
        run.note(paradigm=name, recordings=list(ids))
        if compare is not None:
            tables = run.tables
            late = _censored(tables["measures"])
            compare_groups(run, tables["animals"].drop(columns=list(late), errors="ignore"), compare, seed)
            compare_latencies(run, late, compare, seed)
    return run


def compare_groups(run: Run, table: pd.DataFrame, group: str, seed: int = 0) -> None:
    """Compare every measure of a table between groups, animals being the unit; write ``comparison``.

    Does nothing but say so when there are no two groups of two animals.
    """
    from murid.stats import compare_many

    if group not in table:
        run.warn(f"no comparison: no recording has a {group}")
        return
    sizes = table.loc[table[group] != "", [group, "animal"]].drop_duplicates()[group].value_counts()
    if (sizes >= 2).sum() < 2:
        run.warn(f"no comparison: it takes two {group}s with two animals each, there are {sizes.to_dict()}")
        return
    table = table[table[group].isin(sizes.index[sizes >= 2])]
    numbers = [c for c in table.columns if c not in _KEYS and pd.api.types.is_numeric_dtype(table[c])]
    usable = [c for c in numbers if table[c].notna().all() and table[c].nunique() > 1]
    if not usable:
        run.warn("no comparison: no measure varies")
        return
    try:
        found = compare_many(table, usable, group, seed=seed)
    except DataError as exc:
        run.warn(f"no comparison: {exc}")
        return
    left_out = [c for c in numbers if c not in usable]
    if left_out:
        run.warn(f"not compared, since missing somewhere or the same everywhere: {', '.join(left_out)}")
    run.table("comparison", found)
    run.note(
        groups={str(k): int(v) for k, v in sizes.items()},
        differ=found.loc[found["q"] <= 0.05, "measure"].tolist(),
        compared=len(found),
    )


def compare_latencies(run: Run, late: Mapping[str, pd.DataFrame], group: str, seed: int = 0) -> None:
    """Compare latencies that may be censored (it never happened) by their survival; write ``latencies``."""
    from murid.stats import survival

    rows = []
    for name, table in late.items():
        if group not in table:
            continue
        happened = ~table["censored"].astype(bool)
        try:
            found = survival(table.assign(happened=happened), "value", "happened", group, seed=seed)
        except DataError as exc:
            run.warn(f"latency '{name}' is not compared: {exc}")
            continue
        by_group = found.summary[["n", "events", "median_s", "rmst_s"]].to_dict("index")
        numbers = {f"{key}_{g}": value for g, row in by_group.items() for key, value in row.items()}
        rows.append({"measure": name, **numbers, "statistic": found.statistic, "p": found.p})
    if rows:
        run.table("latencies", pd.DataFrame(rows))


def _censored(measures: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Measures of the whole recording that are censored somewhere, named as in the table ``animals``."""
    whole = measures[measures["bin_start_s"].isna()]
    names = whole["measure"].where(whole["zone"] == "", whole["measure"] + ":" + whole["zone"])
    return {str(n): part for n, part in whole.groupby(names, sort=False) if part["censored"].astype(bool).any()}


def _measure(recording: Recording, name: str, params: dict[str, Any]) -> dict[str, Any]:
    from murid.assays import run_assay as measure

    found = measure(name, recording, **params)
    return {
        "measures": found.measures,
        "animals": found.wide().drop(columns=["recording", "animal", "group"]),
        "visits": found.visits,
        "notes": {"conventions": found.conventions, "warnings": list(found.warnings)},
    }
