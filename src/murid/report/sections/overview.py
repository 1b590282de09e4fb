"""What the study holds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from murid.plot.number_text import DASH, count, listed, number
from murid.report.context import Context
from murid.report.section_parts import Facts, ReportTable, Section, Words

_HEADINGS = {
    "id": "recording",
    "duration_s": "length (min)",
    "fps": "frame rate (1/s)",
    "keypoints": "keypoints",
    "individuals": "animals in view",
    "nouns": "holds",
}


def make(context: Context) -> Section:
    """Describe recordings, animals, groups and what was recorded of them."""
    section = Section("overview", "The study", "What was recorded, of which animals, and what this report rests on.")
    table = recordings_table(context)
    per_group = animals_per_group(context)
    hours = float(np.nansum(table["length (min)"])) / 60 if len(table) else 0.0
    section.add(
        Facts(
            (
                (number(len(table)), "recordings"),
                (number(int(context.animals.nunique())), "animals"),
                (_groups(per_group), "animals by group"),
                (_duration(hours), "recorded"),
                (_one_or_range(table["frame rate (1/s)"], " /s"), "frame rate"),
                (_one_or_range(table["keypoints"]), "keypoints"),
            )
        ),
        *_doubts(context),
        ReportTable(
            table,
            "Recordings",
            headings=_HEADINGS,
            limit=15,
            caption="One row a recording. The animal, not the recording or the frame, is the unit of every comparison "
            "between groups.",
        ),
    )
    spread = f" in {count(len(per_group), 'group')} ({_groups(per_group)})" if per_group else ""
    animals = count(context.animals.nunique(), "animal")
    section.findings.append(f"{count(len(table), 'recording')} of {animals}{spread}, {_duration(hours)} in all.")
    return section


def recordings_table(context: Context) -> pd.DataFrame:
    """One row a recording: who, how long, how fast, how many keypoints, what it holds."""
    known = context.table
    rows = []
    for recording_id in known["id"]:
        look, row = context.glances.get(recording_id), context.keys(recording_id)
        rows.append(
            {
                "id": recording_id,
                **{k: row[k] for k in ("animal", "group", "day", "session") if (known[k] != "").any()},
                "length (min)": context.duration_s[recording_id] / 60,
                "frame rate (1/s)": look.fps if look else np.nan,
                "keypoints": float(len(look.keypoints)) if look else np.nan,
                "individuals": float(len(look.individuals)) if look else np.nan,
                "nouns": ", ".join([*row["nouns"].split(), *(["video"] if row["video"] else [])]),
            }
        )
    columns = ["id", "length (min)", "frame rate (1/s)", "keypoints", "individuals", "nouns"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


def animals_per_group(context: Context) -> dict[str, int]:
    """Number of animals of every group."""
    animals = context.animals
    group = context.table.set_index("id")["group"]
    return {g: int(animals[group == g].nunique()) for g in context.groups}


def _groups(per_group: dict[str, int]) -> str:
    return ", ".join(f"{g} {n}" for g, n in per_group.items()) or "no groups given"


def _doubts(context: Context) -> list[Words]:
    """Say what a reader must know of the design: repeated animals, missing groups."""
    out = []
    repeated = int((context.animals.value_counts() > 1).sum())
    if repeated:
        out.append(
            Words(
                f"{count(repeated, 'animal')} {'has' if repeated == 1 else 'have'} more than one recording. "
                "Comparisons between groups average them first, so that each animal counts once.",
                "note",
            )
        )
    lacking = context.table.loc[context.table["group"] == "", "id"].tolist() if context.groups else []
    if lacking:
        out.append(Words(f"Without a group, and so in no comparison: {listed(lacking)}.", "note"))
    return out


def _duration(hours: float) -> str:
    return f"{number(hours)} h" if hours >= 1 else f"{number(60 * hours)} min"


def _one_or_range(values: pd.Series, unit: str = "") -> str:
    known = values.dropna()
    if known.empty:
        return DASH
    low, high = float(known.min()), float(known.max())
    return f"{number(low)}{unit}" if np.isclose(low, high, rtol=1e-3) else f"{number(low)}–{number(high)}{unit}"
