"""Evaluate methods against human labels on recordings they have not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from murid.data.errors import Faults, fail
from murid.data.labels import Others
from murid.data.recording import Recording
from murid.data.reserved_names import MACRO, behaviour_column, behaviour_of
from murid.data.study import Study
from murid.data.warning import warn_user
from murid.run.apply import apply_step, compare_behaviours, keep_states, unlearnt_by_recording
from murid.run.evaluation_splits import Split, fold_table, splits_of, untrained_split
from murid.run.failures import note_skipped, readable_recordings
from murid.run.fit import fit_step, nouns_for
from murid.run.group_comparison import ALPHA, WHO, check_alpha
from murid.run.head_to_head import compare_methods
from murid.run.runner import Runner, inputs_of
from murid.run.runs import Run
from murid.run.step import RecordingInput, Step

#: Printed beside a score whose test frames lie between training frames.
LEAKY = "LEAKY: test frames are neighbours of training frames; not a measure of performance on new animals"
_REPORTED = ("precision", "recall", "f1", "f1_low", "f1_high", "pr_auc", "bout_f1", "ece", "brier", "support")


def evaluate_methods(
    study: Study,
    names: str | Sequence[str],
    *,
    params: Mapping[str, Mapping[str, Any]] | None = None,
    group: str = "animal",
    folds: int | None = None,
    train: Sequence[str] | None = None,
    test: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    behaviours: Sequence[str] | None = None,
    others: Others = "auto",
    rater: str | None = None,
    stream: str | None = None,
    leaky: bool = False,
    rare: str = "warn",
    skip_failed: bool = False,
    alpha: float = ALPHA,
    seed: int = 0,
    workers: int = 1,
) -> Run:
    """Score methods on recordings they were not fitted to.

    Every labelled recording is predicted once, by a model that has seen no recording of its group
    (``folds``), or `test` is predicted by a model of `train`. Rules alone learn nothing from labels: they are
    applied to every labelled recording (or to `test`), without folds unless these are asked for. Fits and
    predictions are kept one by one: a stopped evaluation goes on where it was, and a further method costs only itself.

    Parameters
    ----------
    study : Study
    names : str or sequence of str
        Supervised methods, or ``"rules"``, see ``murid methods``.
    params : mapping, optional
        Parameters by method.
    group : {"animal", "id", "group", "day", "session", "rater"}
        What is never on both sides of a split.
    folds : int, optional
        Number of folds: 5 by default, or as many as there are groups where these are fewer; left out when
        `train` and `test` are given.
    train, test : sequence of str, optional
        An explicit split by recording.
    ids : sequence of str, optional
        Labelled recordings to use; all by default.
    behaviours, others, rater, stream
        What is learnt and scored; see `murid.data.labels.Labels.to_states`.
    leaky : bool
        Also compute the score of a split by random frames, which other tools report, and mark it.
    rare : {"warn", "error", "ignore"}
        Behaviours that occur in one group only can not be learnt and tested at once.
    skip_failed : bool
        Leave out recordings that cannot be read, and list them, instead of stopping.
    alpha : float
        Level. One method: q up to which groups are said to differ. Several: that at which a method is said to differ
        from the best one; the intervals of differences hold 1 − alpha.
    seed : int
        Of the folds, the bootstrap and the leaky split.
    workers : int
        Processes.

    Returns
    -------
    Run
        Tables: ``per_class`` (frames, bouts, time, calibration; a row ``macro``; 95 % limits over
        groups), ``recordings``, ``totals`` (correlation, bias and limits of agreement of time and
        counts), ``confusion_<method>``, ``calibration``, ``folds``; ``methods`` (all methods side by side),
        ``differences`` (to the best one, paired, two methods or more), ``ceiling`` (person against person, where
        recordings have two raters); ``leaky`` on request. Figure ``figures/methods``. When one method is
        evaluated, also the held-out states with their ``bouts``, ``summary`` and ``comparison`` of groups.
        Summary: main numbers by method.

    Examples
    --------
    >>> import murid
    >>> small = {"sample_hz": 4, "folds": 2, "trees": {"n_trees": 10}, "features": {"windows_s": (0.4,)}}
    >>> run = murid.run.evaluate_methods(murid.open_study("mice"), "gbdt", params={"gbdt": small}, folds=3)
    >>> run.tables["folds"]["fold"].nunique()
    3
    """
    names = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    shared: dict[str, Any] = {"others": others, "rater": rater, "stream": stream}
    learnt = {**shared, "behaviours": behaviours and tuple(behaviours), "seed": seed}
    method_params = {name: _params(name, (params or {}).get(name, {}), learnt) for name in names}
    skipped: dict[str, str] = {}
    every = ids is None and train is None and test is None
    if skip_failed:
        labelled = [r.id for r in study.recordings(ids) if r.has("labels")]
        ids, skipped = readable_recordings(study, labelled)
        train, test = (None if side is None else [i for i in side if i not in skipped] for side in (train, test))
    split = dict(group=group, folds=folds, train=train, test=test, ids=ids, rare=rare, seed=seed)
    asked = dict(methods=method_params, **split, **shared, behaviours=behaviours, leaky=leaky, alpha=alpha)
    check_alpha(alpha)
    scoring = dict(behaviours=list(behaviours) if behaviours else None, **shared, group=group)
    with Run.start(study, "evaluate", asked, "-".join(names)) as run:
        run.rests_on((*WHO, group), [("labels",)], every=every)
        runner = Runner(study, workers, run)
        splits = (
            untrained_split(study, test, ids)
            if folds is None and train is None and not any(map(_learns, names))
            else splits_of(study, group, folds, train, test, ids, behaviours, stream, rare, seed)
        )
        run.table("folds", fold_table(study, splits))
        note_skipped(run, skipped)
        evaluation = _Evaluation(run, runner, study, splits, scoring, seed)
        for name in names:
            evaluation.score(name, method_params[name], keep=len(names) == 1)
            if leaky:
                evaluation.score_leaky(name, method_params[name])
        tested = list(dict.fromkeys(recording_id for split in splits for recording_id in split.test))
        compare_methods(run, runner, study, tested, scoring, seed, alpha)
        run.write_parts()
        if len(names) == 1:
            compare_behaviours(run, seed, alpha)
    return run


@dataclass(frozen=True)
class _Evaluation:
    """Several methods on the same splits, scored in the same way.

    Attributes
    ----------
    run : Run
        Where scores are written.
    runner : Runner
    study : Study
    splits : sequence of Split
    scoring : mapping
        Which labels are meant, and what is never on both sides of a split.
    seed : int
    """

    run: Run
    runner: Runner
    study: Study
    splits: Sequence[Split]
    scoring: Mapping[str, Any]
    seed: int

    def score(self, name: str, params: dict[str, Any], *, keep: bool) -> None:
        """Predict every held-out recording and score all predictions together; with `keep` store the states too."""
        steps = _predictions(self.study, name, params, self.splits)
        labelled = _labelled(self.study, [s.recording for s in steps], self.scoring)
        together = Step(
            "score", _score, {"recordings": labelled, "predicted": steps}, dict(self.scoring), seed=self.seed
        )
        results = self.runner.do([*steps, together], f"evaluating {name}")
        _note_score(self.run, name, results[-1].value)
        not_learnt, _ = unlearnt_by_recording(results[:-1])
        if not_learnt:
            self.run.summary["methods"][name]["not_learnt"] = not_learnt
        if keep:
            rows_of = self.study.table.set_index("id")
            for result in results[:-1]:
                keep_states(self.run, result, rows_of)

    def score_leaky(self, name: str, params: dict[str, Any]) -> None:
        """Score a split by random frames too, beside the honest score and with a warning."""
        from murid.methods import method_class

        cls, run = method_class(name), self.run
        if not _learns(name):
            warn_user(f"evaluate: '{name}' learns nothing: a split by random frames would be no other score")
            return
        ids = list(dict.fromkeys(i for s in self.splits for i in (*s.train, *s.test)))
        choice = {k: v for k, v in self.scoring.items() if k != "group"}
        step = Step(
            "leaky",
            _leaky,
            {"recordings": inputs_of(self.study, ids, ("labels", *nouns_for(cls)))},
            {"name": name, "params": params, "scoring": choice},
            seed=self.seed,
            code=(cls.__module__,),
        )
        score = self.runner.values([step], f"leaky score of {name}")[0]
        honest = run.summary["methods"][name]["macro_f1"]
        run.summary["methods"][name]["leaky"] = _finite(
            {"warning": LEAKY, "macro_f1": score["macro_f1"], "accuracy": score["accuracy"], "honest_macro_f1": honest}
        )
        run.parts.setdefault("leaky", []).append(_first(score["per_class"], method=name, warning=LEAKY))


def _learns(name: str) -> bool:
    """Say whether a method learns from labels; rules are written down."""
    from murid.methods import method_class

    return method_class(name).about.family != "rules"


# ---- steps ----------------------------------------------------------------------------------------
def _params(name: str, params: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a method, with what the evaluation says for all methods, checked."""
    from murid.methods import method, method_class

    cls = method_class(name)
    if cls.about.family not in ("supervised", "rules"):
        fail(
            "evaluate",
            f"'{name}' gives no behaviours by name ({cls.about.family})",
            expected="supervised methods, or rules",
            todo=f"compare its motifs with labels: murid compare-motifs STUDY {name} "
            f"(Python: run.compare_motifs(study, '{name}'))",
        )
    method_params = {k: v for k, v in shared.items() if k in cls.Params.model_fields and v is not None}
    faults = Faults(f"method '{name}'")
    for key, value in method_params.items():
        asked = value != cls.Params.model_fields[key].get_default()
        if asked and key in params and _plain(params[key]) != _plain(value):
            faults.add(
                f"'{key}' is given for the evaluation and for the method",
                got=f"{value} and {params[key]}",
                todo="give one of them",
            )
    faults.raise_if_any()
    return method(name, **{**method_params, **params}).params.model_dump(mode="json")


