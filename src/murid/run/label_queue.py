"""Which bouts of a study to label next, and whether labelling on is worth it."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from murid.data.errors import DataError, fail
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.apply import identity_of, model_folder
from murid.run.figure_files import write_figure
from murid.run.fit import nouns_for
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import FileInput, Step

if TYPE_CHECKING:
    from murid.methods.base import Method

_CODE = (
    "murid.methods.supervised.quick_refit",
    "murid.methods.supervised.curve_points",
    "murid.methods.supervised.label_queue",
)


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
    from murid.methods.base import read_head
    from murid.methods.supervised.label_queue import QueueParams

    settings = QueueParams(**(params or {})).model_dump()
    folder = model_folder(study, model)
    cls = _supervised(folder)
    every = ids is None
    ids = sorted(r.id for r in study.recordings(ids) if all(r.has(n) for n in cls.about.needs))
    labelled = sorted(r.id for r in study.recordings() if r.has("labels") and all(r.has(n) for n in cls.about.needs))
    if not ids:
        fail("label queue", "no recording has what the method needs", expected=", ".join(cls.about.needs))
    asked = dict(model=folder.name, params=settings, ids=ids, refit=refit, curve=curve, **identity_of(folder))
    with Run.start(study, "label_queue", asked, folder.name) as run:
        run.rests_on(("animal",), [(noun,) for noun in cls.about.needs], every=every)
        work = _Work(
            run,
            Runner(study, workers, run),
            study,
            labelled,
            FileInput(folder),
            nouns_for(cls),
            (cls.__module__, *_CODE),
            str(read_head(folder)["params"].get("rater") or ""),
        )
        tables = work.tables(ids, every=labelled if curve else ())
        used = (work.refitted(tables) if refit and labelled else None) or work.start
        steps = [work.candidates(recording_id, tables[recording_id], used, settings) for recording_id in ids]
        queue = run.table("queue", _propose(work.runner.values(steps, "looking for bouts"), settings))
        run.note(
            model=folder.name,
            bouts=len(queue),
            blind=int((queue["kind"] == "blind").sum()),
            seconds_to_watch=float((queue["stop_s"] - queue["start_s"]).sum()),
            refitted=used is not work.start,
        )
        if curve:
            work.learning_curve(tables, used, settings["seed"])
    return run


def _supervised(folder: Path) -> type[Method]:
    """Return the class of a stored model, which must be one that learns from labels."""
    from murid.methods import method_class
    from murid.methods.base import read_head

    name = read_head(folder)["method"]
    cls = method_class(name)
    if cls.about.family != "supervised":
        fail(
            "label queue",
            f"'{name}' does not learn from labels",
            expected="a supervised model",
            todo="fit one: murid fit STUDY gbdt",
        )
    return cls


@dataclass(frozen=True)
class _Work:
    """What all steps of one queue work with.

    Attributes
    ----------
    run : Run
        Where tables are written.
    runner : Runner
    study : Study
    labelled : sequence of str
        Recordings with labels.
    start : FileInput
        The model as it was given.
    nouns, code : tuple of str
        What the method reads of a recording, and the modules that results depend on.
    rater : str
        Whose labels the model learnt from; all where "".
    """

    run: Run
    runner: Runner
    study: Study
    labelled: Sequence[str]
    start: FileInput
    nouns: tuple[str, ...]
    code: tuple[str, ...]
    rater: str

    def tables(self, ids: Sequence[str], every: Collection[str]) -> dict[str, Step]:
        """Return the step with the features of each recording, of the labelled ones too, after they were made.

        Of the recordings in `every` all features are kept: the learning curve chooses from them.
        """
        steps = {
            recording_id: Step(
                "learning_table",
                _tables,
                {"recording": inputs_of(self.study, [recording_id], self.nouns)[0], "model": self.start},
                {"every": recording_id in every},
                recording=recording_id,
                code=self.code,
            )
            for recording_id in dict.fromkeys([*ids, *self.labelled])
        }
        self.runner.do(steps.values(), "features")
        return steps

    def candidates(self, recording_id: str, table: Step, model: FileInput | Step, settings: dict[str, Any]) -> Step:
        """Return the step that cuts a recording into bouts that may be labelled."""
        recording = inputs_of(self.study, [recording_id], (*self.nouns, "labels"), rater=self.rater)[0]
        inputs = {"recording": recording, "table": table, "model": model}
        return Step("queue_candidates", _candidates, inputs, settings, recording=recording_id, code=self.code)

    def refitted(self, tables: Mapping[str, Step]) -> Step | None:
        """Return the step of a fit to the labels as they are; None, and a warning, where too little is labelled."""
        step = Step("warm_fit", _refit, self._of_labelled(tables, self.start), code=self.code)
        try:
            self.runner.do([step], "fitting to the labels as they are")
        except DataError as exc:
            self.run.warn(f"the model was not fitted anew, and is used as it stands: {exc}")
            return None
        return step

    def learning_curve(self, tables: Mapping[str, Step], model: FileInput | Step, seed: int) -> None:
        """Write the learning curve and what more bouts are expected to bring."""
        from murid.compare import learning_figure
        from murid.evaluate.learning_curves import expected_gain

        step = Step("learning_points", _points, self._of_labelled(tables, model), seed=seed, code=self.code)
        try:
            points = self.runner.values([step], "learning curve")[0] if self.labelled else pd.DataFrame()
            gain = expected_gain(points, seed=seed)
        except (DataError, KeyError) as exc:
            self.run.warn(f"no learning curve: {exc if self.labelled else 'no recording has labels'}")
            return
        self.run.table("learning_points", points)
        self.run.table("learning_curve", gain.curve)
        write_figure(self.run, "learning_curve", learning_figure(points, gain.curve, str(gain)))
        limits = [None if v != v else v for v in (gain.low, gain.high)]
        expected = dict(
            bouts_now=gain.now, more=gain.more, macro_f1=gain.score, gain=gain.gain, ci=limits, stop=gain.stop
        )
        self.run.note(advice=str(gain), expected=expected)

    def _of_labelled(self, tables: Mapping[str, Step], model: FileInput | Step) -> dict[str, Any]:
        """Return the inputs of a step on all labelled recordings."""
        return {
            "recordings": inputs_of(self.study, self.labelled, (*self.nouns, "labels"), rater=self.rater),
            "tables": [tables[recording_id] for recording_id in self.labelled],
            "model": model,
        }


# ---- steps ----------------------------------------------------------------------------------------
def _tables(recording: Recording, model: Any, every: bool) -> dict[str, xr.DataArray]:
    """Features of the frames that learning looks at, by subject; what labels say does not matter here."""
    from murid.methods.supervised.quick_refit import learning_tables

    tables = learning_tables(_opened(model), recording, every=every)
    return {subject: table.rename("features") for (_, subject), table in tables.items()}


def _refit(recordings: list[Recording], tables: list[dict[str, xr.DataArray]], model: Any) -> Any:
    with warnings.catch_warnings():
        # Few labels at first: what the fit would warn of is known, and shown by the learning curve.
        warnings.filterwarnings("ignore", message=".*out-of-fold scores.*")
        return _warm(recordings, tables, model).refit(recordings)


def _points(recordings: list[Recording], tables: list[dict[str, xr.DataArray]], model: Any, seed: int) -> pd.DataFrame:
    from murid.methods.supervised.curve_points import learning_points

    return learning_points(_opened(model), recordings, _by_recording(recordings, tables), seed=seed)


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

    return Warm(_opened(model), _by_recording(recordings, tables))


def _by_recording(
    recordings: Sequence[Recording], tables: Sequence[Mapping[str, xr.DataArray]]
) -> dict[tuple[str, str], xr.DataArray]:
    return {
        (r.id, subject): part for r, parts in zip(recordings, tables, strict=True) for subject, part in parts.items()
    }


def _opened(model: Any) -> Any:
    if isinstance(model, Path):
        from murid.methods import load_method

        return load_method(model)
    return model
