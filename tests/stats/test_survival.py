"""Censored latencies against SciPy and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from murid.data.errors import DataError
from murid.stats import compare_survival, kaplan_meier
from murid.stats.survival import logrank


def latencies(rng, n, scale, limit=60.0):
    t = rng.exponential(scale, n)
    return np.minimum(t, limit), t < limit


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    rows = []
    for group, scale in (("ctrl", 20), ("drug", 60), ("sham", 22)):
        t, e = latencies(rng, 14, scale)
        rows.append(
            pd.DataFrame({"animal": [f"{group}{i}" for i in range(14)], "group": group, "latency": t, "entered": e})
        )
    return pd.concat(rows, ignore_index=True)


def test_logrank_equals_scipy_and_statsmodels(table):
    from statsmodels.duration.survfunc import survdiff

    codes = pd.Categorical(table["group"]).codes.astype(int)
    two = codes < 2
    t, e = table["latency"].to_numpy(), table["entered"].to_numpy()
    samples = [scipy_stats.CensoredData.right_censored(t[codes == k], ~e[codes == k]) for k in (0, 1)]
    assert logrank(t[two], e[two], codes[two]) == pytest.approx(scipy_stats.logrank(*samples).statistic ** 2)
    assert logrank(t, e, codes) == pytest.approx(survdiff(t, e.astype(int), codes)[0])


def test_kaplan_meier_equals_statsmodels(table):
    from statsmodels.duration.survfunc import SurvfuncRight

    own = table[table["group"] == "drug"]
    found = kaplan_meier(own["latency"], own["entered"])
    reference = SurvfuncRight(own["latency"], own["entered"].astype(int))
    np.testing.assert_allclose(found.loc[found["events"] > 0, "survival"], reference.surv_prob)
    assert ((found["low"] <= found["survival"]) & (found["survival"] <= found["high"])).all()


def test_groups_are_compared(table):
    two = compare_survival(table[table["group"] != "sham"], "latency", "entered", "group")
    assert two.p == pytest.approx(two.p_asymptotic, abs=0.02)
    three = compare_survival(table, "latency", "entered", "group", n_permutations=999)
    assert len(three.pairwise) == 3
    assert (three.pairwise["p_holm"] >= three.pairwise["p"]).all()
    assert three.summary.loc["drug", "censored"] == (~table.loc[table["group"] == "drug", "entered"]).sum()


def test_mean_latency_without_censoring_is_the_mean():
    table = pd.DataFrame({"animal": range(6), "group": list("aaabbb"), "t": [1.0, 2, 6, 2, 4, 6], "e": 1})
    found = compare_survival(table, "t", "e", "group", n_permutations=999)
    assert found.summary["rmst_s"].tolist() == [3.0, 4.0]
    assert found.summary["median_s"].tolist() == [2.0, 4.0]


def test_never_half_has_no_median():
    table = pd.DataFrame(
        {"animal": range(8), "group": list("aaaabbbb"), "t": [60.0] * 4 + [1, 2, 3, 60], "e": [0, 0, 0, 0, 1, 1, 1, 0]}
    )
    assert np.isnan(compare_survival(table, "t", "e", "group", n_permutations=999).summary.loc["a", "median_s"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"animal": 1}, "more than once"),
        ({"t": -1.0}, "numbers >= 0"),
        ({"e": 3}, "must be 0 or 1"),
        ({"group": "a"}, "too few groups"),
    ],
)
def test_faults_are_named(change, message):
    table = pd.DataFrame({"animal": range(4), "group": list("aabb"), "t": [1.0, 2, 3, 4], "e": 1}).assign(**change)
    with pytest.raises(DataError, match=message):
        compare_survival(table, "t", "e", "group")
