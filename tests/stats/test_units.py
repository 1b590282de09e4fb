"""One row per animal, or a clear reason why not."""

import numpy as np
import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.stats import by_unit


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "animal": list("aabbccdd"),
            "group": ["x"] * 4 + ["y"] * 4,
            "open": np.arange(8.0),
            "sex": list("mmffmmff"),
            "weight": np.arange(8.0) * 2,
        }
    )


def test_repeated_rows_are_averaged(table):
    table.loc[0, "open"] = np.nan
    found = by_unit(table, "open", "group", covariates=["sex", "weight"])
    assert found.table["value"].tolist() == [1.0, 2.5, 4.5, 6.5]
    assert found.averaged
    assert found.n_rows == 7
    assert found.n_missing == 1
    assert found.table["weight"].tolist() == [2.0, 5.0, 9.0, 13.0]


def test_order_decides_the_reference(table):
    assert by_unit(table, "open", "group", order=["y", "x"]).groups == ("y", "x")


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"value": "opne"}, "did you mean 'open'"),
        ({"group": list("xyxyxyxy")}, {}, "more than one group"),
        ({"open": ["much"] * 8}, {}, "not a number"),
        ({"group": "x"}, {}, "too few groups"),
        ({"animal": list("aaaabbcc")}, {}, "too small"),
        ({"sex": list("mfmfmfmf")}, {"covariates": ["sex"]}, "changes within a unit"),
        ({}, {"order": ["x", "z"]}, "no group 'z'"),
    ],
)
def test_faults_are_named(table, change, arguments, message):
    with pytest.raises(DataError, match=message):
        by_unit(table.assign(**change), **{"value": "open", "group": "group", **arguments})


def test_paired_keeps_complete_animals():
    table = pd.DataFrame({"animal": list("aabbc"), "group": ["pre", "post"] * 2 + ["pre"], "x": range(5)})
    assert sorted(by_unit(table, "x", "group", paired=True).table["unit"].unique()) == ["a", "b"]
