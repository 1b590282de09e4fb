"""What follows what: transitions of labels or motifs, as a matrix, a graph and one test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from murid.data.states import behaviour_names, is_multilabel, make_states
from murid.ethogram import transitions_of
from murid.ethogram.transitions import Transitions
from murid.plot.number_text import listed, natural, number, readable
from murid.report.context import Context
from murid.report.figures.heat_maps import matrix
from murid.report.figures.transition_graph import transition_graph
from murid.report.section_parts import Part, Picture
from murid.report.sentences import transitions_compared
from murid.report.subjects import AnalysisUnit, seen_in_states, subject_of

#: More behaviours than this are not drawn as a graph.
MAX_GRAPH = 24
#: Where fewer of the bouts than this share begin at the end of another, what is counted is chance.
LEAST_SIDE_BY_SIDE = 0.5


def transition_parts(context: Context, states: dict[str, xr.DataArray], source: str, alpha: float) -> list[Part]:
    """Matrix and graph of what follows what; staying is no transition. Groups differ where p is at most `alpha`."""
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
    used = [n for k, n in enumerate(names) if total.counts[k].sum() + total.counts[:, k].sum() > 0]
    if len(used) < 3:
        # Of two, each is followed by the other and by nothing else: a picture of that says nothing.
        return []
    n_animals = len({context.animals.get(recording_id, recording_id) for recording_id in chains})
    subject = subject_of(context, seen_in_states(chains))
    about = (
        f"{number(total.total)} transitions, {source}, of {subject.count(n_animals)}. Staying in a behaviour is not "
        "counted, and gaps in the labels are not bridged."
    )
    parted = _parted(total.total, aligned)
    test = parted or group_sentence(context, dict(zip(chains, aligned, strict=True)), subject, alpha)
    parts: list[Part] = [_matrix(total, names, used, about, test)]
    if len(used) <= MAX_GRAPH:
        parts.append(_graph(total.probabilities.loc[used, used], _usage(aligned, names), context.colours_for(used)))
    return parts


def _parted(n_transitions: float, states: Sequence[xr.DataArray]) -> str:
    """Say that most bouts are parted by time without a label, so that hardly any follows another; "" otherwise."""
    starts, tracks = 0, 0
    for one in states:
        codes = one.values.reshape(one.sizes["time"], -1)
        before = np.vstack([np.full((1, codes.shape[1]), -1), codes[:-1]])
        starts += int(((codes >= 0) & (codes != before)).sum())
        tracks += int((codes >= 0).any(axis=0).sum())
    if n_transitions >= LEAST_SIDE_BY_SIDE * (starts - tracks):
        return ""
    return (
        f"Only {number(n_transitions)} of {number(starts - tracks)} bouts begin where another ends; the others are "
        "parted by time without a label. These transitions do not stand for the behaviour, and are not tested."
    )


def _matrix(total: Transitions, names: list[str], used: list[str], about: str, test: str) -> Picture:
    """Probabilities of the next behaviour as a heat map."""
    probability = total.probabilities.loc[used, used]
    shown = probability.mask(np.eye(len(used), dtype=bool))
    shown.index, shown.columns = [readable(n) for n in used], [readable(n) for n in used]
    i, j = divmod(int(total.counts.argmax()), len(names))
    data = pd.DataFrame(
        [
            {"from": a, "to": b, "count": int(total.counts[x, y]), "probability": probability.loc[a, b]}
            for x, a in enumerate(names)
            for y, b in enumerate(names)
            if x != y and a in used and b in used
        ]
    )
    label = "probability of the next behaviour"
    return Picture(
        matrix(shown, label=label, low=0, fmt="{:.2f}", square=True, ylabel="from", xlabel="to"),
        "What follows what",
        f"{about} Read along a row: after this behaviour, how likely is each other one. Frequent behaviours "
        f"follow everything often, so a large number alone is no sign of a habit. {test}".strip(),
        f"Matrix of transition probabilities. Most frequent: {readable(names[i])} to {readable(names[j])}, "
        f"{number(int(total.counts.max()))} times.",
        data,
    )


def _graph(probability: pd.DataFrame, usage: dict[str, float], colours: dict[str, str]) -> Picture:
    """The same as discs and arrows."""
    used = [str(b) for b in probability.index]
    limit = 0.1 if len(used) <= 12 else 0.15
    return Picture(
        transition_graph(probability, usage, colours, shown=limit),
        "Transitions as a graph",
        "The same as arrows: disc area and the number beside it are the share of the time in these behaviours, "
        f"arrow width is the probability. Transitions below {number(limit)} are not drawn.",
        f"Circle of {len(used)} behaviours joined by arrows.",
        pd.DataFrame({"behaviour": used, "share_percent": [100 * usage[b] for b in used]}),
    )


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


def group_sentence(context: Context, states: dict[str, xr.DataArray], subject: AnalysisUnit, alpha: float) -> str:
    """One test of all transitions together between two groups of at least two animals each, at the level `alpha`.

    Groups of one animal are left out and named. Animals with recordings in both groups make the design paired;
    their transitions are not compared here.
    """
    from murid.ethogram import group_difference

    group_of: dict[str, set[str]] = {}
    for recording_id in states:
        if context.keys(recording_id)["group"]:
            group_of.setdefault(context.animals[recording_id], set()).add(context.keys(recording_id)["group"])
    both = [a for a, own in group_of.items() if len(own) > 1]
    members = [next(iter(own)) for own in group_of.values()]
    groups = [g for g in context.groups if members.count(g) > 1]
    if both and len(context.groups) == 2:
        return (
            f"Transitions of {listed(context.groups)} were not compared: {subject.count(len(both))} "
            f"{'was' if len(both) == 1 else 'were'} recorded in both, which needs a paired test."
        )
    if len(groups) != 2 or both:
        return ""
    counts: dict[str, np.ndarray] = {}
    for recording_id, one in states.items():
        animal = context.animals[recording_id]
        if group_of.get(animal, set()) & set(groups):
            own = transitions_of(one).counts
            counts[animal] = counts.get(animal, np.zeros_like(own)) + own
    of_each = [next(iter(group_of[animal])) for animal in counts]
    sizes = {g: of_each.count(g) for g in groups}
    difference = group_difference(np.stack(list(counts.values())), of_each, measure="fractions")
    text = transitions_compared(groups, float(difference["p"]), sizes, subject.plural, alpha)
    alone = [g for g in context.groups if g not in groups]
    if alone:
        text += f" Not compared, because fewer than two {subject.plural} can be used: {listed(alone)}."
    return text


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
