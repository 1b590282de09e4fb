"""How far the behaviour classifier can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from murid.data.bouts import EVERYONE
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.reserved_names import MACRO, NONE_OF_THEM, behaviour_column, behaviour_of
from murid.data.tables import Table, TableRows
from murid.evaluate.evaluation_tables import (
    CALIBRATION,
    CEILING,
    CONFUSION,
    FOLDS,
    LEAKY,
    PER_CLASS,
    RECORDINGS,
    TOTALS,
)
from murid.plot.number_text import count, listed, number, readable, span
from murid.report.context import Context
from murid.report.figures import evaluation as draw
from murid.report.figures.heat_maps import matrix
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Part, Picture, ReportTable, Section, Words
from murid.report.sentences import frequent_mistake, random_split, unlearnt_behaviours
from murid.report.subjects import AnalysisUnit, subject_of

MAX_TOTALS = 6
_NONE = {NONE_OF_THEM: "none of them"}
_NEEDS = ("behaviour", "f1")
_HEADINGS = {
    "behaviour": "behaviour",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "interval": "95 % interval of F1",
    "pr_auc": "area under precision–recall",
    "bout_f1": "F1 of bouts",
    "onset_abs_ms": "onset error (ms, median)",
    "ece": "calibration error",
    "support": "labelled frames",
    "bouts_true": "labelled bouts",
}
_TOTALS = {
    "f1": "F1 of frames",
    "n": "recordings (n)",
    "time_r": "r of time",
    "time_bias": "bias of time (s)",
    "time_limits": "limits of agreement (s)",
    "bouts_r": "r of bout counts",
    "bouts_bias": "bias of bouts",
}


def make(context: Context) -> Section | None:
    """Scores of every evaluation run."""
    runs = [(r, scores) for r in context.runs_of("evaluate") if (scores := r.rows(PER_CLASS, _NEEDS)) is not None]
    if not runs:
        return None
    section = Section(
        "evaluation",
        "How well behaviours are recognised",
        "Every score comes from animals that the method had not seen when it learnt. It says how well the same "
        "method will do on new animals filmed in the same way, not in another arena or under another camera.",
    )
    for run, scores in runs:
        for method in dict.fromkeys(filter(None, scores.method.astype(str))) or ["method"]:
            _one(context, section, run, method, _of(scores, method))
    return section


def _one(context: Context, section: Section, run: RunFolder, method: str, per_class: TableRows) -> None:
    numbers = (run.summary.get("methods") or {}).get(method, {})
    folds = _rows(run, FOLDS, ["fold", "side", "animal"])
    lacking = {behaviour_column(str(b)): len(ids) for b, ids in (numbers.get("not_learnt") or {}).items()}
    subject, tested = _tested(context, folds, int(numbers.get("n_recordings", 0)))
    section.add(*_verdict(section, method, per_class, numbers, folds, lacking, subject))
    whole = [b for b, n in lacking.items() if n >= int(numbers.get("n_recordings", 0))]
    leaky = _rows(run, LEAKY, _NEEDS)
    leaky = leaky and _of(leaky, method)
    ceiling = human_ceiling(context, run, [b for b in per_class.behaviour if b != MACRO])
    section.add(
        _f1(context, method, per_class, leaky, ceiling, whole, subject, tested),
        _leaky_words(numbers, leaky),
        _table(method, per_class),
        _confusion(run, method),
        _calibration(context, run, method),
        *_totals(context, run, method, whole),
    )


def _tested(context: Context, folds: TableRows | None, n_recordings: int) -> tuple[AnalysisUnit, str]:
    """Return what is held out and drawn anew, and how many recordings of how many of them were scored."""
    recordings = count(n_recordings, "recording")
    if folds is None or not len(folds):
        return AnalysisUnit(), recordings if n_recordings else "the recordings that were scored"
    scored = folds.having(folds.side == "test")
    seen = {}
    for recording_id in dict.fromkeys(scored.recording.astype(str)) if scored.has(scored.recording) else ():
        states = context.label_states(recording_id) if recording_id in context.animals.index else None
        seen[recording_id] = [EVERYONE] if states is None else [str(i) for i in states["individual"].values]
    subject = subject_of(context, seen)
    return subject, f"{recordings} of {subject.count(scored.animal.nunique())}"


def _rows(run: RunFolder, declared: Table, needs: Sequence[str]) -> TableRows | None:
    """Rows of a table that not every evaluation writes."""
    return run.rows(declared, needs) if run.has(declared.name) else None


def _of(rows: TableRows, method: str) -> TableRows:
    """Rows of one method; all where the table does not say whose they are."""
    return rows.having(rows.method == method) if rows.has(rows.method) else rows


def _verdict(
    section: Section,
    method: str,
    per_class: TableRows,
    numbers: dict[str, Any],
    folds: TableRows | None,
    lacking: Mapping[str, int],
    subject: AnalysisUnit,
) -> list[Words]:
    macro = numbers.get("macro_f1")
    low, high = (numbers.get("macro_f1_ci") or [None, None])[:2]
    interval = f" (95 % interval {number(low)} to {number(high)})" if low is not None else ""
    n_recordings = int(numbers.get("n_recordings", 0))
    whole = [b for b, n in lacking.items() if n >= n_recordings]
    named = per_class.having((per_class.behaviour != MACRO) & per_class.f1.notna())
    classes = named.having(~named.behaviour.isin(whole))
    learns = folds is None or not len(folds) or bool((folds.side == "train").any())
    unseen = " in animals it has not seen" if learns else ""
    text = (
        f"{method} recognises {count(len(classes), 'behaviour')}{f' of {len(named)}' if whole else ''}{unseen} with a "
        f"mean F1 of {number(macro)}{interval}"
    )
    if len(classes) > 1:
        order = np.argsort(classes.f1.to_numpy(float), kind="stable")
        names, f1 = classes.behaviour.to_numpy()[order], classes.f1.to_numpy(float)[order]
        text += f"; best {readable(names[-1])} ({number(f1[-1])}), worst {readable(names[0])} ({number(f1[0])})"
    missing = unlearnt_behaviours(lacking, n_recordings)
    if missing:
        text += f". {missing.rstrip('.')}; in the mean they count as missed"
    section.findings.append(f"{text}.")
    rest = ""
    if not learns:
        rest += f"{method} learns nothing from labels, so every labelled recording is scored. "
    elif folds is not None and len(folds):
        tested = folds.having(folds.side == "test")
        rest += (
            f"{subject.count(tested.animal.nunique())} tested in {count(tested.fold.nunique(), 'split')}; none "
            "was learnt from and tested in the same split. "
        )
    accuracy = numbers.get("accuracy")
    if accuracy is not None:
        rest += f"Accuracy {number(accuracy, 2)}: alone it says little, since calling every frame empty is often right."
    return [Words(f"{text}.", "finding"), *([Words(rest)] if rest else [])]


def _f1(
    context: Context,
    method: str,
    per_class: TableRows,
    leaky: TableRows | None,
    ceiling: dict[str, float],
    missing: Sequence[str],
    subject: AnalysisUnit,
    tested: str,
) -> Picture:
    behaviours = per_class.behaviour
    names = [b for b in behaviours if b != MACRO]
    inflated = dict(zip(leaky.behaviour, leaky.f1, strict=True)) if leaky is not None else {}
    caption = (
        "F1 joins precision (of the frames called so, how many are right) and recall (of the frames that are so, how "
        f"many were found); 1 is perfect. Frames are pooled over {tested}. The grey line is the 95 % interval when "
        f"{subject.plural} are drawn anew. "
    )
    caption += (
        "The diamond is how well two people agree: a method can hardly be asked for more. "
        if ceiling
        else "How well two people would agree is not known here; labels of a second person would show what can be "
        "asked for. "
    )
    if inflated:
        caption += (
            "Crosses are scores of a split by random frames: inflated, shown to compare with papers that report it."
        )
    if missing:
        caption += f"No bar: {listed(map(readable, missing), 12)}, labelled but not learnt. "
    table = per_class.without(per_class.method).assign(
        f1_low=per_class.f1_low,
        f1_high=per_class.f1_high,
        human_f1=behaviours.map(ceiling) if ceiling else np.nan,
    )
    return Picture(
        draw.f1_bars(
            per_class, context.colours_for(names), ceiling=ceiling, leaky=inflated, missing=missing, over=subject.plural
        ),
        f"Score of each behaviour ({method})",
        caption,
        "Bars of F1: "
        + listed([f"{readable(b)} {number(f, 2)}" for b, f in zip(behaviours, per_class.f1, strict=True)], 12),
        table,
    )


def human_ceiling(context: Context, run: RunFolder, behaviours: list[str]) -> dict[str, float]:
    """F1 between people: from the run's table ``ceiling`` (``behaviour, f1``), or from recordings with two raters."""
    if run.has(CEILING.name):
        people = run.rows(CEILING, _NEEDS)
        return dict(zip(people.behaviour, people.f1.astype(float), strict=True)) if people is not None else {}
    from murid.evaluate import score_many

    given = [behaviour_of(b) for b in behaviours]
    pairs: list[tuple[Any, Any]] = []
    others = run.params.get("others", "auto")
    ids: list[str] = []
    groups: list[str] = []
    for recording_id in context.labelled():
        recording = context.study[recording_id]
        try:
            labels: Labels = recording.need("labels")
            raters = [labels.select(rater=r) for r in labels.raters] if len(labels.raters) > 1 else []
            for a, b in combinations(raters, 2):
                time = labels.clock()
                time = time[time < min(a.stop_s, b.stop_s)]
                pairs.append((a, b.to_states(time, given, others=others)))
                ids.append(f"{recording_id} {len(ids)}")
                groups.append(context.animals[recording_id])
        except (DataError, OSError):
            continue
        finally:
            recording.forget()
    if not pairs:
        return {}
    try:
        score = score_many(pairs, recordings=ids, groups=groups, behaviours=given, others=others, n_boot=100)
    except DataError:
        return {}
    rows = {b: behaviour_column(name) for b, name in zip(behaviours, given, strict=True)}
    return {b: float(score.table["f1"][row]) for b, row in rows.items() if row in score.table.index}


