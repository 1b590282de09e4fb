"""Folders as earlier versions of murid wrote them are read; those that cannot be are one error with a remedy.

The texts are the formats of the first versions, kept by hand: what is written now must not change what is read.
"""

import json

import pandas as pd
import pytest

from murid.data.errors import DataError
from murid.data.formats import MODEL, RUN, STUDY, FolderFormat
from murid.data.study import Study
from murid.methods import load_method, method
from murid.report.runfolder import RunFolder
from murid.run.runs import Run, runs_of

SHEET = """id,animal,group,day,session,nouns,video,source
m1,a1,ctrl,,,labels events zones,,
"""
#: A journal without notes (`meta`), and events without whom they concern.
JOURNAL = "\n".join(
    [
        '{"op": "open", "rater": "me", "exclusive": false, "vocabulary": ["rear"], "fps": 25.0, "source_file": "",'
        ' "scored": [{"start_s": 0.0, "stop_s": 10.0, "rater": "me", "stream": ""}]}',
        '{"op": "add", "start_s": 1.0, "stop_s": 3.0, "label": "rear", "individual": "all", "rater": "me",'
        ' "stream": "", "source": "", "score": null}',
    ]
)
ZONES = {
    "zones": [{"name": "centre", "unit": "cm", "kind": "centre", "polygon": [[0, 0], [10, 0], [10, 10], [0, 10]]}],
    "rule": {},
}
PROVENANCE = {
    "format": 1,
    "command": "assay",
    "params": {"name": "open_field", "params": {}, "ids": ["m1"], "compare": "group"},
    "asked": "0" * 32,
    "study": "S",
    "status": "complete",
    "pid": 4711,
    "started": "2026-11-22T20:08:02+00:00",
    "finished": "2026-11-22T20:08:03+00:00",
    "versions": {"murid": "0.0.1", "numpy": "2.0.0"},
    "machine": {},
    "inputs": [],
    "seeds": {},
    "steps": [],
    "warnings": [],
    "seconds": 1.0,
    "peak_mb": 0.0,
}


@pytest.fixture
def study(tmp_path):
    """A study of the first version, with one run of it."""
    folder = tmp_path / "S"
    labels = folder / "data" / "m1" / "labels"
    labels.mkdir(parents=True)
    (folder / "study.toml").write_text('# A murid study.\nname = "S"\nlayout = 1\n')
    (folder / "recordings.csv").write_text(SHEET)
    (labels / "me.jsonl").write_text(JOURNAL)
    (labels.parent / "events.csv").write_text("time_s,label,value\n0.5,tone,\n")
    (labels.parent / "zones.json").write_text(json.dumps(ZONES))
    return Study(folder)


def old_run(study, **changes):
    """Write a run folder of format 1: tables without units, a summary that names no analysis."""
    folder = study.runs_dir / "20261122-200802-assay"
    (folder / "tables").mkdir(parents=True)
    (folder / "provenance.json").write_text(json.dumps({**PROVENANCE, **changes}))
    (folder / "summary.json").write_text(json.dumps({"recordings": ["m1"], "paradigm": "open_field"}))
    table = pd.DataFrame({"recording": ["m1"], "individual": ["a"], "distance": [12.5]})
    table.to_parquet(folder / "tables" / "animals.parquet")
    table.to_csv(folder / "tables" / "animals.csv", index=False)
    return folder


def test_a_study_of_the_first_version_is_read_whole(study):
    recording = study["m1"]
    assert recording.need("labels").bouts[["start_s", "stop_s", "label"]].values.tolist() == [[1.0, 3.0, "rear"]]
    assert recording.need("labels").scored["stop_s"].tolist() == [10.0]
    assert recording.need("events")[["time_s", "label"]].values.tolist() == [[0.5, "tone"]]
    assert list(recording.need("zones")) == ["centre"]
    assert (recording.animal, recording.group) == ("a1", "ctrl")


def test_a_run_of_format_1_is_read_by_python_and_by_the_report(study):
    folder = old_run(study)
    run = Run.read(folder)
    assert run.provenance["format"] == RUN.version
    assert run.summary["analysis"] == "open_field"
    assert run.provenance["owner"] == "4711"
    assert run.tables["animals"]["distance"].tolist() == [12.5]
    assert [r.folder for r in runs_of(study, "assay")] == [folder]
    shown = RunFolder(folder)
    assert shown.summary["analysis"] == "open_field"
    assert shown.table("animals", ["distance"]) is not None
    assert shown.problems == []


