"""Run a paradigm on the recordings of a study, and compare the groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from murid.data.errors import DataError, Faults, did_you_mean, fail
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.comparing import KEYS, compare_groups, with_keys
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import Step


def run_assay(
    study: Study,
    name: str = "open_field",
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    compare: str | None = "group",
    measures: Sequence[str] | None = None,
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
    measures : sequence of str, optional
        Columns of ``animals`` to compare; all by default. Name the few you had in mind beforehand: the
        correction for many measures costs power.
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
    asked = {"name": name, "params": told, "ids": list(ids), "compare": compare, "measures": measures, "seed": seed}
    with Run.start(study, "assay", asked, name) as run:
        who = study.table.set_index("id")
        for result in Runner(study, workers, run).do(steps, name):
            found, recording_id = result.value, result.step.recording
            for part in ("measures", "animals", "visits"):
                run.parts.setdefault(part, []).append(with_keys(found[part], recording_id, who))
            run.warn(*(f"recording '{recording_id}': {text}" for text in found["notes"]["warnings"]))
            run.note(conventions=found["notes"]["conventions"])
        run.write_parts()
        run.note(paradigm=name, recordings=list(ids))
        if compare is not None:
            tables = run.tables
            late = _censored(tables["measures"])
            animals = _chosen(tables["animals"], measures)
            compare_groups(run, animals.drop(columns=list(late), errors="ignore"), compare, seed)
            compare_latencies(run, {k: v for k, v in late.items() if k in animals}, compare, seed)
    return run


def _chosen(animals: pd.DataFrame, measures: Sequence[str] | None) -> pd.DataFrame:
    """Return the table with its keys and the named measures alone; unknown names are an error."""
    if measures is None:
        return animals
    keys = [c for c in animals.columns if c in KEYS]
    known = [c for c in animals.columns if c not in KEYS]
    faults = Faults("measures to compare")
    for name in measures:
        if name not in known:
            faults.add(f"no measure '{name}'", todo=did_you_mean(name, known))
    faults.raise_if_any()
    return animals[[*keys, *measures]]


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
        rows.append(found.row(name))
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
