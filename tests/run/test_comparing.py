"""Groups compared by a run: one family of tests, latencies among them."""

import numpy as np
import pandas as pd
import pytest

from murid.data.pvalues import fdr
from murid.run.comparing import compare_groups, compare_latencies, with_keys


class Memory:
    """A run that keeps its tables and notes in memory."""

    def __init__(self):
        self.tables, self.summary, self.warnings = {}, {}, []

    def table(self, name, table):
        self.tables[name] = table

    def note(self, **summary):
        self.summary |= summary

    def warn(self, *texts):
        self.warnings += texts


@pytest.fixture
def animals():
    group = ["ctrl"] * 8 + ["drug"] * 8 + [""]
    table = pd.DataFrame({"recording": range(17), "animal": range(17), "group": group, "individual": "m"})
    return table.assign(distance=10.0 + np.arange(17) % 4, entries=5.0 + np.arange(17) % 3)


def late(animals):
    value = np.r_[np.linspace(5, 30, 8), np.linspace(60, 200, 5), 300, 300, 300, 5.0]
    return animals.assign(value=value, censored=value == 300)


def test_latencies_are_corrected_together_with_the_measures(animals):
    run = Memory()
    compare_groups(run, animals, "group")
    compare_latencies(run, {"latency": late(animals)}, "group")
    both = [*run.tables["comparison"]["p"], *run.tables["latencies"]["p"]]
    q = [*run.tables["comparison"]["q"], *run.tables["latencies"]["q"]]
    np.testing.assert_allclose(q, fdr(both))
    assert run.summary["differ"] == ["latency"]
    assert run.summary["compared"] == 3


def test_an_animal_without_a_group_changes_no_latency(animals):
    run, without = Memory(), Memory()
    compare_latencies(run, {"latency": late(animals)}, "group")
    compare_latencies(without, {"latency": late(animals)[:16]}, "group")
    row, expected = (r.tables["latencies"].iloc[0] for r in (run, without))
    assert row["groups"] == "ctrl | drug"
    assert row["p"] == expected["p"]
    assert row["rmst_s_drug"] == expected["rmst_s_drug"] > 100
    assert row["n_no_group"] == 1


def test_a_group_of_one_animal_is_left_out_and_named(animals):
    run = Memory()
    compare_groups(run, animals.replace({"group": {"": "sham"}}), "group")
    assert any("one animal" in text and "sham" in text for text in run.warnings)
    assert run.tables["comparison"]["left_out"].tolist() == ["sham: 1"] * 2
    assert run.summary["groups"] == {"ctrl": 8, "drug": 8}


def test_three_groups_have_a_table_of_pairs(animals):
    run = Memory()
    three = animals[:16].assign(group=["a"] * 5 + ["b"] * 5 + ["c"] * 6)
    compare_groups(run, three, "group")
    assert run.tables["pairwise"][["measure", "first", "second"]].values.tolist()[:2] == [
        ["distance", "a", "b"],
        ["distance", "a", "c"],
    ]


def test_recordings_without_an_animal_are_animals_of_their_own():
    sheet = pd.DataFrame({"animal": ["a", "", ""], "group": "ctrl", "day": "", "session": ""}, index=["r1", "r2", "r3"])
    rows = [with_keys(pd.DataFrame({"cm": [1.0]}), r, sheet)["animal"].iloc[0] for r in sheet.index]
    assert rows == ["a", "r2", "r3"]
