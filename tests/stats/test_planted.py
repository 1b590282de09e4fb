"""Planted studies: what must be refused, adjusted, left out or named."""

import numpy as np
import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.stats import CompareParams, compare, compare_many, compare_survival, fit_mixed_model
from murid.stats.permutation import sign_flip

QUICK = CompareParams(n_permutations=999)


def one_row_an_animal(groups, values, **columns):
    return pd.DataFrame({"animal": [f"a{i:02d}" for i in range(len(groups))], "group": groups, "v": values, **columns})


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_covariate_that_equals_the_group_is_refused(rng):
    table = one_row_an_animal(["ctrl"] * 8 + ["drug"] * 8, rng.normal(10, 1, 16), sex=["m"] * 8 + ["f"] * 8)
    with pytest.raises(DataError, match=r"cannot be separated from that of 'sex'.*leave it out"):
        compare(table, "v", "group", covariates=["sex"])
    number = table.assign(cohort=np.where(table["sex"] == "m", 1.0, 2.0))
    with pytest.raises(DataError, match="cannot be separated from that of 'cohort'"):
        compare(number, "v", "group", covariates=["cohort"])


@pytest.mark.parametrize("per_litter", [1, 2])
def test_litter_nested_in_groups_is_refused_and_the_way_is_named(rng, per_litter):
    groups = ["ctrl"] * 8 + ["drug"] * 8
    table = one_row_an_animal(groups, rng.normal(10, 0.5, 16), litter=[f"L{i // per_litter}" for i in range(16)])
    table["v"] += 5.0 * (table["group"] == "drug")
    with pytest.raises(DataError, match=r"'litter'.*unit='litter'"):
        compare(table, "v", "group", covariates=["litter"])
    assert compare(table, "v", "group", unit="litter", params=QUICK).p < 0.03


def test_two_covariates_that_together_are_the_group(rng):
    group = np.repeat(["a", "b"], 8)
    x = rng.normal(0, 1, 16)
    table = one_row_an_animal(group, rng.normal(0, 1, 16), x=x, y=(group == "b") - x)
    with pytest.raises(DataError, match="x and y together"):
        compare(table, "v", "group", covariates=["x", "y"])


def test_more_covariates_than_units(rng):
    table = one_row_an_animal(["a", "a", "b", "b"], rng.normal(0, 1, 4), x=rng.normal(0, 1, 4), y=rng.normal(0, 1, 4))
    with pytest.raises(DataError, match="too many covariates"):
        compare(table, "v", "group", covariates=["x", "y"])


def test_effect_is_adjusted_as_the_difference_is(rng):
    weight = np.r_[rng.normal(20, 1, 10), rng.normal(26, 1, 10)]
    table = one_row_an_animal(["ctrl"] * 10 + ["drug"] * 10, np.zeros(20), weight=weight)
    table["v"] = -2.0 * (weight - 20) + 4 * (table["group"] == "drug") + rng.normal(0, 0.5, 20)
    result = compare(table, "v", "group", covariates=["weight"], params=QUICK)
    assert result.difference == pytest.approx(4, abs=1.2)
    assert result.effect > 0
    within = table["v"] - table.groupby("group")["v"].transform("mean")
    assert result.effect == pytest.approx((1 - 3 / 71) * result.difference / np.sqrt((within**2).sum() / 18))
    assert result.effect_ci[0] < result.effect < result.effect_ci[1]


def test_pairs_are_adjusted_as_the_test_is(rng):
    weight = np.r_[rng.normal(20, 1, 10), rng.normal(26, 1, 10), rng.normal(20, 1, 10)]
    table = one_row_an_animal(np.repeat(["a", "b", "c"], 10), 2.0 * weight + rng.normal(0, 0.5, 30), weight=weight)
    result = compare(table, "v", "group", covariates=["weight"], params=QUICK)
    assert result.p > 0.05
    assert (result.pairwise["p_holm"] > 0.05).all()
    assert (result.pairwise["difference"].abs() < 2).all()
    two = compare(table[table["group"] != "c"], "v", "group", covariates=["weight"], params=QUICK)
    assert result.pairwise.loc[0, "difference"] == pytest.approx(two.difference)


