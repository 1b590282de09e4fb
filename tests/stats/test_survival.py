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


#: Weeks of remission with 6-mercaptopurine (12 of 21 censored) and placebo: Freireich EJ et al. (1963) Blood 21:699;
#: a third group is made up, so that there are three.
REMISSION = {
    "6-MP": ([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35], 9),
    "placebo": ([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], 21),
    "third": ([2, 2, 4, 4, 6, 8, 8, 10, 10, 16, 16, 16], 8),
}


def remission(*names):
    rows = [
        (f"{name}{k}", name, float(t), k < n_events)
        for name in names
        for times, n_events in [REMISSION[name]]
        for k, t in enumerate(times)
    ]
    return pd.DataFrame(rows, columns=["animal", "group", "weeks", "relapse"])


def test_survival_equals_the_numbers_of_lifelines():
    """Stored numbers of lifelines 0.30.3: KaplanMeierFitter, (multivariate_)logrank_test, restricted mean."""
    found = compare_survival(remission("6-MP", "placebo"), "weeks", "relapse", "group", n_permutations=99)
    assert found.statistic == pytest.approx(16.792940989216547, abs=1e-6)
    assert found.p_asymptotic == pytest.approx(4.168809109334511e-05, rel=1e-6)
    assert found.horizon_s == 35
    assert found.summary["median_s"].tolist() == [23.0, 8.0]
    np.testing.assert_allclose(found.summary["rmst_s"], [23.287394957983185, 8.666666666666666], rtol=1e-6)
    curve = found.curves[(found.curves["group"] == "6-MP") & (found.curves["events"] > 0)]
    survival = [0.857142857142857, 0.8067226890756299, 0.7529411764705878, 0.6901960784313722, 0.6274509803921566]
    survival += [0.5378151260504199, 0.44817927170868327]
    low = [0.6197179552659838, 0.5631465646222333, 0.5031995107999564, 0.4316102224861839, 0.36751085598750194]
    high = [0.9515517476469969, 0.9228090192028802, 0.8893618351692651, 0.8490659633494505, 0.8049121894718411]
    assert curve["time_s"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    np.testing.assert_allclose(curve["survival"], survival, atol=1e-6)
    np.testing.assert_allclose(curve["low"], [*low, 0.26777893676713493, 0.18805200595923233], atol=1e-6)
    np.testing.assert_allclose(curve["high"], [*high, 0.7467907176353943, 0.6801426284952412], atol=1e-6)
    three = compare_survival(remission(*REMISSION), "weeks", "relapse", "group", n_permutations=99)
    assert three.statistic == pytest.approx(16.113961316108913, abs=1e-6)
    assert three.p_asymptotic == pytest.approx(0.00031688213786860173, rel=1e-6)
