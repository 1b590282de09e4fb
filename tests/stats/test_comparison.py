"""Group comparison against SciPy and statsmodels, and its error rates."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from murid.data.errors import DataError
from murid.data.pvalues import fdr, holm, rank_p
from murid.stats import CompareParams, compare, compare_many, hedges_g, paired_effects
from murid.stats.permutation import f_test, flip_residuals, sign_flip, two_groups, within_units

QUICK = CompareParams(n_permutations=999)


def table_of(*samples, names="abcd"):
    rows = [(f"{g}{i}", g, v) for g, sample in zip(names, samples, strict=False) for i, v in enumerate(sample)]
    return pd.DataFrame(rows, columns=["animal", "group", "x"])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_exact_p_equals_scipy(rng):
    a, b = rng.normal(0, 1, 6), rng.normal(1.2, 2, 7)

    def welch(x, y, axis):
        return scipy_stats.ttest_ind(x, y, equal_var=False, axis=axis).statistic

    reference = scipy_stats.permutation_test((b, a), welch, vectorized=True, n_resamples=np.inf)
    found = two_groups(a, b)
    assert found.exact
    assert found.n_permutations == 1716
    assert found.p == pytest.approx(
        scipy_stats.permutation_test(
            (b, a),
            lambda x, y, axis: np.abs(welch(x, y, axis)),
            vectorized=True,
            n_resamples=np.inf,
            alternative="greater",
        ).pvalue
    )
    assert found.statistic == pytest.approx(reference.statistic)


def test_random_p_is_near_the_exact_one(rng):
    a, b = rng.normal(0, 1, 8), rng.normal(1, 1, 8)
    assert two_groups(a, b, exact_up_to=1).p == pytest.approx(two_groups(a, b).p, abs=0.015)
    assert two_groups(a, b, exact_up_to=1, seed=3) == two_groups(a, b, exact_up_to=1, seed=3)


def test_sign_flip_equals_scipy(rng):
    d = rng.normal(0.5, 1, 10)
    reference = scipy_stats.permutation_test(
        (d,),
        lambda x, axis: np.abs(x.mean(axis)),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
        alternative="greater",
    )
    assert sign_flip(d).p == pytest.approx(reference.pvalue)


def test_f_and_h_equal_scipy(rng):
    samples = [rng.normal(m, 1, n) for m, n in ((0, 7), (0.5, 8), (1.5, 6))]
    values, codes = np.concatenate(samples), np.repeat([0, 1, 2], [7, 8, 6])
    f, h = f_test(values, codes), f_test(values, codes, ranks=True)
    from statsmodels.stats.oneway import anova_oneway

    welch = anova_oneway(samples, use_var="unequal", welch_correction=True)
    assert f.statistic == pytest.approx(welch.statistic, rel=1e-9)
    assert h.statistic == pytest.approx(scipy_stats.kruskal(*samples).statistic)
    assert f.p == pytest.approx(welch.pvalue, abs=0.01)
    assert h.p == pytest.approx(scipy_stats.kruskal(*samples).pvalue, abs=0.02)


def test_repeated_measures_f_equals_statsmodels(rng):
    from statsmodels.stats.anova import AnovaRM

    matrix = rng.normal(0, 1, (9, 3)) + rng.normal(0, 2, (9, 1)) + [0, 0.3, 1.0]
    long = pd.DataFrame({"y": matrix.ravel(), "s": np.repeat(np.arange(9), 3), "c": np.tile([0, 1, 2], 9)})
    reference = AnovaRM(long, "y", "s", within=["c"]).fit().anova_table
    found = within_units(matrix)
    assert found.statistic == pytest.approx(reference["F Value"].iloc[0])
    assert found.p == pytest.approx(reference["Pr > F"].iloc[0], abs=0.01)


def test_flip_residuals_equals_the_hc2_wald_test_of_statsmodels(rng):
    import statsmodels.api as sm

    group, weight = np.repeat([0, 1, 2], 10), rng.normal(0, 1, 30)
    dummies = np.column_stack([group == 1, group == 2]).astype(float)
    nuisance = np.column_stack([np.ones(30), weight])
    y = 0.6 * (group == 1) + 2 * weight + rng.normal(0, 1 + group, 30)
    for tested in (dummies[:, :1], dummies):
        fit = sm.OLS(y, np.column_stack([nuisance, tested])).fit(cov_type="HC2")
        last = np.eye(2 + tested.shape[1])[2:]
        reference = fit.wald_test(last, use_f=True, scalar=True)
        computed = flip_residuals(y, tested, nuisance, n_permutations=999).statistic
        if tested.shape[1] == 1:
            assert computed == pytest.approx(fit.tvalues[-1], rel=1e-9)
        else:
            assert computed == pytest.approx(reference.statistic, rel=1e-9)


def test_flip_residuals_without_covariates_is_welch(rng):
    a, b = rng.normal(0, 3, 6), rng.normal(1, 1, 11)
    y, member = np.concatenate([a, b]), np.repeat([0.0, 1.0], [6, 11])
    test = flip_residuals(y, member[:, None], np.ones((17, 1)), n_permutations=999)
    assert test.statistic == pytest.approx(scipy_stats.ttest_ind(b, a, equal_var=False).statistic, rel=1e-9)


def test_hedges_g_by_the_formula(rng):
    a, b = rng.normal(0, 1, 8), rng.normal(1, 1, 12)
    pooled = np.sqrt((7 * a.var(ddof=1) + 11 * b.var(ddof=1)) / 18)
    assert hedges_g(a, b) == pytest.approx((1 - 3 / (4 * 20 - 9)) * (b.mean() - a.mean()) / pooled)
    g_av, d_z = paired_effects(a, b[:8])
    d = b[:8] - a
    assert d_z == pytest.approx(d.mean() / d.std(ddof=1))
    assert g_av == pytest.approx((1 - 3 / (4 * 7 - 1)) * d.mean() / np.sqrt((a.var(ddof=1) + b[:8].var(ddof=1)) / 2))


def test_p_values_corrected_like_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.array([0.01, 0.04, 0.03, 0.5, 0.011])
    np.testing.assert_allclose(fdr(p), multipletests(p, method="fdr_bh")[1])
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    with_gap = np.insert(p, 2, np.nan)
    np.testing.assert_allclose(fdr(with_gap)[[0, 1, 3, 4, 5]], fdr(p))
    assert np.isnan(fdr(with_gap)[2])
    assert np.isnan(holm(with_gap)[2])
    assert rank_p(0, 999) == 0.001
    assert np.isnan(rank_p(0, 0))


def test_two_groups_with_sentence(rng):
    table = table_of(rng.normal(0, 1, 10), rng.normal(2, 1, 9))
    found = compare(table, "x", "group")
    a, b = (table.loc[table["group"] == g, "x"] for g in "ab")
    assert found.difference == pytest.approx(b.mean() - a.mean())
    assert found.difference_ci[0] < found.difference < found.difference_ci[1]
    assert found.effect == pytest.approx(float(hedges_g(a, b)))
    assert found.notes == ()
    reference = scipy_stats.ttest_ind(b, a, equal_var=False).confidence_interval()
    np.testing.assert_allclose(found.difference_ci, (reference.low, reference.high), rtol=1e-9)
    text = found.sentence()
    assert "n = 10 animals" in text
    assert "Hedges g = " in text
    assert "permutation" in text
    assert "p = " in text
    assert compare(table, "x", "group", seed=1).effect_ci == compare(table, "x", "group", seed=1).effect_ci


def test_recordings_are_averaged_and_it_says_so(rng):
    table = table_of(rng.normal(0, 1, 5), rng.normal(0, 1, 5))
    twice = pd.concat([table.assign(x=table["x"] - 1), table.assign(x=table["x"] + 1)])
    one, two = compare(table, "x", "group", params=QUICK), compare(twice, "x", "group", params=QUICK)
    assert one.p == pytest.approx(two.p)
    assert one.difference == pytest.approx(two.difference)
    assert "20 rows were averaged to 10" in two.sentence()
    assert any("fewer than 8" in note for note in two.notes)


def test_paired(rng):
    before = rng.normal(0, 3, 9)
    table = pd.DataFrame(
        {
            "animal": list(range(9)) * 2,
            "day": ["pre"] * 9 + ["post"] * 9,
            "x": np.concatenate([before, before + 1 + rng.normal(0, 0.3, 9)]),
        }
    )
    found = compare(table, "x", "day", paired=True, params=QUICK)
    assert found.p == pytest.approx(2 / 2**9)
    assert found.effect_name == "Hedges g_av"
    assert found.d_z > 2
    assert found.difference == pytest.approx(1, abs=0.4)
    assert (
        compare(table.sample(frac=1, random_state=0), "x", "day", paired=True, params=QUICK, order=["pre", "post"]).p
        == found.p
    )
    with pytest.raises(DataError, match="covariates"):
        compare(table, "x", "day", paired=True, covariates=["x"])


def test_three_groups_and_three_days(rng):
    samples = [rng.normal(0, 1, 9), rng.normal(0, 1, 9), rng.normal(3, 1, 9)]
    table = table_of(*samples)
    found = compare(table, "x", "group", params=QUICK)
    assert found.p <= 0.002
    assert len(found.pairwise) == 3
    each = [two_groups(samples[i], samples[j]).p for i, j in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(found.pairwise["p"], each)
    np.testing.assert_allclose(found.pairwise["p_holm"], holm(each))
    days = table.assign(animal=[k % 9 for k in range(27)])
    assert compare(days, "x", "group", paired=True, params=QUICK).p <= 0.002


def test_covariates_remove_what_they_explain(rng):
    n = 20
    sex = np.tile(["f", "m"], n)
    weight = rng.normal(0, 1, 2 * n)
    group = np.repeat(["ctrl", "drug"], n)
    x = 3 * (sex == "m") + 2 * weight + 0.9 * (group == "drug") + rng.normal(0, 0.5, 2 * n)
    table = pd.DataFrame({"animal": range(2 * n), "group": group, "sex": sex, "weight": weight, "x": x})
    raw, adjusted = (compare(table, "x", "group", covariates=c, params=QUICK) for c in ((), ("sex", "weight")))
    assert raw.p > 0.02
    assert adjusted.p <= 0.002
    assert adjusted.difference == pytest.approx(0.9, abs=0.4)
    assert np.diff(adjusted.difference_ci) < np.diff(raw.difference_ci)
    assert "adjusted for sex, weight" in adjusted.sentence()


def test_many_measures_are_corrected(rng):
    table = table_of(rng.normal(0, 1, 10), rng.normal(0, 1, 10))
    for k in range(5):
        table[f"m{k}"] = rng.normal(0, 1, 20) + (4 * (table["group"] == "b") if k == 0 else 0)
    found = compare_many(table, [f"m{k}" for k in range(5)], "group", params=QUICK)
    np.testing.assert_allclose(found["q"], fdr(found["p"]))
    assert found["q"].iloc[0] < 0.05
    assert list(found["measure"]) == [f"m{k}" for k in range(5)]


def test_no_spread_gives_no_nonsense():
    found = compare(table_of([1.0] * 8, [1.0] * 8), "x", "group", params=QUICK)
    assert found.p == 1.0
    assert np.isnan(found.effect)
    assert found.difference == 0
    apart = compare(table_of([0.0] * 5, [1.0] * 5), "x", "group", params=QUICK)
    assert apart.p == pytest.approx(2 / 252)
    assert np.isnan(apart.effect)
    assert "Hedges g = not defined" in apart.sentence()


def test_unequal_spread_and_size_keep_the_error_rate(rng):
    """The studentised statistic is why: permuting the plain difference gives 22 % errors here."""
    wrong = [two_groups(rng.normal(0, 3, 6), rng.normal(0, 1, 18), n_permutations=299).p <= 0.05 for _ in range(400)]
    assert 0.02 < np.mean(wrong) < 0.09


def test_pooling_cells_is_the_trap_and_animal_means_are_not(rng):
    """10 animals, 2 groups, 30 cells each, sd between animals 0.5: no group difference exists."""
    cells, animals = [], []
    for _ in range(300):
        level = rng.normal(0, 0.5, 10)
        x = level[:, None] + rng.normal(0, 1, (10, 30))
        cells.append(scipy_stats.ttest_ind(x[:5].ravel(), x[5:].ravel()).pvalue <= 0.05)
        animals.append(two_groups(x[:5].mean(1), x[5:].mean(1)).p <= 0.05)
    assert np.mean(cells) > 0.35
    assert np.mean(animals) < 0.08


def test_compare_turns_cells_into_animals(rng):
    x = rng.normal(0, 0.5, 10)[:, None] + rng.normal(0, 1, (10, 30))
    table = pd.DataFrame({"animal": np.repeat(np.arange(10), 30), "group": np.repeat(["a", "b"], 150), "x": x.ravel()})
    assert compare(table, "x", "group", params=QUICK).p == pytest.approx(two_groups(x[:5].mean(1), x[5:].mean(1)).p)
