"""States that a model found, or that people scored, as files of annotation programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from murid.data.atomic import atomic_files
from murid.data.bouts import EVERYONE, as_text
from murid.data.clock import sample_stops
from murid.data.errors import DataError, Fault, Faults, did_you_mean, fail
from murid.data.labels import PLACEHOLDERS, LabelChoice, Labels
from murid.data.names import check_distinct, file_name_of
from murid.data.poses import individual_names
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.warning import warn_user
from murid.io.write import labels_text
from murid.plot.number_text import listed
from murid.run.analysis_steps import FROM_LABELS
from murid.run.apply import model_folder, newest_applied, scored_bouts
from murid.run.frame_counts import FrameCounts, frame_counts
from murid.run.run_age import states_warning
from murid.run.runs import Run
from murid.run.unlabelled_bouts import NOT_SCORED, with_unlabelled

#: Format → ending of its files.
FORMATS = {"boris_aggregated": ".csv", "caltech": ".txt", "bouts": ".csv"}


@dataclass(frozen=True)
class _Exported:
    """Labels of one recording, whose they may be, and where they end (s) at least."""

    labels: Labels
    individuals: tuple[str, ...]
    stop_s: float
    of_model: bool = False


def export_states(
    study: Study,
    states_from: str | Path = FROM_LABELS,
    out: str | Path = "exported",
    *,
    format: str = "boris_aggregated",
    ids: Sequence[str] | None = None,
    labels: LabelChoice | None = None,
    individual: str | None = None,
) -> list[Path]:
    """Write states as files of another program, one a recording.

    Parameters
    ----------
    study : Study
    states_from : str or Path
        A model of the study that was applied, or ``"labels"`` for what people scored.
    out : path
        Folder to write into; made where it is not there. A file that is there already is not written over. After an
        error nothing is written.
    format : {"boris_aggregated", "caltech", "bouts"}
        See `murid.io.write_labels`. Observation id and film are those of the recording. The frame rate is that of its
        poses, else of its film, else of the labels.
    ids : sequence of str, optional
        Recordings; by default all that the model was applied to, or that have labels.
    labels : LabelChoice, optional
        Which behaviours, and with ``"labels"`` whose and which stream. Words for "nothing" (``base``) are kept beside
        the behaviours chosen.
    individual : str, optional
        Write the states of one animal; of all by default. Caltech's text does not tell animals apart.

    Returns
    -------
    list of Path
        One file a recording.

    Warns
    -----
    MuridWarning
        Where frames are unlabelled (the animal out of view, or not watched) up to the end of the recording: they are
        written as bouts of ``unlabelled``, since the formats cannot say what was not scored. Where states are older
        than the data they were made from. In Caltech's text, where names get underscores for spaces, and where frames
        cannot be counted from the time alone.

    Raises
    ------
    DataError
        A model that was not applied as it is now, recordings without states, files that are there already, and what
        the format cannot hold; that of all recordings at once.

    Examples
    --------
    >>> import murid
    >>> study = murid.open_study("mice")
    >>> _ = study.apply("kmeans")
    >>> files = murid.run.export_states(study, "kmeans", "to_boris")
    >>> len(files), files[0].suffix
    (4, '.csv')
    """
    if format not in FORMATS:
        fail("export", f"unknown format '{format}'", todo=did_you_mean(format, FORMATS))
    choice = labels or LabelChoice()
    if str(states_from) == FROM_LABELS:
        exported = _of_people(study, ids, choice)
    else:
        exported = _of_model(study, states_from, ids, choice)
    exported = _chosen(exported, choice.behaviours, individual)
    check_distinct(list(exported), "export", "recordings")
    folder = Path(out)
    paths = {i: folder / f"{file_name_of(i)}{FORMATS[format]}" for i in exported}
    there = [str(p) for p in paths.values() if p.exists()]
    if there:
        fail("export", "files are there already", got=listed(there), todo="choose another folder, or remove them")
    _write(_texts(study, exported, paths, format), paths, folder)
    return list(paths.values())


def _of_people(study: Study, ids: Sequence[str] | None, choice: LabelChoice) -> dict[str, _Exported]:
    """Return the labels of each recording."""
    having = [r for r in study.recordings(ids) if r.has("labels")]
    lacking = [i for i in ids or () if i not in {r.id for r in having}]
    if lacking or not having:
        fail("export", "no labels", where=listed(lacking), todo="name a model that was applied: murid export S MODEL")
    exported, faults = {}, Faults("export")
    for recording in having:
        try:
            given = choice.select(recording.need("labels"))
        except DataError as exc:
            _note(faults, recording.id, exc)
            continue
        exported[recording.id] = _Exported(given, (), given.stop_s)
    faults.raise_if_any()
    return exported


def _of_model(
    study: Study, states_from: str | Path, ids: Sequence[str] | None, choice: LabelChoice
) -> dict[str, _Exported]:
    """Return the labels that the states of a model make."""
    if choice.rater or choice.stream:
        fail("export", "rater and stream choose among labels of people", todo="leave --rater and --stream out")
    applied = newest_applied(study, model_folder(study, states_from), "export")
    model, known = str(applied.summary["model"]), [str(i) for i in applied.summary["recordings"]]
    wanted = known if ids is None else list(ids)
    lacking = [i for i in wanted if i not in known]
    if lacking:
        fail(
            "export",
            f"'{model}' was not applied to these recordings",
            where=listed(lacking),
            todo=f"murid apply STUDY {model}",
        )
    if old := states_warning(study, applied):
        warn_user(old)
    return {i: _states(applied, i, model) for i in wanted}


def _states(applied: Run, recording_id: str, model: str) -> _Exported:
    """States of one recording as labels, with the mean probability of each bout where there is one."""
    output = applied.read_states(recording_id)
    states = output["states"]
    given = Labels.from_states(states, rater=model)
    stream_of = dict(zip(given.bouts["label"], given.bouts["stream"], strict=True))
    bouts = scored_bouts(output)
    bouts = bouts.assign(rater=model, stream=[stream_of[label] for label in bouts["label"]])
    people = tuple(str(i) for i in states["individual"].values)
    # The last frames may be unlabelled: the film ends where the states do, not where the last label does.
    stop_s = float(sample_stops(states["time"].values)[-1])
    return _Exported(replace(given, bouts=bouts), people, stop_s, of_model=True)


def _chosen(
    exported: Mapping[str, _Exported], behaviours: Sequence[str] | None, individual: str | None
) -> dict[str, _Exported]:
    """Keep some behaviours and one animal; all by default."""
    faults = Faults("export")
    if behaviours is not None:
        # A behaviour that one recording never shows is absent there.
        known = list(dict.fromkeys(w for e in exported.values() for w in [*e.labels.vocabulary, *e.labels.behaviours]))
        for name in behaviours:
            if name not in known:
                faults.add(f"no behaviour '{name}'", todo=did_you_mean(name, known))
    chosen = {}
    for recording_id, one in exported.items():
        labels = one.labels if behaviours is None else _of_behaviours(one.labels, behaviours)
        if individual is not None:
            people = _people(one)
            if individual not in people:
                faults.add(f"no animal '{individual}'", where=recording_id, todo=did_you_mean(individual, people))
                continue
            one, labels = replace(one, individuals=(individual,)), labels.of_individual(individual)
        chosen[recording_id] = replace(one, labels=labels)
    faults.raise_if_any()
    return chosen


def _of_behaviours(labels: Labels, behaviours: Sequence[str]) -> Labels:
    """Labels of some behaviours, from the streams that hold them; words for "nothing" stay with them."""
    wanted = labels.bouts["label"].isin(list(behaviours))
    holding = set(labels.bouts.loc[wanted, "stream"]) or set(labels.streams)
    nothing = labels.bouts["label"].str.lower().isin(PLACEHOLDERS)
    bouts = labels.bouts[(wanted | nothing) & labels.bouts["stream"].isin(holding)]
    scored = labels.scored[labels.scored["stream"].isin(holding)]
    return replace(
        labels,
        bouts=bouts.reset_index(drop=True),
        scored=scored.reset_index(drop=True),
        vocabulary=tuple(behaviours),
    )


def _people(one: _Exported) -> list[str]:
    """Animals that the states are of; all together where none is named."""
    watched = as_text(one.labels.scored["individual"], EVERYONE) if "individual" in one.labels.scored else ()
    named = dict.fromkeys([*one.individuals, *one.labels.bouts["individual"], *watched])
    return [name for name in named if name != EVERYONE] or [EVERYONE]


def _texts(study: Study, exported: Mapping[str, _Exported], paths: Mapping[str, Path], format: str) -> dict[str, str]:
    """Return the text of each recording's file, before anything is written."""
    faults, notes = Faults("export"), _Notes()
    texts = {}
    for recording in study.recordings(exported):
        one = exported[recording.id]
        try:
            counts = frame_counts(recording, one.labels)
            if format == "caltech":
                one = _for_caltech(one, counts, recording.id, notes)
            elif format == "boris_aggregated":
                _check_one_time(one)
            labels, gaps = _whole(recording, one, counts, in_frames=format == "caltech")
            texts[recording.id] = labels_text(
                _without_silent_streams(labels) if format == "bouts" else labels,
                paths[recording.id],
                format=format,
                fps=counts.fps if np.isfinite(counts.fps) else None,
                observation=recording.id,
                media=_film_of(study, recording),
            )
        except DataError as exc:
            _note(faults, recording.id, exc)
            continue
        finally:
            recording.forget()
        if gaps:
            notes.silent.append(recording.id)
    faults.raise_if_any()
    notes.warn()
    return texts


