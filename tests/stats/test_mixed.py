"""Mixed model: statsmodels' numbers, surfaced trouble, and a permutation test that holds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from murid.data.errors import DataError
from murid.stats import compare, fit_mixed_model
from murid.stats.repeated import permuted

#: Animals' own slopes, SD 0.4.
SLOPES = 0.4 * np.random.default_rng(11).standard_normal(20)


def study(rng, n=10, effect=0.0, slope=0.0, between=1.0, days=4):
    rows = []
    for a in range(2 * n):
        level, drug = rng.normal(0, between), a >= n
        rows += [
            (f"m{a}", "drug" if drug else "ctrl", d, level + effect * drug + slope * drug * d + rng.normal(0, 0.5))
            for d in range(days)
        ]
    return pd.DataFrame(rows, columns=["animal", "treat ment", "day", "freezing"])


def test_estimates_equal_statsmodels():
    import statsmodels.formula.api as smf

    table = study(np.random.default_rng(0), effect=1, slope=0.5)
    table["freezing"] += table["animal"].map(dict(zip(table["animal"].unique(), SLOPES, strict=True))) * table["day"]
    found = fit_mixed_model(table, "freezing", "treat ment", "day", n_permutations=199)
    plain = table.rename(columns={"treat ment": "g"}).assign(day=table["day"] - table["day"].mean())
    reference = smf.mixedlm("freezing ~ g * day", plain, groups=plain["animal"], re_formula="~day").fit(reml=True)
    np.testing.assert_allclose(found.coefficients["estimate"], reference.fe_params, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.coefficients["se"], reference.bse_fe, rtol=1e-3)
    assert found.slope_variance == pytest.approx(reference.cov_re.iloc[1, 1], rel=0.01)
    assert "treat ment[drug]:day" in found.coefficients.index
    assert found.trustworthy
    assert found.terms.loc["treat ment:day", "df"] == 1
    assert found.n_animals == 20
    t = found.coefficients.loc["treat ment[drug]:day", "t"]
    assert found.terms.loc["treat ment:day", "F"] == pytest.approx(t**2)


def test_numeric_time_is_the_t_test_of_slopes_in_complete_designs():
    table = study(np.random.default_rng(0), slope=0.3)
    table["freezing"] += table["animal"].map(dict(zip(table["animal"].unique(), SLOPES, strict=True))) * table["day"]
    slopes = table.groupby("animal").apply(lambda r: np.polyfit(r["day"], r["freezing"], 1)[0], include_groups=False)
    means = table.groupby("animal")["freezing"].mean()
    own = slopes.index.str[1:].astype(int) < 10
    found = fit_mixed_model(table, "freezing", "treat ment", "day", n_permutations=199).terms
    for term, x in (("treat ment", means), ("treat ment:day", slopes)):
        reference = scipy_stats.ttest_ind(x[own], x[~own])
        assert found.loc[term, "F"] == pytest.approx(reference.statistic**2, rel=1e-3)
        assert found.loc[term, "p"] == pytest.approx(reference.pvalue, rel=1e-3)


def test_levels_of_time_are_the_mixed_anova_with_greenhouse_and_geisser():
    table = study(np.random.default_rng(7), slope=0.3).assign(day=lambda t: "day " + (5 * t["day"]).astype(str))
    found = fit_mixed_model(table, "freezing", "treat ment", "day", n_permutations=199).terms
    wide = table.pivot(index="animal", columns="day", values="freezing").loc[:, ["day 0", "day 5", "day 10", "day 15"]]
    x, drug = wide.to_numpy(), wide.index.str[1:].astype(int) >= 10
    own = np.where(drug[:, None], x[drug].mean(0), x[~drug].mean(0))
    error = x - own - (x - own).mean(1, keepdims=True)
    cell = own - own.mean(1, keepdims=True) - (x.mean(0) - x.mean())
    f = ((cell**2).sum() / 3) / ((error**2).sum() / (3 * 18))
    eig = np.linalg.eigvalsh(np.cov(error.T))[1:]
    epsilon = eig.sum() ** 2 / (3 * (eig**2).sum())
    assert found.loc["treat ment:day", "F"] == pytest.approx(f, rel=1e-4)
    assert found.loc["treat ment:day", "df"] == pytest.approx(3 * epsilon, rel=1e-6)
    p = scipy_stats.f.sf(f, 3 * epsilon, 54 * epsilon)
    assert found.loc["treat ment:day", "p"] == pytest.approx(p, rel=1e-3)
    means = scipy_stats.ttest_ind(x[drug].mean(1), x[~drug].mean(1))
    assert found.loc["treat ment", "p"] == pytest.approx(means.pvalue, rel=1e-4)


def test_main_effects_do_not_depend_on_the_origin_of_time_nor_on_the_order_of_groups():
    table = study(np.random.default_rng(3), slope=0.8)
    first = fit_mixed_model(table, "freezing", "treat ment", "day", n_permutations=199).terms
    for other in (table.assign(day=table["day"] + 100), table.assign(day=table["day"] * 86400.0 + 1.7e9), table[::-1]):
        found = fit_mixed_model(other, "freezing", "treat ment", "day", n_permutations=199).terms
        np.testing.assert_allclose(found["p"].to_numpy(float), first["p"].to_numpy(float), rtol=1e-3)


def test_text_days_stand_in_natural_order_and_the_reference_is_named():
    table = study(np.random.default_rng(3)).assign(
        day=lambda t: t["day"].map({0: "day 2", 1: "day 5", 2: "day 10", 3: "day 20"})
    )
    found = fit_mixed_model(
        table.sample(frac=1, random_state=0), "freezing", "treat ment", "day", order=["ctrl", "drug"], n_permutations=99
    )
    assert [i for i in found.coefficients.index if i.startswith("day[")] == ["day[day 5]", "day[day 10]", "day[day 20]"]
    assert found.reference == "ctrl, day 2"


def test_group_names_with_operators():
    table = study(np.random.default_rng(3)).replace({"treat ment": {"ctrl": "dose:1", "drug": "dose:2 [mg]"}})
    found = fit_mixed_model(table, "freezing", "treat ment", "day", n_permutations=99)
    assert list(found.terms.index) == ["treat ment", "day", "treat ment:day"]
    assert "treat ment[dose:2 [mg]]" in found.coefficients.index


def test_one_row_an_animal_is_refused():
    table = study(np.random.default_rng(3), days=2)
    table = table[(table["day"] == 0) == (table["animal"].str[-1].astype(int) < 5)]
    with pytest.raises(DataError, match=r"one time only.*murid.stats.compare"):
        fit_mixed_model(table, "freezing", "treat ment", "day")


def test_animals_without_a_group_are_left_out():
    table = study(np.random.default_rng(3))
    blank = table.assign(**{"treat ment": table["treat ment"].where(table["animal"] != "m3", "")})
    found = fit_mixed_model(blank, "freezing", "treat ment", "day", n_permutations=99)
    assert found.n_animals == 19
    assert list(found.coefficients.index[:2]) == ["Intercept", "treat ment[drug]"]
    assert any("4 rows without" in note for note in found.notes)


def test_covariate_that_equals_the_group_is_refused():
    table = study(np.random.default_rng(3)).assign(sex=lambda t: np.where(t["treat ment"] == "drug", "f", "m"))
    with pytest.raises(DataError, match="cannot be separated from that of 'sex'"):
        fit_mixed_model(table, "freezing", "treat ment", "day", covariates=["sex"])


def test_the_permutation_is_adjusted_for_covariates():
    rng = np.random.default_rng(3)
    table = study(rng)
    weight = {a: 20 + 6 * (int(a[1:]) >= 10) + rng.normal(0, 1) for a in table["animal"].unique()}
    table["weight"] = table["animal"].map(weight)
    table["freezing"] += 2 * table["weight"]
    plain = fit_mixed_model(table, "freezing", "treat ment", "day", n_permutations=999)
    adjusted = fit_mixed_model(table, "freezing", "treat ment", "day", covariates=["weight"], n_permutations=999)
    assert plain.permutation.loc[0, "p"] < 0.01
    assert adjusted.permutation.loc[0, "p"] > 0.05
    assert adjusted.terms.loc["treat ment", "p"] > 0.05


def test_a_day_that_one_group_lacks_makes_no_difference_of_groups():
    """The means of the days that each animal has gave 24 % errors here."""
    rng, errors = np.random.default_rng(1), []
    for _ in range(150):
        level = rng.normal(0, 0.5, 20)
        rows = pd.DataFrame(
            [
                {
                    "unit": f"a{i:02d}",
                    "group": "drug" if i >= 10 else "ctrl",
                    "time": d,
                    "value": 10 + level[i] + 0.5 * d,
                }
                for i in range(20)
                for d in range(4)
                if not (i >= 10 and d == 3)
            ]
        )
        rows["value"] += rng.normal(0, 0.5, len(rows))
        errors.append(permuted(rows, ("ctrl", "drug"), (), n_permutations=199, seed=0)["p"].to_numpy() <= 0.05)
    assert (np.mean(errors, axis=0) < 0.1).all()


def test_interaction_is_found_by_both():
    found = fit_mixed_model(
        study(np.random.default_rng(1), slope=0.6), "freezing", "treat ment", "day", n_permutations=499
    )
    assert found.terms.loc["treat ment:day", "p"] < 0.01
    assert found.permutation.set_index("term").loc["treat ment:day", "p"] < 0.01


def test_days_as_text_and_missing_days():
    table = study(np.random.default_rng(2), effect=2).assign(day=lambda t: "d" + t["day"].astype(str))
    found = fit_mixed_model(table.drop(index=[3]), "freezing", "treat ment", "day", n_permutations=199)
    assert 1 < found.terms.loc["treat ment:day", "df"] <= 3
    assert found.n_rows == 79
    assert found.permutation.loc[0, "p"] < 0.02
    assert found.permutation.loc[1, "n_animals"] == 19


def test_singular_fit_is_said_aloud():
    rng = np.random.default_rng(3)
    table = study(rng, n=5, between=0.0)
    table["freezing"] -= table.groupby("animal")["freezing"].transform("mean")  # animals do not differ at all
    found = fit_mixed_model(table, "freezing", "treat ment", "day", n_permutations=199)
    assert found.singular
    assert not found.trustworthy
    assert any("do not use" in note for note in found.notes)
    assert any("fewer than 8" in note for note in found.notes)


def test_permutation_of_animals_keeps_the_error_rate():
    rng, p = np.random.default_rng(4), []
    for _ in range(150):
        rows = study(rng, n=5).set_axis(["unit", "group", "time", "value"], axis=1)
        p.append(permuted(rows, ("ctrl", "drug"), (), n_permutations=199, seed=0)["p"].to_numpy())
    wrong = (np.asarray(p) <= 0.05).mean(axis=0)
    assert (wrong < 0.1).all()
    assert (wrong > 0.005).all()


def test_group_permutation_agrees_with_compare():
    table = study(np.random.default_rng(5), effect=0.6)
    found = fit_mixed_model(table, "freezing", "treat ment", "day", n_permutations=4999).permutation.loc[0, "p"]
    assert found == pytest.approx(compare(table, "freezing", "treat ment").p, abs=0.02)


def test_covariate_and_faults():
    table = study(np.random.default_rng(6))
    table["sex"] = np.where(table["animal"].str[-1].isin(list("02468")), "f", "m")
    found = fit_mixed_model(table, "freezing", "treat ment", "day", covariates=["sex"], n_permutations=99)
    assert "sex[m]" in found.coefficients.index
    assert found.formula.endswith("+ sex + (1 + day | animal)")
    with pytest.raises(DataError, match="one time point"):
        fit_mixed_model(table[table["day"] == 0], "freezing", "treat ment", "day")
    with pytest.raises(DataError, match="no column 'dya'"):
        fit_mixed_model(table, "freezing", "treat ment", "dya")


#: Distance from pituitary to pterygomaxillary fissure, mm, at 8, 10, 12 and 14 years: Potthoff RF, Roy SN (1964)
#: Biometrika 51:313.
GROWTH = {
    "boy": "26 25 29 31/21.5 22.5 23 26.5/23 22.5 24 27.5/25.5 27.5 26.5 27/20 23.5 22.5 26/24.5 25.5 27 28.5/"
    "22 22 24.5 26.5/24 21.5 24.5 25.5/23 20.5 31 26/27.5 28 31 31.5/23 23 23.5 25/21.5 23.5 24 28/17 24.5 26 29.5/"
    "22.5 25.5 25.5 26/23 24.5 26 30/22 21.5 23.5 25",
    "girl": "21 20 21.5 23/21 21.5 24 25.5/20.5 24 24.5 26/23.5 24.5 25 26.5/21.5 23 22.5 23.5/20 21 21 22.5/"
    "21.5 22.5 23 25/23 23 23.5 24/20 21 22 21.5/16.5 19 19 19.5/24.5 25 28 28",
}


def test_growth_of_children_as_published_for_lme():
    """REML of ``distance ~ age * Sex, random = ~ age | Subject`` (Pinheiro & Bates 2000, nlme; lme4 gives the same)."""
    rows = [
        (f"{sex}{k}", sex, 8 + 2 * j, float(mm))
        for sex, text in GROWTH.items()
        for k, child in enumerate(text.split("/"))
        for j, mm in enumerate(child.split())
    ]
    table = pd.DataFrame(rows, columns=["child", "sex", "age", "mm"])
    found = fit_mixed_model(table, "mm", "sex", "age", unit="child", n_permutations=99)
    estimate, se = found.coefficients["estimate"], found.coefficients["se"]
    # At age 11, the middle: 16.340625 + 11 * 0.784375, and 1.032102 - 11 * 0.304830.
    published = {"Intercept": 24.96875, "sex[girl]": -2.321023, "age": 0.784375, "sex[girl]:age": -0.304830}
    np.testing.assert_allclose(estimate[list(published)], list(published.values()), atol=1e-6)
    np.testing.assert_allclose(se[["age", "sex[girl]:age"]], [0.0859995, 0.1347353], rtol=5e-5)
    assert np.sqrt(found.residual_variance) == pytest.approx(1.3100396, rel=2e-5)
    assert np.sqrt(found.slope_variance) == pytest.approx(0.1803455, rel=2e-4)
    assert np.sqrt(found.animal_variance) == pytest.approx(1.830, abs=1e-3)
    assert found.terms.loc["sex:age", "F"] == pytest.approx(2.262432**2, rel=1e-4)
