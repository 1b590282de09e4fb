"""The whole line on real recordings: files to a report, for dyads with labels and for photometry."""

import numpy as np
import pytest

import murid
from murid import Study
from murid.run import (
    add_files,
    apply_method,
    build_report,
    check_study,
    evaluate_methods,
    fit_method,
    run_analysis,
)

pytestmark = pytest.mark.realdata

#: A small `gbdt`: what is tested is the way, not the score.
LIGHT = {
    "sample_hz": 1.0,
    "folds": 2,
    "trees": {"n_trees": 40},
    "features": {
        "families": ("kinematics", "social"),
        "windowed": ("social",),
        "windows_s": (1.0,),
        "stats": ("mean",),
        "lags_s": (),
    },
    "context_s": (),
}
BEHAVIOURS = ("social", "nonsocial", "aggression")


@pytest.mark.slow
def test_rat_dyads_from_files_to_a_report(data_dir, tmp_path):
    rats = data_dir / "rat_social"
    study = Study.create(tmp_path / "rats")
    which = (1, 2, 3, 41)
    poses = [next((rats / "poses").glob(f"{k}DLC*")) for k in which]
    added = add_files(study, poses, labels=[rats / "annotations" / f"{k}_annot.txt" for k in which], fps=24)
    assert added.ids == ["1", "2", "3", "41"]

    check = check_study(study)
    assert "missing" in " ".join(check.tables["quality"]["check"])

    score = evaluate_methods(
        study, "gbdt", params={"gbdt": LIGHT}, train=["1", "2", "3"], test=["41"], behaviours=BEHAVIOURS
    )
    per_class = score.tables["per_class"].set_index("behaviour")
    # Chance is the share of the behaviour: .33 to .5 for these two.
    assert per_class.loc[["social", "nonsocial"], "f1"].min() > 0.5

    fit_method(study, "gbdt", {**LIGHT, "behaviours": BEHAVIOURS}, ids=["1", "2", "3"])
    applied = apply_method(study, "gbdt", ids=["41"])
    states = murid.evaluate.score(
        study["41"].labels, murid.load_method(study.folder / "models" / "gbdt").apply(study["41"])
    )
    assert states.accuracy == pytest.approx(score.summary["methods"]["gbdt"]["accuracy"], abs=0.15)

    page = build_report(study, [check, score, applied]).read_text()
    assert page.count("<svg") + page.count("<img") >= 6
    for word in ("nonsocial", "Confusion", "Calibration"):
        assert word.lower() in page.lower()


def test_photometry_with_arms_and_freezing(data_dir, tmp_path):
    study = Study.create(tmp_path / "photometry")
    maze = data_dir / "photometry_epm" / "F0002_epm_30fps.csv.gz"
    arms = ["open_arm", "closed_arm", "center"]
    study.add(
        murid.Recording(
            "F0002",
            animal="F0002",
            labels=murid.read_labels(maze, source="onehot", behaviours=arms),
            traces=murid.read_traces(maze, units=["detr_GCaMP6s", "detr_GCaMP6s_iso"]),
        )
    )
    fear = data_dir / "silva2021" / "reference_output"
    for path in sorted(fear.glob("*FreezeTable*"))[-1:]:
        name = path.name.split("_PhotFreeze")[0]
        freezing = murid.read_labels(path, source="onehot", behaviours=["freeze"], time="time_ext")
        traces = murid.read_traces(path, units=["dF_405", "dF_465"], time="time_ext")
        study.add(murid.Recording(name, animal=name.split("_")[0], labels=freezing, traces=traces))
    assert len(study) == 2

    check = check_study(study)
    neural = run_analysis(study, "tuning")
    table = neural.tables["tuning"]
    tested = table[table["p"].notna()]
    assert set(tested["behaviour"]) == {*arms, "freeze"}
    # The open arm excites the calcium channel more than it moves its isosbestic control.
    open_arm = tested[tested["behaviour"] == "open_arm"].set_index("unit")["auroc"]
    assert open_arm["detr_GCaMP6s"] > 0.6 > open_arm["detr_GCaMP6s_iso"]
    # Both nulls are used: the linear shift exactly where unit and behaviour drift.
    drift = tested[["drift_unit", "drift_behaviour"]].min(axis=1) > 0.3
    np.testing.assert_array_equal(tested["null"] == "linear", drift)
    assert "Units and behaviour" in build_report(study, [check, neural]).read_text()
