"""Which bouts of a study to label next, and whether labelling on is worth it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from murid.data.errors import DataError, fail
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.apply import identity_of, model_folder
from murid.run.figures import write_figure
from murid.run.fit import nouns_for
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import FileInput, Step

_CODE = ("murid.methods.supervised.quick_refit", "murid.methods.supervised.label_queue")


def propose_bouts(
    study: Study,
    model: str | Path,
    params: Mapping[str, Any] | None = None,
    ids: Sequence[str] | None = None,
    *,
    refit: bool = True,
    curve: bool = True,
    workers: int = 1,
) -> Run:
    """Propose the next bouts to label.

    Features are computed once per recording and kept: after some more labels only the fit is done again.

    Parameters
    ----------
    study : Study
    model : str or Path
        A supervised model of the study, or the folder of one: the start.
    params : mapping, optional
        See `murid.methods.supervised.label_queue.QueueParams`.
    ids : sequence of str, optional
        Recordings to look for bouts in; all with poses by default.
    refit : bool
        Fit to the labels as they are now first (`murid.methods.supervised.quick_refit`); where too little is labelled
        for that the model as it stands is used, with a warning.
    curve : bool
        Also the learning curve and what more bouts are expected to bring; needs labels of two animals.
    workers : int

    Returns
    -------
    Run
        Tables ``queue``, and with `curve` ``learning_points`` and ``learning_curve`` with figure
        ``figures/learning_curve``. Summary: ``advice``, ``expected``.

    Examples
    --------
    >>> import murid
    >>> run = murid.run.propose_bouts(murid.open_study("mice"), "trees", {"n": 3}, refit=False, curve=False)
    >>> len(run.tables["queue"])
    3
    """
    from murid.methods import method_class
    from murid.methods.base import read_head
    from murid.methods.supervised.label_queue import QueueParams

    settings = QueueParams(**(params or {})).model_dump()
    folder = model_folder(study, model)
    name = read_head(folder)["method"]
    cls = method_class(name)
    if cls.about.family != "supervised":
        fail(
            "label queue",
            f"'{name}' does not learn from labels",
            expected="a supervised model",
            todo="fit one: murid fit STUDY gbdt",
        )
    ids = [r.id for r in study.recordings(ids) if all(r.has(n) for n in cls.about.needs)]
    labelled = [r.id for r in study.recordings() if r.has("labels") and all(r.has(n) for n in cls.about.needs)]
    if not ids:
        fail("label queue", "no recording has what the method needs", expected=", ".join(cls.about.needs))
    asked = dict(model=folder.name, params=settings, ids=ids, refit=refit, curve=curve, **identity_of(folder))
    nouns, code = nouns_for(cls), (cls.__module__, *_CODE)
    with Run.start(study, "label_queue", asked, folder.name) as run:
        runner, start = Runner(study, workers, run), FileInput(folder)
        tables = {
            recording_id: Step(
                "learning_table",
                _tables,
                {"recording": inputs_of(study, [recording_id], nouns)[0], "model": start},
                recording=recording_id,
                code=code,
            )
            for recording_id in dict.fromkeys([*ids, *labelled])
        }
        runner.do(tables.values(), "features")
        used: FileInput | Step = start
        if refit and labelled:
            used = _refitted(run, runner, study, labelled, tables, start, nouns, code) or start
        steps = [
            Step(
                "queue_candidates",
                _candidates,
                {
                    "recording": inputs_of(study, [recording_id], (*nouns, "labels"))[0],
                    "table": tables[recording_id],
                    "model": used,
                },
                settings,
                recording=recording_id,
                code=code,
            )
            for recording_id in ids
        ]
        queue = run.table("queue", _propose(runner.values(steps, "looking for bouts"), settings))
        run.note(
            model=folder.name,
            bouts=len(queue),
            blind=int((queue["kind"] == "blind").sum()),
            seconds_to_watch=float((queue["stop_s"] - queue["start_s"]).sum()),
            refitted=used is not start,
        )
        if curve:
            _learning(run, runner, study, labelled, tables, used, nouns, code, settings["seed"])
    return run


def _refitted(
    run: Run,
    runner: Runner,
    study: Study,
    labelled: Sequence[str],
    tables: Mapping[str, Step],
    start: FileInput,
    nouns: tuple[str, ...],
    code: tuple[str, ...],
) -> Step | None:
    step = Step(
        "warm_fit",
        _refit,
        {
            "recordings": inputs_of(study, labelled, (*nouns, "labels")),
            "tables": [tables[recording_id] for recording_id in labelled],
            "model": start,
        },
        code=code,
    )
    try:
        runner.do([step], "fitting to the labels as they are")
    except DataError as exc:
        run.warn(f"the model was not fitted anew, and is used as it stands: {exc}")
        return None
    return step


def _learning(
    run: Run,
    runner: Runner,
    study: Study,
    labelled: Sequence[str],
    tables: Mapping[str, Step],
    model: FileInput | Step,
    nouns: tuple[str, ...],
    code: tuple[str, ...],
    seed: int,
) -> None:
    from murid.compare import learning_figure
    from murid.evaluate.learning import expected_gain

    step = Step(
        "learning_points",
        _points,
        {
            "recordings": inputs_of(study, labelled, (*nouns, "labels")),
            "tables": [tables[recording_id] for recording_id in labelled],
            "model": model,
        },
        seed=seed,
        code=code,
    )
    try:
        points = runner.values([step], "learning curve")[0] if labelled else pd.DataFrame()
        gain = expected_gain(points, seed=seed)
    except (DataError, KeyError) as exc:
        run.warn(f"no learning curve: {exc if labelled else 'no recording has labels'}")
        return
    run.table("learning_points", points)
    run.table("learning_curve", gain.curve)
    write_figure(run, "learning_curve", learning_figure(points, gain.curve, str(gain)))
    limits = [None if v != v else v for v in (gain.low, gain.high)]
    expected = dict(bouts_now=gain.now, more=gain.more, macro_f1=gain.score, gain=gain.gain, ci=limits, stop=gain.stop)
    run.note(advice=str(gain), expected=expected)


# ---- steps ----------------------------------------------------------------------------------------
def _tables(recording: Recording, model: Any) -> dict[str, xr.DataArray]:
    """Features of the frames that learning looks at, by subject; what labels say does not matter here."""
    from murid.methods.supervised.quick_refit import learning_tables

    return {
        subject: table.rename("features") for (_, subject), table in learning_tables(_opened(model), recording).items()
    }


def _refit(recordings: list[Recording], tables: list[dict[str, xr.DataArray]], model: Any) -> Any:
    with warnings.catch_warnings():
        # Few labels at first: what the fit would warn of is known, and shown by the learning curve.
        warnings.filterwarnings("ignore", message=".*out-of-fold scores.*")
        return _warm(recordings, tables, model).refit(recordings)


def _points(recordings: list[Recording], tables: list[dict[str, xr.DataArray]], model: Any, seed: int) -> pd.DataFrame:
    from murid.methods.supervised.quick_refit import learning_points

    return learning_points(_warm(recordings, tables, model), recordings, seed=seed)


def _candidates(recording: Recording, table: dict[str, xr.DataArray], model: Any, **params: Any) -> dict[str, Any]:
    from murid.methods.supervised.label_queue import QueueParams, candidates

    fitted = _opened(model)
    kept = {(recording.id, subject): part for subject, part in table.items()}
    proposals = candidates(fitted, recording, QueueParams(**params), kept)
    return {
        "table": proposals.table,
        "place": pd.DataFrame(proposals.place).rename(columns=str),
        "labelled": pd.DataFrame(proposals.labelled).rename(columns=str),
    }


def _propose(parts: Sequence[Mapping[str, pd.DataFrame]], params: Mapping[str, Any]) -> pd.DataFrame:
    from murid.methods.supervised.label_queue import Candidates, QueueParams, propose

    many = [Candidates(f["table"], f["place"].to_numpy("float32"), f["labelled"].to_numpy("float32")) for f in parts]
    return propose(many, QueueParams(**params))


def _warm(recordings: Sequence[Recording], tables: Sequence[Mapping[str, xr.DataArray]], model: Any) -> Any:
    from murid.methods.supervised.quick_refit import Warm

    kept = {
        (r.id, subject): part for r, parts in zip(recordings, tables, strict=True) for subject, part in parts.items()
    }
    return Warm(_opened(model), kept)


def _opened(model: Any) -> Any:
    if isinstance(model, Path):
        from murid.methods import load_method

        return load_method(model)
    return model
