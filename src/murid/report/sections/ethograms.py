"""What the animals did, and when: labels and predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.states import behaviour_names
from murid.data.tables import Table, TableRows, number_column, text_column
from murid.ethogram import bouts_of, scored_of, summarise_states
from murid.ethogram.bouts import BOUTS, SUMMARY
from murid.plot.ethograms import NOT_SCORED
from murid.plot.number_text import count, listed, natural, readable
from murid.report.context import Context
from murid.report.figures import animal_dots
from murid.report.figures.ethogram import NOT_KNOWN, Row, draw_ethogram, has_gap, has_white
from murid.report.section_parts import Part, Picture, ReportTable, Section
from murid.report.sections.places import spread_over_groups
from murid.report.sentences import unlearnt_behaviours
from murid.report.subjects import seen_in_rows, subject_of
from murid.report.transitions import transition_parts

MAX_ROWS = 12
#: What hatched time may be too where a method could not learn all behaviours.
OR_NOT_LEARNT = ", or none of the behaviours that were learnt, so that it may be one of the others"
#: What `per_animal` returns.
PER_ANIMAL = Table(
    "bouts per animal",
    {
        "behaviour": text_column(),
        "group": text_column(),
        "animal": text_column(),
        "count": number_column("bouts", low=0, why="per recording"),
        "rate_per_min": number_column("bouts per min", low=0),
        "mean_s": number_column("mean bout", unit="s", low=0),
        "median_s": number_column("median bout", unit="s", low=0),
        "total_s": number_column("total", unit="s", low=0, why="per recording"),
        "percent": number_column("share of time", unit="%", low=0, high=100 + 1e-6),
    },
    "One row a behaviour, group and animal.",
)
#: Columns that are averaged over animals.
_MEANS = ("count", "rate_per_min", "mean_s", "median_s", "total_s", "percent")
_HEADINGS = {
    "count": "bouts",
    "rate_per_min": "bouts per min",
    "total_s": "total (s)",
    "percent": "share of time (%)",
    "mean_s": "mean bout (s)",
    "median_s": "median bout (s)",
}


def make(context: Context) -> Section | None:
    """Ethograms of labels and held-out predictions, bout statistics and transitions of the labels."""
    labels = {
        recording_id: states
        for recording_id in context.labelled()
        if (states := context.label_states(recording_id)) is not None
    }
    predicted, lacking = _predicted(context)
    if not labels and not predicted:
        return None
    section = Section(
        "ethograms",
        "What the animals did",
        "The ethogram: which behaviour, when, how often and how long. A behaviour has the same colour in every figure.",
    )
    section.add(_ethogram(context, labels, predicted, lacking))
    source = labels or predicted
    labeller = f"as labelled by {context.labeller}" if labels else "as predicted by the method"
    if labels:
        section.add(*statistics(context, labels, labeller))
        section.add(*transition_parts(context, labels, labeller, context.level_on_labels))
    else:
        section.add(*statistics(context, source, labeller))
    return section


def _predicted(context: Context) -> tuple[dict[str, xr.DataArray], dict[str, int]]:
    """States of held-out recordings of the last evaluation that wrote some; in how many a behaviour was not learnt."""
    for run in reversed(context.runs_of("evaluate")):
        predicted = {
            recording_id: data["states"]
            for recording_id in run.recordings
            if (data := run.states(recording_id)) is not None
        }
        if predicted:
            (numbers,) = (run.summary.get("methods") or {"": {}}).values()
            return predicted, {str(b): len(ids) for b, ids in (numbers.get("not_learnt") or {}).items()}
    return {}, {}


def colours_of_names(context: Context) -> str:
    """Say that the names of rows have the colours of groups, where there are several."""
    return f" Colours of names are groups ({listed(context.groups)})." if len(context.groups) > 1 else ""


def white_and_hatched(rows: Sequence[Row], lacking: bool, *, states: bool = False) -> str:
    """Say what white and hatched time of an ethogram is, where there is some.

    Parameters
    ----------
    rows : sequence of Row
    lacking : bool
        Behaviours are missing that a method could not learn.
    states : bool
        The bars are what a method found, and not what people scored as well.
    """
    text = ""
    if any(has_white(row, kind) for row in rows for kind in row.tracks):
        text += f" White: {'known to be' if states else 'scored,'} none of the behaviours."
    if any(has_gap(row, kind) for row in rows for kind in row.tracks):
        gap = "the method gives no state, most often since the animal is not seen" if states else "not scored"
        text += f" Hatched: {gap}{OR_NOT_LEARNT if lacking else ''}."
    return text


def _ethogram(
    context: Context,
    labels: dict[str, xr.DataArray],
    predicted: dict[str, xr.DataArray],
    lacking: dict[str, int],
) -> Picture:
    ids = [i for i in context.table["id"] if i in labels or i in predicted]
    # Where some recordings have both bars, they are what there is to see.
    shown = spread_over_groups(context, [i for i in ids if i in labels and i in predicted] or ids, MAX_ROWS)
    sources = {"labels": labels, "method": predicted}
    rows, tables = [], []
    for recording_id in shown:
        tracks = {}
        for kind, source in sources.items():
            if recording_id in source:
                tracks[kind] = bouts_of(source[recording_id])
                tables.append(tracks[kind].assign(recording=recording_id, shown=kind))
        stop = max((float(BOUTS.rows(t).stop_s.max()) for t in tracks.values() if len(t)), default=0.0)
        length = context.duration_s.get(recording_id, np.nan)
        rows.append(
            Row(
                recording_id,
                context.keys(recording_id)["group"],
                tracks,
                length if np.isfinite(length) else max(stop, 1.0),
                {k: scored_of(s[recording_id], whole=True) for k, s in sources.items() if recording_id in s},
            )
        )
    bouts = pd.concat(tables, ignore_index=True)
    listed_bouts = BOUTS.rows(bouts)
    names = list(dict.fromkeys(listed_bouts.label))
    colours = context.colours_for(names)
    names = [b for b in colours if b in names]
    more = f" {count(len(ids) - len(shown), 'more recording')} not shown." if len(ids) > len(shown) else ""
    every = dict.fromkeys(b for s in predicted.values() for b in behaviour_names(s))
    asked = [b for b in every if lacking.get(b, 0) < len(predicted)]
    two = (
        f" Upper bar: labels of {context.labeller}; lower bar: prediction for this animal by a method trained without "
        f"it; predicted behaviours: {listed(map(readable, asked), 10)}."
        if labels and predicted
        else ""
    )
    two = f"{two} {unlearnt_behaviours(lacking, len(predicted))}".rstrip()
    return Picture(
        draw_ethogram(rows, colours, context.group_colours, names, gap=NOT_KNOWN if lacking else NOT_SCORED),
        "Ethograms",
        f"Each row is one recording.{colours_of_names(context)}{two}{white_and_hatched(rows, bool(lacking))} Look for "
        f"animals that differ from their group, and for change over the session; numbers are below.{more}",
        f"Ethograms of {count(len(rows), 'recording')}; behaviours: {listed(map(readable, names), 12)}.",
        listed_bouts.only(
            *(listed_bouts.recording, bouts["shown"], listed_bouts.individual),
            *(listed_bouts.label, listed_bouts.start_s, listed_bouts.stop_s),
        ),
    )


def statistics(context: Context, states: dict[str, xr.DataArray], source: str) -> list[Part]:
    """Bout statistics by behaviour and group, animals as dots, with their table."""
    parts = [summarise_states(s).assign(recording=recording_id) for recording_id, s in states.items()]
    return statistics_of(context, pd.concat(parts, ignore_index=True), source)


def statistics_of(context: Context, summary: pd.DataFrame, source: str) -> list[Part]:
    """As `statistics`, from rows of `murid.ethogram.summarise_states` with a column ``recording``."""
    subject = subject_of(context, seen_in_rows(summary))
    animals = PER_ANIMAL.rows(per_animal(context, summary))
    groups = [g for g in context.groups if (animals.group == g).any()]
    if groups:
        animals = animals.having(animals.group.isin(groups))
    else:
        animals, groups = PER_ANIMAL.rows(animals.frame.assign(group="")), [""]
    order = {b: k for k, b in enumerate(sorted(dict.fromkeys(animals.behaviour), key=natural))}
    known = {b: k for k, b in enumerate(context.behaviour_colours)}
    places = [(known.get(b, 999), order[b]) for b in animals.behaviour]
    animals = animals.take(sorted(range(len(animals)), key=places.__getitem__))
    by = [animals.behaviour, animals.group]
    table = animals.only(*(getattr(animals, name) for name in _MEANS)).groupby(by, sort=False).mean().reset_index()
    table.insert(2, "n", animals.animal.groupby(by, sort=False).nunique().to_numpy())
    sizes = animals.animal.groupby(animals.group).nunique()
    n, by_group = ", ".join(f"{g} {sizes[g]}" for g in groups), " and group"
    if groups == [""]:
        table, n, by_group = table.drop(columns=animals.group.name), str(sizes.sum()), ""
    means = PER_ANIMAL.rows(table)
    return [
        Picture(
            animal_dots.draw_dots_by_behaviour(
                animals.frame,
                {"rate_per_min": "bouts per min", "mean_s": "mean bout (s)", "percent": "share of time (%)"},
                context.group_colours,
                groups,
            ),
            "Bouts",
            f"Number, length and share of the scored time of each behaviour, {source}. Every dot is one "
            f"{subject.meaning} (n: {n}), the line their mean; one that never showed a behaviour counts with 0 bouts "
            f"and 0 %, and has no mean length{_fewer(animals, groups)}. More time in a behaviour may come from more "
            "bouts or from longer ones; the panels show which. The figure tests nothing.",
            "Dot plots of bouts per minute, mean bout length and share of time for "
            f"{listed(map(readable, dict.fromkeys(animals.behaviour)), 12)}.",
            animals.frame,
        ),
        ReportTable(
            means.frame.assign(behaviour=means.behaviour.map(readable)),
            f"Bouts by behaviour{by_group}",
            f"Means over {subject.plural}, of which each weighs the same; what is joined weighs by its scored time. "
            "The CSV holds every recording.",
            _HEADINGS | {"n": f"{subject.plural} (n)"},
            folded=len(table) > 24,
            full=summary,
        ),
    ]


def _fewer(animals: TableRows, groups: Sequence[str]) -> str:
    """Return how many have a mean bout, of the behaviours that some never showed; "" where each showed all."""
    texts = []
    for behaviour, own in animals.by(animals.behaviour):
        if own.mean_s.isna().any():
            shown = own.mean_s.notna().groupby(own.group).sum()
            n = ", ".join(f"{g} {int(shown.get(g, 0))}".strip() for g in groups)
            texts.append(f"{readable(behaviour)} {n}")
    return f" (n of mean bouts: {'; '.join(texts)})" if texts else ""


def per_animal(context: Context, summary: pd.DataFrame) -> pd.DataFrame:
    """Pool the recordings of each animal within its group: shares and rates over the scored time of all of them.

    Parameters
    ----------
    context : Context
    summary : DataFrame
        Rows of `murid.ethogram.summarise_states` with a column ``recording``. A behaviour without a row in a recording
        that was scored did not occur there: it counts as zero.

    Returns
    -------
    DataFrame
        ``behaviour, group, animal, count`` (per recording), ``rate_per_min, mean_s, median_s, total_s`` (per
        recording), ``percent``.
    """
    rows = SUMMARY.rows(summary)
    tracks = rows.scored_s.groupby([rows.recording, rows.individual], sort=False).first()
    every = pd.MultiIndex.from_tuples(
        [(r, i, b) for r, i in tracks.index for b in dict.fromkeys(rows.behaviour)],
        names=["recording", "individual", "behaviour"],
    )
    full = SUMMARY.rows(summary.set_index([rows.recording, rows.individual, rows.behaviour]).reindex(every))
    scored = pd.Series([tracks[(r, i)] for r, i, _ in every], every, dtype=float)
    full, scored = full.having(scored > 0), scored[scored > 0]
    recording = scored.index.get_level_values("recording")
    groups = [context.keys(r)["group"] if r in context.animals.index else "" for r in recording]
    by = [
        scored.index.get_level_values("behaviour"),
        pd.Index(groups, name="group"),
        pd.Index([context.animals.get(r, r) for r in recording], name="animal"),
    ]
    bouts, total_s, scored_s, bout_s = (
        values.groupby(by, sort=False).sum()
        for values in (
            *(full.count.fillna(0.0), full.total_s.fillna(0.0), scored),
            (full.mean_s * full.count).fillna(0.0),
        )
    )
    n = pd.Series(recording, scored.index).groupby(by, sort=False).nunique()
    out = pd.DataFrame(
        {
            "count": bouts / n,
            "rate_per_min": 60 * bouts / scored_s,
            "mean_s": bout_s / bouts.where(bouts > 0),
            "median_s": full.median_s.groupby(by, sort=False).mean(),
            "total_s": total_s / n,
            "percent": 100 * total_s / scored_s,
        }
    )
    return out.reset_index()
