"""What `murid.stats` computes beside SciPy, statsmodels and closed forms, to 1e-6: what the other tests leave out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats as scipy_stats

from murid.stats import compare, compare_survival
from murid.stats.effects import hedges_interval, hedges_j, paired_effect_interval, paired_effects, paired_interval
from murid.stats.linear import adjusted_difference, adjusted_effect, design_of
from murid.stats.mixed import fit_mixed_model
from murid.stats.repeated import day_effects, pseudo_f

EXACT = {"rtol": 1e-6, "atol": 1e-9}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def units(group, values, **more):
    return pd.DataFrame({"animal": range(len(values)), "group": group, "v": values, **more})


def test_paired_interval_is_that_of_scipy(rng):
    a = rng.normal(0, 2, 9)
    b = a + rng.normal(0.5, 1, 9)
    for level in (0.9, 0.95):
        reference = scipy_stats.ttest_rel(b, a).confidence_interval(level)
        np.testing.assert_allclose(paired_interval(a, b, level), (reference.low, reference.high), **EXACT)


def test_effect_intervals_are_those_of_the_noncentral_t(rng):
    a, b = rng.normal(0, 1, 9), rng.normal(1, 1, 9)
    t, df, root = scipy_stats.ttest_ind(b, a).statistic, 16, np.sqrt(2 / 9)
    low, high = (v / root for v in hedges_interval(a, b))
    np.testing.assert_allclose([scipy_stats.nct.sf(t, df, low), scipy_stats.nct.cdf(t, df, high)], 0.025, **EXACT)
    t, df = scipy_stats.ttest_rel(b, a).statistic, 8
    g_av, d_z = paired_effects(a, b)
    scale = g_av / hedges_j(df) / d_z / 3
    low, high = (v / scale for v in paired_effect_interval(a, b))
    np.testing.assert_allclose([scipy_stats.nct.sf(t, df, low), scipy_stats.nct.cdf(t, df, high)], 0.025, **EXACT)


@pytest.mark.parametrize("sizes", [(7, 7), (5, 12)])
def test_adjusted_interval_has_the_degrees_of_freedom_of_bell_and_mccaffrey(rng, sizes):
    n, m = sizes
    table = units(["a"] * n + ["b"] * m, rng.normal(0, 1, n + m))
    found = adjusted_difference(table["v"].to_numpy(), design_of(table, ("a", "b"), ()), 0.95)
    # Without covariates: Imbens & Kolesár (2016), section 2, the variances taken as equal.
    df = (1 / n + 1 / m) ** 2 / (1 / (n**2 * (n - 1)) + 1 / (m**2 * (m - 1)))
    a, b = (table.loc[table["group"] == g, "v"] for g in "ab")
    half = scipy_stats.t.ppf(0.975, df) * np.sqrt(a.var() / n + b.var() / m)
    middle = b.mean() - a.mean()
    np.testing.assert_allclose([found.value, *found.interval], [middle, middle - half, middle + half], **EXACT)


def test_adjusted_effect_has_the_error_of_statsmodels(rng):
    weight, member = rng.normal(0, 1, 18), np.repeat([0.0, 1.0], 9)
    table = units(np.where(member == 1, "b", "a"), member + weight + rng.normal(0, 1, 18), weight=weight)
    found = adjusted_effect(table["v"].to_numpy(), design_of(table, ("a", "b"), ["weight"]), 0.95)
    fit = sm.OLS(table["v"], np.column_stack([np.ones(18), weight, member])).fit()
    spread = np.sqrt(sm.OLS(table["v"], np.column_stack([np.ones(18), member])).fit().scale)
    d = fit.params.iloc[-1] / spread
    half = scipy_stats.t.ppf(0.975, 15) * np.sqrt((fit.bse.iloc[-1] / spread) ** 2 + d**2 / 32)
    np.testing.assert_allclose([found.value, *found.interval], [hedges_j(16) * d, d - half, d + half], **EXACT)


def test_several_groups_with_a_covariate_are_the_hc2_test_of_statsmodels(rng):
    group, weight = np.repeat(["a", "b", "c"], 8), rng.normal(0, 1, 24)
    table = units(group, weight + (group == "c") + rng.normal(0, 1, 24), weight=weight)
    found = compare(table, "v", "group", covariates=["weight"], n_permutations=999)
    columns = np.column_stack([np.ones(24), weight, group == "b", group == "c"]).astype(float)
    fit = sm.OLS(table["v"], columns).fit(cov_type="HC2")
    reference = fit.wald_test(np.eye(4)[2:], use_f=True, scalar=True)
    assert found.test.statistic == pytest.approx(float(reference.statistic), rel=1e-6)


def test_effects_of_days_are_those_of_the_additive_model(rng):
    rows = pd.DataFrame({"unit": np.repeat(list("abcdef"), 4), "time": np.tile([0, 1, 2, 5], 6)})
    rows["value"] = rng.normal(0, 1, 24) + 0.5 * rows["time"]
    rows = rows.drop(index=[3, 6, 13])
    fit = sm.OLS.from_formula("value ~ C(unit) + C(time)", rows).fit()
    effect = rows["time"].map(lambda t: fit.params.get(f"C(time)[T.{t}]", 0.0))
    np.testing.assert_allclose(day_effects(rows), effect - effect.mean(), **EXACT)


def test_profiles_of_one_column_have_the_f_of_scipy(rng):
    x, codes = rng.normal(0, 1, (15, 1)), np.repeat([0, 1, 2], [4, 5, 6])
    reference = scipy_stats.f_oneway(*(x[codes == k, 0] for k in range(3))).statistic
    np.testing.assert_allclose(pseudo_f(x, codes[None]), [reference], **EXACT)


def test_pairs_of_latencies_are_each_the_logrank_of_scipy(rng):
    table = units(np.repeat(["a", "b", "c"], 8), np.round(rng.exponential(40, 24)) + 1)
    table["did"] = table["v"] < 50
    table["v"] = table["v"].clip(upper=50)
    found = compare_survival(table, "v", "did", "group", n_permutations=99)
    for row in found.pairwise.itertuples():
        samples = [
            scipy_stats.CensoredData.right_censored(own["v"], ~own["did"])
            for own in (table[table["group"] == g] for g in (row.first, row.second))
        ]
        assert row.statistic == pytest.approx(scipy_stats.logrank(*samples).statistic ** 2, rel=1e-6)


def test_complete_design_without_slopes_is_the_classical_analysis(rng):
    """Two days: random intercepts alone. F of group and of group x day are those of sums and of differences."""
    level = np.repeat(rng.normal(0, 2, 16), 2)
    rows = pd.DataFrame({"animal": np.repeat(range(16), 2), "day": np.tile([0, 1], 16), "v": level})
    rows["group"] = np.where(rows["animal"] < 8, "a", "b")
    rows["v"] += rng.normal(0, 1, 32) + 0.5 * (rows["group"] == "b") * rows["day"]
    found = fit_mixed_model(rows, "v", "group", "day", n_permutations=99).terms
    wide = rows.pivot(index="animal", columns="day", values="v").to_numpy()
    for term, own in (("group", wide.sum(1)), ("group:day", wide[:, 1] - wide[:, 0])):
        reference = scipy_stats.ttest_ind(own[:8], own[8:])
        shown = found.loc[term, ["F", "p"]].astype(float)
        np.testing.assert_allclose(shown, [reference.statistic**2, reference.pvalue], **EXACT)


@pytest.mark.parametrize("days", [4, 5])
def test_complete_designs_with_slopes_are_the_t_tests_of_means_and_slopes(rng, days):
    animal, day = np.divmod(np.arange(16 * days), days)
    v = rng.normal(0, 2, 16)[animal] + rng.normal(0, 1, 16)[animal] * day + rng.normal(0, 0.5, animal.size)
    rows = pd.DataFrame({"animal": animal, "day": day, "v": v, "group": np.where(animal < 8, "a", "b")})
    found = fit_mixed_model(rows, "v", "group", "day", n_permutations=99)
    wide, t = v.reshape(16, days), np.arange(days) - (days - 1) / 2
    for term, own in (("group", wide.mean(1)), ("group:day", wide @ t / (t @ t))):
        reference = scipy_stats.ttest_ind(own[:8], own[8:])
        shown = found.terms.loc[term, ["F", "p"]].astype(float)
        np.testing.assert_allclose(shown, [reference.statistic**2, reference.pvalue], **EXACT)
    # Variances as mean squares give them: within, and what slopes vary beyond their error.
    slopes = wide @ t / (t @ t)
    rest = wide - wide.mean(1, keepdims=True) - np.outer(slopes, t)
    residual = (rest**2).sum() / (16 * (days - 2))
    pooled = (slopes[:8].var(ddof=1) + slopes[8:].var(ddof=1)) / 2
    np.testing.assert_allclose(found.residual_variance, residual, **EXACT)
    np.testing.assert_allclose(found.slope_variance, pooled - residual / (t @ t), **EXACT)


def test_slopes_that_go_with_levels_entirely_are_the_greatest_likelihood():
    """The optimum lies at a correlation of 1; an optimiser that avoids it stops at .8 of the variance."""
    from murid.stats.reml import fit_reml

    rng = np.random.default_rng(2)
    level, slope = np.repeat(rng.normal(0, 2, 16), 5), np.repeat(rng.normal(0, 0.5, 16), 5)
    unit, t = np.repeat(np.arange(16), 5), np.tile(np.arange(5.0), 16) - 2
    group = (unit >= 8) * 1.0
    y = level + rng.normal(0, 1, 80) + (0.5 * group + slope) * (t + 2)
    columns, random = np.column_stack([np.ones(80), group, t, group * t]), np.column_stack([np.ones(80), t])
    found = fit_reml(y, columns, random, unit)
    np.testing.assert_allclose(found.random, [[8.7228, 1.4784], [1.4784, 0.2506]], atol=2e-4)

    def deviance(covariance, residual):
        v = np.kron(np.eye(16), random[:5] @ covariance @ random[:5].T) + residual * np.eye(80)
        inverse = np.linalg.inv(v)
        left = columns.T @ inverse @ columns
        rest = y - columns @ np.linalg.solve(left, columns.T @ inverse @ y)
        return np.linalg.slogdet(v)[1] + np.linalg.slogdet(left)[1] + rest @ inverse @ rest

    best = deviance(found.random, found.residual)
    for scale in (0.98, 1.02):
        assert deviance(found.random * scale, found.residual) > best
        assert deviance(found.random, found.residual * scale) > best
    assert deviance(found.random * [[1, 0.98], [0.98, 1]], found.residual) > best