def _leaky_words(numbers: dict[str, Any], leaky: TableRows | None) -> Words | None:
    if leaky is None or not len(leaky):
        return None
    scores = numbers.get("leaky") or {}
    by_frames = float(scores.get("macro_f1", np.nan))
    by_animals = float(scores.get("honest_macro_f1", numbers.get("macro_f1", np.nan)))
    return Words(random_split(by_frames, by_animals), "warning")


def _table(method: str, rows: TableRows) -> ReportTable:
    interval = pd.Series(list(map(span, rows.f1_low, rows.f1_high)), rows.frame.index, name="interval")
    shown = rows.only(
        rows.behaviour.replace(MACRO, "mean of behaviours").map(readable),
        rows.precision,
        rows.recall,
        rows.f1,
        interval,
        rows.pr_auc,
        rows.bout_f1,
        rows.onset_abs_ms,
        rows.ece,
        rows.support.round(),
        rows.bouts_true.round(),
    )
    shown = shown.loc[:, shown.notna().any()]
    return ReportTable(
        shown,
        f"Scores of {method}",
        headings=_HEADINGS,
        full=rows.without(rows.method),
        caption="F1 of bouts counts a bout as found when it overlaps the labelled one enough, however long it is. "
        "Calibration error: mean distance of the stated probability from what came true.",
    )


