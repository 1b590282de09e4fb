"""Explain, label queue and head-to-head on a small study: the whole way, and questions that cannot be answered."""

import json
import shutil

import pytest

from murid import simulate
from murid.data.errors import DataError
from murid.data.labels import Labels
from murid.data.study import Study
from murid.methods.supervised import explain_tables, queue_tables
from murid.run import apply_method, explain_model, fit_method, propose_bouts
from murid.run.run_age import outdated

#: One worker makes what these tests share.
pytestmark = pytest.mark.xdist_group("supervised commands")

GBDT = {
    "behaviours": ["rear", "groom", "walk"],
    "n_features": 50,
    "context_s": [],
    "folds": 2,
    "trees": {"n_trees": 15, "n_threads": 1},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Four animals; three are labelled, one of these by two raters and one only half."""
    made = Study.create(tmp_path_factory.mktemp("supervised") / "study")
    for k in range(4):
        r = simulate.recording(duration_s=70, fps=15, seed=k + 1, id=f"r{k}", animal=f"a{k}", unit="cm")
        if k == 1:
            r = r.replace(labels=half(r))
        made.add(r.replace(labels=None) if k == 3 else r)
    fit_method(made, "gbdt", GBDT)
    return made


def test_recordings_without_labels_go_to_methods_that_learn_from_them(study):
    from murid.run.fit import fit_step

    asked = {
        net: [x.id for x in fit_step(study, "gbdt", {**GBDT, "net": net}, None).inputs["recordings"]]
        for net in (False, True)
    }
    assert asked == {False: ["r0", "r1", "r2"], True: ["r0", "r1", "r2", "r3"]}


def half(recording):
    bouts = recording.labels.bouts
    bouts = bouts[bouts["start_s"] < 40].assign(stop_s=lambda b: b["stop_s"].clip(upper=40))
    return Labels.from_bouts(bouts, duration_s=40.0, exclusive=True, fps=15)


def test_explain_uses_models_that_have_not_seen_the_animal(study):
    run = explain_model(study, "gbdt", folds=3, n_frames=120)
    assert sorted(run.summary["recordings"]) == ["r0", "r1", "r2"]
    assert "without the animals it explains" in run.summary["models"]
    families = run.tables["explain_families"]
    assert families.groupby("behaviour")["share"].sum().to_numpy() == pytest.approx(1)
    rear = families[families["behaviour"] == "rear"].set_index("family")
    assert rear["loss"].idxmax() == "shape"
    assert rear.at["shape", "loss_low"] <= rear.at["shape", "loss"]
    assert sorted(run.tables) == sorted(t.name for t in explain_tables.TABLES if t.name != "explain_why")
    assert (run.folder / "figures" / "explain_families.svg").stat().st_size > 3000
    json.dumps(run.summary, allow_nan=False)
    assert outdated(study, run) == []


def test_explain_takes_unseen_labelled_recordings_when_there_are_some(study, tmp_path):
    fit_method(study, "gbdt", GBDT, ["r0", "r1"], model="two")
    run = explain_model(study, "two", n_frames=80)
    assert run.summary["recordings"] == ["r2"]
    assert "the model itself" in run.summary["models"]
    # What the model has learnt from is no news: the same command would pass it over today as well.
    assert run.summary["passed_over"] == ["r0", "r1"]
    assert outdated(study, run) == []
    copy = Study(shutil.copytree(study.folder, tmp_path / "S"))
    copy._write_table(copy.table.replace({"animal": {"a1": "a9"}}))
    assert outdated(copy, run) == ["animal changed: r1"]
    copy.add(simulate.recording(duration_s=5, fps=15, seed=9, id="r9", animal="a8", unit="cm"))
    assert outdated(copy, run) == ["animal changed: r1", "r9 added since"]


@pytest.mark.slow
def test_animals_that_were_renamed_since_are_not_unseen(study, tmp_path):
    """Training animals were known by their names: renamed, the model was explained on them as on unseen ones."""
    copy = Study(shutil.copytree(study.folder, tmp_path / "S"))
    for old in copy.ids:
        (copy.folder / "data" / old).rename(copy.folder / "data" / f"n{old}")
    sheet = copy.table
    copy._write_table(sheet.assign(id="n" + sheet["id"], animal="n" + sheet["animal"]))
    run = explain_model(Study(copy.folder), "gbdt", folds=3, n_frames=80)
    assert "without the animals it explains" in run.summary["models"]


def test_why_this_frame(study):
    run = explain_model(study, "gbdt", recording="r3", time_s=12.0, behaviour="walk")
    why = run.tables["explain_why"]
    assert set(why["behaviour"]) == {"walk"}
    assert why["words"].str.contains("evidence (?:for|against)").all()
    assert run.summary["why"]["time_s"] == pytest.approx(12.0, abs=0.05)
    with pytest.raises(DataError, match="recording and time belong together"):
        explain_model(study, "gbdt", recording="r3")


def test_label_queue_proposes_unlabelled_time_and_advises(study):
    run = propose_bouts(study, "gbdt", {"n": 10})
    assert outdated(study, run) == []
    queue = run.tables["queue"]
    assert len(queue) == 10
    assert (queue["kind"] == "blind").sum() == 2
    assert set(queue["recording"]) <= {"r1", "r3"}, "the others are labelled throughout"
    assert (queue.loc[queue["recording"] == "r1", "start_s"] >= 39.8).all()
    assert run.summary["refitted"]
    assert "more bouts are expected to raise macro F1" in run.summary["advice"]
    assert sorted(run.tables) == sorted(t.name for t in queue_tables.TABLES)
    assert (run.folder / "figures" / "learning_curve.svg").is_file()
    json.dumps(run.summary, allow_nan=False)


def test_apply_reports_what_the_model_has_not_seen(study):
    run = apply_method(study, "gbdt", ["r3"])
    assert run.read_states("r3")["unseen"].dims == ("time", "individual")
    row = run.tables["unseen"].iloc[0]
    assert row["recording"] == "r3"
    assert 0 <= row["unseen"] < 0.3
