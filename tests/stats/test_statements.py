"""Sentences from declared fields: direction, unit, reference, pairs, who was left out."""

import math

import pandas as pd
import pytest

from murid.stats import GroupPair, LatencyStatement, Statement
from murid.stats.statements import latency_statements
from murid.stats.wording import joined, number_text, p_text, unit_text


def statement(difference=8.76, interval=(3.0, 14.5), **fields):
    base = {
        "measure": "time in centre",
        "unit": "%",
        "groups": ("ctrl", "drug"),
        "n": {"ctrl": 8, "drug": 7},
        "mean": {"ctrl": 20.1, "drug": 28.9},
        "sd": {"ctrl": 4.0, "drug": 5.0},
        "difference": difference,
        "interval": interval,
        "effect_name": "Hedges g",
        "effect": 1.9,
        "effect_interval": (0.6, 3.1),
        "p": 0.002,
        "test": "permutation of group labels, Welch t",
    }
    return Statement(**(base | fields))


def test_differences_of_percentages_are_percentage_points_and_means_are_percent():
    text = statement().sentence()
    assert "8.76 percentage points more in drug than in ctrl" in text
    assert "ctrl 20.1 ± 4 % (n = 8 animals)" in text
    assert "cm less" in statement(difference=-3.0, interval=(-5.0, -1.0), unit="cm").difference_text()


def test_counts_have_no_unit_in_a_sentence():
    assert unit_text("count", difference=True) == ""
    assert unit_text("cm", difference=True) == " cm"


def test_less_carries_a_positive_size_and_interval():
    assert statement(difference=-3.0, interval=(-5.0, 1.0), unit="cm").difference_text() == (
        "3 cm less in drug than in ctrl [-1, 5]"
    )


def test_the_group_that_zero_stands_for_is_the_first_compared_one():
    s = statement(left_out={"sham": 1})
    assert s.reference == "ctrl"
    assert "not compared, too small: sham (n = 1 animal)" in s.sentence().replace("Not", "not")


def test_no_difference_is_worded_as_not_shown():
    assert "no difference between ctrl and drug was shown" in statement(p=0.4).finding()
    assert "no difference" in statement(p=0.001, q=0.2).finding()
    assert "was shown" not in statement(p=0.001, q=0.02).finding()


def test_untested_measures_are_not_called_different():
    s = statement(p=math.nan, difference=math.nan, effect=math.nan)
    assert s.finding() == "time in centre: ctrl and drug could not be compared"
    assert not s.shown


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0502, "p = 0.0502"),
        (0.0498, "p = 0.0498"),
        (0.05, "p = 0.05"),
        (0.0123, "p = 0.012"),
        (0.0004, "p = 0.0004"),
        (0.00001, "p < 0.0001"),
        (0.5, "p = 0.50"),
        (math.nan, "not tested"),
    ],
)
def test_p_never_rounds_to_the_limit(p, text):
    assert p_text(p) == text


def test_three_groups_name_the_pairs_that_differ():
    pairs = (
        GroupPair("a", "b", 0.1, (-1.0, 1.2), 0.1, (-1.0, 1.0), 0.9, 0.9),
        GroupPair("a", "c", 3.0, (2.0, 4.0), 2.0, (1.0, 3.0), 0.001, 0.003),
        GroupPair("b", "c", 2.9, (0.1, 5.7), 1.2, (0.1, 2.3), 0.04, 0.08),  # apart by p, not after Holm
    )
    s = statement(
        groups=("a", "b", "c"),
        n={"a": 8, "b": 8, "c": 8},
        mean={"a": 0.0, "b": 0.1, "c": 3.0},
        sd={"a": 1.0, "b": 1.0, "c": 1.0},
        difference=math.nan,
        interval=(math.nan, math.nan),
        effect_name="none",
        effect=math.nan,
        pairs=pairs,
        unit="cm",
        p=0.001,
    )
    assert s.finding() == (
        "time in centre differs between a, b and c (p = 0.001); 3 cm more in c than in a [2, 4], p = 0.003"
    )
    assert "0.1 cm more in b than in a [-1, 1.2], p = 0.90" in s.sentence()
    assert s.direction == ""


def test_adjustment_covers_difference_and_effect():
    text = statement(covariates=("weight",)).sentence()
    assert text.count("adjusted for weight") == 2


def test_latencies_name_medians_and_who_did_it():
    s = LatencyStatement(
        "latency",
        ("ctrl", "drug"),
        {"ctrl": 8, "drug": 8},
        {"ctrl": 8, "drug": 3},
        {"ctrl": 17.0, "drug": math.nan},
        300.0,
        0.0002,
        n_missing=1,
        n_no_group=2,
    )
    text = s.sentence()
    assert "ctrl median 17 s (8 of 8 did), drug median not reached (3 of 8 did), log-rank p = 0.0002" in text
    assert "1 animal without latency left out" in text
    assert "2 animals without a group left out" in text


