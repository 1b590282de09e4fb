"""What `murid check` says of labels: each planted fault has its place, size and remedy; clean labels have none."""

import numpy as np
import pandas as pd
import pytest

from murid.data.labels import Labels
from murid.data.poses import make_poses
from murid.data.recording import Recording
from murid.data.study import Study
from murid.data.warning import MuridWarning
from murid.prepare import assess_quality
from murid.prepare.label_quality import INVENTORY, inventory, name_rows
from murid.run import check_study

FPS, SECONDS = 25.0, 40.0
CHECKS = ["short bouts", "overlap", "not scored", "label overhang"]


def recording(bouts, name="m1", *, poses=True, scored=None, **more):
    """A recording of 40 s at 25 frames/s with bouts ``(start, stop, label[, rater])``."""
    table = pd.DataFrame([(*b, "")[:4] for b in bouts], columns=["start_s", "stop_s", "label", "rater"])
    raters = sorted(set(table["rater"])) or [""]
    watched = pd.DataFrame(
        scored or [(0.0, SECONDS, r) for r in raters], columns=["start_s", "stop_s", "rater"]
    ).assign(stream="")
    labels = Labels.from_bouts(table, scored=watched, **more)
    walk = np.random.default_rng(0).normal(0, 0.3, (round(FPS * SECONDS), 2, 1, 1)).cumsum(axis=0)
    tracked = make_poses(walk, keypoints=["nose"], fps=FPS, unit="cm") if poses else None
    return Recording(name, poses=tracked, labels=labels)


def rows(*args, **options):
    table = assess_quality(recording(*args, **options)).set_index("check")
    return table[table.index.isin(CHECKS)]


def test_clean_labels_have_nothing_to_look_at():
    judged = rows([(1.0, 3.0, "rear"), (3.0, 9.0, "groom"), (10.0, 10.04, "rear")], exclusive=True)
    assert sorted(judged.index) == sorted(CHECKS)
    assert (judged["verdict"] == "ok").all()
    assert (judged["value"] == 0).all()


def test_bouts_of_no_length_and_of_less_than_a_frame():
    bouts = [(float(k), k + 0.5, "rear") for k in range(28)]
    row = rows([*bouts, (30.0, 30.0, "groom"), (31.0, 31.02, "rear")]).loc["short bouts"]
    assert row["verdict"] == "look"
    assert row["value"] == pytest.approx(100 * 2 / 30)
    assert row["where"] == "groom at 30.00 s"
    assert row["reason"] == "2 of 30 bouts shorter than a frame (40 ms), 1 of no length"
    assert "point events" in row["todo"]
    # Without any rate only those of no length can be told.
    row = rows([*bouts, (30.0, 30.0, "groom"), (31.0, 31.02, "rear")], poses=False).loc["short bouts"]
    assert row["value"] == pytest.approx(100 / 30)


def test_overlap_of_behaviours_that_exclude_each_other():
    apart = [(float(k), k + 0.9, "rear") for k in range(20)] + [(k + 0.9, k + 1.0, "groom") for k in range(19)]
    row = rows([*apart, (19.8, 35.0, "groom", "")]).loc["overlap"]
    assert row["value"] == pytest.approx(0.1)
    assert row["where"] == "rear and groom at 19.80 s"
    assert rows([*apart, (19.5, 35.0, "groom", "")]).loc["overlap", "verdict"] == "look"
    # Behaviours that are often together are meant to be; said to exclude each other, they are not.
    together = [(0.0, 20.0, "rear"), (10.0, 30.0, "sniff")]
    assert rows(together).loc["overlap", "value"] == 0
    bad = rows(together, exclusive=True).loc["overlap"]
    assert (bad["verdict"], bad["value"]) == ("bad", 10.0)
    twice = rows([(0.0, 5.0, "rear"), (7.0, 9.0, "rear"), (8.0, 10.0, "rear")]).loc["overlap"]
    assert twice["value"] == 1.0
    assert twice["where"] == "rear at 8.00 s: scored twice at once"


