"""Methods text for a paper, from what was really run."""

from __future__ import annotations

import json
from typing import Any

from murid.data.errors import DataError
from murid.evaluate.evaluation_tables import FOLDS
from murid.neural.tuning_analysis import TUNING
from murid.plot.number_text import count, listed, number, readable
from murid.prepare.quality_analysis import BAD, QUALITY
from murid.report.context import Context
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Listing, Section, Words
from murid.report.subjects import named_unit
from murid.stats.group_tables import COMPARISON, LATENCIES, PAIRWISE
from murid.stats.statements import comparison_statements

#: Papers behind what murid itself computes.
CITES = {
    "estimation": "Ho J. et al. (2019) Moving beyond P values: data analysis with estimation graphics. Nat Methods "
    "16:565–566",
    "fdr": "Benjamini Y. & Hochberg Y. (1995) Controlling the false discovery rate. J R Stat Soc B 57:289–300",
    "logrank": "Mantel N. (1966) Evaluation of survival data and two new rank order statistics arising in its "
    "consideration. Cancer Chemother Rep 50:163–170",
    "hedges": "Hedges L.V. (1981) Distribution theory for Glass's estimator of effect size. J Educ Stat 6:107–128",
    "shift": "Harris K.D. (2020) Nonsense correlations in neuroscience. bioRxiv 2020.11.29.402719",
    "agreement": "Bland J.M. & Altman D.G. (1986) Statistical methods for assessing agreement. Lancet 327:307–310",
}

#: Ends of parameter names and the units they stand for.
_UNITS = {"_cm_s": "cm/s", "_px_per_cm": "px/cm", "_cm": "cm", "_hz": "Hz", "_s": "s", "_percent": "%"}


def make(context: Context) -> Section | None:
    """Write paragraphs and the list of papers to cite."""
    if not context.runs:
        return None
    section = Section(
        "methods",
        "Methods text",
        "Ready to be copied into a paper and edited. It was written from the parameters of the runs; what happened "
        "before (animals, apparatus, tracking) is for you to add.",
    )
    cites: list[str] = []
    section.add(Words(_software(context)))
    for run in context.runs:
        text, papers = _check(context, run) if run.command == "check" else _WRITERS.get(run.command, _nothing)(run)
        if text:
            section.add(Words(text))
        cites += papers
    cites = list(dict.fromkeys(cites))
    if cites:
        section.add(Listing(tuple(cites), "References"))
    return section


