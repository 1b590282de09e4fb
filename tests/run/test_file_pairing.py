from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murid.data.errors import DataError
from murid.data.warning import MuridWarning
from murid.run.file_pairing import id_of, pair_files, pairing_table, stem_of


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("1DLC_dlcrnetms5_DLC_ratJan24shuffle1_5000_el_filtered.csv.gz", "1"),
        ("AC_SOC2_12DLC_resnet50_social_behavior_allMay27shuffle1_250000.csv.gz", "AC_SOC2_12"),
        ("EPM_15DeepCut_resnet50_epmMay17shuffle1_1030000.csv.gz", "EPM_15"),
        ("mouse083_task1_annotator1_alt.csv.gz", "mouse083_task1_annotator1_alt"),
        ("m1_pose.csv", "m1"),
        ("m1.analysis.h5", "m1"),
        ("m1.predictions.slp", "m1"),
        ("2024-05-01 m1 (cage 3).csv", "2024-05-01_m1_cage_3"),
        ("poses.csv", "poses"),
        ("session_1.2.csv", "session_1.2"),
    ],
)
def test_recordings_are_named_after_their_film(name, id):
    assert id_of(Path(name)) == id


def test_stem_keeps_dots_that_are_no_ending():
    assert stem_of(Path("day1.5_m2.csv.gz")) == "day1.5_m2"


def names(*items):
    return [Path(n) for n in items]


def test_companions_go_to_the_longest_name_they_contain():
    pairs = pair_files(
        names("1DLC_resnet50_x.csv.gz", "11DLC_resnet50_x.csv.gz", "1_bDLC_resnet50_x.csv"),
        {"labels": names("11_annot.txt", "1_annot.txt", "1_b_annot.txt"), "video": names("1.mp4")},
    )
    assert {p.id: [f.name for f in p.companions["labels"]] for p in pairs} == {
        "1": ["1_annot.txt"],
        "11": ["11_annot.txt"],
        "1_b": ["1_b_annot.txt"],
    }
    table = pairing_table(pairs)
    assert table["video"].tolist() == ["1.mp4", "", ""]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30, unique=True), st.randoms())
def test_numbered_sessions_always_find_their_own(numbers, random):
    labels = names(*(f"{n}_annot.txt" for n in numbers))
    random.shuffle(labels)
    pairs = pair_files(names(*(f"{n}DLC_resnet50_y_filtered.csv" for n in numbers)), {"labels": labels})
    assert all(p.companions["labels"] == [Path(f"{p.id}_annot.txt")] for p in pairs)


def test_everything_unclear_is_listed_at_once_with_candidates():
    with pytest.raises(DataError) as error:
        pair_files(
            names("m1_day1.csv", "m1_day2.csv", "m7.csv"),
            {"labels": names("m1_annot.csv", "m9_annot.csv", "m7_rater_a.csv", "m7_rater_b.csv")},
        )
    text = str(error.value)
    assert "m1_annot.csv: labels file fits 2 recordings; got m1_day1, m1_day2" in text
    assert "m9_annot.csv: labels file fits no recording" in text
    assert "2 labels files fit recording 'm7'" in text
    assert "--raters" in text


def test_label_files_that_look_like_raters_are_said():
    files = names("OFT_1_anna.csv", "OFT_1_ben.csv", "OFT_2_anna.csv", "OFT_2_ben.csv")
    with pytest.warns(MuridWarning, match=r"4 label files look like 2 raters \(anna, ben\) of 2 recordings.*--raters"):
        assert len(pair_files(files, kind="labels")) == 4
    pairs = pair_files(files, kind="labels", several_raters=True)
    assert pairing_table(pairs)["labels"].tolist() == ["OFT_1_anna.csv, OFT_1_ben.csv", "OFT_2_anna.csv, OFT_2_ben.csv"]
    assert list(pairing_table(pairs)) == ["id", "labels"]
    # Days are no raters, and neither is what only one film has.
    for others in (("m1_day1", "m1_day2", "m2_day1", "m2_day2"), ("m1_a", "m1_b", "m2_a")):
        assert len(pair_files(names(*(f"{n}.csv" for n in others)), kind="labels")) == len(others)


def test_several_raters_are_allowed_when_said():
    pair = pair_files(names("m7.csv"), {"labels": names("m7_b.csv", "m7_a.csv")}, several_raters=True)[0]
    assert [p.name for p in pair.companions["labels"]] == ["m7_a.csv", "m7_b.csv"]


def test_one_zones_file_serves_all():
    pairs = pair_files(names("m1.csv", "m2.csv"), {"zones": names("arena.json")})
    assert all(p.companions["zones"] == [Path("arena.json")] for p in pairs)


def test_same_name_twice_is_refused():
    with pytest.raises(DataError, match="2 poses files would be named 'm1'"):
        pair_files(names("a/m1.csv", "b/m1.csv"))