def _for_caltech(one: _Exported, counts: FrameCounts, recording_id: str, notes: _Notes) -> _Exported:
    """States of the only animal, with names that hold no spaces; errors for what a command has options for."""
    faults, people = Faults("Caltech text"), _people(one)
    if len(people) > 1:
        faults.add(
            "the format does not tell animals apart",
            got=", ".join(people),
            todo=f"write one file per animal: --individual {people[0]} (Python: individual={people[0]!r})",
        )
    if not counts.fps > 0:
        faults.add("the frame rate is not known", todo="add the poses or the film of the recording: murid add")
    labels = one.labels.of_individual(people[0])
    names = list(dict.fromkeys([*labels.vocabulary, *labels.bouts["label"]]))
    new = {name: "_".join(name.split()) for name in names}
    for name in names:
        if new[name] != name and list(new.values()).count(new[name]) > 1:
            faults.add(f"'{name}' and '{new[name]}' have one name without spaces", todo="choose one of them: -b")
    faults.raise_if_any()
    notes.renamed.update({old: name for old, name in new.items() if name != old})
    if counts.clock is not None:
        notes.uneven[recording_id] = counts.clock.residual_max_s, counts.fps
    labels = replace(
        labels,
        bouts=labels.bouts.assign(label=[new[w] for w in labels.bouts["label"]]),
        vocabulary=tuple(new[w] for w in labels.vocabulary),
    )
    return replace(one, labels=labels, individuals=(people[0],))


