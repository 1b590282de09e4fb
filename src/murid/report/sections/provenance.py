"""Where every number comes from."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from murid.plot.number_text import DASH, count, number
from murid.report.context import Context
from murid.report.runfolder import RunFolder
from murid.report.section_parts import Code, Listing, ReportTable, Section

#: Nouns of a recording that have a fingerprint.
_NOUNS = ("poses", "labels", "zones", "events", "traces", "spikes", "video")


def make(context: Context) -> Section | None:
    """List runs, versions, parameters, fingerprints of the input, warnings."""
    if not context.runs:
        return None
    section = Section(
        "provenance",
        "Provenance",
        "Everything needed to trust, repeat or question the numbers above: what was run, with what, on which files.",
    )
    section.add(
        ReportTable(
            pd.DataFrame([_row(run) for run in context.runs]),
            "Runs",
            caption="Steps that were already done with the same code, parameters and input are taken from the study's "
            "cache and not done again.",
        )
    )
    for run in context.runs:
        if run.warnings:
            title = f"{count(len(run.warnings), 'warning')} of {run.name}"
            section.add(Listing(tuple(run.warnings), title, folded=True))
    section.add(_versions(context))
    for run in context.runs:
        if run.params:
            section.add(Code(json.dumps(run.params, indent=1, ensure_ascii=False), f"Parameters of {run.name}"))
    section.add(_inputs(context))
    return section


def _row(run: RunFolder) -> dict[str, Any]:
    provenance = run.provenance
    steps = [s for s in provenance.get("steps", []) if isinstance(s, dict)]
    kept = sum(1 for s in steps if s.get("state") not in (None, "done"))
    seeds = provenance.get("seeds") or {}
    seed = run.params.get("seed", ", ".join(str(v) for v in dict.fromkeys(seeds.values())) if seeds else None)
    return {
        "run": run.name,
        "command": run.command or DASH,
        "status": str(provenance.get("status", "not known")),
        "begun (UTC)": str(provenance.get("started", DASH)).replace("T", " ").removesuffix("+00:00"),
        "seconds": provenance.get("seconds"),
        "steps": len(steps),
        "cached": kept,
        "peak memory (MB)": provenance.get("peak_mb") or None,
        "seed": DASH if seed in (None, "") else number(seed),
        "warnings": len(run.warnings),
    }


def _versions(context: Context) -> ReportTable:
    """Versions by run; one column where all agree."""
    by_run = {run.name: run.provenance.get("versions", {}) for run in context.runs}
    names = list(dict.fromkeys(n for v in by_run.values() for n in v))
    if len({json.dumps(v, sort_keys=True) for v in by_run.values()}) == 1:
        by_run = {"all runs": next(iter(by_run.values()))}
    table = pd.DataFrame([{"software": n, **{run: v.get(n, DASH) for run, v in by_run.items()}} for n in names])
    return ReportTable(table, "Versions", folded=True)


def _inputs(context: Context) -> ReportTable | None:
    """Fingerprints of every recording and file that a run read."""
    rows = []
    for run in context.runs:
        for item in run.provenance.get("inputs", []):
            if isinstance(item, dict):
                owner = {"run": run.name, "recording": item.get("id", "")}
                rows += [{**owner, "what": k, "hash": str(item[k])} for k in _NOUNS if k in item]
            else:
                rows.append({"run": run.name, "recording": "", "what": "file", "hash": str(item)})
    if not rows:
        return None
    table = pd.DataFrame(rows).drop_duplicates()
    return ReportTable(
        table,
        "Fingerprints of the input",
        folded=True,
        limit=60,
        caption="A hash of the content of each file that was read. The same hash is the same data.",
    )
