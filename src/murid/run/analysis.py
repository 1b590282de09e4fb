"""Run a declared analysis on the recordings of a study: the one function behind all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from murid.data.analysis import Analysis, Tables, find_analysis
from murid.data.errors import DataError, Fault, Faults, did_you_mean, fail
from murid.data.labels import LabelChoice
from murid.data.names import counted
from murid.data.params import Params
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.apply import apply_step, identity_of, model_folder
from murid.run.comparing import KEYS, compare_groups, compare_latencies, with_keys
from murid.run.failures import note_failures, raise_all
from murid.run.fit import nouns_for
from murid.run.runner import Failure, Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import FileInput, Step

FROM_LABELS = "labels"


@dataclass(frozen=True)
class StatesSource:
    """Where the states of an analysis come from.

    Attributes
    ----------
    states_from : str
        ``"labels"``, or a fitted model (by name or folder).
    choice : LabelChoice
        Which labels are meant; of a model its behaviours.
    individual : str, optional
        Whose states; all by default.
    """

    states_from: str = FROM_LABELS
    choice: LabelChoice = field(default_factory=LabelChoice)
    individual: str | None = None

    @property
    def from_labels(self) -> bool:
        """True when people made the states."""
        return self.states_from == FROM_LABELS

    def plain(self) -> dict[str, Any]:
        """The choice as plain values."""
        return {"states_from": self.states_from, **asdict(self.choice), "individual": self.individual}


def run_analysis(
    study: Study,
    name: str,
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    compare: str | None = "group",
    measures: Sequence[str] | None = None,
    states_from: str | Path = FROM_LABELS,
    labels: LabelChoice | None = None,
    individual: str | None = None,
    seed: int = 0,
    workers: int = 1,
) -> Run:
    """Run an analysis by name: assays, quality, tuning, time budget, agreement and those of other packages.

    A recording that cannot be analysed is listed with its reason (table ``failed``) and never costs the others
    their results.

    Parameters
    ----------
    study : Study
    name : str
        Registered analysis, see ``murid analyses``.
    params : mapping, optional
        Its parameters.
    ids : sequence of str, optional
        Recordings; all that have what the analysis needs by default, those left out are named.
    compare : str or None
        Column of ``recordings.csv`` whose groups are compared, when at least two have two animals.
    measures : sequence of str, optional
        Measures to compare; those that the analysis names as primary by default, else all.
    states_from : str or Path
        Where states come from, for analyses that take them: ``"labels"``, or a fitted model.
    labels : LabelChoice, optional
        Which labels are meant: behaviours, rater, stream.
    individual : str, optional
        Whose states; all by default.
    seed : int
        Of everything that draws random numbers.
    workers : int
        Processes.

    Returns
    -------
    Run
        The tables that the analysis declares; ``comparison`` and ``latencies`` where groups are compared;
        ``failed`` (recording, reason). Summary: ``recordings`` analysed, ``failed``, ``left_out``, what the
        analysis counts, and measures that differ.

    Raises
    ------
    DataError
        Unknown names, parameters out of bounds, or when no recording could be analysed.

    Examples
    --------
    >>> import murid
    >>> run = murid.run_analysis(murid.Study("my_study"), "budget")  # doctest: +SKIP
    >>> run.tables["comparison"]  # doctest: +SKIP
    """
    chosen = find_analysis(name)
    declared = chosen.params(**(params or {}))
    source = StatesSource(str(states_from), labels or LabelChoice(), individual)
    _refuse_unused(chosen, source, measures)
    usable, left_out = usable_recordings(study, chosen, ids, source)
    asked = {
        "name": name,
        "params": declared.model_dump(mode="json"),
        "ids": usable,
        "compare": compare if chosen.compare else None,
        "measures": list(measures) if measures is not None else None,
        "seed": seed,
        **(source.plain() if chosen.states != "none" or chosen.pooled else {}),
        **({} if source.from_labels else identity_of(model_folder(study, source.states_from))),
    }
    with Run.start(study, chosen.family or name, asked, name if chosen.family else "") as run:
        failures = carry_out(run, study, chosen, declared, usable, source, seed=seed, workers=workers)
        if not run.summary["recordings"]:
            if chosen.pooled:
                raise DataError(failures[0].reason, [Fault(failures[0].reason)])
            raise_all(chosen.name, failures)
        note_left_out(run, left_out)
        if compare is not None and chosen.compare in run.tables:
            _compare(run, chosen, compare, measures, seed)
    return run


def carry_out(
    run: Run,
    study: Study,
    chosen: Analysis,
    declared: Params,
    ids: Sequence[str],
    source: StatesSource,
    *,
    seed: int = 0,
    workers: int = 1,
) -> list[Failure]:
    """Analyse recordings and write the declared tables into a run that was begun; return what failed."""
    steps = _steps(study, chosen, declared, ids, source, seed)
    results, failures = Runner(study, workers, run).attempt(steps, chosen.name)
    note_failures(run, failures)
    rows = study.table.set_index("id")
    units: dict[str, str] = {}
    for result in results:
        recording_id, tables = result.step.recording, _from_store(result.value)
        for table_name, frame in chosen.check(tables).frames.items():
            keyed = with_keys(frame, recording_id, rows) if recording_id else frame
            run.parts.setdefault(table_name, []).append(keyed)
        run.warn(*(f"recording '{recording_id}': {t}" if recording_id else t for t in tables.warnings))
        units.update(tables.units)
        if tables.conventions:
            run.note(conventions=tables.conventions)
        _note_words(run, tables)
    frames = {name: pd.concat(parts, ignore_index=True) for name, parts in run.parts.items()}
    run.parts = {}
    if chosen.together is not None and frames:
        joined = chosen.check(chosen.together(frames, declared))
        frames |= joined.frames
        units.update(joined.units)
        run.warn(*joined.warnings)
        _note_words(run, joined)
    for table in chosen.tables:
        if table.name in frames:
            run.table(table.name, frames[table.name], units={**table.units(), **units})
    failed = set(ids) if chosen.pooled and failures else {f.step.recording for f in failures}
    run.note(analysis=chosen.name, recordings=[i for i in ids if i not in failed])
    return failures


def usable_recordings(
    study: Study, chosen: Analysis, ids: Sequence[str] | None, source: StatesSource
) -> tuple[list[str], dict[str, str]]:
    """Return the recordings to analyse, and for each that is left out what it lacks.

    Recordings that were asked for by name are never left out: what they lack is their fault in the run.
    """
    if ids is not None:
        return [r.id for r in study.recordings(ids)], {}
    needed = _noun_of_states(study, source) if chosen.states == "needed" else ()
    left_out = {}
    usable = []
    for recording in study.recordings():
        missing = ", ".join(filter(None, [chosen.lacks(recording), *(n for n in needed if not recording.has(n))]))
        if missing:
            left_out[recording.id] = missing
        else:
            usable.append(recording.id)
    if not usable:
        every = sorted(set(left_out.values()))
        fail(
            f"study {study.folder}",
            f"no recording has what '{chosen.name}' needs" if left_out else "no recording is there",
            expected=" / ".join(every),
            todo="add files with: murid add; what each recording holds shows: murid check",
        )
    return usable, left_out


def _refuse_unused(chosen: Analysis, source: StatesSource, measures: Sequence[str] | None) -> None:
    """Nothing that was asked for is ignored: options about states are an error where there are none."""
    faults = Faults(f"analysis '{chosen.name}'")
    if measures is not None and not chosen.compare:
        faults.add("measures: it compares no groups", todo="leave out measures")
    takes = chosen.states != "none" or chosen.pooled
    for name, value in ({} if takes else source.plain()).items():
        default = StatesSource().plain()[name]
        if value != default:
            faults.add(f"{name} = {value!r} is of no use: it takes no states", todo=f"leave out {name}")
    faults.raise_if_any()


def _noun_of_states(study: Study, source: StatesSource) -> tuple[str, ...]:
    """Nouns that states are made from."""
    return ("labels",) if source.from_labels else tuple(_method_of(study, source).about.needs)


def _method_of(study: Study, source: StatesSource) -> Any:
    from murid.methods import method_class
    from murid.methods.base import read_head

    return method_class(read_head(model_folder(study, source.states_from))["method"])


def _steps(
    study: Study, chosen: Analysis, declared: Params, ids: Sequence[str], source: StatesSource, seed: int
) -> list[Step]:
    """One step a recording, or one of all where the analysis takes them together."""
    nouns = chosen.nouns
    params = {"name": chosen.name, "params": declared.model_dump(mode="json")}
    used_seed = seed if chosen.seeded else None
    code = (chosen.function.__module__, type(declared).__module__)
    if chosen.pooled:
        options = {**params, "source": source.plain()}
        return [
            Step(chosen.name, analyse_all, {"recordings": inputs_of(study, ids, nouns)}, options, used_seed, "", code)
        ]
    if chosen.states == "none":
        return [
            Step(chosen.name, analyse, {"recording": r}, params, used_seed, r.id, code)
            for r in inputs_of(study, ids, nouns)
        ]
    options = {**params, "source": source.plain()}
    if source.from_labels:
        sources = inputs_of(study, ids, tuple(dict.fromkeys([*nouns, "labels"])))
        return [Step(chosen.name, analyse, {"recording": r}, options, used_seed, r.id, code) for r in sources]
    method = _method_of(study, source)
    model = FileInput(model_folder(study, source.states_from))
    applied = [apply_step(model, r, method) for r in inputs_of(study, ids, nouns_for(method))]
    return [
        Step(chosen.name, analyse, {"recording": r, "output": a}, options, used_seed, r.id, code)
        for r, a in zip(inputs_of(study, ids, nouns), applied, strict=True)
    ]


def analyse(
    recording: Recording,
    name: str,
    params: dict[str, Any],
    source: dict[str, Any] | None = None,
    output: xr.Dataset | None = None,
    **seed: int,
) -> dict[str, Any]:
    """Analyse one recording; the step of `run_analysis`."""
    chosen = find_analysis(name)
    missing = chosen.lacks(recording)
    if missing:
        fail(f"recording '{recording.id}'", f"has no {missing}", todo=f"add it, or leave the recording out of '{name}'")
    states = {} if chosen.states == "none" else {"states": _states(chosen, recording, source or {}, output)}
    return _to_store(chosen.function(recording, chosen.params(**params), **states, **seed))


def analyse_all(
    recordings: list[Recording], name: str, params: dict[str, Any], source: dict[str, Any], **seed: int
) -> dict[str, Any]:
    """Analyse all recordings at once; the step of a pooled analysis."""
    chosen = find_analysis(name)
    choice = _source(source).choice
    return _to_store(chosen.function(recordings, chosen.params(**params), choice=choice, **seed))


def _source(plain: Mapping[str, Any]) -> StatesSource:
    behaviours = plain.get("behaviours")
    choice = LabelChoice(
        tuple(behaviours) if behaviours is not None else None, plain["others"], plain["rater"], plain["stream"]
    )
    return StatesSource(plain["states_from"], choice, plain["individual"])


def _states(
    chosen: Analysis, recording: Recording, plain: Mapping[str, Any], output: xr.Dataset | None
) -> xr.DataArray | None:
    """States of a recording: its labels on their own clock, or what a model found."""
    source = _source(plain)
    if output is not None:
        states = output["states"]
        if source.choice.behaviours is not None and "behaviour" in states.dims:
            states = states.sel(behaviour=list(source.choice.behaviours))
    elif recording.has("labels"):
        states = source.choice.states(recording.need("labels"))
    elif chosen.states == "optional":
        return None
    else:
        fail(f"recording '{recording.id}'", "has no labels", todo="add them, or take states from a model: states_from")
    if source.individual is not None:
        known = [str(i) for i in states["individual"].values]
        if source.individual not in known:
            fail("states", f"no individual '{source.individual}'", todo=did_you_mean(source.individual, known))
        states = states.sel(individual=[source.individual])
    return states


def _to_store(tables: Tables) -> dict[str, Any]:
    notes = {
        "warnings": list(tables.warnings),
        "conventions": dict(tables.conventions),
        "units": dict(tables.units),
        "summary": dict(tables.summary),
        "sentences": list(tables.sentences),
    }
    return {"frames": {name: frame.reset_index(drop=True) for name, frame in tables.frames.items()}, "notes": notes}


def _from_store(value: Mapping[str, Any]) -> Tables:
    return Tables(value["frames"], **value["notes"])


def _note_words(run: Run, tables: Tables) -> None:
    run.note(**tables.summary)
    if tables.sentences:
        run.note(sentences=[*run.summary.get("sentences", []), *tables.sentences])


def note_left_out(run: Run, left_out: Mapping[str, str]) -> None:
    """Name the recordings that lack what is needed."""
    if left_out:
        run.note(left_out=dict(left_out))
        lacking = "; ".join(f"{i} (no {missing})" for i, missing in list(left_out.items())[:8])
        more = f" and {len(left_out) - 8} more" if len(left_out) > 8 else ""
        are = "is" if len(left_out) == 1 else "are"
        run.warn(f"{counted(len(left_out))} {are} left out, lacking what is needed: {lacking}{more}")


def _compare(run: Run, chosen: Analysis, group: str, measures: Sequence[str] | None, seed: int) -> None:
    """Compare the measures of the declared table between groups; censored latencies by survival."""
    tables = run.tables
    animals = _chosen(tables[chosen.compare], measures)
    late = _censored(tables["measures"]) if "censored" in tables.get("measures", ()) else {}
    primary = [] if measures is not None else [m for m in chosen.primary if m in animals]
    run.provenance["seeds"]["comparison"] = seed
    compare_groups(run, animals.drop(columns=list(late), errors="ignore"), group, seed, primary)
    compare_latencies(run, {k: v for k, v in late.items() if k in animals}, group, seed)


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


def _censored(measures: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Measures of the whole recording that are censored somewhere, named as in the table ``animals``."""
    whole = measures[measures["bin_start_s"].isna()]
    names = whole["measure"].where(whole["zone"] == "", whole["measure"] + ":" + whole["zone"])
    return {str(n): part for n, part in whole.groupby(names, sort=False) if part["censored"].astype(bool).any()}
