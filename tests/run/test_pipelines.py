"""What the commands call: check, fit, apply, evaluate, neural, on small animals with known truth."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
import run_work as work

from murid.data.errors import DataError, ParameterError
from murid.data.study import Study
from murid.run.analysis import run_analysis
from murid.run.apply import apply_method
from murid.run.check import check_study
from murid.run.evaluate import LEAKY, evaluate_methods
from murid.run.fit import fit_method


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return work.labelled_study(tmp_path_factory.mktemp("labelled") / "study")


@pytest.fixture
def study(made, tmp_path):
    """A fresh copy for each test."""
    shutil.copytree(made.folder, tmp_path / "study")
    return Study(tmp_path / "study")


# ---- check ----------------------------------------------------------------------------------------
def test_check_judges_every_recording(study):
    run = check_study(study)
    assert run.summary["recordings"] == 6
    assert run.summary["faults"] == 0
    assert set(run.tables["quality"]["recording"]) == set(study.ids)
    assert {"verdict", "reason", "todo"} <= set(run.tables["quality"])


def test_one_animal_under_several_names_is_a_fault_and_not_evaluated(study, tiny):
    """Four copies of a recording as four animals had no fault, and scored .996 "on unseen animals"."""
    first = study["r0"]
    study.add(first.replace(id="copy", animal="another"))
    faults = check_study(study).tables["faults"]
    assert faults["what"].tolist() == ["the same measurements under several animals"]
    assert faults["where"].tolist() == ["copy, r0"]
    for split in ({"folds": 2}, {"train": ["r0"], "test": ["copy"]}):
        with pytest.raises(DataError, match=r"copy, r0: the same measurements under several animals"):
            evaluate_methods(study, "tiny", **split)


def test_check_of_a_half_deleted_study_names_everything_and_still_judges_the_rest(study):
    import shutil

    shutil.rmtree(study.folder / "data" / "r1")
    (study.folder / "data" / "r2" / "poses.nc").write_bytes(b"not a netCDF")
    (study.folder / "data" / "stray").mkdir()
    run = check_study(study)
    said = " ".join(run.tables["faults"]["what"])
    assert "'r1'" in said
    assert "r2" in said
    assert "stray" in said
    assert set(run.tables["quality"]["recording"]) == {"r0", "r3", "r4", "r5"}
    assert (run.tables["faults"]["todo"] != "").any() or "add the recording again" in said


# ---- fit and apply --------------------------------------------------------------------------------
def test_fit_and_apply(study, tiny, calls):
    fitted = fit_method(study, "tiny", {"margin": 1.1})
    assert fitted.summary["recordings"] == study.ids
    assert (study.models_dir / "tiny" / "params.json").is_file()
    run = apply_method(study, "tiny")
    assert run.recordings == study.ids
    bouts, summary = run.tables["bouts"], run.tables["summary"]
    assert {"recording", "animal", "group", "start_s", "stop_s", "label"} <= set(bouts)
    assert set(summary["recording"]) == set(study.ids)
    truth = study["r0"].labels.bouts
    true_s = float((truth["stop_s"] - truth["start_s"]).sum())
    assert summary.set_index("recording").at["r0", "total_s"] == pytest.approx(true_s, rel=0.3)
    apply_method(study, "tiny", ["r0"])
    assert calls("fit") == ["+".join(study.ids)]
    assert len(calls("apply")) == 6


def test_a_model_of_the_same_name_from_another_place_is_another_run(study, tiny, tmp_path):
    """Runs were told apart by the name of the model alone: the folder of one was gone on with for the other."""
    for margin, model in ((1.0, "k"), (1.5, "other")):
        fit_method(study, "tiny", {"margin": margin}, model=model)
    shutil.move(study.models_dir / "other", tmp_path / "k")
    own, other = (apply_method(study, model, ["r0"]) for model in ("k", tmp_path / "k"))
    assert own.provenance["asked"] != other.provenance["asked"]
    assert other.summary["applied"]["params"]["margin"] == 1.5
    assert other.summary["applied"]["folder"] == str(tmp_path / "k")
    assert other.provenance["seeds"]["comparison"] == 0
    assert other.provenance["sheet"]["r0"]["group"] == study["r0"].group


def test_a_different_model_is_not_overwritten_unasked(study, tiny):
    fit_method(study, "tiny")
    fit_method(study, "tiny")
    with pytest.raises(DataError, match="different model 'tiny'"):
        fit_method(study, "tiny", {"margin": 2.0})
    fit_method(study, "tiny", {"margin": 2.0}, replace=True)
    head = json.loads((study.models_dir / "tiny" / "params.json").read_text())
    assert head["params"]["margin"] == 2.0


def test_unknown_names_are_answered_with_near_ones(study, tiny):
    with pytest.raises(DataError, match="did you mean 'tiny'"):
        fit_method(study, "tinny")
    with pytest.raises(ParameterError, match="did you mean 'margin'"):
        fit_method(study, "tiny", {"margn": 2.0})
    with pytest.raises(DataError, match=r"no model 'nothing'.*murid fit"):
        apply_method(study, "nothing")
    with pytest.raises(DataError, match="no recording 'r9'"):
        fit_method(study, "tiny", ids=["r9"])


# ---- evaluate -------------------------------------------------------------------------------------
def test_folds_share_no_animal_and_every_recording_is_predicted_once(study, tiny, calls):
    run = evaluate_methods(study, "tiny", folds=3)
    folds = run.tables["folds"]
    for _, fold in folds.groupby("fold"):
        sides = fold.groupby("side")["animal"].agg(set)
        assert not sides["train"] & sides["test"]
    assert sorted(folds.loc[folds["side"] == "test", "recording"]) == study.ids
    assert sorted(calls("apply")) == study.ids
    assert len(calls("fit")) == 3
    for fitted, (_, fold) in zip(calls("fit"), folds.groupby("fold"), strict=True):
        assert set(fitted.split("+")) == set(fold.loc[fold["side"] == "train", "recording"])


def test_evaluation_reports_frames_bouts_time_calibration_and_limits(study, tiny):
    run = evaluate_methods(study, ["tiny"], folds=3)
    row = run.tables["per_class"].set_index("behaviour").loc["run"]
    assert 0.7 < row["f1"] <= 1
    assert row[["f1_low", "f1_high"]].isna().all()  # three animals give no interval
    assert 0 <= row["bout_f1"] <= 1
    assert 0 <= row["ece"] <= 1
    assert set(run.tables) >= {"per_class", "recordings", "totals", "confusion_tiny", "calibration", "folds"}
    assert run.summary["methods"]["tiny"]["behaviours"]["run"]["f1"] == pytest.approx(row["f1"])
    assert run.recordings == study.ids
    json.dumps(run.summary, allow_nan=False)


def test_evaluation_again_does_nothing_and_another_method_costs_only_itself(study, tiny, calls):
    first = evaluate_methods(study, "tiny", folds=3)
    again = evaluate_methods(study, "tiny", folds=3)
    assert len(calls("fit")) == 3
    assert first.tables["per_class"].equals(again.tables["per_class"])
    evaluate_methods(study, "tiny", folds=3, params={"tiny": {"margin": 1.2}})
    assert len(calls("fit")) == 6


@pytest.mark.slow
def test_an_evaluation_is_the_same_alone_after_other_commands_and_in_another_place(study, tiny, calls, tmp_path):
    other = Study(shutil.copytree(study.folder, tmp_path / "other"))
    fit_method(other, "tiny")
    apply_method(other, "tiny")
    alone, after = (evaluate_methods(s, "tiny", folds=2).folder for s in (study, other))
    files = sorted(p.relative_to(alone) for part in ("tables", "states") for p in (alone / part).iterdir())
    assert len(files) > len(study.ids)
    assert [f for f in files if (alone / f).read_bytes() != (after / f).read_bytes()] == []
    fits = len(calls("fit"))
    moved = Study(study.folder.rename(tmp_path / "in Zürich"))
    again = evaluate_methods(moved, "tiny", folds=2)
    assert {step["state"] for step in again.provenance["steps"]} == {"kept"}
    assert len(calls("fit")) == fits


def test_explicit_split(study, tiny, calls):
    run = evaluate_methods(study, "tiny", train=["r0", "r1"], test=["r4", "r5"])
    assert calls("fit") == ["r0+r1"]
    assert sorted(calls("apply")) == ["r4", "r5"]
    assert run.summary["methods"]["tiny"]["n_recordings"] == 2


def test_five_folds_or_one_an_animal_where_there_are_fewer(study):
    from murid.run.evaluation_splits import splits_of

    def folds(group):
        return len(splits_of(study, group, None, None, None, None, None, None, "warn", 0))

    assert (folds("id"), folds("animal")) == (5, 3)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (dict(train=["r0", "r1"], test=["r1", "r2"]), "'r1' is on both sides"),
        (dict(train=["r0"], test=["r1"]), "animal 'a0' is on both sides"),
        (dict(train=["r0"]), "no test recordings"),
        (dict(folds=4), "fewer animals than folds"),
        (dict(train=["r0"], test=["zz"]), "no recording 'zz'"),
    ],
)
def test_splits_that_leak_or_lack_are_refused(study, tiny, split, message):
    with pytest.raises(DataError, match=message):
        evaluate_methods(study, "tiny", **split)


def test_leaky_score_is_computed_on_request_and_marked(study, tiny):
    plain = evaluate_methods(study, "tiny", folds=3)
    assert "leaky" not in plain.tables
    assert "leaky" not in plain.summary["methods"]["tiny"]
    run = evaluate_methods(study, "tiny", folds=3, leaky=True)
    assert run.summary["methods"]["tiny"]["leaky"]["warning"] == LEAKY
    assert (run.tables["leaky"]["warning"] == LEAKY).all()


def test_unsupervised_methods_are_sent_elsewhere(study):
    with pytest.raises(DataError, match="gives no behaviours by name"):
        evaluate_methods(study, "kmeans")


@pytest.mark.slow
def test_rules_are_scored_as_methods_that_learn(study):
    """Their page promised the same evaluation, and it was refused."""
    rules = {"rules": {"rules": "run:\n    when   speed_body > 5 cm/s\n"}}
    with pytest.warns(UserWarning, match="'rules' learns nothing"):
        run = evaluate_methods(study, "rules", params=rules, folds=2, behaviours=["run"], leaky=True)
    assert run.summary["methods"]["rules"]["macro_f1"] > 0.5
    assert set(run.tables["folds"]["recording"]) == set(study.ids)
    assert "leaky" not in run.tables


def test_rules_alone_are_scored_on_every_labelled_recording_without_folds(study):
    rules = {"rules": {"rules": "run:\n    when   speed_body > 5 cm/s\n"}}
    run = evaluate_methods(study, "rules", params=rules, ids=["r0", "r1"], behaviours=["run"])  # of one animal
    folds = run.tables["folds"]
    assert set(folds["side"]) == {"test"}
    assert folds["recording"].tolist() == ["r0", "r1"]
    fit_method(study, "rules", rules["rules"], ids=["r0", "r1"])
    applied = apply_method(study, "rules", ids=["r0", "r1"])
    seconds = applied.tables["summary"].query("behaviour == 'run'")["total_s"].sum()
    assert run.tables["recordings"]["time_predicted_s"].sum() == pytest.approx(seconds)


def test_a_parameter_of_a_method_and_of_the_evaluation_that_differ_are_an_error(study):
    for shared, own in (({"seed": 4}, {"seed": 3}), ({"behaviours": ["rear"]}, {"behaviours": ("groom",)})):
        with pytest.raises(DataError, match="is given for the evaluation and for the method"):
            evaluate_methods(study, "gbdt", params={"gbdt": own}, **shared)
    assert not (study.folder / "runs").exists() or not any((study.folder / "runs").iterdir())


def test_too_few_animals_for_folds_name_what_can_be_done(study, tiny):
    with pytest.raises(DataError, match=r"fewer animals than folds.*got 1; -> split by recording.*--group id"):
        evaluate_methods(study, "tiny", ids=["r0", "r1"])
    with pytest.raises(DataError, match=r"--folds 3 \(Python: folds=3\), or split by recording"):
        evaluate_methods(study, "tiny", folds=4)


def test_a_behaviour_that_was_not_learnt_is_named_and_has_no_total(study, monkeypatch):
    from murid.methods import registry

    monkeypatch.setitem(registry.BUILT_IN, "half", "run_tiny:Half")
    registry.method_names.cache_clear()
    for recording in study.recordings():
        labels = recording.need("labels")
        jump = labels.bouts.head(1).assign(start_s=1.0, stop_s=3.0, label="jump")
        made = replace(labels, bouts=pd.concat([labels.bouts, jump], ignore_index=True), exclusive=False)
        study.add(recording.replace(labels=made), replace=True)
    run = evaluate_methods(study, "half", folds=3)
    assert run.summary["methods"]["half"]["not_learnt"] == {"jump": study.ids}
    own = run.tables["recordings"].set_index("behaviour")
    assert own.loc["jump", "time_true_s"].tolist() == pytest.approx([2.0] * 6)
    assert own.loc["jump", ["time_predicted_s", "bouts_predicted"]].isna().all(axis=None)
    assert own.loc["run", "time_predicted_s"].notna().all()
    fit_method(study, "half", ids=["r0", "r1"])
    applied = apply_method(study, "half")
    assert applied.summary["not_learnt"] == {"jump": study.ids}
    assert applied.summary["trained_on"] == ["r0", "r1"]
    assert "method 'half': 'jump' is not learnt: 1 bout: left unlabelled" in applied.provenance["warnings"]
    registry.method_names.cache_clear()


# ---- neural ---------------------------------------------------------------------------------------
def test_the_tuned_unit_is_found_from_labels_and_from_a_model(study, tiny):
    fit_method(study, "tiny")
    for source in ("labels", "tiny"):
        run = run_analysis(study, "tuning", states_from=source)
        table = run.tables["tuning"]
        tuned = table[table["direction"] == "excited"]
        assert set(tuned["unit"]) == {"tuned"}, source
        assert len(tuned) >= 5, source
        assert (table["q_all"].dropna() >= table["p"].dropna() - 1e-12).all()
    assert run.summary["units"] == 12


def test_neural_without_signals_says_what_to_add(tmp_path):
    study = work.small_study(tmp_path / "s", 1)
    with pytest.raises(DataError, match=r"needs.*traces or spikes.*murid add"):
        run_analysis(study, "tuning")


# ---- assay and report -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def open_field(tmp_path_factory):
    """Six simulated animals in two groups, 40 s each."""
    from murid import simulate
    from murid.data.study import Study

    study = Study.create(tmp_path_factory.mktemp("assay") / "study")
    for recording in simulate.study(3, duration_s=40, fps=20, seed=1)[0]:
        study.add(recording)
    return study


def test_assay_measures_every_animal_and_compares_groups(open_field):
    from murid import assays

    run = run_analysis(open_field, "open_field")
    tables = run.tables
    animals, found = tables["animals"].set_index("recording"), tables["comparison"].set_index("measure")
    alone = assays.run_paradigm("open_field", open_field["control_2"])
    assert animals.at["control_2", "distance"] == pytest.approx(alone.value("distance"))
    means = animals.groupby("group")["distance"].mean()
    difference = means["stressed"] - means["control"]
    assert found.at["distance", "difference"] == pytest.approx(difference)
    assert run.summary["groups"] == {"control": 3, "stressed": 3}
    # Six animals allow 20 arrangements: nothing can be below p = 2/20.
    assert (found["p"] >= 0.1 - 1e-9).all()
    assert run.summary["differ"] == []
    assert tables["measures"].loc[tables["measures"]["measure"] == "distance", "unit"].eq("cm").all()
    assert (tables["measures"]["definition"].map(len) > 0).all()
    named = tables["measures"]["measure"].where(
        tables["measures"]["zone"] == "", tables["measures"]["measure"] + ":" + tables["measures"]["zone"]
    )
    assert set(animals.columns) - set(named) <= {"animal", "group", "day", "session", "individual"}
    censored = tables["measures"].query("censored and bin_start_s.isna()")
    names = set(censored["measure"].where(censored["zone"] == "", censored["measure"] + ":" + censored["zone"]))
    assert not names & set(found.index), "censored latencies must not be averaged"


def test_assay_without_groups_says_so_and_goes_on(study):
    table = study.table
    table["group"] = ""
    study._write_table(table)
    run = run_analysis(study, "open_field", {"px_per_cm": 10.0})
    assert "comparison" not in run.tables
    assert any("no comparison" in w for w in run.provenance["warnings"])


def test_assay_names_every_recording_that_lacks_a_scale(study):
    with pytest.raises(DataError, match=r"no recording could be analysed: 6 recordings") as error:
        run_analysis(study, "open_field")
    assert f"({', '.join(study.ids)})" in str(error.value)
    assert str(error.value).count("the scale is not known") == 1


def test_report_takes_the_newest_run_of_each_command(open_field, tmp_path):
    from murid.run.report import build_report

    empty = work.small_study(tmp_path / "empty", 1)
    with pytest.raises(DataError, match="nothing to report"):
        build_report(empty)
    check_study(open_field)
    page = build_report(open_field, "check", out=tmp_path / "r.html")
    text = page.read_text()
    assert page == tmp_path / "r.html"
    assert text.lstrip().lower().startswith("<!doctype html")
    assert "control_1" in text
    with pytest.raises(DataError, match="no run 'evaluate'"):
        build_report(open_field, ["evaluate"])


def test_groups_are_compared_by_what_their_animals_did(study, tiny):
    fit_method(study, "tiny")
    table = study.table
    table["group"] = ["x", "x", "y", "y", "x", "x"]  # three animals, two recordings each: a1 alone is y
    study._write_table(table)
    alone = apply_method(study, "tiny")
    assert "comparison" not in alone.tables
    assert any("two animals each" in w for w in alone.provenance["warnings"])
    table["animal"] = table["id"]
    study._write_table(table)
    run = apply_method(study, "tiny")
    found = run.tables["comparison"].set_index("measure")
    share = run.tables["summary"].groupby("group")["fraction"].mean()
    assert found.at["run", "difference"] == pytest.approx(share["y"] - share["x"])
    assert run.summary["groups"] == {"x": 4, "y": 2}


def test_only_the_named_measures_are_compared(open_field):
    run = run_analysis(open_field, "open_field", measures=["distance", "time_percent:centre"])
    assert run.tables["comparison"]["measure"].tolist() == ["distance", "time_percent:centre"]
    with pytest.raises(DataError, match="did you mean 'distance'"):
        run_analysis(open_field, "open_field", measures=["distanc"])