def test_sheet_gives_keys_by_id_or_by_words():
    sheet = pd.DataFrame({"file": ["m1", "m2.csv"], "animal": ["A", "B"], "dose": ["0", "3"]})
    pairs = pair_files(names("m1_pose.csv", "m2.csv"), sheet=sheet)
    assert [p.keys for p in pairs] == [{"animal": "A", "dose": "0"}, {"animal": "B", "dose": "3"}]


def test_sheet_without_a_row_for_a_recording_is_refused():
    with pytest.raises(DataError, match="'m2' has no row"):
        pair_files(names("m1.csv", "m2.csv"), sheet=pd.DataFrame({"id": ["m1"], "group": ["x"]}))
    with pytest.raises(DataError, match="which recording"):
        pair_files(names("m1.csv"), sheet=pd.DataFrame({"group": ["x"]}))


@pytest.mark.realdata
def test_rat_social_pairs_all_48(data_dir):
    root = data_dir / "rat_social"
    pairs = pair_files(
        sorted((root / "poses").glob("*.csv.gz")), {"labels": sorted((root / "annotations").glob("*.txt"))}
    )
    assert len(pairs) == 48
    assert all(p.companions["labels"][0].name == f"{p.id}_annot.txt" for p in pairs)


def test_traces_name_the_recordings_where_there_are_no_poses(tmp_path):
    import numpy as np
    import pandas as pd

    from murid.data.study import Study
    from murid.run import add_files

    for name in ("m1", "m2"):
        time = np.arange(200) / 10
        table = pd.DataFrame({"time_s": time, "dff": np.sin(time), "rest": (time > 5).astype(int)})
        table.to_csv(tmp_path / f"{name}_photometry.csv", index=False)
    files = sorted(tmp_path.glob("*.csv"))
    study = Study.create(tmp_path / "s")
    options = {"traces": {"units": ["dff"]}, "labels": {"source": "onehot", "behaviours": ["rest"]}}
    added = add_files(study, traces=files, labels=files, options=options)
    assert added.ids == ["m1", "m2"]
    assert study["m1"].traces.sizes["unit"] == 1
    assert study["m1"].labels.behaviours == ["rest"]


def test_without_poses_and_traces_the_spikes_else_the_labels_name_the_recordings(tmp_path):
    from murid.data.study import Study
    from murid.run import add_files

    (tmp_path / "m3_spikes.csv").write_text("unit,time_s\nu1,1\nu1,2\n")
    (tmp_path / "m3_bouts.csv").write_text("start_s,stop_s,label\n1,2,rear\n")
    (tmp_path / "m4_bouts.csv").write_text("start_s,stop_s,label\n1,2,rear\n")
    spikes, labels, alone = (tmp_path / name for name in ("m3_spikes.csv", "m3_bouts.csv", "m4_bouts.csv"))
    study = Study.create(tmp_path / "s")
    assert add_files(study, spikes=spikes, labels=labels, options={"spikes": {"stop_s": 3}}).ids == ["m3"]
    assert study["m3"].labels.behaviours == ["rear"]
    assert add_files(study, labels=alone).ids == ["m4_bouts"]


def test_names_in_any_script_find_their_own():
    pairs = pair_files(
        names("Мышь1.csv", "Крыса1.csv", "Jürgen_pose.csv"),
        {"labels": names("крыса1_annot.txt", "Ju\u0308rgen_annot.txt")},
    )
    found = {p.id: [f.name for f in p.companions.get("labels", [])] for p in pairs}
    assert found == {"Jürgen": ["Ju\u0308rgen_annot.txt"], "Крыса1": ["крыса1_annot.txt"], "Мышь1": []}


def test_labels_of_another_animal_in_another_script_are_refused():
    with pytest.raises(DataError, match=r"Крыса1_annot\.txt: labels file fits no recording"):
        pair_files(names("Мышь1.csv", "Мышь2.csv"), {"labels": names("Крыса1_annot.txt")})


def test_files_that_differ_in_case_only_are_refused():
    with pytest.raises(DataError, match="2 poses files would be named 'M1'"):
        pair_files(names("M1.csv", "m1.csv"))


def test_a_sheet_of_animals_serves_all_their_recordings():
    sheet = pd.DataFrame({"animal": ["m1", "m2"], "group": ["ctrl", "drug"]})
    pairs = pair_files(names("m1_day1.csv", "m1_day2.csv", "m2_day1.csv"), sheet=sheet)
    assert [p.keys["group"] for p in pairs] == ["ctrl", "ctrl", "drug"]
    assert [p.keys["animal"] for p in pairs] == ["m1", "m1", "m2"]


def test_a_number_in_the_sheet_without_its_zeros():
    pairs = pair_files(names("01.csv", "10.csv"), sheet=pd.DataFrame({"id": ["1", "10"], "group": ["a", "b"]}))
    assert [p.keys["group"] for p in pairs] == ["a", "b"]