def _plain(value: Any) -> Any:
    """A value as it stands in JSON: a tuple is a list."""
    return list(value) if isinstance(value, tuple) else value


def _predictions(study: Study, name: str, params: Mapping[str, Any], splits: Sequence[Split]) -> list[Step]:
    """One fit per split and one prediction per held-out recording."""
    from murid.methods import method_class

    cls, steps = method_class(name), []
    for split in splits:
        # Without training recordings, which rules alone have, poses alone are looked at: how long a body is in px.
        fit = fit_step(study, name, params, split.train or split.test)
        steps += [apply_step(fit, source, cls) for source in inputs_of(study, split.test, nouns_for(cls))]
    return steps


def _labelled(study: Study, ids: Sequence[str], scoring: Mapping[str, Any]) -> list[RecordingInput]:
    group = scoring["group"]
    rater = None if group == "rater" else scoring["rater"]  # groups of raters are told by all of them
    keys = tuple(dict.fromkeys(["animal", *([group] if group in ("group", "day", "session") else [])]))
    return inputs_of(study, ids, ["labels"], keys, rater=rater)


def _score(
    recordings: list[Recording],
    predicted: list[Any],
    behaviours: list[str] | None,
    others: Others,
    rater: str | None,
    stream: str | None,
    group: str,
    seed: int,
) -> dict[str, Any]:
    """Pool the held-out predictions into one score, as tables."""
    from murid.evaluate import score_many
    from murid.evaluate.folds import groups_of_recordings

    score = score_many(
        [(r.need("labels"), p) for r, p in zip(recordings, predicted, strict=True)],
        recordings=[r.id for r in recordings],
        groups=groups_of_recordings(recordings, group),
        behaviours=behaviours,
        others=others,
        rater=rater,
        stream=stream,
        seed=seed,
    )
    return {
        "per_class": _flat(score.table, "behaviour"),
        "recordings": score.recordings,
        "totals": _flat(score.totals, "behaviour"),
        "confusion": _flat(score.confusion, "truth"),
        "calibration": _calibration(recordings, predicted, score.behaviours, others, rater, stream),
        "numbers": {
            "accuracy": score.accuracy,
            "accuracy_ci": list(score.accuracy_ci),
            "macro_f1": score.f1,
            "macro_f1_ci": list(score.macro_f1_ci),
            "coverage": score.coverage,
            "n_recordings": len(recordings),
            "notes": list(score.notes),
        },
    }