@pytest.mark.parametrize(
    ("command", "named", "analysis"),
    [("motifs", "motif_statistics", "motif_statistics"), ("neural", "neural", "tuning"), ("check", "check", "check")],
)
def test_runs_from_before_the_contract_name_their_analysis(study, command, named, analysis):
    run = Run.read(old_run(study, command=command, params={}))
    assert (run.provenance["command"], run.summary["analysis"]) == (named, analysis)


def test_runs_that_were_no_analysis_stay_so(study):
    run = Run.read(old_run(study, command="evaluate", params={"name": "gbdt"}))
    assert "analysis" not in run.summary


def test_what_is_written_now_carries_version_and_writer(tmp_path):
    import murid

    study = Study.create(tmp_path / "T")
    assert (study.settings["layout"], study.settings["murid"]) == (STUDY.version, murid.__version__)
    with Run.start(study, "x", {}) as run:
        pass
    head = json.loads((run.folder / "provenance.json").read_text())
    assert (head["format"], head["versions"]["murid"]) == (RUN.version, murid.__version__)
    saved = json.loads((method("rules").save(tmp_path / "m") / "params.json").read_text())
    assert (saved["format"], saved["murid"]) == (MODEL.version, murid.__version__)


def test_folders_of_a_newer_murid_name_it_and_say_what_to_do(study, tmp_path):
    with pytest.raises(DataError, match=r"run: .*was written by a newer murid \(version 9\.0\).*got 99.*upgrade murid"):
        Run.read(old_run(study, format=99, versions={"murid": "9.0"}))
    shown = RunFolder(study.runs_dir / "20261122-200802-assay")
    assert shown.provenance == {}
    assert "newer murid (version 9.0)" in shown.problems[0]
    (study.folder / "study.toml").write_text('name = "S"\nlayout = 7\nmurid = "9.1"\n')
    with pytest.raises(DataError, match=r"study: .*was written by a newer murid \(version 9\.1\).*layout <= 1, got 7"):
        Study(study.folder)
    folder = method("rules").save(tmp_path / "m")
    changed(folder, format=3, murid="9.2")
    with pytest.raises(DataError, match=r"model: .*was written by a newer murid \(version 9\.2\)"):
        load_method(folder)


def test_one_run_of_a_newer_murid_is_named_and_costs_the_others_nothing(study):
    from murid.run import build_report, find_run
    from murid.run.runs import unread_runs

    newer = old_run(study, format=99, versions={"murid": "9.0"}, status="complete")
    with pytest.warns(UserWarning, match="newer murid"):
        assert "upgrade murid" in build_report(study).read_text()
    newer = newer.rename(newer.with_name("20300101-000000-assay"))
    readable = old_run(study)
    with pytest.warns(UserWarning, match=r"run 20300101-000000-assay is left out: .*newer murid \(version 9\.0\)"):
        assert [r.folder for r in runs_of(study)] == [readable]
    with pytest.warns(UserWarning, match="is left out"):
        assert find_run(study, "assay").folder == readable
    assert list(unread_runs(study)) == [newer.name]
    with pytest.warns(UserWarning, match="is left out"):
        text = build_report(study).read_text()
    assert "1 part could not be read and is left out: 20300101-000000-assay" in text
    assert "upgrade murid" in text
    assert readable.name in text


def test_a_model_is_read_as_it_was_or_the_error_names_its_writer(tmp_path):
    folder = method("rules").save(tmp_path / "m")
    changed(folder, murid="0.0.1", training={})
    assert load_method(folder).name == "rules"
    head = json.loads((folder / "params.json").read_text())
    changed(folder, params={**head["params"], "min_speed": 3})
    with pytest.raises(DataError, match=r"another murid \(version 0\.0\.1\).*unknown parameter 'min_speed'.*fit again"):
        load_method(folder)


def test_a_format_that_no_step_reaches_is_an_error_with_the_remedy():
    third = FolderFormat("model", 3, "format", "fit again with: murid fit", {2: lambda head: {**head, "new": True}})
    assert third.migrated({"format": 2}, "x") == {"format": 3, "new": True}
    with pytest.raises(DataError, match=r"an old murid \(version 0\.0\.2\) and cannot be read.*-> fit again"):
        third.migrated({"format": 1, "murid": "0.0.2"}, "x")


def changed(folder, **changes):
    path = folder / "params.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
