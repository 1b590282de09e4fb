"""What the animals did, and when: labels and predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.states import behaviour_names, is_multilabel, make_states
from murid.ethogram import bouts_of, scored_of, summary, transitions_of
from murid.plot.words import count, listed, natural, number, readable
from murid.report.context import Context
from murid.report.figures import dots
from murid.report.figures.chains import transition_graph
from murid.report.figures.ethogram import Row, ethogram
from murid.report.figures.heat import matrix
from murid.report.parts import Part, Picture, Section, Table
from murid.report.sections.places import spread_over_groups
from murid.report.sentences import transitions_compared

MAX_ROWS = 12
#: More behaviours than this are not drawn as a graph.
MAX_GRAPH = 24
_HEADINGS = {
    "count": "bouts",
    "rate_per_min": "bouts per min",
    "total_s": "total (s)",
    "percent": "share of time (%)",
    "mean_s": "mean bout (s)",
    "median_s": "median bout (s)",
    "latency_s": "latency (s)",
    "n": "animals (n)",
}


def make(context: Context) -> Section | None:
    """Ethograms of labels and held-out predictions, bout statistics and transitions of the labels."""
    labels = {
        recording_id: states
        for recording_id in context.labelled()
        if (states := context.label_states(recording_id)) is not None
    }
    predicted = _predicted(context)
    if not labels and not predicted:
        return None
    section = Section(
        "ethograms",
        "What the animals did",
        "The ethogram: which behaviour, when, how often and how long. A behaviour has the same colour in every figure.",
    )
    section.add(_ethogram(context, labels, predicted))
    source = labels or predicted
    who = "as labelled by people" if labels else "as predicted by the method"
    if labels:
        section.add(*statistics(context, labels, who))
        section.add(*transitions(context, labels, who))
    else:
        section.add(*statistics(context, source, who))
    return section


def _predicted(context: Context) -> dict[str, xr.DataArray]:
    """States of held-out recordings of the last evaluation that wrote some."""
    for run in reversed(context.runs_of("evaluate")):
        found = {
            recording_id: data["states"]
            for recording_id in run.recordings
            if (data := run.states(recording_id)) is not None
        }
        if found:
            return found
    return {}


def _ethogram(context: Context, labels: dict[str, xr.DataArray], predicted: dict[str, xr.DataArray]) -> Picture:
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
        stop = max((float(t["stop_s"].max()) for t in tracks.values() if len(t)), default=0.0)
        length = context.duration_s.get(recording_id, np.nan)
        rows.append(
            Row(
                recording_id,
                context.keys(recording_id)["group"],
                tracks,
                length if np.isfinite(length) else max(stop, 1.0),
                {k: scored_of(s[recording_id]) for k, s in sources.items() if recording_id in s},
            )
        )
    names = list(dict.fromkeys(b for t in tables for b in t["label"]))
    colours = context.colours_for(names)
    names = [b for b in colours if b in names]
    more = f" {count(len(ids) - len(shown), 'more recording')} not shown." if len(ids) > len(shown) else ""
    asked = list(dict.fromkeys(b for s in predicted.values() for b in behaviour_names(s)))
    two = (
        " Upper bar: labels of a person; lower bar: prediction for this animal by a method trained without it; "
        f"predicted behaviours: {listed(map(readable, asked), 10)}."
        if labels and predicted
        else ""
    )
    bouts = pd.concat(tables, ignore_index=True)
    return Picture(
        ethogram(rows, colours, context.group_colours, names),
        "Ethograms",
        f"Each row is one recording.{two} White: scored, none of the behaviours; hatched: not scored. Look for animals "
        f"that differ from their "
        f"group, and for change over the session; numbers and tests are below.{more}",
        f"Ethograms of {count(len(rows), 'recording')}; behaviours: {listed(map(readable, names), 12)}.",
        bouts[["recording", "shown", "individual", "label", "start_s", "stop_s"]],
    )


def statistics(context: Context, states: dict[str, xr.DataArray], who: str) -> list[Part]:
    """Bout statistics by behaviour and group, animals as dots, with their table."""
    parts = [summary(s).assign(recording=recording_id) for recording_id, s in states.items()]
    return statistics_of(context, pd.concat(parts, ignore_index=True), who)


def statistics_of(context: Context, found: pd.DataFrame, who: str) -> list[Part]:
    """As `statistics`, from rows of `murid.ethogram.summary` with a column ``recording``."""
    animals = per_animal(context, found)
    groups = [g for g in context.groups if (animals["group"] == g).any()]
    if groups:
        animals = animals[animals["group"].isin(groups)]
    else:
        animals, groups = animals.assign(group=""), [""]
    order = {b: k for k, b in enumerate(sorted(dict.fromkeys(animals["behaviour"]), key=natural))}
    known = {b: k for k, b in enumerate(context.behaviour_colours)}
    animals = animals.sort_values(
        "behaviour", key=lambda s: s.map(lambda b: (known.get(b, 999), order[b])), kind="stable"
    )
    means = animals.groupby(["behaviour", "group"], sort=False)
    table = means[["count", "rate_per_min", "mean_s", "median_s", "total_s", "percent"]].mean().reset_index()
    table.insert(2, "n", means["animal"].nunique().to_numpy())
    sizes = animals.groupby("group")["animal"].nunique()
    n, by_group = ", ".join(f"{g} {sizes[g]}" for g in groups), " and group"
    if groups == [""]:
        table, n, by_group = table.drop(columns="group"), str(sizes.sum()), ""
    return [
        Picture(
            dots.by_behaviour(
                animals,
                {"rate_per_min": "bouts per min", "mean_s": "mean bout (s)", "percent": "share of time (%)"},
                context.group_colours,
                groups,
            ),
            "Bouts",
            f"Number, length and share of the scored time of each behaviour, {who}. Every dot is one animal (n: {n}), "
            "the line their mean; an animal that never showed a behaviour counts with 0 bouts and 0 % (and has no mean "
            "length). More time in a behaviour may come from more bouts or from longer ones; the panels show which. "
            "The figure shows animals; it tests nothing.",
            "Dot plots of bouts per minute, mean bout length and share of time for "
            f"{listed(map(readable, dict.fromkeys(animals['behaviour'])), 12)}.",
            animals,
        ),
        Table(
            table.assign(behaviour=table["behaviour"].map(readable)),
            f"Bouts by behaviour{by_group}",
            "Means over animals, of which each weighs the same; within an animal recordings weigh by their scored time."
            " The CSV holds every recording.",
            _HEADINGS,
            folded=len(table) > 24,
            full=found,
        ),
    ]


def per_animal(context: Context, found: pd.DataFrame) -> pd.DataFrame:
    """Pool the recordings of each animal within its group: shares and rates over the scored time of all of them.

    Parameters
    ----------
    context : Context
    found : DataFrame
        Rows of `murid.ethogram.summary` with a column ``recording``. A behaviour without a row in a recording that
        was scored did not occur there: it counts as zero.

    Returns
    -------
    DataFrame
        ``behaviour, group, animal, count`` (per recording), ``rate_per_min, mean_s, median_s, total_s`` (per
        recording), ``percent``.
    """
    tracks = found.groupby(["recording", "individual"], sort=False)["scored_s"].first()
    every = pd.MultiIndex.from_tuples(
        [(r, i, b) for r, i in tracks.index for b in dict.fromkeys(found["behaviour"])],
        names=["recording", "individual", "behaviour"],
    )
    full = found.set_index(["recording", "individual", "behaviour"]).reindex(every)
    full["scored_s"] = [tracks[(r, i)] for r, i, _ in full.index]
    full[["count", "total_s"]] = full[["count", "total_s"]].fillna(0.0)
    full = full[full["scored_s"] > 0].reset_index()
    full["bout_s"] = (full["mean_s"] * full["count"]).fillna(0.0)
    full["animal"] = [context.animals.get(r, r) for r in full["recording"]]
    full["group"] = [context.keys(r)["group"] if r in context.animals.index else "" for r in full["recording"]]
    by = full.groupby(["behaviour", "group", "animal"], sort=False)
    sums, n = by[["count", "total_s", "scored_s", "bout_s"]].sum(), by["recording"].nunique()
    out = pd.DataFrame(
        {
            "count": sums["count"] / n,
            "rate_per_min": 60 * sums["count"] / sums["scored_s"],
            "mean_s": sums["bout_s"] / sums["count"].where(sums["count"] > 0),
            "median_s": by["median_s"].mean(),
            "total_s": sums["total_s"] / n,
            "percent": 100 * sums["total_s"] / sums["scored_s"],
        }
    )
    return out.reset_index()


def transitions(context: Context, states: dict[str, xr.DataArray], who: str) -> list[Part]:
    """Matrix and graph of what follows what; staying is no transition."""
    chains = {recording_id: one for recording_id, s in states.items() if (one := exclusive(s)) is not None}
    if not chains:
        return []
    names = sorted(dict.fromkeys(b for s in chains.values() for b in behaviour_names(s)), key=natural)
    known = list(context.behaviour_colours)
    names.sort(key=lambda b: known.index(b) if b in known else len(known))
    aligned = [_renamed(s, names) for s in chains.values()]
    total = transitions_of(aligned)
    if total.total < 1:
        return []
    probability = total.probabilities
    used = [n for k, n in enumerate(names) if total.counts[k].sum() + total.counts[:, k].sum() > 0]
    probability = probability.loc[used, used]
    usage = _usage(aligned, names)
    colours = context.colours_for(used)
    shown = probability.mask(np.eye(len(used), dtype=bool))
    shown.index, shown.columns = [readable(n) for n in used], [readable(n) for n in used]
    n_animals = len({context.animals.get(recording_id, recording_id) for recording_id in chains})
    frequent = total.counts.max()
    i, j = np.unravel_index(int(total.counts.argmax()), total.counts.shape)
    data = pd.DataFrame(
        [
            {"from": a, "to": b, "count": int(total.counts[x, y]), "probability": probability.loc[a, b]}
            for x, a in enumerate(names)
            for y, b in enumerate(names)
            if x != y and a in used and b in used
        ]
    )
    test = group_sentence(context, dict(zip(chains, aligned, strict=True)))
    common = (
        f"{number(total.total)} transitions, {who}, of {count(n_animals, 'animal')}. Staying in a behaviour is not "
        "counted, and gaps in the labels are not bridged."
    )
    parts: list[Part] = [
        Picture(
            matrix(
                shown,
                label="probability of the next behaviour",
                low=0,
                fmt="{:.2f}",
                square=True,
                ylabel="from",
                xlabel="to",
            ),
            "What follows what",
            f"{common} Read along a row: after this behaviour, how likely is each other one. Frequent behaviours "
            f"follow everything often, so a large number alone is no sign of a habit. {test}".strip(),
            f"Matrix of transition probabilities. Most frequent: {readable(names[i])} to {readable(names[j])}, "
            f"{number(int(frequent))} times.",
            data,
        )
    ]
    if 3 <= len(used) <= MAX_GRAPH:
        limit = 0.1 if len(used) <= 12 else 0.15
        parts.append(
            Picture(
                transition_graph(probability, usage, colours, shown=limit),
                "Transitions as a graph",
                "The same as arrows: disc area and the number in it are the share of the time in these behaviours (%), "
                f"arrow width is the probability. Transitions below {number(limit)} are not drawn.",
                f"Circle of {len(used)} behaviours joined by arrows.",
            )
        )
    return parts


def exclusive(states: xr.DataArray) -> xr.DataArray | None:
    """Return exclusive States; None when behaviours overlap in more than 1 % of the labelled samples.

    Samples with two behaviours count as the first of them; samples with none are unlabelled: the chain breaks.
    """
    if not is_multilabel(states):
        return states
    present = states.values == 1
    several = present.sum(axis=2) > 1
    if several.sum() > 0.01 * max(1, int(present.any(axis=2).sum())):
        return None
    index = np.where(present.any(axis=2), present.argmax(axis=2), -1)
    return make_states(
        index, states["time"].values, behaviour_names(states), [str(i) for i in states["individual"].values]
    )


def group_sentence(context: Context, states: dict[str, xr.DataArray]) -> str:
    """One test of all transitions together between two groups of at least two animals each.

    Animals with recordings in both groups make the design paired; their transitions are not compared here.
    """
    from murid.ethogram import group_difference

    if len(context.groups) != 2:
        return ""
    group_of: dict[str, set[str]] = {}
    for recording_id in states:
        if context.keys(recording_id)["group"]:
            group_of.setdefault(context.animals[recording_id], set()).add(context.keys(recording_id)["group"])
    both = [a for a, own in group_of.items() if len(own) > 1]
    if both:
        return (
            f"Transitions of {listed(context.groups)} were not compared: {count(len(both), 'animal')} "
            f"{'was' if len(both) == 1 else 'were'} recorded in both, which needs a paired test."
        )
    counts: dict[str, np.ndarray] = {}
    for recording_id, one in states.items():
        animal = context.animals[recording_id]
        if animal in group_of:
            own = transitions_of(one).counts
            counts[animal] = counts.get(animal, np.zeros_like(own)) + own
    groups = [next(iter(group_of[animal])) for animal in counts]
    sizes = {g: groups.count(g) for g in context.groups}
    if min(sizes.values(), default=0) < 2:
        return ""
    found = group_difference(np.stack(list(counts.values())), groups, measure="fractions")
    return transitions_compared(context.groups, float(found["p"]), sizes)


def _renamed(states: xr.DataArray, names: list[str]) -> xr.DataArray:
    """The same states with their codes in a common order of names."""
    own = behaviour_names(states)
    code = np.array([names.index(b) for b in own] + [-1])
    people = [str(i) for i in states["individual"].values]
    return make_states(code[states.values], states["time"].values, names, people)


def _usage(states: list[xr.DataArray], names: list[str]) -> dict[str, float]:
    """Share of known samples in each state, recordings pooled."""
    counts = sum(np.bincount(s.values[s.values >= 0].ravel(), minlength=len(names)) for s in states)
    return {n: float(c) / max(1, int(np.sum(counts))) for n, c in zip(names, np.atleast_1d(counts), strict=True)}
