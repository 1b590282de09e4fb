"""What the paradigm measured, and whether groups differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from murid.assays.assay_result import ANIMALS, ARENAS, MEASURES
from murid.data.analysis import find_analysis
from murid.data.errors import DataError
from murid.data.tables import KEYS, Table, TableRows
from murid.plot.colours import GROUPS, colours_of
from murid.plot.estimates import EstimationPanel
from murid.plot.number_text import count, listed, measure_name, number, p_value, readable, span
from murid.report.context import Context
from murid.report.figures.estimation import draw_estimation
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Code, Listing, Part, Picture, ReportTable, Section, Words
from murid.report.sentences import Tested, difference_sentences, groups_differ, largest_difference
from murid.report.subjects import AnalysisUnit, seen_in_rows, subject_of
from murid.stats.group_tables import COMPARISON, DESCRIBED, LATENCIES, PAIRWISE
from murid.stats.statements import LatencyStatement, Statement, comparison_statements, latency_statements
from murid.stats.wording import p_text

MAX_PLOTS = 9
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
        rows = ANIMALS.rows(self.animals)
        animal = rows.animal.fillna("").astype(str)
        object.__setattr__(self, "unit", animal.where(animal != "", rows.recording.astype(str)))

    @cached_property
    def measures(self) -> TableRows | None:
        """The long table with units and definitions, where the analysis has one."""
        return self._rows(MEASURES, "measure", "value", "unit", "zone")

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of each measure."""
        return {**units_of(self.measures), **{str(k): str(v) for k, v in self.animals.attrs.get("units", {}).items()}}

    def _rows(self, declared: Table, *needs: str) -> TableRows | None:
        return self.run.rows(declared, needs) if self.run.has(declared.name) else None

    @cached_property
    def comparison(self) -> TableRows | None:
        """The table ``comparison`` as it is."""
        return self._rows(COMPARISON, "measure", "p", "q", "groups")

    @cached_property
    def pairwise(self) -> TableRows | None:
        """The table ``pairwise`` as it is: pairs of more than two groups."""
        return self._rows(PAIRWISE, "measure", "first", "second")

    @cached_property
    def primary(self) -> tuple[str, ...]:
        """Measures that the analysis is made for, by its declaration; none where its package is not there."""
        try:
            return find_analysis(str(self.run.summary.get("analysis") or "")).primary
        except DataError:
            return ()

    @property
    def alpha(self) -> float:
        """Q up to which groups were said to differ."""
        return self.run.level

    @cached_property
    def compared(self) -> dict[str, Statement]:
        """What each compared measure shows, by column."""
        table, pairs = self.comparison, self.pairwise
        if table is None:
            return {}
        columns = [str(c) for c in table.measure]
        statements = comparison_statements(
            table.frame,
            None if pairs is None else pairs.frame,
            units=self.units,
            names={c: measure_name(c) for c in columns},
            alpha=self.alpha,
        )
        return dict(zip(columns, statements, strict=True))

    @cached_property
    def latencies(self) -> dict[str, LatencyStatement]:
        """What each latency shows that was compared by survival, by column."""
        table = self._rows(LATENCIES, "measure", "p", "groups")
        if table is None:
            return {}
        columns = [str(c) for c in table.measure]
        statements = latency_statements(table.frame, names={c: measure_name(c) for c in columns}, alpha=self.alpha)
        return dict(zip(columns, statements, strict=True))

    @property
    def tested(self) -> dict[str, Tested]:
        """Everything that was compared between groups, by column."""
        return {**self.compared, **self.latencies}

    @property
    def order(self) -> list[str]:
        """Compared groups in the order of the test, then the groups that were left out."""
        tested = [g for row in self.tested.values() for g in row.groups]
        given = self.animals[self.group].fillna("").astype(str) if self.group else pd.Series(dtype=str)
        return [g for g in dict.fromkeys([*tested, *given]) if g]

    @property
    def differ(self) -> list[str]:
        """Columns that differ between groups, smallest p first."""
        return [c for c, row in sorted(self.tested.items(), key=lambda item: item[1].p) if row.shown]


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
        show_measures(context, section, AssayRun(run, paradigm, animals, group if group in animals else ""))
    return section


