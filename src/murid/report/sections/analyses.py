"""Runs of analyses that have no section of their own: their tables, by declaration, and what is compared."""

from __future__ import annotations

from murid.data.analysis import Analysis, find_analysis
from murid.data.errors import DataError
from murid.plot.number_text import readable
from murid.report.context import Context
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Listing, ReportTable, Section, Words
from murid.report.sections.assay import AssayRun, show_measures

#: Commands whose runs have a section of their own.
OWN = ("check", "assay", "evaluate", "fit", "apply", "compare-motifs", "explain")


def make(context: Context) -> Section | None:
    """One part a run of any other declared analysis."""
    runs = [(run, declared) for run in context.runs if (declared := declaration_of(run)) is not None]
    if not runs:
        return None
    section = Section("analyses", "Further analyses")
    for run, declared in runs:
        _one(context, section, run, declared)
    return section


def declaration_of(run: RunFolder) -> Analysis | None:
    """Return the declaration of a run's analysis; None where another section shows it, or nothing declares it."""
    name = str(run.summary.get("analysis") or "")
    if not name or run.command in OWN or run.has("tuning"):
        return None
    try:
        return find_analysis(name)
    except DataError:
        return None


def _one(context: Context, section: Section, run: RunFolder, declared: Analysis) -> None:
    section.add(Words(f"{readable(declared.name).capitalize()}. {declared.title}", "finding"))
    sentences = [str(s) for s in run.summary.get("sentences", [])]
    section.findings += sentences[:2]
    section.add(*(Words(s) for s in sentences))
    animals = run.table(declared.compare) if declared.compare and run.has(declared.compare) else None
    if animals is not None and "recording" in animals:
        group = str(run.params.get("compare") or "group")
        show_measures(
            context, section, AssayRun(run, readable(declared.name), animals, group if group in animals else "")
        )
    for table in declared.tables:
        frame = run.table(table.name) if run.has(table.name) and table.name != declared.compare else None
        if frame is not None:
            headings = {str(c): table.heading(str(c)) for c in frame.columns}
            title = f"{readable(declared.name).capitalize()}: {readable(table.name)}"
            section.add(ReportTable(frame, title, table.caption, headings, folded=len(frame) > 24))
    if run.warnings and animals is None:
        section.add(Listing(tuple(run.warnings), "Notes of the analysis", folded=len(run.warnings) > 8))
