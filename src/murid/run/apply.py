"""Apply a fitted method to recordings: states, bouts and their summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.errors import did_you_mean, fail
from murid.data.recording import Recording
from murid.data.reserved_names import KEYS, behaviour_column
from murid.data.states import behaviour_names, never_labelled
from murid.data.study import Study
from murid.data.tables import Table, number_column, text_column
from murid.run.failures import note_failures, raise_all
from murid.run.fit import learns_from_labels, learnt_from, nouns_for
from murid.run.group_comparison import ALPHA, WHO, check_alpha, compare_groups, with_keys
from murid.run.keys import file_digest
from murid.run.runner import Result, Runner, inputs_of
from murid.run.runs import Run, runs_of
from murid.run.step import FileInput, Step

#: A frame is strange when 99 in 100 training frames were less so; a recording when a fifth of its frames are.
STRANGE, MANY = 0.99, 0.2
UNSEEN = Table(
    "unseen",
    {
        "individual": text_column(),
        "unseen": number_column("share of strange frames", low=0, high=1, why="missing where no frame is known"),
    },
    "One row a recording and individual: how far it is unlike the recordings that the model has learnt from.",
)
TABLES = (UNSEEN,)


def apply_method(
    study: Study, model: str | Path, ids: Sequence[str] | None = None, *, alpha: float = ALPHA, workers: int = 1
) -> Run:
    """Apply a fitted method to recordings.

    Parameters
    ----------
    study : Study
    model : str or Path
        Name of a model of the study, or the folder of any saved method.
    ids : sequence of str, optional
        Recordings; by default all that have what the method needs.
    alpha : float
        q up to which groups are said to differ.
    workers : int
        Processes.

    Returns
    -------
    Run
        ``states/<recording>.nc``: states and where the method has them probability, latent, confidence.
        Tables: ``bouts`` (one row a bout), ``summary`` (per recording, individual and behaviour: count,
        durations, share of time, latency), ``comparison`` (share of time per behaviour between groups of
        animals, where there are two groups of two).

    Examples
    --------
    >>> import murid
    >>> run = murid.run.apply_method(murid.open_study("mice"), "kmeans")
    >>> len(run.recordings), sorted(run.tables)[:2]
    (4, ['bouts', 'comparison'])
    """
    folder = model_folder(study, model)
    from murid.methods import method_class
    from murid.methods.base import read_head

    method = method_class(read_head(folder)["method"])
    every = ids is None
    if ids is None:
        ids = [r.id for r in study.recordings() if all(r.has(n) for n in method.about.needs)]
    if not ids:
        fail("apply", "no recording has what the method needs", expected=", ".join(method.about.needs))
    steps = [apply_step(FileInput(folder), source, method) for source in inputs_of(study, ids, nouns_for(method))]
    check_alpha(alpha)
    asked = {"model": folder.name, "ids": list(ids), "alpha": alpha, **identity_of(folder)}
    with Run.start(study, "apply", asked, folder.name) as run:
        run.rests_on(WHO, [(noun,) for noun in method.about.needs], every=every)
        sheet = study.table.set_index("id")
        results, failures = Runner(study, workers, run).attempt(steps, f"applying {folder.name}")
        note_failures(run, failures)
        if not results:
            raise_all(method.name, failures)
        for result in results:
            keep_states(run, result, sheet)
        _warn_of_unseen(run)
        _note_unlearnt(run, method.name, results)
        run.note(trained_on=[str(r.step.recording) for r in results if r.value.attrs.get("trained_on")])
        run.write_parts()
        compare_behaviours(run, alpha=alpha)
        done = [str(result.step.recording) for result in results]
        run.note(model=folder.name, method=method.name, recordings=done, applied=facts_of(folder))
        run.provenance["seeds"]["comparison"] = 0
    return run


def apply_step(model: FileInput | Step, source: Any, method: Any) -> Step:
    """Return the step that applies a method (saved, or the result of a fit) to one recording."""
    return Step(
        f"apply_{method.name}",
        _apply,
        {"recording": source, "model": model},
        recording=source.id,
        code=(method.__module__ if isinstance(method, type) else type(method).__module__,),
    )


def keep_states(run: Run, result: Result, sheet: pd.DataFrame) -> None:
    """Write the states of one recording, and gather their bouts and summary."""
    output, recording_id = result.value, result.step.recording
    run.states(recording_id, output)
    if "unseen" in output:
        run.parts.setdefault("unseen", []).append(with_keys(_unseen(output), recording_id, sheet))
    for name, part in describe_states(output).items():
        run.parts.setdefault(name, []).append(with_keys(part, recording_id, sheet))


def unlearnt_by_recording(results: Iterable[Result]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the behaviours that a model could not learn, with the recordings whose states lack them; and why."""
    lacking: dict[str, list[str]] = {}
    reasons: dict[str, None] = {}
    for result in results:
        output = result.value
        if output.attrs.get("not_learnt"):
            reasons[str(output.attrs["not_learnt"])] = None
            for behaviour in never_labelled(output["states"]):
                lacking.setdefault(behaviour, []).append(str(result.step.recording))
    return {behaviour: sorted(ids) for behaviour, ids in lacking.items()}, list(reasons)


