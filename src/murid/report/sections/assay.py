"""What the paradigm measured, and whether groups differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from murid.plot.colours import GROUPS, colours_of
from murid.plot.estimates import Estimate
from murid.plot.words import count, listed, measure_name, number, p_value, readable, span
from murid.report.context import Context
from murid.report.figures.estimation import estimation
from murid.report.parts import Code, Listing, Part, Picture, Section, Table, Words
from murid.report.rows import (
    ComparedLatency,
    ComparedMeasure,
    Tested,
    compared_latencies,
    compared_measures,
    compared_pairs,
)
from murid.report.runfolder import RunFolder
from murid.report.sentences import effect_name, groups_differ, largest_difference, latency_found, pairs_differ

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


@dataclass(frozen=True)
class AssayRun:
    """The tables of one run of a paradigm, as the section needs them.

    Attributes
    ----------
    run : RunFolder
    paradigm : str
        In words.
    animals : DataFrame
        One row a recording and individual.
    group : str
        Column that was compared; "" where the table has none.
    """

    run: RunFolder
    paradigm: str
    animals: pd.DataFrame
    group: str
    #: Animal, or the recording where no animal is named: without a name each recording is an animal of its own.
    unit: pd.Series = field(init=False)

    def __post_init__(self) -> None:
        animal = self.animals["animal"] if "animal" in self.animals else self.animals["recording"]
        animal = animal.fillna("").astype(str)
        object.__setattr__(self, "unit", animal.where(animal != "", self.animals["recording"].astype(str)))

    @cached_property
    def measures(self) -> pd.DataFrame | None:
        """The long table with units and definitions."""
        return self.run.table("measures", ["measure", "value", "unit", "zone"])

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of each measure."""
        return units_of(self.measures)

    def _rows(self, name: str, *needs: str) -> pd.DataFrame | None:
        return self.run.table(name, needs) if self.run.has(name) else None

    @cached_property
    def comparison(self) -> pd.DataFrame | None:
        """The table ``comparison`` as it is."""
        return self._rows("comparison", "measure", "p", "q")

    @cached_property
    def compared(self) -> list[ComparedMeasure]:
        """Measures that were compared between groups."""
        return [] if self.comparison is None else compared_measures(self.comparison)

    @cached_property
    def latencies(self) -> list[ComparedLatency]:
        """Latencies compared by survival."""
        table = self._rows("latencies", "measure", "p")
        return [] if table is None else compared_latencies(table)

    @property
    def tested(self) -> list[Tested]:
        """Everything that was compared between groups."""
        return [*self.compared, *self.latencies]

    @property
    def order(self) -> list[str]:
        """Compared groups in the order of the test, then the groups that were left out."""
        tested = [g for row in self.tested for g in row.names]
        given = self.animals[self.group].fillna("").astype(str) if self.group else pd.Series(dtype=str)
        return [g for g in dict.fromkeys([*tested, *given]) if g]

    @property
    def differ(self) -> list[str]:
        """Measures that differ between groups, smallest p first."""
        return [r.measure for r in sorted(self.tested, key=lambda r: r.p) if r.differs]


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
        animals = run.table("animals", ["recording"])
        if animals is None:
            section.add(Words(f"The run {run.name} has no readable table of animals.", "warning"))
            continue
        group = str(run.params.get("compare") or "group")
        _one(context, section, AssayRun(run, paradigm, animals, group if group in animals else ""))
    return section


def _one(context: Context, section: Section, found: AssayRun) -> None:
    if found.group and (found.compared or found.latencies):
        _compared(context, section, found)
    else:
        section.add(Words(_why_not(found.run), "note"))
        section.add(_plots(context, found))
    shown = found.animals.rename(
        columns={c: measure_name(c, found.units.get(c, "")) for c in found.animals.columns if c not in _KEYS}
    )
    section.add(Table(shown, f"Every animal ({found.paradigm})", folded=True, full=found.animals))
    section.add(*_definitions(found.run, found.measures))


def _compared(context: Context, section: Section, found: AssayRun) -> None:
    text = groups_differ(found.paradigm, found.compared, found.latencies)
    pairs_table = found.run.table("pairwise", ["measure", "first", "second"]) if found.run.has("pairwise") else None
    pairs = [] if pairs_table is None else compared_pairs(pairs_table)
    more = [largest_difference(found.compared, found.units), pairs_differ(pairs, found.differ)]
    more += [latency_found(row) for row in found.latencies if row.differs]
    section.findings.append(" ".join(t for t in (text, *more) if t))
    section.add(Words(text, "finding"))
    section.add(*[Words(latency_found(row)) for row in found.latencies if np.isfinite(row.p)])
    section.add(*[Words(t) for t in (pairs_differ(pairs, found.differ),) if t])
    if not found.differ:
        section.add(
            Words(
                "No difference was shown. That is not the same as no effect: look at the intervals, which hold every "
                "difference that the data are compatible with.",
                "note",
            )
        )
    section.add(_left_out(found), _plots(context, found))
    if found.comparison is not None and found.compared:
        section.add(_comparison_table(found))
    if pairs_table is not None and len(pairs_table):
        shown = pairs_table.assign(measure=[measure_name(str(m)) for m in pairs_table["measure"]])
        caption = "Every pair of groups; p corrected by Holm within each measure."
        section.add(Table(shown, "Pairs of groups", caption, folded=True, full=pairs_table))
    if found.latencies:
        section.add(_latency_table(found))