def _check_one_time(one: _Exported) -> None:
    """Refuse behaviours of a model that are labelled at different times; streams of people the writer refuses."""
    if not one.of_model or len(one.labels.streams) < 2:
        return
    bouts = one.labels.bouts
    groups = [list(dict.fromkeys(bouts.loc[bouts["stream"] == s, "label"])) for s in one.labels.streams]
    fail(
        "BORIS table",
        "the behaviours are labelled at different times, which the format cannot say",
        got="; ".join(", ".join(names) for names in groups),
        todo=f"choose behaviours of one time (-b {','.join(groups[0])}), or --format bouts",
    )


def _whole(recording: Recording, one: _Exported, counts: FrameCounts, *, in_frames: bool) -> tuple[Labels, bool]:
    """Labels up to the end of the recording, with what was not labelled as bouts, and whether there was any."""
    labels = one.labels
    stop_s = max((v for v in (labels.stop_s, one.stop_s, counts.stop_s) if np.isfinite(v)), default=0.0)
    if in_frames:
        labels, stop_s = counts.counted(labels), counts.end_of(stop_s)
    people = one.individuals
    if not people and recording.has("poses"):
        people = tuple(individual_names(recording.need("poses")))
    return with_unlabelled(labels, stop_s, counts.fps, people, source="model" if one.of_model else "human")


def _without_silent_streams(labels: Labels) -> Labels:
    """Labels whose raters and streams all have a bout; others have no row in a table of bouts."""
    pairs = labels.bouts[["rater", "stream"]].drop_duplicates()
    if pairs.empty:
        return replace(labels, scored=labels.scored.head(1).assign(rater="", stream=""))
    return replace(labels, scored=labels.scored.merge(pairs))


def _film_of(study: Study, recording: Recording) -> str:
    """Name of the film, also of one that is no longer where it was."""
    return study.path_of(recording.id, "video").name if recording.has("video") else ""


def _note(faults: Faults, recording_id: str, error: DataError) -> None:
    """Add what is wrong with one recording to what is wrong with all."""
    for fault in error.faults or (Fault(str(error)),):
        faults.items.append(replace(fault, where=", ".join(filter(None, (recording_id, fault.where)))))


def _write(texts: Mapping[str, str], paths: Mapping[str, Path], folder: Path) -> None:
    with atomic_files(folder) as temporary:
        for recording_id, text in texts.items():
            (temporary / paths[recording_id].name).write_text(text, encoding="utf-8", newline="\n")


@dataclass
class _Notes:
    """What is said once for all recordings."""

    silent: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    uneven: dict[str, tuple[float, float]] = field(default_factory=dict)

    def warn(self) -> None:
        if self.silent:
            warn_user(
                f"frames that are not labelled, such as those without the animal, are bouts of '{NOT_SCORED}', since "
                f"the format has no other way to say it: {listed(self.silent)}"
            )
        if self.renamed:
            names = [f"'{old}' is '{new}'" for old, new in self.renamed.items()]
            warn_user(f"Caltech's text has no spaces in names: {listed(names)}")
        if self.uneven:
            rows = [f"{i} (up to {off_s:.2f} s at {fps:g} frames/s)" for i, (off_s, fps) in self.uneven.items()]
            warn_user(
                "frames are counted as the poses or the film number them, and their times are not frame number / rate: "
                f"{listed(rows)}; read together with the film, the labels have their own times again"
            )
