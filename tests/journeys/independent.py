"""What the journeys compare murid's numbers with: plain NumPy and SciPy, written for these tests."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats


def welch_t(a, b):
    return (np.mean(b) - np.mean(a)) / np.sqrt(np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b))


def exact_p(a, b):
    """Two-sided p of the Welch t over all arrangements of the labels."""
    pooled, n = np.concatenate([a, b]), len(a) + len(b)
    null = []
    for chosen in combinations(range(n), len(b)):
        inside = np.isin(np.arange(n), chosen)
        null.append(abs(welch_t(pooled[~inside], pooled[inside])))
    return float(np.mean(np.array(null) >= abs(welch_t(a, b)) - 1e-9))


def hedges_g(a, b):
    df = len(a) + len(b) - 2
    pooled = np.sqrt(((len(a) - 1) * np.var(a, ddof=1) + (len(b) - 1) * np.var(b, ddof=1)) / df)
    return (np.mean(b) - np.mean(a)) / pooled * (1 - 3 / (4 * df - 1))


def welch_interval(a, b, level=0.95):
    test = stats.ttest_ind(b, a, equal_var=False).confidence_interval(level)
    return test.low, test.high


def holds(comparison: pd.DataFrame, animals: pd.DataFrame, first: str, second: str) -> int:
    """Check every row of a comparison of two groups against the animals' own values; return how many rows."""
    for row in comparison.to_dict("records"):
        column = next(c for c in animals.columns if c == row["measure"] or c.startswith(f"{row['measure']} ("))
        a, b = (animals.loc[animals["group"] == g, column].to_numpy(float) for g in (first, second))
        expected = {
            f"n_{first}": len(a),
            f"n_{second}": len(b),
            f"mean_{first}": a.mean(),
            f"mean_{second}": b.mean(),
            f"sd_{first}": a.std(ddof=1),
            f"sd_{second}": b.std(ddof=1),
            "difference": b.mean() - a.mean(),
            "effect": hedges_g(a, b),
            "statistic": welch_t(a, b),
            "p": exact_p(a, b),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(row[name], value, rtol=1e-6, atol=1e-9, err_msg=f"{row['measure']} {name}")
        low, high = welch_interval(a, b)
        np.testing.assert_allclose([row["difference_low"], row["difference_high"]], [low, high], rtol=1e-6)
    return len(comparison)


def adjusted(p):
    """Benjamini-Hochberg."""
    return stats.false_discovery_control(np.asarray(p, float), method="bh")
