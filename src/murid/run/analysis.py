"""Run a declared analysis on the recordings of a study: the one function behind all of them."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from murid.data.analysis import Analysis, Tables, find_analysis, takes
from murid.data.bouts import EVERYONE
from murid.data.errors import DataError, Fault, Faults, did_you_mean, fail
from murid.data.labels import LabelChoice
from murid.data.names import counted
from murid.data.params import Params
from murid.data.poses import individual_names
from murid.data.reserved_names import KEYS, set_apart
from murid.data.study import Study
from murid.data.warning import MuridWarning
from murid.run.analysis_steps import (
    FROM_LABELS,
    StatesSource,
    from_store,
    join_shared,
    nouns_of_states,
    opening_steps,
    sharing_steps,
    steps_of,
)
from murid.run.apply import facts_of, identity_of, model_folder
from murid.run.failures import note_failures, raise_all
from murid.run.figure_files import write_figure
from murid.run.group_comparison import (
    ALPHA,
    WHO,
    check_alpha,
    compare_groups,
    compare_latencies,
    with_column,
    with_keys,
)
from murid.run.runner import Failure, Result, Runner
from murid.run.runs import Run

#: More figures than these are not looked through; the tables have all recordings.
MAX_FIGURES = 20


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
    alpha: float | None = None,
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
    alpha : float, optional
        The one level of the run: q up to which groups are said to differ, and the parameter ``alpha`` of an analysis
        that has one. That parameter by default, else .05; another level there is an error.
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
    _refuse_two_levels(name, params or {}, alpha)
    own = {"alpha": alpha} if alpha is not None and "alpha" in chosen.params.model_fields else {}
    declared = chosen.params(**{**own, **(params or {})})
    source = StatesSource(str(states_from), labels or LabelChoice(), individual)
    _refuse_unused(chosen, source, compare, measures, alpha)
    level = float(getattr(declared, "alpha", ALPHA) if alpha is None else alpha)
    check_alpha(level)
    usable, left_out = usable_recordings(study, chosen, ids, source)
    refuse_unknown_individual(study, usable, source)
    asked = {
        "name": name,
        "params": declared.model_dump(mode="json"),
        "ids": usable,
        "compare": compare if chosen.compare else None,
        "measures": list(measures) if measures is not None else None,
        "alpha": level if chosen.compare else None,
        "seed": seed,
        **(source.plain() if chosen.states != "none" or chosen.pooled else {}),
        **({} if source.from_labels else identity_of(model_folder(study, source.states_from))),
    }
    group = compare if chosen.compare else None
    with Run.start(study, chosen.family or name, asked, name if chosen.family else "") as run:
        run.rests_on(columns_of(chosen, group), needs_of(study, chosen, source), every=ids is None)
        done = carry_out(run, study, chosen, declared, usable, source, seed=seed, workers=workers, group=group)
        if not run.summary["recordings"]:
            raise_all(chosen.name, done.failures)
        note_left_out(run, left_out)
        if not source.from_labels:
            folder = model_folder(study, source.states_from)
            run.note(model=folder.name, applied=facts_of(folder))
        if group is not None and chosen.compare in run.tables:
            _compare(run, chosen, group, measures, done, seed, study.table.set_index("id"), level)
    return run


@dataclass
class Done:
    """What became of an analysis.

    Attributes
    ----------
    frames : dict of str to DataFrame
        Tables of all recordings, with their keys.
    units : dict of str to str
        Units of measure columns.
    failures : list of Failure
        Recordings without a result.
    compared : sequence of str, optional
        Measures to compare, where the analysis chooses.
    mixed : set of str
        Measures whose unit differs between recordings: a comparison of cm with px says nothing.
    """

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    compared: Sequence[str] | None = None
    mixed: set[str] = field(default_factory=set)


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
    group: str | None = None,
) -> Done:
    """Analyse recordings and write the declared tables into a run that was begun; return what became of it."""
    runner, done, readable = Runner(study, workers, run), Done(), list(ids)
    if chosen.pooled:
        _, done.failures = runner.attempt(opening_steps(study, chosen, ids), f"opening for {chosen.name}")
        unreadable = {f.step.recording for f in done.failures}
        readable = [i for i in ids if i not in unreadable]
    shared = _share(run, study, chosen, declared, readable, workers)
    steps = steps_of(study, chosen, declared, readable, source, seed, shared) if readable else []
    results, failures = runner.attempt(steps, chosen.name)
    if chosen.pooled and failures:
        raise DataError(failures[0].reason, [Fault(failures[0].reason)])
    done.failures += failures
    note_failures(run, done.failures)
    _gather(run, study, chosen, results, done)
    if chosen.together is not None and done.frames:
        _join(run, chosen, declared, done, seed, group)
    if group is not None:
        _set_measures_apart(run, chosen, done, group)
    for table in chosen.tables:
        if table.name in done.frames:
            run.table(table.name, done.frames[table.name], units={**table.units(), **done.units})
    failed = {f.step.recording for f in done.failures}
    run.note(analysis=chosen.name, recordings=[i for i in ids if i not in failed])
    if chosen.figure:
        _draw(run, study, chosen, results)
    return done


def _share(
    run: Run, study: Study, chosen: Analysis, declared: Params, ids: Sequence[str], workers: int
) -> dict[str, Any]:
    """Ask every recording for what it brings to all others; one that cannot be read fails in its own step later."""
    results, _ = Runner(study, workers).attempt(
        sharing_steps(study, chosen, declared, ids), f"what recordings share for {chosen.name}"
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MuridWarning)
        shared = join_shared(chosen, declared, {r.step.recording: r.value for r in results}, ids)
    run.warn(*(str(w.message) for w in caught))
    return shared


def _gather(run: Run, study: Study, chosen: Analysis, results: Sequence[Result], done: Done) -> None:
    """Put the tables of all recordings one below the other, each row with its keys."""
    rows = study.table.set_index("id")
    parts: dict[str, list[pd.DataFrame]] = {}
    units: dict[str, dict[str, str]] = {}
    for result in results:
        recording_id, tables = result.step.recording, from_store(result.value)
        for name, frame in chosen.check(tables).frames.items():
            parts.setdefault(name, []).append(with_keys(frame, recording_id, rows) if recording_id else frame)
        if tables.states is not None:
            run.states(recording_id, tables.states.to_dataset(name="states"))
        run.warn(*(f"recording '{recording_id}': {t}" if recording_id else t for t in tables.warnings))
        for name, unit in tables.units.items():
            units.setdefault(name, {}).setdefault(unit, recording_id)
        if tables.conventions:
            run.note(conventions=tables.conventions)
        _note_words(run, tables)
    done.frames = {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}
    done.units = {name: " or ".join(which) for name, which in units.items()}
    done.mixed = {name for name, which in units.items() if len(which) > 1}
    for name in sorted(done.mixed):
        where = ", ".join(f"{unit} in '{recording_id}'" for unit, recording_id in units[name].items())
        run.warn(f"'{name}' has different units ({where}) and is not compared: calibrate all recordings, or none")


def _join(run: Run, chosen: Analysis, declared: Params, done: Done, seed: int, group: str | None) -> None:
    """Let the analysis see all recordings together; what it returns replaces and adds tables."""
    together = chosen.together
    if together is None:
        return
    asked_for = {"seed": seed, "group": group}
    given = {name: value for name, value in asked_for.items() if takes(together, name)}
    if "seed" in given:
        run.provenance["seeds"][chosen.name] = seed
    joined = chosen.check(together(done.frames, declared, **given))
    done.frames |= joined.frames
    done.units |= joined.units
    done.compared = joined.compared
    run.warn(*joined.warnings)
    _note_words(run, joined)


def _set_measures_apart(run: Run, chosen: Analysis, done: Done, group: str) -> None:
    """Rename measures that are called like the column of the sheet that is compared by, or like the litter."""
    frame = done.frames.get(chosen.compare)
    words = [word for word in (group, "litter") if word not in KEYS]
    if frame is None or not words:
        return
    new = {m: set_apart(m, words, "measure") for m in map(str, frame.columns) if m not in KEYS}
    new = {old: name for old, name in new.items() if old != name}
    done.frames[chosen.compare] = frame.rename(columns=new)
    done.units = {new.get(name, name): unit for name, unit in done.units.items()}
    done.mixed = {new.get(name, name) for name in done.mixed}
    if done.compared is not None:
        done.compared = [new.get(name, name) for name in done.compared]
    for old, name in new.items():
        run.warn(f"measure '{old}' is called like a column that groups are compared by: it is the column '{name}'")


def _draw(run: Run, study: Study, chosen: Analysis, results: Sequence[Result]) -> None:
    """Draw the declared figure of the first recordings."""
    module, _, name = chosen.figure.partition(":")
    figure_of = getattr(importlib.import_module(module), name)
    for result in results[:MAX_FIGURES]:
        tables, recording = from_store(result.value), study[result.step.recording]
        write_figure(run, recording.id, figure_of(recording, tables.states, tables.frames))
        recording.forget()
    if len(results) > MAX_FIGURES:
        _note_words(run, Tables({}, sentences=[f"Figures are drawn of the first {MAX_FIGURES} recordings."]))


def usable_recordings(
    study: Study, chosen: Analysis, ids: Sequence[str] | None, source: StatesSource
) -> tuple[list[str], dict[str, str]]:
    """Return the recordings to analyse, and for each that is left out what it lacks.

    Recordings that were asked for by name are never left out: what they lack is their fault in the run.
    """
    if ids is not None:
        return [r.id for r in study.recordings(ids)], {}
    needed = nouns_of_states(study, source) if chosen.states == "needed" else ()
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


def columns_of(chosen: Analysis, group: str | None = None) -> tuple[str, ...]:
    """Columns of ``recordings.csv`` that stand in the tables of an analysis or decide its comparison."""
    return (*WHO, *chosen.columns, *((group, "litter") if group is not None else ()))


def needs_of(study: Study, chosen: Analysis, source: StatesSource) -> list[tuple[str, ...]]:
    """Nouns that a recording must have, of each tuple one."""
    states = nouns_of_states(study, source) if chosen.states == "needed" else ()
    return [*((noun,) for noun in (*chosen.needs, *states)), *([chosen.any_of] if chosen.any_of else [])]


def refuse_unknown_individual(study: Study, ids: Sequence[str], source: StatesSource) -> None:
    """Refuse an individual that is in no label and no pose: labels of all animals would be taken for its own."""
    wanted, known = source.individual, dict[str, None]()
    if wanted is None or not source.from_labels:
        return
    for recording in study.recordings(ids):
        try:
            known |= dict.fromkeys(recording.need("labels").individuals if recording.has("labels") else [])
            if wanted not in known and recording.has("poses"):
                known |= dict.fromkeys(individual_names(recording.need("poses")))
        except (DataError, OSError):
            continue  # it fails in its own step
        finally:
            recording.forget()
        if wanted in known:
            return
    named = [name for name in known if name != EVERYONE]
    if named:
        fail("states", f"no individual '{wanted}'", where=str(study.folder), todo=did_you_mean(wanted, named))


def _refuse_two_levels(name: str, params: Mapping[str, Any], alpha: float | None) -> None:
    """A run has one level: another one among the parameters of the analysis is refused."""
    if alpha is not None and params.get("alpha", alpha) != alpha:
        fail(
            f"analysis '{name}'",
            "two levels were asked for",
            expected="one level, for the analysis and for its comparison of groups",
            got=f"alpha = {alpha:g}, and alpha = {params['alpha']} among the parameters",
            todo="give one of them: alpha (--alpha) sets both",
        )


def _refuse_unused(
    chosen: Analysis, source: StatesSource, compare: str | None, measures: Sequence[str] | None, alpha: float | None
) -> None:
    """Nothing that was asked for is ignored: options about states are an error where there are none."""
    faults = Faults(f"analysis '{chosen.name}'")
    if compare not in (None, "group") and not chosen.compare:
        faults.add(f"compare = {compare!r}: it compares no groups", todo="leave out compare")
    if compare in ("recording", "individual"):
        todo = "give the column of recordings.csv another name"
        faults.add(f"compare = {compare!r}: every table has a column of that name, which tells no groups", todo=todo)
    if measures is not None and not chosen.compare:
        faults.add("measures: it compares no groups", todo="leave out measures")
    if alpha is not None and not chosen.compare and "alpha" not in chosen.params.model_fields:
        faults.add(f"alpha = {alpha:g}: it compares no groups", todo="leave out alpha")
    stated = chosen.states != "none" or chosen.pooled
    for name, value in ({} if stated else source.plain()).items():
        default = StatesSource().plain()[name]
        if value != default:
            faults.add(f"{name} = {value!r} is of no use: it takes no states", todo=f"leave out {name}")
    faults.raise_if_any()


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


def _compare(
    run: Run,
    chosen: Analysis,
    group: str,
    measures: Sequence[str] | None,
    done: Done,
    seed: int,
    sheet: pd.DataFrame,
    alpha: float,
) -> None:
    """Compare the measures of the declared table between groups of the sheet; censored latencies by survival."""
    # Drawn numbers meet the animals in the order of their names, however recordings.csv is sorted.
    tables = {name: _by_recording(table) for name, table in run.tables.items()}
    animals = _chosen(tables[chosen.compare], measures if measures is not None else done.compared)
    animals = with_column(with_column(animals, group, sheet), "litter", sheet)  # litters for the notes
    animals = animals.drop(columns=[m for m in done.mixed if m in animals])
    late = _censored(tables["measures"]) if "censored" in tables.get("measures", ()) else {}
    primary = [] if measures is not None else [m for m in chosen.primary if m in animals]
    run.provenance["seeds"]["comparison"] = seed
    compare_groups(run, animals.drop(columns=list(late), errors="ignore"), group, seed, primary, alpha)
    late = {k: with_column(v, group, sheet) for k, v in late.items() if k in animals}
    aside = [k for k in late if primary and k not in chosen.primary]
    if aside:
        run.warn(
            f"not compared, since they are not primary and some animals never did it: {', '.join(aside)}; "
            "they are compared when they are named among the measures"
        )
    compare_latencies(run, {k: v for k, v in late.items() if k not in aside}, group, seed, alpha)


def _by_recording(table: pd.DataFrame) -> pd.DataFrame:
    """A table in the order of the names of its recordings."""
    return table.sort_values("recording", kind="stable", ignore_index=True) if "recording" in table else table


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
