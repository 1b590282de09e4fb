"""Adding again: what is not given stays, edits are never overwritten silently, strays are listed."""

import numpy as np
import pandas as pd
import pytest
import run_work as work

import murid
from murid.cli.add import spread_patterns
from murid.data.errors import DataError
from murid.data.study import Study
from murid.data.video import write_video
from murid.run.add import add_files
from murid.run.check import check_study


@pytest.fixture
def files(tmp_path):
    """Pose files and labels of m0 … m2, and a sheet."""
    (tmp_path / "poses").mkdir()
    (tmp_path / "labels").mkdir()
    for k in range(3):
        write_poses(tmp_path, k)
        pd.DataFrame({"start_s": [0.5, 1.5], "stop_s": [1.0, 2.0], "label": ["rear", "groom"]}).to_csv(
            tmp_path / "labels" / f"m{k}.csv", index=False
        )
    sheet = {"id": ["m0", "m1", "m2"], "animal": ["a0", "a1", "a2"], "group": ["ctrl", "ctrl", "drug"]}
    pd.DataFrame(sheet).to_csv(tmp_path / "sheet.csv", index=False)
    return tmp_path


def write_poses(folder, k, shift=0.0):
    xy = work.small_poses(k)["position"].values[:, :, :, 0] + shift
    head = "scorer,D,D,D,D,D,D\nbodyparts,nose,nose,nose,tail_base,tail_base,tail_base\n"
    head += "coords,x,y,likelihood,x,y,likelihood\n"
    rows = "".join(f"{i},{p[0, 0]:.2f},{p[1, 0]:.2f},0.99,{p[0, 1]:.2f},{p[1, 1]:.2f},0.98\n" for i, p in enumerate(xy))
    (folder / "poses" / f"m{k}DLC_resnet50_x.csv").write_text(head + rows)


def add(files, **options):
    study = Study(files / "S") if (files / "S").exists() else Study.create(files / "S")
    all_of = dict(labels=files / "labels", sheet=files / "sheet.csv", fps=20)
    return study, add_files(study, files / "poses", **{**all_of, **options})


def edit_labels(study, recording_id):
    journal = next((study.folder / "data" / recording_id / "labels").glob("*.jsonl"))
    lines = journal.read_text().splitlines()
    bout = next(line for line in lines if '"op": "add"' in line)
    journal.write_text("\n".join([*lines, bout.replace("0.5", "2.2").replace("1.0", "2.6")]) + "\n")


def test_replace_keeps_labels_group_animal_and_place_that_are_not_given_again(files):
    study, _ = add(files)
    edit_labels(study, "m1")
    write_poses(files, 1, shift=3.0)
    old = study["m1"].poses["position"].values.copy()
    done = add_files(study, files / "poses" / "m1DLC_resnet50_x.csv", fps=20, replace=True)
    assert done.table["state"].tolist() == ["replaced"]
    assert study.ids == ["m0", "m1", "m2"]
    row = study.table.set_index("id").loc["m1"]
    assert (row["animal"], row["group"]) == ("a1", "ctrl")
    assert len(study["m1"].labels.bouts) == 3
    assert (study["m1"].poses["position"].values - old).mean() == pytest.approx(3.0, abs=0.01)


def test_labels_edited_in_the_study_are_overwritten_on_request_only(files):
    study, _ = add(files)
    edit_labels(study, "m1")
    for k in range(3):
        write_poses(files, k, shift=1.0)
    with pytest.raises(DataError, match=r"1 of 3 recordings were not added.*'m1'.*edited.*--overwrite-labels"):
        add(files, replace=True)
    assert len(study["m1"].labels.bouts) == 3
    assert len(study["m0"].labels.bouts) == 2
    add(files, replace=True, overwrite_labels=True)
    assert len(study["m1"].labels.bouts) == 2


def test_edited_labels_stay_edited_when_something_else_is_replaced(files):
    """Poses replaced in between: the labels are still not those of the file, and still not overwritten."""
    study, _ = add(files)
    edit_labels(study, "m1")
    write_poses(files, 1, shift=3.0)
    add_files(study, files / "poses" / "m1DLC_resnet50_x.csv", fps=20, replace=True)
    write_poses(files, 1, shift=4.0)
    with pytest.raises(DataError, match=r"'m1'.*edited.*--overwrite-labels"):
        add(files, replace=True)
    assert len(study["m1"].labels.bouts) == 3


