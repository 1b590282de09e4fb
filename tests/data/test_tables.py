"""Declared tables: what is checked, and how units reach people."""

import numpy as np
import pandas as pd
import pytest

from murid.data.tables import (
    Table,
    TableError,
    count_column,
    escape_formulas,
    flag_column,
    number_column,
    text_column,
    with_unit,
)

LENGTHS = Table(
    "lengths",
    {
        "length": number_column("body length", unit="cm", low=0, high=30, why="nose to tail base"),
        "seen": count_column(),
        "verdict": text_column(choices=("ok", "bad")),
        "wild": flag_column(optional=True),
    },
    "One row an animal.",
)


def row(**changes):
    return pd.DataFrame([{"animal": "a", "seen": 3, "length": 9.5, "verdict": "ok", **changes}])


def test_columns_come_back_in_the_declared_order_behind_the_keys():
    checked = LENGTHS.check(row(individual="i", wild=True))
    assert list(checked.columns) == ["animal", "individual", "length", "seen", "verdict", "wild"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"length": -1.0}, "column 'length'; expected >= 0, got -1"),
        ({"length": 31.0}, "column 'length'; expected <= 30, got 31"),
        ({"length": "long"}, "column 'length'; expected number"),
        ({"seen": 2.5}, "column 'seen'; expected whole numbers, got 2.5"),
        ({"verdict": "good"}, "column 'verdict'; expected ok or bad, got good"),
        ({"wild": 2}, "column 'wild'; expected true or false"),
        ({"lenght": 1.0}, "column 'lenght' is not declared; -> did you mean 'length'?"),
    ],
)
def test_each_fault_of_a_column_is_named(changes, fault):
    with pytest.raises(TableError) as error:
        LENGTHS.check(row(**changes), owner="ruler")
    assert fault in str(error.value)
    assert "table 'lengths' of the analysis 'ruler'" in str(error.value)


def test_all_faults_at_once_and_a_missing_column_among_them():
    with pytest.raises(TableError) as error:
        LENGTHS.check(row(length=-1.0, verdict="good").drop(columns="seen"))
    assert len(error.value.faults) == 3
    assert "column 'seen' is missing" in str(error.value)


def test_missing_numbers_and_empty_tables_are_valid():
    assert np.isnan(LENGTHS.check(row(length=np.nan))["length"][0])
    assert LENGTHS.check(row().iloc[:0]).empty


def test_measures_may_have_any_name_but_must_be_numbers():
    wide = Table("animals", {"individual": text_column()}, measures=number_column(low=0))
    frame = pd.DataFrame({"individual": ["a"], "distance": [4.0]})
    assert "distance" in wide.check(frame)
    with pytest.raises(TableError, match="column 'distance'; expected >= 0"):
        wide.check(frame.assign(distance=-4.0))


def test_headings_for_people_have_units_once():
    assert LENGTHS.shown(row()).columns.tolist() == ["animal", "seen", "body length (cm)", "verdict"]
    assert with_unit("latency_s", "s") == "latency_s"
    assert with_unit("distance", "cm") == "distance (cm)"
    assert "| `length` | cm | number, 0 to 30 | nose to tail base |" in LENGTHS.markdown()


def test_text_that_a_spreadsheet_would_run_is_written_as_text():
    table = pd.DataFrame({"animal": ["=1+1", "+a", "-b", "@c", "m1"], "gain": [-1.0, 2, 3, 4, 5]})
    safe = escape_formulas(table)
    assert safe["animal"].tolist() == ["'=1+1", "'+a", "'-b", "'@c", "m1"]
    assert safe["gain"].tolist() == table["gain"].tolist()
    assert table["animal"][0] == "=1+1"
