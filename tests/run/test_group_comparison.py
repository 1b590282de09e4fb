"""Groups compared by a run: one family of tests, latencies among them."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from run_memory import Memory

from murid.data.errors import DataError
from murid.data.pvalues import fdr
from murid.report.sentences import groups_differ
from murid.run.analysis import _censored
from murid.run.apply import _unseen, _warn_of_unseen
from murid.run.group_comparison import check_alpha, compare_groups, compare_latencies, with_keys
from murid.stats.statements import comparison_statements


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


def test_groups_of_one_animal_are_compared_in_no_latency(animals):
    run, table = Memory(), late(animals)
    lone = table.iloc[[0]].assign(recording=17, animal=17, group="lone", value=250.0)
    compare_latencies(run, {"latency": pd.concat([lone, table])}, "group")
    row = run.tables["latencies"].iloc[0]
    assert row["groups"] == "ctrl | drug"
    alone = Memory()
    compare_latencies(alone, {"latency": table}, "group")
    assert row["p"] == alone.tables["latencies"].iloc[0]["p"]
    assert row["n_no_group"] == 1
    compare_latencies(two := Memory(), {"latency": pd.concat([lone, table[table["group"] == "ctrl"]])}, "group")
    assert "latencies" not in two.tables


def planted():
    """Three measures of five animals a group: p = .008, .040, .69, and so q = .024, .060, .69."""
    return pd.DataFrame(
        {
            "recording": [f"r{i}" for i in range(10)],
            "animal": [f"a{i}" for i in range(10)],
            "group": ["ctrl"] * 5 + ["drug"] * 5,
            "individual": "m",
            "distance": [1.0, 2, 3, 4, 5, 11, 12, 13, 14, 15],
            "speed": [1, 2, 3, 4.5, 8, 5, 6, 8.5, 9, 10],
            "rest": [1.0, 3, 5, 7, 9, 2, 4, 6, 8, 10],
        }
    )


def test_measures_differ_by_the_corrected_p():
    run, animals = Memory(), planted()
    compare_groups(run, animals, "group")
    found = run.tables["comparison"].set_index("measure")
    assert found["p"].round(3).tolist() == [0.008, 0.04, 0.69]
    np.testing.assert_allclose(found["q"], fdr(found["p"]))
    assert run.summary["differ"] == ["distance"]
    assert found.at["distance", "difference"] == pytest.approx(10)
    # A latency joins the family: speed, of which p is .04 and q .053, still does not differ.
    value = [10.0, 12, 14, 16, 40, 30, 50, 60, 300, 300]
    latency = animals.assign(value=value, censored=[v == 300 for v in value])
    compare_latencies(run, {"latency": latency}, "group")
    found = run.tables["comparison"].set_index("measure")
    assert found.at["speed", "p"] <= 0.05 < found.at["speed", "q"]
    assert run.summary["differ"] == ["distance", "latency"]


def test_the_level_that_was_asked_for_decides_and_every_sentence_says_it():
    """q of speed is .060: it differs at .1 and not at .05."""
    run = Memory()
    compare_groups(run, planted(), "group", alpha=0.1)
    assert run.summary["differ"] == ["distance", "speed"]
    assert run.summary["level"] == 0.1
    rows = comparison_statements(run.tables["comparison"], alpha=0.1)
    assert [r.shown for r in rows] == [True, True, False]
    assert "2 of 3 tested measures of the test differ" in groups_differ("test", rows)
    assert "(q ≤ 0.1; ctrl: n = 5 animals" in groups_differ("test", rows)
    usual = comparison_statements(run.tables["comparison"])
    assert "1 of 3 tested measures" in groups_differ("test", usual).replace("One", "1")
    assert "(q ≤ 0.05;" in groups_differ("test", usual)
    with pytest.raises(DataError, match="alpha is no level"):
        check_alpha(5)


def test_only_latencies_that_are_censored_somewhere_in_the_whole_recording_go_to_survival():
    rows = [
        ("latency", "centre", np.nan, True),
        ("latency", "centre", np.nan, False),
        ("latency", "inner", np.nan, False),
    ]
    rows += [("latency", "inner", 0.0, True), ("distance", "", np.nan, False)]
    measures = pd.DataFrame(rows, columns=["measure", "zone", "bin_start_s", "censored"])
    late = _censored(measures)
    assert list(late) == ["latency:centre"]
    assert late["latency:centre"]["censored"].tolist() == [True, False]


def test_primary_measures_are_corrected_among_themselves():
    run = Memory()
    compare_groups(run, planted(), "group", primary=["speed"])
    assert run.tables["comparison"]["q"].round(3).tolist() == [0.04]
    assert run.summary["differ"] == ["speed"]
    assert run.summary["described"] == 2


def test_recordings_unlike_the_training_data_are_named_and_the_others_are_not():
    unseen = np.full((100, 3), 0.5)
    unseen[:21, 0] = 0.99
    unseen[:20, 1] = 0.995
    unseen[20:, 1] = 0.985
    unseen[:, 2] = np.nan
    output = xr.Dataset({"unseen": (("time", "individual"), unseen)}, {"individual": ["odd", "usual", "lost"]})
    share = _unseen(output)
    np.testing.assert_allclose(share["unseen"], [0.21, 0.2, np.nan])
    run = Memory()
    run.parts["unseen"] = [share.assign(recording="r1")]
    _warn_of_unseen(run)
    assert len(run.warnings) == 1
    assert run.warnings[0].startswith("recording 'r1', odd: 21% of the frames are unlike anything")


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


def test_two_groups_of_two_animals_are_the_least(animals):
    run = Memory()
    compare_groups(run, animals.iloc[:4].assign(group=["a", "a", "a", "b"]), "group")
    assert "comparison" not in run.tables
    assert run.warnings == ["no comparison: it takes two groups with two animals each, there are {'a': 3, 'b': 1}"]


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


def test_two_animals_in_view_are_said_to_be_one_unit():
    """Residents rise by 4 with the drug, intruders do not: their mean rises by 2."""
    rows = [
        (f"r{i}", f"a{i}", "ctrl" if i < 8 else "drug", who, cm + 4 * (i >= 8) * (who == "resident") + 0.1 * (i % 8))
        for i in range(16)
        for who, cm in (("resident", 10.0), ("intruder", 30.0))
    ]
    table = pd.DataFrame(rows, columns=["recording", "animal", "group", "individual", "distance"])
    run, alone = Memory(), Memory()
    compare_groups(run, table, "group")
    assert run.tables["comparison"]["difference"].round(6).tolist() == [2.0]
    assert any("(intruder, resident)" in w and "the pair, not the animal, is the unit" in w for w in run.warnings)
    assert "n = 8 pairs" in groups_differ("test", comparison_statements(run.tables["comparison"]))
    compare_groups(alone, table[table["individual"] == "resident"], "group")
    assert alone.tables["comparison"]["difference"].round(6).tolist() == [4.0]
    assert alone.warnings == []
    assert alone.tables["comparison"]["unit_of_analysis"].tolist() == ["animal"]


def test_latencies_that_are_all_that_varies_are_told_on_the_command_line(animals, tmp_path):
    from murid.cli.analysis import reply_of
    from murid.data.analysis import find_analysis

    run = Memory(animals=animals)
    run.folder, run.provenance, run.summary = tmp_path, {"command": "assay", "warnings": []}, {"recordings": ["r1"]}
    compare_latencies(run, {"latency:centre": late(animals)}, "group")
    reply = reply_of(run, find_analysis("open_field"))
    assert "1 of 1 measures differ (q <= 0.05)." in reply.text
    (title,) = reply.tables
    assert title.startswith("Latencies compared by survival")
    assert reply.tables[title].loc[0, "drug, did it"] == "5 of 8"
