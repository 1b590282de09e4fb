"""What a model labels_by_recording, or what people scored, as files of the programs that annotate by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from murid.data.bouts import EVERYONE, as_text, make_bouts
from murid.data.clock import sample_stops
from murid.data.errors import did_you_mean, fail
from murid.data.labels import LabelChoice, Labels
from murid.data.names import check_distinct, file_name_of
from murid.data.recording import Recording
from murid.data.stretches import gaps_between
from murid.data.study import Study
from murid.data.warning import warn_user
from murid.plot.number_text import listed
from murid.run.analysis_steps import FROM_LABELS
from murid.run.apply import model_folder, newest_applied

#: Format → ending of its files.
FORMATS = {"boris_aggregated": ".csv", "caltech": ".txt", "bouts": ".csv"}
#: How stretches that nobody scored are written: a word that every reader of murid takes for "not scored".
NOT_SCORED = "unlabelled"


def export_states(
    study: Study,
    states_from: str | Path = FROM_LABELS,
    out: str | Path = "exported",
    *,
    format: str = "boris_aggregated",
    ids: Sequence[str] | None = None,
    labels: LabelChoice | None = None,
) -> list[Path]:
    """Write states as files of another program, one a recording.

    Parameters
    ----------
    study : Study
    states_from : str or Path
        A model of the study that was applied, or ``"labels"`` for what people scored.
    out : path
        Folder to write into; made where it is not there. A file that is there already is not written over.
    format : {"boris_aggregated", "caltech", "bouts"}
        See `murid.io.write_labels`. Observation id, film and frame rate are those of the recording.
    ids : sequence of str, optional
        Recordings; by default all that the model was applied to, or that have labels.
    labels : LabelChoice, optional
        With ``"labels"``: whose, which stream and which behaviours.

    Returns
    -------
    list of Path
        One file a recording, in the order of the study.

    Warns
    -----
    MuridWarning
        Where frames are unlabelled (the animal out of view): they are written as bouts of ``unlabelled``, since the
        formats of BORIS and Caltech cannot say what was not scored.

    Raises
    ------
    DataError
        A model that was not applied as it is now, recordings without states, files that are there already.

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
    labels_by_recording = _states(study, states_from, ids, labels or LabelChoice())
    check_distinct(list(labels_by_recording), "export", "recordings")
    folder = Path(out)
    paths = {i: folder / f"{file_name_of(i)}{FORMATS[format]}" for i in labels_by_recording}
    there = [str(p) for p in paths.values() if p.exists()]
    if there:
        fail("export", "files are there already", got=listed(there), todo="choose another folder, or remove them")
    folder.mkdir(parents=True, exist_ok=True)
    silent = []
    for recording_id, (given, stop_s) in labels_by_recording.items():
        made, gaps = _with_gaps(given, stop_s, format)
        if gaps:
            silent.append(recording_id)
        _write(study[recording_id], made, paths[recording_id], format)
    if silent:
        warn_user(
            f"frames that are not labelled, such as those without the animal, are bouts of '{NOT_SCORED}', since the "
            f"format has no other way to say it: {listed(silent)}"
        )
    return list(paths.values())


def _states(
    study: Study, states_from: str | Path, ids: Sequence[str] | None, choice: LabelChoice
) -> dict[str, tuple[Labels, float]]:
    """Return the labels of each recording, or those that a model's states make, and where they end (s)."""
    if str(states_from) == FROM_LABELS:
        chosen = [r for r in study.recordings(ids) if r.has("labels")]
        lacking = [i for i in ids or () if i not in {r.id for r in chosen}]
        if lacking or not chosen:
            fail(
                "export", "no labels", where=listed(lacking), todo="name a model that was applied: murid export S MODEL"
            )
        given = {r.id: _chosen(choice.select(r.need("labels")), choice.behaviours) for r in chosen}
        return {i: (one, one.stop_s) for i, one in given.items()}
    applied = newest_applied(study, model_folder(study, states_from), "export")
    known = [str(i) for i in applied.summary["recordings"]]
    wanted = known if ids is None else list(ids)
    lacking = [i for i in wanted if i not in known]
    if lacking:
        fail(
            "export",
            f"'{applied.summary['model']}' was not applied to these recordings",
            where=listed(lacking),
            todo=f"murid apply STUDY {applied.summary['model']}",
        )
    rater = str(applied.summary["model"])
    labels_by_recording = {}
    for i in wanted:
        states = applied.states_of(i)
        # The last frames may be unlabelled: the film ends where the states do, not where the last label does.
        stop_s = float(sample_stops(states["time"].values)[-1])
        labels_by_recording[i] = _chosen(Labels.from_states(states, rater=rater), choice.behaviours), stop_s
    return labels_by_recording


def _chosen(labels: Labels, behaviours: Sequence[str] | None) -> Labels:
    """Labels of some behaviours; of all by default."""
    if behaviours is None:
        return labels
    known = list(dict.fromkeys([*labels.vocabulary, *labels.behaviours]))
    for name in behaviours:
        if name not in known:
            fail("export", f"no behaviour '{name}'", todo=did_you_mean(name, known))
    kept = labels.bouts[labels.bouts["label"].isin(list(behaviours))].reset_index(drop=True)
    return replace(labels, bouts=kept, vocabulary=tuple(behaviours))


def _with_gaps(labels: Labels, stop: float, format: str) -> tuple[Labels, bool]:
    """Labels in which what was not scored before `stop` (s) is a bout of its own, and whether there was any."""
    if format == "bouts" or labels.scored.empty or not np.isfinite(stop):
        return labels, False
    rows = []
    watched = as_text(labels.scored["individual"], EVERYONE) if "individual" in labels.scored else None
    for stream in labels.streams:
        own = labels.scored["stream"] == stream
        people = [EVERYONE] if watched is None else [p for p in labels.individuals if p != EVERYONE] or [EVERYONE]
        for person in people:
            of_person = own if watched is None else own & watched.isin([person, EVERYONE])
            if of_person.any():
                rows += [
                    (a, b, NOT_SCORED, person, stream) for a, b in gaps_between(_spans(labels.scored[of_person]), stop)
                ]
    if not rows:
        return labels, False
    gaps = pd.DataFrame(rows, columns=["start_s", "stop_s", "label", "individual", "stream"])
    gaps["rater"] = labels.raters[0] if labels.raters else ""
    bouts = make_bouts(pd.concat([labels.bouts, gaps], ignore_index=True))
    whole = labels.scored[["rater", "stream"]].drop_duplicates().assign(start_s=0.0, stop_s=stop)
    return replace(labels, bouts=bouts, scored=whole[["start_s", "stop_s", "rater", "stream"]]), True


def _spans(table: pd.DataFrame) -> list[tuple[float, float]]:
    return list(zip(table["start_s"].astype(float), table["stop_s"].astype(float), strict=True))


def _write(recording: Recording, labels: Labels, path: Path, format: str) -> None:
    from murid.io import write_labels

    media = recording.need("video").path.name if recording.has("video") else ""
    fps = float("nan")
    if recording.has("poses"):
        fps = float(recording.need("poses").attrs.get("fps", float("nan")))
    write_labels(
        labels, path, format=format, fps=fps if np.isfinite(fps) else None, observation=recording.id, media=media
    )
    recording.forget()
