"""How far the behaviour classifier can be trusted."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.plot.number_text import count, listed, number, readable, span
from murid.report.context import Context
from murid.report.figures import evaluation as draw
from murid.report.figures.heat_maps import matrix
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Part, Picture, ReportTable, Section, Words
from murid.report.sentences import frequent_mistake, random_split

MAX_TOTALS = 6
_NONE = {"(none of them)": "none of them"}
_COLUMNS = {
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
    runs = [r for r in context.runs_of("evaluate") if r.table("per_class", ["behaviour", "f1"]) is not None]
    if not runs:
        return None
    section = Section(
        "evaluation",
        "How well behaviours are recognised",
        "Every score comes from animals that the method had not seen when it learnt. It says how well the same "
        "method will do on new animals filmed in the same way, not in another arena or under another camera.",
    )
    for run in runs:
        scores = run.table("per_class")
        if scores is None:
            continue
        for method in dict.fromkeys(scores["method"].astype(str)) if "method" in scores else ["method"]:
            _one(context, section, run, method)
    return section


def _one(context: Context, section: Section, run: RunFolder, method: str) -> None:
    per_class = _of(run.table("per_class"), method)
    numbers = (run.summary.get("methods") or {}).get(method, {})
    folds = run.table("folds", ["fold", "side", "animal"]) if run.has("folds") else None
    section.add(*_verdict(section, method, per_class, numbers, folds))
    leaky = _of(run.table("leaky", ["behaviour", "f1"]), method) if run.has("leaky") else None
    ceiling = human_ceiling(context, run, [b for b in per_class["behaviour"] if b != "macro"])
    section.add(
        _f1(context, method, per_class, leaky, ceiling),
        _leaky_words(numbers, leaky),
        _table(method, per_class),
        _confusion(run, method),
        _calibration(context, run, method),
        *_totals(context, run, method),
    )


def _of(table: pd.DataFrame | None, method: str) -> pd.DataFrame:
    if table is None:
        return pd.DataFrame(columns=["behaviour", "f1"])
    return table[table["method"] == method].drop(columns="method") if "method" in table else table


def _verdict(
    section: Section,
    method: str,
    per_class: pd.DataFrame,
    numbers: dict[str, Any],
    folds: pd.DataFrame | None,
) -> list[Words]:
    macro = numbers.get("macro_f1")
    low, high = (numbers.get("macro_f1_ci") or [None, None])[:2]
    interval = f" (95 % interval {number(low)} to {number(high)})" if low is not None else ""
    classes = per_class[per_class["behaviour"] != "macro"].dropna(subset=["f1"]).sort_values("f1")
    text = (
        f"{method} recognises {count(len(classes), 'behaviour')} in animals it has not seen with a mean F1 of "
        f"{number(macro)}{interval}"
    )
    if len(classes) > 1:
        worst, best = classes.iloc[0], classes.iloc[-1]
        text += (
            f"; best {readable(best['behaviour'])} ({number(best['f1'])}), worst {readable(worst['behaviour'])} "
            f"({number(worst['f1'])})"
        )
    section.findings.append(f"{text}.")
    rest = ""
    if folds is not None and len(folds):
        tested = folds[folds["side"] == "test"]
        rest += (
            f"{count(tested['animal'].nunique(), 'animal')} tested in {count(tested['fold'].nunique(), 'split')}; none "
            "was learnt from and tested in the same split. "
        )
    accuracy = numbers.get("accuracy")
    if accuracy is not None:
        rest += f"Accuracy {number(accuracy, 2)}: alone it says little, since calling every frame empty is often right."
    return [Words(f"{text}.", "finding"), *([Words(rest)] if rest else [])]


def _f1(
    context: Context, method: str, per_class: pd.DataFrame, leaky: pd.DataFrame | None, ceiling: dict[str, float]
) -> Picture:
    table = per_class.copy()
    for column in ("f1_low", "f1_high"):
        if column not in table:
            table[column] = np.nan
    names = [b for b in table["behaviour"] if b != "macro"]
    inflated = dict(zip(leaky["behaviour"], leaky["f1"], strict=True)) if leaky is not None else {}
    caption = (
        "F1 joins precision (of the frames called so, how many are right) and recall (of the frames that are so, how "
        "many were found); 1 is perfect. The grey line is the 95 % interval when animals are drawn anew. "
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
    table["human_f1"] = table["behaviour"].map(ceiling) if ceiling else np.nan
    return Picture(
        draw.f1_bars(table, context.colours_for(names), ceiling=ceiling, leaky=inflated),
        f"Score of each behaviour ({method})",
        caption,
        "Bars of F1: "
        + listed([f"{readable(b)} {number(f, 2)}" for b, f in zip(table["behaviour"], table["f1"], strict=True)], 12),
        table,
    )


def human_ceiling(context: Context, run: RunFolder, behaviours: list[str]) -> dict[str, float]:
    """F1 between people: from the run's table ``ceiling`` (``behaviour, f1``), or from recordings with two raters."""
    if run.has("ceiling"):
        table = run.table("ceiling", ["behaviour", "f1"])
        return dict(zip(table["behaviour"], table["f1"].astype(float), strict=True)) if table is not None else {}
    from murid.evaluate import score_many

    pairs: list[tuple[Any, Any]] = []
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
                pairs.append((a, b.to_states(time, behaviours, others="negative")))
                ids.append(f"{recording_id} {len(ids)}")
                groups.append(context.animals[recording_id])
        except (DataError, OSError):
            continue
        finally:
            recording.forget()
    if not pairs:
        return {}
    try:
        score = score_many(pairs, recordings=ids, groups=groups, behaviours=behaviours, others="negative", n_boot=100)
    except DataError:
        return {}
    return {b: float(score.table["f1"][b]) for b in behaviours if b in score.table.index}