def _left_out(found: AssayRun) -> Words | None:
    tested = {g for row in found.tested for g in row.names}
    left = [g for g in found.order if g not in tested]
    if not left:
        return None
    return Words(f"Not compared, because fewer than two animals can be used: {listed(left)}.", "note")


def chosen(differ: list[str], columns: list[str], limit: int = MAX_PLOTS) -> list[str]:
    """Choose the measures to draw: the usual ones first, then those that differ; not by p alone.

    Parameters
    ----------
    differ : list of str
        Measures that differ between groups, smallest p first.
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
    minor = ("unknown", "entries_raw", "transitions")
    extra = [m for m in differ if m in columns and m not in usual[:limit] and not any(x in m for x in minor)]
    first = [*usual[: limit - min(3, len(extra))], *extra]
    rest = [c for c in plain if c not in usual]
    return list(dict.fromkeys([*first, *usual, *rest]))[:limit]


def _plots(context: Context, found: AssayRun) -> Picture | None:
    animals = found.animals
    numeric = [str(c) for c in animals.columns if c not in _KEYS and pd.api.types.is_numeric_dtype(animals[c])]
    numeric = [c for c in numeric if animals[c].notna().any()]
    names = chosen(found.differ, numeric)
    if not names:
        return None
    estimates = [estimate_of(found, name) for name in names]
    colours = dict(context.group_colours)
    if not set(found.order) <= set(colours):
        colours = colours_of(found.order, GROUPS)
    return Picture(
        estimation(estimates, colours),
        "Groups compared" if found.compared or found.latencies else "Measures, animal by animal",
        _caption(found, estimates, len(numeric) - len(names)),
        f"Dot plots of {listed([measure_name(n) for n in names], 9)}, by {found.group or 'animal'}.",
        animals[[c for c in _KEYS if c in animals] + names],
    )


def _caption(found: AssayRun, estimates: list[Estimate], n_more: int) -> str:
    """Say what is drawn, by the number of groups compared."""
    text = ["Every dot is one animal; bars are group means."]
    if not found.compared and not found.latencies:
        text = ["Every dot is one animal; bars are means. Groups were not compared."]
    if any(e.interval is not None for e in estimates):
        first = next(e.compared[0] for e in estimates if e.compared)
        text.append(
            "Right of the line: difference of the means (dot) with its 95 % interval, on the axis at the right, whose "
            f"zero is the mean of {first}. An interval that holds zero means that the data do not show a difference; "
            "a wide one that there are too few animals to say. g is Hedges' g, the difference in standard deviations."
        )
    elif found.compared and max(len(r.groups) for r in found.compared) > 2:
        text.append("One test over all groups a measure; pairs of groups are in the text and the table.")
    if found.compared:
        text.append("p comes from permuting animals between groups; q is p corrected for testing many measures.")
    if any(v.any() for e in estimates for v in e.censored.values()):
        text.append("Empty dots: the event never came within the recording, the value is a lower limit.")
    if found.compared:
        text.append("The usual measures of the test are drawn whatever their p, then up to three others that differ.")
    if n_more > 0:
        text.append(f"{count(n_more, 'more measure is', 'more measures are')} in the tables.")
    return " ".join(text)


def estimate_of(found: AssayRun, name: str) -> Estimate:
    """Return one value an animal (recordings averaged), with the tested difference.

    Parameters
    ----------
    found : AssayRun
    name : str
        Column of the table ``animals``.
    """
    animals = found.animals
    group = animals[found.group].fillna("").astype(str) if found.group else pd.Series("all animals", animals.index)
    late = _censored(found.measures, name)
    whom = animals["individual"] if "individual" in animals else animals["recording"]
    censored = [key in late for key in zip(animals["recording"], whom, strict=True)]
    known = pd.DataFrame({"group": group, "unit": found.unit, "value": animals[name], "censored": censored})
    known = known[known["value"].notna() & (known["group"] != "")]
    per = known.groupby(["group", "unit"], sort=False)
    values, limits = per["value"].mean(), per["censored"].max()
    present = list(dict.fromkeys(known["group"]))
    groups = [g for g in found.order if g in present] or present
    interval, compared, note = _tested(found, name)
    base, unit = name.partition(":")[0], found.units.get(name, "")
    return Estimate(
        measure_name(name),
        measure_name(base, unit),
        {g: values[g].to_numpy(float) for g in groups},
        interval,
        note,
        {g: limits[g].to_numpy(bool) for g in groups},
        compared,
    )


def _tested(found: AssayRun, name: str) -> tuple[tuple[float, float, float] | None, tuple[str, str] | None, str]:
    """Difference with its interval, the two groups, and the note of a measure."""
    row = next((r for r in found.compared if r.measure == name), None)
    survival = next((r for r in found.latencies if r.measure == name), None)
    if survival is not None:
        q = f", q = {number(survival.q, 2)}" if np.isfinite(survival.q) else ""
        return None, None, f"log-rank {p_value(survival.p)}{q}"
    if row is None:
        return None, None, "not compared: see the notes" if found.compared else ""
    note = f"{p_value(row.p)}, q = {number(row.q, 2)}"
    if len(row.groups) != 2 or not np.isfinite(row.difference):
        return None, None, note
    if np.isfinite(row.effect):
        note = f"g = {number(row.effect, 2)}, {note}"
    interval = (row.difference, row.difference_low, row.difference_high)
    return interval, (row.names[0], row.names[1]), note


def _censored(measures: pd.DataFrame | None, name: str) -> set[tuple[str, str]]:
    """Recordings and individuals whose value of a measure is a limit."""
    if measures is None or "censored" not in measures:
        return set()
    base, _, zone = name.partition(":")
    rows = measures[
        (measures["measure"] == base) & (measures["zone"].fillna("") == zone) & measures["censored"].astype(bool)
    ]
    if "bin_start_s" in rows:
        rows = rows[rows["bin_start_s"].isna()]
    return set(zip(rows["recording"], rows["individual"], strict=True)) if "recording" in rows else set()


def _comparison_table(found: AssayRun) -> Table:
    """Readable rows, smallest p first."""
    rows = []
    for row in sorted(found.compared, key=lambda r: (not np.isfinite(r.p), r.p)):
        out: dict[str, object] = {"measure": measure_name(row.measure, found.units.get(row.measure, ""))}
        for g in row.groups:
            out[f"{g.name} (mean ± SD)"] = f"{number(g.mean)} ± {number(g.sd)}"
        if np.isfinite(row.difference):
            limits = span(row.difference_low, row.difference_high)
            out["difference"] = f"{number(row.difference)} [{limits}]" if limits else number(row.difference)
        if np.isfinite(row.effect):
            limits = span(row.effect_low, row.effect_high)
            out["effect"] = f"{number(row.effect, 2)} [{limits}]" if limits else number(row.effect, 2)
        rows.append(out | {"p": row.p, "q": row.q})
    notes = listed(dict.fromkeys(r.notes for r in found.compared if r.notes))
    effect = listed(dict.fromkeys(effect_name(r.effect_name) for r in found.compared if np.isfinite(r.effect)))
    caption = (
        f"Smallest p first (permutation of animals). Effect size: {effect or 'none for more than two groups'}. "
        "q: Benjamini–Hochberg over all measures tested; many of them are related to each other, so count "
        "findings with care." + (f" Note: {notes}." if notes else "")
    )
    return Table(pd.DataFrame(rows), "Comparison of groups", caption, _HEADINGS, limit=15, full=found.comparison)


def _latency_table(found: AssayRun) -> Table:
    rows = []
    for row in found.latencies:
        out: dict[str, object] = {"measure": measure_name(row.measure, "s")}
        for g in row.groups:
            out[f"{g.name}: median (s)"] = g.median_s
            out[f"{g.name}: reached"] = f"{g.events} of {g.n}"
        rows.append(out | {"p": row.p, "q": row.q})
    return Table(
        pd.DataFrame(rows),
        "Latencies by survival",
        "Latencies that some animals never reached within the recording, compared by the log-rank test (p by permuting "
        "animals). Median: time by which half of the group reached it (Kaplan–Meier); a dash: fewer than half did.",
        full=found.run.table("latencies"),
    )


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


def _flat(value: object) -> str:
    """Return a list or a mapping on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{readable(k)} {_flat(v)}" for k, v in value.items() if v is not None)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _why_not(run: RunFolder) -> str:
    reasons = [w for w in run.warnings if w.startswith("no comparison")]
    return (
        f"Groups were not compared ({reasons[0].removeprefix('no comparison: ')})."
        if reasons
        else "Groups were not compared."
    )


def units_of(measures: pd.DataFrame | None) -> dict[str, str]:
    """Unit of each measure, by its column name (``measure`` or ``measure:zone``)."""
    if measures is None:
        return {}
    rows = measures[["measure", "zone", "unit"]].drop_duplicates().fillna("")
    return {f"{m}:{z}" if z else str(m): str(u) for m, z, u in rows.itertuples(index=False, name=None)}
