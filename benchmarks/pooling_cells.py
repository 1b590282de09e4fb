"""The cell-pooling trap: error rates with cells, animal means and a mixed model as the unit.

10 animals in 2 groups without any difference, 30 cells each, sd between animals 0.5, sd of cells 1.
Second table: unequal spread and size (sd 3, n = 6 against sd 1, n = 18), plain against Welch statistic.

Run: ``python benchmarks/pooling_cells.py`` (about 1 minute)
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import stats

from murid.stats.permutation import two_groups


def pooling(simulations: int = 400, models: int = 150) -> None:
    """Print the share of p <= 0.05 for each unit of analysis."""
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(0)
    cells, animals, mixed, warned = [], [], [], 0
    for k in range(simulations):
        x = rng.normal(0, 0.5, 10)[:, None] + rng.normal(0, 1, (10, 30))
        cells.append(stats.ttest_ind(x[:5].ravel(), x[5:].ravel()).pvalue <= 0.05)
        animals.append(two_groups(x[:5].mean(1), x[5:].mean(1)).p <= 0.05)
        if k < models:
            data = pd.DataFrame({"y": x.ravel(), "g": np.repeat([0, 1], 150), "a": np.repeat(np.arange(10), 30)})
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                fit = smf.mixedlm("y ~ g", data, groups=data["a"]).fit()
            warned += bool(caught)
            mixed.append(fit.pvalues["g"] <= 0.05)
    print(
        f"t test on cells {np.mean(cells):.3f}   permutation of animal means {np.mean(animals):.3f}   "
        f"mixed model, Wald {np.mean(mixed):.3f} ({warned} of {models} with warnings)"
    )


def unequal(simulations: int = 1000, permutations: int = 499) -> None:
    """Print the share of p <= 0.05 for the plain mean difference and for Welch t."""
    rng = np.random.default_rng(1)
    plain, welch = [], []
    for _ in range(simulations):
        a, b = rng.normal(0, 3, 6), rng.normal(0, 1, 18)
        welch.append(two_groups(a, b, n_permutations=permutations).p <= 0.05)
        pooled = np.concatenate([a, b])
        orders = np.argsort(rng.random((permutations, 24)), axis=1)
        null = np.abs(pooled[orders[:, :6]].mean(1) - pooled[orders[:, 6:]].mean(1))
        plain.append((1 + np.sum(null >= abs(a.mean() - b.mean()))) / (1 + permutations) <= 0.05)
    print(f"unequal spread and size: plain difference {np.mean(plain):.3f}   Welch t {np.mean(welch):.3f}")


if __name__ == "__main__":
    unequal()
    pooling()