def _confusion(run: RunFolder, method: str) -> Picture | None:
    name = next((n for n in run.tables_like("confusion_") if n.lower() == f"confusion_{method}".lower()), None)
    table = run.table(name) if name else None
    if table is None or table.shape[1] < 3:
        return None
    rows = CONFUSION.rows(table)
    if not rows.has(rows.truth):
        return None
    counts = rows.without(rows.truth).astype(float).set_axis(rows.truth, axis=0)
    counts = counts.reindex(columns=list(counts.index)).rename(index=_NONE, columns=_NONE)
    share = counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)
    share.index = [f"{readable(b)} ({number(int(n))})" for b, n in zip(share.index, counts.sum(axis=1), strict=True)]
    share.columns = [readable(c) for c in share.columns]
    off = counts.to_numpy().copy()
    np.fill_diagonal(off, 0)
    i, j = divmod(int(off.argmax()), off.shape[1])
    return Picture(
        matrix(
            share,
            label="share of the labelled frames",
            low=0,
            high=1,
            square=True,
            ylabel="labelled (frames)",
            xlabel="predicted",
        ),
        f"What is taken for what ({method})",
        "Read along a row: of the frames that people gave this label, which share got which prediction. The diagonal "
        f"is right. {frequent_mistake(str(counts.index[i]), str(counts.columns[j]), int(off[i, j]))} Mistakes at the "
        "edges of bouts, where people disagree too, are among them.",
        f"Confusion matrix of {listed(map(readable, counts.index), 12)}.",
        table,
    )


