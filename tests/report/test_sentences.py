"""Sentences over several measures: what could be tested, what differs, and what is left for the tables."""

from __future__ import annotations

import math
from types import SimpleNamespace

from murid.report import sentences
from murid.stats import Statement


def measured(name: str, p: float, *, n: int = 5, groups: tuple[str, ...] = ("ctrl", "drug"), **fields) -> Statement:
    """One measure that was compared: 3 cm more in the second of two groups."""
    numbers = {g: 1.0 for g in groups}
    two = (
        {"difference": 3.0, "interval": (1.0, 5.0), "effect_name": "Hedges g", "effect": 1.2}
        if len(groups) == 2
        else {}
    )
    return Statement(name, "cm", groups, dict.fromkeys(groups, n), numbers, numbers, p=p, **{**two, **fields})


def test_measures_that_could_not_be_tested_are_counted_apart():
    rows = [measured("a", 0.001), measured("b", 0.3), measured("c", math.nan)]
    text = sentences.groups_differ("open field", rows)
    assert text.startswith("1 of 2 tested measures of the open field differs between ctrl and drug after correction")
    assert text.endswith(" 1 measure could not be tested.")
    none = [measured("a", math.nan), measured("b", math.nan)]
    assert sentences.groups_differ("open field", none) == "None of 2 measures of the open field could be tested."


def test_one_test_is_not_called_corrected():
    text = sentences.groups_differ("open field", [measured("a", 0.001)])
    assert "in the one test made" in text
    assert "correction" not in text
    assert "correction" in sentences.groups_differ("open field", [measured("a", 0.001), measured("b", 0.5)])


def test_groups_are_as_large_as_their_largest_measure():
    text = sentences.groups_differ("open field", [measured("a", 0.5, n=4), measured("b", 0.5, n=6)])
    assert "None of 2 tested measures of the open field differ" in text
    assert "ctrl: n = 6 animals, drug: n = 6 animals" in text


def test_only_what_was_shown_is_called_the_largest_effect():
    assert sentences.largest_difference([measured("a", 0.2)]) == ""
    found = sentences.largest_difference([measured("a", 0.01), measured("b", 0.2, effect=9.0)])
    assert found.startswith("Largest effect: a: 3 cm more in drug than in ctrl")
    assert found.endswith("Hedges g 1.2.")


def test_three_groups_are_named_and_the_rest_is_counted():
    three = ("a", "b", "c")
    rows = [measured(f"m{k}", 0.001, groups=three) for k in range(6)]
    text = sentences.difference_sentences(rows)
    assert text.startswith("M0 differs between a, b and c")
    assert "M3 differs" in text
    assert "M4 differs" not in text
    assert text.endswith("2 more differences are in the tables.")
    assert sentences.difference_sentences(rows[:5]).endswith("1 more difference is in the tables.")
    assert sentences.difference_sentences([measured("two", 0.001)]) == ""


def test_behaviours_of_tuned_units_are_named_most_first():
    behaviours = (("rear", 4), ("groom", 2), ("run", 1), ("rest", 1))
    counts = SimpleNamespace(units=12, tested=10, tuned=6, by_behaviour=behaviours)
    text = sentences.units_tuned(counts, 3, 0.01)
    assert text.startswith(
        "6 of 10 tested units of 3 animals change their activity with at least one behaviour (q ≤ 0.01"
    )
    assert text.endswith("most of them with rear (4), groom (2) and run (1).")
