"""Methods text for a paper, from what was really run."""

from __future__ import annotations

from typing import Any

from murid.data.errors import DataError
from murid.report.context import Context
from murid.report.parts import Listing, Section, Words
from murid.report.runfolder import RunFolder
from murid.report.words import count, listed, number, readable

#: Papers behind what murid itself computes.
CITES = {
    "estimation": "Ho J. et al. (2019) Moving beyond P values: data analysis with estimation graphics. Nat Methods "
    "16:565–566",
    "fdr": "Benjamini Y. & Hochberg Y. (1995) Controlling the false discovery rate. J R Stat Soc B 57:289–300",
    "bca": "Efron B. (1987) Better bootstrap confidence intervals. J Am Stat Assoc 82:171–185",
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
    writers = {"check": _check, "assay": _assay, "evaluate": _evaluate, "fit": _fit, "apply": _apply, "neural": _neural}
    section.add(Words(_software(context)))
    for run in context.runs:
        writer = writers.get(run.command)
        text, papers = writer(context, run) if writer else ("", [])
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
        f"{n} {versions[n]}"
        for n in ("numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "statsmodels", "torch")
        if n in versions
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
    if "recordings" not in s:
        return "", []
    parts = []
    if context.glances:
        parts.append("missing, doubtful, jumping and stuck keypoints, dropped frames, clock and scale")
    if context.table["nouns"].str.contains("traces").any():
        parts.append("missing samples, dead and saturated signals and their overlap with the labels")
    what = f" for {listed(parts)}" if parts else ""
    return (
        f"The quality of {count(s['recordings'], 'recording')} was checked{what}; "
        f"{number(s.get('bad', 0))} checks were judged bad.",
        [],
    )


def _cleaning(told: Any) -> str:
    """Describe CleanParams as stored."""
    if not isinstance(told, dict) or "min_confidence" not in told:
        return ""
    parts = [f"keypoints with a confidence below {number(told['min_confidence'])} were masked"]
    if told.get("jumps"):
        parts.append(
            f"as were positions that needed a speed above {number(told.get('max_speed_cm_s'))} cm/s "
            f"({number(told.get('max_speed_body'))} body lengths/s where no scale is known)"
        )
    text = ", ".join(parts)
    text += f"; gaps up to {number(told.get('max_gap_s'))} s were filled ({told.get('fill', 'interpolated')})"
    kind = told.get("smoothing")
    if kind == "savgol":
        text += (
            f" and tracks smoothed (Savitzky–Golay, order {told.get('savgol_order')}, {number(told.get('window_s'))} s)"
        )
    elif kind and kind != "none":
        text += f" and tracks smoothed ({kind}, {number(told.get('window_s'))} s)"
    return f"{text[0].upper()}{text[1:]}. "


def _assay(context: Context, run: RunFolder) -> tuple[str, list[str]]:
    told = run.params.get("params", {})
    name = readable(run.summary.get("paradigm") or run.params.get("name") or "assay")
    plain = {k: v for k, v in told.items() if not isinstance(v, dict) and v is not None}
    text = f"{name[0].upper()}{name[1:]}. {_cleaning(told.get('clean'))}"
    text += "Parameters: " + ", ".join(_parameter(k, v) for k, v in plain.items()) + ". "
    conventions = run.summary.get("conventions") or {}
    for key, words in (("moving", "Movement"), ("entry", "Zone entries"), ("latency", "Latency")):
        if key in conventions:
            text += f"{words}: {conventions[key]}. "
    if not run.has("comparison"):
        return text.strip(), []
    groups = run.summary.get("groups") or {}
    sizes = listed([f"{g} n = {n}" for g, n in groups.items()])
    text += (
        f"Groups ({sizes}; unit: animal) were compared by permutation of animals between groups (two-sided), with "
        "the mean difference and Hedges' g and their 95 % bias-corrected and accelerated bootstrap intervals; p "
        "values of all measures were corrected by the Benjamini–Hochberg procedure (q)."
    )
    return text, [CITES["estimation"], CITES["hedges"], CITES["bca"], CITES["fdr"]]


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


def _told(params: dict[str, Any]) -> str:
    """Parameters that are single values, as a list in words."""
    plain = {k: v for k, v in params.items() if v is not None and not isinstance(v, (dict, list)) and k != "seed"}
    return ", ".join(_parameter(k, v) for k, v in plain.items())


def _evaluate(context: Context, run: RunFolder) -> tuple[str, list[str]]:
    told = run.params.get("methods", {})
    papers: list[str] = []
    parts = []
    for name, params in told.items():
        card = card_of(name)
        papers += card.get("cites", ())
        title = f" ({card['title']})" if card else ""
        parts.append(f"{name}{title}; {_told(params)}" if params else f"{name}{title}")
    if not parts:
        return "", []
    cleaning = next((c for p in told.values() if (c := _cleaning(p.get("clean")))), "")
    split = (
        f"{run.params.get('folds')} folds"
        if run.params.get("train") is None
        else "one split into training and test recordings"
    )
    behaviours = run.params.get("behaviours")
    learnt = f" of {listed(map(readable, behaviours), 20)}" if behaviours else ""
    text = (
        f"Recognition{learnt}. {cleaning}Behaviours were recognised with {'; '.join(parts)}. Methods were evaluated "
        f"in {split} with every {run.params.get('group', 'animal')} on one side only; scores are pooled over "
        "held-out recordings, with 95 % bootstrap intervals over animals. Totals were compared by Bland–Altman "
        "limits of agreement."
    )
    return text, [*papers, CITES["agreement"]]


def _fit(context: Context, run: RunFolder) -> tuple[str, list[str]]:
    name = str(run.params.get("method", ""))
    card = card_of(name)
    told = run.params.get("params", {})
    ids = run.params.get("ids") or []
    text = (
        f"Model '{run.params.get('model', name)}'. "
        f"{_cleaning(told.get('clean'))}{name}{' (' + card['title'] + ')' if card else ''} was fitted to "
        f"{count(len(ids), 'recording')} ({_told(told)}; seed {told.get('seed', 'none')})."
    )
    return text, list(card.get("cites", ()))


def _apply(context: Context, run: RunFolder) -> tuple[str, list[str]]:
    name = str(run.summary.get("method") or "")
    if not name:
        return "", []
    papers = list(card_of(name).get("cites", ()))
    ids = run.params.get("ids") or []
    model = run.params.get("model", "")
    text = f"States of {count(len(ids), 'recording')} were obtained with {name} (model '{model}'). "
    return text + "Transitions are changes of state; staying is not counted.", papers


def _neural(context: Context, run: RunFolder) -> tuple[str, list[str]]:
    told = run.params.get("params", {})
    statistic = (
        "the area under the ROC curve (AUROC)" if told.get("statistic", "auroc") == "auroc" else "mutual information"
    )
    source = run.params.get("states_from", "labels")
    said = "human labels" if source == "labels" else f"model '{source}'"
    null = {
        "circular": "circular shifts",
        "linear": "linear shifts",
        "auto": "circular shifts, and linear shifts where unit and behaviour both drift (|correlation with time| > "
        f"{number(told.get('drift_limit', 0.3))})",
    }.get(str(told.get("null", "auto")), str(told.get("null")))
    text = (
        f"Tuning of units to behaviours ({said}) was measured by {statistic} of the signal in against out of the "
        f"behaviour, and tested against all {null}, shifts of less than {number(told.get('min_shift_s', 30))} s left "
        f"out. Behaviours with fewer than {told.get('min_bouts', 5)} bouts were not tested. p values were corrected "
        f"within each recording by the Benjamini–Hochberg procedure (q ≤ {number(told.get('alpha', 0.05))})."
    )
    return text, [CITES["shift"], CITES["fdr"]]
