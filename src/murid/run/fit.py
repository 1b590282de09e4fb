"""Fit a method to recordings of a study and keep the model."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from murid.data.atomic import atomic_folder
from murid.data.errors import fail
from murid.data.names import refuse_bad_id, refuse_other_encoding
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.failures import note_skipped, readable_recordings
from murid.run.keys import digest, file_digest
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import FileInput, Step


def fit_method(
    study: Study,
    name: str,
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    model: str | None = None,
    replace: bool = False,
    skip_failed: bool = False,
    workers: int = 1,
) -> Run:
    """Fit a method and write it to ``models/<model>``.

    Parameters
    ----------
    study : Study
    name : str
        Method, see ``murid methods``.
    params : mapping, optional
        Its parameters; unknown ones and values out of bounds are one error.
    ids : sequence of str, optional
        Recordings to learn from. By default all that have what the method needs.
    model : str, optional
        Name to keep it under; the method's name by default.
    replace : bool
        Overwrite a different model of that name.
    skip_failed : bool
        Leave out recordings that cannot be read, and list them, instead of refusing to fit.
    workers : int
        Processes (one fit is one step: they help only what else is stale).

    Returns
    -------
    Run
        Summary: ``model`` (folder name), ``method``, ``recordings``.

    Examples
    --------
    >>> import murid
    >>> study = murid.open_study("mice")
    >>> run = murid.run.fit_method(study, "kmeans", {"n_motifs": 3, "replicates": 1}, model="three")
    >>> sorted(p.name for p in study.models_dir.iterdir())
    ['kmeans', 'three', 'trees']
    """
    model = model or name
    refuse_bad_id(model, "fit")
    refuse_other_encoding([model], "fit")
    step = fit_step(study, name, params or {}, ids)
    skipped: dict[str, str] = {}
    if skip_failed:
        good, skipped = readable_recordings(study, [s.id for s in step.inputs["recordings"]])
        step = fit_step(study, name, params or {}, good)
    asked = {"method": name, "params": step.params["params"], "ids": [s.id for s in step.inputs["recordings"]]}
    with Run.start(study, "fit", {**asked, "model": model}, model) as run:
        run.rests_on(("animal",), [(noun,) for noun in needed_of(name, params or {})], every=ids is None)
        result = Runner(study, workers, run).do([step], f"fitting {name}")[0]
        fitted = result.store.folder(result.kept) / "value"
        _keep(fitted, study.models_dir / model, replace)
        run.note(model=model, method=name, recordings=asked["ids"])
        note_skipped(run, skipped)
    return run


def fit_step(study: Study, name: str, params: Mapping[str, Any], ids: Sequence[str] | None) -> Step:
    """Return the step that fits a method; its result is the fitted method."""
    from murid.methods import method

    unfitted = method(name, **params)
    nouns = tuple(dict.fromkeys([*nouns_for(unfitted), *_needed(unfitted)]))
    if ids is None:
        ids = [r.id for r in study.recordings() if all(r.has(n) for n in _needed(unfitted))]
        if not ids:
            fail(
                f"method '{name}'",
                f"no recording of study {study.folder} has what it needs",
                expected=", ".join(_needed(unfitted)),
                todo="add recordings with these, or look at: murid check",
            )
        ids = [r.id for r in study.recordings() if all(r.has(n) for n in needed_of(name, params))]
    settings = unfitted.params.model_dump(mode="json")
    return Step(
        f"fit_{name}",
        _fit,
        # In order of their names: the same recordings give the same model, however the table is sorted.
        {"recordings": inputs_of(study, sorted(ids), nouns, rater=settings.get("rater"))},
        {"name": name, "params": settings},
        code=(type(unfitted).__module__,),
        reads=files_in(settings),
    )


#: Parameters of methods that name a file or folder.
FILE_PARAMS = ("vocabulary", "checkpoint", "pretrained")


def files_in(params: Mapping[str, Any]) -> tuple[FileInput, ...]:
    """Files and folders that parameters name: their content makes the model, not their path."""
    named = [Path(str(params[name])) for name in FILE_PARAMS if params.get(name)]
    return tuple(FileInput(path) for path in named if path.exists())


def nouns_for(unfitted: Any) -> tuple[str, ...]:
    """Nouns a method sees when applied: what it needs and uses, zones and events where there are some. No labels."""
    return tuple(dict.fromkeys([*unfitted.about.needs, *unfitted.about.uses, "zones", "events"]))


def needed_of(name: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """Nouns that a recording must have to be learnt from where none is named."""
    from murid.methods import method

    unfitted = method(name, **params)
    return tuple(unfitted.about.needs) if unfitted.learns_without_labels() else _needed(unfitted)


def _needed(unfitted: Any) -> tuple[str, ...]:
    return (*unfitted.about.needs, *(["labels"] if learns_from_labels(unfitted) else []))


def learns_from_labels(method: Any) -> bool:
    """Say whether a method, with the parameters it has, learns from what people labelled."""
    return method.about.family == "supervised" or getattr(method.params, "labels_from", "") == "labels"


def learnt_from(recording: Recording, training: Mapping[str, Any]) -> bool:
    """Say whether a model was fitted to a recording, by content where the model knows it: names may have changed."""
    content = set(training.get("content", {}).values()) - {""}
    return content_of(recording) in content if content else recording.id in training.get("recordings", ())


def _fit(recordings: list[Recording], name: str, params: dict[str, Any]) -> Any:
    from murid.methods import method

    fitted = method(name, **params).fit(recordings)
    # Names may change, or be the same for other animals in another study: the content says what was learnt from.
    fitted.training["content"] = {}
    for recording in recordings:
        fitted.training["content"][recording.id] = content_of(recording)
        recording.forget()  # otherwise the poses of all of them would be held at the end
    return fitted


def content_of(recording: Recording) -> str:
    """Fingerprint of what was measured: positions of the body, else the neural signal."""
    if recording.has("poses"):
        return digest(hashlib.blake2b(recording.need("poses")["position"].values.tobytes()).hexdigest())
    if recording.has("traces"):
        return digest(hashlib.blake2b(recording.need("traces").values.tobytes()).hexdigest())
    return ""


def _keep(fitted: Path, target: Path, replace: bool) -> None:
    """Copy a fitted method to its place; the same model again is no work."""
    if target.exists():
        if file_digest(target) == file_digest(fitted):
            return
        if not replace:
            fail(
                "fit",
                f"a different model '{target.name}' is there already",
                where=str(target),
                todo="keep this one under another name (--model), or overwrite it with --replace",
            )
    with atomic_folder(target) as temporary:
        shutil.copytree(fitted, temporary, dirs_exist_ok=True)