def show_measures(context: Context, section: Section, assay: AssayRun) -> None:
    """Add what was measured and compared: sentences, figure, tables.

    Parameters
    ----------
    context : Context
    section : Section
        What is added to.
    assay : AssayRun
        Any run that has one row an animal and one column a measure.
    """
    if assay.group and (assay.compared or assay.latencies):
        _compared(context, section, assay)
    else:
        section.add(Words(_why_not(assay.run), "note"))
        section.add(_plots(context, assay))
    shown = assay.animals.rename(
        columns={c: measure_name(c, assay.units.get(c, "")) for c in assay.animals.columns if c not in KEYS}
    )
    section.add(ReportTable(shown, f"Every animal ({assay.paradigm})", folded=True, full=assay.animals))
    section.add(*_arenas(assay.run), *_definitions(assay.run, assay.measures))


def _compared(context: Context, section: Section, assay: AssayRun) -> None:
    rows = list(assay.tested.values())
    text = groups_differ(assay.paradigm, rows)
    largest, more = largest_difference(list(assay.compared.values())), difference_sentences(rows)
    section.findings.append(" ".join(t for t in (text, largest, more) if t))
    section.add(Words(text, "finding"))
    section.add(*[Words(t) for t in (largest, more) if t])
    if not assay.differ:
        section.add(
            Words(
                "No difference was shown. That is not the same as no effect: look at the intervals, which hold every "
                "difference that the data are compatible with.",
                "note",
            )
        )
    section.add(_left_out(assay), _plots(context, assay))
    if assay.comparison is not None and assay.compared:
        section.add(_comparison_table(assay, assay.comparison.frame))
    pairs = assay.pairwise
    if pairs is not None and len(pairs):
        shown = pairs.frame.assign(measure=[measure_name(str(m)) for m in pairs.measure])
        caption = "Every pair of groups; p corrected by Holm within each measure."
        section.add(ReportTable(shown, "Pairs of groups", caption, folded=True, full=pairs.frame))
    if assay.latencies:
        section.add(_latency_table(assay))


def _left_out(assay: AssayRun) -> Words | None:
    tested = {g for row in assay.tested.values() for g in row.groups}
    left = [g for g in assay.order if g not in tested]
    if not left:
        return None
    return Words(f"Not compared, because fewer than two animals can be used: {listed(left)}.", "note")


def chosen(primary: Sequence[str], differ: Sequence[str], columns: Sequence[str], limit: int = MAX_PLOTS) -> list[str]:
    """Choose the measures to draw: those that the test is made for, then those that differ; not by p alone.

    Parameters
    ----------
    primary : sequence of str
        Measures that the analysis names, or that alone were tested.
    differ : sequence of str
        Measures that differ between groups, smallest p first.
    columns : sequence of str
        All measures; they follow where the analysis names none.
    limit : int
        At most so many; up to three are kept for measures that differ beside the primary ones.
    """
    first = [c for c in primary if c in columns]
    extra = [c for c in differ if c in columns and c not in first]
    rest = [] if first else columns
    return list(dict.fromkeys([*first[: limit - min(3, len(extra))], *extra, *first, *rest]))[:limit]


def _plots(context: Context, assay: AssayRun) -> Picture | None:
    animals = assay.animals
    numeric = [str(c) for c in animals.columns if c not in KEYS and pd.api.types.is_numeric_dtype(animals[c])]
    numeric = [c for c in numeric if animals[c].notna().any()]
    family = list(assay.tested)
    names = chosen(family if 0 < len(family) <= MAX_PLOTS else assay.primary, assay.differ, numeric)
    if not names:
        return None
    estimates = [estimate_of(assay, name) for name in names]
    colours = dict(context.group_colours)
    if not set(assay.order) <= set(colours):
        colours = colours_of(assay.order, GROUPS)
    return Picture(
        draw_estimation(estimates, colours),
        "Groups compared" if assay.compared or assay.latencies else "Measures, animal by animal",
        _caption(assay, estimates, len(numeric) - len(names), subject_of(context, seen_in_rows(animals))),
        f"Dot plots of {listed([measure_name(n) for n in names], 9)}, by {assay.group or 'animal'}.",
        animals[[c for c in KEYS if c in animals] + names],
    )