def test_latencies_read_back_from_a_stored_table(tmp_path):
    import numpy as np
    import pandas as pd

    from murid.stats import compare_survival

    t = np.minimum(np.random.default_rng(0).exponential(30, 24), 60)
    table = pd.DataFrame({"animal": range(24), "g": np.repeat(["a", "b", "c"], 8), "t": t, "e": t < 60})
    found = compare_survival(table, "t", "e", "g", n_permutations=199)
    pd.DataFrame([found.row("latency")]).to_csv(tmp_path / "l.csv", index=False)
    read = latency_statements(pd.read_csv(tmp_path / "l.csv"))[0]
    made = found.statement("latency")
    assert read.finding() == made.finding()
    assert [p[:2] for p in read.pairs] == [p[:2] for p in made.pairs]


def test_numbers_and_lists_as_people_write_them():
    assert [number_text(x) for x in (1230.4, 0.04123, 12.34, -2500.0, 2.5e6)] == [
        "1,230",
        "0.0412",
        "12.3",
        "-2,500",
        "2.5e+06",
    ]
    assert [joined(x) for x in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_ties_are_no_difference_and_what_is_missing_is_none_computed():
    tied = statement(difference=0.0, interval=(-1.0, 1.0), unit="cm", p=1.0)
    assert tied.difference_text() == "no difference between drug and ctrl [-1, 1]"
    assert tied.direction == "no difference"
    unknown = statement(difference=math.nan, interval=(math.nan, math.nan), p=0.3)
    assert unknown.difference_text() == ""
    assert "could be computed" not in unknown.sentence()


def test_p_and_q_are_told_apart_and_q_decides():
    s = statement(p=0.01, q=0.2)
    assert s.p_and_q() == "p = 0.01, q = 0.20"
    assert not s.shown
    assert statement(p=0.01).p_and_q() == "p = 0.01"
    assert statement(p=0.2, q=0.01).shown


def test_an_adjusted_finding_says_so():
    assert "[3, 14.5], adjusted for weight and sex, p = 0.002" in statement(covariates=("weight and sex",)).finding()
    assert "adjusted" not in statement().finding()


def test_intervals_name_their_level_and_groups_their_spread():
    text = statement(level=0.9, unit="cm").sentence()
    assert "intervals: 90 %" in text
    assert "drug 28.9 ± 5 cm (n = 7 animals), mean ± SD" in text
    assert "Hedges g = 1.90 [0.60, 3.10]" in text


def test_three_groups_of_which_no_pair_differs():
    pair = GroupPair("a", "b", 1.0, (-1.0, 3.0), 0.5, (-0.5, 1.5), 0.06, 0.12)
    three = {"groups": ("a", "b", "c"), "difference": math.nan, "pairs": (pair,), "unit": "cm", "effect_name": "none"}
    assert statement(**three, p=0.03).finding() == (
        "time in centre differs between a, b and c (p = 0.03); no pair is shown to differ after Holm"
    )
    assert statement(**three, p=0.3).finding() == "time in centre is not shown to differ between a, b and c (p = 0.30)"


def test_latencies_say_whether_they_differ_by_q():
    fields = ("latency", ("a", "b"), {"a": 8, "b": 8}, {"a": 8, "b": 6}, {"a": 10.0, "b": 40.0}, 300.0)
    assert LatencyStatement(*fields, p=0.01, q=0.2).finding().startswith("latency is not shown to differ: a median")
    assert LatencyStatement(*fields, p=0.01, q=0.02).finding().endswith("log-rank p = 0.01, q = 0.02")
    pairs = (("a", "b", 0.04),)
    assert "pairs (p after Holm): a and b p = 0.04" in LatencyStatement(*fields, p=0.01, pairs=pairs).sentence()


def test_three_groups_whose_latencies_differ_name_the_pairs():
    counts = dict.fromkeys("abc", 8)
    fields = ("latency", tuple("abc"), counts, counts, {"a": 10.0, "b": 11.0, "c": 90.0}, 300.0)
    pairs = (("a", "b", 0.8), ("a", "c", 0.003), ("b", "c", 0.06))
    differ = LatencyStatement(*fields, p=0.001, pairs=pairs)
    assert differ.finding().endswith("log-rank p = 0.001; a and c p = 0.003")
    assert ";" not in LatencyStatement(*fields, p=0.3, pairs=pairs).finding()
    none = LatencyStatement(*fields, p=0.04, pairs=tuple((a, b, 0.2) for a, b, _ in pairs))
    assert none.finding().endswith("; no pair is shown to differ after Holm")


def test_pairs_of_latencies_are_read_by_the_names_of_their_groups():
    counts = {f"{what}_{g}": 4 for what in ("n", "events", "median_s") for g in ("a", "b", "a and b")}
    row = {"measure": "latency", "groups": "a | b | a and b", "horizon_s": 60.0, "p": 0.01, **counts}
    row |= {"q": 0.01, "n_missing": 0, "n_no_group": 0}
    row["pairs_p_holm"] = "b and a and b: 0.3 | a and b: 0.1 | a and a and b: 0.2"  # in another order
    (found,) = latency_statements(pd.DataFrame([row]))
    assert found.pairs == (("a", "b", 0.1), ("a", "a and b", 0.2), ("b", "a and b", 0.3))