def _unseen(output: xr.Dataset) -> pd.DataFrame:
    """Share of strange frames per individual."""
    values = output["unseen"].values
    known = np.isfinite(values).sum(axis=0)
    share = np.where(known, (values >= STRANGE).sum(axis=0) / np.maximum(known, 1), np.nan)
    return pd.DataFrame({"individual": output["individual"].values.astype(str), "unseen": share})


def _note_unlearnt(run: Run, name: str, results: Sequence[Result]) -> None:
    """Name the behaviours that the model was asked for and could not learn, with the reason that its fit gave."""
    not_learnt, reasons = unlearnt_by_recording(results)
    if not_learnt:
        run.note(not_learnt=not_learnt)
        run.warn(f"method '{name}': {'; '.join(reasons)}: left unlabelled")


def _warn_of_unseen(run: Run) -> None:
    """Name the recordings that are unlike the training data; one frame in a hundred is as strange by definition."""
    for part in run.parts.get("unseen", []):
        for row in part[part["unseen"] > MANY].itertuples():
            run.warn(
                f"recording '{row.recording}', {row.individual}: {row.unseen:.0%} of the frames are unlike "
                "anything the model has learnt from; do not trust it there before you have looked"
            )


def compare_behaviours(run: Run, seed: int = 0, alpha: float = ALPHA) -> None:
    """Compare the share of time of each behaviour between groups; nothing where there are no groups."""
    summary = run.tables["summary"]
    if "group" not in summary:
        return
    keys = [k for k in KEYS if k in summary]
    columns = summary.assign(behaviour=summary["behaviour"].map(behaviour_column))
    shares = columns.pivot(index=keys, columns="behaviour", values="fraction").reset_index()
    compare_groups(run, shares, "group", seed, alpha=alpha)


def describe_states(output: xr.Dataset) -> dict[str, pd.DataFrame]:
    """Return the bouts and the summary of one recording's states."""
    from murid.ethogram import summarise_states

    return {"bouts": scored_bouts(output), "summary": summarise_states(output["states"])}


def scored_bouts(output: xr.Dataset) -> pd.DataFrame:
    """Return the bouts of one recording's states, with their mean probability where there is one."""
    from murid.ethogram import bouts_of

    states = output["states"]
    probability = output.get("probability")
    known = probability is not None and set(behaviour_names(states)) <= set(probability["behaviour"].values)
    return bouts_of(states, probability=probability if known else None)


def model_folder(study: Study, model: str | Path) -> Path:
    """Return the folder of a model, by name within the study or by path."""
    for folder in (study.models_dir / str(model), Path(model)):
        if (folder / "params.json").is_file():
            return folder
    known = sorted(p.name for p in study.models_dir.glob("*/") if (p / "params.json").is_file())
    fail(
        f"study {study.folder}",
        f"no model '{model}'",
        todo=did_you_mean(str(model), known) if known else "fit one first: murid fit",
    )


def newest_applied(study: Study, folder: Path, owner: str) -> Run:
    """Return the newest run that applied the model of `folder` as it is now; `owner` asks for it."""
    runs = [r for r in runs_of(study, "apply") if r.summary.get("model") == folder.name]
    now = identity_of(folder)["model_fingerprint"]
    same = [r for r in runs if r.provenance["params"].get("model_fingerprint") == now]
    if not same:
        fail(
            owner,
            f"model '{folder.name}' was fitted again since it was applied"
            if runs
            else f"'{folder.name}' was not applied",
            todo=f"murid apply STUDY {folder.name}, then run this again",
        )
    return same[-1]


def identity_of(folder: Path) -> dict[str, str]:
    """Which model is meant: two may have one name in two places, or one after the other in one."""
    return {"model_fingerprint": file_digest(folder)}


def facts_of(folder: Path) -> dict[str, Any]:
    """What a model was made of: method, parameters, training, place and fingerprint, for the run that used it."""
    from murid.methods.base import read_head

    head = read_head(folder)
    known: dict[str, Any] = {str(k): v for k, v in head.items() if k in ("method", "params", "training", "murid")}
    return {**known, "folder": str(folder), **identity_of(folder)}


def _apply(recording: Recording, model: Any) -> xr.Dataset:
    if isinstance(model, Path):
        from murid.methods import load_method

        model = load_method(model)
    output = model.apply(recording)
    # What is found in recordings that a model was fitted to says nothing of how well it does on others.
    trained = learns_from_labels(model) and learnt_from(recording, model.training)
    return output.assign_attrs(trained_on="yes") if trained else output