def test_adjusted_interval_equals_statsmodels_hc2_without_covariate_effects(rng):
    import statsmodels.api as sm

    weight, member = rng.normal(0, 1, 14), np.repeat([0.0, 1.0], 7)
    y = 1.5 * member + weight + rng.normal(0, 1 + member, 14)
    table = one_row_an_animal(np.where(member == 1, "drug", "ctrl"), y, weight=weight)
    result = compare(table, "v", "group", covariates=["weight"], params=QUICK)
    fit = sm.OLS(y, np.column_stack([np.ones(14), weight, member])).fit(cov_type="HC2")
    assert result.difference == pytest.approx(fit.params[-1], rel=1e-9)
    middle, half = np.mean(result.difference_ci), np.diff(result.difference_ci)[0] / 2
    assert middle == pytest.approx(result.difference, rel=1e-9)
    assert 1.96 * fit.bse[-1] < half < 2.9 * fit.bse[-1]
    assert result.test.statistic == pytest.approx(fit.tvalues[-1], rel=1e-9)


def test_incomplete_pairs_are_counted_and_nothing_counts_as_averaged(rng):
    rows = [
        {"animal": f"a{i}", "day": d, "v": rng.normal(10 + (d == "post"), 1)}
        for i in range(10)
        for d in ("pre", "post")
        if not (i >= 8 and d == "post")
    ]
    notes = compare(pd.DataFrame(rows), "v", "day", paired=True, params=QUICK).notes
    assert "2 animals without 'post' left out" in notes
    assert not any("averaged" in note for note in notes)


@pytest.mark.parametrize("blank", ["", "  ", None, np.nan])
def test_animals_without_a_group_are_no_group(rng, blank):
    values = np.r_[rng.normal(10, 1, 8), rng.normal(11.2, 1, 8), 30, 31]
    table = one_row_an_animal(["ctrl"] * 8 + ["drug"] * 8 + [blank] * 2, values)
    result = compare(table, "v", "group", params=QUICK)
    assert result.groups == ("ctrl", "drug")
    assert result.difference == pytest.approx(values[8:16].mean() - values[:8].mean())
    assert "2 animals without a group left out" in result.notes
    late = compare_survival(table.assign(happened=1), "v", "happened", "group", n_permutations=199)
    assert list(late.summary.index) == ["ctrl", "drug"]
    assert late.n_no_group == 2
    assert late.summary["rmst_s"].max() < 15


def test_outer_spaces_make_no_second_animal_or_group(rng):
    table = one_row_an_animal(["ctrl", "ctrl ", "ctrl", "drug", "drug", " drug"], rng.normal(0, 1, 6))
    table["animal"] = ["a", "b", "b ", "c", "d", "d"]
    assert compare(table, "v", "group", params=QUICK).summary["n"].tolist() == [2, 2]


def test_a_group_of_one_animal_is_left_out_by_name(rng):
    table = one_row_an_animal(["sham"] + ["ctrl"] * 6 + ["drug"] * 6, np.r_[100.0, rng.normal(10, 1, 12)])
    result = compare(table, "v", "group", params=QUICK)
    assert result.groups == ("ctrl", "drug")
    assert result.left_out == {"sham": 1}
    assert "sham (n = 1 animal)" in result.sentence()
    assert result.statement().reference == "ctrl"


def test_two_paired_animals_have_no_effect_size():
    table = pd.DataFrame({"animal": list("abab"), "day": ["pre", "pre", "post", "post"], "v": [10.0, 12, 30, 34]})
    result = compare(table, "v", "day", paired=True, params=QUICK)
    assert result.difference == 21
    assert np.isnan(result.effect)
    assert "not defined" in result.sentence()
    assert any("no p below 0.5" in note for note in result.notes)


@pytest.mark.parametrize(("sizes", "floor"), [((3, 3), 0.1), ((3, 4), 1 / 35), ((2, 2, 2), 6 / 90), ((4, 4), 2 / 70)])
def test_the_smallest_possible_p_knows_that_groups_may_change_places(sizes, floor):
    names = [name for name, n in zip("abc", sizes, strict=False) for _ in range(n)]
    values = np.repeat(np.arange(len(sizes)) * 100.0, sizes) + np.random.default_rng(0).normal(0, 1, sum(sizes))
    result = compare(one_row_an_animal(names, values), "v", "group", params=QUICK)
    assert result.test.p_floor == pytest.approx(floor, abs=1e-9 if result.test.exact else 0.02)
    # The groups lie so far apart that no arrangement is more different: this p is the smallest one.
    assert result.p == result.test.p_floor
    assert any("no p below" in note for note in result.notes) == (floor > 0.05)
    strict = compare(one_row_an_animal(names, values), "v", "group", params=QUICK, alpha=0.001)
    assert any("no p below" in note for note in strict.notes)
    assert result.statement().shown == (result.p <= 0.05)
    assert not strict.statement().shown


