"""The sheet of a study: written, filled in as a spreadsheet saves it, and read back."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest

from murid.cli.app import app
from murid.data.errors import DataError
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.study import Study
from murid.run.sheet import blank_sheet, study_sheet, update_from_sheet, write_sheet


@pytest.fixture
def study(tmp_path):
    import numpy as np

    study = Study.create(tmp_path / "S")
    for name, animal in (("m1_day1", "m1"), ("m1_day2", "m1"), ("m2_day1", "m2")):
        poses = make_poses(np.ones((3, 2, 1, 1)), keypoints=["nose"], fps=30)
        study.add(Recording(name, animal=animal, poses=poses, meta={"Weight": "20"}), source="files")
    return study


def test_a_blank_sheet_names_recordings_as_adding_does(tmp_path):
    for name in ("m10DLC_resnet50_x.csv", "m2DLC_resnet50_x.csv"):
        (tmp_path / name).write_text("")
    table = blank_sheet([tmp_path])
    assert table["id"].tolist() == ["m2", "m10"]
    assert table["animal"].tolist() == ["m2", "m10"]
    assert table.columns.tolist() == ["id", "animal", "group", "day", "session", "sex", "litter"]
    assert (table["group"] == "").all()


def test_faults_of_files_are_one_error(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("m1.csv", "m1.h5"):
        (tmp_path / name).write_text("")
    with pytest.raises(DataError) as error:
        blank_sheet([tmp_path / "m1.csv", tmp_path / "m1.h5", tmp_path / "none.csv", tmp_path / "empty"])
    assert all(word in str(error.value) for word in ("m1.h5", "no such file", "holds no files"))


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_written_filled_and_read_back(study, tmp_path, suffix):
    path = tmp_path / f"animals{suffix}"
    write_sheet(study_sheet(study), path)
    if suffix == ".csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table["group"] = ["=drug", "=drug", "saline"]
        path.unlink()
        write_sheet(table, path)
    else:
        book = openpyxl.load_workbook(path)
        for row, group in enumerate(("=drug", "=drug", "saline"), 2):
            book.active.cell(row, 3).value = f"'{group}" if group[0] == "=" else group
        book.save(path)
    changed = update_from_sheet(study, path)
    assert changed.values.tolist() == [
        ["m1_day1", "group", "", "=drug"],
        ["m1_day2", "group", "", "=drug"],
        ["m2_day1", "group", "", "saline"],
    ]
    assert study.table["group"].tolist() == ["=drug", "=drug", "saline"]
    assert study.table["source"].tolist() == ["files"] * 3
    assert study.table["Weight"].tolist() == ["20"] * 3
    assert "weight" not in study.table


def test_a_row_an_animal_serves_its_recordings(study):
    update_from_sheet(study, pd.DataFrame({"Mouse": ["m2", "m1"], "Treatment": ["b", "a"]}))
    assert study.table["group"].tolist() == ["a", "a", "b"]


def test_nothing_changes_when_a_row_is_missing_or_strange(study):
    before = study.table
    with pytest.raises(DataError, match=r"m2_day1.*no row") as error:
        update_from_sheet(study, pd.DataFrame({"id": ["m1_day1", "m1_day2", "m9"], "group": ["a", "b", "c"]}))
    assert "'m9' fits no recording" in str(error.value)
    with pytest.raises(DataError, match="column 'nouns' is filled by murid"):
        update_from_sheet(study, study_sheet(study).assign(nouns="poses"))
    pd.testing.assert_frame_equal(study.table, before)


def test_commands(study, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    run = CliRunner().invoke
    out = str(tmp_path / "animals.csv")
    assert run(app, ["sheet", str(study.folder), "--out", out]).exit_code == 0
    again = run(app, ["sheet", str(study.folder), "--out", out])
    assert again.exit_code == 1
    assert "is there already" in again.output
    table = pd.read_csv(out, dtype=str, keep_default_na=False).assign(group=["a", "a", "b"])
    table.to_csv(out, index=False, sep=";", encoding="utf-16")
    dry = run(app, ["add", str(study.folder), "--sheet", out, "--dry-run"])
    assert "3 values of 3 recordings would change" in dry.output
    assert (study.table["group"] == "").all()
    assert "3 values of 3 recordings changed" in run(app, ["add", str(study.folder), "--sheet", out]).output
    assert study.table["group"].tolist() == ["a", "a", "b"]
