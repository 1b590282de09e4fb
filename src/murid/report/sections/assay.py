"""What the paradigm measured, and whether groups differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from murid.report.context import Context
from murid.report.figures.estimation import Estimate, estimation
from murid.report.parts import Code, Listing, Part, Picture, Section, Table, Words
from murid.report.runfolder import RunFolder
from murid.report.words import listed, number, p_value, readable

MAX_PLOTS = 9
#: Measures drawn first, whatever their p: what papers of these tests report.
HEADLINE = (
    "distance",
    "time_moving",
    "mean_speed",
    "time_percent",
    "entries",
    "latency",
    "thigmotaxis_time",
    "preference",
    "discrimination",
    "index",
    "freezing",
    "open_arm",
    "spontaneous_alternation",
)
_MINOR = ("unknown", "entries_raw", "transitions", "corner", "inner", "wall_distance_q")
_KEYS = ("recording", "animal", "group", "day", "session", "individual")
_HEADINGS = {
    "difference": "difference, second − first [95 % interval]",
    "effect": "effect size [95 % interval]",
}


def make(context: Context) -> Section | None:
    """Measures of every assay run, with estimation plots where groups were compared."""
    runs = context.runs_of("assay")
    if not runs:
        return None
    section = Section("assay", "Measures of the test")
    paradigms = [readable(str(r.summary.get("paradigm") or r.params.get("name") or "assay")) for r in runs]
    section.title = f"Measures: {listed(dict.fromkeys(paradigms))}"
    section.lead = (
        "What the behavioural test measured, animal by animal. The definition of each measure and every convention "
        "that changes a number are given, because they differ between programs."
    )
    for run, paradigm in zip(runs, paradigms, strict=True):
        _one(context, section, run, paradigm)
    return section


def _one(context: Context, section: Section, run: RunFolder, paradigm: str) -> None:
    animals = run.table("animals", ["recording", "animal"])
    if animals is None:
        section.add(Words(f"The run {run.name} has no readable table of animals.", "warning"))
        return
    measures = run.table("measures", ["measure", "value", "unit", "zone"])
    units = units_of(measures)
    comparison = run.table("comparison", ["measure", "p", "q"]) if run.has("comparison") else None
    group = str(run.params.get("compare") or "group")
    if comparison is not None and group in animals:
        _compared(context, section, run, paradigm, animals, measures, comparison, units, group)
    else:
        section.add(Words(_why_not(run), "note"))
        section.add(_plots(context, animals, measures, None, units, group if group in animals else ""))
    shown = animals.rename(columns={c: title(c, units) for c in animals.columns if c not in _KEYS})
    section.add(Table(shown, f"Every animal ({paradigm})", folded=True, full=animals))
    section.add(*_definitions(run, measures))


def _compared(
    context: Context,
    section: Section,
    run: RunFolder,
    paradigm: str,
    animals: pd.DataFrame,
    measures: pd.DataFrame | None,
    comparison: pd.DataFrame,
    units: dict[str, str],
    group: str,
) -> None:
    names = [c[2:] for c in comparison.columns if c.startswith("n_")]
    sizes = {g: int(comparison[f"n_{g}"].iloc[0]) for g in names}
    differ = comparison[comparison["q"] <= 0.05]
    n = ", ".join(f"{g}: n = {k} animals" for g, k in sizes.items())
    text = (
        f"{number(len(differ)) if len(differ) else 'None'} of {number(len(comparison))} measures of the {paradigm} "
        f"differ between {listed(names)} after correction for testing many of them (q ≤ 0.05; {n})."
    )
    section.findings.append(text + _strongest(differ, units, names))
    section.add(Words(text, "finding"))
    if not len(differ):
        section.add(
            Words(
                "No difference was shown. That is not the same as no effect: look at the intervals, which hold every "
                "difference that the data are compatible with.",
                "note",
            )
        )
    section.add(_plots(context, animals, measures, comparison, units, group))
    section.add(_comparison_table(comparison, names, units))


def _strongest(differ: pd.DataFrame, units: dict[str, str], names: list[str]) -> str:
    if not len(differ) or len(names) != 2:
        return ""
    row = differ.loc[differ["effect"].abs().idxmax()]
    way = "more" if row["difference"] > 0 else "less"
    unit = units.get(row["measure"], "")
    return (
        f" Largest effect: {title(row['measure'], {})}, {number(abs(row['difference']))}{' ' + unit if unit else ''} "
        f"{way} in {names[1]} ({row.get('effect_name', 'effect')} {number(row['effect'], 2)}, {p_value(row['p'])})."
    )


def chosen(comparison: pd.DataFrame | None, columns: list[str], limit: int = MAX_PLOTS) -> list[str]:
    """Choose the measures to draw: the usual ones first, then those that differ; not by p alone.

    Parameters
    ----------
    comparison : DataFrame, optional
        ``measure, p, q``.
    columns : list of str
        All measures.
    limit : int
    """
    plain = [c for c in columns if not any(m in c for m in _MINOR)]
    usual = [c for word in HEADLINE for c in plain if c.split(":")[0].startswith(word) and "distance_percent" not in c]
    usual = [c for c in dict.fromkeys(usual) if not c.startswith("distance:")]
    plain = [
        c for c in plain if c.replace("time:", "time_percent:") not in usual
    ]  # seconds beside percent say nothing new
    found: list[str] = []
    if comparison is not None:
        hits = comparison[(comparison["q"] <= 0.05)].sort_values("p")["measure"].tolist()
        minor = ("unknown", "entries_raw", "transitions")
        extra = [m for m in hits if m not in usual[:limit] and not any(x in m for x in minor)]
        found = [*usual[: limit - min(3, len(extra))], *extra]
    else:
        found = usual
    rest = [c for c in plain if c not in usual]
    return list(dict.fromkeys([*found, *usual, *rest]))[:limit]


def _plots(
    context: Context,
    animals: pd.DataFrame,
    measures: pd.DataFrame | None,
    comparison: pd.DataFrame | None,
    units: dict[str, str],
    group: str,
) -> Picture | None:
    numeric = [c for c in animals.columns if c not in _KEYS and pd.api.types.is_numeric_dtype(animals[c])]
    numeric = [c for c in numeric if animals[c].notna().any()]
    names = chosen(comparison, numeric)
    if not names:
        return None
    estimates = [_estimate(animals, measures, comparison, name, units, group) for name in names]
    more = f" {len(numeric) - len(names)} more measures are in the tables." if len(numeric) > len(names) else ""
    tested = comparison is not None
    caption = (
        "Every dot is one animal; bars are group means. Right of the line: difference of the means (dot) with its 95 "
        "% interval, on the axis at the right, whose zero is the mean of the first group. An interval that holds "
        "zero means that the data do not show a difference; a wide one that there are too few animals to say. g is "
        "Hedges' g, the difference in standard deviations; p comes from permuting animals between groups; q is p "
        "corrected for testing many measures."
        if tested
        else "Every dot is one animal; bars are means. Groups were not compared."
    )
    hollow = (
        " Empty dots: the event never came within the recording, the value is a lower limit."
        if any(v.any() for e in estimates for v in e.censored.values())
        else ""
    )
    usual = (
        " The usual measures of the test are drawn whatever their p, then up to three others that differ."
        if tested
        else ""
    )
    colours = {**context.group_colours}
    if group and not set(animals[group]) <= set(colours):
        from murid.report.colours import GROUPS, colours_of

        colours = colours_of([str(g) for g in dict.fromkeys(animals[group])], GROUPS)
    return Picture(
        estimation(estimates, colours),
        "Measures, animal by animal" if not tested else "Groups compared",
        f"{caption}{hollow}{usual}{more}",
        f"Dot plots of {listed([title(n, {}) for n in names], 9)}, by {group or 'animal'}.",
        animals[[c for c in _KEYS if c in animals] + names],
    )


def _estimate(
    animals: pd.DataFrame,
    measures: pd.DataFrame | None,
    comparison: pd.DataFrame | None,
    name: str,
    units: dict[str, str],
    group: str,
) -> Estimate:
    """One value an animal (recordings averaged), with the tested difference."""
    known = animals.dropna(subset=[name]).assign(_group=animals[group].astype(str) if group else "all animals")
    known = known[known["_group"] != ""]
    late = _censored(measures, name)
    whom = known["individual"] if "individual" in known else known["recording"]
    known = known.assign(_censored=[key in late for key in zip(known["recording"], whom, strict=True)])
    per = known.groupby(["_group", "animal"], sort=False)
    values, censored = per[name].mean(), per["_censored"].max()
    groups = list(dict.fromkeys(known["_group"]))
    interval, note = None, ""
    if comparison is not None and (comparison["measure"] == name).any():
        row = comparison[comparison["measure"] == name].iloc[0]
        if np.isfinite(row.get("difference", np.nan)):
            interval = (float(row["difference"]), float(row["difference_low"]), float(row["difference_high"]))
            note = f"g = {number(row['effect'], 2)}, "
        note += f"{p_value(row['p'])}, q = {number(row['q'], 2)}"
    elif comparison is not None:
        note = "not compared: missing in some animals"
    return Estimate(
        title(name, {}),
        units.get(name, ""),
        {g: values[g].to_numpy(float) for g in groups},
        interval,
        note,
        {g: censored[g].to_numpy(bool) for g in groups},
    )


def _censored(measures: pd.DataFrame | None, name: str) -> set[tuple[str, str]]:
    """Recordings and individuals whose value of a measure is a limit."""
    if measures is None or "censored" not in measures:
        return set()
    base, _, zone = name.partition(":")
    rows = measures[(measures["measure"] == base) & (measures["zone"] == zone) & measures["censored"].astype(bool)]
    if "bin_start_s" in rows:
        rows = rows[rows["bin_start_s"].isna()]
    return set(zip(rows["recording"], rows["individual"], strict=True)) if "recording" in rows else set()


def _comparison_table(comparison: pd.DataFrame, names: list[str], units: dict[str, str]) -> Table:
    """Readable rows, smallest p first."""
    rows = []
    for _, row in comparison.sort_values("p", kind="stable").iterrows():
        out = {"measure": title(row["measure"], units)}
        for g in names:
            out[f"{g} (mean ± SD)"] = f"{number(row[f'mean_{g}'])} ± {number(row[f'sd_{g}'])}"
        if np.isfinite(row.get("difference", np.nan)):
            for column, low, high in (
                ("difference", "difference_low", "difference_high"),
                ("effect", "effect_low", "effect_high"),
            ):
                digits = 3 if column == "difference" else 2
                out[column] = f"{number(row[column], digits)} [{number(row[low], digits)}, {number(row[high], digits)}]"
        rows.append(out | {"p": row["p"], "q": row["q"]})
    notes = listed(dict.fromkeys(n for n in comparison.get("notes", pd.Series(dtype=str)).astype(str) if n))
    effect = listed(
        dict.fromkeys(e for e in comparison.get("effect_name", pd.Series(dtype=str)).astype(str) if e != "none")
    )
    caption = (
        f"Smallest p first (permutation of animals). Effect size: {effect or 'none for more than two groups'}. "
        "q: Benjamini–Hochberg over all measures of the table; many of them are related to each other, so count "
        "findings with care." + (f" Note: {notes}." if notes else "")
    )
    return Table(pd.DataFrame(rows), "Comparison of groups", caption, _HEADINGS, limit=15, full=comparison)


def _definitions(run: RunFolder, measures: pd.DataFrame | None) -> list[Part]:
    out: list[Part] = []
    if measures is not None and "definition" in measures:
        table = measures[["measure", "unit", "definition"]].drop_duplicates("measure")
        out.append(Table(table, "What each measure means", folded=True, limit=80))
    conventions = run.summary.get("conventions")
    if isinstance(conventions, dict):
        lines = [f"{readable(k)}: {_flat(v)}" for k, v in conventions.items() if v is not None]
        out.append(Code("\n".join(lines), "Conventions that change the numbers"))
    if run.warnings:
        out.append(Listing(tuple(run.warnings), "Notes of the analysis", folded=len(run.warnings) > 8))
    return out


def _flat(value: Any) -> str:
    """Return a list or a mapping on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{readable(k)} {_flat(v)}" for k, v in value.items() if v is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _why_not(run: RunFolder) -> str:
    said = [w for w in run.warnings if w.startswith("no comparison")]
    return (
        f"Groups were not compared ({said[0].removeprefix('no comparison: ')})."
        if said
        else "Groups were not compared."
    )


def units_of(measures: pd.DataFrame | None) -> dict[str, str]:
    """Unit of each measure, by its column name (``measure`` or ``measure:zone``)."""
    if measures is None:
        return {}
    rows = measures[["measure", "zone", "unit"]].drop_duplicates().fillna("")
    return {f"{m}:{z}" if z else m: u for m, z, u in rows.itertuples(index=False, name=None)}


def title(name: str, units: dict[str, str]) -> str:
    """Return a measure as words, with its unit when given: ``time_percent:centre`` → ``time percent, centre (%)``."""
    base, _, zone = str(name).partition(":")
    words = readable(base).replace("time percent", "time").replace("distance percent", "share of distance")
    text = f"{words}, {readable(zone)}" if zone else words
    unit = units.get(name, "")
    return f"{text} ({unit})" if unit else text