def test_stretches_that_nobody_scored_and_labels_past_the_end():
    scored = [(0.0, 10.0, "A"), (20.0, 40.0, "A"), (0.0, 40.0, "B")]
    row = rows([(1.0, 2.0, "rear", "A"), (1.0, 2.0, "rear", "B")], scored=scored).loc["not scored"]
    assert (row["value"], row["where"], row["verdict"]) == (25.0, "A, 10.00-20.00 s", "look")
    assert row["reason"] == "25 % of 40 s not scored, in one place"
    # What was recorded is 40 s of a clock that begins at 100 s and pauses for 30 s: neither is left out by anybody.
    one = recording([(101.0, 102.0, "rear")], scored=[(100.0, 115.0, ""), (160.0, 170.0, "")])
    clock = np.arange(1000) / FPS + 100.0 + 30.0 * (np.arange(1000) >= 500)
    paused = one.replace(poses=one.need("poses").assign_coords(time=clock))
    row = assess_quality(paused).set_index("check").loc["not scored"]
    assert row["value"] == pytest.approx(100 * 15 / 40)
    assert (row["where"], row["reason"]) == ("150.00-160.00 s", "37.5 % of 40 s not scored, in 2 places")
    late = rows([(1.0, 2.0, "rear"), (39.0, 41.5, "groom")], scored=[(0.0, 41.5, "")]).loc["label overhang"]
    assert (late["value"], late["where"], late["verdict"]) == (1.5, "groom at 39.00 s", "look")


def study_of(folder, *recordings):
    study = Study.create(folder)
    for one in recordings:
        study.add(one)
    return study


def test_names_over_recordings_and_raters(tmp_path):
    both = [(1.0, 3.0, "Freezing", "A"), (1.0, 3.0, "Freezing", "B"), (5.0, 6.0, "groom", "A")]
    study = study_of(
        tmp_path / "S",
        recording(both, "m1", poses=False),
        recording([*both, (8.0, 9.0, "jump", "A"), (8.0, 9.0, "jump", "B")], "m2", poses=False),
        recording([(1.0, 2.0, "freezing ", "A"), (4.0, 5.0, "groom", "A")], "m3", poses=False),
    )
    run = check_study(study)
    assert run.summary["recordings"] == 3, "recordings of labels alone are judged"
    quality = run.tables["quality"]
    named = quality[quality["check"] == "names of behaviours"].iloc[0]
    assert named["recording"] == "m3"
    assert "'Freezing' in m1, m2; 'freezing' in m3" in named["reason"].replace("'freezing '", "'freezing'")
    raters = quality[quality["check"] == "vocabulary of raters"].iloc[0]
    assert raters["where"] == "B"
    assert raters["reason"] == "B never scored 'groom', which A scored in 2 recordings that both watched"
    only = quality[quality["check"] == "behaviour of one recording"].iloc[0]
    assert (only["recording"], only["where"]) == ("m2", "jump")
    assert "one of 3 recordings (1 bout)" in only["reason"]
    assert set(run.tables["overview"]["check"]) >= {"names of behaviours", "vocabulary of raters"}
    assert run.summary["look"] == (quality["verdict"] == "look").sum()
    scored = run.tables["scored"].set_index(["recording", "rater", "label"])
    assert scored.loc[("m1", "A", "Freezing"), ["count", "total_s"]].tolist() == [1, 2.0]


def test_raters_of_different_streams_need_no_common_words():
    def inventory_of(*pairs):
        table = [("m1", rater, stream, label, 1, 1.0) for rater, stream, label in pairs]
        return pd.DataFrame(table, columns=["recording", *INVENTORY])

    apart = inventory_of(("A", "one", "groom"), ("B", "two", "sniff"))
    assert name_rows(apart) == []
    both = inventory_of(("A", "one", "groom"), ("B", "one", ""), ("B", "two", "groom"))
    (found,) = name_rows(both)
    assert found[1:3] == ("vocabulary of raters", "B")
    assert found[5] == "B never scored 'groom', which A scored in 1 recording that both watched (stream one)"
    bouts = pd.DataFrame({"start_s": 1.0, "stop_s": 2.0, "label": ["groom", "sniff"]})
    bouts = bouts.assign(rater=["A", "B"], stream=["one", "two"])
    table = inventory(Recording("m1", labels=Labels.from_bouts(bouts, duration_s=9.0)))
    assert table[["rater", "stream"]].values.tolist() == [["A", "one"], ["B", "two"]]


def test_groups_that_may_be_one_are_said(tmp_path):
    made = [recording([(1.0, 2.0, "rear")], f"m{k}", poses=False) for k in range(4)]
    groups = ("ctrl", "control", "drug", "Drug")
    study = study_of(tmp_path / "S", *(r.replace(group=g) for r, g in zip(made, groups, strict=True)))
    with pytest.warns(MuridWarning) as caught:
        check_study(study)
    said = " ".join(str(w.message) for w in caught)
    assert "'ctrl' and 'control' in column 'group' are both names of a control group and count as 2; write" in said
    assert "'drug', 'Drug' in column 'group' look alike and count as 2; write" in said
