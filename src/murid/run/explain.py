"""Explain a model of a study on recordings of animals it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murid.data.errors import fail
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.apply import identity_of, model_folder
from murid.run.evaluation_splits import Split
from murid.run.figure_files import write_figure
from murid.run.fit import fit_step, learnt_from, nouns_for
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import FileInput, Step


def explain_model(
    study: Study,
    model: str | Path,
    *,
    recording: str | None = None,
    time_s: float | None = None,
    behaviour: str | None = None,
    individual: str | None = None,
    folds: int = 5,
    n_frames: int = 400,
    seed: int = 0,
    workers: int = 1,
) -> Run:
    """Explain what a model looks at, and why it predicted something.

    With `recording` and `time_s`: why this frame. Otherwise the whole model, on recordings of animals it has not
    seen; where it was fitted to all labelled animals, models of the same parameters are fitted without a fold of
    them at a time (the same fits as in an evaluation, kept once).

    Parameters
    ----------
    study : Study
    model : str or Path
        A supervised model of the study, or the folder of one.
    recording, time_s, behaviour, individual
        One frame: see `murid.methods.supervised.explain.why`.
    folds : int
        Folds where no unseen labelled recording exists.
    n_frames : int
        Frames a recording whose contributions are computed.
    seed, workers : int

    Returns
    -------
    Run
        Tables ``explain_families`` (contribution and loss when scrambled, with 95 % limits over recordings),
        ``explain_features``, ``explain_examples``; figure ``figures/explain_families``. For one frame:
        ``explain_why``. Summary: ``recordings`` explained, ``passed_over`` (labelled ones of animals that the model
        has seen), ``models``, ``looks_at``.

    Examples
    --------
    >>> import murid
    >>> run = murid.run.explain_model(murid.open_study("mice"), "trees")
    >>> sorted(run.tables)
    ['explain_examples', 'explain_families', 'explain_features']
    """
    from murid.methods import method_class
    from murid.methods.base import read_head

    folder = model_folder(study, model)
    head = read_head(folder)
    cls = method_class(head["method"])
    if cls.about.family != "supervised":
        fail(
            "explain",
            f"'{head['method']}' does not learn from labels",
            expected="a supervised model",
            todo="look at its motifs in the report",
        )
    if (recording is None) != (time_s is None):
        fail("explain", "recording and time belong together", todo="give both (--recording R --time T), or neither")
    asked = dict(
        model=folder.name,
        recording=recording,
        time_s=time_s,
        behaviour=behaviour,
        individual=individual,
        folds=folds,
        n_frames=n_frames,
        seed=seed,
        **identity_of(folder),
    )
    with Run.start(study, "explain", asked, folder.name) as run:
        needs = [(noun,) for noun in (*cls.about.needs, "labels")]
        run.rests_on(("animal",), needs, every=recording is None)
        runner = Runner(study, workers, run)
        runner.note_read(FileInput(folder))  # its method and parameters are used, also where it is fitted anew
        if recording is not None:
            _one_frame(run, runner, study, folder, cls, asked)
        else:
            _whole_model(run, runner, study, folder, cls, head, folds, n_frames, seed)
        run.note(model=folder.name, method=head["method"])
    return run


def _one_frame(run: Run, runner: Runner, study: Study, folder: Path, cls: Any, asked: dict[str, Any]) -> None:
    source = inputs_of(study, [asked["recording"]], nouns_for(cls))[0]
    asked_for = {k: asked[k] for k in ("time_s", "behaviour", "individual")}
    step = Step(
        "why",
        _why,
        {"recording": source, "model": FileInput(folder)},
        asked_for,
        recording=source.id,
        code=(cls.__module__,),
    )
    table = runner.values([step], "why this frame")[0]
    run.table("explain_why", table)
    first = table.iloc[0]
    run.note(why={k: first[k] for k in ("recording", "individual", "time_s", "behaviour", "probability")})


def _whole_model(
    run: Run,
    runner: Runner,
    study: Study,
    folder: Path,
    cls: Any,
    head: dict[str, Any],
    folds: int,
    n_frames: int,
    seed: int,
) -> None:
    sources, passed_over, note = _unseen(study, folder, head, cls, folds, seed)
    nouns, rater = (*nouns_for(cls), "labels"), head["params"].get("rater")
    steps = [
        Step(
            "explain",
            _explain,
            {"recording": inputs_of(study, [recording_id], nouns, rater=rater)[0], "model": model},
            {"n_frames": n_frames},
            seed=seed,
            recording=recording_id,
            code=(cls.__module__, "murid.methods.supervised.explain"),
        )
        for recording_id, model in sources
    ]
    explained = runner.values(steps, f"explaining {folder.name}")
    joined = {key: pd.concat([f[key] for f in explained], ignore_index=True) for key in explained[0]}
    families = run.table("explain_families", _families(joined["families"], joined["permutation"], seed))
    features = _features(joined["features"])
    run.table("explain_features", features)
    run.table(
        "explain_examples", joined["examples"].sort_values(["behaviour", "kind"], kind="stable", ignore_index=True)
    )
    from murid.compare import family_figure

    write_figure(run, "explain_families", family_figure(families))
    best = features.groupby("behaviour", sort=False).head(3)
    run.note(
        recordings=[recording_id for recording_id, _ in sources],
        passed_over=passed_over,
        models=note,
        how=str(features["how"].iloc[0]),
        looks_at={b: part["words"].tolist() for b, part in best.groupby("behaviour", sort=False)},
    )


def _learnt_from(labelled: Sequence[Recording], training: Mapping[str, Any]) -> set[str]:
    """Recordings that a model was fitted to."""
    learnt = {r.id for r in labelled if learnt_from(r, training)}
    for recording in labelled:
        recording.forget()
    return learnt


def _unseen(
    study: Study, folder: Path, head: dict[str, Any], cls: Any, folds: int, seed: int
) -> tuple[list[tuple[str, FileInput | Step]], list[str], str]:
    """Labelled recordings, each with a model that has not seen its animal; those passed over; in words which models.

    Passed over are labelled recordings of animals that the only model at hand has learnt from.
    """
    training = head.get("training", {})
    labelled = [r for r in study.recordings() if r.has("labels") and all(r.has(n) for n in cls.about.needs)]
    labelled.sort(key=lambda r: r.id)  # the same folds, however recordings.csv is sorted
    learnt = _learnt_from(labelled, training)
    seen = {r.animal for r in labelled if r.id in learnt} | set(training.get("animals", ()))
    fresh = [r.id for r in labelled if r.id not in learnt and r.animal not in seen]
    if fresh:
        sources: list[tuple[str, FileInput | Step]] = [(recording_id, FileInput(folder)) for recording_id in fresh]
        passed_over = [r.id for r in labelled if r.id not in set(fresh)]
        return sources, passed_over, "the model itself, on animals it has not seen"
    from murid.evaluate import grouped

    known = [r for r in labelled if r.id in learnt]
    if len({r.animal for r in known}) < 2:
        fail(
            "explain",
            "no animal is unseen, and none can be held out",
            expected="labelled recordings of two animals",
            got=", ".join(r.id for r in known) or "none in this study",
            todo="label a recording of another animal, or ask about one frame: --recording R --time T",
        )
    n = min(folds, len({r.animal for r in known}))
    grouped_folds = grouped(known, n, behaviours=head["fitted"]["behaviours"], seed=seed, rare="ignore")
    for recording in known:
        recording.forget()
    splits = [Split(tuple(known[i].id for i in f.train), tuple(known[i].id for i in f.test)) for f in grouped_folds]
    steps: list[tuple[str, FileInput | Step]] = [
        (recording_id, fit_step(study, head["method"], head["params"], s.train))
        for s in splits
        for recording_id in s.test
    ]
    passed_over = [r.id for r in labelled if r.id not in learnt]
    return steps, passed_over, f"{n} models of the same parameters, each without the animals it explains"


def _explain(recording: Recording, model: Any, n_frames: int, seed: int) -> dict[str, pd.DataFrame]:
    from murid.methods.supervised import explain

    fitted = _opened(model)
    return {
        "features": explain.importance(fitted, recording, n_frames=n_frames, seed=seed),
        "families": explain.family_strength(fitted, recording, n_frames=n_frames, seed=seed),
        "permutation": explain.permutation(fitted, recording, seed=seed),
        "examples": explain.choose_examples(fitted, recording),
    }


def _why(
    recording: Recording, model: Any, time_s: float, behaviour: str | None, individual: str | None
) -> pd.DataFrame:
    from murid.methods.supervised import explain

    return explain.why(_opened(model), recording, time_s, behaviour=behaviour, individual=individual)


def _opened(model: Any) -> Any:
    if isinstance(model, Path):
        from murid.methods import load_method

        return load_method(model)
    return model


def _families(strength: pd.DataFrame, loss: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Means over recordings, with 95 % limits of the loss; strongest family first.

    The models of the folds choose their own features: a family that one of them does not use counts 0 there.
    """
    recordings = strength["recording"].unique()
    rng = np.random.default_rng(seed)
    rows = []
    for (behaviour, family), part in strength.groupby(["behaviour", "family"], sort=False):
        seen = loss[loss["behaviour"] == behaviour].dropna(subset=["pr_auc"])
        of_family = seen[seen["family"] == family].set_index("recording")["loss"]
        x = of_family.groupby(level=0).mean().reindex(seen["recording"].unique(), fill_value=0.0).to_numpy()
        draws = x[rng.integers(0, x.size, (2000, x.size))].mean(axis=1) if x.size > 1 else np.array([np.nan])
        mean = {c: part.groupby("recording")[c].mean().sum() / recordings.size for c in ("strength", "share")}
        area = seen.groupby("recording")["pr_auc"].mean().mean()
        rows.append(
            (
                behaviour,
                family,
                mean["strength"],
                mean["share"],
                x.mean() if x.size else np.nan,
                *np.percentile(draws, [2.5, 97.5]),
                area,
                x.size,
            )
        )
    columns = ["behaviour", "family", "strength", "share", "loss", "loss_low", "loss_high", "pr_auc", "n_recordings"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["behaviour", "share"], ascending=[True, False], ignore_index=True)


def _features(features: pd.DataFrame) -> pd.DataFrame:
    """Means over recordings; where a model does not use a feature it counts 0. Strongest first."""
    keys = ["behaviour", "feature", "family", "how"]
    n = features["recording"].nunique()
    each = features.groupby([*keys, "recording"], sort=False).agg(
        strength=("strength", "mean"), direction=("direction", "mean"), words=("words", "first")
    )
    table = each.groupby(keys, sort=False).agg(
        strength=("strength", "sum"), direction=("direction", "mean"), words=("words", "first")
    )
    table["strength"] /= n
    table = table.reset_index().sort_values(["behaviour", "strength"], ascending=[True, False], ignore_index=True)
    return table[["behaviour", "feature", "strength", "direction", "family", "words", "how"]]