def test_labels_saved_while_poses_are_replaced_are_not_lost(files, monkeypatch):
    """Whoever holds the journal open, or saves it before the folders are swapped, writes into the study."""
    study, _ = add(files)
    write_poses(files, 1, shift=3.0)
    real, journal = Study._check_taken, next((study.folder / "data" / "m1" / "labels").glob("*.jsonl"))
    bout = next(line for line in journal.read_text().splitlines() if '"op": "add"' in line)

    def saves(self, name, replace):
        real(self, name, replace)
        with journal.open("a") as handle:
            handle.write(bout.replace("0.5", "2.2").replace("1.0", "2.6") + "\n")

    with journal.open("a") as editor, monkeypatch.context() as patch:
        patch.setattr(Study, "_check_taken", saves)
        add_files(study, files / "poses" / "m1DLC_resnet50_x.csv", fps=20, replace=True)
        editor.write(bout.replace("0.5", "2.7").replace("1.0", "2.9") + "\n")
    starts = sorted(study["m1"].labels.bouts["start_s"])
    assert starts == [0.5, 1.5, 2.2, 2.2, 2.7]  # the study looked twice, so it was saved twice


def test_the_same_files_by_another_path_are_unchanged(files, monkeypatch):
    add(files)
    monkeypatch.chdir(files)
    study = Study(files / "S")
    again = add_files(study, "poses", labels="labels", sheet="sheet.csv", fps=20)
    assert set(again.table["state"]) == {"unchanged"}


def test_a_film_that_was_replaced_under_its_name_is_seen(tmp_path):
    from murid.run.keys import film_digest

    film = tmp_path / "a.mp4"
    film.write_bytes(b"first")
    first = film_digest(film)
    other = tmp_path / "b.mp4"
    other.write_bytes(b"first")
    assert film_digest(other) == first
    film.write_bytes(b"other")
    assert film_digest(film) != first


def write_film(path, fps):
    return write_video(path, (np.full((16, 16), 4 * k, np.uint8) for k in range(60)), fps)


def test_a_film_of_another_rate_under_the_same_name_is_refused_until_it_replaces(tmp_path):
    (tmp_path / "poses").mkdir()
    write_poses(tmp_path, 0)
    write_film(tmp_path / "m0.mp4", 25)
    study = Study.create(tmp_path / "S")
    add_files(study, tmp_path / "poses", video=tmp_path / "m0.mp4")
    write_film(tmp_path / "m0.mp4", 50)
    with pytest.raises(DataError, match=r"from other files or read in another way.*m0"):
        add_files(study, tmp_path / "poses", video=tmp_path / "m0.mp4")
    add_files(study, tmp_path / "poses", video=tmp_path / "m0.mp4", replace=True)
    assert study["m0"].poses.attrs["fps"] == 50


def test_one_stray_label_file_is_listed_and_refuses_nothing(files):
    (files / "labels" / "m9.csv").write_text("start_s,stop_s,label\n1.0,2.0,rear\n")
    (files / "sheet.csv").write_text((files / "sheet.csv").read_text() + "m7,a7,drug\n")
    study, added = add(files)
    assert study.ids == ["m0", "m1", "m2"]
    assert added.unused == [("labels", "m9.csv"), ("row of the sheet", "m7")]


@pytest.mark.parametrize(("then", "named"), [("0.0.9.dev3+g12", True), (murid.__version__, False)])
def test_recordings_read_by_another_release_are_named_by_check(files, then, named):
    """A reader mended since left them as they were, and nothing told which murid had read them."""
    study, _ = add(files)
    origin = study.folder / "data" / "m1" / "origin.json"
    origin.write_text(origin.read_text().replace(murid.__version__, then))
    warnings = check_study(study, ["m1"]).provenance["warnings"]
    assert any("read by murid 0.0.9" in w and "m1;" in w for w in warnings) == named