@pytest.mark.parametrize(("d", "share"), [(np.ones(3), 2 / 8), (np.arange(1.0, 6), 2 / 32), (np.arange(1.0, 41), 0.0)])
def test_the_smallest_p_of_drawn_rearrangements_counts_the_data_and_their_ties(d, share):
    test = sign_flip(d, n_permutations=9999, exact_up_to=1, seed=1)
    assert not test.exact
    assert test.p_floor * 10_000 == pytest.approx(round(test.p_floor * 10_000))
    assert test.p_floor == pytest.approx(max(share, 1 / 10_000), abs=0.02 if share else 1e-12)
    assert test.p == test.p_floor  # all differences have one sign: no arrangement has a larger mean
    other = sign_flip(np.where(np.arange(d.size) % 2, d, -d), n_permutations=9999, exact_up_to=1, seed=1)
    assert other.p > other.p_floor == pytest.approx(share, abs=0.02)
    assert sign_flip(d[:3]).p_floor == sign_flip(d[:3]).p == 2 / 8


def test_order_of_the_rows_changes_nothing(rng):
    table = one_row_an_animal(["a"] * 12 + ["b"] * 12, rng.normal(0, 1, 24) + np.repeat([0, 0.8], 12))
    shuffled = table.sample(frac=1, random_state=2)
    one, two = (compare(t, "v", "group", order=["a", "b"], params=QUICK) for t in (table, shuffled))
    assert (one.p, one.difference_ci, one.effect_ci) == (two.p, two.difference_ci, two.effect_ci)


def test_few_animals_and_skewed_values_are_marked(rng):
    four = compare(one_row_an_animal(["a"] * 4 + ["b"] * 4, rng.normal(0, 1, 8)), "v", "group", params=QUICK)
    assert np.isnan(four.effect_ci[0])
    assert np.isfinite(four.difference_ci[0])
    assert any("no interval of the effect size" in note for note in four.notes)
    skewed = one_row_an_animal(["a"] * 15 + ["b"] * 15, np.exp(1.2 * rng.normal(0, 1, 30)))
    assert any("skewed" in note for note in compare(skewed, "v", "group", params=QUICK).notes)
    logs = compare(skewed.assign(v=np.log(skewed["v"])), "v", "group", params=QUICK)
    assert not any("skewed" in note for note in logs.notes)


def test_ties_give_the_p_of_all_arrangements():
    table = one_row_an_animal(["a"] * 5 + ["b"] * 5, [0.0, 0, 1, 1, 2, 1, 2, 2, 2, 2])
    from itertools import combinations

    x = table["v"].to_numpy()

    def welch(chosen):
        b, a = x[list(chosen)], np.delete(x, list(chosen))
        spread = a.var(ddof=1) / 5 + b.var(ddof=1) / 5
        return abs(b.mean() - a.mean()) / np.sqrt(spread) if spread > 0 else np.inf

    observed = welch(range(5, 10))
    expected = np.mean([welch(c) >= observed - 1e-9 for c in combinations(range(10), 5)])
    assert compare(table, "v", "group", params=QUICK).p == pytest.approx(expected)


def test_equal_means_have_no_direction_by_rounding():
    a, b = [0.1, 0.2, 0.3, 0.6], [0.3, 0.3, 0.3, 0.3]  # 0.30000000000000004 and 0.3
    assert np.mean(a) != np.mean(b)
    found = compare(one_row_an_animal(["ctrl"] * 4 + ["drug"] * 4, [*a, *b]), "v", "group", params=QUICK)
    assert found.difference == 0
    assert "no difference between drug and ctrl" in found.sentence()
    small = compare(one_row_an_animal(["ctrl"] * 4 + ["drug"] * 4, [*a, *(np.array(b) + 1e-14)]), "v", "group")
    assert small.difference > 0


def test_rows_without_an_animal_are_counted_as_such():
    table = one_row_an_animal(["ctrl"] * 6 + ["drug"] * 5, np.arange(11.0))
    table.loc[0, "animal"] = ""
    notes = compare(table, "v", "group", params=QUICK).notes
    assert "1 row without animal left out" in notes
    assert not any("value" in note and "left out" in note for note in notes)