def _caption(assay: AssayRun, estimates: list[EstimationPanel], n_more: int, subject: AnalysisUnit) -> str:
    """Say what is drawn, by the number of groups compared."""
    text = [f"Every dot is one {subject.meaning}; bars are group means."]
    if not assay.compared and not assay.latencies:
        text = [f"Every dot is one {subject.meaning}; bars are means. Groups were not compared."]
    if any(e.interval is not None for e in estimates):
        first = next(e.compared[0] for e in estimates if e.compared)
        text.append(
            "Right of the line: difference of the means (dot) with its 95 % interval, on the axis at the right, whose "
            f"zero is the mean of {first}. An interval that holds zero means that the data do not show a difference; "
            f"a wide one that there are too few {subject.plural} to say. g is Hedges' g, the difference in standard "
            "deviations."
        )
    elif assay.compared and max(len(r.groups) for r in assay.compared.values()) > 2:
        text.append("One test over all groups a measure; pairs of groups are in the text and the table.")
    if assay.compared:
        text.append(
            f"p comes from permuting {subject.plural} between groups; q is p corrected for testing many measures."
        )
    if any(v.any() for e in estimates for v in e.censored.values()):
        text.append(
            "Empty dots: the event never came within the recording, the value is a lower limit, and so is a mean over "
            "such values."
        )
    if assay.compared:
        text.append("The measures that the test is made for are drawn whatever their p.")
    if n_more > 0:
        text.append(f"{count(n_more, 'more measure is', 'more measures are')} in the tables.")
    return " ".join(text)


def estimate_of(assay: AssayRun, name: str) -> EstimationPanel:
    """Return one value an animal (recordings averaged), with the tested difference.

    Parameters
    ----------
    assay : AssayRun
    name : str
        Column of the table ``animals``.
    """
    animals = assay.animals
    group = animals[assay.group].fillna("").astype(str) if assay.group else pd.Series("all animals", animals.index)
    late = _censored(assay.measures, name)
    rows = ANIMALS.rows(animals)
    whom = rows.individual if "individual" in animals else rows.recording
    censored = [key in late for key in zip(rows.recording, whom, strict=True)]
    known = pd.DataFrame({"group": group, "unit": assay.unit, "value": animals[name], "censored": censored})
    known = known[known["value"].notna() & (known["group"] != "")]
    per = known.groupby(["group", "unit"], sort=False)
    values, limits = per["value"].mean(), per["censored"].max()
    present = list(dict.fromkeys(known["group"]))
    groups = [g for g in assay.order if g in present] or present
    interval, compared, note = _tested(assay, name)
    base, unit = name.partition(":")[0], assay.units.get(name, "")
    return EstimationPanel(
        measure_name(name),
        measure_name(base, unit),
        {g: values[g].to_numpy(float) for g in groups},
        interval,
        note,
        {g: limits[g].to_numpy(bool) for g in groups},
        compared,
    )


def _tested(assay: AssayRun, name: str) -> tuple[tuple[float, float, float] | None, tuple[str, str] | None, str]:
    """Difference with its interval, the two groups, and the note of a measure."""
    row, survival = assay.compared.get(name), assay.latencies.get(name)
    if survival is not None:
        q = f", {p_text(survival.q, 'q', assay.alpha)}" if np.isfinite(survival.q) else ""
        return None, None, f"log-rank {p_value(survival.p, assay.alpha)}{q}"
    if row is None:
        described = assay.run.rows(DESCRIBED, ["measure"]) if assay.run.has(DESCRIBED.name) else None
        if described is not None and name in set(described.measure):
            return None, None, "described, not tested"
        return None, None, "not compared: see the notes" if assay.compared else ""
    if len(row.groups) != 2 or not np.isfinite(row.difference):
        return None, None, row.p_and_q()
    effect = f"{row.effect_name.removeprefix('Hedges ')} = {number(row.effect, 2)}, " if np.isfinite(row.effect) else ""
    return (row.difference, *row.interval), (row.groups[0], row.groups[1]), f"{effect}{row.p_and_q()}"


def _censored(rows: TableRows | None, name: str) -> set[tuple[str, str]]:
    """Recordings and individuals whose value of a measure is a limit."""
    if rows is None:
        return set()
    base, _, zone = name.partition(":")
    limits = rows.having(
        (rows.measure == base) & (rows.zone.fillna("") == zone) & rows.censored.astype(bool) & rows.bin_start_s.isna()
    )
    return set(zip(limits.recording, limits.individual, strict=True))


