"""Mixed model: statsmodels' numbers, surfaced trouble, and a permutation test that holds."""

import numpy as np
import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.stats import compare, mixed
from murid.stats.mixed import _permuted


def study(rng, n=10, effect=0.0, slope=0.0, between=1.0, days=4):
    rows = []
    for a in range(2 * n):
        level, drug = rng.normal(0, between), a >= n
        rows += [
            (f"m{a}", "drug" if drug else "ctrl", d, level + effect * drug + slope * drug * d + rng.normal(0, 0.5))
            for d in range(days)
        ]
    return pd.DataFrame(rows, columns=["animal", "treat ment", "day", "freezing"])


def test_numbers_equal_statsmodels():
    import statsmodels.formula.api as smf

    table = study(np.random.default_rng(0), effect=1, slope=0.5)
    found = mixed(table, "freezing", "treat ment", "day", n_permutations=199)
    plain = table.rename(columns={"treat ment": "g"})
    reference = smf.mixedlm("freezing ~ g * day", plain, groups=plain["animal"]).fit(reml=True)
    np.testing.assert_allclose(found.coefficients["estimate"], reference.fe_params, rtol=1e-4, atol=1e-5)
    assert "treat ment[drug]:day" in found.coefficients.index
    assert found.trustworthy
    assert found.terms.loc["treat ment:day", "df"] == 1
    assert found.n_animals == 20
    z = found.coefficients.loc["treat ment[drug]:day", "z"]
    assert found.terms.loc["treat ment:day", "chi2"] == pytest.approx(z**2)


def test_interaction_is_found_by_both():
    found = mixed(study(np.random.default_rng(1), slope=0.6), "freezing", "treat ment", "day", n_permutations=499)
    assert found.terms.loc["treat ment:day", "p"] < 0.01
    assert found.permutation.set_index("term").loc["treat ment:day", "p"] < 0.01


def test_days_as_text_and_missing_days():
    table = study(np.random.default_rng(2), effect=2).assign(day=lambda t: "d" + t["day"].astype(str))
    found = mixed(table.drop(index=[3]), "freezing", "treat ment", "day", n_permutations=199)
    assert found.terms.loc["treat ment:day", "df"] == 3
    assert found.n_rows == 79
    assert found.permutation.loc[0, "p"] < 0.02
    assert found.permutation.loc[1, "n_animals"] == 19


def test_singular_fit_is_said_aloud():
    rng = np.random.default_rng(3)
    table = study(rng, n=5, between=0.0)
    table["freezing"] -= table.groupby("animal")["freezing"].transform("mean")  # animals do not differ at all
    found = mixed(table, "freezing", "treat ment", "day", n_permutations=199)
    assert found.singular
    assert not found.trustworthy
    assert any("do not use" in note for note in found.notes)
    assert any("fewer than 8" in note for note in found.notes)


def test_permutation_of_animals_keeps_the_error_rate():
    rng = np.random.default_rng(4)
    p = []
    for _ in range(150):
        rows = study(rng, n=5).set_axis(["unit", "group", "time", "value"], axis=1)
        p.append(_permuted(rows, 199, 0, {"group": "g", "time": "t"})["p"].to_numpy())
    wrong = (np.asarray(p) <= 0.05).mean(axis=0)
    assert (wrong < 0.1).all()
    assert (wrong > 0.005).all()


def test_group_permutation_agrees_with_compare():
    table = study(np.random.default_rng(5), effect=0.6)
    found = mixed(table, "freezing", "treat ment", "day", n_permutations=4999).permutation.loc[0, "p"]
    assert found == pytest.approx(compare(table, "freezing", "treat ment").p, abs=0.02)


def test_covariate_and_faults():
    table = study(np.random.default_rng(6))
    table["sex"] = np.where(table["animal"].str[-1].isin(list("02468")), "f", "m")
    found = mixed(table, "freezing", "treat ment", "day", covariates=["sex"], n_permutations=99)
    assert "sex[m]" in found.coefficients.index
    assert found.formula.endswith("+ sex + (1 | animal)")
    with pytest.raises(DataError, match="one time point"):
        mixed(table[table["day"] == 0], "freezing", "treat ment", "day")
    with pytest.raises(DataError, match="no column 'dya'"):
        mixed(table, "freezing", "treat ment", "dya")