def _software(context: Context) -> str:
    versions: dict[str, str] = next(
        (r.provenance.get("versions", {}) for r in context.runs if r.provenance.get("versions")), {}
    )
    used = [
        f"{n} {versions[n]}" for n in ("numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "torch") if n in versions
    ]
    fps = sorted({round(g.fps, 3) for g in context.glances.values()})
    rate = f" at {listed([number(f) for f in fps])} frames/s" if fps else ""
    points = sorted({len(g.keypoints) for g in context.glances.values()})
    tracked = f", {listed(points)} keypoints tracked{rate}" if points else ""
    return (
        f"{count(len(context.table), 'recording')} of {count(context.animals.nunique(), 'animal')}{tracked} were "
        f"analysed with murid {versions.get('murid', '')} (Python {versions.get('python', '')}; {', '.join(used)})."
    )


def _check(context: Context, run: RunFolder) -> tuple[str, list[str]]:
    s = run.summary
    n = s.get("recordings", 0)
    n = len(n) if isinstance(n, list) else int(n or 0)
    if not n:
        return "", []
    parts = []
    if context.glances:
        parts.append("missing, doubtful, jumping and stuck keypoints, dropped frames, clock and scale")
    if context.table["nouns"].str.contains("traces").any():
        parts.append("missing samples, dead and saturated signals and their overlap with the labels")
    what = f" for {listed(parts)}" if parts else ""
    return (
        f"The quality of {count(n, 'recording')} was checked{what}; {_bad(run)}.",
        [],
    )


def _bad(run: RunFolder) -> str:
    """Bad checks, and of how many recordings."""
    bad = int(run.summary.get("bad", 0) or 0)
    quality = run.rows(QUALITY, ["recording", "verdict"]) if run.has("quality") else None
    text = f"{count(bad, 'check was', 'checks were')} judged bad"
    if not bad or quality is None:
        return text
    concerned = quality.having(quality.verdict == BAD).recording.nunique()
    return f"{text}, in {count(concerned, 'recording')}"


def _nothing(_run: RunFolder) -> tuple[str, list[str]]:
    return "", []


def _cleaning(asked: object) -> str:
    """Describe CleanParams as stored."""
    if not isinstance(asked, dict) or "min_confidence" not in asked:
        return ""
    parts = [f"keypoints with a confidence below {number(asked['min_confidence'])} were masked"]
    if asked.get("jumps"):
        parts.append(
            f"as were positions that needed a speed above {number(asked.get('max_speed_cm_s'))} cm/s "
            f"({number(asked.get('max_speed_body'))} body lengths/s where no scale is known)"
        )
    text = ", ".join(parts)
    text += f"; gaps up to {number(asked.get('max_gap_s'))} s were filled ({asked.get('fill', 'interpolated')})"
    kind = asked.get("smoothing")
    if kind == "savgol":
        window = number(asked.get("window_s"))
        text += f" and tracks smoothed (Savitzky–Golay, order {asked.get('savgol_order')}, {window} s)"
    elif kind and kind != "none":
        text += f" and tracks smoothed ({kind}, {number(asked.get('window_s'))} s)"
    return f"{text[0].upper()}{text[1:]}. "


def _assay(run: RunFolder) -> tuple[str, list[str]]:
    asked = run.params.get("params", {})
    name = readable(run.summary.get("paradigm") or run.params.get("name") or "assay")
    plain = {k: v for k, v in asked.items() if not isinstance(v, dict) and v is not None}
    text = f"{name[0].upper()}{name[1:]}. {_cleaning(asked.get('clean'))}"
    text += "Parameters: " + ", ".join(_parameter(k, v) for k, v in plain.items()) + ". "
    conventions = run.summary.get("conventions") or {}
    for key, words in (("moving", "Movement"), ("entry", "Zone entries"), ("latency", "Latency")):
        if key in conventions:
            text += f"{words}: {conventions[key]}. "
    if not run.has(COMPARISON.name):
        return text.strip(), []
    table = run.rows(COMPARISON, ["measure", "p", "q", "groups"])
    rows = [] if table is None else comparison_statements(table.frame)
    tested = max(rows, key=lambda r: len(r.groups), default=None)
    if tested is None:
        return text.strip(), []
    sizes = listed([f"{g} n = {tested.n[g]}" for g in tested.groups])
    late = run.rows(LATENCIES, ["measure"]) if run.has(LATENCIES.name) else None
    unit = named_unit(tested.noun)
    text += f"Groups ({sizes}; unit: {unit.noun}) were compared by permutation of {unit.plural} between groups"
    papers = [CITES["estimation"], CITES["fdr"]]
    if len(tested.groups) == 2:
        text += " (two-sided), with the mean difference and Hedges' g and their 95 % confidence intervals. "
        papers.append(CITES["hedges"])
    else:
        text += f" ({readable(tested.test) or 'one test over all groups'})"
        text += ", and pairs of groups with Holm's correction. " if run.has(PAIRWISE.name) else ". "
    if late is not None and len(late):
        text += "Latencies that some animals never reached were compared by the log-rank test (p by permutation). "
        papers.append(CITES["logrank"])
    text += "p values of all measures were corrected by the Benjamini–Hochberg procedure (q); "
    text += f"groups differ where q ≤ {number(run.level)}."
    return text, papers


def card_of(name: str) -> dict[str, Any]:
    """Card of a method: title, cites; empty when it is not known here."""
    from murid.methods import method_class

    try:
        return method_class(name).card()
    except (DataError, ImportError):
        return {}


def _parameter(name: str, value: Any) -> str:
    """Return a parameter as words, its unit (the end of its name) behind the number."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else number(value)
    for end, unit in _UNITS.items():
        if name.endswith(end):
            return f"{readable(name.removesuffix(end))} {text} {unit}"
    return f"{readable(name)} {text}"


def _listed(params: dict[str, Any]) -> str:
    """Parameters that are single values, as a list in words."""
    plain = {k: v for k, v in params.items() if v is not None and not isinstance(v, (dict, list)) and k != "seed"}
    return ", ".join(_parameter(k, v) for k, v in plain.items())


def _evaluate(run: RunFolder) -> tuple[str, list[str]]:
    asked = run.params.get("methods", {})
    papers: list[str] = []
    parts = []
    for name, params in asked.items():
        card = card_of(name)
        papers += card.get("cites", ())
        title = f" ({card['title']})" if card else ""
        parts.append(f"{name}{title}; {_listed(params)}" if params else f"{name}{title}")
    if not parts:
        return "", []
    cleaning = next((c for p in asked.values() if (c := _cleaning(p.get("clean")))), "")
    table = run.rows(FOLDS, ["fold", "side"]) if run.has(FOLDS.name) else None
    n_folds = run.params.get("folds") or (int(table.fold.max()) if table is not None and len(table) else None)
    split = "one split into training and test recordings"
    if run.params.get("train") is None:
        split = f"{count(n_folds, 'fold')}" if n_folds else "folds"
    held_out = f"in {split} with every {run.params.get('group', 'animal')} on one side only; scores are pooled over "
    held_out += "held-out recordings"
    if table is not None and len(table) and not (table.side == "train").any():
        held_out = "on all labelled recordings, from whose labels nothing was learnt"
    behaviours = run.params.get("behaviours")
    learnt = f" of {listed(map(readable, behaviours), 20)}" if behaviours else ""
    text = (
        f"Recognition{learnt}. {cleaning}Behaviours were recognised with {'; '.join(parts)}. Methods were evaluated "
        f"{held_out}, with 95 % bootstrap intervals over animals. Totals were compared by Bland–Altman limits of "
        "agreement."
    )
    return text, [*papers, CITES["agreement"]]


def _fit(run: RunFolder) -> tuple[str, list[str]]:
    name = str(run.params.get("method", ""))
    card = card_of(name)
    asked = run.params.get("params", {})
    ids = run.params.get("ids") or []
    text = (
        f"Model '{run.params.get('model', name)}'. "
        f"{_cleaning(asked.get('clean'))}{name}{' (' + card['title'] + ')' if card else ''} was fitted to "
        f"{count(len(ids), 'recording')} ({_listed(asked)}; seed {asked.get('seed', 'none')})."
    )
    return text, list(card.get("cites", ()))


def _apply(run: RunFolder) -> tuple[str, list[str]]:
    name = str(run.summary.get("method") or "")
    if not name:
        return "", []
    papers = list(card_of(name).get("cites", ()))
    ids = run.params.get("ids") or []
    model = f"model '{run.params.get('model', '')}'{_from_elsewhere(run)}"
    text = f"States of {count(len(ids), 'recording')} were obtained with {name} ({model}). "
    return text + "Transitions are changes of state; staying is not counted.", papers


def _from_elsewhere(run: RunFolder) -> str:
    """Name training and parameters of a model that is not, or no longer, the one of its name in this study."""
    applied = run.summary.get("applied") or {}
    own = run.folder.resolve().parent.parent / "models" / str(run.params.get("model", "")) / "params.json"
    try:
        head = json.loads(own.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        head = {}
    if not applied or all(head.get(key) == applied.get(key) for key in ("method", "params", "training")):
        return ""
    learnt, asked = len(applied.get("training", {}).get("recordings", ())), applied.get("params", {})
    return (
        f", which is not the one in this study: fitted to {count(learnt, 'recording')} ({_listed(asked)}; "
        f"seed {asked.get('seed', 'none')})"
    )


def _neural(run: RunFolder) -> tuple[str, list[str]]:
    asked = run.params.get("params", {})
    statistic = (
        "the area under the ROC curve (AUROC)" if asked.get("statistic", "auroc") == "auroc" else "mutual information"
    )
    source = run.params.get("states_from", "labels")
    states = "human labels" if source == "labels" else f"model '{source}'"
    text = (
        f"Tuning of units to behaviours ({states}) was measured by {statistic} of the signal in against out of the "
        f"behaviour, and tested against {_shifts(run, asked)}. Behaviours with fewer than {asked.get('min_bouts', 5)} "
        "bouts were not tested. p values were corrected within each recording by the Benjamini–Hochberg procedure "
        f"(q ≤ {number(run.level)})."
    )
    return text, [CITES["shift"], CITES["fdr"]]


def _shifts(run: RunFolder, asked: dict[str, Any]) -> str:
    """Name the null that was really used, pair by pair, and the shifts it leaves out."""
    shortest, share = number(asked.get("min_shift_s", 30)), number(100 * float(asked.get("max_min_shift", 0.1)))
    circular = (
        f"circular shifts of the signal (shifts of less than {shortest} s, or of less than {share} % of a session too "
        "short for that, left out)"
    )
    reach = number(100 * float(asked.get("linear_reach", 0.25)))
    linear = f"linear shifts of up to {reach} % of the session either way"
    tuning = run.rows(TUNING, ["null", "p"]) if run.has("tuning") else None
    kinds = set() if tuning is None else set(tuning.having(tuning.p.notna()).null.astype(str))
    if kinds == {"linear"}:
        return linear
    if kinds == {"circular"} or asked.get("null") == "circular":
        return circular
    return (
        f"{circular}, or, where unit and behaviour both drift (|correlation with time| > "
        f"{number(asked.get('drift_limit', 0.3))}), {linear}"
    )


#: Command of a run → what writes its paragraph.
_WRITERS = {"assay": _assay, "evaluate": _evaluate, "fit": _fit, "apply": _apply, "neural": _neural}