def test_crossover_is_not_compared_as_two_groups():
    table = pd.DataFrame({"animal": list("abcabc"), "drug": ["veh"] * 3 + ["cno"] * 3, "v": [1.0, 2, 3, 2, 3, 5]})
    with pytest.raises(DataError, match=r"more than one group.*paired=True"):
        compare(table, "v", "drug")
    assert compare(table, "v", "drug", paired=True, params=QUICK).difference == pytest.approx(4 / 3)


def test_stored_table_gives_the_sentences_back(rng, tmp_path):
    from murid.stats import compare_tables, comparison_statements

    table = one_row_an_animal(np.repeat(["a", "b", "c"], 8), np.repeat([0.0, 0, 3], 8) + rng.normal(0, 1, 24))
    comparison, pairs = compare_tables(table, ["v"], "group", params=QUICK)
    comparison.to_csv(tmp_path / "comparison.csv", index=False)
    again = pd.read_csv(tmp_path / "comparison.csv")
    made = comparison_statements(again, pairs, units={"v": "%"}, names={"v": "time in the centre"})[0]
    assert made.finding().startswith("time in the centre differs between a, b and c (p = 0.001, q = 0.001)")
    assert "percentage points more in c than in a" in made.finding()
    assert "a and b" not in made.finding()
    assert compare_many(table, ["v"], "group", params=QUICK)["p"].tolist() == comparison["p"].tolist()


def test_pairs_after_a_survival_test_are_a_family(rng):
    t = np.minimum(rng.exponential(30, 36), 60)
    table = one_row_an_animal(np.repeat(["a", "b", "c"], 12), t, happened=t < 60)
    found = compare_survival(table, "v", "happened", "group", n_permutations=999)
    assert (found.pairwise["p_holm"] >= found.pairwise["p"]).all()
    assert "p after Holm" in found.statement("latency").sentence()
    two = table[table["group"] != "c"]
    alone = compare_survival(two, "v", "happened", "group", n_permutations=999)
    assert found.pairwise.loc[0, "p"] == alone.p


def test_animals_without_latency_are_counted():
    table = one_row_an_animal(["a"] * 6 + ["b"] * 6, [10.0, 20, 30, None, None, None, 40, 50, 60, 70, 80, 90])
    found = compare_survival(table.assign(happened=1), "v", "happened", "group", n_permutations=199)
    assert found.n_missing == 3
    assert "3 animals without latency left out" in found.statement().sentence()


@pytest.mark.parametrize("n", [2, 24, 38, 44, 54, 118])
def test_median_where_exactly_half_did_it(n):
    half = n // 2
    time = np.tile(np.r_[np.arange(1.0, half + 1), np.full(half, 300.0)], 2)
    table = one_row_an_animal(["a"] * n + ["b"] * n, time, happened=np.tile(np.repeat([1, 0], half), 2))
    assert compare_survival(table, "v", "happened", "group", n_permutations=9).summary["median_s"].tolist() == [
        half,
        half,
    ]


def test_nobody_did_it():
    table = one_row_an_animal(["a"] * 5 + ["b"] * 5, [300.0] * 10, happened=0)
    found = compare_survival(table, "v", "happened", "group", n_permutations=99)
    assert found.p == 1.0
    assert "median not reached (0 of 5 did)" in found.statement().finding()


def test_whole_litters_that_were_treated_are_named_where_animals_are_counted():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"animal": range(24), "litter": np.repeat(list("abcdef"), 4), "v": rng.normal(0, 1, 24)})
    rows["group"] = np.repeat(["ctrl", "drug"], 12)
    said = "all animals of a litter are in one group (6 litters of several animals)"
    assert any(said in note and "unit='litter'" in note for note in compare(rows, "v", "group").notes)
    assert not any(said in note for note in compare(rows, "v", "group", unit="litter").notes)
    split = rows.assign(group=np.tile(["ctrl", "drug"], 12))
    assert not any("litter" in note for note in compare(split, "v", "group").notes)
    days = pd.concat([rows.assign(day=d, v=rng.normal(0, 1, 24)) for d in range(3)])
    assert any(said in note for note in fit_mixed_model(days, "v", "group", "day", n_permutations=9).notes)