def _comparison_table(assay: AssayRun, full: pd.DataFrame) -> ReportTable:
    """Readable rows, smallest p first."""
    rows = []
    for column, row in sorted(assay.compared.items(), key=lambda item: (not np.isfinite(item[1].p), item[1].p)):
        out: dict[str, object] = {"measure": measure_name(column, row.unit)}
        out |= {f"{g} (mean ± SD)": f"{number(row.mean[g])} ± {number(row.sd[g])}" for g in row.groups}
        if np.isfinite(row.difference):
            out["difference"] = _with_limits(row.difference, row.interval, 3)
        if np.isfinite(row.effect):
            out["effect"] = _with_limits(row.effect, row.effect_interval, 2)
        rows.append(out | {"p": row.p, "q": row.q})
    notes = listed(dict.fromkeys(n for r in assay.compared.values() for n in r.notes))
    effect = listed(dict.fromkeys(r.effect_name for r in assay.compared.values() if np.isfinite(r.effect)))
    test = listed(dict.fromkeys(r.test for r in assay.compared.values() if r.test), last="or")
    caption = (
        f"Smallest p first ({test}). Effect size: {effect or 'none for more than two groups'}. "
        "q: Benjamini–Hochberg over all measures tested; many of them are related to each other, so count "
        "findings with care." + (f" Note: {notes}." if notes else "")
    )
    return ReportTable(pd.DataFrame(rows), "Comparison of groups", caption, _HEADINGS, limit=15, full=full)


def _with_limits(value: float, interval: tuple[float, float], digits: int) -> str:
    limits = span(*interval)
    return f"{number(value, digits)} [{limits}]" if limits else number(value, digits)


def _latency_table(assay: AssayRun) -> ReportTable:
    rows = []
    for column, row in assay.latencies.items():
        out: dict[str, object] = {"measure": measure_name(column, "s")}
        for g in row.groups:
            out[f"{g}: median (s)"] = row.median_s[g]
            out[f"{g}: reached"] = f"{row.events[g]} of {row.n[g]}"
        rows.append(out | {"p": row.p, "q": row.q})
    left_out = listed(dict.fromkeys(text for row in assay.latencies.values() for text in row.left_out()))
    return ReportTable(
        pd.DataFrame(rows),
        "Latencies by survival",
        "Latencies that some animals never reached within the recording, compared by the log-rank test (p by permuting "
        "animals). Median: time by which half of the group reached it (Kaplan–Meier); a dash: fewer than half did."
        + (f" Note: {left_out}." if left_out else ""),
        full=assay.run.table(LATENCIES.name),
    )


def _arenas(run: RunFolder) -> list[Part]:
    """Which arena each recording was measured in and its scale; a warning where it is a guess."""
    rows = run.rows(ARENAS, ["recording", "source", "verdict"]) if run.has(ARENAS.name) else None
    if rows is None or not len(rows.frame):
        return []
    table = rows.without(rows.outline, rows.zones, rows.centre)
    guessed, bad = rows.having(rows.source == "estimated"), rows.having(rows.verdict == "bad")
    out: list[Part] = []
    if len(guessed.frame):
        names = listed(dict.fromkeys(bad.recording.astype(str)), 5)
        worse = f" It cannot be trusted in {names}: too little of it was visited." if names else ""
        out.append(
            Words(
                f"The arena of {count(guessed.recording.nunique(), 'recording')} is a guess from where the body centre "
                f"has been: scale, centre and wall hang on it.{worse} For a publication, draw it: murid zones.",
                "warning",
            )
        )
    return [*out, ReportTable(table, "Arena and scale", ARENAS.caption, folded=not len(guessed.frame))]


def _definitions(run: RunFolder, rows: TableRows | None) -> list[Part]:
    out: list[Part] = []
    if rows is not None and (rows.definition != "").any():
        first = rows.having(~rows.measure.duplicated())
        table = first.only(first.measure, first.unit, first.definition)
        out.append(ReportTable(table, "What each measure means", folded=True, limit=80))
    conventions = run.summary.get("conventions")
    if isinstance(conventions, dict):
        lines = [
            f"{readable(k)}: {_flat(v)}" for k, v in conventions.items() if v is not None and k != "arena_outlines"
        ]
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


def units_of(rows: TableRows | None) -> dict[str, str]:
    """Unit of each measure, by its column name (``measure`` or ``measure:zone``)."""
    if rows is None:
        return {}
    each = zip(rows.measure, rows.zone.fillna(""), rows.unit.fillna(""), strict=True)
    return {f"{m}:{z}" if z else str(m): str(u) for m, z, u in each}
