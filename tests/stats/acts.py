"""Cases of the parameters of `murid.stats`."""

from __future__ import annotations

import numpy as np
import pandas as pd

from murid.stats import compare
from murid.stats.comparison import CompareParams
from tests.parameter_cases import Acts

VALUES = np.random.default_rng(0).gamma(2.0, 3.0, 24).round(2)
THREE = pd.DataFrame({"animal": range(24), "group": ["a", "b", "c"] * 8, "cm": VALUES})


def compared(p: CompareParams):
    return [compare(table, "cm", "group", params=p) for table in (THREE, THREE[THREE["group"] != "c"])]


CASES = {
    CompareParams: Acts(
        compared,
        {"n_permutations": 1999, "exact_up_to": 10, "level": 0.9, "ranks": True, "alpha": 0.2},
        base={"n_permutations": 999},
        given={"exact_up_to": {"n_permutations": 999}},
    )
}
