"""Sentences that state a result, each made by one function from declared fields.

They are what a reader copies into a paper: they name the groups compared, the number tested, the unit, and
what the verdict rests on. Nothing here reads a table or a file. What one measure or latency shows is worded by
`murid.stats.comparison_statements`; here stands what is stated about several of them, and about everything else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from murid.plot.number_text import count, listed, number, p_value, readable
from murid.report.table_rows import TunedUnits
from murid.stats.statements import LatencyStatement, Statement

#: Findings on single measures that are named at most.
MAX_NAMED = 4

#: One measure tested between groups.
Tested = Statement | LatencyStatement


def groups_differ(paradigm: str, rows: Sequence[Tested]) -> str:
    """Return how many measures differ between which groups, counting only what could be tested.

    Parameters
    ----------
    paradigm : str
        In words.
    rows : sequence of Statement or LatencyStatement
        The family: every measure that was compared.
    """
    tested = [r for r in rows if math.isfinite(r.p)]
    if not tested:
        return f"None of {count(len(rows), 'measure')} of the {paradigm} could be tested."
    names = list(dict.fromkeys(g for r in tested for g in r.groups))
    n_differ = sum(r.shown for r in tested)
    sizes = {g: max(int(r.n[g]) for r in tested if g in r.groups) for g in names}
    n = ", ".join(f"{g}: n = {count(k, tested[0].noun)}" for g, k in sizes.items())
    corrected = "after correction for testing many of them" if len(tested) > 1 else "in the one test made"
    left = len(rows) - len(tested)
    untested = f" {count(left, 'measure')} could not be tested." if left else ""
    return (
        f"{number(n_differ) if n_differ else 'None'} of {count(len(tested), 'tested measure')} of the {paradigm} "
        f"{'differs' if n_differ == 1 else 'differ'} between {listed(names)} {corrected} "
        f"(q ≤ {number(tested[0].alpha)}; {n}).{untested}"
    )


def largest_difference(rows: Sequence[Statement]) -> str:
    """Return the largest difference shown between two groups, by effect size; "" where none was shown."""
    differ = [r for r in rows if r.shown and len(r.groups) == 2 and math.isfinite(r.difference)]
    if not differ:
        return ""
    known = [r for r in differ if math.isfinite(r.effect)]
    largest = max(known, key=lambda r: abs(r.effect)) if known else min(differ, key=lambda r: r.p)
    effect = f", {largest.effect_name} {number(largest.effect, 2)}" if known else ""
    return f"Largest effect: {largest.finding()}{effect}."


def difference_sentences(rows: Sequence[Tested]) -> str:
    """Return what is shown of more than two groups (with the pairs that differ) and of latencies; "" for nothing."""
    shown = [r for r in rows if r.shown and (isinstance(r, LatencyStatement) or len(r.groups) > 2)]
    named = [f"{r.finding()}." for r in shown[:MAX_NAMED]]
    if len(shown) > MAX_NAMED:
        named.append(f"{count(len(shown) - MAX_NAMED, 'more difference is', 'more differences are')} in the tables.")
    return " ".join(f"{text[0].upper()}{text[1:]}" for text in named)


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


def unlearnt_behaviours(recordings: Mapping[str, int], n_recordings: int) -> str:
    """Return which labelled behaviours a method could not learn; "" where it learnt all.

    Parameters
    ----------
    recordings : mapping of behaviour to int
        In how many recordings its states are missing.
    n_recordings : int
        All recordings that the method was used on.
    """
    whole = [readable(b) for b, n in recordings.items() if n >= n_recordings]
    partly = [
        f"{readable(b)} in {number(n)} of {count(n_recordings, 'recording')}"
        for b, n in recordings.items()
        if n < n_recordings
    ]
    if not recordings:
        return ""
    names = listed([*whole, *partly], 12)
    verb = "was" if len(recordings) == 1 else "were"
    return f"Labelled but not learnt, and so not predicted, {verb} {names}: too few bouts or animals to tell it by."


def trained_on(n_trained: int, n_recordings: int, method: str) -> str:
    """Return that a method is shown on recordings that it learnt from; "" where it is shown on others alone."""
    if not n_trained:
        return ""
    which = (
        "These recordings"
        if n_trained == n_recordings
        else f"{number(n_trained)} of these {count(n_recordings, 'recording')}"
    )
    return (
        f"{which} trained {method}: it knows their labels, so that their states are no sign of how well it does on "
        "recordings it has not seen (that is what an evaluation is for)."
    )


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


def transitions_compared(groups: Sequence[str], p: float, sizes: dict[str, int], units: str, alpha: float) -> str:
    """Return the verdict at the level `alpha` of the one test of all transitions between groups of `units`."""
    verdict = "differ" if p <= alpha else "are not shown to differ"
    n = ", ".join(f"{g} n = {k}" for g, k in sizes.items())
    return (
        f"Taken together, the transitions of {listed(groups)} {verdict} ({p_value(p, alpha)}, level {number(alpha)}, "
        f"one permutation test of the whole matrix; {units}: {n})."
    )