def test_labels_none_of_which_fit_are_still_an_error(files):
    for k in range(3):
        (files / "labels" / f"m{k}.csv").rename(files / "labels" / f"z{k}.csv")
    with pytest.raises(DataError, match="labels file fits no recording"):
        add(files)


def test_labels_longer_than_the_film_are_cut_on_request(files):
    (files / "labels" / "m1.csv").write_text("start_s,stop_s,label\n1.0,2.0,rear\n2.5,20.0,groom\n15.0,18.0,rear\n")
    with pytest.raises(DataError, match="labels run past the end of the recording"):
        add(files)
    study, _ = add(files, cut_labels=True)
    bouts = study["m1"].labels.bouts
    assert bouts["stop_s"].tolist() == pytest.approx([2.0, 3.0])
    assert study["m1"].labels.scored["stop_s"].max() == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (
            "S --traces a/1.csv a/2.csv --labels b/1.csv b/2.csv",
            "S --traces a/1.csv --traces a/2.csv --labels b/1.csv --labels b/2.csv",
        ),
        ("S --labels labels poses/1.csv poses/2.csv", "S --labels labels poses/1.csv poses/2.csv"),
        ("S --labels b/1.csv poses/1.csv poses/2.csv", "S --labels b/1.csv poses/1.csv poses/2.csv"),
        (
            "S a/1.h5 a/2.h5 --fps 25 --labels b/1.csv b/2.csv",
            "S a/1.h5 a/2.h5 --fps 25 --labels b/1.csv --labels b/2.csv",
        ),
        ("S --video v/1.mp4 v/2.mp4 --raters", "S --video v/1.mp4 --video v/2.mp4 --raters"),
    ],
)
def test_every_file_of_a_pattern_belongs_to_the_option_before_it(given, read):
    assert spread_patterns(given.split()) == read.split()


def test_poses_and_labels_in_one_folder_are_told_apart_by_content(files):
    for path in (files / "labels").iterdir():
        path.rename(files / "poses" / path.name)
    _, done = add(files, labels=files / "poses")
    assert done.table["poses"].tolist() == [f"m{k}DLC_resnet50_x.csv" for k in range(3)]
    assert done.table["labels"].tolist() == [f"m{k}.csv" for k in range(3)]
    assert done.other_kind == []


def test_files_of_another_kind_in_a_folder_of_poses_are_left_out_and_named(files):
    for path in (files / "labels").iterdir():
        path.rename(files / "poses" / path.name)
    (files / "poses" / "m0.mp4").write_bytes(b"film")
    _, done = add(files, labels=())
    assert done.ids == ["m0", "m1", "m2"]
    assert [name for name, _ in done.other_kind] == ["m0.csv", "m0.mp4", "m1.csv", "m2.csv"]


def test_a_table_of_many_recordings_finds_the_poses_by_the_pose_file_it_names(files):
    rows = [("OFT_1", "m0", 0.5, "rear"), ("OFT_2", "m1", 1.0, "groom"), ("OFT_3", "m9", 1.0, "groom")]
    table = pd.DataFrame(rows, columns=["ID", "DLCFile", "from", "type"]).assign(to=2.0)
    table["DLCFile"] += "DLC_resnet50_x.csv"
    table.to_csv(files / "all.csv", index=False)
    study, done = add(files, labels=files / "all.csv")
    assert [list(study[f"m{k}"].labels.bouts["label"]) for k in (0, 1)] == [["rear"], ["groom"]]
    assert not study["m2"].has("labels")
    assert done.unused == [("labels", "all.csv: OFT_3")]


def test_the_same_fault_of_many_files_is_written_once(files):
    for k in range(3, 5):
        write_poses(files, k)
    for path in (files / "poses").iterdir():
        path.write_text(path.read_text().replace(",0.99,", ",high,"))
    with pytest.raises(DataError) as error:
        add(files, labels=(), sheet=None)
    assert "5 places" in str(error.value)  # the same lines of five files
    assert str(error.value).count("text in a number cell") == 1
    with pytest.raises(DataError, match=r"5 places \(.*m0DLC.*\): not recognised as spikes") as error:
        add_files(Study(files / "S"), spikes=sorted((files / "poses").iterdir()))
    assert str(error.value).count("not recognised") == 1
