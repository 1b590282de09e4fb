"""Files of a run that were deleted, cut short or changed by hand are named, with the run and what to do."""

import json

import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.warning import MuridWarning
from murid.run import check_study, run_analysis
from murid.run.report import build_report
from murid.run.run_damage import damage_warning, damaged
from murid.run.runs import Run, runs_of, unread_runs


@pytest.fixture
def study(tmp_path):
    """Two recordings with labels."""
    study = Study.create(tmp_path / "S")
    for i in range(2):
        bouts = pd.DataFrame({"start_s": [0.5], "stop_s": [1.0 + i / 4], "label": ["rear"]})
        study.add(Recording(f"r{i}", labels=Labels.from_bouts(bouts, duration_s=3.0, fps=20.0), animal=f"a{i}"))
    return study


def cut(path):
    path.write_bytes(path.read_bytes()[:40])


def test_tables_that_are_gone_cut_or_changed_are_named_in_report_and_check(study):
    run = run_analysis(study, "budget")
    assert damaged(Run.read(run.folder)) == []
    assert "not as it left them" not in build_report(study).read_text()
    assert check_study(study).summary["faults"] == 0
    tables = run.folder / "tables"
    (first, second) = sorted(p.stem for p in tables.glob("*.parquet"))[:2]
    size = (tables / f"{second}.parquet").stat().st_size
    (tables / f"{first}.parquet").unlink()
    cut(tables / f"{second}.parquet")
    csv = tables / f"{first}.csv"
    csv.write_text(csv.read_text().replace("r0", "r9"))
    faults = [
        f"tables/{first}.csv was changed",
        f"tables/{first}.parquet is gone",
        f"tables/{second}.parquet is cut short (40 of {size:,} bytes)",
    ]
    assert damaged(Run.read(run.folder)) == faults
    page = build_report(study).read_text()
    assert f"Files of the run {run.folder.name} are not as it left them ({faults[0]}" in page
    assert "Run murid budget again." in page
    checked = check_study(study)
    assert checked.tables["faults"]["what"].tolist() == [f"run {run.folder.name}: {fault}" for fault in faults]
    assert set(checked.tables["faults"]["todo"]) == {"run its command again: murid budget"}
    assert damage_warning(run.folder.name, "budget", faults).endswith("; run murid budget again.")
    with pytest.raises(DataError, match=rf"{second}.parquet is damaged.*\n?.*run its command again: murid budget"):
        _ = Run.read(run.folder).tables
    run_analysis(study, "budget")
    assert "not as it left them" not in build_report(study).read_text()
    assert check_study(study).summary["faults"] == 0


def test_a_run_that_did_not_write_down_its_files_is_judged_by_its_tables(study):
    run = run_analysis(study, "budget")
    path = run.folder / "provenance.json"
    head = json.loads(path.read_text())
    del head["written"]
    path.write_text(json.dumps(head))
    assert damaged(Run.read(run.folder)) == []
    first, second = sorted((run.folder / "tables").glob("*.parquet"))[:2]
    first.with_suffix(".csv").unlink()
    cut(second)
    assert damaged(Run.read(run.folder)) == [
        f"tables/{first.stem}.csv is gone",
        f"tables/{second.stem}.parquet is damaged",
    ]


@pytest.mark.parametrize("file", ["summary.json", "provenance.json"])
def test_a_run_whose_head_is_damaged_is_named_and_costs_no_other(study, file):
    run, other = run_analysis(study, "budget"), run_analysis(study, "budget", seed=1)
    cut(run.folder / file)
    with pytest.warns(MuridWarning, match=f"run {run.folder.name} is left out: .*{file} is damaged"):
        assert [r.folder for r in runs_of(study)] == [other.folder]
    assert list(unread_runs(study)) == [run.folder.name]