def _leaky_words(numbers: dict[str, Any], leaky: pd.DataFrame | None) -> Words | None:
    if leaky is None or leaky.empty:
        return None
    scores = numbers.get("leaky") or {}
    by_frames = float(scores.get("macro_f1", np.nan))
    by_animals = float(scores.get("honest_macro_f1", numbers.get("macro_f1", np.nan)))
    return Words(random_split(by_frames, by_animals), "warning")


def _table(method: str, per_class: pd.DataFrame) -> ReportTable:
    shown = per_class.copy()
    if {"f1_low", "f1_high"} <= set(shown):
        shown["interval"] = list(map(span, shown["f1_low"], shown["f1_high"]))
    shown = shown[[c for c in _COLUMNS if c in shown and shown[c].notna().any()]]
    shown["behaviour"] = shown["behaviour"].replace("macro", "mean of behaviours").map(readable)
    for column in ("support", "bouts_true"):
        if column in shown:
            shown[column] = shown[column].round()
    return ReportTable(
        shown,
        f"Scores of {method}",
        headings=_COLUMNS,
        full=per_class,
        caption="F1 of bouts counts a bout as found when it overlaps the labelled one enough, however long it is. "
        "Calibration error: mean distance of the stated probability from what came true.",
    )


def _confusion(run: RunFolder, method: str) -> Picture | None:
    name = next((n for n in run.tables_like("confusion_") if n.lower() == f"confusion_{method}".lower()), None)
    table = run.table(name) if name else None
    if table is None or "truth" not in table or table.shape[1] < 3:
        return None
    counts = table.set_index("truth").astype(float).rename(index=_NONE, columns=_NONE)
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
    if not run.has("calibration"):
        return None
    curves = run.table("calibration", ["behaviour"])
    curves = _of(curves, method)
    if curves.empty or not {"probability", "observed", "n"} <= set(curves):
        return None
    curves = curves[curves["n"] >= 30]
    if curves.empty:
        return None
    return Picture(
        draw.calibration(curves, context.colours_for(list(dict.fromkeys(curves["behaviour"])))),
        f"Are the probabilities honest? ({method})",
        "Frames grouped by the probability the method gave them, against the share in which the behaviour was "
        "labelled. On the dashed line a probability of 0.8 comes true 8 times in 10; below it the method is too sure "
        "of itself. Groups of fewer than 30 frames are left out.",
        "Calibration curves of " + listed(map(readable, dict.fromkeys(curves["behaviour"])), 12),
        curves,
    )


def _totals(context: Context, run: RunFolder, method: str) -> list[Part]:
    recordings = (
        run.table("recordings", ["behaviour", "time_true_s", "time_predicted_s"]) if run.has("recordings") else None
    )
    totals = run.table("totals", ["behaviour"]) if run.has("totals") else None
    out: list[Part] = []
    if recordings is not None and len(recordings):
        own = _of(recordings, method)
        names = list(dict.fromkeys(own["behaviour"]))[:MAX_TOTALS]
        n = own["recording"].nunique() if "recording" in own else len(own)
        out.append(
            Picture(
                draw.totals(own, names, context.colours_for(names)),
                f"Time per recording ({method})",
                f"Above: predicted against labelled time, one dot a recording (n = {n}); on the dashed line they "
                "agree. Below (Bland and Altman): the difference against the mean; the line is the bias, the band "
                "holds about 95 % of recordings. A bias shifts all groups alike; a wide band hides differences "
                "between animals. Totals can agree though the frames do not: read them together with F1.",
                "Scatter and Bland–Altman plots of " + listed(map(readable, names), 12),
                own,
            )
        )
    if totals is not None and len(totals):
        own = _of(totals, method).copy()
        if {"time_low", "time_high"} <= set(own):
            own["time_limits"] = list(map(span, own["time_low"], own["time_high"]))
        shown = own[[c for c in ("behaviour", *_TOTALS) if c in own]]
        out.append(
            ReportTable(
                shown, f"Agreement of totals ({method})", headings=_TOTALS, full=_of(totals, method), folded=True
            )
        )
    return out