def _calibration(context: Context, run: RunFolder, method: str) -> Picture | None:
    curves = _rows(run, CALIBRATION, ["behaviour"])
    if curves is None or not curves.has(curves.probability, curves.observed, curves.n):
        return None
    curves = _of(curves, method)
    curves = curves.having(curves.n >= 30)
    if not len(curves):
        return None
    names = list(dict.fromkeys(curves.behaviour))
    return Picture(
        draw.calibration(curves, context.colours_for(names)),
        f"Are the probabilities honest? ({method})",
        "Frames grouped by the probability the method gave them, against the share in which the behaviour was "
        "labelled. On the dashed line a probability of 0.8 comes true 8 times in 10; below it the method is too sure "
        "of itself. Groups of fewer than 30 frames are left out.",
        "Calibration curves of " + listed(map(readable, names), 12),
        curves.without(curves.method),
    )


def _totals(context: Context, run: RunFolder, method: str, missing: Sequence[str]) -> list[Part]:
    recordings = _rows(run, RECORDINGS, ["behaviour", "time_true_s", "time_predicted_s"])
    totals = _rows(run, TOTALS, ["behaviour"])
    out: list[Part] = []
    own = None if recordings is None else _of(recordings, method)
    every = [] if own is None else [b for b in dict.fromkeys(own.behaviour) if b not in missing]
    if own is not None and every:
        names = every[:MAX_TOTALS]
        left = f" Not drawn, since not learnt: {listed(map(readable, missing), 12)}." if missing else ""
        left += f" {count(len(every) - len(names), 'more behaviour')} in the table." if len(every) > len(names) else ""
        n = own.recording.nunique() if own.has(own.recording) else len(own)
        out.append(
            Picture(
                draw.totals(own, names, context.colours_for(names)),
                f"Time per recording ({method})",
                f"Above: predicted against labelled time, one dot a recording (n = {n}); on the dashed line they "
                "agree. Below (Bland and Altman): the difference against the mean; the line is the bias, the band "
                "holds about 95 % of recordings. A bias shifts all groups alike; a wide band hides differences "
                f"between animals. Totals can agree though the frames do not: read them together with F1.{left}",
                "Scatter and Bland–Altman plots of " + listed(map(readable, names), 12),
                own.without(own.method),
            )
        )
    if totals is not None and len(totals):
        own = _of(totals, method)
        limits = pd.Series(list(map(span, own.time_low, own.time_high)), own.frame.index, name="time_limits")
        columns = [own.behaviour, own.f1, own.n, own.time_r, own.time_bias, limits, own.bouts_r, own.bouts_bias]
        shown = own.only(*(c for c in columns if c is limits or own.has(c)))
        out.append(
            ReportTable(
                shown,
                f"Agreement of totals ({method})",
                headings=_TOTALS,
                full=own.without(own.method),
                folded=True,
            )
        )
    return out
