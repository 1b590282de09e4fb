"""Missing and damaged pieces cost themselves, not the report."""

from __future__ import annotations

import json
import re

import pytest

from murid.data.errors import DataError
from murid.data.study import Study
from murid.report import build, render


def text_of(path) -> str:
    html = path.read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<style>.*?</style>", "", html)))


@pytest.fixture(autouse=True)
def unpainted(monkeypatch):
    """Figures are made but not painted: these tests read the text."""
    monkeypatch.setattr(render, "image", lambda _figure: "data:,")


@pytest.fixture
def copy(made, tmp_path):
    return made.copy(tmp_path / "study")


def test_missing_table_is_said(copy, tmp_path):
    for end in ("parquet", "csv"):
        (copy.runs["assay"] / "tables" / f"animals.{end}").unlink()
    text = text_of(build(copy.study, [copy.runs["assay"]], tmp_path / "r.html"))
    assert "table &#39;animals&#39; is missing" in text
    assert "no readable table of animals" in text


def test_damaged_parquet_is_read_from_its_csv(copy, tmp_path):
    (copy.runs["assay"] / "tables" / "comparison.parquet").write_bytes(b"PAR1 cut short")
    text = text_of(build(copy.study, [copy.runs["assay"]], tmp_path / "r.html"))
    assert "comparison.parquet is damaged" in text
    assert "Comparison of groups" in text


def test_damaged_provenance_and_summary(copy, tmp_path):
    (copy.runs["neural"] / "provenance.json").write_text("{")
    (copy.runs["evaluate"] / "summary.json").write_text("no json")
    runs = [copy.runs[k] for k in ("check", "evaluate", "neural")]
    text = text_of(build(copy.study, runs, tmp_path / "r.html"))
    assert "provenance.json is damaged" in text
    assert "summary.json is damaged" in text
    assert "How well behaviours are recognised" in text


def test_a_run_that_failed_is_said_to_have_failed_where_its_numbers_are(copy, tmp_path):
    """Its means and tests were shown like any other; "failed" stood in the table of runs at the end."""
    path = copy.runs["assay"] / "provenance.json"
    path.write_text(path.read_text().replace('"status": "complete"', '"status": "failed"'))
    text = text_of(build(copy.study, [copy.runs["check"], copy.runs["assay"]], tmp_path / "r.html"))
    assert text.count(f"The run {path.parent.name} did not come to its end (failed)") == 2  # at the top, and there
    assert f"The run {copy.runs['check'].name} did not" not in text


def test_damaged_states_are_left_out(copy, tmp_path):
    first, *_ = sorted((copy.runs["apply"] / "states").glob("*.nc"))
    first.write_bytes(b"CDF broken")
    text = text_of(build(copy.study, [copy.runs["apply"]], tmp_path / "r.html"))
    assert f"states of recording &#39;{first.stem}&#39; cannot be read" in text
    assert "Mean postures" in text


def test_column_that_is_missing_is_named(copy, tmp_path):
    import pandas as pd

    path = copy.runs["neural"] / "tables" / "tuning.parquet"
    pd.read_parquet(path).drop(columns="selectivity").to_parquet(path)
    text = text_of(build(copy.study, [copy.runs["neural"]], tmp_path / "r.html"))
    assert "lacks the columns selectivity" in text
    assert "Units and behaviour" not in text


def test_recording_that_cannot_be_read_is_named(copy, tmp_path):
    recording_id = copy.study.ids[0]
    (copy.folder / "data" / recording_id / "poses.nc").write_bytes(b"nothing")
    text = text_of(build(copy.study, [copy.runs["check"]], tmp_path / "r.html"))
    assert f"recording &#39;{recording_id}&#39;" in text
    assert "could not be read" in text
    assert "Paths" in text


def test_folder_that_does_not_exist(copy, tmp_path):
    with pytest.raises(DataError, match=r"elsewhere: no such run"):
        build(copy.study, [tmp_path / "elsewhere"], tmp_path / "r.html")


def test_section_that_fails_is_a_note(copy, tmp_path, monkeypatch):
    from murid.report.sections import places

    def broken(_context):
        raise ValueError("planted")

    monkeypatch.setattr(places, "make", broken)
    with pytest.warns(UserWarning, match="section 'places' could not be made"):
        path = build(copy.study, [copy.runs["check"]], tmp_path / "r.html")
    text = text_of(path)
    assert "This section could not be made: ValueError: planted" in text
    assert "Quality of the recordings" in text


def test_names_are_escaped(copy, tmp_path):
    study = copy.study
    study.set(name="<script>alert(1)</script>")
    html = build(Study(copy.folder), [copy.runs["check"]], tmp_path / "r.html").read_text()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_study_without_groups_labels_and_runs(made, tmp_path):
    study = Study.create(tmp_path / "bare", "bare")
    recording = made.study[made.study.ids[0]]
    study.add(recording.replace(group="", labels=None, zones=None, traces=None))
    text = text_of(build(study, [], tmp_path / "r.html"))
    assert "no groups given" in text
    assert "Paths" in text
    assert "Ethograms" not in text
    assert "Provenance" not in text


def test_empty_study(tmp_path):
    study = Study.create(tmp_path / "empty", "empty")
    text = text_of(build(study, [], tmp_path / "r.html"))
    assert "0 recordings of 0 animals" in text


def test_run_of_unknown_command_is_listed_only(copy, tmp_path):
    path = copy.runs["check"] / "provenance.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, "command": "future"}))
    text = text_of(build(copy.study, [copy.runs["check"]], tmp_path / "r.html"))
    assert "future" in text
