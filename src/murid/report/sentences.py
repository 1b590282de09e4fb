"""Sentences that state a result, each made by one function from declared fields.

They are what a reader copies into a paper: they name the groups compared, the number tested, the unit, and
what the verdict rests on. Nothing here reads a table or a file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from murid.plot.words import count, listed, measure_name, number, p_value, readable
from murid.report.rows import ComparedLatency, ComparedMeasure, ComparedPair, Tested, TunedUnits

#: A difference is named with this many effects at most.
MAX_NAMED = 4


def amount(difference: float, unit: str, group: str) -> str:
    """Return ``10 cm more in drug``; differences of percentages are percentage points."""
    way = "more" if difference > 0 else "less"
    what = "percentage points" if unit == "%" else unit
    return f"{number(abs(difference))}{' ' + what if what else ''} {way} in {group}"


def effect_name(name: str) -> str:
    """Return the name of an effect size as papers write it."""
    return name.replace("hedges_g", "Hedges g").strip() or "effect size"


def groups_differ(paradigm: str, rows: Sequence[ComparedMeasure], late: Sequence[ComparedLatency] = ()) -> str:
    """Return how many measures differ between which groups, counting only what could be tested.

    Parameters
    ----------
    paradigm : str
        In words.
    rows : sequence of ComparedMeasure
    late : sequence of ComparedLatency
        Latencies that some animals never reached; tested by their survival.
    """
    tested: list[Tested] = [r for r in (*rows, *late) if np.isfinite(r.p)]
    n_tested = len(tested)
    names = list(dict.fromkeys(g for r in tested for g in r.names))
    if not n_tested:
        return f"None of the {count(len(rows) + len(late), 'measure')} of the {paradigm} could be tested."
    differ = [r.measure for r in tested if r.differs]
    sizes = {g: max(s.n for r in tested for s in r.groups if s.name == g) for g in names}
    n = ", ".join(f"{g}: n = {k} animals" for g, k in sizes.items())
    verb = "differs" if len(differ) == 1 else "differ"
    left = len(rows) + len(late) - n_tested
    untested = f" {count(left, 'measure')} could not be tested." if left else ""
    corrected = "after correction for testing many of them" if n_tested > 1 else "in the one test made"
    return (
        f"{number(len(differ)) if differ else 'None'} of {number(n_tested)} tested "
        f"{'measure' if n_tested == 1 else 'measures'} of the {paradigm} {verb} between {listed(names)} "
        f"{corrected} (q ≤ 0.05; {n}).{untested}"
    )


def largest_difference(rows: Sequence[ComparedMeasure], units: dict[str, str]) -> str:
    """Return the largest difference found between two groups, by effect size; "" where none was found."""
    differ = [r for r in rows if r.differs and len(r.groups) == 2 and np.isfinite(r.difference)]
    if not differ:
        return ""
    known = [r for r in differ if np.isfinite(r.effect)]
    row = max(known, key=lambda r: abs(r.effect)) if known else min(differ, key=lambda r: r.p)
    effect = f"{effect_name(row.effect_name)} {number(row.effect, 2)}, " if np.isfinite(row.effect) else ""
    return (
        f"Largest effect: {measure_name(row.measure)}, "
        f"{amount(row.difference, units.get(row.measure, ''), row.names[1])} ({effect}{p_value(row.p)})."
    )


def pairs_differ(pairs: Sequence[ComparedPair], differ: Sequence[str]) -> str:
    """Return which pairs of three or more groups differ, in the measures that differ at all."""
    shown = [p for p in pairs if p.measure in differ]
    if not shown:
        return ""
    parts = []
    for name in dict.fromkeys(p.measure for p in shown):
        found = [
            f"{p.first} and {p.second} ({p_value(p.p_holm)})" for p in shown if p.measure == name and p.p_holm <= 0.05
        ]
        parts.append(f"{measure_name(name)}: {listed(found) if found else 'no pair alone'}")
    more = f"; {count(len(parts) - MAX_NAMED, 'more measure')} in the tables" if len(parts) > MAX_NAMED else ""
    return f"Pairs that differ (Holm-corrected within each measure): {'; '.join(parts[:MAX_NAMED])}{more}."


def latency_found(row: ComparedLatency) -> str:
    """Return a latency compared by survival: medians, animals that never did it, the log-rank p."""
    parts = []
    for g in row.groups:
        never = f", {g.n - g.events} of {g.n} never" if g.events < g.n else ""
        median = f"median {number(g.median_s)} s" if np.isfinite(g.median_s) else "median not reached"
        parts.append(f"{g.name} {median}{never}")
    verdict = "differs" if row.differs else "is not shown to differ"
    q = f", q = {number(row.q, 2)}" if np.isfinite(row.q) else ""
    name = measure_name(row.measure)
    return (
        f"{name[0].upper()}{name[1:]} {verdict} between {listed(row.names)}: {listed(parts)} "
        f"(log-rank test of survival, {p_value(row.p)}{q})."
    )


def units_tuned(counts: TunedUnits, n_animals: int, alpha: float) -> str:
    """Return how many units are tuned, out of those that could be tested."""
    animals = count(n_animals, "animal")
    if not counts.tested:
        return f"None of {count(counts.units, 'unit')} of {animals} could be tested for tuning; see the table."
    verb = "changes its activity" if counts.tuned == 1 else "change their activity"
    text = (
        f"{number(counts.tuned) if counts.tuned else 'None'} of {count(counts.tested, 'tested unit')} of {animals} "
        f"{verb} with at least one behaviour (q ≤ {number(alpha)}"
        f"{f'; {counts.units - counts.tested} more could not be tested' if counts.units > counts.tested else ''})"
    )
    if counts.by_behaviour:
        top = [f"{readable(b)} ({n})" for b, n in counts.by_behaviour[:3]]
        text += f", most of them with {listed(top)}"
    return f"{text}."


def random_split(by_frames: float, by_animals: float) -> str:
    """Return what a split by random frames scores beside the split by animals."""
    text = (
        f"Split by random frames: mean F1 {number(by_frames, 2)} instead of {number(by_animals, 2)}. Neighbouring "
        "frames are near copies, so frames of the test set were nearly present in training: this score is "
    )
    if by_frames > by_animals:
        return text + "inflated, not a measure of performance on new animals, and must not be reported as one."
    return text + "not a measure of performance on new animals, although it is not higher here."


def frequent_mistake(label: str, predicted: str, frames: int) -> str:
    """Return the most frequent confusion, or that there is none."""
    if frames < 1:
        return "No frame was given another behaviour than its label."
    return f"Most frequent mistake: {readable(label)} taken for {readable(predicted)} ({count(frames, 'frame')})."


def quality_found(bad: Sequence[str], n_recordings: int) -> str:
    """Return how many recordings have a bad check."""
    if not bad:
        return f"Quality: none of {count(n_recordings, 'recording')} has a bad check."
    return (
        f"Quality: {number(len(bad))} of {count(n_recordings, 'recording')} "
        f"{'has' if len(bad) == 1 else 'have'} at least one bad check ({listed(bad, 6)}; see what to do below)."
    )


def transitions_compared(groups: Sequence[str], p: float, sizes: dict[str, int]) -> str:
    """Return the verdict of the one test of all transitions between groups."""
    verdict = "differ" if p <= 0.05 else "are not shown to differ"
    n = ", ".join(f"{g} n = {k}" for g, k in sizes.items())
    return (
        f"Taken together, the transitions of {listed(groups)} {verdict} ({p_value(p)}, one permutation test of the "
        f"whole matrix; animals: {n})."
    )
