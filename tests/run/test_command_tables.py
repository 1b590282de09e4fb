"""Tables of commands that are no analyses: declared, checked when written, with their units in the CSV."""

import pandas as pd
import pytest

from murid.data.command_tables import MODULES, command_tables, declared_table
from murid.data.study import Study
from murid.data.tables import TableError
from murid.evaluate.evaluation_tables import CEILING, CONFUSION, FOLDS, TOTALS
from murid.run.runs import Run


@pytest.fixture
def run(tmp_path):
    return Run.start(Study.create(tmp_path / "s"), "evaluate", {})


def totals():
    numbers = {name: [0.5] for name in TOTALS.columns if name not in ("method", "behaviour", "n")}
    return pd.DataFrame({"method": ["a"], "behaviour": ["rear"], "n": [3], **numbers})


@pytest.mark.parametrize("command", MODULES)
def test_every_table_of_a_command_says_what_a_row_is_and_has_its_own_name(command):
    tables = command_tables(command)
    assert len({t.name for t in tables}) == len(tables)
    assert [t.name for t in tables if not t.caption.endswith(".")] == []


def test_units_stand_in_the_csv_and_the_rows_are_read_back(run):
    run.table(TOTALS.name, totals())
    head = (run.folder / "tables" / "totals.csv").read_text().splitlines()[0]
    assert "time_bias (s),time_low (s),time_high (s),bouts_r" in head
    assert run.rows(TOTALS).time_bias.tolist() == [0.5]
    assert (len(run.rows(CEILING)), run.rows(CEILING).f1.tolist()) == (0, [])


def test_a_table_that_is_not_as_declared_is_not_written(run):
    wrong = totals().assign(time_r=2.0, more=1).drop(columns="bouts_r")
    with pytest.raises(TableError) as error:
        run.table(TOTALS.name, wrong)
    text = str(error.value)
    assert all(part in text for part in ("'bouts_r' is missing", "'more' is not declared", "<= 1", "table 'totals'"))
    assert "totals" not in run.tables
    with pytest.raises(TableError, match="train or test"):
        run.table(FOLDS.name, pd.DataFrame({"fold": [1], "side": ["tset"], "recording": ["r"], "animal": ["a"]}))


def test_one_declaration_holds_for_the_tables_of_all_methods(run):
    assert declared_table("evaluate", "confusion_gbdt") is CONFUSION
    assert declared_table("explain", "confusion_gbdt") is None
    with pytest.raises(TableError, match="whole numbers"):
        run.table("confusion_gbdt", pd.DataFrame({"truth": ["rear"], "rear": [0.5]}))