def _calibration(
    recordings: list[Recording],
    predicted: list[Any],
    behaviours: list[str],
    others: Others,
    rater: str | None,
    stream: str | None,
) -> pd.DataFrame:
    """Reliability curve of each behaviour: predicted probability against what was observed, pooled over recordings."""
    from murid.evaluate.calibration import reliability
    from murid.evaluate.truth_pairs import align_prediction

    truth: dict[str, list[np.ndarray]] = {b: [] for b in behaviours}
    forecast: dict[str, list[np.ndarray]] = {b: [] for b in behaviours}
    for recording, prediction in zip(recordings, predicted, strict=True):
        labels = recording.need("labels")
        pair = align_prediction(labels, prediction, others=others, rater=rater, stream=stream, recording=recording.id)
        if pair.probability is None:
            continue
        for k, behaviour in enumerate(pair.behaviours):
            if behaviour in truth:
                truth[behaviour].append(pair.truth[..., k].ravel())
                forecast[behaviour].append(pair.probability[..., k].ravel())
    curves = [
        _first(reliability(np.concatenate(truth[b]), np.concatenate(forecast[b])), behaviour=behaviour_column(b))
        for b in behaviours
        if truth[b]
    ]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=["behaviour"])


def _flat(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Index to columns, names as text: what parquet and CSV hold alike."""
    table = table.rename_axis(columns=None)
    if isinstance(table.index, pd.RangeIndex):
        return table
    names = [str(n or (name if k == 0 else f"{name}_{k}")) for k, n in enumerate(table.index.names)]
    return table.rename_axis(index=names).reset_index()


def _leaky(
    recordings: list[Recording], name: str, params: dict[str, Any], scoring: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Score of a split by random frames, one frame in five held out of every recording."""
    from murid.data.labels import Labels
    from murid.data.states import UNLABELLED
    from murid.evaluate import folds
    from murid.methods import method

    shown: list[Any] = []
    hidden: list[Any] = []
    for k, recording in enumerate(recordings):
        labels = recording.need("labels")
        labels = labels.select(**{k: scoring[k] for k in ("rater", "stream") if scoring[k]})
        time = recording.need("poses")["time"].values
        truth = labels.to_states(time, scoring["behaviours"], others=scoring["others"])
        learn, ask = folds.leaky_frames(len(time), seed=seed + k)[0]
        for keep, sides in ((learn, shown), (ask, hidden)):
            part = truth.copy()
            part[np.setdiff1d(np.arange(len(time)), keep)] = UNLABELLED
            sides.append(part)
    masked = [
        r.replace(labels=Labels.from_states(s, rater=scoring["rater"] or "", stream=scoring["stream"] or ""))
        for r, s in zip(recordings, shown, strict=True)
    ]
    fitted = method(name, **params).fit(masked)
    from murid.evaluate import score_many

    blind = [r.replace(labels=None) for r in recordings]
    score = score_many([(t, fitted.apply(r)) for r, t in zip(blind, hidden, strict=True)], seed=seed)
    return {"per_class": _flat(score.table, "behaviour"), "accuracy": score.accuracy, "macro_f1": score.f1}


# ---- account --------------------------------------------------------------------------------------
def _note_score(run: Run, name: str, score: dict[str, Any]) -> None:
    per_class = score["per_class"]
    shown = [c for c in _REPORTED if c in per_class]
    classes = per_class[per_class["behaviour"] != MACRO].set_index("behaviour")[shown]
    numbers = {**score["numbers"], "behaviours": classes.rename(index=behaviour_of).to_dict("index")}
    run.summary.setdefault("methods", {})[name] = _finite(numbers)
    run.warn(*(f"{name}: {note}" for note in score["numbers"]["notes"]))
    run.table(f"confusion_{name}", score["confusion"])
    for key in ("per_class", "recordings", "totals", "calibration"):
        run.parts.setdefault(key, []).append(_first(score[key], method=name))


def _first(table: pd.DataFrame, **columns: str) -> pd.DataFrame:
    """Return a table with constant columns put first."""
    return table.assign(**columns)[[*columns, *table.columns]]


def _finite(value: Any) -> Any:
    """NaN → None, so that JSON readers see "not known"."""
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
