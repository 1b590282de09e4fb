"""Steps of an analysis: which states go in, one step a recording, and results as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import xarray as xr

from murid.data.analysis import Analysis, Tables, find_analysis
from murid.data.bouts import EVERYONE
from murid.data.errors import did_you_mean, fail
from murid.data.labels import LabelChoice
from murid.data.meet import by_individual
from murid.data.params import Params
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.apply import apply_step, model_folder
from murid.run.fit import nouns_for
from murid.run.runner import inputs_of
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


def nouns_of_states(study: Study, source: StatesSource) -> tuple[str, ...]:
    """Nouns that states are made from."""
    return ("labels",) if source.from_labels else tuple(method_of(study, source).about.needs)


def method_of(study: Study, source: StatesSource) -> Any:
    """Class of the method of a model."""
    from murid.methods import method_class
    from murid.methods.base import read_head

    return method_class(read_head(model_folder(study, source.states_from))["method"])


def sharing_steps(study: Study, chosen: Analysis, declared: Params, ids: Sequence[str]) -> list[Step]:
    """One step a recording for what it brings to all others; none where the analysis shares nothing."""
    if chosen.shared is None:
        return []
    params = {"name": chosen.name, "params": declared.model_dump(mode="json")}
    code = (chosen.shared.__module__, type(declared).__module__)
    sources = inputs_of(study, ids, chosen.nouns, columns=chosen.columns)
    return [Step(f"share_{chosen.name}", share, {"recording": r}, params, None, r.id, code) for r in sources]


def share(recording: Recording, name: str, params: dict[str, Any]) -> Any:
    """Return what one recording brings to all others; the step of `sharing_steps`."""
    chosen = find_analysis(name)
    return None if chosen.shared is None else chosen.shared(recording, chosen.params(**params))


def join_shared(chosen: Analysis, declared: Params, brought: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    """Return what each recording is given as ``shared``: names of all of them, or what the analysis makes of it."""
    if chosen.shared is None:
        return {}
    if chosen.join is not None:
        return dict(chosen.join(brought, declared))
    names = sorted({name for own in brought.values() for name in own})
    return dict.fromkeys(ids, names)


def opening_steps(study: Study, chosen: Analysis, ids: Sequence[str]) -> list[Step]:
    """One step a recording that opens what a pooled analysis will read: which recordings can be read at all?"""
    return [
        Step(f"open_{chosen.name}", opened, {"recording": r}, {"nouns": list(chosen.nouns)}, recording=r.id)
        for r in inputs_of(study, ids, chosen.nouns, columns=chosen.columns)
    ]


def steps_of(
    study: Study,
    chosen: Analysis,
    declared: Params,
    ids: Sequence[str],
    source: StatesSource,
    seed: int,
    shared: Mapping[str, Any] | None = None,
) -> list[Step]:
    """One step a recording, or one of all where the analysis takes them together."""
    nouns = chosen.nouns
    params: dict[str, Any] = {"name": chosen.name, "params": declared.model_dump(mode="json")}
    used_seed = seed if chosen.seeded else None
    code = (chosen.function.__module__, type(declared).__module__)
    if chosen.pooled:
        options = {**params, "source": source.plain()}
        together = inputs_of(study, sorted(ids), nouns, columns=chosen.columns)  # however the table is sorted
        return [Step(chosen.name, analyse_all, {"recordings": together}, options, used_seed, "", code)]

    def own(recording_id: str, options: Mapping[str, Any]) -> dict[str, Any]:
        if chosen.shared is None:
            return dict(options)
        return {**options, "shared": (shared or {}).get(recording_id)}

    if chosen.states == "none":
        return [
            Step(chosen.name, analyse, {"recording": r}, own(r.id, params), used_seed, r.id, code)
            for r in inputs_of(study, ids, nouns, columns=chosen.columns)
        ]
    options = {**params, "source": source.plain()}
    if source.from_labels:
        # Where labels are read as states alone, those of other raters do not matter.
        rater = None if "labels" in nouns else source.choice.rater
        seen = tuple(dict.fromkeys([*nouns, "labels"]))
        sources = inputs_of(study, ids, seen, columns=chosen.columns, rater=rater)
        return [
            Step(chosen.name, analyse, {"recording": r}, own(r.id, options), used_seed, r.id, code) for r in sources
        ]
    method = method_of(study, source)
    model = FileInput(model_folder(study, source.states_from))
    applied = [apply_step(model, r, method) for r in inputs_of(study, ids, nouns_for(method))]
    return [
        Step(chosen.name, analyse, {"recording": r, "output": a}, own(r.id, options), used_seed, r.id, code)
        for r, a in zip(inputs_of(study, ids, nouns, columns=chosen.columns), applied, strict=True)
    ]


def analyse(
    recording: Recording,
    name: str,
    params: dict[str, Any],
    source: dict[str, Any] | None = None,
    output: xr.Dataset | None = None,
    shared: Any = None,
    **seed: int,
) -> dict[str, Any]:
    """Analyse one recording; the step of `run_analysis`."""
    chosen = find_analysis(name)
    missing = chosen.lacks(recording)
    if missing:
        fail(f"recording '{recording.id}'", f"has no {missing}", todo=f"add it, or leave the recording out of '{name}'")
    given: dict[str, Any] = {} if chosen.shared is None else {"shared": shared}
    if chosen.states != "none":
        given["states"] = _states(chosen, recording, source or {}, output)
    return to_store(chosen.function(recording, chosen.params(**params), **given, **seed))


def opened(recording: Recording, nouns: list[str]) -> bool:
    """Open everything of a recording that an analysis will read; what cannot be read is an error here."""
    return all([recording.need(noun) is not None for noun in nouns if recording.has(noun)])


def analyse_all(
    recordings: list[Recording], name: str, params: dict[str, Any], source: dict[str, Any], **seed: int
) -> dict[str, Any]:
    """Analyse all recordings at once; the step of a pooled analysis."""
    chosen = find_analysis(name)
    choice = _source(source).choice
    return to_store(chosen.function(recordings, chosen.params(**params), choice=choice, **seed))


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
        # What belongs to all animals together belongs to each of them.
        if not {source.individual, EVERYONE} & set(known):
            fail("states", f"no individual '{source.individual}'", todo=did_you_mean(source.individual, known))
        states = by_individual(states, [source.individual])
    return states


def to_store(tables: Tables) -> dict[str, Any]:
    """Return tables as the store keeps them."""
    notes = {
        "warnings": list(tables.warnings),
        "conventions": dict(tables.conventions),
        "units": dict(tables.units),
        "summary": dict(tables.summary),
        "sentences": list(tables.sentences),
    }
    kept = {"frames": {name: frame.reset_index(drop=True) for name, frame in tables.frames.items()}, "notes": notes}
    return kept if tables.states is None else {**kept, "states": tables.states.to_dataset(name="states")}


def from_store(value: Mapping[str, Any]) -> Tables:
    """Return the tables that `to_store` put away."""
    states = value["states"]["states"] if "states" in value else None
    return Tables(value["frames"], **value["notes"], states=states)
